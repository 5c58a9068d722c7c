//! What a table is made from, and so whether it must be made again, and why.
//!
//! A table's key is a hash of its ingredients: SQL, parameters, contract, the run's date where the
//! SQL reads it, and the content of what it reads. Content, not keys: an input that was made again
//! and came out the same makes nothing downstream stale.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::compile::{Body, Node};
use crate::spec::source::Delivery;

/// Raised when the same ingredients would give other bytes.
const ENGINE_VERSION: u32 = 4;

/// Everything that decides a table's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingredients {
    engine: String,
    /// BLAKE3 of the SQL text.
    pub sql: Option<String>,
    /// Bound parameters.
    pub parameters: BTreeMap<String, String>,
    /// The run's date, if the SQL reads it.
    pub as_of: Option<NaiveDate>,
    /// BLAKE3 of what the YAML says of the result.
    pub contract: String,
    /// Content hash of each input; of a source, the key of each file.
    pub inputs: BTreeMap<String, String>,
}

impl Ingredients {
    /// Those of a node, given the content of its inputs.
    pub fn of(node: &Node, as_of: NaiveDate, inputs: BTreeMap<String, String>) -> Self {
        let (query, contract) = match &node.body {
            // The keys of a source's files cover its contract.
            Body::Source(source) => match source.files.delivery.as_deref() {
                Some(delivery @ Delivery::Upsert(_)) => (None, format!("{delivery:?}")),
                _ => (None, String::new()),
            },
            Body::System(_) => (None, format!("{:?}", node.schema.fields())),
            Body::Model(model) => (
                Some(&model.query),
                format!(
                    "{:?} {:?} {:?} {:?} {:?}",
                    model.spec.grain,
                    model.order,
                    model.materialized,
                    node.schema.fields(),
                    model.spec.checks
                ),
            ),
            Body::Mart(mart) => (
                Some(&mart.query),
                format!(
                    "{:?} {:?} {:?} {:?} {:?}",
                    mart.published,
                    mart.spec.grain,
                    mart.spec.rates,
                    node.description,
                    mart.spec.checks
                ),
            ),
        };
        // Values are told apart below; a type can change the result by itself.
        let types: Option<Vec<_>> = query.map(|q| q.parameters.values().map(|b| b.kind).collect());
        Self {
            engine: engine(),
            sql: query.map(|q| hash(q.source.text.as_bytes())),
            parameters: query
                .map(|q| {
                    q.parameters
                        .iter()
                        .map(|(n, b)| (n.clone(), b.value.clone()))
                        .collect()
                })
                .unwrap_or_default(),
            as_of: query.filter(|q| q.reads_as_of).map(|_| as_of),
            // Without places: moving a line in the YAML changes nothing.
            contract: hash(without_spans(&format!("{contract} {types:?}")).as_bytes()),
            inputs,
        }
    }

    /// The key.
    pub fn key(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        hash(&text)[..KEY_DIGITS].to_owned()
    }

    /// What differs from what the table was last made from, in words.
    pub fn changes_since(&self, last: Option<&Self>) -> Vec<String> {
        let Some(last) = last else {
            return vec!["never made".to_owned()];
        };
        let mut changes = Vec::new();
        if self.sql != last.sql {
            changes.push("its SQL changed".to_owned());
        }
        let names = self.parameters.keys().chain(last.parameters.keys());
        let mut turned: Vec<&str> = names
            .filter(|n| self.parameters.get(*n) != last.parameters.get(*n))
            .map(String::as_str)
            .collect();
        turned.dedup();
        if !turned.is_empty() {
            changes.push(format!("${} changed", turned.join(", $")));
        }
        if self.as_of != last.as_of {
            changes.push("it reads $as_of, and the date moved".to_owned());
        }
        if self.contract != last.contract {
            changes.push("its contract changed".to_owned());
        }
        let tables = self.inputs.keys().chain(last.inputs.keys());
        let mut inputs: Vec<&str> = tables
            .filter(|t| self.inputs.get(*t) != last.inputs.get(*t))
            .map(String::as_str)
            .collect();
        inputs.sort_unstable();
        inputs.dedup();
        if !inputs.is_empty() {
            changes.push(summary(&inputs));
        }
        if self.engine != last.engine {
            changes.push("martlet changed".to_owned());
        }
        changes
    }
}

fn summary(inputs: &[&str]) -> String {
    match inputs {
        [one] => format!("{one} changed"),
        [first, second] => format!("{first} and {second} changed"),
        [first, rest @ ..] => format!("{first} and {} others changed", rest.len()),
        [] => String::new(),
    }
}

/// Everything outside the project that decides bytes: our own version and the engine's.
fn engine() -> String {
    let ours = env!("CARGO_PKG_VERSION");
    format!("{ENGINE_VERSION} {ours} {}", datafusion::DATAFUSION_VERSION)
}

/// Digits of a key: 80 bits, plenty for one table's history and short enough to read.
const KEY_DIGITS: usize = 20;

/// BLAKE3 in hexadecimal.
pub fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A debug text without the spans of `Sp`.
fn without_spans(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(i) = rest.find(", span: ") {
        out.push_str(&rest[..i]);
        rest = rest[i + 8..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::without_spans;

    #[test]
    fn spans_do_not_count() {
        assert_eq!(
            without_spans("Sp { value: \"a\", span: 3..14 }"),
            "Sp { value: \"a\" }"
        );
    }
}
