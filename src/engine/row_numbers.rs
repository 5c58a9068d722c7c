//! The numbers of the rows of groups (`ROW_NUMBER() OVER (PARTITION BY …)`).
//!
//! The engine's window keeps state for every group and asks it row by row, which costs the more the
//! smaller the groups are. Its rows come sorted by group: a row is the first of its group where the row
//! before it is of another, and all others are one more than the row before.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, UInt64Array};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::kernels::cmp::distinct;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::window::StandardWindowExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowUDFExpr};
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};
use futures::StreamExt;

use super::instead::{Quicker, instead_of};

/// The plan with rows counted in place of windows that number them.
pub(super) fn in_place_of_windows(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        let counted = instead_of::<RowNumbers>(&plan);
        Ok(counted.map_or_else(|| Transformed::no(plan), Transformed::yes))
    })
    .data()
}

/// A window that numbers the rows of groups and does nothing else. Its last column is the number.
#[derive(Debug)]
pub(super) struct Numbering {
    input: Arc<dyn ExecutionPlan>,
    /// What tells groups apart.
    groups: Vec<Arc<dyn PhysicalExpr>>,
}

impl Numbering {
    pub(super) fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let window = node.downcast_ref::<BoundedWindowAggExec>()?;
        let [numbered] = window.window_expr() else {
            return None;
        };
        let function = numbered.as_any().downcast_ref::<StandardWindowExpr>()?;
        let function = function.get_standard_func_expr();
        let function = function.as_any().downcast_ref::<WindowUDFExpr>()?;
        let is_number = function.fun().name() == "row_number";
        let by_group = window.input_order_mode == InputOrderMode::Sorted;
        (is_number && by_group).then(|| Self {
            input: Arc::clone(window.input()),
            groups: numbered.partition_by().to_vec(),
        })
    }

    /// Runs one partition of the window: `columns` makes its columns of a batch that it reads.
    pub(super) fn execute(
        &self,
        window: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
        mut columns: impl FnMut(&mut Starts, &RecordBatch) -> Result<Vec<ArrayRef>> + Send + 'static,
    ) -> Result<SendableRecordBatchStream> {
        let (schema, mut starts) = (window.schema(), Starts::of_groups(&self.groups));
        let shape = Arc::clone(&schema);
        let rows = self.input.execute(partition, task)?.map(move |batch| {
            let columns = columns(&mut starts, &batch?)?;
            Ok(RecordBatch::try_new(Arc::clone(&shape), columns)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// Where groups start, batch after batch.
pub(super) struct Starts {
    groups: Vec<Arc<dyn PhysicalExpr>>,
    /// The group of the row before.
    last: Option<Vec<ArrayRef>>,
}

impl Starts {
    fn of_groups(groups: &[Arc<dyn PhysicalExpr>]) -> Self {
        Self {
            groups: groups.to_vec(),
            last: None,
        }
    }

    /// A bit for each row, set where it is the first of its group.
    pub(super) fn of(&mut self, batch: &RecordBatch) -> Result<BooleanBuffer> {
        let rows = batch.num_rows();
        if rows == 0 {
            return Ok(BooleanBuffer::new_unset(0));
        }
        let keys = self.groups.iter();
        let keys = keys.map(|group| group.evaluate(batch)?.into_array(rows));
        let keys: Vec<ArrayRef> = keys.collect::<Result<_>>()?;
        let part = |from: usize, rows: usize| keys.iter().map(move |key| key.slice(from, rows));
        let mut first = self.last.is_none();
        for (before, key) in self.last.iter().flatten().zip(part(0, 1)) {
            first |= distinct(before, &key)?.value(0);
        }
        let mut others = BooleanBuffer::new_unset(rows - 1);
        for key in keys.iter().filter(|_| rows > 1) {
            let differ = distinct(&key.slice(0, rows - 1), &key.slice(1, rows - 1))?;
            others = &others | differ.values();
        }
        self.last = Some(part(rows - 1, 1).collect());
        Ok(std::iter::once(first).chain(others.iter()).collect())
    }
}

/// A window that numbers the rows of groups.
#[derive(Debug)]
struct RowNumbers(Numbering);

impl Quicker for RowNumbers {
    const NAME: &'static str = "RowNumbers";

    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        Numbering::of(node).map(Self)
    }

    fn execute(
        &self,
        window: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let mut number = 0;
        let columns = move |starts: &mut Starts, batch: &RecordBatch| {
            let starts = starts.of(batch)?;
            let numbers = starts.iter().map(|first| {
                number = if first { 1 } else { number + 1 };
                number
            });
            let numbers = UInt64Array::from_iter_values(numbers);
            let mut columns = batch.columns().to_vec();
            columns.push(Arc::new(numbers));
            Ok(columns)
        };
        self.0.execute(window, partition, task, columns)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use datafusion::arrow::array::{Int64Array, StringViewArray};
    use datafusion::datasource::MemTable;
    use proptest::prelude::*;

    use super::*;
    use crate::compile::session::{config, context};
    use crate::engine::instead::{Node, tests as instead};

    pub(in crate::engine) type Row = (Option<i64>, Option<String>, i64);

    /// What the engine finds in `visits` of these rows, what we find, and how.
    pub(in crate::engine) async fn both(
        rows: &[Row],
        select: &str,
        turned: fn(Node) -> Result<Node>,
    ) -> (String, String, String) {
        both_in(2, rows, select, turned).await
    }

    /// The same, in so many partitions.
    pub(in crate::engine) async fn both_in(
        partitions: usize,
        rows: &[Row],
        select: &str,
        turned: fn(Node) -> Result<Node>,
    ) -> (String, String, String) {
        let config = config(partitions).with_batch_size(3);
        let context = context(config, Arc::default(), |_| {});
        let columns: [(_, ArrayRef, _); 3] = [
            (
                "n",
                Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>()),
                true,
            ),
            (
                "code",
                Arc::new(
                    rows.iter()
                        .map(|r| r.1.clone())
                        .collect::<StringViewArray>(),
                ),
                true,
            ),
            (
                "at",
                Arc::new(rows.iter().map(|r| Some(r.2)).collect::<Int64Array>()),
                true,
            ),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).expect("a table");
        context
            .register_table("visits", Arc::new(table))
            .expect("registers");
        instead::both(&context, select, turned).await
    }

    /// Rows of few groups, no two of which agree on what they are ordered by.
    pub(in crate::engine) fn rows() -> impl Strategy<Value = Vec<Row>> {
        let group = (
            prop::option::weighted(0.8, 0_i64..4),
            prop::option::weighted(0.8, "[ab]"),
        );
        prop::collection::vec(group, 0..40).prop_map(|rows| {
            (-2..)
                .zip(rows)
                .map(|(at, (n, code))| (n, code, at))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn the_same_numbers_are_given(
            rows in rows(),
            over in prop::sample::select(vec!["PARTITION BY n, code ORDER BY at", "PARTITION BY n ORDER BY at", "ORDER BY at"]),
        ) {
            let select = format!("SELECT *, ROW_NUMBER() OVER ({over}) AS position FROM visits");
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (expected, found, how) = runtime.block_on(both(&rows, &select, in_place_of_windows));
            prop_assert!(how.contains("RowNumbers in place of"), "{}", how);
            prop_assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn other_windows_are_left_to_the_engine() {
        let rows: Vec<Row> = (0..9).map(|at| (Some(at % 2), None, at)).collect();
        for function in ["RANK()", "SUM(at)"] {
            let select =
                format!("SELECT at, {function} OVER (PARTITION BY n ORDER BY at) FROM visits");
            let (expected, found, how) = both(&rows, &select, in_place_of_windows).await;
            assert!(!how.contains("RowNumbers"), "{how}");
            assert_eq!(found, expected);
        }
    }
}
