//! The order of the night.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, NaiveDate, Utc};
use datafusion::execution::context::SessionContext;
use serde::Serialize;

use crate::compile::{Body, ColumnsRead, Node, Plan, TableKind, TableName, select};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::engine::{self, Engine, Limits};
use crate::functions;
use crate::ingest::{self, PseudonymKey};
use crate::store::Lake;
use crate::store::remote::Secrets;

use super::events::{Event, Listener, PublishedMart};
use super::fingerprints::Fingerprints;
use super::ingredients::{Ingredients, hash};
use super::lock::Lock;
use super::record::{NodeRecord, read_json, write_json};
use super::saving::{Save, Saver};
use super::shipping::Shipping;
use super::{mirror, release};

/// How a run is to be done.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What to run. Nothing: the target's own choice, or everything.
    pub select: Vec<String>,
    /// What to leave out.
    pub exclude: Vec<String>,
    /// Make everything again, whatever the records say.
    pub full_refresh: bool,
    /// Build and check, and leave readers' files alone.
    pub no_publish: bool,
    /// The clock was set by whoever started this run, who may want a past view.
    pub as_of_given: bool,
    /// Wait for another run to finish.
    pub wait: bool,
    /// Files of a source read at once, and tables made at once. 0: as many as there are partitions;
    /// of tables four at most.
    pub jobs: usize,
    /// The credentials of stores.
    pub secrets: Secrets,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Its name.
    pub run: String,
    /// Its clock.
    pub as_of: NaiveDate,
    /// Tables that were made.
    pub made: Vec<String>,
    /// Tables that were as they should be.
    pub fresh: usize,
    /// What readers see of the chosen marts.
    pub marts: Vec<SummaryMart>,
    /// Whether anything was made or published.
    pub changed: bool,
}

/// A mart that readers see.
#[derive(Debug, Clone, Serialize)]
pub struct SummaryMart {
    /// Its name.
    pub mart: String,
    /// Who reads it.
    pub audience: String,
    /// Its rows.
    pub rows: u64,
    /// Where readers find it.
    pub path: String,
    /// Whether this run changed it.
    pub changed: bool,
}

/// A run under way, or the part of it that makes one table.
pub struct Night<'a> {
    pub(super) plan: &'a Plan,
    pub(super) options: &'a Options,
    pub(super) listener: &'a dyn Listener,
    pub(super) lake: Lake,
    pub(super) as_of: NaiveDate,
    /// When the run began, by the clock.
    pub(super) started: DateTime<Utc>,
    pub(super) context: SessionContext,
    /// The same for queries that are not cut into parts.
    pub(super) undivided: SessionContext,
    /// What queries will read of each table.
    pub(super) reads: Arc<ColumnsRead>,
    pub(super) fingerprints: Arc<Fingerprints>,
    /// What makes tables and their records durable.
    pub(super) saver: Arc<Saver>,
    pub(super) key: Option<PseudonymKey>,
    /// What tables were made from: all so far, or those that the one table reads.
    pub(super) records: BTreeMap<TableName, Arc<NodeRecord>>,
    pub(super) made: Vec<TableName>,
    pub(super) failed: BTreeSet<TableName>,
    pub(super) fresh: usize,
    /// The way to readers who are not on this machine; a table is none of its business.
    pub(super) shipping: Option<Shipping>,
}

/// Runs the chosen part of a plan.
///
/// # Errors
/// Everything that went wrong, from every branch that could be tried. Readers' files are then as
/// they were.
pub async fn run(
    plan: &Plan,
    options: &Options,
    key: Option<PseudonymKey>,
    listener: &dyn Listener,
) -> Result<Summary> {
    let chosen = choose(plan, options)?;
    let needed = select::with_inputs(plan, &chosen);
    listener.event(&Event::Selected {
        chosen: chosen.iter().cloned().collect(),
        needed: needed.difference(&chosen).cloned().collect(),
    });
    let lake = Lake::new(&plan.settings.lake);
    let _lake = Lock::take(&lake.lock(), options.wait).await?;
    claim(&lake.target_record(), lake.root(), "lake", plan)?;
    let published = &plan.settings.published;
    // A readers' folder that is not there yet is made by the first release, and locked then.
    let readers = match published.is_dir() {
        true => Some(hold(plan, options.wait).await?),
        false => None,
    };
    let shipping = Shipping::open(plan, &lake, options).await?;
    if let Some(shipping) = &shipping {
        shipping.adopt(plan, listener).await?;
    }
    release::repair(plan, &lake, listener)?;
    let finished = match &shipping {
        Some(shipping) if !options.no_publish => shipping.finish(plan, listener).await?,
        _ => false,
    };
    mirror::mirror(plan, &lake, &needed, options, listener).await?;

    let started = Utc::now();
    let engine = Engine::new(
        Limits::from(&plan.settings),
        &lake.spill(),
        functions::register,
    )?;
    let context = engine.session();
    let mut night = Night {
        plan,
        options,
        listener,
        as_of: as_of(plan),
        started,
        undivided: engine::undivided(&context),
        context,
        reads: Arc::new(ColumnsRead::by(plan)),
        fingerprints: Arc::new(Fingerprints::load(&lake)),
        saver: Arc::new(Saver::start()),
        key,
        lake,
        records: BTreeMap::new(),
        made: Vec::new(),
        failed: BTreeSet::new(),
        fresh: 0,
        shipping,
    };
    night.tell_strays();
    let nodes = plan.nodes.iter().filter(|n| needed.contains(&n.name));
    let mut found = night.tables(&nodes.collect::<Vec<_>>()).await;
    match night.saver.done() {
        Ok(()) => {
            found.take(night.fingerprints.save());
        }
        // What is not on the disk for sure is looked at again, and a table may have told already.
        Err(failed) => {
            found.extend(failed);
            found = found.sorted();
        }
    }
    let marts = night.publish(&chosen, readers, &mut found).await;
    let run = night.write_down(&marts, &found)?;
    if found.has_errors() {
        return Err(found);
    }
    let changed = finished || !night.made.is_empty() || marts.iter().any(|(_, m)| m.changed);
    Ok(Summary {
        run,
        as_of: night.as_of,
        made: night.made.iter().map(ToString::to_string).collect(),
        fresh: night.fresh,
        marts: marts
            .into_iter()
            .map(|(audience, m)| SummaryMart {
                mart: m.mart,
                audience,
                rows: m.rows,
                path: m.path.display().to_string(),
                changed: m.changed,
            })
            .collect(),
        changed,
    })
}

/// The tables a run is about: what was asked for, or what the target says.
pub(super) fn choose(plan: &Plan, options: &Options) -> Result<BTreeSet<TableName>> {
    let words = if options.select.is_empty() {
        &plan.settings.select
    } else {
        &options.select
    };
    select::select(plan, words, &options.exclude)
}

/// The run's clock: the settings', or today.
pub fn as_of(plan: &Plan) -> NaiveDate {
    plan.settings
        .as_of
        .unwrap_or_else(|| Utc::now().date_naive())
}

/// Takes the readers' folder for this run and this target.
async fn hold(plan: &Plan, wait: bool) -> Result<Lock> {
    let published = &plan.settings.published;
    let lock = Lock::take(&published.join(".lock"), wait).await?;
    claim(&published.join(".owner.json"), published, "published", plan)?;
    Ok(lock)
}

/// A lake and a readers' folder belong to one warehouse and target: two would take each other's
/// tables for their own, and retire each other's marts.
fn claim(record: &Path, folder: &Path, word: &str, plan: &Plan) -> Result<()> {
    let settings = &plan.settings;
    let owner = format!("{} {}", settings.name, settings.target);
    match read_json::<String>(record)? {
        Some(other) if other == owner => Ok(()),
        Some(other) => Err(Diagnostic::error(
            Code::State,
            format!("the folder belongs to `{other}`, not to `{owner}`"),
        )
        .at(DataPlace::file(folder.display().to_string()))
        .hint(format!(
            "give this target a `{word}` of its own: config/targets/{}.yaml, or --{word}",
            settings.target
        ))
        .into()),
        None => write_json(record, &owner),
    }
}

impl Night<'_> {
    /// Says which files of the inbox nobody reads: most likely they are misnamed.
    fn tell_strays(&self) {
        let sources = self.plan.nodes.iter().filter_map(|n| match &n.body {
            Body::Source(source) => Some(source.as_ref()),
            _ => None,
        });
        for stray in ingest::strays(sources) {
            self.listener.event(&Event::Warned(
                Diagnostic::warning(Code::FileName, "no source takes this file")
                    .at(DataPlace::file(stray))
                    .hint("if it is data, rename it as the source's `path` has it"),
            ));
        }
    }

    /// Whether the run is about the whole project: only then is what it lacks to be retired.
    pub(super) fn is_whole(&self) -> bool {
        self.options.select.is_empty()
            && self.options.exclude.is_empty()
            && self.plan.settings.select.is_empty()
    }

    /// What the node is made from, its inputs being made.
    pub(super) fn ingredients(&self, node: &Node) -> Ingredients {
        let inputs = node
            .inputs
            .iter()
            .filter_map(|i| Some((i.to_string(), self.records.get(i)?.made.content.clone())))
            .collect();
        Ingredients::of(node, self.as_of, inputs)
    }

    /// The node's record if it was made from just these ingredients and is still there.
    pub(super) fn fresh(
        &mut self,
        node: &Node,
        ingredients: &Ingredients,
    ) -> Result<(Option<NodeRecord>, String)> {
        let last = NodeRecord::load(&self.lake, &node.name)?;
        let changes = ingredients.changes_since(last.as_ref().map(|r| &r.ingredients));
        if self.options.full_refresh {
            return Ok((None, "asked for with --full-refresh".to_owned()));
        }
        match last {
            Some(record)
                if changes.is_empty() && record.is_whole(&self.lake, &self.fingerprints) =>
            {
                self.fresh += 1;
                self.listener.event(&Event::Fresh {
                    table: node.name.clone(),
                });
                Ok((Some(record), String::new()))
            }
            Some(_) if changes.is_empty() => Ok((None, "its file is gone or damaged".to_owned())),
            _ => Ok((None, changes.join(", "))),
        }
    }

    pub(super) fn start(&self, node: &Node, why: String) -> Instant {
        self.listener.event(&Event::Started {
            table: node.name.clone(),
            why,
        });
        Instant::now()
    }

    /// Keeps a node that was just made: on its way to the disk, in mind, and as news.
    pub(super) fn keep(&mut self, node: &Node, record: NodeRecord, started: Instant) -> Result<()> {
        let (path, text) = record.text(&self.lake, &node.name)?;
        self.saver.save(Save::Whole(path, text))?;
        for file in &record.made.files {
            // So that the next run need not read what this one wrote.
            self.fingerprints.of_file(&self.lake.root().join(file))?;
        }
        self.listener.event(&Event::Made {
            table: node.name.clone(),
            rows: record.made.rows,
            took: started.elapsed(),
        });
        self.records.insert(node.name.clone(), Arc::new(record));
        self.made.push(node.name.clone());
        Ok(())
    }

    /// Shows readers the chosen marts. `readers` is the lock on their folder, if it is there yet.
    async fn publish(
        &self,
        chosen: &BTreeSet<TableName>,
        readers: Option<Lock>,
        found: &mut Diagnostics,
    ) -> Vec<(String, PublishedMart)> {
        let marts: Vec<&TableName> = chosen
            .iter()
            .filter(|t| t.kind == TableKind::Mart)
            .collect();
        if marts.is_empty() {
            return Vec::new();
        }
        let why = if found.has_errors() {
            Some("a step or a check failed; readers still see the last good release")
        } else if self.options.no_publish {
            Some("asked for with --no-publish")
        } else {
            None
        };
        if let Some(why) = why {
            self.listener.event(&Event::Withheld {
                why: why.to_owned(),
            });
            return Vec::new();
        }
        let held = match readers {
            Some(lock) => Ok(lock),
            None => hold(self.plan, self.options.wait).await,
        };
        let Some(_readers) = found.take(held) else {
            return Vec::new();
        };
        match release::publish(self, &marts).await {
            Ok(published) => published,
            Err(errors) => {
                found.extend(errors);
                Vec::new()
            }
        }
    }

    /// The run's own record: its clock, what it made, how it ended. Returns the run's name.
    fn write_down(&self, marts: &[(String, PublishedMart)], found: &Diagnostics) -> Result<String> {
        let changed =
            !self.made.is_empty() || marts.iter().any(|(_, m)| m.changed) || found.has_errors();
        let stamp = self.started.format("%Y%m%dT%H%M%S%3fZ").to_string();
        let run = format!("{stamp}-{}", &hash(stamp.as_bytes())[..6]);
        if !changed {
            // Nothing was done: nothing is written.
            return Ok(run);
        }
        let record = serde_json::json!({
            "run": run,
            "martlet": env!("CARGO_PKG_VERSION"),
            "target": self.plan.settings.target,
            "as_of": self.as_of,
            "started": self.started,
            "finished": Utc::now(),
            "exit": found.exit().code(),
            "made": self.made.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "failed": self.failed.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "published": marts.iter().map(|(audience, m)| serde_json::json!({
                "audience": audience, "mart": m.mart, "rows": m.rows, "changed": m.changed,
            })).collect::<Vec<_>>(),
            "diagnostics": crate::diag::to_json(found),
        });
        write_json(&self.lake.run_record(&run), &record)?;
        Ok(run)
    }
}
