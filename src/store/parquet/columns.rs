//! Columns in the types and the shape that files have them in.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, make_array};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, SchemaRef};

use crate::diag::{Code, Diagnostic, Result};

/// The column without a mask of nulls that hides nothing. Whether there is one depends on how the
/// rows were worked out, and the library ends its pages elsewhere where there is.
pub(super) fn unmasked(array: &ArrayRef) -> ArrayRef {
    match array.nulls() {
        Some(nulls) if nulls.null_count() == 0 => {
            let data = array.to_data().into_builder().nulls(None);
            data.build().map_or_else(|_| Arc::clone(array), make_array)
        }
        _ => Arc::clone(array),
    }
}

/// A column as another type, if every value fits.
///
/// # Errors
/// [`Code::Overflow`] naming the column, never the value.
pub fn cast(array: &ArrayRef, to: &DataType, column: &str) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions {
        safe: false,
        ..Default::default()
    };
    cast_with_options(array, to, &options).map_err(|_| {
        Diagnostic::error(
            Code::Overflow,
            format!("a value of `{column}` does not fit {to}, the type its contract promises"),
        )
        .hint("widen the type in the contract, or mend the SQL")
        .into()
    })
}

/// A batch without dictionaries, of the schema's types.
///
/// # Errors
/// When it has not the schema's columns.
pub fn plain(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(array, field)| cast(array, field.data_type(), field.name()));
    RecordBatch::try_new(Arc::clone(schema), columns.collect::<Result<_>>()?)
        .map_err(|e| Diagnostic::bug(format!("rows do not fit their schema: {e}")).into())
}
