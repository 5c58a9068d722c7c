//! Whatever is done to a file, every row is staged, in quarantine, or the file is refused.

use super::*;
use proptest::prelude::*;

const GOOD: &str = "nhs_number,birth_date,sex,score\n9434765919,01/02/1950,F,1.5\n,18264,M,n/a\n\"943-476-5870\",02/02/1950,I,\"1000\"\n4010232137,29/02/2024,U,\n";

/// The same source with every kind of rule, and a rule that drops rows.
fn strict() -> World {
    let text = PEOPLE
        .replace("person_key, checks", "person_key, unique: true, checks")
        .replace("nulls: [\"n/a\"]", "nulls: [\"n/a\"], min: 0, max: 999.9")
        .replace(
            "type: date,",
            "type: date, min: 1900-01-01, required: true,",
        );
    let mut world = World::new(&text);
    world.node.drops.push(crate::compile::DropRule {
        name: "unknown_sex".to_owned(),
        expression: datafusion::prelude::col("sex").eq(datafusion::prelude::lit("U")),
    });
    world.with_rule(RowRule {
        name: "one_a_day".to_owned(),
        test: RowTest::Unique(vec!["birth_date".to_owned(), "sex".to_owned()]),
        on_fail: crate::spec::OnFail::Quarantine,
        warn_if: None,
        error_if: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rows_are_conserved_under_mutation(
        changes in prop::collection::vec((0_usize..400, any::<u8>(), 0_u8..3), 0..8)
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte, what) in changes {
            let at = at % bytes.len().max(1);
            match what {
                0 if !bytes.is_empty() => bytes[at] = byte,
                1 if !bytes.is_empty() => { bytes.remove(at); }
                _ => bytes.insert(at, byte),
            }
        }
        for world in [World::new(PEOPLE), strict()] {
            match world.take_in("people.csv", &bytes) {
                Ok(intake) => {
                    prop_assert!(intake.conserved(&world.lake()).is_ok());
                    prop_assert_eq!(
                        intake.received,
                        intake.good + intake.quarantined + intake.dropped()
                    );
                    prop_assert_eq!(intake.staged.rows, intake.good);
                    let mut lines: Vec<i64> =
                        world.quarantine(&intake).iter().map(|r| r.line).collect();
                    lines.dedup();
                    prop_assert_eq!(lines.len() as u64, intake.quarantined);
                }
                Err(errors) => {
                    for error in errors.iter() {
                        prop_assert!(error.code != Code::Bug && error.code != Code::Conservation);
                        prop_assert!(!words(error).contains("943476"));
                    }
                }
            }
        }
    }
}

#[test]
fn every_kind_of_rule_at_once_adds_up_by_hand() {
    let world = strict();
    // Line 2 good; 3 the same person; 4 without a day of birth; 5 too great a score; 6 dropped; 7
    // the same day and sex as line 2; 8 good.
    let text = "nhs_number,birth_date,sex,score\n\
        9434765919,01/02/1950,F,1\n\
        9434765919,02/02/1950,F,1\n\
        ,,M,1\n\
        9434765870,03/02/1950,F,1000\n\
        ,04/02/1950,U,-5\n\
        ,01/02/1950,F,2\n\
        9434765870,05/02/1950,I,999.9\n";
    let intake = world.take_in("people.csv", text).expect("takes in");
    assert_eq!(
        (
            intake.received,
            intake.good,
            intake.quarantined,
            intake.dropped()
        ),
        (7, 2, 4, 1)
    );
    assert_eq!(world.column(&intake, "_line"), ["2", "8"]);
    let refused: Vec<(i64, String)> = world
        .quarantine(&intake)
        .into_iter()
        .map(|r| (r.line, r.rule))
        .collect();
    let expected = [
        (3, "unique"),
        (4, "required"),
        (5, "range"),
        (7, "one_a_day"),
    ];
    assert_eq!(refused, expected.map(|(l, r)| (l, r.to_owned())));
}
