//! The rows of a plan in a total order.
//!
//! Keys here are codes, months and ages: they differ in few values. Each key column is numbered in its
//! own order, a row's numbers are put side by side in one integer, and integers are sorted. What is
//! too large for that, or has keys of other kinds, the engine sorts, through the disk if need be.

mod in_plans;
mod keys;

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, new_empty_array};
use datafusion::arrow::compute::{SortOptions, concat, take};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::compile::session::BATCH_ROWS;
use crate::cores::of_each;

use super::memory::{bytes_of, part_of};
use super::once::once;

pub(super) use in_plans::in_place_of_sorts;

/// The part of the memory limit that rows may take and be sorted here.
const PART: usize = 8;

/// A column to sort by, and which way.
type Key = (usize, SortOptions);

/// Runs a plan; its rows come sorted by `order`, columns by name, ascending, nulls last.
pub(super) async fn in_order(
    context: &SessionContext,
    plan: Arc<dyn ExecutionPlan>,
    order: &[String],
) -> Result<SendableRecordBatchStream> {
    let (schema, task) = (plan.schema(), context.task_ctx());
    let side_by_side = context.copied_config().target_partitions() > 1;
    let rows = execute_stream(plan, Arc::clone(&task))?;
    let ascending = SortOptions::new(false, false);
    let keys = order
        .iter()
        .map(|name| Ok((schema.index_of(name)?, ascending)));
    by_keys(
        rows,
        &keys.collect::<Result<Vec<Key>>>()?,
        side_by_side,
        task,
    )
    .await
}

/// The rows sorted by keys, `side_by_side` where more than one core is theirs.
async fn by_keys(
    mut rows: SendableRecordBatchStream,
    order: &[Key],
    side_by_side: bool,
    task: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    if order.is_empty() {
        return Ok(rows);
    }
    let schema = rows.schema();
    let room = part_of(task.memory_pool(), PART);
    let memory = MemoryConsumer::new("sort").register(task.memory_pool());
    let mut batches: Vec<RecordBatch> = Vec::new();
    while let Some(batch) = rows.try_next().await? {
        let bytes = bytes_of(&batch);
        let fits = memory.size() + bytes <= room && memory.try_grow(bytes).is_ok();
        batches.push(batch);
        if !fits {
            memory.free();
            return by_the_engine(&schema, batches, Some(rows), order, task);
        }
    }
    let Some(sequence) = keys::sequence(&batches, order, side_by_side) else {
        memory.free();
        return by_the_engine(&schema, batches, None, order, task);
    };
    let sorted = gather(&schema, batches, sequence, side_by_side)?;
    let slices = (0..sorted.num_rows()).step_by(BATCH_ROWS).map(move |from| {
        // Given back with the last slice.
        let _ = &memory;
        Ok(sorted.slice(from, BATCH_ROWS.min(sorted.num_rows() - from)))
    });
    let slices = stream::iter(slices);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, slices)))
}

/// The rows in a sequence, a column at a time: the unsorted one is let go as soon as it is not needed.
fn gather(
    schema: &SchemaRef,
    batches: Vec<RecordBatch>,
    sequence: Vec<u32>,
    side_by_side: bool,
) -> Result<RecordBatch> {
    let rows = sequence.len();
    let as_they_came = sequence.is_sorted();
    let sequence = UInt32Array::from(sequence);
    let in_sequence = |(parts, kind): (Vec<ArrayRef>, &DataType)| -> Result<ArrayRef> {
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        let column = match parts[..] {
            [] => new_empty_array(kind),
            _ => concat(&parts)?,
        };
        match as_they_came {
            true => Ok(column),
            false => Ok(take(&column, &sequence, None)?),
        }
    };
    let mut parts: Vec<Vec<ArrayRef>> = schema.fields().iter().map(|_| Vec::new()).collect();
    for batch in batches {
        for (parts, column) in parts.iter_mut().zip(batch.columns()) {
            parts.push(Arc::clone(column));
        }
    }
    let kinds = schema.fields().iter().map(|field| field.data_type());
    let columns = parts.into_iter().zip(kinds);
    let columns: Result<Vec<ArrayRef>> = match side_by_side && rows >= keys::MANY_ROWS {
        true => of_each(columns, in_sequence).into_iter().collect(),
        false => columns.map(in_sequence).collect(),
    };
    Ok(RecordBatch::try_new(Arc::clone(schema), columns?)?)
}

/// Sorts rows that have come and those that are still to come.
fn by_the_engine(
    schema: &SchemaRef,
    come: Vec<RecordBatch>,
    to_come: Option<SendableRecordBatchStream>,
    order: &[Key],
    task: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let keys = order.iter().map(|(column, options)| {
        let name = schema.field(*column).name();
        PhysicalSortExpr::new(Arc::new(Column::new(name, *column)), *options)
    });
    let Some(order) = LexOrdering::new(keys) else {
        return Err(DataFusionError::Internal("nothing to sort by".to_owned()));
    };
    let rows = stream::iter(come.into_iter().map(Ok)).chain(stream::iter(to_come).flatten());
    let rows = RecordBatchStreamAdapter::new(Arc::clone(schema), rows);
    let rows = once(Box::pin(rows))?;
    execute_stream(Arc::new(SortExec::new(order, rows)), task)
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{AsArray, Float64Array, Int64Array, UInt64Array};
    use datafusion::arrow::compute::concat_batches;
    use datafusion::arrow::datatypes::Int64Type;
    use datafusion::catalog::TableProvider;
    use datafusion::datasource::MemTable;

    use super::*;
    use crate::engine::{Engine, Limits};

    /// Rows in the order of their key, by a session that may use so many bytes.
    async fn sorted(batch: RecordBatch, memory: usize) -> RecordBatch {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = Limits {
            memory,
            spill: 1 << 30,
            partitions: 2,
        };
        let engine = Engine::new(limits, folder.path(), |_| ()).expect("an engine");
        let context = engine.session();
        let schema = batch.schema();
        let half = batch.num_rows() / 2;
        let parts = [
            batch.slice(0, half),
            batch.slice(half, batch.num_rows() - half),
        ];
        let parts = parts.into_iter().map(|part| in_batches(&part)).collect();
        let table = MemTable::try_new(Arc::clone(&schema), parts).expect("a table");
        let state = context.state();
        let plan = table.scan(&state, None, &[], None).await.expect("scans");
        let rows = in_order(&context, plan, &["key".to_owned()])
            .await
            .expect("sorts");
        let rows: Vec<RecordBatch> = rows.try_collect().await.expect("rows");
        concat_batches(&schema, &rows).expect("one batch")
    }

    fn in_batches(part: &RecordBatch) -> Vec<RecordBatch> {
        let starts = (0..part.num_rows()).step_by(BATCH_ROWS);
        starts
            .map(|from| part.slice(from, BATCH_ROWS.min(part.num_rows() - from)))
            .collect()
    }

    fn of(column: ArrayRef) -> RecordBatch {
        let beside = Arc::clone(&column);
        RecordBatch::try_from_iter_with_nullable([("key", column, true), ("beside", beside, true)])
            .expect("a batch")
    }

    #[tokio::test]
    async fn rows_beyond_the_room_are_sorted_by_the_engine_and_stand_the_same() {
        let keys: Int64Array = (0..300_000_i64)
            .map(|i| (i % 7 > 0).then_some(i * 7_919 % 300_007))
            .collect();
        let whole = sorted(of(Arc::new(keys.clone())), 1 << 30).await;
        let by_the_engine = sorted(of(Arc::new(keys.clone())), 36 << 20).await;
        assert_eq!(whole, by_the_engine);
        assert_eq!(whole.column(0), whole.column(1));
        let found = whole.column(0).as_primitive::<Int64Type>();
        let known = found.len() - found.null_count();
        assert_eq!(found.null_count(), keys.null_count());
        assert!(
            found
                .slice(known, found.null_count())
                .iter()
                .all(|key| key.is_none())
        );
        assert!(found.values()[..known].is_sorted());
    }

    #[tokio::test]
    async fn keys_of_other_kinds_are_sorted_by_the_engine() {
        let keys = Float64Array::from(vec![Some(2.5), None, Some(-1.0), Some(0.25)]);
        let found = sorted(of(Arc::new(keys)), 1 << 30).await;
        let expected = Float64Array::from(vec![Some(-1.0), Some(0.25), Some(2.5), None]);
        assert_eq!(found, of(Arc::new(expected)));
    }

    #[tokio::test]
    async fn numbers_of_rows_are_sorted_however_large() {
        for beyond in [0, u64::MAX - 9] {
            let keys = [Some(7), None, Some(0), Some(9), Some(3)];
            let keys = keys.map(|key| key.map(|key: u64| key + beyond));
            let batch = of(Arc::new(UInt64Array::from_iter(keys)));
            let ascending = (0, SortOptions::new(false, false));
            let sequence = keys::sequence(std::slice::from_ref(&batch), &[ascending], false);
            let ours = vec![2, 4, 0, 3, 1];
            assert_eq!(sequence, (beyond == 0).then_some(ours));
            let sorted = sorted(batch, 1 << 30).await;
            let expected = [Some(0), Some(3), Some(7), Some(9), None];
            let expected = expected.map(|key| key.map(|key: u64| key + beyond));
            assert_eq!(sorted, of(Arc::new(UInt64Array::from_iter(expected))));
        }
    }

    #[tokio::test]
    async fn no_rows_have_an_order_too() {
        let none = of(Arc::new(Int64Array::from(Vec::<i64>::new())));
        assert_eq!(sorted(none, 1 << 30).await.num_rows(), 0);
    }
}
