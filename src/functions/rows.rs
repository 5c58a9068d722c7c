//! Aggregates that keep their rows, and work on them when all are there.
//!
//! A sum of floats depends on its order, and the order of rows on how they were partitioned. So
//! the state is the rows themselves, as numbers; at the end they are sorted and worked on once:
//! bit for bit the same, however they came.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::Accumulator;

use super::kernels::limits::Impossible;
use super::refused;

/// The numbers of one row, data first, parameters after.
pub(super) type Row = Vec<Option<f64>>;

/// What was found: a number for each field, or nothing at all.
pub(super) type Found = std::result::Result<Option<Row>, Impossible>;

/// What an aggregate finds in the rows of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// Its name in SQL.
    pub name: &'static str,
    /// How many of its arguments are data. A row with none of them is no row.
    pub data: usize,
    /// The fields of its struct.
    pub fields: &'static [&'static str],
    /// Finds them, from rows that are sorted; `None` for a null of all.
    pub find: fn(&[Row]) -> Found,
    /// Reads a word among the arguments as a number.
    pub word: fn(&str) -> Option<f64>,
    /// What to say of a word that is not known.
    pub words: &'static str,
}

impl Work {
    /// The type of its struct.
    pub(super) fn struct_type(&self) -> DataType {
        DataType::Struct(self.struct_fields())
    }

    fn struct_fields(&self) -> Fields {
        self.fields
            .iter()
            .map(|name| Field::new(*name, DataType::Float64, true))
            .collect()
    }

    /// The state: all rows, one after the other.
    pub(super) fn state_field(&self, name: &str) -> FieldRef {
        let item = Field::new_list_field(DataType::Float64, true);
        let state = format!("{name}[rows]");
        Arc::new(Field::new(state, DataType::List(Arc::new(item)), true))
    }
}

/// The rows of a group.
#[derive(Debug)]
pub(super) struct Rows {
    work: Work,
    width: usize,
    /// Row by row.
    kept: Vec<Option<f64>>,
}

impl Rows {
    pub(super) fn new(work: Work, width: usize) -> Self {
        Self {
            work,
            width,
            kept: Vec::new(),
        }
    }

    fn column(&self, array: &ArrayRef) -> Result<Row> {
        if let Some(numbers) = array.as_primitive_opt::<Float64Type>() {
            return Ok(numbers.iter().collect());
        }
        if let Some(flags) = array.as_boolean_opt() {
            let number = |flag: bool| f64::from(u8::from(flag));
            return Ok(flags.iter().map(|flag| flag.map(number)).collect());
        }
        let Some(words) = array.as_string_opt::<i32>() else {
            return exec_err!("{} was called with other types", self.work.name);
        };
        words
            .iter()
            .map(|word| match word {
                None => Ok(None),
                Some(word) => (self.work.word)(word)
                    .map(Some)
                    .ok_or_else(|| refused(self.work.name, self.work.words)),
            })
            .collect()
    }
}

fn compared(a: &Row, b: &Row) -> Ordering {
    let each = a.iter().zip(b).map(|(a, b)| match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    });
    each.fold(Ordering::Equal, Ordering::then)
}

impl Accumulator for Rows {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let columns: Vec<Row> = values
            .iter()
            .map(|v| self.column(v))
            .collect::<Result<_>>()?;
        let rows = columns.first().map_or(0, Vec::len);
        self.kept.reserve(rows * self.width);
        for row in 0..rows {
            if columns
                .iter()
                .take(self.work.data)
                .all(|c| c[row].is_none())
            {
                continue;
            }
            self.kept.extend(columns.iter().map(|column| column[row]));
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states.first().and_then(|s| s.as_list_opt::<i32>());
        let Some(lists) = lists else {
            return exec_err!("{} was merged with another state", self.work.name);
        };
        for list in lists.iter().flatten() {
            self.kept.extend(self.column(&list)?);
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let rows = Float64Array::from(std::mem::take(&mut self.kept));
        let list = SingleRowListArrayBuilder::new(Arc::new(rows)).build_list_scalar();
        Ok(vec![list])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut rows: Vec<Row> = self.kept.chunks(self.width).map(<[_]>::to_vec).collect();
        rows.sort_by(compared);
        let found = if rows.is_empty() {
            None
        } else {
            (self.work.find)(&rows).map_err(|why| refused(self.work.name, why))?
        };
        let Some(found) = found else {
            return ScalarValue::try_from(&self.work.struct_type());
        };
        let columns = found
            .into_iter()
            .map(|value| Arc::new(Float64Array::from(vec![value])) as ArrayRef)
            .collect();
        let fields = self.work.struct_fields();
        Ok(ScalarValue::Struct(Arc::new(StructArray::try_new(
            fields, columns, None,
        )?)))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.kept.capacity() * size_of::<Option<f64>>()
    }
}

/// The value of a parameter, which is the same in every row; `default` where it is null or left
/// out.
pub(super) fn parameter(
    rows: &[Row],
    at: usize,
    name: &'static str,
    default: f64,
) -> std::result::Result<f64, Impossible> {
    let given = |row: &Row| row.get(at).copied().flatten();
    let first = rows.first().and_then(given);
    if rows.iter().any(|row| given(row) != first) {
        return Err(Impossible::Changing(name));
    }
    Ok(first.unwrap_or(default))
}
