//! The same inputs give the same bytes, whatever happens on the way.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::clinic;
use crate::night;
use crate::world::World;

/// Ten-digit numbers with a right check digit, one for each nine digits.
pub fn nhs_number(nine: u32) -> Option<String> {
    let digits = format!("{nine:09}");
    let sum: u32 = digits
        .bytes()
        .zip((2..=10).rev())
        .map(|(d, w)| u32::from(d - b'0') * w)
        .sum();
    match 11 - sum % 11 {
        11 => Some(format!("{digits}0")),
        10 => None,
        check => Some(format!("{digits}{check}")),
    }
}

/// A month of many visits, in no order, some of them wrong; the same each time.
pub fn month(seed: u32, rows: u32) -> String {
    let mut text = String::from("nhs_number,visit_date,kind,postcode\n");
    let mut state = seed;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    for row in 0..rows {
        // One visit a person and day: the line number makes them differ.
        let Some(number) = nhs_number(400_000_000 + row * 10 + seed % 10) else {
            continue;
        };
        let kind = [
            "first", "repeat", "first", "repeat", "first", "repeat", "first", "odd",
        ][next(8) as usize];
        let _ = writeln!(
            text,
            "{number},{:02}/01/2026,{kind},TN24 {}LZ",
            1 + next(31),
            next(10)
        );
    }
    text
}

/// The clinic with so many visits that partitions and row groups have something to do.
pub fn many_visits() -> World {
    let world = clinic::project();
    for (file, seed) in [
        ("RVV_2026-01", 1),
        ("RWF_2026-01", 2),
        ("RVV_2026-02", 3),
        ("RWF_2026-02", 4),
    ] {
        world.write(
            &format!("inbox/visits/visits_{file}.csv"),
            month(seed, 6_000),
        );
    }
    world
}

/// Everything that must not depend on how the run went: rows, records, what readers see.
fn bytes(world: &World) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for folder in [
        "lake/staged",
        "lake/quarantine",
        "lake/models",
        "lake/candidates",
        "published",
    ] {
        let some = world.hashes(folder);
        assert!(!some.is_empty(), "{folder} has files");
        all.extend(some);
    }
    all
}

/// The same for readers, without versions that no release speaks of any more.
fn seen(world: &World) -> BTreeMap<String, String> {
    let mut all = world.hashes("published/alliance/latest");
    all.extend(world.hashes("lake/staged"));
    all.extend(world.hashes("lake/models"));
    all
}

#[test]
fn partitions_jobs_and_a_fresh_lake_change_no_byte() {
    let first = many_visits();
    first
        .martlet("run --quiet --partitions 1 --jobs 1")
        .exits(0);
    let expected = bytes(&first);
    for flags in [
        "--partitions 2",
        "--partitions 8 --jobs 4",
        "--partitions 2 --memory-limit 24MiB",
    ] {
        let world = many_visits();
        world.martlet(&format!("run --quiet {flags}")).exits(0);
        assert_eq!(bytes(&world), expected, "{flags}");
    }
    first
        .martlet("run --quiet --full-refresh --partitions 3")
        .exits(0);
    assert_eq!(bytes(&first), expected, "--full-refresh");
    first
        .remove("lake")
        .martlet("run --quiet --partitions 2")
        .exits(0);
    assert_eq!(bytes(&first), expected, "a fresh lake");
    first.remove("published").martlet("run --quiet").exits(0);
    assert_eq!(bytes(&first), expected, "a fresh place for readers");
}

#[test]
fn what_a_run_tells_is_in_the_order_of_the_plan() {
    let told = |flags: &str| -> Vec<serde_json::Value> {
        let world = clinic::world();
        let run = world.martlet(&format!("run --log-format json {flags}"));
        let lines = run.exits(0).stderr;
        let records = lines.lines().map(|line| {
            let mut record: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let fields = record.as_object_mut().expect("a record");
            fields.remove("timestamp");
            fields.remove("seconds");
            record
        });
        records.collect()
    };
    let one_by_one = told("--jobs 1");
    assert!(one_by_one.len() > 10, "{one_by_one:?}");
    assert_eq!(told("--jobs 4 --partitions 4"), one_by_one);
}

#[test]
fn files_that_come_in_two_nights_give_what_one_night_gives() {
    let together = clinic::world();
    together.martlet("run --quiet").exits(0);
    let apart = clinic::project();
    clinic::january(&apart);
    apart.martlet("run --quiet").exits(0);
    let halfway = seen(&apart);
    clinic::february(&apart);
    apart.martlet("run --quiet").exits(0);
    assert_ne!(seen(&apart), halfway);
    assert_eq!(seen(&apart), seen(&together));
}

#[test]
fn a_file_that_comes_back_as_it_was_changes_nothing() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    let before = seen(&world);
    let file = "inbox/visits/visits_RVV_2026-01.csv";
    let text = world.read(file);
    world.remove(file).write(file, &text);
    world.martlet("run").exits(0).says(&["nothing to do"]);
    assert_eq!(seen(&world), before);
}

#[test]
fn the_project_may_stand_anywhere() {
    let (here, there) = (clinic::world(), clinic::world());
    here.martlet("run --quiet").exits(0);
    let elsewhere = World::empty();
    let root = there.root().display().to_string();
    elsewhere
        .martlet(&format!("run --quiet --project {root}"))
        .exits(0);
    assert_eq!(bytes(&here), bytes(&there));
}

#[test]
fn the_whole_sample_gives_the_same_bytes_in_eight_partitions() {
    let world = World::repository_with_sample();
    world
        .martlet("run --quiet --partitions 8 --jobs 3")
        .exits(0);
    assert_eq!(bytes(&world), bytes(&night::shared().world));
}
