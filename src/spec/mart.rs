//! A mart: SQL whose result readers see, with the contract they rely on.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ColumnType, Disclosure, Sensitivity, Sp, TableCheck};

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
    /// Proportions and rates worked out when it is published, never in SQL.
    #[serde(default)]
    pub rates: Vec<Rate>,
    /// Words to select it by, beside the pipeline's.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Rules on its rows.
    #[serde(default)]
    pub checks: Vec<TableCheck>,
    /// What disclosure control must know of its numbers, for copies under a policy.
    #[serde(default)]
    pub disclosure: Disclosure,
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

/// A proportion or a rate, with its limits and its target, from two counts of the mart.
///
/// Adds `<name>`, `<name>_lower` and `<name>_upper` (of a proportion 0 to 1), and, with a target,
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
    /// What the value is. Default: proportion.
    #[serde(default)]
    pub unit: Unit,
    /// In place of it, the column that names each row's own unit.
    pub unit_column: Option<Sp<String>>,
    /// How the limits are worked out. It goes by the unit, and need not be said.
    pub interval: Option<Sp<Interval>>,
    /// A measure of `reference.targets`, in force at the row's date.
    pub target: Option<Sp<String>>,
    /// In place of it, the column that names each row's own measure; null is no target.
    pub target_column: Option<Sp<String>>,
}

/// What a value is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Unit {
    /// The numerator as a share of the denominator, 0 to 1.
    #[default]
    #[serde(rename = "proportion")]
    Proportion,
    /// Events for every 100,000 people of the denominator. Somebody may have two.
    #[serde(rename = "per_100_000")]
    Per100000,
}

/// How limits are worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interval {
    /// Of a proportion: Wilson score, 95%, without continuity correction (Wilson 1927).
    Wilson,
    /// Of a rate: 95%, Byar's approximation from 10 events on, below that the exact limits of a
    /// Poisson count (Garwood 1936).
    Byar,
}

impl Unit {
    /// As the YAML spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Proportion => "proportion",
            Self::Per100000 => "per_100_000",
        }
    }

    /// The unit that is spelt so.
    pub fn read(word: &str) -> Option<Self> {
        [Self::Proportion, Self::Per100000]
            .into_iter()
            .find(|unit| unit.word() == word)
    }

    /// How the limits of such a value are worked out.
    pub fn interval(self) -> Interval {
        match self {
            Self::Proportion => Interval::Wilson,
            Self::Per100000 => Interval::Byar,
        }
    }
}

impl Interval {
    /// As the YAML spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Wilson => "wilson",
            Self::Byar => "byar",
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
    /// The rules by which small numbers are kept from it: one of the policies of the warehouse.
    pub policy: Option<Sp<String>>,
}
