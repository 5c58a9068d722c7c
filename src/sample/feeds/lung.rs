//! `lung/lung_TRUST_YYYY-MM.zip`: five tables in a ZIP, dates in eight spellings.

use std::io;

use chrono::{Datelike, NaiveDate};

use super::csv::Csv;
use super::{Fed, write_whole, zipped};
use crate::sample::dates::{date, days_between};
use crate::sample::dice::{Dice, Subject};
use crate::sample::faults::{Fault, UNREADABLE_DATES, shown_number};
use crate::sample::geography::{DISTRICTS, TRUSTS};
use crate::sample::lung::{
    ATTENDANCES, Candidate, Check, Diagnostic, INVITE_OUTCOMES, Invite, NO_SCORES, Risk,
    SCAN_OUTCOMES, STAGES, Scan, Smoking, Story, story,
};
use crate::sample::submissions::Submission;
use crate::sample::truth::{self, LungTruth};
use crate::sample::world::World;

/// The members of a ZIP, with their headings.
const MEMBERS: [(&str, &str); 5] = [
    (
        "Pathway_Invite.csv",
        "nhs_number,First_Letter_Date,Second_Letter_Date,Follow_Up_Call_Date,Contact_Date,Invite_Outcome",
    ),
    (
        "LungHealthCheck.csv",
        "nhs_number,LHC_Date,LHC_Attendance,LHC_Delivery_Mode,PLCOm2012,LLPv2_Risk",
    ),
    (
        "Pathway_LDCT.csv",
        "nhs_number,LDCT_Date,LDCT_ReportDate1,LDCT_Outcome,Date_Referral_Lung_Cancer",
    ),
    (
        "Pathway_Diagnostics.csv",
        "nhs_number,Full_Dose_CT_Date,Cancer_Diagnosis_Date,Cancer_Stage,Treatment_Start_Date",
    ),
    (
        "SmokingCessation.csv",
        "nhs_number,Date_Offered_Smoking_Cessation,Date_Started_Smoking_Cessation,Date_Ended_Smoking_Cessation,\
         Completed_Successfully",
    ),
];

/// The sources that read the members, in the same order.
const SOURCES: [&str; 5] = [
    "lung_invites",
    "lung_checks",
    "lung_scans",
    "lung_diagnostics",
    "lung_smoking",
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// Writes every ZIP and the truth of the mart.
pub fn write(world: &World) -> io::Result<Fed> {
    let months = world.calendar.months();
    let mut tables: Vec<[Csv; 5]> = (0..TRUSTS.len() * months)
        .map(|_| MEMBERS.map(|(_, heading)| Csv::new(heading)))
        .collect();
    let mut truth = LungTruth::new();
    let mut life = Story::default();
    for (index, person) in world.people.iter().enumerate() {
        let Some(latest) = world.latest(person) else {
            continue;
        };
        let quintile = person.quintile(&world.geography);
        let candidate = Candidate {
            person,
            ever_smoked: latest.ever_smoked(),
            quintile,
            boost: world.is_small(),
        };
        story(candidate, index, world.seed, &world.calendar, &mut life);
        if life.invites.is_empty() {
            continue;
        }
        let trust = DISTRICTS[person.district(&world.geography)].trust;
        let mut scribe = Scribe::new(
            world,
            &mut tables[trust * months..(trust + 1) * months],
            person.number,
            index,
        );
        scribe.write(&life);
        if let Some((letter, flags)) = truth::lung::checked(&latest, &life) {
            truth::add_lung(&mut truth, world, &latest, letter, flags);
        }
    }
    let mut fed = Fed::default();
    for (place, members) in tables.into_iter().enumerate() {
        let (trust, m) = (TRUSTS[place / months], place % months);
        let path = format!("lung/lung_{trust}_{}.zip", world.month_name(m));
        let rows = members.iter().map(Csv::rows).sum();
        for (source, csv) in SOURCES.iter().zip(&members) {
            fed.submissions.push(
                Submission::monthly(world, source, m, &path)
                    .by(trust)
                    .with_rows(csv.rows(), csv.refused()),
            );
        }
        let names = MEMBERS.iter().map(|(name, _)| *name);
        let bytes = zipped(names.zip(members.into_iter().map(Csv::into_bytes)))?;
        fed.written
            .push(write_whole(&world.out, path, rows, &bytes)?);
    }
    fed.written.push(truth::write_lung(world, &truth)?);
    Ok(fed)
}

/// Writes the rows of one person.
struct Scribe<'a> {
    world: &'a World,
    tables: &'a mut [[Csv; 5]],
    number: u64,
    spelling: Dice,
}

impl<'a> Scribe<'a> {
    fn new(world: &'a World, tables: &'a mut [[Csv; 5]], number: u64, index: usize) -> Self {
        Self {
            world,
            tables,
            number,
            spelling: Dice::new(world.seed, Subject::Spelling, index),
        }
    }

    fn write(&mut self, life: &Story) {
        for row in &life.invites {
            self.invite(row);
        }
        let letter = life
            .invites
            .first()
            .map(|row| row.first_letter)
            .unwrap_or_default();
        for row in &life.checks {
            self.check(row, letter);
        }
        for row in &life.scans {
            self.scan(row);
        }
        for row in &life.diagnostics {
            self.diagnostic(row);
        }
        for row in &life.smoking {
            self.smoking(row);
        }
    }

    /// A row of a table, filed by a date and begun with the person's number.
    fn row(&mut self, table: usize, filed: NaiveDate, fault: Fault) -> &mut Csv {
        let m = self.world.calendar.month_of(filed);
        let number = shown_number(self.number, fault);
        self.tables[m][table].begin().nhs_number(number)
    }

    fn ended(&mut self, table: usize, filed: NaiveDate, fault: Fault) {
        let m = self.world.calendar.month_of(filed);
        let csv = &mut self.tables[m][table];
        csv.refuse(fault == Fault::BadDate).end();
        if fault == Fault::Duplicate {
            csv.repeat();
        }
    }

    fn invite(&mut self, row: &Invite) {
        let (first, outcome) = (
            self.date(row.first_letter, row.fault),
            self.spelled(INVITE_OUTCOMES[row.outcome]),
        );
        let rest = [row.second_letter, row.call, row.contact].map(|on| self.date_or_blank(on));
        let csv = self.row(0, row.first_letter, row.fault).text(&first);
        for cell in rest {
            csv.text(&cell);
        }
        csv.text(outcome);
        self.ended(0, row.first_letter, row.fault);
    }

    fn check(&mut self, row: &Check, letter: NaiveDate) {
        let filed = row.on.unwrap_or(letter);
        let on = self.date_or_blank(row.on);
        let attendance = self.spelled(ATTENDANCES[row.attendance]);
        let mode = self
            .spelling
            .pick(&["F2F", "F2F", "Virtual", "Phone", "Telephone"]);
        let (plco, llp) = (risk(row.plco), risk(row.llp));
        let csv = self.row(1, filed, row.fault);
        if row.fault == Fault::BadDate {
            // As some files have it: the date and the attendance have changed places.
            csv.text(attendance).text(&on);
        } else {
            csv.text(&on).text(attendance);
        }
        csv.text(mode).text(&plco).text(&llp);
        self.ended(1, filed, row.fault);
    }

    fn scan(&mut self, row: &Scan) {
        let filed = row.on.or(row.reported).unwrap_or_default();
        let on = match row.on {
            None if row.fault != Fault::BadDate => String::new(),
            on => self.date(on.unwrap_or_default(), row.fault),
        };
        let (reported, referred) = (
            self.date_or_blank(row.reported),
            self.date_or_blank(row.referred),
        );
        let outcome = self.spelled(SCAN_OUTCOMES[row.outcome]);
        self.row(2, filed, row.fault)
            .text(&on)
            .text(&reported)
            .text(outcome)
            .text(&referred);
        self.ended(2, filed, row.fault);
    }

    fn diagnostic(&mut self, row: &Diagnostic) {
        let ct = self.date(row.full_dose_ct, row.fault);
        let (diagnosed, treated) = (
            self.date_or_blank(row.diagnosed),
            self.date_or_blank(row.treated),
        );
        let csv = self.row(3, row.full_dose_ct, row.fault);
        csv.text(&ct)
            .text(&diagnosed)
            .text(STAGES[row.stage])
            .text(&treated);
        self.ended(3, row.full_dose_ct, row.fault);
    }

    fn smoking(&mut self, row: &Smoking) {
        let offered = self.date(row.offered, row.fault);
        let (started, ended) = (
            self.date_or_blank(row.started),
            self.date_or_blank(row.ended),
        );
        let completed = match row.ended {
            None => "",
            Some(_) => self.spelling.pick(&["Y", "Y", "N"]),
        };
        let csv = self.row(4, row.offered, row.fault);
        csv.text(&offered)
            .text(&started)
            .text(&ended)
            .text(completed);
        self.ended(4, row.offered, row.fault);
    }

    fn spelled(&mut self, spellings: &'static [&'static str]) -> &'static str {
        // The first spelling is the usual one.
        if self.spelling.chance(6_000) {
            spellings[0]
        } else {
            self.spelling.pick(spellings)
        }
    }

    fn date_or_blank(&mut self, on: Option<NaiveDate>) -> String {
        on.map(|on| self.date(on, Fault::None)).unwrap_or_default()
    }

    fn date(&mut self, on: NaiveDate, fault: Fault) -> String {
        if fault == Fault::BadDate {
            return self.spelling.pick(&UNREADABLE_DATES).to_owned();
        }
        let (y, m, d) = (on.year(), on.month(), on.day());
        let (hour, minute) = (self.spelling.between(8, 17), self.spelling.below(12) * 5);
        let month = MONTHS[on.month0() as usize];
        match self.spelling.below(12) {
            0 => format!("{d:02}/{m:02}/{y:04} {hour:02}:{minute:02}"),
            1 => format!("{month} {d} {y} {hour:02}:{minute:02}"),
            2 => format!("{d:02}-{m:02}-{:02}", y % 100),
            3 => format!("{y:04}-{m:02}-{d:02} {hour:02}:{minute:02}:00"),
            4 => format!("{y:04}{m:02}{d:02}"),
            5 => format!("{d:02}-{month}-{:02}", y % 100),
            6 => days_between(date(1899, 12, 30), on).to_string(),
            _ => format!("{d:02}/{m:02}/{y:04}"),
        }
    }
}

fn risk(risk: Risk) -> String {
    match risk {
        Risk::Score(hundredths) if hundredths % 10 == 0 => {
            format!("{}.{}", hundredths / 100, hundredths / 10 % 10)
        }
        Risk::Score(hundredths) => format!("{}.{:02}", hundredths / 100, hundredths % 100),
        Risk::Junk(place) => NO_SCORES[place].to_owned(),
    }
}
