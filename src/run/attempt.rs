//! What became of each file of a source when it was last tried and failed.
//!
//! A source that fails keeps the record of its last good rows. What was wrong with the new files is
//! written down here, so that a sender can be told; the next attempt that goes well removes it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::compile::TableName;
use crate::diag::{Diagnostic, Diagnostics, Place, Result, Severity};
use crate::ingest::Captures;
use crate::store::Lake;

use super::record::{read_json, write_json};

/// The files of a source, as the attempt saw them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub files: Vec<Tried>,
}

/// One file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Tried {
    /// As `_file` has it.
    pub file: String,
    /// What its rows are keyed by.
    pub key: String,
    /// The parts of its name, as text.
    pub captures: Vec<(String, String)>,
    /// Why it was refused; nothing if it was not.
    pub errors: Vec<Fault>,
}

/// Why a file was refused. Holds no values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// In one sentence.
    pub message: String,
    /// The line it was first seen on.
    pub line: Option<u64>,
    /// The column.
    pub column: Option<String>,
}

impl Tried {
    /// A file and what was found wrong with it.
    pub(super) fn new(
        file: &str,
        captures: &Captures,
        key: &str,
        found: Option<&Diagnostics>,
    ) -> Self {
        let captures = captures.iter();
        Self {
            file: file.to_owned(),
            key: key.to_owned(),
            captures: captures
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), value.to_string()))
                .collect(),
            errors: found
                .into_iter()
                .flat_map(|f| f.iter())
                .filter_map(fault)
                .collect(),
        }
    }
}

fn fault(diagnostic: &Diagnostic) -> Option<Fault> {
    let (line, column) = match &diagnostic.place {
        Some(Place::Data(place)) => (place.line, place.column.clone()),
        _ => (None, None),
    };
    (diagnostic.severity == Severity::Error).then(|| Fault {
        message: diagnostic.message.clone(),
        line,
        column,
    })
}

impl Attempt {
    /// The last attempt, if it failed.
    ///
    /// # Errors
    /// When its record is there and cannot be read.
    pub(super) fn load(lake: &Lake, table: &TableName) -> Result<Option<Self>> {
        read_json(&lake.attempt(&table.to_string()))
    }

    /// Writes down that it failed.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn save(&self, lake: &Lake, table: &TableName) -> Result<()> {
        write_json(&lake.attempt(&table.to_string()), self)
    }

    /// Forgets it: the source is as it should be.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn forget(lake: &Lake, table: &TableName) -> Result<()> {
        forget(&Self::path(lake, table))
    }

    /// Where it stands.
    pub(super) fn path(lake: &Lake, table: &TableName) -> PathBuf {
        lake.attempt(&table.to_string())
    }
}

/// Removes what is of no use any more. Gone already is as good.
pub(super) fn forget(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Diagnostic::io(path, "remove", &e).into()),
    }
}
