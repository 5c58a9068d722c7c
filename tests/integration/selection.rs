//! What a command is about: names, `+`, tags, comma, `and`, `or`, `not`, `--exclude`.

use crate::clinic;
use crate::world::World;

#[track_caller]
fn ls(world: &World, words: &[&str]) -> Vec<String> {
    let mut arguments = vec!["ls"];
    arguments.extend(words);
    let ran = world.martlet_with(arguments).exits(0);
    let mut names: Vec<String> = ran
        .stdout
        .lines()
        .map(|l| l.split_whitespace().next().unwrap_or_default().to_owned())
        .collect();
    names.sort();
    names
}

const ALL: [&str; 6] = [
    "mart.sites",
    "mart.visits",
    "model.site_total",
    "model.visit",
    "reference.sites",
    "source.visits",
];

#[test]
fn words_choose_tables() {
    let world = clinic::project();
    for (words, expected) in [
        (&[][..], &ALL[..]),
        (&["mart.visits"], &["mart.visits"]),
        (&["model.visit"], &["model.visit"]),
        (
            &["+model.visit"],
            &["model.visit", "reference.sites", "source.visits"],
        ),
        (&["model.site_total+"], &["mart.visits", "model.site_total"]),
        (&["+model.visit+"], &ALL),
        (&["tag:weekly"], &["mart.sites"]),
        (&["tag:nightly"], &ALL),
        (&["tag:reference"], &["reference.sites"]),
        (&["clinic"], &ALL),
        (&["mart.*"], &["mart.sites", "mart.visits"]),
        (&["mart.*,tag:weekly"], &["mart.sites"]),
        (&["mart.* and tag:weekly"], &["mart.sites"]),
        (&["mart.*", "and", "not", "tag:weekly"], &["mart.visits"]),
        (
            &["mart.visits", "mart.sites"],
            &["mart.sites", "mart.visits"],
        ),
        (
            &["mart.visits or mart.sites"],
            &["mart.sites", "mart.visits"],
        ),
        (
            &["+mart.visits", "--exclude", "model.*"],
            &["mart.visits", "reference.sites", "source.visits"],
        ),
        (
            &["--exclude", "mart.*"],
            &[
                "model.site_total",
                "model.visit",
                "reference.sites",
                "source.visits",
            ],
        ),
    ] {
        assert_eq!(ls(&world, words), expected, "{words:?}");
    }
}

#[test]
fn nothing_chosen_is_an_error() {
    let world = clinic::world();
    let mut said = String::new();
    for words in [
        &["mart.vists"][..],
        &["tag:nihgtly"],
        &["mart.visits,mart.sites"],
        &["mart.visits", "--exclude", "mart.visits"],
        &["not"],
        &["mart.visits", "and"],
        &[""],
    ] {
        for command in ["ls", "plan", "run", "check"] {
            let mut arguments = vec![command];
            arguments.extend(words);
            let ran = world.martlet_with(arguments).exits(2);
            if command == "ls" {
                said.push_str(&format!("--- {words:?}\n{}\n", ran.stderr));
            }
        }
    }
    insta::assert_snapshot!(said);
    assert!(!world.path("lake").exists());
}

#[test]
fn a_run_makes_what_is_chosen_and_what_it_reads_and_publishes_only_that() {
    let world = clinic::world();
    let ran = world.martlet("run mart.sites").exits(0);
    ran.says(&["Selected 1 table: mart.sites, and 3 that they read"]);
    assert!(
        world
            .path("published/alliance/latest/sites.parquet")
            .is_file()
    );
    assert!(
        !world
            .path("published/alliance/latest/visits.parquet")
            .exists()
    );
    world.martlet("run tag:nightly --quiet").exits(0);
    assert!(
        world
            .path("published/alliance/latest/visits.parquet")
            .is_file()
    );
    // A later run of one mart leaves the other in the release.
    world.edit("config/reference/sites.csv", "Ashford", "Willesborough");
    world.martlet("run mart.sites --quiet").exits(0);
    assert!(
        world
            .path("published/alliance/latest/visits.parquet")
            .is_file()
    );
    let release: serde_json::Value =
        serde_json::from_str(&world.read("published/alliance/release.json")).expect("JSON");
    let marts: Vec<&String> = release["marts"]
        .as_object()
        .expect("marts")
        .keys()
        .collect();
    assert_eq!(marts, ["sites", "visits"]);
}

#[test]
fn ls_says_what_there_is() {
    let world = clinic::project();
    insta::assert_snapshot!(world.martlet("ls").exits(0).stdout);
    let document = world.json("ls model.visit");
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("text"));
}
