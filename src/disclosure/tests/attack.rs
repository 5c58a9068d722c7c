//! The attacker: every published case, and tables small enough to try all values.

use microlp::{OptimizationDirection, Problem};
use proptest::prelude::*;
use serde_json::Value;

use super::super::attack::{Seen, System, Towards, Unknown};
use super::super::rules::{PERSON, Tenths};
use super::super::solver::Model;
use super::{people, rules};
use crate::functions::kernels::fixtures::{Row, near, report, table};
use crate::functions::kernels::limits::Level;
use crate::functions::kernels::{poisson, wilson};

fn between(low: i64, high: Option<i64>) -> Unknown {
    Unknown {
        high: high.map(people),
        ..Unknown::known(people(low))
    }
}

/// A range of values; `None`: no limit.
type Range = (Tenths, Option<Tenths>);

/// The range of a count, parts of people allowed. `None` when no table fits, or the solver gives up.
fn parted_range(system: &System, cell: usize) -> Option<Range> {
    let unknown = system.unknowns[cell];
    if unknown.is_known() {
        return Some((unknown.low, unknown.high));
    }
    let low = end(system, cell, OptimizationDirection::Minimize)?;
    let high = end(system, cell, OptimizationDirection::Maximize)?;
    // Solvers answer within a millionth: that may widen a range, never narrow it.
    let near = 1e-4;
    let low = low.map_or(unknown.low, |v| (v - near).ceil() as Tenths);
    Some((low, high.map(|v| (v + near).floor() as Tenths)))
}

/// One end of a range; `Some(None)` when there is none.
fn end(system: &System, cell: usize, direction: OptimizationDirection) -> Option<Option<f64>> {
    let tied = system.tied_to(cell);
    let mut problem = Problem::new(direction);
    let variables = system.variables(&tied, |i| {
        let unknown = system.unknowns[i];
        let objective = if i == cell { 1.0 } else { 0.0 };
        let high = unknown.high.map_or(f64::INFINITY, |high| high as f64);
        (problem.add_var(objective, (unknown.low as f64, high)), 1.0)
    });
    let mut model = Model { problem, variables };
    system.constrain(&mut model, &tied);
    match model.problem.solve() {
        Ok(outcome) => outcome.into_solution().ok().map(|s| Some(s.objective())),
        Err(microlp::Error::Unbounded) => Some(None),
        Err(_) => None,
    }
}

/// Whether a count is left with a range so wide.
fn is_wide(system: &System, truth: &[Tenths], cell: usize, width: Tenths) -> bool {
    let mut seen = Seen::new(truth.to_vec());
    system.narrow(&[cell], width, &mut seen).is_none()
}

/// The range of a count in whole people, as far as it is asked for.
fn whole_range(system: &System, truth: &[Tenths], cell: usize) -> Range {
    let mut seen = Seen::new(truth.to_vec());
    for towards in [Towards::Room, Towards::Other] {
        system.solve_for(&[cell], towards, people(1000), &mut seen);
    }
    let range = seen.range(cell);
    (range.0, Some(range.1))
}

/// A cell of a published case, as its policy lets an attacker see it.
fn unknown(cell: &Value, policy: &Value) -> Unknown {
    let value = cell["value"].as_i64().expect("a value");
    let upper = policy["ub"].as_i64();
    match cell["status"].as_str().expect("a status") {
        "published" => between(value, Some(value)),
        "rounded5" => {
            let shown = people(cell["shown"].as_i64().expect("what is shown"));
            let (low, high) = rules().behind(shown, PERSON);
            Unknown {
                high: Some(high),
                ..Unknown::known(low)
            }
        }
        "primary" => {
            let limits = policy["primary"].as_array().expect("limits");
            between(limits[0].as_i64().expect("a number"), limits[1].as_i64())
        }
        "secondary" => {
            // Where nobody is withheld as a small count, a secondary one may be of nobody too.
            let nobody = policy["primary"][0].as_i64() == Some(0);
            let least = if nobody { 0 } else { 8 };
            between(policy["secondary_lb"].as_i64().unwrap_or(least), upper)
        }
        other => panic!("{other}"),
    }
}

fn system(case: &Value) -> (System, Vec<String>) {
    let cells = case["cells"].as_array().expect("cells");
    let names: Vec<String> = cells
        .iter()
        .map(|c| c["id"].as_str().expect("an id").to_owned())
        .collect();
    let number = |name: &str| names.iter().position(|n| n == name).expect("a cell");
    let equations = case["equations"].as_array().expect("equations").iter();
    let equations = equations.map(|equation| {
        let whole = number(equation[0].as_str().expect("a total"));
        let parts = equation[1].as_array().expect("parts").iter();
        let parts = parts.map(|part| {
            let part = part.as_str().expect("a part");
            part.strip_prefix('-')
                .map_or_else(|| (number(part), 1), |part| (number(part), -1))
        });
        parts.chain([(whole, -1)]).collect()
    });
    let unknowns = cells.iter().map(|c| unknown(c, &case["policy"]));
    (System::new(unknowns.collect(), equations.collect()), names)
}

#[test]
fn every_published_attack_finds_the_published_ranges() {
    let path = format!(
        "{}/../shared/fixtures/sdc_attack_cases.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        // The other fixtures beside it say that they are skipped.
        let _ = table("sdc_attack_cases.json");
        return;
    };
    let cases: Vec<Value> = serde_json::from_str(&text).expect("JSON");
    let mut agreed = 0;
    for case in &cases {
        let (system, names) = system(case);
        let cells = case["cells"].as_array().expect("cells");
        let truth: Vec<Tenths> = cells
            .iter()
            .map(|c| people(c["value"].as_i64().expect("a value")))
            .collect();
        for (expected, whole) in [("expected_lp", false), ("expected_int", true)] {
            for (id, range) in case[expected].as_object().expect("ranges") {
                let cell = names.iter().position(|n| n == id).expect("a cell");
                let found = if whole {
                    Some(whole_range(&system, &truth, cell))
                } else {
                    parted_range(&system, cell)
                };
                let bound = |i: usize| range[i].as_f64().map(|v| (v * 10.0).round() as Tenths);
                assert_eq!(
                    found,
                    Some((bound(0).expect("a bound"), bound(1))),
                    "{}: {id}, {expected}",
                    case["name"]
                );
                agreed += 1;
            }
        }
    }
    report("sdc attack ranges", agreed, 66);
}

/// A block of quintiles by places: sums over places and over quintiles.
fn places(rows: &[&Row]) -> System {
    let key = |row: &Row| (row.text("quintile").to_owned(), row.text("geo").to_owned());
    let keys: Vec<(String, String)> = rows.iter().map(|row| key(row)).collect();
    let cell = |quintile: &str, geo: &str| {
        let found = keys.iter().position(|(q, g)| q == quintile && g == geo);
        found.unwrap_or_else(|| panic!("{quintile} {geo}"))
    };
    let quintiles = ["q1", "q2", "q3", "q4", "q5", "qU"];
    let mut equations: Vec<Vec<(usize, i64)>> = Vec::new();
    for quintile in quintiles.iter().chain(&["Q*"]) {
        let icbs = [0, 1, 2].map(|icb| format!("icb{icb}"));
        for (icb, name) in icbs.iter().enumerate() {
            let mut terms = vec![(cell(quintile, name), -1)];
            terms.extend((0..4).map(|s| (cell(quintile, &format!("s{}", icb * 4 + s)), 1)));
            equations.push(terms);
        }
        let mut terms = vec![(cell(quintile, "ALL"), -1)];
        terms.extend(icbs.iter().map(|icb| (cell(quintile, icb), 1)));
        equations.push(terms);
    }
    let geographies: Vec<String> = keys
        .iter()
        .filter(|(q, _)| q == "q1")
        .map(|(_, g)| g.clone())
        .collect();
    for geo in &geographies {
        let mut terms = vec![(cell("Q*", geo), -1)];
        terms.extend(quintiles.iter().map(|q| (cell(q, geo), 1)));
        equations.push(terms);
    }
    let unknowns = rows.iter().map(|row| match row.text("shown") {
        "*" => between(1, Some(7)),
        shown => {
            let (low, high) = rules().behind(people(shown.parse().expect("a number")), PERSON);
            Unknown {
                high: Some(high),
                ..Unknown::known(low)
            }
        }
    });
    System::new(unknowns.collect(), equations)
}

#[test]
fn rounded_blocks_are_narrowed_as_published() {
    let Some(rows) = table("sdc_round5_blocks.csv") else {
        return;
    };
    let mut agreed = 0;
    for block in ["B2", "B3"] {
        let rows: Vec<&Row> = rows.iter().filter(|r| r.text("block") == block).collect();
        let system = places(&rows);
        let truth: Vec<Tenths> = rows.iter().map(|r| people(r.is("value") as i64)).collect();
        for (cell, row) in rows.iter().enumerate() {
            // What is shown is what the rules make of the value.
            let value = people(row.is("value") as i64);
            if row.text("shown") != "*" {
                assert_eq!(rules().round(value), people(row.is("shown") as i64));
                continue;
            }
            assert!(rules().is_small(value));
            let (low, high) = parted_range(&system, cell).expect("a range");
            near(Some(low as f64 / 10.0), row, "lp_lower", 1e-6);
            near(high.map(|h| h as f64 / 10.0), row, "lp_upper", 1e-6);
            let width = row.is("int_width") as i64;
            for asked in [1, 2, 3, width + 1] {
                let wide = is_wide(&system, &truth, cell, people(asked));
                assert_eq!(wide, width >= asked, "{block} {cell}: {asked}");
            }
            agreed += 1;
        }
    }
    let withheld = rows.iter().filter(|r| r.text("shown") == "*").count();
    report("sdc rounded blocks", agreed, withheld);
}

/// Whether limits that are shown to some decimals are those of these counts.
fn fits(row: &Row, x: f64, n: f64) -> bool {
    let level = Level::new(0.95).expect("a level");
    let (limits, times) = match row.text("kind") {
        "rate" => (poisson::rate(x, n, 100_000.0, level), 1.0),
        _ => (wilson::proportion(x, n, wilson::Z_95), 100.0),
    };
    let Ok(Some(limits)) = limits else {
        return false;
    };
    let is_shown = |value: f64, column: &str| {
        let shown = format!("{:.*}", row.is("dp") as usize, value * times);
        shown.parse() == Ok(row.is(column))
    };
    is_shown(limits.value, "shown_value")
        && is_shown(limits.lower, "shown_lower")
        && is_shown(limits.upper, "shown_upper")
}

/// Value and limits to one decimal give the counts away: so they are worked out from rounded counts, and
/// not at all where one is withheld.
#[test]
fn limits_give_the_counts_behind_them_away() {
    let Some(rows) = table("sdc_backsolve_cases.csv") else {
        return;
    };
    for row in &rows {
        let is_rate = row.text("kind") == "rate";
        let mut found: Vec<(u32, u32)> = Vec::new();
        for x in 1..=60 {
            let ns = if is_rate {
                let near = f64::from(x) * 100_000.0 / row.is("shown_value");
                (near * 0.95) as u32..=(near * 1.05) as u32
            } else {
                x..=200
            };
            let fitting = ns.filter(|n| fits(row, f64::from(x), f64::from(*n)));
            found.extend(fitting.map(|n| (x, n)));
        }
        let all = |pick: fn(&(u32, u32)) -> u32| {
            let picked: Vec<String> = found.iter().map(|f| pick(f).to_string()).collect();
            picked.join(";")
        };
        if is_rate {
            let (first, last) = (found[0], found[found.len() - 1]);
            assert_eq!(first.0, last.0, "one number of events fits");
            assert_eq!(first.0.to_string(), row.text("candidate_x"));
            assert_eq!(format!("{}-{}", first.1, last.1), row.text("n_range"));
        } else {
            assert_eq!(all(|f| f.0), row.text("candidate_x"));
            assert_eq!(all(|f| f.1), row.text("n_range"));
        }
    }
    report("sdc back-solving", rows.len(), 20);
}

#[test]
fn a_sum_of_halves_is_attacked_in_halves() {
    let half = |low: i64, high: i64| Unknown {
        high: Some(high),
        step: 5,
        ..Unknown::known(low)
    };
    // 10 is shown for 7.5 to 12; each of its two parts is withheld.
    let system = System::new(
        vec![half(80, 120), half(5, 75), half(5, 75)],
        vec![vec![(1, 1), (2, 1), (0, -1)]],
    );
    assert_eq!(whole_range(&system, &[90, 30, 60], 1), (5, Some(75)));
    assert!(is_wide(&system, &[90, 30, 60], 1, 30));
}

/// The range of a count by trying every table.
fn by_trying(unknowns: &[(i64, i64)], equations: &[Vec<(usize, i64)>], cell: usize) -> (i64, i64) {
    let mut table: Vec<i64> = unknowns.iter().map(|(low, _)| *low).collect();
    let (mut least, mut most) = (i64::MAX, i64::MIN);
    loop {
        let fits = |e: &Vec<(usize, i64)>| e.iter().map(|(c, t)| table[*c] * t).sum::<i64>() == 0;
        if equations.iter().all(fits) {
            least = least.min(table[cell]);
            most = most.max(table[cell]);
        }
        let Some(next) = (0..table.len()).find(|i| table[*i] < unknowns[*i].1) else {
            return (least, most);
        };
        table[next] += 1;
        for (i, (low, _)) in unknowns.iter().enumerate().take(next) {
            table[i] = *low;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A table of two by two with its sums: solved as by trying every table, and a witness
    /// never promises more.
    #[test]
    fn ranges_are_those_of_all_tables(
        truth in proptest::collection::vec(0_i64..5, 4),
        below in proptest::collection::vec(0_i64..3, 9),
        above in proptest::collection::vec(0_i64..3, 9),
    ) {
        let mut truth = truth;
        truth.extend([
            truth[0] + truth[1], truth[2] + truth[3], truth[0] + truth[2], truth[1] + truth[3],
        ]);
        truth.push(truth[4] + truth[5]);
        let equations = vec![
            vec![(0, 1), (1, 1), (4, -1)],
            vec![(2, 1), (3, 1), (5, -1)],
            vec![(0, 1), (2, 1), (6, -1)],
            vec![(1, 1), (3, 1), (7, -1)],
            vec![(4, 1), (5, 1), (8, -1)],
        ];
        let ranges: Vec<(i64, i64)> = (0..9)
            .map(|i| ((truth[i] - below[i]).max(0), truth[i] + above[i]))
            .collect();
        let unknowns = ranges.iter().map(|(low, high)| between(*low, Some(*high))).collect();
        let system = System::new(unknowns, equations.clone());
        let exact: Vec<Tenths> = truth.iter().map(|v| people(*v)).collect();
        for cell in 0..9 {
            let (low, high) = by_trying(&ranges, &equations, cell);
            prop_assert_eq!(whole_range(&system, &exact, cell), (people(low), Some(people(high))));
            for width in 1..=4 {
                prop_assert_eq!(is_wide(&system, &exact, cell, people(width)), high - low >= width);
            }
        }
    }
}
