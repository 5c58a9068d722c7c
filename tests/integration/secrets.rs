//! Neither a key nor a person is ever written where somebody could read it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::clinic;
use crate::night;
use crate::parquet_file::Table;
use crate::world::{World, files};

/// Every NHS number of the sample's text files, right or wrong, of ten digits.
fn numbers(world: &World) -> BTreeSet<String> {
    let mut numbers = BTreeSet::new();
    for folder in [
        "people",
        "screening",
        "personalised_care",
        "cwt_records",
        "tumours",
        "lower_gi",
    ] {
        for path in files(&world.path("data-samples").join(folder)) {
            let text = fs::read_to_string(&path).expect("text");
            let mut lines = text.lines();
            let column = lines
                .next()
                .and_then(|h| {
                    h.split(',')
                        .position(|h| h.eq_ignore_ascii_case("nhs_number"))
                })
                .unwrap_or_else(|| panic!("no numbers in {}", path.display()));
            numbers.extend(
                lines
                    .filter_map(|l| l.split(',').nth(column))
                    .map(|n| n.replace([' ', '-'], ""))
                    .filter(|n| n.len() == 10 && n.bytes().all(|b| b.is_ascii_digit())),
            );
        }
    }
    // Ten equal digits are nobody's, and are seen in other numbers too.
    numbers.retain(|n| n.bytes().collect::<BTreeSet<_>>().len() > 1);
    numbers
}

/// The ten-digit numbers in a text, those within longer runs of digits left out.
fn ten_digits(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| w.len() == 10 && w.bytes().all(|b| b.is_ascii_digit()))
}

/// Every text that a file holds: a Parquet file's values and footer, or the file itself.
fn texts(path: &std::path::Path) -> Vec<String> {
    let raw = String::from_utf8_lossy(&fs::read(path).expect("reads")).into_owned();
    let mut texts = vec![raw];
    if path.extension().is_some_and(|e| e == "parquet") {
        let rows = Table::read(path).rows;
        texts.extend(rows.into_iter().flatten().flatten());
    }
    texts
}

#[test]
fn no_nhs_number_and_no_key_is_in_anything_the_night_wrote_or_said() {
    let night = night::shared();
    let numbers = numbers(&night.world);
    assert!(numbers.len() > 1_000, "{}", numbers.len());
    let key = night.world.read("data-samples/pseudonym.key");
    let key = key.trim();
    assert_eq!(key.len(), 64);
    let said = night.ran.everything();
    assert!(!said.contains(key));
    assert_eq!(ten_digits(&said).find(|n| numbers.contains(*n)), None);
    let mut looked_at = 0;
    let landing = night.world.path("lake/landing");
    for folder in ["lake", "published"] {
        for path in files(&night.world.path(folder)) {
            // What was sent is kept as it was sent, and only our own user may look at it.
            if path.starts_with(&landing) {
                let mode = |p: &std::path::Path| p.metadata().expect("is there").permissions();
                assert_eq!(mode(&path).mode() & 0o077, 0, "{}", path.display());
                let folder = path.parent().expect("a folder");
                assert_eq!(mode(folder).mode() & 0o077, 0, "{}", folder.display());
                continue;
            }
            for text in texts(&path) {
                assert!(!text.contains(key), "the key is in {}", path.display());
                let found = ten_digits(&text).find(|n| numbers.contains(*n));
                assert_eq!(found, None, "in {}", path.display());
            }
            looked_at += 1;
        }
    }
    assert!(looked_at > 300, "{looked_at} files");
}

#[test]
fn the_search_above_would_find_one() {
    let world = World::empty();
    world.write("x.json", format!("{{\"v\": \"{}\"}}", clinic::ANN));
    let texts = texts(&world.path("x.json"));
    assert_eq!(ten_digits(&texts[0]).collect::<Vec<_>>(), [clinic::ANN]);
}

#[test]
fn a_key_in_the_environment_is_used_and_never_shown() {
    let world = clinic::world();
    world.edit(
        "config/targets/dev.yaml",
        "{ file: pseudonym.key }",
        "{ env: CLINIC_KEY }",
    );
    let ran = world.martlet_in(
        &[("CLINIC_KEY", clinic::KEY)],
        "run --log-format json --log trace",
    );
    let ran = ran.exits(0);
    assert!(!ran.everything().contains(clinic::KEY));
    for path in files(&world.path("lake")) {
        for text in texts(&path) {
            assert!(!text.contains(clinic::KEY), "{}", path.display());
        }
    }
    // The same key from a file gives the same pseudonyms; another key gives others.
    let from_file = clinic::world();
    from_file.martlet("run --quiet").exits(0);
    let keys = |w: &World| -> BTreeSet<String> {
        let path = files(&w.path("lake/models/visit")).remove(0);
        Table::read(&path)
            .column("person_key")
            .into_iter()
            .collect()
    };
    assert_eq!(keys(&world), keys(&from_file));
    assert_eq!(keys(&world).len(), 3);
    let other = clinic::world();
    other.write("pseudonym.key", "0123456789abcdef".repeat(4));
    other.martlet("run --quiet").exits(0);
    assert!(keys(&world).is_disjoint(&keys(&other)));
}

#[test]
fn a_key_that_is_missing_short_or_unreadable_is_said_without_showing_it() {
    let world = clinic::world();
    world.write("pseudonym.key", "too-short-to-be-a-key\n");
    let ran = world.martlet("run").exits(2);
    assert!(!ran.everything().contains("too-short"), "{}", ran.stderr);
    world.remove("pseudonym.key");
    world
        .martlet("run")
        .exits(2)
        .says(&["error[secret]", "pseudonym.key"]);
    world.edit(
        "config/targets/dev.yaml",
        "{ file: pseudonym.key }",
        "{ env: CLINIC_KEY }",
    );
    world
        .martlet("run")
        .exits(2)
        .says(&["error[secret]", "CLINIC_KEY"]);
    world.edit(
        "config/targets/dev.yaml",
        "pseudonym_key: { env: CLINIC_KEY }\n",
        "",
    );
    let ran = world.martlet("run").exits(2);
    ran.says(&[
        "there is no key for pseudonyms",
        "pipelines/clinic.yaml:18:",
    ]);
    assert!(!world.path("published").exists());
    // A check needs no secret.
    world.martlet("check").exits(0);
}

#[test]
fn a_source_that_is_absent_is_empty_and_needs_neither_folder_nor_key() {
    let world = clinic::project();
    world.remove("pseudonym.key");
    world.edit(
        "config/targets/dev.yaml",
        "pseudonym_key: { file: pseudonym.key }\n",
        "sources:\n  source.visits: { absent: true }\n",
    );
    world.edit(
        "pipelines/clinic.yaml",
        "      csv: {}\n    columns:\n      - { name: nhs_number",
        "      csv: {}\n    freshness: { error_after: { count: 1, period: day } }\n    columns:\n      - { name: nhs_number",
    );
    world.martlet("run").exits(0);
    let table = Table::read(&world.path("published/alliance/latest/visits.parquet"));
    assert_eq!(table.column("visits"), Vec::<String>::new());

    world.edit(
        "config/targets/dev.yaml",
        "{ absent: true }",
        "{ absent: false }",
    );
    world
        .martlet("check")
        .exits(2)
        .says(&["is `absent: true` from it", "say one of the two"]);
}

#[test]
fn a_source_that_the_pipeline_says_is_absent_is_there_where_a_target_says_so() {
    let world = clinic::world();
    world.edit(
        "pipelines/clinic.yaml",
        "    sensitivity: identifiable\n    files:",
        "    sensitivity: identifiable\n    absent: true\n    files:",
    );
    let visits = || {
        world.martlet("run").exits(0);
        Table::read(&world.path("published/alliance/latest/visits.parquet")).column("visits")
    };
    assert_eq!(visits(), Vec::<String>::new());

    let target = world.read("config/targets/dev.yaml");
    world.write(
        "config/targets/dev.yaml",
        format!("{target}sources:\n  source.visits: {{ absent: false }}\n"),
    );
    assert_eq!(visits().len(), 3);

    // The pipeline says already that there may be none: a least count is held against what is made.
    world.write("config/targets/dev.yaml", target);
    world.edit(
        "pipelines/clinic.yaml",
        "    checks:\n      - { name: people_within_visits",
        "    checks:\n      - { row_count: { min: 1 } }\n      - { name: people_within_visits",
    );
    world.martlet("run").exits(3).says(&["row_count"]);
}
