//! Packed bytes, with a limit on what may come out of them.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use crate::diag::{Diagnostic, Diagnostics, Result};

use super::Origin;
use super::encoding::Bytes;
use super::faults::empty;

/// What may come out of a packed file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Up to here no ratio is too good.
    pub free: u64,
    /// Above it, more than so many bytes out for one byte in is a bomb.
    pub ratio: u64,
    /// Nothing may be larger.
    pub most: u64,
}

/// The limits of every file: 1 GiB freely, 200 times the packed size above it, 8 GiB at most.
pub(super) const LIMITS: Limits = Limits {
    free: 1 << 30,
    ratio: 200,
    most: 8 << 30,
};

/// The limit was reached.
#[derive(Debug)]
pub(super) struct TooLarge;

impl fmt::Display for TooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it unpacks to far more than such a file can hold")
    }
}

impl std::error::Error for TooLarge {}

/// A reader that gives up when more comes out than the limits allow.
pub(super) struct Limited<R> {
    input: R,
    packed: u64,
    out: u64,
    limits: Limits,
}

impl<R> Limited<R> {
    /// `packed` is the size of the packed bytes.
    pub(super) fn new(input: R, packed: u64, limits: Limits) -> Self {
        Self {
            input,
            packed,
            out: 0,
            limits,
        }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(buf)?;
        self.out += n as u64;
        let ratio = self.packed.saturating_mul(self.limits.ratio);
        if self.out > self.limits.most || (self.out > self.limits.free && self.out > ratio) {
            return Err(io::Error::other(TooLarge));
        }
        Ok(n)
    }
}

/// A file of text; `.gz` is unpacked.
#[derive(Debug)]
pub(super) struct TextFile<'a>(&'a Origin<'a>);

impl<'a> TextFile<'a> {
    /// For a file.
    pub(super) fn new(origin: &'a Origin<'a>) -> Self {
        Self(origin)
    }
}

impl Bytes for TextFile<'_> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        let path = self.0.path;
        let file =
            File::open(path).map_err(|e| Diagnostics::from(Diagnostic::io(path, "open", &e)))?;
        if !path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("gz"))
        {
            return Ok(Box::new(file));
        }
        let packed = file.metadata().map_or(0, |m| m.len());
        if packed == 0 {
            return Err(empty(&self.0.place).into());
        }
        let unpacked = MultiGzDecoder::new(io::BufReader::new(file));
        Ok(Box::new(Limited::new(unpacked, packed, LIMITS)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits {
        free: 100,
        ratio: 10,
        most: 1_000,
    };

    fn read(bytes: u64, packed: u64) -> bool {
        let mut out = Vec::new();
        Limited::new(io::repeat(b'a').take(bytes), packed, SMALL)
            .read_to_end(&mut out)
            .is_ok()
    }

    #[test]
    fn a_bomb_is_refused_and_a_good_ratio_is_not() {
        assert!(read(100, 1));
        assert!(!read(101, 1));
        assert!(read(900, 90));
        assert!(!read(1_001, 1_000));
    }
}
