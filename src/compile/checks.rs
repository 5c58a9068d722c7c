//! Table checks: exactly one kind each, every column, expression and other table known.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionContext;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::{Sp, TableCheck};

use super::sources::expression;
use super::{PlannedCheck, TableKind, TableName};

/// Columns of the tables whose columns are known by now.
pub type Schemas = BTreeMap<TableName, SchemaRef>;

/// The tables that checks read beside the one they check, each where it is named.
pub fn other_tables(checks: &[TableCheck]) -> Vec<&Sp<String>> {
    checks
        .iter()
        .flat_map(|c| {
            let related = c.relationships.as_ref().map(|r| &r.to);
            related
                .into_iter()
                .chain(c.reconciles.as_ref().map(|r| &r.to))
        })
        .collect()
}

/// Plans the checks of one table.
pub fn plan(
    context: &SessionContext,
    table: &TableName,
    checks: &[TableCheck],
    schemas: &Schemas,
    text: &Arc<SourceText>,
    table_span: &Range<usize>,
    found: &mut Diagnostics,
) -> Vec<PlannedCheck> {
    let Some(schema) = schemas.get(table) else {
        return Vec::new();
    };
    let mut planned: Vec<PlannedCheck> = Vec::new();
    for check in checks {
        let kinds = kinds(check);
        let span = place(check).unwrap_or_else(|| table_span.clone());
        if kinds.len() != 1 {
            let given = if kinds.is_empty() {
                "none".to_owned()
            } else {
                kinds.join(" and ")
            };
            found.push(
                Diagnostic::error(Code::WrongValue, format!("a check is of one kind; this one has {given}"))
                    .at((text, span))
                    .hint("give one of not_null, unique, expression, accepted_values, relationships, row_count, row_count_change, reconciles"),
            );
            continue;
        }
        if check.row_count_change.is_some() && table.kind != TableKind::Mart {
            found.push(
                Diagnostic::error(Code::WrongValue, "row_count_change is for marts")
                    .at((text, table_span.clone()))
                    .hint("it compares with the version that readers have now"),
            );
        }
        let mut columns = Columns {
            schema,
            text,
            found,
        };
        columns.all(check.not_null.iter().flatten());
        columns.all(check.unique.iter().flatten());
        columns.all(check.accepted_values.iter().map(|a| &a.column));
        columns.all(check.relationships.iter().map(|r| &r.column));
        columns.all(
            check
                .reconciles
                .iter()
                .flat_map(|r| r.measure.iter().chain(&r.by)),
        );
        if let Some(related) = &check.relationships {
            in_other(&related.to, [&related.field], schemas, text, found);
        }
        if let Some(reconciles) = &check.reconciles {
            in_other(
                &reconciles.to,
                reconciles.measure.iter().chain(&reconciles.by),
                schemas,
                text,
                found,
            );
        }
        let mut planned_of = |sql: &Option<Sp<String>>| {
            let sql = sql.as_ref()?;
            expression(context, sql, schema, text, found)
        };
        let (asked, filter) = (planned_of(&check.expression), planned_of(&check.filter));
        let name = check
            .name
            .as_ref()
            .map_or_else(|| default_name(check, kinds[0]), |n| n.as_str().to_owned());
        let name = if planned.iter().any(|p| p.name == name) {
            format!("{name}_{}", planned.len() + 1)
        } else {
            name
        };
        planned.push(PlannedCheck {
            name,
            spec: check.clone(),
            expression: asked,
            filter,
            source: Arc::clone(text),
            span,
        });
    }
    planned
}

struct Columns<'a> {
    schema: &'a SchemaRef,
    text: &'a Arc<SourceText>,
    found: &'a mut Diagnostics,
}

impl Columns<'_> {
    fn all<'s>(&mut self, names: impl IntoIterator<Item = &'s Sp<String>>) {
        for name in names {
            if self.schema.field_with_name(name).is_err() {
                let columns = self.schema.fields().iter().map(|f| f.name().as_str());
                self.found.push(
                    Diagnostic::error(
                        Code::UnknownName,
                        format!("the table has no column `{}`", **name),
                    )
                    .at((self.text, name.span()))
                    .maybe_hint(did_you_mean(name, columns)),
                );
            }
        }
    }
}

/// Columns that a check names in another table. That the table is declared is checked before.
fn in_other<'s>(
    other: &Sp<String>,
    names: impl IntoIterator<Item = &'s Sp<String>>,
    schemas: &Schemas,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) {
    if let Some(schema) = TableName::parse(other).and_then(|t| schemas.get(&t)) {
        Columns {
            schema,
            text,
            found,
        }
        .all(names);
    }
}

fn kinds(check: &TableCheck) -> Vec<&'static str> {
    [
        (check.not_null.is_some(), "not_null"),
        (check.unique.is_some(), "unique"),
        (check.expression.is_some(), "expression"),
        (check.accepted_values.is_some(), "accepted_values"),
        (check.relationships.is_some(), "relationships"),
        (check.row_count.is_some(), "row_count"),
        (check.row_count_change.is_some(), "row_count_change"),
        (check.reconciles.is_some(), "reconciles"),
    ]
    .into_iter()
    .filter_map(|(given, kind)| given.then_some(kind))
    .collect()
}

/// Where a check stands: its name, or the first thing in it that has a place.
fn place(check: &TableCheck) -> Option<Range<usize>> {
    check
        .name
        .iter()
        .chain(&check.expression)
        .chain(check.not_null.iter().flatten())
        .chain(check.unique.iter().flatten())
        .chain(check.accepted_values.iter().map(|a| &a.column))
        .chain(check.relationships.iter().map(|r| &r.column))
        .chain(check.reconciles.iter().map(|r| &r.to))
        .map(Sp::span)
        .next()
}

fn default_name(check: &TableCheck, kind: &str) -> String {
    let columns: Vec<&str> = check
        .not_null
        .iter()
        .flatten()
        .chain(check.unique.iter().flatten())
        .chain(check.accepted_values.iter().map(|a| &a.column))
        .chain(check.relationships.iter().map(|r| &r.column))
        .chain(check.reconciles.iter().flat_map(|r| r.measure.iter()))
        .map(|c| c.as_str())
        .collect();
    match &check.expression {
        Some(expression) => expression.as_str().to_owned(),
        None if columns.is_empty() => kind.to_owned(),
        None => format!("{kind}_{}", columns.join("_")),
    }
}
