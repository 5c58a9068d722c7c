//! Small tables, read once. A night asks a table of a hundred little files several times over, and
//! opening them each time costs more than all that is done with their rows.

use std::fmt;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::datasource::listing::ListingTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::parquet::errors::ParquetError;
use datafusion::physical_plan::ExecutionPlan;
use tokio::sync::OnceCell;

/// Bytes on disk up to which a table is small.
pub(super) const SMALL: u64 = 8 << 20;
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

    /// The rows, unless there is no room for them.
    fn load(&self, pool: &Arc<dyn MemoryPool>) -> Result<Option<Rows>> {
        let mut batches = Vec::new();
        for file in &self.files {
            let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file)?)?;
            for batch in reader.build()? {
                batches.push(self.fit(&batch.map_err(unreadable)?).map_err(unreadable)?);
            }
        }
        let rows = concat_batches(&self.schema, &batches)?;
        let memory = MemoryConsumer::new("small table").register(pool);
        let bytes = rows.get_array_memory_size();
        let room = match pool.memory_limit() {
            MemoryLimit::Finite(limit) => (limit / PART).saturating_sub(pool.reserved()),
            _ => usize::MAX,
        };
        if bytes > room || memory.try_grow(bytes).is_err() {
            return Ok(None);
        }
        Ok(Some(Rows {
            table: MemTable::try_new(Arc::clone(&self.schema), vec![vec![rows]])?,
            _memory: memory,
        }))
    }

    /// The columns of the table, by name.
    fn fit(&self, batch: &RecordBatch) -> std::result::Result<RecordBatch, ArrowError> {
        let columns = self.schema.fields().iter().map(|field| {
            let column = batch.schema().index_of(field.name())?;
            cast(batch.column(column), field.data_type())
        });
        RecordBatch::try_new(
            Arc::clone(&self.schema),
            columns.collect::<std::result::Result<_, _>>()?,
        )
    }
}

fn unreadable(error: ArrowError) -> DataFusionError {
    ParquetError::from(error).into()
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
        let rows = self.rows.get_or_try_init(|| async { self.load(pool) });
        match rows.await? {
            Some(rows) => rows.table.scan(state, projection, filters, limit).await,
            None => self.on_disk.scan(state, projection, filters, limit).await,
        }
    }
}
