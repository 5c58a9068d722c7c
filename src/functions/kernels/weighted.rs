//! Percentiles of values that have weights: the least value up to which at least a share of all
//! weight lies. Always a value that is there, never one between two; with weights of 1 the
//! `percentile_disc` of the SQL standard (ISO 9075-2, inverse distribution functions).
//!
//! Exact: weights are whole numbers of their smallest unit, tenths or thousandths as may be, and a
//! share is whole billionths. Nothing is rounded, so order and partitions make no difference.

use std::fmt;

use super::groups::first_groups;

/// A share of 1 has so many parts.
const PARTS: i128 = 1_000_000_000;

/// Decimal places of a [`Share`].
pub const SHARE_PLACES: i8 = 9;

/// Why there is no percentile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unweighable {
    /// A weight below 0.
    Negative,
    /// A share that is none.
    Share,
    /// A sum of weights beyond what 128 bits hold.
    TooMuch,
}

impl fmt::Display for Unweighable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negative => "a weight is below 0",
            Self::Share => "the share is one number from 0 to 1, the same for all rows",
            Self::TooMuch => "the weights of a group are more than can be added up",
        })
    }
}

impl std::error::Error for Unweighable {}

/// A share of the whole, 0 to 1, in billionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(i128);

impl Share {
    /// A share of so many billionths.
    ///
    /// # Errors
    /// Below 0 or above 1.
    pub fn new(billionths: i128) -> Result<Self, Unweighable> {
        if (0..=PARTS).contains(&billionths) {
            Ok(Self(billionths))
        } else {
            Err(Unweighable::Share)
        }
    }

    /// The least whole number that is at least this share of `total`, which is not below 0.
    fn of(self, total: i128) -> i128 {
        // total × share / PARTS, cut in two so that no product leaves 128 bits.
        let rest = total % PARTS * self.0;
        total / PARTS * self.0 + (rest + PARTS - 1) / PARTS
    }
}

/// A value and its weight, which is not below 0.
pub type Weighted = (i64, i128);

/// The least value up to which at least `share` of all weight lies, whatever the order; `None` where
/// there is no weight. What has none is not there: a share of 0 gives the least value with weight.
/// Rows are left sorted by value.
///
/// # Errors
/// Weights that cannot be added up.
pub fn percentile(rows: &mut [Weighted], share: Share) -> Result<Option<i64>, Unweighable> {
    let mut total = 0_i128;
    for (_, weight) in rows.iter() {
        total = total.checked_add(*weight).ok_or(Unweighable::TooMuch)?;
    }
    let needed = share.of(total).max(1);
    rows.sort_unstable_by_key(|(value, _)| *value);
    let mut so_far = 0;
    let found = rows.iter().find(|(_, weight)| {
        so_far += weight;
        so_far >= needed
    });
    Ok(found.map(|(value, _)| *value))
}

/// Weighted values on their way into groups.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Flat: a pair within a pair would take half as much again.
    rows: Vec<(usize, i64, i128)>,
}

impl Gathered {
    /// Adds a value to a group.
    pub fn add(&mut self, group: usize, (value, weight): Weighted) {
        self.rows.push((group, value, weight));
    }

    /// Bytes in use.
    pub fn size(&self) -> usize {
        self.rows.capacity() * size_of::<(usize, i64, i128)>()
    }

    /// The values of the first so many groups, and where each group begins and the last one ends:
    /// one more number than there are groups. The groups after them move up.
    pub fn take(&mut self, groups: usize) -> (Vec<usize>, Vec<Weighted>) {
        let taken = first_groups(&mut self.rows, groups, |(group, ..)| group);
        // Groups are many and tiny: each value is put where its group is, and none is compared.
        let mut begins = vec![0; groups + 1];
        for (group, ..) in &taken {
            begins[group + 1] += 1;
        }
        for group in 0..groups {
            begins[group + 1] += begins[group];
        }
        let mut next = begins.clone();
        let mut rows = vec![(0, 0); taken.len()];
        for (group, value, weight) in taken {
            rows[next[group]] = (value, weight);
            next[group] += 1;
        }
        (begins, rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HALF: Share = Share(PARTS / 2);

    fn of(rows: &[Weighted], share: Share) -> Option<i64> {
        percentile(&mut rows.to_vec(), share).expect("can be added up")
    }

    /// The definition, word for word: each value held against all.
    fn plainly(rows: &[Weighted], billionths: i128) -> Option<i64> {
        let total: i128 = rows.iter().map(|(_, weight)| weight).sum();
        let enough = |value: i64| {
            let within = rows.iter().filter(|(v, _)| *v <= value);
            within.map(|(_, weight)| weight).sum::<i128>() * PARTS >= total * billionths
        };
        let there = rows.iter().filter(|(_, weight)| *weight > 0);
        there.map(|(value, _)| *value).filter(|v| enough(*v)).min()
    }

    #[test]
    fn a_half_weighs_a_half() {
        // In tenths: one person of 10 days, two halves of 20 and of 30.
        let rows = [(30, 5), (10, 10), (20, 5)];
        assert_eq!(of(&rows, HALF), Some(10));
        assert_eq!(of(&rows[..2], HALF), Some(10));
        assert_eq!(of(&[(30, 10), (10, 5)], HALF), Some(30));
        assert_eq!(of(&rows, Share(PARTS * 3 / 4)), Some(20));
        assert_eq!(of(&rows, Share(PARTS * 3 / 4 + 1)), Some(30));
    }

    #[test]
    fn nothing_without_weight_and_both_ends_of_what_has_some() {
        assert_eq!(of(&[], HALF), None);
        assert_eq!(of(&[(1, 0), (2, 0)], HALF), None);
        let rows = [(9, 0), (4, 1), (1, 0), (7, 3)];
        assert_eq!(of(&rows, Share(0)), Some(4));
        assert_eq!(of(&rows, Share(PARTS)), Some(7));
    }

    #[test]
    fn the_ends_of_128_bits() {
        let most = i128::MAX;
        let two = [(1, most / 2), (2, most - most / 2)];
        // One half is a single unit short of half of an odd number.
        assert_eq!(of(&two, HALF), Some(2));
        assert_eq!(of(&two, Share(PARTS / 2 - 1)), Some(1));
        assert_eq!(of(&two, Share(PARTS)), Some(2));
        let more = percentile(&mut [(1, most), (2, 1)], HALF);
        assert_eq!(more, Err(Unweighable::TooMuch));
    }

    #[test]
    fn shares() {
        assert_eq!(Share::new(PARTS), Ok(Share(PARTS)));
        assert_eq!(Share::new(-1), Err(Unweighable::Share));
        assert_eq!(Share::new(PARTS + 1), Err(Unweighable::Share));
    }

    proptest! {
        #[test]
        fn as_the_definition_says_in_any_order(
            rows in prop::collection::vec((-4_i64..5, 0_i128..4), 0..12),
            tenths in 0_i128..=10,
            turned in 0_usize..12,
        ) {
            let share = tenths * PARTS / 10;
            let found = of(&rows, Share(share));
            prop_assert_eq!(found, plainly(&rows, share));
            let mut other = rows.clone();
            other.reverse();
            other.rotate_left(turned.min(rows.len()));
            prop_assert_eq!(of(&other, Share(share)), found);
        }

        #[test]
        fn a_share_of_a_total_is_never_rounded_down(total in 0_i128..1 << 90, share in 0..=PARTS) {
            let needed = Share(share).of(total);
            prop_assert!(needed * PARTS >= total * share);
            prop_assert!((needed - 1) * PARTS < total * share);
        }

        #[test]
        fn groups_keep_their_own_however_they_are_taken(
            rows in prop::collection::vec((0_usize..5, (-3_i64..4, 1_i128..4)), 0..30),
            first in 0_usize..=5,
        ) {
            let mut gathered = Gathered::default();
            rows.iter().for_each(|(group, row)| gathered.add(*group, *row));
            let mut groups = Vec::new();
            for part in [first, 5 - first, 1] {
                let (begins, taken) = gathered.take(part);
                prop_assert_eq!(begins.len(), part + 1);
                groups.extend(begins.windows(2).map(|ends| taken[ends[0]..ends[1]].to_vec()));
            }
            for (group, got) in groups.into_iter().enumerate() {
                let own = rows.iter().filter(|(of, _)| *of == group);
                prop_assert_eq!(got, own.map(|(_, row)| *row).collect::<Vec<_>>());
            }
        }
    }
}
