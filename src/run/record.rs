//! What a run writes down: for each table what it was last made from, and for each run its story.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::compile::TableName;
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::quality::Outcome;
use crate::store::{Lake, atomic};

use super::fingerprints::Fingerprints;
use super::ingredients::{Ingredients, hash};

/// A table as it was last made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeRecord {
    /// What it was made from.
    pub ingredients: Ingredients,
    /// What came out.
    pub made: Made,
    /// How its checks went.
    pub checks: Vec<Outcome>,
}

/// What came out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    /// The Parquet files that hold its rows, below the lake; none for a view.
    pub files: Vec<PathBuf>,
    /// Hash of the rows: what tables downstream are keyed by.
    pub content: String,
    /// How many rows.
    pub rows: Option<u64>,
    /// For a source: the files it was made from.
    pub origins: Vec<Origin>,
}

/// A file that a source's rows came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// As `_file` has it.
    pub file: String,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// Rows in it.
    pub received: u64,
    /// Rows staged.
    pub good: u64,
    /// Rows refused.
    pub quarantined: u64,
    /// Rows that declared rules dropped.
    #[serde(default)]
    pub dropped: u64,
    /// The period in its name.
    #[serde(default)]
    pub period: Option<String>,
}

impl NodeRecord {
    /// The record of a table, if it was ever made.
    ///
    /// # Errors
    /// When the record is there and cannot be read.
    pub fn load(lake: &Lake, table: &TableName) -> Result<Option<Self>> {
        read_json(&lake.node_record(&table.to_string()))
    }

    /// Where the record is to be written, and what: after everything it speaks of is on disk.
    ///
    /// # Errors
    /// Only by a fault of ours.
    pub fn text(&self, lake: &Lake, table: &TableName) -> Result<(PathBuf, Vec<u8>)> {
        Ok((lake.node_record(&table.to_string()), json(self)?))
    }

    /// The Parquet files that hold its rows.
    pub fn files(&self, lake: &Lake) -> Vec<PathBuf> {
        self.made
            .files
            .iter()
            .map(|f| lake.root().join(f))
            .collect()
    }

    /// Whether the rows it speaks of are still there, as they were written: a file that was cut
    /// short or changed is as good as gone, and its numbers would be wrong.
    pub fn is_whole(&self, lake: &Lake, fingerprints: &Fingerprints) -> bool {
        let hashes: Option<Vec<String>> = self
            .files(lake)
            .iter()
            .map(|f| fingerprints.of_file(f).ok())
            .collect();
        match hashes.as_deref() {
            None => false,
            // A view, or a source of which nothing has arrived.
            Some([]) => true,
            Some([one]) if *one == self.made.content => true,
            Some(all) => hash(all.join("\n").as_bytes()) == self.made.content,
        }
    }
}

/// Reads a JSON file; nothing if there is none.
///
/// # Errors
/// When it cannot be read, or is not what was written.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Diagnostic::io(path, "read", &e).into()),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|e| {
        Diagnostics::from(
            Diagnostic::error(Code::State, format!("not a record of ours: {e}"))
                .at(DataPlace::file(path.display().to_string()))
                .hint("delete it and run again: the table will be made anew"),
        )
    })
}

/// Writes a JSON file, whole or not at all.
///
/// # Errors
/// When the disk fails.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    atomic::write(path, &json(value)?)
}

/// A value as a file has it.
///
/// # Errors
/// Only by a fault of ours.
pub fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(value)
        .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
    text.push(b'\n');
    Ok(text)
}
