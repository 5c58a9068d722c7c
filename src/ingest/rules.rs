//! The rules of a source and how often a file breaks them.

use crate::compile::{RowRule, RowTest};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics};
use crate::spec::check::Handling;
use crate::spec::{Column, ColumnCheck, OnFail, Threshold};

use super::intake::{About, RuleCount, Warning};

/// A rule and what was found of it.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    /// Its name in reports.
    pub name: String,
    /// The column, for a rule on values.
    pub column: Option<String>,
    /// What is wrong with a row that breaks it, without values.
    pub reason: String,
    pub on_fail: OnFail,
    warn_if: Option<Threshold>,
    error_if: Option<Threshold>,
    count: u64,
    first_line: i64,
}

/// A rule on the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueRule {
    Valid,
    Required,
    Accepted,
    Pattern,
    Range,
    Unique,
}

impl ValueRule {
    /// Every one, in the order in which a column's rules stand.
    pub(super) const ALL: [Self; 6] = [
        Self::Valid,
        Self::Required,
        Self::Accepted,
        Self::Pattern,
        Self::Range,
        Self::Unique,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Required => "required",
            Self::Accepted => "accepted",
            Self::Pattern => "pattern",
            Self::Range => "range",
            Self::Unique => "unique",
        }
    }

    /// How the column wants it handled.
    pub(super) fn handling(self, column: &Column) -> Handling {
        let found = column.checks.iter().find_map(|check| match (self, check) {
            (Self::Valid, ColumnCheck::Valid(h))
            | (Self::Required, ColumnCheck::Required(h))
            | (Self::Accepted, ColumnCheck::Accepted(h))
            | (Self::Pattern, ColumnCheck::Pattern(h))
            | (Self::Range, ColumnCheck::Range(h))
            | (Self::Unique, ColumnCheck::Unique(h)) => Some(h.clone()),
            _ => None,
        });
        found.unwrap_or_default()
    }
}

impl Rule {
    /// A rule that always sends the row to quarantine. One such row is worth a warning: a sender
    /// does not write half rows, so something went wrong on the way.
    pub(super) fn structural(name: &str) -> Self {
        let handling = Handling {
            warn_if: Some(Threshold::Count(0)),
            ..Handling::default()
        };
        Self::new(name, None, "the row is not one", &handling)
    }

    /// A rule on a column's values.
    pub(super) fn of_column(rule: ValueRule, column: &Column, reason: &str) -> Self {
        let handling = rule.handling(column);
        Self::new(
            rule.name(),
            Some(column.name.to_string()),
            reason,
            &handling,
        )
    }

    /// A rule on rows.
    pub(super) fn of_row(rule: &RowRule) -> Self {
        let handling = Handling {
            on_fail: Some(rule.on_fail),
            warn_if: rule.warn_if,
            error_if: rule.error_if,
        };
        match &rule.test {
            RowTest::Expression(_) => {
                Self::new(&rule.name, None, "the rule is false for the row", &handling)
            }
            RowTest::Unique(columns) => {
                let reason = format!(
                    "an earlier row of the file has the same {}",
                    columns.join(", ")
                );
                Self::new(&rule.name, None, &reason, &handling)
            }
            RowTest::Relationship {
                column,
                table,
                field,
            } => {
                let column = Some(column.clone());
                let reason = format!("not in {table}.{field}");
                Self::new(&rule.name, column, &reason, &handling)
            }
        }
    }

    fn new(name: &str, column: Option<String>, reason: &str, handling: &Handling) -> Self {
        Self {
            name: name.to_owned(),
            column,
            reason: reason.to_owned(),
            on_fail: handling.on_fail.unwrap_or(OnFail::Quarantine),
            warn_if: handling.warn_if,
            error_if: handling.error_if,
            count: 0,
            first_line: 0,
        }
    }

    /// Notes rows that break it, and the first line of them.
    pub(super) fn broken(&mut self, count: u64, first_line: i64) {
        if self.count == 0 || first_line < self.first_line {
            self.first_line = first_line;
        }
        self.count += count;
    }

    /// Whether a row that breaks it is kept out.
    pub(super) fn refuses(&self) -> bool {
        self.on_fail != OnFail::Warn
    }

    /// Whether a row broke it and the whole file is to be refused for that.
    pub(super) fn rejects_file(&self) -> bool {
        self.on_fail == OnFail::RejectFile && self.count > 0
    }

    /// `valid` of `birth_date`, or the row rule's own name.
    pub(super) fn title(&self) -> String {
        match &self.column {
            Some(column) => format!("`{}` of `{column}`", self.name),
            None => format!("`{}`", self.name),
        }
    }

    /// The line it was first broken on.
    pub(super) fn first_line(&self) -> i64 {
        self.first_line
    }

    /// The count for the record, if there is anything to count.
    pub(super) fn counted(&self) -> Option<RuleCount> {
        (self.count > 0).then(|| RuleCount {
            rule: self.name.clone(),
            column: self.column.clone(),
            count: self.count,
            on_fail: word(self.on_fail).to_owned(),
            first_line: self.first_line,
            warn_if: self.warn_if.map(|t| t.to_string()),
            error_if: self.error_if.map(|t| t.to_string()),
        })
    }

    /// The error that it was broken too often among the rows that were judged, or at all where it
    /// may not be.
    pub(super) fn error(&self, file: &str, judged: u64) -> Option<Diagnostic> {
        let limit = match self.error_if {
            Some(limit) if limit.is_broken(self.count, judged) => {
                format!("the limit is {limit}")
            }
            _ if self.on_fail == OnFail::Error && self.count > 0 => "none may".to_owned(),
            _ => return None,
        };
        Some(
            Diagnostic::error(
                Code::Threshold,
                format!(
                    "{} of {judged} rows break {}: {limit}",
                    self.count,
                    self.title()
                ),
            )
            .at(self.place(file))
            .label(format!(
                "first on line {}: {}",
                self.first_line, self.reason
            ))
            .hint(
                "nothing of this file was staged: ask the sender to mend it, or raise `error_if`",
            ),
        )
    }

    /// The warning that it was broken more often than is usual.
    pub(super) fn warning(&self, judged: u64) -> Option<Warning> {
        let limit = match self.warn_if {
            Some(limit) => limit
                .is_broken(self.count, judged)
                .then(|| format!("; worth a warning from {limit}"))?,
            None if self.on_fail == OnFail::Warn && self.count > 0 => String::new(),
            None => return None,
        };
        Some(Warning {
            about: About::Rule,
            message: format!(
                "{} of {judged} rows break {}{limit}",
                self.count,
                self.title()
            ),
            line: u64::try_from(self.first_line).ok(),
            column: self.column.clone(),
            hint: format!("{}; tell the sender", self.reason),
        })
    }

    fn place(&self, file: &str) -> DataPlace {
        let mut place = DataPlace::file(file).line(u64::try_from(self.first_line).unwrap_or(0));
        place.column.clone_from(&self.column);
        place
    }
}

/// The word of the YAML.
pub(super) fn word(on_fail: OnFail) -> &'static str {
    match on_fail {
        OnFail::Warn => "warn",
        OnFail::Quarantine => "quarantine",
        OnFail::RejectFile => "reject_file",
        OnFail::Error => "error",
    }
}

/// Received is good plus quarantined plus dropped, or something is wrong with us.
///
/// # Errors
/// [`Code::Conservation`].
pub(super) fn conserve(
    file: &str,
    received: u64,
    good: u64,
    quarantined: u64,
    dropped: u64,
) -> Result<(), Diagnostics> {
    if received == good + quarantined + dropped {
        return Ok(());
    }
    Err(Diagnostic::error(
        Code::Conservation,
        format!(
            "{received} rows were received, but {good} staged, {quarantined} in quarantine and {dropped} dropped"
        ),
    )
    .at(DataPlace::file(file))
    .hint("nothing of this file is used; this is a fault in martlet: please report it")
    .into())
}

#[cfg(test)]
mod tests {
    use super::conserve;
    use crate::diag::Code;

    #[test]
    fn a_row_that_is_nowhere_is_an_error() {
        assert!(conserve("f.csv", 6, 3, 2, 1).is_ok());
        for (good, quarantined, dropped) in [(3, 2, 0), (3, 1, 1), (2, 2, 1), (3, 3, 1)] {
            let found = conserve("f.csv", 6, good, quarantined, dropped).expect_err("a breach");
            assert!(found.iter().all(|d| d.code == Code::Conservation));
        }
    }
}
