//! What stands above the header, and what is lifted from it.

use regex::Regex;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::spec::Sp;
use crate::spec::reader::{PreambleValue, SkipRule};

/// A header further down than this is none.
pub(super) const MOST_LINES: usize = 1_000;

/// A pattern of the contract, ready to be used.
///
/// # Errors
/// When it is no regular expression.
pub(super) fn regex(pattern: &str) -> Result<Regex> {
    Regex::new(pattern).map_err(|e| {
        Diagnostic::error(
            Code::WrongValue,
            format!("`{pattern}` is not a regular expression"),
        )
        .label(e.to_string())
        .into()
    })
}

/// Whether a line fits: as it is, or as a reader sees it, without its quotes.
pub(super) fn fits(pattern: &Regex, line: &str, quote: Option<char>) -> bool {
    pattern.is_match(line)
        || quote.is_some_and(|q| line.contains(q) && pattern.is_match(&line.replace(q, "")))
}

/// The texts of the preamble's values, each from the first line that its pattern fits.
///
/// `delimiter` and `quote` are no part of a value's ends.
///
/// # Errors
/// [`Code::Header`] for each pattern that finds nothing.
pub(super) fn lift(
    preamble: &[(Sp<String>, PreambleValue)],
    lines: &[String],
    delimiter: char,
    quote: Option<char>,
    place: &DataPlace,
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut errors = Diagnostics::default();
    for (name, value) in preamble {
        let pattern = regex(&value.pattern)?;
        let texts = lines.iter().find_map(|line| {
            let plain = quote.map_or_else(|| line.clone(), |q| line.replace(q, ""));
            [line.as_str(), plain.as_str()].iter().find_map(|line| {
                let text = pattern.captures(line)?.name("value")?.as_str();
                let is_edge = |c: char| c.is_whitespace() || c == delimiter || Some(c) == quote;
                Some(text.trim_matches(is_edge).to_owned()).filter(|t| !t.is_empty())
            })
        });
        match texts {
            Some(text) => found.push(text),
            None => errors.push(nothing(name, value, lines.len(), place)),
        }
    }
    if errors.has_errors() {
        return Err(errors);
    }
    Ok(found)
}

fn nothing(
    name: &Sp<String>,
    value: &PreambleValue,
    lines: usize,
    place: &DataPlace,
) -> Diagnostic {
    Diagnostic::error(
        Code::Header,
        format!(
            "nothing above the header fits `{}`, the pattern of `{}`",
            *value.pattern, **name
        ),
    )
    .at(place.clone())
    .label(format!("{lines} lines stand above the header"))
    .hint("look at the top of the file: did its wording change?")
}

/// No line of the file is the header.
pub(super) fn no_such_header(pattern: &str, what: &str, place: &DataPlace) -> Diagnostic {
    Diagnostic::error(
        Code::Header,
        format!("none of the first {MOST_LINES} {what} fits `{pattern}`"),
    )
    .at(place.clone())
    .hint("`header_pattern` must fit the line of the headings: did its wording change?")
}

/// The rows that are left out, by the rules of the contract.
#[derive(Debug)]
pub(super) struct SkipRules(Vec<(String, Regex)>);

impl SkipRules {
    /// # Errors
    /// When a pattern is no regular expression.
    pub(super) fn new(rules: &[SkipRule]) -> Result<Self> {
        rules
            .iter()
            .map(|rule| Ok((rule.name.to_string(), regex(&rule.pattern)?)))
            .collect::<Result<Vec<_>>>()
            .map(Self)
    }

    /// The first rule that leaves a row out, if any does.
    pub(super) fn of<'t>(&self, mut fields: impl Iterator<Item = &'t str>) -> Option<&str> {
        if self.0.is_empty() {
            return None;
        }
        let first = fields.find_map(|f| Some(f.trim()).filter(|t| !t.is_empty()))?;
        self.0
            .iter()
            .find(|(_, pattern)| pattern.is_match(first))
            .map(|(name, _)| name.as_str())
    }
}
