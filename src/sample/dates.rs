//! Calendar arithmetic of the sample: censuses, windows, ages. It repeats, on purpose, what the SQL
//! functions do: the truth must not lean on the code it is there to check.

use chrono::{Datelike, Days, NaiveDate};

/// A date from its parts; an impossible one becomes 1 January 1970, which no test would miss.
pub fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

/// `days` later (earlier when negative).
pub fn plus_days(from: NaiveDate, days: i64) -> NaiveDate {
    let moved = if days >= 0 {
        from.checked_add_days(Days::new(days.unsigned_abs()))
    } else {
        from.checked_sub_days(Days::new(days.unsigned_abs()))
    };
    moved.unwrap_or(from)
}

/// Days from `from` to `to`, negative when `to` is earlier.
pub fn days_between(from: NaiveDate, to: NaiveDate) -> i64 {
    i64::from(to.num_days_from_ce()) - i64::from(from.num_days_from_ce())
}

/// The same day `months` on, or the last day of that month when it is shorter.
pub fn add_months(from: NaiveDate, months: i32) -> NaiveDate {
    let (year, month) = shifted(from, months);
    let day = from.day().min(days_in(year, month));
    date(year, month, day)
}

/// The first day of the month `months` on.
pub fn first_of_month(from: NaiveDate, months: i32) -> NaiveDate {
    let (year, month) = shifted(from, months);
    date(year, month, 1)
}

/// The last day of the month: the census of that month.
pub fn month_end(of: NaiveDate) -> NaiveDate {
    date(of.year(), of.month(), days_in(of.year(), of.month()))
}

/// First day of the window of `months` to a census: the first of the month k−1 months before.
pub fn window_start(census: NaiveDate, months: i32) -> NaiveDate {
    first_of_month(census, 1 - months)
}

/// Completed years by comparing calendars: born 29 February, a year older on 1 March in common years.
pub fn age(birth: NaiveDate, on: NaiveDate) -> i32 {
    let had_birthday = (on.month(), on.day()) >= (birth.month(), birth.day());
    on.year() - birth.year() - i32::from(!had_birthday)
}

fn shifted(from: NaiveDate, months: i32) -> (i32, u32) {
    let total = from.year() * 12 + from.month0() as i32 + months;
    (total.div_euclid(12), total.rem_euclid(12) as u32 + 1)
}

fn days_in(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// The months of a sample, oldest first.
#[derive(Debug, Clone)]
pub struct Calendar {
    firsts: Vec<NaiveDate>,
    censuses: Vec<NaiveDate>,
}

impl Calendar {
    /// `months` months, of which the last begins on (or holds) `end`.
    pub fn new(end: NaiveDate, months: u32) -> Self {
        let months = months.max(1) as i32;
        let firsts: Vec<_> = (0..months)
            .map(|m| first_of_month(end, m + 1 - months))
            .collect();
        let censuses = firsts.iter().map(|first| month_end(*first)).collect();
        Self { firsts, censuses }
    }

    /// How many months there are; never 0.
    pub fn months(&self) -> usize {
        self.firsts.len()
    }

    /// First day of month `m`, counted from 0.
    pub fn first(&self, m: usize) -> NaiveDate {
        self.firsts[m]
    }

    /// Last day of month `m`.
    pub fn census(&self, m: usize) -> NaiveDate {
        self.censuses[m]
    }

    /// Last day of the last month: nothing later has happened yet.
    pub fn end(&self) -> NaiveDate {
        self.censuses[self.censuses.len() - 1]
    }

    /// The month whose files carry a date: history goes to the first.
    pub fn month_of(&self, on: NaiveDate) -> usize {
        let start = self.firsts[0];
        let months = (on.year() - start.year()) * 12 + on.month() as i32 - start.month() as i32;
        (months.max(0) as usize).min(self.months() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_start_on_the_first_of_a_month() {
        assert_eq!(window_start(date(2026, 2, 28), 30), date(2023, 9, 1));
        assert_eq!(window_start(date(2026, 2, 28), 6), date(2025, 9, 1));
        assert_eq!(window_start(date(2025, 8, 31), 30), date(2023, 3, 1));
    }

    #[test]
    fn ages_turn_by_the_calendar() {
        assert_eq!(age(date(1951, 3, 31), date(2026, 3, 31)), 75);
        assert_eq!(age(date(1951, 4, 1), date(2026, 3, 31)), 74);
        assert_eq!(age(date(1960, 2, 29), date(2025, 2, 28)), 64);
        assert_eq!(age(date(1960, 2, 29), date(2025, 3, 1)), 65);
        assert_eq!(age(date(1976, 2, 29), date(2026, 2, 28)), 49);
    }

    #[test]
    fn months_clamp_to_the_end() {
        assert_eq!(add_months(date(2025, 8, 31), 6), date(2026, 2, 28));
        assert_eq!(add_months(date(2025, 1, 31), -2), date(2024, 11, 30));
    }

    #[test]
    fn history_goes_to_the_first_month() {
        let calendar = Calendar::new(date(2026, 3, 1), 3);
        assert_eq!(calendar.first(0), date(2026, 1, 1));
        assert_eq!(calendar.month_of(date(2019, 5, 5)), 0);
        assert_eq!(calendar.month_of(date(2026, 3, 31)), 2);
        assert_eq!(calendar.census(1), date(2026, 2, 28));
    }
}
