//! Delimited text to records, a block at a time, without copying cells.
//!
//! The usual CSV libraries take text after a closing quote as part of the field. One stray quote
//! then swallows every row up to the next one, and the file still looks well formed. Here a
//! closing quote must be followed by a delimiter, a line end or the end of the file; anything else
//! is a fault of the file that names the line on which the quote opened.

use std::io::{self, Read};

/// Bytes read at once.
const BLOCK: usize = 256 << 10;
/// A record longer than this is none: a quote that never closes, or no line ends.
const LONGEST_RECORD: usize = 16 << 20;
/// Nor is one with more fields.
const MOST_FIELDS: usize = 1_000_000;

const PLAIN: u8 = 0;
const DELIMITER: u8 = 1;
const LINE_FEED: u8 = 2;
const RETURN: u8 = 3;
const NUL: u8 = 4;
const QUOTE: u8 = 5;

/// Why a text cannot be read on.
#[derive(Debug)]
pub(super) enum Fault {
    /// The disk, or what unpacks the file.
    Io(io::Error),
    /// A quote that opened on this line is never closed.
    Unclosed(i64),
    /// A quote that opened on the first line is followed by text on the second.
    Stray(i64, i64),
    /// This line is too long to be a row.
    TooLong(i64),
    /// This line has too many fields to be a row.
    TooWide(i64),
}

/// A field of a record: a stretch of its text, without its quotes.
#[derive(Debug, Clone, Copy)]
struct Field {
    start: usize,
    end: usize,
    /// Holds doubled quotes.
    doubled: bool,
}

/// A record, before anybody has looked whether it is text.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// The line it starts on, from 1.
    pub line: i64,
    /// The line it ends on.
    pub last_line: i64,
    /// Holds a NUL byte.
    pub has_nul: bool,
    bytes: &'a [u8],
    fields: &'a [Field],
    quote: u8,
    scratch: &'a mut Vec<String>,
}

/// The fields of a record that is UTF-8.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    text: &'a str,
    fields: &'a [Field],
    unquoted: &'a [String],
}

impl<'a> Record<'a> {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Its fields, if it is UTF-8.
    pub(super) fn fields(self) -> Option<Fields<'a>> {
        let text = simdutf8::basic::from_utf8(self.bytes).ok()?;
        self.scratch.clear();
        if self.fields.iter().any(|f| f.doubled) {
            let quote = char::from(self.quote);
            let (two, one) = (format!("{quote}{quote}"), quote.to_string());
            for field in self.fields {
                self.scratch.push(if field.doubled {
                    text[field.start..field.end].replace(&two, &one)
                } else {
                    String::new()
                });
            }
        }
        Some(Fields {
            text,
            fields: self.fields,
            unquoted: self.scratch,
        })
    }
}

impl<'a> Fields<'a> {
    /// The text of a field.
    pub(super) fn get(&self, i: usize) -> &'a str {
        match self.fields.get(i) {
            Some(f) if f.doubled => self.unquoted.get(i).map_or("", String::as_str),
            Some(f) => &self.text[f.start..f.end],
            None => "",
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }
}

/// Reads records.
pub(super) struct Scanner<'r> {
    input: &'r mut dyn Read,
    buffer: Vec<u8>,
    /// The part of the buffer that is read and not yet handed out.
    start: usize,
    filled: usize,
    ended: bool,
    line: i64,
    classes: [u8; 256],
    quote: u8,
    fields: Vec<Field>,
    scratch: Vec<String>,
    /// Bytes of the line that was looked at and not yet taken.
    ahead: usize,
}

/// Where a record ends.
struct Extent {
    /// Bytes up to its line end.
    bytes: usize,
    /// Bytes with its line end.
    with_end: usize,
    /// Line ends in it and after it.
    lines: i64,
    has_nul: bool,
}

enum Step {
    Whole(Extent),
    /// The buffer ends before the record does.
    More,
    Fault(Fault),
}

impl<'r> Scanner<'r> {
    /// Reads from `input`; `delimiter` and `quote` are ASCII.
    pub(super) fn new(input: &'r mut dyn Read, delimiter: u8, quote: u8) -> Self {
        let mut classes = [PLAIN; 256];
        classes[0] = NUL;
        classes[usize::from(b'\n')] = LINE_FEED;
        classes[usize::from(b'\r')] = RETURN;
        classes[usize::from(quote)] = QUOTE;
        classes[usize::from(delimiter)] = DELIMITER;
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            ended: false,
            line: 1,
            classes,
            quote,
            fields: Vec::new(),
            scratch: Vec::new(),
            ahead: 0,
        }
    }

    /// The next line as it is, blank or not, without taking it: quotes mean nothing.
    pub(super) fn peek_line(&mut self) -> Result<Option<&[u8]>, Fault> {
        let (bytes, with_end) = loop {
            let text = &self.buffer[self.start..self.filled];
            if text.is_empty() && self.ended {
                return Ok(None);
            }
            match text.iter().position(|b| matches!(b, b'\n' | b'\r')) {
                Some(at) if text[at] == b'\n' => break (at, at + 1),
                Some(at) => match text.get(at + 1) {
                    Some(b'\n') => break (at, at + 2),
                    None if !self.ended => {}
                    _ => break (at, at + 1),
                },
                None if self.ended => break (text.len(), text.len()),
                None if text.len() > LONGEST_RECORD => return Err(Fault::TooLong(self.line)),
                None => {}
            }
            self.fill()?;
        };
        self.ahead = with_end;
        Ok(Some(&self.buffer[self.start..self.start + bytes]))
    }

    /// Takes the line that was looked at.
    pub(super) fn take_line(&mut self) {
        self.start += std::mem::take(&mut self.ahead);
        self.line += 1;
    }

    /// Whether the line that was looked at has no line end: the text ends with it.
    pub(super) fn line_is_open(&self) -> bool {
        let end = self.start + self.ahead;
        end == self.start || !matches!(self.buffer[end - 1], b'\n' | b'\r')
    }

    /// The line that comes next, from 1.
    pub(super) fn line(&self) -> i64 {
        self.line
    }

    /// The next record; lines without anything on them are left out.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, Fault> {
        let (extent, line) = loop {
            if self.start == self.filled && self.ended {
                return Ok(None);
            }
            match self.step() {
                Step::Whole(extent) => {
                    let line = self.line;
                    self.line += extent.lines;
                    if extent.bytes > 0 {
                        break (extent, line);
                    }
                    self.start += extent.with_end;
                }
                Step::More => self.fill()?,
                Step::Fault(fault) => return Err(fault),
            }
        };
        let bytes = &self.buffer[self.start..self.start + extent.bytes];
        let ends = i64::from(extent.with_end > extent.bytes);
        self.start += extent.with_end;
        Ok(Some(Record {
            line,
            last_line: line + extent.lines - ends,
            has_nul: extent.has_nul,
            bytes,
            fields: &self.fields,
            quote: self.quote,
            scratch: &mut self.scratch,
        }))
    }

    /// Reads until there is at least one byte more, or the text ends.
    fn fill(&mut self) -> Result<(), Fault> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        // Twice the record so far, so that a long one is not looked at over and over.
        let room = BLOCK.max(self.filled);
        if self.buffer.len() < self.filled + room {
            self.buffer.resize(self.filled + room, 0);
        }
        let target = self.filled + room;
        while self.filled < target {
            match self.input.read(&mut self.buffer[self.filled..target]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) => self.filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Fault::Io(e)),
            }
        }
        Ok(())
    }

    /// Finds the end of the record at `start`, and its fields.
    fn step(&mut self) -> Step {
        let bytes = &self.buffer[self.start..self.filled];
        let (classes, fields) = (&self.classes, &mut self.fields);
        fields.clear();
        let mut at = 0;
        let mut lines = 0;
        let mut has_nul = false;
        loop {
            // A field starts here.
            let mut field = Field {
                start: at,
                end: at,
                doubled: false,
            };
            if bytes.get(at).map(|b| classes[usize::from(*b)]) == Some(QUOTE) {
                let opened = self.line + lines;
                at += 1;
                field.start = at;
                loop {
                    let Some(&byte) = bytes.get(at) else {
                        if !self.ended && bytes.len() <= LONGEST_RECORD {
                            return Step::More;
                        }
                        return Step::Fault(Fault::Unclosed(opened));
                    };
                    at += 1;
                    if byte == self.quote {
                        match bytes.get(at) {
                            Some(next) if *next == self.quote => {
                                field.doubled = true;
                                at += 1;
                            }
                            None if !self.ended => return Step::More,
                            _ => break,
                        }
                    } else if byte == b'\n' {
                        lines += 1;
                    } else if byte == 0 {
                        has_nul = true;
                    }
                }
                field.end = at - 1;
                let after = bytes.get(at).map(|b| classes[usize::from(*b)]);
                if matches!(after, Some(PLAIN | QUOTE | NUL)) {
                    return Step::Fault(Fault::Stray(opened, self.line + lines));
                }
            } else {
                at += bytes[at..]
                    .iter()
                    .position(|byte| {
                        let class = classes[usize::from(*byte)];
                        has_nul |= class == NUL;
                        matches!(class, DELIMITER | LINE_FEED | RETURN)
                    })
                    .unwrap_or(bytes.len() - at);
                field.end = at;
            }
            fields.push(field);
            if fields.len() > MOST_FIELDS {
                return Step::Fault(Fault::TooWide(self.line));
            }
            let with_end = match bytes.get(at).map(|b| classes[usize::from(*b)]) {
                Some(DELIMITER) => {
                    at += 1;
                    continue;
                }
                Some(LINE_FEED) => at + 1,
                Some(_) => match bytes.get(at + 1) {
                    Some(b'\n') => at + 2,
                    None if !self.ended => return Step::More,
                    _ => at + 1,
                },
                None if self.ended => at,
                None if bytes.len() > LONGEST_RECORD => {
                    return Step::Fault(Fault::TooLong(self.line));
                }
                None => return Step::More,
            };
            return Step::Whole(Extent {
                bytes: at,
                with_end,
                lines: lines + i64::from(with_end > at),
                has_nul,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Result<Vec<(i64, Vec<String>)>, Fault> {
        let mut input = text.as_bytes();
        let mut scanner = Scanner::new(&mut input, b',', b'"');
        let mut out = Vec::new();
        while let Some(record) = scanner.next()? {
            let line = record.line;
            let fields = record.fields().expect("UTF-8");
            out.push((
                line,
                (0..fields.len())
                    .map(|i| fields.get(i).to_owned())
                    .collect(),
            ));
        }
        Ok(out)
    }

    fn one(line: i64, fields: &[&str]) -> (i64, Vec<String>) {
        (line, fields.iter().map(|f| (*f).to_owned()).collect())
    }

    #[test]
    fn quotes_line_ends_and_empty_lines() {
        let text = "a,b\r\n\r\n\"x\ny\",\"say \"\"hi\"\"\"\n1,\n,\nlast,5\" pipe";
        assert_eq!(
            records(text).expect("reads"),
            vec![
                one(1, &["a", "b"]),
                one(3, &["x\ny", "say \"hi\""]),
                one(5, &["1", ""]),
                one(6, &["", ""]),
                one(7, &["last", "5\" pipe"]),
            ]
        );
    }

    #[test]
    fn a_quote_that_never_closes_names_its_line() {
        assert!(matches!(
            records("a,b\n1,\"two\n3,4\n"),
            Err(Fault::Unclosed(2))
        ));
    }

    #[test]
    fn a_stray_quote_cannot_swallow_rows() {
        let text = "a,b\nx,\"O\ny,1\nz,\"Brien\"\n";
        assert!(matches!(records(text), Err(Fault::Stray(2, 4))));
    }

    #[test]
    fn blocks_may_end_anywhere() {
        struct Drip<'a>(&'a [u8]);
        impl Read for Drip<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let n = self.0.len().min(out.len()).min(1);
                out[..n].copy_from_slice(&self.0[..n]);
                self.0 = &self.0[n..];
                Ok(n)
            }
        }
        let row = format!("{},\"q\"\"\r\n{}\"\r\n", "x".repeat(700), "é".repeat(300));
        let text = format!("a,b\n{}", row.repeat(800));
        let mut input = Drip(text.as_bytes());
        let mut scanner = Scanner::new(&mut input, b',', b'"');
        let mut rows = 0;
        while let Some(record) = scanner.next().expect("reads") {
            assert_eq!(record.line, if rows == 0 { 1 } else { 2 * rows });
            assert_eq!(record.fields().expect("UTF-8").len(), 2);
            rows += 1;
        }
        assert_eq!(rows, 801);
    }
}
