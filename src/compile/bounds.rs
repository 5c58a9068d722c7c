//! `min` and `max` of a column: the bounds as values of the column's own type.

use std::sync::Arc;

use chrono::{Days, NaiveDate, NaiveDateTime};
use datafusion::common::ScalarValue;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText};
use crate::spec::parameter::Scalar;
use crate::spec::{Column, ColumnType, Sp};

/// Which end of a range a bound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The least value.
    Min,
    /// The greatest value.
    Max,
}

/// A bound as a value of the type that a column has in SQL; nothing where it is none, or where the
/// type has no order that people agree on.
///
/// A day that bounds a timestamp from above is meant whole, to its last microsecond. A month is
/// bounded by its first day, written in full or as 2026-03.
pub fn bound(kind: &ColumnType, text: &str, end: End) -> Option<ScalarValue> {
    let text = text.trim();
    Some(match kind {
        ColumnType::Int => ScalarValue::Int64(Some(text.parse().ok()?)),
        ColumnType::Float => {
            let number: f64 = text.parse().ok()?;
            ScalarValue::Float64(Some(number.is_finite().then_some(number)?))
        }
        ColumnType::Decimal { precision, scale } => {
            ScalarValue::Decimal128(Some(decimal(text, *precision, *scale)?), *precision, *scale)
        }
        ColumnType::Date => ScalarValue::Date32(Some(day_number(day(text)?)?)),
        ColumnType::Month(_) => {
            let first = day(text).or_else(|| day(&format!("{text}-01")))?;
            ScalarValue::Date32(Some(day_number(first)?))
        }
        ColumnType::Timestamp(_) => {
            let micros = moment(text, end)?.and_utc().timestamp_micros();
            ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
        }
        _ => return None,
    })
}

/// Reports bounds that are none, and a range that nothing is in.
pub(super) fn check(column: &Column, text: &Arc<SourceText>, found: &mut Diagnostics) {
    let mut read = |given: &Option<Sp<Scalar>>, end: End| -> Option<ScalarValue> {
        let given = given.as_ref()?;
        let value = bound(&column.kind, &given.0, end);
        if value.is_none() {
            found.push(refusal(column, given).at((text, given.span())));
        }
        value
    };
    let (min, max) = (read(&column.min, End::Min), read(&column.max, End::Max));
    if let (Some(least), Some(greatest), Some(place)) = (min, max, &column.max)
        && least > greatest
    {
        found.push(
            Diagnostic::error(
                Code::WrongValue,
                format!("nothing is in the range of `{}`", *column.name),
            )
            .at((text, place.span()))
            .label("less than `min`")
            .hint("`min` is the least value and `max` the greatest, both allowed"),
        );
    }
}

fn refusal(column: &Column, given: &Sp<Scalar>) -> Diagnostic {
    let wanted = match &*column.kind {
        ColumnType::Int => "a whole number, such as 120",
        ColumnType::Float => "a number, such as 0.5",
        ColumnType::Decimal { .. } => "a number with no more digits than the column holds",
        ColumnType::Date => "a date, such as 2026-03-31",
        ColumnType::Month(_) => "a month, such as 2026-03",
        ColumnType::Timestamp(_) => "a date or time, such as 2026-03-31 or 2026-03-31T08:30:00",
        other => {
            return Diagnostic::error(
                Code::WrongValue,
                format!("`min` and `max` mean nothing for {other}"),
            )
            .hint("they are for numbers, dates, months and timestamps; for text there are `accepted` and `pattern`");
        }
    };
    Diagnostic::error(
        Code::WrongValue,
        format!("`{}` is no bound for {}", given.0, *column.kind),
    )
    .hint(format!("write {wanted}"))
}

/// An exact number as the units of its last digit; nothing if it has more digits than that.
fn decimal(text: &str, precision: u8, scale: i8) -> Option<i128> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let fraction = fraction.trim_end_matches('0');
    let places = usize::try_from(scale).ok()?;
    let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || fraction.len() > places {
        return None;
    }
    let units: i128 = format!("{whole}{fraction:0<places$}").parse().ok()?;
    let limit = 10_i128.checked_pow(u32::from(precision))?;
    (units < limit).then_some(if negative { -units } else { units })
}

fn day(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn day_number(day: NaiveDate) -> Option<i32> {
    let days = day.signed_duration_since(NaiveDate::default()).num_days();
    i32::try_from(days).ok()
}

fn moment(text: &str, end: End) -> Option<NaiveDateTime> {
    if let Some(day) = day(text) {
        let midnight = day.and_hms_opt(0, 0, 0)?;
        return match end {
            End::Min => Some(midnight),
            End::Max => {
                let next = midnight.checked_add_days(Days::new(1))?;
                Some(next - chrono::TimeDelta::microseconds(1))
            }
        };
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), format).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_has_the_digits_of_its_column_or_is_none() {
        let two = ColumnType::Decimal {
            precision: 4,
            scale: 2,
        };
        let units = |text| match bound(&two, text, End::Min) {
            Some(ScalarValue::Decimal128(units, 4, 2)) => units,
            _ => None,
        };
        assert_eq!(units("1.5"), Some(150));
        assert_eq!(units("-0.050"), Some(-5));
        assert_eq!(units("99.99"), Some(9_999));
        assert_eq!(units("100"), None);
        assert_eq!(units("0.001"), None);
        assert_eq!(units("1e2"), None);
        assert_eq!(bound(&ColumnType::Int, "0.5", End::Max), None);
        assert_eq!(bound(&ColumnType::String, "a", End::Max), None);
        assert_eq!(bound(&ColumnType::Float, "inf", End::Max), None);
    }

    #[test]
    fn a_day_that_ends_a_range_of_times_is_meant_whole() {
        let at = |end| match bound(&ColumnType::Timestamp(None), "1970-01-02", end) {
            Some(ScalarValue::TimestampMicrosecond(micros, _)) => micros,
            _ => None,
        };
        assert_eq!(at(End::Min), Some(86_400_000_000));
        assert_eq!(at(End::Max), Some(172_799_999_999));
        assert_eq!(
            bound(&ColumnType::Date, "1970-01-02", End::Max),
            Some(ScalarValue::Date32(Some(1)))
        );
        assert_eq!(
            bound(&ColumnType::Month(None), "1970-02", End::Max),
            Some(ScalarValue::Date32(Some(31)))
        );
    }
}
