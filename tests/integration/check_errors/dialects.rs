//! How a file is to be read, and cannot be.

use super::{assert_places, with_pipeline};

#[test]
fn what_a_reader_and_a_column_cannot_mean() {
    let world = with_pipeline(
        r#"pipeline: clinic
sources:
  twice:
    sensitivity: open
    files:
      path: a.csv
      csv:
        header_row: 3
        header_pattern: "(["
        preamble:
          lifted: { pattern: "no group", type: date, formats: ["%Q"] }
          value_note: { pattern: "(?<value>x)", type: nhs_number }
        skip_rows: [ { name: footer, pattern: "^Total" }, { name: footer, pattern: "*" } ]
    columns:
      - { name: value, type: int, suppressed: ["*", "x"], nulls: ["x"] }
      - { name: word, type: string, number: { thousands: "," }, true_values: ["yea"] }
      - { name: flag, type: boolean, true_values: ["Attended"], false_values: ["attended"] }
      - { name: found, type: string, from_pattern: "(" }
  above:
    sensitivity: open
    files:
      path: b.xlsx
      excel: { sheet: "One", sheet_pattern: "Two", preamble: { title: { pattern: "(?<value>x)", type: string } } }
    columns: [ { name: a, type: string } ]
  wide:
    sensitivity: open
    files:
      path: c.txt
      fixed_width: { columns: { nmae: { start: 1, width: 3 } } }
    columns: [ { name: name, type: string } ]
  packed:
    sensitivity: open
    files:
      path: d.zip
      zip: { member: "both", csv: {}, excel: {} }
    columns: [ { name: a, type: string } ]
"#,
    );
    world.remove("sql");
    let file = "pipelines/clinic.yaml";
    assert_places(
        &world,
        &[
            ("wrong-value", file, "3\n", 0),
            ("wrong-value", file, "\"([\"", 0),
            ("wrong-value", file, "\"no group\"", 0),
            ("wrong-value", file, "\"%Q\"", 0),
            ("wrong-value", file, "nhs_number", 0),
            ("duplicate-name", file, "value_note", 0),
            ("wrong-value", file, "footer", 1),
            ("wrong-value", file, "\"*\"", 0),
            ("wrong-value", file, "\"x\"", 0),
            ("wrong-value", file, "{ thousands", 0),
            ("wrong-value", file, "\"yea\"", 0),
            ("wrong-value", file, "\"attended\"", 0),
            ("wrong-value", file, "\"(\"", 0),
            ("wrong-value", file, "title", 0),
            ("wrong-value", file, "\"One\"", 0),
            ("unknown-name", file, "nmae", 0),
            ("wrong-value", file, "\"both\"", 0),
        ],
    );
}
