//! Disclosure control: what readers of a copy may not learn about few people, and the proof that they
//! cannot.
//!
//! A mart's exact counts become a [`table`]; its relations tie cells together into [`blocks`] that share
//! no sum with each other. In each block [`protect`] withholds small counts, the siblings that would give
//! them back, and whatever else the [`attack`] still needs. [`copy`] rounds the rest into rows; [`audit`] reads what
//! was written of them as an attacker would: a copy whose withheld counts can be narrowed is not published.
//!
//! Which numbers are small, and how wide a range must stay, is [`rules`]: a policy of the warehouse. What
//! is known of the method: NHS Digital's suppression of 1 to 7 with rounding to 5 (HES and ECDS, 2018),
//! and the audit of sums by linear programming (Handbook on Statistical Disclosure Control, chapter 4).
//!
//! Everything is decided by values and, where they are equal, by the order of the grain, never by threads:
//! the same counts give the same copy.

pub mod attack;
pub mod audit;
pub mod blocks;
pub mod copy;
pub mod protect;
pub mod rules;
mod solver;
pub mod table;
mod witness;

pub use audit::audit;
pub use copy::{Copied, Source, Tally, copy};
pub use rules::Rules;

#[cfg(test)]
mod tests;
