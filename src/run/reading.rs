//! The files of a source that are read tonight, several at once, and those that need not be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use crate::compile::{Node, SourceNode};
use crate::diag::{DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::{self, About, Arrived, Intake};

use super::Night;
use super::arrivals::Arrivals;
use super::attempt::{self, Attempt};
use super::events::{Broken, Event};
use super::record::Origin;
use super::sources::{is_upsert, search};
use super::standing::Standing;

/// Reads that were tried tonight, by the file's place among the arrivals.
pub(super) type Tried = BTreeMap<usize, Result<Intake>>;

impl Night<'_> {
    /// Whether every file that counts is accounted for. Each record is held against itself and its
    /// rows on every run: a file that is not read again is no less to be trusted.
    pub(super) fn accounted(
        &mut self,
        node: &Node,
        arrivals: &Arrivals,
        standing: &Standing,
    ) -> Result<bool> {
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

    /// The rows of the submissions that count, by path. What is not as it was written is read again.
    pub(super) async fn accepted(
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
    pub(super) async fn read(
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
        let copy = arrivals.copy(i, &search, &self.fingerprints)?;
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

    /// Writes down what became of the files of an attempt that failed.
    pub(super) fn attempted(
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
}

pub(super) fn origin(intake: &Intake) -> Origin {
    Origin {
        file: intake.file.clone(),
        hash: intake.hash.clone(),
        received: intake.received,
        good: intake.good,
        quarantined: intake.quarantined,
        dropped: intake.dropped(),
        period: intake.period().map(str::to_owned),
    }
}

/// A file about to be read, or one that was.
enum Ready {
    Known(Box<Intake>),
    Copy(Box<Arrived>, Option<ingest::PseudonymKey>),
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
