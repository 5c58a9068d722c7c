//! Parquet, as texts: the contract casts it like anything else that arrives.

use std::fs::File;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, contained};
use crate::ingest::drift::FileType;
use crate::ingest::rows::{BATCH_ROWS, RowsBuilder, Sink};

use super::Origin;

/// Reads the file. Says how many rows there were. A row's line is its number, from 1.
///
/// # Errors
/// When the file is not Parquet, or a column that the contract wants is not text, number, date
/// or boolean.
pub(super) fn read(origin: &Origin<'_>, sink: &mut dyn Sink) -> Result<u64> {
    let file = File::open(origin.path)
        .map_err(|e| Diagnostics::from(Diagnostic::io(origin.path, "open", &e)))?;
    let builder = guarded(origin, || {
        ParquetRecordBatchReaderBuilder::try_new(file).ok()
    })?;
    let headings: Vec<String> = builder
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    let types: Vec<Option<FileType>> = builder
        .schema()
        .fields()
        .iter()
        .map(|f| file_type(f.data_type()))
        .collect();
    let layout = sink.header(&headings, 0)?;
    let slots = layout.slots.iter().enumerate();
    let found: Vec<(usize, FileType)> = slots
        .filter_map(|(column, slot)| Some((column, types[(*slot)?]?)))
        .collect();
    sink.types(&found)?;
    let mut reader = guarded(origin, || builder.with_batch_size(BATCH_ROWS).build().ok())?;
    let mut rows = RowsBuilder::new(origin.columns);
    let mut line = 0;
    while let Some(batch) = guarded(origin, || reader.next().transpose().ok())? {
        let mut texts: Vec<Option<StringArray>> = vec![None; headings.len()];
        for field in layout.slots.iter().flatten() {
            if texts[*field].is_none() {
                texts[*field] = Some(as_text(origin, &headings[*field], batch.column(*field))?);
            }
        }
        for row in 0..batch.num_rows() {
            line += 1;
            rows.push(line, &layout, |field| match &texts[field] {
                Some(column) if column.is_valid(row) => column.value(row),
                _ => "",
            });
            rows.flush_if_full(sink)?;
        }
    }
    rows.finish(sink)
}

/// What a column is; `None` where that says nothing.
fn file_type(kind: &DataType) -> Option<FileType> {
    match kind {
        DataType::Dictionary(_, values) => file_type(values),
        DataType::Boolean => Some(FileType::Boolean),
        DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => Some(FileType::Date),
        kind if kind.is_numeric() => Some(FileType::Number),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(FileType::Text),
        _ => None,
    }
}

fn as_text(origin: &Origin<'_>, heading: &str, values: &ArrayRef) -> Result<StringArray> {
    let is_float = values.data_type().is_floating();
    let options = CastOptions {
        safe: false,
        ..Default::default()
    };
    let texts = if values.data_type().is_nested() {
        None
    } else {
        guarded(origin, || {
            Some(cast_with_options(values, &DataType::Utf8, &options).ok())
        })?
    };
    let Some(texts) = texts else {
        return Err(Diagnostic::error(
            Code::Header,
            format!("`{heading}` is {}, which is no text", values.data_type()),
        )
        .at(origin.place.clone().column(heading))
        .hint("ask the sender for texts, numbers, dates or booleans")
        .into());
    };
    let texts = texts.as_string::<i32>();
    Ok(if is_float {
        // Whole numbers that a null made into doubles.
        texts
            .iter()
            .map(|t| t.map(|t| t.strip_suffix(".0").unwrap_or(t)))
            .collect()
    } else {
        texts.clone()
    })
}

/// What the library makes of the file. A damaged one may make it panic; that must not end the
/// night.
fn guarded<T>(origin: &Origin<'_>, read: impl FnOnce() -> Option<T>) -> Result<T> {
    contained(read)
        .flatten()
        .ok_or_else(|| damaged(origin).into())
}

fn damaged(origin: &Origin<'_>) -> Diagnostic {
    Diagnostic::error(Code::BadFile, "the file cannot be read as Parquet")
        .at(origin.place.clone())
        .hint("it was damaged on its way, or is not what its name says: ask for it again")
}
