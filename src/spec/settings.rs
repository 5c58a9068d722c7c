//! The settings of one target: all layers put together, every value typed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText, did_you_mean};

use super::warehouse::SecretReference;
use super::{
    Entries, Location, Policy, Sp, StoreName, StoreOptions, StoreUrl, Warehouse, remote,
    warehouse::SourceOverride,
};

/// What a target is, with every default filled in and every path absolute or below the project.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The target's name.
    pub target: String,
    /// The warehouse's name.
    pub name: String,
    /// The folder that files are read from: the inbox, or our copy of it if it is remote.
    pub inbox: PathBuf,
    /// Where the inbox is, if not on this machine.
    pub remote_inbox: Option<StoreUrl>,
    /// Our own folder.
    pub lake: PathBuf,
    /// The folder that marts are written to: the readers', or our shelf if theirs is remote.
    pub published: PathBuf,
    /// Where readers look, if not on this machine.
    pub remote_published: Option<StoreUrl>,
    /// How to reach stores.
    pub stores: Entries<StoreOptions>,
    /// The run's clock, if a layer sets it.
    pub as_of: Option<NaiveDate>,
    /// In place of every source's own `stable_for`.
    pub stable_for: Option<Sp<String>>,
    /// Memory for queries, in bytes.
    pub memory_limit: usize,
    /// Disk for spilling, in bytes.
    pub spill_limit: u64,
    /// Partitions of a query.
    pub partitions: usize,
    /// Who may read published copies.
    pub audiences: Vec<String>,
    /// Of the audiences, those that may have rows about single people.
    pub person_level: Vec<String>,
    /// Of the audiences, those whose copies need a policy, unless they are open data.
    pub policy_required: Vec<String>,
    /// Rules by which small numbers are kept from copies.
    pub policies: Entries<Policy>,
    /// What `run` takes when nothing is selected.
    pub select: Vec<String>,
    /// Where the key of the pseudonyms is.
    pub pseudonym_key: Option<SecretReference>,
    /// Other files for sources, and the text that says so.
    pub sources: Entries<SourceOverride>,
    /// The text of the target's layer, for places.
    pub source: Arc<SourceText>,
}

/// The layers, lowest first.
pub(super) struct Layers {
    pub base: (Arc<SourceText>, Warehouse),
    pub target: Option<(Arc<SourceText>, Warehouse)>,
    pub overrides: Warehouse,
}

impl Settings {
    pub(super) fn resolve(root: &Path, target: &str, layers: Layers) -> Result<Self> {
        let mut found = Diagnostics::default();
        let (base_source, base) = layers.base;
        let (source, layer) = layers
            .target
            .unwrap_or_else(|| (Arc::clone(&base_source), Warehouse::default()));
        if let Some(misplaced) = &layer.default_target {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    "a target cannot say which target is the default",
                )
                .at(super::project::place_of(&source, misplaced))
                .hint("say it in config/warehouse.yaml"),
            );
        }
        if let Some((name, _)) = layer.policies.iter().next() {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    "a target cannot have policies of its own: readers of all targets are owed the same",
                )
                .at((&source, name.span()))
                .hint("say it in config/warehouse.yaml"),
            );
        }
        check_policies(&base_source, &base.policies, &mut found);
        // Spans of different layers must not be mixed up: values are checked layer by layer.
        for (text, values) in [(&base_source, &base), (&source, &layer)] {
            check_layer(text, values, &mut found);
        }
        check_flags(&layers.overrides, &mut found);
        let flags = layers.overrides;
        let all = flags.clone().over(layer.clone().over(base.clone()));
        for (text, values) in [(&base_source, &base), (&source, &layer)] {
            check_audiences(text, &values.person_level, &all, &mut found);
            check_audiences(text, &values.policy_required, &all, &mut found);
        }
        let (remote_inbox, remote_published) =
            (remote::url(&all.inbox), remote::url(&all.published));
        remote::check(
            &[
                (None, &flags),
                (Some(&source), &layer),
                (Some(&base_source), &base),
            ],
            &all,
            &mut found,
        );
        let folder = |value: &Option<Sp<String>>, default: String| {
            let below = match value.as_ref().map(|v| Location::parse(v)) {
                Some(Ok(Location::Folder(folder))) => folder,
                // A URL has its folder in the lake; what cannot be read was reported.
                _ => default,
            };
            // `./published` says no more than `published`.
            if root == Path::new(".") {
                PathBuf::from(&below)
            } else {
                root.join(&below)
            }
        };
        let suffix = if target == "dev" {
            String::new()
        } else {
            format!("-{target}")
        };
        let lake = folder(&all.lake, format!("lake{suffix}"));
        let readers = audiences(&all);
        let settings = Self {
            target: target.to_owned(),
            name: all.name.unwrap_or_else(|| "warehouse".to_owned()),
            inbox: match &remote_inbox {
                Some(url) => mirror(&lake, url),
                None => folder(&all.inbox, "inbox".to_owned()),
            },
            published: match &remote_published {
                Some(_) => lake.join("shelf"),
                None => folder(&all.published, format!("published{suffix}")),
            },
            remote_inbox,
            remote_published,
            stores: all.stores,
            lake,
            as_of: all.as_of.as_deref().and_then(|d| parse_date(d)),
            stable_for: all.stable_for,
            memory_limit: all
                .memory_limit
                .as_deref()
                .and_then(|s| parse_size(s))
                .unwrap_or(2 << 30) as usize,
            spill_limit: all
                .spill_limit
                .as_deref()
                .and_then(|s| parse_size(s))
                .unwrap_or(50 << 30),
            partitions: all.partitions.unwrap_or(2) as usize,
            audiences: readers,
            person_level: words(all.person_level),
            policy_required: words(all.policy_required),
            policies: all.policies,
            select: words(all.select),
            pseudonym_key: all.pseudonym_key.map(Sp::into_inner),
            sources: all.sources,
            source,
        };
        found.into_result(|| settings).map(|(settings, _)| settings)
    }
}

/// Who may read published copies.
fn audiences(all: &Warehouse) -> Vec<String> {
    all.audiences.as_ref().map_or_else(
        || vec!["alliance".to_owned()],
        |named| named.iter().map(|audience| (**audience).clone()).collect(),
    )
}

fn words(said: Option<Vec<Sp<String>>>) -> Vec<String> {
    let said = said.into_iter().flatten();
    said.map(Sp::into_inner).collect()
}

/// Reports policies that would round somebody to nobody; the ranges of the numbers are the schema's.
fn check_policies(text: &Arc<SourceText>, policies: &Entries<Policy>, found: &mut Diagnostics) {
    for (name, policy) in policies.iter() {
        if policy.round_to() > 2 * (policy.suppress_up_to() + 1) {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!(
                        "counts just above {} would be rounded to nobody",
                        policy.suppress_up_to()
                    ),
                )
                .at((text, policy.round_to.as_ref().map_or(name.span(), Sp::span)))
                .hint("suppress more, or round to less"),
            );
        }
    }
}

/// Reports audiences singled out that are no audiences.
fn check_audiences(
    text: &Arc<SourceText>,
    singled_out: &Option<Vec<Sp<String>>>,
    all: &Warehouse,
    found: &mut Diagnostics,
) {
    let known = audiences(all);
    for audience in singled_out.iter().flatten() {
        if !known.contains(audience) {
            found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("there is no audience `{}`", **audience),
                )
                .at((text, audience.span()))
                .hint(
                    did_you_mean(audience, known.iter().map(String::as_str))
                        .unwrap_or_else(|| "name it under `audiences` too".to_owned()),
                ),
            );
        }
    }
}

/// Where our copy of a remote folder is.
fn mirror(lake: &Path, url: &StoreUrl) -> PathBuf {
    lake.join("inbox").join(url.folder_name())
}

impl Settings {
    /// Where our copy of a remote folder is.
    pub fn mirror(&self, url: &StoreUrl) -> PathBuf {
        mirror(&self.lake, url)
    }

    /// How to reach a store, if anything is said about it.
    pub fn store(&self, store: &StoreName) -> Option<&StoreOptions> {
        remote::options_of(&self.stores, store)
    }
}

fn check_layer(source: &Arc<SourceText>, layer: &Warehouse, found: &mut Diagnostics) {
    if let Some(date) = &layer.as_of
        && parse_date(date).is_none()
    {
        found.push(
            Diagnostic::error(
                Code::WrongValue,
                format!("`{}` is not a day of the calendar", **date),
            )
            .at((source, date.span()))
            .hint("write it as 2026-03-31"),
        );
    }
    remote::check_layer(source, layer, found);
    let mut lake_and_published = layer.lake.iter().zip(layer.published.iter());
    if let Some((lake, published)) = lake_and_published.find(|(a, b)| a == b) {
        found.push(
            Diagnostic::error(
                Code::WrongValue,
                format!("lake and published are both `{}`", **lake),
            )
            .at((source, published.span()))
            .hint("readers must not see the lake: give each its own folder"),
        );
    }
}

fn check_flags(flags: &Warehouse, found: &mut Diagnostics) {
    remote::check_flags(flags, found);
    if let Some(date) = &flags.as_of
        && parse_date(date).is_none()
    {
        found.push(
            Diagnostic::error(Code::Usage, format!("--as-of `{}` is not a day", **date))
                .hint("write it as 2026-03-31"),
        );
    }
    if let Some(time) = &flags.stable_for
        && !is_length_of_time(time)
    {
        found.push(
            Diagnostic::error(
                Code::Usage,
                format!("--stable-for `{}` is not a length of time", **time),
            )
            .hint("write it as 30s, 5m or 2h"),
        );
    }
    for size in [&flags.memory_limit, &flags.spill_limit]
        .into_iter()
        .flatten()
    {
        if parse_size(size).is_none() {
            found.push(
                Diagnostic::error(
                    Code::Usage,
                    format!("`{}` is not an amount of memory", **size),
                )
                .hint("write it as 512MiB or 2GiB"),
            );
        }
    }
}

/// A date as YAML and flags write it.
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// Whether a text is `30s`, `5m` or `2h`.
fn is_length_of_time(text: &str) -> bool {
    text.strip_suffix(['s', 'm', 'h'])
        .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit()) && n.parse::<u32>().is_ok())
}

fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = [("GiB", 1_u64 << 30), ("MiB", 1 << 20)]
        .into_iter()
        .find_map(|(suffix, unit)| text.strip_suffix(suffix).map(|n| (n.trim(), unit)))?;
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)
        .filter(|n| *n > 0)
}
