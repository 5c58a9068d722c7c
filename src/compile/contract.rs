//! Contracts as Arrow schemas: what a source's staged rows and a mart's rows look like.
//!
//! Strings are Utf8, not views; times are UTC microseconds; counts are decimals. These are the
//! types that every BI tool reads.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::spec::{ColumnType, Files, Source};

/// The column that says which file a row came from: the path below the inbox.
pub const FILE_COLUMN: &str = "_file";
/// The column that says which line of it (row of the sheet), from 1, the header included.
pub const LINE_COLUMN: &str = "_line";

/// The Arrow type a column has in SQL.
///
/// A pseudonymised NHS number is a whole number: 63 bits of the keyed hash.
pub fn arrow_type(kind: &ColumnType) -> DataType {
    match kind {
        ColumnType::String | ColumnType::OdsCode | ColumnType::LsoaCode | ColumnType::Icd10 => {
            DataType::Utf8
        }
        ColumnType::Int | ColumnType::NhsNumber => DataType::Int64,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale),
        ColumnType::Float => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date | ColumnType::Month(_) => DataType::Date32,
        ColumnType::Timestamp(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

/// The columns of a staged source: the contract's, the notes of those that have some, the values
/// from above the header, the captures, `_file` and `_line`.
pub fn staged_schema(source: &Source, files: &Files) -> SchemaRef {
    let columns = source
        .columns
        .iter()
        .map(|c| Field::new(c.staged_name(), arrow_type(&c.kind), true));
    let notes = source
        .columns
        .iter()
        .filter_map(|c| Some(Field::new(c.note_name()?, DataType::Utf8, true)));
    let preamble = files.preamble();
    let preamble = preamble
        .iter()
        .map(|(name, value)| Field::new(name.as_str(), arrow_type(&value.kind), true));
    let captures = files
        .captures
        .iter()
        .map(|(name, kind)| Field::new(name.as_str(), arrow_type(kind), true));
    let origin = [
        Field::new(FILE_COLUMN, DataType::Utf8, false),
        Field::new(LINE_COLUMN, DataType::Int64, false),
    ];
    Arc::new(Schema::new(
        columns
            .chain(notes)
            .chain(preamble)
            .chain(captures)
            .chain(origin)
            .collect::<Vec<_>>(),
    ))
}
