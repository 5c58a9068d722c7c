//! A column of texts that are numbered already, as a Parquet column chunk.
//!
//! The library's writer looks every text up again to number it, which costs more than all else that
//! is done with a row of codes. The numbers are at hand here: they are packed as they are. One
//! dictionary page of the texts that occur, one data page of their numbers.
//!
//! Format: Apache Parquet, "Encodings" (RLE / bit-packing hybrid, `RLE_DICTIONARY`) and "Data pages".

use bytes::Bytes;
use datafusion::arrow::array::{Array, AsArray, DictionaryArray};
use datafusion::arrow::datatypes::UInt32Type;
use datafusion::parquet::basic::{Compression, Encoding};
use datafusion::parquet::column::page::{CompressedPage, Page, PageWriteSpec, PageWriter};
use datafusion::parquet::column::writer::ColumnCloseResult;
use datafusion::parquet::errors::{ParquetError, Result};
use datafusion::parquet::file::metadata::{ColumnChunkMetaData, OffsetIndexBuilder};
use datafusion::parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use datafusion::parquet::schema::types::ColumnDescPtr;

use super::encoder::{LEVEL, compression};

/// The bytes of a column chunk and what a file says of it.
pub(super) fn encode(
    texts: &DictionaryArray<UInt32Type>,
    column: &ColumnDescPtr,
) -> Result<(Bytes, ColumnCloseResult)> {
    let rows = texts.len();
    let nullable = column.max_def_level() > 0;
    let numbered = Numbered::of(texts);
    let packing = compression(rows)?;
    if !nullable && numbered.numbers.len() < rows {
        return Err(ParquetError::General(format!("null in {}", column.name())));
    }
    let dictionary = Page::DictionaryPage {
        buf: packed(&numbered.dictionary, packing)?,
        num_values: count(numbered.distinct)?,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    let body = numbered.body(rows, nullable);
    let data = Page::DataPage {
        buf: packed(&body, packing)?,
        num_values: count(rows)?,
        encoding: Encoding::RLE_DICTIONARY,
        def_level_encoding: Encoding::RLE,
        rep_level_encoding: Encoding::RLE,
        statistics: None,
    };

    let mut out = TrackedWrite::new(Vec::new());
    let mut pages = SerializedPageWriter::new(&mut out);
    let dictionary =
        pages.write_page(CompressedPage::new(dictionary, numbered.dictionary.len()))?;
    let data = pages.write_page(CompressedPage::new(data, body.len()))?;
    pages.close()?;
    let bytes = Bytes::from(out.into_inner()?);
    let close = close(column, rows, packing, &dictionary, &data)?;
    Ok((bytes, close))
}

fn close(
    column: &ColumnDescPtr,
    rows: usize,
    packing: Compression,
    dictionary: &PageWriteSpec,
    data: &PageWriteSpec,
) -> Result<ColumnCloseResult> {
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

/// The rows of a column as the numbers of its texts, in the order in which texts first occur.
struct Numbered {
    /// The texts, each behind its length.
    dictionary: Vec<u8>,
    distinct: usize,
    /// Of the rows that hold a text.
    numbers: Vec<u32>,
    /// A bit for each row, set where it holds a text.
    held: Vec<u8>,
}

impl Numbered {
    fn of(texts: &DictionaryArray<UInt32Type>) -> Self {
        const NONE: u32 = u32::MAX;
        let (keys, values) = (texts.keys(), texts.values().as_string::<i32>());
        let mut number_of = vec![NONE; values.len()];
        let mut this = Self {
            dictionary: Vec::new(),
            distinct: 0,
            numbers: Vec::with_capacity(keys.len()),
            held: vec![0; keys.len().div_ceil(8)],
        };
        for (row, key) in keys.values().iter().enumerate() {
            let key = *key as usize;
            if keys.is_null(row) || values.is_null(key) {
                continue;
            }
            if number_of[key] == NONE {
                let text = values.value(key);
                this.dictionary.extend((text.len() as u32).to_le_bytes());
                this.dictionary.extend(text.as_bytes());
                number_of[key] = this.distinct as u32;
                this.distinct += 1;
            }
            this.numbers.push(number_of[key]);
            this.held[row / 8] |= 1 << (row % 8);
        }
        this
    }

    /// The data page before it is compressed.
    fn body(&self, rows: usize, nullable: bool) -> Vec<u8> {
        let mut body = Vec::new();
        if nullable {
            body.extend([0; 4]);
            match self.numbers.len() == rows {
                true => repeat(&mut body, rows, &[1]),
                false => {
                    varint(&mut body, self.held.len() << 1 | 1);
                    body.extend(&self.held);
                }
            }
            let length = (body.len() - 4) as u32;
            body[..4].copy_from_slice(&length.to_le_bytes());
        }
        let width = (usize::BITS - self.distinct.saturating_sub(1).leading_zeros()).max(1);
        body.push(width as u8);
        match self.distinct {
            0 => {}
            1 => repeat(&mut body, self.numbers.len(), &[0]),
            _ => pack(&mut body, &self.numbers, width),
        }
        body
    }
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
