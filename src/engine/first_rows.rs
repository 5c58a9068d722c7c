//! The first row of each group, where a query numbers the rows of groups and keeps those numbered 1.
//!
//! That is how one row of several is chosen (`ROW_NUMBER() OVER (PARTITION BY …) … WHERE position = 1`).
//! The engine's window keeps state for every group and asks it row by row, which costs the more the
//! smaller the groups are. Its rows come sorted by group: a row is the first of its group where the row
//! before it is of another.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::filter;
use datafusion::arrow::compute::kernels::cmp::distinct;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::utils::split_conjunction;
use datafusion::physical_expr::window::StandardWindowExpr;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowUDFExpr};
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};
use futures::StreamExt;

use super::instead::{Quicker, above, instead_of};

/// The plan without windows whose rows are thrown away but for the first.
pub(super) fn in_place_of_windows(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        let Some(filtered) = plan.downcast_ref::<FilterExec>() else {
            return Ok(Transformed::no(plan));
        };
        let ones: Vec<usize> = split_conjunction(filtered.predicate())
            .into_iter()
            .filter_map(is_one)
            .collect();
        Ok(match first_rows_below(filtered.input(), &ones)? {
            Some(below) => Transformed::yes(above(&plan, vec![below])?),
            None => Transformed::no(plan),
        })
    })
    .data()
}

/// The column that an expression says is the number 1.
fn is_one(expression: &Arc<dyn PhysicalExpr>) -> Option<usize> {
    let expression = expression.downcast_ref::<BinaryExpr>()?;
    let one = expression.right().downcast_ref::<Literal>()?;
    let is_one = *one.value() == ScalarValue::UInt64(Some(1));
    let column = expression.left().downcast_ref::<Column>()?;
    (is_one && *expression.op() == Operator::Eq).then(|| column.index())
}

/// A filter's input with first rows in place of a window, if one of the columns `ones` is its number.
fn first_rows_below(
    input: &Arc<dyn ExecutionPlan>,
    ones: &[usize],
) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(projection) = input.downcast_ref::<ProjectionExec>() else {
        return Ok(first_rows_of(input, ones));
    };
    let column = |place: &usize| {
        let expression = &projection.expr().get(*place)?.expr;
        Some(expression.downcast_ref::<Column>()?.index())
    };
    let ones: Vec<usize> = ones.iter().filter_map(column).collect();
    let below = first_rows_of(projection.input(), &ones);
    below.map(|below| above(input, vec![below])).transpose()
}

/// First rows in place of a window whose last column, its number, is one of the columns `ones`.
fn first_rows_of(
    window: &Arc<dyn ExecutionPlan>,
    ones: &[usize],
) -> Option<Arc<dyn ExecutionPlan>> {
    let number = window.schema().fields().len().checked_sub(1)?;
    match ones.contains(&number) {
        true => instead_of::<FirstRows>(window),
        false => None,
    }
}

/// A window that numbers the rows of groups, without the rows that are not numbered 1.
#[derive(Debug)]
struct FirstRows {
    input: Arc<dyn ExecutionPlan>,
    /// What tells groups apart.
    groups: Vec<Arc<dyn PhysicalExpr>>,
}

/// The first rows of the groups of a batch, each with the number 1. `last` is the group of the row before.
fn first_rows(
    groups: &[Arc<dyn PhysicalExpr>],
    last: &mut Option<Vec<ArrayRef>>,
    batch: &RecordBatch,
) -> Result<Vec<ArrayRef>> {
    let rows = batch.num_rows();
    let keys = groups
        .iter()
        .map(|group| group.evaluate(batch)?.into_array(rows));
    let keys: Vec<ArrayRef> = keys.collect::<Result<_>>()?;
    let part = |from: usize, rows: usize| keys.iter().map(move |key| key.slice(from, rows));
    let mut first = vec![last.is_none() && rows > 0; rows.min(1)];
    if let (Some(last), true) = (last.as_ref(), rows > 0) {
        for (before, key) in last.iter().zip(part(0, 1)) {
            first[0] |= distinct(before, &key)?.value(0);
        }
    }
    let mut others = BooleanBuffer::new_unset(rows.saturating_sub(1));
    for key in keys.iter().filter(|_| rows > 1) {
        let differ = distinct(&key.slice(0, rows - 1), &key.slice(1, rows - 1))?;
        others = &others | differ.values();
    }
    if rows > 0 {
        *last = Some(part(rows - 1, 1).collect());
    }
    let first: BooleanArray = first.into_iter().chain(others.iter()).map(Some).collect();
    let columns = batch
        .columns()
        .iter()
        .map(|column| Ok(filter(column, &first)?));
    let mut columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
    columns.push(Arc::new(UInt64Array::from(vec![1; first.true_count()])));
    Ok(columns)
}

impl Quicker for FirstRows {
    const NAME: &'static str = "FirstRows";

    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
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

    fn execute(
        &self,
        window: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (groups, schema) = (self.groups.clone(), window.schema());
        let (mut last, columns) = (None, Arc::clone(&schema));
        let rows = self.input.execute(partition, task)?.map(move |batch| {
            let first = first_rows(&groups, &mut last, &batch?)?;
            Ok(RecordBatch::try_new(Arc::clone(&columns), first)?)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Int64Array, StringViewArray};
    use datafusion::datasource::MemTable;
    use proptest::prelude::*;

    use super::*;
    use crate::compile::session::{config, context};
    use crate::engine::instead::tests as instead;

    type Row = (Option<i64>, Option<String>, i64);

    /// What the engine chooses, what we choose, and how.
    async fn both(rows: &[Row], select: &str) -> (String, String, String) {
        let context = context(config(2).with_batch_size(3), Arc::default(), |_| {});
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
        instead::both(&context, select, in_place_of_windows).await
    }

    const FIRST: &str = "SELECT n, code, at FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY n, code ORDER BY at) AS position FROM visits
    ) WHERE position = 1 AND at > 0";

    proptest! {
        #[test]
        fn the_same_rows_are_chosen(
            rows in prop::collection::vec(
                (prop::option::weighted(0.8, 0_i64..4), prop::option::weighted(0.8, "[ab]"), Just(0)),
                0..40,
            ),
        ) {
            // No two rows agree on what they are ordered by.
            let rows: Vec<Row> = (-2..).zip(rows).map(|(at, (n, code, _))| (n, code, at)).collect();
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (expected, found, how) = runtime.block_on(both(&rows, FIRST));
            prop_assert!(how.contains("FirstRows in place of"), "{}", how);
            prop_assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn other_numbers_are_left_to_the_engine() {
        let rows: Vec<Row> = (0..9).map(|at| (Some(at % 2), None, at)).collect();
        for (function, wanted) in [("ROW_NUMBER", 2), ("RANK", 1)] {
            let select = format!(
                "SELECT at FROM (
                    SELECT *, {function}() OVER (PARTITION BY n ORDER BY at) AS position FROM visits
                ) WHERE position = {wanted}"
            );
            let (expected, found, how) = both(&rows, &select).await;
            assert!(!how.contains("FirstRows"), "{how}");
            assert_eq!(found, expected);
        }
    }
}
