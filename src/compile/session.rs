//! The dialect: one session configuration for checking, running, testing and querying, so that
//! what checks is what runs.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Fields, Schema, SchemaRef};
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, TableProvider,
};
use datafusion::common::TableReference;
use datafusion::common::config::Dialect;
use datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{LogicalPlan, TableScan};
use datafusion::prelude::SessionConfig;

use crate::diag::{Diagnostic, Diagnostics, Result};

use super::{TableKind, TableName, build_side, text_literals};

/// The catalogue that tables stand in; nobody types it.
const CATALOG: &str = "martlet";

/// Rows of a batch: tables of some thirty columns cost less by fewer, longer batches.
pub const BATCH_ROWS: usize = 1 << 15;

/// What makes our functions known to a session. What they are, this module need not know.
pub type Functions = fn(&SessionContext);

/// The configuration every session has.
///
/// Texts are views while they are worked with, numbers with a point are decimals, places are kept.
pub fn config(partitions: usize) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_target_partitions(partitions.max(1))
        .with_batch_size(BATCH_ROWS)
        .with_default_catalog_and_schema(CATALOG, TableKind::Model.word())
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false);
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = true;
    options.sql_parser.dialect = Dialect::PostgreSQL;
    options.execution.parquet.schema_force_view_types = true;
    options.execution.parquet.pushdown_filters = false;
    // The check compares nullability that the planner itself loses: `BOOL_OR(x) IS TRUE` below a
    // filtered count fails it. Types are held against contracts by us.
    options.execution.skip_physical_aggregate_schema_check = true;
    // Statistics come from footers that we wrote.
    options.execution.collect_statistics = true;
    config
}

/// A session with our four schemas and our functions, and no tables yet.
pub fn context(
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    functions: Functions,
) -> SessionContext {
    let catalog = MemoryCatalogProvider::new();
    for kind in TableKind::ALL {
        // A new catalogue has room for a new schema: there is nothing to fail.
        let _ = catalog.register_schema(kind.word(), Arc::new(MemorySchemaProvider::new()));
    }
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_analyzer_rules(text_literals::rules())
        .with_physical_optimizer_rules(build_side::rules())
        .build();
    let context = SessionContext::new_with_state(state);
    context.register_catalog(CATALOG, Arc::new(catalog));
    functions(&context);
    context
}

/// How a table is named to the engine.
pub fn reference(table: &TableName) -> TableReference {
    TableReference::partial(table.kind.word(), table.name.clone())
}

/// Makes a table known to a session, in place of one of that name.
///
/// # Errors
/// Only by a fault of ours.
pub fn register(
    context: &SessionContext,
    table: &TableName,
    provider: Arc<dyn TableProvider>,
) -> Result<()> {
    let bug =
        |e: datafusion::error::DataFusionError| Diagnostics::from(Diagnostic::bug(e.to_string()));
    context.deregister_table(reference(table)).map_err(bug)?;
    context
        .register_table(reference(table), provider)
        .map_err(bug)?;
    Ok(())
}

/// Makes a table known by its columns alone, with no rows.
///
/// # Errors
/// Only by a fault of ours.
pub fn register_empty(
    context: &SessionContext,
    table: &TableName,
    schema: SchemaRef,
) -> Result<()> {
    register(
        context,
        table,
        Arc::new(EmptyTable::new(in_memory(&schema))),
    )
}

/// Shows what a plan reads of tables.
///
/// # Errors
/// Only by a fault of ours.
pub fn scans(plan: &LogicalPlan, mut see: impl FnMut(&TableScan)) -> datafusion::error::Result<()> {
    let walked = plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            see(scan);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walked.map(|_| ())
}

/// The plan on other tables, where `other` has one for what it reads, of the same columns.
///
/// # Errors
/// Only by a fault of ours.
pub fn reading(
    plan: &LogicalPlan,
    mut other: impl FnMut(&TableScan) -> Option<Arc<dyn TableProvider>>,
) -> datafusion::error::Result<Transformed<LogicalPlan>> {
    plan.clone()
        .transform_down_with_subqueries(|node| match node {
            LogicalPlan::TableScan(mut scan) => Ok(match other(&scan) {
                Some(table) => {
                    scan.source = provider_as_source(table);
                    Transformed::yes(LogicalPlan::TableScan(scan))
                }
                None => Transformed::no(LogicalPlan::TableScan(scan)),
            }),
            other => Ok(Transformed::no(other)),
        })
}

/// The same columns, each of which may be null: nulls where none may be are the checks' business,
/// because they say which rows.
pub fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema
        .fields()
        .iter()
        .map(|f| f.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A table's columns as queries hold them: texts as views, which are moved, compared and hashed
/// without copying them about. What is written are plain strings again.
pub fn in_memory(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
        _ => Arc::clone(field),
    });
    Arc::new(Schema::new(fields.collect::<Fields>()))
}
