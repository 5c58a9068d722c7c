//! A query's rows, sorted by a total order, as Parquet or in memory.

use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use futures::TryStreamExt;

use crate::compile::{session, translate};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, SourceText};
use crate::functions::Refused;
use crate::store::atomic::Placed;
use crate::store::parquet::{ParquetFile, ParquetWriter, cast};

use super::neighbours::Neighbours;
use super::{choices, first_rows, long_batches, lookup, repeated, row_numbers, sort};

/// A table that was written.
pub struct Materialised {
    /// Where it is.
    pub file: ParquetFile,
    /// Whether no two rows agree on the columns they are sorted by. False is not certain.
    pub distinct: bool,
}

/// A plan as the engine would rather have it.
///
/// # Errors
/// When an expression cannot be worked out.
pub fn optimised(
    context: &SessionContext,
    source: &Arc<SourceText>,
    plan: &LogicalPlan,
) -> Result<LogicalPlan> {
    let optimised = context.state().optimize(plan);
    optimised.map_err(|e| run_error(source, &e))
}

/// Runs an optimised plan and writes its rows, sorted by `order` (ascending, nulls last), as one
/// Parquet file of exactly `schema`. `source` is the SQL, for places in errors; `see` is shown the rows
/// as they go by, in their order, as queries hold them.
///
/// # Errors
/// When the query fails, a value does not fit its type, memory or disk runs out.
pub async fn materialise(
    context: &SessionContext,
    source: &Arc<SourceText>,
    plan: LogicalPlan,
    order: &[String],
    schema: &SchemaRef,
    path: &Path,
    mut see: impl FnMut(&RecordBatch),
) -> Result<(Materialised, Placed)> {
    let held = session::in_memory(schema);
    let mut stream = sorted(context, source, plan, order).await?;
    let mut writer = ParquetWriter::create(path, Arc::clone(schema), order)?;
    let mut neighbours = Neighbours::by(schema, order);
    while let Some(batch) = stream.try_next().await.map_err(|e| run_error(source, &e))? {
        let batch = fit(&batch, &held).map_err(|e| at_sql(e, source))?;
        neighbours.look_at(&batch)?;
        see(&batch);
        writer.write(batch)?;
    }
    let (file, placed) = writer.place()?;
    let distinct = neighbours.all_differ();
    Ok((Materialised { file, distinct }, placed))
}

/// Runs an optimised plan and returns its rows, sorted by `order`, as batches of exactly `schema`.
///
/// # Errors
/// When the query fails or a value does not fit its type.
pub async fn rows(
    context: &SessionContext,
    source: &Arc<SourceText>,
    plan: LogicalPlan,
    order: &[String],
    schema: &SchemaRef,
) -> Result<Vec<RecordBatch>> {
    let stream = sorted(context, source, plan, order).await?;
    let batches: Vec<RecordBatch> = stream
        .try_collect()
        .await
        .map_err(|e| run_error(source, &e))?;
    batches.iter().map(|b| fit(b, schema)).collect()
}

async fn sorted(
    context: &SessionContext,
    source: &Arc<SourceText>,
    plan: LogicalPlan,
    order: &[String],
) -> Result<SendableRecordBatchStream> {
    let fail = |e: datafusion::error::DataFusionError| run_error(source, &e);
    let state = context.state();
    let planner = state.query_planner();
    let physical = planner.create_physical_plan(&plan, &state).await;
    let physical = physical
        .and_then(sort::in_place_of_sorts)
        .and_then(first_rows::in_place_of_windows)
        .and_then(row_numbers::in_place_of_windows)
        .and_then(lookup::in_place_of_joins)
        .and_then(repeated::in_place_of_groups)
        .and_then(choices::in_place_of_cases)
        .and_then(long_batches::through_filters)
        .map_err(fail)?;
    let rows = sort::in_order(context, physical, order).await;
    rows.map_err(fail)
}

/// The batch in the schema's types, by position.
fn fit(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| cast(array, field.data_type(), field.name()))
        .collect::<Result<Vec<ArrayRef>>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|e| {
        Diagnostic::error(Code::Contract, format!("the rows break the contract: {e}")).into()
    })
}

/// The rows of a Parquet file, batch by batch.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path) -> Result<impl Iterator<Item = Result<RecordBatch>>> {
    let file = std::fs::File::open(path)
        .map_err(|e| Diagnostics::from(Diagnostic::io(path, "open", &e)))?;
    let shown = path.display().to_string();
    let broken = move |e: String| {
        Diagnostics::from(
            Diagnostic::error(
                Code::State,
                format!("not the Parquet file it should be: {e}"),
            )
            .at(DataPlace::file(shown.clone()))
            .hint("delete it and run again: it will be made anew"),
        )
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(8192).build())
        .map_err(|e| broken(e.to_string()))?;
    Ok(reader.map(move |batch| batch.map_err(|e| broken(e.to_string()))))
}

/// A failure while a query runs. Values stay out of it: the engine's own words may quote them.
fn run_error(source: &Arc<SourceText>, error: &datafusion::error::DataFusionError) -> Diagnostics {
    use datafusion::error::DataFusionError as E;
    let translated = translate(source, error);
    if translated.code == Code::Memory {
        return translated.at((source, 0..0)).into();
    }
    let (code, message, hint) = match error.find_root() {
        E::IoError(e) => (
            Code::Io,
            format!("input or output failed: {e}"),
            "check the disk",
        ),
        E::ArrowError(e, _) => (
            Code::SqlRun,
            arrow_fault(e),
            "guard the expression, or use TRY_CAST",
        ),
        E::ParquetError(_) | E::ObjectStore(_) => (
            Code::Io,
            "a file of the lake could not be read".to_owned(),
            "delete it and run again: it will be made anew",
        ),
        E::External(e) if e.is::<Refused>() => (
            Code::SqlRun,
            e.to_string(),
            "docs/functions.md says what it takes; CASE WHEN keeps such rows away from it",
        ),
        // The engine's own words may quote a value.
        _ => (
            Code::SqlRun,
            "the query failed on a row".to_owned(),
            "run parts of it with `martlet query` to find the expression",
        ),
    };
    Diagnostic::error(code, message)
        .at((source, 0..0))
        .label("in this query")
        .hint(hint)
        .into()
}

fn arrow_fault(error: &datafusion::arrow::error::ArrowError) -> String {
    use datafusion::arrow::error::ArrowError as A;
    match error {
        A::CastError(_) => "a value cannot be cast",
        A::DivideByZero => "a division by zero",
        A::ArithmeticOverflow(_) => "a number is too large for its type",
        A::ParseError(_) => "a text cannot be parsed",
        _ => "an expression failed on a row",
    }
    .to_owned()
}

fn at_sql(found: Diagnostics, source: &Arc<SourceText>) -> Diagnostics {
    found.into_iter().map(|d| d.at((source, 0..0))).collect()
}
