//! A checked query on the tables that a session has now. Checking made its optimised plan on empty
//! tables; it is the same on any others of those columns, and making it costs more than the rows of a
//! small table do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::error::Result;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::{LogicalPlan, TableType};

use super::{Query, diagnose, session};

/// The optimised plan of a query that was checked.
///
/// # Errors
/// Everything the engine has to say, where the tables are not those that it was checked on.
pub async fn ready_query(
    state: &SessionState,
    query: &Query,
    as_of: NaiveDate,
) -> crate::diag::Result<LogicalPlan> {
    if let Some(kept) = query.optimised.get()
        && let Ok(Some(plan)) = on_tables(state, kept).await
    {
        return Ok(plan);
    }
    diagnose::plan_checked(state, &query.source, query.at(as_of)).await
}

/// The plan on the session's tables; nothing if one has other columns, or is a view, which the
/// optimiser would have looked into.
async fn on_tables(state: &SessionState, plan: &LogicalPlan) -> Result<Option<LogicalPlan>> {
    let mut names = BTreeSet::new();
    session::reading(plan, |scan| {
        names.insert(scan.table_name.clone());
        None
    })?;
    let mut tables: BTreeMap<TableReference, Arc<dyn TableProvider>> = BTreeMap::new();
    for name in names {
        let found = state
            .schema_for_ref(name.clone())?
            .table(name.table())
            .await?;
        match found {
            Some(table) if table.table_type() != TableType::View => tables.insert(name, table),
            _ => return Ok(None),
        };
    }
    let mut alike = true;
    let plan = session::reading(plan, |scan| {
        let table = tables.get(&scan.table_name)?;
        alike &= table.schema() == scan.source.schema();
        Some(Arc::clone(table))
    })?;
    Ok(alike.then_some(plan.data))
}
