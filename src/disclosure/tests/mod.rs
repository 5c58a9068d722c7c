//! Tests of disclosure control: the published attack cases, the traps, and tables by chance.

mod attack;
mod copy;
mod protect;

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::Schema;

use super::rules::{PERSON, Rules, Tenths};
use super::table::{Counts, Table};

/// The policy as it is by default.
fn rules() -> Rules {
    Rules::of(
        "small_numbers",
        &serde_yaml::from_str("{}").expect("a policy"),
    )
}

/// A table of whole people, by row.
fn table(names: &[&str], rows: &[&[i64]]) -> Table {
    let counts = names.iter().enumerate().map(|(index, name)| Counts {
        name: (*name).to_owned(),
        index,
        values: rows.iter().map(|row| Some(row[index] * PERSON)).collect(),
    });
    Table {
        rows: RecordBatch::new_empty(Arc::new(Schema::empty())),
        counts: counts.collect(),
        exempt: vec![false; rows.len()],
    }
}

/// People in tenths.
fn people(count: i64) -> Tenths {
    count * PERSON
}
