//! One source: what arrived, what of it counts, and its rows typed and staged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;

use crate::compile::{Node, SourceNode};
use crate::diag::{Code, Diagnostic, Result};
use crate::engine::{self, Materialised};
use crate::ingest;
use crate::spec::source::Delivery;
use crate::store::Lake;

use super::arrivals::{Arrivals, Search};
use super::attempt::Attempt;
use super::events::Event;
use super::ingredients::{Ingredients, hash};
use super::reading::{Tried, origin};
use super::record::{Made, NodeRecord};
use super::saving::Save;
use super::settling::idle;
use super::standing::Standing;
use super::{Night, freshness, submissions};

impl Night<'_> {
    pub(super) async fn source(&mut self, node: &Node, source: &Arc<SourceNode>) -> Result<()> {
        let mut arrivals = self.arrived(node, source)?;
        let made = self.staged(node, source, &mut arrivals).await;
        arrivals.saved()?;
        made
    }

    /// Stages the rows of what counts.
    async fn staged(
        &mut self,
        node: &Node,
        source: &Arc<SourceNode>,
        arrivals: &mut Arrivals,
    ) -> Result<()> {
        let records = &self.records;
        let cancellations = submissions::cancellations(&self.lake, &node.name, source, |list| {
            Ok(records.get(list).map(|r| r.as_ref().clone()))
        })?;
        let mut tried = Tried::new();
        let mut started = None;
        let standing = self
            .settle(
                node,
                source,
                arrivals,
                &cancellations,
                &mut tried,
                &mut started,
            )
            .await?;
        self.tell_standing(node, source, arrivals, &standing)?;
        for warning in idle(arrivals, &cancellations, self.as_of) {
            self.listener.event(&Event::Warned(warning));
        }

        let ingredients = Ingredients::of(node, self.as_of, inputs(source, arrivals, &standing));
        let (record, why) = match self.accounted(node, arrivals, &standing)? {
            true => self.fresh(node, &ingredients)?,
            // Its rows may all stand; what was refused of them has to as well.
            false => (None, self.stale(node, &ingredients)?),
        };
        if let Some(record) = record {
            Attempt::forget(&self.lake, &node.name)?;
            let staged = record.files(&self.lake);
            self.know(node, &node.schema, &staged, None)?;
            self.records.insert(node.name.clone(), Arc::new(record));
            return self
                .check_freshness(node, source, arrivals, &standing)
                .await;
        }
        let started = started.unwrap_or_else(|| self.start(node, why));
        let intakes = self
            .accepted(node, source, arrivals, &standing, tried)
            .await?;
        let staged: Vec<_> = intakes
            .iter()
            .map(|i| PathBuf::from(&i.staged.path))
            .collect();
        let upsert = match source.files.delivery.as_deref() {
            Some(Delivery::Upsert(upsert)) if !staged.is_empty() => Some(upsert),
            _ => None,
        };
        let merged = upsert.is_some();
        let made = match upsert {
            Some(upsert) => {
                let key: Vec<String> = upsert.unique_key.iter().map(|k| k.to_string()).collect();
                self.merge(node, source, &staged, &key, &ingredients)
                    .await?
            }
            None => {
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
        self.know(node, &node.schema, &files, None)?;
        let record = NodeRecord {
            ingredients,
            made,
            checks: Vec::new(),
        };
        arrivals.saved()?;
        self.keep(node, record, started)?;
        if merged {
            self.saver.save(Save::Alone(files))?;
        }
        self.saver
            .save(Save::Forgotten(Attempt::path(&self.lake, &node.name)))?;
        self.check_freshness(node, source, arrivals, &standing)
            .await
    }

    /// Why a source is made of which not every file is accounted for.
    pub(super) fn stale(&self, node: &Node, ingredients: &Ingredients) -> Result<String> {
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
        let arrivals = search.files(&self.fingerprints)?;
        for note in arrivals.notes.iter() {
            self.listener.event(&Event::Warned(note.clone()));
        }
        Ok(arrivals)
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
        let (context, text) = (&self.context, &source.source);
        let plan = engine::last_of_each_key(context, &node.schema, &files, key)?;
        let plan = engine::optimised(context, text, &plan)?;
        let path = self.lake.merged(&node.name.name, &ingredients.key());
        let unseen = |_: &RecordBatch| ();
        let made = engine::materialise(context, text, plan, key, &node.schema, &path, unseen);
        let (Materialised { file, .. }, placed) = made.await?;
        self.saver.save(Save::File(placed))?;
        let below = path.strip_prefix(self.lake.root()).unwrap_or(&path);
        Ok(Made {
            files: vec![below.to_owned()],
            content: file.hash,
            rows: Some(file.rows),
            origins: Vec::new(),
        })
    }

    /// The content of the tables that a source's rules look into, by name.
    pub(super) fn contents(&self, source: &SourceNode) -> BTreeMap<String, String> {
        let related = source.related();
        related
            .filter_map(|(t, _)| Some((t.to_string(), self.records.get(t)?.made.content.clone())))
            .collect()
    }

    /// The pseudonyms' key, for a source that has something to pseudonymise.
    pub(super) fn key_of(&self, source: &SourceNode) -> Result<Option<ingest::PseudonymKey>> {
        let needed = source
            .spec
            .columns
            .iter()
            .find_map(|c| c.pseudonymise.as_ref());
        match (needed, &self.key) {
            // Where nobody is sent there is nobody to make a pseudonym of.
            (Some(_), None) if source.absent => Ok(None),
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
        if source.absent {
            return Ok(());
        }
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

pub(super) fn search<'a>(
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

pub(super) fn is_upsert(source: &SourceNode) -> bool {
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
