//! What an attacker concludes: how far a count can be narrowed down, given all that is published and every
//! sum that must hold.
//!
//! A count is safe when two tables fit everything published and differ in it by enough people. Such tables
//! are looked for by moving people about ([`super::witness`]), which costs next to nothing; each serves all
//! the counts in which it differs. Where none is found, they are solved for ([`super::solver`]), first for
//! many counts at once, then for one.

use super::rules::Tenths;

/// A count as an attacker sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown {
    /// The least it can be, by itself.
    pub low: Tenths,
    /// The greatest it can be, by itself; `None`: no limit.
    pub high: Option<Tenths>,
    /// What it goes by: a whole or half a person.
    pub step: Tenths,
    /// The row it stands in.
    pub row: usize,
    /// Whether it is what a relation leaves over, which nobody publishes.
    pub is_rest: bool,
}

impl Unknown {
    /// A count that is known.
    #[cfg(test)]
    pub fn known(value: Tenths) -> Self {
        Self {
            low: value,
            high: Some(value),
            step: super::rules::PERSON,
            row: 0,
            is_rest: false,
        }
    }

    /// Whether there is nothing left to find out.
    pub(super) fn is_known(&self) -> bool {
        self.high == Some(self.low)
    }
}

/// Counts and the sums that they are part of.
#[derive(Debug, Clone, Default)]
pub struct System {
    /// The counts.
    pub unknowns: Vec<Unknown>,
    /// Sums that are nothing: counts by their number, each so many times.
    pub equations: Vec<Vec<(usize, i64)>>,
    /// For each count, the sums it is part of.
    pub member_of: Vec<Vec<(usize, i64)>>,
    /// For each sum, whether it is of one row.
    pub(super) of_one_row: Vec<bool>,
}

/// The least and the greatest value of each count in the tables that are known to fit.
#[derive(Debug, Clone)]
pub struct Seen {
    truth: Vec<Tenths>,
    low: Vec<Tenths>,
    high: Vec<Tenths>,
}

impl Seen {
    /// One table that fits, such as the exact one.
    pub fn new(truth: Vec<Tenths>) -> Self {
        Self {
            low: truth.clone(),
            high: truth.clone(),
            truth,
        }
    }

    /// The table that everything began with.
    pub fn truth(&self) -> &[Tenths] {
        &self.truth
    }

    /// How wide the range of a count is at the least.
    pub fn width(&self, cell: usize) -> Tenths {
        self.high[cell] - self.low[cell]
    }

    /// The range of a count, as far as it has been seen.
    #[cfg(test)]
    pub fn range(&self, cell: usize) -> (Tenths, Tenths) {
        (self.low[cell], self.high[cell])
    }

    /// A count has been seen to be so much more or less than in truth.
    pub fn take(&mut self, cell: usize, value: Tenths) {
        self.low[cell] = self.low[cell].min(value);
        self.high[cell] = self.high[cell].max(value);
    }
}

/// Counts that sums tie to more others than this are not solved for: what cannot be proven is withheld.
const SOLVED: usize = 400;

/// How often many counts are solved for at once, before each is by itself.
const AT_ONCE: usize = 4;

/// Where a count is sent when another table is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Towards {
    /// Where it has most room by itself.
    Room,
    /// The other way.
    Other,
}

impl System {
    /// Counts and sums.
    pub fn new(unknowns: Vec<Unknown>, equations: Vec<Vec<(usize, i64)>>) -> Self {
        let mut member_of = vec![Vec::new(); unknowns.len()];
        for (number, equation) in equations.iter().enumerate() {
            for (cell, times) in equation {
                member_of[*cell].push((number, *times));
            }
        }
        let of_one_row = equations.iter().map(|terms| {
            let mut rows = terms.iter().map(|(cell, _)| unknowns[*cell].row);
            let first = rows.next();
            rows.all(|row| Some(row) == first)
        });
        let of_one_row = of_one_row.collect();
        Self {
            unknowns,
            equations,
            member_of,
            of_one_row,
        }
    }

    /// The first of these counts for which an attacker is not left with a range so wide. Tables that are
    /// `seen` to fit still do when more is withheld, and are not looked for again.
    pub fn narrow(&self, cells: &[usize], width: Tenths, seen: &mut Seen) -> Option<usize> {
        let is_narrow = |cell: &usize, seen: &Seen| seen.width(*cell) < width;
        self.move_about(cells, width, seen);
        let mut left = cells.to_vec();
        left.retain(|cell| is_narrow(cell, seen));
        if let Some(big) = left.iter().find(|cell| self.tied_to(**cell).len() > SOLVED) {
            return Some(*big);
        }
        // One table can show many counts to be wide: they are solved for together, then each by itself.
        for towards in [Towards::Room, Towards::Other]
            .into_iter()
            .cycle()
            .take(AT_ONCE)
        {
            if left.len() > 1 {
                self.solve_for(&left, towards, width, seen);
                left.retain(|cell| is_narrow(cell, seen));
            }
        }
        left.into_iter().find(|cell| {
            for towards in [Towards::Room, Towards::Other] {
                if is_narrow(cell, seen) {
                    self.solve_for(&[*cell], towards, width, seen);
                }
            }
            is_narrow(cell, seen)
        })
    }

    /// The unknown counts that sums tie to one, itself among them, in order.
    pub(super) fn tied_to(&self, cell: usize) -> Vec<usize> {
        let mut seen = vec![false; self.unknowns.len()];
        let mut asked = vec![false; self.equations.len()];
        let mut waiting = vec![cell];
        seen[cell] = true;
        let mut found = Vec::new();
        while let Some(next) = waiting.pop() {
            found.push(next);
            for (equation, _) in &self.member_of[next] {
                if std::mem::replace(&mut asked[*equation], true) {
                    continue;
                }
                for (other, _) in &self.equations[*equation] {
                    if !self.unknowns[*other].is_known()
                        && !std::mem::replace(&mut seen[*other], true)
                    {
                        waiting.push(*other);
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }

    /// The sums that any of these counts is part of, in order.
    pub(super) fn touched(&self, cells: &[usize]) -> Vec<usize> {
        let mut equations: Vec<usize> = cells
            .iter()
            .flat_map(|cell| self.member_of[*cell].iter().map(|(e, _)| *e))
            .collect();
        equations.sort_unstable();
        equations.dedup();
        equations
    }
}
