//! The feeds: how what happened is written down, faults and all. A feed decides nothing that counts;
//! it only spells.

pub mod csv;
pub mod cwt_published;
pub mod cwt_records;
pub mod hpv;
pub mod liver;
pub mod lower_gi;
pub mod lung;
pub mod people;
pub mod personalised_care;
pub mod primary_care;
pub mod reference;
pub mod screening;
pub mod screening_published;
pub mod tumours;

use std::fs::{self, File};
use std::io::{self, Cursor, Write};
use std::path::Path;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::Written;
use super::submissions::Submission;

/// What a feed wrote, and what the ledger must make of it.
#[derive(Debug, Default)]
pub struct Fed {
    /// The files.
    pub written: Vec<Written>,
    /// The submissions they are; a file that two sources read is two.
    pub submissions: Vec<Submission>,
}

impl Fed {
    /// Adds what another feed wrote.
    pub fn extend(&mut self, other: Fed) {
        self.written.extend(other.written);
        self.submissions.extend(other.submissions);
    }
}

/// Creates a file below `root`, with the folders it needs.
pub(super) fn create(root: &Path, path: &str) -> io::Result<File> {
    let full = root.join(path);
    if let Some(folder) = full.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(full)
}

/// Writes a file whole.
pub(super) fn write_whole(
    root: &Path,
    path: String,
    rows: u64,
    bytes: &[u8],
) -> io::Result<Written> {
    create(root, &path)?.write_all(bytes)?;
    Ok(Written {
        path,
        rows,
        bytes: bytes.len() as u64,
    })
}

/// A ZIP of these members, at the zero time of ZIP, 1 January 1980: the same world must give the same
/// bytes tomorrow.
fn zipped<'a>(members: impl IntoIterator<Item = (&'a str, Vec<u8>)>) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name, options).map_err(io::Error::other)?;
        zip.write_all(&bytes)?;
    }
    Ok(zip.finish().map_err(io::Error::other)?.into_inner())
}

/// An empty workbook. A workbook remembers when it was made; these were made at the start of 2026, always.
fn new_workbook() -> Result<Workbook, XlsxError> {
    let mut workbook = Workbook::new();
    let made = ExcelDateTime::from_ymd(2026, 1, 1)?;
    workbook.set_properties(
        &DocProperties::new()
            .set_author("Martlet sample")
            .set_creation_datetime(&made),
    );
    Ok(workbook)
}

/// Text as UTF-16, little end first, with a byte order mark.
fn utf16(text: &str) -> Vec<u8> {
    std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect()
}

/// A number as spreadsheets show it: `12,345`.
fn with_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share in tenths of a per cent, rounded, as spreadsheets show it: `71.3%`.
fn per_cent(part: u64, whole: u64) -> String {
    let tenths = (2_000 * part + whole).checked_div(2 * whole).unwrap_or(0);
    format!("{}.{}%", tenths / 10, tenths % 10)
}
