//! What the YAML may say: one file per element, typed, every value with its span.
//!
//! A text goes through three passes. [`yaml`] reads it into a tree of [`node::Node`]s, each with
//! its place. [`structure`] holds the tree against the JSON Schema that is generated from the
//! types ([`schema`]), and reports every unknown key, missing key and wrong value at once: what an
//! editor completes is exactly what the check enforces. Then the same text is read into the types,
//! which cannot fail any more. Nothing here knows SQL, tables or disks other than the project's.

pub mod check;
pub mod column;
pub mod date_format;
pub mod disclosure;
pub mod entries;
pub mod indicator;
pub mod location;
pub mod mart;
pub mod model;
pub mod node;
pub mod parameter;
pub mod pipeline;
pub mod project;
pub mod reader;
mod remote;
pub mod schema;
pub mod settings;
pub mod source;
pub mod span;
pub mod stores;
pub mod structure;
pub mod threshold;
pub mod unit_test;
pub mod warehouse;
pub mod yaml;

pub use check::{ColumnCheck, OnFail, RowCheck, TableCheck};
pub use column::{Column, ColumnType};
pub use date_format::{DateFormat, Gives};
pub use disclosure::{Disclosure, Policy};
pub use entries::Entries;
pub use indicator::Indicator;
pub use location::{Location, StoreKind, StoreName, StoreUrl};
pub use mart::{Mart, MartColumn, Publish, Rate, Unit};
pub use model::{Materialized, Model};
pub use parameter::Parameter;
pub use pipeline::Pipeline;
pub use project::{PipelineFile, Project};
pub use reader::Reader;
pub use settings::Settings;
pub use source::{Files, Sensitivity, Source};
pub use span::Sp;
pub use stores::StoreOptions;
pub use threshold::Threshold;
pub use warehouse::Warehouse;
