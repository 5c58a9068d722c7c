//! Panics that are expected and dealt with: of libraries, on files that are damaged.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Runs what a damaged file may make panic; `None` if it did. Nothing is said of it: whoever calls
/// says what is wrong with the file.
pub fn contained<T>(work: impl FnOnce() -> T) -> Option<T> {
    DEPTH.set(DEPTH.get() + 1);
    let done = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    done.ok()
}

/// Whether a panic of this thread would be dealt with by [`contained`].
pub fn is_contained() -> bool {
    DEPTH.get() > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_inside_is_contained() {
        assert!(!is_contained());
        assert_eq!(contained(is_contained), Some(true));
        assert_eq!(
            contained(|| contained(|| panic!("inside"))),
            Some(None::<()>)
        );
        assert!(!is_contained());
        // Another thread's panic is its own.
        let other = contained(|| std::thread::spawn(is_contained).join().ok());
        assert_eq!(other, Some(Some(false)));
    }
}
