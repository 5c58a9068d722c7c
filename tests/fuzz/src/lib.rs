//! Any bytes, as a feed's file, against the promises in `martlet::ingest::trial`.

use std::cell::RefCell;

use martlet::diag::is_contained;
use martlet::ingest::trial::{Trial, of};

thread_local! {
    /// One inbox and one lake for all that a process tries.
    static TRIAL: RefCell<Option<Trial>> = const { RefCell::new(None) };
}

/// Ends the process when a promise is broken; the fuzzer then keeps the bytes.
///
/// # Panics
/// That is how the fuzzer knows.
pub fn try_bytes(feed: &str, bytes: &[u8]) {
    TRIAL.with_borrow_mut(|trial| {
        let trial = trial.get_or_insert_with(|| {
            // The fuzzer ends the process at any panic; those that a reader deals with are no find.
            let end = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                if !is_contained() {
                    end(panic);
                }
            }));
            let feed = of(feed).expect("a feed of this name");
            Trial::new(feed).expect("a folder")
        });
        if let Err(broken) = trial.take(bytes) {
            panic!("{broken}");
        }
    });
}
