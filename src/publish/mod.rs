//! From a candidate's counts to what readers see: rates, version, release, stable paths.
//!
//! A candidate that passed its checks goes through four rooms. [`rates`] works out proportions,
//! limits and targets from its counts. [`version`] writes them as one immutable Parquet file with
//! a [`manifest`], under a name made from what made it. [`release`] flips `release.json`, the one
//! commit point of all marts of an audience. [`latest`] then brings the stable paths that BI tools
//! open in line with the release.
//!
//! Before the flip nothing that readers use is touched: only new version folders appear, rows
//! first, manifest last, and a folder without a manifest counts for nothing. After the flip
//! [`latest::refresh`] can be killed and started again until it is done. So a run may stop at any
//! instant: readers have last night's numbers or tonight's, mart by mart whole, and the next run
//! begins with [`release::repair`].
//!
//! Where readers are not on this machine, all of this happens on a shelf of the lake, and [`ship`]
//! brings the release from there.
//!
//! Nothing here reads a clock or writes an absolute path: the same counts give the same bytes, and
//! what has not changed is not written.

pub mod latest;
pub mod manifest;
pub mod rates;
pub mod release;
pub mod schema;
pub mod ship;
pub mod targets;
pub mod version;

pub use manifest::{CheckSummary, Input, Manifest, Part, Provenance};
pub use rates::RateColumns;
pub use release::{Change, Committed, Release, Released};
pub use schema::published_schema;
pub use targets::{Target, Targets};
pub use version::{Version, VersionWriter};

#[cfg(test)]
mod tests;
