use super::*;
use crate::functions::kernels::fixtures::{Row, near as is_near, report, table};
use proptest::prelude::*;

fn improvement(word: &str) -> Improvement {
    match word {
        "increase" => Improvement::Increase,
        "decrease" => Improvement::Decrease,
        _ => Improvement::Neutral,
    }
}

fn rule_of(peer: &str) -> Option<(Rule, i8)> {
    Some(match peer {
        "Above UCL" => (Rule::Outside, 1),
        "Below LCL" => (Rule::Outside, -1),
        "7 Point Trend (Increasing)" => (Rule::Trend, 1),
        "7 Point Trend (Decreasing)" => (Rule::Trend, -1),
        "2 in 3 Above CL" => (Rule::TwoInThree, 1),
        "2 in 3 Below CL" => (Rule::TwoInThree, -1),
        "7 Points Above CL" => (Rule::Shift, 1),
        "7 Points Below CL" => (Rule::Shift, -1),
        "Common Cause" => return None,
        other => panic!("{other}"),
    })
}

#[test]
fn agrees_with_the_published_charts() {
    let (Some(all), Some(charts)) = (table("spc_points.csv"), table("spc_summary.csv")) else {
        return;
    };
    let mut compared = 0;
    for chart in &charts {
        let rows: Vec<&Row> = all
            .iter()
            .filter(|r| {
                r.text("series_id") == chart.text("series_id")
                    && r.text("facet") == chart.text("facet")
            })
            .collect();
        assert_eq!(rows.len(), chart.is("n") as usize);
        let settings = Settings {
            improvement: improvement(chart.text("improvement_direction")),
            fix_after: chart.number("fix_after_n_points").map(|n| n as usize),
            screen: chart.text("screen_outliers") == "TRUE",
            ..Settings::default()
        };
        let points: Vec<Point> = rows
            .iter()
            .map(|r| Point {
                value: r.number("value"),
                phase: r.is("rebase_group") as i64,
                target: chart.number("target"),
            })
            .collect();
        let judged = judge(&points, &settings.checked().expect("fine"));
        for (row, got) in rows.iter().zip(&judged) {
            let control = got.control.expect("some values");
            is_near(Some(control.centre), row, "mean", 1e-9);
            let limits = control.process();
            is_near(limits.map(|l| l.0), row, "lpl", 1e-9);
            is_near(limits.map(|l| l.1), row, "upl", 1e-9);
            let what = format!("{} {}", row.text("series_id"), row.text("idx"));
            let side = row.number("relative_to_mean").map(|s| s as i8);
            assert_eq!(got.side, side, "{what}");
            // Blank where there is no value, or nothing to hold it against.
            assert_eq!(got.outside, row.text("outside_limits") == "TRUE", "{what}");
            assert_eq!(got.near, row.text("close_to_limits") == "TRUE", "{what}");
            assert_eq!(
                got.special,
                rule_of(row.text("special_cause_type")),
                "{what}"
            );
            let meant = got.special.map(|(_, d)| meaning(d, settings.improvement));
            let point_type = match meant {
                None => "common_cause",
                Some(Meaning::Improvement(_)) => "special_cause_improvement",
                Some(Meaning::Concern(_)) => "special_cause_concern",
                Some(Meaning::Neutral(_)) => "special_cause_neutral",
            };
            assert_eq!(point_type, row.text("point_type"), "{what}");
            compared += 1;
        }
        let last = judged.last().expect("points");
        let got = variation(&judged, settings.improvement);
        assert_eq!(
            got,
            chart.text("variation_icon"),
            "{}",
            chart.text("series_id")
        );
        let got = assurance(
            last.control.and_then(|c| c.process()),
            chart.number("target"),
            settings.improvement,
        );
        // The peer's "inconsistent" for a series that never moves is marked as a quirk.
        let want = match chart.text("assurance_icon") {
            _ if chart.text("note").contains("publish no assurance") => None,
            "" => None,
            word => Some(word),
        };
        assert_eq!(got, want, "{}", chart.text("series_id"));
    }
    report("spc points", compared, 391);
    report("spc charts", charts.len(), 19);
}

#[test]
fn agrees_with_the_published_rules() {
    let Some(rows) = table("spc_rule_vectors.csv") else {
        return;
    };
    for row in &rows {
        let args: serde_json::Value = serde_json::from_str(row.text("args")).expect("JSON");
        let want: serde_json::Value = serde_json::from_str(row.text("expected")).expect("JSON");
        let floats = |v: &serde_json::Value| -> Vec<f64> {
            serde_json::from_value(v.clone()).expect("numbers")
        };
        let sides = |v: &serde_json::Value| -> Vec<Option<i8>> {
            floats(v).iter().map(|x| Some(*x as i8)).collect()
        };
        let some = |v: &serde_json::Value| -> Vec<Option<f64>> {
            floats(v).into_iter().map(Some).collect()
        };
        match row.text("rule") {
            // The peer marks the last of each run, and spreads the mark in a second step.
            "seven_point_one_side_mean" => {
                let marked: Vec<bool> = floats(&want).iter().map(|x| *x != 0.0).collect();
                assert_eq!(shifts(&sides(&args[0]), 7).len(), marked.len());
                for (end, marked) in marked.iter().enumerate() {
                    let ended = end >= 6 && {
                        let seven = &sides(&args[0])[end - 6..=end];
                        shifts(seven, 7).iter().all(|s| *s != 0)
                    };
                    assert_eq!(ended, *marked, "{}", row.text("args"));
                }
            }
            "seven_point_trend" => {
                let values = some(&args[0]);
                for (end, mark) in floats(&want).iter().enumerate() {
                    let ended = if end >= 6 {
                        trends(&values[end - 6..=end], 7)[6]
                    } else {
                        0
                    };
                    assert_eq!(f64::from(ended), *mark, "{}", row.text("args"));
                }
            }
            "part_of_seven_trend" => {
                // From marked ends to the points: values that rise to each end, and no further.
                let marks = floats(&args[0]);
                let mut values: Vec<Option<f64>> = vec![None; marks.len()];
                for (end, mark) in marks.iter().enumerate().filter(|(_, m)| **m != 0.0) {
                    for (i, value) in values[end - 6..=end].iter_mut().enumerate() {
                        *value = Some(*mark * i as f64);
                    }
                }
                let want: Vec<i8> = floats(&want)
                    .iter()
                    .zip(&marks)
                    .map(|(w, _)| *w as i8)
                    .collect();
                let sign = marks.iter().find(|m| **m != 0.0).map_or(1, |m| *m as i8);
                let got: Vec<i8> = trends(&values, 7).iter().map(|t| t * sign).collect();
                assert_eq!(got, want, "{}", row.text("args"));
            }
            "two_in_three" => {
                let near: Vec<bool> = floats(&args[0]).iter().map(|x| *x != 0.0).collect();
                let got = two_in_three(&near, &sides(&args[1]));
                let want: Vec<bool> = floats(&want).iter().map(|x| *x != 0.0).collect();
                assert_eq!(got, want, "{}", row.text("args"));
            }
            "part_of_two_in_three" => {
                let (part, near) = (floats(&args[0]), floats(&args[1]));
                let got: Vec<f64> = part
                    .iter()
                    .zip(&near)
                    .map(|(p, n)| f64::from(u8::from(*p != 0.0 && *n != 0.0)))
                    .collect();
                assert_eq!(got, floats(&want));
            }
            "assurance" => {
                let way = improvement(args[2].as_str().expect("a word"));
                for (limits, want) in args[0]
                    .as_array()
                    .expect("limits")
                    .iter()
                    .zip(want.as_array().expect("words"))
                {
                    let limits = floats(limits);
                    let got = assurance(Some((limits[0], limits[1])), args[1].as_f64(), way);
                    let want = want.as_str().map(|w| w.trim_start_matches("consistent_"));
                    assert_eq!(got, want, "{}", row.text("args"));
                }
            }
            "limits" => {
                let points: Vec<Point> = some(&args[0]).into_iter().map(point).collect();
                let got = judge(&points, &Settings::default())[0]
                    .control
                    .expect("values");
                let (process, near) = (got.process().expect("moves"), got.near().expect("moves"));
                let got = [got.centre, process.0, process.1, near.0, near.1];
                for (got, want) in got.iter().zip(floats(&want)) {
                    assert!(
                        (got - want).abs() <= 1e-9 * want.abs(),
                        "{}",
                        row.text("args")
                    );
                }
            }
            other => panic!("{other}"),
        }
    }
    report("spc rules", rows.len(), 31);
}

fn point(value: Option<f64>) -> Point {
    Point {
        value,
        phase: 0,
        target: None,
    }
}

fn chart(values: &[f64]) -> Vec<Judged> {
    let points: Vec<Point> = values.iter().map(|y| point(Some(*y))).collect();
    judge(&points, &Settings::default())
}

#[test]
fn a_peak_belongs_to_what_follows() {
    let mut values: Vec<f64> = (0..7).map(f64::from).collect();
    values.extend((0..6).rev().map(f64::from));
    let steps = trends(&values.iter().map(|y| Some(*y)).collect::<Vec<_>>(), 7);
    assert_eq!(steps, [1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1]);
}

#[test]
fn six_points_make_a_run_where_they_are_asked_to() {
    let points: Vec<Point> = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        .iter()
        .map(|y| point(Some(*y)))
        .collect();
    let six = Settings {
        run_length: 6,
        ..Settings::default()
    };
    let by = |s| {
        judge(&points, s)
            .iter()
            .filter(|j| j.special.is_some())
            .count()
    };
    assert_eq!((by(&six), by(&Settings::default())), (6, 0));
}

#[test]
fn nothing_moves_or_nothing_is_there() {
    let same = chart(&[5.0; 15]);
    let control = same[0].control.expect("values");
    assert_eq!(
        (control.centre, control.reach, control.points),
        (5.0, None, 15)
    );
    assert!(
        same.iter()
            .all(|j| j.special.is_none() && j.side == Some(0))
    );
    let one = chart(&[5.0]);
    assert_eq!(one[0].control.expect("a value").reach, None);
    let none = judge(&[point(None), point(None)], &Settings::default());
    assert!(
        none.iter()
            .all(|j| j.control.is_none() && j.special.is_none())
    );
    assert_eq!(variation(&none, Improvement::Increase), "common_cause");
    assert_eq!(variation(&[], Improvement::Increase), "common_cause");
    assert!(judge(&[], &Settings::default()).is_empty());
}

#[test]
fn limits_of_no_width_are_none() {
    // One range in nine is left out, and nothing moves among the rest.
    let mut values = [5.0; 10];
    values[9] = 10.0;
    let judged = chart(&values);
    assert!(
        judged
            .iter()
            .all(|j| j.control.is_some_and(|c| c.reach.is_none()))
    );
    assert!(judged.iter().all(|j| !j.outside && !j.near));
}

#[test]
fn what_differs_from_the_mean_by_its_rounding_is_on_it() {
    for constant in [0.7, 0.95, 1.1, 33.3] {
        let judged = chart(&[constant; 12]);
        assert!(
            judged
                .iter()
                .all(|j| j.side == Some(0) && j.special.is_none()),
            "{constant}"
        );
        assert_eq!(variation(&judged, Improvement::Increase), "common_cause");
    }
    // Half above and half below, and one on the mean of 0.3.
    let judged = chart(&[0.1, 0.5, 0.1, 0.5, 0.3, 0.1, 0.5]);
    assert_eq!(judged[4].side, Some(0));
}

#[test]
fn the_newest_point_with_a_value_gives_the_icon() {
    // Fixed limits of a phase that began without values: there is no mean yet to hold it against.
    let settings = Settings {
        fix_after: Some(12),
        ..Settings::default()
    };
    let before = (0..12)
        .map(|i| if i < 5 { 1.0 } else { 9.0 })
        .map(|y| (Some(y), 1));
    let after = (0..13).map(|i| ((i == 12).then_some(5.0), 2));
    let points: Vec<Point> = before
        .chain(after)
        .map(|(value, phase)| Point {
            phase,
            ..point(value)
        })
        .collect();
    let judged = judge(&points, &settings);
    assert!(judged[24].measured && judged[24].control.is_none());
    assert_eq!(variation(&judged, Improvement::Increase), "common_cause");
}

#[test]
fn settings_that_make_no_chart() {
    let with = |run_length, fix_after| {
        Settings {
            run_length,
            fix_after,
            ..Settings::default()
        }
        .checked()
    };
    assert!(with(5, None).is_err() && with(10, None).is_err() && with(7, Some(11)).is_err());
    assert!(with(6, Some(12)).is_ok());
}

proptest! {
    #[test]
    fn upside_down_is_the_same_chart(values in prop::collection::vec(-50_i32..50, 0..40)) {
        let up: Vec<f64> = values.iter().map(|y| f64::from(*y)).collect();
        let down: Vec<f64> = up.iter().map(|y| -y).collect();
        for (a, b) in chart(&up).iter().zip(chart(&down)) {
            prop_assert_eq!(a.special.map(|(r, d)| (r, -d)), b.special);
            prop_assert_eq!(a.side, b.side.map(|s| -s));
        }
    }

    #[test]
    fn a_new_phase_knows_nothing_of_the_one_before(
        a in prop::collection::vec(-50_i32..50, 1..20), b in prop::collection::vec(-50_i32..50, 1..20),
    ) {
        let points = |of: &[i32], phase| -> Vec<Point> {
            of.iter().map(|y| Point { phase, ..point(Some(f64::from(*y))) }).collect()
        };
        let settings = Settings::default();
        let apart = [judge(&points(&a, 0), &settings), judge(&points(&b, 0), &settings)].concat();
        let together = [points(&a, 0), points(&b, 1)].concat();
        prop_assert_eq!(judge(&together, &settings), apart);
    }
}
