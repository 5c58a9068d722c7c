//! The stable paths: one real file per mart, the bytes that the release names.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::store::atomic;
use crate::store::paths::Shelf;

use super::release::Release;

/// What was done to the stable paths: nothing, when both are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Marts whose file was replaced.
    pub written: Vec<String>,
    /// Marts whose file was taken away: the release no longer has them.
    pub removed: Vec<String>,
}

impl Refreshed {
    /// Whether nothing had to be done.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty() && self.removed.is_empty()
    }
}

/// Brings `latest/` in line with a release. A file that has the right bytes already is left
/// alone; a file of a mart that the release does not have is removed.
///
/// # Errors
/// A version whose bytes are not those the release names ([`Code::State`]): its stable path, and
/// all others still right, are left alone. A disk that fails.
pub fn refresh(shelf: &Shelf, release: &Release) -> Result<Refreshed> {
    let mut done = Refreshed::default();
    let mut found = Diagnostics::default();
    let mut copies = Vec::new();
    for (mart, released) in &release.marts {
        let (part, latest) = (shelf.part(mart, &released.version), shelf.latest(mart));
        if hash(&latest)?.as_ref() == Some(&released.blake3) {
            continue;
        }
        if hash(&part)?.as_ref() == Some(&released.blake3) {
            copies.push(atomic::copied(&part, &latest)?);
            done.written.push(mart.clone());
        } else {
            found.push(
                Diagnostic::error(
                    Code::State,
                    format!(
                        "version {} of mart.{mart} is missing or is not what was released",
                        released.version
                    ),
                )
                .at(DataPlace::file(part.display().to_string()))
                .hint("take the file back from a backup, or delete the version's folder and run again")
                .hint(format!("readers still have {}", latest.display())),
            );
        }
    }
    // All copies stand complete beside their places before the first is renamed: the moment in
    // which `latest/` holds marts of two releases is as short as renaming them.
    for copy in copies {
        copy.commit()?;
    }
    for mart in strangers(shelf, release)? {
        atomic::remove(&shelf.latest(&mart))?;
        done.removed.push(mart);
    }
    if found.is_empty() {
        Ok(done)
    } else {
        Err(found)
    }
}

/// Marts that have a stable path and are not in the release, sorted.
fn strangers(shelf: &Shelf, release: &Release) -> Result<Vec<String>> {
    let folder = shelf.latest_folder();
    let failed = |e: io::Error| Diagnostics::from(Diagnostic::io(&folder, "list the folder", &e));
    let entries = match fs::read_dir(&folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut marts = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy();
        if let Some(mart) = name.strip_suffix(".parquet")
            && !name.starts_with(atomic::TEMPORARY_PREFIX)
            && !release.marts.contains_key(mart)
        {
            marts.push(mart.to_owned());
        }
    }
    marts.sort();
    Ok(marts)
}

/// BLAKE3 of a file, in hexadecimal; `None` if it is not there.
pub(super) fn hash(path: &Path) -> Result<Option<String>> {
    let failed = |e: io::Error| Diagnostics::from(Diagnostic::io(path, "read the file", &e));
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(failed)?;
    Ok(Some(hasher.finalize().to_hex().to_string()))
}
