//! File names: a pattern such as `liver/register_{provider}_{period}.xlsx`, taken apart and held
//! against names.

use datafusion::scalar::ScalarValue;

use crate::compile::contract::arrow_type;
use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::spec::{ColumnType, Files};

use super::arrived::Captures;
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
    /// The ways the name may be written, the longest first: with and without each optional part.
    variants: Vec<Vec<Part>>,
    captures: Vec<(String, ColumnType)>,
}

/// How a file name stands to a pattern.
#[derive(Debug, PartialEq)]
pub(super) enum Fit {
    /// It is something else.
    No,
    /// It begins and ends like the pattern, but the middle does not read.
    Nearly,
    /// It fits; these are its captures, in the order of the contract.
    Yes(Captures),
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
        let take_apart = |mut rest: &str| -> Result<Vec<Part>> {
            let mut parts = Vec::new();
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
            Ok(parts)
        };
        let variants = spellings(name)
            .iter()
            .map(|n| take_apart(n))
            .collect::<Result<_>>()?;
        let captures = files.captures.iter();
        Ok(Self {
            text: text.to_owned(),
            folder: folder.to_owned(),
            variants,
            captures: captures
                .map(|(name, kind)| (name.as_str().to_owned(), (**kind).clone()))
                .collect(),
        })
    }

    /// Whether it names one file.
    pub(super) fn is_literal(&self) -> bool {
        let [parts] = self.variants.as_slice() else {
            return false;
        };
        parts.iter().all(|p| matches!(p, Part::Literal(_)))
    }

    /// Holds a file name against the pattern.
    ///
    /// # Errors
    /// When the type of a capture cannot be used.
    pub(super) fn fit(&self, name: &str) -> Result<Fit> {
        for parts in &self.variants {
            let mut found = Vec::new();
            if read(parts, name, &mut found)? {
                return self.complete(found).map(Fit::Yes);
            }
        }
        Ok(if self.variants.iter().any(|parts| nearly(parts, name)) {
            Fit::Nearly
        } else {
            Fit::No
        })
    }

    /// The captures in the order of the contract; null where the part they stand in is absent.
    fn complete(&self, mut found: Vec<(String, ScalarValue)>) -> Result<Captures> {
        let mut all = Vec::with_capacity(self.captures.len());
        for (name, kind) in &self.captures {
            let value = match found.iter().position(|(n, _)| n == name) {
                Some(i) => found.swap_remove(i).1,
                None => ScalarValue::try_from(&arrow_type(kind))
                    .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?,
            };
            all.push((name.clone(), value));
        }
        Ok(all)
    }
}

/// A name with and without each part in brackets, the longest first.
fn spellings(name: &str) -> Vec<String> {
    let Some((before, rest)) = name.split_once('[') else {
        return vec![name.to_owned()];
    };
    let (part, after) = rest.split_once(']').unwrap_or((rest, ""));
    let after = spellings(after);
    let with = after.iter().map(|a| format!("{before}{part}{a}"));
    let without = after.iter().map(|a| format!("{before}{a}"));
    with.chain(without).collect()
}

/// Whether a name begins and ends like these parts.
fn nearly(parts: &[Part], name: &str) -> bool {
    let rest = match parts.first() {
        Some(Part::Literal(text)) => after(text, name),
        _ => Some(name),
    };
    rest.is_some_and(|rest| match parts.last() {
        Some(Part::Literal(text)) if parts.len() > 1 => ends_with(rest, text),
        Some(Part::Literal(_)) => rest.is_empty(),
        _ => true,
    })
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
