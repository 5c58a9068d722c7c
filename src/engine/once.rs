//! Rows that have been read already as the input of another plan.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::stream;
use parking_lot::Mutex;

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
