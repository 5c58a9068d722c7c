//! `screening/screening_PROGRAMME_YYYY-MM.csv`, and the truth of screening on the way: a history is
//! drawn, written, counted and forgotten.

use std::io;

use super::Fed;
use super::csv::{Csv, CsvFile};
use crate::sample::dates::age;
use crate::sample::faults::{Fault, UNREADABLE_DATES, shown_number};
use crate::sample::people::Person;
use crate::sample::practices::PracticeCode;
use crate::sample::screening::{Event, Programme, REASONS, TESTS, history};
use crate::sample::submissions::Submission;
use crate::sample::truth::{self, ScreeningTruth, screening_due};
use crate::sample::world::World;

const HEADING: &str =
    "nhs_number,programme,event_type,event_date,episode_id,test_type,practice_code,ceased_reason";

/// What a programme wrote, and its part of both truths.
pub type Counted = (Fed, ScreeningTruth, screening_due::Truth);

/// Writes a programme's files and counts its truth.
pub fn write(world: &World, programme: Programme) -> io::Result<Counted> {
    let mut files = Vec::with_capacity(world.calendar.months());
    for m in 0..world.calendar.months() {
        let path = format!(
            "screening/screening_{}_{}.csv",
            programme.name(),
            world.month_name(m)
        );
        files.push(CsvFile::create(&world.out, path, HEADING)?);
    }
    let mut truth = ScreeningTruth::new();
    let mut list = screening_due::Truth::new();
    let mut events = Vec::new();
    for (index, person) in world.people.iter().enumerate() {
        let quintile = person.quintile(&world.geography);
        history(
            programme,
            person,
            index,
            quintile,
            world.seed,
            &world.calendar,
            &mut events,
        );
        let practice = person.first_practice();
        for event in &events {
            write_event(
                &mut files[world.calendar.month_of(event.on)],
                programme,
                person.number,
                index,
                practice,
                event,
            )?;
        }
        count(world, programme, person, &events, &mut truth);
        list_due(world, programme, person, &events, &mut list);
    }
    // Valid numbers nobody in the extract carries: without an age they cannot count.
    for (place, number) in world.strangers.iter().enumerate().step_by(3) {
        let Some(like) = world.people.get(place) else {
            break;
        };
        history(
            programme,
            like,
            place,
            3,
            world.seed,
            &world.calendar,
            &mut events,
        );
        for event in events.iter().take(2) {
            let file = &mut files[world.calendar.month_of(event.on)];
            write_event(
                file,
                programme,
                *number,
                world.people.len() + place,
                PracticeCode::Orphan(9),
                event,
            )?;
        }
    }
    let mut fed = Fed::default();
    for (m, file) in files.into_iter().enumerate() {
        let refused = file.refused();
        let written = file.finish()?;
        fed.submissions.push(
            Submission::monthly(world, "screening_events", m, &written.path)
                .with_rows(written.rows, refused),
        );
        fed.written.push(written);
    }
    Ok((fed, truth, list))
}

fn count(
    world: &World,
    programme: Programme,
    person: &Person,
    events: &[Event],
    truth: &mut ScreeningTruth,
) {
    let Some(newest) = world.counted(person) else {
        return;
    };
    for m in 0..world.calendar.months() {
        let census = world.calendar.census(m);
        // Most people are in no cohort: know that before their row is made.
        if truth::screening::cohort(programme, age(person.birth, census)).is_none() {
            continue;
        }
        let Some(snapshot) = world.row_now(person, &newest, m) else {
            continue;
        };
        if let Some(seen) = truth::screening::seen(programme, &snapshot, events, census) {
            truth::add_screening(truth, world, m, &snapshot, seen);
        }
    }
}

fn list_due(
    world: &World,
    programme: Programme,
    person: &Person,
    events: &[Event],
    list: &mut screening_due::Truth,
) {
    let last = world.calendar.months() - 1;
    let census = world.calendar.census(last);
    if truth::screening::cohort(programme, age(person.birth, census)).is_none() {
        return;
    }
    if let Some(newest) = world.counted(person)
        && let Some(person) = world.row_now(person, &newest, last)
        && let Some(due) = screening_due::due(programme, &person, events, census)
    {
        screening_due::add_due(list, world, &person, due);
    }
}

fn write_event(
    file: &mut CsvFile,
    programme: Programme,
    number: u64,
    index: usize,
    practice: PracticeCode,
    event: &Event,
) -> io::Result<()> {
    cells(file.row()?, programme, number, index, practice, event);
    if event.fault == Fault::Duplicate {
        file.repeat();
    }
    Ok(())
}

fn cells(
    csv: &mut Csv,
    programme: Programme,
    number: u64,
    index: usize,
    practice: PracticeCode,
    event: &Event,
) {
    let bad_code = event.fault == Fault::BadCode;
    let odd = index % 2 == 1;
    csv.nhs_number(shown_number(number, event.fault))
        .text(if bad_code && odd {
            "colon"
        } else {
            programme.name()
        })
        .text(if bad_code && !odd {
            "SCREENED?"
        } else {
            event.kind.name()
        });
    match event.fault {
        Fault::BadDate => csv.text(UNREADABLE_DATES[index % UNREADABLE_DATES.len()]),
        _ => csv.slashed(event.on),
    };
    match event.episode {
        0 => csv.blank(),
        episode => {
            let letter = ["B", "R", "C"][programme as usize];
            csv.code(letter, index as u64 * 100 + u64::from(episode), 10)
        }
    };
    csv.text(TESTS[usize::from(event.test)])
        .practice(practice)
        .text(REASONS[usize::from(event.reason)])
        .refuse(bad_code || event.fault == Fault::BadDate)
        .end();
}
