//! Numbers: whole, exact and in double precision.

use std::sync::Arc;

use arrow::array::StringArray;
use arrow::datatypes::{Decimal128Type, Float64Type, Int64Type};
use arrow::error::ArrowError;

use super::{Cast, primitive};

/// Whole numbers, plainly written: `29199`, not `29,199`.
pub(in crate::ingest) fn int(texts: &StringArray) -> Cast {
    let (values, invalid) = primitive::<Int64Type>(texts, |text| {
        let (negative, digits) = sign(text);
        let value = digits_only(digits, u128::from(i64::MIN.unsigned_abs()))?;
        let value = i128::try_from(value).ok()?;
        i64::try_from(if negative { -value } else { value }).ok()
    });
    Cast {
        values: Arc::new(values),
        invalid,
    }
}

/// Exact numbers of at most `scale` digits after the point and `precision` digits in all.
///
/// # Errors
/// When Arrow knows no such type.
pub(in crate::ingest) fn decimal(
    texts: &StringArray,
    precision: u8,
    scale: i8,
) -> Result<Cast, ArrowError> {
    let places = u32::try_from(scale).unwrap_or(0);
    let limit = 10_u128
        .checked_pow(u32::from(precision))
        .unwrap_or(u128::MAX);
    let (values, invalid) = primitive::<Decimal128Type>(texts, |text| exact(text, places, limit));
    Ok(Cast {
        values: Arc::new(values.with_precision_and_scale(precision, scale)?),
        invalid,
    })
}

/// Numbers in double precision, finite.
pub(in crate::ingest) fn float(texts: &StringArray) -> Cast {
    let (values, invalid) = primitive::<Float64Type>(texts, |text| {
        text.parse::<f64>().ok().filter(|v| v.is_finite())
    });
    Cast {
        values: Arc::new(values),
        invalid,
    }
}

/// The unscaled value of an exact number, if it is below `limit`.
fn exact(text: &str, places: u32, limit: u128) -> Option<i128> {
    let (negative, digits) = sign(text);
    let (before, after) = digits.split_once('.').unwrap_or((digits, ""));
    let written = u32::try_from(after.len()).ok()?;
    if written > places || (before.is_empty() && after.is_empty()) {
        return None;
    }
    let before = if before.is_empty() {
        0
    } else {
        digits_only(before, limit)?
    };
    let after = if after.is_empty() {
        0
    } else {
        digits_only(after, limit)?
    };
    let value = before
        .checked_mul(10_u128.checked_pow(places)?)?
        .checked_add(after.checked_mul(10_u128.checked_pow(places - written)?)?)?;
    let value = i128::try_from(value).ok().filter(|_| value < limit)?;
    Some(if negative { -value } else { value })
}

fn sign(text: &str) -> (bool, &str) {
    match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

fn digits_only(text: &str, limit: u128) -> Option<u128> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0_u128;
    for byte in text.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value
            .checked_mul(10)?
            .checked_add(u128::from(byte - b'0'))?;
        if value > limit {
            return None;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use proptest::prelude::*;

    fn one_int(text: &str) -> Option<i64> {
        let cast = int(&StringArray::from(vec![text]));
        let values = cast.values.as_primitive::<Int64Type>();
        values.is_valid(0).then(|| values.value(0))
    }

    fn one_decimal(text: &str) -> Option<i128> {
        let cast = decimal(&StringArray::from(vec![text]), 12, 1).expect("a type");
        let values = cast.values.as_primitive::<Decimal128Type>();
        values.is_valid(0).then(|| values.value(0))
    }

    #[test]
    fn whole_numbers() {
        assert_eq!(one_int("29199"), Some(29_199));
        assert_eq!(one_int("-7"), Some(-7));
        assert_eq!(one_int("9223372036854775807"), Some(i64::MAX));
        assert_eq!(one_int("-9223372036854775808"), Some(i64::MIN));
        for bad in [
            "9223372036854775808",
            "29,199",
            "71.3%",
            ",123",
            "1.0",
            "1e3",
            "-",
            "٣",
            "--1",
        ] {
            assert_eq!(one_int(bad), None, "{bad}");
        }
    }

    #[test]
    fn exact_numbers_are_never_rounded() {
        assert_eq!(one_decimal("62.5"), Some(625));
        assert_eq!(one_decimal("-0.5"), Some(-5));
        assert_eq!(one_decimal(".5"), Some(5));
        assert_eq!(one_decimal("99999999999.9"), Some(999_999_999_999));
        for bad in [
            "62.55",
            "100000000000",
            "1.2.3",
            ".",
            "",
            "1e2",
            "1,234",
            "1.-5",
            "NaN",
        ] {
            assert_eq!(one_decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_widest_decimal_has_its_limit_too() {
        let nines = "9".repeat(38);
        let texts = StringArray::from(vec![
            nines.clone(),
            format!("{nines}9"),
            format!("-{nines}"),
        ]);
        let cast = decimal(&texts, 38, 0).expect("a type");
        assert_eq!(cast.invalid, vec![1]);
    }

    #[test]
    fn doubles_are_finite() {
        let cast = float(&StringArray::from(vec![
            "1.5", "1e3", "inf", "NaN", "1e999", "x",
        ]));
        assert_eq!(cast.invalid, vec![2, 3, 4, 5]);
    }

    proptest! {
        #[test]
        fn whole_numbers_come_back(n: i64) {
            prop_assert_eq!(one_int(&n.to_string()), Some(n));
        }

        #[test]
        fn exact_numbers_come_back(n in -999_999_999_999_i128..=999_999_999_999) {
            let sign = if n < 0 { "-" } else { "" };
            let text = format!("{sign}{}.{}", n.abs() / 10, n.abs() % 10);
            prop_assert_eq!(one_decimal(&text), Some(n));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = one_int(&text);
            let _ = one_decimal(&text);
        }
    }
}
