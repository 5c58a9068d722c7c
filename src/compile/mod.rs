//! Spec and SQL to a [`Plan`]: names, graph, contracts. Collects every error, reads no data.

pub mod contract;
mod plan;
mod table;

pub use plan::{Body, MartNode, ModelNode, Node, Plan, PlannedCheck, Query, RowRule, SourceNode};
pub use table::{TableKind, TableName};
