//! Bits that hashes fall on: a hash whose bit is not set is surely not among those that were entered.

/// As many bits for each hash as are asked for, and up to twice as many.
#[derive(Debug)]
pub(super) struct Bits {
    words: Vec<u64>,
    /// A hash has so many bits more than its place.
    shift: u32,
}

impl Bits {
    /// For so many hashes, none of which is entered yet.
    pub(super) fn for_hashes(number: usize, bits_each: usize) -> Self {
        let bits = (number * bits_each).next_power_of_two().max(64);
        Self {
            words: vec![0; bits / 64],
            shift: 64 - bits.trailing_zeros(),
        }
    }

    /// Enters a hash, and says whether its bit was set before.
    pub(super) fn enter(&mut self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        let was_set = self.words[word] & bit > 0;
        self.words[word] |= bit;
        was_set
    }

    /// Whether the hash may have been entered.
    pub(super) fn may_have(&self, hash: u64) -> bool {
        let (word, bit) = self.place(hash);
        self.words[word] & bit > 0
    }

    fn place(&self, hash: u64) -> (usize, u64) {
        let place = (hash >> self.shift) as usize;
        (place / 64, 1 << (place % 64))
    }
}
