//! Delimited text to records, without copying cells.
//!
//! The usual CSV libraries take text after a closing quote as part of the field. One stray quote
//! then swallows every row up to the next one, and the file still looks well formed. Here a
//! closing quote must be followed by a delimiter, a line end or the end of the file; anything else
//! is a fault of the file that names the line on which the quote opened.

use std::io;
use std::ops::Range;

use super::marks::{Marks, Signs, marks};

/// A record longer than this is none: a quote that never closes, or no line ends.
pub(super) const LONGEST_RECORD: usize = 16 << 20;
/// Nor is one with more fields.
const MOST_FIELDS: usize = 1_000_000;

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

/// A field of a record: a stretch of the text, without its quotes.
#[derive(Debug, Clone)]
struct Field {
    place: Range<usize>,
    /// Holds doubled quotes.
    doubled: bool,
}

/// A record, before anybody has looked whether it is text.
#[derive(Debug)]
pub(super) struct Record<'a> {
    /// The line it starts on.
    pub line: i64,
    /// The line it ends on.
    pub last_line: i64,
    /// Holds a NUL byte.
    pub has_nul: bool,
    text: Text<'a>,
    place: Range<usize>,
    fields: &'a [Field],
    quote: u8,
    scratch: &'a mut Vec<String>,
}

/// The fields of a record that is UTF-8.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    text: &'a str,
    /// Where the text begins.
    start: usize,
    fields: &'a [Field],
    unquoted: &'a [String],
}

/// A stretch of text, and all of it as UTF-8 if it is that.
#[derive(Debug, Clone, Copy)]
struct Text<'a> {
    bytes: &'a [u8],
    whole: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Its fields, if it is UTF-8.
    pub(super) fn fields(self) -> Option<Fields<'a>> {
        let (text, start) = match self.text.whole {
            Some(whole) => (whole, 0),
            None => {
                let bytes = &self.text.bytes[self.place.clone()];
                (simdutf8::basic::from_utf8(bytes).ok()?, self.place.start)
            }
        };
        let mut fields = Fields {
            text,
            start,
            fields: self.fields,
            unquoted: &[],
        };
        if self.fields.iter().any(|f| f.doubled) {
            let quote = char::from(self.quote);
            let (two, one) = (format!("{quote}{quote}"), quote.to_string());
            self.scratch.clear();
            self.scratch
                .extend(self.fields.iter().map(|f| match f.doubled {
                    true => fields.slice(f).replace(&two, &one),
                    false => String::new(),
                }));
            fields.unquoted = self.scratch;
        }
        Some(fields)
    }
}

impl<'a> Fields<'a> {
    /// The text of a field.
    pub(super) fn get(&self, i: usize) -> &'a str {
        match self.fields.get(i) {
            Some(f) if f.doubled => self.unquoted.get(i).map_or("", String::as_str),
            Some(f) => self.slice(f),
            None => "",
        }
    }

    fn slice(&self, field: &Field) -> &'a str {
        &self.text[field.place.start - self.start..field.place.end - self.start]
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }
}

/// The records of a stretch of text that begins with one.
pub(super) struct Records<'a> {
    text: Text<'a>,
    signs: Signs,
    /// A bit for each byte that means something.
    marks: Vec<u64>,
    /// Whether the text ends with the stretch.
    ended: bool,
    /// Where the next record begins.
    start: usize,
    line: i64,
    fields: Vec<Field>,
    scratch: Vec<String>,
}

/// Where a record ends.
struct Extent {
    /// Where its text ends.
    end: usize,
    /// Where the next one begins.
    next: usize,
    /// Line ends in it and after it.
    lines: i64,
    has_nul: bool,
}

enum Step {
    Whole(Extent),
    /// The stretch ends before the record does; what that is if nothing follows.
    More(Fault),
    Fault(Fault),
}

impl<'a> Records<'a> {
    /// Of a stretch that begins on this line; `ended` if the text ends with it.
    pub(super) fn new(bytes: &'a [u8], signs: Signs, line: i64, ended: bool) -> Self {
        Self {
            text: Text {
                bytes,
                whole: simdutf8::basic::from_utf8(bytes).ok(),
            },
            signs,
            marks: marks(bytes, signs),
            ended,
            start: 0,
            line,
            fields: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// The line on which the next record begins.
    pub(super) fn line(&self) -> i64 {
        self.line
    }

    /// Bytes of the records that were given out, and of empty lines.
    pub(super) fn taken(&self) -> usize {
        self.start
    }

    /// The next record; lines without anything on them are left out. None if the stretch ends, with
    /// a part of a record perhaps.
    pub(super) fn next(&mut self) -> Result<Option<Record<'_>>, Fault> {
        let length = self.text.bytes.len();
        while self.start < length {
            let extent = match self.step() {
                Step::Whole(extent) => extent,
                Step::Fault(fault) => return Err(fault),
                Step::More(fault) if self.ended || length - self.start > LONGEST_RECORD => {
                    return Err(fault);
                }
                Step::More(_) => return Ok(None),
            };
            let (line, place) = (self.line, self.start..extent.end);
            self.line += extent.lines;
            self.start = extent.next;
            if place.is_empty() {
                continue;
            }
            let ends = i64::from(extent.next > extent.end);
            return Ok(Some(Record {
                line,
                last_line: line + extent.lines - ends,
                has_nul: extent.has_nul,
                text: self.text,
                place,
                fields: &self.fields,
                quote: self.signs.quote,
                scratch: &mut self.scratch,
            }));
        }
        Ok(None)
    }

    /// Finds the end of the record at `start`, and its fields.
    fn step(&mut self) -> Step {
        let (bytes, signs) = (self.text.bytes, self.signs);
        let mut marks = Marks::from(&self.marks, self.start);
        self.fields.clear();
        let (mut at, mut lines, mut has_nul) = (self.start, 0, false);
        // Of the sign that ends a field.
        let mut end = loop {
            // A field starts here.
            let mut sign = marks.next();
            let field = if sign == Some(at) && bytes[at] == signs.quote {
                let opened = self.line + lines;
                let mut doubled = false;
                let closed = loop {
                    let Some(inner) = marks.next() else {
                        return Step::More(Fault::Unclosed(opened));
                    };
                    match bytes[inner] {
                        byte if byte == signs.quote => match bytes.get(inner + 1) {
                            Some(next) if *next == signs.quote => {
                                doubled = true;
                                marks.next();
                            }
                            None if !self.ended => {
                                return Step::More(Fault::Unclosed(opened));
                            }
                            _ => break inner,
                        },
                        b'\n' => lines += 1,
                        0 => has_nul = true,
                        _ => {}
                    }
                };
                sign = marks.next();
                let after = bytes.get(closed + 1);
                let stray = |b: &u8| !(*b == signs.delimiter || matches!(b, b'\n' | b'\r'));
                if after.is_some_and(stray) {
                    return Step::Fault(Fault::Stray(opened, self.line + lines));
                }
                Field {
                    place: at + 1..closed,
                    doubled,
                }
            } else {
                // A quote within a field is a sign like any other letter.
                while let Some(inner) = sign
                    && (bytes[inner] == signs.quote || bytes[inner] == 0)
                {
                    has_nul |= bytes[inner] == 0;
                    sign = marks.next();
                }
                Field {
                    place: at..sign.unwrap_or(bytes.len()),
                    doubled: false,
                }
            };
            self.fields.push(field);
            if self.fields.len() > MOST_FIELDS {
                return Step::Fault(Fault::TooWide(self.line));
            }
            match sign {
                Some(sign) if bytes[sign] == signs.delimiter => at = sign + 1,
                sign => break sign,
            }
        };
        if self.ended && end.is_none() {
            end = Some(bytes.len());
        }
        let Some(end) = end else {
            return Step::More(Fault::TooLong(self.line));
        };
        let next = match (bytes.get(end), bytes.get(end + 1)) {
            (None, _) => end,
            (Some(b'\r'), Some(b'\n')) => end + 2,
            (Some(b'\r'), None) if !self.ended => {
                return Step::More(Fault::TooLong(self.line));
            }
            _ => end + 1,
        };
        Step::Whole(Extent {
            end,
            next,
            lines: lines + i64::from(next > end),
            has_nul,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAS: Signs = Signs {
        delimiter: b',',
        quote: b'"',
    };

    fn records(text: &str) -> Result<Vec<(i64, Vec<String>)>, Fault> {
        let mut records = Records::new(text.as_bytes(), COMMAS, 1, true);
        let mut out = Vec::new();
        while let Some(record) = records.next()? {
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
    fn a_stretch_that_ends_within_a_record_keeps_it_for_the_next() {
        for (text, taken) in [
            ("a,b\nc", 4),
            ("a,b\n\"c\nd", 4),
            ("a,b\n\"c\"", 4),
            ("a,b\r", 0),
            ("a,b\n\n", 5),
        ] {
            let mut records = Records::new(text.as_bytes(), COMMAS, 1, false);
            while records.next().expect("no fault").is_some() {}
            assert_eq!(records.taken(), taken, "{text:?}");
        }
    }
}
