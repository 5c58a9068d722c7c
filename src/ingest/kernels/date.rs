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

use crate::spec::column::BY_MONTH;

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
mod tests {
    use super::*;
    use arrow::array::{Array, AsArray};
    use proptest::prelude::*;

    fn reader(formats: &[&str]) -> DateReader {
        formats.iter().fold(DateReader::default(), |r, f| match *f {
            "excel_serial" => r.serial(),
            f => r.strftime(f).expect("a format"),
        })
    }

    fn date(formats: &[&str], text: &str) -> Option<String> {
        let cast = reader(formats).dates(&StringArray::from(vec![text]));
        let values = cast.values.as_primitive::<Date32Type>();
        assert_eq!(cast.invalid.len(), values.null_count());
        values
            .value_as_date(0)
            .filter(|_| values.is_valid(0))
            .map(|d| d.to_string())
    }

    #[test]
    fn the_eight_spellings_of_lung_health_checks() {
        let formats = [
            "%d/%m/%Y",
            "%d/%m/%Y %H:%M",
            "%b %d %Y %H:%M",
            "%d-%m-%y",
            "%Y-%m-%d %H:%M:%S",
            "%Y%m%d",
            "%d-%b-%y",
            "excel_serial",
        ];
        for text in [
            "01/03/2022",
            "01/03/2022 11:30",
            "Mar 1 2022 11:30",
            "01-03-22",
            "2022-03-01 11:30:00",
            "20220301",
            "01-Mar-22",
            "44621",
            "44621.479",
            "1/3/2022",
        ] {
            assert_eq!(
                date(&formats, text).as_deref(),
                Some("2022-03-01"),
                "{text}"
            );
        }
    }

    #[test]
    fn impossible_days_and_far_years_are_refused() {
        for text in [
            "31/02/2025",
            "29/02/2025",
            "00/01/2025",
            "01/13/2025",
            "01/01/1899",
            "01/01/2101",
            "01/02/26",
            "n/k",
            "01/03/2022x",
            "99999",
            "01/03/2022 25:00",
        ] {
            assert_eq!(
                date(&["%d/%m/%Y", "%d/%m/%Y %H:%M", "excel_serial"], text),
                None,
                "{text}"
            );
        }
        assert_eq!(
            date(&["%d/%m/%Y"], "29/02/2024").as_deref(),
            Some("2024-02-29")
        );
    }

    #[test]
    fn two_digit_years_are_the_hundred_from_a_year() {
        // Digits alone, chrono's names of months, and a day written short.
        let formats = ["%d/%m/%y", "%d-%b-%y"];
        let years = |from: Option<i32>, texts: [&str; 4]| {
            let reader = reader(&formats);
            let reader = match from {
                Some(from) => reader.two_digit_years_from(from),
                None => reader,
            };
            let cast = reader.dates(&StringArray::from(texts.to_vec()));
            let values = cast.values.as_primitive::<Date32Type>().clone();
            [0, 1, 2, 3].map(|row| values.value_as_date(row).expect("a day").year())
        };
        let ends = ["01/02/69", "01-Feb-70", "1/2/00", "31-Dec-99"];
        assert_eq!(years(None, ends), [2069, 1970, 2000, 1999]);
        // Dates of birth of whoever is alive on 31 March 2026, and a hundred years at most.
        let births = ["01/02/26", "01-Feb-27", "1/2/00", "31-Dec-69"];
        assert_eq!(years(Some(1926), births), [1926, 1927, 2000, 1969]);
        assert_eq!(years(Some(1927), births), [2026, 1927, 2000, 1969]);
        assert_eq!(years(Some(2001), ends), [2069, 2070, 2100, 2099]);
        // Four digits mean what they say.
        let reader = reader(&["%d/%m/%Y"]).two_digit_years_from(1926);
        let cast = reader.dates(&StringArray::from(vec!["01/02/2060"]));
        let values = cast.values.as_primitive::<Date32Type>();
        assert_eq!(values.value_as_date(0).map(|d| d.year()), Some(2060));
    }

    #[test]
    fn months_are_their_first_days() {
        let months = reader(&["%Y-%m", "%b %Y", "%B %Y", "%Y-%m-%d"]);
        let texts = vec!["2026-03", "Mar 2026", "March 2026", "2026-03-31"];
        let cast = months.months(&StringArray::from(texts));
        let values = cast.values.as_primitive::<Date32Type>();
        for row in 0..values.len() {
            assert_eq!(
                values.value_as_date(row),
                NaiveDate::from_ymd_opt(2026, 3, 1)
            );
        }
        assert_eq!(
            months.months(&StringArray::from(vec!["2026-13"])).invalid,
            vec![0]
        );
    }

    #[test]
    fn a_month_alone_is_its_fifteenth_and_is_said() {
        let births = reader(&["%Y-%m-%d", "%Y-%m", "%m/%Y", "%b %Y", "%d/%m/%Y"]);
        let days = StringArray::from(vec![
            Some("1950-02-28"),
            Some("1950-02"),
            Some("02/1950"),
            Some("Feb 1950"),
            Some("15/02/1950"),
            Some("1950-13"),
            // A day that there is not is no month either.
            Some("1950-02-30"),
            None,
        ]);
        let cast = births.dates(&days);
        assert_eq!(cast.invalid, vec![5, 6]);
        let values = cast.values.as_primitive::<Date32Type>();
        let read = |row: usize| values.value_as_date(row).map(|d| d.to_string());
        assert_eq!(read(0).as_deref(), Some("1950-02-28"));
        for row in 1..5 {
            assert_eq!(read(row).as_deref(), Some("1950-02-15"), "{row}");
        }
        let said = births.by_month(&days);
        let said: Vec<bool> = said.iter().map(|note| note == Some("month")).collect();
        let expected = [false, true, true, true, false, false, false, false];
        assert_eq!(said, expected);
        // A time is of a day.
        let times = births.timestamps(&StringArray::from(vec!["1950-02"]));
        assert_eq!(times.invalid, vec![0]);
    }

    #[test]
    fn times_are_utc() {
        let cast = reader(&["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S%.f"]).timestamps(
            &StringArray::from(vec!["2026-06-01T01:00:00+0100", "2026-06-01 00:00:00.5"]),
        );
        let values = cast.values.as_primitive::<TimestampMicrosecondType>();
        assert_eq!(values.value(1) - values.value(0), 500_000);
    }

    proptest! {
        #[test]
        fn every_day_comes_back_in_every_spelling(days in 0_i64..73_000) {
            let day = NaiveDate::from_ymd_opt(1900, 3, 1).expect("a day") + TimeDelta::days(days);
            for format in ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%d %B %Y", "%d-%b-%Y"] {
                let text = day.format(format).to_string();
                prop_assert_eq!(date(&[format], &text), Some(day.to_string()));
            }
        }

        #[test]
        fn fixed_spellings_agree_with_chrono(text in "([0-9]{1,4}[-/])?[0-9]{1,2}[-/][0-9]{1,4}") {
            for (format, day) in [("%d/%m/%Y", None), ("%d/%m/%Y", Some(15)), ("%m/%Y", Some(15)), ("%m/%Y", None)] {
                let items = StrftimeItems::new(format).parse_to_owned().expect("a format");
                let parts = fixed(format).expect("fixed");
                if let Some(fast) = read_fixed(text.as_bytes(), &parts, day, TWO_DIGIT_YEARS_FROM) {
                    let slow = read_chrono(&text, &items, day, TWO_DIGIT_YEARS_FROM);
                    prop_assert_eq!(Some(fast), slow);
                }
            }
        }
    }
}
