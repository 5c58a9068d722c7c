//! Contract columns to kernels: which one reads a column's texts, and what it means when it cannot.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray};
use datafusion::scalar::ScalarValue;

use crate::diag::{Code, Diagnostic, Result};
use crate::spec::{Column, ColumnType, DateFormat};

use super::kernels::boolean::Words;
use super::kernels::date::DateReader;
use super::kernels::written::Written;
use super::kernels::{Cast, boolean, code, number};
use super::pseudonym::{PseudonymKey, Pseudonyms};

/// How cells that are dates reach us as text; tried before what the contract says.
const ISO: [&str; 3] = [
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
];
/// Times as most systems write them.
const TIMESTAMPS: [&str; 5] = [
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d",
];
/// Months as most people write them.
const MONTHS: [&str; 4] = ["%Y-%m", "%b %Y", "%B %Y", "%Y-%m-%d"];

/// Reads the texts of one column.
#[derive(Debug)]
pub(super) enum Caster {
    Text,
    Int(Written),
    Decimal(u8, i8, Written),
    Float(Written),
    Boolean(Words),
    Date(DateReader),
    Month(DateReader),
    Timestamp(DateReader),
    Pseudonym(Pseudonyms),
    Ods,
    Lsoa,
    Icd10,
}

impl Caster {
    /// For a column of a contract. `typed_cells`: dates may arrive as ISO beside its own formats.
    ///
    /// # Errors
    /// When a format is not strftime, or an NHS number has no pseudonym to become.
    pub(super) fn of_column(
        column: &Column,
        typed_cells: bool,
        pseudonyms: Option<&PseudonymKey>,
    ) -> Result<Self> {
        if *column.kind == ColumnType::NhsNumber {
            return Self::pseudonym(column, pseudonyms);
        }
        let formats: Vec<&DateFormat> = column.formats.iter().map(|f| &**f).collect();
        let written = || {
            column
                .number
                .as_ref()
                .map_or_else(Written::default, |n| Written::of(n))
        };
        Ok(match *column.kind {
            ColumnType::Int => Self::Int(written()),
            ColumnType::Decimal { precision, scale } => Self::Decimal(precision, scale, written()),
            ColumnType::Float => Self::Float(written()),
            ColumnType::Boolean => {
                Self::Boolean(Words::of(&column.true_values, &column.false_values))
            }
            _ => Self::of_type(&column.kind, &formats, typed_cells, &column.name)?.years_of(column),
        })
    }

    fn pseudonym(column: &Column, pseudonyms: Option<&PseudonymKey>) -> Result<Self> {
        match (&column.pseudonymise, pseudonyms) {
            (Some(_), Some(key)) => Ok(Self::Pseudonym(Pseudonyms::new(key.clone()))),
            (Some(_), None) => Err(Diagnostic::error(
                Code::Secret,
                format!("there is no key to make pseudonyms of `{}`", *column.name),
            )
            .hint("say where it is: `pseudonym_key` in config/warehouse.yaml")
            .into()),
            (None, _) => Err(Diagnostic::error(
                Code::NotSupported,
                format!("`{}` would keep NHS numbers as they are", *column.name),
            )
            .hint("write `pseudonymise: person_key`")
            .into()),
        }
    }

    /// Takes two-digit years as the contract says.
    fn years_of(self, column: &Column) -> Self {
        match (self, column.two_digit_years_from.as_deref()) {
            (Self::Date(reader), Some(from)) => Self::Date(reader.two_digit_years_from(*from)),
            (Self::Month(reader), Some(from)) => Self::Month(reader.two_digit_years_from(*from)),
            (Self::Timestamp(reader), Some(from)) => {
                Self::Timestamp(reader.two_digit_years_from(*from))
            }
            (caster, _) => caster,
        }
    }

    fn of_type(
        kind: &ColumnType,
        formats: &[&DateFormat],
        typed_cells: bool,
        name: &str,
    ) -> Result<Self> {
        let dates = |defaults: &[&str]| date_reader(formats, defaults, typed_cells, name);
        Ok(match kind {
            ColumnType::String => Self::Text,
            ColumnType::Int => Self::Int(Written::default()),
            ColumnType::Decimal { precision, scale } => {
                Self::Decimal(*precision, *scale, Written::default())
            }
            ColumnType::Float => Self::Float(Written::default()),
            ColumnType::Boolean => Self::Boolean(Words::default()),
            ColumnType::Date => Self::Date(dates(&["%Y-%m-%d"])?),
            ColumnType::Timestamp(Some(format)) => Self::Timestamp(dates(&[format.as_str()])?),
            ColumnType::Timestamp(None) => Self::Timestamp(dates(&TIMESTAMPS)?),
            ColumnType::Month(Some(format)) => Self::Month(dates(&[format.as_str()])?),
            ColumnType::Month(None) => Self::Month(dates(&MONTHS)?),
            ColumnType::OdsCode => Self::Ods,
            ColumnType::LsoaCode => Self::Lsoa,
            ColumnType::Icd10 => Self::Icd10,
            ColumnType::NhsNumber => {
                return Err(Diagnostic::error(
                    Code::NotSupported,
                    format!("`{name}` cannot be an NHS number"),
                )
                .hint("file names must not hold NHS numbers")
                .into());
            }
        })
    }

    /// Reads texts that are trimmed, null where nothing is written.
    ///
    /// # Errors
    /// When Arrow does not know the type the contract asks for.
    pub(super) fn cast(&self, texts: &StringArray) -> Result<Cast> {
        Ok(match self {
            Self::Text => Cast {
                values: Arc::new(texts.clone()),
                invalid: Vec::new(),
            },
            Self::Int(written) => number::int(&written.plain(texts)),
            Self::Decimal(precision, scale, written) => {
                number::decimal(&written.plain(texts), *precision, *scale)
                    .map_err(|e| crate::diag::Diagnostics::from(Diagnostic::bug(e.to_string())))?
            }
            Self::Float(written) => number::float(&written.plain(texts)),
            Self::Boolean(words) => boolean::cast(texts, words),
            Self::Date(reader) => reader.dates(texts),
            Self::Month(reader) => reader.months(texts),
            Self::Timestamp(reader) => reader.timestamps(texts),
            Self::Pseudonym(pseudonyms) => {
                let (values, invalid) = pseudonyms.of(texts)?;
                Cast { values, invalid }
            }
            Self::Ods => code::ods(texts),
            Self::Lsoa => code::lsoa(texts),
            Self::Icd10 => code::icd10(texts),
        })
    }

    /// What is said of dates that are known by their month alone; none for what are no dates.
    pub(super) fn by_month(&self, texts: &StringArray) -> Option<StringArray> {
        match self {
            Self::Date(reader) => Some(reader.by_month(texts)),
            _ => None,
        }
    }

    /// Whether the values are texts that may be shown as such.
    pub(super) fn gives_text(&self) -> bool {
        matches!(self, Self::Text | Self::Ods | Self::Lsoa | Self::Icd10)
    }
}

/// One text of a file name as a typed value; `None` if it does not read as the type.
///
/// # Errors
/// When a format is not strftime.
pub(super) fn scalar(kind: &ColumnType, text: &str, name: &str) -> Result<Option<ScalarValue>> {
    typed(kind, &[], text, name)
}

/// One text as a typed value; `None` if it does not read as the type.
///
/// # Errors
/// When a format is not strftime.
pub(super) fn typed(
    kind: &ColumnType,
    formats: &[&DateFormat],
    text: &str,
    name: &str,
) -> Result<Option<ScalarValue>> {
    let caster = Caster::of_type(kind, formats, !formats.is_empty(), name)?;
    let texts = StringArray::from(vec![text.trim()]);
    let cast = caster.cast(&texts)?;
    let valid = cast.invalid.is_empty() && !text.trim().is_empty();
    Ok(valid.then(|| first(&cast.values)).flatten())
}

fn first(values: &ArrayRef) -> Option<ScalarValue> {
    (values.len() == 1)
        .then(|| ScalarValue::try_from_array(values, 0).ok())
        .flatten()
}

/// What a text must read as, in the words of a reason: never says what it was.
pub(super) fn expectation(column: &Column) -> String {
    let formats: Vec<&DateFormat> = column.formats.iter().map(|f| &**f).collect();
    let words = expected(&column.kind, &formats);
    let is_number = matches!(
        *column.kind,
        ColumnType::Int | ColumnType::Decimal { .. } | ColumnType::Float
    );
    if is_number && column.number.is_none() {
        return format!("{words}; `number` allows separators, currency and per cent");
    }
    words
}

/// What a text of a type must read as.
pub(super) fn expected(kind: &ColumnType, formats: &[&DateFormat]) -> String {
    let formats = formats
        .iter()
        .map(|f| match f {
            DateFormat::ExcelSerial => "excel_serial",
            DateFormat::Strftime(text) => text.as_str(),
        })
        .collect::<Vec<_>>()
        .join(", ");
    let spelled = if formats.is_empty() {
        String::new()
    } else {
        format!(" ({formats})")
    };
    match kind {
        ColumnType::String => "not text".to_owned(),
        ColumnType::Int => "not a whole number".to_owned(),
        ColumnType::Decimal { precision, scale } => {
            format!("not an exact number of {precision} digits, {scale} after the point")
        }
        ColumnType::Float => "not a finite number".to_owned(),
        ColumnType::Boolean => "not Y or N, yes or no, true or false, 1 or 0".to_owned(),
        ColumnType::Date => format!("not a day of 1900 to 2100{spelled}"),
        ColumnType::Month(_) => format!("not a month of 1900 to 2100{spelled}"),
        ColumnType::Timestamp(_) => format!("not a time of 1900 to 2100{spelled}"),
        ColumnType::NhsNumber => "not an NHS number that could be somebody's".to_owned(),
        ColumnType::OdsCode => "not three to eight letters and digits".to_owned(),
        ColumnType::LsoaCode => "not E01 or W01 and six digits".to_owned(),
        ColumnType::Icd10 => "not a letter, two digits and up to two more".to_owned(),
    }
}

fn date_reader(
    formats: &[&DateFormat],
    defaults: &[&str],
    typed_cells: bool,
    name: &str,
) -> Result<DateReader> {
    let mut reader = DateReader::default();
    if typed_cells {
        for format in ISO {
            reader = strftime(reader, format, name)?;
        }
    }
    for format in formats {
        reader = match format {
            DateFormat::ExcelSerial => reader.serial(),
            DateFormat::Strftime(text) => strftime(reader, text, name)?,
        };
    }
    if formats.is_empty() {
        for format in defaults {
            reader = strftime(reader, format, name)?;
        }
    }
    Ok(reader)
}

fn strftime(reader: DateReader, format: &str, name: &str) -> Result<DateReader> {
    reader.strftime(format).ok_or_else(|| {
        Diagnostic::error(
            Code::WrongValue,
            format!("`{format}`, a format of `{name}`, is not strftime"),
        )
        .hint("such as %d/%m/%Y")
        .into()
    })
}
