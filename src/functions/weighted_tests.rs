use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Decimal128Array, Int64Array};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use proptest::prelude::*;

use super::*;
use crate::functions::tests::{answer, answer_in_any_partitions, refusal};

/// Waits of three trusts, in no order; more than one batch, so that partitions are merged.
const WAITS: &str = "(VALUES
    ('A', 40, 1.0), ('B', 9, 0.5), ('A', 10, 1.0), ('A', 20, 0.5), ('B', 7, 0.5), ('C', NULL, 1.0),
    ('A', NULL, 3.0), ('A', 10, 1.0), ('C', 5, NULL), ('A', 30, 0.5), ('C', 6, 0.0), ('B', 8, 0.0),
    ('A', 1, 0.0), ('B', 70, 1.0), ('A', 35, 1.0), ('A', 50, NULL), ('A', 60, 0.5)
) AS wait (trust, days, people)";

#[tokio::test]
async fn halves_nulls_and_zeros_in_any_partitions() {
    let query = format!(
        "SELECT trust,
                weighted_percentile(days, people, 0) AS least,
                weighted_percentile(days, people, 0.5) AS median,
                weighted_percentile(days, people, 0.9) AS p90,
                weighted_percentile(days, people, 1) AS most,
                weighted_percentile(days, people, 0.5) FILTER (WHERE days > 20) AS late,
                weighted_percentile(days, people, NULL) AS unasked
         FROM {WAITS} GROUP BY trust ORDER BY trust"
    );
    insta::assert_snapshot!(answer_in_any_partitions(&query).await, @r"
    +-------+-------+--------+-----+------+------+---------+
    | trust | least | median | p90 | most | late | unasked |
    +-------+-------+--------+-----+------+------+---------+
    | A     | 10    | 30     | 40  | 60   | 35   |         |
    | B     | 7     | 9      | 70  | 70   | 70   |         |
    | C     |       |        |     |      |      |         |
    +-------+-------+--------+-----+------+------+---------+
    ");
}

#[tokio::test]
async fn without_groups_and_without_rows() {
    let query = format!(
        "SELECT weighted_percentile(days, people, 0.5) AS median,
                weighted_percentile(days, people, 0.5) FILTER (WHERE trust = 'C') AS nobody,
                weighted_percentile(days, people, 0.5) FILTER (WHERE days > 99) AS none
         FROM {WAITS}"
    );
    insta::assert_snapshot!(answer(&query).await, @r"
    +--------+--------+------+
    | median | nobody | none |
    +--------+--------+------+
    | 30     |        |      |
    +--------+--------+------+
    ");
}

#[tokio::test]
async fn weights_and_shares_are_numbers_of_any_kind() {
    for call in [
        "(days, CAST(people AS DOUBLE), 0.5)",
        "(days, CAST(people * 2 AS BIGINT), 0.5)",
        "(days, CAST(people AS DECIMAL(9, 3)), 0.5)",
        "(CAST(days AS SMALLINT), people, CAST(0.5 AS DOUBLE))",
        "(days, people, 0.3 + 0.2)",
    ] {
        let query =
            format!("SELECT weighted_percentile{call} AS median FROM {WAITS} WHERE trust = 'A'");
        let shown = answer(&query).await;
        assert!(shown.contains("| 30     |"), "{call}: {shown}");
    }
}

#[tokio::test]
async fn in_windows_that_grow_and_that_move() {
    let query = "SELECT month,
            weighted_percentile(days, people, 0.5) OVER (ORDER BY month) AS so_far,
            weighted_percentile(days, people, 0.5) OVER (ORDER BY month ROWS 1 PRECEDING) AS of_two,
            weighted_percentile(days, people, 0.5) OVER () AS of_all
         FROM (VALUES (1, 30, 1), (2, 10, 2), (3, 30, 2), (4, NULL, 9), (5, 10, 0), (6, 20, 1))
              AS t (month, days, people)
         ORDER BY month";
    insta::assert_snapshot!(answer(query).await, @r"
    +-------+--------+--------+--------+
    | month | so_far | of_two | of_all |
    +-------+--------+--------+--------+
    | 1     | 30     | 30     | 20     |
    | 2     | 10     | 10     | 20     |
    | 3     | 30     | 10     | 20     |
    | 4     | 30     | 30     | 20     |
    | 5     | 30     |        | 20     |
    | 6     | 20     | 20     | 20     |
    +-------+--------+--------+--------+
    ");
}

#[tokio::test]
async fn what_is_refused() {
    for (call, why) in [
        ("(days, people - 1, 0.5)", "a weight is below 0"),
        ("(days, people, 1.01)", "one number from 0 to 1"),
        ("(days, people, -0.1)", "one number from 0 to 1"),
        ("(days, people, people)", "the same for all rows"),
        ("(DISTINCT days, people, 0.5)", "leave DISTINCT out"),
        ("(days, people)", "takes a value, a weight and a share"),
        ("(people, people, 0.5)", "takes a whole number"),
        ("(days, trust, 0.5)", "takes a whole number"),
        ("(days, people, '0.5')", "takes a whole number"),
    ] {
        for grouped in ["", " GROUP BY trust"] {
            let query = format!("SELECT weighted_percentile{call} FROM {WAITS}{grouped}");
            let said = refusal(&query).await;
            assert!(said.contains(why), "{call}{grouped}: {said}");
        }
    }
    // Each is a weight, and the two are beyond what 128 bits hold.
    let weight = format!("{}.0", "9".repeat(37));
    let much =
        format!("SELECT weighted_percentile(x, {weight}, 0.5) FROM (VALUES (1), (2)) AS t (x)");
    let said = refusal(&much).await;
    assert!(said.contains("more than can be added up"), "{said}");
}

const HALF: i128 = 500_000_000;

fn arrays(rows: &[(Option<i64>, Option<i128>)]) -> Vec<ArrayRef> {
    let values: Int64Array = rows.iter().map(|(value, _)| *value).collect();
    let weights: Decimal128Array = rows.iter().map(|(_, weight)| *weight).collect();
    vec![Arc::new(values), Arc::new(weights)]
}

/// The answer of one group in one piece.
fn whole(rows: &[(Option<i64>, Option<i128>)]) -> ScalarValue {
    let mut one = OneGroup {
        share: Share::new(HALF).ok(),
        rows: Vec::new(),
    };
    one.update_batch(&arrays(rows)).expect("updates");
    one.evaluate().expect("evaluates")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn the_same_however_rows_are_parted_and_groups_are_taken(
        rows in prop::collection::vec(
            (0_usize..5, prop::option::of(-3_i64..9), prop::option::of(0_i128..4), 0_usize..4), 0..40,
        ),
        first in 0_usize..=5,
    ) {
        let of = |keep: &dyn Fn(usize, usize) -> bool| -> (Vec<usize>, Vec<_>) {
            let kept = rows.iter().filter(|(group, _, _, part)| keep(*group, *part));
            kept.map(|(group, value, weight, _)| (*group, (*value, *weight))).unzip()
        };
        let share = Share::new(HALF).ok();
        let mut all = Groups::of(share);
        let mut single = OneGroup { share, rows: Vec::new() };
        for part in 0..4 {
            let (groups, rows) = of(&|_, of| of == part);
            let values = arrays(&rows);
            // By way of a partial aggregate, whole or in two pieces, or of none.
            let mut partial = Groups::of(share);
            if part == 0 {
                let states = partial.convert_to_state(&values, None).expect("converts");
                all.merge_batch(&states, &groups, 5).expect("merges");
            } else {
                partial.update_batch(&values, &groups, None, 5).expect("updates");
                let head = partial.state(EmitTo::First(first)).expect("a state");
                let heads: Vec<usize> = (0..first).collect();
                all.merge_batch(&head, &heads, 5).expect("merges");
                let tail = partial.state(EmitTo::All).expect("a state");
                let tails: Vec<usize> = (first..5).collect();
                all.merge_batch(&tail, &tails, 5).expect("merges");
            }
            let mut piece = OneGroup { share, rows: Vec::new() };
            piece.update_batch(&values).expect("updates");
            let state = piece.state().expect("a state");
            let state: Vec<ArrayRef> = state.iter().map(|s| s.to_array().expect("an array")).collect();
            single.merge_batch(&state).expect("merges");
        }
        let head = all.evaluate(EmitTo::First(first)).expect("evaluates");
        let tail = all.evaluate(EmitTo::All).expect("evaluates");
        let found = head.as_primitive::<Int64Type>().iter().chain(tail.as_primitive::<Int64Type>());
        for (group, found) in found.enumerate() {
            let (_, own) = of(&|of, _| of == group);
            prop_assert_eq!(ScalarValue::Int64(found), whole(&own));
        }
        let (_, every) = of(&|_, _| true);
        prop_assert_eq!(single.evaluate().expect("evaluates"), whole(&every));
    }

    #[test]
    fn what_was_taken_back_was_never_there(
        rows in prop::collection::vec((prop::option::of(-3_i64..9), prop::option::of(0_i128..4)), 0..20),
        gone in 0_usize..20,
    ) {
        let gone = gone.min(rows.len());
        let mut one = OneGroup { share: Share::new(HALF).ok(), rows: Vec::new() };
        one.update_batch(&arrays(&rows)).expect("updates");
        prop_assert_eq!(one.evaluate().expect("evaluates"), whole(&rows));
        one.retract_batch(&arrays(&rows[..gone])).expect("retracts");
        prop_assert_eq!(one.evaluate().expect("evaluates"), whole(&rows[gone..]));
    }
}
