//! Working days and bank holidays in England.
//!
//! Computed by the rules of the Banking and Financial Dealings Act 1971 and the yearly
//! proclamations: New Year's Day, Good Friday, Easter Monday, early May (first Monday, since
//! 1978), spring (last Monday of May), summer (last Monday of August), Christmas Day and Boxing
//! Day, with the next free weekday in place of one that falls on a weekend. The years in which
//! a proclamation moved or added one are listed, as GOV.UK has them ("UK bank holidays",
//! England and Wales). A holiday proclaimed in future is not known here until it is added.

use std::sync::OnceLock;

use arrow::array::{BooleanArray, Date32Array, Int64Array};
use chrono::{Datelike, NaiveDate, Weekday};

use super::dates::{from_date, to_date};

/// The first year whose holidays are known: that of the first early May holiday.
const FIRST: i32 = 1978;
/// The last: Easter is computed, but nobody counts working days of the 22nd century.
const LAST: i32 = 2199;

/// Days that were added, by royal or national occasion.
const ADDED: [(i32, u32, u32); 7] = [
    (1981, 7, 29),  // wedding of the Prince of Wales
    (1999, 12, 31), // eve of the millennium
    (2002, 6, 3),   // Golden Jubilee
    (2011, 4, 29),  // wedding of Prince William
    (2012, 6, 5),   // Diamond Jubilee
    (2022, 6, 3),   // Platinum Jubilee
    (2022, 9, 19),  // state funeral of Queen Elizabeth II
];
/// And the coronation of King Charles III, which had its own Monday.
const CORONATION: (i32, u32, u32) = (2023, 5, 8);

/// The bank holidays of a year, as days of the week they are kept on.
fn of_year(year: i32) -> Vec<NaiveDate> {
    let day = |month, day| NaiveDate::from_ymd_opt(year, month, day);
    let monday = |month, nth| NaiveDate::from_weekday_of_month_opt(year, month, Weekday::Mon, nth);
    let last_monday = |month| monday(month, 5).or_else(|| monday(month, 4));
    let (month, date) = easter(year);
    let sunday = day(month, date);
    let early_may = match year {
        1995 | 2020 => day(5, 8), // fifty and seventy-five years after VE Day
        _ => monday(5, 1),
    };
    let spring = match year {
        2002 | 2012 => day(6, 4), // moved to the jubilee
        2022 => day(6, 2),
        _ => last_monday(5),
    };
    let mut days: Vec<NaiveDate> = [
        sunday.and_then(|s| s.checked_sub_days(chrono::Days::new(2))),
        sunday.and_then(|s| s.checked_add_days(chrono::Days::new(1))),
        early_may,
        spring,
        last_monday(8),
    ]
    .into_iter()
    .flatten()
    .collect();
    days.extend(
        ADDED
            .iter()
            .chain([&CORONATION])
            .filter(|(y, ..)| *y == year)
            .filter_map(|(_, m, d)| day(*m, *d)),
    );
    for (month, date) in [(1, 1), (12, 25), (12, 26)] {
        // Boxing Day looks for its place after Christmas has found one.
        let mut kept = day(month, date);
        while let Some(at) = kept.filter(|d| is_weekend(*d) || days.contains(d)) {
            kept = at.succ_opt();
        }
        days.extend(kept);
    }
    days
}

fn is_weekend(date: NaiveDate) -> bool {
    matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Month and day of Easter Sunday, by the anonymous Gregorian algorithm (Meeus 1991).
fn easter(year: i32) -> (u32, u32) {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let g = (8 * b + 13) / 25;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19) % 32;
    (month.unsigned_abs(), day.unsigned_abs())
}

/// All holidays as days since 1970, sorted. Each is a weekday.
fn holidays() -> &'static [i32] {
    static DAYS: OnceLock<Vec<i32>> = OnceLock::new();
    DAYS.get_or_init(|| {
        let mut days: Vec<i32> = (FIRST..=LAST).flat_map(of_year).map(from_date).collect();
        days.sort_unstable();
        days
    })
}

fn known(days: i32) -> Option<NaiveDate> {
    to_date(days).filter(|d| (FIRST..=LAST).contains(&d.year()))
}

/// Whether each day is Monday to Friday and no bank holiday. Null before 1978 and after 2199.
pub fn is_working_day(date: &Date32Array) -> BooleanArray {
    date.iter()
        .map(|days| {
            let (days, date) = (days?, known(days?)?);
            Some(!is_weekend(date) && holidays().binary_search(&days).is_err())
        })
        .collect()
}

/// Working days after `from`, up to and with `to`: from one working day to the next is 1, to the
/// same day 0. Below 0 when `to` is earlier. Null where a date is, or lies outside 1978 to 2199.
pub fn working_days_between(from: &Date32Array, to: &Date32Array) -> Int64Array {
    from.iter()
        .zip(to)
        .map(|(from, to)| {
            let (from, to) = (from?, to?);
            known(from).and(known(to))?;
            Some(worked(to) - worked(from))
        })
        .collect()
}

/// Working days up to and with a day, from some Monday before all holidays.
fn worked(days: i32) -> i64 {
    // 5 January 1970 was a Monday, day 4.
    let since = i64::from(days) - 4 + 1;
    let (weeks, rest) = (since.div_euclid(7), since.rem_euclid(7));
    let free = holidays().partition_point(|h| *h <= days);
    weeks * 5 + rest.min(5) - i64::try_from(free).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Array;
    use proptest::prelude::*;

    fn day(text: &str) -> i32 {
        from_date(text.parse().expect("a date"))
    }
    fn between(from: &str, to: &str) -> Option<i64> {
        let one = |t| Date32Array::from(vec![day(t)]);
        working_days_between(&one(from), &one(to))
            .iter()
            .next()
            .flatten()
    }

    /// Typed off GOV.UK's list for England and Wales.
    #[test]
    fn the_published_holidays() {
        let published = [
            (2015, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"),
            (2016, "01-01 03-25 03-28 05-02 05-30 08-29 12-26 12-27"),
            (2017, "01-02 04-14 04-17 05-01 05-29 08-28 12-25 12-26"),
            (2018, "01-01 03-30 04-02 05-07 05-28 08-27 12-25 12-26"),
            (2019, "01-01 04-19 04-22 05-06 05-27 08-26 12-25 12-26"),
            (2020, "01-01 04-10 04-13 05-08 05-25 08-31 12-25 12-28"),
            (2021, "01-01 04-02 04-05 05-03 05-31 08-30 12-27 12-28"),
            (
                2022,
                "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27",
            ),
            (
                2023,
                "01-02 04-07 04-10 05-01 05-08 05-29 08-28 12-25 12-26",
            ),
            (2024, "01-01 03-29 04-01 05-06 05-27 08-26 12-25 12-26"),
            (2025, "01-01 04-18 04-21 05-05 05-26 08-25 12-25 12-26"),
            (2026, "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"),
            (2027, "01-01 03-26 03-29 05-03 05-31 08-30 12-27 12-28"),
        ];
        for (year, wanted) in published {
            let mut days: Vec<String> = of_year(year)
                .iter()
                .map(|d| d.format("%m-%d").to_string())
                .collect();
            days.sort();
            assert_eq!(days.join(" "), wanted, "{year}");
        }
    }

    #[test]
    fn counted_by_hand() {
        // Thursday before Easter 2026 to the Tuesday after: only the Tuesday.
        assert_eq!(between("2026-04-02", "2026-04-07"), Some(1));
        assert_eq!(between("2026-04-07", "2026-04-02"), Some(-1));
        assert_eq!(between("2026-04-02", "2026-04-02"), Some(0));
        // Friday to Sunday is none, to Monday one.
        assert_eq!(between("2026-06-05", "2026-06-07"), Some(0));
        assert_eq!(between("2026-06-05", "2026-06-08"), Some(1));
        // 2024: 366 days, 104 at weekends, 8 holidays.
        assert_eq!(between("2023-12-31", "2024-12-31"), Some(254));
        assert_eq!(between("1977-12-31", "2024-12-31"), None);
        assert_eq!(between("2024-12-31", "2200-01-01"), None);
        assert!(
            working_days_between(&Date32Array::from(vec![None]), &Date32Array::from(vec![0]))
                .is_null(0)
        );
        let asked = Date32Array::from(vec![Some(day("2022-09-19")), Some(day("2022-09-20")), None]);
        let got = is_working_day(&asked);
        assert!(!got.value(0) && got.value(1) && got.is_null(2));
    }

    #[test]
    fn every_holiday_is_a_weekday_and_stands_once() {
        let mut days = holidays().to_vec();
        assert!(
            days.iter()
                .all(|d| !is_weekend(to_date(*d).expect("a day")))
        );
        days.dedup();
        assert_eq!(days.len(), holidays().len());
        assert!(days.len() >= 8 * 222);
    }

    proptest! {
        #[test]
        fn as_many_as_are_counted_one_by_one(from in 3_000_i32..60_000, on in 0_i32..900) {
            let each = Date32Array::from_iter_values(from + 1..=from + on);
            let one_by_one = is_working_day(&each).true_count();
            let one = |d| Date32Array::from(vec![d]);
            let got = working_days_between(&one(from), &one(from + on)).value(0);
            prop_assert_eq!(got, i64::try_from(one_by_one).expect("few"));
        }
    }
}
