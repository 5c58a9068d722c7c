//! What the footers of a table's files say of its values.

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::compute::kernels::cmp::eq;
use datafusion::arrow::compute::{cast, concat, filter};
use datafusion::datasource::listing::ListingTable;
use datafusion::execution::context::SessionContext;
use url::Url;

use crate::compile::{TableName, session};
use crate::store::parquet;

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

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray};
    use datafusion::arrow::datatypes::SchemaRef;

    use super::super::tables::on_disk;
    use super::*;
    use crate::compile::TableKind;
    use crate::store::parquet::ParquetWriter;

    /// A file of these days, numbers that differ and a word.
    fn file(folder: &Path, name: &str, days: &[Option<i32>]) -> (PathBuf, SchemaRef) {
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
