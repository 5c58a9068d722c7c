//! One source: what arrived, what of it counts, and its rows typed and staged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, StreamExt};

use crate::compile::{Node, SourceNode};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, Severity};
use crate::engine;
use crate::ingest::{self, About, Arrived, Intake};
use crate::spec::source::{Delivery, OnUnreadable, Root};
use crate::store::Lake;

use super::arrivals::{Arrivals, Search};
use super::attempt::{self, Attempt};
use super::cancellations::Cancellation;
use super::events::{Broken, Event};
use super::ingredients::{Ingredients, hash};
use super::ledger::Became;
use super::record::{Made, NodeRecord, Origin};
use super::standing::{Standing, Status};
use super::{Night, freshness, submissions};

/// Reads that were tried tonight, by the file's place among the arrivals.
type Tried = BTreeMap<usize, Result<Intake>>;

impl Night<'_> {
    pub(super) async fn source(&mut self, node: &Node, source: &Arc<SourceNode>) -> Result<()> {
        let mut arrivals = self.arrived(node, source)?;
        let records = &self.records;
        let cancellations = submissions::cancellations(&self.lake, &node.name, source, |list| {
            Ok(records.get(list).cloned())
        })?;
        let mut tried = Tried::new();
        let mut started = None;
        let standing = self
            .settle(
                node,
                source,
                &mut arrivals,
                &cancellations,
                &mut tried,
                &mut started,
            )
            .await?;
        self.tell_standing(node, source, &arrivals, &standing)?;
        for warning in idle(&arrivals, &cancellations, self.as_of) {
            self.listener.event(&Event::Warned(warning));
        }

        let ingredients = Ingredients::of(node, self.as_of, inputs(source, &arrivals, &standing));
        let (record, why) = match self.accounted(node, &arrivals, &standing)? {
            true => self.fresh(node, &ingredients)?,
            // Its rows may all stand; what was refused of them has to as well.
            false => (None, self.stale(node, &ingredients)?),
        };
        if let Some(record) = record {
            Attempt::forget(&self.lake, &node.name)?;
            let staged = record.files(&self.lake);
            engine::register_files(&self.context, &node.name, &node.schema, &staged)?;
            self.records.insert(node.name.clone(), record);
            return self
                .check_freshness(node, source, &arrivals, &standing)
                .await;
        }
        let started = started.unwrap_or_else(|| self.start(node, why));
        let intakes = self
            .accepted(node, source, &arrivals, &standing, tried)
            .await?;
        let staged: Vec<_> = intakes
            .iter()
            .map(|i| PathBuf::from(&i.staged.path))
            .collect();
        let made = match source.files.delivery.as_deref() {
            Some(Delivery::Upsert(upsert)) if !staged.is_empty() => {
                let key: Vec<String> = upsert.unique_key.iter().map(|k| k.to_string()).collect();
                self.merge(node, source, &staged, &key, &ingredients)
                    .await?
            }
            _ => {
                let contents: Vec<&str> = intakes.iter().map(|i| i.staged.hash.as_str()).collect();
                Made {
                    content: hash(contents.join("\n").as_bytes()),
                    rows: Some(intakes.iter().map(|i| i.good).sum()),
                    files: staged,
                    origins: Vec::new(),
                }
            }
        };
        let made = Made {
            origins: intakes.iter().map(origin).collect(),
            ..made
        };
        let files: Vec<_> = made
            .files
            .iter()
            .map(|f| self.lake.root().join(f))
            .collect();
        engine::register_files(&self.context, &node.name, &node.schema, &files)?;
        let record = NodeRecord {
            ingredients,
            made,
            checks: Vec::new(),
        };
        self.keep(node, record, started)?;
        Attempt::forget(&self.lake, &node.name)?;
        self.check_freshness(node, source, &arrivals, &standing)
            .await
    }

    /// Whether every file that counts is accounted for. Each record is held against itself and its
    /// rows on every run: a file that is not read again is no less to be trusted.
    fn accounted(&mut self, node: &Node, arrivals: &Arrivals, standing: &Standing) -> Result<bool> {
        let mut found = Diagnostics::default();
        let mut all = true;
        for i in &standing.accepted {
            let known = found.take(self.known(node, &arrivals.files[*i].key));
            all &= known.flatten().is_some();
        }
        if found.has_errors() {
            return Err(found);
        }
        Ok(all)
    }

    /// Why a source is made of which not every file is accounted for.
    fn stale(&self, node: &Node, ingredients: &Ingredients) -> Result<String> {
        let last = NodeRecord::load(&self.lake, &node.name)?;
        let changes = ingredients.changes_since(last.as_ref().map(|r| &r.ingredients));
        Ok(if self.options.full_refresh {
            "asked for with --full-refresh".to_owned()
        } else if changes.is_empty() {
            "its file is gone or damaged".to_owned()
        } else {
            changes.join(", ")
        })
    }

    /// Writes down what became of the files of an attempt that failed.
    fn attempted(
        &self,
        node: &Node,
        arrivals: &Arrivals,
        standing: &Standing,
        tried: &Tried,
    ) -> Result<()> {
        let failed = tried.iter().filter(|(_, done)| done.is_err());
        let failed: BTreeSet<usize> = failed.map(|(i, _)| *i).collect();
        // What stands under the name of a file that failed is what its sender tried to replace.
        let replaced = |i: &usize| {
            let name = |i: usize| &arrivals.submission(i).file;
            failed.iter().any(|f| f != i && name(*f) == name(*i))
        };
        let stands = standing.accepted.iter().filter(|i| !replaced(i));
        let all: BTreeSet<usize> = stands.chain(&failed).copied().collect();
        let files = all
            .into_iter()
            .map(|i| {
                let (file, taken) = (&arrivals.submission(i).file, &arrivals.files[i]);
                let wrong = tried.get(&i).and_then(|done| done.as_ref().err());
                attempt::Tried::new(file, &taken.captures, &taken.key, wrong)
            })
            .collect();
        Attempt { files }.save(&self.lake, &node.name)
    }

    /// The source's files, taken and entered in its ledger.
    fn arrived(&mut self, node: &Node, source: &SourceNode) -> Result<Arrivals> {
        let key = self.key_of(source)?;
        let contents = self.contents(source);
        let search = search(
            node,
            source,
            &self.lake,
            key.as_ref(),
            &contents,
            self.started,
        );
        let arrivals = search.files(&mut self.fingerprints)?;
        for note in arrivals.notes.iter() {
            self.listener.event(&Event::Warned(note.clone()));
        }
        Ok(arrivals)
    }

    /// Reads what must be read to know which submissions count, and says how they stand.
    async fn settle(
        &mut self,
        node: &Node,
        source: &Arc<SourceNode>,
        arrivals: &mut Arrivals,
        cancellations: &[Cancellation],
        tried: &mut Tried,
        started: &mut Option<Instant>,
    ) -> Result<Standing> {
        let again = self.options.full_refresh;
        let mut wanted = arrivals.unread(self.as_of, cancellations, again);
        let mut found = Diagnostics::default();
        let standing = loop {
            let standing = arrivals.judge(source, self.as_of, cancellations);
            // One that stands in the way is read again, to say what is wrong with it.
            let stops = |i: &usize| stops(source, arrivals, *i);
            wanted.extend(standing.blocking.iter().copied().filter(stops));
            wanted.retain(|i| !tried.contains_key(i));
            if wanted.is_empty() {
                break standing;
            }
            if started.is_none() {
                let ingredients =
                    Ingredients::of(node, self.as_of, inputs(source, arrivals, &standing));
                let last = NodeRecord::load(&self.lake, &node.name)?;
                let changes = ingredients.changes_since(last.as_ref().map(|r| &r.ingredients));
                let why = match changes.is_empty() {
                    true if again => "asked for with --full-refresh".to_owned(),
                    true => "files are new".to_owned(),
                    false => changes.join(", "),
                };
                *started = Some(self.start(node, why));
            }
            for (i, done) in self.read(node, source, arrivals, &wanted, again).await {
                let key = arrivals.files[i].key.clone();
                let became = match &done {
                    Ok(intake) => Some(Became::read(intake)),
                    Err(errors) => unreadable(errors).map(|code| Became::unreadable(&key, code)),
                };
                match (became, &done) {
                    (None, Err(errors)) => found.extend(errors.clone()),
                    (became, _) => {
                        let entry = arrivals.files[i].entry;
                        arrivals.ledger.submissions[entry].became = became;
                    }
                }
                tried.insert(i, done);
            }
            wanted.clear();
        };
        if !tried.is_empty() {
            let before = super::ledger::Ledger::load(&self.lake, &node.name)?;
            if before != arrivals.ledger {
                arrivals.ledger.save(&self.lake, &node.name)?;
            }
        }
        for i in &standing.blocking {
            if stops(source, arrivals, *i) {
                if let Some(Err(errors)) = tried.get(i) {
                    found.extend(errors.clone());
                }
            } else if arrivals.files[*i].inbox.is_some() {
                let warning = passed_over(arrivals, *i);
                self.listener.event(&Event::Warned(warning));
            }
        }
        if found.has_errors() {
            self.attempted(node, arrivals, &standing, tried)?;
            return Err(found);
        }
        Ok(standing)
    }

    /// Says what counts; an error where that cannot be told.
    fn tell_standing(
        &self,
        node: &Node,
        source: &SourceNode,
        arrivals: &Arrivals,
        standing: &Standing,
    ) -> Result<()> {
        let file = |i: usize| arrivals.submission(i).file.as_str();
        let mut found = Diagnostics::default();
        for (a, b) in &standing.ties {
            found.push(
                Diagnostic::error(
                    Code::FileName,
                    format!("`{}` and `{}` are the same submission, and neither is the newer", file(*a), file(*b)),
                )
                .at(DataPlace::file(file(*b)))
                .hint("give one a `sequence` in its name or in manifest.csv, or list one as cancelled"),
            );
        }
        if found.has_errors() {
            return Err(found.sorted());
        }
        for (i, original) in &standing.repeated {
            self.listener.event(&Event::Warned(
                Diagnostic::warning(
                    Code::FileName,
                    format!(
                        "`{}` has the same bytes as `{}`: they count once",
                        file(*i),
                        file(*original)
                    ),
                )
                .at(DataPlace::file(file(*i)))
                .hint("was it sent under a wrong name? ask the sender for the right file"),
            ));
        }
        let unknown = (0..arrivals.files.len())
            .filter(|i| {
                standing.status[*i].is_some() && arrivals.submission(*i).received_at.is_none()
            })
            .count();
        let past = self.options.as_of_given && self.as_of < self.started.date_naive();
        if past && unknown > 0 && source.files.root == Root::Inbox {
            self.listener.event(&Event::Warned(
                Diagnostic::warning(
                    Code::Freshness,
                    format!(
                        "{}: of {unknown} of its files it is not known when they were received: \
                         all are seen on {}",
                        node.name, self.as_of
                    ),
                )
                .hint("a past view is exact where `received_at` is in the file's name or in manifest.csv"),
            ));
        }
        let count = |status| {
            standing
                .status
                .iter()
                .filter(|s| **s == Some(status))
                .count()
        };
        if arrivals.new > 0 && count(Status::Accepted) < standing.status.iter().flatten().count() {
            self.listener.event(&Event::Submissions {
                table: node.name.clone(),
                counts: Status::ALL.map(|s| (s.word(), count(s))).into(),
            });
        }
        Ok(())
    }

    /// Merges the rows of files whose later rows take the place of earlier ones.
    async fn merge(
        &self,
        node: &Node,
        source: &SourceNode,
        staged: &[PathBuf],
        key: &[String],
        ingredients: &Ingredients,
    ) -> Result<Made> {
        let files: Vec<_> = staged.iter().map(|f| self.lake.root().join(f)).collect();
        let plan = engine::last_of_each_key(&self.context, &node.schema, &files, key)?;
        let path = self.lake.merged(&node.name.name, &ingredients.key());
        let file = engine::materialise(
            &self.context,
            &source.source,
            plan,
            key,
            &node.schema,
            &path,
        )
        .await?;
        super::build::remove_siblings(&path);
        let below = path.strip_prefix(self.lake.root()).unwrap_or(&path);
        Ok(Made {
            files: vec![below.to_owned()],
            content: file.hash,
            rows: Some(file.rows),
            origins: Vec::new(),
        })
    }

    /// The content of the tables that a source's rules look into, by name.
    fn contents(&self, source: &SourceNode) -> BTreeMap<String, String> {
        let related = source.related();
        related
            .filter_map(|(t, _)| Some((t.to_string(), self.records.get(t)?.made.content.clone())))
            .collect()
    }

    /// The pseudonyms' key, for a source that has something to pseudonymise.
    fn key_of(&self, source: &SourceNode) -> Result<Option<ingest::PseudonymKey>> {
        let needed = source
            .spec
            .columns
            .iter()
            .find_map(|c| c.pseudonymise.as_ref());
        match (needed, &self.key) {
            (None, _) => Ok(None),
            (Some(_), Some(key)) => Ok(Some(key.clone())),
            (Some(column), None) => Err(Diagnostic::error(
                Code::Secret,
                "there is no key for pseudonyms",
            )
            .at((&source.source, column.span()))
            .hint("set `pseudonym_key: { env: NAME }` or `{ file: PATH }` in the target")
            .into()),
        }
    }

    /// The rows of the submissions that count, by path. What is not as it was written is read again.
    async fn accepted(
        &mut self,
        node: &Node,
        source: &Arc<SourceNode>,
        arrivals: &Arrivals,
        standing: &Standing,
        mut tried: Tried,
    ) -> Result<Vec<Intake>> {
        let mut wanted = standing.accepted.clone();
        if !is_upsert(source) {
            let name = |i: &usize| {
                let submission = arrivals.submission(*i);
                (submission.file.clone(), submission.hash.clone())
            };
            wanted.sort_by_key(name);
        }
        let missing: Vec<usize> = wanted
            .iter()
            .copied()
            .filter(|i| !tried.contains_key(i))
            .collect();
        tried.extend(self.read(node, source, arrivals, &missing, false).await);
        if tried.values().any(std::result::Result::is_err) {
            self.attempted(node, arrivals, standing, &tried)?;
        }
        let mut found = Diagnostics::default();
        let intakes: Vec<Intake> = wanted
            .iter()
            .filter_map(|i| found.take(tried.remove(i)?))
            .collect();
        if found.has_errors() {
            return Err(found);
        }
        Ok(intakes)
    }

    /// What is known of a file from an earlier run, if its rows still stand as they were written.
    fn known(&mut self, node: &Node, key: &str) -> Result<Option<Intake>> {
        let recorded = Intake::recorded(&self.lake, &node.name, key)?;
        let whole = recorded.filter(|intake| {
            let path = intake.staged.path_in(&self.lake);
            let hash = self.fingerprints.of_file(&path);
            hash.is_ok_and(|h| h == intake.staged.hash)
        });
        if let Some(intake) = &whole {
            intake.conserved(&self.lake)?;
        }
        Ok(whole)
    }

    /// Reads files from their copies, several at once; `again` also those that were read before.
    async fn read(
        &mut self,
        node: &Node,
        source: &Arc<SourceNode>,
        arrivals: &Arrivals,
        wanted: &[usize],
        again: bool,
    ) -> Vec<(usize, Result<Intake>)> {
        let mut ready = Vec::with_capacity(wanted.len());
        for i in wanted {
            ready.push((*i, self.ready(node, source, arrivals, *i, again)));
        }
        let reads = ready.iter().any(|(_, r)| matches!(r, Ok(Ready::Copy(..))));
        let related = match reads {
            true => ingest::Related::read(source, |table| {
                let record = self.records.get(table);
                record.map_or_else(Vec::new, |r| r.files(&self.lake))
            }),
            false => Ok(ingest::Related::default()),
        };
        let related = match related {
            Ok(related) => Arc::new(related),
            Err(errors) => {
                let failed = |i: &usize| (*i, Err(errors.clone()));
                return wanted.iter().map(failed).collect();
            }
        };
        let jobs = match self.options.jobs {
            0 => self.plan.settings.partitions,
            n => n,
        };
        let mut work = stream::iter(ready)
            .map(|(i, ready)| {
                let (source, table) = (Arc::clone(source), node.name.clone());
                let (lake, related) = (self.lake.clone(), Arc::clone(&related));
                let key = arrivals.files[i].key.clone();
                async move {
                    let (copy, pseudonyms) = match ready {
                        Ok(Ready::Known(intake)) => return (i, false, Ok(*intake)),
                        Ok(Ready::Copy(copy, pseudonyms)) => (copy, pseudonyms),
                        Err(errors) => return (i, false, Err(errors)),
                    };
                    let shown = copy.shown.clone();
                    let done = tokio::task::spawn_blocking(move || {
                        ingest::ingest(
                            &source,
                            &table,
                            &copy,
                            &lake,
                            &key,
                            pseudonyms.as_ref(),
                            &related,
                        )
                    })
                    .await;
                    let stopped = |_| Diagnostics::from(stopped_reading(&shown));
                    (i, true, done.map_err(stopped).and_then(|intake| intake))
                }
            })
            .buffered(jobs.max(1));
        let mut all = Vec::with_capacity(wanted.len());
        let mut new = Vec::new();
        while let Some((i, is_new, done)) = work.next().await {
            if let (true, Ok(intake)) = (is_new, &done) {
                self.tell(node, intake);
                new.push(all.len());
            }
            all.push((i, done));
        }
        let new: Vec<&Intake> = new
            .into_iter()
            .filter_map(|i| all[i].1.as_ref().ok())
            .collect();
        if !new.is_empty() {
            self.listener.event(&taken(node, &new));
        }
        all
    }

    /// What is needed to read a file, or what is known of it already.
    fn ready(
        &mut self,
        node: &Node,
        source: &SourceNode,
        arrivals: &Arrivals,
        i: usize,
        again: bool,
    ) -> Result<Ready> {
        if !again && let Some(intake) = self.known(node, &arrivals.files[i].key)? {
            return Ok(Ready::Known(Box::new(intake)));
        }
        let key = self.key_of(source)?;
        let contents = self.contents(source);
        let search = search(
            node,
            source,
            &self.lake,
            key.as_ref(),
            &contents,
            self.started,
        );
        let copy = arrivals.copy(i, &search, &mut self.fingerprints)?;
        Ok(Ready::Copy(Box::new(copy), key))
    }

    fn tell(&self, node: &Node, intake: &Intake) {
        self.listener.event(&Event::Ingested {
            table: node.name.clone(),
            file: intake.file.clone(),
            received: intake.received,
            good: intake.good,
            quarantined: intake.quarantined,
            dropped: intake.dropped(),
        });
        // What rules rows broke is told once for all files; see `taken`.
        for about in [About::File, About::Header] {
            for warning in intake.findings(about) {
                self.listener.event(&Event::Warned(warning));
            }
        }
    }

    async fn check_freshness(
        &self,
        node: &Node,
        source: &SourceNode,
        arrivals: &Arrivals,
        standing: &Standing,
    ) -> Result<()> {
        let accepted = standing.accepted.iter();
        let arrived: Vec<freshness::Counted<'_>> = accepted
            .map(|i| freshness::Counted {
                file: &arrivals.submission(*i).file,
                captures: &arrivals.files[*i].captures,
            })
            .collect();
        let found = freshness::check(&self.context, node, source, &arrived, self.as_of).await?;
        if found.has_errors() {
            return Err(found);
        }
        for warning in found {
            self.listener.event(&Event::Warned(warning));
        }
        Ok(())
    }
}

fn origin(intake: &Intake) -> Origin {
    Origin {
        file: intake.file.clone(),
        hash: intake.hash.clone(),
        received: intake.received,
        good: intake.good,
        quarantined: intake.quarantined,
        dropped: intake.dropped(),
    }
}

/// A file about to be read, or one that was.
enum Ready {
    Known(Box<Intake>),
    Copy(Box<Arrived>, Option<ingest::PseudonymKey>),
}

fn search<'a>(
    node: &'a Node,
    source: &'a SourceNode,
    lake: &'a Lake,
    key: Option<&'a ingest::PseudonymKey>,
    contents: &'a BTreeMap<String, String>,
    now: chrono::DateTime<chrono::Utc>,
) -> Search<'a> {
    Search {
        node,
        source,
        lake,
        key,
        contents,
        now,
        takes: true,
    }
}

fn is_upsert(source: &SourceNode) -> bool {
    matches!(source.files.delivery.as_deref(), Some(Delivery::Upsert(_)))
}

/// What a source is made from: the files that count, by path, each with the key of its rows. Where
/// later rows replace earlier ones, the order of the files is part of it.
pub(super) fn inputs(
    source: &SourceNode,
    arrivals: &Arrivals,
    standing: &Standing,
) -> BTreeMap<String, String> {
    let mut paths = BTreeSet::new();
    let mut inputs = BTreeMap::new();
    let mut accepted = standing.accepted.clone();
    if !is_upsert(source) {
        accepted.sort_by_key(|i| &arrivals.submission(*i).hash);
    }
    for (place, i) in accepted.into_iter().enumerate() {
        let (submission, key) = (arrivals.submission(i), &arrivals.files[i].key);
        let name = match paths.insert(&submission.file) {
            true => submission.file.clone(),
            false => format!("{} ({})", submission.file, &submission.hash[..12]),
        };
        let key = match is_upsert(source) {
            true => format!("{place} {key}"),
            false => key.clone(),
        };
        inputs.insert(name, key);
    }
    inputs
}

/// The fault of a file that is not what it is declared to be; nothing for any other fault, which is
/// not the file's.
fn unreadable(errors: &Diagnostics) -> Option<Code> {
    let mut codes = errors
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.code);
    let first = codes.next()?;
    let of_the_file = |c: Code| matches!(c, Code::BadFile | Code::Header | Code::Threshold);
    (of_the_file(first) && codes.all(of_the_file)).then_some(first)
}

/// Whether a file that cannot be read stops its source. One that was taken out of the inbox again
/// does not: nothing of it was ever counted. One with too many bad rows could be read, and its
/// rules say that it stops the run.
pub(super) fn stops(source: &SourceNode, arrivals: &Arrivals, i: usize) -> bool {
    let became = arrivals.submission(i).became.as_ref();
    let code = became.and_then(|b| b.unreadable.as_deref());
    let gives_way = source.files.on_unreadable == Some(OnUnreadable::Reject)
        && code.is_some_and(|c| c != Code::Threshold.name());
    arrivals.files[i].inbox.is_some() && !gives_way
}

/// Cancellations that name nothing that was ever sent: most likely a slip.
fn idle(
    arrivals: &Arrivals,
    cancellations: &[Cancellation],
    day: chrono::NaiveDate,
) -> Diagnostics {
    let all = || (0..arrivals.files.len()).map(|i| (arrivals.submission(i), &arrivals.files[i]));
    let hits = |c: &&Cancellation| !all().any(|(s, f)| c.withdraws(s, &f.captures));
    let in_force = cancellations.iter().filter(|c| c.cancelled_at <= day);
    in_force
        .filter(hits)
        .map(|c| {
            Diagnostic::warning(
                Code::FileName,
                "the cancellation names no submission that was taken",
            )
            .at(c.place.clone())
            .hint("is its file, provider, period or sequence right?")
        })
        .collect()
}

fn passed_over(arrivals: &Arrivals, i: usize) -> Diagnostic {
    let submission = arrivals.submission(i);
    let code = submission
        .became
        .as_ref()
        .and_then(|b| b.unreadable.as_deref());
    Diagnostic::warning(
        Code::BadFile,
        format!(
            "the file cannot be read ({}): the submission before it counts, if there is one",
            code.unwrap_or("bad-file")
        ),
    )
    .at(DataPlace::file(submission.file.as_str()))
    .hint("ask the sender for the file again")
}

/// A reader that gave up. What it was reading is not repeated.
fn stopped_reading(file: &str) -> Diagnostic {
    Diagnostic::bug("reading the file stopped half-way").at(DataPlace::file(file))
}

/// What the new files of a source came to.
fn taken(node: &Node, new: &[&Intake]) -> Event {
    let mut broken: BTreeMap<(&str, Option<&str>, &str), Broken> = BTreeMap::new();
    for intake in new {
        for rule in &intake.rules {
            let key = (
                rule.rule.as_str(),
                rule.column.as_deref(),
                rule.on_fail.as_str(),
            );
            let entry = broken.entry(key).or_insert_with(|| Broken {
                rule: rule.rule.clone(),
                column: rule.column.clone(),
                on_fail: rule.on_fail.clone(),
                rows: 0,
                files: 0,
                first: (intake.file.clone(), rule.first_line),
            });
            entry.rows += rule.count;
            entry.files += 1;
        }
    }
    Event::Taken {
        table: node.name.clone(),
        files: new.len(),
        received: new.iter().map(|i| i.received).sum(),
        good: new.iter().map(|i| i.good).sum(),
        quarantined: new.iter().map(|i| i.quarantined).sum(),
        dropped: new.iter().map(|i| i.dropped()).sum(),
        broken: broken.into_values().collect(),
    }
}
