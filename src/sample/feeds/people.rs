//! `people/people_YYYY-MM.csv`: one extract a month.

use std::io;

use super::Fed;
use super::csv::{Csv, CsvFile};
use crate::sample::dates::plus_days;
use crate::sample::faults::unlinked_number;
use crate::sample::people::{ETHNICITIES, PersonFault, SEXES, SMOKING, Snapshot};
use crate::sample::submissions::Submission;
use crate::sample::world::World;

const HEADING: &str = "nhs_number,birth_date,death_date,sex,ethnicity_code,lsoa11_code,lsoa21_code,practice_code,\
registered_from,registered_to,learning_disability,severe_mental_illness,inclusion_health,smoking_status,\
national_opt_out,type1_opt_out";

/// Writes every month's extract.
pub fn write(world: &World) -> io::Result<Fed> {
    let mut fed = Fed::default();
    for m in 0..world.calendar.months() {
        write_month(world, m, &mut fed)?;
    }
    Ok(fed)
}

fn write_month(world: &World, m: usize, fed: &mut Fed) -> io::Result<()> {
    let path = format!("people/people_{}.csv", world.month_name(m));
    let mut file = CsvFile::create(&world.out, path.clone(), HEADING)?;
    for person in &world.people {
        let Some(sent) = person.sent(m, &world.calendar, &world.geography, &world.practices) else {
            continue;
        };
        let fault = person.fault_in(m);
        row(file.row()?, &sent, Some(sent.number), fault);
        match fault {
            Some(PersonFault::Duplicate) => file.repeat(),
            Some(PersonFault::Conflict) => {
                let other = Snapshot {
                    birth: plus_days(sent.birth, -400),
                    ..sent
                };
                row(file.row()?, &other, Some(sent.number), None);
            }
            Some(PersonFault::Ghost) => row(file.row()?, &sent, unlinked_number(sent.number), None),
            _ => {}
        }
    }
    let refused = file.refused();
    let written = file.finish()?;
    let submission =
        Submission::monthly(world, "people", m, &path).with_rows(written.rows, refused);
    fed.submissions.push(submission);
    fed.written.push(written);
    Ok(())
}

fn row(csv: &mut Csv, person: &Snapshot, number: Option<u64>, fault: Option<PersonFault>) {
    csv.nhs_number(number);
    match fault {
        Some(PersonFault::BadDate) => csv.text(if person.number % 4 < 2 {
            "1950-02-31"
        } else {
            "n/k"
        }),
        _ if person.birth_by_month() => csv.text(&person.birth.format("%Y-%m").to_string()),
        _ => csv.iso(person.birth),
    };
    csv.iso_or_blank(person.death);
    let bad_code = fault == Some(PersonFault::BadCode);
    csv.refuse(bad_code || fault == Some(PersonFault::BadDate));
    csv.text(if bad_code && person.number.is_multiple_of(2) {
        "X"
    } else {
        SEXES[usize::from(person.sex)]
    })
    .text(ETHNICITIES[usize::from(person.ethnicity)])
    .lsoa(person.lsoa11)
    .lsoa(person.lsoa21)
    .practice(person.practice)
    .iso(person.registered_from)
    .iso_or_blank(person.registered_to);
    for bit in 0..3 {
        csv.yes(person.flags >> bit & 1 == 1);
    }
    csv.text(if bad_code && !person.number.is_multiple_of(2) {
        "sometimes"
    } else {
        SMOKING[usize::from(person.smoking)]
    })
    .yes(person.national_opt_out)
    .yes(person.type1_opt_out)
    .end();
}
