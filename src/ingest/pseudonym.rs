//! NHS numbers to pseudonyms: keyed, one way, the same for the same number and key.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, StringBuilder};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::diag::{Code, Diagnostic, Result};

use super::kernels::nhs_number::NhsNumber;

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
    fn pseudonym(&self, number: NhsNumber) -> String {
        hex(&self.digest(number.digits())[..KEPT_BYTES])
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
        let mut seen: HashMap<NhsNumber, String> = HashMap::new();
        let mut values = StringBuilder::with_capacity(texts.iter().len(), texts.iter().len() * 32);
        let mut invalid = Vec::new();
        for (row, text) in texts.iter().enumerate() {
            let number = text.and_then(NhsNumber::read);
            if text.is_some() && number.is_none() {
                invalid.push(row);
            }
            values.append_option(
                number.map(|n| &*seen.entry(n).or_insert_with(|| self.pseudonym(n))),
            );
        }
        (Arc::new(values.finish()), invalid)
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
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};

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
    fn a_bad_key_is_refused_and_no_key_is_shown() {
        let error = key("secret").expect_err("too short");
        assert!(!error.to_string().contains("secret"));
        assert!(key(&"zz".repeat(32)).is_err());
        let good = key(&"ab".repeat(32)).expect("a key");
        assert!(!format!("{good:?}").contains("ab"));
        assert_eq!(good.fingerprint().len(), 16);
    }
}
