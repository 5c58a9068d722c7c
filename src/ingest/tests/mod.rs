//! Whole files, good and bad, through [`super::ingest`].

mod blocks;
mod conservation;
mod contract_rules;
mod dialects;
mod encodings;
mod file_names;
mod keys;
mod mutations;
mod parquet_files;
mod preambles;
mod rules;
mod sheets;
mod text_files;
mod workbooks;
mod zip_files;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::Int64Type;
use arrow::util::display::array_value_to_string;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use secrecy::SecretString;

use crate::compile::{RowRule, RowTest, SourceNode, TableKind, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText};
use crate::spec::{Source, yaml};
use crate::store::Lake;

use super::{Arrived, Intake, PseudonymKey, Related, StagingKeys, fingerprint, ingest};

/// Columns of a source of people, as in the product's pages.
const PEOPLE: &str = r#"
sensitivity: identifiable
files:
  path: "people.csv"
  csv: {}
columns:
  - { name: nhs_number, type: nhs_number, pseudonymise: person_key, checks: [{ valid: { on_fail: warn } }] }
  - { name: birth_date, type: date, formats: ["%d/%m/%Y", excel_serial] }
  - { name: sex, type: string, accepted: [F, M, I, U] }
  - { name: score, type: { decimal: { precision: 5, scale: 1 } }, nulls: ["n/a"] }
"#;

/// A source, an inbox and a lake in a folder that is swept up.
struct World {
    folder: tempfile::TempDir,
    node: SourceNode,
    table: TableName,
    key: PseudonymKey,
    related: Related,
}

/// A row of the quarantine.
#[derive(Debug, PartialEq)]
struct Refused {
    line: i64,
    column: String,
    rule: String,
    reason: String,
    masked: String,
}

impl World {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let source = SourceText::new("pipelines/test.yaml", text);
        let spec: Source = yaml::read(&source).expect("a source");
        let root = folder.path().join("inbox");
        fs::create_dir(&root).expect("an inbox");
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
        let hex = SecretString::from("07".repeat(32));
        Self {
            folder,
            node,
            table: TableName::new(TableKind::Source, "people"),
            key: PseudonymKey::parse(&hex).expect("a key"),
            related: Related::default(),
        }
    }

    fn with_rule(mut self, rule: RowRule) -> Self {
        self.node.rules.push(rule);
        self
    }

    fn lake(&self) -> Lake {
        Lake::new(self.folder.path().join("lake"))
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.node.root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, bytes).expect("writes");
        path
    }

    fn arrived(&self, name: &str) -> Arrived {
        Arrived::look(&self.node.root.join(name), name.to_owned(), Vec::new()).expect("looks")
    }

    fn take(&self, arrived: &Arrived) -> Result<Intake> {
        let hash = fingerprint(arrived)?;
        let id = self.key.fingerprint();
        let keys = StagingKeys::of_source(&self.node, Some(&id), &BTreeMap::new());
        let key = keys.of(&hash, &arrived.shown, &arrived.captures);
        ingest(
            &self.node,
            &self.table,
            arrived,
            &self.lake(),
            &key,
            Some(&self.key),
            &self.related,
        )
    }

    fn take_in(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<Intake> {
        self.put(name, bytes);
        self.take(&self.arrived(name))
    }

    /// The only error that taking it in gives; nothing may be staged then.
    fn refused(&self, name: &str, bytes: impl AsRef<[u8]>) -> Diagnostic {
        let errors = self.take_in(name, bytes).expect_err("an error");
        assert!(
            !self.lake().root().join("staged").join("people").exists()
                || fs::read_dir(self.lake().root().join("staged/people"))
                    .expect("lists")
                    .next()
                    .is_none()
        );
        one(errors)
    }

    /// The only error, where an earlier file was taken in.
    fn refused_file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Diagnostic {
        one(self.take_in(name, bytes).expect_err("an error"))
    }

    fn staged(&self, intake: &Intake) -> RecordBatch {
        read(&intake.staged.path_in(&self.lake()))
    }

    fn column(&self, intake: &Intake, name: &str) -> Vec<String> {
        let batch = self.staged(intake);
        let column = batch.column_by_name(name).expect("the column");
        (0..batch.num_rows())
            .map(|row| {
                if column.is_null(row) {
                    "null".to_owned()
                } else {
                    array_value_to_string(column, row).expect("a text")
                }
            })
            .collect()
    }

    fn quarantine(&self, intake: &Intake) -> Vec<Refused> {
        refused_rows(&intake.quarantine.path_in(&self.lake()))
    }
}

fn refused_rows(path: &Path) -> Vec<Refused> {
    let batch = read(path);
    let text = |name: &str, row: usize| {
        let column = batch
            .column_by_name(name)
            .expect("the column")
            .as_string::<i32>();
        if column.is_null(row) {
            String::new()
        } else {
            column.value(row).to_owned()
        }
    };
    let lines = batch
        .column_by_name("line")
        .expect("line")
        .as_primitive::<Int64Type>();
    (0..batch.num_rows())
        .map(|row| Refused {
            line: lines.value(row),
            column: text("column", row),
            rule: text("rule", row),
            reason: text("reason", row),
            masked: text("value_masked", row),
        })
        .collect()
}

fn read(path: &Path) -> RecordBatch {
    let file = fs::File::open(path).expect("opens");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    let schema = std::sync::Arc::clone(builder.schema());
    let batches: Vec<RecordBatch> = builder
        .build()
        .expect("reads")
        .map(|b| b.expect("a batch"))
        .collect();
    concat_batches(&schema, &batches).expect("one batch")
}

fn one(errors: Diagnostics) -> Diagnostic {
    let all: Vec<Diagnostic> = errors.into_iter().collect();
    assert_eq!(all.len(), 1, "{all:?}");
    all.into_iter().next().expect("one")
}

/// Everything a diagnostic says, in one text.
fn words(diagnostic: &Diagnostic) -> String {
    format!(
        "{diagnostic} {} {}",
        diagnostic.label,
        diagnostic.hints.join(" ")
    )
}

fn assert_says(diagnostic: &Diagnostic, code: Code, parts: &[&str]) {
    assert_eq!(diagnostic.code, code, "{}", words(diagnostic));
    for part in parts {
        assert!(
            words(diagnostic).contains(part),
            "{part:?} not in: {}",
            words(diagnostic)
        );
    }
    assert!(!diagnostic.hints.is_empty());
}
