//! Delimited text, as it arrives.

use std::io::Write;

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;

const HEADER: &str = "nhs_number,birth_date,sex,score\n";

fn people() -> World {
    World::new(PEOPLE)
}

fn gz(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("packs");
    encoder.finish().expect("packs")
}

#[test]
fn a_good_file_is_staged_typed_and_pseudonymised() {
    let world = people();
    let text = format!(
        "\u{feff}{HEADER}943 476 5919,01/02/1950,F,1.5\n,18264,M,n/a\n4010232138,,U,\n\n\"943-476-5919\",02/02/1950,I,\"1000\"\n"
    );
    let intake = world.take_in("people.csv", text).expect("takes in");
    assert_eq!(
        (intake.received, intake.good, intake.quarantined),
        (4, 4, 0)
    );
    assert_eq!(
        world.column(&intake, "birth_date"),
        ["1950-02-01", "1950-01-01", "null", "1950-02-02"]
    );
    assert_eq!(
        world.column(&intake, "score"),
        ["1.5", "null", "null", "1000.0"]
    );
    assert_eq!(world.column(&intake, "_line"), ["2", "3", "4", "6"]);
    assert_eq!(world.column(&intake, "_file"), vec!["people.csv"; 4]);
    let keys = world.column(&intake, "person_key");
    assert!(keys[0].parse::<i64>().is_ok_and(|key| key > 0));
    assert_eq!(keys[0], keys[3]);
    assert_eq!(&keys[1..3], ["null", "null"]);
    assert_eq!(intake.rules.len(), 1);
    assert_eq!((intake.rules[0].count, intake.rules[0].first_line), (1, 4));
    assert!(world.staged(&intake).column_by_name("nhs_number").is_none());
    let recorded = Intake::recorded(&world.lake(), &world.table, &intake.key).expect("reads");
    assert_eq!(recorded, Some(intake));
}

#[test]
fn the_same_file_gives_the_same_bytes() {
    let (a, b) = (people(), people());
    let text = format!("{HEADER}9434765919,01/02/1950,F,1.5\n9434765870,x,M,1\n");
    let (a, b) = (
        a.take_in("people.csv", &text),
        b.take_in("people.csv", &text),
    );
    assert_eq!(a.expect("takes in"), b.expect("takes in"));
}

#[test]
fn quoted_line_feeds_keep_the_lines_right() {
    let world = World::new(
        "sensitivity: open\nfiles: { path: p.csv, csv: {} }\ncolumns: [{ name: a, type: string }, { name: b, type: int }]",
    );
    let intake = world
        .take_in("p.csv", "a,b\n\"one\ntwo\r\nthree\",1\nx,bad\n")
        .expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["one\ntwo\r\nthree"]);
    let refused = world.quarantine(&intake);
    assert_eq!((refused[0].line, refused[0].masked.as_str()), (5, "bad"));
}

#[test]
fn swapped_columns_are_matched_by_name() {
    let world = people();
    let text = "Score, SEX ,birth_date,nhs_number\n1.0,F,01/02/1950,9434765919\n";
    let intake = world.take_in("people.csv", text).expect("takes in");
    assert_eq!(world.column(&intake, "sex"), ["F"]);
    assert_eq!(world.column(&intake, "score"), ["1.0"]);
}

#[test]
fn other_delimiters_and_quotes() {
    let world = World::new(
        "sensitivity: open\nfiles: { path: p.csv, csv: { delimiter: \"\\t\", quote: \"'\" } }\ncolumns: [{ name: a, type: string }, { name: b, type: int }]",
    );
    let intake = world
        .take_in("p.csv", "a\tb\n'x\t''y'''\t\"1\"\n'z'\t29199\n")
        .expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["z"]);
    assert_eq!(world.column(&intake, "b"), ["29199"]);
    assert_eq!(world.quarantine(&intake)[0].rule, "valid");
}

#[test]
fn an_empty_file_is_refused_and_a_header_alone_is_not() {
    let world = people();
    assert_says(
        &world.refused("people.csv", ""),
        Code::BadFile,
        &["people.csv", "0 bytes"],
    );
    assert_says(
        &world.refused("people.csv", "\n\n"),
        Code::Header,
        &["no header"],
    );
    let intake = world.take_in("people.csv", HEADER).expect("takes in");
    assert_eq!((intake.received, intake.staged.rows), (0, 0));
    assert_eq!(world.staged(&intake).num_columns(), 6);
}

#[test]
fn a_missing_column_names_the_nearest_heading_and_no_person() {
    let world = people();
    let error = world.refused("people.csv", "nhs_number,birthdate,sex,score\n");
    assert_says(
        &error,
        Code::Header,
        &["`birth_date`", "`birthdate`", "people.csv:1"],
    );
    let error = world.refused("people.csv", "nhs_number,sex,score,Smith\n");
    assert_eq!(error.code, Code::Header);
    let headless = world.refused("people.csv", "9434765919,01/02/1950,SMITH,1\n");
    assert_says(
        &headless,
        Code::Header,
        &["`birth_date`", "is the header there"],
    );
    for value in ["9434765919", "1950", "SMITH", "Smith"] {
        assert!(!words(&error).contains(value), "{}", words(&error));
        assert!(!words(&headless).contains(value), "{}", words(&headless));
    }
}

#[test]
fn a_heading_that_stands_twice_is_refused() {
    let error = people().refused("people.csv", "nhs_number,sex,birth_date,Sex,score\n");
    assert_says(&error, Code::Header, &["`sex`", "`Sex`", "fields 2 and 4"]);
}

#[test]
fn a_new_column_is_warned_of_refused_or_ignored() {
    let text = "nhs_number,birth_date,sex,score,extra\n,,F,,x\n";
    let with = |word: &str| World::new(&format!("{PEOPLE}\non_new_column: {word}\n"));
    let intake = people().take_in("people.csv", text).expect("takes in");
    assert_eq!(intake.new_columns, ["extra"]);
    assert!(intake.warnings[0].message.contains("`extra`"));
    assert_says(
        &with("error").refused("people.csv", text),
        Code::Header,
        &["`extra`"],
    );
    let quiet = with("ignore")
        .take_in("people.csv", text)
        .expect("takes in");
    assert!(quiet.warnings.is_empty());
}

#[test]
fn a_row_that_ran_into_the_header_names_nobody() {
    let header = HEADER.trim_end();
    for on_new in ["warn", "error"] {
        let world = World::new(&format!("{PEOPLE}\non_new_column: {on_new}\n"));
        let text = format!("{header},extra9434765919,01/02/1950,F,1.5,O'Brien\n,,F,,x\n");
        let said = match world.take_in("people.csv", text) {
            Ok(intake) => serde_json::to_string(&intake).expect("JSON"),
            Err(errors) => words(&one(errors)),
        };
        assert!(said.contains("field 5"), "{said}");
        assert!(
            !said.contains("943476") && !said.contains("Brien"),
            "{said}"
        );
    }
    // No digit betrays it, and no row fits under it.
    let world = people();
    let intake = world
        .take_in("people.csv", format!("{header},O'Brien\n,,F,\n"))
        .expect("takes in");
    assert_eq!(intake.new_columns, ["field 5"]);
    assert!(!intake.warnings.iter().any(|w| w.message.contains("Brien")));
}

#[test]
fn a_column_may_be_missing_if_the_contract_says_so() {
    let world = World::new(
        "sensitivity: open\nfiles: { path: p.csv, csv: {} }\ncolumns: [{ name: a, type: string }, { name: b, type: int, missing: as_null }]",
    );
    let intake = world.take_in("p.csv", "a\nx\n").expect("takes in");
    assert_eq!(world.column(&intake, "b"), ["null"]);
    assert_says(
        &world.refused_file("p.csv", "c\nx\n"),
        Code::Header,
        &["`a`"],
    );
}

#[test]
fn rows_that_are_no_rows_go_to_quarantine_and_are_counted() {
    let world = World::new(&PEOPLE.replace("csv: {}", "csv: { encoding: utf-8 }"));
    let mut bytes = HEADER.as_bytes().to_vec();
    bytes.extend(b"9434765919,01/02/1950,F\n");
    bytes.extend(b"9434765919,01/02/1950,F,1,2\n");
    bytes.extend(b"9434765919,01/02/1950,\0,1\n");
    bytes.extend(b"9434765919,01/02/1950,F\xE9,1\n");
    bytes.extend(b"9434765919,01/02/1950,F,1\n");
    let intake = world.take_in("people.csv", bytes).expect("takes in");
    assert_eq!(
        (intake.received, intake.good, intake.quarantined),
        (5, 1, 4)
    );
    let refused = world.quarantine(&intake);
    let rules: Vec<(i64, &str)> = refused.iter().map(|r| (r.line, r.rule.as_str())).collect();
    assert_eq!(
        rules,
        [
            (2, "ragged"),
            (3, "ragged"),
            (4, "nul_byte"),
            (5, "encoding")
        ]
    );
    assert_eq!(refused[0].reason, "3 fields, the header has 4");
    assert_eq!(intake.warnings.len(), 3);
    let none = world
        .take_in("people.csv", format!("{HEADER},,F,1,\n"))
        .expect("takes in");
    assert!(none.warnings[0].message.contains("not one of 1 rows"));
}

#[test]
fn a_quote_that_never_closes_is_refused_with_its_line() {
    let error = people().refused("people.csv", format!("{HEADER},,F,\n,,\"F,1\n,,M,2\n"));
    assert_says(&error, Code::BadFile, &["line 3", "people.csv:3"]);
    let error = people().refused("people.csv", format!("{HEADER},,\"F,1\n,,M\"x,2\n"));
    assert_says(&error, Code::BadFile, &["line 2", "line 3"]);
}

#[test]
fn gzip_is_unpacked_and_a_cut_one_refused() {
    let world = people();
    let rows = ",,F,1\n".repeat(5_000);
    let packed = gz(&format!("{HEADER}{rows}"));
    let intake = world.take_in("people.csv.gz", &packed).expect("takes in");
    assert_eq!(intake.good, 5_000);
    let world = people();
    let cut = world.refused("people.csv.gz", &packed[..packed.len() / 2]);
    assert_says(&cut, Code::BadFile, &["too early"]);
    let error = world.refused("people.csv.gz", HEADER);
    assert_says(&error, Code::BadFile, &["people.csv.gz"]);
}

#[test]
fn a_file_that_is_gone_or_changed_is_refused() {
    let world = people();
    let path = world.put("people.csv", HEADER);
    let arrived = world.arrived("people.csv");
    world.put("people.csv", format!("{HEADER},,F,1\n"));
    let error = one(world.take(&arrived).expect_err("changed"));
    assert_says(&error, Code::BadFile, &["changed", "run again"]);
    fs::remove_file(path).expect("removes");
    assert_says(
        &one(world.take(&arrived).expect_err("gone")),
        Code::Io,
        &["people.csv"],
    );
}

#[test]
fn long_files_are_dealt_in_batches_and_stay_in_order() {
    let world = World::new(
        "sensitivity: open\nfiles: { path: p.csv, csv: {} }\ncolumns: [{ name: num, type: int }]",
    );
    let text: String = std::iter::once("num\n".to_owned())
        .chain((0..20_000).map(|n| format!("{n}\n")))
        .collect();
    let intake = world.take_in("p.csv", text).expect("takes in");
    let numbers = world.column(&intake, "num");
    assert!(numbers.iter().enumerate().all(|(i, n)| *n == i.to_string()));
    assert_eq!(numbers.len(), 20_000);
}

#[test]
fn a_file_that_is_replaced_while_it_is_read_leaves_nothing() {
    let world = people();
    let path = world.put(
        "people.csv",
        format!("{HEADER}{}", ",01/02/1950,F,1\n".repeat(60_000)),
    );
    let staged = world.lake().root().join("staged/people");
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            // What is staged is begun once the file was looked at, and before it is read.
            while !fs::read_dir(&staged).is_ok_and(|mut f| f.next().is_some()) {
                std::thread::yield_now();
            }
            fs::write(&path, format!("{HEADER},,M,2\n")).expect("replaces");
        });
        one(world
            .take(&world.arrived("people.csv"))
            .expect_err("an error"))
    });
    assert_says(&error, Code::BadFile, &["people.csv"]);
    assert!(fs::read_dir(&staged).expect("lists").next().is_none());
}
