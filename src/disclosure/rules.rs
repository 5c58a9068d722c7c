//! The numbers of a policy. All counts here are tenths of a person, as `decimal(12,1)` has them.

use serde::{Deserialize, Serialize};

use crate::spec::Policy;

/// Tenths of a person.
pub type Tenths = i64;

/// One person.
pub const PERSON: Tenths = 10;

/// The numbers of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// The policy.
    pub policy: String,
    /// Counts of 1 to this many people are withheld.
    pub suppress_up_to: u32,
    /// All others are rounded to the nearest multiple of this.
    pub round_to: u32,
    /// None, or all, of fewer people than this is withheld.
    pub all_or_none_from: u32,
    /// How wide the range of a withheld count stays for an attacker who knows all sums.
    pub least_width: u32,
}

impl Rules {
    /// The numbers of the policy of that name.
    pub fn of(name: &str, policy: &Policy) -> Self {
        Self {
            policy: name.to_owned(),
            suppress_up_to: policy.suppress_up_to(),
            round_to: policy.round_to(),
            all_or_none_from: policy.all_or_none_from(),
            least_width: policy.least_width(),
        }
    }

    /// The least count that is not small. Half a person more than the threshold still is: the
    /// halves of a shared pathway are of one person.
    pub fn least_shown(&self) -> Tenths {
        Tenths::from(self.suppress_up_to) * PERSON + PERSON
    }

    /// Whether a count is of somebody, and of too few.
    pub fn is_small(&self, count: Tenths) -> bool {
        count > 0 && count < self.least_shown()
    }

    /// Whether so few people are counted that none or all of them is an answer about each.
    pub fn is_few(&self, count: Tenths) -> bool {
        count > 0 && count < self.least_of_all()
    }

    /// The least number of people of whom none or all is shown.
    pub fn least_of_all(&self) -> Tenths {
        Tenths::from(self.all_or_none_from) * PERSON
    }

    /// The nearest multiple, halves up.
    pub fn round(&self, count: Tenths) -> Tenths {
        let base = self.base();
        (count + base / 2) / base * base
    }

    /// The counts that are shown as `shown`, when counts go by `step`: the least and the greatest.
    pub fn behind(&self, shown: Tenths, step: Tenths) -> (Tenths, Tenths) {
        if shown == 0 {
            return (0, 0);
        }
        let half = self.base() / 2;
        let least = (shown - half + step - 1).div_euclid(step) * step;
        let greatest = (shown + half - 1).div_euclid(step) * step;
        (least.max(self.least_shown()), greatest)
    }

    /// How wide the range of a withheld count must stay.
    pub fn width(&self) -> Tenths {
        Tenths::from(self.least_width) * PERSON
    }

    fn base(&self) -> Tenths {
        Tenths::from(self.round_to) * PERSON
    }
}
