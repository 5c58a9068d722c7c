//! What a run would do, and why, without doing it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::compile::{Body, Node, Plan, SourceNode, TableName, select};
use crate::diag::{Diagnostics, Result};
use crate::ingest::{Intake, PseudonymKey};
use crate::store::Lake;

use super::arrivals::Search;
use super::fingerprints::Fingerprints;
use super::ingredients::Ingredients;
use super::night::{Options, as_of, choose};
use super::record::NodeRecord;
use super::{settling, sources, submissions, system};

/// What a run would do.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The tables it would look after, inputs first.
    pub tables: Vec<PreviewedTable>,
    /// Whether anything would be made.
    pub changed: bool,
}

/// What would become of one table.
#[derive(Debug, Clone, Serialize)]
pub struct PreviewedTable {
    /// Its name.
    pub table: String,
    /// Whether it would be made.
    pub stale: bool,
    /// Why.
    pub why: String,
    /// For a source: the files that would be read.
    pub files: Vec<String>,
}

/// Works out what a run would do.
///
/// # Errors
/// When inputs cannot be listed or read.
pub fn preview(plan: &Plan, options: &Options, key: Option<&PseudonymKey>) -> Result<Preview> {
    let chosen = choose(plan, options)?;
    let needed = select::with_inputs(plan, &chosen);
    let lake = Lake::new(&plan.settings.lake);
    let mut teller = Teller {
        plan,
        options,
        key,
        fingerprints: Fingerprints::load(&lake),
        lake,
        contents: BTreeMap::new(),
        news: false,
    };
    let mut found = Diagnostics::default();
    let tables: Vec<PreviewedTable> = plan
        .nodes
        .iter()
        .filter(|n| needed.contains(&n.name))
        .filter_map(|node| found.take(teller.table(node)))
        .collect();
    if found.has_errors() {
        return Err(found);
    }
    let changed = tables.iter().any(|t| t.stale);
    Ok(Preview { tables, changed })
}

struct Teller<'a> {
    plan: &'a Plan,
    options: &'a Options,
    key: Option<&'a PseudonymKey>,
    lake: Lake,
    fingerprints: Fingerprints,
    /// The content of tables that would not be made again.
    contents: BTreeMap<TableName, String>,
    /// Whether there are files that were not taken yet.
    news: bool,
}

/// What a run would find of a source.
struct Foreseen {
    /// What it would be made from.
    inputs: BTreeMap<String, String>,
    /// The keys of the files that count.
    keys: Vec<String>,
    /// The submissions that would be read.
    files: Vec<String>,
    /// One that is known to stop it.
    stopped: Option<String>,
    /// Submissions of which it cannot be told which counts.
    tied: Diagnostics,
}

impl Teller<'_> {
    fn table(&mut self, node: &Node) -> Result<PreviewedTable> {
        let last = NodeRecord::load(&self.lake, &node.name)?;
        let mut files = Vec::new();
        let mut accounted = true;
        let inputs = if let Body::Source(source) = &node.body {
            let related = source.related().map(|(table, _)| table);
            let unsettled: Vec<String> = related
                .filter(|t| !self.contents.contains_key(t))
                .map(ToString::to_string)
                .collect();
            if !unsettled.is_empty() {
                let why = format!("its rules look into {}", unsettled.join(", "));
                return Ok(stale(node, why, files));
            }
            let foreseen = self.arrived(node, source)?;
            for key in foreseen.keys {
                accounted &= Intake::recorded(&self.lake, &node.name, &key)?.is_some();
            }
            files = foreseen.files;
            self.news |= !files.is_empty();
            if let Some(file) = foreseen.stopped {
                return Ok(stale(node, format!("{file} could not be read"), files));
            }
            if let Some(list) = self.unsettled_list(source) {
                return Ok(stale(node, format!("it reads {list}"), files));
            }
            if foreseen.tied.has_errors() {
                return Err(foreseen.tied);
            }
            foreseen.inputs
        } else {
            let news = matches!(node.body, Body::System(own) if own.is_of_files()) && self.news;
            if news {
                return Ok(stale(node, "there are new files".to_owned(), files));
            }
            let unsettled: Vec<String> = node
                .inputs
                .iter()
                .filter(|i| !self.contents.contains_key(i))
                .map(ToString::to_string)
                .collect();
            if !unsettled.is_empty() {
                let why = format!("it reads {}", unsettled.join(", "));
                return Ok(stale(node, why, files));
            }
            if let Body::System(own) = node.body {
                let records = |table: &TableName| NodeRecord::load(&self.lake, table);
                system::told(self.plan, own, records)?.ingredients()
            } else {
                let contents = node.inputs.iter();
                contents
                    .filter_map(|i| Some((i.to_string(), self.contents.get(i)?.clone())))
                    .collect()
            }
        };
        let ingredients = Ingredients::of(node, as_of(self.plan), inputs);
        let changes = ingredients.changes_since(last.as_ref().map(|r| &r.ingredients));
        if self.options.full_refresh {
            return Ok(stale(
                node,
                "asked for with --full-refresh".to_owned(),
                files,
            ));
        }
        match last {
            Some(record)
                if changes.is_empty()
                    && accounted
                    && record.is_whole(&self.lake, &self.fingerprints) =>
            {
                self.contents.insert(node.name.clone(), record.made.content);
                Ok(PreviewedTable {
                    table: node.name.to_string(),
                    stale: false,
                    why: if files.is_empty() {
                        "unchanged".to_owned()
                    } else {
                        "what is new does not count".to_owned()
                    },
                    files,
                })
            }
            Some(_) if changes.is_empty() => {
                Ok(stale(node, "its file is gone or damaged".to_owned(), files))
            }
            _ => Ok(stale(node, changes.join(", "), files)),
        }
    }

    fn arrived(&mut self, node: &Node, source: &SourceNode) -> Result<Foreseen> {
        let contents = source
            .related()
            .filter_map(|(t, _)| Some((t.to_string(), self.contents.get(t)?.clone())))
            .collect();
        let search = Search {
            contents: &contents,
            node,
            source,
            lake: &self.lake,
            key: self.key,
            now: chrono::Utc::now(),
            takes: false,
        };
        let arrivals = search.files(&self.fingerprints)?;
        let record = |list: &TableName| NodeRecord::load(&self.lake, list);
        let cancelled = submissions::cancellations(&self.lake, &node.name, source, record)?;
        let day = as_of(self.plan);
        let unread = arrivals.unread(day, &cancelled, self.options.full_refresh);
        let mut files: Vec<String> = unread
            .into_iter()
            .map(|i| arrivals.submission(i).file.clone())
            .collect();
        files.sort();
        let standing = arrivals.judge(source, day, &cancelled);
        let stops = |i: &&usize| settling::stops(source, &arrivals, **i);
        let stopped = standing.blocking.iter().find(stops);
        let stopped = stopped.map(|i| arrivals.submission(*i).file.clone());
        Ok(Foreseen {
            keys: standing
                .accepted
                .iter()
                .map(|i| arrivals.files[*i].key.clone())
                .collect(),
            inputs: sources::inputs(source, &arrivals, &standing),
            files,
            stopped,
            tied: settling::tied(&arrivals, &standing),
        })
    }

    /// The list of cancelled submissions, if it would be made anew and may say something else then.
    fn unsettled_list(&self, source: &SourceNode) -> Option<TableName> {
        let list = source.files.supersede.as_ref()?.cancelled.as_ref()?;
        TableName::parse(list).filter(|list| !self.contents.contains_key(list))
    }
}

fn stale(node: &Node, why: String, files: Vec<String>) -> PreviewedTable {
    PreviewedTable {
        table: node.name.to_string(),
        stale: true,
        why,
        files,
    }
}
