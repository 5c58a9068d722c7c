//! How a file is read: delimited text, fixed widths, JSON lines, sheets, Parquet, and ZIPs of these.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{ColumnType, DateFormat, Entries, Sp};

/// How to read a file: the choice of `files`, settled.
#[derive(Debug, Clone)]
pub enum Reader {
    /// Delimited text.
    Csv(Csv),
    /// Text with fields at fixed places.
    FixedWidth(FixedWidth),
    /// One JSON object a line.
    JsonLines(JsonLines),
    /// A workbook's sheet.
    Excel(Excel),
    /// Parquet.
    Parquet,
    /// A member of a ZIP.
    Zip(Box<Zip>),
}

impl Reader {
    /// The values it lifts from what stands above the header.
    pub fn preamble(&self) -> &[(Sp<String>, PreambleValue)] {
        match self {
            Self::Csv(Csv { preamble, .. }) | Self::Excel(Excel { preamble, .. }) => {
                preamble.as_slice()
            }
            Self::Zip(zip) => zip.preamble(),
            Self::FixedWidth(_) | Self::JsonLines(_) | Self::Parquet => &[],
        }
    }
}

/// Delimited text with one header row.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// One character between fields. Default: comma.
    #[schemars(regex(pattern = r"^.$"))]
    pub delimiter: Option<Sp<String>>,
    /// One character around fields that hold delimiters or line feeds. Default: double quote.
    #[schemars(regex(pattern = r"^.$"))]
    pub quote: Option<Sp<String>>,
    /// How its characters are written. Default: `detect`.
    pub encoding: Option<Encoding>,
    /// The line that holds the headings, from 1. Default: the first that is not empty.
    #[schemars(range(min = 1, max = 1000))]
    pub header_row: Option<Sp<u32>>,
    /// A regular expression that fits the line of the headings and none above it.
    pub header_pattern: Option<Sp<String>>,
    /// Values that stand above the header, as columns that are the same in every row.
    #[serde(default)]
    pub preamble: Entries<PreambleValue>,
    /// Rows that are left out: footers, totals.
    #[serde(default)]
    pub skip_rows: Vec<SkipRule>,
}

/// How characters are written as bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Encoding {
    /// By its byte order mark, else by what the whole file can be: UTF-16, UTF-8 or, with a
    /// warning, Windows-1252.
    #[default]
    #[serde(rename = "detect")]
    Detect,
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, the low byte first: Excel's "Unicode text".
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the high byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows-1252: what Excel calls "CSV" on a British or western European PC.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    /// As the YAML spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detect => "detect",
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }
}

/// A value that stands above the header: `{ pattern: "Relative Date,(?<value>\\S+)", type: date }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PreambleValue {
    /// A regular expression for one line (cells of a sheet are parted by tabs); its group
    /// `(?<value>…)` is the value.
    pub pattern: Sp<String>,
    /// What the value must read as.
    #[serde(rename = "type")]
    pub kind: Sp<ColumnType>,
    /// For dates and timestamps: the spellings, tried in order.
    #[serde(default)]
    pub formats: Vec<Sp<DateFormat>>,
}

/// Rows that are dropped and counted: `{ name: footer, pattern: "^(Total|Source)" }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkipRule {
    /// The rule's name in reports.
    pub name: Sp<String>,
    /// A regular expression for the row's first field that is not empty.
    pub pattern: Sp<String>,
}

/// Text with fields at fixed places of the line.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FixedWidth {
    /// How its characters are written. Default: `detect`.
    pub encoding: Option<Encoding>,
    /// The line that holds headings, from 1: it and what stands above are left out. Default: none.
    #[schemars(range(min = 1, max = 1000))]
    pub header_row: Option<u32>,
    /// Rows that are left out: footers, totals.
    #[serde(default)]
    pub skip_rows: Vec<SkipRule>,
    /// Each heading with its place in the line.
    pub columns: Entries<Stretch>,
}

/// `{ start: 1, width: 10 }`, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stretch {
    /// Its first character, from 1.
    #[schemars(range(min = 1, max = 100000))]
    pub start: u32,
    /// How many characters it has.
    #[schemars(range(min = 1, max = 100000))]
    pub width: u32,
}

/// One JSON object a line; its keys are the headings.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JsonLines {
    /// How its characters are written. Default: `detect`.
    pub encoding: Option<Encoding>,
}

/// A sheet of an .xlsx, .xls, .xlsb or .ods workbook.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excel {
    /// The sheet's name. Default: the only sheet.
    pub sheet: Option<Sp<String>>,
    /// A regular expression that exactly one sheet's name fits, whatever its case.
    pub sheet_pattern: Option<Sp<String>>,
    /// The row that holds the headings, from 1. Default: 1.
    #[schemars(range(min = 1, max = 1000))]
    pub header_row: Option<Sp<u32>>,
    /// A regular expression that fits the row of the headings, its cells parted by tabs, and none
    /// above it.
    pub header_pattern: Option<Sp<String>>,
    /// Over how many rows the headings go: merged cells count for each column below them, and
    /// the parts of a heading are joined by a space. Default: 1.
    #[schemars(range(min = 1, max = 20))]
    pub header_rows: Option<u32>,
    /// Values that stand above the header, as columns that are the same in every row.
    #[serde(default)]
    pub preamble: Entries<PreambleValue>,
    /// Rows that are left out: footers, totals.
    #[serde(default)]
    pub skip_rows: Vec<SkipRule>,
}

/// Parquet has nothing to set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parquet {}

/// A member of a ZIP, read as at most one of `csv`, `excel` and `json_lines`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zip {
    /// The member's file name, in whatever folder of the ZIP. `*` stands for any characters.
    pub member: Sp<String>,
    /// Delimited text; what a member is unless another is given.
    pub csv: Option<Csv>,
    /// A sheet of a workbook.
    pub excel: Option<Excel>,
    /// One JSON object a line.
    pub json_lines: Option<JsonLines>,
}

impl Zip {
    /// How the member is read; a good `zip` gives one. Default: comma-separated.
    pub fn readers(&self) -> Vec<Reader> {
        let mut readers = Vec::new();
        readers.extend(self.csv.clone().map(Reader::Csv));
        readers.extend(self.excel.clone().map(Reader::Excel));
        readers.extend(self.json_lines.clone().map(Reader::JsonLines));
        if readers.is_empty() {
            readers.push(Reader::Csv(Csv::default()));
        }
        readers
    }

    fn preamble(&self) -> &[(Sp<String>, PreambleValue)] {
        match (&self.csv, &self.excel) {
            (Some(csv), _) => csv.preamble.as_slice(),
            (_, Some(excel)) => excel.preamble.as_slice(),
            _ => &[],
        }
    }
}
