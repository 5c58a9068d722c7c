//! `screening_published/screening_coverage_YYYY-MM.csv`: the dashboard's export, which calls itself CSV
//! and is UTF-16 with tabs. Every file holds three months, so that each month comes three times, and is
//! revised on the way (trap 20).

use std::collections::BTreeMap;
use std::io;

use chrono::{Datelike, NaiveDate};

use super::csv::CsvFile;
use super::{Fed, per_cent, utf16, with_thousands, write_whole};
use crate::sample::Written;
use crate::sample::dates::add_months;
use crate::sample::dice::{Dice, Subject};
use crate::sample::practices::PLANTS;
use crate::sample::submissions::Submission;
use crate::sample::truth::{EDITIONS, ScreeningTruth};
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
}

/// In the order of the truth's cohorts.
const COHORTS: [Cohort; 5] = [
    Cohort {
        programme: "Bowel",
        ages: "50-59",
        description: "Bowel screening coverage, ages 50 to 59",
        standards: ["", ""],
        arrears: 6,
    },
    Cohort {
        programme: "Bowel",
        ages: "60-74",
        description: "Bowel screening coverage, ages 60 to 74",
        standards: ["62.0%", "76.0%"],
        arrears: 6,
    },
    Cohort {
        programme: "Breast",
        ages: "53-70",
        description: "Breast screening coverage, ages 53 to 70",
        standards: ["70.0%", "80.0%"],
        arrears: 0,
    },
    Cohort {
        programme: "Cervical",
        ages: "25-49",
        description: "Cervical screening coverage, ages 25 to 49",
        standards: ["80.0%", ""],
        arrears: 0,
    },
    Cohort {
        programme: "Cervical",
        ages: "50-64",
        description: "Cervical screening coverage, ages 50 to 64",
        standards: ["80.0%", ""],
        arrears: 0,
    },
];

/// Months in a file.
const MONTHS: i32 = 3;
/// Smallest count that is shown.
const SHOWN: u64 = 8;
/// The place of a practice that is withheld whatever its size: in a large world no other is small.
const WITHHELD: usize = 3;
/// Of so many people screened, results that come two months late; half of them come after one.
const LATE: u64 = 200;

/// Month, place in [`COHORTS`], organisation: what the newest file says, none where it is suppressed.
type Newest = BTreeMap<(NaiveDate, usize, String), Option<(u64, u64)>>;
/// Month, place in [`COHORTS`], practice numbered from 1: people eligible and covered, as the truth has them.
type Counts = BTreeMap<(usize, usize, usize), (u64, u64)>;

/// Writes every export, and what stands after the last. The dashboard counts the same people as
/// everybody: what it shows is the truth, as far as it is known when it is shown.
pub fn write(world: &World, truth: &ScreeningTruth) -> io::Result<Fed> {
    let counts = by_practice(truth);
    let mut fed = Fed::default();
    let mut newest = Newest::new();
    for m in 0..world.calendar.months() {
        let path = format!(
            "screening_published/screening_coverage_{}.csv",
            world.month_name(m)
        );
        let (text, rows) = export(world, m, &counts, &mut newest);
        fed.submissions
            .push(Submission::monthly(world, "screening_published", m, &path).with_rows(rows, 0));
        fed.written
            .push(write_whole(&world.out, path, rows, &utf16(&text))?);
    }
    fed.written.push(write_newest(world, &newest)?);
    Ok(fed)
}

/// People by practice: each stands in the truth once for each edition.
fn by_practice(truth: &ScreeningTruth) -> Counts {
    let mut counts = Counts::new();
    for ((m, cohort, practice, edition, _), [eligible, covered, ..]) in truth {
        if *edition == EDITIONS[0] {
            let key = (
                usize::from(*m),
                usize::from(*cohort),
                usize::from(*practice),
            );
            let sum = counts.entry(key).or_default();
            *sum = (sum.0 + u64::from(*eligible), sum.1 + u64::from(*covered));
        }
    }
    counts
}

fn export(world: &World, m: usize, counts: &Counts, newest: &mut Newest) -> (String, u64) {
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
            let mut late = Late::new(world, place, month);
            let mut region = (0, 0);
            for practice in 0..world.practices.list.len() {
                let facts = &world.practices.list[practice];
                if facts.closed.is_some_and(|closed| closed < month) {
                    continue;
                }
                let (eligible, screened) = counted(world, counts, place, practice, month);
                let screened = screened - late.of(screened, back);
                region = (region.0 + eligible, region.1 + screened);
                let code = format!("Z99{:03}", practice + 1);
                let name = format!("{} SURGERY", PLANTS[practice % PLANTS.len()].to_uppercase());
                let shown =
                    (screened >= SHOWN && practice != WITHHELD).then_some((eligible, screened));
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

/// Eligible and screened of a practice, all results known. Of months before the first census that the
/// sample has, nobody counted anybody: they are drawn, near the first.
fn counted(
    world: &World,
    counts: &Counts,
    cohort: usize,
    practice: usize,
    month: NaiveDate,
) -> (u64, u64) {
    let m = (0..world.calendar.months()).find(|m| world.calendar.first(*m) == month);
    let of = |m| counts.get(&(m, cohort, practice + 1)).copied();
    let (eligible, screened) = of(m.unwrap_or(0)).unwrap_or_default();
    if m.is_some() {
        return (eligible, screened);
    }
    let steady = practice * COHORTS.len() + cohort;
    let mut monthly = dice(world, (1 << 30) + months_of(month) * 8_192 + steady);
    let joined = monthly.below(1 + eligible as u32 / 20);
    let lapsed = monthly.below(1 + screened as u32 / 20);
    (eligible + u64::from(joined), screened - u64::from(lapsed))
}

/// Results that come late. The practices of a month are gone through in their order and every
/// [`LATE`]th person screened is late, so that together they lack as little as each of them: in
/// [`LATE`] people one, and one more where the count begins among them.
struct Late {
    gone_through: u64,
}

impl Late {
    fn new(world: &World, cohort: usize, month: NaiveDate) -> Self {
        let stream = (1 << 31) + months_of(month) * 8 + cohort;
        Self {
            gone_through: dice(world, stream).below(LATE as u32).into(),
        }
    }

    /// How many of a practice's people are not known to be screened `back` months after the first word.
    fn of(&mut self, screened: u64, back: i32) -> u64 {
        let before = self.gone_through / LATE;
        self.gone_through += screened;
        let late = self.gone_through / LATE - before;
        match back {
            0 => late,
            1 => late / 2,
            _ => 0,
        }
    }
}

fn months_of(month: NaiveDate) -> usize {
    month.year() as usize * 12 + month.month0() as usize
}

fn dice(world: &World, stream: usize) -> Dice {
    Dice::new(world.seed, Subject::Published, stream)
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
