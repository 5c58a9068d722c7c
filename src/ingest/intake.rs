//! The record of one file: what it was and what became of its rows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::compile::TableName;
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::store::Lake;
use crate::store::parquet::{ParquetFile, rows_of};

use super::rules::conserve;

/// What became of one file. Holds counts and names, never values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    /// The table it belongs to, such as `source.liver_register`.
    pub table: String,
    /// Its path below the source's root.
    pub file: String,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
    /// What its staged rows are keyed by.
    pub key: String,
    /// The parts of its name, as text, in the order of the contract.
    #[serde(default)]
    pub captures: Vec<(String, String)>,
    /// Rows in it.
    pub received: u64,
    /// Rows staged.
    pub good: u64,
    /// Rows in quarantine, each once however many rules it breaks.
    pub quarantined: u64,
    /// Rows that declared rules dropped, by the rule's name.
    #[serde(default)]
    pub dropped_by: BTreeMap<String, u64>,
    /// The rule for which the whole file was refused, if it was.
    pub rejected_by: Option<String>,
    /// The rules that rows break, in the order of the contract.
    pub rules: Vec<RuleCount>,
    /// What is worth reading.
    pub warnings: Vec<Warning>,
    /// Headings the contract does not know.
    pub new_columns: Vec<String>,
    /// The good rows.
    pub staged: Written,
    /// The refused rows: one for each rule that a row breaks.
    pub quarantine: Written,
}

/// How often a rule was broken in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The rule's name.
    pub rule: String,
    /// The column, for a rule on values.
    pub column: Option<String>,
    /// Rows that break it.
    pub count: u64,
    /// What happened to them: `warn`, `quarantine`, `reject_file`, `error`.
    pub on_fail: String,
    /// The first line on which it was broken.
    pub first_line: i64,
    /// From here it is worth a warning.
    #[serde(default)]
    pub warn_if: Option<String>,
    /// From here the file is an error.
    #[serde(default)]
    pub error_if: Option<String>,
}

/// Something worth reading about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What kind of thing it is about.
    pub about: About,
    /// What, one sentence.
    pub message: String,
    /// The line it was first seen on.
    pub line: Option<u64>,
    /// The column.
    pub column: Option<String>,
    /// What to do about it.
    pub hint: String,
}

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// The file as a whole.
    File,
    /// The header of the file.
    Header,
    /// A rule that rows break.
    Rule,
}

impl About {
    fn code(self) -> Code {
        match self {
            Self::File => Code::BadFile,
            Self::Header => Code::Header,
            Self::Rule => Code::Threshold,
        }
    }
}

/// A Parquet file of the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Its path below the lake's folder.
    pub path: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
}

impl Written {
    pub(super) fn new(file: &ParquetFile, lake: &Lake) -> Self {
        let below = file.path.strip_prefix(lake.root()).unwrap_or(&file.path);
        Self {
            path: below.to_string_lossy().into_owned(),
            rows: file.rows,
            bytes: file.bytes,
            hash: file.hash.clone(),
        }
    }

    /// Of a file that was refused: no rows are staged, and no file holds them.
    pub(super) fn none() -> Self {
        Self {
            path: String::new(),
            rows: 0,
            bytes: 0,
            hash: String::new(),
        }
    }

    /// Where it is.
    pub fn path_in(&self, lake: &Lake) -> PathBuf {
        lake.root().join(&self.path)
    }

    fn stands(&self, lake: &Lake) -> bool {
        self.path_in(lake)
            .metadata()
            .is_ok_and(|m| m.is_file() && m.len() == self.bytes)
    }
}

impl Intake {
    /// The warnings of a kind, as findings.
    pub fn findings(&self, about: About) -> Diagnostics {
        self.warnings
            .iter()
            .filter(|w| w.about == about)
            .map(|w| {
                let mut place = DataPlace::file(self.file.as_str());
                place.line = w.line;
                place.column.clone_from(&w.column);
                Diagnostic::warning(w.about.code(), w.message.as_str())
                    .at(place)
                    .hint(w.hint.as_str())
            })
            .collect()
    }

    /// The period in its name, as text.
    pub fn period(&self) -> Option<&str> {
        let mut captures = self.captures.iter();
        captures
            .find(|(n, _)| n == "period")
            .map(|(_, v)| v.as_str())
    }

    /// Rows that declared rules dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped_by.values().sum()
    }

    /// The record under a key, if it was written and its Parquet files still stand.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn recorded(lake: &Lake, table: &TableName, key: &str) -> Result<Option<Self>> {
        let intake = read(&lake.intake(&table.name, key))?;
        Ok(intake.filter(|i| i.staged.stands(lake) && i.quarantine.stands(lake)))
    }

    /// The record of a file that was refused whole under a key, if its quarantine still stands.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn refused(lake: &Lake, table: &TableName, key: &str) -> Result<Option<Self>> {
        let intake = read(&lake.refusal(&table.name, key))?;
        Ok(intake.filter(|i| i.quarantine.stands(lake)))
    }

    /// Holds the record against itself and against the footers of its Parquet files: no row of the
    /// file may have gone missing since, or come from nowhere.
    ///
    /// # Errors
    /// [`Code::Conservation`].
    pub fn conserved(&self, lake: &Lake) -> Result<()> {
        conserve(
            &self.file,
            self.received,
            self.good,
            self.quarantined,
            self.dropped(),
        )
        .and_then(|()| self.counted(lake, "staged", &self.staged, self.good))
        .and_then(|()| {
            self.counted(
                lake,
                "in quarantine",
                &self.quarantine,
                self.quarantine.rows,
            )
        })
        .map_err(|found| found.into_iter().map(|d| d.hint(AGAIN)).collect())
    }

    fn counted(&self, lake: &Lake, which: &str, written: &Written, rows: u64) -> Result<()> {
        let there = rows_of(&written.path_in(lake))?;
        if there == rows && written.rows == rows {
            return Ok(());
        }
        Err(Diagnostic::error(
            Code::Conservation,
            format!(
                "the record says that {rows} rows are {which}, and {} holds {there}",
                written.path
            ),
        )
        .at(DataPlace::file(self.file.as_str()))
        .into())
    }
}

/// What to do when a record and its rows do not agree.
const AGAIN: &str =
    "--full-refresh reads the file again; who or what changed the lake between two runs?";

fn read(path: &Path) -> Result<Option<Intake>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Diagnostic::io(path, "read the record", &e).into()),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|e| {
        Diagnostics::from(
            Diagnostic::error(Code::State, format!("the record is not what we wrote: {e}"))
                .at(DataPlace::file(path.display().to_string()))
                .hint("remove it: the file is then taken in again"),
        )
    })
}
