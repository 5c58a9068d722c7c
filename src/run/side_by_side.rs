//! The tables of a run, several at once: each as soon as what it reads is there. What they tell is
//! told in the order of the plan all the same, so that two runs that do the same say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;

use crate::compile::{Body, Node, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::engine;

use super::Night;
use super::events::{Event, Listener};
use super::record::NodeRecord;

/// Tables made at once at most, unasked: each may use every core, and all share one memory limit.
const AT_ONCE: usize = 4;

impl<'a> Night<'a> {
    /// Makes the tables, which stand in an order in which inputs come first. Returns what is wrong
    /// with any of them, in that order.
    pub(super) async fn tables(&mut self, nodes: &[&Node]) -> Diagnostics {
        let told = InOrder::new(self.listener);
        let voices: Vec<Voice<'_>> = (0..nodes.len()).map(|i| told.voice(i)).collect();
        let mut queue = Queue::of(nodes, self.at_once());
        let mut found: BTreeMap<usize, Diagnostics> = BTreeMap::new();
        let mut made: BTreeSet<usize> = BTreeSet::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            while let Some(i) = queue.next() {
                let mut part = self.part(nodes[i], &voices[i]);
                under_way.push(async move {
                    let done = part.table(nodes[i]).await;
                    (i, part, done)
                });
            }
            let Some((i, mut part, done)) = under_way.next().await else {
                break;
            };
            let name = &nodes[i].name;
            if let Err(errors) = done {
                if short_of_memory(&errors) && queue.again(i) {
                    voices[i].event(&Event::Warned(again(name)));
                    continue;
                }
                voices[i].event(&Event::Failed {
                    table: name.clone(),
                });
                found.insert(i, errors);
                self.failed.insert(name.clone());
            }
            self.failed.extend(part.failed);
            self.fresh += part.fresh;
            let record = part.records.remove(name);
            let size = record.as_ref().map_or(Size::Small, |r| self.size(r));
            self.records.extend(record.map(|r| (name.clone(), r)));
            if !part.made.is_empty() {
                made.insert(i);
            }
            queue.settle(i, size);
            told.ended(i);
        }
        self.made = made.into_iter().map(|i| nodes[i].name.clone()).collect();
        let mut all = Diagnostics::default();
        found.into_values().for_each(|errors| all.extend(errors));
        all
    }

    fn size(&self, record: &NodeRecord) -> Size {
        let files = record.files(&self.lake);
        match files.is_empty() && record.made.rows.is_none() {
            true => Size::OfWhatItReads,
            false if engine::is_small(&files) => Size::Small,
            false => Size::Large,
        }
    }

    fn at_once(&self) -> usize {
        match self.options.jobs {
            0 => self.plan.settings.partitions.clamp(1, AT_ONCE),
            jobs => jobs,
        }
    }

    /// What it takes to make one table.
    fn part<'b>(&self, node: &Node, listener: &'b dyn Listener) -> Night<'b>
    where
        'a: 'b,
    {
        let inputs = node.inputs.iter();
        let records = inputs.filter_map(|i| Some((i.clone(), Arc::clone(self.records.get(i)?))));
        let failed = node.inputs.iter().filter(|i| self.failed.contains(i));
        Night {
            plan: self.plan,
            options: self.options,
            listener,
            lake: self.lake.clone(),
            as_of: self.as_of,
            started: self.started,
            context: self.context.clone(),
            fingerprints: Arc::clone(&self.fingerprints),
            key: self.key.clone(),
            records: records.collect(),
            made: Vec::new(),
            failed: failed.cloned().collect(),
            fresh: 0,
            shipping: self.shipping.clone(),
        }
    }

    async fn table(&mut self, node: &Node) -> Result<()> {
        if let Some(because) = self.failed.first() {
            self.listener.event(&Event::Skipped {
                table: node.name.clone(),
                because: because.clone(),
            });
            self.failed.insert(node.name.clone());
            return Ok(());
        }
        match &node.body {
            Body::Source(source) => self.source(node, source).await,
            Body::Model(model) => self.model(node, model).await,
            Body::Mart(mart) => self.mart(node, mart).await,
            Body::System(table) => self.own_table(node, *table),
        }
    }
}

fn short_of_memory(errors: &Diagnostics) -> bool {
    errors.iter().any(|e| e.code == Code::Memory)
}

fn again(table: &TableName) -> Diagnostic {
    Diagnostic::warning(
        Code::Memory,
        format!("memory was short for {table} beside other tables: it is made again by itself"),
    )
    .hint("raise memory_limit, or lower partitions")
}

/// How much there is to read of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    /// It is held in memory.
    Small,
    Large,
    /// It is a view.
    OfWhatItReads,
}

/// Which table is next. Tables are known by their place in the plan.
struct Queue {
    /// What each reads.
    inputs: Vec<Vec<usize>>,
    /// Those that read files that arrived or a large table. Each takes every core by itself, and two
    /// would take twice the memory: they are made one after the other, and small ones beside them.
    heavy: BTreeSet<usize>,
    at_once: usize,
    waiting: BTreeSet<usize>,
    under_way: BTreeSet<usize>,
    settled: BTreeSet<usize>,
    /// Those for which memory was short beside others, until they are under way again.
    short: Vec<usize>,
    /// All that ever were: nothing is made beside them.
    by_itself: BTreeSet<usize>,
}

impl Queue {
    fn of(nodes: &[&Node], at_once: usize) -> Self {
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
            short: Vec::new(),
            by_itself: BTreeSet::new(),
        }
    }

    /// A table to begin now; none while there is none, or no room beside those under way.
    fn next(&mut self) -> Option<usize> {
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
    fn again(&mut self, i: usize) -> bool {
        let first = self.at_once > 1 && self.by_itself.insert(i);
        if first {
            self.under_way.remove(&i);
            self.short.push(i);
        }
        first
    }

    /// A table has been made, or will not be.
    fn settle(&mut self, i: usize, size: Size) {
        self.under_way.remove(&i);
        self.settled.insert(i);
        if size == Size::Large || size == Size::OfWhatItReads && self.heavy.contains(&i) {
            let readers = (0..self.inputs.len()).filter(|r| self.inputs[*r].contains(&i));
            self.heavy.extend(readers);
        }
    }
}

/// Passes on what tables tell, table after table.
struct InOrder<'a> {
    listener: &'a dyn Listener,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// The table that is heard now.
    now: usize,
    /// Those that have ended.
    ended: BTreeSet<usize>,
    /// What later ones have told already.
    held: BTreeMap<usize, Vec<Event>>,
}

impl<'a> InOrder<'a> {
    fn new(listener: &'a dyn Listener) -> Self {
        Self {
            listener,
            told: Mutex::default(),
        }
    }

    fn voice(&'a self, place: usize) -> Voice<'a> {
        Voice { order: self, place }
    }

    /// A table has nothing more to tell.
    fn ended(&self, place: usize) {
        let mut told = self.told.lock();
        told.ended.insert(place);
        loop {
            let now = told.now;
            for event in told.held.remove(&now).unwrap_or_default() {
                self.listener.event(&event);
            }
            if !told.ended.remove(&now) {
                break;
            }
            told.now += 1;
        }
    }
}

/// What one table tells.
struct Voice<'a> {
    order: &'a InOrder<'a>,
    place: usize,
}

impl Listener for Voice<'_> {
    fn event(&self, event: &Event) {
        let mut told = self.order.told.lock();
        if told.now == self.place {
            self.order.listener.event(event);
        } else {
            told.held.entry(self.place).or_default().push(event.clone());
        }
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
            let mut tries = vec![0; inputs.len()];
            for pick in picks.into_iter().cycle() {
                while let Some(i) = queue.next() {
                    prop_assert!(inputs[i].iter().all(|input| done.contains(input)));
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
                    done.push(i);
                }
            }
            done.sort_unstable();
            prop_assert_eq!(done, (0..inputs.len()).collect::<Vec<_>>());
            let wanted = |i: usize| if at_once > 1 && short.contains(&i) { 2 } else { 1 };
            prop_assert_eq!(tries, (0..inputs.len()).map(wanted).collect::<Vec<_>>());
        }
    }

    /// Keeps what it hears.
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Listener for Heard {
        fn event(&self, event: &Event) {
            if let Event::Repaired { what } = event {
                self.0.lock().push(what.clone());
            }
        }
    }

    #[test]
    fn what_tables_tell_is_heard_in_their_order() {
        let heard = Heard::default();
        let order = InOrder::new(&heard);
        let say = |place: usize, what: &str| {
            let what = what.to_owned();
            order.voice(place).event(&Event::Repaired { what });
        };
        say(1, "second");
        say(0, "first");
        say(2, "third");
        order.ended(2);
        say(1, "second still");
        order.ended(0);
        say(1, "second at once");
        assert_eq!(
            *heard.0.lock(),
            ["first", "second", "second still", "second at once"]
        );
        order.ended(1);
        assert_eq!(heard.0.lock().last().map(String::as_str), Some("third"));
    }
}
