//! One source: what arrived, what of it is new, and its rows typed and staged.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use crate::compile::{Node, SourceNode};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::engine;
use crate::ingest::{self, About, Arrived, Intake};

use super::arrivals::{Keyed, Search};
use super::attempt::{Attempt, Tried};
use super::events::{Broken, Event};
use super::ingredients::{Ingredients, hash};
use super::record::{Made, NodeRecord, Origin};
use super::{Night, freshness};

impl Night<'_> {
    pub(super) async fn source(&mut self, node: &Node, source: &Arc<SourceNode>) -> Result<()> {
        let files = self.arrived(node, source)?;
        let inputs = files
            .iter()
            .map(|f| (f.arrived.shown.clone(), f.key.clone()))
            .collect();
        let ingredients = Ingredients::of(node, self.as_of, inputs);
        let known = self.known(node, &files)?;
        let (record, why) = match known.iter().all(Option::is_some) {
            true => self.fresh(node, &ingredients)?,
            // Its rows may all stand; what was refused of them has to as well.
            false => (None, self.stale(node, &ingredients)?),
        };
        if let Some(record) = record {
            Attempt::forget(&self.lake, &node.name)?;
            let staged = record.files(&self.lake);
            engine::register_files(&self.context, &node.name, &node.schema, &staged)?;
            self.records.insert(node.name.clone(), record);
            return self.check_freshness(node, source, &files).await;
        }
        let started = self.start(node, why);
        let intakes = self.intakes(node, source, &files, known).await?;
        let staged: Vec<_> = intakes
            .iter()
            .map(|i| PathBuf::from(&i.staged.path))
            .collect();
        let absolute: Vec<_> = staged.iter().map(|f| self.lake.root().join(f)).collect();
        engine::register_files(&self.context, &node.name, &node.schema, &absolute)?;
        let contents: Vec<&str> = intakes.iter().map(|i| i.staged.hash.as_str()).collect();
        let made = Made {
            files: staged,
            content: hash(contents.join("\n").as_bytes()),
            rows: Some(intakes.iter().map(|i| i.good).sum()),
            origins: intakes.iter().map(origin).collect(),
            root: Some(source.root.clone()),
        };
        let record = NodeRecord {
            ingredients,
            made,
            checks: Vec::new(),
        };
        self.keep(node, record, started)?;
        Attempt::forget(&self.lake, &node.name)?;
        self.check_freshness(node, source, &files).await
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

    /// The files of a source, each with the key of its rows.
    fn arrived(&mut self, node: &Node, source: &SourceNode) -> Result<Vec<Keyed>> {
        let key = self.key_of(source)?;
        let contents = source
            .related()
            .filter_map(|(t, _)| Some((t.to_string(), self.records.get(t)?.made.content.clone())))
            .collect();
        let search = Search {
            contents: &contents,
            node,
            source,
            lake: &self.lake,
            key: key.as_ref(),
            accept_missing: self.options.accept_missing,
        };
        let (files, notes) = search.files(&mut self.fingerprints)?;
        for note in notes {
            self.listener.event(&Event::Warned(note));
        }
        Ok(files)
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

    /// What is known of each file from an earlier run, if its rows still stand as they were written.
    /// Each record is held against itself and its rows on every run: a file that is not read again
    /// is no less accounted for.
    fn known(&mut self, node: &Node, files: &[Keyed]) -> Result<Vec<Option<Intake>>> {
        let mut found = Diagnostics::default();
        let mut known = Vec::with_capacity(files.len());
        for file in files {
            if self.options.full_refresh && !file.kept {
                known.push(None);
                continue;
            }
            let recorded = found.take(Intake::recorded(&self.lake, &node.name, &file.key));
            let whole = recorded.flatten().filter(|intake| {
                let path = intake.staged.path_in(&self.lake);
                let hash = self.fingerprints.of_file(&path);
                hash.is_ok_and(|h| h == intake.staged.hash)
            });
            if let Some(intake) = &whole {
                found.take(intake.conserved(&self.lake));
            }
            known.push(whole);
        }
        if found.has_errors() {
            Err(found)
        } else {
            Ok(known)
        }
    }

    /// Reads the files that were not read before, several at once.
    async fn intakes(
        &self,
        node: &Node,
        source: &Arc<SourceNode>,
        files: &[Keyed],
        known: Vec<Option<Intake>>,
    ) -> Result<Vec<Intake>> {
        let pseudonyms = self.key_of(source)?;
        let related = Arc::new(match known.iter().all(Option::is_some) {
            true => ingest::Related::default(),
            false => ingest::Related::read(source, |table| {
                let record = self.records.get(table);
                record.map_or_else(Vec::new, |r| r.files(&self.lake))
            })?,
        });
        let jobs = match self.options.jobs {
            0 => self.plan.settings.partitions,
            n => n,
        };
        let mut work = stream::iter(files.iter().zip(known))
            .map(|(file, known)| {
                let (source, table) = (Arc::clone(source), node.name.clone());
                let (lake, pseudonyms) = (self.lake.clone(), pseudonyms.clone());
                let related = Arc::clone(&related);
                async move {
                    match known {
                        Some(intake) => Ok((intake, false)),
                        None => {
                            let (arrived, key) = (file.arrived.clone(), file.key.clone());
                            let done = tokio::task::spawn_blocking(move || {
                                ingest::ingest(
                                    &source,
                                    &table,
                                    &arrived,
                                    &lake,
                                    &key,
                                    pseudonyms.as_ref(),
                                    &related,
                                )
                            })
                            .await;
                            let intake = done.map_err(|_| {
                                Diagnostics::from(stopped_reading(&file.arrived.shown))
                            })??;
                            Ok((intake, true))
                        }
                    }
                }
            })
            .buffered(jobs.max(1));
        let mut found = Diagnostics::default();
        let mut intakes = Vec::with_capacity(files.len());
        let mut new = Vec::new();
        let mut attempt = Attempt::default();
        // Results come in the order of the files.
        let mut tried = files.iter();
        while let Some(done) = work.next().await {
            if let Some(file) = tried.next() {
                let wrong = done.as_ref().err();
                attempt
                    .files
                    .push(Tried::new(&file.arrived, &file.key, wrong));
            }
            if let Some((intake, is_new)) = found.take(done) {
                if is_new {
                    self.tell(node, &intake);
                    new.push(intakes.len());
                }
                intakes.push(intake);
            }
        }
        let new: Vec<&Intake> = new.into_iter().map(|i| &intakes[i]).collect();
        if !new.is_empty() {
            self.listener.event(&taken(node, &new));
        }
        if found.has_errors() {
            attempt.save(&self.lake, &node.name)?;
            Err(found)
        } else {
            Ok(intakes)
        }
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
        files: &[Keyed],
    ) -> Result<()> {
        let arrived: Vec<&Arrived> = files.iter().map(|f| &f.arrived).collect();
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
