//! What staged bytes are keyed by: everything that decides them, and nothing else.

use std::collections::BTreeMap;

use datafusion::scalar::ScalarValue;
use serde_json::{Value, json};

use crate::compile::{RowTest, SourceNode};
use crate::spec::column::{Missing, NumberStyle, PerCent};
use crate::spec::reader::{Csv, Encoding, Excel, FixedWidth, PreambleValue, SkipRule};
use crate::spec::source::{OnDrift, OnNewColumn};
use crate::spec::{Column, ColumnType, DateFormat, OnFail, Reader, Sensitivity, Sp, Threshold};

use super::rules::{ValueRule, word};

/// Raised whenever the same file and contract would be staged as other bytes than before.
pub const INGEST_VERSION: u32 = 8;

/// The keys of what a source's files become. What they share is spelled once.
pub struct StagingKeys {
    contract: String,
    reader: String,
    pseudonym_key: String,
    contents: String,
}

impl StagingKeys {
    /// Those of a source, given the fingerprint of the pseudonym key and the content of the tables
    /// that its rules look into.
    pub fn of_source(
        node: &SourceNode,
        pseudonym_key: Option<&str>,
        contents: &BTreeMap<String, String>,
    ) -> Self {
        Self {
            contract: contract(node).to_string(),
            reader: reader(&node.reader).to_string(),
            pseudonym_key: json!(pseudonym_key).to_string(),
            contents: json!(contents).to_string(),
        }
    }

    /// The key of a file: BLAKE3, in hexadecimal, over its hash, its shown path and captures, what
    /// its source's files share, and [`INGEST_VERSION`].
    pub fn of(&self, file_hash: &str, shown: &str, captures: &[(String, ScalarValue)]) -> String {
        let captures: Vec<Value> = captures
            .iter()
            .map(|(name, value)| json!([name, value.data_type().to_string(), value.to_string()]))
            .collect();
        // Arrays and sorted maps only: they have one spelling.
        let all = [
            json!([INGEST_VERSION, file_hash, shown, captures]).to_string(),
            self.contract.clone(),
            self.reader.clone(),
            self.pseudonym_key.clone(),
            self.contents.clone(),
        ];
        blake3::hash(all.join("\n").as_bytes()).to_hex().to_string()
    }
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
    json!([
        sensitivity,
        on_new_column,
        on_drift(node.spec.on_missing_column),
        on_drift(node.spec.on_retyped_column),
        columns,
        rules,
        drops,
    ])
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
    let missing = column.missing.map(|m| match m {
        Missing::Error => "error",
        Missing::AsNull => "as_null",
    });
    json!([
        *column.name,
        kind(&column.kind),
        column.headings(),
        column.from_pattern.as_deref(),
        formats(&column.formats),
        texts(&column.suppressed),
        column.number.as_ref().map(|n| number(n)),
        texts(&column.true_values),
        texts(&column.false_values),
        column.two_digit_years_from.as_deref(),
        column.required,
        column.accepted,
        column.pattern.as_deref(),
        column.min.as_ref().map(|b| b.0.as_str()),
        column.max.as_ref().map(|b| b.0.as_str()),
        column.unique,
        // Decides what is shown of a refused value.
        column.identifiable,
        column.nulls,
        missing,
        column.pseudonymise.as_deref(),
        rules,
    ])
}

fn threshold(threshold: Option<Threshold>) -> Option<String> {
    threshold.map(|t| t.to_string())
}

fn on_drift(on_drift: Option<OnDrift>) -> &'static str {
    match on_drift.unwrap_or_default() {
        OnDrift::Error => "error",
        OnDrift::Warn => "warn",
    }
}

fn kind(kind: &ColumnType) -> Value {
    let format = match kind {
        ColumnType::Month(format) | ColumnType::Timestamp(format) => format.as_deref(),
        _ => None,
    };
    json!([kind.to_string(), format])
}

fn formats(formats: &[Sp<DateFormat>]) -> Vec<&str> {
    formats
        .iter()
        .map(|f| match &**f {
            DateFormat::ExcelSerial => "excel_serial",
            DateFormat::Strftime(text) => text.as_str(),
        })
        .collect()
}

fn texts(texts: &[Sp<String>]) -> Vec<&str> {
    texts.iter().map(|t| t.as_str()).collect()
}

fn number(style: &NumberStyle) -> Value {
    let per_cent = style.per_cent.map(|p| match p {
        PerCent::Fraction => "fraction",
        PerCent::Points => "points",
    });
    json!([style.thousands, style.currency, per_cent])
}

fn reader(reader: &Reader) -> Value {
    match reader {
        Reader::Csv(options) => json!(["csv", csv(options)]),
        Reader::FixedWidth(options) => json!(["fixed_width", fixed_width(options)]),
        Reader::JsonLines(options) => json!(["json_lines", encoding(options.encoding)]),
        Reader::Excel(options) => json!(["excel", excel(options)]),
        Reader::Parquet => json!(["parquet"]),
        Reader::Zip(options) => {
            let inner: Vec<Value> = options.readers().iter().map(self::reader).collect();
            json!(["zip", *options.member, inner])
        }
    }
}

fn csv(options: &Csv) -> Value {
    json!([
        options.delimiter.as_deref(),
        options.quote.as_deref(),
        encoding(options.encoding),
        options.header_row.as_deref(),
        options.header_pattern.as_deref(),
        preamble(options.preamble.as_slice()),
        skips(&options.skip_rows),
    ])
}

fn fixed_width(options: &FixedWidth) -> Value {
    let columns: Vec<Value> = options
        .columns
        .iter()
        .map(|(name, place)| json!([**name, place.start, place.width]))
        .collect();
    json!([
        encoding(options.encoding),
        options.header_row,
        skips(&options.skip_rows),
        columns,
    ])
}

fn excel(options: &Excel) -> Value {
    json!([
        options.sheet.as_deref(),
        options.sheet_pattern.as_deref(),
        options.header_row.as_deref(),
        options.header_pattern.as_deref(),
        options.header_rows,
        preamble(options.preamble.as_slice()),
        skips(&options.skip_rows),
    ])
}

fn encoding(encoding: Option<Encoding>) -> &'static str {
    encoding.unwrap_or_default().name()
}

fn preamble(values: &[(Sp<String>, PreambleValue)]) -> Vec<Value> {
    values
        .iter()
        .map(|(name, value)| {
            json!([
                **name,
                *value.pattern,
                kind(&value.kind),
                formats(&value.formats),
            ])
        })
        .collect()
}

fn skips(rules: &[SkipRule]) -> Vec<Value> {
    rules
        .iter()
        .map(|rule| json!([*rule.name, *rule.pattern]))
        .collect()
}
