//! What has arrived for a source: found, copied to the landing, and entered in its ledger.
//!
//! The inbox belongs to others and is only read. What was taken stays taken: a file that leaves the
//! inbox still counts. A file that may still be growing is left for the next run, and what was
//! taken of it before stands.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use datafusion::common::ScalarValue;

use crate::compile::{Node, SourceNode};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, Severity};
use crate::ingest::{self, Arrived, Captures, Discovery, Manifest, PseudonymKey, StagingKeys};
use crate::spec::source::Root;
use crate::store::atomic::Placed;
use crate::store::{Lake, landing};

use super::cancellations::Cancellation;
use super::fingerprints::Fingerprints;
use super::ledger::{Ledger, Submission};
use super::saving::{Save, Saver};
use super::standing::Standing;
use super::submissions::{Seen, fate, is_seen, judge};

/// The submissions of a source: its ledger, and what it says of each now.
pub(super) struct Arrivals {
    pub ledger: Ledger,
    /// Those that belong to the source as it is declared now.
    pub files: Vec<Taken>,
    /// What is worth reading.
    pub notes: Diagnostics,
    /// How many were not in the ledger before.
    pub new: usize,
    /// What makes the copies durable and then the ledger, while their rows are read already.
    saver: Option<Saver>,
}

/// A file that was taken.
pub(super) struct Taken {
    /// Its place in the ledger.
    pub entry: usize,
    /// The parts of its name that are columns.
    pub captures: Captures,
    /// The key of its rows.
    pub key: String,
    /// Where the same bytes lie in the inbox, if they do.
    pub inbox: Option<PathBuf>,
}

/// What looking for a source's files needs to know.
pub(super) struct Search<'a> {
    pub node: &'a Node,
    pub source: &'a SourceNode,
    pub lake: &'a Lake,
    pub key: Option<&'a PseudonymKey>,
    /// The content of the tables that the source's rules look into, by name.
    pub contents: &'a BTreeMap<String, String>,
    /// When files are taken, by the clock.
    pub now: DateTime<Utc>,
    /// Whether anything may be written: a plan only looks.
    pub takes: bool,
}

impl Search<'_> {
    /// Finds, takes and enters the files.
    ///
    /// # Errors
    /// When files cannot be listed or read, or a manifest is at fault. What could be taken is then
    /// in the ledger all the same.
    pub(super) fn files(&self, fingerprints: &Fingerprints) -> Result<Arrivals> {
        let table = &self.node.name;
        if self.source.absent {
            return Ok(Arrivals {
                ledger: Ledger::default(),
                files: Vec::new(),
                notes: Diagnostics::default(),
                new: 0,
                saver: None,
            });
        }
        let before = Ledger::load(self.lake, table)?;
        let discovery = ingest::discover(self.source, table, SystemTime::now())?;
        let manifest = self.manifest()?;
        let mut found = Diagnostics::default();
        let mut ledger = before.clone();
        let mut here: Vec<(usize, PathBuf)> = Vec::new();
        let mut copies = Vec::new();
        for arrived in &discovery.files {
            let taken = self.take(arrived, &mut ledger, fingerprints, &mut copies);
            if let Some(entry) = found.take(taken) {
                here.push((entry, arrived.path.clone()));
            }
        }
        let new = ledger.submissions.len() - before.submissions.len();
        let keys = self.staging_keys();
        let mut files = Vec::new();
        let mut elsewhere = Vec::new();
        for entry in 0..ledger.submissions.len() {
            let file = ledger.submissions[entry].file.clone();
            let Some(captures) = ingest::captures(self.source, &file)? else {
                elsewhere.push(file);
                continue;
            };
            let lies_here = ledger.latest(&file) == Some(entry);
            let submission = &mut ledger.submissions[entry];
            submission.name(&captures);
            order(submission, &captures, lies_here.then_some(&manifest));
            files.push(Taken {
                key: keys.of(&submission.hash, &file, &captures),
                inbox: here
                    .iter()
                    .find(|(e, _)| *e == entry)
                    .map(|(_, p)| p.clone()),
                entry,
                captures,
            });
        }
        let saver = match self.takes && ledger != before {
            true => {
                let (path, text) = ledger.text(self.lake, table)?;
                let copies = copies.into_iter().map(Save::File);
                Some(Saver::of(copies.chain([Save::Whole(path, text)]))?)
            }
            false => None,
        };
        let mut notes = self.waiting(&discovery, &ledger, files.is_empty(), &mut found);
        self.nothing(discovery.nothing, files.is_empty(), &mut notes, &mut found);
        if let (false, Some(first)) = (self.source.files.captures.is_empty(), elsewhere.first()) {
            notes.push(no_longer_fits(
                elsewhere.len(),
                first,
                &self.source.files.path,
            ));
        }
        let announced = manifest.iter().filter(|(file, _)| {
            ledger.latest(file).is_none() && !discovery.waiting.iter().any(|w| w.shown == **file)
        });
        notes.extend(announced.map(|(file, listed)| not_arrived(file, &listed.place)));
        if found.has_errors() {
            saved(saver.as_ref())?;
            return Err(found);
        }
        Ok(Arrivals {
            ledger,
            files,
            notes,
            new,
            saver,
        })
    }

    /// What manifests say of this source's files. The project's own lists have none.
    fn manifest(&self) -> Result<Manifest> {
        if self.source.files.root == Root::Project {
            return Ok(Manifest::default());
        }
        let folder = self
            .source
            .files
            .path
            .rsplit_once('/')
            .map_or("", |(f, _)| f);
        Manifest::read(&self.source.root, folder, |file| {
            matches!(ingest::captures(self.source, file), Ok(Some(_)))
        })
    }

    /// Takes a file that is new: copies it, then enters it. Returns its place in the ledger.
    fn take(
        &self,
        arrived: &Arrived,
        ledger: &mut Ledger,
        fingerprints: &Fingerprints,
        copies: &mut Vec<Placed>,
    ) -> Result<usize> {
        let hash = match fingerprints.known(&arrived.path) {
            Some(hash) => hash,
            None if self.takes => self.land(arrived, fingerprints, copies)?,
            None => fingerprints.of(arrived)?,
        };
        if ledger.is_new(&arrived.shown, &hash) {
            let copy = self.copy_of(arrived, &hash);
            let stands = || fingerprints.of_file(&copy).is_ok_and(|h| h == hash);
            if self.takes && !stands() && self.land(arrived, fingerprints, copies)? != hash {
                return Err(changed(&arrived.shown));
            }
            ledger.enter(&arrived.shown, &hash, arrived.size, self.now);
        }
        ledger
            .latest(&arrived.shown)
            .ok_or_else(|| Diagnostic::bug("a file was taken and is not in the ledger").into())
    }

    /// Copies a file, and remembers what it was and what its copy is.
    fn land(
        &self,
        arrived: &Arrived,
        fingerprints: &Fingerprints,
        copies: &mut Vec<Placed>,
    ) -> Result<String> {
        arrived.unchanged()?;
        let any = self.copy_of(arrived, "");
        let folder = any.parent().unwrap_or(&any);
        let landed = landing::land(&arrived.path, folder, |hash| self.copy_of(arrived, hash))?;
        arrived.unchanged()?;
        fingerprints.remember(&arrived.path, &landed.hash)?;
        fingerprints.remember(&landed.path, &landed.hash)?;
        copies.push(landed.copy);
        Ok(landed.hash)
    }

    fn copy_of(&self, arrived: &Arrived, hash: &str) -> PathBuf {
        self.lake
            .landing(&self.node.name.name, hash, &arrived.shown)
    }

    /// What is said of files that may still be growing.
    fn waiting(
        &self,
        discovery: &Discovery,
        ledger: &Ledger,
        nothing_taken: bool,
        found: &mut Diagnostics,
    ) -> Diagnostics {
        let shown = discovery.waiting.iter().map(|w| w.shown.as_str());
        let (kept, left): (Vec<&str>, Vec<&str>) = shown.partition(|s| ledger.latest(s).is_some());
        // Every file waiting is not the same as no file: an empty table would be a wrong number.
        if let (true, Some(first)) = (nothing_taken, left.first()) {
            found.push(
                Diagnostic::error(
                    Code::FileName,
                    format!("every file of {} may still be growing", self.node.name),
                )
                .at(DataPlace::file(*first))
                .hint("run again when they have been left alone for as long as `stable_for` says"),
            );
        }
        let mut notes = Diagnostics::default();
        notes.extend(waits(&left, "left for the next run"));
        notes.extend(waits(&kept, "what was taken before stands"));
        notes
    }

    /// What is said where there is no file: of the inbox only if nothing was ever taken. A list
    /// that the project itself names must be in the project.
    fn nothing(
        &self,
        said: Option<Diagnostic>,
        nothing_taken: bool,
        notes: &mut Diagnostics,
        found: &mut Diagnostics,
    ) {
        if !nothing_taken && self.source.files.root == Root::Inbox {
            return;
        }
        if let Some(said) = said {
            match said.severity {
                Severity::Error => found.push(said),
                Severity::Warning => notes.push(said),
            }
        }
    }

    fn staging_keys(&self) -> StagingKeys {
        let mut columns = self.source.spec.columns.iter();
        let pseudonymises = columns.any(|c| c.pseudonymise.is_some());
        let key = self.key.filter(|_| pseudonymises);
        let key = key.map(PseudonymKey::fingerprint);
        StagingKeys::of_source(self.source, key.as_deref(), self.contents)
    }
}

impl Arrivals {
    /// The submission of a file.
    pub(super) fn submission(&self, i: usize) -> &Submission {
        &self.ledger.submissions[self.files[i].entry]
    }

    /// How they stand at the end of a day.
    pub(super) fn judge(
        &self,
        source: &SourceNode,
        day: NaiveDate,
        cancellations: &[Cancellation],
    ) -> Standing {
        let seen: Vec<Seen<'_>> = self
            .files
            .iter()
            .enumerate()
            .map(|(i, file)| Seen {
                submission: self.submission(i),
                captures: &file.captures,
                fate: fate(self.submission(i).became.as_ref(), Some(&file.key)),
            })
            .collect();
        judge(source, &seen, day, cancellations)
    }

    /// Files that must be read before it is known what counts: those seen and not withdrawn of
    /// which nothing is known under their present key; all of them if `again`.
    pub(super) fn unread(
        &self,
        day: NaiveDate,
        cancellations: &[Cancellation],
        again: bool,
    ) -> Vec<usize> {
        let of_interest = |i: &usize| {
            let (submission, file) = (self.submission(*i), &self.files[*i]);
            let known = submission
                .became
                .as_ref()
                .is_some_and(|b| b.key == file.key);
            let withdrawn = cancellations
                .iter()
                .any(|c| c.cancelled_at <= day && c.withdraws(submission, &file.captures));
            is_seen(submission, day) && !withdrawn && (again || !known)
        };
        (0..self.files.len()).filter(of_interest).collect()
    }

    /// The copy of a file, its bytes those that were taken.
    ///
    /// # Errors
    /// When the copy is gone or damaged, and the file is not in the inbox any more.
    pub(super) fn copy(
        &self,
        i: usize,
        search: &Search<'_>,
        fingerprints: &Fingerprints,
    ) -> Result<Arrived> {
        let (submission, file) = (self.submission(i), &self.files[i]);
        let path = submission.landing(search.lake, &search.node.name);
        if !fingerprints
            .of_file(&path)
            .is_ok_and(|h| h == submission.hash)
        {
            let again = match &file.inbox {
                Some(inbox) => landing::land_again(inbox, &path, &submission.hash)?,
                None => false,
            };
            if !again {
                return Err(Diagnostic::error(
                    Code::State,
                    format!("the copy of `{}` is gone or damaged", submission.file),
                )
                .at(DataPlace::file(path.display().to_string()))
                .hint("restore it, or put the file back where it arrived")
                .into());
            }
        }
        let mut copy = Arrived::look(&path, submission.file.clone(), file.captures.clone())?;
        copy.hash = Some(submission.hash.clone());
        Ok(copy)
    }

    /// Waits until the copies and the ledger are durable: nothing that was made of them may be
    /// relied on before.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn saved(&self) -> Result<()> {
        saved(self.saver.as_ref())
    }
}

fn saved(saver: Option<&Saver>) -> Result<()> {
    saver.map_or(Ok(()), Saver::done)
}

/// When a file was received and its number: what its name says, else what a manifest says now, else
/// what is known already.
fn order(submission: &mut Submission, captures: &Captures, manifest: Option<&Manifest>) {
    let listed = manifest.and_then(|m| m.of(&submission.file));
    let value = |name: &str| captures.iter().find(|(n, _)| n == name).map(|(_, v)| v);
    submission.received_at = value("received_at")
        .and_then(instant)
        .or_else(|| listed.and_then(|l| l.received_at))
        .or(submission.received_at);
    let number = match value("sequence") {
        Some(ScalarValue::Int64(number)) => *number,
        _ => None,
    };
    submission.sequence = number
        .or_else(|| listed.and_then(|l| l.sequence))
        .or(submission.sequence);
}

/// A capture as a moment: a day from its first moment.
fn instant(value: &ScalarValue) -> Option<NaiveDateTime> {
    match value {
        ScalarValue::Date32(Some(days)) => {
            let day =
                NaiveDate::default().checked_add_signed(chrono::Duration::days((*days).into()));
            day.map(|d| d.and_time(NaiveTime::MIN))
        }
        ScalarValue::TimestampMicrosecond(Some(at), _) => {
            DateTime::from_timestamp_micros(*at).map(|t| t.naive_utc())
        }
        _ => None,
    }
}

fn changed(file: &str) -> Diagnostics {
    Diagnostic::error(Code::BadFile, "the file changed while it was being copied")
        .at(DataPlace::file(file))
        .hint("nothing of it was taken: run again, or give it time with `stable_for`")
        .into()
}

fn no_longer_fits(files: usize, first: &str, path: &str) -> Diagnostic {
    let message = match files {
        1 => format!(
            "a file that was taken before does not fit `{path}` any more: it does not count"
        ),
        n => format!(
            "{n} files that were taken before do not fit `{path}` any more: they do not count"
        ),
    };
    Diagnostic::warning(Code::FileName, message)
        .at(DataPlace::file(first))
        .hint("did the `path` change? write it so that old names fit, with `[parts]` that may be absent")
}

fn not_arrived(file: &str, (manifest, line): &(String, u64)) -> Diagnostic {
    let mut place = DataPlace::file(manifest.as_str());
    place.line = Some(*line);
    Diagnostic::warning(
        Code::FileName,
        format!("the manifest names `{file}`, which has not arrived"),
    )
    .at(place)
    .hint("ask the sender, or mend the line")
}

/// One warning for all files that may still be growing and share a fate.
fn waits(files: &[&str], fate: &str) -> Option<Diagnostic> {
    let first = files.first()?;
    let message = match files.len() {
        1 => format!("a file may still be growing: {fate}"),
        n => format!("{n} files may still be growing: {fate}"),
    };
    Some(
        Diagnostic::warning(Code::FileName, message)
            .at(DataPlace::file(*first))
            .hint("`stable_for` says how long a file must have been left alone"),
    )
}
