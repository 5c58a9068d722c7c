//! Unit tests of SQL: small inputs to a model or mart, and the rows that must come out.

use schemars::JsonSchema;
use serde::Deserialize;

use super::node::Node;
use super::parameter::Scalar;
use super::{Entries, Sp};

/// One file of `tests/pipelines/`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestFile {
    /// The tests.
    pub tests: Vec<UnitTest>,
}

/// One test of one model or mart.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitTest {
    /// Its name, such as `trap_01_split_lsoa`.
    pub name: Sp<String>,
    /// What it shows.
    pub description: Option<String>,
    /// The table under test, such as `model.register_current`.
    pub of: Sp<String>,
    /// Rows of the tables it reads. A table not given is empty; a column not given is null.
    #[serde(default)]
    pub given: Entries<Vec<Row>>,
    /// Values for `$parameters`, where not the pipeline's own.
    #[serde(default)]
    pub parameters: Entries<Sp<Scalar>>,
    /// The run's clock.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub as_of: Option<Sp<String>>,
    /// Which columns are compared: all of the table's, or those that the expected rows name.
    #[serde(default, rename = "match")]
    pub comparison: Comparison,
    /// The rows that come out, in any order.
    pub expect: Sp<Vec<Row>>,
}

/// Which columns are compared. The set of rows is always compared whole.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// Every column of the table.
    Exact,
    /// The columns that the expected rows name.
    #[default]
    Subset,
}

/// A row: column names and values.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Row(pub Entries<Sp<Node>>);

impl JsonSchema for Row {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Row".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "object",
            "description": "Column names and values; a column of lists has lists.",
            "additionalProperties": { "type": ["string", "number", "boolean", "null", "array"] },
        })
    }
}
