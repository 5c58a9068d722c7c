//! An indicator: one number that is watched, with the one written definition it has.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Sp;
use super::mart::{Interval, Unit};

/// One number that is watched: what it means, and where it is counted.
///
/// All indicators of a project are counted into one mart, whose SQL martlet writes
/// (`sql: generated/indicators.sql`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Indicator {
    /// Its name for people, such as "Bowel screening coverage, 60 to 74".
    pub name: Sp<String>,
    /// The question it answers.
    pub answers: String,
    /// The table whose rows are counted: `mart.x` or `model.x`.
    pub from: Sp<String>,
    /// SQL over the table's columns: only rows for which it is true are counted.
    #[serde(rename = "where")]
    pub filter: Option<Sp<String>>,
    /// What is counted above the line.
    pub numerator: Count,
    /// What is counted below the line. The numerator of a proportion is part of it.
    pub denominator: Count,
    /// Who and what is left out of both, in plain English.
    pub exclusions: Option<String>,
    /// What the value is. Default: proportion.
    #[serde(default)]
    pub unit: Unit,
    /// Which way is good.
    pub polarity: Polarity,
    /// A measure of `reference.targets`: the target in force in the row's month.
    pub target: Option<Sp<String>>,
    /// Whom it counts.
    pub population: Population,
    /// The month of a row.
    pub month: MonthColumn,
    /// The column that holds the edition of the IMD, in a table whose rows stand once for each.
    pub edition: Option<Sp<String>>,
    /// The organisations it is known for.
    pub organisations: Vec<Organisation>,
    /// Columns that it is broken down by, each by itself. `imd_quintile` needs an `edition`.
    #[serde(default)]
    pub breakdowns: Vec<Sp<String>>,
    /// What that table cannot be broken down by, counted from another.
    pub further: Option<Further>,
    /// How the limits of its value are worked out. It goes by the unit, and need not be said.
    pub interval: Option<Sp<Interval>>,
    /// Whose definition it is, and which version.
    pub definition: Definition,
    /// What could have been decided otherwise.
    #[serde(default)]
    pub open_choices: Vec<OpenChoice>,
}

/// Further breakdowns of an indicator, from a table that has the same people and more about them.
///
/// Its rows are counted by the entry's own `where`, counts, `month` and `edition`, so it has those columns
/// too. Everything that is not broken down by these comes from the entry's first table.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Further {
    /// The table: `mart.x` or `model.x`.
    pub from: Sp<String>,
    /// The organisations that these breakdowns are known for.
    pub organisations: Vec<Organisation>,
    /// Columns of this table, each by itself; none that the entry is broken down by already.
    pub breakdowns: Vec<Sp<String>>,
}

/// One of the two counts. With a column, its values are added up; without, rows are counted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Count {
    /// What it counts, in plain English.
    pub means: String,
    /// A column of counts. Default: each row is one.
    pub column: Option<Sp<String>>,
    /// SQL over the table's columns: other rows count nothing.
    #[serde(rename = "where")]
    pub filter: Option<Sp<String>>,
}

/// Which way is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// More is better.
    HigherIsBetter,
    /// Less is better.
    LowerIsBetter,
    /// Neither is good in itself.
    Neutral,
}

/// Whom an indicator counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// People on the list of a practice, or of a register.
    Registered,
    /// People who live there.
    Resident,
    /// People with a diagnosis, where they were diagnosed.
    Diagnosed,
    /// People referred or treated, where they were.
    Treated,
}

/// The month of a row.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MonthColumn {
    /// The column: a date, the first day of the month.
    pub column: Sp<String>,
    /// What month it is, such as "the census is its last day".
    pub means: String,
}

/// One kind of organisation that an indicator is known for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// What kind.
    #[serde(rename = "type")]
    pub kind: Sp<OrgType>,
    /// The column with its code.
    pub column: Sp<String>,
    /// SQL over the table's columns: only these rows are about such organisations.
    #[serde(rename = "where")]
    pub filter: Option<Sp<String>>,
    /// Larger organisations whose number is the sum over these, by `mart.dim_organisation`. Name one
    /// only where every person is in one row: what is shared in halves, or counted at two places,
    /// needs rows of its own.
    #[serde(default)]
    pub rolls_up: Vec<Sp<OrgType>>,
}

/// A kind of organisation, from small to large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrgType {
    /// A general practice.
    Practice,
    /// A primary care network.
    Pcn,
    /// A trust.
    Trust,
    /// A district.
    Lad,
    /// A county or unitary authority.
    Utla,
    /// A sub-ICB location.
    SubIcb,
    /// An integrated care board.
    Icb,
    /// A cancer alliance.
    Alliance,
}

/// Whose definition it is.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Raised by one whenever what is counted changes.
    pub version: Sp<u32>,
    /// Who defines it, and where that is written.
    pub source: Sp<String>,
}

/// Something that could have been decided otherwise.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenChoice {
    /// What was decided, and what else there is.
    pub choice: String,
    /// Since when, such as 2026-03-31.
    pub since: Sp<String>,
    /// The parameter of this pipeline that holds it.
    pub parameter: Option<Sp<String>>,
}

impl Polarity {
    /// As the YAML spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::HigherIsBetter => "higher_is_better",
            Self::LowerIsBetter => "lower_is_better",
            Self::Neutral => "neutral",
        }
    }
}

impl Population {
    /// As the YAML spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Resident => "resident",
            Self::Diagnosed => "diagnosed",
            Self::Treated => "treated",
        }
    }
}

impl OrgType {
    /// As the YAML spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Practice => "practice",
            Self::Pcn => "pcn",
            Self::Trust => "trust",
            Self::Lad => "lad",
            Self::Utla => "utla",
            Self::SubIcb => "sub_icb",
            Self::Icb => "icb",
            Self::Alliance => "alliance",
        }
    }

    /// The kinds whose code `mart.dim_organisation` has for one of this kind.
    pub fn lies_in(self) -> &'static [Self] {
        match self {
            Self::Practice => &[Self::Pcn, Self::SubIcb, Self::Icb, Self::Alliance],
            Self::Pcn | Self::Lad | Self::Utla => &[Self::SubIcb, Self::Icb, Self::Alliance],
            Self::SubIcb | Self::Trust => &[Self::Icb, Self::Alliance],
            Self::Icb => &[Self::Alliance],
            Self::Alliance => &[],
        }
    }
}
