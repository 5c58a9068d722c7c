//! Tables held in memory as long as somebody will read them. A night asks a table of a hundred little
//! files several times over, and opening them each time costs more than all that is done with their rows.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::arrow::error::ArrowError;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::MemTable;
use datafusion::datasource::listing::ListingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool, MemoryReservation};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::parquet::arrow::ProjectionMask;
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::errors::ParquetError;
use datafusion::physical_plan::ExecutionPlan;
use parking_lot::RwLock;
use tokio::sync::OnceCell;

use crate::compile::session;
use crate::cores::of_each;

use super::memory::part_of;
use super::shares::{dealt, gathered};

/// Bytes on disk up to which a table is small.
pub(super) const SMALL: u64 = 16 << 20;
/// The part of the memory limit beyond which nothing more is held.
const PART: usize = 4;
/// A table that is held from when it was written, or first asked, until it is let go.
pub(super) struct Held {
    /// As queries see it.
    schema: SchemaRef,
    /// The columns that are held.
    kept: SchemaRef,
    files: Vec<PathBuf>,
    /// The same, for what is not held: columns that nobody was to read, or all of it.
    on_disk: Arc<ListingTable>,
    rows: RwLock<Arc<OnceCell<Option<Rows>>>>,
}

/// Rows in memory.
pub struct Rows {
    pub(super) table: MemTable,
    /// Given back with the table.
    _memory: MemoryReservation,
}

impl Rows {
    /// Batches of a schema. `memory` is what they take.
    pub(super) fn of(
        schema: &SchemaRef,
        batches: Vec<RecordBatch>,
        memory: MemoryReservation,
    ) -> Result<Self> {
        let batches = dealt(&batches);
        Ok(Self {
            table: MemTable::try_new(Arc::clone(schema), vec![batches])?,
            _memory: memory,
        })
    }
}

/// So many bytes for a table that is held, unless there is no room for it.
fn reserve(pool: &Arc<dyn MemoryPool>, bytes: usize) -> Option<MemoryReservation> {
    let memory = consumer(pool);
    let fits = bytes <= room(pool).saturating_sub(pool.reserved());
    (fits && memory.try_grow(bytes).is_ok()).then_some(memory)
}

/// What the memory of a table that is held is reserved by.
pub(super) fn consumer(pool: &Arc<dyn MemoryPool>) -> MemoryReservation {
    MemoryConsumer::new("held table").register(pool)
}

/// Bytes up to which tables are held.
pub(super) fn room(pool: &Arc<dyn MemoryPool>) -> usize {
    part_of(pool, PART)
}

/// Which columns of a table are held, and where they stand in it: those that are `read`, all if that
/// is not known.
pub(super) fn columns(
    schema: &SchemaRef,
    read: Option<&BTreeSet<String>>,
) -> (SchemaRef, Vec<usize>) {
    let fields = schema.fields().iter().enumerate();
    let is_read = |field: &FieldRef| read.is_none_or(|read| read.contains(field.name()));
    let mut held: Vec<_> = fields.filter(|(_, field)| is_read(field)).collect();
    if held.is_empty() {
        // Rows can be counted by one column.
        held.extend(schema.fields().iter().enumerate().take(1));
    }
    let (places, fields): (_, Vec<FieldRef>) =
        held.into_iter().map(|(i, f)| (i, f.clone())).unzip();
    (Arc::new(Schema::new(fields)), places)
}

impl Held {
    /// A table of these files. Of its columns those are held that are `read`, all if that is not known.
    /// `rows` are those columns of its rows, if they are at hand.
    pub(super) fn new(
        schema: SchemaRef,
        read: Option<&BTreeSet<String>>,
        files: Vec<PathBuf>,
        on_disk: Arc<ListingTable>,
        rows: Option<Rows>,
    ) -> Self {
        Self {
            kept: columns(&schema, read).0,
            schema,
            files,
            on_disk,
            rows: RwLock::new(Arc::new(OnceCell::new_with(rows.map(Some)))),
        }
    }

    /// Gives the memory back: from here on the table is read from its files.
    pub(super) fn let_go(&self) {
        *self.rows.write() = Arc::new(OnceCell::new_with(Some(None)));
    }

    /// Where the columns that a query asks for stand among those that are held; nothing if one is not.
    fn places(&self, projection: Option<&Vec<usize>>) -> Option<Vec<usize>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let asked = projection.unwrap_or(&all).iter();
        asked
            .map(|column| self.kept.index_of(self.schema.field(*column).name()).ok())
            .collect()
    }

    /// The rows, unless there is no room for them. Files are read side by side.
    async fn load(&self, state: &dyn Session) -> Result<Option<Rows>> {
        let pool = &state.runtime_env().memory_pool;
        let (files, kept) = (self.files.clone(), Arc::clone(&self.kept));
        let schema = Arc::clone(&self.schema);
        let read = aside(move || {
            let read = of_each(files, |file| read(&file, &schema, &kept));
            read.into_iter().collect::<Result<Vec<_>>>()
        });
        let batches: Vec<RecordBatch> = read.await?.into_iter().flatten().collect();
        let sizes = batches.iter().map(RecordBatch::get_array_memory_size);
        let Some(memory) = reserve(pool, sizes.sum()) else {
            return Ok(None);
        };
        let kept = Arc::clone(&self.kept);
        let batches = aside(move || gathered(&kept, batches)).await?;
        Rows::of(&self.kept, batches, memory).map(Some)
    }
}

/// Does work that keeps cores busy away from those that wait for others.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = SpawnedTask::spawn_blocking(work).await;
    done.map_err(|e| DataFusionError::External(Box::new(e)))?
}

/// The rows of a file of a table with this schema: those columns that are `kept`.
fn read(file: &Path, schema: &SchemaRef, kept: &SchemaRef) -> Result<Vec<RecordBatch>> {
    // Whole: it is small, and each of its columns would be asked of the disk by itself.
    let open = Bytes::from(std::fs::read(file)?);
    let footer = footer(&open, schema)?;
    let columns = kept.fields().iter().map(|field| field.name().as_str());
    let columns = ProjectionMask::columns(footer.parquet_schema(), columns);
    // Room is made for a whole batch, which little files do not fill.
    let rows = usize::try_from(footer.metadata().file_metadata().num_rows()).unwrap_or(usize::MAX);
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(open, footer)
        .with_projection(columns)
        .with_batch_size(session::BATCH_ROWS.min(rows.max(1)))
        .build()?;
    reader
        .map(|batch| fit(&batch?, kept))
        .collect::<std::result::Result<_, ArrowError>>()
        .map_err(|e| ParquetError::from(e).into())
}

/// The footer of a file, its texts to be read as views. That its schema is the table's is nearly
/// always so, and saves working it out for each of a hundred files.
fn footer(open: &Bytes, schema: &SchemaRef) -> Result<ArrowReaderMetadata> {
    let as_known = ArrowReaderOptions::new().with_schema(Arc::clone(schema));
    if let Ok(footer) = ArrowReaderMetadata::load(open, as_known) {
        let columns = footer.parquet_schema().columns().iter();
        let known = schema.fields().iter().map(|field| field.name());
        if columns.map(|column| column.name()).eq(known) {
            return Ok(footer);
        }
    }
    let footer = ArrowReaderMetadata::load(open, ArrowReaderOptions::new())?;
    let views = ArrowReaderOptions::new().with_schema(session::in_memory(footer.schema()));
    Ok(ArrowReaderMetadata::try_new(
        Arc::clone(footer.metadata()),
        views,
    )?)
}

/// The columns of the table, by name.
fn fit(batch: &RecordBatch, schema: &SchemaRef) -> std::result::Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().map(|field| {
        let column = batch.schema().index_of(field.name())?;
        cast(batch.column(column), field.data_type())
    });
    let columns = columns.collect::<std::result::Result<_, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("files", &self.files).finish()
    }
}

#[async_trait]
impl TableProvider for Held {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let on_disk = || self.on_disk.scan(state, projection, filters, limit);
        let Some(kept) = self.places(projection) else {
            return on_disk().await;
        };
        let rows = Arc::clone(&self.rows.read());
        match rows.get_or_try_init(|| self.load(state)).await? {
            Some(rows) => rows.table.scan(state, Some(&kept), filters, limit).await,
            None => on_disk().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{ArrayRef, Int64Array, StringArray};
    use datafusion::arrow::compute::concat_batches;
    use datafusion::physical_plan::{collect, displayable};

    use crate::engine::{Engine, Limits, tables};
    use crate::store::parquet::ParquetWriter;

    /// The rows of two files and how the engine came by them, where the columns `asked` are asked of a
    /// table of which only `read` was said to be.
    async fn asked(
        memory: usize,
        read: Option<&str>,
        asked: Option<&Vec<usize>>,
    ) -> (RecordBatch, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let columns: [(_, ArrayRef); 2] = [
            ("n", Arc::new(Int64Array::from_iter_values(0..1_000))),
            (
                "text",
                Arc::new(StringArray::from_iter((0..1_000).map(|i| {
                    (i % 3 > 0).then(|| format!("a text of some length, number {i}"))
                }))),
            ),
        ];
        let rows = RecordBatch::try_from_iter(columns).expect("rows");
        let mut files = Vec::new();
        for (name, from) in [("a.parquet", 600), ("b.parquet", 0)] {
            let path = folder.path().join(name);
            let mut writer = ParquetWriter::create(&path, rows.schema(), &[]).expect("creates");
            writer.write(rows.slice(from, 400)).expect("writes");
            files.push(writer.finish(&[]).expect("finishes").path);
        }
        let limits = Limits {
            memory,
            spill: 0,
            partitions: 1,
        };
        let engine = Engine::new(limits, folder.path(), |_| ()).expect("an engine");
        let on_disk = tables::on_disk(&rows.schema(), &files).expect("files");
        let read = read.map(|name| BTreeSet::from([name.to_owned()]));
        let held = Held::new(
            session::in_memory(&rows.schema()),
            read.as_ref(),
            files,
            on_disk,
            None,
        );
        let state = engine.session().state();
        let read = async || {
            let plan = held.scan(&state, asked, &[], None).await.expect("scans");
            let shown = displayable(plan.as_ref()).indent(false).to_string();
            let batches = collect(plan, state.task_ctx()).await.expect("reads");
            let all = concat_batches(&batches[0].schema(), &batches).expect("one batch");
            (all, shown)
        };
        let (all, shown) = read().await;
        let reserved = || state.runtime_env().memory_pool.reserved();
        assert_eq!(reserved() == 0, shown.contains("parquet"), "{shown}");
        held.let_go();
        assert_eq!(reserved(), 0);
        let (again, how) = read().await;
        assert!(how.contains("parquet"), "{how}");
        assert_eq!(again, all);
        (all, shown)
    }

    #[tokio::test]
    async fn a_table_is_held_where_there_is_room_and_its_rows_are_the_same() {
        let (held, how) = asked(1 << 30, None, None).await;
        assert!(!how.contains("parquet"), "{how}");
        let (read, how) = asked(64 << 10, None, None).await;
        assert!(how.contains("parquet"), "{how}");
        assert_eq!(held.num_rows(), 800);
        assert_eq!(held, read);
    }

    #[test]
    fn rows_are_dealt_out_alike_in_their_order() {
        let rows = |from: i64, n: i64| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(from..from + n));
            RecordBatch::try_from_iter([("n", column)]).expect("rows")
        };
        let sizes = |batches: &[RecordBatch]| -> Vec<usize> {
            batches.iter().map(RecordBatch::num_rows).collect()
        };
        let whole = [rows(0, 40_000), rows(40_000, 8_000)];
        let found = dealt(&whole);
        assert_eq!(
            sizes(&found),
            [
                6_000, 6_000, 6_000, 6_000, 6_000, 6_000, 4_000, 6_000, 2_000
            ]
        );
        let schema = whole[0].schema();
        assert_eq!(
            concat_batches(&schema, &found).expect("one batch"),
            concat_batches(&schema, &whole).expect("one batch")
        );
        assert_eq!(sizes(&dealt(&[rows(0, 5_000)])), [5_000]);
        assert_eq!(sizes(&dealt(&[rows(0, 9_000)])), [4_500, 4_500]);
        assert_eq!(sizes(&dealt(&[rows(0, 300_000)]))[..2], [32_768, 32_768]);
        assert!(dealt(&[]).is_empty());
    }

    #[tokio::test]
    async fn a_column_that_nobody_was_to_read_is_read_from_the_files() {
        let text = vec![1];
        let (held, how) = asked(1 << 30, Some("text"), Some(&text)).await;
        assert!(!how.contains("parquet"), "{how}");
        let (read, how) = asked(1 << 30, Some("n"), Some(&text)).await;
        assert!(how.contains("parquet"), "{how}");
        assert_eq!(held.num_columns(), 1);
        assert_eq!(held, read);
        let (counted, how) = asked(1 << 30, Some("none of them"), Some(&Vec::new())).await;
        assert!(!how.contains("parquet"), "{how}");
        assert_eq!((counted.num_columns(), counted.num_rows()), (0, 800));
    }
}
