//! What must hold of any bytes whatever, reader by reader: the one judge of the mutation tests and
//! of the fuzz targets in `tests/fuzz`. It is no part of the program.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::util::display::array_value_to_string;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use secrecy::SecretString;

use crate::compile::{SourceNode, TableKind, TableName};
use crate::diag::{Code, Diagnostics, SourceText};
use crate::spec::{Source, yaml};
use crate::store::Lake;

use super::{Arrived, Intake, PseudonymKey, Related, ingest};

/// The people of the good files: their numbers, which nobody may see again.
pub const NHS_NUMBERS: [&str; 4] = ["9434765919", "9434765870", "4010232137", "943-476-5870"];
/// What else of them may not be seen.
pub const SURNAMES: [&str; 3] = ["Quillfeather", "Zedderburn", "Année-Österby"];

const COLUMNS: &str = r#"
sensitivity: identifiable
columns:
  - { name: nhs_number, type: nhs_number, pseudonymise: person_key, checks: [{ valid: { on_fail: warn } }] }
  - { name: surname, type: string, identifiable: true }
  - { name: birth_date, type: date, formats: ["%d/%m/%Y", "%Y-%m-%d", excel_serial] }
  - { name: sex, type: string, accepted: [F, M, I, U] }
  - { name: score, type: { decimal: { precision: 5, scale: 1 } }, nulls: ["n/a"], min: 0 }
"#;

/// A source of people in one of the ways that they arrive.
#[derive(Debug, Clone, Copy)]
pub struct Feed {
    /// What it is called in the tests, and its fuzz target.
    pub name: &'static str,
    file: &'static str,
    reader: &'static str,
    /// Whether its rows are the lines of the file as it is.
    is_plain: bool,
}

const fn feed(name: &'static str, file: &'static str, reader: &'static str) -> Feed {
    Feed {
        name,
        file,
        reader,
        is_plain: false,
    }
}

const fn plain(name: &'static str, file: &'static str, reader: &'static str) -> Feed {
    Feed {
        is_plain: true,
        ..feed(name, file, reader)
    }
}

const SHEET: &str = "excel: { sheet: Register, header_pattern: \"^nhs_number\", skip_rows: [{ name: footer, pattern: \"^Total\" }] }";

/// Every reader, and the ways of it that are read by code of their own.
pub const FEEDS: [Feed; 13] = [
    plain("csv", "p.csv", "csv: {}"),
    plain("csv_utf_16", "p.csv", "csv: { encoding: utf-16le }"),
    plain("csv_detected", "p.csv", "csv: { delimiter: \";\" }"),
    plain(
        "csv_preamble",
        "p.csv",
        "csv: { header_pattern: \"^nhs_number\", preamble: { relative_date: { pattern: \"Relative Date[,: ]+(?<value>\\\\S+)\", type: date, formats: [\"%d-%b-%y\"] } }, skip_rows: [{ name: footer, pattern: \"^(Total|Source)\" }] }",
    ),
    feed("csv_gzip", "p.csv.gz", "csv: {}"),
    plain(
        "fixed_width",
        "p.txt",
        "fixed_width: { skip_rows: [{ name: trailer, pattern: \"^END\" }], columns: { nhs_number: { start: 1, width: 10 }, surname: { start: 12, width: 13 }, birth_date: { start: 26, width: 10 }, sex: { start: 37, width: 1 }, score: { start: 39, width: 6 } } }",
    ),
    plain("json_lines", "p.jsonl", "json_lines: {}"),
    feed(
        "excel",
        "p.xlsx",
        "excel: { sheet_pattern: \"^Reg\", header_pattern: \"^nhs_number\", header_rows: 2, skip_rows: [{ name: footer, pattern: \"^Total\" }] }",
    ),
    feed("xls", "p.xls", SHEET),
    feed("xlsb", "p.xlsb", SHEET),
    feed("ods", "p.ods", SHEET),
    feed("zip", "p.zip", "zip: { member: \"*_lhc.csv\", csv: {} }"),
    feed("parquet", "p.parquet", "parquet: {}"),
];

/// The feed of a name.
pub fn of(name: &str) -> Option<Feed> {
    FEEDS.into_iter().find(|f| f.name == name)
}

/// What became of bytes that no promise was broken by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A file was taken in, with as many rows good.
    TakenIn(u64),
    /// It was refused whole.
    Refused,
}

/// A source, an inbox and a lake in a folder that is swept up.
#[derive(Debug)]
pub struct Trial {
    feed: Feed,
    folder: tempfile::TempDir,
    node: SourceNode,
    table: TableName,
    key: PseudonymKey,
}

impl Trial {
    /// In memory where the machine has a place for files there: what is tried is not the disk.
    ///
    /// # Errors
    /// When no folder can be made.
    pub fn new(feed: Feed) -> Result<Self, String> {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        }
        .map_err(|e| e.to_string())?;
        let text = format!(
            "{COLUMNS}files: {{ path: {}, {} }}\n",
            feed.file, feed.reader
        );
        let source = SourceText::new("pipelines/trial.yaml", &text);
        let spec: Source = yaml::read(&source).map_err(|e| all_words(&e))?;
        let root = folder.path().join("inbox");
        fs::create_dir(&root).map_err(|e| e.to_string())?;
        let node = SourceNode {
            files: spec.files.clone(),
            absent: false,
            reader: spec.files.readers().remove(0),
            spec,
            source,
            root,
            rules: Vec::new(),
            drops: Vec::new(),
        };
        Ok(Self {
            feed,
            folder,
            node,
            table: TableName::new(TableKind::Source, "people"),
            key: PseudonymKey::parse(&SecretString::from("07".repeat(32)))
                .map_err(|e| all_words(&e))?,
        })
    }

    /// Takes bytes in as the feed's file, and holds what comes of it against every promise.
    ///
    /// # Errors
    /// The promise that is broken, in words.
    pub fn take(&self, bytes: &[u8]) -> Result<Fate, String> {
        let path = self.node.root.join(self.feed.file);
        fs::write(&path, bytes).map_err(|e| e.to_string())?;
        let arrived = Arrived::look(&path, self.feed.file.to_owned(), Vec::new())
            .map_err(|e| all_words(&e))?;
        let lake = Lake::new(self.folder.path().join("lake"));
        // One key for all: each file takes the place of the one before it.
        let taken = ingest(
            &self.node,
            &self.table,
            &arrived,
            &lake,
            "trial",
            Some(&self.key),
            &Related::default(),
        );
        match taken {
            Ok(intake) => self
                .hold(&intake, &lake, bytes)
                .map(|()| Fate::TakenIn(intake.good)),
            Err(errors) => {
                let said = all_words(&errors);
                let ours = [Code::Bug, Code::Conservation];
                if errors.iter().any(|e| ours.contains(&e.code)) {
                    return Err(format!("an error that is ours: {said}"));
                }
                silent("an error", &said).map(|()| Fate::Refused)
            }
        }
    }

    fn hold(&self, intake: &Intake, lake: &Lake, bytes: &[u8]) -> Result<(), String> {
        intake.conserved(lake).map_err(|e| all_words(&e))?;
        let accounted = intake.good + intake.quarantined + intake.dropped();
        same("received, and accounted for", intake.received, accounted)?;
        let record = serde_json::to_string(intake).map_err(|e| e.to_string())?;
        silent("the record", &record)?;

        let staged = column_texts(&intake.staged.path_in(lake), |_, _| Ok(()))?;
        same("good, and staged", intake.good, staged.len() as u64)?;
        let refused = column_texts(&intake.quarantine.path_in(lake), silent)?;
        let lines: BTreeSet<i64> = staged.iter().chain(&refused).copied().collect();
        let refused: BTreeSet<i64> = refused.into_iter().collect();
        same(
            "quarantined, and lines in quarantine",
            intake.quarantined,
            refused.len() as u64,
        )?;
        same(
            "lines, and rows",
            lines.len() as u64,
            intake.good + intake.quarantined,
        )?;
        if lines.first().is_some_and(|line| *line < 1) {
            return Err(format!("there is no line {:?}", lines.first()));
        }
        let ends = bytes.iter().filter(|b| matches!(b, b'\n' | b'\r')).count() as i64;
        match lines.last() {
            Some(last) if self.feed.is_plain && *last > ends + 1 => {
                Err(format!("line {last} of a file of {} at most", ends + 1))
            }
            _ => Ok(()),
        }
    }
}

/// The lines that a staged file or a quarantine names, after `look` has seen every text in it.
fn column_texts(
    path: &Path,
    look: impl Fn(&str, &str) -> Result<(), String>,
) -> Result<Vec<i64>, String> {
    let failed = |e: String| format!("{}: {e}", path.display());
    let file = File::open(path).map_err(|e| failed(e.to_string()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|e| failed(e.to_string()))?;
    let mut lines = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|e| failed(e.to_string()))?;
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            if matches!(field.name().as_str(), "line" | "_line") {
                let column = column
                    .as_primitive_opt::<Int64Type>()
                    .ok_or_else(|| failed("a line that is no number".to_owned()))?;
                lines.extend(column.values());
                continue;
            }
            for row in 0..batch.num_rows() {
                let text = array_value_to_string(column, row).map_err(|e| failed(e.to_string()))?;
                look(field.name(), &text)?;
            }
        }
    }
    Ok(lines)
}

fn same(what: &str, one: u64, other: u64) -> Result<(), String> {
    if one == other {
        return Ok(());
    }
    Err(format!("{what}: {one} and {other}"))
}

/// Whether nobody is named.
fn silent(what: &str, said: &str) -> Result<(), String> {
    match NHS_NUMBERS
        .iter()
        .chain(&SURNAMES)
        .find(|v| said.contains(**v))
    {
        Some(value) => Err(format!("{what} holds {value}: {said}")),
        None => Ok(()),
    }
}

fn all_words(errors: &Diagnostics) -> String {
    errors
        .iter()
        .map(|e| format!("{e} {} {}", e.label, e.hints.join(" ")))
        .collect::<Vec<_>>()
        .join("\n")
}
