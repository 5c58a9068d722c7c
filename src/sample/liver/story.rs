//! Drawing one person's surveillance: their stretch on a register or two, and six-monthly rounds.

use chrono::NaiveDate;

use super::{Activity, PATIENT_CHOICE, Registered, Status, Story, Stretch};
use crate::sample::dates::{Calendar, add_months, month_end, plus_days, window_start};
use crate::sample::dice::{Dice, Subject};
use crate::sample::faults::Fault;
use crate::sample::geography::TRUSTS;

/// How far back activity goes.
const HISTORY: i32 = 20;

/// Who the story is about, as far as it matters.
#[derive(Debug, Clone, Copy)]
pub struct Patient {
    /// Their trust, a place in [`TRUSTS`].
    pub trust: usize,
    /// Their quintile, for the gradient.
    pub quintile: u8,
    /// When they died.
    pub death: Option<NaiveDate>,
}

/// Draws a story; none for most. `per_10_000` is how many are on a register.
pub fn story(
    patient: Patient,
    index: usize,
    seed: u64,
    calendar: &Calendar,
    per_10_000: u32,
) -> Option<Story> {
    let mut dice = Dice::new(seed, Subject::Liver, index);
    if !dice.chance(per_10_000) {
        return None;
    }
    let mut teller = Teller {
        dice: &mut dice,
        calendar,
        quintile: u32::from(patient.quintile),
        end: calendar.end(),
    };
    let mut story = Story::default();
    let first = teller.stretch(patient.trust, patient.death);
    story.stretches.push(first);
    teller.activity(patient.trust, patient.death, &mut story.activity);
    if teller.dice.chance(1_200) {
        let other = (patient.trust + 1 + teller.dice.below(3) as usize) % TRUSTS.len();
        let mut second = teller.stretch(other, patient.death);
        if teller.dice.chance(8_000) {
            second.first.fibrosis = first.first.fibrosis;
        }
        story.stretches.push(second);
        if teller.dice.chance(7_000) {
            teller.activity(other, patient.death, &mut story.activity);
        }
    }
    for _ in 0..calendar.months() * story.stretches.len() {
        story.faults.push(Fault::draw(&mut dice, 5));
    }
    for row in &mut story.activity {
        let history = row.filed().is_none_or(|on| calendar.month_of(on) == 0);
        row.fault = Fault::draw(&mut dice, if history { 5 } else { 0 });
    }
    Some(story)
}

struct Teller<'a> {
    dice: &'a mut Dice,
    calendar: &'a Calendar,
    quintile: u32,
    end: NaiveDate,
}

impl Teller<'_> {
    fn stretch(&mut self, trust: usize, death: Option<NaiveDate>) -> Stretch {
        let first = self.calendar.first(0);
        let mut diagnosed = self.dice.day(add_months(first, -96), add_months(first, -1));
        let mut from_month = 0;
        if self.dice.chance(800) {
            // New on the register; some entered before the day of diagnosis they give.
            from_month = self.dice.below(self.calendar.months() as u32) as usize;
            diagnosed = plus_days(self.calendar.census(from_month), self.dice.between(-20, 2));
        }
        let status = [
            Status::Active,
            Status::Suspended,
            Status::Declined,
            Status::Unsuitable,
            Status::Transferred,
            Status::Transplanted,
            Status::HccDiagnosed,
        ][self.dice.weighted(&[800, 25, 50, 55, 25, 20, 15])];
        let change = self
            .change(status, death)
            .filter(|(on, _)| *on >= diagnosed);
        let since = self
            .dice
            .day(diagnosed, diagnosed.max(plus_days(first, -1)));
        let reason = self.dice.pick(&[0, 1, 2, PATIENT_CHOICE]);
        let first = Registered {
            trust,
            source: self.dice.weighted(&[70, 15, 10, 5]) as u8,
            diagnosed: (!self.dice.chance(200)).then_some(diagnosed),
            aetiology: self.dice.weighted(&[40, 30, 6, 10, 3, 3, 2, 3, 3]) as u8,
            fibrosis: self.dice.weighted(&[12, 82, 6]) as u8,
            stiffness: self.dice.between(110, 480) as u16,
            status,
            since: (!self.dice.chance(250)).then_some(since),
            reason: Some(reason),
            fault: Fault::None,
        };
        Stretch {
            first,
            from_month,
            change,
        }
    }

    /// A change of status in the course of the sample. Deaths are fed back to half the registers.
    fn change(&mut self, from: Status, death: Option<NaiveDate>) -> Option<(NaiveDate, Status)> {
        let fed_back = self.dice.chance(5_000);
        if let Some(death) = death {
            return fed_back.then_some((death, Status::Died));
        }
        let changes = from == Status::Active && self.dice.chance(900);
        let on = self.dice.day(self.calendar.first(0), self.end);
        let to = [
            Status::Suspended,
            Status::Declined,
            Status::Unsuitable,
            Status::Transferred,
            Status::Transplanted,
            Status::HccDiagnosed,
        ][self.dice.below(6) as usize];
        changes.then_some((on, to))
    }

    /// Six-monthly rounds: a letter, an appointment, a scan; and the rare cancer.
    fn activity(&mut self, trust: usize, death: Option<NaiveDate>, rows: &mut Vec<Activity>) {
        let start = add_months(self.calendar.first(0), -HISTORY);
        let until = death.map_or(self.end, |death| death.min(self.end));
        let asked = 6_900 + 400 * self.quintile;
        let comes = 5_600 + 500 * self.quintile;
        let mut due = plus_days(start, self.dice.between(0, 180));
        let mut kind = 0;
        while due <= until {
            if self.dice.chance(asked) {
                self.round(trust, due, kind, comes, until, rows);
                kind = 1;
            } else if self.dice.chance(600) {
                // Scanned as an inpatient, without a letter.
                rows.push(Activity {
                    scanned: Some(due),
                    modality: self.dice.pick(&[1, 2, 3]),
                    ..empty(trust)
                });
            }
            due = plus_days(add_months(due, 6), self.dice.between(-12, 25));
        }
        if self.dice.chance(900) {
            self.edge(trust, until, rows);
        }
        if self.dice.chance(700) {
            self.cancer(trust, until, rows);
        }
    }

    fn round(
        &mut self,
        trust: usize,
        invited: NaiveDate,
        kind: u8,
        comes: u32,
        until: NaiveDate,
        rows: &mut Vec<Activity>,
    ) {
        let appointment = plus_days(invited, self.dice.between(10, 45));
        let letter = Activity {
            invited: Some(invited),
            invite: kind,
            appointment: Some(appointment),
            ..empty(trust)
        };
        if appointment > until {
            // An appointment still to come, which some already call attended.
            let attendance = if self.dice.chance(500) { 1 } else { 5 };
            rows.push(Activity {
                attendance,
                ..letter
            });
            return;
        }
        if self.dice.chance(comes) {
            let modality = self.dice.pick(&[1, 1, 1, 1, 1, 1, 1, 2, 3]);
            rows.push(Activity {
                attendance: 1,
                scanned: Some(appointment),
                modality,
                ..letter
            });
            return;
        }
        rows.push(Activity {
            attendance: self.dice.pick(&[2, 2, 3, 4]),
            ..letter
        });
        // Asked again after not coming: two letters in the window are one person invited.
        let again = plus_days(appointment, 14);
        if again <= until && self.dice.chance(5_000) {
            let second = plus_days(again, 21);
            let came = second <= until && self.dice.chance(4_000);
            rows.push(Activity {
                invited: Some(again),
                invite: 3,
                appointment: Some(second),
                attendance: if second > until {
                    5
                } else if came {
                    1
                } else {
                    2
                },
                scanned: came.then_some(second),
                modality: u8::from(came),
                ..empty(trust)
            });
        }
    }

    /// Letters and scans on the first day of a window, the day before, and the census.
    fn edge(&mut self, trust: usize, until: NaiveDate, rows: &mut Vec<Activity>) {
        let m = self.dice.below(self.calendar.months() as u32) as usize;
        let census = self.calendar.census(m);
        rows.clear();
        for months in [6, 7] {
            let first = window_start(census, months);
            let on = self.dice.pick(&[first, plus_days(first, -1), census]);
            if on <= until {
                rows.push(Activity {
                    invited: Some(on),
                    invite: 1,
                    ..empty(trust)
                });
                rows.push(Activity {
                    scanned: Some(on),
                    modality: 1,
                    ..empty(trust)
                });
            }
        }
    }

    fn cancer(&mut self, trust: usize, until: NaiveDate, rows: &mut Vec<Activity>) {
        let m = self.dice.below(self.calendar.months() as u32) as usize;
        let on = match self.dice.below(8) {
            0 => self.calendar.first(m),
            1 => month_end(self.calendar.first(m)),
            _ => self
                .dice
                .day(self.calendar.first(m), self.calendar.census(m)),
        };
        if on <= until {
            let (bclc, tnm) = self.dice.pick(&[
                (1, 0),
                (2, 0),
                (2, 1),
                (3, 3),
                (4, 4),
                (5, 4),
                (0, 2),
                (0, 3),
                (0, 0),
                (3, 2),
            ]);
            rows.push(Activity {
                scanned: Some(plus_days(on, -10)),
                modality: 3,
                hcc: Some(on),
                bclc,
                tnm,
                ..empty(trust)
            });
        }
    }
}

fn empty(trust: usize) -> Activity {
    Activity {
        trust,
        invited: None,
        invite: 0,
        appointment: None,
        attendance: 0,
        scanned: None,
        modality: 0,
        hcc: None,
        bclc: 0,
        tnm: 0,
        fault: Fault::None,
    }
}
