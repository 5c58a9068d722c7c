//! Text as feeds really write it: delimiters, headings, numbers, tokens, widths, JSON.

use std::fmt::Write;

use super::*;

fn open(files: &str, columns: &str) -> World {
    World::new(&format!(
        "sensitivity: open\nfiles: {{ path: p.csv, {files} }}\ncolumns:\n{columns}"
    ))
}

#[test]
fn trap_20_a_dashboard_export_is_utf_16_tabs_and_texts() {
    let world = open(
        "csv: { delimiter: \"\\t\" }",
        r#"
  - { name: organisation_code, type: ods_code, from: ["Organisation Code"] }
  - { name: month, type: { month: "%B %Y" }, from: ["Month of Date"] }
  - { name: denominator, type: int, from: [Denominator], number: { thousands: "," } }
  - { name: performance, type: { decimal: { precision: 6, scale: 4 } }, from: [Performance], number: { per_cent: fraction } }
  - { name: points, type: float, from: ["Performance again"], number: { per_cent: points } }
"#,
    );
    let text = "\u{feff}Organisation Code\t\"Month of\nDate\"\tDenominator\tPerformance\tPerformance again\r\nG82001\tMarch 2025\t1,234\t71.3%\t71.3%\r\n";
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let intake = world.take_in("p.csv", bytes).expect("takes in");
    assert_eq!(world.column(&intake, "month"), ["2025-03-01"]);
    assert_eq!(world.column(&intake, "denominator"), ["1234"]);
    assert_eq!(world.column(&intake, "performance"), ["0.7130"]);
    assert_eq!(world.column(&intake, "points"), ["71.3"]);
    assert_eq!(world.column(&intake, "_line"), ["3"]);
}

#[test]
fn numbers_with_separators_are_refused_unless_declared() {
    let world = open(
        "csv: {}",
        "  - { name: a, type: int }\n  - { name: b, type: float }\n",
    );
    let intake = world
        .take_in("p.csv", "a,b\n\"1,234\",1\n1,71.3%\n(12),1\n1,1\n")
        .expect("takes in");
    assert_eq!((intake.good, intake.quarantined), (1, 3));
    let refused = world.quarantine(&intake);
    assert!(refused.iter().all(|r| r.reason.contains("`number`")));
    assert_eq!(refused[0].masked, "1,234");
}

#[test]
fn amounts_may_stand_in_brackets() {
    let world = open(
        "csv: {}",
        "  - { name: a, type: { decimal: { precision: 9, scale: 2 } }, number: { thousands: \",\", currency: \"£\" } }\n",
    );
    let intake = world
        .take_in("p.csv", "a\n\"£1,234.50\"\n(12)\n-£1\n7\n$1\n")
        .expect("takes in");
    assert_eq!(
        world.column(&intake, "a"),
        ["1234.50", "-12.00", "-1.00", "7.00"]
    );
    assert_eq!(world.quarantine(&intake)[0].masked, "$1");
}

#[test]
fn trap_20_imd_2019_has_a_mark_and_ranks_with_commas() {
    let world = open(
        "csv: {}",
        "  - { name: lsoa, type: lsoa_code, from: [\"LSOA code (2011)\"] }\n  - { name: rank, type: int, number: { thousands: \",\" } }\n",
    );
    let intake = world
        .take_in(
            "p.csv",
            "\u{feff}LSOA code (2011),Rank\nE01000001,\"29,199\"\n",
        )
        .expect("takes in");
    assert_eq!(world.column(&intake, "rank"), ["29199"]);
    assert_eq!(world.column(&intake, "lsoa"), ["E01000001"]);
}

#[test]
fn trap_17_blank_zero_and_withheld_are_three_things() {
    let world = open(
        "csv: {}",
        "  - { name: value, type: int, required: true, suppressed: [\"*\", \"[E]\", \"[DS]\"] }\n  - { name: area, type: string }\n",
    );
    let intake = world
        .take_in("p.csv", "area,value\na,0\nb,*\nc,[E]\nd,\ne,[X]\nf,[DS]\n")
        .expect("takes in");
    assert_eq!(world.column(&intake, "area"), ["a", "b", "c", "f"]);
    assert_eq!(
        world.column(&intake, "value"),
        ["0", "null", "null", "null"]
    );
    assert_eq!(
        world.column(&intake, "value_note"),
        ["null", "*", "[E]", "[DS]"]
    );
    let rules: Vec<String> = world
        .quarantine(&intake)
        .into_iter()
        .map(|r| r.rule)
        .collect();
    assert_eq!(rules, ["required", "valid"]);
}

#[test]
fn a_month_alone_is_noted_beside_withheld_dates() {
    let world = open(
        "csv: {}",
        "  - { name: born, type: date, formats: [\"%Y-%m-%d\", \"%b %Y\"], nulls: [n/k, Jan 1900], suppressed: [\"*\"] }\n  - { name: area, type: string }\n",
    );
    let rows =
        "area,born\na,1950-02-03\nb,Feb 1950\nc,*\nd,n/k\ne,Fbe 1950\nf,Feb 1950\ng,Jan 1900\n";
    let intake = world.take_in("p.csv", rows).expect("takes in");
    assert_eq!(
        world.column(&intake, "area"),
        ["a", "b", "c", "d", "f", "g"]
    );
    assert_eq!(
        world.column(&intake, "born"),
        [
            "1950-02-03",
            "1950-02-15",
            "null",
            "null",
            "1950-02-15",
            "null"
        ]
    );
    assert_eq!(
        world.column(&intake, "born_note"),
        ["null", "month", "*", "null", "month", "null"]
    );
}

#[test]
fn trap_20_excel_serials_and_words_for_yes_and_no() {
    let world = open(
        "csv: {}",
        "  - { name: d, type: date, formats: [excel_serial, \"%d/%m/%Y\"] }\n  - { name: b, type: boolean, true_values: [Attended], false_values: [DNA] }\n",
    );
    let intake = world
        .take_in("p.csv", "d,b\n45254,attended\n24/11/2023,DNA\n,Y\n")
        .expect("takes in");
    assert_eq!(
        world.column(&intake, "d"),
        ["2023-11-24", "2023-11-24", "null"]
    );
    assert_eq!(world.column(&intake, "b"), ["true", "false", "true"]);
}

#[test]
fn a_heading_that_stands_twice_is_told_apart_by_its_number() {
    let text = "who,WITHIN 31 DAYS,,Within 31\nDays,x\na,1,,2,9\n".replace("31\nDays", "31 days");
    let columns = |from: &str| {
        format!(
            "  - {{ name: who, type: string }}\n  - {{ name: num, type: int, from: [\"{from}\"] }}\n"
        )
    };
    let first = open("csv: {}", &columns("WITHIN 31 DAYS (1)"));
    let intake = first.take_in("p.csv", &text).expect("takes in");
    assert_eq!(first.column(&intake, "num"), ["1"]);
    assert_eq!(intake.new_columns, ["Within 31 days (2)", "x"]);
    let second = open("csv: {}", &columns("WITHIN 31 DAYS (2)"));
    let intake = second.take_in("p.csv", &text).expect("takes in");
    assert_eq!(second.column(&intake, "num"), ["2"]);
    let both = open(
        "csv: {}",
        &format!(
            "{}  - {{ name: other, type: int, from: [\"within 31 days\"] }}\n",
            columns("WITHIN 31 DAYS (2)")
        ),
    );
    let intake = both.take_in("p.csv", &text).expect("takes in");
    assert_eq!(
        (both.column(&intake, "other"), both.column(&intake, "num")),
        (vec!["1".to_owned()], vec!["2".to_owned()])
    );
    let unclear = open("csv: {}", &columns("WITHIN 31 DAYS"));
    assert_says(
        &unclear.refused("p.csv", &text),
        Code::Header,
        &["2 headings fit", "(1)", "(2)"],
    );
}

#[test]
fn a_heading_may_be_found_by_pattern() {
    let world = open(
        "csv: {}",
        "  - { name: a, type: string }\n  - { name: y8, type: int, from_pattern: \"^year 8 .*females.* vaccinated$\" }\n",
    );
    let text = "a,\"Year 8\nnumber of females  vaccinated\",Year 8 females %\nx,5,6\n";
    let intake = world.take_in("p.csv", text).expect("takes in");
    assert_eq!(world.column(&intake, "y8"), ["5"]);
    assert_says(
        &world.refused_file("p.csv", "a,Year 9\nx,1\n"),
        Code::Header,
        &["that fits `^year 8", "`y8`"],
    );
}

#[test]
fn a_missing_column_may_be_said_instead() {
    let columns = "  - { name: a, type: string }\n  - { name: b, type: int }\n  - { name: c, type: int, missing: error }\non_missing_column: warn\n";
    let world = open("csv: {}", columns);
    let intake = world.take_in("p.csv", "a,c\nx,1\n").expect("takes in");
    assert_eq!(world.column(&intake, "b"), ["null"]);
    assert!(intake.warnings[0].message.contains("`b`"));
    assert_says(
        &world.refused_file("p.csv", "a,b\nx,1\n"),
        Code::Header,
        &["`c`"],
    );
}

#[test]
fn line_ends_may_be_mixed() {
    let world = open("csv: {}", "  - { name: a, type: int }\n");
    let intake = world
        .take_in("p.csv", "a\r\n1\n2\r3\r\n\r\n4")
        .expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["1", "2", "3", "4"]);
    assert_eq!(world.column(&intake, "_line"), ["2", "3", "4", "6"]);
}

#[test]
fn a_hundred_thousand_columns_are_read_or_refused_in_few_words() {
    let mut header = "a".to_owned();
    let mut row = "1".to_owned();
    for n in 0..100_000 {
        write!(header, ",c{n}").expect("writes");
        row.push_str(",2");
    }
    let world = open("csv: {}", "  - { name: a, type: int }\n");
    let intake = world
        .take_in("p.csv", format!("{header}\n{row}\n"))
        .expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["1"]);
    assert!(intake.warnings[0].message.len() < 1_000);
    let strict = open(
        "csv: {}",
        "  - { name: a, type: int }\non_new_column: error\n",
    );
    let error = strict.refused("p.csv", format!("{header}\n{row}\n"));
    assert!(words(&error).len() < 1_000);
}

#[test]
fn fixed_widths_are_cut_by_character() {
    let world = open(
        "fixed_width: { header_row: 2, skip_rows: [{ name: trailer, pattern: \"^END\" }], columns: { nhs: { start: 1, width: 4 }, name: { start: 6, width: 5 }, Count: { start: 11, width: 3 } } }",
        "  - { name: code, type: string, from: [nhs] }\n  - { name: name, type: string }\n  - { name: count, type: int }\n",
    );
    let text = "EXTRACT 2026\ncode name nn\n0001 Année 12\n0002 Bo    3\n\n0003 Cy\nEND 3\n";
    let intake = world.take_in("p.csv", text).expect("takes in");
    assert_eq!(world.column(&intake, "code"), ["0001", "0002", "0003"]);
    assert_eq!(world.column(&intake, "name"), ["Année", "Bo", "Cy"]);
    assert_eq!(world.column(&intake, "count"), ["12", "3", "null"]);
    assert_eq!(world.column(&intake, "_line"), ["3", "4", "6"]);
    assert_eq!(intake.dropped_by.get("trailer"), Some(&1));
    assert_eq!(intake.received, 4);
}

const JSON: &str = "  - { name: a, type: string }\n  - { name: num, type: float, from: [Count] }\n  - { name: ok, type: boolean, missing: as_null }\n";

#[test]
fn json_lines_have_their_keys_anywhere() {
    let world = open("json_lines: {}", JSON);
    let text = "{\"a\":\"x\",\"extra\":{\"k\":1}}\n\n{\"count\":2.50,\"a\":null,\"ok\":true}\r\n{\"a\":\"Ann\\u00e9e\",\"count\":-3}\n";
    let intake = world.take_in("p.csv", text).expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["x", "null", "Année"]);
    assert_eq!(world.column(&intake, "num"), ["null", "2.5", "-3.0"]);
    assert_eq!(world.column(&intake, "ok"), ["null", "true", "null"]);
    assert_eq!(world.column(&intake, "_line"), ["1", "3", "4"]);
    assert_eq!(intake.new_columns, ["extra"]);
}

#[test]
fn a_line_that_is_no_object_goes_to_quarantine_without_its_text() {
    let world = open("json_lines: {}", JSON);
    let text = "{\"a\":\"x\",\"count\":1}\n{\"a\":\"secret\"\nnot json\n[1]\n{\"a\":[1],\"count\":1}\n{\"a\":\"y\",\"a\":\"z\"}\n{\"a\":\"x\",\"count\":123456789012345678901234}\n{\"a\":\"w\",\"count\":2} x\n";
    let intake = world.take_in("p.csv", text).expect("takes in");
    assert_eq!((intake.received, intake.good), (8, 1));
    let refused = world.quarantine(&intake);
    let lines: Vec<i64> = refused.iter().map(|r| r.line).collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8]);
    for row in &refused {
        assert_eq!(row.rule, "json");
        assert!(!row.reason.contains("secret") && !row.reason.contains("not json"));
    }
    assert_eq!(
        (refused[3].column.as_str(), refused[4].column.as_str()),
        ("a", "a")
    );
    assert!(refused[4].reason.contains("twice"));
}

#[test]
fn a_key_that_no_row_has_is_a_missing_column() {
    let world = open("json_lines: {}", JSON);
    let error = world.refused("p.csv", "{\"a\":1}\n{\"a\":2}\n");
    assert_says(&error, Code::Header, &["`Count`"]);
    let intake = world.take_in("p.csv", "\n").expect("takes in");
    assert_eq!(intake.received, 0);
}

#[test]
fn two_digit_years_of_births_and_of_events_are_two_things() {
    let world = open(
        "csv: {}",
        r#"
  - { name: birth_date, type: date, formats: ["%d-%b-%y"], two_digit_years_from: 1926 }
  - { name: event_date, type: date, formats: ["%d-%b-%y"] }
  - { name: seen_at, type: timestamp, formats: ["%d/%m/%y %H:%M"], two_digit_years_from: 2001 }
"#,
    );
    let intake = world
        .take_in(
            "p.csv",
            "birth_date,event_date,seen_at\n05-Mar-52,05-Mar-26,05/03/00 10:30\n01-Jan-25,31-Dec-99,05/03/26 10:30\n",
        )
        .expect("takes in");
    assert_eq!(
        world.column(&intake, "birth_date"),
        ["1952-03-05", "2025-01-01"]
    );
    assert_eq!(
        world.column(&intake, "event_date"),
        ["2026-03-05", "1999-12-31"]
    );
    assert_eq!(
        world.column(&intake, "seen_at"),
        ["2100-03-05T10:30:00Z", "2026-03-05T10:30:00Z"]
    );
}
