//! Delimited text.

use std::io::Read;

use regex::Regex;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::rows::{Broken, RowsBuilder, Sink, Structure};
use crate::spec::reader::Csv;

use super::above::{MOST_LINES, SkipRules, fits, lift, no_such_header, regex};
use super::encoding::{Bytes, with_text};
use super::faults::{fault_of, no_header, not_text};
use super::scan::{Fault, Scanner};

/// Reads delimited text. Says how many rows there were.
///
/// # Errors
/// When the file is not text of the declared kind, or its header is not the contract's.
pub(super) fn read(
    bytes: &mut dyn Bytes,
    options: &Csv,
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

/// Reads UTF-8 from anywhere. Says how many rows there were.
fn read_text(
    input: &mut dyn Read,
    options: &Csv,
    place: &DataPlace,
    columns: usize,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let delimiter = single(
        options.delimiter.as_ref().map(|d| d.as_str()),
        b',',
        "delimiter",
    )?;
    let quote = single(options.quote.as_ref().map(|q| q.as_str()), b'"', "quote")?;
    let skips = SkipRules::new(&options.skip_rows)?;
    let mut scanner = Scanner::new(input, delimiter, quote);
    let failed = |fault: Fault| Diagnostics::from(fault_of(fault, place));
    let above = above(&mut scanner, options, char::from(quote), place)?;
    if !options.preamble.is_empty() {
        let (delimiter, quote) = (char::from(delimiter), Some(char::from(quote)));
        sink.preamble(&lift(
            options.preamble.as_slice(),
            &above,
            delimiter,
            quote,
            place,
        )?)?;
    }
    let Some(record) = scanner.next().map_err(failed)? else {
        return Err(no_header(place).into());
    };
    let (line, has_nul) = (record.line, record.has_nul);
    let Some(fields) = record.fields().filter(|_| !has_nul) else {
        return Err(not_text(place, line).into());
    };
    let headings: Vec<String> = (0..fields.len())
        .map(|i| fields.get(i).to_owned())
        .collect();
    let layout = sink.header(&headings, line)?;
    let mut rows = RowsBuilder::new(columns);
    while let Some(record) = scanner.next().map_err(failed)? {
        let (line, last_line, len) = (record.line, record.last_line, record.len());
        let broken = |rule, reason| Broken {
            line,
            column: None,
            rule,
            reason,
        };
        if record.has_nul {
            rows.push_broken(broken(
                Structure::NulByte,
                "the row holds a NUL byte: was the file cut off or damaged on its way?".to_owned(),
            ));
        } else if let Some(fields) = record.fields() {
            if let Some(rule) = skips.of((0..len).map(|i| fields.get(i))) {
                rows.skip(rule, sink);
            } else if len == layout.width {
                rows.push(line, &layout, |i| fields.get(i));
            } else {
                let mut reason = format!("{len} fields, the header has {}", layout.width);
                if last_line > line {
                    reason.push_str(&format!("; the row goes on to line {last_line}"));
                }
                rows.push_broken(broken(Structure::Ragged, reason));
            }
        } else {
            rows.push_broken(broken(
                Structure::Encoding,
                "the row is not UTF-8".to_owned(),
            ));
        }
        rows.flush_if_full(sink)?;
    }
    rows.finish(sink)
}

/// The lines above the header, which is what the scanner gives next.
fn above(
    scanner: &mut Scanner<'_>,
    options: &Csv,
    quote: char,
    place: &DataPlace,
) -> Result<Vec<String>> {
    let pattern: Option<Regex> = match &options.header_pattern {
        Some(pattern) => Some(regex(pattern)?),
        None => None,
    };
    let mut lines = Vec::new();
    if pattern.is_none() && options.header_row.is_none() {
        return Ok(lines);
    }
    let row = options.header_row.as_ref().map_or(1, |row| **row);
    loop {
        let Some(line) = scanner
            .peek_line()
            .map_err(|fault| Diagnostics::from(fault_of(fault, place)))?
        else {
            return Err(match &options.header_pattern {
                Some(pattern) => no_such_header(pattern, "lines", place),
                None => blank_header(row, place),
            }
            .into());
        };
        let line = String::from_utf8_lossy(line);
        let is_header = match &pattern {
            Some(pattern) => fits(pattern, &line, Some(quote)),
            None => lines.len() + 1 == row as usize,
        };
        if is_header {
            if line.trim().is_empty() {
                return Err(blank_header(row, place).into());
            }
            return Ok(lines);
        }
        if lines.len() >= MOST_LINES {
            let pattern = options.header_pattern.as_ref().map_or("", |p| p.as_str());
            return Err(no_such_header(pattern, "lines", place).into());
        }
        lines.push(line.into_owned());
        scanner.take_line();
    }
}

fn blank_header(row: u32, place: &DataPlace) -> Diagnostic {
    Diagnostic::error(Code::Header, format!("line {row}, the header, is blank"))
        .at(place.clone().line(u64::from(row)))
        .hint("say which line holds the headings: `header_row`, or `header_pattern`")
}

/// One character of ASCII, as the scanner needs it.
fn single(text: Option<&str>, default: u8, what: &str) -> Result<u8> {
    match text.map(str::as_bytes) {
        None => Ok(default),
        Some(&[byte]) if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(byte),
        Some(_) => Err(Diagnostic::error(
            Code::NotSupported,
            format!("the {what} must be one character of ASCII"),
        )
        .hint("such as \",\", \";\", \"|\" or \"\\t\"")
        .into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::ingest::drift::FileType;
    use crate::ingest::header::Layout;
    use crate::ingest::intake::Warning;
    use crate::ingest::readers::unpack::{Limited, Limits};
    use crate::ingest::rows::Rows;

    struct Nobody;
    impl Sink for Nobody {
        fn preamble(&mut self, _: &[String]) -> Result<()> {
            Ok(())
        }
        fn header(&mut self, headings: &[String], _: i64) -> Result<Layout> {
            Ok(Layout {
                width: headings.len(),
                slots: vec![Some(0)],
                new: Vec::new(),
                new_places: Vec::new(),
                missing: Vec::new(),
            })
        }
        fn types(&mut self, _: &[(usize, FileType)]) -> Result<()> {
            Ok(())
        }
        fn rows(&mut self, _: Rows) -> Result<()> {
            Ok(())
        }
        fn skipped(&mut self, _: &str) {}
        fn warn(&mut self, _: Warning) {}
    }

    fn fault(input: &mut dyn Read) -> Diagnostic {
        let place = DataPlace::file("bomb.zip:a.csv");
        let errors =
            read_text(input, &Csv::default(), &place, 1, &mut Nobody).expect_err("a fault");
        errors.into_iter().next().expect("one")
    }

    #[test]
    fn a_bomb_is_told_as_such() {
        let text = format!("a\n{}", "1\n".repeat(10_000));
        let limits = Limits {
            free: 1_000,
            ratio: 10,
            most: 1 << 20,
        };
        let error = fault(&mut Limited::new(text.as_bytes(), 100, limits));
        assert_eq!(error.code, Code::BadFile);
        assert!(
            error
                .to_string()
                .starts_with("bomb.zip:a.csv: the file unpacks")
        );
    }

    #[test]
    fn a_gigabyte_on_one_line_is_refused_without_reading_it_all() {
        struct Counted<R>(R, u64);
        impl<R: Read> Read for Counted<R> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let n = self.0.read(out)?;
                self.1 += n as u64;
                Ok(n)
            }
        }
        for (start, words) in [
            ("a\n1\n", "line 3 is longer than 16 MiB"),
            ("", "line 1 is longer than 16 MiB"),
            ("a\n\"", "the quote that opens on line 2 never closes"),
        ] {
            let long = start.as_bytes().chain(io::repeat(b'x').take(1 << 30));
            let mut input = Counted(long, 0);
            let error = fault(&mut input);
            assert!(error.to_string().contains(words), "{error}");
            assert!(input.1 < 64 << 20, "{} bytes", input.1);
        }
        let mut commas = io::repeat(b',').take(1 << 30);
        assert!(fault(&mut commas).to_string().contains("a million fields"));
    }

    #[test]
    fn a_delimiter_is_one_character_of_ascii() {
        for bad in ["", "ab", "§", "\n"] {
            assert!(single(Some(bad), b',', "delimiter").is_err(), "{bad:?}");
        }
        assert_eq!(single(Some("|"), b',', "delimiter").ok(), Some(b'|'));
    }
}
