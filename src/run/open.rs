//! What has been made, opened for reading: for questions, not for the night.

use std::collections::BTreeSet;

use datafusion::execution::context::SessionContext;

use crate::compile::{self, Body, Plan, SystemTable, TableName, select};
use crate::diag::{Code, Diagnostic, Result};
use crate::engine;
use crate::publish::Release;
use crate::store::Lake;
use crate::store::paths::Shelf;

use super::night::as_of;
use super::record::NodeRecord;
use super::system;

/// Makes tables known to a session: marts as readers see them, everything else as last made.
///
/// # Errors
/// When a table was never made.
pub async fn open(
    plan: &Plan,
    context: &SessionContext,
    tables: &BTreeSet<TableName>,
) -> Result<()> {
    let lake = Lake::new(&plan.settings.lake);
    // The warehouse's own tables are there whether or not a pipeline reads them.
    let named = tables.iter().filter(|t| plan.node(t).is_none());
    for table in named {
        if let Some(own) = SystemTable::of(table) {
            let records = |table: &TableName| NodeRecord::load(&lake, table);
            let rows = system::told(plan, own, records)?.rows;
            engine::register_rows(context, table, rows)?;
        }
    }
    // Views are worked out from what they read.
    let views = views(plan, tables);
    for node in plan
        .nodes
        .iter()
        .filter(|n| tables.contains(&n.name) || views.contains(&n.name))
    {
        if let Body::System(own) = &node.body {
            let records = |table: &TableName| NodeRecord::load(&lake, table);
            let rows = system::told(plan, *own, records)?.rows;
            engine::register_rows(context, &node.name, rows)?;
            continue;
        }
        if let Body::Mart(mart) = &node.body
            && tables.contains(&node.name)
            && let Some(path) = published(plan, &node.name.name, mart)?
        {
            engine::register_files(context, &node.name, &mart.published, &[path], None, None)?;
            continue;
        }
        let Some(record) = NodeRecord::load(&lake, &node.name)? else {
            return Err(
                Diagnostic::error(Code::State, format!("{} was never made", node.name))
                    .hint(format!("run `martlet run {}`", node.name))
                    .into(),
            );
        };
        if let Body::Model(model) = &node.body
            && record.made.files.is_empty()
        {
            let logical = compile::ready_query(&context.state(), &model.query, as_of(plan)).await?;
            engine::register_view(context, &node.name, logical)?;
            continue;
        }
        let files = record.files(&lake);
        engine::register_files(context, &node.name, &node.schema, &files, None, None)?;
    }
    Ok(())
}

/// The views among the tables, with all that they read.
fn views(plan: &Plan, tables: &BTreeSet<TableName>) -> BTreeSet<TableName> {
    let is_view = |name: &TableName| {
        plan.node(name).is_some_and(|n| match &n.body {
            Body::Model(model) => model.materialized == crate::spec::Materialized::View,
            _ => false,
        })
    };
    let views: BTreeSet<TableName> = tables.iter().filter(|t| is_view(t)).cloned().collect();
    select::with_inputs(plan, &views)
}

/// The file readers see, in the first audience that has one.
fn published(
    plan: &Plan,
    mart: &str,
    node: &compile::MartNode,
) -> Result<Option<std::path::PathBuf>> {
    for publish in &node.spec.publish {
        let shelf = Shelf::new(&plan.settings.published, &publish.audience);
        if let Some(release) = Release::current(&shelf)?
            && let Some(entry) = release.marts.get(mart)
        {
            return Ok(Some(shelf.part(mart, &entry.version)));
        }
    }
    Ok(None)
}
