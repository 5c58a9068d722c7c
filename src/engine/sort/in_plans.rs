//! Sorts in the middle of plans, such as those below a window, by the keys of [`super::keys`].

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

use super::super::instead::{Quicker, instead_of, once_there};
use super::{Key, by_keys, keys};

/// The plan with sorts of ours in place of the engine's, where keys are of the kinds that we sort.
pub(in super::super) fn in_place_of_sorts(
    plan: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        let sorted = instead_of::<Sort>(&plan);
        Ok(sorted.map_or_else(|| Transformed::no(plan), Transformed::yes))
    })
    .data()
}

#[derive(Debug)]
struct Sort {
    input: Arc<dyn ExecutionPlan>,
    order: Vec<Key>,
}

impl Quicker for Sort {
    const NAME: &'static str = "Sort";

    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let sort = node.downcast_ref::<SortExec>()?;
        let schema = sort.input().schema();
        let keys = sort.expr().iter().map(|key| {
            let column = key.expr.downcast_ref::<Column>()?.index();
            keys::are_numbered(schema.field(column).data_type()).then_some((column, key.options))
        });
        // Of the first rows alone the engine keeps no others.
        sort.fetch().is_none().then_some(())?;
        Some(Self {
            input: Arc::clone(sort.input()),
            order: keys.collect::<Option<_>>()?,
        })
    }

    fn execute(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let alone = node.output_partitioning().partition_count() == 1;
        let side_by_side = alone && task.session_config().target_partitions() > 1;
        let rows = self.input.execute(partition, Arc::clone(&task))?;
        let (schema, order) = (node.schema(), self.order.clone());
        let sorted = async move { by_keys(rows, &order, side_by_side, task).await };
        Ok(once_there(schema, sorted))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::super::row_numbers::tests::{both, rows};
    use super::*;

    proptest! {
        #[test]
        fn rows_are_numbered_in_the_same_order(
            rows in rows(),
            order in prop::sample::select(vec![
                "at", "at DESC", "code, at DESC", "code DESC NULLS LAST, at", "code NULLS FIRST, n DESC, at",
                "n NULLS FIRST, code DESC, at",
            ]),
        ) {
            let select = format!("SELECT *, ROW_NUMBER() OVER (PARTITION BY n ORDER BY {order}) FROM visits");
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (expected, found, how) = runtime.block_on(both(&rows, &select, in_place_of_sorts));
            prop_assert!(how.contains("Sort in place of"), "{}", how);
            prop_assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn the_first_rows_alone_and_keys_of_other_kinds_are_left_to_the_engine() {
        let rows = [(Some(1), None, 3), (Some(2), None, 1), (None, None, 2)];
        for select in [
            "SELECT at FROM visits ORDER BY at LIMIT 1",
            "SELECT at, ROW_NUMBER() OVER (ORDER BY CAST(at AS DOUBLE)) FROM visits",
        ] {
            let (expected, found, how) = both(&rows, select, in_place_of_sorts).await;
            assert!(!how.contains("Sort in place of"), "{how}");
            assert_eq!(found, expected);
        }
    }
}
