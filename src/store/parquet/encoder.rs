//! Batches to the bytes of a Parquet file. Encoding costs more than anything else that is done
//! with a row, so where there are more than a few it has a thread of its own.

use std::iter;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use datafusion::arrow::buffer::ScalarBuffer;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::SortingColumn;
use datafusion::parquet::file::properties::{EnabledStatistics, WriterProperties};
use datafusion::parquet::schema::types::ColumnPath;

use super::group::Group;
use super::open_file::OpenFile;
use super::open_group::OpenGroup;
use super::texts::Texts;
use super::{BATCH_ROWS, HashingFile};

/// Rows of a row group.
const GROUP_ROWS: usize = 1 << 20;
/// How hard Zstandard tries: more saves little of what we store.
pub(super) const LEVEL: i32 = 1;
/// Batches up to which rows are few: they are encoded at once, and not packed. There is little to save,
/// and making the packer for each page costs more than all else that is done with it.
const FEW: usize = 8;
/// Values from which on columns are worth a core each.
const MANY: usize = 1 << 15;
/// Batches that may wait for the encoder.
const WAITING: usize = 8;

/// Encodes batches in their order.
pub(super) struct Encoder {
    schema: SchemaRef,
    sorting: Vec<SortingColumn>,
    state: State,
}

enum State {
    /// Few batches have come, if any: how to encode is chosen when there are more, or all are there.
    Few(Box<HashingFile>, Vec<RecordBatch>),
    Thread(SyncSender<RecordBatch>, JoinHandle<Result<Rows>>),
    /// Row groups come encoded.
    Groups(Box<OpenFile<HashingFile>>),
    Failed,
}

/// Rows on their way into row groups of a fixed size.
struct Rows {
    file: OpenFile<HashingFile>,
    group: Option<OpenGroup>,
}

impl Rows {
    /// Whether so many rows are worth a core for each column.
    fn are_many(&self, rows: usize) -> bool {
        rows * self.file.columns() >= MANY
    }

    /// Adds batches, all but the last of [`BATCH_ROWS`].
    fn write(&mut self, mut batches: &[RecordBatch]) -> Result<()> {
        while !batches.is_empty() {
            let mut group = match self.group.take() {
                Some(group) => group,
                None => self.file.group()?,
            };
            let room = (GROUP_ROWS - group.rows()).div_ceil(BATCH_ROWS);
            let (now, later) = batches.split_at(room.min(batches.len()));
            let rows: usize = now.iter().map(RecordBatch::num_rows).sum();
            group.write(now, self.are_many(rows))?;
            match group.rows() < GROUP_ROWS {
                true => self.group = Some(group),
                false => self.file.append(group.close(true)?)?,
            }
            batches = later;
        }
        Ok(())
    }

    fn finish(mut self, metadata: &[(String, String)]) -> Result<HashingFile> {
        if let Some(group) = self.group.take() {
            let many = self.are_many(group.rows());
            self.file.append(group.close(many)?)?;
        }
        self.file.finish(metadata)
    }
}

impl Encoder {
    pub(super) fn new(file: HashingFile, schema: SchemaRef, sorting: Vec<SortingColumn>) -> Self {
        Self {
            schema,
            sorting,
            state: State::Few(Box::new(file), Vec::new()),
        }
    }

    /// Adds a batch of at most [`BATCH_ROWS`]. An error may be that of an earlier batch.
    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        self.state = match std::mem::replace(&mut self.state, State::Failed) {
            State::Few(file, mut few) if few.len() < FEW => {
                few.push(batch);
                State::Few(file, few)
            }
            State::Few(file, few) => {
                let file = self.open(*file, few.first(), zstandard()?)?;
                let mut rows = Rows { file, group: None };
                let (sender, batches) = sync_channel::<RecordBatch>(WAITING);
                let thread = std::thread::spawn(move || {
                    rows.write(&few)?;
                    while let Ok(batch) = batches.recv() {
                        // With those that wait already.
                        let waiting = batches.try_iter().take(WAITING);
                        let waiting: Vec<RecordBatch> = iter::once(batch).chain(waiting).collect();
                        rows.write(&waiting)?;
                    }
                    Ok(rows)
                });
                hand_over(sender, thread, batch)?
            }
            State::Thread(sender, thread) => hand_over(sender, thread, batch)?,
            State::Groups(_) => return Err(mixed()),
            State::Failed => return Err(failed_before()),
        };
        Ok(())
    }

    /// Adds a row group. A file has all its rows in groups or none.
    pub(super) fn append(&mut self, group: Group) -> Result<()> {
        let mut file = match std::mem::replace(&mut self.state, State::Failed) {
            State::Few(file, none) if none.is_empty() => {
                Box::new(self.open(*file, None, Compression::UNCOMPRESSED)?)
            }
            State::Groups(file) => file,
            State::Few(..) | State::Thread(..) => return Err(mixed()),
            State::Failed => return Err(failed_before()),
        };
        file.append(group)?;
        self.state = State::Groups(file);
        Ok(())
    }

    /// A file without rows, of which these will be the first.
    fn open(
        &self,
        file: HashingFile,
        first: Option<&RecordBatch>,
        packing: Compression,
    ) -> Result<OpenFile<HashingFile>> {
        let none = RecordBatch::new_empty(Arc::clone(&self.schema));
        let sorting = self.sorting.clone();
        OpenFile::new(file, &self.schema, first.unwrap_or(&none), packing, sorting)
    }

    /// Ends the file; nothing of it is durable yet.
    pub(super) fn finish(mut self, metadata: &[(String, String)]) -> Result<HashingFile> {
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Few(file, few) => {
                let file = self.open(*file, few.first(), Compression::UNCOMPRESSED)?;
                let mut rows = Rows { file, group: None };
                rows.write(&few)?;
                rows.finish(metadata)
            }
            State::Thread(sender, thread) => {
                drop(sender);
                joined(thread)?.finish(metadata)
            }
            State::Groups(file) => file.finish(metadata),
            State::Failed => Err(failed_before()),
        }
    }
}

fn hand_over(
    sender: SyncSender<RecordBatch>,
    thread: JoinHandle<Result<Rows>>,
    batch: RecordBatch,
) -> Result<State> {
    match sender.send(batch) {
        Ok(()) => Ok(State::Thread(sender, thread)),
        // It has stopped taking batches: it knows why.
        Err(_) => joined(thread).and_then(|_| Err(failed_before())),
    }
}

fn joined(thread: JoinHandle<Result<Rows>>) -> Result<Rows> {
    thread
        .join()
        .unwrap_or_else(|_| Err(ParquetError::General("the encoder panicked".to_owned())))
}

fn failed_before() -> ParquetError {
    ParquetError::General("the file has failed already".to_owned())
}

fn mixed() -> ParquetError {
    ParquetError::General("row groups among rows".to_owned())
}

/// How pages of many rows are packed.
pub(super) fn zstandard() -> Result<Compression> {
    Ok(Compression::ZSTD(ZstdLevel::try_new(LEVEL)?))
}

/// How to encode a file or a row group that begins with this batch.
pub(super) fn properties(
    schema: &SchemaRef,
    first: &RecordBatch,
    packing: Compression,
    sorting: Vec<SortingColumn>,
) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(packing)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting))
        .set_created_by(concat!("martlet ", env!("CARGO_PKG_VERSION")).to_owned());
    // A column whose values hardly repeat gains nothing from a dictionary and pays for it most.
    // The first batch decides, and it is the same however rows arrive.
    for (field, array) in schema.fields().iter().zip(first.columns()) {
        if array.len() < BATCH_ROWS || !hardly_repeats(&array.slice(0, BATCH_ROWS)) {
            continue;
        }
        let column = ColumnPath::from(field.name().as_str());
        if packing != Compression::UNCOMPRESSED && hardly_packs(&array.slice(0, BATCH_ROWS)) {
            let unpacked = Compression::UNCOMPRESSED;
            properties = properties.set_column_compression(column.clone(), unpacked);
        }
        properties = properties.set_column_dictionary_enabled(column.clone(), false);
        if *field.data_type() == DataType::Utf8 {
            // The least and greatest of keys and texts help no reader to skip anything.
            properties = properties.set_column_statistics_enabled(column, EnabledStatistics::None);
        } else if field.name().starts_with('_') {
            // Only in files of our own: not every reader of a mart knows this encoding.
            properties = properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED);
        }
    }
    properties.build()
}

/// Whether more than half of the values are different.
fn hardly_repeats(array: &ArrayRef) -> bool {
    let distinct = match array.data_type() {
        DataType::Utf8 | DataType::Utf8View => {
            let mut texts = Texts::default();
            match texts.push(array) {
                Ok(()) => texts.distinct(),
                Err(_) => return false,
            }
        }
        DataType::Int64 => {
            let mut values = known(array.as_primitive());
            values.sort_unstable();
            values.dedup();
            values.len()
        }
        _ => return false,
    };
    distinct * 2 > array.len() - array.null_count()
}

/// The values of a column, without what lies behind its nulls, which depends on how it was worked out.
fn known(array: &Int64Array) -> Vec<i64> {
    array.iter().flatten().collect()
}

/// Whether numbers are not worth packing, keys that are cut from a hash for one: most readers would
/// spend more on unpacking them than on all else.
fn hardly_packs(array: &ArrayRef) -> bool {
    let Some(numbers) = array.as_primitive_opt() else {
        return false;
    };
    let values = ScalarBuffer::from(known(numbers));
    let bytes = values.inner().as_slice();
    zstd::bulk::compress(bytes, LEVEL).is_ok_and(|packed| is_hardly_less(packed.len(), bytes.len()))
}

/// Whether packing saves less than an eighth.
pub(super) fn is_hardly_less(packed: usize, bytes: usize) -> bool {
    packed > bytes - bytes / 8
}
