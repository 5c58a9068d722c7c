//! A file that arrived, as discovery saw it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use datafusion::scalar::ScalarValue;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};

/// The parts of a file's name that are columns, in the order of the contract.
pub type Captures = Vec<(String, ScalarValue)>;

/// A file that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrived {
    /// Where it is.
    pub path: PathBuf,
    /// Its path below the source's root: what `_file` holds and messages say.
    pub shown: String,
    /// The parts of its name that are columns, in the order of the contract.
    pub captures: Captures,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed.
    pub modified: SystemTime,
    /// BLAKE3 of its bytes, in hexadecimal, where it is known.
    pub hash: Option<String>,
}

impl Arrived {
    /// A file as it is now.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn look(path: &Path, shown: String, captures: Captures) -> Result<Self> {
        let (size, modified) = stamp(path)?;
        Ok(Self {
            path: path.to_owned(),
            shown,
            captures,
            size,
            modified,
            hash: None,
        })
    }

    /// Whether it is still the file that discovery saw.
    ///
    /// # Errors
    /// [`Code::BadFile`] when its size or its time differ.
    pub fn unchanged(&self) -> Result<()> {
        if stamp(&self.path)? == (self.size, self.modified) {
            return Ok(());
        }
        Err(
            Diagnostic::error(Code::BadFile, "the file changed while it was being read")
                .at(DataPlace::file(self.shown.as_str()))
                .hint("nothing of it was staged: run again, or give it time with `stable_for`")
                .into(),
        )
    }
}

fn stamp(path: &Path) -> Result<(u64, SystemTime)> {
    let look = || {
        let metadata = std::fs::metadata(path)?;
        Ok((metadata.len(), metadata.modified()?))
    };
    look().map_err(|e| Diagnostics::from(Diagnostic::io(path, "look at the file", &e)))
}

/// BLAKE3 of the file's bytes, in hexadecimal. The file is read once, a block at a time.
///
/// # Errors
/// When it cannot be read.
pub fn fingerprint(arrived: &Arrived) -> Result<String> {
    let read = || {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(&arrived.path)?)?;
        Ok(hasher.finalize().to_hex().to_string())
    };
    read().map_err(|e| Diagnostics::from(Diagnostic::io(&arrived.path, "read", &e)))
}
