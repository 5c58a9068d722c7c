//! The texts of a column, numbered in the order in which they first occur.
//!
//! Most columns of texts hold few of them, most texts are short, and a short text stands in its view:
//! a row is then numbered by looking up sixteen bytes, without touching the text.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanBufferBuilder, DictionaryArray, make_view,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, UInt32Type};
use datafusion::parquet::errors::{ParquetError, Result};

use crate::store::views::{ByInteger, ByText, is_whole};

/// A column as the numbers of its texts.
pub struct Texts {
    /// The texts, each behind its length.
    pub dictionary: Vec<u8>,
    /// Of the rows that hold a text.
    pub numbers: Vec<u32>,
    /// A bit for each row, set where it holds a text.
    pub held: BooleanBufferBuilder,
    /// The least and the greatest text; none while there is no text.
    pub range: Option<Range>,
    /// Short texts by their views.
    short: ByInteger<u32>,
    long: ByText<u32>,
}

/// Two texts and all between them.
pub struct Range {
    /// The first of them by its bytes.
    pub least: Box<[u8]>,
    /// The last.
    pub greatest: Box<[u8]>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            dictionary: Vec::new(),
            numbers: Vec::new(),
            held: BooleanBufferBuilder::new(0),
            range: None,
            short: ByInteger::default(),
            long: ByText::default(),
        }
    }
}

impl Texts {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.held.len()
    }

    /// How many texts differ.
    pub fn distinct(&self) -> usize {
        self.short.len() + self.long.len()
    }

    /// The texts by their numbers.
    pub fn in_number_order(&self) -> Vec<&[u8]> {
        let mut texts = Vec::with_capacity(self.distinct());
        let mut rest = &self.dictionary[..];
        while let Some((length, behind)) = rest.split_first_chunk() {
            let (text, behind) = behind.split_at(u32::from_le_bytes(*length) as usize);
            texts.push(text);
            rest = behind;
        }
        texts
    }

    /// Adds rows: texts, views of texts, or a dictionary of texts.
    ///
    /// # Errors
    /// When the column is something else.
    pub fn push(&mut self, column: &ArrayRef) -> Result<()> {
        match column.data_type() {
            DataType::Utf8View => {
                let texts = column.as_string_view();
                let (views, nulls) = (texts.views(), texts.nulls());
                // Whether two long views are of one text is known only where they lie in one array.
                let mut last = None;
                self.push_rows(nulls, views.len(), |this, row| {
                    let view = views[row];
                    match last {
                        Some((seen, number)) if seen == view => number,
                        _ => {
                            let number = match is_whole(view) {
                                true => this.short(view),
                                false => this.long(texts.value(row).as_bytes()),
                            };
                            last = Some((view, number));
                            number
                        }
                    }
                });
            }
            DataType::Utf8 => {
                let texts = column.as_string::<i32>();
                self.push_rows(texts.nulls(), texts.len(), |this, row| {
                    this.number(texts.value(row).as_bytes())
                });
            }
            _ => match column.as_dictionary_opt::<UInt32Type>() {
                Some(texts) => self.push_numbered(texts),
                None => {
                    let kind = column.data_type();
                    return Err(ParquetError::General(format!("{kind} is no text")));
                }
            },
        }
        Ok(())
    }

    /// Adds rows that are numbered already, by a dictionary of their own.
    fn push_numbered(&mut self, texts: &DictionaryArray<UInt32Type>) {
        let (keys, values) = (texts.keys(), texts.values().as_string::<i32>());
        let mut numbers = vec![None; values.len()];
        let nulls = texts.logical_nulls();
        self.push_rows(nulls.as_ref(), keys.len(), |this, row| {
            let key = keys.value(row) as usize;
            *numbers[key].get_or_insert_with(|| this.number(values.value(key).as_bytes()))
        });
    }

    fn push_rows(
        &mut self,
        nulls: Option<&NullBuffer>,
        rows: usize,
        mut number: impl FnMut(&mut Self, usize) -> u32,
    ) {
        self.numbers.reserve(rows);
        match nulls.filter(|nulls| nulls.null_count() > 0) {
            Some(nulls) => {
                self.held.append_buffer(nulls.inner());
                for row in nulls.valid_indices() {
                    let number = number(self, row);
                    self.numbers.push(number);
                }
            }
            None => {
                self.held.append_n(rows, true);
                for row in 0..rows {
                    let number = number(self, row);
                    self.numbers.push(number);
                }
            }
        }
    }

    fn number(&mut self, text: &[u8]) -> u32 {
        let view = make_view(text, 0, 0);
        match is_whole(view) {
            true => self.short(view),
            false => self.long(text),
        }
    }

    fn short(&mut self, view: u128) -> u32 {
        if let Some(number) = self.short.get(&view) {
            return *number;
        }
        let bytes = view.to_le_bytes();
        let number = self.enter(&bytes[4..4 + bytes[0] as usize]);
        self.short.insert(view, number);
        number
    }

    fn long(&mut self, text: &[u8]) -> u32 {
        if let Some(number) = self.long.get(text) {
            return *number;
        }
        let number = self.enter(text);
        self.long.insert(text.into(), number);
        number
    }

    /// The number of a text that was not there before.
    fn enter(&mut self, text: &[u8]) -> u32 {
        let number = self.distinct() as u32;
        self.dictionary.extend((text.len() as u32).to_le_bytes());
        self.dictionary.extend(text);
        match &mut self.range {
            Some(range) if text < &*range.least => range.least = text.into(),
            Some(range) if text > &*range.greatest => range.greatest = text.into(),
            Some(_) => {}
            None => {
                self.range = Some(Range {
                    least: text.into(),
                    greatest: text.into(),
                });
            }
        }
        number
    }
}
