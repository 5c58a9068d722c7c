//! Whoever listens to a run: lines and bars for people, events for machines.
//!
//! Sees the run's events and diagnostics, nothing else of the house.

mod human;
mod sender;
mod trace;

pub use human::{Human, plural, thousands};
pub use sender::{SHOWN_ROWS, Sender, SentFile, SentRow, SentTotal};
pub use trace::{Trace, init};

use crate::run::{Event, Listener};

/// Tells several listeners.
pub struct All(pub Vec<Box<dyn Listener>>);

impl Listener for All {
    fn event(&self, event: &Event) {
        for listener in &self.0 {
            listener.event(event);
        }
    }
}
