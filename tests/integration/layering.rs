//! Settings: defaults < config/warehouse.yaml < the target < the environment < flags.

use serde_json::Value;

use crate::clinic;
use crate::world::World;

/// The clinic, with a mart that shows the run's date, and nothing said about the date anywhere.
fn world() -> World {
    let world = clinic::world();
    world
        .edit("config/targets/dev.yaml", "as_of: 2026-04-10\n", "")
        .write(
            "sql/clinic/sites.sql",
            "SELECT CAST($as_of AS VARCHAR) AS site\n",
        );
    world
}

/// The clock of a run, as `--json` and the mart itself have it.
#[track_caller]
fn clock(world: &World, environment: &[(&str, &str)], flags: &str) -> String {
    let line = format!("run mart.sites --json --quiet {flags}");
    let document = world.martlet_in(environment, &line).exits(0).json();
    let said = document["run"]["as_of"]
        .as_str()
        .expect("a date")
        .to_owned();
    let path = world.path("published/alliance/latest/sites.parquet");
    let seen = crate::parquet_file::Table::read(&path).column("site");
    assert_eq!(seen, [said.as_str()], "SQL and summary agree");
    said
}

#[test]
fn each_layer_wins_over_the_one_below() {
    let world = world();
    let env = [("MARTLET_AS_OF", "2024-01-04")];
    world.write("config/warehouse.yaml", "name: clinic\nas_of: 2024-01-02\n");
    assert_eq!(clock(&world, &[], ""), "2024-01-02");
    world.edit(
        "config/targets/dev.yaml",
        "inbox: inbox\n",
        "inbox: inbox\nas_of: 2024-01-03\n",
    );
    assert_eq!(clock(&world, &[], ""), "2024-01-03");
    assert_eq!(clock(&world, &env, ""), "2024-01-04");
    assert_eq!(clock(&world, &env, "--as-of 2024-01-05"), "2024-01-05");
}

#[test]
fn without_a_date_anywhere_it_is_today() {
    let before = chrono::Utc::now().date_naive().to_string();
    let seen = clock(&world(), &[], "");
    let after = chrono::Utc::now().date_naive().to_string();
    assert!(seen == before || seen == after, "{seen}");
}

/// The files that a plan would read from the inbox, counted.
#[track_caller]
fn files_seen(world: &World, environment: &[(&str, &str)], flags: &str) -> usize {
    let line = format!("plan source.visits --json --quiet {flags}");
    let document = world.martlet_in(environment, &line).exits(0).json();
    let tables = document["plan"]["tables"]
        .as_array()
        .expect("tables")
        .clone();
    tables[0]["files"].as_array().map_or(0, Vec::len)
}

#[test]
fn the_inbox_is_layered_too() {
    let world = clinic::world();
    for (inbox, count) in [("two", 2), ("three", 3), ("one", 1)] {
        for i in 0..count {
            world.write(
                &format!("{inbox}/visits/visits_RVV_202{i}-01.csv"),
                "nhs_number,visit_date,kind,postcode\n",
            );
        }
    }
    let target = "pseudonym_key: { file: pseudonym.key }\nstable_for: 0s\n";
    world.write("config/targets/dev.yaml", target);
    assert_eq!(files_seen(&world, &[], ""), 4, "the default is inbox/");
    world.write("config/warehouse.yaml", "name: clinic\ninbox: two\n");
    assert_eq!(files_seen(&world, &[], ""), 2);
    world.write("config/targets/dev.yaml", format!("inbox: three\n{target}"));
    assert_eq!(files_seen(&world, &[], ""), 3);
    let env = [("MARTLET_INBOX", "one")];
    assert_eq!(files_seen(&world, &env, ""), 1);
    assert_eq!(files_seen(&world, &env, "--inbox two"), 2);
}

#[test]
fn lake_and_published_are_where_flags_say() {
    let world = clinic::world();
    world
        .martlet("run --quiet --lake here --published there")
        .exits(0);
    assert!(world.path("there/alliance/latest/visits.parquet").is_file());
    assert!(world.path("here/state/nodes").is_dir());
    assert!(!world.path("lake").exists() && !world.path("published").exists());
}

#[test]
fn values_that_make_no_sense_are_refused_at_every_layer() {
    let world = clinic::world();
    for (flags, words) in [
        ("--as-of 2026-02-30", "2026-02-30"),
        ("--partitions 0", "partitions"),
        ("--partitions 257", "partitions"),
        ("--memory-limit lots", "lots"),
        ("--stable-for soon", "soon"),
    ] {
        let ran = world.martlet(&format!("run {flags}")).exits(2);
        ran.says(&[words]);
    }
    for (line, words) in [
        ("as_of: 2026-02-30", "2026-02-30"),
        ("partitions: 0", "partitions"),
        ("memory_limit: lots", "lots"),
        ("stable_for: soon", "soon"),
    ] {
        world.write("config/warehouse.yaml", format!("name: clinic\n{line}\n"));
        let ran = world.martlet("check").exits(2);
        ran.says(&[words, "config/warehouse.yaml:2:"]);
    }
    assert!(!world.path("lake").exists());
}

#[test]
fn a_target_that_is_not_there_is_answered_with_the_nearest() {
    let world = clinic::world();
    world.write("config/targets/prod.yaml", "inbox: /srv/inbox\n");
    let ran = world.martlet("run --target prd").exits(2);
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn a_lake_belongs_to_one_target() {
    let world = clinic::world();
    world.write("config/targets/prod.yaml", clinic::DEV);
    world.martlet("run --quiet").exits(0);
    let ran = world
        .martlet("run --target prod --lake lake --published elsewhere")
        .exits(1);
    ran.says(&["the folder belongs to `clinic dev`, not to `clinic prod`"]);
    assert!(!world.path("elsewhere").exists());
    // Left to itself, it has its own.
    let ran = world.martlet("run --target prod --quiet --json").exits(0);
    assert_eq!(ran.json()["target"], Value::from("prod"));
    assert!(
        world
            .path("published-prod/alliance/latest/visits.parquet")
            .is_file()
    );
}
