//! Delimited text, written by pushing bytes: millions of rows, and no string made for any of them.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use chrono::{Datelike, NaiveDate};

use crate::sample::Written;
use crate::sample::people::LsoaCode;
use crate::sample::practices::PracticeCode;

/// Rows of delimited text in memory. Every cell ends in a comma, which the end of the row replaces.
#[derive(Debug, Default)]
pub struct Csv {
    bytes: Vec<u8>,
    row_start: usize,
    rows: u64,
    refused: u64,
}

impl Csv {
    /// An empty table with a heading.
    pub fn new(heading: &str) -> Self {
        let mut csv = Self::default();
        csv.bytes.extend_from_slice(heading.as_bytes());
        csv.bytes.push(b'\n');
        csv.row_start = csv.bytes.len();
        csv
    }

    /// The bytes so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Rows so far, without the heading.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Rows so far that the contract will refuse.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Says that the contract will refuse the row being written.
    pub fn refuse(&mut self, refused: bool) -> &mut Self {
        self.refused += u64::from(refused);
        self
    }

    /// Plain text, without commas or quotes.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self.next()
    }

    /// Text in quotes.
    pub fn quoted(&mut self, text: &str) -> &mut Self {
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b'"');
        self.next()
    }

    /// Nothing.
    pub fn blank(&mut self) -> &mut Self {
        self.next()
    }

    /// A whole number.
    pub fn number(&mut self, number: u64) -> &mut Self {
        push_digits(&mut self.bytes, number, 1);
        self.next()
    }

    /// A count, with the one decimal of the marts.
    pub fn count(&mut self, number: u32) -> &mut Self {
        push_digits(&mut self.bytes, number.into(), 1);
        self.bytes.extend_from_slice(b".0");
        self.next()
    }

    /// Halves of people, with the one decimal of the marts.
    pub fn halves(&mut self, halves: u32) -> &mut Self {
        push_digits(&mut self.bytes, (halves / 2).into(), 1);
        self.bytes.extend_from_slice(if halves.is_multiple_of(2) {
            b".0"
        } else {
            b".5"
        });
        self.next()
    }

    /// Days, or nothing.
    pub fn days_or_blank(&mut self, days: Option<i64>) -> &mut Self {
        if let Some(days) = days {
            self.bytes.extend_from_slice(days.to_string().as_bytes());
        }
        self.next()
    }

    /// A prefix and a number of at least so many digits, as codes are made.
    pub fn code(&mut self, prefix: &str, number: u64, width: usize) -> &mut Self {
        self.bytes.extend_from_slice(prefix.as_bytes());
        push_digits(&mut self.bytes, number, width);
        self.next()
    }

    /// An NHS number, or nothing.
    pub fn nhs_number(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.code("", number, 10),
            None => self.next(),
        }
    }

    /// An LSOA, or nothing.
    pub fn lsoa(&mut self, code: LsoaCode) -> &mut Self {
        if code == 0 {
            self.next()
        } else {
            self.code("E01", code.into(), 6)
        }
    }

    /// A practice, or nothing.
    pub fn practice(&mut self, code: PracticeCode) -> &mut Self {
        match code {
            PracticeCode::Blank => self.next(),
            PracticeCode::Listed(number) => self.code("Z99", number.into(), 3),
            PracticeCode::Orphan(number) => self.code("Z98", number.into(), 3),
        }
    }

    /// `Y` or `N`.
    pub fn yes(&mut self, yes: bool) -> &mut Self {
        self.bytes.push(if yes { b'Y' } else { b'N' });
        self.next()
    }

    /// yyyy-mm-dd.
    pub fn iso(&mut self, on: NaiveDate) -> &mut Self {
        push_digits(&mut self.bytes, on.year().unsigned_abs().into(), 4);
        self.bytes.push(b'-');
        push_digits(&mut self.bytes, on.month().into(), 2);
        self.bytes.push(b'-');
        push_digits(&mut self.bytes, on.day().into(), 2);
        self.next()
    }

    /// yyyy-mm-dd, or nothing.
    pub fn iso_or_blank(&mut self, on: Option<NaiveDate>) -> &mut Self {
        match on {
            Some(on) => self.iso(on),
            None => self.next(),
        }
    }

    /// dd/mm/yyyy.
    pub fn slashed(&mut self, on: NaiveDate) -> &mut Self {
        push_digits(&mut self.bytes, on.day().into(), 2);
        self.bytes.push(b'/');
        push_digits(&mut self.bytes, on.month().into(), 2);
        self.bytes.push(b'/');
        push_digits(&mut self.bytes, on.year().unsigned_abs().into(), 4);
        self.next()
    }

    /// Ends the row.
    pub fn end(&mut self) {
        if let Some(last) = self.bytes.last_mut() {
            *last = b'\n';
        }
        self.rows += 1;
    }

    /// Begins a row; only [`Csv::repeat`] needs to know where.
    pub fn begin(&mut self) -> &mut Self {
        self.row_start = self.bytes.len();
        self
    }

    /// The last row once more.
    pub fn repeat(&mut self) {
        self.bytes.extend_from_within(self.row_start..);
        self.rows += 1;
    }

    fn next(&mut self) -> &mut Self {
        self.bytes.push(b',');
        self
    }
}

fn push_digits(bytes: &mut Vec<u8>, number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut at = digits.len();
    while rest > 0 || digits.len() - at < width {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    bytes.extend_from_slice(&digits[at..]);
}

/// A table that goes to a file as it grows.
#[derive(Debug)]
pub struct CsvFile {
    csv: Csv,
    file: File,
    path: String,
    flushed: u64,
}

/// Bytes kept before they go to the file.
const BUFFER: usize = 1 << 18;

impl CsvFile {
    /// Creates `path` below `root`, folders and all, and writes the heading.
    pub fn create(root: &Path, path: String, heading: &str) -> io::Result<Self> {
        let file = super::create(root, &path)?;
        Ok(Self {
            csv: Csv::new(heading),
            file,
            path,
            flushed: 0,
        })
    }

    /// Begins a row.
    pub fn row(&mut self) -> io::Result<&mut Csv> {
        if self.csv.bytes.len() >= BUFFER {
            self.flush()?;
        }
        Ok(self.csv.begin())
    }

    /// The last row once more; only straight after it.
    pub fn repeat(&mut self) {
        self.csv.repeat();
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.csv.bytes)?;
        self.flushed += self.csv.bytes.len() as u64;
        self.csv.bytes.clear();
        Ok(())
    }

    /// Rows so far that the contract will refuse.
    pub fn refused(&self) -> u64 {
        self.csv.refused
    }

    /// Writes what is left, and says what was written.
    pub fn finish(mut self) -> io::Result<Written> {
        self.flush()?;
        Ok(Written {
            path: self.path,
            rows: self.csv.rows,
            bytes: self.flushed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dates::date;

    #[test]
    fn cells_become_rows() {
        let mut csv = Csv::new("a,b,c,d,e,f");
        csv.begin()
            .number(0)
            .code("E01", 42, 6)
            .iso(date(2026, 3, 1))
            .slashed(date(2026, 3, 1))
            .blank()
            .yes(true)
            .end();
        csv.repeat();
        let row = "0,E01000042,2026-03-01,01/03/2026,,Y\n";
        assert_eq!(
            String::from_utf8_lossy(&csv.into_bytes()),
            format!("a,b,c,d,e,f\n{row}{row}")
        );
    }
}
