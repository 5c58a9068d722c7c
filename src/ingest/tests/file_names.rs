//! Which files are a source's, by their names.

use std::time::{Duration, SystemTime};

use super::*;
use crate::diag::Severity;
use crate::ingest::{Manifest, discover};

const REGISTER: &str = r#"
sensitivity: open
files:
  path: "liver/register_{provider}_{period}.csv"
  captures: { provider: ods_code, period: { month: "%Y-%m" } }
  csv: {}
  stable_for: 5m
  supersede: { by: [provider, period] }
columns: [{ name: a, type: int }]
"#;

fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

fn find(world: &World) -> Result<crate::ingest::Discovery> {
    discover(&world.node, &world.table, later())
}

#[test]
fn captures_are_typed_and_files_come_by_path() {
    let world = World::new(REGISTER);
    world.put("liver/register_RVV_2026-02.csv", "a\n1\n");
    world.put("liver/register_rn7_2026-01.CSV", "a\nx\n");
    for other in [
        "~$register_RVV_2026-03.csv",
        ".register.csv",
        "register_RVV_2026-04.csv.tmp",
        "register_RVV_2026-04.csv.crdownload",
        "activity_RVV_2026-01.csv",
        "notes.txt",
    ] {
        world.put(&format!("liver/{other}"), "");
    }
    let found = find(&world).expect("finds");
    let shown: Vec<&str> = found.files.iter().map(|f| f.shown.as_str()).collect();
    assert_eq!(
        shown,
        [
            "liver/register_RVV_2026-02.csv",
            "liver/register_rn7_2026-01.CSV"
        ]
    );
    let names: Vec<&str> = found.files[0]
        .captures
        .iter()
        .map(|(n, _)| n.as_str())
        .collect();
    assert_eq!(names, ["provider", "period"]);
    let intake = world.take(&found.files[0]).expect("takes in");
    assert_eq!(world.column(&intake, "provider"), ["RVV"]);
    assert_eq!(world.column(&intake, "period"), ["2026-02-01"]);
    let intake = world.take(&found.files[1]).expect("takes in");
    let refused = read(&intake.quarantine.path_in(&world.lake()));
    assert_eq!(refused.schema().field(6).name(), "provider");
    assert_eq!(refused.column(6).as_string::<i32>().value(0), "RN7");
}

#[test]
fn a_name_that_nearly_fits_is_an_error() {
    let world = World::new(REGISTER);
    world.put("liver/register_RVV_2026-13.csv", "a\n");
    world.put("liver/register_RVV.csv", "a\n");
    let errors = find(&world).expect_err("misnamed");
    assert_eq!(errors.len(), 2);
    for error in errors.into_iter().collect::<Vec<_>>() {
        assert_says(
            &error,
            Code::FileName,
            &["register_RVV", "register_{provider}_{period}.csv"],
        );
    }
}

#[test]
fn a_part_in_brackets_may_be_absent_and_its_captures_are_null() {
    let world = World::new(
        &REGISTER
            .replace("{period}.csv", "{period}[_v{sequence}].csv")
            .replace("ods_code, period", "ods_code, sequence: int, period"),
    );
    world.put("liver/register_RVV_2026-01.csv", "a\n1\n");
    world.put("liver/register_RVV_2026-01_v12.csv", "a\n1\n");
    let found = find(&world).expect("finds");
    let captures: Vec<Vec<String>> = found
        .files
        .iter()
        .map(|f| f.captures.iter().map(|(n, v)| format!("{n} {v}")).collect())
        .collect();
    assert_eq!(
        captures,
        [
            ["provider RVV", "sequence NULL", "period 2026-01-01"],
            ["provider RVV", "sequence 12", "period 2026-01-01"],
        ]
    );
    let intake = world.take(&found.files[0]).expect("takes in");
    assert_eq!(world.column(&intake, "sequence"), ["null"]);
    // Half of the part is no part.
    for wrong in ["register_RVV_2026-01_v.csv", "register_RVV_2026-01_vv2.csv"] {
        let path = world.put(&format!("liver/{wrong}"), "a\n");
        assert_says(
            &one(find(&world).expect_err("misnamed")),
            Code::FileName,
            &[wrong],
        );
        fs::remove_file(path).expect("removes");
    }
}

#[test]
fn the_time_a_file_was_received_is_read_in_its_own_spelling() {
    let world = World::new(
        &REGISTER
            .replace("{period}.csv", "{period}[_{received_at}].csv")
            .replace(
                "ods_code, period",
                "ods_code, received_at: { timestamp: \"%Y%m%dT%H%M\" }, period",
            ),
    );
    world.put("liver/register_RVV_2026-01.csv", "a\n1\n");
    world.put("liver/register_RVV_2026-01_20260210T0915.csv", "a\n1\n");
    let found = find(&world).expect("finds");
    let received: Vec<String> = found
        .files
        .iter()
        .map(|f| f.captures[1].1.to_string())
        .collect();
    // Microseconds since 1970, from `date -u -d 2026-02-10T09:15 +%s`.
    assert_eq!(received, ["NULL", "1770714900000000"]);
    let intake = world.take(&found.files[1]).expect("takes in");
    assert_eq!(
        world.column(&intake, "received_at"),
        ["2026-02-10T09:15:00Z"]
    );
    // A time that none is, and one spelt as it is by default.
    for wrong in ["20260210T2515", "20260230T0915", "2026-02-10T09:15:00"] {
        let name = format!("register_RVV_2026-01_{wrong}.csv");
        let path = world.put(&format!("liver/{name}"), "a\n");
        assert_says(
            &one(find(&world).expect_err("misnamed")),
            Code::FileName,
            &[&name, "{received_at}"],
        );
        fs::remove_file(path).expect("removes");
    }
}

#[test]
fn what_a_manifest_says_is_read_by_path() {
    let world = World::new(REGISTER);
    world.put("liver/register_RVV_2026-01.csv", "a\n");
    world.put(
        "manifest.csv",
        "received_at,file,note,sequence\n2026-03-10,liver/register_RVV_2026-01.csv,\"x, y\",1\nnever,elsewhere.csv,,\n",
    );
    world.put(
        "liver/manifest.csv",
        "file,received_at,sequence\nliver/register_RVV_2026-01.csv,2026-03-11T09:15:00Z,2\n",
    );
    assert_eq!(find(&world).expect("finds").files.len(), 1);
    let ours = |file: &str| file.starts_with("liver/");
    let read = || Manifest::read(&world.node.root, "liver", ours);
    let manifest = read().expect("reads");
    let listed = manifest
        .of("liver/register_RVV_2026-01.csv")
        .expect("listed");
    assert_eq!(
        listed.received_at.expect("a time").to_string(),
        "2026-03-11 09:15:00"
    );
    assert_eq!(listed.sequence, Some(2));
    assert_eq!(manifest.iter().count(), 1);
    world.put(
        "liver/manifest.csv",
        "file,received_at,sequence\nliver/a.csv,,\nliver/b.csv,10/03/2026,\nliver/c.csv,,one\nliver/a.csv,,4\n",
    );
    let errors = read().expect_err("bad rows");
    let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), 3, "{said:?}");
    for (line, word) in [(3, "received_at"), (4, "sequence"), (5, "twice")] {
        assert!(
            said.iter()
                .any(|s| s.starts_with(&format!("liver/manifest.csv:{line}")) && s.contains(word)),
            "{said:?}"
        );
    }
}

#[test]
fn a_young_file_waits() {
    let world = World::new(REGISTER);
    world.put("liver/register_RVV_2026-01.csv", "a\n");
    let found = discover(&world.node, &world.table, SystemTime::now()).expect("finds");
    assert_eq!((found.files.len(), found.waiting.len()), (0, 1));
    assert_eq!(find(&world).expect("finds").files.len(), 1);
}

#[test]
fn nothing_there_is_a_warning_a_missing_folder_an_error() {
    let world = World::new(REGISTER);
    assert_says(
        &one(find(&world).expect_err("no folder")),
        Code::Io,
        &["liver", "source.people"],
    );
    fs::create_dir(world.node.root.join("liver")).expect("a folder");
    let found = find(&world).expect("finds");
    assert!(found.files.is_empty());
    assert_eq!(found.nothing.expect("says so").severity, Severity::Warning);
    fs::remove_dir_all(&world.node.root).expect("removes");
    assert_says(
        &one(find(&world).expect_err("no inbox")),
        Code::Io,
        &["inbox"],
    );
}

#[test]
fn a_file_where_the_folder_should_be_is_not_no_files() {
    let world = World::new(REGISTER);
    world.put("liver", "not a folder");
    assert_says(
        &one(find(&world).expect_err("no folder")),
        Code::Io,
        &["liver"],
    );
}

#[test]
fn a_pattern_without_captures_names_one_file() {
    let world = World::new(
        "sensitivity: open\nfiles: { path: ref/pcns.csv, csv: {} }\ncolumns: [{ name: a, type: int }]",
    );
    world.put("ref/pcns.csv.bak", "");
    let error = find(&world).expect("looks").nothing.expect("missing");
    assert_eq!(error.severity, Severity::Error);
    assert_says(&error, Code::FileName, &["ref/pcns.csv", "source.people"]);
    world.put("ref/pcns.csv", "a\n");
    assert_eq!(find(&world).expect("finds").files[0].shown, "ref/pcns.csv");
}
