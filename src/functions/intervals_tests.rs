use crate::functions::tests::{answer, refusal};

#[tokio::test]
async fn halves_decimals_and_literals_are_taken_as_they_are() {
    let shown = answer(
        "SELECT round(wilson_lower(x, n), 4) AS l, round(wilson_upper(x, n, 0.95), 4) AS u,
                round(wilson_upper(x, n, 99.8), 4) AS wide
         FROM (SELECT CAST(286.5 AS DECIMAL(12, 1)) AS x, CAST(371.5 AS DECIMAL(12, 1)) AS n)",
    )
    .await;
    assert!(shown.contains("| 0.7258 | 0.811 |"), "{shown}");
    // The published coverage of two screening years, as the kernel has it.
    let shown = answer("SELECT round(wilson_lower(3012, 4025), 4) AS l").await;
    assert!(shown.contains("| 0.7347 |"), "{shown}");
}

#[tokio::test]
async fn nothing_over_nothing_and_null_are_null() {
    let shown = answer(
        "SELECT x, n, proportion(x, n) AS p, wilson_lower(x, n) AS l, rate(x, n, 1000) AS r,
                rate_upper(x, n, 1000) AS u, rate_ratio(x, n, 1, 2) AS q
         FROM (VALUES (0, 0), (NULL, 3), (3, NULL), (NULL, NULL)) AS t (x, n) ORDER BY x, n",
    )
    .await;
    let nulls = shown
        .lines()
        .filter(|line| line.matches("|   ").count() >= 5);
    assert_eq!(nulls.count(), 4, "{shown}");
}

#[tokio::test]
async fn all_of_all_and_none_of_all() {
    let shown = answer(
        "SELECT wilson_lower(0, 10) AS none, wilson_upper(10, 10) AS all_of_them,
                rate_lower(0, 10, 100000) AS no_rate, proportion_ratio_lower(0, 9, 3, 9) AS no_ratio,
                proportion_gap(0, 9, 9, 9) AS gap, funnel_ratio_upper(0) AS unbounded,
                byar_lower(0) AS undefined",
    )
    .await;
    assert!(
        shown
            .contains("| 0.0  | 1.0         | 0.0     |          | -1.0 |           |           |"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_cannot_be_is_an_error_that_says_why() {
    for (select, why) in [
        (
            "wilson_lower(3, 2)",
            "wilson_lower: a numerator is above its denominator",
        ),
        ("wilson_lower(-1, 2)", "wilson_lower: a count is below 0"),
        ("proportion(1, 0)", "a numerator is above its denominator"),
        (
            "rate(3, 0, 1000)",
            "there are events, and nobody whom they could have befallen",
        ),
        ("rate(3, 9, 0)", "a multiplier is not above 0"),
        (
            "rate_gap_lower(1, 9, 1, 9, -1)",
            "a multiplier is not above 0",
        ),
        ("wilson_upper(1, 2, 0.05)", "write 0.95 or 95"),
        (
            "funnel_proportion_lower(9, 75)",
            "an average is not between 0 and 1",
        ),
        ("count_lower(-0.5)", "a count is below 0"),
        (
            "poisson_upper(CAST('NaN' AS DOUBLE))",
            "no number, or without end",
        ),
    ] {
        let said = refusal(&format!("SELECT {select}")).await;
        assert!(said.contains(why), "{select}: {said}");
    }
    // And of many rows too, where it is one.
    let said = refusal("SELECT wilson_lower(x, 2) FROM (VALUES (1), (3)) AS t (x)").await;
    assert!(said.contains("above its denominator"), "{said}");
    let said = refusal("SELECT wilson_lower('a', 2)").await;
    assert!(said.contains("wilson_lower"), "{said}");
}

#[tokio::test]
async fn a_case_keeps_odd_rows_out() {
    let shown = answer(
        "SELECT x, CASE WHEN x <= n THEN wilson_upper(x, n) END AS u
         FROM (VALUES (3, 2), (2, 2)) AS t (x, n) ORDER BY x",
    )
    .await;
    assert!(
        shown.contains("| 2 | 1.0 |") && shown.contains("| 3 |     |"),
        "{shown}"
    );
}

#[tokio::test]
async fn words_of_a_funnel() {
    let shown = answer(
        "SELECT x, funnel_proportion_significance(x, 1000, 0.5) AS p,
                funnel_rate_significance(x, 1000, 0.5) AS r,
                funnel_ratio_significance(x, 500) AS i
         FROM (VALUES (500), (540), (700), (300), (460), (NULL)) AS t (x) ORDER BY x",
    )
    .await;
    for row in [
        "| 500 | not_significant | not_significant | not_significant |",
        "| 540 | high_95         |",
        "| 700 | high_99.8       | high_99.8       | high_99.8       |",
        "| 300 | low_99.8        | low_99.8        | low_99.8        |",
        "| 460 | low_95          |",
        "|     |                 |                 |                 |",
    ] {
        assert!(shown.contains(row), "{row} is not in\n{shown}");
    }
}

#[tokio::test]
async fn each_limit_lies_on_its_side() {
    let shown = answer(
        "SELECT
            proportion_gap_lower(56, 70, 48, 80) < proportion_gap(56, 70, 48, 80)
            AND proportion_gap_upper(56, 70, 48, 80) > proportion_gap(56, 70, 48, 80)
            AND proportion_ratio_lower(56, 70, 48, 80) < proportion_ratio(56, 70, 48, 80)
            AND proportion_ratio_upper(56, 70, 48, 80) > proportion_ratio(56, 70, 48, 80)
            AND rate_gap_lower(56, 70, 48, 80, 100) < rate_gap(56, 70, 48, 80, 100)
            AND rate_gap_upper(56, 70, 48, 80, 100) > rate_gap(56, 70, 48, 80, 100)
            AND rate_ratio_lower(56, 70, 48, 80) < rate_ratio(56, 70, 48, 80)
            AND rate_ratio_upper(56, 70, 48, 80) > rate_ratio(56, 70, 48, 80)
            AND rate_lower(56, 70, 100) < rate(56, 70, 100)
            AND rate_upper(56, 70, 100) > rate(56, 70, 100)
            AND count_lower(9) = poisson_lower(9) AND count_upper(10) = byar_upper(10)
            AND count_lower(10) = byar_lower(10) AND poisson_upper(10) <> byar_upper(10)
            AND funnel_proportion_lower(70, 0.6) < 0.6 AND funnel_proportion_upper(70, 0.6) > 0.6
            AND funnel_ratio_lower(70) < 1 AND funnel_ratio_upper(70) > 1
            AND funnel_rate_lower(70, 3) < 3 AND funnel_rate_upper(70, 3, 0.998) > 3 AS fine",
    )
    .await;
    assert!(shown.contains("| true |"), "{shown}");
}

#[tokio::test]
async fn a_thousandth_of_an_event_has_limits() {
    // The lower one is less than any double above 0.
    let shown =
        answer("SELECT poisson_lower(0.001) AS l, round(poisson_upper(0.001), 2) AS u").await;
    assert!(shown.contains("| 0.0 | 3.69 |"), "{shown}");
}
