//! Ranges, keys, what must stand in another table, what is dropped, and whether it all adds up.

use super::rules::{TWO, source};
use super::*;
use crate::spec::OnFail;
use datafusion::logical_expr::col;
use datafusion::prelude::lit;

/// The lines of the quarantine with their rules, in their order.
fn refused(world: &World, intake: &Intake) -> Vec<(i64, String)> {
    let rows = world.quarantine(intake);
    rows.into_iter().map(|r| (r.line, r.rule)).collect()
}

fn lines(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected
        .iter()
        .map(|(l, r)| (*l, (*r).to_owned()))
        .collect()
}

#[test]
fn both_ends_of_a_range_are_in_it_and_null_is_not_judged() {
    let world = source(
        "  - { name: years, type: int, min: 0, max: 120 }\n  - { name: d, type: { decimal: { precision: 5, scale: 2 } }, max: 1.5 }\n  - { name: f, type: float, min: -0.5 }\n  - { name: day, type: date, min: 2026-01-01, max: 2026-03-31 }\n  - { name: at, type: timestamp, max: 2026-03-31 }\n  - { name: m, type: month, min: 2026-01 }\n",
    );
    let text = "years,d,f,day,at,m\n\
        0,1.50,-0.5,2026-01-01,2026-03-31T23:59:59,2026-01\n\
        120,-9,0,2026-03-31,2026-03-31,2027-12\n\
        ,,,,,\n\
        -1,,,,,\n\
        121,,,,,\n\
        5,1.51,,,,\n\
        5,,-0.51,,,\n\
        5,,,2025-12-31,,\n\
        5,,,2026-04-01,,\n\
        5,,,,2026-04-01T00:00:00,\n\
        5,,,,,2025-12\n\
        x,,,,,\n";
    let intake = world.take_in("p.csv", text).expect("nine is a handful");
    assert_eq!((intake.good, intake.quarantined), (3, 9));
    let rows = world.quarantine(&intake);
    let seen: Vec<(i64, &str, &str)> = rows
        .iter()
        .map(|r| (r.line, r.column.as_str(), r.reason.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            (5, "years", "not from 0 to 120"),
            (6, "years", "not from 0 to 120"),
            (7, "d", "more than 1.5"),
            (8, "f", "less than -0.5"),
            (9, "day", "not from 2026-01-01 to 2026-03-31"),
            (10, "day", "not from 2026-01-01 to 2026-03-31"),
            (11, "at", "more than 2026-03-31"),
            (12, "m", "less than 2026-01"),
            (
                13,
                "years",
                "not a whole number; `number` allows separators, currency and per cent"
            ),
        ]
    );
    assert!(rows[..8].iter().all(|r| r.rule == "range"));
    // The source is of persons: their values are shapes.
    assert_eq!(rows[1].masked, "999");
}

#[test]
fn of_rows_with_one_key_the_first_that_stands_is_kept() {
    let world =
        source("  - { name: a, type: string, unique: true }\n  - { name: b, type: int, min: 0 }\n");
    // Line 2 is refused for its own fault, so line 3 is the first `x` that stands. Null is no key,
    // and `Z` is not `z`.
    let text = "a,b\nx,-1\nx,2\nx,2\nx,3\n,1\n,1\nz,1\nZ,1\n";
    let intake = world.take_in("p.csv", text).expect("takes in");
    assert_eq!((intake.good, intake.quarantined), (5, 3));
    assert_eq!(world.column(&intake, "b"), ["2", "1", "1", "1", "1"]);
    let rows = world.quarantine(&intake);
    let seen: Vec<(i64, &str, &str)> = rows
        .iter()
        .map(|r| (r.line, r.rule.as_str(), r.reason.as_str()))
        .collect();
    let again = "an earlier row of the file has the same value: line 3";
    assert_eq!(
        seen,
        [
            (2, "range", "less than 0"),
            (4, "unique", again),
            (5, "unique", again)
        ]
    );
    assert_eq!(rows[1].masked, "a");
}

#[test]
fn trap_16_a_person_twice_in_a_file_is_found_by_the_pseudonym_however_the_number_is_spaced() {
    let world =
        World::new(&PEOPLE.replace("person_key, checks", "person_key, unique: true, checks"));
    // One number under two dates of birth; and numbers that are nobody's do not meet.
    let text = "nhs_number,birth_date,sex,score\n9434765919,01/02/1950,F,1\n943 476 5919,02/02/1950,F,1\n4010232138,01/01/1950,F,1\n4010232138,01/01/1950,F,1\n0000000000,01/01/1950,F,1\n0000000000,01/01/1950,F,1\n";
    let intake = world.take_in("people.csv", text).expect("takes in");
    assert_eq!((intake.good, intake.quarantined), (5, 1));
    let rows = world.quarantine(&intake);
    assert_eq!((rows[0].line, rows[0].masked.as_str()), (3, "**********"));
    assert_eq!(rows[0].column, "nhs_number");
}

fn unique_rule(on_fail: OnFail) -> RowRule {
    RowRule {
        name: "one_a_day".to_owned(),
        test: RowTest::Unique(vec!["a".to_owned(), "b".to_owned()]),
        on_fail,
        warn_if: None,
        error_if: None,
    }
}

#[test]
fn rows_agree_on_all_columns_of_a_key_or_not_at_all_across_batches() {
    let world = source(TWO).with_rule(unique_rule(OnFail::Quarantine));
    let intake = world
        .take_in("p.csv", "a,b\n1,2\n12,\n1,3\n1,2\n12,\n")
        .expect("takes in");
    assert_eq!(refused(&world, &intake), lines(&[(5, "one_a_day")]));
    let rows = world.quarantine(&intake);
    let reason = "an earlier row of the file has the same a, b: line 2";
    assert_eq!(
        (rows[0].reason.as_str(), rows[0].masked.as_str()),
        (reason, "")
    );

    // More rows than a batch has, the last as the first.
    let mut text = String::from("a,b\n");
    for n in 0..20_000 {
        text.push_str(&format!("{n},{n}\n"));
    }
    text.push_str("0,0\n");
    let intake = world.take_in("p.csv", &text).expect("takes in");
    assert_eq!((intake.good, intake.quarantined), (20_000, 1));
    assert_eq!(refused(&world, &intake), lines(&[(20_002, "one_a_day")]));
}

#[test]
fn a_repeated_key_is_handled_as_every_rule_is() {
    let text = "a,b\n1,2\n1,2\n3,4\n";
    let take = |on_fail| {
        let world = source(TWO).with_rule(unique_rule(on_fail));
        world.take_in("p.csv", text)
    };
    let warned = take(OnFail::Warn).expect("takes in");
    assert_eq!((warned.good, warned.quarantined), (3, 0));
    assert_eq!((warned.rules[0].count, warned.rules[0].first_line), (1, 3));
    let rejected = take(OnFail::RejectFile).expect("takes in");
    assert_eq!((rejected.good, rejected.quarantined), (0, 3));
    assert_eq!(rejected.rejected_by.as_deref(), Some("`one_a_day`"));
    let error = one(take(OnFail::Error).expect_err("an error"));
    assert_says(
        &error,
        Code::Threshold,
        &["1 of 3 rows", "none may", "line 3"],
    );
}

fn related(world: &mut World) {
    let there = source("  - { name: code, type: ods_code }\n");
    let known = there
        .take_in("p.csv", "code\nG82001\ng82002\n\n")
        .expect("takes in");
    let table = TableName::new(TableKind::Reference, "practices");
    world.node.rules.push(RowRule {
        name: "known_practice".to_owned(),
        test: RowTest::Relationship {
            column: "practice".to_owned(),
            table: table.clone(),
            field: "code".to_owned(),
        },
        on_fail: OnFail::Quarantine,
        warn_if: None,
        error_if: None,
    });
    let path = known.staged.path_in(&there.lake());
    world.related = Related::read(&world.node, |asked| {
        assert_eq!(*asked, table);
        vec![path.clone()]
    })
    .expect("reads");
}

#[test]
fn a_value_must_stand_in_the_reference_and_null_passes() {
    let mut world = source("  - { name: practice, type: ods_code }\n");
    related(&mut world);
    let intake = world
        .take_in(
            "p.csv",
            "practice,x\ng82001,\nG82002,\nG82003,\n,1\nbad code,\n",
        )
        .expect("takes in");
    assert_eq!(
        world.column(&intake, "practice"),
        ["G82001", "G82002", "null"]
    );
    let rows = world.quarantine(&intake);
    let seen: Vec<(i64, &str, &str, &str, &str)> = rows
        .iter()
        .map(|r| {
            (
                r.line,
                r.column.as_str(),
                r.rule.as_str(),
                r.reason.as_str(),
                r.masked.as_str(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (
                4,
                "practice",
                "known_practice",
                "not in reference.practices.code",
                "a99999"
            ),
            (
                6,
                "practice",
                "valid",
                "not three to eight letters and digits",
                "aaa aaaa"
            ),
        ]
    );
}

fn drop_totals(mut world: World, expression: datafusion::logical_expr::Expr) -> World {
    world.node.drops.push(crate::compile::DropRule {
        name: "totals".to_owned(),
        expression,
    });
    world
}

#[test]
fn a_dropped_row_is_counted_and_judged_by_no_other_rule() {
    let columns = "  - { name: kind, type: string, accepted: [lung, liver, ALL] }\n  - { name: b, type: int, max: 100, required: true }\n";
    let world = drop_totals(source(columns), col("kind").eq(lit("ALL")));
    // The total is too great for the contract, and stands twice; a row without a kind is kept, and
    // so is one whose number does not read.
    let text = "kind,b\nlung,60\nliver,70\nALL,130\nALL,\n,5\nlung,x\n";
    let intake = world.take_in("p.csv", text).expect("takes in");
    assert_eq!(
        (intake.received, intake.good, intake.quarantined),
        (6, 3, 1)
    );
    let counts: Vec<(&str, u64)> = intake
        .dropped_by
        .iter()
        .map(|(n, c)| (n.as_str(), *c))
        .collect();
    assert_eq!(counts, [("totals", 2)]);
    assert_eq!(world.column(&intake, "b"), ["60", "70", "5"]);
    assert_eq!(world.column(&intake, "_line"), ["2", "3", "6"]);
    assert_eq!(refused(&world, &intake), lines(&[(7, "valid")]));
    intake.conserved(&world.lake()).expect("adds up");
}

#[test]
fn a_condition_that_is_null_drops_nothing_and_a_dropped_row_repeats_nothing() {
    let world = drop_totals(
        source("  - { name: a, type: int, unique: true }\n  - { name: b, type: int }\n"),
        col("b").gt(lit(10_i64)),
    );
    let text = "a,b\n1,11\n1,x\n1,\n1,2\n";
    let intake = world.take_in("p.csv", text).expect("takes in");
    // Line 2 is dropped; line 3 is refused, its number being null to the condition; line 4 stands.
    assert_eq!(world.column(&intake, "_line"), ["4"]);
    assert_eq!(
        refused(&world, &intake),
        lines(&[(3, "valid"), (5, "unique")])
    );
    assert_eq!(intake.dropped(), 1);
}

#[test]
fn shares_are_of_the_rows_that_are_judged() {
    // 2 bad of 10 that are judged is a fifth; of the 12 received it would be less.
    let columns = "  - { name: a, type: int, checks: [{ valid: { error_if: \"> 19%\" } }] }\n";
    let world = drop_totals(source(columns), col("a").eq(lit(0_i64)));
    let text = "a\n0\n0\n1\n1\n1\n1\n1\n1\n1\n1\nx\nx\n";
    let error = one(world.take_in("p.csv", text).expect_err("too many"));
    assert_says(&error, Code::Threshold, &["2 of 10 rows", "> 19%"]);
}

#[test]
fn a_file_that_is_refused_leaves_its_record_beside_its_quarantine() {
    let world = source("  - { name: a, type: int, checks: [{ valid: { on_fail: error } }] }\n");
    world.put("p.csv", "a\n1\nx\n");
    let arrived = world.arrived("p.csv");
    world.take(&arrived).expect_err("an error");
    let folder = world.lake().root().join("quarantine/people");
    let mut names: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("lists")
        .map(|e| e.expect("an entry").path())
        .collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    let key = names[0]
        .file_stem()
        .expect("a key")
        .to_string_lossy()
        .into_owned();
    let record = Intake::refused(&world.lake(), &world.table, &key)
        .expect("reads")
        .expect("is there");
    assert_eq!(
        (record.received, record.good, record.quarantined),
        (2, 1, 1)
    );
    assert_eq!(record.staged.rows, 0);
    assert!(
        Intake::recorded(&world.lake(), &world.table, &key)
            .expect("reads")
            .is_none()
    );
}

#[test]
fn a_record_that_does_not_add_up_or_does_not_match_its_rows_is_a_breach() {
    let world = source("  - { name: a, type: int }\n");
    let intake = world.take_in("p.csv", "a\n1\n2\nx\n").expect("takes in");
    intake.conserved(&world.lake()).expect("adds up");
    let mut broken = Vec::new();
    broken.push(Intake {
        received: 4,
        ..intake.clone()
    });
    broken.push(Intake {
        received: 4,
        good: 3,
        ..intake.clone()
    });
    broken.push(Intake {
        received: 4,
        dropped_by: [("t".to_owned(), 2)].into(),
        ..intake.clone()
    });
    let mut other = intake.clone();
    other.quarantine.rows = 2;
    broken.push(other);
    let mut swapped = intake.clone();
    std::mem::swap(&mut swapped.staged.path, &mut swapped.quarantine.path);
    broken.push(swapped);
    for (i, record) in broken.iter().enumerate() {
        let error = record.conserved(&world.lake()).expect_err("a breach");
        let error = one(error);
        assert_says(&error, Code::Conservation, &["p.csv", "--full-refresh"]);
        assert!(!words(&error).is_empty(), "{i}");
    }
}
