//! JSON Schema, generated from the types: for editors, and for our own structure check.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

/// The schema files kept in `config/schema/`: name and content.
pub fn files() -> Vec<(&'static str, Value)> {
    vec![
        ("pipeline.json", of::<super::Pipeline>()),
        ("warehouse.json", of::<super::Warehouse>()),
        ("tests.json", of::<super::unit_test::TestFile>()),
    ]
}

/// The schema of one type.
pub fn of<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// A schema as it stands in its file.
pub fn to_text(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).unwrap_or_default();
    text.push('\n');
    text
}
