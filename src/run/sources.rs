//! One source: what arrived, what of it is new, and its rows typed and staged.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use futures::stream::{self, StreamExt};

use crate::compile::{Node, SourceNode, TableName};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::engine;
use crate::ingest::{self, Arrived, Intake};
use crate::store::Lake;

use super::events::Event;
use super::ingredients::{Ingredients, hash};
use super::record::{Made, NodeRecord, Origin};
use super::{Night, freshness};

/// A file and the key of its rows.
struct Keyed {
    arrived: Arrived,
    key: String,
    /// It may still be growing: what was taken of it before stands, and it is not read.
    held: bool,
}

/// The key under which an earlier run took in a file that now has to wait. Its rows stand for
/// another night: a gap would be a wrong number.
///
/// # Errors
/// When a record is there and cannot be read.
pub(super) fn taken_before(
    lake: &Lake,
    table: &TableName,
    source: &SourceNode,
    waiting: &Arrived,
    pseudonyms: Option<&str>,
) -> Result<Option<String>> {
    let Some(last) = NodeRecord::load(lake, table)? else {
        return Ok(None);
    };
    let Some(key) = last.ingredients.inputs.get(&waiting.shown) else {
        return Ok(None);
    };
    let Some(intake) = Intake::recorded(lake, table, key)? else {
        return Ok(None);
    };
    // Under another contract its rows would be others.
    let same = ingest::staging_key(
        &intake.hash,
        source,
        &waiting.captures,
        &waiting.shown,
        pseudonyms,
    ) == *key;
    Ok(same.then(|| key.clone()))
}

impl Night<'_> {
    pub(super) async fn source(&mut self, node: &Node, source: &Arc<SourceNode>) -> Result<()> {
        let files = self.arrived(node, source)?;
        let inputs = files
            .iter()
            .map(|f| (f.arrived.shown.clone(), f.key.clone()))
            .collect();
        let ingredients = Ingredients::of(node, self.as_of, inputs);
        let (record, why) = self.fresh(node, &ingredients)?;
        if let Some(record) = record {
            let staged: Vec<_> = record
                .made
                .files
                .iter()
                .map(|f| self.lake.root().join(f))
                .collect();
            engine::register_files(&self.context, &node.name, &node.schema, &staged)?;
            self.records.insert(node.name.clone(), record);
            return self.check_freshness(node, source, &files).await;
        }
        let started = self.start(node, why);
        let known = self.known(node, &files)?;
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
        };
        let record = NodeRecord {
            ingredients,
            made,
            checks: Vec::new(),
        };
        self.keep(node, record, started)?;
        self.check_freshness(node, source, &files).await
    }

    /// The files of a source, each with the key of its rows.
    fn arrived(&mut self, node: &Node, source: &SourceNode) -> Result<Vec<Keyed>> {
        let discovery = ingest::discover(source, &node.name, SystemTime::now())?;
        for warning in discovery.warnings {
            self.listener.event(&Event::Warned(warning));
        }
        if let Some(first) = discovery.waiting.first() {
            let message = match discovery.waiting.len() {
                1 => "a file may still be growing: it waits for the next run".to_owned(),
                n => format!("{n} files may still be growing: they wait for the next run"),
            };
            self.listener.event(&Event::Warned(
                Diagnostic::warning(Code::FileName, message)
                    .at(DataPlace::file(first.shown.clone()))
                    .hint("`stable_for` says how long a file must have been left alone; what was taken of it before stands"),
            ));
        }
        let key = self.key_of(source)?.map(|k| k.fingerprint());
        let mut found = Diagnostics::default();
        let mut files = Vec::with_capacity(discovery.files.len());
        for arrived in discovery.files {
            if let Some(hash) = found.take(self.fingerprints.of(&arrived)) {
                let key = ingest::staging_key(
                    &hash,
                    source,
                    &arrived.captures,
                    &arrived.shown,
                    key.as_deref(),
                );
                files.push(Keyed {
                    arrived,
                    key,
                    held: false,
                });
            }
        }
        for arrived in discovery.waiting {
            let before = taken_before(&self.lake, &node.name, source, &arrived, key.as_deref());
            if let Some(Some(key)) = found.take(before) {
                files.push(Keyed {
                    arrived,
                    key,
                    held: true,
                });
            }
        }
        files.sort_by(|a, b| a.arrived.shown.cmp(&b.arrived.shown));
        if found.has_errors() {
            Err(found)
        } else {
            Ok(files)
        }
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
    fn known(&mut self, node: &Node, files: &[Keyed]) -> Result<Vec<Option<Intake>>> {
        let mut found = Diagnostics::default();
        let mut known = Vec::with_capacity(files.len());
        for file in files {
            if self.options.full_refresh && !file.held {
                known.push(None);
                continue;
            }
            let recorded = found.take(Intake::recorded(&self.lake, &node.name, &file.key));
            known.push(recorded.flatten().filter(|intake| {
                let path = intake.staged.path_in(&self.lake);
                let hash = self.fingerprints.of_file(&path);
                hash.is_ok_and(|h| h == intake.staged.hash)
            }));
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
        let jobs = match self.options.jobs {
            0 => self.plan.settings.partitions,
            n => n,
        };
        let mut work = stream::iter(files.iter().zip(known))
            .map(|(file, known)| {
                let (source, table) = (Arc::clone(source), node.name.clone());
                let (lake, pseudonyms) = (self.lake.clone(), pseudonyms.clone());
                async move {
                    match known {
                        Some(intake) => Ok(intake),
                        None if file.held => Err(Diagnostic::error(
                            Code::State,
                            "the rows taken before are damaged, and the file may still be growing",
                        )
                        .at(DataPlace::file(file.arrived.shown.clone()))
                        .hint("run again when it has been left alone for `stable_for`")
                        .into()),
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
                                )
                            })
                            .await;
                            let intake = done
                                .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))??;
                            self.tell(node, &intake);
                            Ok(intake)
                        }
                    }
                }
            })
            .buffered(jobs.max(1));
        let mut found = Diagnostics::default();
        let mut intakes = Vec::with_capacity(files.len());
        while let Some(done) = work.next().await {
            intakes.extend(found.take(done));
        }
        if found.has_errors() {
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
        });
        for warning in intake.findings() {
            self.listener.event(&Event::Warned(warning));
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
    }
}
