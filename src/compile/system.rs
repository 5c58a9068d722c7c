//! The warehouse's own tables, `system.x`: what it knows of files, refused rows and checks.
//!
//! Read-only, the same in every project. They hold names, counts and dates, never values, and
//! nothing that depends on a clock or on the order in which files came. A table is made anew when
//! what it says has changed, and only then.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use super::{TableKind, TableName};

/// One of the warehouse's own tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SystemTable {
    /// The files that count, one row each.
    Intakes,
    /// The rules that rows of those files break, one row for each file and rule.
    BrokenRules,
    /// Every submission ever taken, and how it stands.
    Submissions,
    /// The checks of every model and mart, and how they ended.
    Checks,
}

impl SystemTable {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::Intakes,
        Self::BrokenRules,
        Self::Submissions,
        Self::Checks,
    ];

    /// The table of that name.
    pub fn of(table: &TableName) -> Option<Self> {
        let named = |t: &Self| table.kind == TableKind::System && t.word() == table.name;
        Self::ALL.into_iter().find(named)
    }

    /// Its name.
    pub fn name(self) -> TableName {
        TableName::new(TableKind::System, self.word())
    }

    fn word(self) -> &'static str {
        match self {
            Self::Intakes => "intakes",
            Self::BrokenRules => "broken_rules",
            Self::Submissions => "submissions",
            Self::Checks => "checks",
        }
    }

    /// What one row is.
    pub fn description(self) -> &'static str {
        match self {
            Self::Intakes => "A file that counts, and what became of its rows.",
            Self::BrokenRules => "A rule that rows of a file that counts break, and how many do.",
            Self::Submissions => "A file that was ever taken, and how it stands.",
            Self::Checks => "A check of a model or mart, and how it ended.",
        }
    }

    /// Its columns, with their meaning.
    pub fn columns(self) -> Vec<(&'static str, DataType, &'static str)> {
        use DataType::{Date32, Int64, Utf8};
        let mut columns = match self {
            Self::Checks => Vec::new(),
            _ => vec![
                (
                    "feed",
                    Utf8,
                    "The source or reference, without the word before the dot.",
                ),
                ("file", Utf8, "Its path below the inbox, as `_file` has it."),
                ("hash", Utf8, "BLAKE3 of its bytes."),
                ("provider", Utf8, "Who sent it, if its name says."),
                (
                    "period",
                    Utf8,
                    "What period it is about, as its name says: a month is its first day.",
                ),
                ("month", Date32, "The period, where it is a day or a month."),
            ],
        };
        columns.extend(match self {
            Self::Intakes => vec![
                ("received", Int64, "Rows in it."),
                ("loaded", Int64, "Rows that count."),
                ("quarantined", Int64, "Rows refused, each once."),
                ("dropped", Int64, "Rows that a declared rule drops."),
            ],
            Self::BrokenRules => vec![
                ("rule", Utf8, "The rule's name."),
                ("column_name", Utf8, "The column, for a rule on values."),
                ("on_fail", Utf8, "What happened to the rows: warn, quarantine, or drop for a rule that drops."),
                ("broken", Int64, "Rows that break it."),
            ],
            Self::Submissions => vec![
                ("received_at", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), "When it was received, if its name or a manifest says."),
                ("sequence", Int64, "Its number among the sender's, if its name or a manifest says."),
                ("status", Utf8, "accepted, superseded, cancelled, rejected (and nothing stands in its place) or duplicate."),
                ("replaced_by", Utf8, "The file that took its place, or has the same bytes."),
            ],
            Self::Checks => vec![
                ("table_name", Utf8, "Such as mart.screening_coverage."),
                ("check_name", Utf8, "The check's name."),
                ("kind", Utf8, "Its kind: reconciles, expression, unique and so on."),
                ("severity", Utf8, "error or warn: what it leads to when it is broken."),
                ("outcome", Utf8, "passed or warned; what fails is never published."),
                ("broken", Int64, "Rows, or groups, that break it."),
                ("total", Int64, "Rows, or groups, that it looked at."),
            ],
        });
        columns
    }

    /// Its columns as Arrow. All may be null.
    pub fn schema(self) -> SchemaRef {
        let fields = self.columns().into_iter();
        let fields: Vec<Field> = fields
            .map(|(name, kind, _)| Field::new(name, kind, true))
            .collect();
        Arc::new(Schema::new(fields))
    }

    /// Whether it tells of files, and not of tables that are made.
    pub fn is_of_files(self) -> bool {
        self != Self::Checks
    }
}
