//! `tumours/tumours_YYYY-MM.csv`: every month all tumours of the last years, as far as they are known.

use std::io;

use super::Fed;
use super::csv::{Csv, CsvFile};
use crate::sample::faults::{Fault, UNREADABLE_DATES, shown_number};
use crate::sample::geography::{DISTRICTS, TRUSTS};
use crate::sample::personalised_care::DIAGNOSES;
use crate::sample::submissions::Submission;
use crate::sample::truth::early_diagnosis::{self, Truth};
use crate::sample::tumours::{ROUTES, STAGES, Tumour, tumours};
use crate::sample::world::World;

const HEADING: &str = "nhs_number,tumour_key,diagnosis_date,icd10,stage,route,trust_code";

/// Writes every month's snapshot, and the truth of early diagnosis.
pub fn write(world: &World) -> io::Result<Fed> {
    let months = world.calendar.months();
    let mut files = Vec::with_capacity(months);
    for m in 0..months {
        let path = format!("tumours/tumours_{}.csv", world.month_name(m));
        files.push(CsvFile::create(&world.out, path, HEADING)?);
    }
    let rate = world.rate(60, 150);
    let mut found = Vec::new();
    let mut truth = Truth::new();
    for (index, person) in world.people.iter().enumerate() {
        let quintile = person.quintile(&world.geography);
        tumours(
            person,
            quintile,
            index,
            world.seed,
            &world.calendar,
            rate,
            &mut found,
        );
        if found.is_empty() {
            continue;
        }
        let trust = TRUSTS[DISTRICTS[person.district(&world.geography)].trust];
        let latest = world.latest(person);
        for counted in early_diagnosis::found(latest.as_ref(), &found, &world.calendar) {
            early_diagnosis::add_found(&mut truth, world, latest.as_ref(), trust, &counted);
        }
        for tumour in &found {
            for (m, file) in files.iter_mut().enumerate() {
                if tumour.registered > world.calendar.census(m) {
                    continue;
                }
                let staged = tumour.staged <= world.calendar.census(m);
                // Rows to be refused are in the first snapshot only: the next has them mended.
                let fault = match tumour.fault {
                    Fault::BadDate | Fault::BadCode if m > 0 => Fault::None,
                    fault => fault,
                };
                cells(
                    file.row()?,
                    person.number,
                    index,
                    trust,
                    tumour,
                    staged,
                    fault,
                );
                if fault == Fault::Duplicate {
                    file.repeat();
                }
            }
        }
    }
    let mut fed = Fed::default();
    for (m, file) in files.into_iter().enumerate() {
        let refused = file.refused();
        let written = file.finish()?;
        fed.submissions.push(
            Submission::monthly(world, "tumours", m, &written.path)
                .with_rows(written.rows, refused),
        );
        fed.written.push(written);
    }
    fed.written.push(early_diagnosis::write(world, &truth)?);
    Ok(fed)
}

fn cells(
    csv: &mut Csv,
    number: u64,
    index: usize,
    trust: &str,
    tumour: &Tumour,
    staged: bool,
    fault: Fault,
) {
    csv.nhs_number(shown_number(number, fault));
    csv.code("R", index as u64 * 10 + u64::from(tumour.place) + 1, 9);
    match fault {
        Fault::BadDate => csv.text(UNREADABLE_DATES[index % UNREADABLE_DATES.len()]),
        _ => csv.iso(tumour.diagnosed),
    };
    csv.text(DIAGNOSES[tumour.icd10].0)
        .text(if staged { STAGES[tumour.stage] } else { "" })
        .text(if fault == Fault::BadCode {
            "route 9"
        } else {
            ROUTES[tumour.route]
        })
        .text(trust)
        .refuse(matches!(fault, Fault::BadDate | Fault::BadCode))
        .end();
}
