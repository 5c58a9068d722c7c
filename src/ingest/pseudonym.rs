//! NHS numbers to pseudonyms: keyed, one way, the same for the same number and key.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Builder, StringArray};
use hmac::{Hmac, KeyInit, Mac};
use parking_lot::Mutex;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::diag::{Code, Diagnostic, Result};

use crate::functions::kernels::nhs_number::NhsNumber;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// The key of the pseudonyms: HMAC-SHA-256 with its key taken in already.
#[derive(Clone)]
pub struct PseudonymKey {
    state: Hmac<Sha256>,
}

impl PseudonymKey {
    /// Reads a key: 64 hexadecimal digits, white space around them dropped.
    ///
    /// # Errors
    /// [`Code::Secret`] when it is anything else. The text is never repeated.
    pub fn parse(text: &SecretString) -> Result<Self> {
        let bytes = from_hex(text.expose_secret().trim().as_bytes());
        let state = bytes.and_then(|b| Hmac::<Sha256>::new_from_slice(&b).ok());
        match state {
            Some(state) => Ok(Self { state }),
            None => Err(Diagnostic::error(
                Code::Secret,
                "the key of the pseudonyms is not 64 hexadecimal digits",
            )
            .hint("`openssl rand -hex 32` makes one; keep it where nobody else reads it")
            .into()),
        }
    }

    /// What a key may be known by: 16 hexadecimal digits that say nothing about it.
    pub fn fingerprint(&self) -> String {
        hex(&self.digest(b"martlet pseudonym key fingerprint")[..8])
    }

    /// The pseudonym of a number.
    fn pseudonym(&self, number: NhsNumber) -> Pseudonym {
        let digest = self.digest(number.digits());
        let (mut key, mut check) = ([0; 8], [0; 4]);
        key.copy_from_slice(&digest[..8]);
        check.copy_from_slice(&digest[8..12]);
        Pseudonym {
            key: i64::from_be_bytes(key) & i64::MAX,
            check: u32::from_be_bytes(check),
        }
    }

    fn digest(&self, message: &[u8]) -> [u8; 32] {
        // The keyed state is copied, not worked out again.
        self.state
            .clone()
            .chain_update(message)
            .finalize()
            .into_bytes()
            .into()
    }
}

/// What a number becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pseudonym {
    /// The first 63 bits of the keyed hash: never negative, and a type that every database joins fast.
    key: i64,
    /// The next bits of it, by which two people with one key are told apart.
    check: u32,
}

/// Turns the NHS numbers of one file into pseudonyms, and sees to it that no two people become one.
pub(super) struct Pseudonyms {
    key: PseudonymKey,
    /// What was hashed lately, one for each thread that is at work.
    known: Mutex<Vec<Known>>,
    /// Everybody of the file.
    everybody: Mutex<HashMap<i64, u32>>,
}

impl Pseudonyms {
    pub(super) fn new(key: PseudonymKey) -> Self {
        Self {
            key,
            known: Mutex::default(),
            everybody: Mutex::default(),
        }
    }

    /// NHS numbers to pseudonyms, and the rows whose text is no NHS number.
    ///
    /// # Errors
    /// [`Code::Secret`] when two numbers become one key.
    pub(super) fn of(&self, texts: &StringArray) -> Result<(ArrayRef, Vec<usize>)> {
        let mut known = self.known.lock().pop().unwrap_or_default();
        let mut values = Int64Builder::with_capacity(texts.len());
        let mut invalid = Vec::new();
        let mut hashed = Vec::new();
        for (row, text) in texts.iter().enumerate() {
            let number = text.and_then(NhsNumber::read);
            if text.is_some() && number.is_none() {
                invalid.push(row);
            }
            values.append_option(number.map(|number| {
                known.get_or_insert_with(number, || {
                    let pseudonym = self.key.pseudonym(number);
                    hashed.push(pseudonym);
                    pseudonym.key
                })
            }));
        }
        self.known.lock().push(known);
        self.meet(&hashed)?;
        Ok((Arc::new(values.finish()), invalid))
    }

    fn meet(&self, hashed: &[Pseudonym]) -> Result<()> {
        let mut everybody = self.everybody.lock();
        for Pseudonym { key, check } in hashed {
            if *everybody.entry(*key).or_insert(*check) != *check {
                return Err(Diagnostic::error(
                    Code::Secret,
                    "two NHS numbers of the file have the same pseudonym",
                )
                .hint("it hardly ever happens: make a new key, and everything is read again")
                .into());
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonyms(hidden)")
    }
}

/// The pseudonyms of the numbers met last: people come again, and hashing costs more than looking.
/// A number that falls into a slot takes the place of the one in it.
struct Known {
    /// Numbers and their keys; 0 is nobody's number and marks a slot that is free.
    slots: Vec<(u64, i64)>,
    taken: usize,
}

/// Slots to begin with, and the most there are: 32 MiB, enough for a million people to meet rarely.
const SLOTS: (usize, usize) = (1 << 10, 1 << 21);

impl Default for Known {
    fn default() -> Self {
        Self {
            slots: vec![(0, 0); SLOTS.0],
            taken: 0,
        }
    }
}

impl Known {
    fn get_or_insert_with(&mut self, number: NhsNumber, make: impl FnOnce() -> i64) -> i64 {
        let number = number.as_number();
        let place = self.place(number);
        let (known, key) = self.slots[place];
        if known == number {
            return key;
        }
        let key = make();
        self.taken += usize::from(known == 0);
        self.slots[place] = (number, key);
        if self.taken * 2 > self.slots.len() && self.slots.len() < SLOTS.1 {
            self.grow();
        }
        key
    }

    fn grow(&mut self) {
        let more = vec![(0, 0); self.slots.len() * 4];
        self.taken = 0;
        for (number, key) in std::mem::replace(&mut self.slots, more) {
            if number != 0 {
                let place = self.place(number);
                self.taken += usize::from(self.slots[place].0 == 0);
                self.slots[place] = (number, key);
            }
        }
    }

    /// The upper bits of a product are as even as any.
    fn place(&self, number: u64) -> usize {
        let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        usize::try_from(mixed).unwrap_or_default() & (self.slots.len() - 1)
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(hidden)")
    }
}

fn from_hex(text: &[u8]) -> Option<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    if text.len() != KEY_BYTES * 2 {
        return None;
    }
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| hex_digits(*b).map(char::from))
        .collect()
}

fn hex_digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Int64Array};
    use arrow::datatypes::Int64Type;

    fn key(text: &str) -> Result<PseudonymKey> {
        PseudonymKey::parse(&SecretString::from(text.to_owned()))
    }

    fn keys(key: &PseudonymKey, texts: Vec<Option<&str>>) -> (Int64Array, Vec<usize>) {
        let of = Pseudonyms::new(key.clone()).of(&StringArray::from(texts));
        let (values, invalid) = of.expect("no two are one");
        (values.as_primitive::<Int64Type>().clone(), invalid)
    }

    #[test]
    fn a_pseudonym_is_the_first_63_bits_of_the_hmac() {
        let key = key(&format!("{}\n", "0b".repeat(32))).expect("a key");
        let texts = vec![Some("943 476 5919"), Some("9434765919"), None, Some("x")];
        let (values, invalid) = keys(&key, texts);
        assert_eq!(values.value(0), values.value(1));
        // HMAC-SHA-256 of the ten digits begins 7d181f918c643196, as openssl has it.
        assert_eq!(values.value(0), 0x7d18_1f91_8c64_3196);
        assert!(values.is_null(2) && values.is_null(3));
        assert_eq!(invalid, vec![3]);
    }

    #[test]
    fn a_number_keeps_its_pseudonym_whoever_shares_its_slot() {
        let key = key(&"ab".repeat(32)).expect("a key");
        // So many that slots are shared and their number grows, and everybody comes twice.
        let texts: Vec<String> = (400_000_000..400_020_000_u64)
            .flat_map(|nine| (0..10).map(move |check| format!("{nine}{check}")))
            .filter(|text| NhsNumber::read(text).is_some())
            .collect();
        let twice: Vec<Option<&str>> = texts.iter().chain(&texts).map(|t| Some(&**t)).collect();
        let (values, _) = keys(&key, twice);
        for (row, text) in texts.iter().enumerate() {
            let number = NhsNumber::read(text).expect("valid");
            let alone = key.pseudonym(number).key;
            assert!(alone >= 0);
            assert_eq!(values.value(row), alone);
            assert_eq!(values.value(texts.len() + row), alone);
        }
    }

    #[test]
    fn two_people_with_one_key_are_an_error() {
        let pseudonyms = Pseudonyms::new(key(&"ab".repeat(32)).expect("a key"));
        let somebody = Pseudonym { key: 7, check: 1 };
        pseudonyms.meet(&[somebody]).expect("nobody else");
        pseudonyms.meet(&[somebody]).expect("the same again");
        let other = Pseudonym { key: 7, check: 2 };
        let errors = pseudonyms.meet(&[other]).expect_err("somebody else");
        assert!(errors.to_string().contains("two NHS numbers"), "{errors}");
    }

    #[test]
    fn a_bad_key_is_refused_and_no_key_is_shown() {
        let error = key("secret").expect_err("too short");
        assert!(!error.to_string().contains("secret"));
        assert!(key(&"zz".repeat(32)).is_err());
        let good = key(&"ab".repeat(32)).expect("a key");
        assert!(!format!("{good:?}").contains("ab"));
        assert_eq!(good.fingerprint().len(), 16);
    }
}
