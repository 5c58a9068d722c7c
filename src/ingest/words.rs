//! The rules of a contract in words that a sender can act on, who has never seen the contract.

use chrono::{NaiveDate, NaiveDateTime};

use crate::compile::{RowTest, SourceNode};
use crate::spec::check::RowCheck;
use crate::spec::{Column, ColumnType, DateFormat, Gives, Sp};

use super::load::FILE_REJECTED;
use super::rows::Structure;
use super::rules::ValueRule;

/// A rule in plain words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InWords {
    /// What is wrong with a row that breaks it.
    pub what: String,
    /// What is expected instead.
    pub expected: String,
    /// The heading that the sender knows the column by, for a rule on values.
    pub heading: Option<String>,
}

/// The names of all rules that rows of a source can break.
pub fn rule_names(node: &SourceNode) -> Vec<String> {
    let structural = Structure::ALL.iter().map(|s| s.rule().to_owned());
    let values = ValueRule::ALL.iter().map(|r| r.name().to_owned());
    let rows = node.rules.iter().map(|r| r.name.clone());
    structural
        .chain(values)
        .chain(rows)
        .chain([FILE_REJECTED.to_owned()])
        .collect()
}

/// A rule of a source, by its name and column as quarantine has them, and what is said of one row if
/// it is about one. A rule that the contract does not know any more has its name for words.
pub fn in_words(
    node: &SourceNode,
    rule: &str,
    column: Option<&str>,
    reason: Option<&str>,
) -> InWords {
    let contract = column.and_then(|name| {
        let columns = &node.spec.columns;
        columns
            .iter()
            .find(|c| c.name.as_str() == name || c.staged_name() == name)
    });
    let heading = column.map(|name| {
        let first = contract.and_then(|c| c.headings().first().map(|h| (*h).to_owned()));
        first.unwrap_or_else(|| name.to_owned())
    });
    let (what, expected) = structural(rule)
        .or_else(|| of_row(node, rule))
        .or_else(|| contract.and_then(|c| of_value(c, rule)))
        .unwrap_or_else(|| (spaced(rule), String::new()));
    let more = reason.and_then(|reason| {
        if Structure::ALL.iter().any(|s| s.rule() == rule) {
            return Some(reason);
        }
        let repeats = node
            .rules
            .iter()
            .any(|r| r.name == rule && is_unique(&r.test));
        let line = reason.rsplit_once(": ").map(|(_, line)| line);
        line.filter(|_| repeats || rule == ValueRule::Unique.name())
    });
    InWords {
        what: more.map_or_else(|| what.clone(), |more| format!("{what} ({more})")),
        expected,
        heading,
    }
}

fn is_unique(test: &RowTest) -> bool {
    matches!(test, RowTest::Unique(_))
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

fn structural(rule: &str) -> Option<(String, String)> {
    let found = Structure::ALL.into_iter().find(|s| s.rule() == rule);
    let (what, expected) = match found {
        Some(Structure::Ragged) => (
            "The row has more or fewer fields than there are headings",
            "one field for each heading; quotes around a field that holds a comma or a line break",
        ),
        Some(Structure::NulByte) => (
            "The row is damaged: it holds a NUL byte",
            "the file as it was before it was copied or sent",
        ),
        Some(Structure::Encoding) => (
            "The row holds characters that cannot be read",
            "text saved as UTF-8",
        ),
        Some(Structure::ErrorCell) => (
            "A formula in the row failed",
            "a value instead of a failed formula",
        ),
        Some(Structure::Json) => (
            "The line is not one JSON object of plain values",
            "one object a line, each value a text, a number, true, false or null",
        ),
        None if rule == FILE_REJECTED => (
            "Nothing is wrong with the row itself: its whole file is refused",
            "the file without the rows that broke its rules",
        ),
        None => return None,
    };
    Some((what.to_owned(), expected.to_owned()))
}

fn of_row(node: &SourceNode, name: &str) -> Option<(String, String)> {
    let rule = node.rules.iter().find(|r| r.name == name)?;
    let check = node.spec.checks.iter().find(|c| c.name.as_str() == name)?;
    let described = |otherwise: String| check.description.clone().unwrap_or(otherwise);
    Some(match &rule.test {
        RowTest::Expression(_) => (
            format!("The row breaks the rule “{}”", spaced(name)),
            described(format!("that this holds: {}", sql(check))),
        ),
        RowTest::Unique(columns) => (
            "An earlier row of the file has the same key".to_owned(),
            described(format!(
                "one row for each {}",
                columns
                    .iter()
                    .map(|c| heading_of(node, c))
                    .collect::<Vec<_>>()
                    .join(" and ")
            )),
        ),
        RowTest::Relationship { table, field, .. } => (
            "The value is not in the list it is taken from".to_owned(),
            described(format!(
                "a value of “{}” in the list “{}”",
                spaced(field),
                spaced(&table.name)
            )),
        ),
    })
}

fn sql(check: &RowCheck) -> &str {
    check.expression.as_ref().map_or("", |e| e.as_str())
}

fn heading_of(node: &SourceNode, staged: &str) -> String {
    let column = node.spec.columns.iter().find(|c| c.staged_name() == staged);
    let heading = column.and_then(|c| c.headings().first().map(|h| (*h).to_owned()));
    heading.unwrap_or_else(|| spaced(staged))
}

fn of_value(column: &Column, rule: &str) -> Option<(String, String)> {
    let rule = ValueRule::ALL.into_iter().find(|r| r.name() == rule)?;
    let (what, expected) = match rule {
        ValueRule::Valid => ("The value cannot be read", form(column)),
        ValueRule::Required => (
            "There is no value",
            format!("a value in every row: {}", form(column)),
        ),
        ValueRule::Accepted => (
            "The value is not one of those that are accepted",
            format!("one of: {}", column.accepted.join(", ")),
        ),
        ValueRule::Pattern => (
            "The value does not have the form that is expected",
            format!(
                "a value that matches {}",
                column.pattern.as_ref().map_or("", |p| p.as_str())
            ),
        ),
        ValueRule::Range => (
            "The value is out of range",
            match (&column.min, &column.max) {
                (Some(least), Some(most)) => format!("from {} to {}", least.0, most.0),
                (Some(least), None) => format!("{} or more", least.0),
                (None, Some(most)) => format!("{} or less", most.0),
                (None, None) => String::new(),
            },
        ),
        ValueRule::Unique => (
            "An earlier row of the file has the same value",
            "each value once in a file".to_owned(),
        ),
    };
    Some((what.to_owned(), expected))
}

/// What a column's text must read as.
fn form(column: &Column) -> String {
    match &*column.kind {
        ColumnType::String => "text".to_owned(),
        ColumnType::Int => "a whole number".to_owned(),
        ColumnType::Decimal { scale, .. } => {
            format!("a number with at most {scale} digits after the point")
        }
        ColumnType::Float => "a number".to_owned(),
        ColumnType::Boolean => "Y or N, yes or no, true or false, 1 or 0".to_owned(),
        ColumnType::Date => format!("a date such as {}", example(column, &["%Y-%m-%d"])),
        ColumnType::Month(format) => {
            let format = format.as_deref().unwrap_or("%Y-%m");
            format!("a month such as {}", example(column, &[format]))
        }
        ColumnType::Timestamp(format) => {
            let format = format.as_deref().unwrap_or("%Y-%m-%d %H:%M:%S");
            let times = example(column, &[format]);
            format!("a date and time such as {times}")
        }
        ColumnType::NhsNumber => "an NHS number: ten digits, the last a check digit".to_owned(),
        ColumnType::OdsCode => "an ODS code: three to eight letters and digits".to_owned(),
        ColumnType::LsoaCode => "an LSOA code: E01 or W01 and six digits".to_owned(),
        ColumnType::Icd10 => "an ICD-10 code such as C34.1".to_owned(),
    }
}

/// The last day of 2026 in a column's own spellings.
fn example(column: &Column, defaults: &[&str]) -> String {
    let day = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap_or_default();
    let moment: NaiveDateTime = day.and_hms_opt(8, 30, 0).unwrap_or_default();
    let spell = |format: &str| moment.format(format).to_string();
    if column.formats.is_empty() {
        let all: Vec<String> = defaults.iter().map(|f| spell(f)).collect();
        return all.join(" or ");
    }
    let (months, days): (Vec<_>, Vec<_>) = column.formats.iter().partition(|format| {
        *column.kind == ColumnType::Date && format.gives() == Some(Gives::Month)
    });
    let all = |formats: Vec<&Sp<DateFormat>>| {
        let formats = formats.into_iter().map(|f| match &**f {
            DateFormat::ExcelSerial => "a date cell of Excel".to_owned(),
            DateFormat::Strftime(text) => spell(text),
        });
        formats.collect::<Vec<_>>().join(" or ")
    };
    match (days.is_empty(), months.is_empty()) {
        (false, false) => format!(
            "{}, or {} where the day is not known",
            all(days),
            all(months)
        ),
        _ => all(days.into_iter().chain(months).collect()),
    }
}
