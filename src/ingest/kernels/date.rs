//! Days, months and times: several spellings, tried in order. A day whose spelling says the month alone
//! is the middle of it.
//!
//! The spellings mean what chrono says they mean, but for two-digit years: those are the hundred
//! years from one that the contract may name. Those of plain digits, which nearly all files
//! use, are read without it.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::spec::date_format::BY_MONTH;

use super::{Cast, primitive};

/// Two-digit years begin here where the contract says nothing, as in chrono.
const TWO_DIGIT_YEARS_FROM: i32 = 1970;

/// The day that stands for a month of which no day is known: no day of it is more than sixteen days away.
const MID_MONTH: u32 = 15;

/// Years outside are slips of the keyboard, not births, deaths or plans.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2100;

/// One spelling, ready to be tried.
#[derive(Debug)]
enum Spelling {
    /// Days since 1899-12-30, with or without a fraction.
    Serial,
    /// Digits at fixed places, and what chrono makes of texts that differ.
    Fixed(Vec<Part>, Vec<Item<'static>>),
    /// Whatever chrono makes of it.
    Chrono(Vec<Item<'static>>),
}

/// A part of a spelling of fixed width.
#[derive(Debug, Clone, Copy)]
enum Part {
    Digits(Field, usize),
    Literal(u8),
}

#[derive(Debug, Clone, Copy)]
enum Field {
    Year,
    YearOfCentury,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// A time, as far as its text gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Read {
    /// As written; the day may be one that stands in.
    local: NaiveDateTime,
    /// Seconds from UTC.
    offset: i64,
    /// Whether the text has the day.
    has_day: bool,
}

/// Reads texts as days, months or times.
#[derive(Debug, Default)]
pub(in crate::ingest) struct DateReader {
    spellings: Vec<Spelling>,
    two_digit_years_from: Option<i32>,
}

impl DateReader {
    /// Adds Excel's serial numbers.
    #[must_use]
    pub(in crate::ingest) fn serial(mut self) -> Self {
        self.spellings.push(Spelling::Serial);
        self
    }

    /// Adds a strftime spelling; `None` if it is not one.
    pub(in crate::ingest) fn strftime(mut self, format: &str) -> Option<Self> {
        let items = StrftimeItems::new(format).parse_to_owned().ok()?;
        self.spellings.push(match fixed(format) {
            Some(parts) => Spelling::Fixed(parts, items),
            None => Spelling::Chrono(items),
        });
        Some(self)
    }

    /// Takes two-digit years for those of the hundred years from this one.
    #[must_use]
    pub(in crate::ingest) fn two_digit_years_from(mut self, year: i32) -> Self {
        self.two_digit_years_from = Some(year);
        self
    }

    /// Days; a time of day, where the spelling has one, is left out. Where it has a month alone: the 15th.
    pub(in crate::ingest) fn dates(&self, texts: &StringArray) -> Cast {
        let (values, invalid) = primitive::<Date32Type>(texts, |text| {
            let date = self.read(text, Some(MID_MONTH))?.local.date();
            Some(Date32Type::from_naive_date(date))
        });
        done(Arc::new(values), invalid)
    }

    /// `month` for texts that [`Self::dates`] reads and that say no day, null for others.
    pub(in crate::ingest) fn by_month(&self, texts: &StringArray) -> StringArray {
        let is_by_month = |text| {
            let read = self.read(text, Some(MID_MONTH));
            read.is_some_and(|read| !read.has_day)
        };
        let notes = texts
            .iter()
            .map(|text| text.filter(|text| is_by_month(text)).map(|_| BY_MONTH));
        notes.collect()
    }

    /// Months, as their first days. A spelling need not have a day.
    pub(in crate::ingest) fn months(&self, texts: &StringArray) -> Cast {
        let (values, invalid) = primitive::<Date32Type>(texts, |text| {
            let date = self.read(text, Some(1))?.local.date().with_day(1)?;
            Some(Date32Type::from_naive_date(date))
        });
        done(Arc::new(values), invalid)
    }

    /// Times in UTC, to the microsecond. Without a time of day: midnight.
    pub(in crate::ingest) fn timestamps(&self, texts: &StringArray) -> Cast {
        let (values, invalid) = primitive::<TimestampMicrosecondType>(texts, |text| {
            let read = self.read(text, None)?;
            let utc = read
                .local
                .checked_sub_signed(TimeDelta::seconds(read.offset))?;
            Some(utc.and_utc().timestamp_micros())
        });
        done(Arc::new(values.with_timezone("UTC")), invalid)
    }

    /// The time as written; `day` stands in where there is none.
    fn read(&self, text: &str, day: Option<u32>) -> Option<Read> {
        let from = self.two_digit_years_from.unwrap_or(TWO_DIGIT_YEARS_FROM);
        self.spellings.iter().find_map(|spelling| {
            match spelling {
                Spelling::Serial => read_serial(text),
                Spelling::Fixed(parts, items) => read_fixed(text.as_bytes(), parts, day, from)
                    // Without separators a lost digit would shift the others: no leniency.
                    .or_else(|| {
                        separated(parts)
                            .then(|| read_chrono(text, items, day, from))
                            .flatten()
                    }),
                Spelling::Chrono(items) => read_chrono(text, items, day, from),
            }
            .filter(|read| YEARS.contains(&read.local.year()))
        })
    }
}

/// Whether anything but digits stands between the fields.
fn separated(parts: &[Part]) -> bool {
    parts.iter().any(|p| !matches!(p, Part::Digits(..)))
}

fn done(values: ArrayRef, invalid: Vec<usize>) -> Cast {
    Cast { values, invalid }
}

fn fixed(format: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut bytes = format.bytes();
    while let Some(byte) = bytes.next() {
        parts.push(match byte {
            b'%' => match bytes.next()? {
                b'Y' => Part::Digits(Field::Year, 4),
                b'y' => Part::Digits(Field::YearOfCentury, 2),
                b'm' => Part::Digits(Field::Month, 2),
                b'd' => Part::Digits(Field::Day, 2),
                b'H' => Part::Digits(Field::Hour, 2),
                b'M' => Part::Digits(Field::Minute, 2),
                b'S' => Part::Digits(Field::Second, 2),
                _ => return None,
            },
            literal if literal.is_ascii() => Part::Literal(literal),
            _ => return None,
        });
    }
    Some(parts)
}

/// A two-digit year, in the hundred years from one.
fn full_year(of_century: i32, from: i32) -> i32 {
    from + (of_century - from).rem_euclid(100)
}

fn read_fixed(text: &[u8], parts: &[Part], stand_in: Option<u32>, years_from: i32) -> Option<Read> {
    let (mut year, mut month, mut day) = (None, None, None);
    let (mut hour, mut minute, mut second) = (0, 0, 0);
    let mut at = 0;
    for part in parts {
        match *part {
            Part::Literal(byte) => {
                if text.get(at) != Some(&byte) {
                    return None;
                }
                at += 1;
            }
            Part::Digits(field, width) => {
                let mut value = 0_u32;
                for byte in text.get(at..at + width)? {
                    if !byte.is_ascii_digit() {
                        return None;
                    }
                    value = value * 10 + u32::from(byte - b'0');
                }
                at += width;
                match field {
                    Field::Year => year = i32::try_from(value).ok(),
                    Field::YearOfCentury => {
                        year = i32::try_from(value).ok().map(|y| full_year(y, years_from));
                    }
                    Field::Month => month = Some(value),
                    Field::Day => day = Some(value),
                    Field::Hour => hour = value,
                    Field::Minute => minute = value,
                    Field::Second => second = value,
                }
            }
        }
    }
    if at != text.len() {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(year?, month?, day.or(stand_in)?)?;
    Some(Read {
        local: date.and_hms_opt(hour, minute, second)?,
        offset: 0,
        has_day: day.is_some(),
    })
}

fn read_chrono(
    text: &str,
    items: &[Item<'static>],
    stand_in: Option<u32>,
    years_from: i32,
) -> Option<Read> {
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, items.iter()).ok()?;
    if let (None, None, Some(year)) = (parsed.year(), parsed.year_div_100(), parsed.year_mod_100())
    {
        parsed.set_year(full_year(year, years_from).into()).ok()?;
    }
    let whole = parsed.to_naive_date().ok();
    let date = match (whole, stand_in) {
        (Some(date), _) => date,
        (None, Some(day)) => {
            parsed.set_day(day.into()).ok()?;
            parsed.to_naive_date().ok()?
        }
        (None, None) => return None,
    };
    let has_time = parsed.hour_mod_12().is_some() || parsed.minute().is_some();
    let time = if has_time {
        parsed.to_naive_time().ok()?
    } else {
        NaiveTime::MIN
    };
    let offset = parsed.offset().map_or(0, i64::from);
    Some(Read {
        local: date.and_time(time),
        offset,
        has_day: whole.is_some(),
    })
}

/// Five digits, with or without a fraction of a day: 1927 to 2100 fits.
fn read_serial(text: &str) -> Option<Read> {
    let (days, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    if days.len() != 5 || days.starts_with('0') || !plain(days) || !plain(fraction) {
        return None;
    }
    let days: i64 = days.parse().ok()?;
    let fraction: f64 = format!("0.{fraction}").parse().ok()?;
    // Whole seconds, as Excel shows them: a fraction of a day has no exact microseconds.
    #[allow(clippy::cast_possible_truncation)]
    let seconds = (fraction * 86_400.0).round() as i64;
    let local = NaiveDate::from_ymd_opt(1899, 12, 30)?
        .and_time(NaiveTime::MIN)
        .checked_add_signed(TimeDelta::seconds(days * 86_400 + seconds))?;
    Some(Read {
        local,
        offset: 0,
        has_day: true,
    })
}

#[cfg(test)]
#[path = "date_tests.rs"]
mod tests;
