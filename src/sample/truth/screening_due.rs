//! The truth of `screening_due`, added up: one person and programme at the last census. Pseudonyms are
//! not known here, so people who look alike are counted.

use std::collections::BTreeMap;
use std::io;

use chrono::NaiveDate;

use super::screening::{COHORTS, WINDOWS, cohort};
use crate::sample::Written;
use crate::sample::dates::{age, days_between, first_of_month, plus_days, window_start};
use crate::sample::feeds::csv::CsvFile;
use crate::sample::people::Snapshot;
use crate::sample::practices::PracticeCode;
use crate::sample::screening::{Event, FIT, Kind, Programme};
use crate::sample::world::World;

/// How a person stands at a census. Sorts as the columns do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Due {
    /// Place in [`COHORTS`].
    pub cohort: u8,
    /// Not ceased.
    pub eligible: bool,
    /// First month at whose census the latest adequate test no longer counts.
    pub expiry: Option<NaiveDate>,
    /// How long ago that is.
    pub band: &'static str,
    /// Declined or did not answer in the 12 months to the census.
    pub declined: bool,
}

/// Practice (0 is `UNKNOWN`), quintile of 2025, standing: how many people.
pub type Truth = BTreeMap<(u16, u8, Due), u32>;

/// How a person stands in a programme at a census; none when they are in none of its cohorts.
pub fn due(
    programme: Programme,
    person: &Snapshot,
    events: &[Event],
    census: NaiveDate,
) -> Option<Due> {
    let cohort = cohort(programme, age(person.birth, census))?;
    let right_sex = programme == Programme::Bowel || person.sex == 0;
    if !right_sex || !person.alive(census) || !person.registered(census) || person.opted_out() {
        return None;
    }
    let known = || {
        events
            .iter()
            .filter(|event| event.fault.counts() && event.on <= census)
    };
    let eligible = !known().any(|event| event.kind == Kind::Ceased);
    let adequate = known().filter(|event| {
        event.kind == Kind::ScreenedAdequate && (programme != Programme::Bowel || event.test == FIT)
    });
    let window = WINDOWS[usize::from(cohort)];
    let expiry = adequate
        .map(|event| event.on)
        .max()
        .map(|tested| first_of_month(tested, window));
    let last_day = expiry.map(|expiry| plus_days(expiry, -1));
    let band = match last_day.map(|day| days_between(day, census)) {
        _ if !eligible => "not_eligible",
        None => "never_screened",
        Some(..=0) => "up_to_date",
        Some(1..=90) => "overdue_1_90",
        Some(91..=180) => "overdue_91_180",
        Some(181..=365) => "overdue_181_365",
        Some(_) => "overdue_over_365",
    };
    let year = window_start(census, 12);
    Some(Due {
        cohort,
        eligible,
        expiry,
        band,
        declined: known().any(|event| {
            matches!(event.kind, Kind::Declined | Kind::NonResponse) && event.on >= year
        }),
    })
}

/// Adds a person.
pub fn add_due(truth: &mut Truth, world: &World, person: &Snapshot, due: Due) {
    let practice = match person.practice {
        PracticeCode::Listed(number) => number,
        PracticeCode::Blank | PracticeCode::Orphan(_) => 0,
    };
    let quintile = world.places.quintile(2025, person.lsoa11, person.lsoa21);
    *truth.entry((practice, quintile, due)).or_default() += 1;
}

/// Writes `truth/screening_due.csv`.
pub fn write(world: &World, truth: &Truth) -> io::Result<Written> {
    let heading = "month,programme,cohort,practice_code,imd_edition,imd_quintile,eligible,up_to_date,\
                   expiry_month,overdue_band,declined_12m,people";
    let mut file = CsvFile::create(&world.out, "truth/screening_due.csv".into(), heading)?;
    let month = first_of_month(world.calendar.end(), 0);
    let yes = |yes| if yes { "true" } else { "false" };
    for ((practice, quintile, due), people) in truth {
        let name = COHORTS[usize::from(due.cohort)];
        let row = file.row()?;
        row.iso(month)
            .text(name.split('_').next().unwrap_or_default())
            .text(name);
        match practice {
            0 => row.text("UNKNOWN"),
            number => row.practice(PracticeCode::Listed(*number)),
        };
        row.number(2025).number((*quintile).into());
        row.text(yes(due.eligible))
            .text(yes(due.band == "up_to_date"))
            .iso_or_blank(due.expiry)
            .text(due.band)
            .text(yes(due.declined))
            .number((*people).into())
            .end();
    }
    file.finish()
}
