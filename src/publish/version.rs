//! Writing a version: one immutable Parquet file in a total order, then its manifest.

use std::path::Path;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::row::{OwnedRow, RowConverter, SortField};

use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::spec::Rate;
use crate::store::atomic;
use crate::store::parquet::{ParquetWriter, cast};
use crate::store::paths::Shelf;

use super::manifest::{
    Manifest, ManifestColumn, ManifestRate, Part, Provenance, columns, document, key_values,
};
use super::rates::null_found;

/// A version that is there: its manifest, and whether it had to be written.
#[derive(Debug, Clone)]
pub struct Version {
    /// What made it.
    pub manifest: Manifest,
    /// `false`: it stood there already, nothing was written.
    pub written: bool,
}

/// The version of that key, if it is there and whole.
///
/// # Errors
/// When its manifest cannot be read.
pub fn existing(shelf: &Shelf, mart: &str, version: &str) -> Result<Option<Manifest>> {
    let Some(manifest) = Manifest::read(shelf, mart, version)? else {
        return Ok(None);
    };
    let part = super::latest::hash(&shelf.part(mart, version))?;
    let whole = part.as_ref() == Some(&manifest.part.blake3);
    Ok((whole && manifest.provenance.version == version).then_some(manifest))
}

/// Writes a version from all its rows, unless it is there already.
///
/// # Errors
/// As [`VersionWriter`]. What readers have is untouched.
pub fn write(
    shelf: &Shelf,
    provenance: Provenance,
    schema: &SchemaRef,
    rates: &[Rate],
    rows: impl IntoIterator<Item = Result<RecordBatch>>,
    inspect: impl FnOnce(&Path) -> Result<()>,
) -> Result<Version> {
    if let Some(manifest) = existing(shelf, &provenance.mart, &provenance.version)? {
        return Ok(Version {
            manifest,
            written: false,
        });
    }
    let mut writer = VersionWriter::create(shelf, provenance, schema, rates)?;
    for batch in rows {
        writer.write(&batch?)?;
    }
    Ok(Version {
        manifest: writer.finish(inspect)?,
        written: true,
    })
}

/// Writes one version as its rows come. Dropped unfinished, it leaves at most an empty folder;
/// until its manifest is there, nobody looks at it.
pub struct VersionWriter<'a> {
    shelf: &'a Shelf,
    provenance: Provenance,
    schema: SchemaRef,
    rates: Vec<ManifestRate>,
    columns: Vec<ManifestColumn>,
    order: TotalOrder,
    parquet: ParquetWriter,
}

impl<'a> VersionWriter<'a> {
    /// Starts the version `provenance.version` of `provenance.mart`.
    ///
    /// # Errors
    /// When the disk fails, the version is there already (ask [`existing`] first), the schema has a
    /// type that BI tools do not read, or the grain is not in the schema.
    pub fn create(
        shelf: &'a Shelf,
        provenance: Provenance,
        schema: &SchemaRef,
        rates: &[Rate],
    ) -> Result<Self> {
        if existing(shelf, &provenance.mart, &provenance.version)?.is_some() {
            return Err(Diagnostic::bug(format!(
                "version {} of mart.{} is there already, and versions never change",
                provenance.version, provenance.mart
            ))
            .into());
        }
        let columns = columns(schema)?;
        let order = TotalOrder::new(&provenance.mart, &provenance.grain, schema)?;
        let part = shelf.part(&provenance.mart, &provenance.version);
        // What an interrupted run left: a manifest must never speak of rows that are not its own.
        atomic::remove(&shelf.manifest(&provenance.mart, &provenance.version))?;
        atomic::sweep(&shelf.version(&provenance.mart, &provenance.version))?;
        let parquet = ParquetWriter::create(&part, SchemaRef::clone(schema), &provenance.grain)?;
        Ok(Self {
            shelf,
            provenance,
            schema: SchemaRef::clone(schema),
            rates: rates.iter().map(ManifestRate::from).collect(),
            columns,
            order,
            parquet,
        })
    }

    /// Adds rows, in the order of the grain. Columns are found by name and cast to their types.
    ///
    /// # Errors
    /// A value that does not fit its type ([`Code::Overflow`]); a null where none may be, or two
    /// rows of one grain ([`Code::Check`]); rows that go back.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let mart = &self.provenance.mart;
        let mut arrays = Vec::with_capacity(self.schema.fields().len());
        for field in self.schema.fields() {
            let array = batch.column_by_name(field.name()).ok_or_else(|| {
                Diagnostics::from(Diagnostic::bug(format!(
                    "the rows of mart.{mart} have no column `{}`",
                    field.name()
                )))
            })?;
            let array = cast(array, field.data_type(), field.name())?;
            if !field.is_nullable() && array.null_count() > 0 {
                return Err(null_found(mart, field.name(), array.null_count()));
            }
            arrays.push(array);
        }
        let batch = RecordBatch::try_new(SchemaRef::clone(&self.schema), arrays).map_err(|e| {
            Diagnostics::from(Diagnostic::bug(format!(
                "rows do not fit their schema: {e}"
            )))
        })?;
        self.order.advance(&batch)?;
        self.parquet.write(batch)
    }

    /// Puts the rows in place, has them inspected, then puts the manifest there.
    ///
    /// # Errors
    /// When the disk fails, or the inspection does; the version then counts for nothing.
    pub fn finish(self, inspect: impl FnOnce(&Path) -> Result<()>) -> Result<Manifest> {
        let metadata = key_values(&self.provenance, self.order.rows)?;
        let file = self.parquet.finish(&metadata)?;
        inspect(&file.path)?;
        let name = file
            .path
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let manifest = Manifest {
            provenance: self.provenance,
            rates: self.rates,
            schema: self.columns,
            part: Part {
                name,
                rows: file.rows,
                bytes: file.bytes,
                blake3: file.hash,
            },
        };
        let provenance = &manifest.provenance;
        let path = self.shelf.manifest(&provenance.mart, &provenance.version);
        atomic::write(&path, document(&manifest)?.as_bytes())?;
        Ok(manifest)
    }
}

/// Holds that each row's grain is above the one before: a total order, and so a unique key.
struct TotalOrder {
    mart: String,
    grain: Vec<usize>,
    names: Vec<String>,
    converter: RowConverter,
    last: Option<OwnedRow>,
    rows: u64,
}

impl TotalOrder {
    fn new(mart: &str, grain: &[String], schema: &SchemaRef) -> Result<Self> {
        let bug = |e: String| Diagnostics::from(Diagnostic::bug(format!("mart.{mart}: {e}")));
        let indices = grain
            .iter()
            .map(|name| schema.index_of(name).map_err(|e| bug(e.to_string())))
            .collect::<Result<Vec<_>>>()?;
        if indices.is_empty() {
            return Err(bug("a mart without a grain has no order".to_owned()));
        }
        let ascending = SortOptions {
            descending: false,
            nulls_first: false,
        };
        let fields = indices
            .iter()
            .map(|i| SortField::new_with_options(schema.field(*i).data_type().clone(), ascending))
            .collect();
        Ok(Self {
            mart: mart.to_owned(),
            grain: indices,
            names: grain.to_vec(),
            converter: RowConverter::new(fields).map_err(|e| bug(e.to_string()))?,
            last: None,
            rows: 0,
        })
    }

    fn advance(&mut self, batch: &RecordBatch) -> Result<()> {
        let mut columns = Vec::with_capacity(self.grain.len());
        for (index, name) in self.grain.iter().zip(&self.names) {
            let array = batch.column(*index);
            if array.null_count() > 0 {
                return Err(null_found(&self.mart, name, array.null_count()));
            }
            columns.push(array.clone());
        }
        let keys = self
            .converter
            .convert_columns(&columns)
            .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        for (i, key) in keys.iter().enumerate() {
            let before = match (&self.last, i.checked_sub(1)) {
                (_, Some(previous)) => Some(keys.row(previous)),
                (Some(last), None) => Some(last.row()),
                (None, None) => None,
            };
            match before.map(|before| before.cmp(&key)) {
                None | Some(std::cmp::Ordering::Less) => {}
                Some(std::cmp::Ordering::Equal) => return Err(self.repeated(i)),
                Some(std::cmp::Ordering::Greater) => return Err(self.descending(i)),
            }
        }
        if let Some(last) = keys.num_rows().checked_sub(1) {
            self.last = Some(keys.row(last).owned());
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// The row is told by its number, not by its key: the mart may be about persons.
    fn repeated(&self, row: usize) -> Diagnostics {
        Diagnostic::error(
            Code::Check,
            format!(
                "rows {} and {} of mart.{} agree on all of its grain ({})",
                self.rows + row as u64,
                self.rows + row as u64 + 1,
                self.mart,
                self.names.join(", ")
            ),
        )
        .hint("group by the grain in the SQL, or add the column that tells them apart")
        .into()
    }

    fn descending(&self, row: usize) -> Diagnostics {
        Diagnostic::bug(format!(
            "row {} of mart.{} comes before the one above it in the order of its grain ({})",
            self.rows + row as u64 + 1,
            self.mart,
            self.names.join(", ")
        ))
        .into()
    }
}
