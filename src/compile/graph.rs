//! The order in which tables are made: each after all that it reads.

use std::collections::{BTreeMap, BTreeSet};

use super::TableName;

/// Tables in order, or a circle of tables that read each other.
pub fn order(
    edges: &BTreeMap<TableName, BTreeSet<TableName>>,
) -> Result<Vec<TableName>, Vec<TableName>> {
    let mut done: BTreeSet<&TableName> = BTreeSet::new();
    let mut order = Vec::with_capacity(edges.len());
    while order.len() < edges.len() {
        let before = order.len();
        for (table, inputs) in edges {
            let ready = inputs
                .iter()
                .all(|i| done.contains(i) || !edges.contains_key(i));
            if ready && done.insert(table) {
                order.push(table.clone());
            }
        }
        if order.len() == before {
            return Err(circle(edges, &done));
        }
    }
    Ok(order)
}

/// Follows the first undone table's undone inputs until one comes round again.
fn circle(
    edges: &BTreeMap<TableName, BTreeSet<TableName>>,
    done: &BTreeSet<&TableName>,
) -> Vec<TableName> {
    let undone = |table: &TableName| edges.contains_key(table) && !done.contains(table);
    let mut path: Vec<TableName> = edges
        .keys()
        .find(|t| undone(t))
        .cloned()
        .into_iter()
        .collect();
    while let Some(last) = path.last() {
        let Some(next) = edges[last].iter().find(|t| undone(t)) else {
            break;
        };
        if let Some(start) = path.iter().position(|t| t == next) {
            path.drain(..start);
            path.push(next.clone());
            break;
        }
        path.push(next.clone());
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::TableKind;

    fn model(name: &str) -> TableName {
        TableName::new(TableKind::Model, name)
    }

    fn edges(pairs: &[(&str, &[&str])]) -> BTreeMap<TableName, BTreeSet<TableName>> {
        pairs
            .iter()
            .map(|(t, inputs)| (model(t), inputs.iter().map(|i| model(i)).collect()))
            .collect()
    }

    #[test]
    fn inputs_come_first() {
        let order =
            order(&edges(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])).expect("no circle");
        assert_eq!(order, [model("c"), model("b"), model("a")]);
    }

    #[test]
    fn a_circle_is_shown_whole() {
        let circle =
            order(&edges(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).expect_err("a circle");
        assert_eq!(circle, [model("b"), model("c"), model("b")]);
    }
}
