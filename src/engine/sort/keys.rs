//! Rows' keys as integers that sort as the rows do.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Int64Type};

use crate::store::parquet::Texts;

/// One key column: a number for each row, in the order of its values, nulls last.
struct Numbers {
    numbers: Vec<u64>,
    /// How many bits hold the largest.
    bits: u32,
}

/// The numbers of rows, counted over all batches, in the order of these columns; nothing where keys
/// are of other kinds, or do not fit one integer.
pub(super) fn sequence(batches: &[RecordBatch], columns: &[usize]) -> Option<Vec<u32>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let row_bits = bits(u64::try_from(rows).ok()?);
    let mut room = u128::BITS.checked_sub(row_bits)?;
    if row_bits > u32::BITS {
        return None;
    }
    let mut keys = vec![0_u128; rows];
    for column in columns {
        let parts: Vec<&ArrayRef> = batches.iter().map(|b| b.column(*column)).collect();
        let column = numbered(&parts)?;
        room = room.checked_sub(column.bits)?;
        for (key, number) in keys.iter_mut().zip(column.numbers) {
            *key = *key << column.bits | u128::from(number);
        }
    }
    // With its own number no two rows agree, and those that agree in all keys stay as they came.
    for (row, key) in keys.iter_mut().enumerate() {
        *key = *key << row_bits | row as u128;
    }
    keys.sort_unstable();
    let row = (1_u128 << row_bits) - 1;
    Some(keys.into_iter().map(|key| (key & row) as u32).collect())
}

/// Bits that hold every number up to `most`.
fn bits(most: u64) -> u32 {
    u64::BITS - most.leading_zeros()
}

fn numbered(parts: &[&ArrayRef]) -> Option<Numbers> {
    match parts.first()?.data_type() {
        DataType::Utf8View | DataType::Utf8 => ranks(parts),
        DataType::Decimal128(_, _) => {
            let values = parts.iter().flat_map(|part| {
                let values = part.as_primitive::<Decimal128Type>();
                values.iter().map(|value| value.map(i64::try_from))
            });
            distances(
                values
                    .map(Option::transpose)
                    .collect::<Result<_, _>>()
                    .ok()?,
            )
        }
        DataType::Boolean | DataType::Date32 | DataType::Timestamp(_, _) => whole(parts),
        // Half of the others do not fit the type that they are compared in.
        kind if kind.is_integer() && *kind != DataType::UInt64 => whole(parts),
        _ => None,
    }
}

fn whole(parts: &[&ArrayRef]) -> Option<Numbers> {
    let mut values = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        let part = cast(part, &DataType::Int64).ok()?;
        let part = part.as_primitive::<Int64Type>();
        values.extend(part.iter());
    }
    distances(values)
}

/// Each value's distance from the least.
fn distances(values: Vec<Option<i64>>) -> Option<Numbers> {
    let least = values.iter().flatten().min().copied().unwrap_or_default();
    let most = values.iter().flatten().max().copied().unwrap_or_default();
    let null = most.abs_diff(least).checked_add(1)?;
    let number = |value: Option<i64>| value.map_or(null, |value| value.abs_diff(least));
    let has_nulls = values.iter().any(Option::is_none);
    Some(Numbers {
        numbers: values.into_iter().map(number).collect(),
        bits: bits(if has_nulls { null } else { null - 1 }),
    })
}

/// Each text's place among those that differ, by their bytes.
fn ranks(parts: &[&ArrayRef]) -> Option<Numbers> {
    let mut texts = Texts::default();
    for part in parts {
        let part = match part.data_type() {
            DataType::Utf8View => part,
            _ => &cast(part, &DataType::Utf8View).ok()?,
        };
        texts.push(part).ok()?;
    }
    let distinct = texts.in_number_order();
    let mut places: Vec<usize> = (0..distinct.len()).collect();
    places.sort_unstable_by_key(|number| distinct[*number]);
    let mut ranks = vec![0; distinct.len()];
    for (rank, number) in places.into_iter().enumerate() {
        ranks[number] = rank as u64;
    }
    let null = ranks.len() as u64;
    let mut found = texts.numbers.iter().map(|number| ranks[*number as usize]);
    let numbers = (0..texts.rows()).map(|row| match texts.held.get_bit(row) {
        true => found.next().unwrap_or(null),
        false => null,
    });
    let has_nulls = texts.numbers.len() < texts.rows();
    Some(Numbers {
        numbers: numbers.collect(),
        bits: bits(if has_nulls {
            null
        } else {
            null.saturating_sub(1)
        }),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use datafusion::arrow::array::{
        BooleanArray, Date32Array, Decimal128Array, Int64Array, StringViewArray, UInt32Array,
    };
    use datafusion::arrow::compute::{
        SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch,
    };
    use proptest::prelude::*;

    type Row = (
        Option<i64>,
        Option<String>,
        Option<bool>,
        Option<i32>,
        Option<i128>,
    );

    fn batch(rows: &[Row]) -> RecordBatch {
        let decimals = rows.iter().map(|r| r.4).collect::<Decimal128Array>();
        let columns: [(_, ArrayRef, _); 5] = [
            (
                "int",
                Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>()),
                true,
            ),
            (
                "text",
                Arc::new(
                    rows.iter()
                        .map(|r| r.1.clone())
                        .collect::<StringViewArray>(),
                ),
                true,
            ),
            (
                "yes",
                Arc::new(rows.iter().map(|r| r.2).collect::<BooleanArray>()),
                true,
            ),
            (
                "day",
                Arc::new(rows.iter().map(|r| r.3).collect::<Date32Array>()),
                true,
            ),
            (
                "half",
                Arc::new(decimals.with_precision_and_scale(12, 1).expect("decimals")),
                true,
            ),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).expect("a batch")
    }

    /// The rows as the library sorts them.
    fn expected(all: &RecordBatch, columns: &[usize]) -> RecordBatch {
        let keys = columns.iter().map(|column| SortColumn {
            values: Arc::clone(all.column(*column)),
            options: Some(SortOptions::new(false, false)),
        });
        let indices = lexsort_to_indices(&keys.collect::<Vec<_>>(), None).expect("sorts");
        take_record_batch(all, &indices).expect("rows")
    }

    proptest! {
        #[test]
        fn rows_stand_as_the_library_sorts_them(
            rows in prop::collection::vec(
                (
                    prop::option::weighted(0.9, prop_oneof![Just(i64::MIN / 4), Just(i64::MAX / 4), -3_i64..3]),
                    prop::option::weighted(0.9, "[a-bé\u{0}]{0,3}|a text of more than twelve bytes[ab]?"),
                    prop::option::of(any::<bool>()),
                    prop::option::weighted(0.9, -9_i32..9),
                    prop::option::weighted(0.9, -9_i128..9),
                ),
                0..40,
            ),
            at in 0_usize..40,
            mut columns in Just(vec![0_usize, 1, 2, 3, 4]).prop_shuffle(),
            first in 1_usize..5,
        ) {
            // All columns decide in the end, so that there is one right answer.
            columns.rotate_left(first);
            let at = at.min(rows.len());
            let batches = [batch(&rows[..at]), batch(&rows[at..])];
            let all = concat_batches(&batches[0].schema(), &batches).expect("one batch");
            let sequence = sequence(&batches, &columns).expect("keys that fit");
            let found = take_record_batch(&all, &UInt32Array::from(sequence)).expect("rows");
            prop_assert_eq!(found, expected(&all, &columns));
        }
    }

    #[test]
    fn keys_that_do_not_fit_are_left_to_the_engine() {
        let wide: Row = (Some(i64::MIN), None, None, None, None);
        let rows = [wide, (Some(i64::MAX), None, None, None, None)];
        assert_eq!(sequence(&[batch(&rows)], &[0, 0]), None);
    }
}
