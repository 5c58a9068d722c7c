//! The tables of a run, several at once: each as soon as what it reads is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::stream::{FuturesUnordered, StreamExt};

use crate::compile::{Body, Node, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::engine;

use super::Night;
use super::events::{Event, Listener};
use super::in_order::{InOrder, Voice};
use super::queue::{Queue, Size};
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
                    // All that is held can be read from files as well.
                    for node in nodes {
                        engine::let_go(&self.context, &node.name).await;
                    }
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
            for unread in queue.unread(i) {
                engine::let_go(&self.context, &nodes[unread].name).await;
            }
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
            undivided: self.undivided.clone(),
            reads: Arc::clone(&self.reads),
            fingerprints: Arc::clone(&self.fingerprints),
            saver: Arc::clone(&self.saver),
            key: self.key.clone(),
            records: records.collect(),
            made: Vec::new(),
            failed: failed.cloned().collect(),
            fresh: 0,
            shipping: None,
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
