//! What the sender says of the files beside them: `manifest.csv`, with when each was received and
//! its number in the sender's sequence.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Seek};
use std::path::Path;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::csv::ReaderBuilder;
use datafusion::arrow::csv::reader::Format;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::error::ArrowError;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};

/// What a manifest is called; it is no source's file.
pub const MANIFEST: &str = "manifest.csv";

/// What a manifest says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// When it was received, UTC.
    pub received_at: Option<NaiveDateTime>,
    /// Its number among the sender's submissions.
    pub sequence: Option<i64>,
    /// Where that is written: the manifest's path below the inbox, and the line.
    pub place: (String, u64),
}

/// What the manifests say, by path below the inbox.
#[derive(Debug, Clone, Default)]
pub struct Manifest(BTreeMap<String, Listed>);

impl Manifest {
    /// Reads the manifests of the inbox itself and of one folder below it. What the nearer one says
    /// of a file goes before the other. Rows of files that `is_ours` denies are passed over.
    ///
    /// # Errors
    /// Every row that cannot be read, by line.
    pub fn read(root: &Path, folder: &str, is_ours: impl Fn(&str) -> bool) -> Result<Self> {
        let mut all = BTreeMap::new();
        let mut found = Diagnostics::default();
        let mut names = vec![MANIFEST.to_owned()];
        if !folder.is_empty() {
            names.push(format!("{folder}/{MANIFEST}"));
        }
        for name in names {
            if let Some(one) = found.take(read_one(&root.join(&name), &name, &is_ours)) {
                all.extend(one);
            }
        }
        if found.has_errors() {
            return Err(found.sorted());
        }
        Ok(Self(all))
    }

    /// What is said of a file.
    pub fn of(&self, file: &str) -> Option<&Listed> {
        self.0.get(file)
    }

    /// Every file that is named, with what is said of it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Listed)> {
        self.0.iter().map(|(file, listed)| (file.as_str(), listed))
    }
}

fn read_one(
    path: &Path,
    shown: &str,
    is_ours: &impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, Listed>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(e) => return Err(Diagnostic::io(path, "open", &e).into()),
    };
    let unreadable = |e: &ArrowError| {
        // The engine's own words name lines and counts; a field that is no UTF-8 is not quoted.
        let why = e.to_string();
        let why = why.lines().next().unwrap_or_default().to_owned();
        Diagnostics::from(
            Diagnostic::error(Code::BadFile, format!("the manifest cannot be read: {why}"))
                .at(DataPlace::file(shown))
                .hint("it is comma-separated UTF-8 with the headings file, received_at, sequence"),
        )
    };
    let format = Format::default().with_header(true);
    let (inferred, _) = format
        .infer_schema(&mut file, Some(0))
        .map_err(|e| unreadable(&e))?;
    file.rewind()
        .map_err(|e| Diagnostics::from(Diagnostic::io(path, "read", &e)))?;
    let headings: Vec<String> = inferred
        .fields()
        .iter()
        .map(|f| {
            f.name()
                .trim_start_matches('\u{feff}')
                .trim()
                .to_lowercase()
        })
        .collect();
    let place = |name: &str| headings.iter().position(|h| h == name);
    let Some(file_column) = place("file") else {
        return Err(
            Diagnostic::error(Code::Header, "the manifest has no column `file`")
                .at(DataPlace::file(shown))
                .hint("its headings are file, received_at, sequence")
                .into(),
        );
    };
    let (received_column, sequence_column) = (place("received_at"), place("sequence"));
    let fields: Vec<Field> = (0..headings.len())
        .map(|i| Field::new(i.to_string(), DataType::Utf8, true))
        .collect();
    let reader = ReaderBuilder::new(Arc::new(Schema::new(fields)))
        .with_format(format)
        .build(file)
        .map_err(|e| unreadable(&e))?;
    let mut all = BTreeMap::new();
    let mut found = Diagnostics::default();
    let mut line = 1;
    for batch in reader {
        let batch = batch.map_err(|e| unreadable(&e))?;
        for row in 0..batch.num_rows() {
            line += 1;
            let text = |column: usize| batch.column(column).as_string::<i32>().value(row).trim();
            let file = text(file_column).trim_start_matches("./");
            if !is_ours(file) {
                continue;
            }
            let mut wrong = |message: &str, hint: &str| {
                let mut place = DataPlace::file(shown);
                place.line = Some(line);
                found.push(
                    Diagnostic::error(Code::BadFile, message)
                        .at(place)
                        .hint(hint),
                );
            };
            let received = received_column.map(text).filter(|t| !t.is_empty());
            let received_at = received.and_then(instant);
            if received.is_some() && received_at.is_none() {
                wrong(
                    "`received_at` is not a day or a time",
                    "write it as 2026-03-10 or 2026-03-10T09:15:00, in UTC",
                );
            }
            let number = sequence_column.map(text).filter(|t| !t.is_empty());
            let sequence = number.and_then(|t| t.parse().ok());
            if number.is_some() && sequence.is_none() {
                wrong("`sequence` is not a whole number", "such as 1, 2, 3");
            }
            let listed = Listed {
                received_at,
                sequence,
                place: (shown.to_owned(), line),
            };
            let before = all.insert(file.to_owned(), listed.clone());
            if before.is_some_and(|b: Listed| {
                (b.received_at, b.sequence) != (listed.received_at, listed.sequence)
            }) {
                wrong(
                    "the file stands in the manifest twice, with different values",
                    "keep the line that is right",
                );
            }
        }
    }
    if found.has_errors() {
        return Err(found);
    }
    Ok(all)
}

/// A day, from its first moment, or a day and time; UTC.
pub fn instant(text: &str) -> Option<NaiveDateTime> {
    let text = text.strip_suffix('Z').unwrap_or(text);
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(|d| d.and_time(NaiveTime::MIN));
    day.or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S"))
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"))
        .ok()
}
