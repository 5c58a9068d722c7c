//! What the aggregates of many groups have in common.

use datafusion::arrow::array::{Array, BooleanArray};
use datafusion::logical_expr::EmitTo;

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
