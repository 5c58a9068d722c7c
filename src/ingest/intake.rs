//! The record of one file: what it was and what became of its rows.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::compile::TableName;
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::store::Lake;
use crate::store::parquet::ParquetFile;

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
    /// Rows in it.
    pub received: u64,
    /// Rows staged.
    pub good: u64,
    /// Rows in quarantine, each once however many rules it breaks.
    pub quarantined: u64,
    /// Rows left out by the contract's own rules, by the name of the rule.
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

    /// The record under a key, if it was written and its Parquet files still stand.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn recorded(lake: &Lake, table: &TableName, key: &str) -> Result<Option<Self>> {
        let path = lake.intake(&table.name, key);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Diagnostic::io(&path, "read the record", &e).into()),
        };
        let intake: Self = serde_json::from_slice(&bytes).map_err(|e| {
            Diagnostics::from(
                Diagnostic::error(Code::State, format!("the record is not what we wrote: {e}"))
                    .at(DataPlace::file(path.display().to_string()))
                    .hint("remove it: the file is then taken in again"),
            )
        })?;
        let stands = intake.staged.stands(lake) && intake.quarantine.stands(lake);
        Ok(stands.then_some(intake))
    }
}
