//! Which columns of which tables the queries of a plan read: what is held in memory need hold no others.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::logical_expr::LogicalPlan;

use super::{Body, Plan, TableName, session};

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
    let walked = session::scans(plan, |scan| {
        let Some(table) = TableName::parse(&scan.table_name.to_string()) else {
            named = false;
            return;
        };
        let fields = scan.projected_schema.fields().iter();
        let filtered = scan.filters.iter().flat_map(|filter| filter.column_refs());
        let names = fields.map(|field| field.name().clone());
        let names = names.chain(filtered.map(|column| column.name.clone()));
        columns.entry(table).or_default().extend(names);
    });
    (walked.is_ok() && named).then_some(columns)
}
