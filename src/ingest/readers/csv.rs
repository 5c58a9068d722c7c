//! Delimited text.

use std::io::Read;

use regex::Regex;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::rows::{Judging, Sink};
use crate::spec::reader::Csv;

use super::Origin;
use super::above::{MOST_LINES, SkipRules, fits, lift, no_such_header, regex};
use super::blocks::{Block, Blocks, Rows};
use super::encoding::{Bytes, with_text};
use super::faults::{fault_of, no_header, not_text};
use super::lines::Lines;
use super::marks::Signs;
use super::scan::{Fault, Records};

/// Reads delimited text. Says how many rows there were.
///
/// # Errors
/// When the file is not text of the declared kind, or its header is not the contract's.
pub(super) fn read(
    bytes: &mut dyn Bytes,
    options: &Csv,
    origin: &Origin<'_>,
    judge: &dyn Judging,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let (rows, warnings) = with_text(bytes, options.encoding, &origin.place, &mut |input| {
        read_text(input, options, origin, judge, sink)
    })?;
    warnings.into_iter().for_each(|w| sink.warn(w));
    Ok(rows)
}

/// Reads UTF-8 from anywhere. Says how many rows there were.
fn read_text(
    input: &mut dyn Read,
    options: &Csv,
    origin: &Origin<'_>,
    judge: &dyn Judging,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let place = &origin.place;
    let signs = Signs {
        delimiter: single(
            options.delimiter.as_ref().map(|d| d.as_str()),
            b',',
            "delimiter",
        )?,
        quote: single(options.quote.as_ref().map(|q| q.as_str()), b'"', "quote")?,
    };
    let skips = SkipRules::new(&options.skip_rows)?;
    let mut lines = Lines::new(input);
    let (delimiter, quote) = (char::from(signs.delimiter), char::from(signs.quote));
    let above = above(&mut lines, options, quote, place)?;
    if !options.preamble.is_empty() {
        let preamble = options.preamble.as_slice();
        sink.preamble(&lift(preamble, &above, delimiter, Some(quote), place)?)?;
    }
    let line = lines.line();
    let (ahead, input) = lines.rest();
    let mut blocks = Blocks::new(ahead, input, line, origin.block, place);
    let Some(mut first) = blocks.next()? else {
        return Err(no_header(place).into());
    };
    let headings = header(&mut first, &mut blocks, signs, place)?;
    let layout = sink.header(&headings.texts, headings.line)?;
    let rows = Rows {
        signs,
        skips: &skips,
        layout: &layout,
        columns: origin.columns,
        judge,
        place,
    };
    rows.read(first, &mut blocks, sink)
}

/// The headings of a text.
struct Headings {
    texts: Vec<String>,
    line: i64,
}

/// Takes the header from the first block, which is made larger until it holds all of it.
fn header(
    first: &mut Block,
    blocks: &mut Blocks<'_>,
    signs: Signs,
    place: &DataPlace,
) -> Result<Headings> {
    loop {
        let mut records = Records::new(&first.bytes, signs, first.line, first.last);
        let record = records
            .next()
            .map_err(|fault: Fault| Diagnostics::from(fault_of(fault, place)))?;
        if let Some(record) = record {
            let (line, has_nul) = (record.line, record.has_nul);
            let Some(fields) = record.fields().filter(|_| !has_nul) else {
                return Err(not_text(place, line).into());
            };
            let texts = (0..fields.len()).map(|i| fields.get(i).to_owned());
            let texts = texts.collect();
            let taken = records.taken();
            first.line = records.line();
            first.bytes.drain(..taken);
            return Ok(Headings { texts, line });
        }
        match blocks.next()? {
            Some(mut more) => {
                first.bytes.append(&mut more.bytes);
                first.last = more.last;
            }
            None => return Err(no_header(place).into()),
        }
    }
}

/// The lines above the header, which is what the scanner gives next.
fn above(
    text: &mut Lines<'_>,
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
        let Some(line) = text
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
        text.take_line();
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
    use std::path::Path;

    use super::super::BLOCK;
    use super::*;
    use crate::ingest::drift::FileType;
    use crate::ingest::header::Layout;
    use crate::ingest::intake::Warning;
    use crate::ingest::judged::Judged;
    use crate::ingest::readers::unpack::{Limited, Limits};
    use crate::ingest::rows;

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
        fn rows(&mut self, _: rows::Rows) -> Result<()> {
            Ok(())
        }
        fn judged(&mut self, _: Judged) -> Result<()> {
            Ok(())
        }
        fn skipped(&mut self, _: &str) {}
        fn warn(&mut self, _: Warning) {}
    }

    impl Judging for Nobody {
        fn judge(&self, _: rows::Rows) -> Result<Judged> {
            Ok(Judged::of_nothing())
        }
    }

    fn fault(input: &mut dyn Read) -> Diagnostic {
        let origin = Origin {
            path: Path::new("bomb.zip"),
            place: DataPlace::file("bomb.zip:a.csv"),
            columns: 1,
            block: BLOCK,
        };
        let errors =
            read_text(input, &Csv::default(), &origin, &Nobody, &mut Nobody).expect_err("a fault");
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
            assert!(input.1 < 128 << 20, "{} bytes", input.1);
        }
        let mut commas = io::repeat(b',').take(1 << 30);
        assert!(fault(&mut commas).to_string().contains("a million fields"));
    }

    /// A fault of ours must end the run: nobody may wait for a thread that is gone.
    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_judge_that_panics_stops_the_reader() {
        struct Fails;
        impl Judging for Fails {
            fn judge(&self, _: rows::Rows) -> Result<Judged> {
                panic!("a fault of ours")
            }
        }
        let origin = Origin {
            path: Path::new("a.csv"),
            place: DataPlace::file("a.csv"),
            columns: 1,
            block: 16,
        };
        let text = format!("a\n{}", "1\n".repeat(1_000));
        let _ = read_text(
            &mut text.as_bytes(),
            &Csv::default(),
            &origin,
            &Fails,
            &mut Nobody,
        );
    }

    #[test]
    fn a_delimiter_is_one_character_of_ascii() {
        for bad in ["", "ab", "§", "\n"] {
            assert!(single(Some(bad), b',', "delimiter").is_err(), "{bad:?}");
        }
        assert_eq!(single(Some("|"), b',', "delimiter").ok(), Some(b'|'));
    }
}
