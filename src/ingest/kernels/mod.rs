//! Text to values: pure functions on arrays, which know neither files nor DataFusion.
//!
//! Every kernel takes texts that are trimmed already, null where nothing was written. It gives
//! the values, null where the text was null or does not read as the type, and the rows of the
//! latter. It never says what the text was.

pub(super) mod boolean;
pub(super) mod code;
pub(super) mod date;
pub(super) mod number;
pub(super) mod written;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, PrimitiveArray, PrimitiveBuilder, StringArray, StringBuilder};
use arrow::datatypes::ArrowPrimitiveType;

/// A column after casting.
#[derive(Debug)]
pub(super) struct Cast {
    /// The values; null where there was no text or it does not read as the type.
    pub values: ArrayRef,
    /// The rows whose text does not read as the type, ascending.
    pub invalid: Vec<usize>,
}

/// Reads each text as a number of some kind.
fn primitive<T: ArrowPrimitiveType>(
    texts: &StringArray,
    read: impl Fn(&str) -> Option<T::Native>,
) -> (PrimitiveArray<T>, Vec<usize>) {
    let mut values = PrimitiveBuilder::<T>::with_capacity(texts.len());
    let mut invalid = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        match text {
            None => values.append_null(),
            Some(text) => {
                let value = read(text);
                if value.is_none() {
                    invalid.push(row);
                }
                values.append_option(value);
            }
        }
    }
    (values.finish(), invalid)
}

/// Rewrites each text; `write` puts the new text into an empty buffer and says whether it could.
fn text(texts: &StringArray, mut write: impl FnMut(&str, &mut String) -> bool) -> Cast {
    let mut values = StringBuilder::with_capacity(texts.len(), texts.value_data().len());
    let mut invalid = Vec::new();
    let mut buffer = String::new();
    for (row, text) in texts.iter().enumerate() {
        let Some(text) = text else {
            values.append_null();
            continue;
        };
        buffer.clear();
        if write(text, &mut buffer) {
            values.append_value(&buffer);
        } else {
            invalid.push(row);
            values.append_null();
        }
    }
    Cast {
        values: Arc::new(values.finish()),
        invalid,
    }
}
