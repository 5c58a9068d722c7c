//! A file that row groups are still added to.

use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::errors::Result;
use datafusion::parquet::file::metadata::{KeyValue, SortingColumn};
use datafusion::parquet::file::writer::SerializedFileWriter;
use datafusion::parquet::schema::types::SchemaDescPtr;

use super::encoder::properties;
use super::group::Group;
use super::open_group::OpenGroup;

/// A Parquet file under way. How its columns are encoded is chosen by its first batch.
pub(super) struct OpenFile<W: Write + Send> {
    file: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    schema: SchemaRef,
    parquet: SchemaDescPtr,
    packing: Compression,
}

impl<W: Write + Send> OpenFile<W> {
    pub(super) fn new(
        out: W,
        schema: &SchemaRef,
        first: &RecordBatch,
        packing: Compression,
        sorting: Vec<SortingColumn>,
    ) -> Result<Self> {
        let properties = properties(schema, first, packing, sorting);
        // For the schema in its metadata, and for what makes the writers of columns.
        let writer = ArrowWriter::try_new(out, Arc::clone(schema), Some(properties))?;
        let (file, factory) = writer.into_serialized_writer()?;
        Ok(Self {
            parquet: Arc::new(file.schema_descr().clone()),
            file,
            factory,
            schema: Arc::clone(schema),
            packing,
        })
    }

    /// How many columns it has.
    pub(super) fn columns(&self) -> usize {
        self.schema.fields().len()
    }

    /// A row group without rows, by itself.
    pub(super) fn group(&self) -> Result<OpenGroup> {
        let properties = self.file.properties();
        OpenGroup::new(
            &self.schema,
            &self.parquet,
            &self.factory,
            properties,
            self.packing,
        )
    }

    /// Adds a row group.
    pub(super) fn append(&mut self, group: Group) -> Result<()> {
        group.write(&mut self.file)
    }

    /// Ends the file, with key-value metadata.
    pub(super) fn finish(mut self, metadata: &[(String, String)]) -> Result<W> {
        for (key, value) in metadata {
            let entry = KeyValue::new(key.clone(), value.clone());
            self.file.append_key_value_metadata(entry);
        }
        self.file.into_inner()
    }
}
