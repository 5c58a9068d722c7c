//! Sheets of workbooks: .xlsx, .xls, .xlsb and .ods, whole in memory.
//!
//! Cells become the texts a careful person would type: numbers without a needless `.0` and with
//! the 15 digits that Excel shows, true dates as ISO. A row with a failed formula in a column of
//! the contract is no row.

use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, Range, Reader as _, Sheets, open_workbook_auto};
use zip::ZipArchive;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, nearest};
use crate::ingest::header::Layout;
use crate::ingest::rows::{Broken, RowsBuilder, Sink, Structure};
use crate::spec::source::Excel;

use super::Origin;
use super::unpack::LIMITS;

/// Reads the sheet that the options name. Says how many rows there were; blank rows are none.
///
/// # Errors
/// When the file is not a workbook, is locked, lacks the sheet or the header.
pub(super) fn read(origin: &Origin<'_>, options: &Excel, sink: &mut dyn Sink) -> Result<u64> {
    refuse_bombs(origin)?;
    // A damaged workbook may make the library panic; that must not end the night.
    let range = catch_unwind(AssertUnwindSafe(|| open(origin, options)))
        .unwrap_or_else(|_| Err(damaged(origin).into()))?;
    let header_row = options.header_row.unwrap_or(1);
    let (first_row, first_column) = range.start().unwrap_or((0, 0));
    let Some(header) = (header_row - 1)
        .checked_sub(first_row)
        .and_then(|i| range.rows().nth(i as usize))
        .filter(|cells| !is_blank(cells))
    else {
        return Err(no_header(origin, header_row).into());
    };
    let headings: Vec<String> = header.iter().map(text).collect();
    let layout = sink.header(&headings, i64::from(header_row))?;
    let mut rows = RowsBuilder::new(origin.columns);
    let skip = (header_row - first_row) as usize;
    for (cells, row) in range.rows().skip(skip).zip(header_row + 1..) {
        if is_blank(cells) {
            continue;
        }
        let line = i64::from(row);
        match failed_cell(cells, &layout, row, first_column) {
            Some((column, reason)) => rows.push_broken(Broken {
                line,
                column: Some(column),
                rule: Structure::ErrorCell,
                reason,
            }),
            None => {
                let texts: Vec<String> = cells.iter().map(text).collect();
                rows.push(line, &layout, |i| texts.get(i).map_or("", String::as_str));
            }
        }
        rows.flush_if_full(sink)?;
    }
    rows.finish(sink)
}

fn open(origin: &Origin<'_>, options: &Excel) -> Result<Range<Data>> {
    let mut workbook = open_workbook_auto(origin.path)
        .map_err(|e| Diagnostics::from(workbook_fault(origin, &e)))?;
    let names = workbook.sheet_names();
    let listed = || {
        names
            .iter()
            .map(|n| format!("`{n}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let name = match (&options.sheet, names.as_slice()) {
        (Some(wanted), _) => names
            .iter()
            .find(|n| *n == &**wanted)
            .or_else(|| {
                names
                    .iter()
                    .find(|n| n.trim().eq_ignore_ascii_case(wanted.trim()))
            })
            .ok_or_else(|| {
                let near = nearest(wanted, names.iter().map(String::as_str));
                Diagnostic::error(
                    Code::BadFile,
                    format!("the workbook has no sheet `{}`", **wanted),
                )
                .at(origin.place.clone())
                .label(format!("it has {}", listed()))
                .hint(near.map_or_else(
                    || "ask the sender, or name another sheet".to_owned(),
                    |near| format!("the nearest sheet is `{near}`"),
                ))
            })?,
        (None, [only]) => only,
        (None, _) => {
            return Err(Diagnostic::error(
                Code::BadFile,
                format!("the workbook has {} sheets, and none is named", names.len()),
            )
            .at(origin.place.clone())
            .label(format!("it has {}", listed()))
            .hint("name one: `excel: { sheet: … }`")
            .into());
        }
    };
    refuse_vast(origin, &mut workbook, name)?;
    workbook
        .worksheet_range(name)
        .map_err(|e| workbook_fault(origin, &e).into())
}

/// A sheet is held whole: one stray cell in the last corner would ask for terabytes.
fn refuse_vast<R: Read + Seek>(
    origin: &Origin<'_>,
    workbook: &mut Sheets<R>,
    name: &str,
) -> Result<()> {
    const MOST_CELLS: u64 = 50_000_000;
    let Sheets::Xlsx(workbook) = workbook else {
        return Ok(());
    };
    // Faults of the sheet are told when it is read.
    let Ok(mut cells) = workbook.worksheet_cells_reader(name) else {
        return Ok(());
    };
    let (mut rows, mut columns) = (0_u64, 0_u64);
    while let Ok(Some(cell)) = cells.next_cell() {
        let (row, column) = cell.get_position();
        rows = rows.max(u64::from(row) + 1);
        columns = columns.max(u64::from(column) + 1);
        if rows * columns > MOST_CELLS {
            return Err(Diagnostic::error(
                Code::BadFile,
                format!("the sheet reaches over {rows} rows and {columns} columns"),
            )
            .at(origin.place.clone())
            .hint("most likely a stray cell far from the table: delete the empty rows and columns beside it")
            .into());
        }
    }
    Ok(())
}

/// A workbook is a ZIP, and can be a bomb like any other.
fn refuse_bombs(origin: &Origin<'_>) -> Result<()> {
    let Ok(file) = std::fs::File::open(origin.path) else {
        // Opened again below, where the fault is told.
        return Ok(());
    };
    let packed = u128::from(file.metadata().map_or(0, |m| m.len()));
    let Ok(archive) = ZipArchive::new(std::io::BufReader::new(file)) else {
        return Ok(());
    };
    let out = archive.decompressed_size().unwrap_or(0);
    if out > u128::from(LIMITS.most)
        || (out > u128::from(LIMITS.free) && out > packed * u128::from(LIMITS.ratio))
    {
        return Err(Diagnostic::error(
            Code::BadFile,
            "the workbook unpacks to far more than it can hold",
        )
        .at(origin.place.clone())
        .hint("a packed bomb: do not open it, ask the sender")
        .into());
    }
    Ok(())
}

fn workbook_fault(origin: &Origin<'_>, error: &calamine::Error) -> Diagnostic {
    use std::io::ErrorKind;
    match error {
        calamine::Error::Io(e)
            if matches!(e.kind(), ErrorKind::PermissionDenied | ErrorKind::NotFound) =>
        {
            Diagnostic::io(origin.path, "open", e)
        }
        // The library's words may hold what stood in a cell: they are not repeated.
        e if e.to_string().to_lowercase().contains("password") => {
            Diagnostic::error(Code::BadFile, "the workbook is locked with a password")
                .at(origin.place.clone())
                .hint("ask for it without a password, over a channel that is safe by itself")
        }
        _ => damaged(origin),
    }
}

fn damaged(origin: &Origin<'_>) -> Diagnostic {
    Diagnostic::error(Code::BadFile, "the file cannot be read as a workbook")
        .at(origin.place.clone())
        .hint("it was damaged on its way, or is not what its name says: ask for it again")
}

fn no_header(origin: &Origin<'_>, row: u32) -> Diagnostic {
    Diagnostic::error(
        Code::Header,
        format!("row {row} of the sheet, the header, is blank"),
    )
    .at(origin.place.clone().line(u64::from(row)))
    .hint("say which row holds the headings: `header_row`")
}

fn is_blank(cells: &[Data]) -> bool {
    cells.iter().all(|cell| match cell {
        Data::Empty => true,
        Data::String(text) => text.trim().is_empty(),
        _ => false,
    })
}

/// The first failed formula in a column of the contract.
fn failed_cell(
    cells: &[Data],
    layout: &Layout,
    row: u32,
    first_column: u32,
) -> Option<(usize, String)> {
    let slots = layout.slots.iter().enumerate();
    slots
        .filter_map(|(column, slot)| Some((column, (*slot)?)))
        .find_map(|(column, field)| match cells.get(field)? {
            Data::Error(error) => {
                let letters = letters(first_column + u32::try_from(field).ok()?);
                Some((column, format!("{letters}{row} holds {error}")))
            }
            _ => None,
        })
}

/// A sheet's column as it is lettered: 0 is A, 26 is AA.
fn letters(mut column: u32) -> String {
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

fn text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Int(n) => n.to_string(),
        Data::Float(n) => number(*n),
        Data::Bool(yes) => yes.to_string(),
        Data::DateTime(time) => match time.as_datetime().filter(|_| time.is_datetime()) {
            Some(t) if t.time() == chrono::NaiveTime::MIN => t.format("%Y-%m-%d").to_string(),
            Some(t) => t.format("%Y-%m-%dT%H:%M:%S%.f").to_string(),
            None => number(time.as_f64()),
        },
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
