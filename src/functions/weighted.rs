//! Percentiles of values that have weights, in SQL: `weighted_percentile(value, weight, share)`.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array, ListArray,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef, Int64Type,
};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use super::groups::{constant, emitted, passes};
use super::kernels::weighted::{Gathered, SHARE_PLACES, Share, Unweighable, Weighted, percentile};
use super::refused;

const NAME: &str = "weighted_percentile";

/// `weighted_percentile(value, weight, share)`: the least value up to which at least `share` of the
/// group's weight lies. Null for a group without weight.
pub(super) fn weighted_percentile() -> AggregateUDF {
    AggregateUDF::from(WeightedPercentile {
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct WeightedPercentile {
    signature: Signature,
}

fn no(why: Unweighable) -> datafusion::common::DataFusionError {
    refused(NAME, why)
}

/// The type of a weight: decimals as they are, whole numbers whole, floats to nine places.
fn weight_type(given: &DataType) -> Option<DataType> {
    let places = match given {
        DataType::Decimal32(_, s) | DataType::Decimal64(_, s) | DataType::Decimal128(_, s) => *s,
        whole if whole.is_integer() || whole.is_null() => 0,
        float if float.is_floating() => SHARE_PLACES,
        _ => return None,
    };
    Some(DataType::Decimal128(DECIMAL128_MAX_PRECISION, places))
}

/// The share that the third argument is; `None` for null.
fn share(args: &AccumulatorArgs<'_>) -> Result<Option<Share>> {
    match constant(args, 2) {
        Some(ScalarValue::Decimal128(parts, ..)) => parts.map(Share::new).transpose().map_err(no),
        _ => Err(no(Unweighable::Share)),
    }
}

fn item(of: DataType) -> FieldRef {
    Arc::new(Field::new_list_field(of, true))
}

/// Weights of a state are whole numbers of their smallest unit.
const UNITS: DataType = DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0);

impl AggregateUDFImpl for WeightedPercentile {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [value, weight, share] = given else {
            return plan_err!("{NAME} takes a value, a weight and a share");
        };
        let weight = weight_type(weight);
        let (true, Some(weight), true) = (
            value.is_integer() || value.is_null(),
            weight,
            share.is_numeric() || share.is_null(),
        ) else {
            return plan_err!("{NAME} takes a whole number, a weight and a share from 0 to 1");
        };
        let share = DataType::Decimal128(DECIMAL128_MAX_PRECISION, SHARE_PLACES);
        Ok(vec![DataType::Int64, weight, share])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let list = |what: &str, of: DataType| -> FieldRef {
            let name = format!("{}[{what}]", args.name);
            Arc::new(Field::new(name, DataType::List(item(of)), true))
        };
        Ok(vec![
            list("values", DataType::Int64),
            list("weights", UNITS),
        ])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            // Two people may wait as long, and are two.
            return Err(refused(NAME, "takes every row: leave DISTINCT out"));
        }
        Ok(Box::new(OneGroup {
            share: share(&args)?,
            rows: Vec::new(),
        }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups::of(share(&args)?)))
    }
}

/// The wanted rows that have a value and a weight above 0, each with its place.
fn rows_of(
    values: &[ArrayRef],
    wanted: impl Fn(usize) -> bool,
) -> Result<impl Iterator<Item = Result<(usize, Weighted)>>> {
    let [value, weight, ..] = values else {
        return exec_err!("{NAME} takes a value, a weight and a share");
    };
    let (Some(value), Some(weight)) = (
        value.as_primitive_opt::<Int64Type>(),
        weight.as_primitive_opt::<Decimal128Type>(),
    ) else {
        return exec_err!("{NAME} was called with other types");
    };
    let rows = value.iter().zip(weight).enumerate();
    let rows = rows.filter(move |(row, _)| wanted(*row));
    Ok(rows.filter_map(|(row, (value, weight))| match weight? {
        below if below < 0 => Some(Err(no(Unweighable::Negative))),
        0 => None,
        weight => Some(Ok((row, (value?, weight)))),
    }))
}

/// The rows in a state, each with the place of its group.
fn rows_of_lists(states: &[ArrayRef]) -> Result<impl Iterator<Item = (usize, Weighted)>> {
    let lists = |at: usize| states.get(at).and_then(|s| s.as_list_opt::<i32>());
    let (Some(values), Some(weights)) = (lists(0), lists(1)) else {
        return exec_err!("{NAME} was merged with another state");
    };
    let value = values.values().as_primitive::<Int64Type>();
    let weight = weights.values().as_primitive::<Decimal128Type>();
    let places = |list: &ListArray, row: usize| {
        let ends = list.value_offsets();
        ends[row] as usize..ends[row + 1] as usize
    };
    Ok((0..values.len()).flat_map(move |row| {
        // The two are cut alike, but need not begin at the same place.
        let both = places(values, row).zip(places(weights, row));
        both.map(move |(v, w)| (row, (value.value(v), weight.value(w))))
    }))
}

/// Two lists for each group: its values and their weights, a list between each two `ends`.
fn lists(ends: Vec<usize>, rows: Vec<Weighted>) -> [ListArray; 2] {
    let lengths = ends.windows(2).map(|ends| ends[1] - ends[0]);
    let offsets = OffsetBuffer::<i32>::from_lengths(lengths);
    let values: Int64Array = rows.iter().map(|(value, _)| *value).collect();
    let weights: Decimal128Array = rows.iter().map(|(_, weight)| *weight).collect();
    let weights = weights.with_data_type(UNITS);
    [
        ListArray::new(
            item(DataType::Int64),
            offsets.clone(),
            Arc::new(values),
            None,
        ),
        ListArray::new(item(UNITS), offsets, Arc::new(weights), None),
    ]
}

/// The rows of one group.
#[derive(Debug)]
struct OneGroup {
    share: Option<Share>,
    /// A row that a window has left behind is there a second time, with its weight below 0.
    rows: Vec<Weighted>,
}

impl OneGroup {
    /// Makes one row of all that have the same value, and none of those that weigh nothing.
    fn settle(&mut self) -> Result<()> {
        self.rows.sort_unstable_by_key(|(value, _)| *value);
        let mut settled: Vec<Weighted> = Vec::with_capacity(self.rows.len());
        for (value, weight) in self.rows.drain(..) {
            match settled.last_mut().filter(|(last, _)| *last == value) {
                None => settled.push((value, weight)),
                Some((_, sum)) => {
                    let more = sum.checked_add(weight);
                    *sum = more.ok_or_else(|| no(Unweighable::TooMuch))?;
                }
            }
        }
        settled.retain(|(_, weight)| *weight != 0);
        self.rows = settled;
        Ok(())
    }
}

impl Accumulator for OneGroup {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for row in rows_of(values, |_| true)? {
            self.rows.push(row?.1);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for row in rows_of(values, |_| true)? {
            let (_, (value, weight)) = row?;
            self.rows.push((value, -weight));
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.rows.extend(rows_of_lists(states)?.map(|(_, row)| row));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.settle()?;
        let found = self.share.map(|share| percentile(&mut self.rows, share));
        Ok(ScalarValue::Int64(found.transpose().map_err(no)?.flatten()))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let rows = std::mem::take(&mut self.rows);
        let lists = lists(vec![0, rows.len()], rows);
        Ok(lists.map(|list| ScalarValue::List(Arc::new(list))).into())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.rows.capacity() * size_of::<Weighted>()
    }
}

/// The rows of many groups.
#[derive(Debug)]
struct Groups {
    share: Option<Share>,
    gathered: Gathered,
    groups: usize,
}

impl Groups {
    fn of(share: Option<Share>) -> Self {
        Self {
            share,
            gathered: Gathered::default(),
            groups: 0,
        }
    }

    fn take(&mut self, emit_to: EmitTo) -> (Vec<usize>, Vec<Weighted>) {
        self.gathered.take(emitted(&mut self.groups, emit_to))
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups = total_num_groups;
        let wanted = |row: usize| passes(opt_filter, row);
        for row in rows_of(values, wanted)? {
            let (at, row) = row?;
            self.gathered.add(group_indices[at], row);
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups = total_num_groups;
        for (at, row) in rows_of_lists(values)? {
            self.gathered.add(group_indices[at], row);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (ends, mut rows) = self.take(emit_to);
        let Some(share) = self.share else {
            return Ok(Arc::new(Int64Array::new_null(ends.len() - 1)));
        };
        let found: Int64Array = ends
            .windows(2)
            .map(|ends| percentile(&mut rows[ends[0]..ends[1]], share).map_err(no))
            .collect::<Result<_>>()?;
        Ok(Arc::new(found))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (ends, rows) = self.take(emit_to);
        Ok(lists(ends, rows)
            .map(|list| Arc::new(list) as ArrayRef)
            .into())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        // Each row is a group of its own.
        let rows = values.first().map_or(0, |values| values.len());
        let mut groups = Self::of(self.share);
        let own: Vec<usize> = (0..rows).collect();
        groups.update_batch(values, &own, opt_filter, rows)?;
        groups.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.gathered.size()
    }
}

#[cfg(test)]
#[path = "weighted_tests.rs"]
mod tests;
