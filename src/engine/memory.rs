//! How much memory rows take.

use datafusion::arrow::array::{Array, AsArray, RecordBatch};

/// Bytes of a batch's rows, those of its texts with them, wherever they are held. Batches that share
/// the buffers of a table that is held would each be counted with all of it otherwise.
pub(super) fn bytes_of(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter().map(|column| {
        let fixed = column.data_type().primitive_width();
        match (fixed, column.as_string_view_opt()) {
            (Some(width), _) => width * column.len(),
            (None, Some(texts)) => 16 * texts.len() + texts.total_buffer_bytes_used(),
            (None, None) => column.get_buffer_memory_size(),
        }
    });
    columns.sum()
}
