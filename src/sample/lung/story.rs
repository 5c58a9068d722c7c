//! Drawing one person's lung health check: a letter, and what came of it.

use chrono::NaiveDate;

use super::{Check, Diagnostic, Invite, NO_SCORES, Risk, Scan, Smoking, Story};
use crate::sample::dates::{Calendar, add_months, age, plus_days};
use crate::sample::dice::{Dice, Subject};
use crate::sample::faults::Fault;
use crate::sample::people::Person;

/// How far back the programme goes: far enough for the two-year scans to be due.
const HISTORY: i32 = 30;

/// Who may be asked, as far as the person alone does not say.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The person.
    pub person: &'a Person,
    /// Whether their record says they smoke or smoked.
    pub ever_smoked: bool,
    /// Their quintile, for the gradient.
    pub quintile: u8,
    /// Whether the world is small: then more are asked, come and have something found, so that a mart
    /// of a few hundred rows has something to show.
    pub boost: bool,
}

/// Fills `story` for one person; leaves it empty for most.
pub fn story(
    candidate: Candidate<'_>,
    index: usize,
    seed: u64,
    calendar: &Calendar,
    story: &mut Story,
) {
    story.clear();
    let Candidate {
        person,
        ever_smoked,
        quintile,
        boost,
    } = candidate;
    let years = age(person.birth, calendar.end());
    if !(53..=79).contains(&years) {
        return;
    }
    let mut dice = Dice::new(seed, Subject::Lung, index);
    let asked = match (ever_smoked, boost) {
        (true, true) => 9_300,
        (true, false) => 4_500,
        (false, _) => 200,
    };
    if !dice.chance(asked) {
        return;
    }
    let here_until = person.here_until(calendar.end());
    let mut teller = Teller {
        dice: &mut dice,
        calendar,
        end: here_until,
        quintile: u32::from(quintile),
        boost,
        story,
    };
    teller.tell(person);
    let Story {
        invites,
        checks,
        scans,
        diagnostics,
        smoking,
    } = story;
    // The feed's codes are spelled in too many ways to be refused: a fault of code is one of date here.
    let mut fault = |on: NaiveDate| match Fault::draw(
        &mut dice,
        if calendar.month_of(on) == 0 { 12 } else { 0 },
    ) {
        Fault::BadCode => Fault::BadDate,
        fault => fault,
    };
    invites
        .iter_mut()
        .for_each(|row| row.fault = fault(row.first_letter));
    checks
        .iter_mut()
        .for_each(|row| row.fault = fault(row.on.unwrap_or(calendar.end())));
    scans
        .iter_mut()
        .for_each(|row| row.fault = fault(row.on.or(row.reported).unwrap_or(calendar.end())));
    diagnostics
        .iter_mut()
        .for_each(|row| row.fault = fault(row.full_dose_ct));
    smoking
        .iter_mut()
        .for_each(|row| row.fault = fault(row.offered));
}

struct Teller<'a> {
    dice: &'a mut Dice,
    calendar: &'a Calendar,
    end: NaiveDate,
    quintile: u32,
    boost: bool,
    story: &'a mut Story,
}

impl Teller<'_> {
    fn tell(&mut self, person: &Person) {
        let letter = self.letter(person);
        if letter > self.end {
            self.letter_too_late(letter, person);
            return;
        }
        let keen = if self.boost { 1_200 } else { 0 };
        let comes = self.dice.chance(3_600 + keen + 500 * self.quintile);
        self.invite(letter, comes);
        if !comes {
            return;
        }
        let mut check = plus_days(letter, self.dice.between(7, 70));
        // Attendance on the day of death still counts.
        if check > self.end && person.death == Some(self.end) && self.dice.chance(5_000) {
            check = self.end;
        }
        let high = self.dice.chance(5_500);
        if !self.check(check, letter, high) || !high {
            return;
        }
        let seventy_five = add_months(person.birth, 75 * 12);
        let scan = match self.dice.below(10) {
            0 if seventy_five > check => {
                self.dice.pick(&[seventy_five, plus_days(seventy_five, -1)])
            }
            _ => plus_days(check, self.dice.between(7, 60)),
        };
        self.scans(scan, letter, check);
    }

    /// A letter somewhere in the programme; for some on a birthday that decides.
    fn letter(&mut self, person: &Person) -> NaiveDate {
        let start = add_months(self.calendar.first(0), -HISTORY);
        let low = start.max(add_months(person.birth, 54 * 12 + 10));
        let high = self
            .calendar
            .end()
            .min(add_months(person.birth, 75 * 12 + 2))
            .max(low);
        match self.dice.below(100) {
            0..3 => {
                plus_days(add_months(person.birth, 55 * 12), self.dice.between(-1, 0)).max(start)
            }
            3..6 => {
                plus_days(add_months(person.birth, 75 * 12), self.dice.between(-1, 0)).max(start)
            }
            _ => self.dice.day(low, high),
        }
    }

    /// Trap 14: a letter after death, which makes nobody invited.
    fn letter_too_late(&mut self, letter: NaiveDate, person: &Person) {
        if person.death.is_some() && letter <= self.calendar.end() {
            self.push_invite(letter, 5, false);
        }
    }

    fn by_end(&self, on: NaiveDate) -> Option<NaiveDate> {
        (on <= self.end).then_some(on)
    }

    fn push_invite(&mut self, first_letter: NaiveDate, outcome: usize, second: bool) {
        let second_letter = if second {
            self.by_end(plus_days(first_letter, 28))
        } else {
            None
        };
        let call = if second && self.dice.chance(4_000) {
            self.by_end(plus_days(first_letter, 45))
        } else {
            None
        };
        let contact = if outcome < 5 {
            self.by_end(plus_days(first_letter, 20))
        } else {
            None
        };
        self.story.invites.push(Invite {
            first_letter,
            second_letter,
            call,
            contact,
            outcome,
            fault: Fault::None,
        });
    }

    fn invite(&mut self, letter: NaiveDate, comes: bool) {
        let outcome = if comes {
            0
        } else {
            self.dice.pick(&[0, 1, 1, 2, 2, 2, 2, 3, 4, 5])
        };
        let second = self.dice.chance(3_000);
        // A month's file may show the letter before its outcome, which comes in a later file.
        if self.dice.chance(600) {
            self.push_invite(letter, 5, false);
        }
        self.push_invite(letter, outcome, second);
        // Some are asked again a year on: the cohort stays that of the first letter.
        let again = add_months(letter, 12);
        if !comes && again <= self.end && self.dice.chance(1_500) {
            self.push_invite(again, 2, false);
        }
    }

    /// The check, and whether it was attended.
    fn check(&mut self, on: NaiveDate, letter: NaiveDate, high: bool) -> bool {
        if on > self.end {
            return false;
        }
        let attendance = self.dice.weighted(&[86, 5, 9]);
        let (plco, llp) = self.risks(high);
        let push = |story: &mut Story, on, attendance, plco, llp| {
            story.checks.push(Check {
                on,
                attendance,
                plco,
                llp,
                fault: Fault::None,
            });
        };
        match self.dice.below(100) {
            // Before the letter: not this programme's check.
            0..2 => push(self.story, Some(plus_days(letter, -3)), 0, plco, llp),
            // An undated row beside it.
            2..4 => push(self.story, None, attendance, plco, llp),
            // Two rows of one day, of which the other has the score.
            4..8 => {
                push(
                    self.story,
                    Some(on),
                    attendance,
                    Risk::Junk(0),
                    Risk::Junk(1),
                );
            }
            // Not the first time.
            8..14 => push(
                self.story,
                Some(on.min(plus_days(letter, 3))),
                2,
                Risk::Junk(0),
                Risk::Junk(0),
            ),
            _ => {}
        }
        push(self.story, Some(on), attendance, plco, llp);
        if attendance == 0 && self.dice.chance(3_800) {
            let started = if self.dice.chance(4_500) {
                self.by_end(plus_days(on, 12))
            } else {
                None
            };
            let ended = started.and_then(|started| self.by_end(plus_days(started, 84)));
            let offered = if self.dice.chance(300) {
                plus_days(letter, -1)
            } else {
                on
            };
            self.story.smoking.push(Smoking {
                offered,
                started,
                ended,
                fault: Fault::None,
            });
        }
        attendance == 0
    }

    fn risks(&mut self, high: bool) -> (Risk, Risk) {
        let junk = |dice: &mut Dice| Risk::Junk(dice.below(NO_SCORES.len() as u32) as usize);
        let low = |dice: &mut Dice, top: i64| Risk::Score(dice.between(5, top) as u16);
        if !high {
            let plco = if self.dice.chance(500) {
                junk(self.dice)
            } else {
                low(self.dice, 150)
            };
            return (plco, low(self.dice, 249));
        }
        match self.dice.below(10) {
            // Exactly on the threshold, by either score.
            0 => (Risk::Score(151), low(self.dice, 249)),
            1 => (low(self.dice, 150), Risk::Score(250)),
            2 => (
                junk(self.dice),
                Risk::Score(self.dice.between(251, 900) as u16),
            ),
            // Scored, but unreadably: not high risk as far as anybody can tell.
            3 => (junk(self.dice), junk(self.dice)),
            _ => (
                Risk::Score(self.dice.between(152, 1_200) as u16),
                Risk::Score(self.dice.between(100, 900) as u16),
            ),
        }
    }

    fn scans(&mut self, on: NaiveDate, letter: NaiveDate, check: NaiveDate) {
        if on > self.end {
            return;
        }
        let outcome = self.dice.weighted(&[90, 7, 3]);
        let report = plus_days(on, self.dice.between(1, 14));
        let reported = self.by_end(report);
        let suspicious = self.dice.chance(if self.boost { 3_500 } else { 900 });
        let referred = if suspicious { reported } else { None };
        // Mistyped before the letter, or missing: the report's date stands in.
        let shown = match self.dice.below(50) {
            0..2 => Some(plus_days(letter, -self.dice.between(1, 300))),
            2 => None,
            _ => Some(on),
        };
        self.push_scan(shown, reported, outcome, referred);
        if outcome != 0 {
            return;
        }
        for (low, high, edges) in [
            (61, 152, [60, 61, 152, 153]),
            (335, 465, [334, 335, 465, 466]),
            (669, 791, [668, 669, 791, 792]),
        ] {
            let due = if low == 61 && !self.boost {
                1_500
            } else {
                5_500
            };
            if self.dice.chance(due) {
                let days = if self.dice.chance(2_500) {
                    self.dice.pick(&edges)
                } else {
                    self.dice.between(low, high)
                };
                let again = plus_days(on, days);
                if again <= self.end {
                    let reported = self.by_end(plus_days(again, 5));
                    self.push_scan(Some(again), reported, 0, None);
                }
            }
        }
        if suspicious {
            self.diagnosis(on, check);
        }
    }

    fn push_scan(
        &mut self,
        on: Option<NaiveDate>,
        reported: Option<NaiveDate>,
        outcome: usize,
        referred: Option<NaiveDate>,
    ) {
        if on.is_some() || reported.is_some() {
            self.story.scans.push(Scan {
                on,
                reported,
                outcome,
                referred,
                fault: Fault::None,
            });
        }
    }

    fn diagnosis(&mut self, scan: NaiveDate, check: NaiveDate) {
        let full_dose_ct = plus_days(scan, self.dice.between(5, 20));
        if full_dose_ct > self.end {
            return;
        }
        let cancer = self.dice.chance(6_000);
        let found = match self.dice.below(12) {
            0 => plus_days(scan, 185),
            1 => plus_days(scan, 186),
            2 => plus_days(check, 186),
            _ => plus_days(scan, self.dice.between(20, 120)),
        };
        let diagnosed = if cancer { self.by_end(found) } else { None };
        let stage = if diagnosed.is_some() {
            self.dice.weighted(&[6, 20, 25, 12, 8, 5, 8, 6, 10])
        } else {
            0
        };
        let treated = diagnosed.and_then(|on| self.by_end(plus_days(on, 31)));
        self.story.diagnostics.push(Diagnostic {
            full_dose_ct,
            diagnosed,
            stage,
            treated,
            fault: Fault::None,
        });
    }
}
