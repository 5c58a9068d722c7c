//! What stands above the header, and rows that are left out below it.

use super::*;

const EMIS: &str = r#"
sensitivity: aggregate
files:
  path: e.csv
  csv:
    header_pattern: "^Organisation"
    preamble:
      relative_date: { pattern: "Relative Date[,\\t: ]+(?<value>\\S+)", type: date, formats: ["%d-%b-%y"] }
    skip_rows:
      - { name: footer, pattern: "^(Total|Source)" }
columns:
  - { name: organisation, type: string }
  - { name: practice_code, type: ods_code, from: [CDB] }
  - { name: patients, type: int, from: ["Population Count"], number: { thousands: "," } }
"#;

#[test]
fn trap_20_an_emis_search_has_its_date_above_and_its_total_below() {
    let text = "EMIS Web,\"Search \"\"CCR\"\"\",\r\nLast Run:,01-Apr-26,,\r\nRelative Date,31-Mar-26,,\r\n\r\n\"Organisation\",CDB,\"Population Count\"\r\nThe Surgery,G82001,\"1,204\"\r\nMill Lane,G82002,0\r\nTotal,,\"1,204\"\r\nSource: EMIS\r\n";
    let world = World::new(EMIS);
    let intake = world.take_in("e.csv", text).expect("takes in");
    assert_eq!(
        (intake.received, intake.good, intake.quarantined),
        (4, 2, 0)
    );
    assert_eq!(intake.dropped_by.get("footer"), Some(&2));
    assert_eq!(world.column(&intake, "patients"), ["1204", "0"]);
    assert_eq!(world.column(&intake, "relative_date"), ["2026-03-31"; 2]);
    assert_eq!(world.column(&intake, "_line"), ["6", "7"]);
    let schema = world.staged(&intake).schema();
    let names: Vec<&str> = schema.fields().iter().map(|f| f.name().as_str()).collect();
    let expected = [
        "organisation",
        "practice_code",
        "patients",
        "relative_date",
        "_file",
        "_line",
    ];
    assert_eq!(names, expected);
}

#[test]
fn a_preamble_may_be_quoted() {
    let text = "\"Relative Date\",\"31-Mar-26\"\nOrganisation,CDB,Population Count\nx,G82001,1\n";
    let world = World::new(EMIS);
    let intake = world.take_in("e.csv", text).expect("takes in");
    assert_eq!(world.column(&intake, "relative_date"), ["2026-03-31"]);
}

#[test]
fn a_preamble_that_says_nothing_or_no_date_is_refused() {
    let world = World::new(EMIS);
    let header = "Organisation,CDB,Population Count\n";
    let none = world.refused("e.csv", format!("Last Run,01-Apr-26\n{header}"));
    assert_says(
        &none,
        Code::Header,
        &["e.csv", "Relative Date[", "`relative_date`", "1 lines"],
    );
    let wrong = world.refused("e.csv", format!("Relative Date: soon\n{header}"));
    assert_says(&wrong, Code::Header, &["`relative_date`", "%d-%b-%y"]);
    assert!(!words(&wrong).contains("soon"));
}

#[test]
fn a_header_that_is_not_found_is_told() {
    let world = World::new(EMIS);
    let error = world.refused("e.csv", "Relative Date,31-Mar-26\nPractice,n\n");
    assert_says(&error, Code::Header, &["^Organisation", "header_pattern"]);
    let long = "x\n".repeat(5_000);
    assert_says(
        &world.refused("e.csv", format!("{long}Organisation,CDB\n")),
        Code::Header,
        &["first 1000 lines"],
    );
}

#[test]
fn a_header_row_counts_every_line() {
    let source = |row: u32| {
        World::new(&format!(
            "sensitivity: open\nfiles: {{ path: p.csv, csv: {{ header_row: {row} }} }}\ncolumns: [{{ name: a, type: int }}]"
        ))
    };
    let text = "a title, with a stray \" quote\r\n\r\na\r\n1\r\n";
    let world = source(3);
    let intake = world.take_in("p.csv", text).expect("takes in");
    assert_eq!(world.column(&intake, "_line"), ["4"]);
    assert_says(&source(2).refused("p.csv", text), Code::Header, &["line 2"]);
    assert_says(&source(9).refused("p.csv", text), Code::Header, &["line 9"]);
}
