//! `martlet indicators`: the specification of every indicator, written from the pipelines.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::csv::ReaderBuilder;
use datafusion::arrow::csv::reader::Format;
use datafusion::arrow::datatypes::{DataType, Field, Schema};

use crate::compile::indicators::{COUNTS, page};
use crate::compile::{self};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Exit, Result};
use crate::spec::Project;
use crate::spec::source::Root;
use crate::store::atomic;

use super::args::{Global, IndicatorsArgs};
use super::printer::Printer;

/// Where the page stands.
pub(super) const PAGE: &str = "docs/indicators.md";

pub async fn indicators(global: &Global, args: &IndicatorsArgs, printer: &Printer) -> Result<Exit> {
    // A page of what does not check would be a page of something else.
    super::load(global).await?;
    let project = project(global)?;
    if args.sql {
        return match compile::indicators::written(&project, COUNTS) {
            Some(sql) => {
                printer.out(&sql);
                Ok(Exit::Done)
            }
            None => {
                Err(Diagnostic::error(Code::EmptySelection, "no pipeline has indicators").into())
            }
        };
    }
    let text = written(&project)?;
    let path = global.project.join(PAGE);
    if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
        return Ok(Exit::Done);
    }
    if args.check {
        return Err(stale().into());
    }
    atomic::write(&path, text.as_bytes())?;
    printer.say("Wrote", PAGE);
    Ok(Exit::Done)
}

fn project(global: &Global) -> Result<Project> {
    Project::load(
        &global.project,
        global.target.as_deref(),
        global.overrides(),
    )
}

/// Says that the page is out of date, if it stands and is.
pub(super) fn staleness(global: &Global) -> Option<Diagnostic> {
    let old = std::fs::read_to_string(global.project.join(PAGE)).ok()?;
    let text = written(&project(global).ok()?).ok()?;
    (old != text).then(|| {
        let mut stale = stale();
        stale.severity = crate::diag::Severity::Warning;
        stale
    })
}

fn stale() -> Diagnostic {
    Diagnostic::error(
        Code::StalePage,
        "the specification of the indicators is out of date",
    )
    .at(DataPlace::file(PAGE))
    .hint("run `martlet indicators`, and read what changed")
}

fn written(project: &Project) -> Result<String> {
    Ok(page::page(project, &targets(project)?))
}

/// The dated targets, where their list is a file of the project.
fn targets(project: &Project) -> Result<Vec<page::DatedTarget>> {
    let references = project.pipelines.iter().map(|p| &p.spec.references);
    let list = references.filter_map(|r| r.get("targets")).next();
    match list {
        Some(list) if list.files.root == Root::Project && list.files.csv.is_some() => {
            let path = project.root.join(list.files.path.as_str());
            read(&path, &list.files.path)
        }
        _ => Ok(Vec::new()),
    }
}

fn read(path: &Path, shown: &str) -> Result<Vec<page::DatedTarget>> {
    let bytes =
        std::fs::read(path).map_err(|e| Diagnostics::from(Diagnostic::io(path, "read", &e)))?;
    let unreadable = |e: datafusion::arrow::error::ArrowError| {
        Diagnostics::from(
            Diagnostic::error(Code::BadFile, format!("the targets cannot be read: {e}"))
                .at(DataPlace::file(shown)),
        )
    };
    let (schema, _) = Format::default()
        .with_header(true)
        .infer_schema(bytes.as_slice(), Some(1))
        .map_err(unreadable)?;
    let texts = schema.fields().iter();
    let texts: Vec<Field> = texts
        .map(|f| Field::new(f.name().trim(), DataType::Utf8, true))
        .collect();
    let reader = ReaderBuilder::new(Arc::new(Schema::new(texts)))
        .with_header(true)
        .build(bytes.as_slice())
        .map_err(unreadable)?;
    let mut targets = Vec::new();
    for batch in reader {
        let batch = batch.map_err(unreadable)?;
        for row in 0..batch.num_rows() {
            let (Some(measure), Some(from), Some(value)) = (
                value(&batch, "measure", row),
                value(&batch, "valid_from", row),
                value(&batch, "value", row),
            ) else {
                continue;
            };
            targets.push(page::DatedTarget {
                measure,
                from,
                value,
                to: self::value(&batch, "valid_to", row),
                source: self::value(&batch, "source", row),
            });
        }
    }
    Ok(targets)
}

fn value(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let column = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    let text = column.is_valid(row).then(|| column.value(row).trim())?;
    (!text.is_empty()).then(|| text.to_owned())
}
