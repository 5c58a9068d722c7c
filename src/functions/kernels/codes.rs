//! Codes of the health service and of the statistics office: their shape, not their existence.

/// Whether a text is shaped like a code of the Organisation Data Service: three to eight letters
/// and digits.
pub fn is_ods(code: &str) -> bool {
    (3..=8).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Whether a text is shaped like a Lower layer Super Output Area of England or Wales: E01 or W01
/// and six digits.
pub fn is_lsoa(code: &str) -> bool {
    let bytes = code.as_bytes();
    bytes.len() == 9
        && matches!(bytes[0], b'E' | b'W')
        && bytes[1..3] == *b"01"
        && bytes[3..].iter().all(u8::is_ascii_digit)
}

/// Whether a text is shaped like an ICD-10 code without its dot: a letter, two digits and up to
/// two more characters.
pub fn is_icd10(code: &str) -> bool {
    let bytes = code.as_bytes();
    (3..=5).contains(&bytes.len())
        && bytes[0].is_ascii_alphabetic()
        && bytes[1..3].iter().all(u8::is_ascii_digit)
        && bytes[3..].iter().all(u8::is_ascii_alphanumeric)
}

/// The three-character category of an ICD-10 code, however it is written: `c18.7` is in `C18`.
/// `None` for what is not shaped like one.
pub fn icd10_category(code: &str) -> Option<String> {
    let mut plain: String = code.trim().chars().filter(|c| *c != '.').collect();
    plain.make_ascii_uppercase();
    is_icd10(&plain).then(|| plain.chars().take(3).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes() {
        assert!(is_ods("RVV") && is_ods("G82001") && !is_ods("RV") && !is_ods("RVV-1"));
        assert!(is_lsoa("E01024148") && is_lsoa("W01000001"));
        for other in [
            "E02024148",
            "E0102414",
            "S01006506",
            "e01024148",
            "E0102414X",
            "",
        ] {
            assert!(!is_lsoa(other), "{other}");
        }
        for written in ["C18.7", "c187", "C18", " C18.7 ", "C18X"] {
            assert_eq!(icd10_category(written).as_deref(), Some("C18"), "{written}");
        }
        for other in ["18.7", "C1", "C18.777", "é18", "C 18", ""] {
            assert_eq!(icd10_category(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in ".{0,12}") {
            let _ = (is_ods(&text), is_lsoa(&text), is_icd10(&text));
            if let Some(category) = icd10_category(&text) {
                prop_assert_eq!(icd10_category(&category), Some(category.clone()));
            }
        }
    }
}
