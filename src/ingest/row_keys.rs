//! Rows held against rows: what stood in the file before, and what stands in other tables.
//!
//! Values are compared by 128 bits of BLAKE3 over their exact bytes. Two different values in a
//! billion billion would have to be looked at before two were likely to agree by chance, so the
//! comparison counts as exact; and a file of ten million keys takes some 400 MB, whatever is in them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use arrow::row::{RowConverter, SortField};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::compile::{SourceNode, TableName};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};

/// Turns the values of some columns into one key a row.
#[derive(Debug)]
pub(super) struct RowKeys {
    converter: RowConverter,
}

impl RowKeys {
    /// For columns of these types.
    ///
    /// # Errors
    /// When Arrow cannot order a type; every type of a contract can be.
    pub(super) fn new(kinds: impl IntoIterator<Item = DataType>) -> Result<Self> {
        let fields = kinds.into_iter().map(SortField::new).collect();
        RowConverter::new(fields)
            .map(|converter| Self { converter })
            .map_err(bug)
    }

    /// The keys of the rows; of a row with a null among its values there is none.
    pub(super) fn of(&self, columns: &[ArrayRef]) -> Result<Vec<Option<u128>>> {
        let rows = self.converter.convert_columns(columns).map_err(bug)?;
        Ok(rows
            .iter()
            .enumerate()
            .map(|(i, row)| {
                let whole = columns.iter().all(|c| c.is_valid(i));
                whole.then(|| digest(row.as_ref()))
            })
            .collect())
    }
}

fn digest(bytes: &[u8]) -> u128 {
    let mut kept = [0; 16];
    kept.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
    u128::from_le_bytes(kept)
}

/// A rule that no two rows of a file agree on some columns.
#[derive(Debug)]
pub(super) struct Unique {
    /// Its place among the file's rules.
    pub rule: usize,
    /// The columns, by their place among the staged ones.
    pub columns: Vec<usize>,
    keys: RowKeys,
}

impl Unique {
    /// For columns of a staged schema.
    ///
    /// # Errors
    /// When a column is not there.
    pub(super) fn new(rule: usize, names: &[&str], schema: &SchemaRef) -> Result<Self> {
        let columns = names
            .iter()
            .map(|name| schema.index_of(name).map_err(bug))
            .collect::<Result<Vec<usize>>>()?;
        let kinds = columns.iter().map(|i| schema.field(*i).data_type().clone());
        Ok(Self {
            rule,
            keys: RowKeys::new(kinds)?,
            columns,
        })
    }

    /// The keys of a batch's rows.
    pub(super) fn keys(&self, columns: &[ArrayRef]) -> Result<Vec<Option<u128>>> {
        let ours: Vec<ArrayRef> = self.columns.iter().map(|i| columns[*i].clone()).collect();
        self.keys.of(&ours)
    }
}

/// The rows of a file that stand, by key, with their lines.
#[derive(Debug, Default)]
pub(super) struct Standing(HashMap<u128, i64>);

impl Standing {
    /// The line on which the row with this key stands.
    pub(super) fn first(&self, key: u128) -> Option<i64> {
        self.0.get(&key).copied()
    }

    /// Notes where the first row with a key stands.
    pub(super) fn stands(&mut self, key: u128, line: i64) {
        self.0.entry(key).or_insert(line);
    }
}

/// A rule that a column's values stand in another table.
#[derive(Debug)]
pub(super) struct Known<'a> {
    /// The column, by its place among the staged ones.
    pub column: usize,
    keys: RowKeys,
    values: &'a HashSet<u128>,
}

impl<'a> Known<'a> {
    /// For a column of a staged schema.
    ///
    /// # Errors
    /// When the column is not there.
    pub(super) fn new(name: &str, values: &'a HashSet<u128>, schema: &SchemaRef) -> Result<Self> {
        let column = schema.index_of(name).map_err(bug)?;
        Ok(Self {
            keys: RowKeys::new([schema.field(column).data_type().clone()])?,
            column,
            values,
        })
    }

    /// The rows of a batch whose value is not there. Null passes.
    pub(super) fn unknown(&self, batch: &RecordBatch) -> Result<Vec<usize>> {
        let keys = self
            .keys
            .of(std::slice::from_ref(batch.column(self.column)))?;
        let unknown = |key: &Option<u128>| key.is_some_and(|k| !self.values.contains(&k));
        Ok((0..keys.len()).filter(|row| unknown(&keys[*row])).collect())
    }
}

/// The values of other tables that rows of a source must stand in.
#[derive(Debug, Default)]
pub struct Related {
    sets: BTreeMap<(TableName, String), HashSet<u128>>,
}

impl Related {
    /// Reads the columns that a source's rules name, each once. `files` gives the Parquet files
    /// that hold a table's rows.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(node: &SourceNode, files: impl Fn(&TableName) -> Vec<PathBuf>) -> Result<Self> {
        let mut sets = BTreeMap::new();
        for (table, field) in node.related() {
            let name = (table.clone(), field.to_owned());
            if sets.contains_key(&name) {
                continue;
            }
            let mut values = HashSet::new();
            for path in files(table) {
                read_column(&path, field, &mut values)?;
            }
            sets.insert(name, values);
        }
        Ok(Self { sets })
    }

    /// The values of a column, as keys.
    pub(super) fn values(&self, table: &TableName, field: &str) -> Result<&HashSet<u128>> {
        self.sets
            .get(&(table.clone(), field.to_owned()))
            .ok_or_else(|| Diagnostic::bug(format!("{table}.{field} was not read")).into())
    }
}

fn read_column(path: &Path, field: &str, values: &mut HashSet<u128>) -> Result<()> {
    let failed = |e: String| {
        Diagnostics::from(
            Diagnostic::error(Code::BadFile, format!("cannot read `{field}`: {e}"))
                .at(DataPlace::file(path.display().to_string()))
                .hint("run again: a damaged table is made anew"),
        )
    };
    let file = File::open(path).map_err(|e| Diagnostic::io(path, "read", &e))?;
    let builder =
        ParquetRecordBatchReaderBuilder::try_new(file).map_err(|e| failed(e.to_string()))?;
    let mask = ProjectionMask::columns(builder.parquet_schema(), [field]);
    let reader = builder
        .with_projection(mask)
        .build()
        .map_err(|e| failed(e.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|e| failed(e.to_string()))?;
        let column = batch
            .column_by_name(field)
            .ok_or_else(|| failed("there is no such column".to_owned()))?;
        let keys = RowKeys::new([column.data_type().clone()])?;
        values.extend(keys.of(std::slice::from_ref(column))?.into_iter().flatten());
    }
    Ok(())
}

fn bug(error: arrow::error::ArrowError) -> Diagnostics {
    Diagnostic::bug(error.to_string()).into()
}
