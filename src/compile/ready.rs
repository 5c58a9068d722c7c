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
    session::scans(plan, |scan| {
        names.insert(scan.table_name.clone());
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

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::datasource::{MemTable, ViewTable};
    use datafusion::execution::context::SessionContext;
    use datafusion::physical_plan::collect;

    use super::*;
    use crate::compile::sql;
    use crate::compile::{TableKind, TableName};
    use crate::diag::SourceText;

    fn table() -> TableName {
        TableName::new(TableKind::Source, "visits")
    }

    fn visits(column: &str, days: &[i64]) -> MemTable {
        let who: ArrayRef = Arc::new(StringViewArray::from(vec!["somebody"; days.len()]));
        let days: ArrayRef = Arc::new(Int64Array::from(days.to_vec()));
        let columns = [(column, days, true), ("who", who, true)];
        let rows = RecordBatch::try_from_iter_with_nullable(columns).expect("rows");
        MemTable::try_new(rows.schema(), vec![vec![rows]]).expect("a table")
    }

    fn know(context: &SessionContext, rows: impl TableProvider + 'static) {
        session::register(context, &table(), Arc::new(rows)).expect("registers");
    }

    fn query(select: &str) -> Query {
        let source = SourceText::new("a.sql", select);
        let statement = sql::parse(&source).expect("parses");
        sql::query(&source, statement, &BTreeMap::new()).expect("a query")
    }

    /// What a query finds on the session's table, if it finds something. The plan that is kept is of ten
    /// times the sum, so that it shows which was run.
    async fn sum(night: &SessionContext) -> Option<i64> {
        let checked = session::context(session::config(1), Arc::default(), |_| {});
        know(&checked, visits("days", &[]));
        let (state, day) = (checked.state(), NaiveDate::default());
        let from = "FROM source.visits WHERE who = 'somebody'";
        let kept = query(&format!("SELECT 10 * SUM(days) AS days {from}"));
        let kept = diagnose::plan_checked(&state, &kept.source, kept.at(day)).await;
        let query = query(&format!("SELECT SUM(days) AS days {from}"));
        query.optimised.set(kept.expect("plans")).expect("is set");

        let state = night.state();
        let ready = ready_query(&state, &query, day).await.ok()?;
        let physical = state
            .query_planner()
            .create_physical_plan(&ready, &state)
            .await;
        let rows = collect(physical.expect("plans"), night.task_ctx())
            .await
            .expect("runs");
        Some(rows[0].column(0).as_primitive::<Int64Type>().value(0))
    }

    fn night() -> SessionContext {
        session::context(session::config(2), Arc::default(), |_| {})
    }

    #[tokio::test]
    async fn the_plan_that_is_kept_is_run_on_the_rows_of_the_night() {
        let night = night();
        know(&night, visits("days", &[1, 2, 4]));
        assert_eq!(sum(&night).await, Some(70));
    }

    #[tokio::test]
    async fn a_view_is_planned_anew() {
        let night = night();
        know(&night, visits("days", &[3, 5]));
        let rows = night
            .table(session::reference(&table()))
            .await
            .expect("a table");
        know(&night, ViewTable::new(rows.into_unoptimized_plan(), None));
        assert_eq!(sum(&night).await, Some(8));
    }

    #[tokio::test]
    async fn a_table_of_other_columns_is_planned_anew() {
        let night = night();
        know(&night, visits("weeks", &[1]));
        assert_eq!(sum(&night).await, None);
    }
}
