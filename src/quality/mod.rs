//! Checks on a table: what must hold before readers see it.
//!
//! Rules on single rows (`not_null`, `expression`, `accepted_values`) and all counts are answered
//! by one aggregate query, one pass over the table, however many there are ([`pass`]); of a table
//! that was just written they were taken as its rows went by ([`tally`]). Rules that
//! hold rows against each other or look for them in another table (`unique`, `relationships`) take a
//! query each ([`across`]); `reconciles` one for each set of groups ([`reconcile`]). Queries are built as plans, never as text: only
//! the user's own expressions are parsed, against the table's columns.
//!
//! Every table with a grain is also checked for what the YAML need not say: the grain is never
//! null and tells every row from every other.
//!
//! A check answers with an [`Outcome`]; [`findings`] turns those that matter into diagnostics.
//! Whether a mart is published is the caller's decision, not ours. The values of a row are shown,
//! as an example, only where rows are not about persons.

mod across;
mod outcome;
mod pass;
mod reconcile;
mod rule;
mod subject;
mod tally;

use std::sync::Arc;

use datafusion::prelude::SessionContext;

use crate::compile::{PlannedCheck, TableName};
use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::spec::Sensitivity;

pub use outcome::{Outcome, Verdict, findings};
pub use tally::Tally;

use pass::Counts;
use rule::{Asked, Rule};
use subject::Subject;

/// What is known of a table before it is looked at.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// How many rows it has.
    pub rows: Option<u64>,
    /// The rows of the version that readers have now; none before the first.
    pub previous_rows: Option<u64>,
    /// No two rows agree on the grain: seen while they were written in its order.
    pub grain_tells_apart: bool,
    /// What was counted while they were written.
    pub counted: Option<Tally>,
}

/// Runs every check of one table: the two on its grain, then `checks` in their order.
///
/// The table and those it is held against are registered in `ctx` as `kind.name`. Up to three
/// example grain keys are kept for checks that are broken, if `sensitivity` is aggregate or open.
///
/// # Errors
/// A check that cannot be planned (an unknown column, an expression that is not true or false) or
/// that fails while it runs; all of them at once. A broken check is not an error but an outcome.
pub async fn check(
    ctx: &SessionContext,
    table: &TableName,
    sensitivity: Sensitivity,
    checks: &[PlannedCheck],
    grain: &[String],
    known: Known,
) -> Result<Vec<Outcome>> {
    let subject = Subject::open(ctx, table, sensitivity, grain).await?;
    let rules = match &known.counted {
        Some(tally) => tally.rules(),
        None => Arc::new(rules_of(&subject, checks)?),
    };
    let counts = match known.counted.as_ref().and_then(Tally::counts) {
        Some(counts) => counts.to_vec(),
        None => pass::run(&subject, &rules).await?,
    };
    let mut found = Diagnostics::default();
    let mut outcomes = Vec::with_capacity(rules.len());
    let reconciled = reconcile::outcomes(&subject, &rules).await;
    for ((rule, counts), reconciled) in rules.iter().zip(&counts).zip(reconciled) {
        let outcome = match reconciled {
            Some(outcome) => outcome,
            None => judge(&subject, rule, counts, &known).await,
        };
        outcomes.extend(found.take(outcome));
    }
    if found.is_empty() {
        Ok(outcomes)
    } else {
        Err(found.sorted())
    }
}

/// The two rules on the grain, then those declared.
fn rules_of(subject: &Subject<'_>, checks: &[PlannedCheck]) -> Result<Vec<Rule>> {
    let mut found = Diagnostics::default();
    let mut rules = Vec::new();
    for rule in Rule::implied(subject) {
        rules.extend(found.take(rule));
    }
    for (index, check) in checks.iter().enumerate() {
        rules.extend(found.take(Rule::declared(subject, index, check)));
    }
    match found.is_empty() {
        true => Ok(rules),
        false => Err(found.sorted()),
    }
}

/// Answers a rule that does not reconcile.
async fn judge(
    subject: &Subject<'_>,
    rule: &Rule,
    counts: &Counts,
    known: &Known,
) -> Result<Outcome> {
    let total = counts.total;
    let outcome = match &rule.asked {
        Asked::Rows { broken, says } => {
            let detail = format!("{} of {total} rows {says}", counts.broken);
            let mut outcome = Outcome::of_rows(rule, counts.broken, total, detail);
            if outcome.matters() {
                outcome.examples = subject.rows_where(rule, broken).await?;
            }
            outcome
        }
        Asked::Count { min, max } => Outcome::of_count(rule, total, *min, *max),
        Asked::Change { warn_if, error_if } => {
            Outcome::of_change(rule, total, known.previous_rows, *warn_if, *error_if)
        }
        Asked::Unique { columns }
            if known.grain_tells_apart && columns.as_slice() == subject.grain =>
        {
            across::unique_outcome(rule, columns, 0, total)
        }
        Asked::Unique { columns } => across::unique(subject, rule, columns, total).await?,
        Asked::Relationship {
            column,
            other,
            field,
        } => across::relationship(subject, rule, column, other, field, total).await?,
        Asked::Reconciles { .. } => {
            return Err(Diagnostic::bug("a check that reconciles was not answered").into());
        }
    };
    Ok(outcome)
}

#[cfg(test)]
mod tests;
