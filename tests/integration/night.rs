//! A night over invented people, held against counts that were worked out without any SQL.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use crate::parquet_file::Table;
use crate::world::{Ran, World, files, repository};

/// The marts that the sample knows the truth of, each with an audience that reads it.
const MARTS: [&str; 10] = [
    "alliance/early_diagnosis",
    "alliance/fit_before_referral",
    "alliance/hpv_vaccination",
    "alliance/liver_surveillance",
    "alliance/lung_health_checks",
    "alliance/personalised_care",
    "alliance/personalised_care_submitters",
    "alliance/screening_coverage",
    "alliance/waiting_times",
    "direct_care_leads/waiting_times_breaches",
];

/// A world after its first night, and what was said. For tests that only read.
pub struct Night {
    pub world: World,
    pub ran: Ran,
}

/// One full night of the repository's sample, run once for all tests.
pub fn shared() -> &'static Night {
    static NIGHT: OnceLock<Night> = OnceLock::new();
    NIGHT.get_or_init(|| {
        let world = World::repository_with_sample().kept_until_the_next_run("night");
        let ran = world.martlet("run").exits(0);
        Night { world, ran }
    })
}

/// Fails unless each mart that readers see holds just the rows of the truth.
fn assert_truth(world: &World) {
    for place in MARTS {
        let (audience, mart) = place.split_once('/').expect("an audience");
        let text = world.read(&format!("data-samples/truth/{mart}.csv"));
        assert!(
            !text.contains('"'),
            "no quotes, so that splitting is reading"
        );
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
        let truth: Vec<Vec<String>> = lines
            .map(|l| l.split(',').map(str::to_owned).collect())
            .collect();
        assert!(!truth.is_empty(), "{mart} has a truth");
        let latest = format!("published/{audience}/latest/{mart}.parquet");
        let table = Table::read(&world.path(latest));
        let seen = table.only(&header);
        let first = (0..truth.len().max(seen.len())).find(|i| truth.get(*i) != seen.get(*i));
        if let Some(i) = first {
            panic!(
                "{mart}, row {i} of {} (truth: {})\n{header:?}\nread  {:?}\ntruth {:?}",
                seen.len(),
                truth.len(),
                seen.get(i),
                truth.get(i)
            );
        }
    }
}

/// Fails unless the list of whom to call, people who look alike counted, is that of the truth.
fn assert_whom_to_call(world: &World) {
    let text = world.read("data-samples/truth/screening_due.csv");
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let (people, columns) = header.split_last().expect("columns");
    assert_eq!(*people, "people");
    let truth: BTreeMap<Vec<String>, usize> = lines
        .map(|line| {
            let mut row: Vec<String> = line.split(',').map(str::to_owned).collect();
            let people = row.pop().expect("a count").parse().expect("a count");
            (row, people)
        })
        .collect();
    let path = "published/direct_care_leads/latest/screening_due.parquet";
    let mut seen = BTreeMap::new();
    for row in Table::read(&world.path(path)).only(columns) {
        *seen.entry(row).or_insert(0) += 1;
    }
    assert!(truth.len() > 100, "{} kinds of people", truth.len());
    for (row, people) in &truth {
        assert_eq!(seen.get(row), Some(people), "{row:?}");
    }
    assert_eq!(seen.len(), truth.len());
}

#[test]
fn every_mart_equals_the_truth() {
    assert_truth(&shared().world);
    assert_whom_to_call(&shared().world);
}

#[test]
fn single_people_are_for_direct_care_leads_and_nobody_else() {
    let night = shared();
    let of = |audience: &str| -> Vec<String> {
        files(&night.world.path(format!("published/{audience}")))
            .iter()
            .map(|path| path.display().to_string())
            .filter(|path| path.contains("screening_due"))
            .collect()
    };
    assert_eq!(of("alliance"), [""; 0]);
    assert!(!of("direct_care_leads").is_empty());
    let said = night
        .world
        .martlet_with([
            "query",
            "SELECT person_key, up_to_date FROM mart.screening_due",
        ])
        .exits(0);
    assert!(said.stdout.contains("(masked)"));
}

#[test]
fn every_area_has_the_quintile_of_the_truth() {
    let world = &shared().world;
    let table = Table::read(&world.path("published/alliance/latest/dim_geography.parquet"));
    let columns = [
        "lsoa_code",
        "in_2011",
        "in_2021",
        "imd2019_quintile",
        "imd2025_quintile",
    ];
    let by_code: BTreeMap<String, Vec<String>> = table
        .only(&columns[..1])
        .into_iter()
        .zip(table.rows.iter())
        .map(|(code, row)| {
            let value = |c: &str| row[table.index(c)].clone().unwrap_or_default();
            (
                code[0].clone(),
                vec![value("imd2019_quintile"), value("imd2025_quintile")],
            )
        })
        .collect();
    let truth = world.read("data-samples/truth/geography.csv");
    let mut compared = 0;
    for line in truth.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let seen = by_code
            .get(fields[0])
            .unwrap_or_else(|| panic!("no {}", fields[0]));
        // The dimension gives a quintile only where the edition lists the code itself; the truth
        // says what a person of that code gets, looked up through the other vintage if need be.
        for (column, place, vintage) in [(3, 0, 1), (4, 1, 2)] {
            if fields[vintage] == "Y" && !seen[place].is_empty() {
                assert_eq!(seen[place], fields[column], "{line}");
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared} quintiles compared");
}

#[test]
fn rates_follow_from_the_counts() {
    let path = "published/alliance/latest/liver_surveillance.parquet";
    let table = Table::read(&shared().world.path(path));
    let number = |row: &[Option<String>], c: &str| -> Option<f64> {
        row[table.index(c)]
            .as_ref()
            .map(|t| t.parse().expect("a number"))
    };
    let mut seen = [0, 0];
    for row in &table.rows {
        let (x, n) = (
            number(row, "invited_6m").unwrap(),
            number(row, "eligible").unwrap(),
        );
        let rate = number(row, "invited_pct");
        if n == 0.0 {
            assert_eq!(rate, None, "nothing over nothing is null");
            seen[0] += 1;
            continue;
        }
        // Wilson 1927, as in Newcombe 1998, method 3.
        let (p, z) = (x / n, 1.959_963_984_540_054_f64);
        let centre = p + z * z / (2.0 * n);
        let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let limits = [
            (centre - spread) / (1.0 + z * z / n),
            (centre + spread) / (1.0 + z * z / n),
        ];
        assert!((rate.unwrap() - p).abs() < 1e-12);
        assert!((number(row, "invited_pct_lower").unwrap() - limits[0]).abs() < 1e-9);
        assert!((number(row, "invited_pct_upper").unwrap() - limits[1]).abs() < 1e-9);
        seen[1] += 1;
    }
    assert!(seen[1] > 100, "{seen:?}");
}

#[test]
fn a_second_run_has_nothing_to_do_and_writes_nothing() {
    let world = &shared().world;
    let folders = [
        "published",
        "lake/staged",
        "lake/models",
        "lake/candidates",
        "lake/quarantine",
        "lake/state",
    ];
    let before: Vec<_> = folders.iter().map(|f| world.stamps(f)).collect();
    assert!(before[0].len() > 20 && before[1].len() > 100);
    let ran = world.martlet("run").exits(0);
    ran.says(&["nothing to do: 133 tables are as they should be"]);
    let after: Vec<_> = folders.iter().map(|f| world.stamps(f)).collect();
    assert_eq!(before, after);
}

#[test]
fn what_the_night_says_can_be_read() {
    let night = shared();
    let said = night.world.filtered(&night.ran.stderr);
    assert_eq!(night.ran.stdout, "");
    let marts: Vec<&str> = said
        .lines()
        .filter(|l| l.trim_start().starts_with("Mart "))
        .collect();
    insta::assert_snapshot!(marts.join("\n"));
    assert!(said.contains("Published release [RELEASE] for alliance: 18 changed of 18"));
}

#[test]
fn the_sample_of_the_repository_is_made_again_byte_for_byte() {
    let world = World::empty();
    let line = "sample --people 1500 --months 6 --seed 1 --end 2026-03 --out data-samples";
    world.martlet(line).exits(0);
    let theirs = repository().join("data-samples");
    let made: Vec<_> = relative(&world.path("data-samples"));
    assert_eq!(made, relative(&theirs));
    assert!(made.len() > 80);
    for name in made {
        let ours = fs::read(world.path("data-samples").join(&name)).expect("reads");
        let theirs = fs::read(theirs.join(&name)).expect("reads");
        assert!(ours == theirs, "{name} differs");
    }
}

fn relative(folder: &Path) -> Vec<String> {
    files(folder)
        .iter()
        .map(|p| p.strip_prefix(folder).expect("below").display().to_string())
        .collect()
}

#[test]
fn another_world_equals_its_own_truth_however_many_partitions() {
    let world = World::repository();
    world
        .martlet("sample --people 700 --months 3 --seed 7 --out data-samples")
        .exits(0);
    world.martlet("run --partitions 5 --quiet").exits(0);
    assert_truth(&world);
    assert_whom_to_call(&world);
}
