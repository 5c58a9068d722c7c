//! Small tables, read once. A night asks a table of a hundred little files several times over, and
//! opening them each time costs more than all that is done with their rows.

use std::fmt;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::available_parallelism;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::runtime::SpawnedTask;
use datafusion::datasource::MemTable;
use datafusion::datasource::listing::ListingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::errors::ParquetError;
use datafusion::physical_plan::ExecutionPlan;
use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use crate::compile::session;

/// Bytes on disk up to which a table is small.
pub(super) const SMALL: u64 = 16 << 20;
/// The part of the memory limit beyond which nothing more is held.
const PART: usize = 8;

/// A table that is read from its files when it is first asked, and held from then on.
pub(super) struct Held {
    /// As queries see it.
    schema: SchemaRef,
    files: Vec<PathBuf>,
    /// The same, for when there is no room in memory.
    on_disk: Arc<ListingTable>,
    rows: OnceCell<Option<Rows>>,
}

struct Rows {
    table: MemTable,
    /// Given back with the table.
    _memory: MemoryReservation,
}

impl Held {
    pub(super) fn new(schema: SchemaRef, files: Vec<PathBuf>, on_disk: Arc<ListingTable>) -> Self {
        Self {
            schema,
            files,
            on_disk,
            rows: OnceCell::new(),
        }
    }

    /// The rows, unless there is no room for them. Files are read side by side.
    async fn load(&self, pool: &Arc<dyn MemoryPool>) -> Result<Option<Rows>> {
        let at_once = available_parallelism().map_or(1, NonZeroUsize::get);
        let files: Vec<PathBuf> = self.files.clone();
        let batches: Vec<Vec<RecordBatch>> = stream::iter(files)
            .map(|file| {
                let schema = Arc::clone(&self.schema);
                async move {
                    let read = SpawnedTask::spawn_blocking(move || read(&file, &schema));
                    read.await
                        .map_err(|e| DataFusionError::External(Box::new(e)))?
                }
            })
            .buffered(at_once)
            .try_collect()
            .await?;
        let room = match pool.memory_limit() {
            MemoryLimit::Finite(limit) => (limit / PART).saturating_sub(pool.reserved()),
            _ => usize::MAX,
        };
        let memory = MemoryConsumer::new("small table").register(pool);
        let sizes = batches.iter().flatten().map(|b| b.get_array_memory_size());
        let bytes = sizes.sum();
        if bytes > room || memory.try_grow(bytes).is_err() {
            return Ok(None);
        }
        let rows = concat_batches(&self.schema, batches.iter().flatten())?;
        Ok(Some(Rows {
            table: MemTable::try_new(Arc::clone(&self.schema), vec![vec![rows]])?,
            _memory: memory,
        }))
    }
}

/// The rows of a file, in the columns of the table.
fn read(file: &Path, schema: &SchemaRef) -> Result<Vec<RecordBatch>> {
    let open = File::open(file)?;
    let footer = ArrowReaderMetadata::load(&open, ArrowReaderOptions::new())?;
    let views = ArrowReaderOptions::new().with_schema(session::in_memory(footer.schema()));
    let footer = ArrowReaderMetadata::try_new(Arc::clone(footer.metadata()), views)?;
    let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(open, footer)
        .with_batch_size(session::BATCH_ROWS)
        .build()?;
    reader
        .map(|batch| fit(&batch?, schema))
        .collect::<std::result::Result<_, ArrowError>>()
        .map_err(|e| ParquetError::from(e).into())
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
        let pool = &state.runtime_env().memory_pool;
        let rows = self.rows.get_or_try_init(|| self.load(pool));
        match rows.await? {
            Some(rows) => rows.table.scan(state, projection, filters, limit).await,
            None => self.on_disk.scan(state, projection, filters, limit).await,
        }
    }
}
