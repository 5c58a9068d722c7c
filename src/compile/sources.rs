//! Sources: everything about a contract that can be wrong before a file is opened.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{DFSchema, plan_err};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, ExprSchemable, Volatility};
use regex::Regex;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::source::Root;
use crate::spec::{Column, ColumnType, DateFormat, Files, Project, Reader, Source, Sp};

use super::contract::{FILE_COLUMN, LINE_COLUMN, staged_schema};
use super::diagnose::clean;
use super::dialects;
use super::names::{Declarations, check_identifier, unknown_table};
use super::remote;
use super::{SourceNode, TableName, bounds, rules, submissions};

/// Checks one source and settles how its files are read in this target.
pub fn compile(
    context: &SessionContext,
    project: &Project,
    table: &TableName,
    spec: &Source,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) -> Option<(SourceNode, SchemaRef)> {
    let before = found.len();
    let replaced = project.settings.sources.get(&table.to_string());
    let (files, files_text) = match replaced.and_then(|other| other.files.as_ref()) {
        Some(files) => (files, &project.settings.source),
        None => (&spec.files, text),
    };
    let mut files = files.clone();
    match &files.root {
        Root::Inbox | Root::Url(_) => {
            if let Some(stable_for) = &project.settings.stable_for {
                files.stable_for = Some(stable_for.clone());
            }
        }
        // Nobody copies into the project while a run reads it.
        Root::Project => files.stable_for = None,
    }
    let files = &files;
    let reader = check_files(files, files_text, found);
    if let Some(reader) = &reader {
        dialects::check_reader(reader, spec, files_text, found);
    }
    submissions::check(spec, files, files_text, found);
    check_columns(spec, files, text, found);
    dialects::check_names(spec, files, [text, files_text], found);
    let schema = staged_schema(spec, files);
    let row_rules = rules::plan(context, spec, &schema, text, found);
    let drops = rules::drops(context, spec, &schema, text, found);
    let root = match &files.root {
        Root::Inbox => project.settings.inbox.clone(),
        Root::Project => project.root.clone(),
        Root::Url(url) => match remote::root(&project.settings, files, files_text, url) {
            Ok(root) => root,
            Err(findings) => {
                found.extend(findings);
                return None;
            }
        },
    };
    let clean = found.len() == before;
    let node = SourceNode {
        spec: spec.clone(),
        source: Arc::clone(text),
        files: files.clone(),
        absent: match replaced {
            Some(other) => other.absent == Some(true),
            None => spec.absent,
        },
        reader: reader?,
        root,
        rules: row_rules,
        drops,
    };
    clean.then_some((node, schema))
}

/// Reports overrides of the target that name no source, or say nothing about it.
pub fn check_overrides(
    project: &Project,
    declarations: &Declarations<'_>,
    found: &mut Diagnostics,
) {
    for (name, other) in project.settings.sources.iter() {
        let source = TableName::parse(name).filter(TableName::is_received);
        let place = (&project.settings.source, name.span());
        let declared = source.as_ref().and_then(|table| declarations.get(table));
        let absent_of_itself = declared.is_some_and(|d| d.body.is_absent());
        let says = match other.absent {
            Some(true) => other.files.is_none(),
            // What is here anyway is not here once more.
            Some(false) => other.files.is_some() || absent_of_itself,
            None => other.files.is_some(),
        };
        if !says {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    "a source has other `files` in a target, or is `absent: true` from it",
                )
                .at(place.clone())
                .hint("say one of the two"),
            );
        }
        match source {
            Some(_) if declared.is_some() => {}
            Some(table) => {
                found.push(unknown_table(declarations, &table, Code::UnknownName).at(place))
            }
            None => found.push(
                Diagnostic::error(Code::UnknownName, format!("`{}` is not a source", **name))
                    .at(place)
                    .hint("write source.name or reference.name"),
            ),
        }
    }
}

fn check_files(files: &Files, text: &Arc<SourceText>, found: &mut Diagnostics) -> Option<Reader> {
    let mut readers = files.readers();
    if readers.len() != 1 {
        found.push(
            Diagnostic::error(
                Code::WrongValue,
                format!("`files` names {} ways to read them, not one", readers.len()),
            )
            .at((text, files.path.span()))
            .label("these files")
            .hint("give exactly one of csv, fixed_width, json_lines, excel, parquet or zip, such as `csv: {}`"),
        );
    }
    check_captures(files, text, found);
    (readers.len() == 1).then(|| readers.remove(0))
}

fn check_captures(files: &Files, text: &Arc<SourceText>, found: &mut Diagnostics) {
    let path = files.path.as_str();
    if path
        .rsplit_once('/')
        .is_some_and(|(folder, _)| folder.contains(['{', '}']))
    {
        found.push(
            Diagnostic::error(Code::NotSupported, "a capture stands in a folder's name")
                .at((text, files.path.span()))
                .hint("captures stand in the file's name only"),
        );
    }
    let mut in_path = BTreeSet::new();
    let mut rest = path;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            found.push(
                Diagnostic::error(Code::WrongValue, "a `{` in the path is never closed")
                    .at((text, files.path.span())),
            );
            return;
        };
        if !in_path.insert(name) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("`{{{name}}}` stands twice in the path"),
                )
                .at((text, files.path.span())),
            );
        }
        rest = after;
    }
    for name in &in_path {
        if files.captures.get(name).is_none() {
            found.push(
                Diagnostic::error(
                    Code::MissingKey,
                    format!("`{{{name}}}` in the path has no type"),
                )
                .at((text, files.path.span()))
                .hint(format!("say it: `captures: {{ {name}: string }}`")),
            );
        }
    }
    for (name, kind) in files.captures.iter() {
        check_identifier(text, name, found);
        if !in_path.contains(name.as_str()) {
            found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("the path has no `{{{}}}`", **name),
                )
                .at((text, name.span()))
                .maybe_hint(did_you_mean(name, in_path.iter().copied())),
            );
        }
        dialects::check_kind(kind, text, found);
        if matches!(**kind, ColumnType::NhsNumber) {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    "an NHS number must not be part of a file's name",
                )
                .at((text, kind.span())),
            );
        }
    }
}

fn check_columns(spec: &Source, files: &Files, text: &Arc<SourceText>, found: &mut Diagnostics) {
    let mut names: BTreeSet<&str> = files
        .captures
        .names()
        .chain([FILE_COLUMN, LINE_COLUMN])
        .collect();
    for column in &spec.columns {
        check_identifier(text, &column.name, found);
        let staged = column.pseudonymise.as_ref().unwrap_or(&column.name);
        if !names.insert(staged.as_str()) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("the column `{}` stands twice", **staged),
                )
                .at((text, staged.span()))
                .hint("columns, captures, `_file` and `_line` share one set of names"),
            );
        }
        check_column(column, text, found);
        dialects::check_column(column, text, found);
    }
    if spec.columns.is_empty() {
        found.push(
            Diagnostic::error(Code::MissingKey, "a source needs at least one column")
                .at((text, spec.sensitivity.span())),
        );
    }
}

fn check_column(column: &Column, text: &Arc<SourceText>, found: &mut Diagnostics) {
    bounds::check(column, text, found);
    rules::check_handlings(column, text, found);
    let dated = matches!(
        *column.kind,
        ColumnType::Date | ColumnType::Timestamp(_) | ColumnType::Month(_)
    );
    let mut wrong = |span, message: String, hint: &str| {
        found.push(
            Diagnostic::error(Code::WrongValue, message)
                .at((text, span))
                .hint(hint),
        );
    };
    if let (false, Some(format)) = (dated, column.formats.first()) {
        wrong(
            format.span(),
            format!("`formats` mean nothing for {}", *column.kind),
            "they are for dates, timestamps and months",
        );
    }
    if let Some(pattern) = &column.pattern
        && Regex::new(pattern).is_err()
    {
        wrong(
            pattern.span(),
            format!("`{}` is not a regular expression", **pattern),
            "such as ^[A-Z][0-9]{5}$",
        );
    }
    if let ColumnType::Decimal { precision, scale } = *column.kind
        && (precision > 38 || scale < 0 || scale as u8 > precision)
    {
        wrong(
            column.kind.span(),
            format!("decimal({precision},{scale}) is impossible"),
            "precision is at most 38 and at least the scale",
        );
    }
    if let Some(from) = &column.two_digit_years_from {
        let formats = column.formats.iter().map(|f| &**f);
        let is_short = |f: &DateFormat| matches!(f, DateFormat::Strftime(t) if t.contains("%y"));
        if !dated || !formats.clone().any(is_short) {
            wrong(
                from.span(),
                "`two_digit_years_from` is of no use: no format has %y".to_owned(),
                "leave it out, or give a format such as %d-%b-%y",
            );
        }
    }
    let is_nhs_number = matches!(*column.kind, ColumnType::NhsNumber);
    match &column.pseudonymise {
        Some(to) if !is_nhs_number => wrong(
            to.span(),
            format!("only an nhs_number is pseudonymised, not {}", *column.kind),
            "drop `pseudonymise`, or leave the column out of the contract",
        ),
        Some(to) => check_identifier(text, to, found),
        None if is_nhs_number => wrong(
            column.kind.span(),
            "an NHS number must not reach staged rows".to_owned(),
            "add `pseudonymise: person_key`",
        ),
        None => {}
    }
}

/// Whether a function's answer changes from run to run.
fn is_volatile(expression: &Expr) -> bool {
    matches!(expression, Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable)
}

/// An SQL expression of a check, planned against the columns it may name; it must be a condition.
pub fn expression(
    context: &SessionContext,
    sql: &Sp<String>,
    schema: &SchemaRef,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) -> Option<Expr> {
    let planned = DFSchema::try_from(schema.as_ref().clone()).and_then(|schema| {
        let expression = context.state().create_logical_expr(sql, &schema)?;
        if expression.exists(|e| Ok(is_volatile(e)))? {
            return plan_err!(
                "its answer depends on the clock or on chance; rows are judged by what they hold"
            );
        }
        let coerced = context
            .state()
            .create_physical_expr(expression.clone(), &schema)?;
        let kind = coerced.data_type(schema.as_arrow())?;
        expression.get_type(&schema)?;
        Ok((expression, kind))
    });
    match planned {
        Ok((expression, DataType::Boolean)) => Some(expression),
        Ok((_, other)) => {
            found.push(
                Diagnostic::error(
                    Code::SqlPlan,
                    format!("the check yields {other}, not true or false"),
                )
                .at((text, sql.span()))
                .hint("write a condition, such as status_date >= diagnosis_date"),
            );
            None
        }
        Err(error) => {
            let root = error.find_root();
            let message = error
                .diagnostic()
                .map_or_else(|| clean(&root.strip_backtrace()), |d| clean(&d.message));
            let columns: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
            found.push(
                Diagnostic::error(Code::SqlPlan, message)
                    .at((text, sql.span()))
                    .label("in this expression")
                    .hint(format!("it may name {}", columns.join(", "))),
            );
            None
        }
    }
}
