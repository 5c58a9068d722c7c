//! Sheets of workbooks: .xlsx, .xls, .xlsb and .ods, whole in memory.
//!
//! Rows and columns are those of the sheet, wherever its used part begins. A row with a failed
//! formula in a column of the contract is no row.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use calamine::{Data, Dimensions};

use crate::diag::{Code, Diagnostic, Result, contained};
use crate::ingest::drift::FileType;
use crate::ingest::header::Layout;
use crate::ingest::rows::{Broken, RowsBuilder, Sink, Structure};
use crate::spec::reader::Excel;

use super::Origin;
use super::above::{MOST_LINES, SkipRules, lift, no_such_header, regex};
use super::cells::{file_type, is_blank, letters, line, one_line, text};
use super::workbook::{self, Sheet, damaged};

/// Reads a workbook of the disk. Says how many rows there were; blank rows are none.
///
/// # Errors
/// When the file is not a workbook, is locked, lacks the sheet or the header.
pub(super) fn read_file(origin: &Origin<'_>, options: &Excel, sink: &mut dyn Sink) -> Result<u64> {
    read(origin, options, sink, || {
        File::open(origin.path).map(BufReader::new)
    })
}

/// Reads a workbook; `make` gives its bytes from their start.
///
/// # Errors
/// As of [`read_file`].
pub(super) fn read<R: Read + Seek>(
    origin: &Origin<'_>,
    options: &Excel,
    sink: &mut dyn Sink,
    make: impl Fn() -> io::Result<R>,
) -> Result<u64> {
    // A damaged workbook may make the library panic; that must not end the night.
    let sheet = contained(|| workbook::open(origin, options, make))
        .unwrap_or_else(|| Err(damaged(origin).into()))?;
    let grid = Grid::of(&sheet);
    let header = header_row(origin, options, &grid)?;
    if !options.preamble.is_empty() {
        let above: Vec<String> = (1..header).map(|row| line(grid.row(row))).collect();
        let preamble = options.preamble.as_slice();
        sink.preamble(&lift(preamble, &above, '\t', None, &origin.place)?)?;
    }
    let last_header = header + options.header_rows.unwrap_or(1) - 1;
    let headings = headings(&grid, header, last_header);
    if headings.iter().all(String::is_empty) {
        return Err(no_header(origin, header).into());
    }
    let layout = sink.header(&headings, i64::from(header))?;
    let skips = SkipRules::new(&options.skip_rows)?;
    let skipped = |cells: &[Data]| {
        if options.skip_rows.is_empty() {
            return None;
        }
        let texts: Vec<String> = cells.iter().map(text).collect();
        skips
            .of(texts.iter().map(String::as_str))
            .map(str::to_owned)
    };
    let rows = || {
        (last_header.max(grid.first_row) + 1..=grid.last_row())
            .map(|row| (row, grid.row(row)))
            .filter(|(_, cells)| !cells.iter().all(is_blank))
    };
    sink.types(&types(
        &layout,
        rows()
            .map(|(_, cells)| cells)
            .filter(|c| skipped(c).is_none()),
    ))?;
    let mut builder = RowsBuilder::new(origin.columns);
    for (row, cells) in rows() {
        let line = i64::from(row);
        if let Some(rule) = skipped(cells) {
            builder.skip(&rule, sink);
        } else if let Some((column, reason)) = failed_cell(cells, &layout, row, grid.first_column) {
            builder.push_broken(Broken {
                line,
                column: Some(column),
                rule: Structure::ErrorCell,
                reason,
            });
        } else {
            let texts: Vec<String> = cells.iter().map(text).collect();
            builder.push(line, &layout, |i| texts.get(i).map_or("", String::as_str));
        }
        builder.flush_if_full(sink)?;
    }
    builder.finish(sink)
}

/// The used part of a sheet, by its rows.
struct Grid<'s> {
    rows: Vec<&'s [Data]>,
    /// The first used row and column, from 0.
    first_row: u32,
    first_column: u32,
    merged: Option<&'s [Dimensions]>,
}

impl<'s> Grid<'s> {
    fn of(sheet: &'s Sheet) -> Self {
        let (first_row, first_column) = sheet.range.start().unwrap_or((0, 0));
        Self {
            rows: sheet.range.rows().collect(),
            first_row,
            first_column,
            merged: sheet.merged.as_deref(),
        }
    }

    /// The used cells of a row, from 1; none where the row lies outside.
    fn row(&self, row: u32) -> &'s [Data] {
        (row - 1)
            .checked_sub(self.first_row)
            .and_then(|index| self.rows.get(index as usize))
            .copied()
            .unwrap_or(&[])
    }

    /// The last used row, from 1.
    fn last_row(&self) -> u32 {
        self.first_row + u32::try_from(self.rows.len()).unwrap_or(u32::MAX - self.first_row)
    }
}

/// The first row of the headings, from 1.
fn header_row(origin: &Origin<'_>, options: &Excel, grid: &Grid<'_>) -> Result<u32> {
    let Some(pattern) = &options.header_pattern else {
        return Ok(options.header_row.as_ref().map_or(1, |row| **row));
    };
    let regex = regex(pattern)?;
    (1..=grid.last_row())
        .take(MOST_LINES)
        .find(|row| {
            let line = line(grid.row(*row));
            !line.is_empty() && regex.is_match(&line)
        })
        .ok_or_else(|| no_such_header(pattern, "rows", &origin.place).into())
}

/// The headings of each used column, their parts from top to bottom joined by a space.
///
/// A merged cell counts for each column it lies over. Where the kind of workbook does not tell
/// what is merged, a blank in any row but the last takes what stands left of it, up to a column
/// without any heading.
fn headings(grid: &Grid<'_>, first: u32, last: u32) -> Vec<String> {
    let width = grid.rows.first().map_or(0, |row| row.len());
    let first_column = grid.first_column;
    let rows: Vec<Vec<String>> = (first..=last)
        .map(|row| {
            let cells = grid.row(row);
            (0..width)
                .map(|i| {
                    cells
                        .get(i)
                        .map_or_else(String::new, |c| one_line(&text(c)))
                })
                .collect()
        })
        .collect();
    let is_spacer = |i: usize| rows.iter().all(|row| row[i].is_empty());
    let part = |at: usize, i: usize| -> &str {
        let own = rows[at][i].as_str();
        if !own.is_empty() || rows.len() == 1 {
            return own;
        }
        match grid.merged {
            Some(merged) => {
                let (row, column) = (first - 1 + at as u32, first_column + i as u32);
                let over = merged
                    .iter()
                    .find(|m| m.start.0 == row && m.contains(row, column));
                over.and_then(|m| m.start.1.checked_sub(first_column))
                    .map_or("", |left| rows[at][left as usize].as_str())
            }
            None if at + 1 == rows.len() => "",
            None => (0..=i)
                .rev()
                .take_while(|left| !is_spacer(*left))
                .map(|left| rows[at][left].as_str())
                .find(|text| !text.is_empty())
                .unwrap_or(""),
        }
    };
    (0..width)
        .map(|i| {
            let parts: Vec<&str> = (0..rows.len())
                .map(|at| part(at, i))
                .filter(|p| !p.is_empty())
                .collect();
            parts.join(" ")
        })
        .collect()
}

/// What the columns of the contract are by their cells, where all of a column's agree.
fn types<'c>(layout: &Layout, rows: impl Iterator<Item = &'c [Data]>) -> Vec<(usize, FileType)> {
    let mut found: Vec<Option<FileType>> = vec![None; layout.slots.len()];
    for cells in rows {
        for (found, slot) in found.iter_mut().zip(&layout.slots) {
            let here = slot.and_then(|i| cells.get(i)).and_then(file_type);
            *found = match (*found, here) {
                (before, None) => before,
                (None, here) => here,
                (Some(before), Some(here)) if before == here => Some(here),
                // A mixture is what people make of a sheet; its cells are judged one by one.
                _ => Some(FileType::Text),
            };
        }
    }
    found
        .into_iter()
        .enumerate()
        .filter_map(|(column, found)| Some((column, found?)))
        .collect()
}

fn no_header(origin: &Origin<'_>, row: u32) -> Diagnostic {
    Diagnostic::error(
        Code::Header,
        format!("row {row} of the sheet, the header, is blank"),
    )
    .at(origin.place.clone().line(u64::from(row)))
    .hint("say which row holds the headings: `header_row`")
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
