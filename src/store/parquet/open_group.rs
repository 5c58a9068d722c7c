//! A row group that rows are still added to.

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use datafusion::parquet::basic::Compression;
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::schema::types::SchemaDescPtr;

use super::dictionary;
use super::group::{Chunk, Group};
use super::texts::Texts;

/// The columns of a row group, as far as they have come.
pub(super) struct OpenGroup {
    schema: SchemaRef,
    parquet: SchemaDescPtr,
    packing: Compression,
    columns: Vec<Column>,
    rows: usize,
}

enum Column {
    /// By the library.
    Values(Box<ArrowColumnWriter>),
    /// By us.
    Texts(Box<Texts>),
}

impl OpenGroup {
    pub(super) fn new(
        schema: &SchemaRef,
        parquet: &SchemaDescPtr,
        factory: &ArrowRowGroupWriterFactory,
        properties: &WriterProperties,
        packing: Compression,
    ) -> Result<Self> {
        let writers = factory.create_column_writers(0)?;
        let columns = writers.into_iter().enumerate().map(|(i, writer)| {
            let field = schema.field(parquet.get_column_root_idx(i));
            let numbered = properties.dictionary_enabled(parquet.column(i).path());
            match field.data_type() == &DataType::Utf8 && numbered {
                true => Column::Texts(Box::default()),
                false => Column::Values(Box::new(writer)),
            }
        });
        Ok(Self {
            schema: SchemaRef::clone(schema),
            parquet: SchemaDescPtr::clone(parquet),
            packing,
            columns: columns.collect(),
            rows: 0,
        })
    }

    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Adds rows, the columns by position. Texts may be views or dictionaries.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if batch.num_columns() != self.schema.fields().len() {
            return Err(ParquetError::General("not as many columns".to_owned()));
        }
        self.rows += batch.num_rows();
        let mut columns = self.columns.iter_mut();
        for (field, array) in self.schema.fields().iter().zip(batch.columns()) {
            if !field.is_nullable() && array.logical_null_count() > 0 {
                return Err(ParquetError::General(format!("null in {}", field.name())));
            }
            if field.data_type() == &DataType::Utf8 {
                match columns.next() {
                    Some(Column::Texts(texts)) => texts.push(array)?,
                    Some(Column::Values(writer)) => {
                        let plain = cast(array, &DataType::Utf8)?;
                        for leaf in compute_leaves(field, &plain)? {
                            writer.write(&leaf)?;
                        }
                    }
                    None => return Err(other_column()),
                }
                continue;
            }
            for leaf in compute_leaves(field, array)? {
                match columns.next() {
                    Some(Column::Values(writer)) => writer.write(&leaf)?,
                    _ => return Err(other_column()),
                }
            }
        }
        Ok(())
    }

    /// Its bytes.
    pub(super) fn close(self) -> Result<Group> {
        let columns = self.columns.into_iter().enumerate().map(|(i, column)| {
            Ok(match column {
                Column::Values(writer) => Chunk::Values(Box::new(writer.close()?)),
                Column::Texts(texts) => {
                    let (bytes, close) =
                        dictionary::encode(&texts, &self.parquet.column(i), self.packing)?;
                    Chunk::Texts(bytes, Box::new(close))
                }
            })
        });
        Ok(Group::new(columns.collect::<Result<_>>()?, self.rows))
    }
}

fn other_column() -> ParquetError {
    ParquetError::General("another column".to_owned())
}
