//! Choices between columns (`COALESCE(quintile, 0)`, `CASE WHEN own THEN … ELSE … END`).
//!
//! The engine takes the rows of each branch out of the batch, works the branch out for them alone and
//! puts the pieces together again, since it may fail for rows that are not its own
//! (`CASE WHEN n > 0 THEN 1 / n END`). Where branches are columns and written values nothing is worked
//! out and nothing fails: whole columns are chosen from.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use datafusion::arrow::compute::{concat, take};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, IsNotNullExpr, IsNullExpr, Literal, NotExpr,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};

/// Branches up to which all are looked at for all rows: the engine asks later ones of what is left over.
const FEW_BRANCHES: usize = 4;

type Expression = Arc<dyn PhysicalExpr>;

/// The plan with choices in place of the cases in its projections that they can stand for.
pub(super) fn in_place_of_cases(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        let Some(projection) = plan.downcast_ref::<ProjectionExec>() else {
            return Ok(Transformed::no(plan));
        };
        let schema = projection.input().schema();
        let mut any = false;
        let columns = projection.expr().iter().map(|column| {
            let chosen = Arc::clone(&column.expr).transform_up(|e| chosen(e, &schema))?;
            any |= chosen.transformed;
            Ok(ProjectionExpr::new(chosen.data, column.alias.clone()))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        if !any {
            return Ok(Transformed::no(plan));
        }
        let projection = ProjectionExec::try_new(columns, Arc::clone(projection.input()))?;
        Ok(Transformed::yes(Arc::new(projection)))
    })
    .data()
}

/// A choice in place of a case, if it can stand for it.
fn chosen(expression: Expression, schema: &Schema) -> Result<Transformed<Expression>> {
    let choice = match expression.downcast_ref::<CaseExpr>() {
        Some(case) => Choice::of(case, &expression, schema)?,
        None => None,
    };
    Ok(match choice {
        Some(choice) => Transformed::yes(Arc::new(choice)),
        None => Transformed::no(expression),
    })
}

/// Whether an expression costs next to nothing and fails for no row.
pub(super) fn is_at_hand(expression: &Expression) -> bool {
    let is_known = expression.is::<Column>()
        || expression.is::<Literal>()
        || expression.is::<IsNullExpr>()
        || expression.is::<IsNotNullExpr>()
        || expression.is::<NotExpr>()
        || expression.is::<Choice>();
    let compares = |binary: &BinaryExpr| {
        matches!(
            binary.op(),
            Operator::Eq
                | Operator::NotEq
                | Operator::Lt
                | Operator::LtEq
                | Operator::Gt
                | Operator::GtEq
                | Operator::IsDistinctFrom
                | Operator::IsNotDistinctFrom
                | Operator::And
                | Operator::Or
        )
    };
    (is_known
        || expression
            .downcast_ref::<BinaryExpr>()
            .is_some_and(compares))
        && expression.children().into_iter().all(is_at_hand)
}

/// A case that chooses between columns.
#[derive(Debug)]
struct Choice {
    /// What it stands for.
    case: Expression,
    branches: Vec<(Expression, Expression)>,
    otherwise: Expression,
}

impl Choice {
    fn of(case: &CaseExpr, expression: &Expression, schema: &Schema) -> Result<Option<Self>> {
        let branches = case.when_then_expr();
        let kind = expression.data_type(schema)?;
        let otherwise = match case.else_expr() {
            Some(otherwise) => Arc::clone(otherwise),
            None => Arc::new(Literal::new(ScalarValue::try_new_null(&kind)?)) as Expression,
        };
        let (conditions, mut results): (Vec<&Expression>, Vec<&Expression>) =
            branches.iter().map(|(when, then)| (when, then)).unzip();
        results.push(&otherwise);
        let stands_for = case.expr().is_none()
            && branches.len() <= FEW_BRANCHES
            && conditions.into_iter().all(is_at_hand)
            && results.iter().all(|result| is_at_hand(result))
            // The engine has a way of its own where all are written.
            && results.iter().any(|result| !result.is::<Literal>());
        for result in results {
            if !stands_for || result.data_type(schema)? != kind {
                return Ok(None);
            }
        }
        Ok(Some(Self {
            case: Arc::clone(expression),
            branches: branches.to_vec(),
            otherwise,
        }))
    }
}

/// One of two values for each row: the first where the condition is true, else the second.
fn one_of(
    condition: &BooleanArray,
    first: ColumnarValue,
    second: ColumnarValue,
) -> Result<ColumnarValue> {
    if !condition.has_true() {
        return Ok(second);
    }
    if condition.null_count() == 0 && !condition.has_false() {
        return Ok(first);
    }
    // One behind the other, and the place of each row's value among them.
    let (first, first_step) = values(first)?;
    let (second, second_step) = values(second)?;
    let behind = first.len() as u32;
    let is_true = match condition.nulls() {
        Some(known) => condition.values() & known.inner(),
        None => condition.values().clone(),
    };
    let places = (0..).zip(&is_true).map(|(row, is_true)| match is_true {
        true => row * first_step,
        false => behind + row * second_step,
    });
    let places = UInt32Array::from_iter_values(places);
    let both = concat(&[first.as_ref(), second.as_ref()])?;
    Ok(ColumnarValue::Array(take(&both, &places, None)?))
}

/// Values, and how far the next row's lies from a row's: a written value is there once for all.
fn values(value: ColumnarValue) -> Result<(ArrayRef, u32)> {
    Ok(match value {
        ColumnarValue::Array(array) => (array, 1),
        ColumnarValue::Scalar(value) => (value.to_array()?, 0),
    })
}

/// Choices are one if they stand for the same case.
impl PartialEq for Choice {
    fn eq(&self, other: &Self) -> bool {
        *self.case == *other.case
    }
}

impl Eq for Choice {}

impl Hash for Choice {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.case.hash(state);
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Choice in place of {}", self.case)
    }
}

impl PhysicalExpr for Choice {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.case.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.case.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let mut value = self.otherwise.evaluate(batch)?;
        for (when, then) in self.branches.iter().rev() {
            let condition = when.evaluate(batch)?.into_array(batch.num_rows())?;
            value = one_of(condition.as_boolean(), then.evaluate(batch)?, value)?;
        }
        Ok(value)
    }

    fn children(&self) -> Vec<&Expression> {
        self.case.children()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Expression>) -> Result<Expression> {
        Arc::clone(&self.case).with_new_children(children)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.case.fmt_sql(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::row_numbers::tests::{both, rows};
    use super::*;

    proptest! {
        #[test]
        fn the_same_values_are_chosen(
            rows in rows(),
            choice in prop::sample::select(vec![
                "COALESCE(n, at)",
                "COALESCE(n, 0)",
                "COALESCE(code, 'none')",
                "CASE WHEN n > 1 THEN n WHEN code IS NULL THEN at ELSE COALESCE(n, 7) END",
                "CASE WHEN code = 'a' THEN 'the first of the letters' ELSE code END",
                "CASE WHEN at <> n THEN at END",
                "CASE WHEN NOT (n = 1 OR at = 2) THEN n ELSE at END",
            ]),
        ) {
            let select = format!("SELECT n, code, at, {choice} AS chosen FROM visits");
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (expected, found, how) = runtime.block_on(both(&rows, &select, in_place_of_cases));
            prop_assert!(how.contains("Choice in place of"), "{}", how);
            prop_assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn branches_that_may_fail_for_rows_of_others_are_left_to_the_engine() {
        let rows = [(Some(0), None, 3), (Some(2), None, 4)];
        for choice in [
            "CASE WHEN n > 0 THEN at / n ELSE at END",
            "CASE WHEN n = 0 THEN 0 WHEN at / n > 1 THEN n ELSE at END",
        ] {
            let select = format!("SELECT {choice} AS chosen FROM visits");
            let (expected, found, how) = both(&rows, &select, in_place_of_cases).await;
            assert!(!how.contains("Choice"), "{how}");
            assert_eq!(found, expected);
        }
    }
}
