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

/// Of what those that cannot spill leave, half is for whoever asks first, and the other half is shared
/// out alike among all that can spill: none is kept waiting by one that asked before.
#[derive(Debug)]
pub(super) struct HalfSharedPool {
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

impl HalfSharedPool {
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
        let all = left.saturating_sub(self.by_spillers);
        if !consumer.can_spill() {
            return all;
        }
        let half = left / 2;
        let free = half.saturating_sub(self.by_spillers);
        let share = half / self.spillers.max(1);
        // Shares were larger while there were fewer to have one.
        free.max(share.saturating_sub(has)).min(all)
    }
}

impl MemoryPool for HalfSharedPool {
    fn name(&self) -> &str {
        "half shared"
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

impl fmt::Display for HalfSharedPool {
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
        Arc::new(HalfSharedPool::new(limit))
    }

    fn consumer(pool: &Arc<dyn MemoryPool>, can_spill: bool) -> MemoryReservation {
        let consumer = MemoryConsumer::new("somebody").with_can_spill(can_spill);
        consumer.register(pool)
    }

    #[test]
    fn one_of_many_may_have_half_and_the_others_have_their_shares_still() {
        let pool = pool(1_000);
        let all: Vec<_> = (0..10).map(|_| consumer(&pool, true)).collect();
        assert!(all[0].try_grow(500).is_ok());
        assert!(all[0].try_grow(1).is_err());
        for other in &all[1..] {
            assert!(other.try_grow(50).is_ok());
            assert!(other.try_grow(1).is_err());
        }
        all[0].shrink(500);
        // What was given back is for whoever asks.
        assert!(all[1].try_grow(50).is_ok());
        assert_eq!(pool.reserved(), 500);
    }

    #[test]
    fn who_cannot_spill_has_all_that_is_left_and_the_rest_is_halved() {
        let pool = pool(1_000);
        let (keeps, spills) = (consumer(&pool, false), consumer(&pool, true));
        assert!(spills.try_grow(300).is_ok());
        assert!(keeps.try_grow(701).is_err());
        assert!(keeps.try_grow(600).is_ok());
        // It holds more than half of what is left, and its share: it must spill.
        assert!(spills.try_grow(1).is_err());
        spills.shrink(300);
        assert!(spills.try_grow(200).is_ok());
        assert!(spills.try_grow(1).is_err());
    }

    proptest! {
        #[test]
        fn never_more_than_the_limit(
            kinds in prop::collection::vec(any::<bool>(), 1..8),
            asks in prop::collection::vec((0..8_usize, 0..400_usize, any::<bool>()), 0..60),
        ) {
            let pool = pool(1_000);
            let mut kinds = kinds.into_iter();
            let mut all = Vec::new();
            for (who, bytes, asks) in asks {
                all.extend(kinds.next().map(|can_spill| consumer(&pool, can_spill)));
                let one = &all[who % all.len()];
                match asks {
                    true => { let _ = one.try_grow(bytes); }
                    false => one.shrink(bytes.min(one.size())),
                }
                prop_assert!(pool.reserved() <= 1_000);
                prop_assert_eq!(pool.reserved(), all.iter().map(MemoryReservation::size).sum::<usize>());
            }
        }
    }
}
