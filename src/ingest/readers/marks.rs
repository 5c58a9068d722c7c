//! Where the bytes stand that mean something in a delimited text, found many at a time.

/// Which bytes mean something in a delimited text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signs {
    /// Between two fields; ASCII.
    pub delimiter: u8,
    /// Around a field; ASCII.
    pub quote: u8,
}

/// A bit for each byte of a text that means something: the signs, line ends and NUL.
pub(super) fn marks(bytes: &[u8], signs: Signs) -> Vec<u64> {
    let (delimiter, quote) = (signs.delimiter, signs.quote);
    let is_mark = |b: u8| (b == delimiter) | (b == quote) | (b == b'\n') | (b == b'\r') | (b == 0);
    let (words, rest) = bytes.as_chunks::<64>();
    let mut marks = Vec::with_capacity(words.len() + 1);
    for word in words {
        // One loop that the compiler makes wide, and one that gathers what it found.
        let mut found = [0; 64];
        for (found, byte) in found.iter_mut().zip(word) {
            *found = u8::from(is_mark(*byte));
        }
        let (eights, _) = found.as_chunks::<8>();
        let eights = eights.iter().enumerate();
        marks.push(eights.fold(0, |bits, (i, eight)| bits | gathered(*eight) << (8 * i)));
    }
    let bits = rest.iter().enumerate().filter(|(_, b)| is_mark(**b));
    marks.push(bits.fold(0, |bits, (i, _)| bits | 1 << i));
    marks
}

/// The lowest bits of eight bytes, side by side.
fn gathered(bytes: [u8; 8]) -> u64 {
    u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Goes through marks.
pub(super) struct Marks<'m> {
    words: &'m [u64],
    word: usize,
    left: u64,
}

impl<'m> Marks<'m> {
    /// The marks from a byte on.
    pub(super) fn from(words: &'m [u64], at: usize) -> Self {
        let word = at / 64;
        let left = words
            .get(word)
            .map_or(0, |bits| bits >> (at % 64) << (at % 64));
        Self { words, word, left }
    }

    /// The next byte that means something.
    pub(super) fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            self.word += 1;
            self.left = *self.words.get(self.word)?;
        }
        let bit = self.left.trailing_zeros() as usize;
        self.left &= self.left - 1;
        Some(self.word * 64 + bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COMMAS: Signs = Signs {
        delimiter: b',',
        quote: b'"',
    };

    proptest! {
        #[test]
        fn marks_are_where_the_signs_are(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let marks = marks(&bytes, COMMAS);
            for (i, byte) in bytes.iter().enumerate() {
                let marked = marks[i / 64] >> (i % 64) & 1 == 1;
                prop_assert_eq!(marked, b",\"\n\r\0".contains(byte));
            }
        }
    }
}
