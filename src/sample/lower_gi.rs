//! Urgent referrals with lower bowel symptoms, and the FIT that should come first (trap 24).

use chrono::NaiveDate;

use super::dates::{Calendar, age, plus_days};
use super::dice::{Dice, Subject};
use super::faults::Fault;
use super::people::Person;

/// Why there need be no FIT, or what kind of test it was. A kit of the screening programme is no answer
/// to symptoms.
pub const EXCLUSIONS: [&str; 4] = ["", "fit_not_indicated", "patient_choice", "screening_kit"];
/// Place in [`EXCLUSIONS`] of a screening kit.
pub const SCREENING_KIT: usize = 3;

/// A referral.
#[derive(Debug, Clone, Copy)]
pub struct Referral {
    /// When.
    pub on: NaiveDate,
    /// Day of the result.
    pub fit: Option<NaiveDate>,
    /// The result in tenths of a microgram of haemoglobin per gram.
    pub value: u16,
    /// Place in [`EXCLUSIONS`].
    pub exclusion: usize,
    /// What goes wrong with the row.
    pub fault: Fault,
}

/// Draws the referrals of a person, none for most. `per_10_000` is how many are referred a month.
pub fn referrals(
    person: &Person,
    quintile: u8,
    index: usize,
    seed: u64,
    calendar: &Calendar,
    per_10_000: u32,
    out: &mut Vec<Referral>,
) {
    out.clear();
    let mut dice = Dice::new(seed, Subject::LowerGi, index);
    if !dice.chance((per_10_000 * calendar.months() as u32).min(9_000)) {
        return;
    }
    let weight = match age(person.birth, calendar.end()) {
        ..18 => 0,
        18..50 => 3_000,
        _ => 10_000,
    };
    let until = person.here_until(calendar.end());
    let mut on = dice.day(calendar.first(0), calendar.end());
    if !dice.chance(weight) {
        return;
    }
    // Now and then the 20th of the month, as in the trap.
    if dice.chance(300) {
        on = plus_days(calendar.first(calendar.month_of(on)), 19);
    }
    let count = 1 + u32::from(dice.chance(900));
    for _ in 0..count {
        if on > until {
            return;
        }
        let mut referral = tested(&mut dice, on, quintile);
        referral.fault = Fault::draw(&mut dice, if calendar.month_of(on) == 0 { 8 } else { 0 });
        out.push(referral);
        on = plus_days(on, dice.between(5, 120));
    }
}

fn tested(dice: &mut Dice, on: NaiveDate, quintile: u8) -> Referral {
    let days = match dice.below(20) {
        0 => Some(21),
        1 => Some(22),
        2 => Some(0),
        3 => Some(-1),
        4 => Some(dice.between(30, 200)),
        _ if dice.chance(6_500 + 350 * u32::from(quintile)) => Some(dice.between(1, 20)),
        _ => None,
    };
    let kit = days.is_some() && dice.chance(300);
    let exclusion = match days {
        _ if kit => SCREENING_KIT,
        // A reason beside a result is passed over: the result stands.
        Some(_) => dice.weighted(&[97, 2, 1]),
        None => dice.weighted(&[70, 20, 10]),
    };
    Referral {
        on,
        fit: days.map(|days| plus_days(on, -days)),
        value: if kit {
            dice.between(1_200, 2_000) as u16
        } else {
            dice.pick(&[20, 39, 55, 99, 100, 134, 250, 1_010, 4_001])
        },
        exclusion,
        fault: Fault::None,
    }
}
