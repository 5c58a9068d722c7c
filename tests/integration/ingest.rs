//! What arrives: good rows staged, bad rows kept with the reason, bad files refused.

use std::fs;
use std::io::Write;

use serde_json::Value;

use crate::clinic::{self, ANN, BOB, CAT, NOBODY};
use crate::night;
use crate::parquet_file::Table;
use crate::world::{Ran, World, files};

const HEADER: &str = "nhs_number,visit_date,kind,postcode";
const MARCH: &str = "inbox/visits/visits_RVV_2026-03.csv";

/// The clinic after January and February, with a file for March.
fn with_march(text: impl AsRef<[u8]>) -> World {
    let world = clinic::world();
    world.write(MARCH, text);
    world
}

/// Runs a night that must fail on March's file, and returns what was said.
#[track_caller]
fn refused(text: impl AsRef<[u8]>) -> Ran {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    let before = world.hashes("published");
    world.write(MARCH, text);
    let ran = world.martlet("run").exits(1);
    ran.says(&["visits/visits_RVV_2026-03.csv"]);
    assert_eq!(world.hashes("published"), before);
    for number in [ANN, BOB, CAT, NOBODY] {
        assert!(!ran.everything().contains(number), "{}", ran.stderr);
    }
    ran
}

/// The records of staged files: received, good and quarantined.
fn intakes(world: &World) -> Vec<(String, u64, u64, u64)> {
    let mut all: Vec<_> = files(&world.path("lake/staged"))
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .map(|p| {
            let text = fs::read_to_string(p).expect("reads");
            let json: Value = serde_json::from_str(&text).expect("JSON");
            let number = |key: &str| {
                json[key]
                    .as_u64()
                    .unwrap_or_else(|| panic!("no {key} in {json}"))
            };
            let file = json["file"].as_str().expect("a file").to_owned();
            // Totals, footers and headings said again are left out by name.
            let dropped: u64 = json["dropped_by"]
                .as_object()
                .into_iter()
                .flat_map(|rules| rules.values().filter_map(Value::as_u64))
                .sum();
            (
                file,
                number("received") - dropped,
                number("good"),
                number("quarantined"),
            )
        })
        .collect();
    all.sort();
    all
}

#[test]
fn a_bad_row_is_kept_with_file_line_column_rule_and_a_masked_value() {
    let world = with_march(format!(
        "{HEADER}
{ANN},01/03/2026,first,TN24 0LZ
{BOB},31/02/2026,first,ME14 1XX
{CAT},02/03/2026,walk-in,ME14 2YY
{NOBODY},03/03/2026,first,ME14 3ZZ
{BOB},,repeat,ME14 1XX
{CAT},01/01/1999,first,ME14 2YY
"
    ));
    let ran = world.martlet("run").exits(0);
    ran.says(&["source.visits: 5 files, 12 received, 8 good, 4 quarantined"]);
    let record = intakes(&world)
        .into_iter()
        .find(|i| i.0.contains("2026-03"))
        .expect("a record");
    assert_eq!((record.1, record.2, record.3), (6, 2, 4));
    let mut refused = Vec::new();
    for path in files(&world.path("lake/quarantine/visits")) {
        let table = Table::read(&path);
        refused.extend(table.only(&["file", "line", "column", "rule", "value_masked"]));
    }
    refused.sort();
    let file = "visits/visits_RVV_2026-03.csv";
    let short: Vec<(&str, &str, &str)> = refused
        .iter()
        .map(|r| {
            assert_eq!(r[0], file);
            (r[1].as_str(), r[2].as_str(), r[3].as_str())
        })
        .collect();
    assert_eq!(
        short,
        [
            ("3", "visit_date", "valid"),
            ("4", "kind", "accepted"),
            ("6", "visit_date", "required"),
            ("7", "", "after_the_clinic_opened"),
        ]
    );
    for row in &refused {
        for number in [ANN, BOB, CAT, NOBODY] {
            assert!(!row.concat().contains(number), "{row:?}");
        }
    }
    assert!(!ran.everything().contains("walk-in") || refused[1][4] == "walk-in");
}

#[test]
fn every_row_of_the_sample_is_good_or_quarantined() {
    let world = &night::shared().world;
    let all = intakes(world);
    assert!(all.len() > 150, "{}", all.len());
    let mut sums = [0, 0, 0];
    for (file, received, good, quarantined) in all {
        assert_eq!(received, good + quarantined, "{file}");
        sums = [sums[0] + received, sums[1] + good, sums[2] + quarantined];
    }
    assert!(sums[2] > 10 && sums[1] > 10_000, "{sums:?}");
    // Lines in the text files, counted without martlet; the files hold no line feeds in quotes.
    let mut lines = 0;
    for folder in ["people", "screening", "personalised_care"] {
        for path in files(&world.path("data-samples").join(folder)) {
            lines += fs::read_to_string(path).expect("text").lines().count() as u64 - 1;
        }
    }
    let text_files: u64 = intakes(world)
        .into_iter()
        .filter(|i| {
            ["people/", "screening/", "personalised_care/"]
                .iter()
                .any(|f| i.0.starts_with(f))
        })
        .map(|i| i.1)
        .sum();
    assert_eq!(text_files, lines);
}

#[test]
fn a_source_whose_files_all_wait_is_not_an_empty_table() {
    let world = clinic::world();
    let ran = world.martlet("run --stable-for 5m").exits(1);
    ran.says(&["every file of source.visits may still be growing"]);
    assert!(!world.path("published").exists());
}

#[test]
fn a_file_that_may_still_be_growing_waits() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    world.write(MARCH, format!("{HEADER}\n{ANN},01/03/2026,first,\n"));
    let ran = world.martlet("run --stable-for 5m").exits(0);
    // All files were just written. Those of January and February were taken before: their rows
    // stand. March was not: it is left for tomorrow.
    ran.says(&[
        "a file may still be growing: left for the next run",
        "4 files may still be growing: what was taken before stands",
    ]);
    assert_eq!(seen(&world), clinic::VISITS);
    world.martlet("plan --exit-code --stable-for 5m").exits(0);
    world
        .martlet("run --quiet --stable-for 5m --full-refresh")
        .exits(0);
    assert_eq!(seen(&world), clinic::VISITS);
    let old = fs::FileTimes::new().set_modified(
        std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000),
    );
    for path in files(&world.path("inbox")) {
        if !path.ends_with("visits_RVV_2026-03.csv") {
            fs::File::options()
                .write(true)
                .open(path)
                .and_then(|f| f.set_times(old))
                .expect("sets times");
        }
    }
    let ran = world.martlet("run --stable-for 5m").exits(0);
    ran.says(&[
        "a file may still be growing: left for the next run",
        "visits_RVV_2026-03.csv",
    ]);
    assert_eq!(seen(&world).len(), 3, "March waits");
    let march = fs::File::options()
        .write(true)
        .open(world.path(MARCH))
        .expect("opens");
    march.set_times(old).expect("sets times");
    world.martlet("run --quiet --stable-for 5m").exits(0);
    assert_eq!(seen(&world).len(), 4);
    // A file of ours that is being replaced: half of it has come. Last night's rows stand.
    let whole = world.read(MARCH);
    world.write(MARCH, &whole[..whole.len() - 20]);
    world.martlet("run --quiet --stable-for 5m").exits(0);
    assert_eq!(seen(&world).len(), 4);
}

fn seen(world: &World) -> Vec<Vec<String>> {
    let path = world.path("published/alliance/latest/visits.parquet");
    Table::read(&path).only(&["month", "site", "people", "visits"])
}

#[test]
fn columns_may_be_swapped_and_new_ones_are_warned_of() {
    let world = with_march(format!(
        "kind,shoe_size,postcode,visit_date,nhs_number\nfirst,43,TN24 0LZ,01/03/2026,{ANN}\n"
    ));
    let ran = world.martlet("run").exits(0);
    ran.says(&["warning[header]", "shoe_size", "visits_RVV_2026-03.csv"]);
    let march = seen(&world).pop().expect("a row");
    assert_eq!(march, ["2026-03-01", "Ashford", "1.0", "1.0"]);
}

#[test]
fn a_column_that_is_missing_is_named() {
    let ran = refused(format!(
        "nhs_number,visit_dat,kind,postcode\n{ANN},01/03/2026,first,\n"
    ));
    ran.says(&["error[header]", "visit_date"]);
    insta::assert_snapshot!(ran.stderr.split("error[").nth(1).unwrap_or_default());
}

#[test]
fn a_heading_that_stands_twice() {
    refused(format!(
        "nhs_number,visit_date,kind,kind,postcode\n{ANN},01/03/2026,first,first,\n"
    ))
    .says(&["error[header]", "kind"]);
}

#[test]
fn ragged_rows_and_quotes_that_never_end() {
    for text in [
        format!("{HEADER}\n{ANN},01/03/2026,first\n"),
        format!("{HEADER}\n{ANN},01/03/2026,first,TN24 0LZ,more\n"),
        format!("{HEADER}\n{ANN},\"01/03/2026,first,TN24 0LZ\n"),
    ] {
        let world = with_march(&text);
        let ran = world.martlet("run");
        // Refused as a file or as a row, but never guessed.
        if ran.code == 0 {
            let record = intakes(&world)
                .into_iter()
                .find(|i| i.0.contains("2026-03"))
                .expect("a record");
            assert_eq!((record.1, record.2, record.3), (1, 0, 1), "{text}");
        } else {
            assert_eq!(ran.code, 1, "{}", ran.stderr);
        }
        ran.says(&["visits_RVV_2026-03.csv"]);
        assert!(!ran.everything().contains(ANN));
    }
}

#[test]
fn empty_files_and_headers_alone() {
    refused("").says(&["empty"]);
    refused("\u{feff}").says(&["empty"]);
    let world = with_march(format!("\u{feff}{HEADER}\r\n"));
    world
        .martlet("run")
        .exits(0)
        .says(&["source.visits: 5 files, 6 received, 6 good"]);
    assert_eq!(seen(&world), clinic::VISITS);
}

#[test]
fn bytes_that_are_not_text() {
    refused(b"PK\x03\x04 this is no text \xff\xfe\x00\x00");
    let mut utf16 = vec![0xff, 0xfe];
    for unit in format!("{HEADER}\n").encode_utf16() {
        utf16.extend(unit.to_le_bytes());
    }
    // UTF-16 is text, unless it ends within a character.
    refused(&utf16[..utf16.len() - 1]).says(&["cut off"]);
    with_march(utf16).martlet("run").exits(0);
}

#[test]
fn names_that_do_not_fit_and_two_files_for_one_place() {
    let world = clinic::world();
    world.write("inbox/visits/visits_RVV_March.csv", format!("{HEADER}\n"));
    world.write("inbox/visits/visits_RWF_2026-13.csv", format!("{HEADER}\n"));
    let ran = world.martlet("run").exits(1);
    ran.says(&[
        "error[file-name]",
        "visits_RVV_March.csv",
        "visits_RWF_2026-13.csv",
    ]);
    assert!(!world.path("published").exists());
    // What editors leave is nobody's file.
    let world = clinic::world();
    world
        .write("inbox/visits/~$visits_RVV_2026-03.csv", "x")
        .write("inbox/visits/.visits.swp", "x");
    world.martlet("run --quiet").exits(0);
    assert_eq!(seen(&world), clinic::VISITS);
}

/// A project with one workbook or one ZIP.
fn with_reader(path: &str, reader: &str, bytes: &[u8]) -> Ran {
    let world = World::empty();
    world
        .write("config/warehouse.yaml", "name: clinic\n")
        .write("config/targets/dev.yaml", clinic::DEV)
        .write("pseudonym.key", clinic::KEY)
        .write("inbox/.keep", "")
        .write(&format!("inbox/{path}"), bytes)
        .write(
            "pipelines/one.yaml",
            format!(
                "pipeline: one\nsources:\n  one:\n    sensitivity: open\n    files: {{ path: {path}, {reader} }}\n    columns:\n      - {{ name: a, type: int }}\n"
            ),
        );
    world.martlet("run")
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    let mut zip = zip::ZipWriter::new(&mut bytes);
    for (name, text) in members {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("starts");
        zip.write_all(text.as_bytes()).expect("writes");
    }
    zip.finish().expect("finishes");
    bytes.into_inner()
}

#[test]
fn zips_good_and_bad() {
    let reader = "zip: { member: a.csv }";
    let good = zip(&[("folder/a.csv", "a\n1\n2\n"), ("readme.txt", "hello")]);
    with_reader("one.zip", reader, &good)
        .exits(0)
        .says(&["2 received, 2 good"]);
    let without = zip(&[("b.csv", "a\n1\n")]);
    with_reader("one.zip", reader, &without)
        .exits(1)
        .says(&["one.zip", "a.csv"]);
    let twice = zip(&[("x/a.csv", "a\n1\n"), ("y/a.csv", "a\n1\n")]);
    with_reader("one.zip", reader, &twice)
        .exits(1)
        .says(&["one.zip"]);
    with_reader("one.zip", reader, &good[..good.len() / 2])
        .exits(1)
        .says(&["one.zip"]);
    with_reader("one.zip", reader, b"a\n1\n")
        .exits(1)
        .says(&["one.zip"]);
    with_reader("one.zip", reader, b"")
        .exits(1)
        .says(&["one.zip"]);
}

#[test]
fn workbooks_good_and_bad() {
    let reader = "excel: { sheet: Data, header_row: 2 }";
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("Data").expect("a name");
    sheet.write(0, 0, "A title").expect("writes");
    sheet.write(1, 0, "a").expect("writes");
    sheet.write(2, 0, 7).expect("writes");
    sheet.write(3, 0, "8").expect("writes");
    let good = book.save_to_buffer().expect("saves");
    with_reader("one.xlsx", reader, &good)
        .exits(0)
        .says(&["2 received, 2 good"]);
    let wrong = reader.replace("Data", "Dat");
    with_reader("one.xlsx", &wrong, &good)
        .exits(1)
        .says(&["one.xlsx", "Dat"]);
    with_reader("one.xlsx", &reader.replace('2', "9"), &good)
        .exits(1)
        .says(&["one.xlsx"]);
    with_reader("one.xlsx", reader, &good[..good.len() / 2])
        .exits(1)
        .says(&["one.xlsx"]);
    with_reader("one.xlsx", reader, b"a\n1\n")
        .exits(1)
        .says(&["one.xlsx"]);
}
