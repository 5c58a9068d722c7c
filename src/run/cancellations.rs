//! Submissions that their senders have withdrawn: the rows of a reference, held against the ledger.

use std::path::PathBuf;

use chrono::{Days, NaiveDate};
use datafusion::arrow::array::RecordBatch;
use datafusion::common::ScalarValue;

use crate::compile::TableName;
use crate::compile::contract::{FILE_COLUMN, LINE_COLUMN};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::engine;
use crate::ingest::Captures;

use super::ledger::Submission;

/// A submission withdrawn, or several: those that everything said here is true of.
#[derive(Debug, Clone)]
pub struct Cancellation {
    captures: Captures,
    file: Option<String>,
    hash: Option<String>,
    sequence: Option<i64>,
    /// From this day on.
    pub cancelled_at: NaiveDate,
    /// Where it is written.
    pub place: DataPlace,
}

/// The cancellations of one source, from the rows of the reference.
///
/// # Errors
/// When they cannot be read, or one names no submission.
pub fn read(files: &[PathBuf], table: &TableName, by: &[&str]) -> Result<Vec<Cancellation>> {
    let mut all = Vec::new();
    let mut found = Diagnostics::default();
    for file in files {
        for batch in engine::read(file)? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                all.extend(found.take(one(&batch, row, table, by)).flatten());
            }
        }
    }
    if found.has_errors() {
        return Err(found);
    }
    Ok(all)
}

fn one(
    batch: &RecordBatch,
    row: usize,
    table: &TableName,
    by: &[&str],
) -> Result<Option<Cancellation>> {
    let value = |name: &str| -> Option<ScalarValue> {
        let column = batch.column_by_name(name)?;
        let value = ScalarValue::try_from_array(column, row).ok()?;
        (!value.is_null()).then_some(value)
    };
    let text = |name: &str| value(name).map(|v| v.to_string());
    let source = text("source").unwrap_or_default();
    if source != table.to_string() && source != table.name {
        return Ok(None);
    }
    let mut place = DataPlace::file(text(FILE_COLUMN).unwrap_or_default());
    place.line = text(LINE_COLUMN).and_then(|t| t.parse().ok());
    let wrong = |message: &str, hint: &str| {
        Diagnostics::from(
            Diagnostic::error(Code::BadFile, message)
                .at(place.clone())
                .hint(hint),
        )
    };
    let Some(ScalarValue::Date32(Some(days))) = value("cancelled_at") else {
        return Err(wrong(
            "a cancellation without a day",
            "say from when it holds in `cancelled_at`",
        ));
    };
    let day = u64::try_from(days).ok();
    let cancelled_at = day.and_then(|d| NaiveDate::default().checked_add_days(Days::new(d)));
    let cancellation = Cancellation {
        captures: by
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), value(name)?)))
            .collect(),
        file: text("file"),
        hash: text("hash"),
        sequence: text("sequence").and_then(|t| t.parse().ok()),
        cancelled_at: cancelled_at.unwrap_or_default(),
        place: place.clone(),
    };
    let names = !cancellation.captures.is_empty()
        || cancellation.file.is_some()
        || cancellation.hash.is_some();
    if !names {
        return Err(wrong(
            "a cancellation that names no submission",
            "give the file, or the provider and period it was sent for",
        ));
    }
    Ok(Some(cancellation))
}

impl Cancellation {
    /// Whether it withdraws a submission. One that came after the day of the cancellation is not
    /// what was withdrawn.
    pub fn withdraws(&self, submission: &Submission, captures: &Captures) -> bool {
        let same = |(name, value): &(String, ScalarValue)| {
            captures.iter().any(|(n, v)| n == name && v == value)
        };
        let later = submission
            .received_at
            .is_some_and(|at| at.date() > self.cancelled_at);
        !later
            && self.captures.iter().all(same)
            && self.file.as_ref().is_none_or(|f| *f == submission.file)
            && self
                .hash
                .as_ref()
                .is_none_or(|h| submission.hash.starts_with(&h.to_lowercase()))
            && self
                .sequence
                .is_none_or(|s| s == submission.sequence.unwrap_or(1))
    }
}
