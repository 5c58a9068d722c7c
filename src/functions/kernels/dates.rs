//! Calendar arithmetic as the NHS counts it: completed years, whole months, April and September.
//!
//! Every kernel is strict: a null in gives a null out. A day outside the calendar (some 262,000
//! years from now) gives null too. Two-argument kernels take arrays of equal length.

use arrow::array::{Date32Array, Int64Array, StringArray};
use chrono::{Datelike, Days, Months, NaiveDate};

/// Days from 0001-01-01 (which is day 1) to 1970-01-01, where Date32 counts from.
const EPOCH: i32 = 719_163;

/// The day a Date32 value stands for.
pub fn to_date(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(EPOCH)?)
}

/// The Date32 value of a day.
pub fn from_date(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH
}

/// Age in completed years of someone born on `birth`, on the day `on`.
///
/// By calendar comparison: someone born on 29 February turns a year older on 1 March in common
/// years. Null when `on` is before `birth`.
pub fn age_in_years(birth: &Date32Array, on: &Date32Array) -> Int64Array {
    birth
        .iter()
        .zip(on)
        .map(|(birth, on)| age(to_date(birth?)?, to_date(on?)?))
        .collect()
}

fn age(birth: NaiveDate, on: NaiveDate) -> Option<i64> {
    let had_birthday = (on.month(), on.day()) >= (birth.month(), birth.day());
    let years = i64::from(on.year() - birth.year()) - i64::from(!had_birthday);
    (on >= birth).then_some(years)
}

/// `date`, `months` months later (earlier when negative), on the same day or, where the month has
/// no such day, on its last.
pub fn add_months(date: &Date32Array, months: &Int64Array) -> Date32Array {
    each_with_number(date, months, shift)
}

/// The first day of a window of `months` months that ends with the month of `census`: the first
/// of the month `months` − 1 months before. Null for a window of no months.
///
/// 30 months to 28 Feb 2026 start on 1 Sep 2023. Never counted in days.
pub fn window_start(census: &Date32Array, months: &Int64Array) -> Date32Array {
    each_with_number(census, months, |census, months| {
        let back = months.checked_sub(1).filter(|back| *back >= 0)?;
        shift(census.with_day(1)?, back.checked_neg()?)
    })
}

/// The first day of the month.
pub fn month_start(date: &Date32Array) -> Date32Array {
    each(date, |date| date.with_day(1))
}

/// The last day of the month: a census.
pub fn month_end(date: &Date32Array) -> Date32Array {
    each(date, |date| {
        shift(date.with_day(1)?, 1)?.checked_sub_days(Days::new(1))
    })
}

/// The financial year, April to March, as `2025/26`.
pub fn fin_year(date: &Date32Array) -> StringArray {
    year_from(date, 4)
}

/// The academic year, September to August, as `2025/26`.
pub fn academic_year(date: &Date32Array) -> StringArray {
    year_from(date, 9)
}

/// The month of the financial year: 1 is April, 12 March.
pub fn fin_month(date: &Date32Array) -> Int64Array {
    date.iter()
        .map(|days| Some(month_from_april(to_date(days?)?) + 1))
        .collect()
}

/// The quarter of the financial year: 1 is April to June.
pub fn fin_quarter(date: &Date32Array) -> Int64Array {
    date.iter()
        .map(|days| Some(month_from_april(to_date(days?)?) / 3 + 1))
        .collect()
}

fn month_from_april(date: NaiveDate) -> i64 {
    (i64::from(date.month()) + 8) % 12
}

fn year_from(date: &Date32Array, first_month: u32) -> StringArray {
    date.iter()
        .map(|days| {
            let date = to_date(days?)?;
            let start = date.year() - i32::from(date.month() < first_month);
            Some(format!("{start:04}/{:02}", (start + 1).rem_euclid(100)))
        })
        .collect()
}

fn each(date: &Date32Array, f: impl Fn(NaiveDate) -> Option<NaiveDate>) -> Date32Array {
    let mut answer = remembering(|days| f(to_date(days)?).map(from_date));
    date.iter().map(|days| answer(days?)).collect()
}

fn each_with_number(
    date: &Date32Array,
    number: &Int64Array,
    f: impl Fn(NaiveDate, i64) -> Option<NaiveDate>,
) -> Date32Array {
    let mut answer = remembering(|(days, n)| f(to_date(days)?, n).map(from_date));
    let pairs = date.iter().zip(number);
    pairs.map(|(days, n)| answer((days?, n?))).collect()
}

/// A function that keeps its last answer: whoever asks about a census asks for row after row.
fn remembering<Q: Copy + PartialEq>(f: impl Fn(Q) -> Option<i32>) -> impl FnMut(Q) -> Option<i32> {
    let mut last: Option<(Q, Option<i32>)> = None;
    move |question| match last {
        Some((asked, answer)) if asked == question => answer,
        _ => {
            let answer = f(question);
            last = Some((question, answer));
            answer
        }
    }
}

/// chrono's own clamping at the month's end is the one we want.
fn shift(date: NaiveDate, months: i64) -> Option<NaiveDate> {
    let by = Months::new(u32::try_from(months.unsigned_abs()).ok()?);
    if months < 0 {
        date.checked_sub_months(by)
    } else {
        date.checked_add_months(by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Array;
    use proptest::prelude::*;

    fn day(text: &str) -> i32 {
        from_date(text.parse().expect("a date"))
    }
    fn one(text: &str) -> Date32Array {
        Date32Array::from(vec![day(text)])
    }
    fn text(days: &Date32Array) -> String {
        to_date(days.value(0)).expect("in range").to_string()
    }
    fn age_of(birth: &str, on: &str) -> Option<i64> {
        age_in_years(&one(birth), &one(on)).iter().next().flatten()
    }
    fn n(n: i64) -> Int64Array {
        Int64Array::from(vec![n])
    }

    #[test]
    fn trap_08_birthday_on_the_census() {
        assert_eq!(age_of("1951-03-31", "2026-03-31"), Some(75));
        assert_eq!(age_of("1951-04-01", "2026-03-31"), Some(74));
    }

    #[test]
    fn trap_09_leap_year() {
        assert_eq!(age_of("1960-02-29", "2025-02-28"), Some(64));
        assert_eq!(age_of("1960-02-29", "2025-03-01"), Some(65));
        assert_eq!(age_of("1976-02-29", "2026-02-28"), Some(49));
        assert_eq!(age_of("1976-02-29", "2024-02-29"), Some(48));
    }

    #[test]
    fn nobody_has_an_age_before_birth() {
        assert_eq!(age_of("2026-01-02", "2026-01-01"), None);
        assert_eq!(age_of("2026-01-01", "2026-01-01"), Some(0));
    }

    #[test]
    fn trap_07_window_arithmetic() {
        let start = |census, months| text(&window_start(&one(census), &n(months)));
        assert_eq!(start("2026-02-28", 30), "2023-09-01");
        assert_eq!(start("2026-02-28", 6), "2025-09-01");
        assert_eq!(start("2025-08-31", 30), "2023-03-01");
        assert_eq!(start("2026-02-28", 1), "2026-02-01");
        assert!(window_start(&one("2026-02-28"), &n(0)).is_null(0));
        assert!(window_start(&one("2026-02-28"), &n(i64::MIN)).is_null(0));
    }

    #[test]
    fn months_end_where_the_month_does() {
        let add = |date, months| text(&add_months(&one(date), &n(months)));
        assert_eq!(add("2026-01-31", 1), "2026-02-28");
        assert_eq!(add("2023-12-31", 2), "2024-02-29");
        assert_eq!(add("2026-03-31", -1), "2026-02-28");
        assert_eq!(text(&month_end(&one("2024-02-10"))), "2024-02-29");
        assert_eq!(text(&month_end(&one("2025-12-01"))), "2025-12-31");
        assert_eq!(text(&month_start(&one("2025-12-31"))), "2025-12-01");
        assert!(add_months(&one("2026-01-31"), &n(i64::MAX)).is_null(0));
    }

    #[test]
    fn years_that_start_in_april_and_in_september() {
        assert_eq!(fin_year(&one("2026-03-31")).value(0), "2025/26");
        assert_eq!(fin_year(&one("2026-04-01")).value(0), "2026/27");
        assert_eq!(fin_year(&one("1999-04-01")).value(0), "1999/00");
        assert_eq!(academic_year(&one("2025-08-31")).value(0), "2024/25");
        assert_eq!(academic_year(&one("2025-09-01")).value(0), "2025/26");
    }

    #[test]
    fn months_and_quarters_from_april() {
        let months: Vec<i64> = (1..=12)
            .map(|m| fin_month(&one(&format!("2026-{m:02}-15"))).value(0))
            .collect();
        assert_eq!(months, [10, 11, 12, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let quarters: Vec<i64> = (1..=12)
            .map(|m| fin_quarter(&one(&format!("2026-{m:02}-15"))).value(0))
            .collect();
        assert_eq!(quarters, [4, 4, 4, 1, 1, 1, 2, 2, 2, 3, 3, 3]);
    }

    #[test]
    fn null_in_null_out() {
        let none = Date32Array::from(vec![None]);
        assert!(age_in_years(&none, &one("2026-01-01")).is_null(0));
        assert!(age_in_years(&one("2026-01-01"), &none).is_null(0));
        assert!(month_end(&none).is_null(0));
        assert!(fin_year(&none).is_null(0));
        assert!(add_months(&one("2026-01-01"), &Int64Array::from(vec![None])).is_null(0));
        assert!(month_start(&Date32Array::from(vec![i32::MAX])).is_null(0));
    }

    proptest! {
        #[test]
        fn age_is_the_last_birthday_reached(birth in -25_000..25_000_i32, lived in 0..40_000_i32) {
            let on = birth + lived;
            let age = age(to_date(birth).expect("a day"), to_date(on).expect("a day")).expect("born");
            // The n-th birthday by chrono, with 29 February moved on to 1 March.
            let birthday = |n: i64| {
                let b = to_date(birth).expect("a day");
                let year = b.year() + i32::try_from(n).expect("small");
                b.with_year(year).unwrap_or_else(|| NaiveDate::from_ymd_opt(year, 3, 1).expect("1 March"))
            };
            let on = to_date(on).expect("a day");
            prop_assert!(birthday(age) <= on && on < birthday(age + 1));
        }

        #[test]
        fn a_window_is_whole_months(census in -25_000..25_000_i32, months in 1..600_i64) {
            let array = Date32Array::from(vec![census]);
            let start = window_start(&array, &n(months));
            let first = to_date(start.value(0)).expect("a day");
            prop_assert_eq!(first.day(), 1);
            // As many months on, the window's month after the census has begun.
            let next = add_months(&start, &n(months));
            let end = month_end(&array);
            prop_assert_eq!(next.value(0), end.value(0) + 1);
        }

        #[test]
        fn there_and_back_never_gains_a_day(date in -25_000..25_000_i32, months in -600..600_i64) {
            let array = Date32Array::from(vec![date]);
            let back = add_months(&add_months(&array, &n(months)), &n(-months));
            prop_assert!(back.value(0) <= date && date - back.value(0) <= 3);
        }
    }
}
