//! File names: a pattern such as `liver/register_{provider}_{period}.xlsx`, taken apart and held
//! against names.

use datafusion::scalar::ScalarValue;

use crate::diag::{Code, Diagnostic, Result};
use crate::spec::{ColumnType, Files};

use super::cast::scalar;

/// A part of a file name.
#[derive(Debug, Clone, PartialEq)]
enum Part {
    /// Stands as it is; the case of letters does not matter.
    Literal(String),
    /// Any text that reads as the type.
    Capture(String, ColumnType),
}

/// A pattern taken apart.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The whole of it, for messages.
    pub text: String,
    /// The folder below the root, without captures; may be empty.
    pub folder: String,
    parts: Vec<Part>,
    order: Vec<String>,
}

/// How a file name stands to a pattern.
#[derive(Debug, PartialEq)]
pub(super) enum Fit {
    /// It is something else.
    No,
    /// It begins and ends like the pattern, but the middle does not read.
    Nearly,
    /// It fits; these are its captures, in the order of the contract.
    Yes(Vec<(String, ScalarValue)>),
}

impl Pattern {
    /// Takes a source's pattern apart.
    ///
    /// # Errors
    /// When braces do not match, or a capture has no type or stands in a folder's name.
    pub(super) fn of(files: &Files) -> Result<Self> {
        let text = files.path.as_str();
        let (folder, name) = text.rsplit_once('/').unwrap_or(("", text));
        let wrong = |what: String, hint: &str| {
            Diagnostic::error(Code::WrongValue, format!("in the path `{text}`, {what}")).hint(hint)
        };
        if folder.contains(['{', '}']) {
            return Err(wrong(
                "a capture stands in a folder's name".to_owned(),
                "captures stand in the file's name only",
            )
            .into());
        }
        let mut parts = Vec::new();
        let mut rest = name;
        while let Some(open) = rest.find('{') {
            if open > 0 {
                parts.push(Part::Literal(rest[..open].to_owned()));
            }
            let Some(close) = rest[open..].find('}') else {
                return Err(wrong("a brace never closes".to_owned(), "write {provider}").into());
            };
            let capture = &rest[open + 1..open + close];
            let Some(kind) = files.captures.get(capture) else {
                return Err(wrong(
                    format!("`{capture}` has no type"),
                    "give it one under `captures`",
                )
                .into());
            };
            parts.push(Part::Capture(capture.to_owned(), (**kind).clone()));
            rest = &rest[open + close + 1..];
        }
        if !rest.is_empty() {
            parts.push(Part::Literal(rest.to_owned()));
        }
        Ok(Self {
            text: text.to_owned(),
            folder: folder.to_owned(),
            parts,
            order: files.captures.names().map(str::to_owned).collect(),
        })
    }

    /// Whether it names one file.
    pub(super) fn is_literal(&self) -> bool {
        self.parts.iter().all(|p| matches!(p, Part::Literal(_)))
    }

    /// Holds a file name against the pattern.
    ///
    /// # Errors
    /// When the type of a capture cannot be used.
    pub(super) fn fit(&self, name: &str) -> Result<Fit> {
        let mut found = Vec::new();
        if read(&self.parts, name, &mut found)? {
            found.sort_by_key(|(name, _)| self.order.iter().position(|n| n == name));
            return Ok(Fit::Yes(found));
        }
        let rest = match self.parts.first() {
            Some(Part::Literal(text)) => after(text, name),
            _ => Some(name),
        };
        let nearly = rest.is_some_and(|rest| match self.parts.last() {
            Some(Part::Literal(text)) if self.parts.len() > 1 => ends_with(rest, text),
            Some(Part::Literal(_)) => rest.is_empty(),
            _ => true,
        });
        Ok(if nearly { Fit::Nearly } else { Fit::No })
    }
}

/// Reads a name part by part; a capture takes as little as it can.
fn read(parts: &[Part], name: &str, found: &mut Vec<(String, ScalarValue)>) -> Result<bool> {
    match parts.split_first() {
        None => Ok(name.is_empty()),
        Some((Part::Literal(text), rest)) => match after(text, name) {
            Some(name) => read(rest, name, found),
            None => Ok(false),
        },
        Some((Part::Capture(capture, kind), rest)) => {
            let ends = name.char_indices().map(|(i, c)| i + c.len_utf8());
            for end in ends {
                let Some(value) = scalar(kind, &name[..end], capture)? else {
                    continue;
                };
                found.push((capture.clone(), value));
                if read(rest, &name[end..], found)? {
                    return Ok(true);
                }
                found.pop();
            }
            Ok(false)
        }
    }
}

fn after<'n>(literal: &str, name: &'n str) -> Option<&'n str> {
    let start = name.get(..literal.len())?;
    start
        .eq_ignore_ascii_case(literal)
        .then(|| &name[literal.len()..])
}

fn ends_with(name: &str, literal: &str) -> bool {
    name.len()
        .checked_sub(literal.len())
        .and_then(|i| name.get(i..))
        .is_some_and(|end| end.eq_ignore_ascii_case(literal))
}
