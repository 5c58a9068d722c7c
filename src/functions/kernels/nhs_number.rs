//! NHS numbers: ten digits, the last a check digit modulus 11, and somebody's.
//!
//! Source: NHS Data Dictionary, "NHS NUMBER". Weights 10 to 2 on the first nine digits; 11 less
//! the remainder is the check digit, 11 written as 0; 10 means the number was never issued.
//! Numbers of ten equal digits pass the sum and are nobody.

use std::fmt;

/// A number that could be somebody's. Shows itself to nobody.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NhsNumber([u8; 10]);

impl NhsNumber {
    /// Reads a number, with or without spaces and hyphens between its digits.
    pub fn read(text: &str) -> Option<Self> {
        let digits = match <[u8; 10]>::try_from(text.as_bytes()) {
            // As nearly all of them are written.
            Ok(digits) if digits.iter().all(u8::is_ascii_digit) => digits,
            _ => tidied(text)?,
        };
        let number = Self(digits);
        (!number.is_nobody() && number.check_digit() == Some(digits[9] - b'0')).then_some(number)
    }

    /// The ten digits: what the pseudonym is made of, and nothing else may have.
    pub(crate) fn digits(&self) -> &[u8; 10] {
        &self.0
    }

    /// The same as one number, never 0.
    pub(crate) fn as_number(&self) -> u64 {
        let digit = |number, digit: &u8| number * 10 + u64::from(digit - b'0');
        self.0.iter().fold(0, digit)
    }

    fn is_nobody(self) -> bool {
        self.0.iter().all(|d| *d == self.0[0])
    }

    fn check_digit(self) -> Option<u8> {
        let sum: u32 = (2..=10)
            .rev()
            .zip(&self.0)
            .map(|(weight, digit)| weight * u32::from(digit - b'0'))
            .sum();
        match 11 - sum % 11 {
            11 => Some(0),
            10 => None,
            digit => u8::try_from(digit).ok(),
        }
    }
}

/// The digits of a number written with spaces or hyphens between them.
fn tidied(text: &str) -> Option<[u8; 10]> {
    let mut digits = [0_u8; 10];
    let mut n = 0;
    for letter in text.chars() {
        match letter {
            '0'..='9' if n < 10 => {
                digits[n] = letter as u8;
                n += 1;
            }
            // What word processors make of spaces and hyphens.
            '-' | '\u{2010}' | '\u{2011}' | '\u{2013}' => {}
            c if c.is_whitespace() => {}
            _ => return None,
        }
    }
    (n == 10).then_some(digits)
}

impl fmt::Debug for NhsNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("**********")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn trap_16_a_false_number_and_those_of_nobody() {
        // The second fails its check digit; the others pass it.
        assert!(NhsNumber::read("401 023 2137").is_some());
        for nobody in ["401 023 2138", "0000000000", "1111111111", "9999999999"] {
            assert!(NhsNumber::read(nobody).is_none(), "{nobody}");
        }
    }

    #[test]
    fn real_shapes_and_false_ones() {
        for good in [
            "943 476 5919",
            "943 476 5870",
            "401 023 2137",
            "943-476-5919",
            "4010232137",
        ] {
            assert!(NhsNumber::read(good).is_some(), "{good}");
        }
        for bad in [
            "401 023 2138",
            "401023213",
            "40102321370",
            "401023213X",
            "",
            "٤٠١٠٢٣٢١٣٧",
        ] {
            assert!(NhsNumber::read(bad).is_none(), "{bad}");
        }
        for digit in 0..=9 {
            assert!(NhsNumber::read(&digit.to_string().repeat(10)).is_none());
        }
    }

    #[test]
    fn a_number_shows_itself_to_nobody() {
        let number = NhsNumber::read("4010232137").expect("valid");
        assert!(!format!("{number:?}").contains("401"));
    }

    proptest! {
        #[test]
        fn at_most_one_check_digit_fits(first in 0_u32..1_000_000_000) {
            let fits = (0..10)
                .filter(|d| NhsNumber::read(&format!("{first:09}{d}")).is_some())
                .count();
            prop_assert!(fits <= 1);
        }

        #[test]
        fn one_wrong_digit_is_always_found(first in 0_u32..1_000_000_000, at in 0_usize..10, by in 1_u8..10) {
            let found = (0..10).find_map(|d| {
                let text = format!("{first:09}{d}");
                NhsNumber::read(&text).map(|_| text)
            });
            if let Some(text) = found {
                let mut digits = text.into_bytes();
                digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
                let changed = String::from_utf8(digits).expect("digits");
                prop_assert!(NhsNumber::read(&changed).is_none());
            }
        }
    }
}
