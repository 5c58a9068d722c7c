//! Short texts as integers: a text of at most twelve bytes lies in its view, which is sixteen.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Bytes of the longest text that lies in its view.
const SHORT: u32 = 12;

/// Whether a view's text lies in it: two such views are equal where their texts are.
pub fn is_whole(view: u128) -> bool {
    // The length comes first.
    view as u32 <= SHORT
}

/// A map by integers of sixteen bytes, such as the views of short texts.
pub type ByInteger<V> = HashMap<u128, V, BuildHasherDefault<Folded>>;

/// A map by texts, whatever their length.
pub type ByText<V> = HashMap<Box<[u8]>, V, BuildHasherDefault<Folded>>;

/// A quick hash: multiplied by an odd number and folded together.
#[derive(Debug, Default)]
pub struct Folded(u64);

impl Hasher for Folded {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(16) {
            let mut integer = [0; 16];
            integer[..part.len()].copy_from_slice(part);
            self.write_u128(u128::from_le_bytes(integer));
        }
    }

    fn write_u128(&mut self, integer: u128) {
        const ODD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
        let mixed = (integer ^ u128::from(self.0)).wrapping_mul(ODD);
        let folded = (mixed >> 64) as u64 ^ mixed as u64;
        self.0 = folded ^ folded >> 32;
    }
}
