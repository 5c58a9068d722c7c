//! A model: SQL whose result stays inside the warehouse.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Sensitivity, Sp, TableCheck};

/// SQL whose result stays inside the warehouse.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// What one row is.
    pub description: Option<String>,
    /// The SQL file, below `sql/`.
    pub sql: Sp<String>,
    /// The columns that tell one row from another.
    #[serde(default)]
    pub grain: Vec<Sp<String>>,
    /// How revealing its rows are.
    pub sensitivity: Option<Sensitivity>,
    /// How its result is kept. Default: parquet.
    #[serde(default)]
    pub materialized: Materialized,
    /// Words to select it by, beside the pipeline's.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Rules on its rows.
    #[serde(default)]
    pub checks: Vec<TableCheck>,
}

/// How a model's result is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Materialized {
    /// Written as Parquet, keyed by what it was made from.
    #[default]
    Parquet,
    /// Worked out each time it is read.
    View,
    /// Written as one Parquet file for each `period` of the one source it reads, each made from the
    /// files of that period alone: a period whose files stand is not made again. For SQL that never
    /// looks from one period into another.
    ByPeriod,
}
