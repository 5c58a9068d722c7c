//! Texts that are written in a query as views, like those that tables hold.
//!
//! The engine makes plain strings of the texts in written rows, and of a text that stands for a whole
//! column: they are then copied, byte by byte, in every join that they go through, and made views in the end.

use std::sync::Arc;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Alias;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection, Values, cast};
use datafusion::optimizer::{Analyzer, AnalyzerRule};

type Rule = Arc<dyn AnalyzerRule + Send + Sync>;

/// The engine's rules, with ours before the one that looks at types.
pub(super) fn rules() -> Vec<Rule> {
    let ours: Rule = Arc::new(TextLiteralsAsViews);
    [ours].into_iter().chain(Analyzer::new().rules).collect()
}

#[derive(Debug)]
struct TextLiteralsAsViews;

impl AnalyzerRule for TextLiteralsAsViews {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        if remembers_types(&plan)? {
            return Ok(plan);
        }
        plan.transform_up_with_subqueries(as_views).data()
    }

    fn name(&self) -> &str {
        "text_literals_as_views"
    }
}

/// Whether some part of the plan keeps the types of another, which would be other ones then.
fn remembers_types(plan: &LogicalPlan) -> Result<bool> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= matches!(node, LogicalPlan::RecursiveQuery(_));
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                found |= matches!(part, Expr::OuterReferenceColumn(field, _)
                    if field.data_type() == &DataType::Utf8 || field.data_type().is_nested());
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(found)
}

fn as_views(node: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    match node {
        LogicalPlan::Values(values) if has_texts(&values.schema) => {
            rows(values).map(|rows| Transformed::yes(LogicalPlan::Values(rows)))
        }
        LogicalPlan::Projection(columns) if columns.expr.iter().any(is_named_text) => {
            let columns_of = |column| match is_named_text(&column) {
                true => named_view(column),
                false => column,
            };
            let columns_as_views = columns.expr.into_iter().map(columns_of).collect();
            Projection::try_new(columns_as_views, columns.input)
                .map(|columns| Transformed::yes(LogicalPlan::Projection(columns)))
        }
        node => Ok(Transformed::no(node)),
    }
}

fn has_texts(schema: &DFSchema) -> bool {
    let mut fields = schema.fields().iter();
    fields.any(|field| field.data_type() == &DataType::Utf8)
}

fn rows(values: Values) -> Result<Values> {
    let is_text = |column: usize| values.schema.field(column).data_type() == &DataType::Utf8;
    let rows = values.values.into_iter().map(|row| {
        let row = row.into_iter().enumerate();
        row.map(|(column, value)| match is_text(column) {
            true => view(value),
            false => value,
        })
        .collect()
    });
    let rows = rows.collect();
    let fields = values.schema.iter().map(|(table, field)| {
        let field = match field.data_type() {
            DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
            _ => Arc::clone(field),
        };
        (table.cloned(), field)
    });
    let metadata = values.schema.metadata().clone();
    let schema = DFSchema::new_with_metadata(fields.collect(), metadata)?;
    Ok(Values {
        schema: Arc::new(schema),
        values: rows,
    })
}

/// Whether an expression is a text under a name of its own.
fn is_named_text(column: &Expr) -> bool {
    let Expr::Alias(Alias { expr, .. }) = column else {
        return false;
    };
    matches!(expr.as_ref(), Expr::Literal(ScalarValue::Utf8(_), _))
}

fn named_view(column: Expr) -> Expr {
    match column {
        Expr::Alias(mut named) => {
            *named.expr = view(*named.expr);
            Expr::Alias(named)
        }
        other => other,
    }
}

fn view(value: Expr) -> Expr {
    match value {
        Expr::Literal(ScalarValue::Utf8(text), metadata) => {
            Expr::Literal(ScalarValue::Utf8View(text), metadata)
        }
        other => cast(other, DataType::Utf8View),
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{AsArray, RecordBatch};
    use datafusion::arrow::compute::concat_batches;
    use datafusion::physical_plan::collect;

    use super::*;
    use crate::compile::session::{config, context};

    /// What a query gives.
    #[allow(clippy::disallowed_methods)] // a SELECT of the test's own
    async fn rows(select: &str) -> RecordBatch {
        let context = context(config(2), Default::default(), |_| {});
        let frame = context.sql(select).await.expect("plans");
        let plan = frame.create_physical_plan().await.expect("plans");
        let found = collect(Arc::clone(&plan), context.task_ctx()).await;
        let found = found.expect("runs");
        concat_batches(&plan.schema(), &found).expect("one batch")
    }

    #[tokio::test]
    async fn written_rows_and_named_texts_are_views_wherever_they_go() {
        let found = rows(
            "WITH kinds AS (
                SELECT name, n, 'here' AS place FROM (VALUES ('one', 1), (CONCAT('t', 'wo'), 2), (NULL, 3)) AS k (name, n)
                UNION ALL
                SELECT UPPER(name), n + 10, CASE WHEN n > 1 THEN 'there' END FROM (VALUES ('one', 1)) AS l (name, n)
            )
            SELECT kinds.name, more.long, MAX(kinds.n) AS n, MIN(place) AS place
            FROM kinds
            INNER JOIN (VALUES ('one', 'a text of more than twelve bytes'), ('two', 'b')) AS more (name, long)
                ON more.name = LOWER(kinds.name)
            GROUP BY kinds.name, more.long
            ORDER BY n",
        )
        .await;
        let texts = |column: usize| -> Vec<Option<&str>> {
            found.column(column).as_string_view().iter().collect()
        };
        assert_eq!(texts(0), [Some("one"), Some("two"), Some("ONE")]);
        let long = Some("a text of more than twelve bytes");
        assert_eq!(texts(1), [long, Some("b"), long]);
        assert_eq!(texts(3), [Some("here"), Some("here"), None]);
    }

    #[tokio::test]
    async fn a_query_that_asks_for_a_written_text_outside_of_it_still_runs() {
        let found = rows(
            "SELECT name FROM (VALUES ('one'), ('two')) AS a (name)
            WHERE EXISTS (SELECT 1 FROM (VALUES ('two')) AS b (name) WHERE b.name = a.name)",
        )
        .await;
        assert_eq!(found.num_rows(), 1);
        let found = rows(
            "WITH RECURSIVE deep AS (
                SELECT 'a' AS name, 1 AS n UNION ALL SELECT name, n + 1 FROM deep WHERE n < 3
            )
            SELECT name FROM deep",
        )
        .await;
        assert_eq!(found.num_rows(), 3);
    }
}
