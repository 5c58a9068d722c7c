//! Refused rows: where they are, which rule they break, and as much of the value as may be seen.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Builder, RecordBatch, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use datafusion::scalar::ScalarValue;

use serde::Serialize;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::store::parquet::{ParquetFile, ParquetWriter};

use super::rows::BATCH_ROWS;

/// The columns of a quarantine file, before the captures.
const COLUMNS: [&str; 6] = ["file", "line", "column", "rule", "reason", "value_masked"];

/// A row of the quarantine: one for each rule that a row of the file breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused<'a> {
    pub line: i64,
    pub column: Option<&'a str>,
    pub rule: &'a str,
    pub reason: &'a str,
    pub masked: Option<&'a str>,
}

/// Writes the quarantine of one file.
pub(super) struct QuarantineWriter {
    file: String,
    captures: Vec<ScalarValue>,
    schema: SchemaRef,
    writer: ParquetWriter,
    lines: Int64Builder,
    texts: [StringBuilder; 4],
    rows: usize,
}

impl QuarantineWriter {
    /// Starts it.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) fn create(
        path: &Path,
        shown: &str,
        captures: &[(String, ScalarValue)],
    ) -> Result<Self> {
        let schema = schema(captures);
        Ok(Self {
            file: shown.to_owned(),
            captures: captures.iter().map(|(_, v)| v.clone()).collect(),
            writer: ParquetWriter::create(path, Arc::clone(&schema), &[])?,
            schema,
            lines: Int64Builder::new(),
            texts: std::array::from_fn(|_| StringBuilder::new()),
            rows: 0,
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn push(&mut self, refused: &Refused<'_>) -> Result<()> {
        self.lines.append_value(refused.line);
        let [column, rule, reason, masked] = &mut self.texts;
        column.append_option(refused.column);
        rule.append_value(refused.rule);
        reason.append_value(refused.reason);
        masked.append_option(refused.masked);
        self.rows += 1;
        if self.rows >= BATCH_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn finish(mut self, metadata: &[(String, String)]) -> Result<ParquetFile> {
        self.flush()?;
        self.writer.finish(metadata)
    }

    fn flush(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let files = StringArray::from_iter_values(std::iter::repeat_n(&self.file, rows));
        let mut columns: Vec<ArrayRef> = vec![Arc::new(files), Arc::new(self.lines.finish())];
        columns.extend(
            self.texts
                .iter_mut()
                .map(|t| Arc::new(t.finish()) as ArrayRef),
        );
        for value in &self.captures {
            columns.push(spread(value, rows)?);
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        self.writer.write(batch)
    }
}

/// A refused row, as it was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusedRow {
    /// The line of the file, from 1.
    pub line: i64,
    /// The column, for a rule on values.
    pub column: Option<String>,
    /// The rule it breaks.
    pub rule: String,
    /// What is wrong with it, without values.
    pub reason: String,
    /// As much of the value as may be seen.
    #[serde(rename = "value")]
    pub masked: Option<String>,
}

/// Hands on the rows of a quarantine file in their order, until `take` says that it has enough.
///
/// # Errors
/// When the file cannot be read, or `take` fails.
pub fn refused_rows(path: &Path, mut take: impl FnMut(RefusedRow) -> Result<bool>) -> Result<()> {
    let failed = |e: String| {
        Diagnostics::from(
            Diagnostic::error(Code::State, format!("cannot read refused rows: {e}"))
                .at(DataPlace::file(path.display().to_string()))
                .hint("remove it: the next run takes the file in again"),
        )
    };
    let file = std::fs::File::open(path).map_err(|e| Diagnostic::io(path, "read", &e))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|e| failed(e.to_string()))?;
    for batch in reader {
        let batch = batch.map_err(|e| failed(e.to_string()))?;
        let texts = |name: &str| {
            let column = batch.column_by_name(name);
            let column = column.and_then(|c| c.as_string_opt::<i32>());
            column.ok_or_else(|| failed(format!("there is no `{name}`")))
        };
        let lines = batch
            .column_by_name("line")
            .and_then(|c| c.as_primitive_opt::<Int64Type>())
            .ok_or_else(|| failed("there is no `line`".to_owned()))?;
        let (column, rule) = (texts("column")?, texts("rule")?);
        let (reason, masked) = (texts("reason")?, texts("value_masked")?);
        let held = |array: &StringArray, row: usize| {
            array.is_valid(row).then(|| array.value(row).to_owned())
        };
        for row in 0..batch.num_rows() {
            let more = take(RefusedRow {
                line: lines.value(row),
                column: held(column, row),
                rule: rule.value(row).to_owned(),
                reason: reason.value(row).to_owned(),
                masked: held(masked, row),
            })?;
            if !more {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A value for every row.
pub(super) fn spread(value: &ScalarValue, rows: usize) -> Result<ArrayRef> {
    value
        .to_array_of_size(rows)
        .map_err(|e| Diagnostic::bug(e.to_string()).into())
}

fn schema(captures: &[(String, ScalarValue)]) -> SchemaRef {
    let fixed = COLUMNS.iter().map(|name| {
        let kind = if *name == "line" {
            DataType::Int64
        } else {
            DataType::Utf8
        };
        let nullable = matches!(*name, "column" | "value_masked");
        Field::new(*name, kind, nullable)
    });
    let captures = captures
        .iter()
        .map(|(name, value)| Field::new(name, value.data_type(), true));
    Arc::new(Schema::new(fixed.chain(captures).collect::<Vec<_>>()))
}
