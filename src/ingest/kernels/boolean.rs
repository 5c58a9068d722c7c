//! Yes and no.

use std::sync::Arc;

use arrow::array::{BooleanBuilder, StringArray};

use super::Cast;

/// Y/N, yes/no, true/false, 1/0, in any case.
pub(in crate::ingest) fn cast(texts: &StringArray) -> Cast {
    let mut values = BooleanBuilder::with_capacity(texts.iter().len());
    let mut invalid = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let value = text.and_then(read);
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
        let cast = cast(&texts);
        let values = cast.values.as_boolean();
        assert!(values.value(0) && !values.value(1) && values.value(2) && !values.value(3));
        assert!(values.is_null(4) && values.is_null(5));
        assert_eq!(cast.invalid, vec![5, 6]);
    }
}
