//! A column of texts in which each text is held once.
//!
//! Most columns say the same few things over and over: what is done with a text is then done once
//! for all rows that hold it. A column whose texts hardly repeat is held as it is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, StringArray, StringBuilder, UInt32Array};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, UInt32Type};
use datafusion::common::HashMap;

use crate::diag::{Diagnostic, Diagnostics, Result};

/// After so many rows it shows whether texts repeat.
const TRIAL: usize = 4096;
/// With more different texts than this, looking each up costs more than it saves.
const MOST: usize = 1 << 16;

/// A column of texts, null where nothing is written.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    /// The texts that occur; without keys, one for each row.
    values: StringArray,
    /// For each row, which of the values stands in it.
    keys: Option<UInt32Array>,
}

impl Texts {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.keys.as_ref().map_or(self.values.len(), Array::len)
    }

    /// What is to be looked at: each text once, or if they hardly repeat, row by row.
    pub(super) fn values(&self) -> &StringArray {
        &self.values
    }

    /// The text of a row.
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        let value = self.value_of(row)?;
        self.values
            .is_valid(value)
            .then(|| self.values.value(value))
    }

    /// The rows for whose value this holds, by its place among the values; `None` where a row has
    /// none.
    pub(super) fn rows_where(&self, holds: impl Fn(Option<usize>) -> bool) -> Vec<usize> {
        (0..self.len())
            .filter(|row| holds(self.value_of(*row)))
            .collect()
    }

    /// The rows that hold one of these values, given by their places, ascending.
    pub(super) fn rows_of(&self, values: &[usize]) -> Vec<usize> {
        if values.is_empty() || self.keys.is_none() {
            return values.to_vec();
        }
        let mut is_one = vec![false; self.values.len()];
        for value in values {
            is_one[*value] = true;
        }
        self.rows_where(|value| value.is_some_and(|v| is_one[v]))
    }

    /// What was made of the values, for every row. Texts come as a dictionary.
    ///
    /// # Errors
    /// When there is not one for each value.
    pub(super) fn spread(&self, made: ArrayRef) -> Result<ArrayRef> {
        let Some(keys) = &self.keys else {
            return Ok(made);
        };
        if *made.data_type() == DataType::Utf8 {
            let rows = DictionaryArray::try_new(keys.clone(), made).map_err(bug)?;
            return Ok(Arc::new(rows));
        }
        take(&made, keys, None).map_err(bug)
    }

    fn value_of(&self, row: usize) -> Option<usize> {
        match &self.keys {
            None => Some(row),
            Some(keys) => keys.is_valid(row).then(|| keys.value(row) as usize),
        }
    }
}

/// The same text for every row.
///
/// # Errors
/// When Arrow cannot hold so many.
pub(super) fn repeated(text: &str, rows: usize) -> Result<ArrayRef> {
    let values: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let keys = UInt32Array::from(vec![0; rows]);
    let rows = DictionaryArray::<UInt32Type>::try_new(keys, values).map_err(bug)?;
    Ok(Arc::new(rows))
}

fn bug(error: arrow::error::ArrowError) -> Diagnostics {
    Diagnostic::bug(error.to_string()).into()
}

/// A row in which nothing is written.
const NONE: u32 = u32::MAX;

/// A column being filled.
#[derive(Debug, Default)]
pub(super) struct TextsBuilder {
    values: StringBuilder,
    /// Values so far.
    next: u32,
    keys: Vec<u32>,
    short: ShortTexts,
    long: HashMap<Box<str>, u32>,
    /// The texts hardly repeat: each row has its own value.
    is_plain: bool,
}

impl TextsBuilder {
    /// For so many rows, or about as many.
    pub(super) fn sized(rows: usize) -> Self {
        Self {
            keys: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    /// Adds a row; nothing is written where the text is empty.
    pub(super) fn push(&mut self, text: &str) {
        if self.is_plain {
            self.values
                .append_option(Some(text).filter(|t| !t.is_empty()));
        } else if text.is_empty() {
            self.keys.push(NONE);
        } else {
            let key = match Short::of(text) {
                Some(short) => self.short.key_of(short, self.next),
                None => self.long_key_of(text),
            };
            self.keys.push(key);
            if key == self.next {
                self.values.append_value(text);
                self.next += 1;
                let (values, rows) = (self.next as usize, self.keys.len());
                if values > MOST || (rows >= TRIAL && values * 2 > rows) {
                    self.write_out();
                }
            }
        }
    }

    /// The column; the next begins anew.
    pub(super) fn finish(&mut self) -> Texts {
        let keys = std::mem::take(&mut self.keys);
        let keys = (!self.is_plain).then(|| {
            let held = keys.contains(&NONE).then(|| {
                NullBuffer::new(BooleanBuffer::collect_bool(keys.len(), |row| {
                    keys[row] != NONE
                }))
            });
            let known = |key: u32| if key == NONE { 0 } else { key };
            let keys: Vec<u32> = keys.into_iter().map(known).collect();
            UInt32Array::new(keys.into(), held)
        });
        (self.is_plain, self.next) = (false, 0);
        self.short.clear();
        self.long.clear();
        Texts {
            values: self.values.finish(),
            keys,
        }
    }

    fn long_key_of(&mut self, text: &str) -> u32 {
        if let Some(key) = self.long.get(text) {
            return *key;
        }
        self.long.insert(text.into(), self.next);
        self.next
    }

    /// Gives each row so far its own value.
    fn write_out(&mut self) {
        let values = self.values.finish();
        for key in std::mem::take(&mut self.keys) {
            let text = (key != NONE).then(|| values.value(key as usize));
            self.values.append_option(text);
        }
        self.is_plain = true;
    }
}

/// A text of at most 16 bytes, as two numbers and its length.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Short {
    first: u64,
    last: u64,
    length: u32,
}

impl Short {
    /// Of a text that is not empty.
    fn of(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let (first, last) = match bytes.len() {
            8..=16 => (
                u64::from_le_bytes(*bytes.first_chunk()?),
                u64::from_le_bytes(*bytes.last_chunk()?),
            ),
            4..8 => (
                u64::from(u32::from_le_bytes(*bytes.first_chunk()?)),
                u64::from(u32::from_le_bytes(*bytes.last_chunk()?)),
            ),
            1..4 => (bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)), 0),
            _ => return None,
        };
        Some(Self {
            first,
            last,
            length: bytes.len() as u32,
        })
    }

    /// Spread over 64 bits, the upper ones the most even.
    fn hash(self) -> u64 {
        let mixed = (self.first ^ u64::from(self.length)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed ^ self.last ^ (mixed >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93)
    }
}

/// The keys of short texts: open addressing, at most half full.
#[derive(Debug, Default)]
struct ShortTexts {
    /// A slot is free where its text has no length.
    slots: Vec<(Short, u32)>,
    taken: usize,
}

impl ShortTexts {
    /// The key of a text; `next` if it is new, which it then has.
    fn key_of(&mut self, text: Short, next: u32) -> u32 {
        if self.taken * 2 >= self.slots.len() {
            self.grow();
        }
        let place = self.place(text);
        let (held, key) = self.slots[place];
        if held.length > 0 {
            return key;
        }
        self.slots[place] = (text, next);
        self.taken += 1;
        next
    }

    /// The slot that holds a text, or else the one where it belongs.
    fn place(&self, text: Short) -> usize {
        let last = self.slots.len() - 1;
        let mut place = (text.hash() >> 40) as usize & last;
        while self.slots[place].0.length > 0 && self.slots[place].0 != text {
            place = (place + 1) & last;
        }
        place
    }

    fn grow(&mut self) {
        let more = vec![(Short::default(), 0); (self.slots.len() * 4).max(64)];
        for (text, key) in std::mem::replace(&mut self.slots, more) {
            if text.length > 0 {
                let place = self.place(text);
                self.slots[place] = (text, key);
            }
        }
    }

    fn clear(&mut self) {
        self.slots.fill((Short::default(), 0));
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::compute::cast;
    use proptest::prelude::*;

    fn texts(rows: &[&str]) -> Texts {
        let mut builder = TextsBuilder::default();
        rows.iter().for_each(|text| builder.push(text));
        builder.finish()
    }

    fn rows_of(texts: &Texts) -> Vec<Option<&str>> {
        (0..texts.len()).map(|row| texts.get(row)).collect()
    }

    fn written<'a>(rows: &[&'a str]) -> Vec<Option<&'a str>> {
        rows.iter()
            .map(|t| Some(*t).filter(|t| !t.is_empty()))
            .collect()
    }

    #[test]
    fn texts_that_hardly_repeat_are_held_row_by_row() {
        let many: Vec<String> = (0..70_000).map(|i| format!("E{i:010}")).collect();
        let distinct: Vec<&str> = many.iter().map(String::as_str).collect();
        let few: Vec<&str> = ["bowel", "", "a text of more than sixteen bytes"].repeat(5_000);
        // Few at first, and then more than are worth looking up.
        let mixed: Vec<&str> = few.iter().chain(&distinct).copied().collect();
        for (rows, keyed) in [(&distinct, false), (&few, true), (&mixed, false)] {
            let texts = texts(rows);
            assert_eq!(texts.keys.is_some(), keyed);
            assert_eq!(rows_of(&texts), written(rows));
        }
    }

    #[test]
    fn a_builder_begins_anew() {
        let mut builder = TextsBuilder::default();
        builder.push("old");
        builder.finish();
        builder.push("new");
        let texts = builder.finish();
        assert_eq!(texts.values().iter().collect::<Vec<_>>(), [Some("new")]);
    }

    proptest! {
        #[test]
        fn every_row_keeps_its_text(rows in prop::collection::vec("[ab]{0,20}|\\PC{0,5}", 0..200)) {
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let texts = texts(&rows);
            prop_assert_eq!(rows_of(&texts), written(&rows));
            let spread = texts.spread(Arc::new(texts.values().clone())).expect("as many");
            let plain = cast(&spread, &DataType::Utf8).expect("texts");
            prop_assert_eq!(plain.as_string::<i32>().iter().collect::<Vec<_>>(), written(&rows));
        }

        #[test]
        fn rows_are_found_by_their_values(rows in prop::collection::vec("[abc]{0,2}", 0..60)) {
            let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
            let texts = texts(&rows);
            let long: Vec<usize> = (0..texts.values().len())
                .filter(|v| texts.values().value(*v).len() > 1)
                .collect();
            let expected: Vec<usize> = (0..rows.len()).filter(|r| rows[*r].len() > 1).collect();
            prop_assert_eq!(texts.rows_of(&long), expected);
        }
    }
}
