//! A `$parameter` of a pipeline's SQL: typed, dated by its description, turned without SQL.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Sp;

/// `parameters: { fit_days: { type: int, value: 21 } }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its type in SQL.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// Its value.
    pub value: Sp<Scalar>,
    /// What it decides, since when, and who said so.
    pub description: Option<String>,
}

/// Types a parameter can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// A whole number, BIGINT.
    Int,
    /// A number with a fraction, DECIMAL with the digits as written.
    Decimal,
    /// Text.
    String,
    /// true or false.
    Boolean,
    /// A date, written 2026-03-31.
    Date,
}

/// A scalar as the YAML has it, kept as text so that decimals keep their digits.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Scalar".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "number", "boolean"] })
    }
}
