//! Which table is made next, and beside which others.

use std::collections::{BTreeMap, BTreeSet};

use crate::compile::{Node, TableName};

/// How much there is to read of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// It is held in memory.
    Small,
    Large,
    /// It is a view.
    OfWhatItReads,
}

/// Which table is next. Tables are known by their place in the plan.
pub(super) struct Queue {
    /// What each reads.
    inputs: Vec<Vec<usize>>,
    /// Those that read files that arrived or a large table. Each takes every core by itself, and two
    /// would take twice the memory: they are made one after the other, and small ones beside them.
    heavy: BTreeSet<usize>,
    at_once: usize,
    waiting: BTreeSet<usize>,
    under_way: BTreeSet<usize>,
    settled: BTreeSet<usize>,
    /// Those settled that have no rows of their own.
    views: BTreeSet<usize>,
    /// Those for which memory was short beside others, until they are under way again.
    short: Vec<usize>,
    /// All that ever were: nothing is made beside them.
    by_itself: BTreeSet<usize>,
}

impl Queue {
    pub(super) fn of(nodes: &[&Node], at_once: usize) -> Self {
        let named = nodes.iter().enumerate().map(|(i, n)| (&n.name, i));
        let places: BTreeMap<&TableName, usize> = named.collect();
        let read = |n: &&Node| {
            n.inputs
                .iter()
                .filter_map(|i| places.get(i).copied())
                .collect()
        };
        let received = (0..nodes.len()).filter(|i| nodes[*i].name.is_received());
        Self::new(
            nodes.iter().map(read).collect(),
            received.collect(),
            at_once,
        )
    }

    fn new(inputs: Vec<Vec<usize>>, heavy: BTreeSet<usize>, at_once: usize) -> Self {
        Self {
            waiting: (0..inputs.len()).collect(),
            inputs,
            heavy,
            at_once,
            under_way: BTreeSet::new(),
            settled: BTreeSet::new(),
            views: BTreeSet::new(),
            short: Vec::new(),
            by_itself: BTreeSet::new(),
        }
    }

    /// A table to begin now; none while there is none, or no room beside those under way.
    pub(super) fn next(&mut self) -> Option<usize> {
        if self.under_way.len() >= self.at_once || !self.under_way.is_disjoint(&self.by_itself) {
            return None;
        }
        let next = match self.short.is_empty() {
            true => self.waiting.iter().copied().find(|i| self.is_ready(*i)),
            false if self.under_way.is_empty() => self.short.pop(),
            false => None,
        }?;
        self.waiting.remove(&next);
        self.under_way.insert(next);
        Some(next)
    }

    fn is_ready(&self, i: usize) -> bool {
        let busy = || !self.under_way.is_disjoint(&self.heavy);
        self.inputs[i]
            .iter()
            .all(|input| self.settled.contains(input))
            && !(self.heavy.contains(&i) && busy())
    }

    /// Memory was short for a table under way. Whether it is worth another try, by itself.
    pub(super) fn again(&mut self, i: usize) -> bool {
        let first = self.at_once > 1 && self.by_itself.insert(i);
        if first {
            self.under_way.remove(&i);
            self.short.push(i);
        }
        first
    }

    /// A table has been made, or will not be.
    pub(super) fn settle(&mut self, i: usize, size: Size) {
        self.under_way.remove(&i);
        self.settled.insert(i);
        if size == Size::OfWhatItReads {
            self.views.insert(i);
        }
        if size == Size::Large || size == Size::OfWhatItReads && self.heavy.contains(&i) {
            let readers = (0..self.inputs.len()).filter(|r| self.inputs[*r].contains(&i));
            self.heavy.extend(readers);
        }
    }

    /// Of a table that has settled and those it read: the ones that nobody will read any more.
    pub(super) fn unread(&self, i: usize) -> Vec<usize> {
        let mut tables = BTreeSet::from([i]);
        tables.extend(self.read_by(i));
        tables.retain(|table| !self.will_be_read(*table));
        tables.into_iter().collect()
    }

    /// What a table reads, and through views.
    fn read_by(&self, i: usize) -> Vec<usize> {
        let through = |input: &usize| match self.views.contains(input) {
            true => self.read_by(*input),
            false => Vec::new(),
        };
        let inputs = self.inputs[i].iter();
        inputs
            .flat_map(|input| [vec![*input], through(input)].concat())
            .collect()
    }

    fn will_be_read(&self, i: usize) -> bool {
        let mut readers = (0..self.inputs.len()).filter(|r| self.inputs[*r].contains(&i));
        readers
            .any(|r| !self.settled.contains(&r) || self.views.contains(&r) && self.will_be_read(r))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_table_is_made_once_after_what_it_reads(
            reads in prop::collection::vec(prop::collection::btree_set(0_usize..12, 0..4), 1..12),
            heavy in prop::collection::btree_set(0_usize..12, 0..6),
            large in prop::collection::btree_set(0_usize..12, 0..3),
            short in prop::collection::btree_set(0_usize..12, 0..4),
            picks in prop::collection::vec(0_usize..12, 64),
            at_once in 1_usize..5,
        ) {
            let before = |(i, reads): (usize, BTreeSet<usize>)| -> Vec<usize> {
                reads.into_iter().filter(|input| *input < i).collect()
            };
            let inputs: Vec<Vec<usize>> = reads.into_iter().enumerate().map(before).collect();
            let mut queue = Queue::new(inputs.clone(), heavy.clone(), at_once);
            let reads_large = |i: &usize| inputs[*i].iter().any(|input| large.contains(input));
            let (mut under_way, mut done) = (Vec::new(), Vec::new());
            let mut gone = BTreeSet::new();
            let mut tries = vec![0; inputs.len()];
            for pick in picks.into_iter().cycle() {
                while let Some(i) = queue.next() {
                    prop_assert!(inputs[i].iter().all(|input| done.contains(input)));
                    prop_assert!(!inputs[i].iter().any(|input| gone.contains(input)));
                    tries[i] += 1;
                    under_way.push(i);
                }
                prop_assert!(under_way.len() <= at_once);
                let takes_all = |i: &&usize| heavy.contains(*i) || reads_large(i);
                prop_assert!(under_way.iter().filter(takes_all).count() <= 1);
                let again = |i: &&usize| tries[**i] > 1;
                prop_assert!(under_way.len() == 1 || under_way.iter().find(again).is_none());
                if under_way.is_empty() {
                    break;
                }
                let i = under_way.remove(pick % under_way.len());
                if !(short.contains(&i) && queue.again(i)) {
                    let size = match large.contains(&i) {
                        true => Size::Large,
                        false => Size::Small,
                    };
                    queue.settle(i, size);
                    gone.extend(queue.unread(i));
                    done.push(i);
                }
            }
            done.sort_unstable();
            prop_assert_eq!(gone.into_iter().collect::<Vec<_>>(), done.clone());
            prop_assert_eq!(done, (0..inputs.len()).collect::<Vec<_>>());
            let wanted = |i: usize| if at_once > 1 && short.contains(&i) { 2 } else { 1 };
            prop_assert_eq!(tries, (0..inputs.len()).map(wanted).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_a_view_reads_is_read_as_long_as_the_view_is() {
        // A table, a view of it, and who reads the view.
        let inputs = vec![vec![], vec![0], vec![1]];
        let mut queue = Queue::new(inputs, BTreeSet::new(), 1);
        let mut settled = |size| {
            let i = queue.next().expect("a table");
            queue.settle(i, size);
            queue.unread(i)
        };
        assert!(settled(Size::Small).is_empty());
        assert!(settled(Size::OfWhatItReads).is_empty());
        assert_eq!(settled(Size::Small), [0, 1, 2]);
    }
}
