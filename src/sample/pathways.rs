//! Cancer pathways as waiting times count them: from referral to being told, from the decision to
//! treat to treatment, one trust or two (traps 10, 11 and 12).

use chrono::NaiveDate;

use super::dates::{Calendar, add_months, age, plus_days};
use super::dice::{Dice, Subject};
use super::faults::Fault;
use super::geography::TRUSTS;
use super::people::Person;
use super::personalised_care::DIAGNOSES;

/// How a pathway began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// Urgent suspected cancer.
    Suspected,
    /// Breast symptoms, cancer not suspected.
    Symptoms,
    /// A national screening programme.
    Screening,
    /// Upgraded by a consultant.
    Upgrade,
    /// None that is timed: a subsequent treatment.
    Treatment,
}

/// One pathway, whole. What a month's file says of it is what had happened by the month's end.
#[derive(Debug, Clone, Copy)]
pub struct Pathway {
    /// How it began.
    pub route: Route,
    /// Day the referral was received.
    pub received: Option<NaiveDate>,
    /// Day of the upgrade.
    pub upgraded: Option<NaiveDate>,
    /// Day first seen.
    pub first_seen: Option<NaiveDate>,
    /// Days taken off for a first appointment not attended.
    pub first_seen_adjustment: u8,
    /// Day told.
    pub told: Option<NaiveDate>,
    /// 1 cancer, 2 ruled out, 3 excluded, 4 interval scan; 0 while open.
    pub end_reason: u8,
    /// Day of the decision to treat.
    pub decided: Option<NaiveDate>,
    /// Day treated.
    pub treated: Option<NaiveDate>,
    /// Days taken off for a pause before treatment.
    pub treatment_adjustment: u8,
    /// Event type, 1 to 12.
    pub event: u8,
    /// Modality, as coded.
    pub modality: u8,
    /// Place in [`DIAGNOSES`], once there is a cancer.
    pub icd10: Option<usize>,
    /// Who investigated, a place in [`TRUSTS`].
    pub investigating: usize,
    /// Whether the record names who is accountable for the investigation.
    pub accountable: bool,
    /// Who treated.
    pub treating: usize,
    /// Day of the transfer between the two.
    pub transferred: Option<NaiveDate>,
    /// Sent once and deleted later: in superseded files only.
    pub withdrawn: bool,
    /// 0 to 99: which rows earlier versions of a file have otherwise.
    pub wobble: u8,
    /// What goes wrong with the row.
    pub fault: Fault,
}

impl Pathway {
    /// Who sends the record in which months, at most two: when told, and when treated.
    pub fn filed(&self, calendar: &Calendar) -> [Option<(usize, usize)>; 2] {
        let slot = |trust: usize, on: Option<NaiveDate>| {
            on.filter(|on| *on >= calendar.first(0) && *on <= calendar.end())
                .map(|on| (trust, calendar.month_of(on)))
        };
        let told = slot(self.investigating, self.told);
        let treated = slot(self.treating, self.treated);
        [told, treated.filter(|treated| Some(*treated) != told)]
    }
}

/// Who is drawn for.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    /// The person.
    pub person: &'a Person,
    /// Their trust, a place in [`TRUSTS`].
    pub trust: usize,
    /// Their quintile, for the gradient.
    pub quintile: u8,
}

/// Draws the pathways of a person, none for most. `per_10_000` is how many are referred a month.
pub fn pathways(
    patient: Patient<'_>,
    index: usize,
    seed: u64,
    calendar: &Calendar,
    per_10_000: u32,
    out: &mut Vec<Pathway>,
) {
    out.clear();
    let mut dice = Dice::new(seed, Subject::Pathway, index);
    let months = calendar.months() as u32 + 3;
    if !dice.chance((per_10_000 * months).min(9_000)) {
        return;
    }
    let weight = match age(patient.person.birth, calendar.end()) {
        ..18 => 300,
        18..40 => 3_500,
        40..55 => 7_000,
        _ => 10_000,
    };
    let received = dice.day(add_months(calendar.first(0), -3), calendar.end());
    let until = patient.person.here_until(calendar.end());
    if !dice.chance(weight) || received > until {
        return;
    }
    let route = [
        Route::Suspected,
        Route::Symptoms,
        Route::Screening,
        Route::Upgrade,
    ][dice.weighted(&[82, 6, 6, 6])];
    let mut pathway = Pathway {
        route,
        received: Some(received),
        upgraded: None,
        first_seen: None,
        first_seen_adjustment: 0,
        told: None,
        end_reason: 0,
        decided: None,
        treated: None,
        treatment_adjustment: 0,
        event: 0,
        modality: 0,
        icd10: None,
        investigating: patient.trust,
        accountable: true,
        treating: patient.trust,
        transferred: None,
        withdrawn: dice.chance(1_500),
        wobble: dice.below(100) as u8,
        fault: Fault::draw(&mut dice, 8),
    };
    diagnose(&mut dice, &mut pathway, received, patient.quintile);
    if pathway.end_reason == 1 {
        treat(&mut dice, &mut pathway, received);
    }
    // Nothing is done to anybody who died or left, nor after the sample's end.
    for on in [
        &mut pathway.told,
        &mut pathway.treated,
        &mut pathway.decided,
        &mut pathway.transferred,
    ] {
        *on = on.filter(|on| *on <= until);
    }
    let subsequent = pathway.treated.filter(|_| dice.chance(3_000));
    out.push(pathway);
    if let Some(first) = subsequent {
        let decided = plus_days(first, dice.between(14, 60));
        let treated = plus_days(decided, wait(&mut dice, 31, 38));
        if treated <= until {
            out.push(Pathway {
                route: Route::Treatment,
                received: None,
                upgraded: None,
                first_seen: None,
                first_seen_adjustment: 0,
                told: None,
                end_reason: 0,
                decided: Some(decided),
                treated: Some(treated),
                treatment_adjustment: 0,
                event: dice.pick(&[2, 3, 4, 5, 6, 8, 11]),
                modality: modality(&mut dice),
                investigating: pathway.treating,
                transferred: None,
                fault: Fault::None,
                ..pathway
            });
        }
    }
}

/// Days, now and then just within the standard, just past it, or none at all.
fn wait(dice: &mut Dice, standard: i64, most: i64) -> i64 {
    match dice.below(16) {
        0 => standard,
        1 => standard + 1,
        2 => 0,
        _ => dice.between(1, most),
    }
}

fn diagnose(dice: &mut Dice, pathway: &mut Pathway, received: NaiveDate, quintile: u8) {
    let mut days = wait(dice, 28, 46 - 2 * i64::from(quintile));
    if dice.chance(600) {
        // The first appointment was not attended; the clock was set back to the new one.
        pathway.first_seen_adjustment = dice.between(3, 14) as u8;
        days += i64::from(pathway.first_seen_adjustment);
    }
    let seen = plus_days(received, dice.between(0, days));
    pathway.first_seen = Some(seen);
    pathway.end_reason = match pathway.route {
        Route::Upgrade => 1,
        Route::Symptoms => [1, 2, 3, 4][dice.weighted(&[3, 93, 3, 1])],
        _ => [1, 2, 3, 4][dice.weighted(&[16, 78, 4, 2])],
    };
    // Told before the referral came: somebody's slip, which no clock may count.
    let told = if dice.chance(100) { -2 } else { days };
    pathway.told = Some(plus_days(received, told));
    if pathway.route == Route::Upgrade {
        pathway.upgraded = Some(plus_days(received, dice.between(0, days)));
    }
}

fn modality(dice: &mut Dice) -> u8 {
    // Surgery, drugs, radiotherapy, others; 98 is all treatment declined.
    dice.pick(&[
        1, 1, 1, 1, 1, 23, 24, 2, 2, 3, 14, 15, 4, 5, 5, 6, 13, 7, 8, 9, 21, 98,
    ])
}

fn treat(dice: &mut Dice, pathway: &mut Pathway, received: NaiveDate) {
    let told = pathway.told.unwrap_or(received);
    let weights = DIAGNOSES.map(|(_, weight)| weight);
    pathway.icd10 = Some(dice.weighted(&weights));
    if dice.chance(700) {
        return;
    }
    let mut decided = plus_days(told, dice.between(-8, 14)).max(received);
    let mut treated = plus_days(decided, wait(dice, 31, 40));
    if dice.chance(500) {
        pathway.treatment_adjustment = dice.between(3, 21) as u8;
        treated = plus_days(treated, pathway.treatment_adjustment.into());
    }
    if dice.chance(2_500) {
        // Treated elsewhere: the days of transfer and of treatment sit on the edges of 38, 24 and 62.
        let other = 1 + dice.below(TRUSTS.len() as u32 - 1) as usize;
        pathway.treating = (pathway.investigating + other) % TRUSTS.len();
        pathway.accountable = !dice.chance(600);
        let start = pathway.upgraded.unwrap_or(received);
        let before = dice.pick(&[20, 30, 37, 38, 39, 45, 60]);
        let after = dice.pick(&[10, 17, 22, 23, 24, 25, 40]);
        let transferred = plus_days(start, before);
        pathway.transferred = Some(transferred);
        treated = plus_days(transferred, after);
        decided = plus_days(transferred, dice.between(0, after));
    } else if dice.chance(1_200) {
        let start = pathway.upgraded.unwrap_or(received);
        treated = plus_days(start, dice.pick(&[62, 63, 61, 104, 105])).max(decided);
    }
    if dice.chance(100) {
        // A decision dated after the treatment: no wait, not a negative one.
        decided = plus_days(treated, 2);
    }
    pathway.decided = Some(decided);
    pathway.treated = Some(treated);
    pathway.event = dice.pick(&[1, 1, 1, 1, 1, 1, 7, 12]);
    pathway.modality = modality(dice);
}
