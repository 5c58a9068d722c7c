//! `lower_gi/referrals_YYYY-MM.csv`: the urgent referrals of a month.

use std::io;

use super::Fed;
use super::csv::{Csv, CsvFile};
use crate::sample::faults::{Fault, UNREADABLE_DATES, shown_number};
use crate::sample::lower_gi::{EXCLUSIONS, Referral, referrals};
use crate::sample::people::Person;
use crate::sample::submissions::Submission;
use crate::sample::truth::fit::{self, Truth};
use crate::sample::world::World;

const HEADING: &str =
    "nhs_number,referral_date,practice_code,fit_result_date,fit_value,fit_exclusion";

/// Writes every month's referrals, and the truth of FIT before them.
pub fn write(world: &World) -> io::Result<Fed> {
    let months = world.calendar.months();
    let mut files = Vec::with_capacity(months);
    for m in 0..months {
        let path = format!("lower_gi/referrals_{}.csv", world.month_name(m));
        files.push(CsvFile::create(&world.out, path, HEADING)?);
    }
    let rate = world.rate(12, 70);
    let mut found = Vec::new();
    let mut truth = Truth::new();
    for (index, person) in world.people.iter().enumerate() {
        let quintile = person.quintile(&world.geography);
        referrals(
            person,
            quintile,
            index,
            world.seed,
            &world.calendar,
            rate,
            &mut found,
        );
        let latest = world.latest(person);
        for counted in fit::referred(latest.as_ref(), &found) {
            let practice = person.first_practice();
            fit::add_referred(&mut truth, world, latest.as_ref(), practice, counted);
        }
        for referral in &found {
            let file = &mut files[world.calendar.month_of(referral.on)];
            cells(file.row()?, person, index, referral);
            if referral.fault == Fault::Duplicate {
                file.repeat();
            }
        }
    }
    let mut fed = Fed::default();
    for (m, file) in files.into_iter().enumerate() {
        let refused = file.refused();
        let written = file.finish()?;
        fed.submissions.push(
            Submission::monthly(world, "lower_gi_referrals", m, &written.path)
                .with_rows(written.rows, refused),
        );
        fed.written.push(written);
    }
    fed.written.push(fit::write(world, &truth)?);
    Ok(fed)
}

fn cells(csv: &mut Csv, person: &Person, index: usize, referral: &Referral) {
    let (bad_date, bad_code) = (
        referral.fault == Fault::BadDate,
        referral.fault == Fault::BadCode,
    );
    csv.nhs_number(shown_number(person.number, referral.fault));
    if bad_date {
        csv.text(UNREADABLE_DATES[index % UNREADABLE_DATES.len()]);
    } else {
        csv.slashed(referral.on);
    }
    csv.practice(person.first_practice());
    match referral.fit {
        Some(on) => csv.slashed(on),
        None => csv.blank(),
    };
    match (referral.fit, referral.value) {
        (None, _) => csv.blank(),
        // What the analyser cannot tell apart.
        (Some(_), ..40) => csv.text("<4"),
        (Some(_), 4_001..) => csv.text(">400"),
        (Some(_), value) => csv.text(&format!("{}.{}", value / 10, value % 10)),
    };
    csv.text(if bad_code {
        "see letter"
    } else {
        EXCLUSIONS[referral.exclusion]
    })
    .refuse(bad_date || bad_code)
    .end();
}
