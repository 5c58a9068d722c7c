//! Which counts of a block are shown, and which are withheld so that no small one can be worked out.

use std::collections::BTreeSet;

use super::attack::{Seen, System, Unknown};
use super::blocks::{Block, Cell, Place, Sum};
use super::rules::{Rules, Tenths};
use super::table::step;

/// What becomes of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Shown, rounded to this.
    Rounded(Tenths),
    /// Shown as it is: everybody has it.
    Exact,
    /// Not shown.
    Withheld,
    /// Never published by anybody, but there to be worked out.
    Unpublished,
}

/// What became of the counts of a block.
#[derive(Debug)]
pub struct Protected {
    /// Of each count.
    pub fates: Vec<Fate>,
    /// How far that had to go.
    pub extent: Extent,
}

/// How much of a block could not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Some counts, or none.
    Counts,
    /// All counts.
    Wholly,
    /// The rows themselves: that there are such rows says too much, or could not be shown not to.
    Rows,
}

/// Counts withheld one after the other before all of a block is.
const ROUNDS: usize = 20;

/// Decides for every count of a block.
pub fn protect(block: &Block, rules: &Rules) -> Protected {
    let mut fates = first(block, rules);
    withhold_siblings(block, rules, &mut fates);
    let mut seen = seen(block);
    for _ in 0..ROUNDS {
        let Some(narrow) = narrow(block, rules, &fates, &mut seen) else {
            return Protected {
                fates,
                extent: Extent::Counts,
            };
        };
        let Some(next) = cheapest(block, &fates, narrow) else {
            break;
        };
        fates[next] = Fate::Withheld;
        withhold_siblings(block, rules, &mut fates);
    }
    for fate in &mut fates {
        if let Fate::Rounded(_) = fate {
            *fate = Fate::Withheld;
        }
    }
    let extent = match narrow(block, rules, &fates, &mut seen) {
        None => Extent::Wholly,
        Some(_) => Extent::Rows,
    };
    Protected { fates, extent }
}

/// Small counts are withheld, and none or all of few people; the rest is rounded.
fn first(block: &Block, rules: &Rules) -> Vec<Fate> {
    let fate = |cell: &Cell| match cell.place {
        Place::Rest(_) => Fate::Unpublished,
        Place::Count(..) if cell.exempt => Fate::Exact,
        Place::Count(..) if rules.is_small(cell.value) => Fate::Withheld,
        Place::Count(..) => Fate::Rounded(rules.round(cell.value)),
    };
    let mut fates: Vec<Fate> = block.cells.iter().map(fate).collect();
    for part in telling(block, rules) {
        fates[part] = Fate::Withheld;
    }
    fates
}

/// The parts that say something of everybody in a whole: none or all of few people, and none of the none
/// that is withheld for that reason.
fn telling(block: &Block, rules: &Rules) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for (part, whole) in &block.shares {
            let nobody = |cell: usize| block.cells[cell].value == 0;
            let nested = nobody(*part) && nobody(*whole) && found.contains(whole);
            if nested || tells_of_all(block, rules, *part, *whole) {
                found.insert(*part);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Whether a share is of none or all of few people.
fn tells_of_all(block: &Block, rules: &Rules, part: usize, whole: usize) -> bool {
    let (part, whole) = (&block.cells[part], &block.cells[whole]);
    !part.exempt && rules.is_few(whole.value) && (part.value == 0 || part.value == whole.value)
}

/// Where one part of a sum is withheld and all others are shown, the smallest of them is withheld too:
/// the whole only where no part can be.
fn withhold_siblings(block: &Block, rules: &Rules, fates: &mut [Fate]) {
    loop {
        let mut changed = false;
        for (sum, terms) in &block.equations {
            let sibling = match *sum {
                Sum::Whole(whole) => sibling(block, fates, terms, whole),
                Sum::Complement { numerator, rest } => {
                    let is_small = rules.is_small(block.cells[rest].value);
                    (is_small && matches!(fates[numerator], Fate::Rounded(_))).then_some(numerator)
                }
                Sum::Other => None,
            };
            if let Some(sibling) = sibling {
                fates[sibling] = Fate::Withheld;
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

fn sibling(block: &Block, fates: &[Fate], terms: &[(usize, i64)], whole: usize) -> Option<usize> {
    let withheld = terms.iter().filter(|(c, _)| fates[*c] == Fate::Withheld);
    if withheld.count() != 1 {
        return None;
    }
    let shown = terms
        .iter()
        .map(|(c, _)| *c)
        .filter(|c| can_be_withheld(block, fates, *c));
    shown.min_by_key(|c| (*c == whole, block.cells[*c].value, *c))
}

/// Whether withholding a count would hide anything. Nothing is no hiding place: it is what is left
/// when all others are known.
fn can_be_withheld(block: &Block, fates: &[Fate], cell: usize) -> bool {
    matches!(fates[cell], Fate::Rounded(_)) && block.cells[cell].value > 0
}

/// The first count that must not be narrowed down, and can be.
pub fn narrow(block: &Block, rules: &Rules, fates: &[Fate], seen: &mut Seen) -> Option<usize> {
    let mut sensitive: Vec<usize> = (0..block.cells.len())
        .filter(|c| !block.cells[*c].exempt && rules.is_small(block.cells[*c].value))
        .collect();
    sensitive.extend(telling(block, rules));
    if sensitive.is_empty() {
        return None;
    }
    sensitive.sort_unstable();
    sensitive.dedup();
    let equations = block.equations.iter().map(|(_, terms)| terms.clone());
    let system = System::new(unknowns(block, fates, rules), equations.collect());
    system.narrow(&sensitive, rules.width(), seen)
}

/// The exact counts, which fit whatever is published.
pub fn seen(block: &Block) -> Seen {
    Seen::new(block.cells.iter().map(|c| c.value).collect())
}

/// All counts as readers see them, who know what the rules make of counts that are shown together.
fn unknowns(block: &Block, fates: &[Fate], rules: &Rules) -> Vec<Unknown> {
    let cells = block.cells.iter().zip(fates);
    let mut unknowns: Vec<Unknown> = cells
        .map(|(cell, fate)| unknown(cell, *fate, rules))
        .collect();
    let is_shown = |cell: usize| matches!(fates[cell], Fate::Rounded(_));
    // Had the complement been small, its numerator would not be shown.
    for (sum, _) in &block.equations {
        if let Sum::Complement { numerator, rest } = *sum
            && is_shown(numerator)
        {
            match block.cells[rest].value {
                0 => unknowns[rest].high = Some(0),
                _ => unknowns[rest].low = rules.least_shown(),
            }
        }
    }
    // Had they been few, none or all of them would not be shown.
    for (part, whole) in &block.shares {
        let (of, all) = (block.cells[*part].value, block.cells[*whole].value);
        if is_shown(*part) && all > 0 && (of == 0 || of == all) {
            unknowns[*whole].low = unknowns[*whole].low.max(rules.least_of_all());
        }
    }
    unknowns
}

/// A count as readers see it, who know the rules and guess which withheld counts are small. That its
/// value is whole, where it is, they are taken to know too.
fn unknown(cell: &Cell, fate: Fate, rules: &Rules) -> Unknown {
    let step = step(std::iter::once(cell.value));
    let (low, high) = match fate {
        Fate::Exact => (cell.value, Some(cell.value)),
        Fate::Rounded(shown) => {
            let (low, high) = rules.behind(shown, step);
            (low, Some(high))
        }
        Fate::Withheld if rules.is_small(cell.value) => (step, Some(rules.least_shown() - step)),
        Fate::Withheld | Fate::Unpublished => (0, None),
    };
    Unknown {
        low,
        high,
        step,
        row: cell.place.row(),
        is_rest: matches!(cell.place, Place::Rest(_)),
    }
}

/// What to withhold for the sake of a count: of the sum with the fewest withheld, the smallest that
/// is shown; failing that, the smallest of the sums one further.
fn cheapest(block: &Block, fates: &[Fate], narrow: usize) -> Option<usize> {
    let has = |terms: &[(usize, i64)], cell: usize| terms.iter().any(|(c, _)| *c == cell);
    let near: Vec<&Vec<(usize, i64)>> = block
        .equations
        .iter()
        .map(|(_, terms)| terms)
        .filter(|terms| has(terms, narrow))
        .collect();
    let withheld = |terms: &[(usize, i64)]| {
        let withheld = terms.iter().filter(|(c, _)| fates[*c] == Fate::Withheld);
        withheld.count()
    };
    let of = |all: &[&Vec<(usize, i64)>]| {
        all.iter()
            .flat_map(|terms| terms.iter().map(|(c, _)| (withheld(terms), *c)))
            .filter(|(_, c)| can_be_withheld(block, fates, *c))
            .min_by_key(|(withheld, c)| (*withheld, block.cells[*c].value, *c))
            .map(|(_, cell)| cell)
    };
    of(&near).or_else(|| {
        let further: Vec<&Vec<(usize, i64)>> = block
            .equations
            .iter()
            .map(|(_, terms)| terms)
            .filter(|terms| near.iter().any(|n| n.iter().any(|(c, _)| has(terms, *c))))
            .collect();
        of(&further)
    })
}
