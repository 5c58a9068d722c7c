//! Screening histories: invitations by the programme's clock, answers by the person's habits and
//! their neighbourhood's quintile, and the cases that tell a right count from a nearly right one.

use chrono::NaiveDate;

use super::dates::{Calendar, add_months, age, date, days_between, plus_days, window_start};
use super::dice::{Dice, Subject};
use super::faults::Fault;
use super::people::Person;

/// A screening programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Programme {
    /// Home test kits, from 50 or 60 to 74.
    Bowel,
    /// Mammograms, 50 to 70.
    Breast,
    /// HPV tests, 25 to 64.
    Cervical,
}

impl Programme {
    /// All three, in order of name.
    pub const ALL: [Programme; 3] = [Programme::Bowel, Programme::Breast, Programme::Cervical];

    /// As files and columns spell it.
    pub fn name(self) -> &'static str {
        ["bowel", "breast", "cervical"][self as usize]
    }

    fn subject(self) -> Subject {
        [Subject::Bowel, Subject::Breast, Subject::Cervical][self as usize]
    }

    /// Ages at which letters are sent, first and last.
    fn ages(self) -> (i32, i32) {
        [(50, 74), (50, 70), (25, 64)][self as usize]
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A letter that opens an episode, or a second one in it.
    Invited,
    /// A reminder, which is not an invitation.
    Reminder,
    /// The kit came back.
    KitReturned,
    /// She came.
    Attended,
    /// The test that counts.
    ScreenedAdequate,
    /// A spoilt kit, an unclear image.
    ScreenedInadequate,
    /// Nothing found.
    ResultNormal,
    /// Something found.
    ResultAbnormal,
    /// Declined.
    Declined,
    /// Did not come.
    Dna,
    /// Out of the programme.
    Ceased,
    /// No answer.
    NonResponse,
}

impl Kind {
    /// As the column spells it.
    pub fn name(self) -> &'static str {
        [
            "invited",
            "reminder",
            "kit_returned",
            "attended",
            "screened_adequate",
            "screened_inadequate",
            "result_normal",
            "result_abnormal",
            "declined",
            "dna",
            "ceased",
            "non_response",
        ][self as usize]
    }
}

/// Test types; the first is none.
pub const TESTS: [&str; 7] = [
    "",
    "FIT",
    "gFOBT",
    "HPV_primary",
    "cytology",
    "self_sample",
    "mammogram",
];
/// Place of the faecal immunochemical test in [`TESTS`].
pub const FIT: u8 = 1;
const GFOBT: u8 = 2;
/// Reasons for leaving a programme; the first is none.
pub const REASONS: [&str; 6] = [
    "",
    "no_colon",
    "no_cervix",
    "bilateral_mastectomy",
    "informed_choice",
    "MCA_best_interest",
];

/// An event of one person in one programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// When.
    pub on: NaiveDate,
    /// The person's episode, from 1; 0 is blank.
    pub episode: u8,
    /// Place in [`TESTS`].
    pub test: u8,
    /// Place in [`REASONS`].
    pub reason: u8,
    /// What goes wrong with the row.
    pub fault: Fault,
}

/// How many months of history a first file holds.
const HISTORY: i32 = 84;

/// Fills `events` with a person's history in a programme, to the end of the calendar.
pub fn history(
    programme: Programme,
    person: &Person,
    index: usize,
    quintile: u8,
    seed: u64,
    calendar: &Calendar,
    events: &mut Vec<Event>,
) {
    events.clear();
    if programme != Programme::Bowel && person.sex == 1 {
        return;
    }
    let (from_age, to_age) = programme.ages();
    let start = add_months(calendar.first(0), -HISTORY);
    let end = person.here_until(calendar.end());
    if age(person.birth, calendar.end()) < from_age
        || age(person.birth, start) > to_age
        || end < start
    {
        return;
    }
    let mut dice = Dice::new(seed, programme.subject(), index);
    let mut story = Story {
        programme,
        person,
        quintile,
        calendar,
        start,
        dice: &mut dice,
        events,
    };
    story.tell(from_age, to_age, end);
}

struct Story<'a> {
    programme: Programme,
    person: &'a Person,
    quintile: u8,
    calendar: &'a Calendar,
    start: NaiveDate,
    dice: &'a mut Dice,
    events: &'a mut Vec<Event>,
}

impl Story<'_> {
    fn tell(&mut self, from_age: i32, to_age: i32, here_until: NaiveDate) {
        let ceased = self.ceasing();
        let until = ceased.map_or(here_until, |(on, _)| here_until.min(on));
        let never = self.dice.chance(600 + 160 * (6 - u32::from(self.quintile)));
        let willing = if never {
            0
        } else {
            7_400 + 320 * u32::from(self.quintile)
        };
        let mut on = self.first_letter(from_age);
        let mut episode = 0;
        while on <= until && age(self.person.birth, on) <= to_age {
            // The bowel programme reached the fifties only in the last years of the history.
            let too_soon = self.programme == Programme::Bowel
                && age(self.person.birth, on) < 60
                && on < add_months(self.calendar.first(0), -30);
            if !too_soon {
                episode += 1;
                self.round(on, episode, willing, until);
            }
            on = plus_days(add_months(on, self.interval(on)), self.dice.between(-8, 20));
        }
        self.edge(until);
        self.late_letter(episode + 1);
        if let Some((on, reason)) = ceased.filter(|(on, _)| *on <= here_until) {
            self.add(Kind::Ceased, on, 0, 0, reason);
        }
        for event in self.events.iter_mut() {
            let refused = if self.calendar.month_of(event.on) == 0 {
                5
            } else {
                0
            };
            event.fault = Fault::draw(self.dice, refused);
        }
    }

    fn interval(&self, on: NaiveDate) -> i32 {
        match self.programme {
            Programme::Bowel => 24,
            Programme::Cervical if age(self.person.birth, on) >= 50 => 60,
            Programme::Breast | Programme::Cervical => 36,
        }
    }

    fn first_letter(&mut self, from_age: i32) -> NaiveDate {
        let entry = add_months(self.person.birth, from_age * 12);
        if entry < self.start {
            plus_days(
                self.start,
                self.dice
                    .between(0, i64::from(self.interval(self.start)) * 30),
            )
        } else {
            let wait = if self.programme == Programme::Breast {
                700
            } else {
                60
            };
            plus_days(entry, self.dice.between(0, wait))
        }
    }

    fn ceasing(&mut self) -> Option<(NaiveDate, u8)> {
        let (often, reasons): (u32, &[u8]) = match self.programme {
            Programme::Bowel => (180, &[1, 4, 4, 5]),
            Programme::Breast => (150, &[3, 3, 4]),
            Programme::Cervical => (350, &[2, 2, 2, 4]),
        };
        let ceased = self.dice.chance(often);
        let reason = self.dice.pick(reasons);
        let recent = self.dice.chance(3_000);
        let low = if recent {
            self.calendar.first(0)
        } else {
            self.start
        };
        let on = self.dice.day(low, self.calendar.end());
        // Some are dated on a census, which is soon enough to be out at it.
        let on = if recent && self.dice.chance(2_500) {
            self.calendar.census(self.calendar.month_of(on))
        } else {
            on
        };
        ceased.then_some((on, reason))
    }

    /// One round: a letter, perhaps another, perhaps a test.
    fn round(&mut self, on: NaiveDate, number: u8, willing: u32, until: NaiveDate) {
        let episode = if self.dice.chance(60) { 0 } else { number };
        self.add(Kind::Invited, on, episode, 0, 0);
        // Trap 13: two letters in one episode are one invitation.
        if self.dice.chance(500) {
            let again = plus_days(on, self.dice.between(20, 60));
            self.add_by(until, Kind::Invited, again, episode, 0);
        }
        if self.dice.chance(willing) {
            let answered = self.answer(on);
            self.test(on, answered, episode, until);
            return;
        }
        self.add_by(until, Kind::Reminder, plus_days(on, 28), episode, 0);
        let silence = match self.dice.below(20) {
            0 => Kind::Declined,
            1..8 if self.programme != Programme::Bowel => Kind::Dna,
            _ => Kind::NonResponse,
        };
        self.add_by(until, silence, plus_days(on, 91), episode, 0);
    }

    /// The day of the test: mostly within weeks, some on the last day that counts and some a day late.
    fn answer(&mut self, invited: NaiveDate) -> NaiveDate {
        match self.dice.below(100) {
            0..2 => add_months(invited, 6),
            2..4 => plus_days(add_months(invited, 6), 1),
            4..8 => plus_days(invited, self.dice.between(120, 240)),
            8..10 => invited,
            _ => plus_days(invited, self.dice.between(5, 70)),
        }
    }

    fn test(&mut self, invited: NaiveDate, on: NaiveDate, episode: u8, until: NaiveDate) {
        let test = self.test_type(on);
        if self.programme == Programme::Bowel {
            self.add_by(
                until,
                Kind::KitReturned,
                plus_days(on, -2).max(invited),
                episode,
                test,
            );
        } else {
            self.add_by(until, Kind::Attended, on, episode, 0);
        }
        let mut on = on;
        // A spoilt kit and its repeat: two tests, one participation, or none.
        if self.dice.chance(300) {
            self.add_by(until, Kind::ScreenedInadequate, on, episode, test);
            if self.dice.chance(2_000) {
                return;
            }
            on = plus_days(on, 21);
        }
        self.add_by(until, Kind::ScreenedAdequate, on, episode, test);
        let result = if self.dice.chance(350) {
            Kind::ResultAbnormal
        } else {
            Kind::ResultNormal
        };
        if self.dice.chance(3_000) {
            self.add_by(until, result, plus_days(on, 7), episode, test);
        }
    }

    fn test_type(&mut self, on: NaiveDate) -> u8 {
        match self.programme {
            Programme::Bowel if on < date(2019, 7, 1) || self.dice.chance(120) => GFOBT,
            Programme::Bowel => FIT,
            Programme::Breast => 6,
            Programme::Cervical => self.dice.pick(&[3, 3, 3, 3, 3, 3, 5, 4]),
        }
    }

    /// Trap 7: one in thirty has a single adequate test, on the edge of a window or of a census.
    fn edge(&mut self, until: NaiveDate) {
        if !self.dice.chance(330) {
            return;
        }
        let m = self.dice.below(self.calendar.months() as u32) as usize;
        let census = self.calendar.census(m);
        let months = match self.programme {
            Programme::Bowel => 30,
            Programme::Breast => 36,
            Programme::Cervical if age(self.person.birth, census) < 50 => 42,
            Programme::Cervical => 66,
        };
        let first = window_start(census, months);
        let on = [first, plus_days(first, -1), census, plus_days(census, 1)]
            [self.dice.below(4) as usize];
        if on <= until {
            self.events
                .retain(|event| event.kind != Kind::ScreenedAdequate);
            let test = if self.programme == Programme::Bowel {
                FIT
            } else {
                self.test_type(on)
            };
            self.add(Kind::ScreenedAdequate, on, 0, test, 0);
        }
    }

    /// Trap 14: a letter to someone who died a few days before.
    fn late_letter(&mut self, episode: u8) {
        let Some(death) = self.person.death else {
            return;
        };
        let on = plus_days(death, 7);
        if self.person.death_lag == 0
            && on <= self.calendar.end()
            && on >= self.start
            && self.dice.chance(1_500)
        {
            self.add(Kind::Invited, on, episode, 0, 0);
        }
    }

    fn add(&mut self, kind: Kind, on: NaiveDate, episode: u8, test: u8, reason: u8) {
        self.events.push(Event {
            kind,
            on,
            episode,
            test,
            reason,
            fault: Fault::None,
        });
    }

    fn add_by(&mut self, until: NaiveDate, kind: Kind, on: NaiveDate, episode: u8, test: u8) {
        if days_between(on, until) >= 0 {
            self.add(kind, on, episode, test, 0);
        }
    }
}
