//! A pipeline: one YAML file, its sources, models and marts.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Entries, Indicator, Mart, Model, Parameter, Source, Sp};

/// One file of `pipelines/`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// Its name: the file's name without `.yaml`.
    pub pipeline: Sp<String>,
    /// The question it answers.
    pub description: Option<String>,
    /// Who to ask about it.
    pub owner: Option<String>,
    /// Words to select it by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Choices the SQL reads as `$name`.
    #[serde(default)]
    pub parameters: Entries<Parameter>,
    /// What arrives; `source.<name>` in SQL.
    #[serde(default)]
    pub sources: Entries<Source>,
    /// Real-world code lists and geographies; `reference.<name>` in SQL.
    #[serde(default)]
    pub references: Entries<Source>,
    /// Internal tables; `model.<name>` in SQL.
    #[serde(default)]
    pub models: Entries<Model>,
    /// Published tables; `mart.<name>` in SQL.
    #[serde(default)]
    pub marts: Entries<Mart>,
    /// Numbers that are watched, each defined once; all are counted into one mart.
    #[serde(default)]
    pub indicators: Entries<Indicator>,
}
