//! Rows in batches that cores can share: neither one for all of them nor a hundred little ones.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use crate::compile::session;
use crate::cores::of_each;

/// Batches that a table is dealt into, or about as many, if it has rows for them.
const SHARES: usize = 8;
/// Rows of a batch that is worth dealing out.
const LEAST: usize = 4096;

/// How many rows of so many a batch is to have, for cores to share them.
fn share(rows: usize) -> usize {
    let shares = (rows / LEAST).clamp(1, SHARES);
    rows.div_ceil(shares).clamp(1, session::BATCH_ROWS)
}

/// The rows in their order, batches of little files made into one as far as they fit a share. Those that fill
/// it are left as they are.
pub(super) fn gathered(schema: &SchemaRef, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>> {
    let share = share(rows_of(&batches));
    let mut shares: Vec<Vec<RecordBatch>> = Vec::new();
    for batch in batches {
        match shares.last_mut() {
            Some(begun) if rows_of(begun) + batch.num_rows() <= share => begun.push(batch),
            _ => shares.push(vec![batch]),
        }
    }
    let joined = of_each(shares, |batches| {
        match <[RecordBatch; 1]>::try_from(batches) {
            Ok([whole]) => Ok(whole),
            Err(parts) => Ok(concat_batches(schema, &parts)?),
        }
    });
    joined.into_iter().collect()
}

fn rows_of(batches: &[RecordBatch]) -> usize {
    batches.iter().map(RecordBatch::num_rows).sum()
}

/// The rows in their order, in batches of about as many each, where they are enough to be shared by cores.
pub(super) fn dealt(batches: &[RecordBatch]) -> Vec<RecordBatch> {
    let share = share(rows_of(batches));
    let parts = |batch: &RecordBatch| -> Vec<RecordBatch> {
        let starts = (0..batch.num_rows()).step_by(share);
        starts
            .map(|from| batch.slice(from, share.min(batch.num_rows() - from)))
            .collect()
    };
    batches.iter().flat_map(parts).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Array, ArrayRef, Int64Array};

    use super::*;

    #[test]
    fn little_batches_are_gathered_and_long_ones_left_as_they_are() {
        let batch = |rows: std::ops::Range<i64>| {
            let column: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
            RecordBatch::try_from_iter([("n", column)]).expect("a batch")
        };
        // 40,000 rows are eight shares of 5,000.
        let starts = [0, 300, 600, 5_600, 9_000, 9_001, 40_000];
        let batches: Vec<RecordBatch> = starts.windows(2).map(|w| batch(w[0]..w[1])).collect();
        let schema = batches[0].schema();
        let gathered = gathered(&schema, batches.clone()).expect("gathers");
        let lengths: Vec<usize> = gathered.iter().map(RecordBatch::num_rows).collect();
        assert_eq!(lengths, [600, 5_000, 3_401, 30_999]);
        let all = |batches: &[RecordBatch]| concat_batches(&schema, batches).expect("one batch");
        assert_eq!(all(&gathered), all(&batches));
        assert_eq!(all(&dealt(&gathered)), all(&batches));
        let same = |a: &RecordBatch, b: &RecordBatch| {
            let buffer = |batch: &RecordBatch| batch.column(0).to_data().buffers()[0].as_ptr();
            buffer(a) == buffer(b)
        };
        assert!(same(&gathered[1], &batches[2]) && same(&gathered[3], &batches[5]));
    }
}
