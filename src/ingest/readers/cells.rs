//! Cells of sheets to the texts a careful person would type: numbers without a needless `.0` and
//! with the 15 digits that Excel shows, true dates as ISO.

use calamine::{Data, ExcelDateTime};

use crate::ingest::drift::FileType;

/// A cell's text; a failed formula has none.
pub(super) fn text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(n) => n.to_string(),
        Data::Float(n) => number(*n),
        Data::Bool(yes) => yes.to_string(),
        Data::DateTime(time) => match datetime(time) {
            Some(t) if t.time() == chrono::NaiveTime::MIN => t.format("%Y-%m-%d").to_string(),
            Some(t) => t.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
            None => number(time.as_f64()),
        },
    }
}

/// The moment that a cell shows, if it shows one.
fn datetime(time: &ExcelDateTime) -> Option<chrono::NaiveDateTime> {
    /// Days, far outside all that a calendar holds: the library panics at yet greater ones.
    const FARTHEST: f64 = 1e10;
    (time.is_datetime() && time.as_f64().abs() < FARTHEST)
        .then(|| time.as_datetime())
        .flatten()
}

/// Whether nothing stands in a cell.
pub(super) fn is_blank(cell: &Data) -> bool {
    match cell {
        Data::Empty => true,
        Data::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// What a cell is; `None` if nothing stands in it, or a failed formula.
pub(super) fn file_type(cell: &Data) -> Option<FileType> {
    Some(match cell {
        Data::Empty | Data::Error(_) => return None,
        Data::String(text) if text.trim().is_empty() => return None,
        Data::String(_) | Data::DurationIso(_) => FileType::Text,
        Data::Int(_) | Data::Float(_) => FileType::Number,
        Data::Bool(_) => FileType::Boolean,
        Data::DateTimeIso(_) => FileType::Date,
        Data::DateTime(time) if time.is_datetime() => FileType::Date,
        Data::DateTime(_) => FileType::Number,
    })
}

/// A row as one line: its cells from the first to the last that is not blank, parted by tabs.
pub(super) fn line(cells: &[Data]) -> String {
    let texts: Vec<String> = cells.iter().map(|c| one_line(&text(c))).collect();
    texts.join("\t").trim().to_owned()
}

/// A text without line feeds and doubled blanks.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A sheet's column as it is lettered: 0 is A, 26 is AA.
pub(super) fn letters(mut column: u32) -> String {
    let mut name = String::new();
    loop {
        let letter = u8::try_from(column % 26).unwrap_or(0);
        name.insert(0, char::from(b'A' + letter));
        match (column / 26).checked_sub(1) {
            Some(rest) => column = rest,
            None => return name,
        }
    }
}

/// A number with the 15 digits that Excel shows: 0.1 + 0.2 is 0.3 there, and here.
fn number(n: f64) -> String {
    let shown = format!("{n:.14e}").parse().unwrap_or(n);
    let shown: f64 = if shown == 0.0 { 0.0 } else { shown };
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_excel_shows_them() {
        assert_eq!(number(3.0), "3");
        assert_eq!(number(-0.0), "0");
        assert_eq!(number(0.1 + 0.2), "0.3");
        assert_eq!(number(62.5), "62.5");
        assert_eq!(number(4_010_232_137.0), "4010232137");
    }

    #[test]
    fn columns_are_lettered() {
        assert_eq!(letters(0), "A");
        assert_eq!(letters(25), "Z");
        assert_eq!(letters(26), "AA");
        assert_eq!(letters(701), "ZZ");
        assert_eq!(letters(702), "AAA");
    }
}
