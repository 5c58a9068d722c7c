//! Rows' keys as integers that sort as the rows do.

use std::num::TryFromIntError;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Int64Array, RecordBatch,
};
use datafusion::arrow::compute::{SortOptions, cast, max, min};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Int64Type, UInt64Type};
use datafusion::arrow::error::ArrowError;

use crate::cores::of_each;
use crate::store::parquet::Texts;

use super::Key;

/// One key column: a number for each row, in the order that is asked for.
struct Numbers {
    numbers: Vec<u64>,
    /// How many bits hold the largest.
    bits: u32,
}

/// Rows below which a second thread costs more than it saves.
pub(super) const MANY_ROWS: usize = 100_000;

/// The numbers of rows, counted over all batches, in the order of these keys; nothing where they
/// are of other kinds, or do not fit one integer. Many rows are numbered and sorted `side_by_side`.
pub(super) fn sequence(
    batches: &[RecordBatch],
    order: &[Key],
    side_by_side: bool,
) -> Option<Vec<u32>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let row_bits = bits(u64::try_from(rows).ok()?);
    if row_bits > u32::BITS {
        return None;
    }
    let side_by_side = side_by_side && rows >= MANY_ROWS;
    let number_column = |(column, options): &Key| {
        let parts: Vec<&ArrayRef> = batches.iter().map(|b| b.column(*column)).collect();
        numbered(&parts, *options)
    };
    let numbered_columns: Option<Vec<Numbers>> = match side_by_side {
        true => of_each(order, number_column).into_iter().collect(),
        false => order.iter().map(number_column).collect(),
    };
    let mut numbered_columns = numbered_columns?;
    // One number says nothing of the order.
    numbered_columns.retain(|column| column.bits > 0);
    let width = row_bits
        + numbered_columns
            .iter()
            .map(|column| column.bits)
            .sum::<u32>();
    let low = |bits: u32| (1_u64 << bits) - 1;
    match width {
        ..=64 => {
            let mut keys = vec![0_u64; rows];
            for Numbers { numbers, bits } in numbered_columns {
                for (key, number) in keys.iter_mut().zip(numbers) {
                    *key = *key << bits | number;
                }
            }
            number(&mut keys, |key, row| key << row_bits | row as u64);
            let row = low(row_bits);
            Some(sorted(keys, side_by_side, |key| (key & row) as u32))
        }
        65..=128 => {
            let mut keys = vec![0_u128; rows];
            for Numbers { numbers, bits } in numbered_columns {
                for (key, number) in keys.iter_mut().zip(numbers) {
                    *key = *key << bits | u128::from(number);
                }
            }
            number(&mut keys, |key, row| key << row_bits | row as u128);
            let row = u128::from(low(row_bits));
            Some(sorted(keys, side_by_side, |key| (key & row) as u32))
        }
        _ => None,
    }
}

/// Puts each row's own number into its key: no two agree then, and rows that agree in all else stay as
/// they came.
fn number<K: Copy>(keys: &mut [K], with: impl Fn(K, usize) -> K) {
    for (row, key) in keys.iter_mut().enumerate() {
        *key = with(*key, row);
    }
}

/// The rows of keys, in the order of the keys; two halves are sorted `side_by_side`.
fn sorted<K: Ord + Send>(mut keys: Vec<K>, side_by_side: bool, row: impl Fn(K) -> u32) -> Vec<u32> {
    if !side_by_side || keys.is_sorted() {
        keys.sort_unstable();
        return keys.into_iter().map(row).collect();
    }
    let half = keys.len() / 2;
    let (left, right) = keys.split_at_mut(half);
    std::thread::scope(|scope| {
        scope.spawn(|| left.sort_unstable());
        right.sort_unstable();
    });
    // Finds the two halves, and merges them.
    keys.sort();
    keys.into_iter().map(row).collect()
}

/// Bits that hold every number up to `most`.
fn bits(most: u64) -> u32 {
    u64::BITS - most.leading_zeros()
}

/// Whether keys of a kind can be numbered, if they fit.
pub(super) fn are_numbered(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8View | DataType::Utf8 | DataType::Decimal128(_, _) => true,
        DataType::Boolean | DataType::Date32 | DataType::Timestamp(_, _) => true,
        kind => kind.is_integer(),
    }
}

fn numbered(parts: &[&ArrayRef], options: SortOptions) -> Option<Numbers> {
    match parts.first()?.data_type() {
        DataType::Utf8View | DataType::Utf8 => ranks(parts, options),
        DataType::Decimal128(_, _) => narrow::<Decimal128Type>(parts, options),
        DataType::UInt64 => narrow::<UInt64Type>(parts, options),
        kind if are_numbered(kind) => {
            let wide = parts.iter().map(|part| {
                let part = cast(part, &DataType::Int64)?;
                Ok::<_, ArrowError>(part.as_primitive::<Int64Type>().clone())
            });
            distances(&wide.collect::<Result<Vec<_>, _>>().ok()?, options)
        }
        _ => None,
    }
}

/// Numbers of a kind that not all fit the one in which they are compared.
fn narrow<T: ArrowPrimitiveType<Native: TryInto<i64, Error = TryFromIntError>>>(
    parts: &[&ArrayRef],
    options: SortOptions,
) -> Option<Numbers> {
    let narrow = parts.iter().map(|part| {
        let values = part.as_primitive::<T>();
        values.try_unary::<_, Int64Type, _>(|value| {
            let value: Result<i64, TryFromIntError> = value.try_into();
            value.map_err(|e| ArrowError::from_external_error(Box::new(e)))
        })
    });
    distances(&narrow.collect::<Result<Vec<_>, _>>().ok()?, options)
}

/// Numbers from 0 to a greatest one, and nulls, as they are asked for.
struct Asked {
    options: SortOptions,
    greatest: u64,
    null: u64,
    /// What comes before all numbers: the null.
    before: u64,
    bits: u32,
}

impl Asked {
    fn of(greatest: u64, has_nulls: bool, options: SortOptions) -> Option<Self> {
        let beyond = greatest.checked_add(1)?;
        Some(Self {
            options,
            greatest,
            null: if options.nulls_first { 0 } else { beyond },
            before: u64::from(has_nulls && options.nulls_first),
            bits: bits(if has_nulls { beyond } else { greatest }),
        })
    }

    fn number(&self, number: u64) -> u64 {
        self.before
            + match self.options.descending {
                true => self.greatest - number,
                false => number,
            }
    }
}

/// Each value's distance from the least.
fn distances(parts: &[Int64Array], options: SortOptions) -> Option<Numbers> {
    let least = parts.iter().filter_map(min).min().unwrap_or_default();
    let most = parts.iter().filter_map(max).max().unwrap_or_default();
    let has_nulls = parts.iter().any(|part| part.null_count() > 0);
    let asked = Asked::of(most.abs_diff(least), has_nulls, options)?;
    let number = |value: i64| asked.number(value.abs_diff(least));
    let mut numbers = Vec::with_capacity(parts.iter().map(|part| part.len()).sum());
    for part in parts {
        match part.null_count() {
            0 => numbers.extend(part.values().iter().map(|value| number(*value))),
            _ => numbers.extend(part.iter().map(|value| value.map_or(asked.null, number))),
        }
    }
    Some(Numbers {
        numbers,
        bits: asked.bits,
    })
}

/// Each text's place among those that differ, by their bytes.
fn ranks(parts: &[&ArrayRef], options: SortOptions) -> Option<Numbers> {
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
    let has_nulls = texts.numbers.len() < texts.rows();
    let greatest = (distinct.len() as u64).saturating_sub(1);
    let asked = Asked::of(greatest, has_nulls, options)?;
    let mut ranks = vec![0; distinct.len()];
    for (rank, number) in places.into_iter().enumerate() {
        ranks[number] = asked.number(rank as u64);
    }
    let mut found = texts.numbers.iter().map(|number| ranks[*number as usize]);
    let numbers = (0..texts.rows()).map(|row| match texts.held.get_bit(row) {
        true => found.next().unwrap_or(asked.null),
        false => asked.null,
    });
    Some(Numbers {
        numbers: numbers.collect(),
        bits: asked.bits,
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
        SortColumn, concat_batches, lexsort_to_indices, take_record_batch,
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
    fn expected(all: &RecordBatch, order: &[Key]) -> RecordBatch {
        let keys = order.iter().map(|(column, options)| SortColumn {
            values: Arc::clone(all.column(*column)),
            options: Some(*options),
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
            ways in prop::array::uniform5((any::<bool>(), any::<bool>())),
        ) {
            // All columns decide in the end, so that there is one right answer.
            columns.rotate_left(first);
            let at = at.min(rows.len());
            let batches = [batch(&rows[..at]), batch(&rows[at..])];
            let all = concat_batches(&batches[0].schema(), &batches).expect("one batch");
            let ways = ways.map(|(descending, nulls_first)| SortOptions::new(descending, nulls_first));
            let columns: Vec<Key> = columns.into_iter().zip(ways).collect();
            let sequence = sequence(&batches, &columns, false).expect("keys that fit");
            let found = take_record_batch(&all, &UInt32Array::from(sequence)).expect("rows");
            prop_assert_eq!(found, expected(&all, &columns));
        }
    }

    #[test]
    fn keys_that_do_not_fit_are_left_to_the_engine() {
        let wide: Row = (Some(i64::MIN), None, None, None, None);
        let rows = [wide, (Some(i64::MAX), None, None, None, None)];
        assert_eq!(
            sequence(&[batch(&rows)], &[(0, SortOptions::default()); 2], false),
            None
        );
    }
}
