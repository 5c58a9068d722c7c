//! A mart's rows as disclosure control reads them: exact counts by column, keys by row.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, SchemaRef};
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::arrow::util::display::array_value_to_string;

use crate::compile::disclosure::is_count;
use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::spec::Mart;
use crate::store::parquet::cast;

use super::rules::{PERSON, Tenths};

/// Exact counts, and what tells rows apart.
#[derive(Debug)]
pub struct Table {
    /// All rows, in the order of the grain.
    pub rows: RecordBatch,
    /// The columns that count people.
    pub counts: Vec<Counts>,
    /// Rows that everybody has already.
    pub exempt: Vec<bool>,
}

/// A column that counts people.
#[derive(Debug)]
pub struct Counts {
    /// Its name.
    pub name: String,
    /// Its place in the contract.
    pub index: usize,
    /// Its values.
    pub values: Vec<Option<Tenths>>,
}

impl Table {
    /// Reads the rows of a mart.
    ///
    /// # Errors
    /// A count below nothing, which is none.
    pub fn read(spec: &Mart, contract: &SchemaRef, batches: &[RecordBatch]) -> Result<Self> {
        let rows = rows_of(batches, contract)?;
        let mut counts = Vec::new();
        for (index, column) in spec.columns.iter().enumerate() {
            if !is_count(spec, column) {
                continue;
            }
            let array = rows.column_by_name(&column.name);
            let array = array.ok_or_else(|| bug(format!("no column `{}`", *column.name)))?;
            let name = column.name.to_string();
            let values = tenths(array, &name)?;
            if values.iter().flatten().any(|v| *v < 0) {
                return Err(Diagnostic::error(
                    Code::Check,
                    format!("`{name}` has rows below 0, and counts people"),
                )
                .hint(format!(
                    "add the check `{name} >= 0` and mend the SQL; nothing was published"
                ))
                .into());
            }
            counts.push(Counts {
                name,
                index,
                values,
            });
        }
        let mut table = Self {
            exempt: vec![false; rows.num_rows()],
            rows,
            counts,
        };
        for (column, value) in spec.disclosure.exempt.iter() {
            let has = table.has(column, value)?;
            for (exempt, has) in table.exempt.iter_mut().zip(has) {
                *exempt |= has;
            }
        }
        Ok(table)
    }

    /// How many rows there are.
    pub fn height(&self) -> usize {
        self.exempt.len()
    }

    /// The count of that name.
    pub fn count(&self, name: &str) -> Option<usize> {
        self.counts.iter().position(|c| c.name == name)
    }

    /// The key of each row in these columns: equal keys, equal bytes.
    ///
    /// # Errors
    /// A fault of ours: a column that is not there.
    pub fn keys(&self, columns: &[&str]) -> Result<Vec<Box<[u8]>>> {
        keys(&self.rows, columns)
    }

    /// In which rows a column has a value, as it is written.
    ///
    /// # Errors
    /// A fault of ours: a column that is not there.
    pub fn has(&self, column: &str, value: &str) -> Result<Vec<bool>> {
        let array = self.column(column)?;
        (0..self.height())
            .map(|row| Ok(array_value_to_string(array, row).map_err(bug)? == value))
            .collect()
    }

    fn column(&self, name: &str) -> Result<&ArrayRef> {
        let array = self.rows.column_by_name(name);
        array.ok_or_else(|| bug(format!("the candidate has no column `{name}`")))
    }
}

/// All rows in one batch, the columns of a schema found by name and cast to its types.
///
/// # Errors
/// A fault of ours: a column that is not there.
pub fn rows_of(batches: &[RecordBatch], schema: &SchemaRef) -> Result<RecordBatch> {
    let cast_batch = |batch: &RecordBatch| {
        let columns = schema.fields().iter().map(|field| {
            let name = field.name();
            let array = batch.column_by_name(name);
            let array = array.ok_or_else(|| bug(format!("no column `{name}`")))?;
            cast(array, field.data_type(), name)
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        RecordBatch::try_new(Arc::clone(schema), columns).map_err(bug)
    };
    let batches = batches.iter().map(cast_batch).collect::<Result<Vec<_>>>()?;
    concat_batches(schema, &batches).map_err(bug)
}

/// The key of each row in these columns: equal keys, equal bytes.
///
/// # Errors
/// A fault of ours: a column that is not there.
pub fn keys(rows: &RecordBatch, columns: &[&str]) -> Result<Vec<Box<[u8]>>> {
    if columns.is_empty() {
        return Ok(vec![Box::default(); rows.num_rows()]);
    }
    let column = |name: &&str| {
        let array = rows.column_by_name(name).cloned();
        array.ok_or_else(|| bug(format!("no column `{name}`")))
    };
    let arrays = columns.iter().map(column).collect::<Result<Vec<_>>>()?;
    let fields = arrays.iter().map(|a| SortField::new(a.data_type().clone()));
    let converter = RowConverter::new(fields.collect()).map_err(bug)?;
    let rows = converter.convert_columns(&arrays).map_err(bug)?;
    Ok(rows.iter().map(|row| row.data().into()).collect())
}

/// A column of counts as tenths of a person.
///
/// # Errors
/// A number that does not fit.
pub fn tenths(array: &ArrayRef, name: &str) -> Result<Vec<Option<Tenths>>> {
    let array = cast(array, &DataType::Decimal128(18, 1), name)?;
    let values = array.as_primitive::<Decimal128Type>();
    Ok(values
        .iter()
        .map(|v| v.and_then(|v| v.try_into().ok()))
        .collect())
}

/// What a column of counts goes by: whole people, unless a half stands among these.
pub fn step(values: impl Iterator<Item = Tenths>) -> Tenths {
    let mut step = PERSON;
    for value in values {
        while value % step != 0 {
            step = if step == PERSON { PERSON / 2 } else { 1 };
        }
    }
    step
}

fn bug(error: impl std::fmt::Display) -> Diagnostics {
    Diagnostic::bug(format!("disclosure control: {error}")).into()
}
