//! NHS numbers to pseudonyms: keyed, one way, the same for the same number and key.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringBuilder};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::diag::{Code, Diagnostic, Result};

use crate::functions::kernels::nhs_number::NhsNumber;

/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of the digest that are kept: 128 bits, enough that no two people meet.
const KEPT_BYTES: usize = 16;

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

    /// The pseudonym of a number: 32 hexadecimal digits.
    fn pseudonym(&self, number: NhsNumber) -> [u8; 2 * KEPT_BYTES] {
        let mut digits = [0; 2 * KEPT_BYTES];
        let digest = self.digest(number.digits());
        for (pair, byte) in digits.chunks_exact_mut(2).zip(digest) {
            pair.copy_from_slice(&hex_digits(byte));
        }
        digits
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

    /// NHS numbers to pseudonyms, and the rows whose text is no NHS number.
    pub(super) fn pseudonyms(&self, texts: &StringArray) -> (ArrayRef, Vec<usize>) {
        let mut known = Known::default();
        let mut values = StringBuilder::with_capacity(texts.len(), texts.len() * 2 * KEPT_BYTES);
        let mut invalid = Vec::new();
        for (row, text) in texts.iter().enumerate() {
            let number = text.and_then(NhsNumber::read);
            if text.is_some() && number.is_none() {
                invalid.push(row);
            }
            let digits = number.map(|n| known.or_insert_with(n, || self.pseudonym(n)));
            values.append_option(digits.and_then(|d| std::str::from_utf8(d).ok()));
        }
        (Arc::new(values.finish()), invalid)
    }
}

/// The pseudonyms of the numbers met last: the events of a person often stand together, and
/// hashing costs more than looking. A number that falls into a slot takes the place of the one
/// in it.
struct Known {
    slots: Vec<Option<(NhsNumber, [u8; 2 * KEPT_BYTES])>>,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            slots: vec![None; 1024],
        }
    }
}

impl Known {
    fn or_insert_with(
        &mut self,
        number: NhsNumber,
        make: impl FnOnce() -> [u8; 2 * KEPT_BYTES],
    ) -> &[u8; 2 * KEPT_BYTES] {
        // The last digits are spread as evenly as any.
        let place = number
            .digits()
            .iter()
            .rev()
            .take(4)
            .fold(0, |place, digit| place * 10 + usize::from(digit - b'0'));
        let count = self.slots.len();
        let slot = &mut self.slots[place % count];
        if slot.is_none_or(|(known, _)| known != number) {
            *slot = None;
        }
        &slot.get_or_insert_with(|| (number, make())).1
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

    fn key(text: &str) -> Result<PseudonymKey> {
        PseudonymKey::parse(&SecretString::from(text.to_owned()))
    }

    #[test]
    fn a_pseudonym_is_the_first_half_of_the_hmac() {
        let key = key(&format!("{}\n", "0b".repeat(32))).expect("a key");
        let texts = StringArray::from(vec![
            Some("943 476 5919"),
            Some("9434765919"),
            None,
            Some("x"),
        ]);
        let (values, invalid) = key.pseudonyms(&texts);
        let values = values.as_string::<i32>();
        assert_eq!(values.value(0), values.value(1));
        assert_eq!(values.value(0), "7d181f918c6431969efd8482947c447f");
        assert!(values.is_null(2) && values.is_null(3));
        assert_eq!(invalid, vec![3]);
    }

    #[test]
    fn numbers_that_share_a_slot_keep_their_own_pseudonyms() {
        let key = key(&"ab".repeat(32)).expect("a key");
        // Two numbers with the same last four digits, each twice.
        let texts = ["4000081918", "4000191918", "4000081918", "4000191918"];
        assert!(texts.iter().all(|t| NhsNumber::read(t).is_some()));
        let (values, _) = key.pseudonyms(&StringArray::from(texts.to_vec()));
        let values = values.as_string::<i32>();
        for (row, text) in texts.iter().enumerate() {
            let alone = key.pseudonyms(&StringArray::from(vec![*text])).0;
            assert_eq!(values.value(row), alone.as_string::<i32>().value(0));
        }
        assert_ne!(values.value(0), values.value(1));
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
