//! Text with fields at fixed places of the line.

use std::io::Read;

use crate::diag::{DataPlace, Diagnostics, Result};
use crate::ingest::rows::{Broken, RowsBuilder, Sink, Structure};
use crate::spec::reader::{FixedWidth, Stretch};

use super::above::SkipRules;
use super::encoding::{Bytes, with_text};
use super::faults::{fault_of, no_header};
use super::lines::Lines;
use super::scan::Fault;

/// What DOS wrote at the end of a file.
const END_OF_FILE: &str = "\u{1a}";

/// Reads the text. Says how many rows there were.
///
/// # Errors
/// When the file is not text, or its columns are not the contract's.
pub(super) fn read(
    bytes: &mut dyn Bytes,
    options: &FixedWidth,
    place: &DataPlace,
    columns: usize,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let (rows, warnings) = with_text(bytes, options.encoding, place, &mut |input| {
        read_text(input, options, place, columns, sink)
    })?;
    warnings.into_iter().for_each(|w| sink.warn(w));
    Ok(rows)
}

fn read_text(
    input: &mut dyn Read,
    options: &FixedWidth,
    place: &DataPlace,
    columns: usize,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let failed = |fault: Fault| Diagnostics::from(fault_of(fault, place));
    let skips = SkipRules::new(&options.skip_rows)?;
    let mut lines = Lines::new(input);
    for _ in 0..options.header_row.unwrap_or(0) {
        if lines.peek_line().map_err(failed)?.is_none() {
            return Err(no_header(place).into());
        }
        lines.take_line();
    }
    let headings: Vec<String> = options.columns.names().map(str::to_owned).collect();
    let places: Vec<Stretch> = options.columns.iter().map(|(_, place)| *place).collect();
    let layout = sink.header(&headings, lines.line())?;
    let mut rows = RowsBuilder::new(columns);
    loop {
        let line = lines.line();
        lines.peek_line().map_err(failed)?;
        let open = lines.line_is_open();
        let Some(bytes) = lines.peek_line().map_err(failed)? else {
            break;
        };
        let broken = |rule, reason: &str| Broken {
            line,
            column: None,
            rule,
            reason: reason.to_owned(),
        };
        if bytes.contains(&0) {
            rows.push_broken(broken(
                Structure::NulByte,
                "the row holds a NUL byte: was the file cut off or damaged on its way?",
            ));
        } else if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
            let fields: Vec<&str> = places.iter().map(|place| cut(text, *place)).collect();
            if text.trim().is_empty() || text == END_OF_FILE {
                // An empty line is no row.
            } else if let Some(rule) = skips.of(std::iter::once(text)) {
                rows.skip(rule, sink);
            } else if let Some(reason) = misfit(text, &places, open) {
                rows.push_broken(broken(Structure::Ragged, &reason));
            } else {
                rows.push(line, &layout, |i| fields.get(i).copied().unwrap_or(""));
            }
        } else {
            rows.push_broken(broken(Structure::Encoding, "the row is not UTF-8"));
        }
        lines.take_line();
        rows.flush_if_full(sink)?;
    }
    rows.finish(sink)
}

/// Why a line does not fit its layout: what lies behind the last field would be lost, and what was
/// cut off within one would be taken for a shorter value. A line whose blanks were left out fits.
fn misfit(line: &str, places: &[Stretch], open: bool) -> Option<String> {
    let length = line.trim_end().chars().count();
    let end = |place: &Stretch| (place.start + place.width) as usize - 1;
    let last = places.iter().map(end).max().unwrap_or(0);
    if length > last {
        return Some(format!(
            "{length} characters, the last field ends at {last}"
        ));
    }
    let within = |place: &Stretch| (place.start as usize) <= length && length < end(place);
    (open && places.iter().any(within))
        .then(|| "the file ends within a field: was it cut off?".to_owned())
}

/// The characters of a stretch. Blanks at the end of a line are often left out, so what lies
/// behind it is blank.
fn cut(line: &str, place: Stretch) -> &str {
    let (start, width) = (place.start.saturating_sub(1) as usize, place.width as usize);
    if line.is_ascii() {
        let start = start.min(line.len());
        return &line[start..(start + width).min(line.len())];
    }
    let byte = |text: &str, chars: usize| {
        text.char_indices()
            .nth(chars)
            .map_or(text.len(), |(at, _)| at)
    };
    let rest = &line[byte(line, start)..];
    &rest[..byte(rest, width)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_counted_in_characters() {
        let place = |start, width| Stretch { start, width };
        assert_eq!(cut("9434765919F", place(1, 10)), "9434765919");
        assert_eq!(cut("9434765919F", place(11, 3)), "F");
        assert_eq!(cut("9434765919F", place(20, 3)), "");
        assert_eq!(cut("Année–12", place(6, 2)), "–1");
        assert_eq!(cut("Année", place(9, 2)), "");
    }

    #[test]
    fn what_would_be_lost_or_cut_is_refused() {
        let places = [
            Stretch { start: 1, width: 5 },
            Stretch { start: 6, width: 6 },
        ];
        assert_eq!(misfit("ABCDE123456", &places, false), None);
        assert_eq!(misfit("ABCDE123456   ", &places, false), None);
        assert_eq!(misfit("ABCDE12", &places, false), None);
        assert_eq!(misfit("ABCDE", &places, true), None);
        assert!(misfit("ABCDE123456789", &places, false).is_some());
        assert!(misfit("ABCDE12", &places, true).is_some());
        assert!(misfit("ÉÉÉÉÉ123456x", &places, false).is_some());
    }
}
