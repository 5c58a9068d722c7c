//! Which columns of which tables a plan reads, in its queries and to hold tables against one another:
//! what is held in memory need hold no others.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::logical_expr::LogicalPlan;

use super::{Body, Node, Plan, PlannedCheck, TableName, session};

/// The columns of tables that a plan reads.
#[derive(Debug)]
pub struct ColumnsRead(BTreeMap<TableName, Option<BTreeSet<String>>>);

impl ColumnsRead {
    /// Those of all queries of a plan, and of the totals that are compared.
    pub fn by(plan: &Plan) -> Self {
        let mut read = BTreeMap::new();
        for node in &plan.nodes {
            let (query, checks) = match &node.body {
                Body::Model(model) => (&model.query, &model.checks),
                Body::Mart(mart) => (&mart.query, &mart.checks),
                Body::Source(_) | Body::System(_) => continue,
            };
            let scans = query.optimised.get().and_then(scanned);
            for input in &node.inputs {
                let so_far = read
                    .entry(input.clone())
                    .or_insert_with(|| Some(BTreeSet::new()));
                match (so_far.as_mut(), &scans) {
                    // What only a check names is not scanned.
                    (Some(so_far), Some(scans)) => {
                        so_far.extend(scans.get(input).into_iter().flatten().cloned());
                    }
                    _ => *so_far = None,
                }
            }
            for check in checks {
                compared(node, check, &mut read);
            }
        }
        Self(read)
    }

    /// Those of a table; nothing if that is not known.
    pub fn of(&self, table: &TableName) -> Option<&BTreeSet<String>> {
        self.0.get(table)?.as_ref()
    }
}

/// Adds the columns of two tables that are held against one another.
fn compared(
    node: &Node,
    check: &PlannedCheck,
    read: &mut BTreeMap<TableName, Option<BTreeSet<String>>>,
) {
    let (other, named, there): (_, BTreeSet<String>, BTreeSet<String>) =
        match (&check.spec.reconciles, &check.spec.relationships) {
            (Some(reconciles), _) => {
                let named = reconciles.by.iter().chain(&reconciles.measure);
                let named: BTreeSet<String> = named.map(|column| column.to_string()).collect();
                (&reconciles.to, named.clone(), named)
            }
            (None, Some(related)) => {
                let one = |column: &str| BTreeSet::from([column.to_owned()]);
                (&related.to, one(&related.column), one(&related.field))
            }
            (None, None) => return,
        };
    let mut add = |table: TableName, columns: BTreeSet<String>| {
        let so_far = read.entry(table).or_insert_with(|| Some(BTreeSet::new()));
        so_far
            .iter_mut()
            .for_each(|so_far| so_far.extend(columns.clone()));
    };
    // A column too many does no harm.
    let filter = &check.spec.filter;
    let columns = node.schema.fields().iter().map(|field| field.name());
    let asked = columns.filter(|c| filter.as_ref().is_some_and(|f| f.contains(c.as_str())));
    let own = asked.cloned().chain(named.iter().cloned());
    add(node.name.clone(), own.collect());
    if let Some(other) = TableName::parse(other) {
        add(other, there);
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
