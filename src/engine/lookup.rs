//! Joins that look each row up in a small table, and find one row at most.
//!
//! The engine's join copies every column of the rows it looks up for, whether or not a row found
//! something. Where keys of the small table are distinct there is nothing to copy: the rows stay as
//! they are, and columns are put beside them. Whether keys are distinct is seen when they are read;
//! where they are not, the engine's own join is run.
//!
//! Where it is the large table that is in memory and sorted by its key, its rows are searched for: see
//! [`search`]. Where it is on disk, most of its rows are seen to find nothing: see [`sieve`].

mod for_all;
mod keys;
mod search;
mod sides;
mod sieve;
mod sorted;

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::{concat_batches, take};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinSide, JoinType, NullEquality};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::{StreamExt, TryStreamExt};

use crate::store::views::ByInteger;

use super::instead::{Quicker, above, instead_of, once_there};
use super::memory::bytes_of;

use for_all::ForAll;
use keys::{Key, are_keys, keys};
use search::Search;
use sides::Sides;
use sieve::Sieve;

/// The plan with lookups and searches in place of the joins that they can stand for.
pub(super) fn in_place_of_joins(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        let lookup = instead_of::<Lookup>(&plan)
            .or_else(|| instead_of::<Search>(&plan))
            .or_else(|| instead_of::<Sieve>(&plan));
        Ok(lookup.map_or_else(|| Transformed::no(plan), Transformed::yes))
    })
    .data()
}

/// An outer join that keeps all rows of its right side.
#[derive(Debug)]
struct Lookup {
    sides: Arc<Sides>,
    /// Read once for all partitions.
    left: Arc<ForAll<Left>>,
}

/// Whether a lookup can stand for a join.
fn stands_for(join: &HashJoinExec) -> bool {
    *join.join_type() == JoinType::Right
        && *join.partition_mode() == PartitionMode::CollectLeft
        && join.null_equality() == NullEquality::NullEqualsNothing
        && join.filter().is_none()
        // A LIMIT may have been put into it.
        && join.fetch().is_none()
        && are_keys(join)
}

/// The small side, when it has been read.
#[derive(Debug)]
enum Left {
    /// Rows can be looked up in it.
    Table(Table),
    /// Two of its rows agree: the engine's join of the rows that were read.
    Join(Arc<dyn ExecutionPlan>),
}

/// Rows, ready to be looked into.
#[derive(Debug)]
struct Table {
    rows: RecordBatch,
    by_key: ByInteger<u32>,
    _memory: MemoryReservation,
}

impl Left {
    async fn read(
        join: &Arc<dyn ExecutionPlan>,
        sides: &Sides,
        task: Arc<TaskContext>,
    ) -> Result<Self> {
        let memory = MemoryConsumer::new("lookup").register(task.memory_pool());
        let mut batches = Vec::new();
        let mut stream = sides.left.execute(0, task)?;
        while let Some(batch) = stream.try_next().await? {
            memory.try_grow(bytes_of(&batch))?;
            batches.push(batch);
        }
        let schema = sides.left.schema();
        let rows = concat_batches(&schema, &batches)?;
        let keys = keys(sides.on.iter().map(|(left, _)| left), &rows)?;
        memory.try_grow(keys.len() * size_of::<(u128, u32)>())?;
        let Some(by_key) = distinct(keys) else {
            // What was read cannot be read again.
            let left = MemorySourceConfig::try_new_exec(&[batches], schema, None)?;
            let children = vec![left as Arc<dyn ExecutionPlan>, Arc::clone(&sides.right)];
            return above(join, children).map(Self::Join);
        };
        Ok(Self::Table(Table {
            rows,
            by_key,
            _memory: memory,
        }))
    }
}

/// The rows by their keys; nothing if two agree, or one is a long text.
fn distinct(keys: Vec<Key>) -> Option<ByInteger<u32>> {
    let mut by_key = ByInteger::default();
    for (row, key) in keys.into_iter().enumerate() {
        match key {
            Key::Of(key) if by_key.insert(key, row as u32).is_none() => {}
            Key::Null => {}
            Key::Of(_) | Key::Long => return None,
        }
    }
    Some(by_key)
}

impl Table {
    /// The rows of a batch with what was found for them.
    fn beside(&self, sides: &Sides, batch: &RecordBatch) -> Result<RecordBatch> {
        let keys = keys(sides.on.iter().map(|(_, right)| right), batch)?;
        let found = keys.into_iter().map(|key| match key {
            Key::Of(key) => self.by_key.get(&key).copied(),
            Key::Null | Key::Long => None,
        });
        let found: UInt32Array = found.collect();
        let columns = sides.columns.iter().map(|(side, column)| match side {
            JoinSide::Left => {
                let column = self.rows.column(*column);
                match column.is_empty() {
                    true => Ok(new_null_array(column.data_type(), batch.num_rows())),
                    false => Ok(take(column, &found, None)?),
                }
            }
            _ => Ok(Arc::clone(batch.column(*column))),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&sides.schema),
            columns,
            &rows,
        )?)
    }
}

impl Quicker for Lookup {
    const NAME: &'static str = "Lookup";

    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let join = node.downcast_ref::<HashJoinExec>()?;
        stands_for(join).then(|| Self {
            sides: Arc::new(Sides::of(join)),
            left: Arc::default(),
        })
    }

    fn execute(
        &self,
        join: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (join, sides) = (Arc::clone(join), Arc::clone(&self.sides));
        let (left, schema) = (Arc::clone(&self.left), join.schema());
        let rows = async move {
            let read = async || Left::read(&join, &sides, Arc::clone(&task)).await;
            if let Left::Join(join) = left.made(read).await? {
                return join.execute(partition, task);
            }
            let rows = sides.right.execute(partition, task)?;
            let schema = Arc::clone(&sides.schema);
            let beside = rows.map(move |batch| match left.get() {
                Some(Left::Table(table)) => table.beside(&sides, &batch?),
                _ => Err(DataFusionError::Internal("a table is gone".to_owned())),
            });
            Ok(Box::pin(RecordBatchStreamAdapter::new(schema, beside))
                as SendableRecordBatchStream)
        };
        Ok(once_there(schema, rows))
    }
}

#[cfg(test)]
pub(in crate::engine) mod tests {
    use datafusion::arrow::array::{Date32Array, Int64Array, StringViewArray};
    use datafusion::datasource::MemTable;
    use datafusion::prelude::SessionContext;
    use proptest::prelude::*;

    use super::*;
    use crate::compile::session::{config, context};
    use crate::engine::instead::tests as instead;

    pub(in crate::engine) type Row = (Option<i64>, Option<i32>, Option<String>);

    fn table(rows: &[Row]) -> MemTable {
        let columns: [(_, ArrayRef, _); 4] = [
            (
                "n",
                Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>()),
                true,
            ),
            (
                "day",
                Arc::new(rows.iter().map(|r| r.1).collect::<Date32Array>()),
                true,
            ),
            (
                "code",
                Arc::new(
                    rows.iter()
                        .map(|r| r.2.clone())
                        .collect::<StringViewArray>(),
                ),
                true,
            ),
            (
                "row",
                Arc::new(Int64Array::from_iter_values(0..rows.len() as i64)),
                false,
            ),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
        MemTable::try_new(batch.schema(), vec![vec![batch]]).expect("a table")
    }

    /// What the engine's join finds, what ours does, and how.
    async fn both(many: &[Row], few: &[Row], on: &str) -> (String, String, String) {
        // What is grouped is dealt out to partitions, and cannot be read twice.
        let grouped = "(SELECT n, day, code, row FROM few GROUP BY n, day, code, row) AS few";
        let select = format!(
            "SELECT many.row, few.code, few.row AS found FROM {grouped} RIGHT JOIN many ON {on}"
        );
        instead::both(&context_of(2, many, few), &select, in_place_of_joins).await
    }

    pub(in crate::engine) fn context_of(
        partitions: usize,
        many: &[Row],
        few: &[Row],
    ) -> SessionContext {
        let context = context(config(partitions), Arc::default(), |_| {});
        for (name, rows) in [("many", many), ("few", few)] {
            let table = Arc::new(table(rows));
            context.register_table(name, table).expect("registers");
        }
        context
    }

    proptest! {
        #[test]
        fn a_lookup_finds_what_the_join_finds(
            many in prop::collection::vec(row(), 20..60),
            few in prop::collection::vec(row(), 0..8),
            on in prop::sample::select(vec![
                "few.n = many.n",
                "few.code = many.code",
                "few.n = many.n AND few.day = many.day",
                "few.code = many.code AND few.n = many.n",
            ]),
        ) {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (expected, found, _) = runtime.block_on(both(&many, &few, on));
            prop_assert_eq!(found, expected);
        }
    }

    pub(in crate::engine) fn row() -> impl Strategy<Value = Row> {
        (
            prop::option::weighted(0.8, -2_i64..6),
            prop::option::weighted(0.8, 0_i32..3),
            prop::option::weighted(0.8, "[a-e]|a text of more than twelve bytes"),
        )
    }

    #[tokio::test]
    async fn a_join_that_holds_a_limit_is_left_to_the_engine() {
        let few = [(Some(1), Some(1), None)];
        let many: Vec<Row> = (0..99).map(|n| (Some(n), Some(1), None)).collect();
        // Put into the join itself: the engine puts a LIMIT of SQL below it as well.
        let limited = |plan: Arc<dyn ExecutionPlan>| {
            let limited = plan.transform_up(|node| {
                Ok(match node.is::<HashJoinExec>() {
                    true => Transformed::yes(node.with_fetch(Some(7)).expect("takes a limit")),
                    false => Transformed::no(node),
                })
            });
            limited.data().and_then(in_place_of_joins)
        };
        let select = "SELECT COUNT(*) AS rows FROM few RIGHT JOIN many ON few.n = many.n";
        let context = context_of(1, &many, &few);
        let (all, found, how) = instead::both(&context, select, limited).await;
        assert!(all.contains("| 99   |"), "{all}");
        assert!(found.contains("| 7    |"), "{found}\n{how}");
    }

    #[tokio::test]
    async fn it_stands_for_the_join() {
        let few = [(Some(1), Some(1), Some("E01000001".to_owned()))];
        let many: Vec<Row> = (0..99).map(|n| (Some(n), Some(1), None)).collect();
        for on in ["few.n = many.n", "few.code = many.code"] {
            let (_, _, how) = both(&many, &few, on).await;
            assert!(how.contains("Lookup in place of"), "{how}");
        }
    }
}
