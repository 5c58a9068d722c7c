//! Delimited text, packed with gzip or not.

use std::fs::File;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::rows::{Broken, RowsBuilder, Sink, Structure};
use crate::spec::source::Csv;

use super::Origin;
use super::scan::{Fault, Scanner};
use super::unpack::{LIMITS, Limited, TooLarge};

/// Reads a file of text; `.gz` is unpacked. Says how many rows there were.
///
/// # Errors
/// When the file is not text of the declared kind, or its header is not the contract's.
pub(super) fn read_file(origin: &Origin<'_>, options: &Csv, sink: &mut dyn Sink) -> Result<u64> {
    let file = File::open(origin.path)
        .map_err(|e| Diagnostics::from(Diagnostic::io(origin.path, "open", &e)))?;
    let is_gzip = origin
        .path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    if is_gzip {
        let packed = file.metadata().map_or(0, |m| m.len());
        if packed == 0 {
            return Err(empty(&origin.place).into());
        }
        let mut input = Limited::new(
            MultiGzDecoder::new(io::BufReader::new(file)),
            packed,
            LIMITS,
        );
        read(&mut input, options, &origin.place, origin.columns, sink)
    } else {
        let mut input = file;
        read(&mut input, options, &origin.place, origin.columns, sink)
    }
}

/// Reads text from anywhere. Says how many rows there were.
pub(super) fn read(
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
    let mut scanner = Scanner::new(input, delimiter, quote);
    let failed = |fault: Fault| Diagnostics::from(fault_of(fault, place));
    match scanner.peek().map_err(failed)? {
        [] => return Err(empty(place).into()),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => return Err(utf16(place).into()),
        [0xEF, 0xBB, 0xBF, ..] => scanner.skip(3),
        _ => {}
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
            if len == layout.width {
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

fn fault_of(fault: Fault, place: &DataPlace) -> Diagnostic {
    match fault {
        Fault::Io(e) => io_fault(place, &e),
        Fault::Unclosed(line) => Diagnostic::error(
            Code::BadFile,
            format!("the quote that opens on line {line} never closes"),
        )
        .at(place.clone().line(u64::try_from(line).unwrap_or(0)))
        .hint("close the quote, or double it if it is part of the text; was the file cut off?"),
        Fault::Stray(opened, closed) => Diagnostic::error(
            Code::BadFile,
            format!("the quote that opens on line {opened} is followed by text on line {closed}"),
        )
        .at(place.clone().line(u64::try_from(opened).unwrap_or(0)))
        .label("every row in between would become one field")
        .hint("double a quote that is part of the text"),
    }
}

/// A fault while bytes came in: of the disk, or of what packs them.
pub(super) fn io_fault(place: &DataPlace, error: &io::Error) -> Diagnostic {
    if error.get_ref().is_some_and(|e| e.is::<TooLarge>()) {
        return Diagnostic::error(
            Code::BadFile,
            "the file unpacks to far more than it can hold",
        )
        .at(place.clone())
        .label("more than 8 GiB, or more than 1 GiB at over 200 times its packed size")
        .hint("a packed bomb: do not unpack it, ask the sender");
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Diagnostic::error(Code::BadFile, "the packed file ends too early")
                .at(place.clone())
                .hint("it was cut off on its way: ask for it again")
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Diagnostic::error(Code::BadFile, "the packed file is damaged")
                .at(place.clone())
                .hint("it was damaged on its way, or is not what its name says: ask for it again")
        }
        _ => Diagnostic::error(Code::Io, format!("cannot read the file: {error}"))
            .at(place.clone())
            .hint("try again; if it stays, ask whoever looks after the disk"),
    }
}

fn empty(place: &DataPlace) -> Diagnostic {
    Diagnostic::error(Code::BadFile, "the file is empty (0 bytes)")
        .at(place.clone())
        .hint("a header without rows would be fine: ask the sender for the file again")
}

fn no_header(place: &DataPlace) -> Diagnostic {
    Diagnostic::error(Code::Header, "the file has no header, only empty lines")
        .at(place.clone())
        .hint("ask the sender for the file again")
}

fn utf16(place: &DataPlace) -> Diagnostic {
    Diagnostic::error(Code::BadFile, "the file is UTF-16, not UTF-8")
        .at(place.clone())
        .hint("save it as \"CSV UTF-8\", not as \"Unicode text\"")
}

fn not_text(place: &DataPlace, line: i64) -> Diagnostic {
    Diagnostic::error(Code::BadFile, "the header is not UTF-8 text")
        .at(place.clone().line(u64::try_from(line).unwrap_or(0)))
        .hint("is it a workbook or a ZIP under the wrong name?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::header::Layout;
    use crate::ingest::readers::unpack::Limits;
    use crate::ingest::rows::Rows;

    struct Nobody;
    impl Sink for Nobody {
        fn header(&mut self, headings: &[String], _: i64) -> Result<Layout> {
            Ok(Layout {
                width: headings.len(),
                slots: vec![Some(0)],
                new: Vec::new(),
            })
        }
        fn rows(&mut self, _: Rows) -> Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_bomb_is_told_as_such() {
        let text = format!("a\n{}", "1\n".repeat(10_000));
        let limits = Limits {
            free: 1_000,
            ratio: 10,
            most: 1 << 20,
        };
        let mut input = Limited::new(text.as_bytes(), 100, limits);
        let place = DataPlace::file("bomb.zip:a.csv");
        let errors = read(&mut input, &Csv::default(), &place, 1, &mut Nobody).expect_err("a bomb");
        let error = errors.iter().next().expect("one");
        assert_eq!(error.code, Code::BadFile);
        assert!(
            error
                .to_string()
                .starts_with("bomb.zip:a.csv: the file unpacks")
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
