//! Codes of the health service and of the statistics office: their shape, not their existence.

use arrow::array::StringArray;

use crate::functions::kernels::codes;

use super::{Cast, text};

/// Organisation Data Service codes, upper case.
pub(in crate::ingest) fn ods(texts: &StringArray) -> Cast {
    text(texts, |code, out| {
        out.push_str(code);
        out.make_ascii_uppercase();
        codes::is_ods(out)
    })
}

/// Lower layer Super Output Areas of England and Wales, upper case.
pub(in crate::ingest) fn lsoa(texts: &StringArray) -> Cast {
    text(texts, |code, out| {
        out.push_str(code);
        out.make_ascii_uppercase();
        codes::is_lsoa(out)
    })
}

/// ICD-10, upper case, without the dot.
pub(in crate::ingest) fn icd10(texts: &StringArray) -> Cast {
    text(texts, |code, out| {
        out.extend(code.chars().filter(|c| *c != '.'));
        out.make_ascii_uppercase();
        codes::is_icd10(out)
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
