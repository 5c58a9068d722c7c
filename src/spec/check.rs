//! Rules: on a column's values, on a source's rows, on a whole table.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Sp, Threshold};

/// What happens to a row that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// The row stays, a value that does not read becomes null; it is counted.
    Warn,
    /// The row goes to quarantine with file, line, column, rule and a masked value.
    Quarantine,
    /// The whole file goes to quarantine; the run goes on without it.
    RejectFile,
    /// The file is an error: the run stops, and nothing of the file is used.
    Error,
}

/// How a rule on values is handled.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Handling {
    /// What happens to the row. Default: quarantine.
    pub on_fail: Option<OnFail>,
    /// The share or number of rows from which it is worth a warning.
    pub warn_if: Option<Threshold>,
    /// The share or number of rows from which the file stops the run.
    pub error_if: Option<Threshold>,
}

/// A rule on a column's values, spelled as one key: `valid`, `required`, `accepted`, `pattern`,
/// `range`, `unique`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnCheck {
    /// The text reads as the column's type.
    Valid(Handling),
    /// There is a value.
    Required(Handling),
    /// The value is one of the column's `accepted` ones.
    Accepted(Handling),
    /// The value matches the column's `pattern`.
    Pattern(Handling),
    /// The value is within the column's `min` and `max`.
    Range(Handling),
    /// No earlier row of the file that stands has the value.
    Unique(Handling),
}

/// A rule on a source's rows. Exactly one of `expression`, `unique` and `relationship` is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowCheck {
    /// The rule's name in reports.
    pub name: Sp<String>,
    /// What it means, for people.
    pub description: Option<String>,
    /// SQL over this source's columns; broken where it is false. Null passes, as in SQL's own CHECK.
    pub expression: Option<Sp<String>>,
    /// No two rows of a file agree on all of these columns. The first that stands is kept, later
    /// ones break the rule. A row with a null among them passes.
    pub unique: Option<Vec<Sp<String>>>,
    /// A column's values stand in a reference. Null passes.
    pub relationship: Option<RowRelationship>,
    /// What happens to the row. Default: quarantine.
    pub on_fail: Option<OnFail>,
    /// The share or number of rows from which it is worth a warning.
    pub warn_if: Option<Threshold>,
    /// The share or number of rows from which the file stops the run.
    pub error_if: Option<Threshold>,
}

/// `relationship: { column: practice_code, to: reference.practices.practice_code }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowRelationship {
    /// The column of this source.
    pub column: Sp<String>,
    /// The reference and its column: `reference.practices.practice_code`.
    pub to: Sp<String>,
}

/// Typed rows that are not what the source is about, such as totals, dropped by a declared rule.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DropRows {
    /// The rule's name: dropped rows are counted under it.
    pub name: Sp<String>,
    /// What it means, for people.
    pub description: Option<String>,
    /// SQL over this source's columns. A row for which it is true is dropped before any other rule
    /// sees it. Null is not dropped.
    pub expression: Sp<String>,
}

/// How grave a failed check on a table is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CheckSeverity {
    /// Said, and the mart is published.
    Warn,
    /// Nothing is published.
    #[default]
    Error,
}

/// A rule on a table. Exactly one of the kinds is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableCheck {
    /// The rule's name in reports. Default: made from the kind and its columns.
    pub name: Option<Sp<String>>,
    /// What it means, for people.
    pub description: Option<String>,
    /// warn or error. Default: error.
    #[serde(default)]
    pub severity: CheckSeverity,
    /// Only rows for which this SQL expression is true are looked at.
    #[serde(rename = "where")]
    pub filter: Option<Sp<String>>,
    /// Rows allowed to break the rule before it is worth a warning.
    pub warn_if: Option<Threshold>,
    /// Rows allowed to break the rule before it fails. Default: none.
    pub error_if: Option<Threshold>,

    /// These columns are never null.
    pub not_null: Option<Vec<Sp<String>>>,
    /// No two rows agree on all of these columns.
    pub unique: Option<Vec<Sp<String>>>,
    /// An SQL expression over the columns; broken where it is false.
    pub expression: Option<Sp<String>>,
    /// A column holds only these values (or null).
    pub accepted_values: Option<AcceptedValues>,
    /// Every value of a column stands in another table.
    pub relationships: Option<Relationship>,
    /// The table has so many rows.
    pub row_count: Option<RowCount>,
    /// The number of rows against the version that readers have now.
    pub row_count_change: Option<RowCountChange>,
    /// Totals agree with another table.
    pub reconciles: Option<Reconciles>,
}

/// `accepted_values: { column: sex, values: [F, M] }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptedValues {
    /// The column.
    pub column: Sp<String>,
    /// What it may hold.
    pub values: Vec<String>,
}

/// `relationships: { column: trust_code, to: reference.trusts, field: trust_code }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Relationship {
    /// The column of this table.
    pub column: Sp<String>,
    /// The other table.
    pub to: Sp<String>,
    /// The column of the other table.
    pub field: Sp<String>,
}

/// `row_count: { min: 1 }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowCount {
    /// At least so many.
    pub min: Option<u64>,
    /// At most so many.
    pub max: Option<u64>,
}

/// `row_count_change: { warn_if: "> 20%", error_if: "> 50%" }`, in either direction, against the
/// version that readers have now. The first version passes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RowCountChange {
    /// Worth a warning from here.
    pub warn_if: Option<Threshold>,
    /// Fails from here.
    pub error_if: Option<Threshold>,
}

/// `reconciles: { to: model.x, measure: eligible, by: [month] }`: the sum of the measure in this
/// table equals the sum of the measure in the other, for each combination of `by`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconciles {
    /// The other table.
    pub to: Sp<String>,
    /// The column that is summed in both. Without it, rows are counted in both.
    pub measure: Option<Sp<String>>,
    /// The columns both are grouped by. Default: the totals only.
    #[serde(default)]
    pub by: Vec<Sp<String>>,
}
