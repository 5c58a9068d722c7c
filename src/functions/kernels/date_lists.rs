//! Lists of days: of each person the days on which something happened, and which of them come
//! before or after another day. Whatever the order of a list, and however often a day is in it.

use arrow::array::{Array, AsArray, Date32Array, ListArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Date32Type, Field};
use std::sync::Arc;

use super::groups::first_groups;

/// The type of a list of days.
pub fn list_type() -> DataType {
    DataType::List(Arc::new(item()))
}

fn item() -> Field {
    Field::new_list_field(DataType::Date32, true)
}

/// For each row the latest of its days that is not after `day`; null where there is none.
pub fn last_on_or_before(lists: &ListArray, day: &Date32Array) -> Date32Array {
    chosen(lists, day, |days, day| days.filter(|d| *d <= day).max())
}

/// For each row the earliest of its days that is not before `day`; null where there is none.
pub fn first_on_or_after(lists: &ListArray, day: &Date32Array) -> Date32Array {
    chosen(lists, day, |days, day| days.filter(|d| *d >= day).min())
}

/// What is chosen of each row's days, given that row's day. Null in, null out.
fn chosen(
    lists: &ListArray,
    day: &Date32Array,
    choose: impl Fn(&mut dyn Iterator<Item = i32>, i32) -> Option<i32>,
) -> Date32Array {
    let days = lists.values().as_primitive::<Date32Type>();
    let ends = lists.offsets().windows(2);
    ends.zip(day)
        .enumerate()
        .map(|(row, (ends, day))| {
            let day = day.filter(|_| lists.is_valid(row))?;
            let mut of_row = (ends[0] as usize..ends[1] as usize)
                .filter(|i| days.is_valid(*i))
                .map(|i| days.value(i));
            choose(&mut of_row, day)
        })
        .collect()
}

/// Days on their way into lists, each with the number of its group.
#[derive(Debug, Default, Clone)]
pub struct Gathered {
    days: Vec<(usize, i32)>,
}

impl Gathered {
    /// Adds a day to a group.
    pub fn add(&mut self, group: usize, day: i32) {
        self.days.push((group, day));
    }

    /// Bytes in use.
    pub fn size(&self) -> usize {
        self.days.capacity() * size_of::<(usize, i32)>()
    }

    /// The lists of the first so many groups: each day once, in order; null for a group without days.
    /// The groups after them move up.
    pub fn take(&mut self, groups: usize) -> ListArray {
        let mut taken = first_groups(&mut self.days, groups, |(group, _)| group);
        taken.sort_unstable();
        taken.dedup();
        let mut offsets = Vec::with_capacity(groups + 1);
        let mut next = 0;
        offsets.push(0);
        for group in 0..groups {
            while taken.get(next).is_some_and(|(of, _)| *of == group) {
                next += 1;
            }
            offsets.push(next as i32);
        }
        let valid: NullBuffer = offsets.windows(2).map(|ends| ends[0] < ends[1]).collect();
        let days: ScalarBuffer<i32> = taken.into_iter().map(|(_, day)| day).collect();
        ListArray::new(
            Arc::new(item()),
            OffsetBuffer::new(ScalarBuffer::from(offsets)),
            Arc::new(Date32Array::new(days, None)),
            Some(valid),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn lists(rows: &[Option<Vec<Option<i32>>>]) -> ListArray {
        ListArray::from_iter_primitive::<Date32Type, _, _>(rows.iter().cloned())
    }

    #[test]
    fn both_ends_are_in_and_nothing_is_null() {
        let rows = lists(&[
            Some(vec![Some(30), Some(10), None, Some(20)]),
            Some(vec![Some(10)]),
            Some(vec![]),
            None,
            Some(vec![Some(10)]),
        ]);
        let days = Date32Array::from(vec![Some(20), Some(9), Some(1), Some(1), None]);
        let before = Date32Array::from(vec![Some(20), None, None, None, None]);
        let after = Date32Array::from(vec![Some(20), Some(10), None, None, None]);
        assert_eq!(last_on_or_before(&rows, &days), before);
        assert_eq!(first_on_or_after(&rows, &days), after);
        let part = (rows.slice(1, 2), days.slice(1, 2));
        assert_eq!(first_on_or_after(&part.0, &part.1), after.slice(1, 2));
    }

    proptest! {
        #[test]
        fn lists_are_sets_in_order_however_they_are_taken(
            days in prop::collection::vec((0_usize..5, -3_i32..4), 0..30),
            first in 0_usize..=5,
        ) {
            let mut gathered = Gathered::default();
            days.iter().for_each(|(group, day)| gathered.add(*group, *day));
            let mut expected: BTreeMap<usize, BTreeSet<i32>> = BTreeMap::new();
            for (group, day) in &days {
                expected.entry(*group).or_default().insert(*day);
            }
            let row = |group: usize| {
                expected.get(&group).map(|days| days.iter().copied().map(Some).collect::<Vec<_>>())
            };
            prop_assert_eq!(gathered.take(first), lists(&(0..first).map(row).collect::<Vec<_>>()));
            prop_assert_eq!(gathered.take(5 - first), lists(&(first..5).map(row).collect::<Vec<_>>()));
            prop_assert_eq!(gathered.take(1), lists(&[None]));
        }
    }
}
