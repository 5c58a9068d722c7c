//! Which counts are withheld: trap 18 to the letter, and tables by chance.

use proptest::prelude::*;

use super::super::blocks::{Across, Block, Place, Resolved, assembled};
use super::super::protect::{Extent, Fate, narrow, protect, seen};
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
    /// No small count of a copy can be narrowed down, by solving for its range; and what is shown
    /// is never small.
    #[test]
    fn no_small_count_can_be_worked_out(
        rows in proptest::collection::vec([0_i64..14, 0_i64..14, 0_i64..14], 1..4),
        moved in 0_usize..3,
    ) {
        let (rows, across) = two_ways(&rows, moved);
        let block = block(&rows, across);
        let protected = protect(&block, &rules());
        prop_assert_ne!(protected.extent, Extent::Rows, "nothing is exempt");
        for (cell, fate) in block.cells.iter().zip(&protected.fates) {
            if let Fate::Rounded(count) = fate {
                prop_assert!(!rules().is_small(cell.value));
                prop_assert_eq!(*count, rules().round(cell.value));
                prop_assert!(*count == 0 || *count >= people(10));
            }
        }
        prop_assert_eq!(narrow(&block, &rules(), &protected.fates, &mut seen(&block)), None);
    }

    /// Fates belong to rows, not to their order.
    #[test]
    fn the_order_of_rows_decides_nothing(
        rows in proptest::collection::vec([0_i64..40, 0_i64..40, 0_i64..40], 1..6),
    ) {
        let rows: Vec<Vec<i64>> = rows.iter().map(|[a, b, m]| vec![*a, *b, a + b + m]).collect();
        let as_slices = |rows: &[Vec<i64>]| -> Vec<Vec<Option<i64>>> {
            let rows: Vec<&[i64]> = rows.iter().map(Vec::as_slice).collect();
            shown(&["some", "others", "all"], &rows, &relations(), Vec::new())
        };
        let forward = as_slices(&rows);
        let mut backward: Vec<Vec<i64>> = rows.clone();
        backward.reverse();
        let mut found = as_slices(&backward);
        found.reverse();
        prop_assert_eq!(forward, found);
    }
}
