//! What a staged file is keyed by.

use super::*;
use datafusion::scalar::ScalarValue;

fn key(yaml: &str, shown: &str, capture: &str, id: Option<&str>) -> String {
    let captures = vec![("p".to_owned(), ScalarValue::from(capture))];
    let keys = StagingKeys::of_source(&World::new(yaml).node, id, &BTreeMap::new());
    keys.of("hash", shown, &captures)
}

#[test]
fn all_that_decides_the_bytes_decides_the_key_and_nothing_else() {
    let base = key(PEOPLE, "f.csv", "a", Some("k"));
    let moved = PEOPLE.replace("sensitivity", "# a comment moves every span\nsensitivity");
    let described = PEOPLE.replace("type: date,", "type: date, description: Day of birth.,");
    assert_eq!(base, key(&moved, "f.csv", "a", Some("k")));
    assert_eq!(base, key(&described, "f.csv", "a", Some("k")));
    let changes = [
        key(PEOPLE, "g.csv", "a", Some("k")),
        key(PEOPLE, "f.csv", "b", Some("k")),
        key(PEOPLE, "f.csv", "a", Some("l")),
        key(PEOPLE, "f.csv", "a", None),
        key(
            &PEOPLE.replace("%d/%m/%Y", "%d-%m-%Y"),
            "f.csv",
            "a",
            Some("k"),
        ),
        key(
            &PEOPLE.replace("[F, M, I, U]", "[F, M]"),
            "f.csv",
            "a",
            Some("k"),
        ),
        key(
            &PEOPLE.replace("scale: 1", "scale: 2"),
            "f.csv",
            "a",
            Some("k"),
        ),
        key(
            &PEOPLE.replace("csv: {}", "csv: { delimiter: \";\" }"),
            "f.csv",
            "a",
            Some("k"),
        ),
        key(
            &PEOPLE.replace("on_fail: warn", "on_fail: error"),
            "f.csv",
            "a",
            Some("k"),
        ),
        key(
            &PEOPLE.replace("scale: 1 } },", "scale: 1 } }, min: 0,"),
            "f.csv",
            "a",
            Some("k"),
        ),
        key(
            &PEOPLE.replace("type: string, ", "type: string, unique: true, "),
            "f.csv",
            "a",
            Some("k"),
        ),
        key(
            &PEOPLE.replace("type: string, ", "type: string, identifiable: true, "),
            "f.csv",
            "a",
            Some("k"),
        ),
        key(
            &PEOPLE.replace("sensitivity: identifiable", "sensitivity: open"),
            "f.csv",
            "a",
            Some("k"),
        ),
    ];
    for (i, changed) in changes.iter().enumerate() {
        assert_ne!(&base, changed, "change {i}");
    }
}

#[test]
fn what_rules_look_into_decides_the_key() {
    let mut world = World::new(PEOPLE);
    let of = |node: &SourceNode, content: &str| {
        let contents = BTreeMap::from([("reference.x".to_owned(), content.to_owned())]);
        StagingKeys::of_source(node, None, &contents).of("hash", "f.csv", &[])
    };
    assert_ne!(of(&world.node, "before"), of(&world.node, "after"));
    let plain = of(&world.node, "before");
    world.node.drops.push(crate::compile::DropRule {
        name: "totals".to_owned(),
        expression: datafusion::prelude::lit(false),
    });
    assert_ne!(plain, of(&world.node, "before"));
}

#[test]
fn every_option_of_a_reader_and_of_a_column_decides_the_key() {
    let with = |what: &str, by: &str| {
        assert!(PEOPLE.contains(what), "{what}");
        key(&PEOPLE.replacen(what, by, 1), "f.csv", "a", Some("k"))
    };
    let files = |reader: &str| with("csv: {}", reader);
    let score = |option: &str| with("nulls: [\"n/a\"]", option);
    let keys = [
        with("csv: {}", "csv: {}"),
        files("csv: { encoding: utf-16le }"),
        files("csv: { header_row: 2 }"),
        files("csv: { header_pattern: x }"),
        files("csv: { header_row: 2, preamble: { p: { pattern: \"(?<value>x)\", type: date } } }"),
        files(
            "csv: { header_row: 2, preamble: { p: { pattern: \"(?<value>x)\", type: date, formats: [\"%Y\"] } } }",
        ),
        files("csv: { skip_rows: [{ name: a, pattern: x }] }"),
        files("csv: { skip_rows: [{ name: b, pattern: x }] }"),
        files("json_lines: {}"),
        files("json_lines: { encoding: utf-8 }"),
        files("fixed_width: { columns: { sex: { start: 1, width: 2 } } }"),
        files("fixed_width: { columns: { sex: { start: 1, width: 3 } } }"),
        files("excel: { sheet_pattern: x }"),
        files("excel: { header_rows: 2 }"),
        files("excel: { header_pattern: x }"),
        files("zip: { member: x }"),
        files("zip: { member: x, excel: {} }"),
        files("zip: { member: x, json_lines: {} }"),
        with(
            "sensitivity: identifiable",
            "sensitivity: identifiable\non_missing_column: warn",
        ),
        with(
            "sensitivity: identifiable",
            "sensitivity: identifiable\non_retyped_column: warn",
        ),
        with(
            "excel_serial] }",
            "excel_serial], two_digit_years_from: 1926 }",
        ),
        with(
            "type: date, formats: [\"%d/%m/%Y\", excel_serial]",
            "type: { timestamp: \"%d/%m/%Y\" }",
        ),
        with(
            "type: date, formats: [\"%d/%m/%Y\", excel_serial]",
            "type: { timestamp: \"%d/%m/%y\" }",
        ),
        score("suppressed: [\"*\"]"),
        score("number: { thousands: \",\" }"),
        score("number: { per_cent: points }"),
        score("number: { per_cent: fraction }"),
        score("number: { currency: x }"),
        score("from_pattern: x"),
        score("missing: as_null"),
        score("missing: error"),
        score("true_values: [x]"),
        score("false_values: [x]"),
    ];
    let different: std::collections::BTreeSet<&String> = keys.iter().collect();
    assert_eq!(different.len(), keys.len());
}

#[test]
fn a_record_without_its_rows_does_not_count() {
    let world = World::new(PEOPLE);
    let text = "nhs_number,birth_date,sex,score\n";
    let intake = world.take_in("people.csv", text).expect("takes in");
    let recorded = || Intake::recorded(&world.lake(), &world.table, &intake.key);
    assert!(recorded().expect("reads").is_some());
    fs::remove_file(intake.staged.path_in(&world.lake())).expect("removes");
    assert!(recorded().expect("reads").is_none());
    fs::write(world.lake().intake("people", &intake.key), "{").expect("writes");
    assert_says(
        &one(recorded().expect_err("damaged")),
        Code::State,
        &["remove it"],
    );
}
