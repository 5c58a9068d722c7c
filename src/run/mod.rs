//! The night: which files are new, which tables that makes stale, and everything done about it.
//!
//! ```text
//! lock → repair → mirror → for each table, after its inputs: fresh? else make, check → publish → ship → record
//! ```
//!
//! Nothing is changed in place and every output is named by what made it, so skipping unchanged
//! work, starting again after a kill and tracing a number are one mechanism. Readers see a release
//! only when every chosen mart came out and passed: one failure withholds them all, because marts
//! of two nights side by side are a mixture.
//!
//! The runner never prints: it tells [`events`].

mod arrivals;
mod attempt;
mod build;
mod cancellations;
mod copies;
mod events;
mod fingerprints;
mod freshness;
mod in_order;
mod ingredients;
mod ledger;
mod lock;
mod mirror;
mod models;
mod night;
mod open;
mod periods;
mod preview;
mod quarantine;
mod queue;
mod reading;
mod record;
mod release;
mod saving;
mod settling;
mod shipping;
mod side_by_side;
mod sources;
mod standing;
mod submissions;
mod system;

pub use attempt::Fault;
pub use events::{Broken, Event, Listener, PublishedMart, Tally};
pub use mirror::{look, stores};
pub use night::{Night, Options, Summary, as_of, run};
pub use open::open;
pub use preview::{Preview, PreviewedTable, preview};
pub use quarantine::{Examined, examined};
pub use record::{Made, NodeRecord, Origin};
pub use standing::Status;
pub use submissions::{SubmissionLine, submissions};
