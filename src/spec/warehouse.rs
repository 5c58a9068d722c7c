//! The warehouse's settings: defaults < `config/warehouse.yaml` < `config/targets/<name>.yaml` <
//! environment < flags.

use schemars::JsonSchema;
use serde::Deserialize;

use super::source::Files;
use super::{Entries, Policy, Sp, StoreOptions};

/// Settings, as one layer has them; what is not said is left to the layer below.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Warehouse {
    /// The warehouse's name, shown in manifests.
    pub name: Option<String>,
    /// The target when none is named. Default: dev. Only in `config/warehouse.yaml`.
    pub default_target: Option<Sp<String>>,
    /// Where files arrive: a folder, or a URL such as `s3://bucket/prefix` or `az://container/prefix`.
    pub inbox: Option<Sp<String>>,
    /// Our own folder, on this machine; readers have no business there. Each target has its own.
    pub lake: Option<Sp<String>>,
    /// Where readers look, one folder per audience: a folder or a URL. Each target has its own.
    pub published: Option<Sp<String>>,
    /// The run's clock, such as 2026-03-31. Default: today.
    #[schemars(regex(pattern = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub as_of: Option<Sp<String>>,
    /// In place of every source's own `stable_for`; `0s` for a folder that nobody copies into.
    #[schemars(regex(pattern = r"^[0-9]+(s|m|h)$"))]
    pub stable_for: Option<Sp<String>>,
    /// Memory for queries, such as `2GiB`. Default: 2GiB.
    #[schemars(regex(pattern = r"^[0-9]+ ?(MiB|GiB)$"))]
    pub memory_limit: Option<Sp<String>>,
    /// Disk for what does not fit in memory, such as `50GiB`. Default: 50GiB.
    #[schemars(regex(pattern = r"^[0-9]+ ?(MiB|GiB)$"))]
    pub spill_limit: Option<Sp<String>>,
    /// Partitions of a query; the result does not depend on it. Default: 2.
    #[schemars(range(min = 1, max = 256))]
    pub partitions: Option<u32>,
    /// Who may read published copies. Default: alliance.
    pub audiences: Option<Vec<Sp<String>>>,
    /// Of these audiences, those that may have rows about single people, under pseudonyms. Default: none.
    pub person_level: Option<Vec<Sp<String>>>,
    /// Of these audiences, those whose copies need a policy: what they get is withheld and rounded by
    /// its rules, or is open data. Default: none.
    pub policy_required: Option<Vec<Sp<String>>>,
    /// Rules by which small numbers are kept from copies: `small_numbers: { round_to: 5 }`. Only in
    /// `config/warehouse.yaml`.
    pub policies: Entries<Policy>,
    /// What `run` takes when nothing is selected. Default: everything.
    pub select: Option<Vec<Sp<String>>>,
    /// Where the key of the pseudonyms is. Only a reference, never the key.
    pub pseudonym_key: Option<Sp<SecretReference>>,
    /// Other files for a source or reference in this target: `reference.imd_2019: { files: … }`.
    pub sources: Entries<SourceOverride>,
    /// How to reach the stores that URLs name: `"s3://bucket": { region: eu-west-2 }`.
    pub stores: Entries<StoreOptions>,
}

/// What differs for a source in one target: other files, or none.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceOverride {
    /// Replaces the source's `files`, whole.
    pub files: Option<Files>,
    /// This target has nothing of it: no rows, nothing to look for, never late, and no key needed.
    /// `false`: it has what the pipeline says is absent, where the pipeline says.
    pub absent: Option<bool>,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecretReference {
    /// In this environment variable.
    Env(String),
    /// In this file, relative to the project; surrounding white space is dropped.
    File(String),
}

macro_rules! combine {
    ($self:ident, $below:ident, $($field:ident),+) => {
        Warehouse { $($field: $self.$field.or($below.$field),)+ sources: {
            let mut sources = $below.sources;
            for (name, source) in $self.sources.iter() {
                sources.set(name.clone(), source.clone());
            }
            sources
        }, policies: $below.policies, stores: {
            let mut stores = $below.stores;
            for (name, options) in $self.stores.iter() {
                stores.set(name.clone(), options.clone());
            }
            stores
        } }
    };
}

impl Warehouse {
    /// This layer over the one below.
    #[must_use]
    pub fn over(self, below: Self) -> Self {
        combine!(
            self,
            below,
            name,
            default_target,
            inbox,
            lake,
            published,
            as_of,
            stable_for,
            memory_limit,
            spill_limit,
            partitions,
            audiences,
            person_level,
            policy_required,
            select,
            pseudonym_key
        )
    }
}
