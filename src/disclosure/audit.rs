//! The release gate: a written copy is read back and attacked before anybody else can.

use std::collections::HashMap;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch};
use datafusion::arrow::compute::concat_batches;

use crate::cores::of_each;
use crate::diag::{Diagnostic, Diagnostics, Result};

use super::blocks::{Block, Place, blocks};
use super::copy::{Source, contract};
use super::protect::{Fate, narrow, seen};
use super::rules::Tenths;
use super::table::{Counts, Table, keys, rows_of, tenths};

/// Reads a copy as an attacker does, who knows the rules, the sums and what everybody has.
///
/// # Errors
/// [`Code::Disclosure`](crate::diag::Code::Disclosure) when a small count is shown, or can be narrowed
/// down further than the policy allows; when a count is neither withheld nor what the rules make of it;
/// when a rate or another column stands beside counts that are withheld.
pub fn audit(source: &Source<'_>, exact: &[RecordBatch], written: &[RecordBatch]) -> Result<()> {
    let table = Table::read(source.spec, source.contract, exact)?;
    let written = Written::read(source, &table, written)?;
    let blocks = blocks(source.spec, source.relations, &table)?;
    let given_away = of_each(&blocks, |block| given_away(source, block, &written));
    let row = given_away.into_iter().flatten().next();
    match row.or(beside_withheld(source, &table, &written)?) {
        Some(row) => Err(source.unprotected(row)),
        None => Ok(()),
    }
}

/// The first row in which something is shown that was worked out from a count that is not.
fn beside_withheld(source: &Source<'_>, table: &Table, written: &Written) -> Result<Option<usize>> {
    if written.rows.iter().all(Option::is_none) {
        return Ok(None);
    }
    let spec = source.spec;
    let rates = spec.rates.iter().map(|rate| {
        let counts = vec![&*rate.numerator, &*rate.denominator];
        (rate.name.as_str(), counts)
    });
    let others = spec.disclosure.shown_with.iter();
    let others =
        others.map(|(name, counts)| (name.as_str(), counts.iter().map(|c| &**c).collect()));
    for (name, counts) in rates.chain(others) {
        let column = written.column(name)?;
        let counts: Vec<usize> = counts.iter().filter_map(|c| table.count(c)).collect();
        for (row, at) in written.rows.iter().enumerate() {
            let withheld = |count: &usize| {
                written.shown(row, *count) == Some(None)
                    && table.counts[*count].values[row].is_some()
            };
            if at.is_some_and(|at| column.is_valid(at)) && counts.iter().any(withheld) {
                return Ok(Some(row));
            }
        }
    }
    for name in &spec.disclosure.never_shown {
        let column = written.column(name)?;
        for (row, at) in written.rows.iter().enumerate() {
            if at.is_some_and(|at| column.is_valid(at)) && !table.exempt[row] {
                return Ok(Some(row));
            }
        }
    }
    Ok(None)
}

/// The row of the first count of a block that its written rows give away.
fn given_away(source: &Source<'_>, block: &Block, written: &Written) -> Option<usize> {
    let mut fates = Vec::with_capacity(block.cells.len());
    let (mut rows, mut left_out) = (0, 0);
    for cell in &block.cells {
        let Place::Count(row, column) = cell.place else {
            fates.push(Fate::Unpublished);
            continue;
        };
        let shown = written.shown(row, column);
        rows += usize::from(!cell.exempt);
        left_out += usize::from(!cell.exempt && shown.is_none());
        let rounded = source.rules.round(cell.value);
        fates.push(match shown.flatten() {
            None => Fate::Withheld,
            Some(count) if cell.exempt && count == cell.value => Fate::Exact,
            Some(count) if !source.rules.is_small(cell.value) && count == rounded => {
                Fate::Rounded(count)
            }
            Some(_) => return Some(row),
        });
    }
    // Of rows that nobody sees nobody knows how many there are.
    if left_out > 0 && left_out == rows {
        return None;
    }
    let cell = narrow(block, source.rules, &fates, &mut seen(block))?;
    Some(block.cells[cell].place.row())
}

/// The counts of a copy as it was written.
struct Written {
    batch: RecordBatch,
    /// For each exact row, where it stands, if it does.
    rows: Vec<Option<usize>>,
    /// By column of counts, by row of the copy.
    counts: Vec<Vec<Option<Tenths>>>,
}

impl Written {
    fn read(source: &Source<'_>, table: &Table, written: &[RecordBatch]) -> Result<Self> {
        let schema = written.first().map(RecordBatch::schema);
        let schema = schema.unwrap_or_else(|| contract(source));
        let batch = concat_batches(&schema, written).map_err(bug)?;
        let written = rows_of(std::slice::from_ref(&batch), &contract(source))?;
        let grain = source.spec.grain.iter().map(|g| g.as_str());
        let grain: Vec<&str> = grain.collect();
        let keys = keys(&written, &grain)?.into_iter().enumerate();
        let mut of_key: HashMap<Box<[u8]>, usize> = keys.map(|(row, key)| (key, row)).collect();
        let exact = table.keys(&grain)?;
        let rows: Vec<Option<usize>> = exact.iter().map(|key| of_key.remove(key)).collect();
        if !of_key.is_empty() {
            return Err(bug("the copy has rows that the mart has not"));
        }
        let count = |counts: &Counts| {
            let column = written.column_by_name(&counts.name);
            let column = column.ok_or_else(|| bug(format!("no column `{}`", counts.name)))?;
            tenths(column, &counts.name)
        };
        let counts = table.counts.iter().map(count).collect::<Result<_>>()?;
        Ok(Self {
            batch,
            rows,
            counts,
        })
    }

    fn column(&self, name: &str) -> Result<&ArrayRef> {
        let column = self.batch.column_by_name(name);
        column.ok_or_else(|| bug(format!("no column `{name}`")))
    }

    /// What is shown of a count: `None` where its row is left out.
    fn shown(&self, row: usize, column: usize) -> Option<Option<Tenths>> {
        self.rows[row].map(|row| self.counts[column][row])
    }
}

fn bug(error: impl std::fmt::Display) -> Diagnostics {
    Diagnostic::bug(format!("the audit of a copy: {error}")).into()
}
