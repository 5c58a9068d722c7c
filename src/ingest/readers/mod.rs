//! Bytes to rows of text. A reader pushes what it finds into a [`Sink`]: first the headings, then
//! batches. It knows the contract's number of columns and nothing else of it. Delimited text, which
//! is what large files are, is read in blocks by all cores; the others are read beside their sink.

mod above;
mod blocks;
mod cells;
mod csv;
mod encoding;
mod excel;
mod faults;
mod fixed_width;
mod json_lines;
mod json_object;
mod lines;
mod marks;
mod parquet;
mod relay;
mod scan;
mod transcode;
mod unpack;
mod workbook;
mod xls;
mod zip;

use std::path::Path;

use crate::diag::{DataPlace, Diagnostic, Result};
use crate::spec::Reader;

use super::rows::{Judging, Sink};
use unpack::TextFile;

/// A file to be read.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// How messages name it.
    pub place: DataPlace,
    /// Columns of the contract.
    pub columns: usize,
    /// Bytes of text that are read at once.
    pub block: usize,
}

/// Bytes of a block: a row group of some hundred thousand rows.
pub(super) const BLOCK: usize = 8 << 20;

/// Files smaller than this, in bytes, are read and judged by turns: a thread would cost more.
const SMALL: u64 = 1 << 20;

/// Reads the whole file. Says how many rows it has, good or not.
///
/// # Errors
/// When it is not what it is declared to be, or the sink refuses it.
pub(super) fn read(
    origin: &Origin<'_>,
    reader: &Reader,
    size: u64,
    judge: &dyn Judging,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let mut text = TextFile::new(origin);
    match reader {
        Reader::Csv(options) => csv::read(&mut text, options, origin, judge, sink),
        Reader::Zip(options) => zip::read(origin, options, size, judge, sink),
        _ => beside_if_large(size, sink, |sink| read_into(origin, reader, sink)),
    }
}

fn read_into(origin: &Origin<'_>, reader: &Reader, sink: &mut dyn Sink) -> Result<u64> {
    let mut text = TextFile::new(origin);
    let (place, columns) = (&origin.place, origin.columns);
    match reader {
        Reader::FixedWidth(options) => fixed_width::read(&mut text, options, place, columns, sink),
        Reader::JsonLines(options) => json_lines::read(&mut text, options, place, columns, sink),
        Reader::Excel(options) => excel::read_file(origin, options, sink),
        Reader::Parquet => parquet::read(origin, sink),
        Reader::Csv(_) | Reader::Zip(_) => Err(Diagnostic::bug("a reader by itself").into()),
    }
}

fn beside_if_large(
    size: u64,
    sink: &mut dyn Sink,
    read: impl FnOnce(&mut dyn Sink) -> Result<u64> + Send,
) -> Result<u64> {
    match size {
        0..SMALL => read(sink),
        _ => relay::beside(sink, read),
    }
}

/// Whether dates come from cells that are dates: those arrive as ISO, whatever the contract says
/// of texts.
pub(super) fn has_typed_cells(reader: &Reader) -> bool {
    match reader {
        Reader::Excel(_) | Reader::Parquet => true,
        Reader::Zip(zip) => zip.excel.is_some(),
        Reader::Csv(_) | Reader::FixedWidth(_) | Reader::JsonLines(_) => false,
    }
}
