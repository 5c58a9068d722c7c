//! A source: what arrives, where, how to read it, what it promises.

use schemars::JsonSchema;
use serde::Deserialize;

use super::check::DropRows;
use super::reader::{Csv, Excel, FixedWidth, JsonLines, Parquet, PreambleValue, Reader, Zip};
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
    /// A target has nothing of it, no rows and nothing to look for, unless it says `files` of its own or
    /// `absent: false`. What is made of it must know that there may be none.
    #[serde(default)]
    pub absent: bool,
    /// How old it may be.
    pub freshness: Option<Freshness>,
    /// A heading the contract does not know. Default: warn.
    pub on_new_column: Option<OnNewColumn>,
    /// A column of the contract that the file does not have. Default: error.
    pub on_missing_column: Option<OnDrift>,
    /// A column whose type in the file (Parquet, a workbook's cells) is not the contract's kind.
    /// Default: error.
    pub on_retyped_column: Option<OnDrift>,
    /// What each row promises.
    pub columns: Vec<Column>,
    /// Rules that need more than one column.
    #[serde(default)]
    pub checks: Vec<RowCheck>,
    /// Rows that are no rows of this source, such as totals: dropped, and counted by name.
    #[serde(default)]
    pub drop_rows: Vec<DropRows>,
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

/// Where a source's files are and how to read them. Exactly one of `csv`, `fixed_width`,
/// `json_lines`, `excel`, `parquet` and `zip` is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The path below the root, with `{captures}` in its file name. What stands in `[brackets]` may be absent.
    pub path: Sp<String>,
    /// What the path is below: `inbox`, `project` or a URL. Default: the target's inbox.
    #[serde(default)]
    pub root: Root,
    /// Parts of the file name that become columns, each with its type.
    #[serde(default)]
    pub captures: Entries<Sp<ColumnType>>,
    /// Delimited text; `.gz` is unpacked.
    pub csv: Option<Csv>,
    /// Text with fields at fixed places; `.gz` is unpacked.
    pub fixed_width: Option<FixedWidth>,
    /// One JSON object a line; `.gz` is unpacked.
    pub json_lines: Option<JsonLines>,
    /// A sheet of a workbook.
    pub excel: Option<Excel>,
    /// Parquet, its columns cast from text to the contract like any other.
    pub parquet: Option<Parquet>,
    /// A member of a ZIP.
    pub zip: Option<Zip>,
    /// A file changed more recently than this may still be being copied: it waits for the next
    /// run. Such as `30s`, `5m` or `2h`.
    #[schemars(regex(pattern = r"^[0-9]+(s|m|h)$"))]
    pub stable_for: Option<Sp<String>>,
    /// What names a submission: of those with the same captures the newest counts, whole.
    pub supersede: Option<Supersede>,
    /// What a later submission does to earlier ones. Default: snapshot.
    pub delivery: Option<Sp<Delivery>>,
    /// What a file means that cannot be read. Default: error.
    pub on_unreadable: Option<OnUnreadable>,
}

/// What a later submission does to earlier ones.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It takes the place of the earlier one of the same captures (without `supersede`: of the same path).
    Snapshot,
    /// It only adds; the same bytes count once.
    Events,
    /// Its rows take the place of earlier rows with the same key, whatever file those came in.
    Upsert(Upsert),
}

/// `upsert: { unique_key: [record_id] }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upsert {
    /// The columns that tell one row from another, as they are staged; each is `required`.
    pub unique_key: Vec<Sp<String>>,
}

/// What a file means that cannot be read as what it is declared to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnreadable {
    /// The source stops, and with it the release.
    #[default]
    Error,
    /// The run goes on with the submission before it, and says so.
    Reject,
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

impl Files {
    /// The readers given; a good `files:` has exactly one.
    pub fn readers(&self) -> Vec<Reader> {
        let mut readers = Vec::new();
        readers.extend(self.csv.clone().map(Reader::Csv));
        readers.extend(self.fixed_width.clone().map(Reader::FixedWidth));
        readers.extend(self.json_lines.clone().map(Reader::JsonLines));
        readers.extend(self.excel.clone().map(Reader::Excel));
        readers.extend(self.parquet.as_ref().map(|_| Reader::Parquet));
        readers.extend(self.zip.clone().map(|zip| Reader::Zip(Box::new(zip))));
        readers
    }

    /// The values lifted from what stands above the header, in the order of the YAML.
    pub fn preamble(&self) -> Vec<(Sp<String>, PreambleValue)> {
        let readers = self.readers();
        readers.iter().flat_map(Reader::preamble).cloned().collect()
    }
}

/// `supersede: { by: [provider, period], cancelled: reference.cancelled_submissions }`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Supersede {
    /// The captures that name a submission.
    pub by: Vec<Sp<String>>,
    /// The reference that lists the submissions their senders have withdrawn.
    pub cancelled: Option<Sp<String>>,
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

/// What it means that a file is not as its contract says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDrift {
    /// The file is refused.
    #[default]
    Error,
    /// Said: a missing column is null, a retyped one is read as far as it can be.
    Warn,
}
