//! The copy of a mart for readers under a policy: which numbers stand in it, and the proof, from the
//! written rows, that the others cannot be worked out.

use std::sync::Arc;

use datafusion::arrow::array::BooleanArray;
use datafusion::arrow::array::{ArrayRef, Decimal128Array, RecordBatch, StringArray};
use datafusion::arrow::compute::{filter_record_batch, nullif};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::compile::disclosure::SUPPRESSION;
use crate::compile::relations::Relation;
use crate::cores::of_each;
use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::spec::Mart;
use crate::store::parquet::cast;

use super::blocks::{Block, Place, blocks};
use super::protect::{Extent, Fate, Protected, protect};
use super::rules::{Rules, Tenths};
use super::table::Table;

/// A mart and the rules for one audience.
#[derive(Debug)]
pub struct Source<'a> {
    /// The mart's name.
    pub name: &'a str,
    /// What the YAML says of it.
    pub spec: &'a Mart,
    /// Its columns before rates are added.
    pub contract: &'a SchemaRef,
    /// What must be true of the counts of every row.
    pub relations: &'a [Relation],
    /// Who reads the copy.
    pub audience: &'a str,
    /// The rules.
    pub rules: &'a Rules,
}

/// A copy under a policy, before its rates are worked out.
#[derive(Debug)]
pub struct Copied {
    /// Its columns: the contract, in which all but the grain may be null, and `suppression`.
    pub contract: SchemaRef,
    /// Its rows.
    pub rows: RecordBatch,
    /// What was withheld.
    pub tally: Tally,
}

/// How many counts of a copy are withheld, and why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Counts in the mart.
    pub counts: usize,
    /// Withheld because they are small.
    pub small: usize,
    /// Withheld because a small one could be worked out from them, or they are none or all of few people.
    pub others: usize,
    /// Groups of rows in which everything had to be withheld.
    pub whole_blocks: usize,
    /// Rows left out, because that there is such a row would say too much.
    pub rows_left_out: usize,
}

/// The columns of a copy under a policy, before rates: all but the grain may be null.
pub(super) fn contract(source: &Source<'_>) -> SchemaRef {
    let in_grain = |name: &str| source.spec.grain.iter().any(|g| g.as_str() == name);
    let fields = source.contract.fields().iter().map(|field| {
        let nullable = field.is_nullable() || !in_grain(field.name());
        Field::new(field.name(), field.data_type().clone(), nullable)
    });
    let suppression = Field::new(SUPPRESSION, DataType::Utf8, true);
    Arc::new(Schema::new(
        fields.chain([suppression]).collect::<Vec<Field>>(),
    ))
}

/// The copy of a mart whose exact rows these are.
///
/// # Errors
/// A count below 0 ([`Code::Check`]).
pub fn copy(source: &Source<'_>, exact: &[RecordBatch]) -> Result<Copied> {
    let table = Table::read(source.spec, source.contract, exact)?;
    let mut shown = Shown::new(&table);
    let mut tally = Tally::default();
    let blocks = blocks(source.spec, source.relations, &table)?;
    let all = of_each(&blocks, |block| protect(block, source.rules));
    for (block, protected) in blocks.iter().zip(&all) {
        tally.add(block, protected, source.rules);
        shown.take(block, protected);
    }
    tally.rows_left_out = shown.left_out.iter().filter(|l| **l).count();
    let contract = contract(source);
    let rows = shown.rows(source, &table, &contract)?;
    Ok(Copied {
        contract,
        rows,
        tally,
    })
}

impl Source<'_> {
    /// The row is told by its number: what it counts is for nobody's log.
    pub(super) fn unprotected(&self, row: usize) -> Diagnostics {
        let row = row + 1;
        Diagnostic::error(
            Code::Disclosure,
            format!(
                "the copy of mart.{} for `{}` gives few people away, in row {row} of the mart",
                self.name, self.audience
            ),
        )
        .hint("publish less to this audience: coarser rows, fewer totals, or nothing exempt beside them")
        .hint("nothing was published")
        .into()
    }
}

impl Tally {
    fn add(&mut self, block: &Block, protected: &Protected, rules: &Rules) {
        let counts = block.cells.iter().zip(&protected.fates);
        for (cell, fate) in counts.filter(|(c, _)| matches!(c.place, Place::Count(..))) {
            self.counts += 1;
            match fate {
                Fate::Withheld if rules.is_small(cell.value) => self.small += 1,
                Fate::Withheld => self.others += 1,
                _ => {}
            }
        }
        self.whole_blocks += usize::from(protected.extent != Extent::Counts);
    }

    /// How many counts are withheld.
    pub fn withheld(&self) -> usize {
        self.small + self.others
    }
}

/// What is shown of each count.
struct Shown {
    /// By column of counts, by row.
    values: Vec<Vec<Option<Tenths>>>,
    /// By column of counts, by row.
    withheld: Vec<Vec<bool>>,
    /// By row.
    left_out: Vec<bool>,
}

impl Shown {
    fn new(table: &Table) -> Self {
        Self {
            values: vec![vec![None; table.height()]; table.counts.len()],
            withheld: vec![vec![false; table.height()]; table.counts.len()],
            left_out: vec![false; table.height()],
        }
    }

    fn take(&mut self, block: &Block, protected: &Protected) {
        for (cell, fate) in block.cells.iter().zip(&protected.fates) {
            if let Place::Count(row, column) = cell.place {
                self.left_out[row] |= protected.extent == Extent::Rows && !cell.exempt;
                match fate {
                    Fate::Rounded(count) => self.values[column][row] = Some(*count),
                    Fate::Exact => self.values[column][row] = Some(cell.value),
                    Fate::Withheld => self.withheld[column][row] = true,
                    Fate::Unpublished => {}
                }
            }
        }
    }

    /// The rows of the copy.
    fn rows(
        &self,
        source: &Source<'_>,
        table: &Table,
        contract: &SchemaRef,
    ) -> Result<RecordBatch> {
        let mut names: Vec<Vec<&str>> = vec![Vec::new(); table.height()];
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(contract.fields().len());
        for field in source.contract.fields() {
            let name = field.name();
            let exact = table.rows.column_by_name(name);
            let exact = exact.ok_or_else(|| bug(format!("no column `{name}`")))?;
            if let Some(column) = table.count(name) {
                let values = self.values[column].iter().map(|v| v.map(i128::from));
                let array = Decimal128Array::from_iter(values)
                    .with_precision_and_scale(18, 1)
                    .map_err(bug)?;
                let array: ArrayRef = Arc::new(array);
                columns.push(cast(&array, field.data_type(), name)?);
                for (row, withheld) in self.withheld[column].iter().enumerate() {
                    if *withheld {
                        names[row].push(name);
                    }
                }
            } else if let Some(hidden) = self.hidden(source, table, name) {
                for (row, hidden) in hidden.iter().enumerate() {
                    if *hidden && exact.is_valid(row) {
                        names[row].push(name);
                    }
                }
                columns.push(nullif(exact, &BooleanArray::from(hidden)).map_err(bug)?);
            } else {
                columns.push(Arc::clone(exact));
            }
        }
        let names: StringArray = names
            .into_iter()
            .map(|names| (!names.is_empty()).then(|| names.join(", ")))
            .collect();
        columns.push(Arc::new(names));
        let rows = RecordBatch::try_new(Arc::clone(contract), columns).map_err(bug)?;
        let kept: BooleanArray = self.left_out.iter().map(|left| Some(!left)).collect();
        filter_record_batch(&rows, &kept).map_err(bug)
    }

    /// In which rows a column that is no count is withheld; `None` for the grain.
    fn hidden(&self, source: &Source<'_>, table: &Table, name: &str) -> Option<Vec<bool>> {
        let disclosure = &source.spec.disclosure;
        let rows = 0..table.height();
        if disclosure.never_shown.iter().any(|n| n.as_str() == name) {
            return Some(rows.map(|row| !table.exempt[row]).collect());
        }
        let counts = disclosure.shown_with.get(name)?;
        let counts: Vec<usize> = counts.iter().filter_map(|c| table.count(c)).collect();
        let hidden = |row: usize| counts.iter().any(|c| self.withheld[*c][row]);
        Some(rows.map(hidden).collect())
    }
}

fn bug(error: impl std::fmt::Display) -> Diagnostics {
    Diagnostic::bug(format!("disclosure control: {error}")).into()
}
