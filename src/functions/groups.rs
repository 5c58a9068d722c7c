//! What aggregates have in common: groups, filters, and arguments that are one for all rows.

use std::sync::Arc;

use datafusion::arrow::array::{Array, BooleanArray, RecordBatch};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{ColumnarValue, EmitTo};

/// An argument that is one value for all rows; nothing if it is a column, or not there.
pub(super) fn constant(args: &AccumulatorArgs<'_>, at: usize) -> Option<ScalarValue> {
    // A column is not found in a batch that has none.
    let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
    match args.exprs.get(at)?.evaluate(&nothing) {
        Ok(ColumnarValue::Scalar(value)) => Some(value),
        _ => None,
    }
}

/// How many of so many groups are asked for; they are no longer there after it.
pub(super) fn emitted(groups: &mut usize, emit_to: EmitTo) -> usize {
    let emitted = match emit_to {
        EmitTo::All => *groups,
        EmitTo::First(first) => first,
    };
    *groups -= emitted;
    emitted
}

/// Whether a `FILTER` lets a row through; without one, each.
pub(super) fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}
