//! A model that is made period by period: a month whose files stand is not made again, and what comes
//! out is what one pass over everything gives.

use crate::clinic::{self, BOB, VISITS};
use crate::parquet_file::Table;
use crate::world::{World, files};

const MODEL: &str = "    sql: clinic/visit.sql
    grain: [provider, person_key, visit_date]
";

/// The clinic, its visits kept by period; a day is in one month only, so months lie apart.
fn by_period() -> World {
    let world = clinic::world();
    world.edit(
        "pipelines/clinic.yaml",
        MODEL,
        "    sql: clinic/visit.sql
    materialized: by_period
    grain: [visit_date, provider, person_key]
",
    );
    world
}

fn march(world: &World) {
    world.write(
        "inbox/visits/visits_RVV_2026-03.csv",
        format!("nhs_number,visit_date,kind,postcode\n{BOB},02/03/2026,repeat,ME14 1XX\n"),
    );
}

fn visits(world: &World) -> Vec<Vec<String>> {
    Table::read(&world.path("published/alliance/latest/visits.parquet"))
        .only(&["month", "site", "people", "visits"])
}

#[test]
fn a_new_month_is_made_and_the_others_stand() {
    let world = by_period();
    world
        .martlet("run")
        .exits(0)
        .says(&["Made model.visit: 5 rows", "2 of 2 periods"]);
    assert_eq!(visits(&world), VISITS);
    let before = world.stamps("lake/models/visit");
    assert_eq!(before.len(), 2);

    march(&world);
    world
        .martlet("run")
        .exits(0)
        .says(&["Made model.visit: 6 rows", "1 of 3 periods"]);
    let after = world.stamps("lake/models/visit");
    assert_eq!(after.len(), 3);
    for (file, stamp) in &before {
        assert_eq!(after.get(file), Some(stamp), "{}", file.display());
    }

    // Whatever was kept, the bytes are those of a fresh lake.
    let (rows, kept) = (visits(&world), world.hashes("lake/models"));
    world.remove("lake").martlet("run").exits(0);
    assert_eq!(visits(&world), rows);
    assert_eq!(world.hashes("lake/models"), kept);
}

#[test]
fn a_month_sent_again_is_made_again_and_its_rows_are_gone() {
    let world = by_period();
    world.martlet("run --quiet").exits(0);
    world.write(
        "inbox/visits/visits_RVV_2026-02.csv",
        "nhs_number,visit_date,kind,postcode\n",
    );
    world
        .martlet("run")
        .exits(0)
        .says(&["Made model.visit: 4 rows", "1 of 2 periods"]);
    assert_eq!(visits(&world), VISITS[..2]);
}

#[test]
fn a_month_that_is_gone_or_damaged_is_made_again() {
    let world = by_period();
    world.martlet("run --quiet").exits(0);
    let whole = world.hashes("lake/models");
    let month = &files(&world.path("lake/models/visit"))[0];
    std::fs::write(month, "cut short").expect("writes");
    world.martlet("run --quiet").exits(0);
    assert_eq!(world.hashes("lake/models"), whole);
}

#[test]
fn two_rows_alike_in_different_months_are_found() {
    let world = by_period();
    world.edit(
        "pipelines/clinic.yaml",
        "grain: [visit_date, provider, person_key]",
        "grain: [provider, person_key]",
    );
    // Bob came to Ashford in January and in February; Ann came twice in January.
    world
        .martlet("run")
        .exits(3)
        .says(&["4 of 5 rows share their `provider`, `person_key` with another"]);
}

#[test]
fn without_any_file_there_is_an_empty_table() {
    let world = by_period();
    world.remove("inbox/visits").write(
        "config/targets/dev.yaml",
        format!(
            "{}sources: {{ source.visits: {{ absent: true }} }}\n",
            clinic::DEV
        ),
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(visits(&world), Vec::<Vec<String>>::new());
}

#[test]
fn a_model_that_reads_no_source_with_periods_is_refused() {
    let world = clinic::world();
    world.edit(
        "pipelines/clinic.yaml",
        "materialized: view",
        "materialized: by_period",
    );
    world.martlet("check").exits(2).says(&[
        "a model that is made by period reads one source, and models and references",
        "pipelines/clinic.yaml:",
    ]);
    let world = by_period();
    world.edit(
        "pipelines/clinic.yaml",
        r#"captures: { provider: ods_code, period: { month: "%Y-%m" } }"#,
        r#"captures: { provider: ods_code, month: { month: "%Y-%m" } }"#,
    );
    world.edit(
        "pipelines/clinic.yaml",
        "{provider}_{period}",
        "{provider}_{month}",
    );
    world
        .martlet("check")
        .exits(2)
        .says(&["the files of source.visits are not of one period each"]);
}
