//! Tables from explicit lists of Parquet files, and views.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::datasource::view::ViewTable;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use url::Url;

use crate::compile::{TableName, session};
use crate::diag::{DataPlace, Diagnostic, Diagnostics, Result};
use crate::store::parquet;

use super::held::{Held, Rows, SMALL};

/// Makes Parquet files known as one table, in the order given. No files make an empty table. `read` are
/// the columns that queries will ask for, as far as that is known, and `rows` what a [`Keeper`] of
/// those kept.
///
/// [`Keeper`]: super::Keeper
///
/// The engine reads a missing file as no rows: each must be there.
///
/// # Errors
/// When a file is not there.
pub fn register_files(
    context: &SessionContext,
    table: &TableName,
    schema: &SchemaRef,
    files: &[PathBuf],
    read: Option<&BTreeSet<String>>,
    rows: Option<Rows>,
) -> Result<()> {
    if files.is_empty() {
        return session::register_empty(context, table, Arc::clone(schema));
    }
    let on_disk = self::on_disk(schema, files)?;
    if rows.is_none() && !is_small(files) {
        return session::register(context, table, on_disk);
    }
    let held = Held::new(
        session::in_memory(schema),
        read,
        files.to_vec(),
        on_disk,
        rows,
    );
    session::register(context, table, Arc::new(held))
}

/// Gives back what is held of a table that nobody will read any more.
pub async fn let_go(context: &SessionContext, table: &TableName) {
    let provider = context.table_provider(session::reference(table)).await;
    if let Some(held) = provider
        .ok()
        .as_ref()
        .and_then(|p| p.downcast_ref::<Held>())
    {
        held.let_go();
    }
}

/// Whether files are so small that their table is held in memory.
pub fn is_small(files: &[PathBuf]) -> bool {
    let bytes = files
        .iter()
        .map(|file| file.metadata().map_or(0, |m| m.len()));
    bytes.sum::<u64>() <= SMALL
}

/// Parquet files as one table, in the order given. There is at least one.
///
/// # Errors
/// When a file is not there.
pub fn on_disk(schema: &SchemaRef, files: &[PathBuf]) -> Result<Arc<ListingTable>> {
    let bug = |e: String| Diagnostics::from(Diagnostic::bug(e));
    let mut urls = Vec::with_capacity(files.len());
    for file in files {
        // `canonicalize` fails for a file that is not there.
        let path = file
            .canonicalize()
            .map_err(|e| Diagnostics::from(Diagnostic::io(file, "open", &e)))?;
        let url = Url::from_file_path(&path).map_err(|()| {
            Diagnostics::from(
                Diagnostic::bug("a path is not absolute")
                    .at(DataPlace::file(path.display().to_string())),
            )
        })?;
        urls.push(ListingTableUrl::try_new(url, None).map_err(|e| bug(e.to_string()))?);
    }
    let options =
        ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(session::in_memory(schema));
    let table = ListingTable::try_new(config).map_err(|e| bug(e.to_string()))?;
    Ok(Arc::new(table))
}

/// A plan that reads these files of a table, and of all others what it read before.
///
/// # Errors
/// When a file is not there.
pub fn of_files(
    plan: &LogicalPlan,
    table: &TableName,
    schema: &SchemaRef,
    files: &[PathBuf],
) -> Result<LogicalPlan> {
    let provider: Arc<dyn TableProvider> = match files.is_empty() {
        true => Arc::new(EmptyTable::new(session::in_memory(schema))),
        false => self::on_disk(schema, files)?,
    };
    let name = session::reference(table);
    let read = session::reading(plan, |scan| {
        (scan.table_name == name).then(|| Arc::clone(&provider))
    });
    match read {
        // The optimiser may have found that its rows do not matter.
        Ok(read) => Ok(read.data),
        Err(error) => Err(Diagnostic::bug(error.to_string()).into()),
    }
}

/// Makes a plan known as a table that is worked out each time it is read.
///
/// # Errors
/// Only by a fault of ours.
pub fn register_view(context: &SessionContext, table: &TableName, plan: LogicalPlan) -> Result<()> {
    session::register(context, table, Arc::new(ViewTable::new(plan, None)))
}

/// Makes rows in memory known as a table.
///
/// # Errors
/// Only by a fault of ours.
pub fn register_rows(context: &SessionContext, table: &TableName, rows: RecordBatch) -> Result<()> {
    let schema = session::in_memory(&rows.schema());
    let rows = parquet::plain(&rows, &schema)?;
    let provider = MemTable::try_new(schema, vec![vec![rows]])
        .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
    session::register(context, table, Arc::new(provider))
}
