//! `personalised_care/personalised_care_TRUST_YYYY-MM.csv`: events in COSD's shape, with codes that
//! have lost or gained a zero.

use std::collections::BTreeMap;
use std::io;

use super::Fed;
use super::csv::{Csv, CsvFile};
use crate::sample::faults::{Fault, shown_number};
use crate::sample::geography::{DISTRICTS, TRUSTS};
use crate::sample::people::Snapshot;
use crate::sample::personalised_care::{DIAGNOSES, Kind, Patient, Row, rows};
use crate::sample::submissions::{Status, Submission};
use crate::sample::truth::{self, PersonalisedCareTruth};
use crate::sample::world::World;

const HEADING: &str = "nhs_number,tumour_key,diagnosis_date,icd10,event_type,event_date,offered_code,status_code,\
pathway_point,staff_role";

/// Place in [`TRUSTS`] of the trust that hardly submits.
const SILENT: usize = 0;
/// Assessments the silent trust does send: fewer than ten, so that it is silent however small it is.
const WHISPERS: u32 = 6;

/// Place in [`TRUSTS`] of the trust that sends the second month again, corrected.
const RESUBMITTER: usize = 2;

/// Writes every file and the truth of both marts.
pub fn write(world: &World) -> io::Result<Fed> {
    let mut scribe = Scribe::new(world)?;
    let rate = world.rate(140, 330);
    let mut events = Vec::new();
    for (index, person) in world.people.iter().enumerate() {
        let trust = DISTRICTS[person.district(&world.geography)].trust;
        let quintile = person.quintile(&world.geography);
        let patient = Patient {
            person: Some(person),
            trust,
            quintile,
        };
        rows(
            patient,
            index,
            world.seed,
            &world.calendar,
            rate,
            &mut events,
        );
        if !events.is_empty() {
            let latest = world.latest(person);
            scribe.person(person.number, index, latest.as_ref(), &mut events)?;
        }
    }
    for (place, number) in world.strangers.iter().enumerate() {
        let index = world.people.len() + place;
        let patient = Patient {
            person: None,
            trust: place % TRUSTS.len(),
            quintile: 3,
        };
        rows(
            patient,
            index,
            world.seed,
            &world.calendar,
            4_000,
            &mut events,
        );
        if !events.is_empty() {
            scribe.person(*number, index, None, &mut events)?;
        }
    }
    scribe.finish()
}

struct Scribe<'a> {
    world: &'a World,
    files: Vec<CsvFile>,
    /// What the resubmitting trust sent first.
    draft: CsvFile,
    whispered: u32,
    truth: PersonalisedCareTruth,
    trusts: [(u32, u32); TRUSTS.len()],
}

impl<'a> Scribe<'a> {
    fn new(world: &'a World) -> io::Result<Self> {
        let mut files = Vec::new();
        for trust in TRUSTS {
            for m in 0..world.calendar.months() {
                let again = (trust, m) == (TRUSTS[RESUBMITTER], 1 % world.calendar.months());
                let path = path(world, trust, m, if again { "_v2" } else { "" });
                files.push(CsvFile::create(&world.out, path, HEADING)?);
            }
        }
        Ok(Self {
            world,
            files,
            draft: CsvFile::create(
                &world.out,
                path(world, TRUSTS[RESUBMITTER], 1 % world.calendar.months(), ""),
                HEADING,
            )?,
            whispered: 0,
            truth: BTreeMap::new(),
            trusts: [(0, 0); TRUSTS.len()],
        })
    }

    fn person(
        &mut self,
        number: u64,
        index: usize,
        latest: Option<&Snapshot>,
        events: &mut Vec<Row>,
    ) -> io::Result<()> {
        events.retain(|row| {
            let whisper = row.trust == SILENT && row.kind == Kind::Hna;
            self.whispered += u32::from(whisper);
            !whisper || self.whispered <= WHISPERS
        });
        let months = self.world.calendar.months();
        for row in events.iter() {
            let m = row.month(&self.world.calendar);
            // The draft had not all rows yet, and one in six said what was taken back later.
            if (row.trust, m) == (RESUBMITTER, 1 % months) && row.spelling % 6 != 0 {
                let withdrawn = row.spelling % 6 == 1 && row.offered > 0;
                let row = Row {
                    offered: if withdrawn { 4 } else { row.offered },
                    ..*row
                };
                cells(self.draft.row()?, number, index, &row);
            }
            let file = &mut self.files[row.trust * months + m];
            cells(file.row()?, number, index, row);
            if row.fault == Fault::Duplicate {
                file.repeat();
            }
        }
        if let Some(cared) = truth::personalised_care::cared(latest, events, &self.world.calendar) {
            let (patients, records) = &mut self.trusts[cared.trust];
            *patients += 1;
            *records += cared.hna_records;
            truth::add_personalised_care(&mut self.truth, self.world, latest, &cared);
        }
        Ok(())
    }

    fn finish(self) -> io::Result<Fed> {
        let months = self.world.calendar.months();
        let again = (RESUBMITTER, 1 % months);
        let submission = |trust: usize, m: usize, path: &str, rows, refused| {
            Submission::monthly(self.world, "personalised_care", m, path)
                .by(TRUSTS[trust])
                .with_rows(rows, refused)
        };
        let mut fed = Fed::default();
        for (place, file) in self.files.into_iter().enumerate() {
            let (trust, m) = (place / months, place % months);
            let refused = file.refused();
            let written = file.finish()?;
            let mut sent = submission(trust, m, &written.path, written.rows, refused);
            if (trust, m) == again {
                sent.again(2);
            }
            fed.submissions.push(sent);
            fed.written.push(written);
        }
        let refused = self.draft.refused();
        let draft = self.draft.finish()?;
        let mut sent = submission(again.0, again.1, &draft.path, draft.rows, refused);
        let corrected = &mut fed.submissions[again.0 * months + again.1];
        if corrected.rows == 0 {
            corrected.status = Status::Duplicate;
        } else {
            sent.status = Status::Superseded;
        }
        fed.submissions.push(sent);
        fed.written.push(draft);
        fed.written.extend(truth::write_personalised_care(
            self.world,
            &self.truth,
            &self.trusts,
        )?);
        Ok(fed)
    }
}

fn path(world: &World, trust: &str, m: usize, version: &str) -> String {
    format!(
        "personalised_care/personalised_care_{trust}_{}{version}.csv",
        world.month_name(m)
    )
}

fn cells(csv: &mut Csv, number: u64, index: usize, row: &Row) {
    csv.nhs_number(shown_number(number, row.fault));
    csv.code("T", index as u64 * 10 + u64::from(row.tumour) + 1, 9);
    match row.fault {
        Fault::BadDate if row.on.is_none() => csv.text("n/k"),
        _ => csv.iso(row.diagnosed),
    };
    icd10(csv, DIAGNOSES[row.icd10].0, row.spelling);
    csv.text(if row.fault == Fault::BadCode {
        "hna_review"
    } else {
        row.kind.name()
    });
    match row.on {
        Some(_) if row.fault == Fault::BadDate => csv.text("2025-02-30"),
        on => csv.iso_or_blank(on),
    };
    code(csv, row.offered, row.spelling % 16);
    code(csv, row.status, row.spelling / 4);
    code(csv, row.point, 15);
    code(csv, row.role, 15);
    csv.refuse(matches!(row.fault, Fault::BadDate | Fault::BadCode))
        .end();
}

/// With a dot, without, in small letters: the same disease.
fn icd10(csv: &mut Csv, code: &str, spelling: u8) {
    let dotted = |code: &str| match code.split_at_checked(3) {
        Some((category, detail)) if !detail.is_empty() => format!("{category}.{detail}"),
        _ => code.to_owned(),
    };
    match spelling % 8 {
        0 => csv.text(&code.to_lowercase()),
        1 => csv.text(&dotted(&code.to_lowercase())),
        2..5 => csv.text(&dotted(code)),
        _ => csv.text(code),
    };
}

/// Two digits, as the list has them; or three, or one, as files have them.
fn code(csv: &mut Csv, code: u8, spelling: u8) {
    match (code, spelling) {
        (0, _) => csv.blank(),
        (_, 0) => csv.code("", code.into(), 3),
        (_, 1) => csv.code("", code.into(), 1),
        _ => csv.code("", code.into(), 2),
    };
}
