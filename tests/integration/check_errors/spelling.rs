//! Keys and values that YAML may not have here: the nearest spelling, and all at once.

use super::{assert_places, faults, places, with_pipeline};

const MISSPELT: &str = r#"pipeline: clinic
owner: data-team
onwer: data-team
tags: [nightly]

parameters:
  least: { type: integer, value: 1 }

sources:
  visits:
    sensitivty: identifiable
    files:
      path: "visits/visits_{provider}_{period}.csv"
      captures: { provider: ods_code, period: { month: "%Y-%m" } }
      type: csv
    columns:
      - { name: nhs_number, type: nhs_number, pseudonymize: person_key }
      - { name: visit_date, type: dat, formats: ["%d/%m/%Y"], required: perhaps }
      - { name: kind, type: string, accepted: first }
      - { type: string }
    tests:
      - { name: opened, expression: "visit_date >= DATE '2020-01-01'", error_if: "2 percent" }

models:
  visit:
    sql: clinic/visit.sql
    materialised: view
  visit:
    sql: clinic/visit.sql

marts:
  visits:
    grain: [month, site]
    columns: []
    publish: { audience: alliance }
"#;

#[test]
fn misspelt_keys_wrong_types_and_missing_keys_are_all_said_at_once() {
    let world = with_pipeline(MISSPELT);
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/clinic.yaml";
    assert_places(
        &world,
        &[
            ("unknown-key", file, "onwer", 0),
            ("wrong-value", file, "integer", 0),
            ("unknown-key", file, "sensitivty", 0),
            ("unknown-key", file, "type: csv", 0),
            ("unknown-key", file, "pseudonymize", 0),
            ("wrong-value", file, "dat,", 0),
            ("wrong-value", file, "perhaps", 0),
            ("wrong-value", file, "first", 0),
            ("unknown-key", file, "tests", 0),
            ("unknown-key", file, "materialised", 0),
            ("duplicate-key", file, "visit:", 1),
            ("wrong-value", file, "{ audience: alliance }", 0),
        ],
    );
}

#[test]
fn what_dbt_calls_tests_is_answered_with_checks() {
    let world = with_pipeline(&crate::clinic::PIPELINE.replacen("checks:\n", "tests:\n", 1));
    let ran = faults(&world);
    ran.says(&["unknown key `tests`", "did you mean `checks`?"]);
    assert_eq!(places(&world).len(), 1, "and nothing else is wrong");
}

#[test]
fn bad_thresholds_are_refused_where_they_stand() {
    let text = crate::clinic::PIPELINE.replacen(
        "{ valid: { on_fail: warn } }",
        "{ valid: { on_fail: wrn, warn_if: \"2 percent\", error_if: \"> 2.5\" } }",
        1,
    );
    let world = with_pipeline(&text);
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/clinic.yaml";
    assert_places(
        &world,
        &[
            ("wrong-value", file, "wrn", 0),
            ("wrong-value", file, "\"2 percent\"", 0),
            ("wrong-value", file, "\"> 2.5\"", 0),
        ],
    );
}

#[test]
fn every_pipeline_and_the_settings_are_read_before_giving_up() {
    let world = crate::clinic::project();
    world
        .write("pipelines/second.yaml", "pipeline: second\nmodles: {}\n")
        .write("pipelines/third.yaml", "pipeline: another\n")
        .write(
            "config/targets/dev.yaml",
            "inbox: inbox\nas_off: 2026-04-10\n",
        )
        .write("config/warehouse.yaml", "name: clinic\npartitions: many\n");
    insta::assert_snapshot!(faults(&world).stderr);
}

#[test]
fn keys_in_the_wrong_place_and_words_of_others_are_told_where_they_belong() {
    let world = with_pipeline(
        r#"pipeline: clinic
sources:
  visits:
    sensitivity: open
    delivery: events
    files:
      path: visits.csv
      delivery: { unique_key: [name] }
      csv: { encoding: utf16, stable_for: 5m }
    columns:
      - { name: n, type: integer, nulls: [no, 0] }
"#,
    );
    world.remove("sql");
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/clinic.yaml";
    assert_places(
        &world,
        &[
            ("unknown-key", file, "delivery: events", 0),
            ("unknown-key", file, "unique_key", 0),
            ("unknown-key", file, "stable_for", 0),
            ("wrong-value", file, "utf16", 0),
            ("wrong-value", file, "n, type", 0),
            ("wrong-value", file, "integer", 0),
            ("wrong-value", file, "0]", 0),
        ],
    );
}

#[test]
fn a_relationship_to_nowhere_says_what_there_is() {
    let world = crate::clinic::project();
    world.edit(
        "pipelines/clinic.yaml",
        "    checks:\n",
        "    checks:\n      - { name: at_a_site, relationship: { column: kind, to: reference.nowhere.site } }\n",
    );
    insta::assert_snapshot!(faults(&world).stderr);
}

#[test]
fn spellings_of_dates_are_checked_where_they_stand() {
    let text = crate::clinic::PIPELINE
        .replacen("\"%Y-%m\"", "\"%Y-%Q\"", 1)
        .replacen(
            "formats: [\"%d/%m/%Y\"]",
            "formats: [\"%d/%m/%Y\"], two_digit_years_from: 1926",
            1,
        );
    let world = with_pipeline(&text);
    let file = "pipelines/clinic.yaml";
    faults(&world).says(&[
        "`%Y-%Q` is not a strftime pattern",
        "`two_digit_years_from` is of no use: no format has %y",
    ]);
    assert_places(
        &world,
        &[
            ("wrong-value", file, "{ month", 0),
            ("wrong-value", file, "1926", 0),
        ],
    );
}

#[test]
fn a_spelling_says_as_much_of_a_date_as_its_column_needs() {
    let column = "{ name: visit_date, type: date, formats: [\"%d/%m/%Y\"], required: true }";
    assert!(crate::clinic::PIPELINE.contains(column));
    let columns =
        "{ name: visit_date, type: date, formats: [\"%d/%m/%Y\", \"%m/%Y\"], required: true, suppressed: [month] }
      - { name: visit_date_note, type: string }
      - { name: year, type: { month: \"%Y\" } }
      - { name: seen_at, type: timestamp, formats: [\"%Y-%m\"] }
      - { name: closed, type: date, formats: [\"%H:%M\"] }";
    let world = with_pipeline(&crate::clinic::PIPELINE.replacen(column, columns, 1));
    let file = "pipelines/clinic.yaml";
    faults(&world).says(&[
        "`visit_date_note`, the note of a column, is also a column of that name",
        "`%Y-%m` says no day, and a time is of one",
        "`%H:%M` says no year and month",
        "`%Y` says no year and month",
        "`month` is what the note says of a date without a day",
    ]);
    assert_places(
        &world,
        &[
            ("duplicate-name", file, "visit_date, type", 0),
            ("wrong-value", file, "month]", 0),
            ("wrong-value", file, "{ month: \"%Y\" }", 0),
            ("wrong-value", file, "\"%Y-%m\"", 1),
            ("wrong-value", file, "\"%H:%M\"", 0),
        ],
    );
}
