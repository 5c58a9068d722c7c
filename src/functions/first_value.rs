//! `FIRST_VALUE(x ORDER BY …)` of many groups.
//!
//! The engine's keeps a list of values for each group to order it by, copies it whenever a row comes
//! first, and goes through all groups for each batch. Here a batch is kept as it came, its keys made
//! comparable once, and a group is the place of a row in it. What the function means, and all that is
//! done without groups, is the engine's.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, UInt32Array, new_empty_array, new_null_array,
};
use datafusion::arrow::compute::{interleave, take};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::arrow::row::{RowConverter, Rows, SortField};
use datafusion::common::{DataFusionError, Result};
use datafusion::functions_aggregate::first_last::first_value_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator,
    ReversedUDAF, Signature,
};

/// Rows that are kept before those that are nobody's first are let go.
const KEPT: usize = 1 << 15;

/// The engine's function, with groups of ours.
pub(super) fn first_value() -> AggregateUDF {
    let engine = first_value_udaf().as_ref().clone();
    AggregateUDF::new_from_impl(FirstValue { engine })
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct FirstValue {
    engine: AggregateUDF,
}

impl AggregateUDFImpl for FirstValue {
    fn name(&self) -> &str {
        self.engine.name()
    }

    fn signature(&self) -> &Signature {
        self.engine.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.engine.return_type(arguments)
    }

    fn return_field(&self, arguments: &[FieldRef]) -> Result<FieldRef> {
        self.engine.return_field(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.engine.accumulator(arguments)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.engine.state_fields(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        self.engine.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match Firsts::of(&arguments)? {
            Some(firsts) => Ok(Box::new(firsts)),
            None => self.engine.create_groups_accumulator(arguments),
        }
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial_ordering: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let engine = Arc::clone(self.engine.inner());
        let engine = engine.with_beneficial_ordering(beneficial_ordering)?;
        Ok(engine.map(|engine| {
            let engine = AggregateUDF::new_from_shared_impl(engine);
            Arc::new(Self { engine }) as Arc<dyn AggregateUDFImpl>
        }))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.engine.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.engine.reverse_udf()
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.engine.supports_null_handling_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.engine.documentation()
    }
}

/// Where the first row of each group is among those that are kept.
struct Firsts {
    kinds: Vec<DataType>,
    ignore_nulls: bool,
    converter: RowConverter,
    /// The batches that came: the value, then what it is ordered by.
    batches: Vec<Vec<ArrayRef>>,
    /// What rows of a batch are ordered by, as bytes that compare alike.
    keys: Vec<Rows>,
    /// The batch and the row of each group.
    first: Vec<Option<(usize, usize)>>,
}

impl Firsts {
    /// None where values are not in an order, or in one of kinds that have no bytes.
    fn of(arguments: &AccumulatorArgs) -> Result<Option<Self>> {
        let orders = arguments.order_bys;
        let mut kinds = vec![arguments.return_field.data_type().clone()];
        let mut fields = Vec::with_capacity(orders.len());
        for order in orders {
            let kind = order.expr.data_type(arguments.schema)?;
            fields.push(SortField::new_with_options(kind.clone(), order.options));
            kinds.push(kind);
        }
        if fields.is_empty() || !RowConverter::supports_fields(&fields) {
            return Ok(None);
        }
        Ok(Some(Self {
            kinds,
            ignore_nulls: arguments.ignore_nulls,
            converter: RowConverter::new(fields)?,
            batches: Vec::new(),
            keys: Vec::new(),
            first: Vec::new(),
        }))
    }

    /// Takes a batch: of two rows with the same key the earlier stays first.
    fn take(
        &mut self,
        columns: &[ArrayRef],
        groups: &[usize],
        counts: impl Fn(usize) -> bool,
        total: usize,
    ) -> Result<()> {
        self.first.resize(total, None);
        let columns = &columns[..self.kinds.len()];
        let keys = self.converter.convert_columns(&columns[1..])?;
        let batch = self.batches.len();
        for (row, group) in groups.iter().enumerate() {
            if !counts(row) || (self.ignore_nulls && columns[0].is_null(row)) {
                continue;
            }
            let key = keys.row(row);
            let comes_first = match self.first[*group] {
                None => true,
                Some((of, before)) if of == batch => key < keys.row(before),
                Some((of, before)) => key < self.keys[of].row(before),
            };
            if comes_first {
                self.first[*group] = Some((batch, row));
            }
        }
        self.batches.push(columns.to_vec());
        self.keys.push(keys);
        let kept: usize = self.keys.iter().map(Rows::num_rows).sum();
        if kept > KEPT + 2 * total {
            self.let_go()?;
        }
        Ok(())
    }

    /// Lets go of the rows that are nobody's first.
    fn let_go(&mut self) -> Result<()> {
        let first: Vec<(usize, usize)> = self.first.iter().flatten().copied().collect();
        let columns = 0..self.kinds.len();
        let columns = columns.map(|column| {
            let column = self.column(column, &first)?;
            Ok(match column.as_string_view_opt() {
                Some(texts) => Arc::new(texts.gc()),
                None => column,
            })
        });
        let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
        self.keys = vec![self.converter.convert_columns(&columns[1..])?];
        self.batches = vec![columns];
        let places = self.first.iter_mut().filter(|first| first.is_some());
        for (row, first) in places.enumerate() {
            *first = Some((0, row));
        }
        Ok(())
    }

    /// A column's values at these places.
    fn column(&self, column: usize, places: &[(usize, usize)]) -> Result<ArrayRef> {
        let batches: Vec<&dyn Array> = self.batches.iter().map(|b| b[column].as_ref()).collect();
        match batches.is_empty() {
            true => Ok(new_empty_array(&self.kinds[column])),
            false => Ok(interleave(&batches, places)?),
        }
    }

    /// The first so many groups, or all: columns of their rows, null for a group without one, and
    /// whether it has one.
    fn emit(&mut self, emit_to: EmitTo, columns: usize) -> Result<(Vec<ArrayRef>, BooleanArray)> {
        let groups = emit_to.take_needed(&mut self.first);
        let places: Vec<(usize, usize)> = groups.iter().flatten().copied().collect();
        let is_set: BooleanArray = groups.iter().map(|place| Some(place.is_some())).collect();
        // Nothing stands where a group has no row.
        let mut found = 0_u32..;
        let rows = groups.iter().map(|place| place.and_then(|_| found.next()));
        let rows: UInt32Array = rows.collect();
        let columns = (0..columns).map(|column| match places.is_empty() {
            true => Ok(new_null_array(&self.kinds[column], groups.len())),
            false => Ok(take(&self.column(column, &places)?, &rows, None)?),
        });
        let columns = columns.collect::<Result<_>>()?;
        if self.first.is_empty() {
            self.batches.clear();
            self.keys.clear();
        }
        Ok((columns, is_set))
    }
}

/// Bytes of a column's rows: a slice holds all that it was cut from, and so do its neighbours.
fn bytes_of(column: &ArrayRef) -> usize {
    match column.as_string_view_opt() {
        Some(texts) => size_of::<u128>() * texts.len() + texts.total_buffer_bytes_used(),
        None => column.to_data().get_slice_memory_size().unwrap_or_default(),
    }
}

impl GroupsAccumulator for Firsts {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let counts = |row| filter.is_none_or(|f| f.is_valid(row) && f.value(row));
        self.take(values, groups, counts, total)
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let is_set = states.last().and_then(|set| set.as_boolean_opt());
        let Some(is_set) = is_set else {
            return Err(DataFusionError::Internal(
                "a state without its end".to_owned(),
            ));
        };
        let counts = |row| is_set.is_valid(row) && is_set.value(row);
        self.take(states, groups, counts, total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (columns, _) = self.emit(emit_to, 1)?;
        Ok(Arc::clone(&columns[0]))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (mut columns, is_set) = self.emit(emit_to, self.kinds.len())?;
        columns.push(Arc::new(is_set));
        Ok(columns)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values[0].len();
        let mut columns = values.to_vec();
        columns.push(match filter {
            Some(filter) => Arc::new(filter.clone()),
            None => Arc::new(BooleanArray::from(vec![true; rows])),
        });
        Ok(columns)
    }

    fn size(&self) -> usize {
        let columns = self.batches.iter().flatten();
        let columns: usize = columns.map(bytes_of).sum();
        let keys: usize = self.keys.iter().map(Rows::size).sum();
        columns + keys + self.first.capacity() * size_of::<Option<(usize, usize)>>()
    }
}

#[cfg(test)]
#[path = "first_value_tests.rs"]
mod tests;
