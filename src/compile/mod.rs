//! Spec and SQL to a [`Plan`]: names, graph, contracts. Collects every error, reads no data.
//!
//! The phases are those of `project` and `tables`: collect the names; check the sources; parse the SQL and
//! find what it reads; order the tables; plan each query on the declared columns of its inputs,
//! and hold what it yields against its contract. A table whose inputs are at fault is not
//! planned: its own errors would be echoes.

mod absent;
pub mod bounds;
mod build_side;
mod checks;
mod columns_read;
pub mod contract;
mod diagnose;
mod dialects;
pub mod disclosure;
mod from_first;
mod graph;
pub mod indicators;
pub mod lineage;
mod marts;
mod names;
mod plan;
mod project;
mod rates;
mod ready;
pub mod relations;
mod remote;
mod rules;
pub mod select;
pub mod session;
mod sources;
pub mod sql;
mod submissions;
mod system;
mod table;
mod tables;
mod text_literals;

pub use columns_read::ColumnsRead;
pub use diagnose::{plan as plan_query, plan_checked as plan_checked_query, translate};
pub use plan::{
    Body, Bound, DropRule, MartNode, ModelNode, Node, Plan, PlannedCheck, Query, RowRule, RowTest,
    SourceNode,
};
pub use project::{PublishedSchema, compile};
pub use ready::ready_query;
pub use system::SystemTable;
pub use table::{TableKind, TableName};
