//! A number that fails a check is not published: readers see the last good ones, and we say why.

use crate::clinic;
use crate::parquet_file::Table;
use crate::world::{Ran, World};

/// What readers see: month, site, people, visits.
fn seen(world: &World) -> Vec<Vec<String>> {
    let path = world.path("published/alliance/latest/visits.parquet");
    Table::read(&path).only(&["month", "site", "people", "visits"])
}

/// The clinic with a check that its next file will break, after a good night.
fn after_a_good_night() -> World {
    let world = clinic::world();
    world.edit(
        "pipelines/clinic.yaml",
        "expression: people <= visits }",
        "expression: people <= visits }\n      - { name: no_rush, expression: visits <= 3, description: The clinic holds three. }",
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(seen(&world), clinic::VISITS);
    world
}

/// Runs, and fails unless not a byte or name below published/ changed.
#[track_caller]
fn blocked(world: &World, code: i32) -> Ran {
    let before = world.hashes("published");
    assert!(before.len() >= 7, "{before:?}");
    let ran = world.martlet("run").exits(code);
    assert_eq!(world.hashes("published"), before, "readers' files changed");
    ran.says(&[
        "Withheld nothing published",
        "readers still see the last good release",
    ]);
    ran
}

const RUSH: &str = "inbox/visits/visits_RVV_2026-03.csv";

fn rush(world: &World, days: &[u32]) {
    let mut text = String::from("nhs_number,visit_date,kind,postcode\n");
    for day in days {
        text.push_str(&format!(
            "{},{day:02}/03/2026,repeat,TN24 0LZ\n",
            clinic::ANN
        ));
    }
    world.write(RUSH, text);
}

#[test]
fn a_check_that_fails_keeps_the_release_back_and_a_mended_file_lets_it_go() {
    let world = after_a_good_night();
    rush(&world, &[1, 2, 3, 4]);
    let ran = blocked(&world, 3);
    insta::assert_snapshot!(world.filtered(&ran.stderr));
    ran.says(&["mart.visits", "no_rush", "pipelines/clinic.yaml:"]);
    // It fails again for as long as the cause stands: a failure is not taken for made.
    blocked(&world, 3);
    rush(&world, &[1, 2]);
    world.martlet("run --quiet").exits(0);
    let mut expected: Vec<Vec<String>> = clinic::VISITS
        .iter()
        .map(|r| r.map(str::to_owned).to_vec())
        .collect();
    expected.push(
        ["2026-03-01", "Ashford", "1.0", "2.0"]
            .map(str::to_owned)
            .to_vec(),
    );
    assert_eq!(seen(&world), expected);
}

#[test]
fn one_bad_mart_keeps_all_of_the_release_back() {
    let world = after_a_good_night();
    // mart.sites is good, and would change; mart.visits is bad.
    world.edit("config/reference/sites.csv", "Maidstone", "Weavering");
    rush(&world, &[1, 2, 3, 4]);
    blocked(&world, 3);
    let sites = Table::read(&world.path("published/alliance/latest/sites.parquet"));
    assert_eq!(sites.column("site"), ["Ashford", "Maidstone"]);
    let document = world.json("run");
    assert_eq!(document["exit"], 3);
    let first = &document["diagnostics"][0];
    assert_eq!(first["code"], "check");
    assert_eq!(first["file"], "pipelines/clinic.yaml");
    assert!(first["line"].as_u64() > Some(1));
}

#[test]
fn a_check_that_only_warns_lets_the_release_go() {
    let world = after_a_good_night();
    world.edit(
        "pipelines/clinic.yaml",
        "expression: visits <= 3,",
        "expression: visits <= 3, severity: warn,",
    );
    rush(&world, &[1, 2, 3, 4]);
    world
        .martlet("run")
        .exits(0)
        .says(&["warning[check]", "no_rush"]);
    assert_eq!(seen(&world).len(), 4);
}

#[test]
fn too_many_bad_rows_in_a_source_stop_the_night() {
    let world = after_a_good_night();
    world.edit(
        "pipelines/clinic.yaml",
        "{ valid: { on_fail: warn } }",
        "{ valid: { on_fail: warn, error_if: \"> 50%\" } }",
    );
    // February has one bad number of two: not more than half. March has two of two.
    world.martlet("run --quiet").exits(0);
    world.write(
        RUSH,
        format!(
            "nhs_number,visit_date,kind,postcode\n{0},01/03/2026,first,\n{0},02/03/2026,first,\n",
            clinic::NOBODY
        ),
    );
    let ran = blocked(&world, 3);
    ran.says(&[
        "error[threshold]",
        "visits/visits_RVV_2026-03.csv",
        "2 of 2 rows",
        "nhs_number",
    ]);
    assert!(!ran.everything().contains(clinic::NOBODY));
    insta::assert_snapshot!(world.filtered(&ran.stderr));
}

#[test]
fn totals_that_do_not_reconcile() {
    let world = after_a_good_night();
    world.edit("sql/clinic/site_total.sql", "count(*)", "count(*) + 1");
    let ran = blocked(&world, 3);
    ran.says(&["nothing_lost", "mart.visits"]);
    insta::assert_snapshot!(world.filtered(&ran.stderr));
}

#[test]
fn rows_that_share_their_grain() {
    let world = after_a_good_night();
    world.edit(
        "sql/clinic/visits.sql",
        "GROUP BY 1, 2",
        "GROUP BY 1, 2, kind",
    );
    let ran = blocked(&world, 3);
    ran.says(&["grain_unique"]);
}

#[test]
fn a_division_by_zero_while_it_runs_is_said_without_values() {
    let world = after_a_good_night();
    world.edit(
        "sql/clinic/visit.sql",
        "v.kind,",
        "CAST(CAST(v.postcode AS INT) AS VARCHAR) AS kind,",
    );
    let ran = blocked(&world, 1);
    ran.says(&[
        "error[sql-run]",
        "sql/clinic/visit.sql:1",
        "a value cannot be cast",
    ]);
    assert!(!ran.everything().contains("TN24"), "{}", ran.stderr);
    let error = world.martlet_with([
        "query",
        "SELECT CAST(postcode AS INT) AS p FROM source.visits",
    ]);
    let error = error.exits(1);
    assert!(!error.everything().contains("TN24"), "{}", error.stderr);
}

#[test]
fn a_source_that_is_too_old() {
    let world = after_a_good_night();
    world.edit(
        "pipelines/clinic.yaml",
        "    columns:\n",
        "    freshness: { warn_after: { count: 30, period: day }, error_after: { count: 45, period: day } }\n    columns:\n",
    );
    // February ends on the 28th: 41 days before 10 April, 46 before the 15th.
    let ran = world.martlet("run").exits(0);
    ran.says(&["warning[freshness]", "41 days old on 2026-04-10"]);
    let before = world.hashes("published");
    let ran = world.martlet("run --as-of 2026-04-15").exits(5);
    ran.says(&[
        "error[freshness]",
        "46 days old on 2026-04-15: more than 45",
    ]);
    assert_eq!(world.hashes("published"), before);
}

#[test]
fn who_has_sent_nothing_is_named() {
    let world = after_a_good_night();
    world.edit(
        "config/reference/sites.csv",
        "RWF,Maidstone\n",
        "RWF,Maidstone\nRN7,Dartford\nRPA,Medway\n",
    );
    world.edit(
        "pipelines/clinic.yaml",
        "    columns:\n",
        "    freshness: { expected: { by: provider, from: reference.sites } }\n    columns:\n",
    );
    world.martlet("run").exits(0).says(&[
        "warning[freshness]",
        "source.visits has nothing for February 2026 from RN7, RPA",
    ]);
}

#[test]
fn no_publish_leaves_readers_alone() {
    let world = after_a_good_night();
    let before = world.hashes("published");
    rush(&world, &[1]);
    world
        .martlet("run --no-publish")
        .exits(0)
        .says(&["Withheld", "--no-publish"]);
    assert_eq!(world.hashes("published"), before);
    world.martlet("run --quiet").exits(0);
    assert_eq!(seen(&world).len(), 4);
}

#[test]
fn a_mart_that_is_no_longer_declared_is_retired_from_what_readers_see() {
    let world = after_a_good_night();
    let text = world.read("pipelines/clinic.yaml");
    let at = text
        .find("  sites:\n    description: The sites that have visits.")
        .expect("the mart");
    world.write("pipelines/clinic.yaml", &text[..at]);
    world.martlet("run --quiet").exits(0);
    assert!(
        !world
            .path("published/alliance/latest/sites.parquet")
            .exists()
    );
    assert_eq!(seen(&world), clinic::VISITS);
}
