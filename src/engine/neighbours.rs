//! Whether sorted rows tell each other apart: two that agree stand side by side, so that looking at
//! neighbours while they are written answers what would else take a pass over the table.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use datafusion::arrow::compute::and;
use datafusion::arrow::compute::kernels::cmp::not_distinct;
use datafusion::arrow::datatypes::SchemaRef;

use crate::diag::{Diagnostic, Diagnostics, Result};

/// Holds each row of a sorted table against the one before it.
pub(super) struct Neighbours {
    /// The columns that the rows are sorted by. The last ones differ most often and are asked first.
    columns: Vec<usize>,
    /// What those columns held in the last row.
    last: Option<Vec<ArrayRef>>,
    alike: bool,
}

impl Neighbours {
    /// For rows of `schema` that are sorted by `order`.
    pub(super) fn by(schema: &SchemaRef, order: &[String]) -> Self {
        let columns = order.iter().filter_map(|name| schema.index_of(name).ok());
        Self {
            columns: columns.rev().collect(),
            last: None,
            alike: order.is_empty(),
        }
    }

    /// Looks at the next rows.
    ///
    /// # Errors
    /// Only by a fault of ours.
    pub(super) fn look_at(&mut self, batch: &RecordBatch) -> Result<()> {
        let rows = batch.num_rows();
        if self.alike || rows == 0 {
            return Ok(());
        }
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|i| Arc::clone(batch.column(*i)))
            .collect();
        let part = |from: usize, rows: usize| -> Vec<ArrayRef> {
            columns.iter().map(|c| c.slice(from, rows)).collect()
        };
        let before = self.last.replace(part(rows - 1, 1));
        self.alike = any_agree(&part(0, rows - 1), &part(1, rows - 1))?
            || match before {
                Some(before) => any_agree(&before, &part(0, 1))?,
                None => false,
            };
        Ok(())
    }

    /// Whether no row agreed with the one before it.
    pub(super) fn all_differ(&self) -> bool {
        !self.alike
    }
}

/// Whether a row of one side agrees in every column with that of the other. Nulls agree.
fn any_agree(one: &[ArrayRef], other: &[ArrayRef]) -> Result<bool> {
    let bug =
        |e: datafusion::arrow::error::ArrowError| Diagnostics::from(Diagnostic::bug(e.to_string()));
    let mut agree: Option<BooleanArray> = None;
    for (one, other) in one.iter().zip(other) {
        let here = not_distinct(one, other).map_err(bug)?;
        let so_far = match agree {
            Some(so_far) => and(&so_far, &here).map_err(bug)?,
            None => here,
        };
        if so_far.true_count() == 0 {
            return Ok(false);
        }
        agree = Some(so_far);
    }
    Ok(agree.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{Int64Array, StringArray};
    use proptest::prelude::*;

    fn table(rows: &[(Option<i64>, &str)]) -> RecordBatch {
        let numbers: Int64Array = rows.iter().map(|r| r.0).collect();
        let texts: StringArray = rows.iter().map(|r| Some(r.1)).collect();
        let columns: [(_, ArrayRef, _); 2] = [
            ("number", Arc::new(numbers), true),
            ("text", Arc::new(texts), true),
        ];
        RecordBatch::try_from_iter_with_nullable(columns).expect("a table")
    }

    proptest! {
        #[test]
        fn two_alike_are_seen_wherever_batches_end(
            mut rows in prop::collection::vec((prop::option::of(0_i64..4), "[ab]{0,2}"), 0..12),
            at in 0_usize..12,
        ) {
            rows.sort();
            let rows: Vec<(Option<i64>, &str)> = rows.iter().map(|(n, t)| (*n, t.as_str())).collect();
            let twice = rows.windows(2).any(|pair| pair[0] == pair[1]);
            let batch = table(&rows);
            let order = ["number".to_owned(), "text".to_owned()];
            let mut neighbours = Neighbours::by(&batch.schema(), &order);
            let at = at.min(rows.len());
            neighbours.look_at(&batch.slice(0, at)).expect("looks");
            neighbours.look_at(&batch.slice(at, rows.len() - at)).expect("looks");
            prop_assert_eq!(neighbours.all_differ(), !twice);
        }
    }
}
