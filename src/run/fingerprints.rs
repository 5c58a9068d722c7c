//! Hashes of files, those that arrived and our own, remembered while the file system says that nothing changed.
//!
//! A file is taken as unchanged when its size, inode and both its times are: a copy, an edit or a
//! replacement changes at least the inode's own time, which programs cannot set back.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::ingest::{self, Arrived};
use crate::store::Lake;

use super::record::{read_json, write_json};

/// The remembered hashes. Several may ask at once.
#[derive(Debug, Default)]
pub struct Fingerprints {
    path: PathBuf,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    known: BTreeMap<String, Fingerprint>,
    changed: bool,
}

impl Memory {
    fn keep(&mut self, path: &Path, fingerprint: Fingerprint) {
        self.known.insert(path.display().to_string(), fingerprint);
        self.changed = true;
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Fingerprint {
    stamp: Stamp,
    hash: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Result<Self> {
        let meta = std::fs::metadata(path)
            .map_err(|e| Diagnostics::from(Diagnostic::io(path, "look at", &e)))?;
        Ok(Self {
            size: meta.size(),
            inode: meta.ino(),
            modified: (meta.mtime(), meta.mtime_nsec()),
            changed: (meta.ctime(), meta.ctime_nsec()),
        })
    }
}

impl Fingerprints {
    /// The hashes remembered in a lake. Forgotten, they are worked out again.
    pub fn load(lake: &Lake) -> Self {
        let path = lake.root().join("state/fingerprints.json");
        let known = read_json(&path).ok().flatten().unwrap_or_default();
        Self {
            path,
            memory: Mutex::new(Memory {
                known,
                changed: false,
            }),
        }
    }

    /// The hash of a file that arrived.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of(&self, arrived: &Arrived) -> Result<String> {
        self.remembered(&arrived.path, || ingest::fingerprint(arrived))
    }

    /// The hash of a file of ours.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(&self, path: &Path) -> Result<String> {
        self.remembered(path, || {
            let read = || -> std::io::Result<String> {
                let mut hasher = blake3::Hasher::new();
                hasher.update_reader(std::fs::File::open(path)?)?;
                Ok(hasher.finalize().to_hex().to_string())
            };
            read().map_err(|e| Diagnostic::io(path, "read", &e).into())
        })
    }

    /// The hash of a file, if it is known already.
    pub fn known(&self, path: &Path) -> Option<String> {
        let stamp = Stamp::of(path).ok()?;
        self.at(path, &stamp)
    }

    /// Remembers the hash of a file that somebody has just worked out.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn remember(&self, path: &Path, hash: &str) -> Result<()> {
        let fingerprint = Fingerprint {
            stamp: Stamp::of(path)?,
            hash: hash.to_owned(),
        };
        self.memory.lock().keep(path, fingerprint);
        Ok(())
    }

    /// The hash of a file as it is now.
    fn at(&self, path: &Path, stamp: &Stamp) -> Option<String> {
        let memory = self.memory.lock();
        let known = memory.known.get(&path.display().to_string())?;
        (known.stamp == *stamp).then(|| known.hash.clone())
    }

    fn remembered(&self, path: &Path, work_out: impl FnOnce() -> Result<String>) -> Result<String> {
        let stamp = Stamp::of(path)?;
        if let Some(hash) = self.at(path, &stamp) {
            return Ok(hash);
        }
        let hash = work_out()?;
        // A file that changed while it was hashed is remembered by nobody.
        if Stamp::of(path)? == stamp {
            let fingerprint = Fingerprint {
                stamp,
                hash: hash.clone(),
            };
            self.memory.lock().keep(path, fingerprint);
        }
        Ok(hash)
    }

    /// Remembers for next time.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn save(&self) -> Result<()> {
        let mut memory = self.memory.lock();
        if std::mem::take(&mut memory.changed) {
            memory.known.retain(|path, _| Path::new(path).exists());
            write_json(&self.path, &memory.known)?;
        }
        Ok(())
    }
}
