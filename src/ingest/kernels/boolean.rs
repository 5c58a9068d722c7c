//! Yes and no.

use std::sync::Arc;

use arrow::array::{BooleanBuilder, StringArray};

use crate::spec::Sp;

use super::Cast;

/// What means true and false beside the usual words, in any case.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Words {
    yes: Vec<String>,
    no: Vec<String>,
}

impl Words {
    /// For a column of a contract.
    pub(in crate::ingest) fn of(yes: &[Sp<String>], no: &[Sp<String>]) -> Self {
        let lower = |words: &[Sp<String>]| words.iter().map(|w| w.trim().to_lowercase()).collect();
        Self {
            yes: lower(yes),
            no: lower(no),
        }
    }

    fn read(&self, text: &str) -> Option<bool> {
        if self.yes.is_empty() && self.no.is_empty() {
            return read(text);
        }
        let text = text.to_lowercase();
        if self.yes.contains(&text) {
            Some(true)
        } else if self.no.contains(&text) {
            Some(false)
        } else {
            read(&text)
        }
    }
}

/// Y/N, yes/no, true/false, 1/0 and the column's own words, in any case.
pub(in crate::ingest) fn cast(texts: &StringArray, words: &Words) -> Cast {
    let mut values = BooleanBuilder::with_capacity(texts.iter().len());
    let mut invalid = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let value = text.and_then(|t| words.read(t));
        if text.is_some() && value.is_none() {
            invalid.push(row);
        }
        values.append_option(value);
    }
    Cast {
        values: Arc::new(values.finish()),
        invalid,
    }
}

fn read(text: &str) -> Option<bool> {
    let is = |words: [&str; 4]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(["y", "yes", "true", "1"]) {
        Some(true)
    } else if is(["n", "no", "false", "0"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};

    #[test]
    fn every_spelling_reads_and_nothing_else_does() {
        let texts = StringArray::from(vec![
            Some("Y"),
            Some("no"),
            Some("TRUE"),
            Some("0"),
            None,
            Some("maybe"),
            Some("2"),
        ]);
        let cast = cast(&texts, &Words::default());
        let values = cast.values.as_boolean();
        assert!(values.value(0) && !values.value(1) && values.value(2) && !values.value(3));
        assert!(values.is_null(4) && values.is_null(5));
        assert_eq!(cast.invalid, vec![5, 6]);
    }

    #[test]
    fn a_column_has_its_own_words_beside_them() {
        let word = |text: &str| vec![Sp::new(text.to_owned(), 0..0)];
        let words = Words::of(&word("Attended"), &word("DNA"));
        let texts = StringArray::from(vec!["attended", "dna", "Y", "maybe"]);
        let cast = super::cast(&texts, &words);
        let values = cast.values.as_boolean();
        assert!(values.value(0) && !values.value(1) && values.value(2));
        assert_eq!(cast.invalid, vec![3]);
    }
}
