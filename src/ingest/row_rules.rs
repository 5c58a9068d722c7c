//! Rules on whole rows: SQL expressions, made physical once for a file.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::expr_rewriter::unnormalize_col;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};

/// A condition on rows, ready to judge batches.
#[derive(Debug)]
pub(super) struct RowJudge {
    name: String,
    expression: Arc<dyn PhysicalExpr>,
}

impl RowJudge {
    /// For a condition over the staged columns.
    ///
    /// # Errors
    /// When the expression does not fit them.
    pub(super) fn new(name: &str, expression: &Expr, schema: &SchemaRef) -> Result<Self> {
        physical(expression, schema)
            .map(|expression| Self {
                name: name.to_owned(),
                expression,
            })
            .map_err(|e| {
                Diagnostic::error(
                    Code::SqlPlan,
                    format!("the rule `{name}` does not plan: {}", e.strip_backtrace()),
                )
                .into()
            })
    }

    /// The rows of a batch for which the condition is this; null is neither.
    ///
    /// # Errors
    /// When the expression fails on a row; the engine's words, which may hold values, are not
    /// repeated.
    pub(super) fn rows_where(
        &self,
        truth: bool,
        batch: &RecordBatch,
        file: &str,
    ) -> Result<Vec<usize>> {
        let failed = || {
            Diagnostics::from(
                Diagnostic::error(
                    Code::SqlRun,
                    format!(
                        "the rule `{}` fails on a row instead of being true or false",
                        self.name
                    ),
                )
                .at(DataPlace::file(file))
                .hint("does it divide by zero, or cast a text? use nullif or try_cast"),
            )
        };
        let values = self
            .expression
            .evaluate(batch)
            .and_then(|v| v.into_array(batch.num_rows()))
            .map_err(|_| failed())?;
        let values = arrow::compute::cast(&values, &DataType::Boolean).map_err(|_| failed())?;
        let values = values.as_boolean();
        Ok((0..values.len())
            .filter(|row| values.is_valid(*row) && values.value(*row) == truth)
            .collect())
    }
}

fn physical(expression: &Expr, schema: &SchemaRef) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
    let schema = Arc::new(DFSchema::try_from(schema.as_ref().clone())?);
    let simplifier = ExprSimplifier::new(
        SimplifyContext::builder()
            .with_schema(Arc::clone(&schema))
            .build(),
    );
    // The rule may name its columns with the table; the batch knows none.
    let expression = simplifier.coerce(unnormalize_col(expression.clone()), &schema)?;
    create_physical_expr(
        &expression,
        &schema,
        &ExecutionProps::new(),
        &PhysicalPlanningContext::default(),
    )
}
