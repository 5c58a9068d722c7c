//! Work that all cores share.

use std::sync::OnceLock;
use std::thread;

use parking_lot::Mutex;

/// What comes of each thing, in their order. Each core takes the next one when it has done one.
pub fn of_each<I: Send, T: Send>(
    things: impl IntoIterator<Item = I, IntoIter: Send>,
    work: impl Fn(I) -> T + Sync,
) -> Vec<T> {
    let things = things.into_iter();
    let most = things.size_hint().1.unwrap_or(usize::MAX);
    let next = Mutex::new(things.enumerate());
    let take = || {
        let mut done = Vec::new();
        loop {
            // Not in the pattern, which would hold the lock while the work is done.
            let thing = next.lock().next();
            match thing {
                Some((number, thing)) => done.push((number, work(thing))),
                None => return done,
            }
        }
    };
    let mut all: Vec<(usize, T)> = thread::scope(|scope| {
        let others: Vec<_> = (1..cores().min(most)).map(|_| scope.spawn(take)).collect();
        let mut all = take();
        for other in others {
            match other.join() {
                Ok(done) => all.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    });
    all.sort_unstable_by_key(|(number, _)| *number);
    all.into_iter().map(|(_, done)| done).collect()
}

fn cores() -> usize {
    // The system is asked once: it reads files to answer.
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| thread::available_parallelism().map_or(2, usize::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_things() {
        let squares = of_each(0..1_000_u64, |n| n * n);
        assert_eq!(squares, (0..1_000).map(|n| n * n).collect::<Vec<_>>());
        let none: [u64; 0] = [];
        assert!(of_each(none, |n| n).is_empty());
    }

    #[test]
    #[should_panic(expected = "the seventh")]
    fn a_panic_is_not_lost() {
        of_each(0..100, |n| assert_ne!(n, 7, "the seventh"));
    }
}
