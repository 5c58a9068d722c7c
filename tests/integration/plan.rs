//! `martlet plan`: what would run, and why.

use crate::clinic;
use crate::world::World;

/// Each stale table of a plan with the reason, as people read it.
#[track_caller]
fn plan(world: &World) -> String {
    let before = (world.stamps("lake"), world.stamps("published"));
    let ran = world.martlet("plan").exits(0);
    assert_eq!(
        (world.stamps("lake"), world.stamps("published")),
        before,
        "a plan writes nothing"
    );
    ran.stdout
}

#[test]
fn every_reason_is_said() {
    let world = clinic::world();
    insta::assert_snapshot!("never_made", plan(&world));
    world.martlet("run --quiet").exits(0);
    assert_eq!(plan(&world), "");
    world
        .martlet("plan")
        .exits(0)
        .says(&["nothing to do: 6 tables are as they should be"]);

    world.edit("sql/clinic/visits.sql", "SELECT\n", "SELECT -- by month\n");
    insta::assert_snapshot!("sql_changed", plan(&world));
    world.martlet("run --quiet").exits(0);

    world.edit("pipelines/clinic.yaml", "value: 1,", "value: 2,");
    world.edit("pipelines/clinic.yaml", "      - { name: nothing_lost, reconciles: { to: model.site_total, measure: visits, by: [site] } }\n", "");
    insta::assert_snapshot!("parameter_and_contract_changed", plan(&world));
    world.martlet("run --quiet").exits(0);

    world.write(
        "inbox/visits/visits_RVV_2026-03.csv",
        "nhs_number,visit_date,kind,postcode\n",
    );
    insta::assert_snapshot!("new_file", plan(&world));
    world.martlet("run --quiet").exits(0);

    world.edit("config/reference/sites.csv", "Ashford", "Willesborough");
    insta::assert_snapshot!("reference_changed", plan(&world));
    world.martlet("run --quiet").exits(0);

    // What was taken stays taken.
    world.remove("inbox/visits/visits_RVV_2026-03.csv");
    assert_eq!(plan(&world), "");

    world.remove("lake/models");
    insta::assert_snapshot!("model_gone", plan(&world));
    let refreshed = world.martlet("plan --full-refresh").exits(0).stdout;
    assert_eq!(
        refreshed.matches("--full-refresh").count() + refreshed.matches("it reads").count(),
        6,
        "{refreshed}"
    );
}

#[test]
fn the_exit_code_tells_whether_there_is_something_to_do() {
    let world = clinic::world();
    world.martlet("plan --exit-code").exits(9);
    world.martlet("plan").exits(0);
    world.martlet("run --quiet").exits(0);
    world.martlet("plan --exit-code").exits(0);
    world
        .martlet("plan --exit-code --as-of 2026-05-01")
        .exits(0);
    world.write(
        "sql/clinic/sites.sql",
        "SELECT CAST($as_of AS VARCHAR) AS site\n",
    );
    world.martlet("run --quiet").exits(0);
    let ran = world
        .martlet("plan --exit-code --as-of 2026-05-01")
        .exits(9);
    assert!(
        ran.stdout.contains("it reads $as_of, and the date moved"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_a_plan_promises_is_what_a_run_does() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    // The same rows in another order of lines: the file is new, its content is not.
    world.edit(
        "sql/clinic/visit.sql",
        "SELECT v.provider",
        "SELECT /* as ever */ v.provider",
    );
    let document = world.json("plan");
    let stale: Vec<String> = document["plan"]["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .filter(|t| t["stale"] == true)
        .map(|t| t["table"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(stale.first().map(String::as_str), Some("model.visit"));
    let made = world.json("run")["run"]["made"].clone();
    // The model came out the same: nothing downstream had to be made.
    assert_eq!(made, serde_json::json!(["model.visit"]));
}
