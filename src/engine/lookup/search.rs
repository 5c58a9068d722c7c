//! Joins that search for rows in a table in memory that is sorted by its key.
//!
//! The engine keeps the few rows and goes through the whole table. Tables of persons are sorted by
//! `person_key`, one row each, and held: a row is found among a million by halving them twenty times.
//! Where it turns out not to be sorted, or has a key twice, the engine's own join is run.

use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::{
    ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array,
};
use datafusion::arrow::compute::{filter_record_batch, take};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{JoinSide, JoinType, NullEquality};
use datafusion::datasource::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::{StreamExt, TryStreamExt};

use super::super::instead::Quicker;
use super::sides::Sides;
use super::sorted::{Place, Scan, Table};

/// A join that keeps rows of its left side, all or those that find a row in such a table.
#[derive(Debug)]
pub(super) struct Search {
    join: Arc<Join>,
    /// Read once for all partitions.
    table: Arc<OnceLock<Option<Arc<Table>>>>,
}

#[derive(Debug)]
struct Join {
    sides: Sides,
    /// Rows that find none are kept too.
    outer: bool,
    /// What must hold of two rows beside their keys.
    filter: Option<JoinFilter>,
    scan: Scan,
    /// Where the scan has the key.
    key: usize,
}

impl Join {
    fn of(join: &HashJoinExec) -> Option<Self> {
        let outer = match join.join_type() {
            JoinType::Left => true,
            JoinType::Inner => false,
            _ => return None,
        };
        let [(left, right)] = join.on() else {
            return None;
        };
        let whole = |side: &Arc<dyn ExecutionPlan>, key: &Arc<dyn PhysicalExpr>| {
            matches!(key.data_type(&side.schema()), Ok(DataType::Int64))
        };
        let plain = join.null_equality() == NullEquality::NullEqualsNothing
            && join.fetch().is_none()
            && *join.partition_mode() != PartitionMode::Auto
            // The engine's join would keep that order.
            && join.right().output_ordering().is_none()
            && whole(join.left(), left)
            && whole(join.right(), right);
        let key = right.downcast_ref::<Column>().filter(|_| plain)?.index();
        let scan = Scan::of(join.right())?;
        Some(Self {
            sides: Sides::of(join),
            outer,
            filter: join.filter().cloned(),
            key: scan.column(key),
            scan,
        })
    }

    /// The rows of a batch of the left side with what was found for them.
    fn beside(&self, table: &Table, batch: &RecordBatch) -> Result<RecordBatch> {
        let keys = self.sides.on[0].0.evaluate(batch)?;
        let mut found = table.find(&keys.into_array(batch.num_rows())?);
        self.leave_out(table, batch, &mut found)?;
        let kept = match self.outer {
            true => batch.clone(),
            false => {
                let is_found: BooleanArray = found.iter().map(|row| Some(row.is_some())).collect();
                found.retain(Option::is_some);
                filter_record_batch(batch, &is_found)?
            }
        };
        let columns = self.sides.columns.iter().map(|(side, column)| match side {
            JoinSide::Right => table.column(&self.scan, self.scan.column(*column), &found),
            _ => Ok(Arc::clone(kept.column(*column))),
        });
        let columns = columns.collect::<Result<Vec<ArrayRef>>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(kept.num_rows()));
        let schema = Arc::clone(&self.sides.schema);
        Ok(RecordBatch::try_new_with_options(schema, columns, &rows)?)
    }

    /// Takes away what was found but breaks a condition.
    fn leave_out(
        &self,
        table: &Table,
        batch: &RecordBatch,
        found: &mut [Option<Place>],
    ) -> Result<()> {
        if let Some(predicate) = &self.scan.filter {
            let schema = Arc::clone(&self.scan.schema);
            keep_where(found, predicate, |_, rows| {
                let columns = 0..schema.fields().len();
                let columns = columns.map(|column| table.column(&self.scan, column, rows));
                Ok((schema, columns.collect::<Result<_>>()?))
            })?;
        }
        let Some(filter) = &self.filter else {
            return Ok(());
        };
        keep_where(found, filter.expression(), |left, rows| {
            let columns = filter.column_indices().iter().map(|at| match at.side {
                JoinSide::Right => table.column(&self.scan, self.scan.column(at.index), rows),
                _ => Ok(take(batch.column(at.index), left, None)?),
            });
            Ok((Arc::clone(filter.schema()), columns.collect::<Result<_>>()?))
        })
    }
}

/// Keeps what was found where a condition is true. `columns` gives what it is asked of: of these rows
/// of the left side, for which those rows were found.
fn keep_where(
    found: &mut [Option<Place>],
    condition: &Arc<dyn PhysicalExpr>,
    columns: impl FnOnce(&UInt32Array, &[Option<Place>]) -> Result<(SchemaRef, Vec<ArrayRef>)>,
) -> Result<()> {
    let at: Vec<usize> = (0..found.len())
        .filter(|row| found[*row].is_some())
        .collect();
    let left = UInt32Array::from_iter_values(at.iter().map(|row| *row as u32));
    let rows: Vec<Option<Place>> = at.iter().map(|row| found[*row]).collect();
    let (schema, columns) = columns(&left, &rows)?;
    let options = RecordBatchOptions::new().with_row_count(Some(at.len()));
    let batch = RecordBatch::try_new_with_options(schema, columns, &options)?;
    let holds = condition.evaluate(&batch)?.into_array(at.len())?;
    for (row, holds) in at.into_iter().zip(holds.as_boolean()) {
        if holds != Some(true) {
            found[row] = None;
        }
    }
    Ok(())
}

impl Quicker for Search {
    const NAME: &'static str = "Search";

    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let join = node.downcast_ref::<HashJoinExec>()?;
        Some(Self {
            join: Arc::new(Join::of(join)?),
            table: Arc::default(),
        })
    }

    fn execute(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let (scan, key) = (&self.join.scan, self.join.key);
        let sorted = || Table::sorted(scan, key).map(Arc::new);
        let Some(table) = self.table.get_or_init(sorted) else {
            return node.execute(partition, task);
        };
        let (join, table) = (Arc::clone(&self.join), Arc::clone(table));
        let rows = part_of(node, &self.join.sides.left, partition, task)?;
        let beside = rows.map(move |batch| join.beside(&table, &batch?));
        let schema = Arc::clone(&self.join.sides.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, beside)))
    }
}

/// The part of the left side that one partition of the join takes. Where it would be kept whole, it
/// need not be put together first, if there are as many parts of it; where it is in one part and costs
/// nothing to read, each partition reads it all and takes its share.
fn part_of(
    node: &Arc<dyn ExecutionPlan>,
    left: &Arc<dyn ExecutionPlan>,
    partition: usize,
    task: Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let parts = node.output_partitioning().partition_count();
    if left.output_partitioning().partition_count() == parts {
        return left.execute(partition, task);
    }
    if let Some(whole) = left.downcast_ref::<CoalescePartitionsExec>()
        && whole.fetch().is_none()
        && whole.input().output_partitioning().partition_count() == parts
    {
        return whole.input().execute(partition, task);
    }
    if is_read_for_nothing(left) {
        let share = move |batch: RecordBatch| {
            let rows = batch.num_rows();
            let (from, to) = (rows * partition / parts, rows * (partition + 1) / parts);
            batch.slice(from, to - from)
        };
        let rows = left.execute(0, task)?.map_ok(share);
        return Ok(Box::pin(RecordBatchStreamAdapter::new(left.schema(), rows)));
    }
    match partition {
        0 => left.execute(0, task),
        _ => EmptyExec::new(left.schema()).execute(0, task),
    }
}

/// Whether rows are in memory, in one part, and no more is done with them than to leave some out.
fn is_read_for_nothing(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let in_memory = |scan: &DataSourceExec| scan.data_source().is::<MemorySourceConfig>();
    let passes_on = plan.is::<FilterExec>() || plan.is::<CooperativeExec>();
    plan.output_partitioning().partition_count() == 1
        && match plan.downcast_ref::<DataSourceExec>() {
            Some(scan) => in_memory(scan),
            None => passes_on && plan.children().into_iter().all(is_read_for_nothing),
        }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{Int64Array, StringViewArray};
    use datafusion::datasource::MemTable;
    use datafusion::prelude::SessionContext;
    use proptest::prelude::*;

    use super::*;
    use crate::compile::session::{config, context};
    use crate::engine::instead::tests as instead;
    use crate::engine::lookup::in_place_of_joins;

    type Row = (Option<i64>, Option<String>);

    /// Rows in batches of so many.
    fn table(rows: &[Row], size: usize) -> MemTable {
        let batch = |(number, rows): (usize, &[Row])| {
            let at = (number * size) as i64;
            let columns: [(_, ArrayRef, _); 3] = [
                (
                    "n",
                    Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>()),
                    true,
                ),
                (
                    "code",
                    Arc::new(
                        rows.iter()
                            .map(|r| r.1.clone())
                            .collect::<StringViewArray>(),
                    ),
                    true,
                ),
                (
                    "row",
                    Arc::new(Int64Array::from_iter_values(at..at + rows.len() as i64)),
                    false,
                ),
            ];
            RecordBatch::try_from_iter_with_nullable(columns).expect("a batch")
        };
        let batches: Vec<_> = rows.chunks(size).enumerate().map(batch).collect();
        MemTable::try_new(batches[0].schema(), vec![batches]).expect("a table")
    }

    /// What the engine's join finds, what ours does, and how.
    async fn both(
        many: &[Row],
        few: &[Row],
        join: &str,
        dealt_out: bool,
    ) -> (String, String, String) {
        let mut config = config(2);
        if dealt_out {
            // Both sides by the hash of their keys, however few they are.
            let optimizer = &mut config.options_mut().optimizer;
            optimizer.hash_join_single_partition_threshold = 0;
            optimizer.hash_join_single_partition_threshold_rows = 0;
        }
        let context: SessionContext = context(config, Arc::default(), |_| {});
        for (name, rows, size) in [("many", many, 7), ("few", few, 3)] {
            let table = Arc::new(table(rows, size));
            context.register_table(name, table).expect("registers");
        }
        let select =
            format!("SELECT few.row, few.code AS asked, many.row AS found, many.code FROM {join}");
        instead::both(&context, &select, in_place_of_joins).await
    }

    /// The last has several parts on both sides.
    const JOINS: [&str; 7] = [
        "few LEFT JOIN many ON many.n = few.n",
        "few INNER JOIN many ON many.n = few.n",
        "few LEFT JOIN many ON many.n = few.n AND many.code > few.code",
        "few INNER JOIN many ON many.n = few.n WHERE many.code > few.code AND many.code <> 'b'",
        "few LEFT JOIN (SELECT row, n, code FROM many WHERE row % 3 > 0) AS many ON many.n = few.n",
        "(SELECT n, row, code FROM few GROUP BY n, row, code) AS few INNER JOIN many ON many.n = few.n",
        "(SELECT n, row, code FROM few GROUP BY n, row, code) AS few
            LEFT JOIN (SELECT row, n, code FROM many WHERE row % 3 > 0) AS many ON many.n = few.n",
    ];

    fn text() -> impl Strategy<Value = Option<String>> {
        prop::option::weighted(0.8, "[a-d]|[a-d] text of more than twelve bytes")
    }

    proptest! {
        #[test]
        fn a_search_finds_what_the_join_finds(
            many in prop::collection::btree_map(-40_i64..40, text(), 30..60),
            few in prop::collection::vec((prop::option::weighted(0.9, -45_i64..45), text()), 1..9),
            fault in prop::sample::select(vec!["none", "twice", "null", "order"]),
            join in prop::sample::select(JOINS.to_vec()),
            dealt_out in any::<bool>(),
        ) {
            let mut many: Vec<Row> = many.into_iter().map(|(n, code)| (Some(n), code)).collect();
            match fault {
                "twice" => many[5].0 = many[20].0,
                "null" => many[5].0 = None,
                "order" => many.swap(5, 20),
                _ => {}
            }
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (expected, found, _) = runtime.block_on(both(&many, &few, join, dealt_out));
            prop_assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn it_stands_for_the_join() {
        let many: Vec<Row> = (0..99).map(|n| (Some(n), Some(n.to_string()))).collect();
        for join in JOINS {
            for dealt_out in [false, true] {
                let (expected, found, how) = both(&many, &many[40..43], join, dealt_out).await;
                assert!(how.contains("Search in place of"), "{how}");
                let mode = if dealt_out {
                    "mode=Partitioned"
                } else {
                    "mode=CollectLeft"
                };
                assert!(how.contains(mode), "{how}");
                assert_eq!(found, expected);
            }
        }
        let (_, _, how) = both(&many, &many[40..43], JOINS[6], false).await;
        assert!(
            how.contains("CoalescePartitionsExec") && how.contains("RoundRobinBatch(2)"),
            "{how}"
        );
    }
}
