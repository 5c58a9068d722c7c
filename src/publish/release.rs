//! The release: which version of each mart readers have, flipped for all marts in one step.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::store::atomic;
use crate::store::paths::Shelf;

use super::latest::{self, Refreshed};
use super::manifest::{Manifest, document, read_json};

/// A mart in a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// Its version.
    pub version: String,
    /// How many rows that has.
    pub rows: u64,
    /// BLAKE3 of its Parquet file, in hexadecimal.
    pub blake3: String,
}

impl From<&Manifest> for Released {
    fn from(manifest: &Manifest) -> Self {
        Self {
            version: manifest.provenance.version.clone(),
            rows: manifest.part.rows,
            blake3: manifest.part.blake3.clone(),
        }
    }
}

/// The whole of `release.json`: all marts of an audience together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Its name, made from its content.
    pub release: String,
    /// The release before it.
    pub previous: Option<String>,
    /// The day its run was as of.
    pub as_of: Option<String>,
    /// Every mart readers have.
    pub marts: BTreeMap<String, Released>,
}

/// What a run wants to change.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The marts that passed everything. Those of the release that are not here stay as they are.
    pub marts: BTreeMap<String, Released>,
    /// Marts the project no longer publishes to this audience.
    pub retired: BTreeSet<String>,
    /// The day the run is as of. By itself it changes nothing.
    pub as_of: Option<String>,
}

/// What a commit did.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The release readers have now; `None` when there has never been one.
    pub release: Option<Release>,
    /// Whether `release.json` was written.
    pub changed: bool,
    /// The stable paths that were brought in line.
    pub refreshed: Refreshed,
}

impl Release {
    /// The release readers have; `None` before the first.
    ///
    /// # Errors
    /// When it cannot be read, or is not what we write ([`Code::State`]).
    pub fn current(shelf: &Shelf) -> Result<Option<Self>> {
        read_json(&shelf.release())
    }

    /// What the release becomes with a change; `None` when nothing changes for readers.
    fn next(current: Option<&Self>, change: &Change) -> Result<Option<Self>> {
        let mut marts = current.map(|r| r.marts.clone()).unwrap_or_default();
        marts.retain(|mart, _| !change.retired.contains(mart));
        marts.extend(change.marts.clone());
        let same = match current {
            Some(current) => current.marts == marts,
            None => marts.is_empty(),
        };
        if same {
            return Ok(None);
        }
        let mut next = Self {
            release: String::new(),
            previous: current.map(|r| r.release.clone()),
            as_of: change.as_of.clone(),
            marts,
        };
        // The name covers the one before: going back to old numbers is a release of its own.
        let content = document(&next)?;
        next.release = blake3::hash(content.as_bytes()).to_hex()[..32].to_owned();
        Ok(Some(next))
    }
}

/// Makes a change visible: `release.json` first, in one step, then the stable paths.
/// Nothing is written when nothing changes.
///
/// # Errors
/// A version that is not there (nothing is written then); a disk that fails. Between the two
/// steps readers of `latest/` have the old files, whole, and [`repair`] finishes.
pub fn commit(shelf: &Shelf, change: &Change) -> Result<Committed> {
    let current = Release::current(shelf)?;
    let next = flip(shelf, current.as_ref(), change)?;
    let changed = next.is_some();
    let release = next.or(current);
    let refreshed = match &release {
        Some(release) => latest::refresh(shelf, release)?,
        None => Refreshed::default(),
    };
    Ok(Committed {
        release,
        changed,
        refreshed,
    })
}

/// The commit point alone.
pub(super) fn flip(
    shelf: &Shelf,
    current: Option<&Release>,
    change: &Change,
) -> Result<Option<Release>> {
    let mut missing = Diagnostics::default();
    for (mart, released) in &change.marts {
        let there = Manifest::read(shelf, mart, &released.version)?
            .is_some_and(|m| Released::from(&m) == *released);
        if !there {
            missing.push(
                Diagnostic::error(
                    Code::State,
                    format!(
                        "version {} of mart.{mart} is not on the shelf",
                        released.version
                    ),
                )
                .at(DataPlace::file(
                    shelf
                        .manifest(mart, &released.version)
                        .display()
                        .to_string(),
                ))
                .hint("run again: the version is written anew; readers have the last release"),
            );
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    let next = Release::next(current, change)?;
    if let Some(next) = &next {
        atomic::write(&shelf.release(), document(next)?.as_bytes())?;
    }
    Ok(next)
}

/// Finishes what an interrupted commit left undone: brings the stable paths in line with the
/// release and removes half-written files. To be called before a run, under its lock; doing it
/// twice does nothing the second time.
///
/// # Errors
/// When the release cannot be read, a version it names is damaged, or the disk fails.
pub fn repair(shelf: &Shelf) -> Result<Refreshed> {
    atomic::sweep(shelf.root())?;
    atomic::sweep(&shelf.latest_folder())?;
    match Release::current(shelf)? {
        Some(release) => latest::refresh(shelf, &release),
        // Without a release we know of no file that should not be there.
        None => Ok(Refreshed::default()),
    }
}
