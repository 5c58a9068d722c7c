//! The keys that rows are looked up by, as integers of sixteen bytes: one short text, or one or two
//! whole numbers or days.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::joins::HashJoinExec;

use crate::store::views::is_whole;

/// Whether the join's keys can be put into sixteen bytes: one text, or whole numbers and days.
pub(super) fn are_keys(join: &HashJoinExec) -> bool {
    let sides = [join.left().schema(), join.right().schema()];
    let mut kinds = Vec::new();
    for (left, right) in join.on() {
        let (left, right) = (left.data_type(&sides[0]), right.data_type(&sides[1]));
        match (left, right) {
            (Ok(left), Ok(right)) if left == right => kinds.push(left),
            _ => return false,
        }
    }
    match &kinds[..] {
        [DataType::Utf8View] => true,
        [_] | [_, _] => kinds
            .iter()
            .all(|kind| kind.is_signed_integer() || *kind == DataType::Date32),
        _ => false,
    }
}

/// The key of a row.
#[derive(Clone, Copy)]
pub(super) enum Key {
    /// It may equal others.
    Of(u128),
    /// It equals nothing.
    Null,
    /// A text that does not stand in its view.
    Long,
}

/// The keys of a batch's rows.
pub(super) fn keys<'a>(
    expressions: impl Iterator<Item = &'a Arc<dyn PhysicalExpr>>,
    batch: &RecordBatch,
) -> Result<Vec<Key>> {
    let mut keys = vec![Key::Of(0); batch.num_rows()];
    for expression in expressions {
        let column = expression.evaluate(batch)?.into_array(batch.num_rows())?;
        if let Some(texts) = column.as_string_view_opt() {
            for (key, view) in keys.iter_mut().zip(texts.views()) {
                *key = match is_whole(*view) {
                    true => Key::Of(*view),
                    false => Key::Long,
                };
            }
        } else {
            let numbers = cast(&column, &DataType::Int64)?;
            let numbers = numbers.as_primitive::<Int64Type>();
            for (key, number) in keys.iter_mut().zip(numbers.values()) {
                if let Key::Of(so_far) = key {
                    *so_far = *so_far << 64 | u128::from(*number as u64);
                }
            }
        }
        if let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) {
            for (key, known) in keys.iter_mut().zip(nulls) {
                if !known {
                    *key = Key::Null;
                }
            }
        }
    }
    Ok(keys)
}
