//! What a source says of its submissions, held against the rest: captures, keys, cancellations.

use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::source::{Delivery, Upsert};
use crate::spec::{Column, ColumnCheck, ColumnType, Files, OnFail, Source};

use super::contract::arrow_type;
use super::names::Declared;
use super::project::Compiler;
use super::{SourceNode, TableKind, TableName};

/// The columns that a list of cancelled submissions must have, beside one for each capture of `by`.
const CANCELLED_COLUMNS: [(&str, ColumnType); 4] = [
    ("source", ColumnType::String),
    ("file", ColumnType::String),
    ("sequence", ColumnType::Int),
    ("cancelled_at", ColumnType::Date),
];

/// The list of cancelled submissions that a source heeds: it is made before the source.
pub(super) fn cancelled(node: &SourceNode) -> Option<TableName> {
    let list = node.files.supersede.as_ref()?.cancelled.as_ref()?;
    TableName::parse(list)
}

/// Checks `supersede`, `delivery` and the optional parts of the path.
pub(super) fn check(spec: &Source, files: &Files, text: &Arc<SourceText>, found: &mut Diagnostics) {
    check_brackets(files, text, found);
    let captures: Vec<&str> = files.captures.names().collect();
    for name in files.supersede.iter().flat_map(|s| &s.by) {
        if !captures.contains(&name.as_str()) {
            found.push(
                Diagnostic::error(Code::UnknownName, format!("`{}` is not a capture", **name))
                    .at((text, name.span()))
                    .maybe_hint(did_you_mean(name, captures.iter().copied())),
            );
        }
    }
    check_order(files, text, found);
    let Some(delivery) = &files.delivery else {
        return;
    };
    match &**delivery {
        Delivery::Events if files.supersede.is_some() => found.push(
            Diagnostic::error(Code::WrongValue, "events only add: none supersedes another")
                .at((text, delivery.span()))
                .hint("drop `supersede`, or write `delivery: snapshot`"),
        ),
        Delivery::Upsert(upsert) => check_key(spec, files, upsert, text, found),
        Delivery::Snapshot | Delivery::Events => {}
    }
}

/// The captures that put submissions in order have types of their own.
fn check_order(files: &Files, text: &Arc<SourceText>, found: &mut Diagnostics) {
    for (name, kind) in files.captures.iter() {
        let wanted = match name.as_str() {
            "sequence" if **kind != ColumnType::Int => "int",
            "received_at" if !matches!(**kind, ColumnType::Date | ColumnType::Timestamp(_)) => {
                "date or timestamp"
            }
            _ => continue,
        };
        found.push(
            Diagnostic::error(
                Code::WrongValue,
                format!(
                    "the capture `{}` must be {wanted}: it puts submissions in order",
                    **name
                ),
            )
            .at((text, kind.span()))
            .hint("give it that type, or another name"),
        );
    }
}

/// An optional part closes, holds no other, and stands in the file's name.
fn check_brackets(files: &Files, text: &Arc<SourceText>, found: &mut Diagnostics) {
    let mut open = false;
    let mut right = !files
        .path
        .rsplit_once('/')
        .is_some_and(|(f, _)| f.contains(['[', ']']));
    for c in files.path.chars() {
        right &= !((c == '[' && open) || (c == ']' && !open));
        open = match c {
            '[' => true,
            ']' => false,
            _ => open,
        };
    }
    if open || !right {
        found.push(
            Diagnostic::error(Code::WrongValue, "the brackets in the path do not match")
                .at((text, files.path.span()))
                .hint("an optional part is written as `[_v{sequence}]`, in the file's name only"),
        );
    }
}

/// A key has a value in every row, or rows would be lost without a word.
fn check_key(
    spec: &Source,
    files: &Files,
    upsert: &Upsert,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) {
    if upsert.unique_key.is_empty()
        && let Some(delivery) = &files.delivery
    {
        found.push(
            Diagnostic::error(Code::MissingKey, "`unique_key` names no column")
                .at((text, delivery.span()))
                .hint("name the columns that tell one row from another"),
        );
    }
    for name in &upsert.unique_key {
        let place = (text, name.span());
        let column = spec
            .columns
            .iter()
            .find(|c| c.staged_name() == name.as_str());
        let Some(column) = column else {
            let names = spec.columns.iter().map(Column::staged_name);
            found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("there is no column `{}`", **name),
                )
                .at(place)
                .maybe_hint(did_you_mean(name, names)),
            );
            continue;
        };
        let may_be_null = column.checks.iter().any(|check| {
            matches!(
                check,
                ColumnCheck::Valid(h) | ColumnCheck::Required(h) | ColumnCheck::Accepted(h)
                    | ColumnCheck::Pattern(h) if h.on_fail == Some(OnFail::Warn)
            )
        });
        if !column.required || may_be_null {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("`{}` is part of a key and may be null", **name),
                )
                .at(place)
                .hint("give the column `required: true`, and none of its checks `on_fail: warn`"),
            );
        }
    }
}

impl Compiler<'_> {
    /// `supersede.cancelled` must name a reference that can name submissions.
    pub(super) fn check_cancelled(&mut self, table: &TableName, node: &SourceNode) {
        let Some(supersede) = &node.files.supersede else {
            return;
        };
        let Some(cancelled) = &supersede.cancelled else {
            return;
        };
        let settings = &self.project.settings;
        let source = match settings.sources.get(&table.to_string()) {
            Some(other) if other.files.is_some() => &settings.source,
            _ => &node.source,
        };
        let place = (source, cancelled.span());
        let reference = TableName::parse(cancelled).filter(|t| t.kind == TableKind::Reference);
        let declared = reference.and_then(|t| self.declarations.get(&t));
        let Some(Declared::Source(list)) = declared.map(|d| d.body) else {
            self.found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("there is no reference `{}`", **cancelled),
                )
                .at(place),
            );
            return;
        };
        let captures = supersede.by.iter().filter_map(|name| {
            let kind = node.files.captures.get(name)?;
            Some((name.as_str(), (**kind).clone()))
        });
        for (name, kind) in captures.chain(CANCELLED_COLUMNS) {
            let column = list.columns.iter().find(|c| c.staged_name() == name);
            if column.is_some_and(|c| arrow_type(&c.kind) == arrow_type(&kind)) {
                continue;
            }
            self.found.push(
                Diagnostic::error(
                    Code::Contract,
                    format!("`{}` has no column `{name}` of type {kind}", **cancelled),
                )
                .at(place.clone())
                .hint("it needs source, file, sequence, cancelled_at and a column for each capture of `by`"),
            );
        }
    }
}
