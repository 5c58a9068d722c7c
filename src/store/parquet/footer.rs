//! What the footer of a file says of its rows.

use std::path::Path;

use datafusion::arrow::array::ArrayRef;
use datafusion::parquet::arrow::arrow_reader::ArrowReaderMetadata;
use datafusion::parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::ParquetMetaDataReader;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};

/// How many rows a file has, by its footer.
///
/// # Errors
/// When it is not there, or is no Parquet file.
pub fn rows_of(path: &Path) -> Result<u64> {
    let file = std::fs::File::open(path).map_err(|e| Diagnostic::io(path, "read", &e))?;
    let metadata = ParquetMetaDataReader::new()
        .parse_and_finish(&file)
        .map_err(|e| {
            Diagnostic::error(Code::State, format!("no Parquet file of ours: {e}"))
                .at(DataPlace::file(path.display().to_string()))
                .hint("remove it: it is then made again")
        })?;
    Ok(u64::try_from(metadata.file_metadata().num_rows()).unwrap_or_default())
}

/// The least and the greatest value of a column in each row group of a file, by its footer; null
/// where that is not said.
///
/// # Errors
/// When it is not there, is no Parquet file, or has no such column.
pub fn ranges_of(path: &Path, column: &str) -> Result<(ArrayRef, ArrayRef)> {
    let broken = |e: ParquetError| {
        Diagnostics::from(
            Diagnostic::error(Code::State, format!("no Parquet file of ours: {e}"))
                .at(DataPlace::file(path.display().to_string()))
                .hint("remove it: it is then made again"),
        )
    };
    let file = std::fs::File::open(path).map_err(|e| Diagnostic::io(path, "read", &e))?;
    let footer = ArrowReaderMetadata::load(&file, Default::default()).map_err(broken)?;
    let metadata = footer.metadata();
    let statistics = StatisticsConverter::try_new(
        column,
        footer.schema(),
        metadata.file_metadata().schema_descr(),
    )
    .map_err(broken)?;
    let groups = metadata.row_groups();
    let least = statistics.row_group_mins(groups).map_err(broken)?;
    let greatest = statistics.row_group_maxes(groups).map_err(broken)?;
    Ok((least, greatest))
}
