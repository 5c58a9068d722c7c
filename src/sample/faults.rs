//! What goes wrong with a row between the person it is about and the warehouse. A fault belongs to
//! the row, is drawn with it, and decides both how a feed writes the row and whether the truth counts
//! it: the two cannot drift apart.

use super::dice::Dice;
use super::nhs_number;

/// The fault of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// As it should be.
    #[default]
    None,
    /// Sent twice, identically: counts once.
    Duplicate,
    /// A date nobody can read, or that never was: quarantined.
    BadDate,
    /// A code outside its list: quarantined.
    BadCode,
    /// A number that fails its check, is nobody's or is missing: kept, but linked to nobody.
    Unlinked,
}

impl Fault {
    /// Whether the row reaches its person, and so counts.
    pub fn counts(self) -> bool {
        matches!(self, Fault::None | Fault::Duplicate)
    }

    /// A fault for one row: duplicates and unlinked numbers anywhere; rows to be refused `refused` times
    /// in a thousand, which is 0 for small files, so that one bad row does not spoil a file of five.
    pub fn draw(dice: &mut Dice, refused: u32) -> Self {
        match dice.below(1_000) {
            0..4 => Fault::Duplicate,
            4..8 => Fault::Unlinked,
            n if n < 8 + refused && n % 5 < 3 => Fault::BadDate,
            n if n < 8 + refused => Fault::BadCode,
            _ => Fault::None,
        }
    }
}

/// Dates that are none.
pub const UNREADABLE_DATES: [&str; 4] = ["31/02/2025", "n/k", "00/00/0000", "30/02/2024"];

/// The number an unlinked row carries instead of `number`; `None` is blank.
pub fn unlinked_number(number: u64) -> Option<u64> {
    match number / 10 % 5 {
        0 => Some(0),
        1 => Some(1_111_111_111 * (1 + number / 100 % 9)),
        2 => None,
        _ => Some(nhs_number::broken(number)),
    }
}

/// The number a row shows, given its fault.
pub fn shown_number(number: u64, fault: Fault) -> Option<u64> {
    if fault == Fault::Unlinked {
        unlinked_number(number)
    } else {
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlinked_numbers_are_never_somebody() {
        for number in nhs_number::issue(5_000) {
            assert!(!unlinked_number(number).is_some_and(nhs_number::is_somebody));
        }
    }
}
