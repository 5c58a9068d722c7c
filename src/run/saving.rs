//! What was taken, made durable beside whoever reads it: first the copies, then the ledger that
//! names them.

use std::thread::JoinHandle;

use crate::compile::TableName;
use crate::diag::{Diagnostic, Result};
use crate::store::Lake;
use crate::store::atomic::Placed;

use super::ledger::Ledger;

/// Copies and a ledger on their way to the disk; by default there is nothing to save.
#[derive(Default)]
pub(super) struct Saving(Option<JoinHandle<Result<()>>>);

impl Saving {
    /// Begins.
    pub(super) fn start(copies: Vec<Placed>, ledger: Ledger, lake: Lake, table: TableName) -> Self {
        Self(Some(std::thread::spawn(move || {
            copies.into_iter().try_for_each(Placed::keep)?;
            ledger.save(&lake, &table)
        })))
    }

    /// Waits until everything is durable. Done already is as good.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn done(&mut self) -> Result<()> {
        let Some(thread) = self.0.take() else {
            return Ok(());
        };
        let stopped = |_| Err(Diagnostic::bug("what saves a ledger panicked").into());
        thread.join().unwrap_or_else(stopped)
    }
}
