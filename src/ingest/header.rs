//! The header: which field of the file is which column of the contract.
//!
//! Headings are matched trimmed and without regard to case, never by position: a sender who swaps
//! two columns does no harm. In a sensitive source a heading is repeated in a message only when
//! it is near one that was expected, or when the whole contract was found: a file without a
//! header has a person in its first row.

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, nearest};
use crate::spec::source::OnNewColumn;
use crate::spec::{Column, Sensitivity, Source, column::Missing};

/// Which field of the file feeds which column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// Fields of the header.
    pub width: usize,
    /// For each column of the contract, its field; `None` where it may be missing.
    pub slots: Vec<Option<usize>>,
    /// Headings the contract does not know, in the order of the file.
    pub new: Vec<String>,
}

/// Holds the headings of a file against the contract.
///
/// # Errors
/// [`Code::Header`]: a column is missing, a heading stands twice, or a heading is new and the
/// source does not allow it; all of them at once.
pub(super) fn layout(source: &Source, headings: &[String], place: &DataPlace) -> Result<Layout> {
    let found: Vec<String> = headings.iter().map(|h| normal(h)).collect();
    let mut errors = Diagnostics::default();
    let mut slots = Vec::with_capacity(source.columns.len());
    let mut used = vec![false; found.len()];
    for column in &source.columns {
        let wanted: Vec<String> = column.headings().iter().map(|h| normal(h)).collect();
        let at: Vec<usize> = (0..found.len())
            .filter(|i| wanted.contains(&found[*i]))
            .collect();
        for i in &at {
            used[*i] = true;
        }
        if at.len() > 1 {
            errors.push(twice(column, headings, &at, place));
        }
        if at.is_empty() && column.missing != Some(Missing::AsNull) {
            errors.push(missing(column, &found, headings, place));
        }
        slots.push(at.first().copied());
    }
    let new: Vec<String> = headings
        .iter()
        .zip(&used)
        .filter(|(heading, used)| !**used && !heading.trim().is_empty())
        .map(|(heading, _)| heading.trim().to_owned())
        .collect();
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
    })
}

/// Headings are equal when these are: no byte order mark, no outer space, no case.
fn normal(heading: &str) -> String {
    heading
        .trim_start_matches('\u{feff}')
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
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
    .hint("only one may stand in the file: ask the sender which is meant")
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
    let open = *source.sensitivity >= Sensitivity::Aggregate;
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

fn listed(names: &[String]) -> String {
    names
        .iter()
        .map(|n| format!("`{n}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
