//! Checks that hold rows against each other, or look for their values in another table.

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::common::{Column, JoinType};
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, ident, lit};

use crate::compile::TableName;
use crate::diag::{Diagnostics, Result};

use super::outcome::Outcome;
use super::rule::Rule;
use super::subject::{Subject, column_of};

/// No two rows agree on all of `columns`. As in SQL, a null agrees with nothing.
pub(super) async fn unique(
    subject: &Subject<'_>,
    rule: &Rule,
    columns: &[String],
    total: u64,
) -> Result<Outcome> {
    let failed = |e| subject.failed(rule, &e);
    let keys = columns
        .iter()
        .map(|name| subject.column(name))
        .collect::<Result<Vec<_>>>()?;
    let mut frame = subject.looked_at(rule)?;
    if let Some(known) = keys
        .iter()
        .cloned()
        .map(Expr::is_not_null)
        .reduce(Expr::and)
    {
        frame = frame.filter(known).map_err(failed)?;
    }
    let shared = frame
        .aggregate(keys.clone(), vec![count(lit(1_i64)).alias(ROWS)])
        .and_then(|f| f.filter(ident(ROWS).gt(lit(1_i64))))
        .map_err(failed)?;
    let counted = shared
        .clone()
        .aggregate(Vec::new(), vec![sum(ident(ROWS)).alias(ROWS)])
        .map_err(failed)?;
    let broken = number(&subject.collect(rule, counted).await?);
    let mut outcome = unique_outcome(rule, columns, broken, total);
    if outcome.matters() {
        outcome.examples = subject.keys(rule, shared, keys).await?;
    }
    Ok(outcome)
}

/// What is said when so many rows agree with another.
pub(super) fn unique_outcome(rule: &Rule, columns: &[String], broken: u64, total: u64) -> Outcome {
    let detail = format!(
        "{broken} of {total} rows share their `{}` with another",
        columns.join("`, `")
    );
    Outcome::of_rows(rule, broken, total, detail)
}

/// Every value of `column` stands in `field` of another table. Null passes.
pub(super) async fn relationship(
    subject: &Subject<'_>,
    rule: &Rule,
    column: &str,
    other: &TableName,
    field: &str,
    total: u64,
) -> Result<Outcome> {
    let failed = |e| subject.failed(rule, &e);
    let column_expr = subject.column(column)?;
    let lost_beside = |there: DataFrame| {
        let field_expr = column_of(&there, other, field)?;
        // Under a name of its own: the other table may be this one.
        let there = there
            .select(vec![field_expr.alias(FIELD)])
            .and_then(|f| f.distinct())
            .and_then(|f| f.alias(OTHER))
            .map_err(failed)?;
        subject
            .looked_at(rule)?
            .filter(column_expr.clone().is_not_null())
            .and_then(|f| {
                let field = Expr::Column(Column::new(Some(OTHER), FIELD));
                f.join_on(there, JoinType::LeftAnti, [column_expr.clone().eq(field)])
            })
            .map_err(failed)
    };
    let number_of = async |lost: &DataFrame| {
        let counted = lost
            .clone()
            .aggregate(Vec::new(), vec![count(lit(1_i64)).alias(ROWS)])
            .map_err(failed)?;
        Ok::<u64, Diagnostics>(number(&subject.collect(rule, counted).await?))
    };
    let there = subject.other(other).await?;
    // Months that a table of millions surely has need not be looked for in it.
    let surely = subject.surely_in_other(other, field).await;
    let surely = surely.map(lost_beside).transpose()?;
    let (lost, broken) = match surely {
        Some(lost) if number_of(&lost).await? == 0 => (lost, 0),
        _ => {
            let lost = lost_beside(there)?;
            let broken = number_of(&lost).await?;
            (lost, broken)
        }
    };
    let detail =
        format!("{broken} of {total} rows hold a `{column}` that is not in {other}.{field}");
    let mut outcome = Outcome::of_rows(rule, broken, total, detail);
    if outcome.matters() {
        let keys = subject
            .grain
            .iter()
            .map(|name| subject.column(name))
            .collect::<Result<Vec<_>>>()?;
        outcome.examples = subject.keys(rule, lost, keys).await?;
    }
    Ok(outcome)
}

/// The single number of a single row; null and no row are 0.
fn number(batches: &[RecordBatch]) -> u64 {
    batches
        .iter()
        .filter(|batch| batch.num_rows() > 0)
        .filter_map(|batch| {
            batch
                .columns()
                .first()?
                .as_primitive_opt::<Int64Type>()
                .cloned()
        })
        .filter_map(|array| array.iter().next().flatten())
        .filter_map(|n| u64::try_from(n).ok())
        .sum()
}

// Names that no column of a user can have: theirs are lower case, digits and underscores.
const ROWS: &str = "#rows";
const FIELD: &str = "#field";
const OTHER: &str = "#other";
