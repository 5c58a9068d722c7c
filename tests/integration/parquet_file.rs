//! Parquet as any reader would read it: text of each value, by column, without martlet's help.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use arrow::util::display::array_value_to_string;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// A file's rows as text.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The columns, in the file's order.
    pub columns: Vec<String>,
    /// Their Arrow types.
    pub types: Vec<DataType>,
    /// The rows; nothing for null.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Table {
    /// Reads a file.
    pub fn read(path: &Path) -> Self {
        let file = File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        let schema: Schema = builder.schema().as_ref().clone();
        let batches: Vec<RecordBatch> = builder
            .build()
            .expect("reads")
            .map(|b| b.expect("a batch"))
            .collect();
        let columns = schema.fields().iter().map(|f| f.name().clone()).collect();
        let types = schema
            .fields()
            .iter()
            .map(|f| f.data_type().clone())
            .collect();
        let rows = batches
            .iter()
            .flat_map(|b| (0..b.num_rows()).map(move |row| texts(b, row)))
            .collect();
        Self {
            columns,
            types,
            rows,
        }
    }

    /// The place of a column.
    pub fn index(&self, column: &str) -> usize {
        self.columns
            .iter()
            .position(|c| c == column)
            .unwrap_or_else(|| panic!("no `{column}` in {:?}", self.columns))
    }

    /// Rows of these columns only, null as an empty text.
    pub fn only(&self, columns: &[&str]) -> Vec<Vec<String>> {
        let places: Vec<usize> = columns.iter().map(|c| self.index(c)).collect();
        self.rows
            .iter()
            .map(|r| {
                places
                    .iter()
                    .map(|i| r[*i].clone().unwrap_or_default())
                    .collect()
            })
            .collect()
    }

    /// All values of a column, null as an empty text.
    pub fn column(&self, column: &str) -> Vec<String> {
        self.only(&[column])
            .into_iter()
            .map(|mut r| r.remove(0))
            .collect()
    }
}

fn texts(batch: &RecordBatch, row: usize) -> Vec<Option<String>> {
    batch
        .columns()
        .iter()
        .map(|c| {
            if c.is_null(row) {
                None
            } else if let Some(text) = c.as_string_opt::<i32>() {
                Some(text.value(row).to_owned())
            } else {
                Some(array_value_to_string(c, row).expect("a text"))
            }
        })
        .collect()
}
