//! People in tests have names: a word where a pseudonym belongs stands for the same number wherever
//! the test writes it, and is shown again where rows differ.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, Int64Type};

use crate::compile::{Body, Plan};

/// The people of a project's tests.
#[derive(Debug, Clone, Default)]
pub struct People {
    /// The names that sources give their pseudonyms, such as `person_key`.
    columns: BTreeSet<String>,
    /// The word that stands for a number.
    names: BTreeMap<i64, String>,
}

impl People {
    /// For the pseudonyms of a plan's sources; nobody is named yet.
    pub fn of(plan: &Plan) -> Self {
        let sources = plan.nodes.iter().filter_map(|n| match &n.body {
            Body::Source(source) => Some(&source.spec.columns),
            Body::Model(_) | Body::Mart(_) | Body::System(_) => None,
        });
        let pseudonyms = sources
            .flatten()
            .filter_map(|c| c.pseudonymise.as_ref())
            .map(|name| name.to_string());
        Self {
            columns: pseudonyms.collect(),
            names: BTreeMap::new(),
        }
    }

    /// The number that a word under a column stands for; nothing where a number is written, or the
    /// column is no pseudonym.
    pub fn number(&mut self, field: &Field, word: &str) -> Option<String> {
        if !self.is_person(field.name(), field.data_type()) || word.parse::<i64>().is_ok() {
            return None;
        }
        let mut eight = [0; 8];
        eight.copy_from_slice(&blake3::hash(word.as_bytes()).as_bytes()[..8]);
        let number = i64::from_be_bytes(eight) & i64::MAX;
        self.names.insert(number, word.to_owned());
        Some(number.to_string())
    }

    /// The name of whoever stands in a row of a column, if the test gave one.
    pub fn name(&self, column: &str, values: &dyn Array, row: usize) -> Option<&str> {
        if !self.is_person(column, values.data_type()) || values.is_null(row) {
            return None;
        }
        let number = values.as_primitive::<Int64Type>().value(row);
        self.names.get(&number).map(String::as_str)
    }

    fn is_person(&self, column: &str, kind: &DataType) -> bool {
        *kind == DataType::Int64 && self.columns.contains(column)
    }
}
