//! One JSON object a line, its keys the headings.
//!
//! The file is read twice: once for the keys that occur anywhere in it, which are its header, and
//! once for the rows. A key that some rows lack is null there; one that no row has is a missing
//! column.

use std::collections::HashMap;
use std::io::Read;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::header::Layout;
use crate::ingest::rows::{Broken, RowsBuilder, Sink, Structure};
use crate::spec::reader::JsonLines;

use super::encoding::{Bytes, with_text};
use super::faults::fault_of;
use super::json_object::{Value, parse};
use super::lines::Lines;
use super::scan::Fault;

/// More keys than this are values, not headings.
const MOST_KEYS: usize = 10_000;

/// Reads the text. Says how many rows there were.
///
/// # Errors
/// When the file is not text, or its keys are not the contract's.
pub(super) fn read(
    bytes: &mut dyn Bytes,
    options: &JsonLines,
    place: &DataPlace,
    columns: usize,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let (keys, _) = with_text(bytes, options.encoding, place, &mut |input| {
        Keys::of(input, place)
    })?;
    let (rows, warnings) = with_text(bytes, options.encoding, place, &mut |input| {
        rows(input, &keys, place, columns, sink)
    })?;
    warnings.into_iter().for_each(|w| sink.warn(w));
    Ok(rows)
}

/// The keys that occur in a file, in the order in which they are first seen.
#[derive(Debug, Default)]
struct Keys {
    names: Vec<String>,
    places: HashMap<String, usize>,
    /// Lines that are objects.
    objects: u64,
}

impl Keys {
    fn of(input: &mut dyn Read, place: &DataPlace) -> Result<Self> {
        let mut keys = Self::default();
        lines(input, place, &mut |line, bytes| {
            let known = keys.names.len();
            if parse(bytes, &mut |key| keys.place(key), &mut |_, _| {}).is_ok() {
                keys.objects += 1;
            } else {
                // A line that is no object has no say in what the header is.
                for name in keys.names.drain(known..) {
                    keys.places.remove(&name);
                }
            }
            if keys.names.len() > MOST_KEYS {
                return Err(Diagnostic::error(
                    Code::Header,
                    format!("there are more than {MOST_KEYS} different keys"),
                )
                .at(place.clone().line(u64::try_from(line).unwrap_or(0)))
                .hint("keys are headings: are values used as keys?")
                .into());
            }
            Ok(())
        })?;
        Ok(keys)
    }

    fn place(&mut self, key: &str) -> Option<usize> {
        if let Some(place) = self.places.get(key) {
            return Some(*place);
        }
        let place = self.names.len();
        self.names.push(key.to_owned());
        self.places.insert(key.to_owned(), place);
        Some(place)
    }
}

/// Gives each line that is not blank, with its number.
fn lines(
    input: &mut dyn Read,
    place: &DataPlace,
    each: &mut dyn FnMut(i64, &[u8]) -> Result<()>,
) -> Result<()> {
    let failed = |fault: Fault| Diagnostics::from(fault_of(fault, place));
    let mut lines = Lines::new(input);
    loop {
        let number = lines.line();
        let Some(bytes) = lines.peek_line().map_err(failed)? else {
            return Ok(());
        };
        if !bytes.iter().all(u8::is_ascii_whitespace) {
            each(number, bytes)?;
        }
        lines.take_line();
    }
}

fn rows(
    input: &mut dyn Read,
    keys: &Keys,
    place: &DataPlace,
    columns: usize,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let layout = match keys.objects {
        0 => Layout::default(),
        _ => sink.header(&keys.names, 0)?,
    };
    let mut rows = RowsBuilder::new(columns);
    let mut values: Vec<Option<Value>> = Vec::new();
    lines(input, place, &mut |line, bytes| {
        values.clear();
        values.resize_with(keys.names.len(), || None);
        let parsed = parse(
            bytes,
            &mut |key| keys.places.get(key).copied(),
            &mut |at, value| {
                values[at] = Some(match values[at] {
                    None => value,
                    Some(_) => Value::Twice,
                });
            },
        );
        let broken = match parsed {
            Err(reason) => Some((None, reason)),
            Ok(()) => {
                let slots = layout.slots.iter().enumerate();
                let mut fields = slots.filter_map(|(column, slot)| Some((column, (*slot)?)));
                fields.find_map(|(column, field)| {
                    let reason = values[field].as_ref()?.fault()?;
                    Some((Some(column), reason.to_owned()))
                })
            }
        };
        match broken {
            Some((column, reason)) => rows.push_broken(Broken {
                line,
                column,
                rule: Structure::Json,
                reason,
            }),
            None => rows.push(line, &layout, |field| match &values[field] {
                Some(Value::Text(text)) => text.as_str(),
                _ => "",
            }),
        }
        rows.flush_if_full(sink)
    })?;
    rows.finish(sink)
}
