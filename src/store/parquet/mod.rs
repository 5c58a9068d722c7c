//! Our Parquet writer: the same rows give the same bytes, however they arrive in batches.
//!
//! Pages end where batches do, so rows are dealt into batches of a fixed size before they are
//! encoded. The file is hashed while it is written, and appears only when whole.

mod columns;
mod dictionary;
mod encoder;
mod footer;
mod group;
mod open_file;
mod open_group;
mod texts;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{Array, BooleanArray, RecordBatch};
use datafusion::arrow::compute::BatchCoalescer;
use datafusion::arrow::datatypes::{DataType, Fields, Schema, SchemaRef};
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::SortingColumn;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};

use super::atomic::{AtomicFile, Placed};
use columns::unmasked;
pub use columns::{cast, plain};
use encoder::Encoder;
pub use footer::{ranges_of, rows_of};
pub use group::Group;
pub use texts::Texts;

/// Rows that are encoded at once.
const BATCH_ROWS: usize = 8192;

/// A finished file.
#[derive(Debug, Clone)]
pub struct ParquetFile {
    /// Where it is.
    pub path: PathBuf,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
}

/// Writes one Parquet file, whole or not at all.
pub struct ParquetWriter {
    path: PathBuf,
    encoder: Encoder,
    /// Deals rows into batches of a fixed size; there once it is known how they hold their texts.
    coalescer: Option<BatchCoalescer>,
    schema: SchemaRef,
    rows: u64,
}

impl ParquetWriter {
    /// Starts a file with this schema. `sorted_by` are the columns its rows are sorted by,
    /// ascending, nulls last; it is written down for readers, not enforced.
    ///
    /// # Errors
    /// When the file cannot be made, or a column to sort by is not in the schema.
    pub fn create(path: &Path, schema: SchemaRef, sorted_by: &[String]) -> Result<Self> {
        let sorting = sorted_by
            .iter()
            .filter_map(|name| schema.index_of(name).ok())
            .map(|i| SortingColumn {
                column_idx: i as i32,
                descending: false,
                nulls_first: false,
            })
            .collect();
        let file = HashingFile {
            file: AtomicFile::create(path)?,
            hasher: blake3::Hasher::new(),
            bytes: 0,
        };
        Ok(Self {
            path: path.to_owned(),
            encoder: Encoder::new(file, Arc::clone(&schema), sorting),
            coalescer: None,
            schema,
            rows: 0,
        })
    }

    /// Adds rows. Columns are taken by position; their types must be the schema's, but that texts may
    /// be views, in all batches alike.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write(&mut self, batch: RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        let mut batch = self.fit(&batch)?;
        let is_empty = self.dealt(&batch).is_empty();
        // Whole batches need not be copied together.
        while is_empty && batch.num_rows() >= BATCH_ROWS {
            self.push(batch.slice(0, BATCH_ROWS))?;
            batch = batch.slice(BATCH_ROWS, batch.num_rows() - BATCH_ROWS);
        }
        let pushed = self.dealt(&batch).push_batch(batch);
        pushed.map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        self.drain()
    }

    /// Adds the rows for which `keep` is true.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn write_where(&mut self, batch: RecordBatch, keep: &BooleanArray) -> Result<()> {
        self.rows += keep.true_count() as u64;
        let batch = self.fit(&batch)?;
        let pushed = self.dealt(&batch).push_batch_with_filter(batch, keep);
        pushed.map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        self.drain()
    }

    /// Adds a row group. A file has all its rows in groups or none.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn append(&mut self, group: Group) -> Result<()> {
        self.rows += group.rows();
        let appended = self.encoder.append(group);
        appended.map_err(|e| failed(&self.path, &e))
    }

    /// The schema of its rows.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The rows under the columns' own names.
    fn fit(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let fields = self.schema.fields().iter().zip(batch.columns());
        let fields = fields.map(|(field, array)| match array.data_type() {
            DataType::Utf8View if field.data_type() == &DataType::Utf8 => {
                Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View))
            }
            _ => Arc::clone(field),
        });
        let schema = Arc::new(Schema::new(fields.collect::<Fields>()));
        RecordBatch::try_new(schema, batch.columns().to_vec())
            .map_err(|e| Diagnostic::bug(format!("rows do not fit their schema: {e}")).into())
    }

    fn dealt(&mut self, batch: &RecordBatch) -> &mut BatchCoalescer {
        self.coalescer
            .get_or_insert_with(|| BatchCoalescer::new(batch.schema(), BATCH_ROWS))
    }

    fn drain(&mut self) -> Result<()> {
        while let Some(batch) = self
            .coalescer
            .as_mut()
            .and_then(BatchCoalescer::next_completed_batch)
        {
            self.push(batch)?;
        }
        Ok(())
    }

    fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let columns = batch.columns().iter().map(unmasked).collect();
        let pushed = RecordBatch::try_new(batch.schema(), columns)
            .map_err(ParquetError::from)
            .and_then(|batch| self.encoder.push(batch));
        pushed.map_err(|e| failed(&self.path, &e))
    }

    /// Puts the file in its place, with key-value metadata.
    ///
    /// # Errors
    /// When the disk fails; nothing stands in its place then.
    pub fn finish(self, metadata: &[(String, String)]) -> Result<ParquetFile> {
        let (made, file) = self.end(metadata)?;
        file.commit()?;
        Ok(made)
    }

    /// The same before it is durable: until [`Placed::keep`], nothing on disk may rely on it.
    ///
    /// # Errors
    /// When the disk fails; nothing stands in its place then.
    pub fn place(self) -> Result<(ParquetFile, Placed)> {
        let (made, file) = self.end(&[])?;
        let placed = file.place(made.path.clone())?;
        Ok((made, placed))
    }

    fn end(mut self, metadata: &[(String, String)]) -> Result<(ParquetFile, AtomicFile)> {
        if let Some(coalescer) = &mut self.coalescer {
            let finished = coalescer.finish_buffered_batch();
            finished.map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        }
        self.drain()?;
        let path = self.path;
        let done = self
            .encoder
            .finish(metadata)
            .map_err(|e| failed(&path, &e))?;
        let (bytes, hash) = (done.bytes, done.hasher.finalize().to_hex().to_string());
        let made = ParquetFile {
            path,
            rows: self.rows,
            bytes,
            hash,
        };
        Ok((made, done.file))
    }
}

fn failed(path: &Path, error: &datafusion::parquet::errors::ParquetError) -> Diagnostics {
    use datafusion::parquet::errors::ParquetError;
    if let ParquetError::External(inner) = error
        && let Some(io) = inner.downcast_ref::<io::Error>()
    {
        return Diagnostic::io(path, "write the file", io).into();
    }
    Diagnostic::error(Code::Io, format!("cannot write the file: {error}"))
        .at(DataPlace::file(path.display().to_string()))
        .into()
}

struct HashingFile {
    file: AtomicFile,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for HashingFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let n = self.file.write(buf)?;
        self.hasher.update(&buf[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, StringArray, StringViewArray};
    use datafusion::arrow::buffer::NullBuffer;
    use datafusion::arrow::compute::concat;
    use datafusion::arrow::datatypes::{DataType, Field, Schema};
    use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use datafusion::parquet::basic::Compression;
    use proptest::prelude::*;

    #[test]
    fn what_lies_behind_nulls_does_not_show() {
        const KEY: i64 = 0x9e37_79b9_7f4a_7c15_u64 as i64;
        let schema = Arc::new(Schema::new(vec![Field::new("key", DataType::Int64, true)]));
        // More than a few, which are not packed.
        let rows = 9 * BATCH_ROWS as i64;
        let held = NullBuffer::from_iter((0..rows).map(|i| i % 2 == 0));
        let folder = tempfile::tempdir().expect("a folder");
        let hash = |name: &str, behind: fn(i64) -> i64| {
            let key = |i: i64| i.wrapping_mul(KEY).rotate_left(31).wrapping_mul(KEY);
            let values = (0..rows).map(|i| if i % 2 == 0 { key(i) } else { behind(i) });
            let keys = Int64Array::new(values.collect(), Some(held.clone()));
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(keys)]);
            let path = folder.path().join(name);
            let mut writer =
                ParquetWriter::create(&path, Arc::clone(&schema), &[]).expect("creates");
            writer.write(batch.expect("a batch")).expect("writes");
            writer.finish(&[]).expect("finishes").hash
        };
        let noise = hash("noise", |i| {
            i.wrapping_mul(KEY).rotate_left(17).wrapping_mul(KEY)
        });
        assert_eq!(hash("noughts", |_| 0), noise);
    }

    #[test]
    fn the_same_rows_give_the_same_bytes_however_they_are_dealt() {
        // The last few rows that are not packed, one more, and so many that they are encoded as they come.
        for rows in [20_000, 65_536, 65_537, 150_000] {
            dealt_in_other_ways(rows, rows > 65_536);
        }
    }

    fn dealt_in_other_ways(rows: i64, are_packed: bool) {
        let schema = Arc::new(Schema::new(vec![
            Field::new("n", DataType::Int64, false),
            Field::new("s", DataType::Utf8, true),
        ]));
        let batch = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(Int64Array::from_iter_values(0..rows)),
                Arc::new(StringArray::from_iter_values(
                    (0..rows).map(|i| format!("row {}", i % 977)),
                )),
            ],
        )
        .expect("a batch");
        let folder = tempfile::tempdir().expect("a folder");
        let hash = |name: &str, step: usize| {
            let path = folder.path().join(name);
            let mut writer = ParquetWriter::create(&path, Arc::clone(&schema), &["n".to_owned()])
                .expect("creates");
            let mut at = 0;
            while at < rows as usize {
                let n = step.min(rows as usize - at);
                writer.write(batch.slice(at, n)).expect("writes");
                at += n;
            }
            writer
                .finish(&[("k".to_owned(), "v".to_owned())])
                .expect("finishes")
                .hash
        };
        let whole = hash("a", rows as usize);
        assert_eq!(whole, hash("b", 1_000));
        assert_eq!(whole, hash("c", 4_097));
        let on_disk = blake3::hash(&std::fs::read(folder.path().join("a")).expect("reads"));
        assert_eq!(whole, on_disk.to_hex().to_string());
        let open = std::fs::File::open(folder.path().join("a")).expect("opens");
        let read = ParquetRecordBatchReaderBuilder::try_new(open).expect("Parquet");
        let column = read.metadata().row_group(0).column(0);
        assert_eq!(
            column.compression() != Compression::UNCOMPRESSED,
            are_packed
        );
    }

    proptest! {
        #[test]
        fn texts_give_the_same_bytes_however_they_are_held(
            // One long, one that ends where another goes on, and some that repeat.
            texts in prop::collection::vec(
                prop::option::weighted(0.9, "[a-c]{0,2}|twelve bytes|thirteen bytes[ab]?|é\u{0}?"),
                0..200,
            ),
            at in 0_usize..200,
        ) {
            let plain: ArrayRef = Arc::new(StringArray::from(texts.clone()));
            let views: ArrayRef = Arc::new(StringViewArray::from_iter(texts.iter().map(Option::as_deref)));
            let schema = Arc::new(Schema::new(vec![Field::new("s", DataType::Utf8, true)]));
            let folder = tempfile::tempdir().expect("a folder");
            let at = at.min(texts.len());
            let file = |name: &str, column: &ArrayRef| {
                let path = folder.path().join(name);
                let mut writer = ParquetWriter::create(&path, Arc::clone(&schema), &[]).expect("creates");
                for part in [column.slice(0, at), column.slice(at, texts.len() - at)] {
                    let part = RecordBatch::try_from_iter_with_nullable([("s", part, true)]);
                    writer.write(part.expect("a batch")).expect("writes");
                }
                writer.finish(&[]).expect("finishes")
            };
            let (one, other) = (file("plain", &plain), file("views", &views));
            prop_assert_eq!(one.hash, other.hash);
            let open = std::fs::File::open(&one.path).expect("opens");
            let read = ParquetRecordBatchReaderBuilder::try_new(open).expect("Parquet");
            let (least, greatest) = ranges_of(&one.path, "s").expect("ranges");
            let held = || texts.iter().flatten().map(String::as_str);
            if read.metadata().num_row_groups() > 0 {
                prop_assert_eq!(least.as_string::<i32>().iter().next().flatten(), held().min());
                prop_assert_eq!(greatest.as_string::<i32>().iter().next().flatten(), held().max());
            }
            let read: Vec<RecordBatch> = read.build().expect("reads").map(|b| b.expect("rows")).collect();
            let read: Vec<&dyn Array> = read.iter().map(|b| b.column(0).as_ref()).collect();
            if !read.is_empty() {
                prop_assert_eq!(&concat(&read).expect("one column"), &plain);
            }
        }
    }

    #[test]
    fn a_mask_that_hides_nothing_leaves_no_trace() {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let folder = tempfile::tempdir().expect("a folder");
        let hash = |name: &str, mask: Option<NullBuffer>| {
            let numbers = Int64Array::new((0..40_000).map(|i| i % 20).collect(), mask);
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(numbers)]);
            let path = folder.path().join(name);
            let mut writer =
                ParquetWriter::create(&path, Arc::clone(&schema), &[]).expect("creates");
            writer.write(batch.expect("a batch")).expect("writes");
            writer.finish(&[]).expect("finishes").hash
        };
        let mask = NullBuffer::new_valid(40_000);
        assert_eq!(hash("without", None), hash("with", Some(mask)));
    }
}
