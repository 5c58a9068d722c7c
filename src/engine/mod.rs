//! DataFusion, held to our rules: a memory limit with spill, explicit files, a total order.
//!
//! What comes out depends on the rows alone. Queries run in as many partitions as the settings
//! say; the result is sorted by a total order and written by our own writer, so that one, two and
//! eight partitions give the same bytes.

mod bits;
mod choices;
mod first_rows;
mod footers;
mod held;
mod instead;
mod keeper;
mod long_batches;
mod lookup;
mod materialise;
mod memory;
mod merge;
mod neighbours;
mod once;
mod pool;
mod repeated;
mod row_numbers;
mod shares;
mod sort;
mod tables;

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{MemoryPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;

use crate::compile::session::{self, Functions};
use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::spec::Settings;

pub use footers::surely_has;
pub use held::Rows;
pub use keeper::Keeper;
pub use materialise::{Materialised, materialise, optimised, read, rows};
pub use merge::last_of_each_key;
use pool::SharedPool;
pub use tables::{
    is_small, let_go, of_files, on_disk, register_files, register_rows, register_view,
};

/// The part of the memory limit that rows may take and be sorted in one piece.
const SORTED_WHOLE: usize = 32;

/// What the engine may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Memory for queries, in bytes.
    pub memory: usize,
    /// Disk for what does not fit, in bytes.
    pub spill: u64,
    /// Partitions of a query.
    pub partitions: usize,
}

impl From<&Settings> for Limits {
    fn from(settings: &Settings) -> Self {
        Self {
            memory: settings.memory_limit,
            spill: settings.spill_limit,
            partitions: settings.partitions,
        }
    }
}

/// One memory limit and one spill folder for all queries of a process.
pub struct Engine {
    runtime: Arc<RuntimeEnv>,
    limits: Limits,
    functions: Functions,
}

impl Engine {
    /// An engine that spills below a folder, which is made.
    ///
    /// # Errors
    /// When the folder cannot be made, or the limits make no sense to DataFusion.
    pub fn new(limits: Limits, spill: &Path, functions: Functions) -> Result<Self> {
        std::fs::create_dir_all(spill)
            .map_err(|e| Diagnostics::from(Diagnostic::io(spill, "make the folder", &e)))?;
        let pool = SharedPool::new(limits.memory);
        let pool: Arc<dyn MemoryPool> = Arc::new(TrackConsumersPool::new(
            pool,
            NonZeroUsize::MIN.saturating_add(4),
        ));
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![spill.to_owned()]))
            .with_max_temp_directory_size(limits.spill);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(pool)
            .with_disk_manager_builder(disk)
            // Its listings never expire: a later step would not see what an earlier one wrote.
            .with_object_list_cache_limit(0)
            .build_arc()
            .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        Ok(Self {
            runtime,
            limits,
            functions,
        })
    }

    /// A session without tables.
    pub fn session(&self) -> SessionContext {
        let mut config = session::config(self.limits.partitions);
        // What is sorted whole need not be merged.
        config.options_mut().execution.sort_in_place_threshold_bytes =
            self.limits.memory / SORTED_WHOLE;
        session::context(config, Arc::clone(&self.runtime), self.functions)
    }
}

/// A session with the same tables for queries that are not cut into parts.
pub fn undivided(context: &SessionContext) -> SessionContext {
    let state = context.state();
    let config = state.config().clone().with_target_partitions(1);
    let state = SessionStateBuilder::new_from_existing(state)
        .with_config(config)
        .build();
    SessionContext::new_with_state(state)
}
