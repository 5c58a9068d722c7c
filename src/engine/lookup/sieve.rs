//! Joins of a few rows with millions, of which most find nothing.
//!
//! The engine hashes the keys of every row of the large side and looks each of them up. Here a bitmap
//! of the few keys, small enough for a core's own cache, holds back most of the rows that would find
//! nothing; those it lets through go to the engine's join.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::BatchCoalescer;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{JoinType, NullEquality};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt, stream};

use crate::compile::session::BATCH_ROWS;

use super::super::bits::Bits;
use super::super::instead::{Quicker, above, once_there, run_by};
use super::super::memory::bytes_of;
use super::super::once::once;
use super::for_all::ForAll;

/// Rows from which on a side is worth a sieve; in tests a few are.
const MANY: usize = if cfg!(test) { 16 } else { 1 << 20 };
/// Rows of the other side up to which their bitmap lies in a core's own cache.
const FEW: usize = if cfg!(test) { 5 } else { 1 << 17 };
/// Bits for each of them: one row in sixteen is let through by chance.
const BITS: usize = 16;
/// Rows after which a sieve that holds back less than half is done without.
const TRIED: usize = 1 << 17;

/// A join that drops the rows of its right side that find nothing.
#[derive(Debug)]
pub(super) struct Sieve {
    /// The key of both sides that rows are told apart by.
    left: Arc<dyn PhysicalExpr>,
    right: usize,
    /// The engine's join of the left side, read once for all partitions, and the sifted right side.
    join: Arc<ForAll<Arc<dyn ExecutionPlan>>>,
}

impl Quicker for Sieve {
    const NAME: &'static str = "Sieve";

    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let join = node.downcast_ref::<HashJoinExec>()?;
        let drops = matches!(
            join.join_type(),
            JoinType::Inner | JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti
        );
        let plain = *join.partition_mode() == PartitionMode::CollectLeft
            && join.null_equality() == NullEquality::NullEqualsNothing
            && join.fetch().is_none()
            && !join.null_aware;
        let whole = |side: &Arc<dyn ExecutionPlan>, key: &Arc<dyn PhysicalExpr>| {
            matches!(key.data_type(&side.schema()), Ok(DataType::Int64))
        };
        let (left, right) = join.on().iter().find_map(|(left, right)| {
            let column = right.downcast_ref::<Column>()?.index();
            let whole = whole(join.left(), left) && whole(join.right(), right);
            whole.then(|| (Arc::clone(left), column))
        })?;
        (drops && plain && are_many(join.right())).then(|| Self {
            left,
            right,
            join: Arc::default(),
        })
    }

    fn execute(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (node, schema) = (Arc::clone(node), node.schema());
        let (left, right, join) = (Arc::clone(&self.left), self.right, Arc::clone(&self.join));
        let rows = async move {
            let sifted = async || sifted(&node, &left, right, Arc::clone(&task)).await;
            join.made(sifted).await?.execute(partition, task)
        };
        Ok(once_there(schema, rows))
    }
}

/// Whether the table that a plan goes through has many rows, as far as is known.
fn are_many(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if let [below] = plan.children()[..] {
        return are_many(below);
    }
    let known = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
    let rows = known.ok().and_then(|s| s.num_rows.get_value().copied());
    plan.children().is_empty() && rows.is_some_and(|rows| rows >= MANY)
}

/// The engine's join of the left side, which is read, and of the rows of the right side that may find
/// something; of all of them where the left side is not small.
async fn sifted(
    node: &Arc<dyn ExecutionPlan>,
    key: &Arc<dyn PhysicalExpr>,
    right: usize,
    task: Arc<TaskContext>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let [left, many] = node.children()[..] else {
        return Ok(Arc::clone(node));
    };
    let memory = MemoryConsumer::new("sieve").register(task.memory_pool());
    let mut rows = left.execute(0, task)?;
    let (mut few, mut number) = (Vec::new(), 0);
    while number <= FEW
        && let Some(batch) = rows.try_next().await?
    {
        memory.try_grow(bytes_of(&batch))?;
        number += batch.num_rows();
        few.push(batch);
    }
    let many = match number <= FEW {
        true => {
            let bitmap = Arc::new(bitmap_of(&few, key, number)?);
            run_by(many, Sifted { bitmap, key: right })
        }
        false => Arc::clone(many),
    };
    // What was read cannot be read again. Its memory is the join's own from there on.
    let read = stream::iter(few.into_iter().map(move |batch| {
        memory.shrink(bytes_of(&batch).min(memory.size()));
        Ok(batch)
    }));
    let left = RecordBatchStreamAdapter::new(left.schema(), read.chain(rows));
    above(node, vec![once(Box::pin(left))?, many])
}

/// A bitmap of the keys of rows.
fn bitmap_of(rows: &[RecordBatch], key: &Arc<dyn PhysicalExpr>, number: usize) -> Result<Bits> {
    let mut bitmap = Bits::for_hashes(number, BITS);
    for batch in rows {
        let keys = key.evaluate(batch)?.into_array(batch.num_rows())?;
        for key in keys.as_primitive::<Int64Type>().iter().flatten() {
            bitmap.enter(hash(key));
        }
    }
    Ok(bitmap)
}

/// Fibonacci hashing: keys that follow one another lie apart, and so do multiples of a power of two.
fn hash(key: i64) -> u64 {
    (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// A plan without most of the rows whose key is surely not in a bitmap.
#[derive(Debug)]
struct Sifted {
    bitmap: Arc<Bits>,
    key: usize,
}

impl Quicker for Sifted {
    const NAME: &'static str = "Sifted";

    /// It is made beside a bitmap, of no plan by itself.
    fn of(_: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        None
    }

    fn execute(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let schema = node.schema();
        let sifting = Sifting {
            rows: node.execute(partition, task)?,
            bitmap: Arc::clone(&self.bitmap),
            key: self.key,
            let_through: BatchCoalescer::new(Arc::clone(&schema), BATCH_ROWS),
            seen: 0,
            kept: 0,
            ended: false,
        };
        let rows = stream::try_unfold(sifting, Sifting::next);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}

/// Rows on their way through the bitmap.
struct Sifting {
    rows: SendableRecordBatchStream,
    bitmap: Arc<Bits>,
    key: usize,
    /// Those that came through, until they are a batch.
    let_through: BatchCoalescer,
    seen: usize,
    kept: usize,
    ended: bool,
}

impl Sifting {
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        loop {
            if let Some(batch) = self.let_through.next_completed_batch() {
                return Ok(Some((batch, self)));
            }
            if self.ended {
                return Ok(None);
            }
            match self.rows.try_next().await? {
                Some(batch) => self.sift(batch)?,
                None => {
                    self.let_through.finish_buffered_batch()?;
                    self.ended = true;
                }
            }
        }
    }

    fn sift(&mut self, batch: RecordBatch) -> Result<()> {
        // Where nearly all find something it is not worth asking.
        if self.seen >= TRIED && self.kept * 2 > self.seen {
            return Ok(self.let_through.push_batch(batch)?);
        }
        let keys = batch.column(self.key).as_primitive::<Int64Type>().values();
        // What lies behind a null finds nothing either way.
        let may =
            BooleanBuffer::collect_bool(keys.len(), |row| self.bitmap.may_have(hash(keys[row])));
        let may = BooleanArray::from(may);
        self.seen += batch.num_rows();
        self.kept += may.true_count();
        Ok(self.let_through.push_batch_with_filter(batch, &may)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use datafusion::arrow::array::Int64Array;
    use proptest::prelude::*;

    use super::super::in_place_of_joins;
    use super::super::tests::{Row, context_of, row};
    use super::*;
    use crate::engine::instead::tests::both;

    proptest! {
        #[test]
        fn what_is_sifted_finds_what_the_join_finds(
            many in prop::collection::vec(row(), 20..60),
            few in prop::collection::vec(row(), 0..8),
            join in prop::sample::select(vec![
                "SELECT few.row, few.code, many.row AS found FROM few LEFT JOIN many ON many.n = few.n AND many.day = few.day",
                "SELECT few.row, few.code, many.row AS found FROM few INNER JOIN many ON many.day = few.day AND many.n = few.n",
                "SELECT row, code FROM few WHERE EXISTS (SELECT 1 FROM many WHERE many.n = few.n AND many.day = few.day)",
                "SELECT row, code FROM few WHERE NOT EXISTS (SELECT 1 FROM many WHERE many.n = few.n AND many.day = few.day)",
            ]),
        ) {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let context = context_of(2, &many, &few);
            let (expected, found, how) = runtime.block_on(both(&context, join, in_place_of_joins));
            prop_assert!(few.is_empty() || how.contains("Sieve in place of"), "{}", how);
            prop_assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn each_round_of_a_recursive_query_has_rows_of_its_own() {
        // Each leads to the next.
        let many: Vec<Row> = (0..5_000).map(|n| (Some(n - 1), Some(1), None)).collect();
        let select = "WITH RECURSIVE walk AS (
                SELECT row AS at, day FROM many WHERE n = -1
                UNION ALL
                SELECT many.row, many.day FROM walk
                INNER JOIN many ON many.n = walk.at AND many.day = walk.day WHERE walk.at < 9
            ) SELECT COUNT(*), MAX(at) FROM walk";
        let context = context_of(1, &many, &[]);
        let (expected, found, how) = both(&context, select, in_place_of_joins).await;
        assert!(how.contains("Sieve in place of"), "{how}");
        assert!(expected.contains("| 10       | 9"), "{expected}");
        assert_eq!(found, expected);
    }

    #[tokio::test]
    async fn a_sieve_that_holds_nothing_back_is_done_without() {
        // Keys are cut from a hash.
        let key_of = |n: i64| (n ^ (n << 21)).wrapping_mul(0x5851_F42D_4C95_7F2D) ^ (n << 33);
        let batch = |from: i64| {
            let keys = Int64Array::from_iter_values((from..from + 8_192).map(key_of));
            RecordBatch::try_from_iter([("n", Arc::new(keys) as _)]).expect("a batch")
        };
        let first = batch(0);
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new("n", 0));
        let known = bitmap_of(std::slice::from_ref(&first), &column, 8_192).expect("a bitmap");
        let bitmap = Arc::new(known);
        for (from, holds_back) in [(0, false), (100_000, true)] {
            // As many batches as are tried, of rows that are known or are not, and then others.
            let mut rows: Vec<_> = (0..TRIED / 8_192).map(|_| Ok(batch(from))).collect();
            rows.push(Ok(batch(200_000)));
            let rows = stream::iter(rows);
            let rows = RecordBatchStreamAdapter::new(first.schema(), rows);
            let sifting = Sifting {
                rows: Box::pin(rows),
                bitmap: Arc::clone(&bitmap),
                key: 0,
                let_through: BatchCoalescer::new(first.schema(), BATCH_ROWS),
                seen: 0,
                kept: 0,
                ended: false,
            };
            let let_through = stream::try_unfold(sifting, Sifting::next);
            let let_through: Vec<RecordBatch> = let_through.try_collect().await.expect("rows");
            let unknown: HashSet<i64> = (200_000..208_192).map(key_of).collect();
            let keys = let_through.iter().flat_map(|batch| {
                let keys = batch.column(0).as_primitive::<Int64Type>();
                keys.values().to_vec()
            });
            let unknown = keys.filter(|key| unknown.contains(key)).count();
            assert_eq!(unknown < 8_192 / 8, holds_back, "{unknown}");
        }
    }

    #[test]
    fn a_key_that_is_there_is_never_held_back() {
        let keys: Vec<i64> = (0..9_999).map(|n| n * n * 7_919 - 12_345).collect();
        let batch =
            RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(keys.clone())) as _)]);
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new("n", 0));
        let bitmap = bitmap_of(&[batch.expect("a batch")], &column, keys.len()).expect("a bitmap");
        assert!(keys.iter().all(|key| bitmap.may_have(hash(*key))));
        let others = (0..100_000).filter(|n| bitmap.may_have(hash(n * 3 + 1_000_000_007)));
        assert!(others.count() < 100_000 / BITS * 2);
    }
}
