//! Tumours as the registry's rapid extract has them: a whole snapshot every month, in which stages
//! arrive months after diagnoses (trap 22).

use chrono::NaiveDate;

use super::dates::{Calendar, add_months, age, plus_days};
use super::dice::{Dice, Subject};
use super::faults::Fault;
use super::people::Person;
use super::personalised_care::DIAGNOSES;

/// Stages, as the extract spells them. `U` is a tumour that cannot be staged.
pub const STAGES: [&str; 13] = [
    "", "1", "1A", "1B", "2", "2A", "2B", "3", "3A", "3C", "4", "4A", "U",
];
/// Routes to diagnosis.
pub const ROUTES: [&str; 8] = [
    "screening",
    "urgent_suspected_cancer",
    "gp_referral",
    "other_outpatient",
    "inpatient_elective",
    "emergency_presentation",
    "death_certificate_only",
    "unknown",
];
/// How far back snapshots go.
const HISTORY: i32 = 24;

/// A tumour.
#[derive(Debug, Clone, Copy)]
pub struct Tumour {
    /// The person's tumour, from 0.
    pub place: u8,
    /// Day of diagnosis.
    pub diagnosed: NaiveDate,
    /// Day it enters the extract.
    pub registered: NaiveDate,
    /// Place in [`DIAGNOSES`].
    pub icd10: usize,
    /// Place in [`STAGES`], in the end.
    pub stage: usize,
    /// Day the stage is known.
    pub staged: NaiveDate,
    /// Place in [`ROUTES`].
    pub route: usize,
    /// What goes wrong with its rows.
    pub fault: Fault,
}

/// Draws the tumours of a person, none for most. `per_10_000` is how many of all have one.
pub fn tumours(
    person: &Person,
    quintile: u8,
    index: usize,
    seed: u64,
    calendar: &Calendar,
    per_10_000: u32,
    out: &mut Vec<Tumour>,
) {
    out.clear();
    let mut dice = Dice::new(seed, Subject::Tumour, index);
    let weight = match age(person.birth, calendar.end()) {
        ..18 => 0,
        18..40 => 2,
        40..55 => 8,
        55..70 => 20,
        _ => 30,
    };
    if !dice.chance((per_10_000 * weight / 10).min(9_000)) {
        return;
    }
    let until = person.here_until(calendar.end());
    let mut diagnosed = dice.day(add_months(calendar.first(0), -HISTORY), calendar.end());
    let count = 1 + u8::from(dice.chance(500));
    for place in 0..count {
        if diagnosed > until {
            return;
        }
        out.push(tumour(&mut dice, place, diagnosed, quintile));
        diagnosed = plus_days(diagnosed, dice.between(0, 300));
    }
}

fn tumour(dice: &mut Dice, place: u8, diagnosed: NaiveDate, quintile: u8) -> Tumour {
    let icd10 = dice.weighted(&DIAGNOSES.map(|(_, weight)| weight));
    let poor = 6 - u32::from(quintile.min(5));
    // Leukaemia, lymphoma, myeloma and tumours of the brain have no such stage.
    let unstageable = matches!(DIAGNOSES[icd10].0.get(..3), Some("C83" | "C90" | "C71"));
    let stage = if unstageable {
        12
    } else {
        let early = 16 - poor;
        dice.weighted(&[
            12,
            early,
            early / 2,
            3,
            early / 2,
            5,
            4,
            9,
            5,
            3,
            12 + 2 * poor,
            4,
            1,
        ])
    };
    let registered = plus_days(diagnosed, dice.between(0, 60));
    Tumour {
        place,
        diagnosed,
        registered,
        icd10,
        stage,
        staged: plus_days(registered, dice.between(0, 150)),
        route: dice.weighted(&[8, 36, 20, 8, 3, 16 + 2 * poor, 1, 3]),
        fault: Fault::draw(dice, 7),
    }
}
