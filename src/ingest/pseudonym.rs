//! NHS numbers to pseudonyms: keyed, one way, the same for the same number and key.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, StringArray};
use datafusion::common::HashMap;
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
    /// What was hashed lately. Whoever looks holds it for as long as that takes, not for the hashing.
    known: Mutex<Known>,
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
        let numbers: Vec<Option<NhsNumber>> = texts
            .iter()
            .map(|text| text.and_then(NhsNumber::read))
            .collect();
        let mut keys = self.known.lock().keys(&numbers);
        let mut hashed = Vec::new();
        for (key, number) in keys.iter_mut().zip(&numbers) {
            if let (None, Some(number)) = (&key, number) {
                let pseudonym = self.key.pseudonym(*number);
                hashed.push((*number, pseudonym));
                *key = Some(pseudonym.key);
            }
        }
        self.known.lock().extend(&hashed);
        self.meet(&hashed)?;
        let invalid = (0..texts.len()).filter(|i| numbers[*i].is_none() && texts.is_valid(*i));
        let invalid = invalid.collect();
        Ok((Arc::new(Int64Array::from(keys)), invalid))
    }

    fn meet(&self, hashed: &[(NhsNumber, Pseudonym)]) -> Result<()> {
        let mut everybody = self.everybody.lock();
        for (_, Pseudonym { key, check }) in hashed {
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

/// Numbers that are looked up at once.
const AT_ONCE: usize = 64;

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
    /// The keys of the numbers that are known.
    fn keys(&self, numbers: &[Option<NhsNumber>]) -> Vec<Option<i64>> {
        let mut keys = Vec::with_capacity(numbers.len());
        for some in numbers.chunks(AT_ONCE) {
            // All slots are looked at before any is needed: memory is slow, but patient.
            let mut slots = [(0, 0, 0); AT_ONCE];
            for (slot, number) in slots.iter_mut().zip(some) {
                // Nobody's number is 1.
                let number = number.map_or(1, |n| n.as_number());
                let (known, key) = self.slots[self.place(number)];
                *slot = (number, known, key);
            }
            let slots = slots.iter().take(some.len());
            keys.extend(slots.map(|(number, known, key)| (number == known).then_some(*key)));
        }
        keys
    }

    fn extend(&mut self, hashed: &[(NhsNumber, Pseudonym)]) {
        for (number, pseudonym) in hashed {
            let number = number.as_number();
            let place = self.place(number);
            self.taken += usize::from(self.slots[place].0 == 0);
            self.slots[place] = (number, pseudonym.key);
            if self.taken * 2 > self.slots.len() && self.slots.len() < SLOTS.1 {
                self.grow();
            }
        }
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
    use arrow::array::AsArray;
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
        let anybody = NhsNumber::read("9434765919").expect("valid");
        let somebody = Pseudonym { key: 7, check: 1 };
        pseudonyms
            .meet(&[(anybody, somebody)])
            .expect("nobody else");
        pseudonyms
            .meet(&[(anybody, somebody)])
            .expect("the same again");
        let other = Pseudonym { key: 7, check: 2 };
        let errors = pseudonyms
            .meet(&[(anybody, other)])
            .expect_err("somebody else");
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
