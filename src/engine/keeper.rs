//! Rows of a table that is being written, kept for the queries that read it. Most tables are read by
//! the next one: rows that are at hand need not be unpacked again.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::{MemoryPool, MemoryReservation};

use crate::compile::session;

use super::held::{self, Rows};
use super::memory::{bytes_of, compact};

/// The part of the room for tables that are held which one of them may take.
const PART: usize = 2;

/// Keeps the columns that queries read of the rows it sees, as long as they are few.
pub struct Keeper {
    columns: Vec<usize>,
    schema: SchemaRef,
    kept: Option<Kept>,
    room: usize,
    pool: Arc<dyn MemoryPool>,
}

struct Kept {
    rows: Vec<RecordBatch>,
    memory: MemoryReservation,
}

impl Keeper {
    /// Of a table with this schema, of which the columns `read` will be asked for.
    pub fn of(context: &SessionContext, schema: &SchemaRef, read: &BTreeSet<String>) -> Self {
        let (schema, columns) = held::columns(&session::in_memory(schema), Some(read));
        let pool = Arc::clone(&context.runtime_env().memory_pool);
        Self {
            columns,
            schema,
            kept: Some(Kept {
                rows: Vec::new(),
                memory: held::consumer(&pool),
            }),
            room: held::room(&pool),
            pool,
        }
    }

    /// Rows, as queries hold them.
    pub fn look_at(&mut self, rows: &RecordBatch) {
        let Some(kept) = &mut self.kept else {
            return;
        };
        let columns = self.columns.iter().map(|i| compact(rows.column(*i)));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect());
        let batch = batch.ok().filter(|batch| {
            let bytes = bytes_of(batch);
            let few = kept.memory.size() + bytes <= self.room / PART;
            few && kept.memory.try_grow(bytes).is_ok()
        });
        match batch {
            Some(batch) => kept.rows.push(batch),
            None => self.kept = None,
        }
    }

    /// The rows, if all were kept and there is room for them beside what else is held.
    pub fn finish(self) -> Option<Rows> {
        let fits = self.pool.reserved() <= self.room;
        let kept = self.kept.filter(|_| fits)?;
        Rows::of(&self.schema, kept.rows, kept.memory).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{
        Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewArray,
    };
    use datafusion::catalog::TableProvider;
    use datafusion::physical_plan::collect;

    use crate::engine::{Engine, Limits};

    fn engine(memory: usize) -> (Engine, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let limits = Limits {
            memory,
            spill: 0,
            partitions: 2,
        };
        let engine = Engine::new(limits, folder.path(), |_| ()).expect("an engine");
        (engine, folder)
    }

    fn rows(from: i64) -> RecordBatch {
        let texts = (from..from + 1_000).map(|i| format!("a text of some length, number {i}"));
        let columns: [(_, ArrayRef); 3] = [
            (
                "n",
                Arc::new(Int64Array::from_iter_values(from..from + 1_000)),
            ),
            ("text", Arc::new(StringViewArray::from_iter_values(texts))),
            (
                "even",
                Arc::new(BooleanArray::from_iter(
                    (from..from + 1_000).map(|i| Some(i % 2 == 0)),
                )),
            ),
        ];
        RecordBatch::try_from_iter(columns).expect("rows")
    }

    #[tokio::test]
    async fn the_columns_that_are_read_are_kept() {
        let (engine, _folder) = engine(64 << 20);
        let context = engine.session();
        let read = BTreeSet::from(["text".to_owned(), "even".to_owned()]);
        let schema = rows(0).schema();
        let mut keeper = Keeper::of(&context, &schema, &read);
        keeper.look_at(&rows(0).slice(990, 10));
        keeper.look_at(&rows(5_000));
        let kept = keeper.finish().expect("rows");
        // Ten texts, not the buffer of a thousand that they were cut from.
        let taken = context.runtime_env().memory_pool.reserved();
        assert!((1_010 * 48..1_010 * 57).contains(&taken), "{taken}");
        let state = context.state();
        let plan = kept.table.scan(&state, None, &[], None).await;
        let read = collect(plan.expect("scans"), state.task_ctx()).await;
        let read = read.expect("rows");
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 1_010);
        let first = &read[0];
        assert_eq!(first.num_columns(), 2);
        assert!(first.column(1).as_boolean().value(0) && !first.column(1).as_boolean().value(1));
        assert!(first.column(1).get_buffer_memory_size() < 128);
        assert_eq!(
            first.column(0).as_string_view().value(0),
            "a text of some length, number 990"
        );
        assert!(first.get_array_memory_size() < 10_000);
        drop(kept);
        assert_eq!(context.runtime_env().memory_pool.reserved(), 0);
    }

    #[test]
    fn many_rows_are_not_kept() {
        let (engine, _folder) = engine(1 << 20);
        let read = BTreeSet::from(["text".to_owned()]);
        let kept = |batches: i64| {
            let context = engine.session();
            let mut keeper = Keeper::of(&context, &rows(0).schema(), &read);
            (0..batches).for_each(|i| keeper.look_at(&rows(i)));
            keeper.finish()
        };
        assert!(kept(2).is_some());
        assert!(kept(3).is_none());
    }
}
