//! A row group by itself, encoded away from its file, so that several can be at once.

use std::io::{self, Write};

use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::arrow_writer::ArrowColumnChunk;
use datafusion::parquet::basic::Compression;
use datafusion::parquet::column::writer::ColumnCloseResult;
use datafusion::parquet::errors::Result;
use datafusion::parquet::file::writer::SerializedFileWriter;

use crate::diag::Diagnostic;

use super::BATCH_ROWS;
use super::encoder::zstandard;
use super::open_file::OpenFile;

/// An encoded row group.
pub struct Group {
    columns: Vec<Chunk>,
    rows: u64,
}

/// An encoded column.
pub(super) enum Chunk {
    /// By the library.
    Values(Box<ArrowColumnChunk>),
    /// By us.
    Texts(Bytes, Box<ColumnCloseResult>),
}

impl Group {
    /// Encodes the rows of a batch, which may be of any number. Its columns are the schema's, by
    /// position; texts may be dictionaries.
    ///
    /// # Errors
    /// When they are not the schema's.
    pub fn encode(schema: &SchemaRef, batch: &RecordBatch) -> crate::diag::Result<Self> {
        let encode = || {
            // Of a few rows there is nothing to save.
            let packing = match batch.num_rows() < BATCH_ROWS {
                true => Compression::UNCOMPRESSED,
                false => zstandard()?,
            };
            let file = OpenFile::new(io::sink(), schema, batch, packing, Vec::new())?;
            let mut group = file.group()?;
            // Groups are side by side already.
            group.write(std::slice::from_ref(batch), false)?;
            group.close(false)
        };
        encode().map_err(|e| Diagnostic::bug(format!("rows do not fit their schema: {e}")).into())
    }

    pub(super) fn new(columns: Vec<Chunk>, rows: usize) -> Self {
        Self {
            columns,
            rows: rows as u64,
        }
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds it to a file.
    pub(super) fn write<W: Write + Send>(self, file: &mut SerializedFileWriter<W>) -> Result<()> {
        let mut group = file.next_row_group()?;
        for column in self.columns {
            match column {
                Chunk::Values(chunk) => chunk.append_to_row_group(&mut group)?,
                Chunk::Texts(bytes, close) => group.append_column(&bytes, *close)?,
            }
        }
        group.close().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use datafusion::arrow::array::{
        ArrayRef, DictionaryArray, Int64Array, StringArray, UInt32Array,
    };
    use datafusion::arrow::compute::{cast, concat_batches};
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use proptest::prelude::*;

    use super::super::{ParquetWriter, plain};

    fn schema(nullable: bool) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("text", DataType::Utf8, nullable),
            Field::new("n", DataType::Int64, false),
        ]))
    }

    fn batch(keys: Vec<Option<u32>>, values: Vec<Option<&str>>) -> RecordBatch {
        let n: ArrayRef = Arc::new(Int64Array::from_iter_values(0..keys.len() as i64));
        let values: ArrayRef = Arc::new(StringArray::from(values));
        let texts = DictionaryArray::new(UInt32Array::from(keys), values);
        RecordBatch::try_from_iter_with_nullable([
            ("text", Arc::new(texts) as ArrayRef, true),
            ("n", n, false),
        ])
        .expect("a batch")
    }

    /// What a file of these batches, each a row group, reads as.
    fn read_back(schema: &SchemaRef, batches: &[RecordBatch]) -> RecordBatch {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.parquet");
        let mut writer = ParquetWriter::create(&path, Arc::clone(schema), &[]).expect("creates");
        for batch in batches {
            let group = Group::encode(schema, batch).expect("encodes");
            writer.append(group).expect("appends");
        }
        let file = writer
            .finish(&[("k".to_owned(), "v".to_owned())])
            .expect("finishes");
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(file.rows, rows as u64);
        let file = std::fs::File::open(&path).expect("opens");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        assert_eq!(reader.metadata().num_row_groups(), batches.len());
        let read: Vec<RecordBatch> = reader
            .build()
            .expect("reads")
            .collect::<std::result::Result<_, _>>()
            .expect("rows");
        concat_batches(schema, &read).expect("one batch")
    }

    proptest! {
        #[test]
        fn texts_come_back_as_they_were(
            distinct in 1_u32..300,
            groups in prop::collection::vec(
                prop::collection::vec(prop::option::weighted(0.9, any::<u32>()), 1..500),
                1..4,
            ),
            with_null in any::<bool>(),
        ) {
            let schema = schema(true);
            let texts: Vec<String> = (0..distinct).map(|i| "x".repeat(i as usize % 20) + &i.to_string()).collect();
            let mut values: Vec<Option<&str>> = texts.iter().map(|t| Some(t.as_str())).collect();
            if with_null {
                values[0] = None;
            }
            let batches: Vec<RecordBatch> = groups
                .into_iter()
                .map(|keys| batch(keys.into_iter().map(|k| k.map(|k| k % distinct)).collect(), values.clone()))
                .collect();
            let plain: Vec<RecordBatch> = batches.iter().map(|b| plain(b, &schema).expect("plain")).collect();
            let expected = concat_batches(&schema, &plain).expect("one batch");
            prop_assert_eq!(read_back(&schema, &batches), expected);
        }
    }

    #[test]
    fn a_column_of_one_text_or_none() {
        for keys in [vec![Some(0); 1000], vec![None; 9], vec![Some(0), None]] {
            let batch = batch(keys, vec![Some("only"), Some("not there")]);
            let read = read_back(&schema(true), std::slice::from_ref(&batch));
            let texts = cast(batch.column(0), &DataType::Utf8).expect("texts");
            assert_eq!(read.column(0), &texts);
        }
    }

    #[test]
    fn null_where_there_may_be_none_is_an_error() {
        let batch = batch(vec![Some(0), None], vec![Some("a")]);
        assert!(Group::encode(&schema(false), &batch).is_err());
    }
}
