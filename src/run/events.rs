//! What a run says while it works: the only link between the runner and whoever listens.
//!
//! The runner never prints. It tells a [`Listener`], in order, what it is about to do and what
//! came of it. Events hold names, counts and places, never values.

use std::time::Duration;

use serde::Serialize;

use crate::compile::TableName;
use crate::diag::Diagnostic;
pub use crate::disclosure::Tally;

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The tables that were chosen, and how many more they need.
    Selected {
        /// Chosen by name.
        chosen: Vec<TableName>,
        /// Made only because the chosen ones read them.
        needed: Vec<TableName>,
    },
    /// An interrupted run was finished, or its leavings removed.
    Repaired {
        /// What was done.
        what: String,
    },
    /// Files were brought here from a store, or taken away as they are there.
    Fetched {
        /// The place.
        from: String,
        /// How many files.
        files: usize,
        /// Their bytes.
        bytes: u64,
        /// How many files are not there any more.
        removed: usize,
    },
    /// Work on a table begins.
    Started {
        /// The table.
        table: TableName,
        /// Why it is made.
        why: String,
    },
    /// A file was read.
    Ingested {
        /// The source.
        table: TableName,
        /// The file, as `_file` has it.
        file: String,
        /// Rows in it.
        received: u64,
        /// Rows staged.
        good: u64,
        /// Rows refused.
        quarantined: u64,
        /// Rows that declared rules dropped.
        dropped: u64,
    },
    /// All new files of a source were read.
    Taken {
        /// The source.
        table: TableName,
        /// How many files.
        files: usize,
        /// Rows in them.
        received: u64,
        /// Rows staged.
        good: u64,
        /// Rows refused.
        quarantined: u64,
        /// Rows that declared rules dropped.
        dropped: u64,
        /// The rules that rows broke.
        broken: Vec<Broken>,
    },
    /// How the submissions of a source stand, where something new came and not all count.
    Submissions {
        /// The source.
        table: TableName,
        /// Each status with how many have it.
        counts: Vec<(&'static str, usize)>,
    },
    /// A table is as it should be; nothing was done.
    Fresh {
        /// The table.
        table: TableName,
    },
    /// A table was made.
    Made {
        /// The table.
        table: TableName,
        /// Its rows; unknown for views.
        rows: Option<u64>,
        /// How long it took.
        took: Duration,
    },
    /// A table was not made because something it reads failed.
    Skipped {
        /// The table.
        table: TableName,
        /// What failed.
        because: TableName,
    },
    /// A table could not be made, or failed a check.
    Failed {
        /// The table.
        table: TableName,
    },
    /// Worth reading; nothing stops.
    Warned(Diagnostic),
    /// A copy of a mart was made under a policy.
    Suppressed {
        /// Who reads it.
        audience: String,
        /// The mart.
        mart: String,
        /// The policy.
        policy: String,
        /// What was withheld.
        tally: Tally,
    },
    /// Readers of an audience see a new release.
    Published {
        /// The audience.
        audience: String,
        /// The release.
        release: String,
        /// Each mart of it that this run looked after.
        marts: Vec<PublishedMart>,
    },
    /// Nothing was published, and why.
    Withheld {
        /// In one sentence.
        why: String,
    },
}

/// A rule that rows of a source broke, over all its new files.
#[derive(Debug, Clone, Serialize)]
pub struct Broken {
    /// The rule.
    pub rule: String,
    /// The column, for a rule on values.
    pub column: Option<String>,
    /// What happened to the rows: `warn`, `quarantine`, `reject_file`.
    pub on_fail: String,
    /// How many rows broke it.
    pub rows: u64,
    /// In how many files.
    pub files: usize,
    /// The first of them, as `_file` has it, and the line.
    pub first: (String, i64),
}

/// A mart that readers see.
#[derive(Debug, Clone)]
pub struct PublishedMart {
    /// Its name.
    pub mart: String,
    /// Its rows.
    pub rows: u64,
    /// Where readers find it.
    pub path: std::path::PathBuf,
    /// Whether this run changed it.
    pub changed: bool,
}

/// Whoever wants to know.
pub trait Listener: Send + Sync {
    /// Hears one event.
    fn event(&self, event: &Event);
}
