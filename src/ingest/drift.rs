//! Drift of types: what a file says of its own columns, held against the contract.

use crate::diag::{Code, DataPlace, Diagnostic};
use crate::spec::{Column, ColumnType, DateFormat, Reader};

use super::intake::{About, Warning};

/// What a file itself says that a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileType {
    Text,
    Number,
    Date,
    Boolean,
}

impl FileType {
    fn words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "numbers",
            Self::Date => "dates",
            Self::Boolean => "true or false",
        }
    }
}

/// Whether a column of the contract can arrive as this. Text always can: it is cast.
pub(super) fn fits(column: &Column, found: FileType, reader: &Reader) -> bool {
    // In a sheet every code of digits is a number; in Parquet somebody chose the type, and a code
    // that became a number has lost its zeros.
    let chosen = matches!(reader, Reader::Parquet);
    match (&*column.kind, found) {
        (_, FileType::Text)
        | (ColumnType::Int | ColumnType::Decimal { .. } | ColumnType::Float, FileType::Number)
        | (ColumnType::Boolean, FileType::Boolean | FileType::Number)
        | (ColumnType::NhsNumber, FileType::Number)
        | (ColumnType::Date | ColumnType::Timestamp(_) | ColumnType::Month(_), FileType::Date) => {
            true
        }
        (ColumnType::Date, FileType::Number) => column.formats.iter().any(|f| reads_numbers(f)),
        (ColumnType::Month(format) | ColumnType::Timestamp(format), FileType::Number) => {
            format.as_deref().is_some_and(is_all_digits)
                || column.formats.iter().any(|f| reads_numbers(f))
        }
        (
            ColumnType::String | ColumnType::OdsCode | ColumnType::LsoaCode | ColumnType::Icd10,
            _,
        ) => !chosen,
        _ => false,
    }
}

fn reads_numbers(format: &DateFormat) -> bool {
    match format {
        DateFormat::ExcelSerial => true,
        DateFormat::Strftime(text) => is_all_digits(text),
    }
}

/// Whether a spelling has nothing but fields: `%Y%m%d`.
fn is_all_digits(format: &str) -> bool {
    format.len().is_multiple_of(2) && format.bytes().step_by(2).all(|b| b == b'%')
}

/// The error that a column is of another type.
pub(super) fn error(column: &Column, found: FileType, place: &DataPlace) -> Diagnostic {
    Diagnostic::error(Code::Header, message(column, found))
        .at(place.clone().column(column.name.as_str()))
        .hint("ask the sender what changed; mend `type`, or write `on_retyped_column: warn`")
}

/// The warning that it is.
pub(super) fn warning(column: &Column, found: FileType) -> Warning {
    Warning {
        about: About::Header,
        message: message(column, found),
        line: None,
        column: Some(column.name.to_string()),
        hint: "ask the sender what changed, or mend `type`".to_owned(),
    }
}

fn message(column: &Column, found: FileType) -> String {
    format!(
        "`{}` holds {}, the contract says {}",
        *column.name,
        found.words(),
        *column.kind
    )
}
