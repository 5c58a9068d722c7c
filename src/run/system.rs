//! The rows of the warehouse's own tables, from its ledgers and records.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use datafusion::arrow::array::{
    ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::DataType;
use serde::Serialize;

use crate::compile::{Node, Plan, SystemTable, TableName};
use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::engine;
use crate::functions::kernels::dates::from_date;

use super::Night;
use super::ingredients::{Ingredients, hash};
use super::record::{Made, NodeRecord};
use super::standing::Status;
use super::submissions::{SubmissionLine, submissions};

/// One of these in each column; the kinds of a table's columns are those of its first row's.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Text(Option<String>),
    Number(Option<i64>),
    Day(Option<NaiveDate>),
    Time(Option<NaiveDateTime>),
}

type Row = Vec<Cell>;

impl Night<'_> {
    /// Makes one of the warehouse's own tables known, and stale if it says something new.
    pub(super) fn own_table(&mut self, node: &Node, table: SystemTable) -> Result<()> {
        let records = &self.records;
        let told = told(self.plan, table, |name| {
            Ok(records.get(name).map(|r| r.as_ref().clone()))
        })?;
        let count = told.rows.num_rows() as u64;
        let ingredients = Ingredients::of(node, self.as_of, told.ingredients());
        engine::register_rows(&self.context, &node.name, told.rows)?;
        let (record, why) = self.fresh(node, &ingredients)?;
        if let Some(record) = record {
            self.records.insert(node.name.clone(), Arc::new(record));
            return Ok(());
        }
        let started = self.start(node, why);
        let made = Made {
            files: Vec::new(),
            content: ingredients.key(),
            rows: Some(count),
            origins: Vec::new(),
        };
        let record = NodeRecord {
            ingredients,
            made,
            checks: Vec::new(),
        };
        self.keep(node, record, started)
    }
}

/// What a table of the warehouse says.
pub(super) struct Told {
    /// Its rows.
    pub rows: RecordBatch,
    digest: String,
}

impl Told {
    /// What the table is made from: what it says.
    pub(super) fn ingredients(&self) -> BTreeMap<String, String> {
        BTreeMap::from([("what it says".to_owned(), self.digest.clone())])
    }
}

/// The rows of a table, in a fixed order. `records` finds what a model or mart was last made from.
///
/// # Errors
/// When a record of the lake cannot be read.
pub(super) fn told(
    plan: &Plan,
    table: SystemTable,
    records: impl Fn(&TableName) -> Result<Option<NodeRecord>>,
) -> Result<Told> {
    let mut rows: Vec<Row> = match table {
        SystemTable::Checks => checks(plan, records)?,
        _ => {
            let received = plan.nodes.iter().map(|n| &n.name);
            let received: Vec<TableName> = received.filter(|t| t.is_received()).cloned().collect();
            let lines = submissions(plan, &received)?;
            lines.iter().flat_map(|line| of_line(table, line)).collect()
        }
    };
    rows.sort();
    let text = serde_json::to_vec(&rows);
    let text = text.map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
    Ok(Told {
        rows: batch(table, &rows)?,
        digest: hash(&text),
    })
}

fn of_line(table: SystemTable, line: &SubmissionLine) -> Vec<Row> {
    let counts = line.status == Status::Accepted;
    let file = || {
        let feed = line.source.split_once('.').map_or("", |(_, name)| name);
        let month = line.period.as_deref();
        let month = month.and_then(|p| NaiveDate::parse_from_str(p, "%Y-%m-%d").ok());
        vec![
            text(feed),
            text(&line.file),
            text(&line.hash),
            Cell::Text(line.provider.clone()),
            Cell::Text(line.period.clone()),
            Cell::Day(month),
        ]
    };
    let with = |more: Vec<Cell>| file().into_iter().chain(more).collect::<Row>();
    match table {
        SystemTable::Intakes if counts => {
            let counts = [line.rows, line.good, line.quarantined, line.dropped];
            vec![with(counts.map(number).to_vec())]
        }
        SystemTable::BrokenRules if counts => {
            let broken = line.rules.iter().map(|rule| {
                with(vec![
                    text(&rule.rule),
                    Cell::Text(rule.column.clone()),
                    text(&rule.on_fail),
                    number(Some(rule.count)),
                ])
            });
            let dropped = line.intake.iter().flat_map(|i| &i.dropped_by);
            let dropped = dropped.map(|(rule, count)| {
                with(vec![
                    text(rule),
                    Cell::Text(None),
                    text("drop"),
                    number(Some(*count)),
                ])
            });
            broken.chain(dropped).collect()
        }
        SystemTable::Submissions => {
            // One that was read before a later one took its place is no other than one that came
            // too late to be read: whatever it held, the later one stands in its place.
            let (status, because) = match (line.status, &line.successor) {
                (Status::Cancelled, _) => (Status::Cancelled, None),
                (Status::Accepted, _) => (Status::Accepted, None),
                (_, Some((file, hash))) if *hash == line.hash => (Status::Duplicate, Some(file)),
                (_, Some((file, _))) => (Status::Superseded, Some(file)),
                (status, None) => (status, line.because.as_ref()),
            };
            vec![with(vec![
                Cell::Time(line.received_at),
                Cell::Number(line.sequence),
                text(status.word()),
                Cell::Text(because.cloned()),
            ])]
        }
        _ => Vec::new(),
    }
}

fn checks(
    plan: &Plan,
    records: impl Fn(&TableName) -> Result<Option<NodeRecord>>,
) -> Result<Vec<Row>> {
    let own = SystemTable::Checks.name();
    let after = after(plan, &own);
    let mut rows = Vec::new();
    for node in plan.nodes.iter() {
        if node.name.is_received() || after.contains(&&node.name) {
            continue;
        }
        let Some(record) = records(&node.name)? else {
            continue;
        };
        rows.extend(record.checks.iter().map(|check| {
            vec![
                text(&node.name.to_string()),
                text(&check.name),
                text(&check.kind),
                text(&check.severity),
                text(check.verdict().word()),
                number(Some(check.broken)),
                number(Some(check.total)),
            ]
        }));
    }
    Ok(rows)
}

/// The table and all that reads it, near and far.
fn after<'a>(plan: &'a Plan, table: &'a TableName) -> Vec<&'a TableName> {
    let mut after = vec![table];
    for node in &plan.nodes {
        if node.inputs.iter().any(|i| after.contains(&i)) {
            after.push(&node.name);
        }
    }
    after
}

fn text(text: &str) -> Cell {
    Cell::Text(Some(text.to_owned()))
}

fn number(number: Option<u64>) -> Cell {
    Cell::Number(number.and_then(|n| i64::try_from(n).ok()))
}

fn batch(table: SystemTable, rows: &[Row]) -> Result<RecordBatch> {
    let schema = table.schema();
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(i, field)| column(field.data_type(), rows.iter().filter_map(|r| r.get(i))))
        .collect();
    RecordBatch::try_new(schema, columns)
        .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))
}

fn column<'a>(kind: &DataType, cells: impl Iterator<Item = &'a Cell>) -> ArrayRef {
    match kind {
        DataType::Int64 => Arc::new(
            cells
                .map(|c| match c {
                    Cell::Number(n) => *n,
                    _ => None,
                })
                .collect::<Int64Array>(),
        ),
        DataType::Date32 => Arc::new(
            cells
                .map(|c| match c {
                    Cell::Day(day) => day.map(from_date),
                    _ => None,
                })
                .collect::<Date32Array>(),
        ),
        DataType::Timestamp(..) => Arc::new(
            cells
                .map(|c| match c {
                    Cell::Time(time) => time.map(|t| t.and_utc().timestamp_micros()),
                    _ => None,
                })
                .collect::<TimestampMicrosecondArray>()
                .with_timezone("UTC"),
        ),
        _ => Arc::new(
            cells
                .map(|c| match c {
                    Cell::Text(text) => text.as_deref(),
                    _ => None,
                })
                .collect::<StringArray>(),
        ),
    }
}
