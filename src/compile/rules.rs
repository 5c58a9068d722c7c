//! A source's own rules on its rows: what they name, what they read, what they drop.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionContext;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::check::RowRelationship;
use crate::spec::{Column, ColumnCheck, OnFail, RowCheck, Source, Sp};

use super::checks::Schemas;
use super::contract::staged_schema;
use super::names::{Declarations, unknown_table};
use super::sources::expression;
use super::{DropRule, RowRule, RowTest, TableKind, TableName};

/// The tables that a source reads beside its files: they are made before it. A name that is no
/// table's is reported where it is checked.
pub fn input_tables(name: &TableName, spec: &Source) -> BTreeSet<TableName> {
    let expected = spec.freshness.iter().filter_map(|f| f.expected.as_ref());
    let related = spec.checks.iter().filter_map(|c| c.relationship.as_ref());
    expected
        .filter_map(|e| TableName::parse(&e.from))
        .chain(related.filter_map(|r| target(r).map(|(table, _)| table)))
        // That is reported where it is checked; a circle of one would be an echo.
        .filter(|table| table != name)
        .collect()
}

/// Plans the rules on rows. What a relationship names elsewhere is checked by [`relationships`],
/// when every table is known.
pub fn plan(
    context: &SessionContext,
    spec: &Source,
    schema: &SchemaRef,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) -> Vec<RowRule> {
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for check in &spec.checks {
        if !names.insert(check.name.as_str()) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("two checks are called `{}`", *check.name),
                )
                .at((text, check.name.span())),
            );
        }
        if let Some(test) = test(context, check, spec, schema, text, found) {
            rules.push(RowRule {
                name: check.name.as_str().to_owned(),
                test,
                on_fail: check.on_fail.unwrap_or(OnFail::Quarantine),
                warn_if: check.warn_if,
                error_if: check.error_if,
            });
        }
    }
    rules
}

/// Plans the rules that drop rows.
pub fn drops(
    context: &SessionContext,
    spec: &Source,
    schema: &SchemaRef,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) -> Vec<DropRule> {
    let mut names = BTreeSet::new();
    let mut drops = Vec::new();
    for rule in &spec.drop_rows {
        if !names.insert(rule.name.as_str()) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("two rules of `drop_rows` are called `{}`", *rule.name),
                )
                .at((text, rule.name.span()))
                .hint("dropped rows are counted by name"),
            );
        }
        if let Some(expression) = expression(context, &rule.expression, schema, text, found) {
            drops.push(DropRule {
                name: rule.name.as_str().to_owned(),
                expression,
            });
        }
    }
    drops
}

fn test(
    context: &SessionContext,
    check: &RowCheck,
    spec: &Source,
    schema: &SchemaRef,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) -> Option<RowTest> {
    match (&check.expression, &check.unique, &check.relationship) {
        (Some(sql), None, None) => {
            expression(context, sql, schema, text, found).map(RowTest::Expression)
        }
        (None, Some(columns), None) => unique(check, columns, spec, schema, text, found),
        (None, None, Some(related)) => {
            let known = known_column(&related.column, spec, schema, text, found);
            let target = target(related);
            if target.is_none() {
                found.push(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!("`{}` is not a column of a reference", *related.to),
                    )
                    .at((text, related.to.span()))
                    .hint(
                        "write reference.table.column, such as reference.practices.practice_code",
                    ),
                );
            }
            let (table, field) = target.filter(|_| known)?;
            Some(RowTest::Relationship {
                column: related.column.as_str().to_owned(),
                table,
                field,
            })
        }
        _ => {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("the check `{}` is not of one kind", *check.name),
                )
                .at((text, check.name.span()))
                .hint("give exactly one of `expression`, `unique` and `relationship`"),
            );
            None
        }
    }
}

fn unique(
    check: &RowCheck,
    columns: &[Sp<String>],
    spec: &Source,
    schema: &SchemaRef,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) -> Option<RowTest> {
    let before = found.len();
    if columns.is_empty() {
        found.push(
            Diagnostic::error(Code::WrongValue, "`unique` names no column")
                .at((text, check.name.span()))
                .hint("such as `unique: [record_id]`"),
        );
    }
    let mut seen = BTreeSet::new();
    for column in columns {
        known_column(column, spec, schema, text, found);
        if !seen.insert(column.as_str()) {
            found.push(
                Diagnostic::error(Code::DuplicateName, format!("`{}` stands twice", **column))
                    .at((text, column.span()))
                    .hint("keep one of them"),
            );
        }
    }
    let columns = columns.iter().map(|c| c.as_str().to_owned()).collect();
    (found.len() == before).then_some(RowTest::Unique(columns))
}

/// Whether a rule's column is one of the source's; it is reported if not.
fn known_column(
    name: &Sp<String>,
    spec: &Source,
    schema: &SchemaRef,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) -> bool {
    if schema.field_with_name(name).is_ok() {
        return true;
    }
    let replaced = spec
        .columns
        .iter()
        .find(|c| c.name.as_str() == name.as_str())
        .map(|c| {
            format!(
                "its values are replaced before rules see them: write `{}`",
                c.staged_name()
            )
        });
    let columns = schema.fields().iter().map(|f| f.name().as_str());
    found.push(
        Diagnostic::error(
            Code::UnknownName,
            format!("the source has no column `{}`", **name),
        )
        .at((text, name.span()))
        .maybe_hint(replaced.or_else(|| did_you_mean(name, columns))),
    );
    false
}

/// `reference.practices.practice_code` as a table and a column.
fn target(related: &RowRelationship) -> Option<(TableName, String)> {
    let (table, field) = related.to.rsplit_once('.')?;
    let table = TableName::parse(table).filter(|t| t.kind == TableKind::Reference)?;
    (!field.is_empty()).then(|| (table, field.to_owned()))
}

/// Reports relationships to what is not there, to the source itself, or to values of another type.
pub fn relationships(
    name: &TableName,
    spec: &Source,
    declarations: &Declarations<'_>,
    schemas: &Schemas,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) {
    let here = staged_schema(spec, &spec.files);
    for related in spec.checks.iter().filter_map(|c| c.relationship.as_ref()) {
        let Some((table, field)) = target(related) else {
            continue;
        };
        let place = (text, related.to.span());
        if table == *name {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    "a relationship is to another table, not to the source itself",
                )
                .at(place)
                .hint("rules are judged row by row, before the table is there"),
            );
            continue;
        }
        if !declarations.contains_key(&table) {
            found.push(unknown_table(declarations, &table, Code::UnknownName).at(place));
            continue;
        }
        // A table that is at fault itself is reported elsewhere.
        let Some(there) = schemas.get(&table) else {
            continue;
        };
        let Ok(other) = there.field_with_name(&field) else {
            let columns = there.fields().iter().map(|f| f.name().as_str());
            found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("`{table}` has no column `{field}`"),
                )
                .at(place)
                .maybe_hint(did_you_mean(&field, columns)),
            );
            continue;
        };
        if let Ok(ours) = here.field_with_name(&related.column)
            && ours.data_type() != other.data_type()
        {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!(
                        "`{}` is {}, `{}` is {}: no value of one is a value of the other",
                        *related.column,
                        ours.data_type(),
                        *related.to,
                        other.data_type()
                    ),
                )
                .at(place)
                .hint("give both columns the same type"),
            );
        }
    }
}

/// Reports handlings of rules that the column does not have, or has twice.
pub(super) fn check_handlings(column: &Column, text: &Arc<SourceText>, found: &mut Diagnostics) {
    let mut seen = BTreeSet::new();
    for check in &column.checks {
        let (rule, there, remedy) = match check {
            ColumnCheck::Valid(_) => ("valid", true, ""),
            ColumnCheck::Required(_) => ("required", column.required, "required: true"),
            ColumnCheck::Accepted(_) => {
                ("accepted", !column.accepted.is_empty(), "accepted: [...]")
            }
            ColumnCheck::Pattern(_) => ("pattern", column.pattern.is_some(), "pattern: ..."),
            ColumnCheck::Range(_) => {
                let bounded = column.min.is_some() || column.max.is_some();
                ("range", bounded, "min: ...` or `max: ...")
            }
            ColumnCheck::Unique(_) => ("unique", column.unique, "unique: true"),
        };
        let message = if !seen.insert(rule) {
            format!("`{}` says twice how `{rule}` is handled", *column.name)
        } else if !there {
            format!("`{}` has no rule `{rule}` to handle", *column.name)
        } else {
            continue;
        };
        let remedy = match there {
            true => "keep one of them".to_owned(),
            false => format!("write `{remedy}` beside `checks`, or leave the handling out"),
        };
        found.push(
            Diagnostic::error(Code::WrongValue, message)
                .at((text, column.name.span()))
                .hint(remedy),
        );
    }
}
