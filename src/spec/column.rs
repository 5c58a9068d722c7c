//! A column of a source: what it is called, what it means, what its text must read as.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::parameter::Scalar;
use super::{ColumnCheck, DateFormat, Gives, Sp};

/// One column of a source's contract.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name in SQL: lower case, digits and underscores.
    pub name: Sp<String>,
    /// What it means.
    pub description: Option<String>,
    /// What its text must read as.
    #[serde(rename = "type")]
    pub kind: Sp<ColumnType>,
    /// The headings it may arrive under. Default: its name.
    #[serde(default)]
    pub from: Vec<String>,
    /// Beside or instead of `from`: a regular expression that one heading fits, whatever its case.
    pub from_pattern: Option<Sp<String>>,
    /// For dates and timestamps: the spellings, tried in order (strftime, or `excel_serial`). A date
    /// whose spelling has no day is the 15th, and a column `<name>_note` says `month` of it.
    #[serde(default)]
    pub formats: Vec<Sp<DateFormat>>,
    /// For formats with `%y`: two-digit years are those of the hundred years from this one.
    /// Default: 1970.
    #[schemars(range(min = 1900, max = 2001))]
    pub two_digit_years_from: Option<Sp<i32>>,
    /// There must be a value.
    #[serde(default)]
    pub required: bool,
    /// The values it may hold. Anything else breaks the rule `accepted`.
    #[serde(default)]
    pub accepted: Vec<String>,
    /// A regular expression the whole value must match.
    pub pattern: Option<Sp<String>>,
    /// The least value, itself allowed: a number, or a date as 2026-03-31.
    pub min: Option<Sp<Scalar>>,
    /// The greatest value, itself allowed: a number, or a date as 2026-03-31.
    pub max: Option<Sp<Scalar>>,
    /// No two rows of a file hold the same value. The first that stands is kept, later ones break
    /// the rule. Null passes.
    #[serde(default)]
    pub unique: bool,
    /// Texts that mean "no value", beside the empty one.
    #[serde(default)]
    pub nulls: Vec<String>,
    /// Texts that say a value is withheld: null, and kept in a column `<name>_note`.
    #[serde(default)]
    pub suppressed: Vec<Sp<String>>,
    /// For numbers: what may stand around and between the digits.
    pub number: Option<Sp<NumberStyle>>,
    /// For booleans: what means true, beside Y, yes, true and 1.
    #[serde(default)]
    pub true_values: Vec<Sp<String>>,
    /// For booleans: what means false, beside N, no, false and 0.
    #[serde(default)]
    pub false_values: Vec<Sp<String>>,
    /// What to do when the file has no such heading. Default: the source's `on_missing_column`.
    pub missing: Option<Missing>,
    /// For NHS numbers: the column that replaces it, holding a keyed pseudonym.
    pub pseudonymise: Option<Sp<String>>,
    /// Its values name a person or nearly: masked in answers, never published. Default: what is
    /// pseudonymised is, nothing else.
    #[serde(default)]
    pub identifiable: bool,
    /// How broken rules are handled, where not by quarantine.
    #[serde(default)]
    pub checks: Vec<ColumnCheck>,
}

impl Column {
    /// The name it has after ingestion: the pseudonym's, if it is pseudonymised.
    pub fn staged_name(&self) -> &str {
        self.pseudonymise.as_ref().unwrap_or(&self.name)
    }

    /// Whether its staged values name a person or nearly.
    pub fn is_identifiable(&self) -> bool {
        self.identifiable || self.pseudonymise.is_some()
    }

    /// The column that keeps the tokens of withheld values and marks dates known by their month alone,
    /// if it may have any.
    pub fn note_name(&self) -> Option<String> {
        (!self.suppressed.is_empty() || self.may_lack_day()).then(|| format!("{}_note", *self.name))
    }

    /// Whether a date may arrive as a month.
    pub fn may_lack_day(&self) -> bool {
        let lacks_day = |format: &Sp<DateFormat>| format.gives() == Some(Gives::Month);
        *self.kind == ColumnType::Date && self.formats.iter().any(lacks_day)
    }

    /// The headings it may arrive under, beside those its `from_pattern` fits.
    pub fn headings(&self) -> Vec<&str> {
        if self.from.is_empty() && self.from_pattern.is_none() {
            vec![self.name.as_str()]
        } else {
            self.from.iter().map(String::as_str).collect()
        }
    }
}

/// How numbers are written: `{ thousands: ",", currency: "£", per_cent: fraction }`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberStyle {
    /// One character that may part groups of three digits: `1,234`.
    #[schemars(regex(pattern = r"^[^0-9.+-]$"))]
    pub thousands: Option<String>,
    /// What may stand before an amount: `£12.50`. Allows brackets for negative ones: `(12.50)`.
    #[schemars(regex(pattern = r"^[^0-9.+()-]+$"))]
    pub currency: Option<String>,
    /// `71.3%` is 0.713 (`fraction`) or 71.3 (`points`). Without the sign a number is taken as it
    /// stands.
    pub per_cent: Option<PerCent>,
}

/// What becomes of a number with a per cent sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PerCent {
    /// `71.3%` is 0.713.
    Fraction,
    /// `71.3%` is 71.3.
    Points,
}

/// What a missing heading means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// The file is refused.
    Error,
    /// Every value is null.
    AsNull,
}

/// What a text must read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnType {
    /// Text, trimmed.
    String,
    /// A whole number.
    Int,
    /// An exact number with `scale` digits after the point; more digits are an error.
    Decimal {
        /// Digits in all.
        precision: u8,
        /// Digits after the point.
        scale: i8,
    },
    /// A number in double precision.
    Float,
    /// Y/N, yes/no, true/false, 1/0.
    Boolean,
    /// A day.
    Date,
    /// A day and time, UTC, to the microsecond; the format is used in captures.
    Timestamp(Option<String>),
    /// An NHS number: ten digits, modulus 11, and somebody's.
    NhsNumber,
    /// An Organisation Data Service code, upper case.
    OdsCode,
    /// A Lower layer Super Output Area code, E or W and eight digits.
    LsoaCode,
    /// An ICD-10 code, upper case, without the dot.
    Icd10,
    /// A month, as its first day; the format is used in captures.
    Month(Option<String>),
}

/// The names of the types, as YAML spells them.
pub const TYPE_NAMES: &[&str] = &[
    "string",
    "int",
    "decimal",
    "float",
    "boolean",
    "date",
    "timestamp",
    "nhs_number",
    "ods_code",
    "lsoa_code",
    "icd10",
    "month",
];

impl ColumnType {
    /// Decimal as counts have it: `decimal(12,1)`, because shared pathways count in halves.
    pub const COUNT: Self = Self::Decimal {
        precision: 12,
        scale: 1,
    };

    fn plain(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "int" => Self::Int,
            "decimal" => Self::COUNT,
            "float" => Self::Float,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "timestamp" => Self::Timestamp(None),
            "nhs_number" => Self::NhsNumber,
            "ods_code" => Self::OdsCode,
            "lsoa_code" => Self::LsoaCode,
            "icd10" => Self::Icd10,
            "month" => Self::Month(None),
            _ => return None,
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Decimal { precision, scale } => return write!(f, "decimal({precision},{scale})"),
            Self::Float => "float",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Timestamp(_) => "timestamp",
            Self::NhsNumber => "nhs_number",
            Self::OdsCode => "ods_code",
            Self::LsoaCode => "lsoa_code",
            Self::Icd10 => "icd10",
            Self::Month(_) => "month",
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecimalDigits {
    precision: u8,
    scale: i8,
}

impl<'de> Deserialize<'de> for ColumnType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TypeVisitor;
        impl<'de> Visitor<'de> for TypeVisitor {
            type Value = ColumnType;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<ColumnType, E> {
                ColumnType::plain(name).ok_or_else(|| E::unknown_variant(name, TYPE_NAMES))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ColumnType, A::Error> {
                let kind = match map.next_key::<String>()?.as_deref() {
                    Some("decimal") => {
                        let DecimalDigits { precision, scale } = map.next_value()?;
                        ColumnType::Decimal { precision, scale }
                    }
                    Some("month") => ColumnType::Month(Some(map.next_value()?)),
                    Some("timestamp") => ColumnType::Timestamp(Some(map.next_value()?)),
                    _ => {
                        return Err(de::Error::custom(
                            "expected `decimal`, `month` or `timestamp`",
                        ));
                    }
                };
                match map.next_key::<String>()? {
                    None => Ok(kind),
                    Some(_) => Err(de::Error::custom("a type is one key")),
                }
            }
        }
        deserializer.deserialize_any(TypeVisitor)
    }
}

impl JsonSchema for ColumnType {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ColumnType".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What the text must read as. `decimal` alone is decimal(12,1), the type of counts.",
            "oneOf": [
                { "type": "string", "enum": TYPE_NAMES },
                {
                    "type": "object",
                    "properties": { "decimal": {
                        "type": "object",
                        "properties": {
                            "precision": { "type": "integer", "minimum": 1, "maximum": 38 },
                            "scale": { "type": "integer", "minimum": 0, "maximum": 37 },
                        },
                        "required": ["precision", "scale"],
                        "additionalProperties": false,
                    } },
                    "required": ["decimal"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": { "month": { "type": "string", "description": "strftime, such as %Y-%m" } },
                    "required": ["month"],
                    "additionalProperties": false,
                },
                {
                    "type": "object",
                    "properties": { "timestamp": { "type": "string", "description": "strftime, such as %Y%m%dT%H%M%S" } },
                    "required": ["timestamp"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}
