//! What came of a batch of rows: those that stand, those that are refused, and how often which rule
//! was broken.

use std::collections::BTreeMap;

use arrow::array::{BooleanArray, RecordBatch};

use crate::store::parquet::Group;

use super::columns::Fault;
use super::rows::Rows;

/// What came of a batch.
pub(super) enum Judged {
    /// Its rows are to be held against those before them first.
    Open(Box<Stretch>),
    /// Its rows go where they belong.
    Closed(Box<Closed>),
}

/// The rows of a batch that no declared rule drops.
pub(super) struct Stretch {
    pub batch: RecordBatch,
    pub lines: Vec<i64>,
    pub faults: Vec<Fault>,
    /// For each rule that no two rows agree, their keys.
    pub keys: Vec<Vec<Option<u128>>>,
    /// What the reader gave, and where each row stood in it.
    pub rows: Rows,
    pub original: Vec<usize>,
    pub dropped: BTreeMap<String, u64>,
}

/// Rows that are where they belong but for the writing.
pub(super) struct Closed {
    pub good: Good,
    /// How many rows are good.
    pub kept: u64,
    /// Their lines, where a rule may refuse them all yet.
    pub good_lines: Vec<i64>,
    /// The refused rows, one for each rule that they break, by line.
    pub refused: Vec<Entry>,
    /// How many rows those are.
    pub refused_rows: u64,
    /// How often each rule was broken, and the first line on which it was.
    pub broken: BTreeMap<usize, (u64, i64)>,
    /// Rows that declared rules drop, by the rule's name.
    pub dropped: BTreeMap<String, u64>,
}

/// Good rows.
pub(super) enum Good {
    /// The rows of a batch for which this is true; without it, all.
    Rows(RecordBatch, Option<BooleanArray>),
    /// Encoded already.
    Group(Group),
}

/// A refused row, before it is written.
pub(super) struct Entry {
    pub line: i64,
    pub rule: usize,
    pub reason: Option<String>,
    pub column: Option<String>,
    pub masked: Option<String>,
}

impl Judged {
    /// What comes of no rows.
    #[cfg(test)]
    pub(super) fn of_nothing() -> Self {
        Self::Closed(Box::new(Closed {
            good: Good::Rows(
                RecordBatch::new_empty(std::sync::Arc::new(arrow::datatypes::Schema::empty())),
                None,
            ),
            kept: 0,
            good_lines: Vec::new(),
            refused: Vec::new(),
            refused_rows: 0,
            broken: BTreeMap::new(),
            dropped: BTreeMap::new(),
        }))
    }

    /// Counts rows that the reader left out by a rule of the contract.
    pub(super) fn drop_rows(&mut self, by: BTreeMap<String, u64>) {
        let dropped = match self {
            Self::Open(stretch) => &mut stretch.dropped,
            Self::Closed(closed) => &mut closed.dropped,
        };
        for (rule, count) in by {
            *dropped.entry(rule).or_default() += count;
        }
    }
}

impl Closed {
    /// Notes a row that breaks a rule.
    pub(super) fn break_rule(&mut self, rule: usize, line: i64) {
        let (count, first) = self.broken.entry(rule).or_insert((0, line));
        *count += 1;
        *first = line.min(*first);
    }
}
