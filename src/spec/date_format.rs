//! How a contract spells dates, and how much of a date a spelling says.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// A spelling of a date: strftime, or the days Excel counts from 1899-12-30.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DateFormat {
    /// Excel's serial number, with or without a fraction.
    ExcelSerial,
    /// strftime, as in chrono: `%d/%m/%Y`.
    Strftime(String),
}

/// What a note says of a date that is known by its month alone.
pub const BY_MONTH: &str = "month";

/// What a spelling says of a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// The very day, with or without a time.
    Day,
    /// A month and no day.
    Month,
}

impl DateFormat {
    /// Whether strftime, as in chrono, has all its fields.
    pub fn is_known(&self) -> bool {
        match self {
            Self::ExcelSerial => true,
            Self::Strftime(pattern) => !StrftimeItems::new(pattern).any(|item| item == Item::Error),
        }
    }

    /// What it says of a date; `None` if that is not even a month, or it is no spelling.
    pub fn gives(&self) -> Option<Gives> {
        let Self::Strftime(pattern) = self else {
            return Some(Gives::Day);
        };
        if !self.is_known() {
            return None;
        }
        // A day written by it and read back: chrono knows best which fields make a date.
        let written = DateTime::<Utc>::UNIX_EPOCH.format(pattern).to_string();
        let mut fields = Parsed::new();
        parse(&mut fields, &written, StrftimeItems::new(pattern)).ok()?;
        if fields.to_naive_date().is_ok() {
            return Some(Gives::Day);
        }
        fields.set_day(1).ok()?;
        fields.to_naive_date().ok().map(|_| Gives::Month)
    }
}

impl<'de> Deserialize<'de> for DateFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(if text == "excel_serial" {
            Self::ExcelSerial
        } else {
            Self::Strftime(text)
        })
    }
}

impl JsonSchema for DateFormat {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DateFormat".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^(excel_serial|.*%.*)$",
            "description": "strftime, such as %d/%m/%Y, or excel_serial.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spelling_says_of_a_date() {
        let gives = |pattern: &str| DateFormat::Strftime(pattern.to_owned()).gives();
        for day in [
            "%Y-%m-%d",
            "%d/%m/%y",
            "%d %b %Y %H:%M",
            "%Y%m%d",
            "%F",
            "%Y-%j",
            "%G-W%V-%u",
        ] {
            assert_eq!(gives(day), Some(Gives::Day), "{day}");
        }
        for month in ["%Y-%m", "%m/%y", "%b %Y", "%B %Y", "%Y%m", "%Y-%m %H:%M"] {
            assert_eq!(gives(month), Some(Gives::Month), "{month}");
        }
        for neither in ["%Y", "%H:%M", "%m-%d", "%s", "plain", "%Q", ""] {
            assert_eq!(gives(neither), None, "{neither}");
        }
        assert_eq!(DateFormat::ExcelSerial.gives(), Some(Gives::Day));
    }
}
