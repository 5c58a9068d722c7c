//! Tables from explicit lists of Parquet files, and views.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::compute::kernels::cmp::eq;
use datafusion::arrow::compute::{cast, concat, filter};
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

/// Values that a column of a table surely has, by the footers of its files: where all rows of a row group
/// have the same, as in a file of one month. Nothing where no footer says so.
pub async fn surely_has(
    context: &SessionContext,
    table: &TableName,
    column: &str,
) -> Option<RecordBatch> {
    let provider = context
        .table_provider(session::reference(table))
        .await
        .ok()?;
    let files = provider.downcast_ref::<ListingTable>()?.table_paths();
    let kind = provider
        .schema()
        .field_with_name(column)
        .ok()?
        .data_type()
        .clone();
    // The ends of texts may be cut off.
    if !kind.is_primitive() {
        return None;
    }
    let mut values = Vec::new();
    for file in files {
        let path = Url::parse(file.as_str()).ok()?.to_file_path().ok()?;
        let (least, greatest) = parquet::ranges_of(&path, column).ok()?;
        values.push(filter(&least, &eq(&least, &greatest).ok()?).ok()?);
    }
    let values: Vec<&dyn Array> = values.iter().map(AsRef::as_ref).collect();
    let values = cast(&concat(&values).ok()?, &kind).ok()?;
    let found = RecordBatch::try_from_iter([(column, values)]).ok()?;
    (found.num_rows() > 0).then_some(found)
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

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray};

    use super::*;
    use crate::compile::TableKind;
    use crate::store::parquet::ParquetWriter;

    /// A file of these days, numbers that differ and a word.
    fn file(folder: &std::path::Path, name: &str, days: &[Option<i32>]) -> (PathBuf, SchemaRef) {
        let columns: [(_, ArrayRef, _); 3] = [
            ("day", Arc::new(Date32Array::from(days.to_vec())), true),
            (
                "n",
                Arc::new(Int64Array::from_iter_values(0..days.len() as i64)),
                false,
            ),
            (
                "word",
                Arc::new(StringArray::from(vec!["one"; days.len()])),
                false,
            ),
        ];
        let rows = RecordBatch::try_from_iter_with_nullable(columns).expect("rows");
        let path = folder.join(name);
        let mut writer = ParquetWriter::create(&path, rows.schema(), &[]).expect("a file");
        writer.write(rows.clone()).expect("writes");
        writer.finish(&[]).expect("finishes");
        (path, rows.schema())
    }

    #[tokio::test]
    async fn a_table_surely_has_what_all_rows_of_a_file_have() {
        let folder = tempfile::tempdir().expect("a folder");
        let days: [&[Option<i32>]; 4] = [
            &[Some(3), Some(3)],
            &[Some(4), Some(5)],
            &[None, Some(6)],
            &[None, None],
        ];
        let made = days.iter().enumerate();
        let made = made.map(|(i, days)| file(folder.path(), &format!("{i}.parquet"), days));
        let (paths, schemas): (Vec<_>, Vec<_>) = made.unzip();
        let context = session::context(session::config(2), Arc::default(), |_| {});
        let table = TableName::new(TableKind::Model, "days");
        let on_disk = on_disk(&schemas[0], &paths).expect("a table");
        session::register(&context, &table, on_disk).expect("registers");
        let surely = surely_has(&context, &table, "day").await.expect("values");
        // A null beside a day does not make it another day.
        let expected: ArrayRef = Arc::new(Date32Array::from(vec![3, 6]));
        assert_eq!(surely.column(0), &expected);
        for column in ["n", "word", "nothing"] {
            assert!(surely_has(&context, &table, column).await.is_none());
        }
    }
}
