//! A mart: SQL whose result readers see, with the contract they rely on.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ColumnType, Sensitivity, Sp, TableCheck};

/// SQL whose result readers see.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mart {
    /// What one row is, in plain English.
    pub description: Option<String>,
    /// The SQL file, below `sql/`. It yields the contract's columns, counts only.
    pub sql: Sp<String>,
    /// The columns that tell one row from another; the rows are sorted by them.
    pub grain: Vec<Sp<String>>,
    /// How revealing its rows are. Default: aggregate.
    pub sensitivity: Option<Sensitivity>,
    /// The contract: name, type, order and meaning of what the SQL yields.
    pub columns: Vec<MartColumn>,
    /// Proportions worked out when it is published, never in SQL.
    #[serde(default)]
    pub rates: Vec<Rate>,
    /// Words to select it by, beside the pipeline's.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Rules on its rows.
    #[serde(default)]
    pub checks: Vec<TableCheck>,
    /// Who may read a copy.
    pub publish: Vec<Publish>,
}

/// One column of a mart's contract.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MartColumn {
    /// Its name.
    pub name: Sp<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Sp<ColumnType>,
    /// What it means.
    pub description: Option<String>,
    /// Whether it may be null. Default: yes, but never in the grain.
    pub nullable: Option<bool>,
}

/// A proportion, with its limits and its target, from two counts of the mart.
///
/// Adds `<name>`, `<name>_lower` and `<name>_upper` (0 to 1), and, with a target,
/// `<name>_target` and `<name>_target_met`. A rate called `value` is the only one of its mart, and
/// adds `value`, `lower`, `upper`, `target` and `target_met`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// The column's name.
    pub name: Sp<String>,
    /// What it means.
    pub description: Option<String>,
    /// The count above the line.
    pub numerator: Sp<String>,
    /// The count below the line. Nothing over nothing is null.
    pub denominator: Sp<String>,
    /// How the limits are worked out. Default: wilson.
    #[serde(default)]
    pub interval: Interval,
    /// A measure of `reference.targets`, in force at the row's date.
    pub target: Option<Sp<String>>,
    /// In place of it, the column that names each row's own measure; null is no target.
    pub target_column: Option<Sp<String>>,
}

/// How limits are worked out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Wilson score, 95%, without continuity correction (Wilson 1927).
    #[default]
    Wilson,
}

impl Interval {
    /// As the YAML spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Wilson => "wilson",
        }
    }
}

impl Rate {
    /// A rate of this name lends it to none of its columns.
    pub const VALUE: &'static str = "value";

    /// Whether rows are held against a target.
    pub fn has_target(&self) -> bool {
        self.target.is_some() || self.target_column.is_some()
    }

    /// The name of a column that it adds.
    pub fn column(&self, which: &str) -> String {
        match self.name.as_str() {
            Self::VALUE => which.to_owned(),
            name => format!("{name}_{which}"),
        }
    }
}

/// One copy of a mart for one audience.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Who may read it: one of the warehouse's audiences.
    pub audience: Sp<String>,
    /// The disclosure rules for this copy. Not supported yet: a mart that names one is refused.
    pub policy: Option<Sp<String>>,
}
