//! Codes of the health service and of the statistics office: their shape, not their existence.

use arrow::array::StringArray;

use super::{Cast, text};

/// Organisation Data Service codes: three to eight letters and digits, upper case.
pub(in crate::ingest) fn ods(texts: &StringArray) -> Cast {
    text(texts, |code, out| {
        out.push_str(code);
        out.make_ascii_uppercase();
        (3..=8).contains(&out.len()) && out.bytes().all(|b| b.is_ascii_alphanumeric())
    })
}

/// Lower layer Super Output Areas of England and Wales: E01 or W01 and six digits.
pub(in crate::ingest) fn lsoa(texts: &StringArray) -> Cast {
    text(texts, |code, out| {
        out.push_str(code);
        out.make_ascii_uppercase();
        let bytes = out.as_bytes();
        bytes.len() == 9
            && matches!(bytes[0], b'E' | b'W')
            && bytes[1..3] == *b"01"
            && bytes[3..].iter().all(u8::is_ascii_digit)
    })
}

/// ICD-10: a letter, two digits and up to two more characters, upper case, without the dot.
pub(in crate::ingest) fn icd10(texts: &StringArray) -> Cast {
    text(texts, |code, out| {
        out.extend(code.chars().filter(|c| *c != '.'));
        out.make_ascii_uppercase();
        let bytes = out.as_bytes();
        (3..=5).contains(&bytes.len())
            && bytes[0].is_ascii_alphabetic()
            && bytes[1..3].iter().all(u8::is_ascii_digit)
            && bytes[3..].iter().all(u8::is_ascii_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;

    fn read(kernel: fn(&StringArray) -> Cast, text: &str) -> Option<String> {
        let cast = kernel(&StringArray::from(vec![text]));
        assert_eq!(cast.invalid.is_empty(), cast.values.null_count() == 0);
        let values = cast.values.as_string::<i32>();
        cast.invalid.is_empty().then(|| values.value(0).to_owned())
    }

    #[test]
    fn codes_are_tidied_or_refused() {
        assert_eq!(read(ods, "rvv").as_deref(), Some("RVV"));
        assert_eq!(read(ods, "RV"), None);
        assert_eq!(read(ods, "RVV-1"), None);
        assert_eq!(read(lsoa, "E01024589").as_deref(), Some("E01024589"));
        assert_eq!(read(lsoa, "E02024589"), None);
        assert_eq!(read(lsoa, "E0102458"), None);
        assert_eq!(read(icd10, "c50.9").as_deref(), Some("C509"));
        assert_eq!(read(icd10, "C50").as_deref(), Some("C50"));
        assert_eq!(read(icd10, "50.9"), None);
        assert_eq!(read(icd10, "C50.999"), None);
        assert_eq!(read(icd10, "é50"), None);
    }
}
