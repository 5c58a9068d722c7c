//! Old workbooks (.xls) that would ask for more memory than there is.
//!
//! The library follows the file's list of sectors wherever it leads, in a ring for ever, and makes
//! room for every cell between the first and the last of a sheet: a damaged number asks for
//! terabytes. That ends the process, which no reader can deal with. So what decides it is looked at
//! first. A sheet of such a workbook has 256 columns and 65,536 rows; nothing good lies outside.

use std::io::{Read, Seek, SeekFrom};

use cfb::CompoundFile;

const COLUMNS: u16 = 256;
/// Three times what a sheet has room for: some programs are careless about its size.
const MOST_CELLS: u64 = 50_000_000;

/// The kinds of records that matter, as [MS-XLS] numbers them.
mod kind {
    pub const LOCKED: u16 = 0x002F;
    pub const BOUND_SHEET: u16 = 0x0085;
    pub const DIMENSIONS: u16 = 0x0200;
    pub const MANY_NUMBERS: u16 = 0x00BD;
    /// Records that begin with a row and a column.
    pub const CELLS: [u16; 9] = [
        0x0006, 0x00BD, 0x00BE, 0x00D6, 0x00FD, 0x0203, 0x0204, 0x0205, 0x027E,
    ];
}

/// Whether a workbook can be handed to the library: its parts hang together, none is longer than the
/// file, and no cell lies outside a sheet.
pub(super) fn is_sound<R: Read + Seek>(mut workbook: R) -> bool {
    let size = workbook.seek(SeekFrom::End(0)).unwrap_or(0);
    if workbook.rewind().is_err() {
        return false;
    }
    let Ok(mut file) = CompoundFile::open(workbook) else {
        return false;
    };
    let parts: Vec<u64> = file.walk().map(|part| part.len()).collect();
    if parts.into_iter().any(|length| length > size) {
        return false;
    }
    let mut bytes = Vec::new();
    for name in ["Workbook", "Book"] {
        if let Ok(mut stream) = file.open_stream(name) {
            // What comes before a fault is read by the library too.
            let _ = stream.read_to_end(&mut bytes);
            break;
        }
    }
    // What is locked cannot be looked at; the library says that it is.
    if records(&bytes).any(|(kind, _)| kind == kind::LOCKED) {
        return true;
    }
    let sheets = records(&bytes)
        .filter(|(kind, _)| *kind == kind::BOUND_SHEET)
        .filter_map(|(_, data)| bytes.get(u32_at(data, 0)? as usize..));
    !sheets
        .flat_map(records)
        .any(|(kind, data)| is_outside(kind, data).unwrap_or(false))
}

/// Records, each its kind and its data, as long as they are whole.
fn records(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (kind, length) = (u16_at(rest, 0)?, u16_at(rest, 2)?);
        let end = 4 + usize::from(length);
        let data = rest.get(4..end)?;
        rest = &rest[end..];
        Some((kind, data))
    })
}

fn is_outside(kind: u16, data: &[u8]) -> Option<bool> {
    Some(match kind {
        kind::DIMENSIONS => {
            let (first_row, last_row, last_column) = match data.len() {
                10 => (
                    u16_at(data, 0)?.into(),
                    u16_at(data, 2)?.into(),
                    u16_at(data, 6)?,
                ),
                _ => (u32_at(data, 0)?, u32_at(data, 4)?, u16_at(data, 10)?),
            };
            // Rows that end before they begin are as many as there are numbers.
            let ends_first = last_row > 0 && last_row < first_row;
            ends_first || u64::from(last_row) * u64::from(last_column) > MOST_CELLS
        }
        kind if kind::CELLS.contains(&kind) => {
            let last = data
                .len()
                .checked_sub(2)
                .filter(|_| kind == kind::MANY_NUMBERS);
            let last = last.and_then(|at| u16_at(data, at));
            u16_at(data, 2)?.max(last.unwrap_or(0)) >= COLUMNS
        }
        _ => false,
    })
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at + 2)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}
