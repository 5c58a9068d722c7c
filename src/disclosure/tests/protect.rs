//! Which counts are withheld: trap 18 to the letter, and tables by chance.

use std::collections::HashMap;

use proptest::prelude::*;

use super::super::blocks::{Across, Block, Place, Resolved, Sum, assembled};
use super::super::protect::{Extent, Fate, protect};
use super::{people, rules, table};
use crate::compile::relations::RelationKind::{self, AtMost, Equal, Proportion};

/// What is shown of the counts of the rows; none is withheld.
fn shown(
    names: &[&str],
    rows: &[&[i64]],
    relations: &[Resolved],
    across: Vec<Across>,
) -> Vec<Vec<Option<i64>>> {
    let table = table(names, rows);
    let mut shown = vec![vec![None; names.len()]; rows.len()];
    for block in assembled(&table, relations, across) {
        let protected = protect(&block, &rules());
        for (cell, fate) in block.cells.iter().zip(&protected.fates) {
            if let (Place::Count(row, column), Fate::Rounded(count)) = (cell.place, fate) {
                shown[row][column] = Some(count / 10);
            }
        }
    }
    shown
}

fn relation(kind: RelationKind, terms: &[(usize, i64)]) -> Resolved {
    (kind, terms.to_vec())
}

#[test]
fn trap_18_small_counts_are_withheld_and_others_rounded() {
    let rows: &[&[i64]] = &[&[8], &[12], &[13], &[0], &[7], &[1]];
    let one = shown(&["people"], rows, &[], Vec::new());
    let expected = [Some(10), Some(10), Some(15), Some(0), None, None];
    assert_eq!(one, expected.map(|e| vec![e]));
}

#[test]
fn trap_18_three_of_forty_are_withheld_with_their_complement() {
    let of_total = relation(Proportion, &[(0, 1), (2, -1)]);
    let adds_up = relation(Equal, &[(0, 1), (1, 1), (2, -1)]);
    let names = ["within", "breached", "total"];
    let rows: &[&[i64]] = &[&[3, 37, 40], &[37, 3, 40], &[20, 20, 40]];
    assert_eq!(
        shown(&names, rows, &[of_total, adds_up], Vec::new()),
        [
            vec![None, None, Some(40)],
            vec![None, None, Some(40)],
            vec![Some(20), Some(20), Some(40)],
        ]
    );
    // Without a column for it, the complement is no less to be had: 37 of 40 gives 3 away.
    let of_total = relation(Proportion, &[(0, 1), (1, -1)]);
    let rows: &[&[i64]] = &[&[37, 40], &[3, 40], &[30, 40]];
    assert_eq!(
        shown(&["met", "all"], rows, &[of_total], Vec::new()),
        [
            vec![None, Some(40)],
            vec![None, Some(40)],
            vec![Some(30), Some(40)],
        ]
    );
}

#[test]
fn trap_18_the_smallest_sibling_goes_with_a_withheld_part_of_a_shown_total() {
    let across = Across {
        column: 0,
        terms: vec![(0, 1), (1, 1), (2, 1), (3, -1)],
        whole: Some(3),
    };
    let rows: &[&[i64]] = &[&[3], &[60], &[25], &[88]];
    assert_eq!(
        shown(&["people"], rows, &[], vec![across]),
        [vec![None], vec![Some(60)], vec![None], vec![Some(90)]]
    );
}

#[test]
fn trap_18_none_or_all_of_nine_is_an_answer_about_each() {
    let within = relation(Proportion, &[(0, 1), (1, -1)]);
    let rows: &[&[i64]] = &[&[9, 9], &[0, 9], &[0, 10], &[10, 10], &[0, 0]];
    assert_eq!(
        shown(&["met", "all"], rows, &[within], Vec::new()),
        [
            vec![None, Some(10)],
            vec![None, Some(10)],
            vec![Some(0), Some(10)],
            vec![Some(10), Some(10)],
            vec![Some(0), Some(0)],
        ]
    );
}

#[test]
fn half_a_person_more_than_the_threshold_is_still_few() {
    assert!(rules().is_small(75));
    assert!(!rules().is_small(80));
    assert_eq!(rules().round(125), 150);
    assert_eq!(rules().behind(100, 10), (80, 120));
    assert_eq!(rules().behind(150, 10), (130, 170));
    assert_eq!(rules().behind(150, 5), (125, 170));
    assert_eq!(rules().behind(0, 10), (0, 0));
}

/// Ten less eight leaves at most two to five people: the fewest that are shown protect them.
#[test]
fn a_sum_that_rounding_leaves_too_narrow_is_withheld_further() {
    // 18 = 12 + 6: shown as 20 and 10, the 6 would be 6 or 7.
    let across = |whole| Across {
        column: 0,
        terms: vec![(0, 1), (1, 1), (2, -1)],
        whole,
    };
    let rows: &[&[i64]] = &[&[12], &[6], &[18]];
    let found = shown(&["people"], rows, &[], vec![across(None)]);
    assert_eq!(found, [vec![None], vec![None], vec![Some(20)]]);
}

#[test]
fn what_everybody_has_is_taken_to_be_known() {
    // 6 and 0 make the 6 that everybody has: it could be either, if both are withheld.
    let mut exact = table(&["people"], &[&[6], &[0], &[6]]);
    exact.exempt[2] = true;
    let across = |terms: &[(usize, i64)]| Across {
        column: 0,
        terms: terms.to_vec(),
        whole: None,
    };
    let blocks = assembled(&exact, &[], vec![across(&[(0, 1), (1, 1), (2, -1)])]);
    let protected = protect(&blocks[0], &rules());
    assert_eq!(protected.extent, Extent::Wholly);
    assert_eq!(
        protected.fates,
        [Fate::Withheld, Fate::Withheld, Fate::Exact]
    );
    // The only row there is counts all of the 6: that it is there says who they are.
    let blocks = assembled(&exact, &[], vec![across(&[(0, 1), (2, -1)])]);
    assert_eq!(protect(&blocks[0], &rules()).extent, Extent::Rows);
}

/// None of a none that is withheld says that it was none: invited 5, cancers 0, early ones 0.
#[test]
fn none_of_a_withheld_none_is_withheld_too() {
    let relations = [
        relation(Proportion, &[(2, 1), (1, -1)]),
        relation(AtMost, &[(1, 1), (0, -1)]),
    ];
    let names = ["invited", "cancers", "early"];
    let rows: &[&[i64]] = &[&[5, 0, 0], &[5, 2, 0], &[50, 0, 0]];
    assert_eq!(
        shown(&names, rows, &relations, Vec::new()),
        [
            vec![None, None, None],
            vec![None, None, None],
            vec![Some(50), Some(0), Some(0)],
        ]
    );
}

/// Six rows of somebody each make the six or seven of another: none is more than two, though nothing is shown.
#[test]
fn small_counts_can_give_each_other_away() {
    let exact = table(&["people"], &[&[6], &[1], &[1], &[1], &[1], &[1], &[1]]);
    let terms = (0..7).map(|row| (row, if row == 0 { 1 } else { -1 }));
    let across = Across {
        column: 0,
        terms: terms.collect(),
        whole: None,
    };
    let blocks = assembled(&exact, &[], vec![across]);
    assert_eq!(protect(&blocks[0], &rules()).extent, Extent::Rows);
}

/// 15 of 20 are shown only where those who are not in it are eight or more: 13 of 22, or 14 of 22, or 13 of 21.
#[test]
fn counts_that_are_shown_together_say_more_than_each() {
    let of_whole = relation(Proportion, &[(0, 1), (1, -1)]);
    let rows: &[&[i64]] = &[&[13, 22], &[8, 17], &[5, 5]];
    let across = (0..2).map(|column| Across {
        column,
        terms: vec![(0, 1), (1, -1), (2, -1)],
        whole: None,
    });
    let found = shown(&["met", "all"], rows, &[of_whole], across.collect());
    // 22 and 21 less 17 and 16 would be 4 to 6.
    assert_eq!(found[2], [None, None]);
    assert_ne!(found[0..2], [[Some(15), Some(20)], [Some(10), Some(15)]]);
}

/// The row relations of the tables by chance: two parts within a whole, one of them with a rate.
fn relations() -> Vec<Resolved> {
    vec![
        relation(Proportion, &[(0, 1), (2, -1)]),
        relation(AtMost, &[(0, 1), (1, 1), (2, -1)]),
    ]
}

/// Rows counted in two ways, the second a reshuffling of the first, and the sum of all.
fn two_ways(rows: &[[i64; 3]], moved: usize) -> (Vec<Vec<i64>>, Vec<Across>) {
    let n = rows.len();
    let mut all: Vec<Vec<i64>> = rows
        .iter()
        .map(|[a, b, more]| vec![*a, *b, a + b + more])
        .collect();
    let mut second = all.clone();
    second.rotate_left(moved % n);
    all.extend(second);
    let across = (0..3).map(|column| Across {
        column,
        terms: (0..2 * n)
            .map(|row| (row, if row < n { 1 } else { -1 }))
            .collect(),
        whole: None,
    });
    (all, across.collect())
}

fn block(rows: &[Vec<i64>], across: Vec<Across>) -> Block {
    let rows: Vec<&[i64]> = rows.iter().map(Vec::as_slice).collect();
    let table = table(&["some", "others", "all"], &rows);
    assembled(&table, &relations(), across).remove(0)
}

proptest! {
    /// Whatever is shown is rounded, and was not small; nor was what is left of a pair that is shown.
    #[test]
    fn what_is_shown_is_never_small(
        rows in proptest::collection::vec([0_i64..14, 0_i64..14, 0_i64..14], 1..4),
        moved in 0_usize..3,
    ) {
        let (rows, across) = two_ways(&rows, moved);
        let block = block(&rows, across);
        let protected = protect(&block, &rules());
        for (cell, fate) in block.cells.iter().zip(&protected.fates) {
            if let Fate::Rounded(count) = fate {
                prop_assert!(!rules().is_small(cell.value));
                prop_assert_eq!(*count, rules().round(cell.value));
                prop_assert!(*count == 0 || *count >= people(10));
            }
        }
        for (sum, _) in &block.equations {
            if let Sum::Complement { numerator, rest } = *sum
                && matches!(protected.fates[numerator], Fate::Rounded(_))
            {
                prop_assert!(!rules().is_small(block.cells[rest].value));
            }
        }
    }
}

/// Every table of two places and their total is published, and those that look the same are put together:
/// what somebody knows who replays every choice of ours, and so more than the attacker we defend against.
/// No small count or complement is ever the same in all of them; where one more count than the rules ask
/// for was withheld, that it was says something, and four are within less than 3.
#[test]
fn tables_that_look_the_same_differ_in_every_small_count() {
    let of_whole = relation(Proportion, &[(0, 1), (1, -1)]);
    let mut alike: HashMap<Vec<Vec<Option<i64>>>, Vec<[i64; 4]>> = HashMap::new();
    let pairs: Vec<(i64, i64)> = (0..=22)
        .flat_map(|n| (0..=n).map(move |x| (x, n)))
        .collect();
    let tables = pairs
        .iter()
        .flat_map(|a| pairs.iter().map(move |b| (*a, *b)));
    // All that are shown with a total of 20 or less, and so all that look like one of them.
    for (a, b) in tables.filter(|(a, b)| a.1 + b.1 <= 22) {
        let total = [a.0 + b.0, a.1 + b.1];
        let rows: &[&[i64]] = &[&[a.0, a.1], &[b.0, b.1], &total];
        let across = (0..2).map(|column| Across {
            column,
            terms: vec![(0, 1), (1, 1), (2, -1)],
            whole: Some(2),
        });
        let seen = shown(
            &["part", "whole"],
            rows,
            std::slice::from_ref(&of_whole),
            across.collect(),
        );
        alike
            .entry(seen)
            .or_default()
            .push([a.0, a.1 - a.0, b.0, b.1 - b.0]);
    }
    let mut narrow = 0;
    for (seen, tables) in &alike {
        for count in 0..4 {
            let values = || tables.iter().map(|t| t[count]);
            let (low, high) = (values().min().expect("one"), values().max().expect("one"));
            if values().any(|v| (1..=7).contains(&v)) {
                assert!(low < high, "{seen:?} gives {low} away");
                narrow += usize::from(high - low < 3);
            }
        }
    }
    assert_eq!((alike.len(), narrow), (77, 4));
}
