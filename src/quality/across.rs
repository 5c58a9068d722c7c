//! Checks that hold rows against each other, or against another table.

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Column, JoinType, ScalarValue};
use datafusion::dataframe::DataFrame;
use datafusion::functions::math::expr_fn::abs;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, ExprSchemable, cast, ident, lit, when};

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

/// The sum of `measure` (or the number of rows) is the same here and there, for every combination
/// of `by`. A combination that only one of the two has differs. `where` looks at this table only.
pub(super) async fn reconciles(
    subject: &Subject<'_>,
    rule: &Rule,
    other: &TableName,
    measure: Option<&str>,
    by: &[String],
) -> Result<Outcome> {
    let failed = |e| subject.failed(rule, &e);
    let there = subject.other(other).await?;
    let here = totals(
        subject,
        rule,
        subject.looked_at(rule)?,
        subject.table,
        measure,
        by,
    )?;
    let there = totals(subject, rule, there, other, measure, by)?;
    // Each side brings its total and a null in the other's place; the group that keeps a null has
    // no rows on that side.
    let kind = |frame: &DataFrame| {
        frame
            .schema()
            .iter()
            .find(|(_, f)| f.name() == TOTAL)
            .map_or(DataType::Null, |(_, f)| f.data_type().clone())
    };
    let (here_kind, there_kind) = (kind(&here), kind(&there));
    let side = |frame: DataFrame, keys: Vec<Expr>, ours: bool| {
        let null = |kind: &DataType| cast(lit(ScalarValue::Null), kind.clone());
        let (left, right) = if ours {
            (ident(TOTAL), null(&there_kind))
        } else {
            (null(&here_kind), ident(TOTAL))
        };
        let columns = keys
            .into_iter()
            .chain([left.alias(HERE), right.alias(THERE)])
            .collect::<Vec<_>>();
        frame.select(columns)
    };
    let key = |i: usize| format!("{KEY}{i}");
    let our_keys = (0..by.len()).map(|i| ident(key(i))).collect::<Vec<_>>();
    let their_keys = our_keys
        .iter()
        .enumerate()
        .map(|(i, expr)| {
            let kind = expr.get_type(here.schema())?;
            Ok(cast(expr.clone(), kind).alias(key(i)))
        })
        .collect::<datafusion::common::Result<Vec<_>>>()
        .map_err(failed)?;
    let both = side(there, their_keys, false)
        .and_then(|there| side(here, our_keys.clone(), true)?.union(there))
        .and_then(|f| {
            f.aggregate(
                our_keys.clone(),
                vec![sum(ident(HERE)).alias(HERE), sum(ident(THERE)).alias(THERE)],
            )
        })
        .map_err(failed)?;
    let differs = apart(&here_kind, &there_kind);
    let differing = both.clone().filter(differs.clone()).map_err(failed)?;
    let compared = both.select(vec![differs.alias(DIFFERS)]).map_err(failed)?;
    let compared = subject.collect_as_it_is(rule, compared).await?;
    let total = compared.iter().map(|batch| batch.num_rows() as u64).sum();
    let broken = compared
        .iter()
        .filter_map(|batch| batch.columns().first()?.as_boolean_opt())
        .map(|differs| differs.true_count() as u64)
        .sum();
    let what = measure.map_or_else(|| "rows".to_owned(), |m| format!("`{m}`"));
    let detail = if by.is_empty() {
        let differ = if broken == 0 {
            "agrees"
        } else {
            "does not agree"
        };
        format!("the total of {what} {differ} with {other}")
    } else {
        format!(
            "{broken} of {total} groups of `{}` differ from {other} in {what}",
            by.join("`, `")
        )
    };
    let mut outcome = Outcome::of_rows(rule, broken, total, detail);
    if outcome.matters() {
        let keys = by
            .iter()
            .enumerate()
            .map(|(i, name)| ident(key(i)).alias(name))
            .collect::<Vec<_>>();
        let named = differing.select(keys).map_err(failed)?;
        let keys = by.iter().map(ident).collect();
        outcome.examples = subject.keys(rule, named, keys).await?;
    }
    Ok(outcome)
}

/// One row per combination of `by`: the keys as `key_0`, `key_1` …, and the total.
fn totals(
    subject: &Subject<'_>,
    rule: &Rule,
    frame: DataFrame,
    table: &TableName,
    measure: Option<&str>,
    by: &[String],
) -> Result<DataFrame> {
    let failed = |e| subject.failed(rule, &e);
    let keys = by
        .iter()
        .enumerate()
        .map(|(i, name)| Ok(column_of(&frame, table, name)?.alias(format!("{KEY}{i}"))))
        .collect::<Result<Vec<_>>>()?;
    let (total, counted) = match measure {
        // A group of nulls has a total of nothing, which is not the same as no group.
        Some(measure) => {
            let known = when(ident(TOTAL).is_not_null(), ident(TOTAL)).otherwise(lit(0_i64));
            let total = sum(column_of(&frame, table, measure)?);
            (total, known.map_err(failed)?.alias(TOTAL))
        }
        None => (count(lit(1_i64)), ident(TOTAL)),
    };
    let names = (0..by.len()).map(|i| ident(format!("{KEY}{i}")));
    let keep = names.chain([counted]).collect::<Vec<_>>();
    frame
        .aggregate(keys, vec![total.alias(TOTAL)])
        .and_then(|f| f.select(keep))
        .map_err(failed)
}

/// Whether two totals differ. Sums of doubles depend on the order of rows, so they differ from one
/// part in 10⁹ on.
fn apart(here: &DataType, there: &DataType) -> Expr {
    let (left, right) = (ident(HERE), ident(THERE));
    let missing = left.clone().is_null().or(right.clone().is_null());
    let unequal = if here.is_floating() || there.is_floating() {
        let double = |e: Expr| cast(e, DataType::Float64);
        let (left, right) = (double(left), double(right));
        let size = abs(left.clone());
        let gap = abs(left - right);
        gap.gt(size * lit(1e-9) + lit(1e-9))
    } else {
        left.not_eq(right)
    };
    missing.or(unequal)
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
const DIFFERS: &str = "#differs";
const TOTAL: &str = "#total";
const HERE: &str = "#here";
const THERE: &str = "#there";
const KEY: &str = "#key_";
