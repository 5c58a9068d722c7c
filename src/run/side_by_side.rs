//! The tables of a run, several at once: each as soon as what it reads is there. What they tell is
//! told in the order of the plan all the same, so that two runs that do the same say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;

use crate::compile::{Body, Node, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics, Result};

use super::Night;
use super::events::{Event, Listener};

/// Tables made at once at most, unasked: each may use every core, and all share one memory limit.
const AT_ONCE: usize = 4;

impl<'a> Night<'a> {
    /// Makes the tables, which stand in an order in which inputs come first. Returns what is wrong
    /// with any of them, in that order.
    pub(super) async fn tables(&mut self, nodes: &[&Node]) -> Diagnostics {
        let at_once = match self.options.jobs {
            0 => self.plan.settings.partitions.clamp(1, AT_ONCE),
            jobs => jobs,
        };
        let told = InOrder::new(self.listener);
        let voices: Vec<Voice<'_>> = (0..nodes.len()).map(|i| told.voice(i)).collect();
        let mut waiting: BTreeSet<usize> = (0..nodes.len()).collect();
        // Those for which memory was short beside others, and whether one of them is under way.
        let (mut alone, mut solo) = (Vec::new(), false);
        let mut by_itself: BTreeSet<usize> = BTreeSet::new();
        let mut settled: BTreeSet<&TableName> = BTreeSet::new();
        let mut found: BTreeMap<usize, Diagnostics> = BTreeMap::new();
        let mut made: BTreeSet<usize> = BTreeSet::new();
        let mut under_way = FuturesUnordered::new();
        loop {
            while !solo && under_way.len() < at_once {
                let ready = |i: &usize| nodes[*i].inputs.iter().all(|t| settled.contains(t));
                let next = match alone.is_empty() {
                    true => waiting.iter().copied().find(ready),
                    false if under_way.is_empty() => alone.pop(),
                    false => None,
                };
                let Some(i) = next else { break };
                waiting.remove(&i);
                solo = by_itself.contains(&i);
                let mut part = self.part(nodes[i], &voices[i]);
                under_way.push(async move {
                    let done = part.table(nodes[i]).await;
                    (i, part, done)
                });
            }
            let Some((i, mut part, done)) = under_way.next().await else {
                break;
            };
            solo = false;
            let name = &nodes[i].name;
            match done {
                Err(errors) if at_once > 1 && short_of_memory(&errors) && by_itself.insert(i) => {
                    voices[i].event(&Event::Warned(again(name)));
                    alone.push(i);
                    continue;
                }
                Err(errors) => {
                    voices[i].event(&Event::Failed {
                        table: name.clone(),
                    });
                    found.insert(i, errors);
                    self.failed.insert(name.clone());
                }
                Ok(()) => {}
            }
            self.failed.extend(part.failed);
            self.fresh += part.fresh;
            if let Some(record) = part.records.remove(name) {
                self.records.insert(name.clone(), record);
            }
            if !part.made.is_empty() {
                made.insert(i);
            }
            settled.insert(name);
            told.ended(i);
        }
        self.made = made.into_iter().map(|i| nodes[i].name.clone()).collect();
        let mut all = Diagnostics::default();
        found.into_values().for_each(|errors| all.extend(errors));
        all
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
