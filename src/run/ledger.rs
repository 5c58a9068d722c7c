//! The ledger of a source: every file that was ever taken, in the order in which it was, and what
//! became of it. What counts of them is worked out ([`super::standing`]) and never written down.

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono::{DateTime, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::compile::TableName;
use crate::diag::{Code, Result};
use crate::ingest::{Captures, Intake};
use crate::store::{Lake, atomic};

use super::record::{json, read_json};

/// The submissions of a source, by ordinal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Each with an ordinal one higher than the one before.
    pub submissions: Vec<Submission>,
}

/// A file that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Its place among all that were taken, from 1. Of two files under one path the later one has
    /// the higher; between paths it decides nothing.
    pub ordinal: u64,
    /// Its path below the root, as `_file` has it.
    pub file: String,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// Its size in bytes.
    pub size: u64,
    /// The parts of its name that are columns.
    pub captures: BTreeMap<String, Option<String>>,
    /// When it was received, UTC, if its name or a manifest says so.
    pub received_at: Option<NaiveDateTime>,
    /// Its number among the sender's submissions, if its name or a manifest says so.
    pub sequence: Option<i64>,
    /// When we took it, by the clock. Decides nothing.
    pub taken_at: DateTime<Utc>,
    /// What became of it, once it was read.
    pub became: Option<Became>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Became {
    /// Its staging key: the bytes and the contract this was found with.
    pub key: String,
    /// Rows in it.
    pub received: u64,
    /// Rows staged.
    pub good: u64,
    /// Rows refused.
    pub quarantined: u64,
    /// Rows dropped by a declared rule.
    pub dropped: u64,
    /// The rule for which the whole file was refused.
    pub rejected_by: Option<String>,
    /// Why it could not be read: the name of a diagnostic's code.
    pub unreadable: Option<String>,
}

impl Became {
    /// Of a file that was read.
    pub(super) fn read(intake: &Intake) -> Self {
        Self {
            key: intake.key.clone(),
            received: intake.received,
            good: intake.good,
            quarantined: intake.quarantined,
            dropped: intake.received - intake.good - intake.quarantined,
            rejected_by: intake.rejected_by.clone(),
            unreadable: None,
        }
    }

    /// Of a file that could not be read.
    pub(super) fn unreadable(key: &str, code: Code) -> Self {
        Self {
            key: key.to_owned(),
            received: 0,
            good: 0,
            quarantined: 0,
            dropped: 0,
            rejected_by: None,
            unreadable: Some(code.name().to_owned()),
        }
    }
}

impl Ledger {
    /// The ledger of a table; empty if nothing of it was ever taken.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn load(lake: &Lake, table: &TableName) -> Result<Self> {
        Ok(read_json(&lake.ledger(&table.to_string()))?.unwrap_or_default())
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn save(&self, lake: &Lake, table: &TableName) -> Result<()> {
        let (path, text) = self.text(lake, table)?;
        atomic::write(&path, &text)
    }

    /// Where it is to be written, and what: after every copy that it names is on disk.
    ///
    /// # Errors
    /// Only by a fault of ours.
    pub(super) fn text(&self, lake: &Lake, table: &TableName) -> Result<(PathBuf, Vec<u8>)> {
        Ok((lake.ledger(&table.to_string()), json(self)?))
    }

    /// What lies under a path, or lay there last.
    pub(super) fn latest(&self, file: &str) -> Option<usize> {
        self.submissions.iter().rposition(|s| s.file == file)
    }

    /// Whether these bytes under this path would be news.
    pub(super) fn is_new(&self, file: &str, hash: &str) -> bool {
        self.latest(file)
            .is_none_or(|i| self.submissions[i].hash != hash)
    }

    /// Enters a file that is new.
    pub(super) fn enter(&mut self, file: &str, hash: &str, size: u64, taken_at: DateTime<Utc>) {
        let ordinal = self.submissions.last().map_or(0, |s| s.ordinal) + 1;
        self.submissions.push(Submission {
            ordinal,
            file: file.to_owned(),
            hash: hash.to_owned(),
            size,
            captures: BTreeMap::new(),
            received_at: None,
            sequence: None,
            taken_at,
            became: None,
        });
    }
}

impl Submission {
    /// The parts of its name, as texts.
    pub(super) fn name(&mut self, captures: &Captures) {
        let text = |v: &datafusion::common::ScalarValue| (!v.is_null()).then(|| v.to_string());
        self.captures = captures.iter().map(|(n, v)| (n.clone(), text(v))).collect();
    }

    /// Its copy.
    pub fn landing(&self, lake: &Lake, table: &TableName) -> PathBuf {
        lake.landing(&table.name, &self.hash, &self.file)
    }
}
