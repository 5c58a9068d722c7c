//! The end of the night: versions of every chosen mart, then the flip, for each audience.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::compile::{Body, MartNode, Node, Plan, TableKind, TableName};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, Severity};
use crate::disclosure::{Rules, Source};
use crate::engine;
use crate::publish::{
    Change, CheckSummary, Input, Provenance, RateColumns, Release, Released, Targets, release,
    version,
};
use crate::store::paths::Shelf;
use crate::store::{Lake, atomic};

use super::Night;
use super::copies::{rules, write_copy};
use super::events::{Event, Listener, PublishedMart};
use super::ingredients::hash;
use super::record::NodeRecord;

/// Raised when the same candidate would be published with other rates, metadata or bytes.
const PUBLISH_VERSION: u32 = 2;

/// Raised when the same candidate would have another copy under the same policy.
const DISCLOSURE_VERSION: u32 = 2;

/// Finishes what a killed run left undone, and removes what it left half-written.
///
/// # Errors
/// When the disk fails, or a release speaks of a version that is damaged.
pub fn repair(plan: &Plan, lake: &Lake, listener: &dyn Listener) -> Result<()> {
    sweep_below(lake.root())?;
    // What a killed query spilled is of no use to anybody.
    if lake.spill().is_dir() {
        std::fs::remove_dir_all(lake.spill())
            .map_err(|e| Diagnostics::from(Diagnostic::io(&lake.spill(), "remove", &e)))?;
    }
    for stranger in unknown_audiences(plan) {
        listener.event(&Event::Warned(
            Diagnostic::warning(
                Code::State,
                format!(
                    "the warehouse has no audience `{stranger}`: what it reads is never renewed"
                ),
            )
            .at(DataPlace::file(
                plan.settings
                    .published
                    .join(&stranger)
                    .display()
                    .to_string(),
            ))
            .hint("move the folder away, or name the audience again"),
        ));
    }
    for audience in &plan.settings.audiences {
        let shelf = Shelf::new(&plan.settings.published, audience);
        if !shelf.root().is_dir() {
            continue;
        }
        let refreshed = match release::repair(&shelf) {
            Ok(refreshed) => refreshed,
            // What is damaged is made anew by this run; until then readers keep what they have.
            Err(found) => {
                for mut damage in found {
                    damage.severity = Severity::Warning;
                    listener.event(&Event::Warned(damage));
                }
                continue;
            }
        };
        if !refreshed.is_empty() {
            listener.event(&Event::Repaired {
                what: format!("latest/ for {audience} brought in line with its release"),
            });
        }
    }
    Ok(())
}

/// Folders of readers that no audience of the warehouse has.
fn unknown_audiences(plan: &Plan) -> Vec<String> {
    let entries = std::fs::read_dir(&plan.settings.published)
        .into_iter()
        .flatten()
        .flatten();
    let mut names: Vec<String> = entries
        .filter(|e| e.path().join("release.json").is_file())
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|name| !plan.settings.audiences.contains(name))
        .collect();
    names.sort();
    names
}

fn sweep_below(folder: &std::path::Path) -> Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        folders.extend(entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()));
        atomic::sweep(&folder)?;
    }
    Ok(())
}

/// The rows of a mart that readers have now, in the first audience that has it.
///
/// # Errors
/// When a release cannot be read.
pub fn current_rows(plan: &Plan, node: &Node) -> Result<Option<u64>> {
    for audience in &plan.settings.audiences {
        let current = Release::current(&Shelf::new(&plan.settings.published, audience))?;
        if let Some(mart) = current.and_then(|r| r.marts.get(&node.name.name).cloned()) {
            return Ok(Some(mart.rows));
        }
    }
    Ok(None)
}

/// Writes the versions of the chosen marts, then flips the release of each audience.
///
/// # Errors
/// When a version cannot be written: nothing is flipped then.
pub async fn publish(
    night: &Night<'_>,
    chosen: &[&TableName],
) -> Result<Vec<(String, PublishedMart)>> {
    let targets = targets(night)?;
    let mut published = Vec::new();
    let mut changes: Vec<(String, Shelf, Change)> = Vec::new();
    for audience in &night.plan.settings.audiences {
        let shelf = Shelf::new(&night.plan.settings.published, audience);
        let mut change = Change {
            retired: if night.is_whole() {
                retired(night.plan, audience, &shelf)?
            } else {
                BTreeSet::new()
            },
            as_of: Some(night.as_of.to_string()),
            marts: BTreeMap::new(),
        };
        for (node, mart) in marts(night.plan, chosen, audience) {
            let rules = rules(night.plan, mart, audience);
            let released = match &rules {
                None => write_version(night, &shelf, node, mart, &targets)?,
                Some(rules) => {
                    let source = Source {
                        name: &node.name.name,
                        spec: &mart.spec,
                        contract: &mart.contract,
                        relations: &mart.relations,
                        audience,
                        rules,
                    };
                    write_copy(night, &shelf, node, mart, &source, &targets)?
                }
            };
            change.marts.insert(node.name.name.clone(), released);
        }
        changes.push((audience.clone(), shelf, change));
    }
    // Every version stands: only now may anything that readers see change.
    for (audience, shelf, change) in changes {
        let before = Release::current(&shelf)?;
        let committed = release::commit(&shelf, &change)?;
        let Some(current) = committed.release else {
            continue;
        };
        if let Some(shipping) = &night.shipping {
            shipping.ship(night.plan, &audience).await?;
        }
        let latest = |mart: &str| match &night.shipping {
            Some(shipping) => shipping.latest(&audience, mart),
            None => shelf.latest(mart),
        };
        let marts: Vec<PublishedMart> = change
            .marts
            .iter()
            .map(|(mart, released)| PublishedMart {
                mart: mart.clone(),
                rows: released.rows,
                path: latest(mart),
                changed: before.as_ref().and_then(|r| r.marts.get(mart)) != Some(released),
            })
            .collect();
        night.listener.event(&Event::Published {
            audience: audience.clone(),
            release: current.release,
            marts: marts.clone(),
        });
        published.extend(marts.into_iter().map(|m| (audience.clone(), m)));
    }
    Ok(published)
}

/// The chosen marts of an audience.
fn marts<'a>(
    plan: &'a Plan,
    chosen: &[&TableName],
    audience: &str,
) -> Vec<(&'a Node, &'a MartNode)> {
    plan.nodes
        .iter()
        .filter(|n| chosen.contains(&&n.name))
        .filter_map(|n| match &n.body {
            Body::Mart(mart) if mart.spec.publish.iter().any(|p| *p.audience == *audience) => {
                Some((n, mart.as_ref()))
            }
            _ => None,
        })
        .collect()
}

/// Marts of the release that the project no longer publishes to this audience.
fn retired(plan: &Plan, audience: &str, shelf: &Shelf) -> Result<BTreeSet<String>> {
    let all: Vec<&TableName> = plan.nodes.iter().map(|n| &n.name).collect();
    let declared: BTreeSet<String> = marts(plan, &all, audience)
        .into_iter()
        .map(|(n, _)| n.name.name.clone())
        .collect();
    let current = Release::current(shelf)?
        .map(|r| r.marts)
        .unwrap_or_default();
    Ok(current
        .into_keys()
        .filter(|m| !declared.contains(m))
        .collect())
}

fn write_version(
    night: &Night<'_>,
    shelf: &Shelf,
    node: &Node,
    mart: &MartNode,
    targets: &Targets,
) -> Result<Released> {
    let record = record(night, &node.name)?;
    let provenance = provenance(night, node, mart, record, None);
    if let Some(manifest) = version::existing(shelf, &provenance.mart, &provenance.version)? {
        return Ok(Released::from(&manifest));
    }
    let rates = RateColumns::new(&node.name.name, &mart.spec, &mart.contract, targets)?;
    let file = candidate(night, record)?;
    let rows = engine::read(&file)?.map(|batch| rates.add(&batch?));
    let written = version::write(
        shelf,
        provenance,
        rates.schema(),
        &mart.spec.rates,
        rows,
        |_| Ok(()),
    )?;
    Ok(Released::from(&written.manifest))
}

/// The exact rows of a mart that passed its checks.
pub(super) fn candidate(night: &Night<'_>, record: &NodeRecord) -> Result<PathBuf> {
    let file = record.made.files.first().map(|f| night.lake.root().join(f));
    file.ok_or_else(|| Diagnostic::bug("a mart without a candidate").into())
}

pub(super) fn provenance(
    night: &Night<'_>,
    node: &Node,
    mart: &MartNode,
    record: &NodeRecord,
    policy: Option<&Rules>,
) -> Provenance {
    let ingredients = &record.ingredients;
    let mut provenance = Provenance {
        mart: node.name.name.clone(),
        version: String::new(),
        run: String::new(),
        pipeline: node.pipeline.clone(),
        description: node.description.clone().unwrap_or_default(),
        grain: mart
            .spec
            .grain
            .iter()
            .map(|g| g.as_str().to_owned())
            .collect(),
        inputs: inputs(night, node),
        sql_hash: ingredients.sql.clone().unwrap_or_default(),
        contract_hash: ingredients.contract.clone(),
        parameters: parameters(night, node),
        as_of: ingredients.as_of.map(|d| d.to_string()),
        policy: None,
        checks: record
            .checks
            .iter()
            .map(|c| CheckSummary {
                name: c.name.clone(),
                kind: c.kind.clone(),
                outcome: c.verdict().word().to_owned(),
                broken: Some(c.broken),
                total: Some(c.total),
            })
            .collect(),
    };
    let mut control = String::new();
    if let Some(policy) = policy {
        provenance = provenance.under(policy);
        control = format!(
            " {DISCLOSURE_VERSION} {:?} {:?}",
            mart.spec.disclosure.said(),
            mart.relations
        );
    }
    // Named by everything that will be written and by what writes it, so that the same inputs give
    // the same bytes, whenever and in however many runs they came; `lake/state/runs` says which run
    // made which version when.
    let written = format!(
        "{PUBLISH_VERSION} {} {} {}{control}",
        ingredients.key(),
        record.made.content,
        serde_json::to_string(&provenance).unwrap_or_default()
    );
    let name = hash(written.as_bytes());
    provenance.version = name[..20].to_owned();
    provenance.run = name[20..40].to_owned();
    provenance
}

/// The parameters of a mart's own SQL and of all SQL upstream, as `pipeline.name`.
fn parameters(night: &Night<'_>, node: &Node) -> BTreeMap<String, String> {
    let own = BTreeSet::from([node.name.clone()]);
    let tables = crate::compile::select::with_inputs(night.plan, &own);
    let nodes = night.plan.nodes.iter().filter(|n| tables.contains(&n.name));
    nodes
        .filter_map(|n| Some((n, night.records.get(&n.name)?)))
        .flat_map(|(n, record)| {
            let parameters = record.ingredients.parameters.iter();
            parameters.map(|(name, value)| (format!("{}.{name}", n.pipeline), value.clone()))
        })
        .collect()
}

/// Tables with all that their rows come from. A list of cancelled submissions is none of it: what it
/// decides shows in which files a source names.
fn rows_from(plan: &Plan, mut tables: BTreeSet<TableName>) -> BTreeSet<TableName> {
    for node in plan.nodes.iter().rev() {
        if !tables.contains(&node.name) {
            continue;
        }
        let list = match &node.body {
            Body::Source(source) => source.files.supersede.as_ref(),
            Body::Model(_) | Body::Mart(_) | Body::System(_) => None,
        };
        let list = list.and_then(|s| s.cancelled.as_ref());
        let list = list.and_then(|name| TableName::parse(name));
        tables.extend(
            node.inputs
                .iter()
                .filter(|i| Some(*i) != list.as_ref())
                .cloned(),
        );
    }
    tables
}

/// Everything a mart was made from, near and far: models by their content, sources file by file.
fn inputs(night: &Night<'_>, node: &Node) -> Vec<Input> {
    let tables: BTreeSet<TableName> = node.inputs.iter().cloned().collect();
    let mut inputs = Vec::new();
    for table in rows_from(night.plan, tables) {
        let Some(record) = night.records.get(&table) else {
            continue;
        };
        if table.is_received() {
            inputs.extend(record.made.origins.iter().map(|o| Input {
                table: table.to_string(),
                file: Some(o.file.clone()),
                hash: o.hash.clone(),
                rows: Some(o.good),
            }));
        } else {
            inputs.push(Input {
                table: table.to_string(),
                file: None,
                hash: record.made.content.clone(),
                rows: Some(record.made.rows.unwrap_or_default()),
            });
        }
    }
    inputs
}

/// The targets, if any mart has one.
fn targets(night: &Night<'_>) -> Result<Targets> {
    let table = TableName::new(TableKind::Reference, "targets");
    let Some(record) = night.records.get(&table) else {
        return Targets::new([]);
    };
    let mut batches = Vec::new();
    for file in record.files(&night.lake) {
        for batch in engine::read(&file)? {
            batches.push(batch?);
        }
    }
    Targets::from_batches(&batches)
}

pub(super) fn record<'a>(night: &'a Night<'_>, table: &TableName) -> Result<&'a NodeRecord> {
    night.records.get(table).map(AsRef::as_ref).ok_or_else(|| {
        Diagnostic::error(Code::State, format!("{table} was not made"))
            .at(DataPlace::file(night.lake.root().display().to_string()))
            .into()
    })
}
