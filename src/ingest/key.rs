//! What staged bytes are keyed by: everything that decides them, and nothing else.

use datafusion::scalar::ScalarValue;
use serde_json::{Value, json};

use crate::compile::SourceNode;
use crate::spec::column::Missing;
use crate::spec::source::{Csv, OnNewColumn};
use crate::spec::{Column, ColumnType, DateFormat, OnFail, Reader, Sensitivity, Threshold};

use super::rules::{ValueRule, word};

/// Raised whenever the same file and contract would be staged as other bytes than before.
pub const INGEST_VERSION: u32 = 1;

/// The key of what a file becomes: BLAKE3, in hexadecimal, over the file's hash, its shown path
/// and captures, the contract, the reader's options, the fingerprint of the pseudonym key and
/// [`INGEST_VERSION`].
pub fn staging_key(
    file_hash: &str,
    node: &SourceNode,
    captures: &[(String, ScalarValue)],
    shown: &str,
    pseudonym_key: Option<&str>,
) -> String {
    let captures: Vec<Value> = captures
        .iter()
        .map(|(name, value)| json!([name, value.data_type().to_string(), value.to_string()]))
        .collect();
    // Arrays only: they have one spelling, objects may not.
    let all = json!([
        INGEST_VERSION,
        file_hash,
        shown,
        captures,
        contract(node),
        reader(&node.reader),
        pseudonym_key,
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
                r.expression.to_string(),
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
    json!([sensitivity, on_new_column, columns, rules])
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
    let rules: Vec<Value> = [
        ValueRule::Valid,
        ValueRule::Required,
        ValueRule::Accepted,
        ValueRule::Pattern,
    ]
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
