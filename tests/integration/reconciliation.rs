//! Published figures worked out again from the counts beside them, where the data is at hand: what the
//! marts do with counts is what the publishers do.

use std::fs;

use crate::parquet_file::Table;
use crate::real_data;
use crate::world::{World, repository, tell};

const WAREHOUSE: &str = "name: reconciliation\ndefault_target: dev\naudiences: [alliance]\n";
const TARGET: &str = "inbox: inbox\nas_of: 2026-04-10\nstable_for: 0s\n";

const PIPELINE: &str = r#"pipeline: published
sources:
  stage:
    description: Stage at diagnosis by site and geography, NDRS.
    sensitivity: open
    files: { path: "FILE", csv: {} }
    on_new_column: ignore
    columns:
      - { name: geography_type, type: string, required: true }
      - { name: geography_name, type: string, required: true }
      - { name: year, type: int, required: true }
      - { name: site, type: string, required: true }
      - { name: stage_1, type: int, required: true }
      - { name: stage_2, type: int, required: true }
      - { name: stage_3, type: int, required: true }
      - { name: stage_4, type: int, required: true }
      - { name: staged_other_early, type: int, required: true }
      - { name: staged_other_advanced, type: int, required: true }
      - { name: unstageable, type: int, required: true }
      - { name: missing_stage, type: int, required: true }
      - { name: percentage_completeness, type: string }
      - { name: early_stage_1_2_pct, type: string }
marts:
  stage:
    sql: published/stage.sql
    grain: [geography_type, geography_name, year, site]
    columns:
      - { name: geography_type, type: string }
      - { name: geography_name, type: string }
      - { name: year, type: int }
      - { name: site, type: string }
      - { name: early_1_4, type: decimal }
      - { name: staged_1_4, type: decimal }
      - { name: staged, type: decimal }
      - { name: all_tumours, type: decimal }
      - { name: published_early, type: string }
      - { name: published_completeness, type: string }
    rates:
      - { name: early, numerator: early_1_4, denominator: staged_1_4 }
      - { name: completeness, numerator: staged, denominator: all_tumours }
    publish: [ { audience: alliance } ]
"#;

const STAGE_SQL: &str = "SELECT
    geography_type,
    geography_name,
    year,
    site,
    CAST(stage_1 + stage_2 AS DECIMAL(12, 1)) AS early_1_4,
    CAST(stage_1 + stage_2 + stage_3 + stage_4 AS DECIMAL(12, 1)) AS staged_1_4,
    CAST(stage_1 + stage_2 + stage_3 + stage_4 + staged_other_early + staged_other_advanced
        AS DECIMAL(12, 1)) AS staged,
    CAST(stage_1 + stage_2 + stage_3 + stage_4 + staged_other_early + staged_other_advanced
        + unstageable + missing_stage AS DECIMAL(12, 1)) AS all_tumours,
    early_stage_1_2_pct AS published_early,
    percentage_completeness AS published_completeness
FROM source.stage
";

const COVERAGE: &str = r#"pipeline: published
sources:
  coverage:
    description: Cervical screening coverage, Fingertips.
    sensitivity: open
    files: { path: coverage.csv.gz, csv: {} }
    on_new_column: ignore
    columns:
      - { name: indicator_id, type: int, required: true }
      - { name: value, type: string }
      - { name: lower_ci_95_0_limit, type: string }
      - { name: upper_ci_95_0_limit, type: string }
      - { name: count, type: int }
      - { name: denominator, type: int }
marts:
  coverage:
    sql: published/coverage.sql
    grain: [line]
    columns:
      - { name: line, type: int }
      - { name: indicator_id, type: int }
      - { name: covered, type: decimal }
      - { name: eligible, type: decimal }
      - { name: value, type: string }
      - { name: lower_limit, type: string }
      - { name: upper_limit, type: string }
    rates:
      - { name: coverage, numerator: covered, denominator: eligible, interval: wilson }
    publish: [ { audience: alliance } ]
"#;

const COVERAGE_SQL: &str = "SELECT
    CAST(_line AS BIGINT) AS line,
    indicator_id,
    CAST(count AS DECIMAL(12, 1)) AS covered,
    CAST(denominator AS DECIMAL(12, 1)) AS eligible,
    value,
    lower_ci_95_0_limit AS lower_limit,
    upper_ci_95_0_limit AS upper_limit
FROM source.coverage
";

/// A project with one published file in its inbox; none where the data is not at hand.
fn published(file: &str, inbox: &str, pipeline: &str, sql: (&str, &str)) -> Option<World> {
    let path = repository().join("../shared/data").join(file);
    if !path.is_file() {
        tell(&format!("skipped: ../shared/data/{file} is not here"));
        return None;
    }
    let world = World::empty();
    world
        .write("config/warehouse.yaml", WAREHOUSE)
        .write("config/targets/dev.yaml", TARGET)
        .write("pipelines/published.yaml", pipeline.replace("FILE", inbox))
        .write(&format!("sql/published/{}", sql.0), sql.1)
        .write(
            &format!("inbox/{inbox}"),
            fs::read(path).expect("the file reads"),
        );
    world.martlet("run --quiet").exits(0);
    Some(world)
}

fn number(text: &str) -> Option<f64> {
    (!text.is_empty()).then(|| text.parse().expect("a number"))
}

/// How many decimals a figure is printed with.
fn decimals(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, part)| part.len())
}

#[test]
fn trap_22_ndrs_stage_at_diagnosis_of_every_site_and_geography() {
    for (file, inbox, expected) in [
        (
            "ndrs_stage_at_diagnosis_2013-2022_england.csv.gz",
            "stage.csv.gz",
            10_710,
        ),
        (
            "ndrs_stage_at_diagnosis_2013-2022_kent_medway.csv",
            "stage.csv",
            510,
        ),
    ] {
        let sql = ("stage.sql", STAGE_SQL);
        let Some(world) = published(file, inbox, PIPELINE, sql) else {
            return;
        };
        let table = Table::read(&world.path("published/alliance/latest/stage.parquet"));
        let rows = table.only(&[
            "geography_type",
            "geography_name",
            "year",
            "site",
            "early",
            "published_early",
            "completeness",
            "published_completeness",
        ]);
        let mut same = 0;
        for row in &rows {
            // Alliances are printed to three decimals, the others to one.
            let completeness = if row[0] == "Cancer Alliance" { 3 } else { 1 };
            for (ours, theirs, printed) in [(4, 5, 2), (6, 7, completeness)] {
                match (number(&row[ours]), number(&row[theirs])) {
                    (Some(ours), Some(theirs)) => {
                        let half = 0.5 * 10_f64.powi(-printed) + 1e-9;
                        assert!((100.0 * ours - theirs).abs() <= half, "{row:?}");
                    }
                    (ours, theirs) => assert_eq!(ours, theirs, "{row:?}"),
                }
            }
            same += 1;
        }
        tell(&format!(
            "fixtures ndrs stage, {file}: {same} of {} rows",
            rows.len()
        ));
        assert_eq!((same, rows.len()), (expected, expected));

        // 203 + 285 of 1,013 staged, and 1,013 of 1,434 staged at all.
        let bowel = rows.iter().filter(|row| {
            row[1].contains("Kent and Medway") && row[2] == "2022" && row[3] == "Bowel"
        });
        let shares: Vec<_> = bowel
            .map(|row| {
                let points = |text: &str| 100.0 * number(text).expect("a rate");
                format!("{:.2} {:.2}", points(&row[4]), points(&row[6]))
            })
            .collect();
        assert_eq!(shares, ["48.17 70.64", "48.17 70.64"], "alliance and ICB");
    }
    let Some(world) = real_data::real() else {
        return;
    };
    for what in ["ndrs_stage_early_share", "ndrs_stage_completeness"] {
        let row = real_data::reconciled(world, what);
        assert_eq!(row, (10_710.0, 10_710.0, true), "{what}");
    }
}

#[test]
fn fingertips_cervical_coverage_and_its_limits() {
    let file = "fingertips_cervical_coverage_93560_93561_england_2010-2024.csv.gz";
    let sql = ("coverage.sql", COVERAGE_SQL);
    let Some(world) = published(file, "coverage.csv.gz", COVERAGE, sql) else {
        return;
    };
    let table = Table::read(&world.path("published/alliance/latest/coverage.parquet"));
    let rows = table.only(&[
        "covered",
        "coverage",
        "coverage_lower",
        "coverage_upper",
        "value",
        "lower_limit",
        "upper_limit",
    ]);
    let (mut same, mut coarse) = (0, 0);
    for row in &rows {
        if row[0].is_empty() {
            assert!(row[1..].iter().all(String::is_empty), "{row:?}");
            continue;
        }
        // Four decimals without trailing noughts; forty rows of England have two.
        let printed = row[4..].iter().map(|text| decimals(text)).max();
        let is_coarse = printed.is_some_and(|printed| printed <= 2);
        let within = if is_coarse { 0.005 } else { 0.000_1 };
        for place in 1..=3 {
            let ours = 100.0 * number(&row[place]).expect("a rate");
            let theirs = number(&row[place + 3]).expect("a published figure");
            assert!((ours - theirs).abs() <= within + 1e-9, "{row:?}");
        }
        same += 1;
        coarse += usize::from(is_coarse);
    }
    tell(&format!(
        "fixtures fingertips coverage: {same} of {} rows, the others blank",
        rows.len()
    ));
    assert_eq!((rows.len(), same, coarse), (12_204, 11_904, 40));
    if let Some(world) = real_data::real() {
        let row = real_data::reconciled(world, "fingertips_cervical_coverage");
        assert_eq!(row, (11_904.0, 11_904.0, true));
    }
}
