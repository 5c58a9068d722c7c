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

use super::{Body, Plan, Query, TableName, diagnose, session};

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

/// The columns of tables that the queries of a plan read.
#[derive(Debug)]
pub struct ColumnsRead(BTreeMap<TableName, Option<BTreeSet<String>>>);

impl ColumnsRead {
    /// Those of all queries of a plan.
    pub fn by(plan: &Plan) -> Self {
        let mut read = BTreeMap::new();
        for node in &plan.nodes {
            let query = match &node.body {
                Body::Model(model) => &model.query,
                Body::Mart(mart) => &mart.query,
                Body::Source(_) | Body::System(_) => continue,
            };
            let scans = query.optimised.get().and_then(scanned);
            for input in &node.inputs {
                let columns = scans.as_ref().and_then(|scans| scans.get(input));
                let so_far = read
                    .entry(input.clone())
                    .or_insert_with(|| Some(BTreeSet::new()));
                match (so_far.as_mut(), columns) {
                    (Some(so_far), Some(columns)) => so_far.extend(columns.iter().cloned()),
                    _ => *so_far = None,
                }
            }
        }
        Self(read)
    }

    /// Those of a table; nothing if that is not known.
    pub fn of(&self, table: &TableName) -> Option<&BTreeSet<String>> {
        self.0.get(table)?.as_ref()
    }
}

/// The columns of each table that a plan scans.
fn scanned(plan: &LogicalPlan) -> Option<BTreeMap<TableName, BTreeSet<String>>> {
    let mut columns: BTreeMap<TableName, BTreeSet<String>> = BTreeMap::new();
    let mut named = true;
    let walked = session::reading(plan, |scan| {
        match TableName::parse(&scan.table_name.to_string()) {
            Some(table) => {
                let fields = scan.projected_schema.fields().iter();
                let filtered = scan.filters.iter().flat_map(|filter| filter.column_refs());
                let names = fields.map(|field| field.name().clone());
                let names = names.chain(filtered.map(|column| column.name.clone()));
                columns.entry(table).or_default().extend(names);
            }
            None => named = false,
        }
        None
    });
    (walked.is_ok() && named).then_some(columns)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::datasource::{MemTable, ViewTable};
    use datafusion::execution::context::SessionContext;
    use datafusion::physical_plan::collect;

    use super::*;
    use crate::compile::TableKind;
    use crate::compile::sql;
    use crate::diag::SourceText;

    fn table() -> TableName {
        TableName::new(TableKind::Source, "visits")
    }

    fn visits(column: &str, days: &[i64]) -> RecordBatch {
        let days: ArrayRef = Arc::new(Int64Array::from(days.to_vec()));
        let who: ArrayRef = Arc::new(StringArray::from(vec!["somebody"; days.len()]));
        let columns = [(column, days, true), ("who", who, true)];
        RecordBatch::try_from_iter_with_nullable(columns).expect("rows")
    }

    fn know(context: &SessionContext, rows: RecordBatch) {
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).expect("a table");
        session::register(context, &super::tests::table(), Arc::new(table)).expect("registers");
    }

    /// The sum that a query checked on no rows finds on the session's table, if it finds one.
    async fn sum(know: impl FnOnce(&SessionContext)) -> Option<i64> {
        let checked = session::context(session::config(1), Arc::default(), |_| {});
        let schema = visits("days", &[]).schema();
        session::register_empty(&checked, &table(), schema).expect("registers");
        let text = "SELECT SUM(days) AS days FROM source.visits WHERE who = 'somebody'";
        let source = SourceText::new("a.sql", text);
        let statement = sql::parse(&source).expect("parses");
        let query = sql::query(&source, statement, &BTreeMap::new()).expect("a query");
        let day = NaiveDate::default();
        let state = checked.state();
        let plan = diagnose::written(&state, &source, &query.at(day))
            .await
            .expect("plans");
        query
            .optimised
            .set(state.optimize(&plan).expect("optimises"))
            .expect("is set");

        let night = session::context(session::config(2), Arc::default(), |_| {});
        know(&night);
        let state = night.state();
        let ready = ready_query(&state, &query, day).await.ok()?;
        let physical = state
            .query_planner()
            .create_physical_plan(&ready, &state)
            .await;
        let rows = collect(physical.expect("plans"), night.task_ctx())
            .await
            .expect("runs");
        let days = rows[0].column(0).as_primitive::<Int64Type>();
        Some(days.value(0))
    }

    #[tokio::test]
    async fn a_query_that_was_checked_on_no_rows_finds_those_of_the_night() {
        assert_eq!(
            sum(|night| know(night, visits("days", &[1, 2, 4]))).await,
            Some(7)
        );
    }

    #[tokio::test]
    async fn a_view_is_looked_into() {
        let night = |night: &SessionContext| {
            know(night, visits("days", &[3, 5]));
            let state = night.state();
            let catalog = state
                .catalog_list()
                .catalog("martlet")
                .expect("a catalogue");
            let rows = catalog.schema("source").expect("a schema");
            let rows = futures::executor::block_on(rows.table("visits")).expect("asks");
            let plan = datafusion::logical_expr::LogicalPlanBuilder::scan(
                "visits",
                datafusion::datasource::provider_as_source(rows.expect("a table")),
                None,
            );
            let plan = plan.expect("scans").build().expect("a plan");
            let view = Arc::new(ViewTable::new(plan, None));
            session::register(night, &table(), view).expect("registers");
        };
        assert_eq!(sum(night).await, Some(8));
    }

    #[tokio::test]
    async fn a_table_of_other_columns_is_planned_anew() {
        assert_eq!(sum(|night| know(night, visits("weeks", &[1]))).await, None);
    }
}
