//! A row group that rows are still added to.

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, FieldRef, SchemaRef};
use datafusion::parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves,
};
use datafusion::parquet::basic::Compression;
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::parquet::schema::types::SchemaDescPtr;

use crate::cores::of_each;

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

struct Column {
    /// Where the field that it is of stands in the schema.
    field: usize,
    writer: Writer,
}

enum Writer {
    /// The library's.
    Values(Box<ArrowColumnWriter>),
    /// Ours.
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
            let field = parquet.get_column_root_idx(i);
            let is_text = schema.field(field).data_type() == &DataType::Utf8;
            let numbered = properties.dictionary_enabled(parquet.column(i).path());
            let writer = match is_text && numbered {
                true => Writer::Texts(Box::default()),
                false => Writer::Values(Box::new(writer)),
            };
            Column { field, writer }
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

    /// Adds rows, the columns by position, `side_by_side` where there is a core for it. Texts may be
    /// views or dictionaries.
    pub(super) fn write(&mut self, batches: &[RecordBatch], side_by_side: bool) -> Result<()> {
        for batch in batches {
            if batch.num_columns() != self.schema.fields().len() {
                return Err(ParquetError::General("not as many columns".to_owned()));
            }
            self.rows += batch.num_rows();
        }
        let write = |(field, column): (usize, &mut [Column])| -> Result<()> {
            batches.iter().try_for_each(|batch| {
                let array = batch.column(field);
                push(column, &self.schema.fields()[field], array)
            })
        };
        let mut fields = self
            .columns
            .chunk_by_mut(|a, b| a.field == b.field)
            .map(|column| (column[0].field, column));
        match side_by_side {
            false => fields.try_for_each(write),
            true => of_each(fields, write).into_iter().collect(),
        }
    }

    /// Its bytes. Columns are ended `side_by_side` where there is a core for it.
    pub(super) fn close(self, side_by_side: bool) -> Result<Group> {
        let closed = |(i, column): (usize, Column)| -> Result<Chunk> {
            Ok(match column.writer {
                Writer::Values(writer) => Chunk::Values(Box::new(writer.close()?)),
                Writer::Texts(texts) => {
                    let (bytes, close) =
                        dictionary::encode(&texts, &self.parquet.column(i), self.packing)?;
                    Chunk::Texts(bytes, Box::new(close))
                }
            })
        };
        let columns = self.columns.into_iter().enumerate();
        let columns = match side_by_side {
            false => columns.map(closed).collect::<Result<_>>(),
            true => of_each(columns, closed).into_iter().collect(),
        };
        Ok(Group::new(columns?, self.rows))
    }
}

/// Adds an array to the columns of its field.
fn push(columns: &mut [Column], field: &FieldRef, array: &ArrayRef) -> Result<()> {
    if !field.is_nullable() && array.logical_null_count() > 0 {
        return Err(ParquetError::General(format!("null in {}", field.name())));
    }
    if let [
        Column {
            writer: Writer::Texts(texts),
            ..
        },
    ] = columns
    {
        return texts.push(array);
    }
    let array = match field.data_type() {
        DataType::Utf8 => &cast(array, &DataType::Utf8)?,
        _ => array,
    };
    let mut columns = columns.iter_mut();
    for leaf in compute_leaves(field, array)? {
        match columns.next().map(|column| &mut column.writer) {
            Some(Writer::Values(writer)) => writer.write(&leaf)?,
            _ => return Err(ParquetError::General("another column".to_owned())),
        }
    }
    Ok(())
}
