//! Rows of a table that is being written, kept for the queries that read it. Most tables are read by
//! the next one: rows that are at hand need not be unpacked again.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::MemoryPool;

use crate::compile::session;

use super::held::{self, Rows};
use super::memory::bytes_of;

/// The part of the room for tables that are held which one of them may take.
const PART: usize = 2;

/// Keeps the columns that queries read of the rows it sees, as long as they are few.
pub struct Keeper {
    columns: Vec<usize>,
    schema: SchemaRef,
    rows: Option<Vec<RecordBatch>>,
    bytes: usize,
    room: usize,
    pool: Arc<dyn MemoryPool>,
}

impl Keeper {
    /// Of a table with this schema, of which the columns `read` will be asked for.
    pub fn of(context: &SessionContext, schema: &SchemaRef, read: &BTreeSet<String>) -> Self {
        let (schema, columns) = held::columns(&session::in_memory(schema), Some(read));
        let pool = Arc::clone(&context.runtime_env().memory_pool);
        Self {
            columns,
            schema,
            rows: Some(Vec::new()),
            bytes: 0,
            room: held::room(&pool) / PART,
            pool,
        }
    }

    /// Rows, as queries hold them.
    pub fn look_at(&mut self, rows: &RecordBatch) {
        let Some(so_far) = &mut self.rows else {
            return;
        };
        let columns = self.columns.iter().map(|i| compact(rows.column(*i)));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns.collect());
        let batch = batch.ok().filter(|batch| {
            self.bytes += bytes_of(batch);
            self.bytes <= self.room
        });
        match batch {
            Some(batch) => so_far.push(batch),
            None => self.rows = None,
        }
    }

    /// The rows, if they and nothing else were kept.
    pub fn finish(self) -> Option<Rows> {
        let memory = held::reserve(&self.pool, self.bytes)?;
        Rows::of(&self.schema, self.rows?, memory).ok()
    }
}

/// The column without texts of rows that went elsewhere.
fn compact(column: &ArrayRef) -> ArrayRef {
    match column.as_string_view_opt() {
        Some(texts) => {
            let held: usize = texts.data_buffers().iter().map(|b| b.len()).sum();
            match held > 2 * texts.total_buffer_bytes_used() {
                true => Arc::new(texts.gc()),
                false => Arc::clone(column),
            }
        }
        None => Arc::clone(column),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Int64Array, StringViewArray};
    use datafusion::arrow::datatypes::Schema;
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
        let columns: [(_, ArrayRef); 2] = [
            (
                "n",
                Arc::new(Int64Array::from_iter_values(from..from + 1_000)),
            ),
            ("text", Arc::new(StringViewArray::from_iter_values(texts))),
        ];
        RecordBatch::try_from_iter(columns).expect("rows")
    }

    #[tokio::test]
    async fn the_columns_that_are_read_are_kept() {
        let (engine, _folder) = engine(64 << 20);
        let context = engine.session();
        let read = BTreeSet::from(["text".to_owned()]);
        let schema = Schema::new(vec![
            rows(0).schema().field(0).clone(),
            rows(0)
                .schema()
                .field(1)
                .clone()
                .with_data_type(datafusion::arrow::datatypes::DataType::Utf8),
        ]);
        let mut keeper = Keeper::of(&context, &Arc::new(schema), &read);
        keeper.look_at(&rows(0).slice(990, 10));
        keeper.look_at(&rows(5_000));
        let kept = keeper.finish().expect("rows");
        // Ten texts, not the buffer of a thousand that they were cut from.
        let taken = context.runtime_env().memory_pool.reserved();
        assert!((1_010 * 48..1_010 * 56).contains(&taken), "{taken}");
        let state = context.state();
        let plan = kept.table.scan(&state, None, &[], None).await;
        let read = collect(plan.expect("scans"), state.task_ctx()).await;
        let read = read.expect("rows");
        assert_eq!(read.iter().map(RecordBatch::num_rows).sum::<usize>(), 1_010);
        let first = &read[0];
        assert_eq!(first.num_columns(), 1);
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
