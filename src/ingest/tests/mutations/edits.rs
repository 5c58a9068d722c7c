//! What happens to files.

use proptest::collection::vec;
use proptest::prelude::*;

/// What is found in files where it should not be.
const STRAYS: &[&[u8]] = &[
    b"\0",
    b"\0\0\0\0\0\0\0\0",
    b"\"",
    b"\"\"",
    b"\"\n",
    b",",
    b";",
    b"\t",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b"\xFE\xFF",
    b"\n\0",
    b"\0\n",
    b"\x00\xD8",
    b"\xA3",
    b"\xE9",
    b"\xC3",
    b"\x81",
    b"\x1A",
    b"{",
    b"}",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"a\":1}",
    b"\\u0000",
    b"\\ud800",
    b"1e999",
    b"-1e300",
    b"NaN",
    b"-1",
    b"4294967296",
    b"1048577",
    b"XFD1048576",
    b"A1:XFD1048576",
    b"99999999999999999999999999",
    b"31/02/2025",
    b"Total",
    b"END",
    b"PK\x05\x06",
    b"PAR1",
    b"\xFF\xFF\xFF\xFF",
    b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x7F",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x40",
];

/// One act of damage. Places are counted round the end.
#[derive(Debug, Clone)]
pub(super) enum Edit {
    FlipBit {
        at: usize,
        bit: u8,
    },
    Set {
        at: usize,
        byte: u8,
    },
    Delete {
        at: usize,
        bytes: usize,
    },
    Insert {
        at: usize,
        bytes: Vec<u8>,
    },
    Stray {
        at: usize,
        which: usize,
    },
    Overwrite {
        at: usize,
        which: usize,
    },
    Repeat {
        at: usize,
        bytes: usize,
        to: usize,
    },
    Swap {
        at: usize,
        other: usize,
        bytes: usize,
    },
    Cut {
        at: usize,
    },
}

/// Some of them, the simplest first.
pub(super) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let at = || any::<u32>().prop_map(|n| n as usize);
    let length = || prop_oneof![3 => 1_usize..9, 1 => 9_usize..200];
    let one = prop_oneof![
        3 => (at(), 0_u8..8).prop_map(|(at, bit)| Edit::FlipBit { at, bit }),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Edit::Set { at, byte }),
        3 => (at(), length()).prop_map(|(at, bytes)| Edit::Delete { at, bytes }),
        1 => (at(), vec(any::<u8>(), 1..16)).prop_map(|(at, bytes)| Edit::Insert { at, bytes }),
        4 => (at(), 0..STRAYS.len()).prop_map(|(at, which)| Edit::Stray { at, which }),
        3 => (at(), 0..STRAYS.len()).prop_map(|(at, which)| Edit::Overwrite { at, which }),
        2 => (at(), length(), at()).prop_map(|(at, bytes, to)| Edit::Repeat { at, bytes, to }),
        2 => (at(), at(), length()).prop_map(|(at, other, bytes)| Edit::Swap { at, other, bytes }),
        1 => at().prop_map(|at| Edit::Cut { at }),
    ];
    vec(one, 1..7)
}

/// The file after the damage.
pub(super) fn apply(good: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut file = good.to_vec();
    for edit in edits {
        if file.is_empty() {
            break;
        }
        let size = file.len();
        let end = |at: usize, bytes: usize| (at % size + bytes).min(size);
        match edit {
            Edit::FlipBit { at, bit } => file[at % size] ^= 1 << bit,
            Edit::Set { at, byte } => file[at % size] = *byte,
            Edit::Delete { at, bytes } => drop(file.drain(at % size..end(*at, *bytes))),
            Edit::Insert { at, bytes } => insert(&mut file, at % size, bytes),
            Edit::Stray { at, which } => insert(&mut file, at % size, STRAYS[*which]),
            Edit::Overwrite { at, which } => {
                let stray = STRAYS[*which];
                let end = end(*at, stray.len());
                file.splice(at % size..end, stray.iter().copied());
            }
            Edit::Repeat { at, bytes, to } => {
                let stretch = file[at % size..end(*at, *bytes)].to_vec();
                insert(&mut file, to % size, &stretch);
            }
            Edit::Swap { at, other, bytes } => {
                for i in 0..*bytes {
                    file.swap((at % size + i) % size, (other % size + i) % size);
                }
            }
            Edit::Cut { at } => file.truncate(at % size),
        }
    }
    file
}

fn insert(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    file.splice(at..at, bytes.iter().copied());
}
