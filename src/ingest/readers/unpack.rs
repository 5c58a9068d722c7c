//! Packed bytes, with a limit on what may come out of them.

use std::fmt;
use std::io::{self, Read};

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
