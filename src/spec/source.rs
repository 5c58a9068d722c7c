//! A source: what arrives, where, how to read it, what it promises.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Column, ColumnType, Entries, RowCheck, Sp};

/// Something that arrives: a source of a pipeline, or a reference.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it is, who sends it, how often.
    pub description: Option<String>,
    /// How revealing its rows are.
    pub sensitivity: Sp<Sensitivity>,
    /// Where its files are and how to read them.
    pub files: Files,
    /// How old it may be.
    pub freshness: Option<Freshness>,
    /// A heading the contract does not know. Default: warn.
    pub on_new_column: Option<OnNewColumn>,
    /// What each row promises.
    pub columns: Vec<Column>,
    /// Rules that need more than one column.
    #[serde(default)]
    pub checks: Vec<RowCheck>,
    /// Words to select it by, beside the pipeline's.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// How revealing rows are, the most revealing first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Holds what names a person.
    Identifiable,
    /// One row a person, without what names them.
    Pseudonymised,
    /// Counts of people.
    Aggregate,
    /// Published already, or about no person.
    Open,
}

/// Where a source's files are and how to read them. Exactly one of `csv`, `excel`, `parquet`
/// and `zip` is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The path below the root, with `{captures}` in its file name.
    pub path: Sp<String>,
    /// What the path is below: `inbox`, `project` or a URL. Default: the target's inbox.
    #[serde(default)]
    pub root: Root,
    /// Parts of the file name that become columns, each with its type.
    #[serde(default)]
    pub captures: Entries<Sp<ColumnType>>,
    /// Delimited text; `.gz` is unpacked.
    pub csv: Option<Csv>,
    /// A sheet of a workbook.
    pub excel: Option<Excel>,
    /// Parquet, its columns cast from text to the contract like any other.
    pub parquet: Option<Parquet>,
    /// Delimited text inside a ZIP.
    pub zip: Option<Zip>,
    /// A file changed more recently than this may still be being copied: it waits for the next
    /// run. Such as `30s`, `5m` or `2h`.
    #[schemars(regex(pattern = r"^[0-9]+(s|m|h)$"))]
    pub stable_for: Option<Sp<String>>,
    /// What names a submission. Two files of one submission are an error: which one counts is
    /// not ours to guess.
    pub supersede: Option<Supersede>,
}

/// What a path is below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Root {
    /// The target's inbox: what others send.
    #[default]
    Inbox,
    /// The project: code lists the team keeps.
    Project,
    /// A place of its own, by its URL.
    Url(String),
}

impl<'de> Deserialize<'de> for Root {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match String::deserialize(deserializer)?.as_str() {
            "inbox" => Self::Inbox,
            "project" => Self::Project,
            url => Self::Url(url.to_owned()),
        })
    }
}

impl JsonSchema for Root {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Root".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "`inbox`, `project`, or a URL such as https://host/folder or s3://bucket/prefix.",
            "pattern": "^(inbox|project|[A-Za-z0-9]+://.+)$"
        })
    }
}

/// How to read a file: the tagged choice of [`Files`], settled.
#[derive(Debug, Clone)]
pub enum Reader {
    /// Delimited text.
    Csv(Csv),
    /// A workbook's sheet.
    Excel(Excel),
    /// Parquet.
    Parquet,
    /// Delimited text in a ZIP member.
    Zip(Zip),
}

impl Files {
    /// The readers given; a good `files:` has exactly one.
    pub fn readers(&self) -> Vec<Reader> {
        let mut readers = Vec::new();
        readers.extend(self.csv.clone().map(Reader::Csv));
        readers.extend(self.excel.clone().map(Reader::Excel));
        readers.extend(self.parquet.as_ref().map(|_| Reader::Parquet));
        readers.extend(self.zip.clone().map(Reader::Zip));
        readers
    }
}

/// Delimited text: UTF-8, with or without a byte order mark, one header row.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Csv {
    /// One character between fields. Default: comma.
    #[schemars(regex(pattern = r"^.$"))]
    pub delimiter: Option<Sp<String>>,
    /// One character around fields that hold delimiters or line feeds. Default: double quote.
    #[schemars(regex(pattern = r"^.$"))]
    pub quote: Option<Sp<String>>,
}

/// A sheet of an .xlsx, .xls, .xlsb or .ods workbook.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Excel {
    /// The sheet's name. Default: the only sheet.
    pub sheet: Option<Sp<String>>,
    /// The row that holds the headings, from 1. Default: 1.
    #[schemars(range(min = 1, max = 1000))]
    pub header_row: Option<u32>,
}

/// Parquet has nothing to set.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parquet {}

/// A member of a ZIP.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zip {
    /// The member's file name, in whatever folder of the ZIP. `*` stands for any characters.
    pub member: Sp<String>,
    /// How to read the member. Default: comma-separated.
    #[serde(default)]
    pub csv: Csv,
}

/// `supersede: { by: [provider, period] }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Supersede {
    /// The captures that name a submission.
    pub by: Vec<Sp<String>>,
}

/// How old a source may be: days since the end of its newest period, as of the run's date.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freshness {
    /// Older than this is worth a warning.
    pub warn_after: Option<Age>,
    /// Older than this, marts that need it are not published.
    pub error_after: Option<Age>,
    /// Who should have sent for the newest period.
    pub expected: Option<Expected>,
}

/// `{ count: 35, period: day }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Age {
    /// How many.
    pub count: u32,
    /// Of what.
    pub period: AgePeriod,
}

impl Age {
    /// In days.
    pub fn days(self) -> i64 {
        let one = match self.period {
            AgePeriod::Day => 1,
            AgePeriod::Week => 7,
        };
        i64::from(self.count) * one
    }
}

/// A unit of age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgePeriod {
    /// A day.
    Day,
    /// Seven days.
    Week,
}

/// `expected: { by: provider, from: reference.trusts }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The capture that names the sender.
    pub by: Sp<String>,
    /// The reference whose first column lists the senders.
    pub from: Sp<String>,
}

/// What a heading means that the contract does not know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnNewColumn {
    /// Said, and left out.
    #[default]
    Warn,
    /// The file is refused.
    Error,
    /// Left out.
    Ignore,
}
