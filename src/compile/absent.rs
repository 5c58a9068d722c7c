//! Sources that a target has nothing of, and what follows for the tables made of them.

use std::collections::BTreeSet;

use super::{Body, Node};

/// What is made of a source that the target has nothing of may be empty: no least count is held
/// against it. Where the pipeline itself says that a source may be absent, what is made of it knows,
/// and its checks stand. `nodes` stand in the order in which they are made.
pub(super) fn allow_empty(nodes: &mut [Node]) {
    let mut lacking = BTreeSet::new();
    for node in nodes {
        let checks = match &mut node.body {
            Body::Source(source) if source.absent && !source.spec.absent => None,
            Body::Model(model) => Some(&mut model.checks),
            Body::Mart(mart) => Some(&mut mart.checks),
            _ => continue,
        };
        if let Some(checks) = checks {
            if !node.inputs.iter().any(|input| lacking.contains(input)) {
                continue;
            }
            checks.retain(|check| check.spec.row_count.is_none());
        }
        lacking.insert(node.name.clone());
    }
}
