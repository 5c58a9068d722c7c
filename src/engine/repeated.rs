//! Groups of several rows, where a query keeps no others (`GROUP BY … HAVING COUNT(*) > 1`).
//!
//! The engine makes a group of every row to find the few that stand twice. Here rows are seen to stand
//! alone first, by a bit for each of their hashes, and what is grouped are those that may not.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use datafusion::arrow::buffer::BooleanBuffer;
use datafusion::arrow::compute::filter_record_batch;
use datafusion::common::ScalarValue;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, Literal};
use datafusion::physical_expr::utils::split_conjunction;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, InputOrderMode};
use futures::{StreamExt, TryStreamExt, stream};

use super::bits::Bits;
use super::choices::is_at_hand;
use super::instead::{Quicker, above, instead_of, once_there};
use super::memory::{bytes_of, part_of};
use super::once::once;

/// The part of the memory limit that rows may take while they are looked through.
const PART: usize = 16;
/// Bits for each row: one in eight shares its bit with another by chance, and is grouped for nothing.
const BITS: usize = 8;

/// The plan with the repeated alone grouped, where the others are thrown away.
pub(super) fn in_place_of_groups(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|plan| {
        let several = plan.downcast_ref::<FilterExec>().and_then(|filtered| {
            let groups = filtered.input().downcast_ref::<AggregateExec>()?;
            let conditions = split_conjunction(filtered.predicate());
            // What fails for a row that stands alone is to fail still.
            let at_hand = conditions.iter().all(|condition| is_at_hand(condition));
            let wanted = conditions.into_iter().any(|c| is_of_several(c, groups));
            (at_hand && wanted).then(|| instead_of::<Repeated>(filtered.input()))?
        });
        Ok(match several {
            Some(below) => Transformed::yes(above(&plan, vec![below])?),
            None => Transformed::no(plan),
        })
    })
    .data()
}

/// Whether a condition holds of groups of more than one row alone.
fn is_of_several(condition: &Arc<dyn PhysicalExpr>, groups: &AggregateExec) -> bool {
    let more = || {
        let compared = condition.downcast_ref::<BinaryExpr>()?;
        let number = compared.right().downcast_ref::<Literal>()?.value();
        let least = match compared.op() {
            Operator::Gt => 1,
            Operator::GtEq | Operator::Eq => 2,
            _ => return None,
        };
        let counted = compared.left().downcast_ref::<Column>()?.index();
        let place = counted.checked_sub(groups.group_expr().expr().len())?;
        let count = groups.aggr_expr().get(place)?;
        let of_all = count.fun().name() == "count"
            && !count.is_distinct()
            && groups.filter_expr().get(place)?.is_none()
            && count.expressions().iter().all(|e| {
                let written = e.downcast_ref::<Literal>();
                written.is_some_and(|written| !written.value().is_null())
            });
        let is_more = matches!(number, ScalarValue::Int64(Some(number)) if *number >= least);
        Some(of_all && is_more)
    };
    more().unwrap_or(false)
}

/// Whether an aggregate takes any row, so that it does not matter which are left out.
fn fails_for_no_row(found: &AggregateFunctionExpr) -> bool {
    let name = found.fun().name();
    ["count", "min", "max", "sum", "bool_or", "bool_and"].contains(&name)
        && found.expressions().iter().all(is_at_hand)
}

/// Groups of rows, but for those that surely are of one row.
#[derive(Debug)]
struct Repeated {
    groups: Vec<Arc<dyn PhysicalExpr>>,
}

impl Quicker for Repeated {
    const NAME: &'static str = "Repeated";

    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let node = node.downcast_ref::<AggregateExec>()?;
        let groups = node.group_expr();
        let plain = *node.mode() == AggregateMode::Single
            // Sorted rows are grouped as they come, and their order is passed on.
            && *node.input_order_mode() == InputOrderMode::Linear
            && groups.is_single()
            && !groups.expr().is_empty()
            && node.limit_options().is_none()
            && node.aggr_expr().iter().all(|found| fails_for_no_row(found))
            && node.filter_expr().iter().flatten().all(is_at_hand);
        let groups = groups.expr().iter().map(|(group, _)| Arc::clone(group));
        plain.then(|| Self {
            groups: groups.collect(),
        })
    }

    fn execute(
        &self,
        node: &Arc<dyn ExecutionPlan>,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let [input] = node.children()[..] else {
            return node.execute(partition, task);
        };
        let rows = input.execute(partition, Arc::clone(&task))?;
        let (node, schema, groups) = (Arc::clone(node), node.schema(), self.groups.clone());
        let grouped = async move {
            let rows = repeated(rows, &groups, &task).await?;
            above(&node, vec![once(rows)?])?.execute(0, task)
        };
        Ok(once_there(schema, grouped))
    }
}

/// The rows without those that surely stand alone; all of them where they are too many to be kept.
async fn repeated(
    mut rows: SendableRecordBatchStream,
    groups: &[Arc<dyn PhysicalExpr>],
    task: &TaskContext,
) -> Result<SendableRecordBatchStream> {
    let schema = rows.schema();
    let room = part_of(task.memory_pool(), PART);
    let memory = MemoryConsumer::new("repeated").register(task.memory_pool());
    let (mut batches, mut hashes) = (Vec::new(), Vec::new());
    let mut all = true;
    while let Some(batch) = rows.try_next().await? {
        let bytes = bytes_of(&batch) + size_of::<u64>() * batch.num_rows();
        all = memory.size() + bytes <= room && memory.try_grow(bytes).is_ok();
        hashes.push(hashes_of(&batch, groups)?);
        batches.push(batch);
        if !all {
            break;
        }
    }
    let repeated = match all {
        true => Some(repetitions(&hashes)),
        false => None,
    };
    let come = batches.into_iter().zip(hashes).map(move |(batch, hashes)| {
        // Given back with the last of them.
        let _ = &memory;
        match &repeated {
            Some(repeated) => {
                let may = |row: usize| repeated.may_have(hashes[row]);
                let may = BooleanBuffer::collect_bool(hashes.len(), may);
                Ok(filter_record_batch(&batch, &BooleanArray::from(may))?)
            }
            None => Ok(batch),
        }
    });
    let rows = stream::iter(come).chain(rows);
    Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
}

fn hashes_of(batch: &RecordBatch, groups: &[Arc<dyn PhysicalExpr>]) -> Result<Vec<u64>> {
    let rows = batch.num_rows();
    let keys = groups.iter();
    let keys = keys.map(|group| group.evaluate(batch)?.into_array(rows));
    let keys: Vec<ArrayRef> = keys.collect::<Result<_>>()?;
    let mut hashes = vec![0; rows];
    create_hashes(&keys, &RandomState::with_seed(0), &mut hashes)?;
    Ok(hashes)
}

/// The hashes that may have come more than once.
fn repetitions(hashes: &[Vec<u64>]) -> Bits {
    let rows = hashes.iter().map(Vec::len).sum();
    let [mut seen, mut repeated] = [(); 2].map(|()| Bits::for_hashes(rows, BITS));
    for hash in hashes.iter().flatten() {
        if seen.enter(*hash) {
            repeated.enter(*hash);
        }
    }
    repeated
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::row_numbers::tests::{Row, both_in, rows};
    use super::*;

    async fn both(rows: &[Row], select: &str) -> (String, String, String) {
        both_in(1, rows, select, in_place_of_groups).await
    }

    proptest! {
        #[test]
        fn the_same_groups_are_found(
            rows in rows(),
            having in prop::sample::select(vec!["COUNT(*) > 1", "COUNT(*) >= 2 AND MAX(at) > 3", "COUNT(*) = 2"]),
            by in prop::sample::select(vec!["n", "code", "n, code"]),
        ) {
            let select = format!("SELECT {by}, COUNT(*), MIN(at) FROM visits GROUP BY {by} HAVING {having}");
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            let (expected, found, how) = runtime.block_on(both(&rows, &select));
            prop_assert!(how.contains("Repeated in place of"), "{}", how);
            prop_assert_eq!(found, expected);
        }
    }

    #[tokio::test]
    async fn groups_of_one_row_that_are_asked_for_are_left_to_the_engine() {
        let rows: Vec<Row> = (0..9).map(|at| (Some(at % 5), None, at)).collect();
        for having in [
            "COUNT(*) > 0",
            "COUNT(*) = 1",
            "COUNT(*) < 2",
            "COUNT(DISTINCT at) > 1",
            "COUNT(code) > 1",
            "COUNT(*) FILTER (WHERE at > 6) > 1",
            "COUNT(*) > 1 OR MAX(at) = 4",
            "COUNT(*) > 1 AND SUM(1 / (at - 100)) = 0",
            "COUNT(*) > 1 AND 1 / (MAX(at) - 100) = 0",
        ] {
            let select = format!("SELECT n, MIN(at) FROM visits GROUP BY n HAVING {having}");
            let (expected, found, how) = both(&rows, &select).await;
            assert!(!how.contains("Repeated"), "{how}");
            assert_eq!(found, expected);
        }
    }
}
