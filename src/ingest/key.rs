//! What staged bytes are keyed by: everything that decides them, and nothing else.

use std::collections::BTreeMap;

use datafusion::scalar::ScalarValue;
use serde_json::{Value, json};

use crate::compile::{RowTest, SourceNode};
use crate::spec::column::Missing;
use crate::spec::source::{Csv, OnNewColumn};
use crate::spec::{Column, ColumnType, DateFormat, OnFail, Reader, Sensitivity, Threshold};

use super::rules::{ValueRule, word};

/// Raised whenever the same file and contract would be staged as other bytes than before.
pub const INGEST_VERSION: u32 = 1;

/// The key of what a file becomes: BLAKE3, in hexadecimal, over the file's hash, its shown path
/// and captures, the contract, the reader's options, the fingerprint of the pseudonym key, the
/// content of the tables that its rules look into, and [`INGEST_VERSION`].
pub fn staging_key(
    file_hash: &str,
    node: &SourceNode,
    captures: &[(String, ScalarValue)],
    shown: &str,
    pseudonym_key: Option<&str>,
    contents: &BTreeMap<String, String>,
) -> String {
    let captures: Vec<Value> = captures
        .iter()
        .map(|(name, value)| json!([name, value.data_type().to_string(), value.to_string()]))
        .collect();
    // Arrays and sorted maps only: they have one spelling.
    let all = json!([
        INGEST_VERSION,
        file_hash,
        shown,
        captures,
        contract(node),
        reader(&node.reader),
        pseudonym_key,
        contents,
    ]);
    blake3::hash(all.to_string().as_bytes())
        .to_hex()
        .to_string()
}

/// The contract, spelled in one way, without the places of the YAML.
fn contract(node: &SourceNode) -> Value {
    let columns: Vec<Value> = node.spec.columns.iter().map(column).collect();
    let rules: Vec<Value> = node
        .rules
        .iter()
        .map(|r| {
            json!([
                r.name,
                test(&r.test),
                word(r.on_fail),
                threshold(r.warn_if),
                threshold(r.error_if),
            ])
        })
        .collect();
    let sensitivity = match *node.spec.sensitivity {
        Sensitivity::Identifiable => "identifiable",
        Sensitivity::Pseudonymised => "pseudonymised",
        Sensitivity::Aggregate => "aggregate",
        Sensitivity::Open => "open",
    };
    let on_new_column = match node.spec.on_new_column.unwrap_or_default() {
        OnNewColumn::Warn => "warn",
        OnNewColumn::Error => "error",
        OnNewColumn::Ignore => "ignore",
    };
    let drops: Vec<Value> = node
        .drops
        .iter()
        .map(|d| json!([d.name, d.expression.to_string()]))
        .collect();
    json!([sensitivity, on_new_column, columns, rules, drops])
}

fn test(test: &RowTest) -> Value {
    match test {
        RowTest::Expression(expression) => json!(["expression", expression.to_string()]),
        RowTest::Unique(columns) => json!(["unique", columns]),
        RowTest::Relationship {
            column,
            table,
            field,
        } => json!(["relationship", column, table.to_string(), field]),
    }
}

fn column(column: &Column) -> Value {
    let formats: Vec<&str> = column
        .formats
        .iter()
        .map(|f| match &**f {
            DateFormat::ExcelSerial => "excel_serial",
            DateFormat::Strftime(text) => text.as_str(),
        })
        .collect();
    let month = match &*column.kind {
        ColumnType::Month(format) => format.as_deref(),
        _ => None,
    };
    let rules: Vec<Value> = ValueRule::ALL
        .iter()
        .map(|rule| {
            let handling = rule.handling(column);
            json!([
                word(handling.on_fail.unwrap_or(OnFail::Quarantine)),
                threshold(handling.warn_if),
                threshold(handling.error_if),
            ])
        })
        .collect();
    json!([
        *column.name,
        column.kind.to_string(),
        month,
        column.headings(),
        formats,
        column.required,
        column.accepted,
        column.pattern.as_deref(),
        column.min.as_ref().map(|b| b.0.as_str()),
        column.max.as_ref().map(|b| b.0.as_str()),
        column.unique,
        // Decides what is shown of a refused value.
        column.identifiable,
        column.nulls,
        column.missing == Some(Missing::AsNull),
        column.pseudonymise.as_deref(),
        rules,
    ])
}

fn threshold(threshold: Option<Threshold>) -> Option<String> {
    threshold.map(|t| t.to_string())
}

fn reader(reader: &Reader) -> Value {
    match reader {
        Reader::Csv(options) => json!(["csv", csv(options)]),
        Reader::Excel(options) => json!(["excel", options.sheet.as_deref(), options.header_row]),
        Reader::Parquet => json!(["parquet"]),
        Reader::Zip(options) => json!(["zip", *options.member, csv(&options.csv)]),
    }
}

fn csv(options: &Csv) -> Value {
    json!([options.delimiter.as_deref(), options.quote.as_deref()])
}
