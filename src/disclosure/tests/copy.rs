//! The audit of a written copy catches whatever is done to it.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::super::audit::audit;
use super::super::copy::{Copied, Source, copy};
use super::super::rules::Rules;
use super::rules;
use crate::compile::relations::{Relation, relations};
use crate::diag::{Code, Exit};
use crate::spec::Mart;

const MART: &str = r#"
sql: x.sql
grain: [place, source]
columns:
  - { name: place, type: string }
  - { name: source, type: string }
  - { name: within, type: decimal }
  - { name: breached, type: decimal }
  - { name: total, type: decimal }
  - { name: median_days, type: int }
  - { name: to_do, type: decimal }
rates: [{ name: within_pct, numerator: within, denominator: total }]
checks: [{ expression: within + breached = total }]
disclosure:
  exempt: { source: published }
  shown_with: { median_days: [total] }
  never_shown: [to_do]
  same_people: [{ across: source, over: [place] }]
  totals: [{ column: place, value: all }]
publish: [{ audience: stakeholders, policy: small_numbers }]
"#;

struct World {
    spec: Mart,
    contract: SchemaRef,
    relations: Vec<Relation>,
    rules: Rules,
    exact: RecordBatch,
}

fn counts(values: &[Option<i128>]) -> ArrayRef {
    let array = Decimal128Array::from_iter(values.iter().map(|v| v.map(|v| v * 10)));
    Arc::new(array.with_precision_and_scale(12, 1).expect("fits"))
}

impl World {
    fn new(rows: &[(&str, &str, [i128; 3])]) -> Self {
        let spec: Mart = serde_yaml::from_str(MART).expect("a mart");
        let decimal = DataType::Decimal128(12, 1);
        let contract: SchemaRef = Arc::new(Schema::new(vec![
            Field::new("place", DataType::Utf8, false),
            Field::new("source", DataType::Utf8, false),
            Field::new("within", decimal.clone(), false),
            Field::new("breached", decimal.clone(), false),
            Field::new("total", decimal.clone(), false),
            Field::new("median_days", DataType::Int64, true),
            Field::new("to_do", decimal, true),
        ]));
        let column = |i: usize| counts(&rows.iter().map(|r| Some(r.2[i])).collect::<Vec<_>>());
        let places: StringArray = rows.iter().map(|r| Some(r.0)).collect();
        let sources: StringArray = rows.iter().map(|r| Some(r.1)).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(places),
            Arc::new(sources),
            column(0),
            column(1),
            column(2),
            Arc::new(Int64Array::from(vec![12; rows.len()])),
            column(1),
        ];
        Self {
            exact: RecordBatch::try_new(Arc::clone(&contract), columns).expect("rows"),
            relations: relations(&spec),
            rules: rules(),
            spec,
            contract,
        }
    }

    fn source(&self) -> Source<'_> {
        Source {
            name: "waits",
            spec: &self.spec,
            contract: &self.contract,
            relations: &self.relations,
            audience: "stakeholders",
            rules: &self.rules,
        }
    }

    /// A copy, with a rate where its counts are shown.
    fn copy(&self) -> Copied {
        let mut copied = copy(&self.source(), std::slice::from_ref(&self.exact)).expect("a copy");
        let rows = &copied.rows;
        let rates: Float64Array = (0..rows.num_rows())
            .map(|row| {
                (rows.column(2).is_valid(row) && rows.column(4).is_valid(row)).then_some(0.5)
            })
            .collect();
        copied.rows = beside(rows, "within_pct", Arc::new(rates));
        copied
    }

    fn audit(&self, written: &RecordBatch) -> std::result::Result<(), Code> {
        let exact = std::slice::from_ref(&self.exact);
        audit(&self.source(), exact, std::slice::from_ref(written)).map_err(|found| {
            assert!(matches!(found.exit(), Exit::Disclosure | Exit::Bug));
            found.iter().next().expect("a fault").code
        })
    }
}

/// The copy with a column more, or another in its place.
fn beside(copy: &RecordBatch, name: &str, array: ArrayRef) -> RecordBatch {
    let schema = copy.schema();
    let mut fields: Vec<Field> = schema.fields().iter().map(|f| Field::clone(f)).collect();
    let mut columns = copy.columns().to_vec();
    let field = Field::new(name, array.data_type().clone(), true);
    match copy.schema().index_of(name) {
        Ok(index) => {
            fields[index] = field;
            columns[index] = array;
        }
        Err(_) => {
            fields.push(field);
            columns.push(array);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("rows")
}

/// The copy with one count replaced.
fn with(copy: &RecordBatch, column: usize, row: usize, count: Option<i128>) -> RecordBatch {
    let array = copy
        .column(column)
        .as_any()
        .downcast_ref::<Decimal128Array>()
        .expect("counts");
    let values: Vec<Option<i128>> = array
        .iter()
        .enumerate()
        .map(|(i, v)| if i == row { count } else { v.map(|v| v / 10) })
        .collect();
    let mut columns = copy.columns().to_vec();
    columns[column] = counts(&values);
    RecordBatch::try_new(copy.schema(), columns).expect("rows")
}

fn world() -> World {
    World::new(&[
        ("a", "records", [4, 8, 12]),
        ("all", "records", [34, 38, 72]),
        ("b", "records", [30, 30, 60]),
        ("c", "published", [3, 4, 7]),
    ])
}

#[test]
fn a_copy_passes_its_own_audit() {
    let world = world();
    let copied = world.copy();
    assert_eq!(world.audit(&copied.rows), Ok(()));
    assert_eq!(copied.tally.counts, 12);
    assert!(
        copied.tally.small == 1 && copied.tally.others > 0,
        "{:?}",
        copied.tally
    );
    // What everybody has is as it was.
    for column in 2..5 {
        assert_eq!(
            copied.rows.column(column).slice(3, 1).as_ref(),
            world.exact.column(column).slice(3, 1).as_ref()
        );
    }
}

#[test]
fn every_change_of_a_shown_count_is_caught() {
    let world = world();
    let copy = world.copy().rows;
    for column in 2..5 {
        for row in 0..copy.num_rows() {
            let shown = copy.column(column).is_valid(row);
            // The small count itself, the exact one, one that is off.
            for count in [3, 4, 8, 13, 33, 72] {
                let changed = with(&copy, column, row, Some(count));
                if shown && changed == copy {
                    continue;
                }
                assert_eq!(
                    world.audit(&changed),
                    Err(Code::Disclosure),
                    "{column} {row} {count}"
                );
            }
        }
    }
}

#[test]
fn a_secondary_count_that_is_shown_after_all_is_caught() {
    // 18 = 12 + 6 in a relation of rows: rounded, 20 and 10 leave 6 or 7.
    let world = World::new(&[
        ("a", "records", [6, 30, 36]),
        ("all", "records", [18, 60, 78]),
        ("b", "records", [12, 30, 42]),
    ]);
    let copied = world.copy();
    assert_eq!(world.audit(&copied.rows), Ok(()));
    let copied = &copied;
    let column = |i: usize| (0..3).map(move |row| copied.rows.column(i).is_valid(row));
    assert_eq!(column(2).collect::<Vec<_>>(), [false, true, false]);
    let shown = with(&copied.rows, 2, 2, Some(10));
    assert_eq!(world.audit(&shown), Err(Code::Disclosure));
}

#[test]
fn what_is_worked_out_from_a_withheld_count_is_caught() {
    let world = world();
    let copy = world.copy().rows;
    let n = copy.num_rows();
    assert!(copy.column(5).is_valid(0), "12 people have a median");
    for (name, array) in [
        (
            "within_pct",
            Arc::new(Float64Array::from(vec![0.5; n])) as ArrayRef,
        ),
        ("to_do", counts(&vec![Some(1); n])),
    ] {
        let changed = beside(&copy, name, array);
        assert_eq!(world.audit(&changed), Err(Code::Disclosure), "{name}");
    }
    let few = World::new(&[("a", "records", [3, 4, 7])]);
    let copy = few.copy().rows;
    assert!(copy.column(5).is_null(0), "7 have none");
    assert_eq!(few.audit(&copy), Ok(()));
    let median = beside(&copy, "median_days", Arc::new(Int64Array::from(vec![12])));
    assert_eq!(few.audit(&median), Err(Code::Disclosure));
}

#[test]
fn a_row_that_is_missing_or_new_is_caught_unless_its_whole_group_is_left_out() {
    let world = world();
    let copy = world.copy().rows;
    let but = |left_out: &[usize]| {
        let kept = (0..copy.num_rows()).map(|row| Some(!left_out.contains(&row)));
        filter_record_batch(&copy, &kept.collect()).expect("rows")
    };
    assert_eq!(world.audit(&but(&[0, 1, 2])), Ok(()));
    let more = World::new(&[("a", "records", [4, 8, 12])]);
    assert_eq!(more.audit(&copy), Err(Code::Bug));
}
