//! The header: which field of the file is which column of the contract.
//!
//! Headings are matched trimmed and without regard to case, never by position: a sender who swaps
//! two columns does no harm. In a sensitive source a heading is repeated in a message only when
//! it is near one that was expected, or when the whole contract was found and neither the other
//! headings nor the rows speak against it: a file without a header has a person in its first row,
//! and one whose header lost its line end has a person in its header.

use std::collections::{HashMap, HashSet};

use regex::{Regex, RegexBuilder};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, nearest};
use crate::spec::source::{OnDrift, OnNewColumn};
use crate::spec::{Column, Sensitivity, Source, column::Missing};

/// Names that a message lists at most.
const LISTED: usize = 20;

/// Which field of the file feeds which column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// Fields of the header.
    pub width: usize,
    /// For each column of the contract, its field; `None` where it may be missing.
    pub slots: Vec<Option<usize>>,
    /// Headings the contract does not know, in the order of the file, as they may be shown.
    pub new: Vec<String>,
    /// The same by their places, where nothing of them may be shown.
    pub new_places: Vec<String>,
    /// Columns the file does not have, where that is to be said.
    pub missing: Vec<String>,
}

/// Holds the headings of a file against the contract.
///
/// # Errors
/// [`Code::Header`]: a column is missing, a heading stands twice, or a heading is new and the
/// source does not allow it; all of them at once.
pub(super) fn layout(source: &Source, headings: &[String], place: &DataPlace) -> Result<Layout> {
    let found = Headings::of(source, headings);
    let mut errors = Diagnostics::default();
    let mut slots = Vec::with_capacity(source.columns.len());
    let mut used = vec![false; headings.len()];
    let mut missing_columns = Vec::new();
    for column in &source.columns {
        let at = found.of_column(column)?;
        for i in &at {
            used[*i] = true;
        }
        if at.len() > 1 {
            errors.push(twice(column, headings, &at, place));
        }
        if at.is_empty() {
            match (column.missing, source.on_missing_column.unwrap_or_default()) {
                (Some(Missing::AsNull), _) => {}
                (None, OnDrift::Warn) => missing_columns.push(column.name.to_string()),
                _ => errors.push(missing(column, &found.plain, headings, place)),
            }
        }
        slots.push(at.first().copied());
    }
    let new_fields: Vec<usize> = (0..headings.len())
        .filter(|i| !used[*i] && !found.shown[*i].is_empty())
        .collect();
    let new_places: Vec<String> = new_fields
        .iter()
        .map(|i| format!("field {}", i + 1))
        .collect();
    let new_headings = || new_fields.iter().map(|i| found.shown[*i].clone());
    let new: Vec<String> = if names_people(source) && new_headings().any(|h| may_be_a_value(&h)) {
        new_places.clone()
    } else {
        new_headings().collect()
    };
    if slots.iter().all(Option::is_none) {
        // One finding, not one a column: it is some other file, or has no header.
        return Err(nothing_fits(source, headings.len(), place).into());
    }
    if !errors.is_empty() {
        return Err(explain(source, errors, &new));
    }
    if source.on_new_column == Some(OnNewColumn::Error) && !new.is_empty() {
        return Err(new_columns(&new, place).into());
    }
    Ok(Layout {
        width: headings.len(),
        slots,
        new,
        new_places,
        missing: missing_columns,
    })
}

/// Whether what stands in its files is about one person each.
pub(super) fn names_people(source: &Source) -> bool {
    *source.sensitivity < Sensitivity::Aggregate
}

/// Whether a heading looks like what stands below headings: a number, a date, an NHS number.
fn may_be_a_value(heading: &str) -> bool {
    const MANY: usize = 6;
    let digits = heading.chars().filter(|c| c.is_numeric()).count();
    digits >= MANY || (digits > 0 && !heading.chars().any(char::is_alphabetic))
}

/// The headings of a file, ready to be looked for.
struct Headings {
    /// As they are compared.
    plain: Vec<String>,
    /// The same with a number where a heading stands more than once: `within 31 days (2)`.
    numbered: Vec<Option<String>>,
    /// As they are shown: on one line, the second and later ones numbered.
    shown: Vec<String>,
    /// Headings that stand more than once and that the contract tells apart by number.
    told_apart: HashSet<String>,
}

impl Headings {
    fn of(source: &Source, headings: &[String]) -> Self {
        let plain: Vec<String> = headings.iter().map(|h| normal(h)).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for heading in plain.iter().filter(|h| !h.is_empty()) {
            *counts.entry(heading).or_default() += 1;
        }
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let (mut numbered, mut shown) = (Vec::new(), Vec::new());
        for (heading, plain) in headings.iter().zip(&plain) {
            let n = seen.entry(plain.as_str()).or_default();
            *n += 1;
            let stands_twice = counts.get(plain.as_str()).is_some_and(|count| *count > 1);
            numbered.push(stands_twice.then(|| format!("{plain} ({n})")));
            let heading = one_line(heading);
            shown.push(if stands_twice && *n > 1 {
                format!("{heading} ({n})")
            } else {
                heading
            });
        }
        let wanted: HashSet<String> = source
            .columns
            .iter()
            .flat_map(Column::headings)
            .map(normal)
            .collect();
        let told_apart = plain
            .iter()
            .zip(&numbered)
            .filter(|(_, numbered)| numbered.as_ref().is_some_and(|n| wanted.contains(n)))
            .map(|(plain, _)| plain.clone())
            .collect();
        Self {
            plain,
            numbered,
            shown,
            told_apart,
        }
    }

    /// The fields whose headings fit a column.
    ///
    /// Where the contract tells the headings of one name apart by number, the bare name is the
    /// first of them; else a bare name fits them all, which is an error: nobody said which.
    fn of_column(&self, column: &Column) -> Result<Vec<usize>> {
        let wanted: Vec<String> = column.headings().into_iter().map(normal).collect();
        let pattern = match &column.from_pattern {
            Some(pattern) => Some(heading_pattern(pattern)?),
            None => None,
        };
        let fits = |i: &usize| {
            let plain = &self.plain[*i];
            if plain.is_empty() {
                return false;
            }
            let numbered = self.numbered[*i].as_ref();
            let is_first = numbered.is_none_or(|n| n.ends_with(" (1)"));
            numbered.is_some_and(|n| wanted.contains(n))
                || (wanted.contains(plain) && (is_first || !self.told_apart.contains(plain)))
                || pattern.as_ref().is_some_and(|p| {
                    p.is_match(if is_first {
                        plain
                    } else {
                        numbered.unwrap_or(plain)
                    })
                })
        };
        Ok((0..self.plain.len()).filter(fits).collect())
    }
}

/// A `from_pattern`, whatever the case.
///
/// # Errors
/// When it is no regular expression.
fn heading_pattern(pattern: &str) -> Result<Regex> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .build()
        .map_err(|e| {
            Diagnostic::error(
                Code::WrongValue,
                format!("`{pattern}` is not a regular expression"),
            )
            .label(e.to_string())
            .into()
        })
}

/// Headings are equal when these are: no byte order mark, no outer space, no case.
fn normal(heading: &str) -> String {
    one_line(heading).to_lowercase()
}

/// A heading without line feeds and doubled blanks.
fn one_line(heading: &str) -> String {
    heading
        .trim_start_matches('\u{feff}')
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn missing(
    column: &Column,
    found: &[String],
    headings: &[String],
    place: &DataPlace,
) -> Diagnostic {
    let wanted = column.headings();
    let near = wanted
        .iter()
        .find_map(|w| nearest(&normal(w), found.iter().map(String::as_str)))
        .and_then(|near| found.iter().position(|f| f == near))
        .map(|i| headings[i].trim());
    let expected = wanted
        .iter()
        .map(|w| format!("`{w}`"))
        .chain(
            column
                .from_pattern
                .iter()
                .map(|p| format!("that fits `{}`", **p)),
        )
        .collect::<Vec<_>>()
        .join(" or ");
    let hint = match near {
        Some(near) => format!(
            "the nearest heading is `{near}`: if it is the same thing, add it to `from:` of `{}`",
            *column.name
        ),
        None => format!(
            "no heading is near it: ask the sender, or write `missing: as_null` at `{}`",
            *column.name
        ),
    };
    Diagnostic::error(
        Code::Header,
        format!(
            "there is no heading {expected} for the column `{}`",
            *column.name
        ),
    )
    .at(place.clone().column(column.name.as_str()))
    .label(format!("the header has {} headings", headings.len()))
    .hint(hint)
}

fn twice(column: &Column, headings: &[String], at: &[usize], place: &DataPlace) -> Diagnostic {
    let names = at
        .iter()
        .map(|i| format!("`{}`", headings[*i].trim()))
        .collect::<Vec<_>>()
        .join(" and ");
    Diagnostic::error(
        Code::Header,
        format!(
            "{} headings fit the column `{}`: {names}",
            at.len(),
            *column.name
        ),
    )
    .at(place.clone().column(column.name.as_str()))
    .label(format!(
        "fields {}",
        at.iter()
            .map(|i| (i + 1).to_string())
            .collect::<Vec<_>>()
            .join(" and ")
    ))
    .hint(
        "say which is meant: a heading that stands more than once is numbered, `… (1)`, `… (2)`, \
         and can be named so in `from`",
    )
}

fn nothing_fits(source: &Source, found: usize, place: &DataPlace) -> Diagnostic {
    let expected: Vec<String> = source
        .columns
        .iter()
        .filter_map(|c| c.headings().first().map(|h| (*h).to_owned()))
        .collect();
    Diagnostic::error(Code::Header, "no heading is one of the contract's")
        .at(place.clone())
        .label(format!(
            "the header has {found} headings; expected {}",
            listed(&expected)
        ))
        .hint("is the header there, on the row it should be, and is the delimiter right?")
}

/// Adds what the file has instead, where that cannot be a person.
fn explain(source: &Source, errors: Diagnostics, new: &[String]) -> Diagnostics {
    let open = !names_people(source);
    let last = errors.len().saturating_sub(1);
    errors
        .into_iter()
        .enumerate()
        .map(|(i, error)| {
            if open && i == last && !new.is_empty() {
                error.hint(format!("headings that fit nothing: {}", listed(new)))
            } else {
                error
            }
        })
        .collect()
}

fn new_columns(new: &[String], place: &DataPlace) -> Diagnostic {
    Diagnostic::error(
        Code::Header,
        format!("the contract does not know {}", listed(new)),
    )
    .at(place.clone())
    .hint("add the columns to the contract, or write `on_new_column: warn`")
}

/// Some names in one text.
pub(super) fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|n| format!("`{n}`"))
        .collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
