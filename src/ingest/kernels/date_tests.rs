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
