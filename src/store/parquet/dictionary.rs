//! A column of texts that are numbered already, as a Parquet column chunk.
//!
//! The library's writer looks every text up again to number it, which costs more than all else that
//! is done with a row of codes. The numbers are at hand here: they are packed as they are. One
//! dictionary page of the texts that occur, one data page of their numbers.
//!
//! Format: Apache Parquet, "Encodings" (RLE / bit-packing hybrid, `RLE_DICTIONARY`) and "Data pages".

use bytes::Bytes;
use datafusion::parquet::basic::{Compression, Encoding};
use datafusion::parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use datafusion::parquet::column::writer::ColumnCloseResult;
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use datafusion::parquet::file::statistics::Statistics;
use datafusion::parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use datafusion::parquet::schema::types::ColumnDescPtr;

use super::encoder::{LEVEL, is_hardly_less};
use super::texts::Texts;

/// The bytes of a column chunk and what a file says of it.
pub(super) fn encode(
    texts: &Texts,
    column: &ColumnDescPtr,
    packing: Compression,
) -> Result<(Bytes, ColumnCloseResult)> {
    let rows = texts.rows();
    let body = Bytes::from(body(texts, column.max_def_level() > 0));
    let (buf, packing) = match packed(&body, packing)? {
        buf if is_hardly_less(buf.len(), body.len()) => (body.clone(), Compression::UNCOMPRESSED),
        buf => (buf, packing),
    };
    let dictionary = Page::DictionaryPage {
        buf: packed(&texts.dictionary, packing)?,
        num_values: count(texts.distinct())?,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    let data = Page::DataPage {
        buf,
        num_values: count(rows)?,
        encoding: Encoding::RLE_DICTIONARY,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };

    let mut out = TrackedWrite::new(Vec::new());
    let mut pages = SerializedPageWriter::new(&mut out);
    let dictionary = pages.write_page(CompressedPage::new(dictionary, texts.dictionary.len()))?;
    let data = pages.write_page(CompressedPage::new(data, body.len()))?;
    pages.close()?;
    let bytes = Bytes::from(out.into_inner()?);
    let close = close(column, texts, packing, &dictionary, &data)?;
    Ok((bytes, close))
}

fn close(
    column: &ColumnDescPtr,
    texts: &Texts,
    packing: Compression,
    dictionary: &PageWriteSpec,
    data: &PageWriteSpec,
) -> Result<ColumnCloseResult> {
    let rows = texts.rows();
    let sum = |of: fn(&PageWriteSpec) -> usize| signed(of(dictionary) + of(data));
    let metadata = ColumnChunkMetaData::builder(column.clone())
        .set_compression(packing)
        .set_encodings(vec![
            Encoding::PLAIN,
            Encoding::RLE,
            Encoding::RLE_DICTIONARY,
        ])
        .set_total_compressed_size(sum(|page| page.compressed_size)?)
        .set_total_uncompressed_size(sum(|page| page.uncompressed_size)?)
        .set_num_values(signed(rows)?)
        .set_statistics(statistics(texts))
        .set_dictionary_page_offset(Some(signed(dictionary.offset)?))
        .set_data_page_offset(signed(data.offset)?)
        .build()?;
    let mut index = OffsetIndexBuilder::new();
    index.append_row_count(signed(rows)?);
    let size = i32::try_from(data.compressed_size).map_err(too_many)?;
    index.append_offset_and_size(signed(data.offset)?, size);
    Ok(ColumnCloseResult {
        bytes_written: dictionary.bytes_written + data.bytes_written,
        rows_written: rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: Some(index.build()),
    })
}

/// The data page before it is compressed.
fn body(texts: &Texts, nullable: bool) -> Vec<u8> {
    let mut body = Vec::new();
    let (rows, held, distinct) = (texts.rows(), texts.held.as_slice(), texts.distinct());
    if nullable {
        body.extend([0; 4]);
        match texts.numbers.len() == rows {
            true => repeat(&mut body, rows, &[1]),
            false => {
                varint(&mut body, held.len() << 1 | 1);
                body.extend(held);
            }
        }
        let length = (body.len() - 4) as u32;
        body[..4].copy_from_slice(&length.to_le_bytes());
    }
    let width = (usize::BITS - distinct.saturating_sub(1).leading_zeros()).max(1);
    body.push(width as u8);
    match distinct {
        0 => {}
        1 => repeat(&mut body, texts.numbers.len(), &[0]),
        _ => pack(&mut body, &texts.numbers, width),
    }
    body
}

/// What readers may go by to leave the column out: the least and the greatest text, if both are
/// short, and how many nulls.
fn statistics(texts: &Texts) -> Statistics {
    const LONGEST: usize = 64;
    let nulls = (texts.rows() - texts.numbers.len()) as u64;
    let range = texts.range.as_ref();
    let range = range.filter(|range| range.least.len().max(range.greatest.len()) <= LONGEST);
    let (least, greatest) = range
        .map(|range| (range.least.to_vec().into(), range.greatest.to_vec().into()))
        .unzip();
    Statistics::byte_array(least, greatest, None, Some(nulls), false)
}

/// A value that stands in all rows.
fn repeat(body: &mut Vec<u8>, rows: usize, value: &[u8]) {
    varint(body, rows << 1);
    body.extend(value);
}

/// Numbers of so many bits each, the lowest first, in groups of eight.
fn pack(body: &mut Vec<u8>, numbers: &[u32], width: u32) {
    let groups = numbers.len().div_ceil(8);
    varint(body, groups << 1 | 1);
    let end = body.len() + groups * width as usize;
    body.reserve(end - body.len());
    let (mut bits, mut filled) = (0_u64, 0);
    for number in numbers {
        bits |= u64::from(*number) << filled;
        filled += width;
        while filled >= 8 {
            body.push(bits as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        body.push(bits as u8);
    }
    body.resize(end, 0);
}

fn varint(body: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        body.push(number as u8 | 0x80);
        number >>= 7;
    }
    body.push(number as u8);
}

fn packed(bytes: &[u8], packing: Compression) -> Result<Bytes> {
    if packing == Compression::UNCOMPRESSED {
        return Ok(Bytes::copy_from_slice(bytes));
    }
    let packed = zstd::bulk::compress(bytes, LEVEL);
    packed
        .map(Bytes::from)
        .map_err(|e| ParquetError::External(Box::new(e)))
}

fn count(rows: usize) -> Result<u32> {
    u32::try_from(rows).map_err(too_many)
}

fn signed<T: TryInto<i64>>(number: T) -> Result<i64> {
    number
        .try_into()
        .map_err(|_| ParquetError::General("too many rows".to_owned()))
}

fn too_many(_: std::num::TryFromIntError) -> ParquetError {
    ParquetError::General("too many rows".to_owned())
}
