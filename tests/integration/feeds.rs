//! The feeds of the sample as they really come, held against what was planted in them.

use std::collections::BTreeMap;
use std::fs;

use crate::night;
use crate::parquet_file::Table;
use crate::world::{World, files, repository};

/// A model's rows: these columns as text, numbers without trailing noughts, sorted.
fn model(world: &World, name: &str, columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = files(&world.path(format!("lake/models/{name}")))
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "parquet"))
        .flat_map(|p| Table::read(p).only(columns))
        .collect();
    for cell in rows.iter_mut().flatten() {
        *cell = plain(cell);
    }
    rows.sort();
    assert!(!rows.is_empty(), "{name} has rows");
    rows
}

/// A table of the truth, its cells as [`model`] has them, sorted.
fn truth(world: &World, name: &str) -> Vec<Vec<String>> {
    let text = world.read(&format!("data-samples/truth/{name}.csv"));
    let mut rows: Vec<Vec<String>> = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(plain).collect())
        .collect();
    rows.sort();
    rows
}

/// A number without trailing noughts; any other text as it is.
fn plain(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(number) if cell.contains('.') => number.to_string(),
        _ => cell.to_owned(),
    }
}

fn assert_same(name: &str, seen: &[Vec<String>], truth: &[Vec<String>]) {
    let first = (0..truth.len().max(seen.len())).find(|i| truth.get(*i) != seen.get(*i));
    if let Some(i) = first {
        panic!(
            "{name}, row {i}: {:?}, truth {:?}",
            seen.get(i),
            truth.get(i)
        );
    }
}

#[test]
fn trap_20_a_csv_that_is_utf_16_with_tabs_in_files_that_overlap() {
    let world = &night::shared().world;
    let bytes =
        fs::read(world.path("data-samples/screening_published/screening_coverage_2026-03.csv"));
    assert!(bytes.expect("reads").starts_with(&[0xff, 0xfe, b'O', 0]));
    let columns = [
        "month",
        "programme",
        "cohort_age_range",
        "organisation_code",
        "denominator",
        "numerator",
    ];
    let seen = model(world, "screening_published_current", &columns);
    assert_same(
        "screening_published_current",
        &seen,
        &truth(world, "screening_published_current"),
    );
}

#[test]
fn trap_17_what_is_suppressed_is_known_to_be() {
    let world = &night::shared().world;
    let columns = [
        "academic_year",
        "authority",
        "school_year",
        "sex",
        "eligible",
        "vaccinated",
        "note",
    ];
    let mut seen = model(world, "hpv_long", &columns);
    seen.retain(|row| row[3] != "both");
    let mut truth = truth(world, "hpv_published");
    for row in &mut truth {
        row[3] = row[3][..1].to_uppercase();
    }
    for row in seen.iter_mut().chain(&mut truth) {
        row[1] = row[1].to_lowercase();
    }
    seen.sort();
    truth.sort();
    assert_same("hpv_long", &seen, &truth);
    assert!(seen.iter().any(|row| row[6] == "[DS]") && seen.iter().any(|row| row[6] == "[E]"));
}

#[test]
fn trap_21_totals_of_the_official_workbook() {
    let world = &night::shared().world;
    let columns = [
        "month",
        "standard",
        "org_code",
        "total",
        "within_standard",
        "is_total",
    ];
    let mut seen = model(world, "cwt_published_long", &columns);
    seen.retain(|row| row[5] == "true");
    for row in &mut seen {
        row.pop();
    }
    let mut truth = truth(world, "cwt_published");
    for row in &mut truth {
        let standard = match row[1].as_str() {
            "31-day" => "d31",
            "62-day" => "d62",
            _ => "fds_28",
        };
        row[1] = standard.to_owned();
    }
    truth.sort();
    assert_same("cwt_published_long", &seen, &truth);
    assert!(seen.iter().any(|row| row[3].ends_with(".5")), "halves");
}

#[test]
fn trap_15_records_of_the_newest_submission_and_no_other() {
    let world = &night::shared().world;
    let rows = model(world, "cwt_record_current", &["period", "provider"]);
    let mut counts: BTreeMap<Vec<String>, u64> = BTreeMap::new();
    for row in rows {
        *counts.entry(row).or_default() += 1;
    }
    let seen: Vec<Vec<String>> = counts
        .into_iter()
        .map(|(mut row, records)| {
            row.push(records.to_string());
            row
        })
        .collect();
    assert_same(
        "cwt_record_current",
        &seen,
        &truth(world, "cwt_record_current"),
    );
}

#[test]
fn trap_15_every_submission_stands_as_it_must() {
    let world = &night::shared().world;
    let ran = world.martlet("submissions --csv source:*").exits(0);
    let lines = |text: &str| -> Vec<String> {
        let line = |l: &str| l.trim_start_matches("source.").replacen("Z,", ",", 1);
        let mut lines: Vec<String> = text.lines().map(line).collect();
        lines.sort_unstable();
        lines
    };
    let seen = lines(&ran.stdout);
    let truth = lines(&world.read("data-samples/truth/submissions.csv"));
    for (seen, truth) in seen.iter().zip(&truth) {
        assert_eq!(seen, truth);
    }
    assert_eq!(seen.len(), truth.len());
    for status in ["superseded", "cancelled", "duplicate"] {
        assert!(truth.iter().any(|line| line.ends_with(status)), "{status}");
    }
}

/// Of a birth month without a day the middle is taken, and is marked: in March 2026 whoever was born in March 1951
/// is 75, and whoever was born in April is not.
#[test]
fn trap_bonus_birth_month_alone_is_its_middle_and_is_marked() {
    let world = World::repository();
    let sample = repository().join("data-samples");
    let key = fs::read(sample.join("pseudonym.key")).expect("the key");
    world.write("data-samples/pseudonym.key", key);
    let text = fs::read_to_string(sample.join("people/people_2026-03.csv")).expect("the sample");
    let mut lines: Vec<String> = text.lines().take(20).map(str::to_owned).collect();
    for (line, birth) in [(2, "1951-03"), (3, "1951-04"), (4, "1951-13")] {
        let mut cells: Vec<&str> = lines[line].split(',').collect();
        cells[1] = birth;
        cells[2] = "";
        lines[line] = cells.join(",");
    }
    let whole = |line: &&String| {
        line.split(',')
            .nth(1)
            .is_some_and(|birth| birth.len() == 10)
    };
    let by_month = lines[1..].iter().filter(|line| !whole(line)).count() - 1;
    world.write("data-samples/people/people_2026-03.csv", lines.join("\n"));
    let ran = world.martlet("run source:people").exits(0);
    ran.says(&[
        "source.people: 1 file, 19 received, 18 good, 1 quarantined",
        "1 row breaks `valid` of birth_date: quarantined; first people/people_2026-03.csv:5",
    ]);
    assert!(!ran.everything().contains("1951"), "a value is said");
    let told = |sql: &str| {
        world
            .martlet_with(["query", "--format", "csv", sql])
            .exits(0)
            .stdout
    };
    let noted =
        told("SELECT birth_date_note, COUNT(*) AS n FROM source.people GROUP BY 1 ORDER BY 1");
    let expected = format!("birth_date_note,n\nmonth,{by_month}\n,{}\n", 18 - by_month);
    assert_eq!(noted, expected);
    let ages = told(
        "SELECT _line, age_in_years(birth_date, month_end(period)) AS census, \
         age_in_years(birth_date, DATE '2026-03-14') AS before, age_in_years(birth_date, DATE '2026-03-15') AS from_then \
         FROM source.people WHERE _line IN (3, 4) ORDER BY 1",
    );
    assert_eq!(
        ages,
        "_line,census,before,from_then\n3,75,74,75\n4,74,74,74\n"
    );
}

/// A list of who waits, week by week, is no feed of ours: with the day there is one, a week that is missing
/// must be carried forward and marked.
#[test]
fn trap_bonus_waiting_list_by_week_is_no_feed() {
    let listed = World::repository().martlet("ls source:*").exits(0).stdout;
    assert!(listed.contains("source.cwt_records"), "{listed}");
    assert!(
        !listed.contains("ptl") && !listed.contains("waiting_list"),
        "{listed}"
    );
}
