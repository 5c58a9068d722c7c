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
            let row = self.keys[batch].values().binary_search(&key).ok()?;
            Some((batch, row))
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
