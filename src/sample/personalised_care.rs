//! Personalised care: a person's tumours and what was offered and done about them, as trusts send it
//! in COSD's shape (trap 23).

use chrono::NaiveDate;

use super::dates::{Calendar, add_months, age, plus_days};
use super::dice::{Dice, Subject};
use super::faults::Fault;
use super::geography::TRUSTS;
use super::people::Person;

/// What the sample's people are diagnosed with, and how often. C44 and D05 are not counted cancers.
pub const DIAGNOSES: [(&str, u32); 22] = [
    ("C509", 150),
    ("C61", 140),
    ("C341", 120),
    ("C180", 60),
    ("C187", 40),
    ("C20", 35),
    ("C439", 45),
    ("C802", 10),
    ("C833", 30),
    ("C900", 20),
    ("C679", 30),
    ("C64", 30),
    ("C250", 30),
    ("C159", 25),
    ("C169", 15),
    ("C220", 15),
    ("C541", 25),
    ("C56", 20),
    ("C73", 10),
    ("C719", 15),
    ("C443", 60),
    ("D051", 25),
];

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No event: a diagnosis with nothing done yet.
    Nothing,
    /// Holistic needs assessment.
    Hna,
    /// Personalised care and support plan.
    Pcsp,
    /// Summary at the end of treatment.
    Summary,
    /// Cancer care review.
    Review,
    /// Offer of support.
    Support,
    /// Start of personalised stratified follow-up.
    FollowUp,
    /// Health and well-being information.
    Information,
    /// Contact with a clinical nurse specialist.
    Nurse,
    /// End of treatment.
    TreatmentEnd,
}

impl Kind {
    /// As the column spells it.
    pub fn name(self) -> &'static str {
        [
            "",
            "hna",
            "pcsp",
            "end_of_treatment_summary",
            "cancer_care_review",
            "support_offer",
            "psfu_start",
            "hwb_information",
            "cns_contact",
            "treatment_end",
        ][self as usize]
    }
}

/// A row of the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Who sent it, a place in [`TRUSTS`].
    pub trust: usize,
    /// The person's tumour, from 0.
    pub tumour: u8,
    /// Day of diagnosis as this row has it.
    pub diagnosed: NaiveDate,
    /// Place in [`DIAGNOSES`].
    pub icd10: usize,
    /// What.
    pub kind: Kind,
    /// When.
    pub on: Option<NaiveDate>,
    /// Offered code, 0 for none. 4 is "not offered".
    pub offered: u8,
    /// Status code, 0 for none.
    pub status: u8,
    /// Point of the pathway, 0 for none.
    pub point: u8,
    /// Staff role, 0 for none.
    pub role: u8,
    /// How codes and dots are spelled; no truth depends on it.
    pub spelling: u8,
    /// What goes wrong with the row.
    pub fault: Fault,
}

impl Row {
    /// The month whose file carries the row.
    pub fn month(&self, calendar: &Calendar) -> usize {
        calendar.month_of(self.on.unwrap_or(self.diagnosed))
    }
}

/// How far back diagnoses go: far enough for 730 days to run out within the sample.
const HISTORY: i32 = 25;

/// Who is drawn for.
#[derive(Debug, Clone, Copy)]
pub struct Patient<'a> {
    /// The person, none for a stranger.
    pub person: Option<&'a Person>,
    /// Their trust, a place in [`TRUSTS`].
    pub trust: usize,
    /// Their quintile, for the gradient.
    pub quintile: u8,
}

/// Draws the rows of a person, none for most. `per_10_000` is how many of all ages are diagnosed.
pub fn rows(
    patient: Patient<'_>,
    index: usize,
    seed: u64,
    calendar: &Calendar,
    per_10_000: u32,
    rows: &mut Vec<Row>,
) {
    rows.clear();
    let mut dice = Dice::new(seed, Subject::PersonalisedCare, index);
    let weight = match patient
        .person
        .map(|person| age(person.birth, calendar.end()))
    {
        None => 10,
        Some(..18) => 0,
        Some(18..40) => 2,
        Some(40..55) => 8,
        Some(55..70) => 20,
        Some(_) => 30,
    };
    if !dice.chance((per_10_000 * weight / 10).min(9_000)) {
        return;
    }
    let start = add_months(calendar.first(0), -HISTORY);
    let death = patient.person.and_then(|person| person.death);
    let mut diagnosed = dice.day(start, calendar.end());
    if let Some(death) = death {
        // Some are known from the death certificate alone; nobody is diagnosed afterwards.
        if dice.chance(2_500) || diagnosed > death {
            diagnosed = if dice.chance(3_000) {
                death
            } else {
                plus_days(death, -dice.between(1, 200))
            };
        }
    } else if dice.chance(400) {
        // The ends of months, where calendar months are clamped.
        diagnosed = super::dates::month_end(diagnosed).min(calendar.end());
    }
    let end = death.map_or(calendar.end(), |death| death.min(calendar.end()));
    let mut teller = Teller {
        dice: &mut dice,
        end,
        patient,
        rows,
    };
    teller.tumour(0, diagnosed);
    if teller.dice.chance(700) {
        let second = plus_days(diagnosed, teller.dice.between(0, 300));
        if second <= end {
            teller.tumour(1, second);
        }
    }
    for row in rows.iter_mut() {
        row.spelling = dice.below(64) as u8;
        row.fault = Fault::draw(&mut dice, if row.month(calendar) == 0 { 7 } else { 0 });
    }
}

struct Teller<'a, 'b> {
    dice: &'a mut Dice,
    end: NaiveDate,
    patient: Patient<'b>,
    rows: &'a mut Vec<Row>,
}

impl Teller<'_, '_> {
    fn tumour(&mut self, tumour: u8, diagnosed: NaiveDate) {
        let weights = DIAGNOSES.map(|(_, weight)| weight);
        let blank = Row {
            trust: self.patient.trust,
            tumour,
            diagnosed,
            icd10: self.dice.weighted(&weights),
            kind: Kind::Nothing,
            on: None,
            offered: 0,
            status: 0,
            point: 0,
            role: 0,
            spelling: 0,
            fault: Fault::None,
        };
        let before = self.rows.len();
        self.care(blank);
        if self.rows.len() == before || self.dice.chance(500) {
            self.rows.push(blank);
        }
        // Treated elsewhere: another trust reports the same tumour as well.
        if self.dice.chance(400) {
            // Never the trust that hardly submits: it would inherit the others' assessments.
            let trust = (1..TRUSTS.len())
                .filter(|trust| *trust != blank.trust)
                .nth(self.dice.below(2) as usize);
            let trust = trust.unwrap_or(blank.trust);
            let days = self.dice.between(5, 60);
            self.push(blank, Kind::Nurse, days, |row| Row { trust, ..row });
        }
        // One row dates the diagnosis otherwise: the earliest date stands.
        if self.dice.chance(300) {
            let moved = self.dice.between(-9, 9);
            if let Some(row) = self.rows.last_mut() {
                row.diagnosed = plus_days(row.diagnosed, moved).min(self.end);
            }
        }
    }

    /// Adds an event so many days after diagnosis, if it has happened yet.
    fn push(&mut self, blank: Row, kind: Kind, days: i64, with: impl Fn(Row) -> Row) {
        let on = plus_days(blank.diagnosed, days);
        if on <= self.end {
            self.rows.push(with(Row {
                kind,
                on: Some(on),
                ..blank
            }));
        }
    }

    fn care(&mut self, blank: Row) {
        let quintile = u32::from(self.patient.quintile);
        if self.dice.chance(6_200 + 300 * quintile) {
            self.assessment(blank);
        }
        if self.dice.chance(6_500) {
            let days = self.dice.between(0, 40);
            self.push(blank, Kind::Nurse, days, |row| row);
        }
        if self.dice.chance(1_500) {
            let days = self.dice.between(3, 90);
            self.push(blank, Kind::Information, days, |row| row);
        }
        self.treatment(blank);
        if self.dice.chance(4_500 + 250 * quintile) {
            let on = match self.dice.below(20) {
                0 => add_months(blank.diagnosed, 12),
                1 => plus_days(add_months(blank.diagnosed, 12), 1),
                _ => plus_days(blank.diagnosed, self.dice.between(30, 420)),
            };
            self.push_on(blank, Kind::Review, on);
        }
        if self.dice.chance(5_500) {
            let on = match self.dice.below(20) {
                0 => add_months(blank.diagnosed, 3),
                1 => plus_days(add_months(blank.diagnosed, 3), 1),
                _ => plus_days(blank.diagnosed, self.dice.between(0, 110)),
            };
            self.push_on(blank, Kind::Support, on);
        }
        if self.dice.chance(2_200) {
            let days = self.dice.between(60, 400);
            self.push(blank, Kind::FollowUp, days, |row| row);
        }
    }

    fn push_on(&mut self, blank: Row, kind: Kind, on: NaiveDate) {
        if on <= self.end {
            self.rows.push(Row {
                kind,
                on: Some(on),
                ..blank
            });
        }
    }

    fn assessment(&mut self, blank: Row) {
        let days = match self.dice.below(40) {
            0 => 730,
            1 => 731,
            2 => 0,
            // Before the diagnosis: not an offer after it.
            3 => -20,
            _ => self.dice.between(1, 60),
        };
        let offered = self.dice.pick(&[1, 2, 3, 3, 3, 3, 3, 3, 4, 5]);
        let done = matches!(offered, 3);
        let status = if done {
            self.dice.pick(&[1, 2, 3, 3, 3, 4, 5, 6, 0])
        } else {
            0
        };
        let (point, role) = (
            self.dice.pick(&[1, 1, 1, 2, 3]),
            self.dice.pick(&[1, 1, 1, 4, 8, 9]),
        );
        self.push(blank, Kind::Hna, days, |row| Row {
            offered,
            status,
            point,
            role,
            ..row
        });
        if self.dice.chance(1_500) {
            let days = self.dice.between(100, 500);
            self.push(blank, Kind::Hna, days, |row| Row {
                offered: 3,
                status: 3,
                point: 4,
                role: 4,
                ..row
            });
        }
        if done && self.dice.chance(6_500) {
            let after = days + self.dice.between(0, 30);
            let status = self.dice.pick(&[3, 3, 3, 3, 3, 4, 5]);
            self.push(blank, Kind::Pcsp, after, |row| Row {
                status,
                point,
                role,
                ..row
            });
        }
    }

    fn treatment(&mut self, blank: Row) {
        if !self.dice.chance(6_000) {
            return;
        }
        let days = self.dice.between(40, 300);
        self.push(blank, Kind::TreatmentEnd, days, |row| row);
        if self.dice.chance(300) {
            // An end before the diagnosis: some other treatment's.
            self.push(blank, Kind::TreatmentEnd, -30, |row| row);
        }
        if self.dice.chance(5_200) {
            let after = match self.dice.below(20) {
                0 => 0,
                1 => 42,
                2 => 43,
                3 => -1,
                _ => self.dice.between(1, 60),
            };
            self.push(blank, Kind::Summary, days + after, |row| row);
        }
    }
}
