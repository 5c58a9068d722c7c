//! `martlet query`: ask the warehouse something.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;

use crate::compile::{self, Plan, SystemTable, lineage, sql};
use crate::diag::{Code, Diagnostic, Diagnostics, Exit, Result, SourceText, did_you_mean};
use crate::engine::{self, Engine, Limits};
use crate::functions;
use crate::run;
use crate::store::Lake;

use super::args::{AnswerFormat, Global, QueryArgs};
use super::printer::Printer;

/// What stands where an identifiable value would.
const MASK: &str = "(masked)";

pub async fn query(global: &Global, args: &QueryArgs, printer: &Printer) -> Result<Exit> {
    let (plan, _) = super::load(global).await?;
    let lake = Lake::new(&plan.settings.lake);
    let engine = Engine::new(
        Limits::from(&plan.settings),
        &lake.question_spill(),
        functions::register,
    )?;
    let context = engine.session();
    let source = SourceText::new("query", args.sql.clone());
    let statement = sql::parse_question(&source)?;
    let statement = sql::query(&source, statement, &BTreeMap::new())?.at(run::as_of(&plan));
    let tables = sql::tables(&context, &source, &statement)?;
    check_names(&plan, &source, &tables)?;
    let tables: BTreeSet<_> = tables.into_keys().collect();
    run::open(&plan, &context, &tables).await?;
    let logical = compile::plan_query(&context.state(), &source, statement).await?;
    let masked = lineage::telling(&logical, &identifiable(&plan));
    let schema = Arc::new(logical.schema().as_arrow().clone());
    let optimised = engine::optimised(&context, &source, &logical)?;
    let batches = engine::rows(&context, &source, optimised, &[], &schema).await?;
    let batches: Vec<RecordBatch> = batches
        .iter()
        .map(|b| mask(b, &masked))
        .collect::<Result<_>>()?;
    let batches = if batches.is_empty() {
        vec![mask(&RecordBatch::new_empty(schema), &masked)?]
    } else {
        batches
    };
    let all: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let shown = head(&batches, if args.limit == 0 { all } else { args.limit });
    let format = if printer.json {
        AnswerFormat::Json
    } else {
        args.format
    };
    print(&shown, format, printer)?;
    if all > args.limit && args.limit > 0 {
        printer.say(
            "Shown",
            &format!("{} of {all} rows; --limit 0 shows all", args.limit),
        );
    }
    Ok(Exit::Done)
}

fn check_names(
    plan: &Plan,
    source: &Arc<SourceText>,
    tables: &BTreeMap<compile::TableName, std::ops::Range<usize>>,
) -> Result<()> {
    let own = SystemTable::ALL.map(|t| t.name().to_string());
    let names = plan.nodes.iter().map(|n| n.name.to_string()).chain(own);
    let names: Vec<String> = names.collect();
    let found: Diagnostics = tables
        .iter()
        .filter(|(table, _)| plan.node(table).is_none() && SystemTable::of(table).is_none())
        .map(|(table, place)| {
            Diagnostic::error(
                Code::SqlUnknownTable,
                format!("there is no table `{table}`"),
            )
            .at((source, place.clone()))
            .maybe_hint(did_you_mean(
                &table.to_string(),
                names.iter().map(String::as_str),
            ))
        })
        .collect();
    if found.has_errors() {
        Err(found)
    } else {
        Ok(())
    }
}

/// The identifiable columns of each table. Of marts only those of single people have any, pseudonyms.
fn identifiable(plan: &Plan) -> lineage::Identifiable {
    plan.nodes
        .iter()
        .map(|n| (n.name.clone(), n.identifiable.clone()))
        .collect()
}

/// The batch with masks where identifiable values stand; null stays null.
fn mask(batch: &RecordBatch, masked: &[bool]) -> Result<RecordBatch> {
    let schema = batch.schema();
    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .zip(masked)
        .map(|((field, array), masked)| {
            if !*masked {
                return (
                    field.as_ref().clone().with_nullable(true),
                    Arc::clone(array),
                );
            }
            let texts = (0..array.len()).map(|i| array.is_valid(i).then_some(MASK));
            let array: ArrayRef = Arc::new(texts.collect::<StringArray>());
            (Field::new(field.name(), DataType::Utf8, true), array)
        })
        .unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|e| Diagnostic::bug(e.to_string()).into())
}

fn head(batches: &[RecordBatch], mut rows: usize) -> Vec<RecordBatch> {
    let mut head = Vec::new();
    for (i, batch) in batches.iter().enumerate() {
        if rows == 0 && i > 0 {
            break;
        }
        let n = rows.min(batch.num_rows());
        head.push(batch.slice(0, n));
        rows -= n;
    }
    head
}

fn print(batches: &[RecordBatch], format: AnswerFormat, printer: &Printer) -> Result<()> {
    let bug =
        |e: datafusion::arrow::error::ArrowError| Diagnostics::from(Diagnostic::bug(e.to_string()));
    let text = match format {
        AnswerFormat::Table => format!("{}\n", pretty_format_batches(batches).map_err(bug)?),
        AnswerFormat::Csv => {
            let mut bytes = Vec::new();
            let mut writer = datafusion::arrow::csv::Writer::new(&mut bytes);
            for batch in batches {
                writer.write(batch).map_err(bug)?;
            }
            drop(writer);
            String::from_utf8_lossy(&bytes).into_owned()
        }
        AnswerFormat::Json => {
            let mut bytes = Vec::new();
            let mut writer = datafusion::arrow::json::ArrayWriter::new(&mut bytes);
            for batch in batches {
                writer.write(batch).map_err(bug)?;
            }
            writer.finish().map_err(bug)?;
            // An empty answer is an empty list, not an empty text.
            if bytes.is_empty() {
                bytes.extend_from_slice(b"[]");
            }
            let _ = bytes.write_all(b"\n");
            String::from_utf8_lossy(&bytes).into_owned()
        }
    };
    printer.out(&text);
    Ok(())
}
