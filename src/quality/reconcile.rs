//! Totals held against another table's. Checks of the same groups are answered by one query.

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::dataframe::DataFrame;
use datafusion::functions::math::expr_fn::abs;
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, ExprSchemable, cast, ident, lit, when};

use crate::compile::TableName;
use crate::diag::Result;

use super::outcome::Outcome;
use super::rule::{Asked, Rule};
use super::subject::{Subject, column_of};

/// What rules that hold totals of the same rows and groups against the same table have in common.
#[derive(PartialEq)]
struct Groups<'r> {
    other: &'r TableName,
    by: &'r [String],
    filter: Option<&'r Expr>,
}

/// A rule, and the measure whose totals it compares; without one, rows are counted.
type Compared<'r> = (&'r Rule, Option<&'r str>);

/// Answers every rule that reconciles, by its place among all; `None` for the others.
///
/// The sum of the measure (or the number of rows) is the same here and there, for every combination
/// of `by`. A combination that only one of the two has differs. `where` looks at this table only.
pub(super) async fn outcomes(
    subject: &Subject<'_>,
    rules: &[Rule],
) -> Vec<Option<Result<Outcome>>> {
    let mut alike: Vec<(Groups<'_>, Vec<usize>, Vec<Compared<'_>>)> = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let Some((groups, measure)) = asked(rule) else {
            continue;
        };
        let known = alike.iter().position(|(others, ..)| *others == groups);
        let known = known.unwrap_or_else(|| {
            alike.push((groups, Vec::new(), Vec::new()));
            alike.len() - 1
        });
        let (_, places, compared) = &mut alike[known];
        places.push(place);
        compared.push((rule, measure));
    }
    let mut found: Vec<Option<Result<Outcome>>> = rules.iter().map(|_| None).collect();
    for (groups, places, compared) in alike {
        let outcomes = answered(subject, &groups, &compared).await;
        for (place, outcome) in places.into_iter().zip(outcomes) {
            found[place] = Some(outcome);
        }
    }
    found
}

/// Answers rules together; where that fails each alone, since one that cannot be answered does not take the
/// others with it.
async fn answered(
    subject: &Subject<'_>,
    groups: &Groups<'_>,
    compared: &[Compared<'_>],
) -> Vec<Result<Outcome>> {
    match together(subject, groups, compared).await {
        Ok(outcomes) => outcomes.into_iter().map(Ok).collect(),
        Err(why) if compared.len() == 1 => vec![Err(why)],
        Err(_) => {
            let mut each = Vec::with_capacity(compared.len());
            for one in compared {
                let alone = together(subject, groups, std::slice::from_ref(one)).await;
                each.extend(alone.map(|mut found| found.pop()).transpose());
            }
            each
        }
    }
}

fn asked(rule: &Rule) -> Option<(Groups<'_>, Option<&str>)> {
    let Asked::Reconciles { other, measure, by } = &rule.asked else {
        return None;
    };
    let groups = Groups {
        other,
        by,
        filter: rule.filter.as_ref(),
    };
    Some((groups, measure.as_deref()))
}

/// Answers rules that hold the totals of some measures, of the same groups, against the same table.
async fn together(
    subject: &Subject<'_>,
    groups: &Groups<'_>,
    compared: &[Compared<'_>],
) -> Result<Vec<Outcome>> {
    let Some((first, _)) = compared.first() else {
        return Ok(Vec::new());
    };
    let failed = |e| subject.failed(first, &e);
    let here = totals(
        subject,
        groups,
        compared,
        subject.looked_at(first)?,
        subject.table,
    )?;
    let there = subject.other(groups.other).await?;
    let there = totals(subject, groups, compared, there, groups.other)?;
    // Each side brings its totals and nulls in the other's place; a group that keeps a null has
    // no rows on that side.
    let kinds = |frame: &DataFrame| -> Vec<DataType> {
        let totals = frame.schema().fields().iter().skip(groups.by.len());
        totals.map(|field| field.data_type().clone()).collect()
    };
    let (here_kinds, there_kinds) = (kinds(&here), kinds(&there));
    let our_keys: Vec<Expr> = (0..groups.by.len()).map(|i| numbered(KEY, i)).collect();
    let as_ours = |(i, key): (usize, &Expr)| {
        let kind = key.get_type(here.schema())?;
        Ok(cast(key.clone(), kind).alias(format!("{KEY}{i}")))
    };
    let their_keys = our_keys.iter().enumerate().map(as_ours);
    let their_keys = their_keys.collect::<datafusion::common::Result<Vec<_>>>();
    let their_keys = their_keys.map_err(failed)?;
    let present = |i: usize| numbered(TOTAL, i);
    let absent = |kinds: &[DataType], i: usize| cast(lit(ScalarValue::Null), kinds[i].clone());
    let side = |frame: DataFrame, keys: Vec<Expr>, ours: bool| {
        let totals = (0..compared.len()).flat_map(|i| {
            let (here, there) = match ours {
                true => (present(i), absent(&there_kinds, i)),
                false => (absent(&here_kinds, i), present(i)),
            };
            [
                here.alias(format!("{HERE}{i}")),
                there.alias(format!("{THERE}{i}")),
            ]
        });
        frame.select(keys.into_iter().chain(totals).collect::<Vec<_>>())
    };
    let sums = (0..compared.len()).flat_map(|i| {
        let total = |side: &str| sum(numbered(side, i)).alias(format!("{side}{i}"));
        [total(HERE), total(THERE)]
    });
    let both = side(there, their_keys, false)
        .and_then(|there| side(here, our_keys.clone(), true)?.union(there))
        .and_then(|f| f.aggregate(our_keys, sums.collect()))
        .map_err(failed)?;
    let differs = |i: usize| apart(i, &here_kinds[i], &there_kinds[i]);
    let flags: Vec<Expr> = (0..compared.len())
        .map(|i| differs(i).alias(format!("{DIFFERS}{i}")))
        .collect();
    let flagged = both.clone().select(flags).map_err(failed)?;
    let flagged = subject.collect_as_it_is(first, flagged).await?;
    let total = flagged.iter().map(|batch| batch.num_rows() as u64).sum();
    let mut outcomes = Vec::with_capacity(compared.len());
    for (i, (rule, measure)) in compared.iter().enumerate() {
        let broken = broken(&flagged, i);
        let detail = detail(groups, *measure, broken, total);
        let mut outcome = Outcome::of_rows(rule, broken, total, detail);
        if outcome.matters() {
            let named = groups
                .by
                .iter()
                .enumerate()
                .map(|(i, name)| numbered(KEY, i).alias(name))
                .collect::<Vec<_>>();
            let differing = both.clone().filter(differs(i));
            let named = differing
                .and_then(|f| f.select(named))
                .map_err(|e| subject.failed(rule, &e))?;
            let keys = groups.by.iter().map(ident).collect();
            outcome.examples = subject.keys(rule, named, keys).await?;
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Groups that differ in the measure of that place.
fn broken(flagged: &[RecordBatch], place: usize) -> u64 {
    flagged
        .iter()
        .filter_map(|batch| batch.columns().get(place)?.as_boolean_opt())
        .map(|differs| differs.true_count() as u64)
        .sum()
}

/// What was found, in words.
fn detail(groups: &Groups<'_>, measure: Option<&str>, broken: u64, total: u64) -> String {
    let what = measure.map_or_else(|| "rows".to_owned(), |m| format!("`{m}`"));
    let other = groups.other;
    if groups.by.is_empty() {
        let differ = match broken {
            0 => "agrees",
            _ => "does not agree",
        };
        return format!("the total of {what} {differ} with {other}");
    }
    let by = groups.by.join("`, `");
    format!("{broken} of {total} groups of `{by}` differ from {other} in {what}")
}

/// One row per combination of `by`: the keys as `key_0`, `key_1` …, and a total for each rule.
fn totals(
    subject: &Subject<'_>,
    groups: &Groups<'_>,
    compared: &[Compared<'_>],
    frame: DataFrame,
    table: &TableName,
) -> Result<DataFrame> {
    let keys = groups
        .by
        .iter()
        .enumerate()
        .map(|(i, name)| Ok(column_of(&frame, table, name)?.alias(format!("{KEY}{i}"))))
        .collect::<Result<Vec<_>>>()?;
    let mut sums = Vec::with_capacity(compared.len());
    let mut keep: Vec<Expr> = (0..groups.by.len()).map(|i| numbered(KEY, i)).collect();
    for (i, (rule, measure)) in compared.iter().enumerate() {
        let total = numbered(TOTAL, i);
        let (summed, kept) = match measure {
            // A group of nulls has a total of nothing, which is not the same as no group.
            Some(measure) => {
                let known = when(total.clone().is_not_null(), total).otherwise(lit(0_i64));
                let known = known.map_err(|e| subject.failed(rule, &e))?;
                (
                    sum(column_of(&frame, table, measure)?),
                    known.alias(format!("{TOTAL}{i}")),
                )
            }
            None => (count(lit(1_i64)), total),
        };
        sums.push(summed.alias(format!("{TOTAL}{i}")));
        keep.push(kept);
    }
    let Some((first, _)) = compared.first() else {
        return Ok(frame);
    };
    frame
        .aggregate(keys, sums)
        .and_then(|f| f.select(keep))
        .map_err(|e| subject.failed(first, &e))
}

fn numbered(name: &str, place: usize) -> Expr {
    ident(format!("{name}{place}"))
}

/// Whether two totals of a place differ. Sums of doubles depend on the order of rows, so they differ from one
/// part in 10⁹ on.
fn apart(place: usize, here: &DataType, there: &DataType) -> Expr {
    let (left, right) = (numbered(HERE, place), numbered(THERE, place));
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

// Names that no column of a user can have: theirs are lower case, digits and underscores.
const DIFFERS: &str = "#differs_";
const TOTAL: &str = "#total_";
const HERE: &str = "#here_";
const THERE: &str = "#there_";
const KEY: &str = "#key_";
