//! The sums that tie counts together, and the blocks that no sum crosses.
//!
//! Within a row they come from the contract ([`crate::compile::relations`]); between rows from what the
//! mart says of its own `disclosure`. A sum is taken where it holds in the exact counts: where it does
//! not, nothing can be concluded from it.

use std::collections::{BTreeMap, HashMap};

use crate::compile::relations::{Relation, RelationKind};
use crate::diag::Result;
use crate::spec::Mart;

use super::rules::Tenths;
use super::table::Table;

/// A count that stands in a mart, or that readers can work out from one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A count of a row: row and number of the column among the counts.
    Count(usize, usize),
    /// What a relation of a row leaves over, such as those eligible and not invited. Nobody publishes it.
    Rest(usize),
}

impl Place {
    /// The row it stands in.
    pub fn row(self) -> usize {
        match self {
            Self::Count(row, _) | Self::Rest(row) => row,
        }
    }
}

/// A count of a block.
#[derive(Debug, Clone)]
pub struct Cell {
    /// Where it stands.
    pub place: Place,
    /// Its exact value.
    pub value: Tenths,
    /// Whether everybody has its row already.
    pub exempt: bool,
}

/// What a sum says, which decides how its parts protect each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sum {
    /// A whole is the sum of its parts; the whole is this cell.
    Whole(usize),
    /// A denominator is a numerator and its complement; these are the cells of the two.
    Complement {
        /// The numerator.
        numerator: usize,
        /// Those who are not in it.
        rest: usize,
    },
    /// Anything else.
    Other,
}

/// Cells that sums tie together, and no sum ties to others.
#[derive(Debug, Default)]
pub struct Block {
    /// The counts.
    pub cells: Vec<Cell>,
    /// Sums that are nothing: cells by their number, each so many times.
    pub equations: Vec<(Sum, Vec<(usize, i64)>)>,
    /// Parts of wholes, by their numbers: what the share of a part says of everybody in the whole.
    pub shares: Vec<(usize, usize)>,
}

/// A sum between rows that is nothing, of one column of counts.
#[derive(Debug, Clone)]
pub(super) struct Across {
    /// The column, among the counts.
    pub column: usize,
    /// Rows, each so many times.
    pub terms: Vec<(usize, i64)>,
    /// The row that is the sum of the others.
    pub whole: Option<usize>,
}

/// A relation of a row, by the numbers of its columns among the counts.
pub(super) type Resolved = (RelationKind, Vec<(usize, i64)>);

/// The blocks of a mart, in the order of their first rows.
///
/// # Errors
/// A fault of ours: a column that is not there.
pub fn blocks(spec: &Mart, relations: &[Relation], table: &Table) -> Result<Vec<Block>> {
    let relations = resolved(relations, table);
    Ok(assembled(table, &relations, across(spec, table)?))
}

/// The blocks of rows that these sums join.
pub(super) fn assembled(table: &Table, relations: &[Resolved], across: Vec<Across>) -> Vec<Block> {
    let mut groups = Groups::new(table.height());
    for sum in &across {
        for (row, _) in &sum.terms[1..] {
            groups.join(sum.terms[0].0, *row);
        }
    }
    let mut number = vec![0; table.height()];
    let mut blocks: Vec<Block> = Vec::new();
    let mut of_root: HashMap<usize, usize> = HashMap::new();
    let mut cells: Vec<Vec<Option<usize>>> = vec![Vec::new(); table.height()];
    for row in 0..table.height() {
        let block = *of_root.entry(groups.root(row)).or_insert_with(|| {
            blocks.push(Block::default());
            blocks.len() - 1
        });
        number[row] = block;
        cells[row] = blocks[block].add_row(table, row, relations);
    }
    for sum in across {
        let cell = |row: usize| cells[row][sum.column];
        let terms = sum
            .terms
            .iter()
            .map(|(row, times)| Some((cell(*row)?, *times)));
        let Some(terms) = terms.collect::<Option<Vec<_>>>() else {
            continue;
        };
        let kind = sum.whole.and_then(cell).map_or(Sum::Other, Sum::Whole);
        blocks[number[sum.terms[0].0]].equations.push((kind, terms));
    }
    blocks
}

/// The relations of a row whose columns all are counts, by the numbers of these.
fn resolved(relations: &[Relation], table: &Table) -> Vec<Resolved> {
    let resolve = |relation: &Relation| {
        let terms = relation.terms.iter();
        let terms = terms.map(|(name, times)| Some((table.count(name)?, *times)));
        Some((relation.kind, terms.collect::<Option<Vec<_>>>()?))
    };
    relations.iter().filter_map(resolve).collect()
}

impl Block {
    /// Adds the counts of a row, and the sums that hold in it. Returns the cell of each count.
    fn add_row(&mut self, table: &Table, row: usize, relations: &[Resolved]) -> Vec<Option<usize>> {
        let exempt = table.exempt[row];
        let mut of_count = Vec::with_capacity(table.counts.len());
        for (column, counts) in table.counts.iter().enumerate() {
            of_count.push(counts.values[row].map(|value| {
                self.cells.push(Cell {
                    place: Place::Count(row, column),
                    value,
                    exempt,
                });
                self.cells.len() - 1
            }));
        }
        for (kind, terms) in relations {
            let terms = terms.iter().map(|(c, times)| Some((of_count[*c]?, *times)));
            if let Some(terms) = terms.collect::<Option<Vec<_>>>() {
                self.relate(*kind, terms, row, exempt);
            }
        }
        of_count
    }

    /// Adds a relation, if it holds.
    fn relate(
        &mut self,
        kind: RelationKind,
        mut terms: Vec<(usize, i64)>,
        row: usize,
        exempt: bool,
    ) {
        let sum: Tenths = terms
            .iter()
            .map(|(c, times)| times * self.cells[*c].value)
            .sum();
        if sum > 0 || (kind == RelationKind::Equal && sum != 0) {
            return;
        }
        let whole = only(&terms, |times| times < 0).or_else(|| {
            // `total = within + breached` says the same.
            only(&terms, |times| times > 0).filter(|_| kind == RelationKind::Equal)
        });
        if let Some(whole) = whole {
            let parts = terms.iter().map(|(c, _)| *c).filter(|c| *c != whole);
            self.shares.extend(parts.map(|part| (part, whole)));
        }
        let kind = match (kind, whole) {
            (RelationKind::Equal, whole) => whole.map_or(Sum::Other, Sum::Whole),
            (kind, whole) => {
                self.cells.push(Cell {
                    place: Place::Rest(row),
                    value: -sum,
                    exempt,
                });
                let rest = self.cells.len() - 1;
                let numerator = terms.iter().map(|(c, _)| *c).find(|c| Some(*c) != whole);
                terms.push((rest, 1));
                match (kind, numerator) {
                    (RelationKind::Proportion, Some(numerator)) => {
                        Sum::Complement { numerator, rest }
                    }
                    _ => Sum::Other,
                }
            }
        };
        self.equations.push((kind, terms));
    }
}

/// The only cell of a sum on that side.
fn only(terms: &[(usize, i64)], side: impl Fn(i64) -> bool) -> Option<usize> {
    let mut of_side = terms.iter().filter(|(_, times)| side(*times));
    match (of_side.next(), of_side.next()) {
        (Some((cell, _)), None) => Some(*cell),
        _ => None,
    }
}

/// The sums between rows that hold.
fn across(spec: &Mart, table: &Table) -> Result<Vec<Across>> {
    let grain: Vec<&str> = spec.grain.iter().map(|g| g.as_str()).collect();
    let but = |left_out: &[&str]| -> Vec<&str> {
        let kept = grain.iter().filter(|g| !left_out.contains(*g));
        kept.copied().collect()
    };
    let mut found = Vec::new();
    for same in &spec.disclosure.same_people {
        let mut left_out: Vec<&str> = same.over.iter().map(|o| o.as_str()).collect();
        left_out.push(&same.across);
        let groups = grouped(table.keys(&but(&left_out))?);
        let ways = table.keys(&[&same.across])?;
        for rows in groups {
            let mut by_way: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
            for row in rows {
                by_way.entry(&ways[row]).or_default().push(row);
            }
            let by_way: Vec<Vec<usize>> = by_way.into_values().collect();
            // Of every two: that one way has no sum in common with the next says nothing of the third.
            for (i, way) in by_way.iter().enumerate() {
                for other in &by_way[i + 1..] {
                    let terms = way.iter().map(|row| (*row, 1));
                    let terms = terms.chain(other.iter().map(|row| (*row, -1)));
                    let terms: Vec<(usize, i64)> = terms.collect();
                    found.extend(holding(table, &terms, None));
                }
            }
        }
    }
    for total in &spec.disclosure.totals {
        let groups = grouped(table.keys(&but(&[&total.column]))?);
        let is_total = table.has(&total.column, &total.value)?;
        for rows in groups {
            let wholes: Vec<usize> = rows.iter().copied().filter(|r| is_total[*r]).collect();
            let [whole] = wholes[..] else {
                continue;
            };
            if rows.len() > 1 {
                let sign = |row: usize| if row == whole { -1 } else { 1 };
                let terms: Vec<(usize, i64)> = rows.iter().map(|r| (*r, sign(*r))).collect();
                found.extend(holding(table, &terms, Some(whole)));
            }
        }
    }
    Ok(found)
}

/// A sum between rows, for every column of counts in which it holds.
fn holding(table: &Table, terms: &[(usize, i64)], whole: Option<usize>) -> Vec<Across> {
    let holds = |column: usize| {
        let values = &table.counts[column].values;
        let summands = terms.iter().map(|(row, times)| Some(values[*row]? * times));
        summands.sum::<Option<Tenths>>() == Some(0)
    };
    let columns = (0..table.counts.len()).filter(|column| holds(*column));
    columns
        .map(|column| Across {
            column,
            terms: terms.to_vec(),
            whole,
        })
        .collect()
}

/// Rows of one key together, in the order of their first rows.
fn grouped(keys: Vec<Box<[u8]>>) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut of_key: HashMap<Box<[u8]>, usize> = HashMap::new();
    for (row, key) in keys.into_iter().enumerate() {
        let group = *of_key.entry(key).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(row);
    }
    groups
}

/// Rows that sums have joined.
struct Groups(Vec<usize>);

impl Groups {
    fn new(rows: usize) -> Self {
        Self((0..rows).collect())
    }

    fn root(&mut self, row: usize) -> usize {
        let mut root = row;
        while self.0[root] != root {
            self.0[root] = self.0[self.0[root]];
            root = self.0[root];
        }
        root
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}
