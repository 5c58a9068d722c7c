//! What a check said, and how it is told.

use serde::{Deserialize, Serialize};

use crate::compile::{PlannedCheck, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::spec::Threshold;
use crate::spec::check::CheckSeverity;

use super::rule::Rule;

/// What one check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The check's name.
    pub name: String,
    /// Its kind, as the YAML spells it.
    pub kind: String,
    /// `error` or `warn`: what a broken check leads to.
    pub severity: String,
    /// Nothing may be published.
    pub failed: bool,
    /// Worth reading; published all the same.
    pub warned: bool,
    /// Rows that broke it; for `reconciles`, groups; for `row_count`, rows too few or too many.
    pub broken: u64,
    /// Rows (groups) it looked at.
    pub total: u64,
    /// What was found, for people. Holds counts and names of columns, no values.
    pub detail: String,
    /// Up to three keys of rows that broke it. Never filled where rows are about persons, and
    /// never kept: it is for tonight's message.
    #[serde(skip)]
    pub examples: Vec<String>,
    /// Which of the declared checks it was; `None` for those that the grain implies.
    #[serde(skip)]
    pub declared: Option<usize>,
}

/// The three ways a check can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All is well.
    Passed,
    /// Published, and said.
    Warned,
    /// Not published.
    Failed,
}

impl Verdict {
    /// As manifests spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Warned => "warned",
            Self::Failed => "failed",
        }
    }
}

impl Outcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match (self.failed, self.warned) {
            (true, _) => Verdict::Failed,
            (false, true) => Verdict::Warned,
            (false, false) => Verdict::Passed,
        }
    }

    /// Whether anybody should hear of it.
    pub fn matters(&self) -> bool {
        self.failed || self.warned
    }

    fn new(rule: &Rule, verdict: Verdict, broken: u64, total: u64, detail: String) -> Self {
        Self {
            name: rule.name.clone(),
            kind: rule.kind.to_owned(),
            severity: match rule.severity {
                CheckSeverity::Error => "error".to_owned(),
                CheckSeverity::Warn => "warn".to_owned(),
            },
            failed: verdict == Verdict::Failed,
            warned: verdict == Verdict::Warned,
            broken,
            total,
            detail,
            examples: Vec::new(),
            declared: rule.declared,
        }
    }

    /// `broken` of `total` rows or groups, held against the check's thresholds. Without
    /// `error_if` one is too many.
    pub(super) fn of_rows(rule: &Rule, broken: u64, total: u64, detail: String) -> Self {
        let above = |limit: Threshold| limit.is_broken(broken, total);
        let none = Threshold::Count(0);
        let verdict = match rule.severity {
            CheckSeverity::Error if above(rule.error_if.unwrap_or(none)) => Verdict::Failed,
            CheckSeverity::Error if rule.warn_if.is_some_and(above) => Verdict::Warned,
            CheckSeverity::Warn if above(rule.warn_if.or(rule.error_if).unwrap_or(none)) => {
                Verdict::Warned
            }
            _ => Verdict::Passed,
        };
        Self::new(rule, verdict, broken, total, detail)
    }

    pub(super) fn of_count(rule: &Rule, rows: u64, min: Option<u64>, max: Option<u64>) -> Self {
        let few = min.map_or(0, |min| min.saturating_sub(rows));
        let many = max.map_or(0, |max| rows.saturating_sub(max));
        let detail = match (min, max) {
            (Some(min), _) if few > 0 => format!("{rows} rows, at least {min} wanted"),
            (_, Some(max)) if many > 0 => format!("{rows} rows, at most {max} wanted"),
            _ => format!("{rows} rows"),
        };
        let verdict = match (few + many, rule.severity) {
            (0, _) => Verdict::Passed,
            (_, CheckSeverity::Warn) => Verdict::Warned,
            (_, CheckSeverity::Error) => Verdict::Failed,
        };
        Self::new(rule, verdict, few + many, rows, detail)
    }

    pub(super) fn of_change(
        rule: &Rule,
        rows: u64,
        previous: Option<u64>,
        warn_if: Option<Threshold>,
        error_if: Option<Threshold>,
    ) -> Self {
        let Some(previous) = previous else {
            let detail = format!("{rows} rows, none published before");
            return Self::new(rule, Verdict::Passed, 0, rows, detail);
        };
        let change = rows.abs_diff(previous);
        let above = |limit: Option<Threshold>| limit.is_some_and(|l| l.is_broken(change, previous));
        let verdict = match rule.severity {
            CheckSeverity::Error if above(error_if) => Verdict::Failed,
            _ if above(warn_if) || above(error_if) => Verdict::Warned,
            _ => Verdict::Passed,
        };
        let direction = if rows < previous { "fewer" } else { "more" };
        let detail = format!("{rows} rows, {change} {direction} than the {previous} published now");
        Self::new(rule, verdict, change, previous, detail)
    }
}

/// The outcomes that matter as diagnostics: an error for each that failed, a warning for each that
/// warned, at the place that declares the check. `owner` is who can mend it.
pub fn findings(
    table: &TableName,
    outcomes: &[Outcome],
    checks: &[PlannedCheck],
    owner: Option<&str>,
) -> Diagnostics {
    outcomes
        .iter()
        .filter(|o| o.matters())
        .map(|outcome| {
            let make = match outcome.verdict() {
                Verdict::Failed => Diagnostic::error,
                _ => Diagnostic::warning,
            };
            let mut finding = make(
                Code::Check,
                format!("{table} breaks `{}`: {}", outcome.name, outcome.detail),
            );
            if let Some(check) = outcome.declared.and_then(|i| checks.get(i)) {
                finding = finding
                    .at((&check.source, check.span.clone()))
                    .label("this check");
            }
            if !outcome.examples.is_empty() {
                finding = finding.hint(format!("for example {}", outcome.examples.join("; ")));
            }
            finding = finding.maybe_hint(owner.map(|owner| format!("{owner} can mend it")));
            if outcome.failed {
                finding = finding.hint("nothing was published; readers have the last good version");
            }
            finding
        })
        .collect()
}
