//! The first row of each group, where a query numbers the rows of groups and keeps those numbered 1.
//!
//! That is how one row of several is chosen (`ROW_NUMBER() OVER (PARTITION BY …) … WHERE position = 1`):
//! see [`super::row_numbers`].

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, UInt64Array};
use datafusion::arrow::compute::filter;
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::utils::split_conjunction;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

use super::instead::{Quicker, above, instead_of};
use super::row_numbers::{Numbering, Starts};

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
struct FirstRows(Numbering);

/// The first rows of the groups of a batch, each with the number 1.
fn first_rows(starts: &mut Starts, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
    let first = BooleanArray::from(starts.of(batch)?);
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
        Numbering::of(node).map(Self)
    }

    fn execute(
        &self,
        window: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.0.execute(window, partition, task, first_rows)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::row_numbers::tests::{Row, both, rows};
    use super::*;

    const FIRST: &str = "SELECT n, code, at FROM (
        SELECT *, ROW_NUMBER() OVER (PARTITION BY n, code ORDER BY at) AS position FROM visits
    ) WHERE position = 1 AND at > 0";

    proptest! {
        #[test]
        fn the_same_rows_are_chosen(rows in rows()) {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (expected, found, how) = runtime.block_on(both(&rows, FIRST, in_place_of_windows));
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
            let (expected, found, how) = both(&rows, &select, in_place_of_windows).await;
            assert!(!how.contains("FirstRows"), "{how}");
            assert_eq!(found, expected);
        }
    }
}
