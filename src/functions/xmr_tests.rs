use crate::functions::kernels::fixtures::{report, table};
use crate::functions::tests::{answer, refusal};

/// Nine points, 2 apart on average, and a tenth far above, in no order.
const SERIES: &str = "(VALUES (DATE '2025-10-01', 60), (DATE '2025-01-01', 10), (DATE '2025-02-01', 12),
    (DATE '2025-04-01', 12), (DATE '2025-03-01', 10), (DATE '2025-05-01', 10), (DATE '2025-06-01', 12),
    (DATE '2025-07-01', 10), (DATE '2025-08-01', 12), (DATE '2025-09-01', 10)) AS t (month, y)";

#[tokio::test]
async fn a_chart_by_hand() {
    // Ranges: eight of 2 and one of 50, mean 7.333; 50 is above 23.96 and left out; mean 2.
    // Centre 15.8, limits ± 5.32.
    let shown = answer(&format!(
        "SELECT month, round(c['centre'], 3) AS m, round(c['upper_limit'], 3) AS u,
                c['moving_range'] AS mr, c['points'] AS n, c['rule'] AS rule, c['point_type'] AS kind,
                c['variation'] AS icon, c['assurance'] AS aim
         FROM (SELECT month, xmr(month, y, 'increase', 22) OVER () AS c FROM {SERIES}) ORDER BY month"
    ))
    .await;
    for row in [
        "| 2025-10-01 | 15.8 | 21.12 | 50.0 | 10 | above_upper_limit  | special_cause_improvement | improvement_high | fail |",
        "| 2025-01-01 | 15.8 | 21.12 |      | 10 | below_lower_limit  | special_cause_concern     | improvement_high | fail |",
    ] {
        assert!(shown.contains(row), "{row} is not in\n{shown}");
    }
}

#[tokio::test]
async fn the_order_and_the_frame_of_a_window_are_nothing_to_it() {
    let with = |over: &str| {
        format!(
            "SELECT month, xmr(month, y, 'decrease') OVER ({over}) AS c FROM {SERIES} ORDER BY month"
        )
    };
    let plain = answer(&with("")).await;
    assert_eq!(plain, answer(&with("ORDER BY month")).await);
    assert_eq!(plain, answer(&with("ORDER BY y DESC")).await);
}

#[tokio::test]
async fn nulls_and_settings() {
    let shown = answer(
        "SELECT month, y, c IS NULL AS none, c['point_type'] AS kind, c['variation'] AS icon,
                c['lower_limit'] AS l, c['centre'] AS m
         FROM (SELECT month, y, xmr(month, y, NULL, NULL, NULL, 6, NULL, false) OVER () AS c
               FROM (VALUES (1, 5), (2, NULL), (NULL, 5), (3, 5)) AS t (month, y)) ORDER BY month",
    )
    .await;
    for row in [
        "| 1     | 5 | false | common_cause | common_cause |   | 5.0 |",
        "| 2     |   | false |              | common_cause |   | 5.0 |",
        "|       | 5 | true  |              |              |   |     |",
    ] {
        assert!(shown.contains(row), "{row} is not in\n{shown}");
    }
}

/// The published charts through SQL, rows in another order and over partitions.
#[tokio::test]
async fn agrees_with_the_published_charts() {
    let (Some(points), Some(charts)) = (table("spc_points.csv"), table("spc_summary.csv")) else {
        return;
    };
    let quoted = |text: &str| match text {
        "" => "NULL".to_owned(),
        text => format!("'{text}'"),
    };
    let or_null = |text: &str| if text.is_empty() { "NULL" } else { text }.to_owned();
    for chart in &charts {
        let rows: Vec<String> = points
            .iter()
            .rev()
            .filter(|p| {
                p.text("series_id") == chart.text("series_id")
                    && p.text("facet") == chart.text("facet")
            })
            .map(|p| {
                format!(
                    "(DATE '{}', {}, {}, {})",
                    p.text("date"),
                    or_null(p.text("value")),
                    p.text("rebase_group"),
                    quoted(p.text("point_type")),
                )
            })
            .collect();
        let shown = answer(&format!(
            "SELECT count(*) AS n,
                    count(*) FILTER (WHERE coalesce(c['point_type'], 'common_cause') = point_type) AS same,
                    min(c['variation']) AS icon, min(c['assurance']) AS aim
             FROM (SELECT point_type, xmr(day, y, {}, {}, phase, 7, {}, {}) OVER () AS c
                   FROM (VALUES {}) AS t (day, y, phase, point_type))",
            quoted(chart.text("improvement_direction")),
            or_null(chart.text("target")),
            or_null(chart.text("fix_after_n_points")),
            chart.text("screen_outliers"),
            rows.join(", "),
        ))
        .await;
        // The peer calls a series that never moves inconsistent.
        let aim = match chart.text("note") {
            note if note.contains("publish no assurance") => "",
            _ => chart.text("assurance_icon"),
        };
        let cells: Vec<&str> = shown
            .lines()
            .nth(3)
            .expect("a row")
            .split('|')
            .map(str::trim)
            .collect();
        let n = rows.len().to_string();
        assert_eq!(
            cells[1..5],
            [n.as_str(), n.as_str(), chart.text("variation_icon"), aim],
            "{}",
            chart.text("series_id")
        );
    }
    report("spc charts in SQL", charts.len(), 19);
}

#[tokio::test]
async fn phases_start_afresh() {
    let shown = answer(
        "SELECT month, c['centre'] AS m, c['moving_range'] AS mr
         FROM (SELECT month, xmr(month, y, 'increase', NULL, phase) OVER () AS c
               FROM (VALUES (1, 5, 0), (2, 7, 0), (3, 20, 1), (4, 24, 1)) AS t (month, y, phase))
         ORDER BY month",
    )
    .await;
    for row in [
        "| 2     | 6.0  | 2.0 |",
        "| 3     | 22.0 |     |",
        "| 4     | 22.0 | 4.0 |",
    ] {
        assert!(shown.contains(row), "{row} is not in\n{shown}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_an_error_that_says_why() {
    for (call, why) in [
        ("xmr(1, y)", "a period has two points"),
        (
            "xmr(month, y, 'up')",
            "none of 'increase', 'decrease' and 'neutral'",
        ),
        (
            "xmr(month, y, 'increase', 1, 0, 5)",
            "a run is of 6 to 9 points",
        ),
        (
            "xmr(month, y, 'increase', 1, 0, 7, 3)",
            "at least 12 points",
        ),
        ("xmr(month, y, NULL, 1, 0, y)", "a setting differs"),
    ] {
        let said = refusal(&format!("SELECT {call} OVER () FROM {SERIES}")).await;
        assert!(said.contains(why), "{call}: {said}");
    }
}
