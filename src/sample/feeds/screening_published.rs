//! `screening_published/screening_coverage_YYYY-MM.csv`: the dashboard's export, which calls itself CSV
//! and is UTF-16 with tabs. Every file holds three months, so that each month comes three times, and is
//! revised on the way (trap 20).

use std::collections::BTreeMap;
use std::io;

use chrono::NaiveDate;

use super::csv::CsvFile;
use super::{Fed, per_cent, utf16, with_thousands, write_whole};
use crate::sample::Written;
use crate::sample::dates::add_months;
use crate::sample::dice::{Dice, Subject};
use crate::sample::practices::PLANTS;
use crate::sample::submissions::Submission;
use crate::sample::world::World;

const HEADING: [&str; 12] = [
    "Organisation Code",
    "Organisation Name",
    "Programme",
    "Month of Date",
    "Cohort Age Range",
    "Cohort Description",
    "Denominator Name",
    "Denominator",
    "Numerator",
    "Performance",
    "Acceptable",
    "Achievable",
];

/// A programme's cohort, as the dashboard names it.
struct Cohort {
    programme: &'static str,
    ages: &'static str,
    description: &'static str,
    standards: [&'static str; 2],
    /// Months by which it is reported late.
    arrears: i32,
    /// People of a practice's list in it, in a hundred.
    share: u32,
}

const COHORTS: [Cohort; 5] = [
    Cohort {
        programme: "Bowel",
        ages: "50-59",
        description: "Bowel screening coverage, ages 50 to 59",
        standards: ["", ""],
        arrears: 6,
        share: 13,
    },
    Cohort {
        programme: "Bowel",
        ages: "60-74",
        description: "Bowel screening coverage, ages 60 to 74",
        standards: ["62.0%", "76.0%"],
        arrears: 6,
        share: 16,
    },
    Cohort {
        programme: "Breast",
        ages: "53-70",
        description: "Breast screening coverage, ages 53 to 70",
        standards: ["70.0%", "80.0%"],
        arrears: 0,
        share: 11,
    },
    Cohort {
        programme: "Cervical",
        ages: "25-49",
        description: "Cervical screening coverage, ages 25 to 49",
        standards: ["80.0%", ""],
        arrears: 0,
        share: 16,
    },
    Cohort {
        programme: "Cervical",
        ages: "50-64",
        description: "Cervical screening coverage, ages 50 to 64",
        standards: ["80.0%", ""],
        arrears: 0,
        share: 10,
    },
];

/// Months in a file.
const MONTHS: i32 = 3;
/// Smallest count that is shown.
const SHOWN: u64 = 8;

/// Month, place in [`COHORTS`], organisation: what the newest file says, none where it is suppressed.
type Newest = BTreeMap<(NaiveDate, usize, String), Option<(u64, u64)>>;

/// Writes every export, and what stands after the last.
pub fn write(world: &World) -> io::Result<Fed> {
    let mut fed = Fed::default();
    let mut newest = Newest::new();
    for m in 0..world.calendar.months() {
        let path = format!(
            "screening_published/screening_coverage_{}.csv",
            world.month_name(m)
        );
        let (text, rows) = export(world, m, &mut newest);
        fed.submissions
            .push(Submission::monthly(world, "screening_published", m, &path).with_rows(rows, 0));
        fed.written
            .push(write_whole(&world.out, path, rows, &utf16(&text))?);
    }
    fed.written.push(write_newest(world, &newest)?);
    Ok(fed)
}

fn export(world: &World, m: usize, newest: &mut Newest) -> (String, u64) {
    let mut text = HEADING.join("\t");
    if m == 0 {
        // Somebody widened a row of the first one: a heading over two lines.
        text = text.replace("Month of Date", "\"Month of\nDate\"");
    }
    text.push_str("\r\n");
    let mut rows = 0;
    for (place, cohort) in COHORTS.iter().enumerate() {
        for back in (0..MONTHS).rev() {
            let month = add_months(world.calendar.first(m), -back - cohort.arrears);
            let mut region = (0, 0);
            for practice in 0..world.practices.list.len() {
                let facts = &world.practices.list[practice];
                if facts.closed.is_some_and(|closed| closed < month) {
                    continue;
                }
                let (eligible, screened) = counted(world, place, practice, month, back);
                region = (region.0 + eligible, region.1 + screened);
                let code = format!("Z99{:03}", practice + 1);
                let name = format!("{} SURGERY", PLANTS[practice % PLANTS.len()].to_uppercase());
                let shown = (screened >= SHOWN).then_some((eligible, screened));
                row(&mut text, &code, &name, cohort, month, shown);
                newest.insert((month, place, code), shown);
                rows += 1;
            }
            // The region beside its practices, and others' practices in it.
            let region = (region.0 * 9 + 1_000, region.1 * 9 + 700);
            row(&mut text, "Y59", "SOUTH EAST", cohort, month, Some(region));
            newest.insert((month, place, "Y59".to_owned()), Some(region));
            rows += 1;
        }
    }
    (text, rows)
}

/// Eligible and screened, as known `back` months before the last word.
fn counted(
    world: &World,
    cohort: usize,
    practice: usize,
    month: NaiveDate,
    back: i32,
) -> (u64, u64) {
    use chrono::Datelike;
    let steady = practice * COHORTS.len() + cohort;
    let mut list = Dice::new(world.seed, Subject::Published, steady);
    // One small practice in the list, whose numbers are suppressed.
    let size = if practice == 3 {
        45
    } else {
        list.between(2_500, 14_000) as u64
    };
    let share = u64::from(COHORTS[cohort].share);
    let rate = list.between(520, 800) as u64;
    let months = month.year() as usize * 12 + month.month0() as usize;
    let mut monthly = Dice::new(
        world.seed,
        Subject::Published,
        (1 << 30) + months * 8_192 + steady,
    );
    let eligible = size * share / 100 + monthly.below(40) as u64;
    let rate = rate + monthly.below(25) as u64;
    let screened = eligible * rate / 1_000;
    // Late results: the first word on a month is a little low.
    let late = 2 - back.clamp(0, 2).unsigned_abs() as u64;
    (eligible, screened - screened * late / 400)
}

fn row(
    text: &mut String,
    code: &str,
    name: &str,
    cohort: &Cohort,
    month: NaiveDate,
    shown: Option<(u64, u64)>,
) {
    let numbers = match shown {
        Some((eligible, screened)) => [
            with_thousands(eligible),
            with_thousands(screened),
            per_cent(screened, eligible),
        ],
        None => ["*", "*", "*"].map(str::to_owned),
    };
    let month = month.format("%B %Y").to_string();
    let cells = [
        code,
        name,
        cohort.programme,
        &month,
        cohort.ages,
        cohort.description,
        "Eligible population",
        &numbers[0],
        &numbers[1],
        &numbers[2],
        cohort.standards[0],
        cohort.standards[1],
    ];
    text.push_str(&cells.join("\t"));
    text.push_str("\r\n");
}

/// Writes `truth/screening_published_current.csv`.
fn write_newest(world: &World, newest: &Newest) -> io::Result<Written> {
    let heading = "month,programme,cohort_age_range,organisation_code,denominator,numerator";
    let path = "truth/screening_published_current.csv".to_owned();
    let mut file = CsvFile::create(&world.out, path, heading)?;
    for ((month, place, code), shown) in newest {
        let cohort = &COHORTS[*place];
        let row = file.row()?.iso(*month);
        row.text(cohort.programme).text(cohort.ages).text(code);
        match shown {
            Some((eligible, screened)) => row.number(*eligible).number(*screened),
            None => row.blank().blank(),
        };
        row.end();
    }
    file.finish()
}
