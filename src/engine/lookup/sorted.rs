//! Tables in memory that are sorted by a key, no two rows of which agree on it.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, new_null_array};
use datafusion::arrow::compute::interleave;
use datafusion::arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::datasource::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::error::Result;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::repartition::RepartitionExec;

use super::super::memory::compact;

/// A table in memory as a plan reads it.
pub(super) struct Scan {
    pub schema: SchemaRef,
    /// Its columns, as they are read, in no order of batches.
    batches: Vec<RecordBatch>,
    /// What must hold of its rows.
    pub filter: Option<Arc<dyn PhysicalExpr>>,
    /// Which columns are left when that holds.
    projection: Option<Vec<usize>>,
}

impl Scan {
    /// What a plan reads, if that is one table in memory and all it does is to leave rows out.
    pub(super) fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        if let Some(dealt) = plan.downcast_ref::<RepartitionExec>() {
            return Self::of(dealt.input());
        }
        if let Some(filter) = plan.downcast_ref::<FilterExec>() {
            let scan = Self::of(filter.input()).filter(|scan| scan.filter.is_none())?;
            return filter.fetch().is_none().then(|| Self {
                filter: Some(Arc::clone(filter.predicate())),
                projection: filter.projection().as_ref().map(|columns| columns.to_vec()),
                ..scan
            });
        }
        let exec = plan.downcast_ref::<DataSourceExec>()?;
        let source = exec.data_source();
        let rows = source.downcast_ref::<MemorySourceConfig>()?;
        let all = || (0..rows.original_schema().fields().len()).collect();
        let columns = rows.projection().clone().unwrap_or_else(all);
        let batches = rows.partitions().iter().flatten();
        let batches = batches.map(|batch| batch.project(&columns).ok());
        (source.fetch().is_none() && rows.sort_information().is_empty()).then_some(())?;
        Some(Self {
            schema: exec.schema(),
            batches: batches.collect::<Option<_>>()?,
            filter: None,
            projection: None,
        })
    }

    /// Where it has a column of what is left.
    pub(super) fn column(&self, column: usize) -> usize {
        let left = self.projection.as_ref().map(|columns| columns[column]);
        left.unwrap_or(column)
    }
}

/// A batch of a table and a row of it.
pub(super) type Place = (usize, usize);

/// A table in the order of its keys.
pub(super) struct Table {
    batches: Vec<RecordBatch>,
    /// Those of each batch.
    keys: Vec<Int64Array>,
}

impl Table {
    /// The batches in the order of their keys; nothing if two rows agree, or are in no order.
    pub(super) fn sorted(scan: &Scan, key: usize) -> Option<Self> {
        let keys_of = |batch: &RecordBatch| batch.column(key).as_primitive::<Int64Type>().clone();
        let mut batches = scan.batches.clone();
        batches.retain(|batch| batch.num_rows() > 0);
        batches.sort_by_key(|batch| keys_of(batch).value(0));
        let keys: Vec<Int64Array> = batches.iter().map(keys_of).collect();
        let mut before = None;
        for keys in &keys {
            let ascend = keys.values().windows(2).all(|pair| pair[0] < pair[1]);
            let first = keys.value(0);
            if keys.null_count() > 0 || !ascend || before.is_some_and(|before| before >= first) {
                return None;
            }
            before = keys.values().last().copied();
        }
        Some(Self { batches, keys })
    }

    /// Where each of these keys stands.
    pub(super) fn find(&self, keys: &ArrayRef) -> Vec<Option<Place>> {
        let place = |key: i64| {
            let batch = self.keys.partition_point(|keys| keys.value(0) <= key);
            let batch = batch.checked_sub(1)?;
            Some((batch, position(self.keys[batch].values(), key)?))
        };
        let keys = keys.as_primitive::<Int64Type>();
        keys.iter().map(|key| key.and_then(place)).collect()
    }

    /// A column of the rows found, null where none was.
    pub(super) fn column(
        &self,
        scan: &Scan,
        column: usize,
        found: &[Option<Place>],
    ) -> Result<ArrayRef> {
        let none = new_null_array(scan.schema.field(column).data_type(), 1);
        let columns = self.batches.iter().map(|batch| batch.column(column));
        let columns = columns.chain([&none]).map(AsRef::as_ref);
        let columns: Vec<&dyn Array> = columns.collect();
        let nowhere = (self.batches.len(), 0);
        let places = found.iter().map(|place| place.unwrap_or(nowhere));
        let places: Vec<Place> = places.collect();
        // Texts are taken with all that stand beside them.
        Ok(compact(&interleave(&columns, &places)?))
    }
}

/// Where a key stands among keys that ascend. Keys that are cut from a hash lie evenly: a key is looked
/// for where it then would be, and around that place in steps that double, so that what is read lies
/// close together. Where keys lie otherwise it takes a few steps more.
fn position(keys: &[i64], key: i64) -> Option<usize> {
    const FIRST_STEP: usize = 64;
    let (first, last) = (*keys.first()?, *keys.last()?);
    if key < first || key > last {
        return None;
    }
    let part = key.abs_diff(first) as f64 / last.abs_diff(first).max(1) as f64;
    let guess = ((part * keys.len() as f64) as usize).min(keys.len() - 1);
    let mut step = FIRST_STEP;
    let (mut from, mut to) = (guess, guess + 1);
    while keys[from] > key {
        to = from;
        from = from.saturating_sub(step);
        step *= 2;
    }
    while to < keys.len() && keys[to] <= key {
        from = to;
        to = keys.len().min(to + step);
        step *= 2;
    }
    Some(from + keys[from..to].binary_search(&key).ok()?)
}

// Rows are about persons: none is shown.
impl fmt::Debug for Scan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scan")
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("batches", &self.batches.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_is_found_where_it_stands(
            keys in prop::collection::btree_set(
                prop_oneof![any::<i64>(), -50_i64..50, Just(i64::MIN), Just(i64::MAX)],
                0..400,
            ),
            others in prop::collection::vec(prop_oneof![any::<i64>(), -60_i64..60], 0..40),
        ) {
            let sorted: Vec<i64> = keys.iter().copied().collect();
            let all: BTreeSet<i64> = keys.into_iter().chain(others).collect();
            for key in all {
                prop_assert_eq!(position(&sorted, key), sorted.binary_search(&key).ok());
            }
        }
    }
}
