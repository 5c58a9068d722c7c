//! How much memory rows take.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, MutableArrayData, RecordBatch, make_array,
};
use datafusion::arrow::datatypes::DataType;
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool};

/// So many bytes as are one in `parts` of a pool's limit.
pub(super) fn part_of(pool: &Arc<dyn MemoryPool>, parts: usize) -> usize {
    match pool.memory_limit() {
        MemoryLimit::Finite(limit) => limit / parts,
        _ => usize::MAX,
    }
}

/// Bytes of a batch's rows, those of its texts with them, wherever they are held. Batches that share
/// the buffers of a table that is held would each be counted with all of it otherwise.
pub(super) fn bytes_of(batch: &RecordBatch) -> usize {
    batch.columns().iter().map(bytes_of_column).sum()
}

fn bytes_of_column(column: &ArrayRef) -> usize {
    match (column.data_type(), column.as_string_view_opt()) {
        (DataType::Boolean, _) => column.len().div_ceil(8),
        (_, Some(texts)) => 16 * texts.len() + texts.total_buffer_bytes_used(),
        (kind, None) => match kind.primitive_width() {
            Some(width) => width * column.len(),
            None => column.get_buffer_memory_size(),
        },
    }
}

/// The column without what it shares with rows that went elsewhere: a slice holds all that it was cut
/// from, and is counted with it.
pub(super) fn compact(column: &ArrayRef) -> ArrayRef {
    if column.get_buffer_memory_size() <= 2 * bytes_of_column(column) {
        return Arc::clone(column);
    }
    if let Some(texts) = column.as_string_view_opt() {
        return Arc::new(texts.gc());
    }
    let data = column.to_data();
    let mut copy = MutableArrayData::new(vec![&data], false, data.len());
    match copy.try_extend(0, 0, data.len()) {
        Ok(()) => make_array(copy.freeze()),
        Err(_) => Arc::clone(column),
    }
}
