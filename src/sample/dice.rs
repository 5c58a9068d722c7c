//! Chance, the same on every machine: one ChaCha stream per person and subject, integers only.
//!
//! A person's screening history must not depend on how many lung rows were drawn before it, nor on
//! which thread got there first; so each (subject, person) has a stream of its own.

use chrono::NaiveDate;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::dates::plus_days;

/// What a stream is for.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub enum Subject {
    /// Districts, LSOAs, ranks.
    Geography = 1,
    /// The person: birth, home, practice, death.
    Person = 2,
    /// Bowel screening history.
    Bowel = 3,
    /// Breast screening history.
    Breast = 4,
    /// Cervical screening history.
    Cervical = 5,
    /// Lung health checks.
    Lung = 6,
    /// Liver surveillance.
    Liver = 7,
    /// Personalised care.
    PersonalisedCare = 8,
    /// How dates and spellings are written, which no truth may depend on.
    Spelling = 9,
    /// Cancer pathways, as waiting times count them.
    Pathway = 10,
    /// Tumours of the cancer registry.
    Tumour = 11,
    /// Urgent lower gastrointestinal referrals.
    LowerGi = 12,
    /// Figures that others have published, of no person in the sample.
    Published = 13,
}

/// A stream of chance.
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// The stream of one subject and one person (or other numbered thing).
    pub fn new(seed: u64, subject: Subject, index: usize) -> Self {
        let mut key = *b"martlet synthetic kent ........ ";
        key[23..31].copy_from_slice(&seed.to_le_bytes());
        let mut stream = ChaCha8Rng::from_seed(key);
        stream.set_stream(index as u64 * 16 + subject as u64);
        Self(stream)
    }

    /// A number from 0 to `n` − 1; 0 when `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.0.next_u32()) * u64::from(n)) >> 32) as u32
    }

    /// A number from `low` to `high`, both in.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = (high - low + 1).clamp(1, i64::from(u32::MAX)) as u32;
        low + i64::from(self.below(width))
    }

    /// True `per_10_000` times in ten thousand.
    pub fn chance(&mut self, per_10_000: u32) -> bool {
        self.below(10_000) < per_10_000
    }

    /// The place of a draw among weights.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let mut left = self.below(weights.iter().sum());
        for (place, weight) in weights.iter().enumerate() {
            if left < *weight {
                return place;
            }
            left -= weight;
        }
        0
    }

    /// One of `choices`, which must not be empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u32) as usize]
    }

    /// A day from `low` to `high`, both in.
    pub fn day(&mut self, low: NaiveDate, high: NaiveDate) -> NaiveDate {
        let width = super::dates::days_between(low, high).max(0);
        plus_days(low, self.between(0, width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, subject, index| Dice::new(seed, subject, index).below(1 << 31);
        assert_eq!(draw(1, Subject::Person, 5), draw(1, Subject::Person, 5));
        assert_ne!(draw(1, Subject::Person, 5), draw(1, Subject::Person, 6));
        assert_ne!(draw(1, Subject::Person, 5), draw(1, Subject::Lung, 5));
        assert_ne!(draw(1, Subject::Person, 5), draw(2, Subject::Person, 5));
    }

    #[test]
    fn weights_of_nothing_are_never_drawn() {
        let mut dice = Dice::new(7, Subject::Geography, 0);
        assert!((0..1000).all(|_| dice.weighted(&[0, 3, 0, 1]) % 2 == 1));
    }
}
