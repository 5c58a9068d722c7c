//! What has arrived for a source: its files, each with the key of its rows.
//!
//! The inbox is what counts, with two guards. A file that may still be growing is left for the
//! next run, and what was taken of it before stays in place. A file that was taken before and is
//! gone stops the run: a disk that is not mounted looks just like it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::compile::{Node, SourceNode};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::{self, Arrived, Intake, PseudonymKey};
use crate::store::Lake;

use super::fingerprints::Fingerprints;
use super::record::{NodeRecord, Origin};

/// A file and the key of its rows.
pub(super) struct Keyed {
    pub arrived: Arrived,
    pub key: String,
    /// The rows are those taken before: the file itself is not to be read now.
    pub kept: bool,
}

/// What looking for a source's files needs to know.
pub(super) struct Search<'a> {
    pub node: &'a Node,
    pub source: &'a SourceNode,
    pub lake: &'a Lake,
    pub key: Option<&'a PseudonymKey>,
    /// The content of the tables that the source's rules look into, by name.
    pub contents: &'a BTreeMap<String, String>,
    pub accept_missing: bool,
}

impl Search<'_> {
    /// The files, by path, and what is worth reading about them.
    ///
    /// # Errors
    /// When files cannot be listed or read, or one that was taken before is gone.
    pub(super) fn files(
        &self,
        fingerprints: &mut Fingerprints,
    ) -> Result<(Vec<Keyed>, Diagnostics)> {
        let last = NodeRecord::load(self.lake, &self.node.name)?;
        let discovery = ingest::discover(self.source, &self.node.name, SystemTime::now())?;
        let mut notes = discovery.warnings;
        let mut found = Diagnostics::default();
        let mut files = Vec::new();
        for arrived in discovery.files {
            if let Some(hash) = found.take(fingerprints.of(&arrived)) {
                let key = self.staging_key(&hash, &arrived);
                files.push(Keyed {
                    arrived,
                    key,
                    kept: false,
                });
            }
        }
        let (mut left, mut kept) = (Vec::new(), Vec::new());
        for arrived in discovery.waiting {
            let before = last.as_ref().and_then(|r| r.origin(&arrived.shown));
            let shown = arrived.shown.clone();
            match found.take(self.waiting(arrived, before)) {
                Some(Some(file)) => {
                    kept.push(shown);
                    files.push(file);
                }
                Some(None) => left.push(shown),
                None => {}
            }
        }
        // Every file waiting is not the same as no file: an empty table would be a wrong number.
        if let (true, Some(first)) = (files.is_empty(), left.first()) {
            found.push(
                Diagnostic::error(
                    Code::FileName,
                    format!("every file of {} may still be growing", self.node.name),
                )
                .at(DataPlace::file(first.as_str()))
                .hint("run again when they have been left alone for as long as `stable_for` says"),
            );
        }
        notes.extend(waits(&left, "left for the next run"));
        notes.extend(waits(&kept, "what was taken before stands"));
        files.sort_by(|a, b| a.arrived.shown.cmp(&b.arrived.shown));
        if let Some(last) = &last {
            found.extend(self.gone(last, &files));
        }
        if found.has_errors() {
            return Err(found);
        }
        Ok((files, notes))
    }

    /// A file that may still be growing: what was taken of it before, if anything was.
    fn waiting(&self, arrived: Arrived, before: Option<&Origin>) -> Result<Option<Keyed>> {
        let refuse = |why: &str| {
            let again = "run again when it has been left alone for as long as `stable_for` says";
            Diagnostics::from(
                Diagnostic::error(Code::FileName, why)
                    .at(DataPlace::file(arrived.shown.as_str()))
                    .hint(again),
            )
        };
        let Some(before) = before else {
            if self.source.files.captures.is_empty() {
                return Err(refuse("the only file of the source may still be growing"));
            }
            return Ok(None);
        };
        let key = self.staging_key(&before.hash, &arrived);
        if Intake::recorded(self.lake, &self.node.name, &key)?.is_none() {
            return Err(refuse(
                "the file may still be growing, and what was taken of it before no longer fits its contract",
            ));
        }
        Ok(Some(Keyed {
            arrived,
            key,
            kept: true,
        }))
    }

    fn staging_key(&self, hash: &str, arrived: &Arrived) -> String {
        let pseudonymises = self
            .source
            .spec
            .columns
            .iter()
            .any(|c| c.pseudonymise.is_some());
        let key = self
            .key
            .filter(|_| pseudonymises)
            .map(PseudonymKey::fingerprint);
        ingest::staging_key(
            hash,
            self.source,
            &arrived.captures,
            &arrived.shown,
            key.as_deref(),
            self.contents,
        )
    }

    /// Files that were taken from this very folder and are not in it any more.
    fn gone(&self, last: &NodeRecord, files: &[Keyed]) -> Option<Diagnostic> {
        let same_folder = last.made.root.as_deref() == Some(self.source.root.as_path());
        if self.accept_missing || !same_folder {
            return None;
        }
        let here = |file: &str| files.iter().any(|f| f.arrived.shown == file);
        let gone: Vec<&str> = last
            .made
            .origins
            .iter()
            .map(|o| o.file.as_str())
            .filter(|f| !here(f))
            .collect();
        let first = gone.first()?;
        let more = match gone.len() - 1 {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        Some(
            Diagnostic::error(
                Code::FileName,
                format!(
                    "{} took `{first}`{more} before, and it is gone",
                    self.node.name
                ),
            )
            .at(DataPlace::file(
                self.source.root.join(first).display().to_string(),
            ))
            .hint("put it back; or run with --accept-missing to go on without its rows"),
        )
    }
}

/// One warning for all files that may still be growing and share a fate.
fn waits(files: &[String], fate: &str) -> Option<Diagnostic> {
    let first = files.first()?;
    let message = match files.len() {
        1 => format!("a file may still be growing: {fate}"),
        n => format!("{n} files may still be growing: {fate}"),
    };
    Some(
        Diagnostic::warning(Code::FileName, message)
            .at(DataPlace::file(first.as_str()))
            .hint("`stable_for` says how long a file must have been left alone"),
    )
}
