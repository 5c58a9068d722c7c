//! One memory limit for all that queries hold.
//!
//! The engine's own pool that lets operators spill gives each the same share from the start. A query of
//! twenty parts has a hundred operators, most of which hold next to nothing, and the one that sums up
//! goes to the disk at a hundredth of the limit.

use std::fmt;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation, human_readable_size,
};
use parking_lot::Mutex;

/// The part of what those that cannot spill leave which is for whoever asks first.
const FREE: usize = 4;

/// A quarter of what those that cannot spill leave is for whoever asks first. The rest is shared out alike
/// among all that can spill, and an operator has its share whatever others hold, as in the engine's own
/// pool: one that is refused its first bytes has nothing to spill, and fails. Shares were larger while there
/// were fewer to have one, so that for a while they may be more than the limit together.
#[derive(Debug)]
pub(super) struct SharedPool {
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// How many can spill.
    spillers: usize,
    /// Bytes of those.
    by_spillers: usize,
    /// Bytes of all others.
    by_others: usize,
}

impl SharedPool {
    /// A pool of so many bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Mutex::default(),
        }
    }
}

impl Held {
    fn of(&mut self, consumer: &MemoryConsumer) -> &mut usize {
        match consumer.can_spill() {
            true => &mut self.by_spillers,
            false => &mut self.by_others,
        }
    }

    /// Bytes that somebody who holds `has` may ask for.
    fn room(&self, limit: usize, consumer: &MemoryConsumer, has: usize) -> usize {
        let left = limit.saturating_sub(self.by_others);
        if !consumer.can_spill() {
            return left.saturating_sub(self.by_spillers);
        }
        let free = left / FREE;
        let share = (left - free) / self.spillers.max(1);
        let free = free.saturating_sub(self.by_spillers);
        free.max(share.saturating_sub(has))
    }
}

impl MemoryPool for SharedPool {
    fn name(&self) -> &str {
        "shared"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.held.lock().spillers += usize::from(consumer.can_spill());
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.held.lock().spillers -= usize::from(consumer.can_spill());
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        *self.held.lock().of(reservation.consumer()) += additional;
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        *self.held.lock().of(reservation.consumer()) -= shrink;
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let mut held = self.held.lock();
        let consumer = reservation.consumer();
        let room = held.room(self.limit, consumer, reservation.size());
        if additional > room {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "{} asked for {} more, and has room for {}",
                consumer.name(),
                human_readable_size(additional),
                human_readable_size(room),
            )));
        }
        *held.of(consumer) += additional;
        Ok(())
    }

    fn reserved(&self) -> usize {
        let held = self.held.lock();
        held.by_spillers + held.by_others
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

impl fmt::Display for SharedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, reserved) = (self.name(), human_readable_size(self.reserved()));
        write!(
            f,
            "{name} ({reserved} of {})",
            human_readable_size(self.limit)
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;

    fn pool(limit: usize) -> Arc<dyn MemoryPool> {
        Arc::new(SharedPool::new(limit))
    }

    fn consumer(pool: &Arc<dyn MemoryPool>, can_spill: bool) -> MemoryReservation {
        let consumer = MemoryConsumer::new("somebody").with_can_spill(can_spill);
        consumer.register(pool)
    }

    #[test]
    fn one_of_many_may_have_a_quarter_and_the_others_have_their_shares_still() {
        let pool = pool(1_000);
        let all: Vec<_> = (0..10).map(|_| consumer(&pool, true)).collect();
        assert!(all[0].try_grow(250).is_ok());
        assert!(all[0].try_grow(1).is_err());
        for other in &all[1..] {
            assert!(other.try_grow(75).is_ok());
            assert!(other.try_grow(1).is_err());
        }
        assert_eq!(pool.reserved(), 925);
        all[1..].iter().for_each(|other| other.shrink(75));
        all[0].shrink(250);
        // What was given back is for whoever asks.
        assert!(all[1].try_grow(250).is_ok());
    }

    #[test]
    fn who_cannot_spill_has_all_that_is_left_and_the_rest_is_shared() {
        let pool = pool(1_000);
        let (keeps, spills) = (consumer(&pool, false), consumer(&pool, true));
        assert!(spills.try_grow(300).is_ok());
        assert!(keeps.try_grow(701).is_err());
        assert!(keeps.try_grow(600).is_ok());
        // It holds all of its share of what is left: it must spill.
        assert!(spills.try_grow(1).is_err());
        let late = consumer(&pool, true);
        // Though nothing is left.
        assert!(late.try_grow(150).is_ok());
        assert!(keeps.try_grow(1).is_err());
    }

    proptest! {
        #[test]
        fn whoever_comes_late_has_a_share_and_who_cannot_spill_never_passes_the_limit(
            kinds in prop::collection::vec(any::<bool>(), 1..8),
            asks in prop::collection::vec((0..8_usize, 0..400_usize, any::<bool>()), 0..60),
        ) {
            let pool = pool(1_000);
            let mut kinds = kinds.into_iter();
            let mut all = Vec::new();
            for (who, bytes, asks) in asks {
                all.extend(kinds.next().map(|can_spill| consumer(&pool, can_spill)));
                let one: &MemoryReservation = &all[who % all.len()];
                match asks {
                    true => {
                        let before = pool.reserved();
                        let granted = one.try_grow(bytes).is_ok();
                        let keeps = !one.consumer().can_spill();
                        prop_assert!(!(granted && keeps) || before + bytes <= 1_000);
                    }
                    false => one.shrink(bytes.min(one.size())),
                }
                prop_assert_eq!(pool.reserved(), all.iter().map(MemoryReservation::size).sum::<usize>());
            }
            let late = consumer(&pool, true);
            let others: usize = all.iter().filter(|r| !r.consumer().can_spill()).map(MemoryReservation::size).sum();
            let spillers = 1 + all.iter().filter(|r| r.consumer().can_spill()).count();
            prop_assert!(late.try_grow((1_000 - others) / FREE * (FREE - 1) / spillers).is_ok());
        }
    }
}
