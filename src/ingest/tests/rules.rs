//! What happens to rows that break a rule.

use super::*;
use crate::ingest::About;
use crate::spec::OnFail;
use datafusion::logical_expr::col;
use datafusion::prelude::lit;

pub(super) fn source(columns: &str) -> World {
    World::new(&format!(
        "sensitivity: pseudonymised\nfiles: {{ path: p.csv, csv: {{}} }}\ncolumns:\n{columns}"
    ))
}

fn row_rule(on_fail: OnFail) -> RowRule {
    RowRule {
        name: "b_after_a".to_owned(),
        // Int64 against Int32: coerced once, when the file starts.
        test: RowTest::Expression(col("b").gt_eq(col("a")).and(col("b").lt(lit(100_i32)))),
        on_fail,
        warn_if: None,
        error_if: None,
    }
}

pub(super) const TWO: &str =
    "  - { name: a, type: int, required: true }\n  - { name: b, type: int }\n";

#[test]
fn every_broken_rule_is_recorded_and_the_row_counted_once() {
    let world = source(
        "  - { name: a, type: int }\n  - { name: c, type: string, accepted: [x, xy], pattern: \"x.?\" }\n  - { name: d, type: date, required: true }\n",
    );
    let intake = world
        .take_in(
            "p.csv",
            "a,c,d\n1,x,2026-01-01\nbad,O'Neil 7,\n2,,2026-02-31\n",
        )
        .expect("takes in");
    assert_eq!(
        (intake.received, intake.good, intake.quarantined),
        (3, 1, 2)
    );
    let refused = world.quarantine(&intake);
    let seen: Vec<(i64, &str, &str, &str)> = refused
        .iter()
        .map(|r| {
            (
                r.line,
                r.column.as_str(),
                r.rule.as_str(),
                r.masked.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (3, "a", "valid", "aaa"),
            (3, "c", "accepted", "a'aaaa 9"),
            (3, "c", "pattern", "a'aaaa 9"),
            (3, "d", "required", ""),
            (4, "d", "valid", "9999-99-99"),
        ]
    );
    let counts: u64 = intake.rules.iter().map(|r| r.count).sum();
    assert_eq!(counts, 5);
}

#[test]
fn warn_keeps_the_row_and_empties_only_what_does_not_read() {
    let world = source(
        "  - { name: a, type: int, checks: [{ valid: { on_fail: warn, warn_if: \"> 1\" } }] }\n  - { name: c, type: string, accepted: [x], checks: [{ accepted: { on_fail: warn } }] }\n",
    );
    let intake = world
        .take_in("p.csv", "a,c\nbad,y\n1,x\n")
        .expect("takes in");
    assert_eq!((intake.good, intake.quarantined), (2, 0));
    assert_eq!(world.column(&intake, "a"), ["null", "1"]);
    assert_eq!(world.column(&intake, "c"), ["y", "x"]);
    // One broken `valid` is not above its own limit; `accepted` has none.
    assert_eq!(intake.warnings.len(), 1);
    assert!(intake.warnings[0].message.contains("`accepted` of `c`"));
    assert_eq!(intake.findings(About::Rule).len(), 1);
}

#[test]
fn a_rule_on_rows_sees_typed_values_and_null_passes() {
    let world = source(TWO).with_rule(row_rule(OnFail::Quarantine));
    let intake = world
        .take_in("p.csv", "a,b\n1,2\n3,2\n4,\n5,x\n6,500\n")
        .expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["1", "4"]);
    let rules: Vec<(i64, String)> = world
        .quarantine(&intake)
        .into_iter()
        .map(|r| (r.line, r.rule))
        .collect();
    let expected = [(3, "b_after_a"), (5, "valid"), (6, "b_after_a")];
    assert_eq!(rules, expected.map(|(l, r)| (l, r.to_owned())));
}

#[test]
fn reject_file_sends_every_row_to_quarantine() {
    let world = source(TWO).with_rule(row_rule(OnFail::RejectFile));
    let intake = world
        .take_in("p.csv", "a,b\n1,2\n3,2\n4,5\n")
        .expect("takes in");
    assert_eq!(
        (intake.received, intake.good, intake.quarantined),
        (3, 0, 3)
    );
    assert_eq!(intake.staged.rows, 0);
    assert_eq!(intake.rejected_by.as_deref(), Some("`b_after_a`"));
    let refused = world.quarantine(&intake);
    let rules: Vec<(i64, &str)> = refused.iter().map(|r| (r.line, r.rule.as_str())).collect();
    assert_eq!(
        rules,
        [(3, "b_after_a"), (2, "file_rejected"), (4, "file_rejected")]
    );
    assert!(intake.warnings[0].message.contains("whole file"));
    let good = world.take_in("p.csv", "a,b\n1,2\n").expect("takes in");
    assert_eq!((good.good, good.rejected_by), (1, None));
}

#[test]
fn a_threshold_stops_the_file_and_stages_nothing() {
    let world =
        source("  - { name: a, type: int, checks: [{ valid: { error_if: \"> 25%\" } }] }\n");
    let intake = world
        .take_in("p.csv", "a\n1\n2\n3\nx\n")
        .expect("a quarter is allowed");
    assert_eq!(intake.quarantined, 1);
    let world =
        source("  - { name: a, type: int, checks: [{ valid: { error_if: \"> 25%\" } }] }\n");
    let error = world.refused("p.csv", "a\n1\n2\nx\nJones\n");
    assert_says(
        &error,
        Code::Threshold,
        &[
            "2 of 4 rows",
            "`valid` of `a`",
            "> 25%",
            "line 4",
            "p.csv:4 column a",
            "quarantine/people",
        ],
    );
    assert!(!words(&error).contains("Jones"));
}

#[test]
fn on_fail_error_allows_none() {
    let world = source("  - { name: a, type: int, checks: [{ valid: { on_fail: error } }] }\n");
    assert_says(
        &world.refused("p.csv", "a\n1\nx\n"),
        Code::Threshold,
        &["1 of 2 rows", "none may"],
    );
    assert!(world.take_in("p.csv", "a\n1\n").is_ok());
}

#[test]
fn a_rule_that_fails_on_a_row_says_so_without_the_value() {
    let mut rule = row_rule(OnFail::Quarantine);
    rule.test = RowTest::Expression((lit(10_i64) / col("a")).gt(lit(1_i64)));
    let world = source(TWO).with_rule(rule);
    let error = world.refused("p.csv", "a,b\n0,4711\n");
    assert_says(&error, Code::SqlRun, &["b_after_a", "p.csv"]);
    assert!(!words(&error).contains("4711"));
}

#[test]
fn an_nhs_number_is_nowhere_after_ingestion() {
    let strict = PEOPLE.replace("on_fail: warn", "on_fail: quarantine");
    let world = World::new(&strict);
    let text = "nhs_number,birth_date,sex,score\n9434765919,01/02/1950,F,1\n9434765918,x,F,1\n";
    let intake = world.take_in("people.csv", text).expect("takes in");
    let record = serde_json::to_string(&intake).expect("JSON");
    let staged = format!("{:?}", world.staged(&intake));
    let refused = world.quarantine(&intake);
    assert_eq!(refused[0].masked, "**********");
    for digits in ["94347659", "9434765918", "943 476"] {
        assert!(!record.contains(digits));
        assert!(!staged.contains(digits));
        assert!(!format!("{refused:?}").contains(digits));
    }
}

#[test]
fn a_pseudonym_needs_a_key_and_an_nhs_number_a_pseudonym() {
    let world = World::new(PEOPLE);
    world.put("people.csv", "nhs_number,birth_date,sex,score\n");
    let arrived = world.arrived("people.csv");
    let result = ingest(
        &world.node,
        &world.table,
        &arrived,
        &world.lake(),
        "k",
        None,
        &world.related,
    );
    assert_says(
        &one(result.expect_err("no key")),
        Code::Secret,
        &["`nhs_number`", "pseudonym_key"],
    );
    let bare = World::new(&PEOPLE.replace("pseudonymise: person_key, ", ""));
    let error = bare.refused("people.csv", "nhs_number,birth_date,sex,score\n");
    assert_says(&error, Code::NotSupported, &["pseudonymise"]);
}
