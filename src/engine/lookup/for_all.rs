//! What all partitions of a join wait for.

use std::sync::Arc;

use datafusion::error::{DataFusionError, Result, SharedResult};
use tokio::sync::OnceCell;

/// Made by the first partition that asks. If it fails it has failed for all:
/// what it read cannot be read again.
#[derive(Debug)]
pub(super) struct ForAll<T>(OnceCell<SharedResult<T>>);

impl<T> Default for ForAll<T> {
    fn default() -> Self {
        Self(OnceCell::new())
    }
}

impl<T> ForAll<T> {
    pub(super) async fn made(&self, make: impl AsyncFnOnce() -> Result<T>) -> Result<&T> {
        let made = self.0.get_or_init(async || make().await.map_err(Arc::new));
        let made = made.await.as_ref();
        made.map_err(|e| DataFusionError::Shared(Arc::clone(e)))
    }

    /// It, if it has been made.
    pub(super) fn get(&self) -> Option<&T> {
        self.0.get()?.as_ref().ok()
    }
}
