//! Filters that pass long batches on as they are.
//!
//! The engine's filter gathers what is left of a batch until it has a whole one, unless more than half of one
//! is left. Most filters of a night leave nearly all rows of batches that are shared out to cores, and every
//! column of them would be copied once more.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;

/// Rows of a batch that is long.
const LONG: usize = 1 << 12;
/// The rows that the engine gathers, to pass on what is longer than half of that.
const GATHERED: usize = 2 * LONG;

/// The plan, its filters gathering short batches alone.
pub(super) fn through_filters(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        Ok(match node.downcast_ref::<FilterExec>() {
            Some(filter) if filter.batch_size() > GATHERED => {
                Transformed::yes(Arc::new(filter.with_batch_size(GATHERED)?))
            }
            _ => Transformed::no(node),
        })
    })
    .data()
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch};
    use datafusion::datasource::MemTable;
    use datafusion::physical_plan::collect;

    use super::*;
    use crate::compile::session::{config, context};

    type Turned = fn(Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>>;

    #[tokio::test]
    #[allow(clippy::disallowed_methods)] // a SELECT of the test's own
    async fn long_batches_are_passed_on_and_short_ones_gathered() {
        let batch = |rows: std::ops::Range<i64>| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
            RecordBatch::try_from_iter([("n", column)]).expect("a batch")
        };
        let rows = [
            0..6_000,
            6_000..12_000,
            12_000..12_010,
            12_010..12_030,
            12_030..20_000,
        ];
        let rows: Vec<RecordBatch> = rows.into_iter().map(batch).collect();
        let table = MemTable::try_new(rows[0].schema(), vec![rows]).expect("a table");
        let context = context(config(1), Arc::default(), |_| {});
        context
            .register_table("many", Arc::new(table))
            .expect("registers");
        let lengths = async |turned: Turned| {
            let frame = context
                .sql("SELECT n FROM many WHERE n % 1000 > 0")
                .await
                .expect("plans");
            let plan = turned(frame.create_physical_plan().await.expect("plans")).expect("turns");
            let found = collect(plan, context.task_ctx()).await.expect("runs");
            found.iter().map(RecordBatch::num_rows).collect::<Vec<_>>()
        };
        // A thousandth is left out; what is left of the two short ones goes with the next.
        assert_eq!(lengths(Ok).await, [19_980]);
        assert_eq!(lengths(through_filters).await, [5_994, 5_994, 7_992]);
    }
}
