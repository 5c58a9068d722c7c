//! What is read once: rows as the input of another plan, and what several partitions wait for.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result, SharedResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream;
use parking_lot::Mutex;
use tokio::sync::OnceCell;

/// A plan of one partition that gives these rows, once.
pub(super) fn once(rows: SendableRecordBatchStream) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = rows.schema();
    let rows: Arc<dyn PartitionStream> = Arc::new(Once {
        schema: Arc::clone(&schema),
        rows: Mutex::new(Some(rows)),
    });
    let plan = StreamingTableExec::try_new(schema, vec![rows], None, None, false, None)?;
    Ok(Arc::new(plan))
}

/// What several partitions wait for, made by the first that asks. If it fails it has failed for all:
/// what it read cannot be read again.
#[derive(Debug)]
pub(super) struct ForAll<T>(OnceCell<SharedResult<T>>);

impl<T> Default for ForAll<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T> ForAll<T> {
    pub(super) async fn made(&self, make: impl AsyncFnOnce() -> Result<T>) -> Result<&T> {
        let made = self.0.get_or_init(async || make().await.map_err(Arc::new));
        let made = made.await.as_ref();
        made.map_err(|e| DataFusionError::Shared(Arc::clone(e)))
    }

    /// It, if it has been made.
    pub(super) fn get(&self) -> Option<&T> {
        self.0.get()?.as_ref().ok()
    }
}

struct Once {
    schema: SchemaRef,
    rows: Mutex<Option<SendableRecordBatchStream>>,
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Once")
    }
}

impl PartitionStream for Once {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let asked_again = || {
            let failed = DataFusionError::Internal("rows were asked for twice".to_owned());
            let failed = stream::once(async { Err(failed) });
            Box::pin(RecordBatchStreamAdapter::new(
                Arc::clone(&self.schema),
                failed,
            )) as SendableRecordBatchStream
        };
        self.rows.lock().take().unwrap_or_else(asked_again)
    }
}
