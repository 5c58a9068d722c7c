//! Every trap that the contract of the marts names has a test of that name: the list, held against the
//! tests there are. Its own text says what is in each and what must come out.

use std::collections::BTreeMap;
use std::fs;

use crate::world::{files, repository, tell};

/// The traps by number. Each has tests called `trap_01_…`, of the program or of its SQL.
const TRAPS: [&str; 25] = [
    "split LSOA",
    "merged LSOA",
    "quintile boundary",
    "national, not local",
    "edition switch",
    "Wilson at the edges",
    "window arithmetic",
    "birthday on the census",
    "leap year",
    "28-day boundaries",
    "adjustments",
    "shared 62-day waits",
    "invited twice, one episode",
    "invitation after death",
    "corrected resubmission",
    "duplicate and bad NHS numbers",
    "suppressed inputs",
    "disclosure control",
    "closed and merged practices",
    "files that are not what they say",
    "totals beside parts",
    "stage denominator",
    "offered, not exists",
    "FIT timing",
    "scan windows and attribution",
];

/// The traps without a number, by how the names of their tests begin.
const BONUS: [(&str, &str); 8] = [
    (
        "waiting_list",
        "a missing week of the waiting list (no such feed)",
    ),
    (
        "decision_after_treatment",
        "decision after treatment is 0 days",
    ),
    ("out_of_area", "out of area: the provider's, no ICB's"),
    ("population", "residents and registered people are labelled"),
    ("half_patients", "half patients survive"),
    ("opted_out", "opted out of every year"),
    (
        "birth_month",
        "a birth month alone is its middle, and marked",
    ),
    ("disclosure", "disclosure control anew when counts change"),
];

/// The names of tests that are traps: functions under `#[test]`, and entries of `tests/pipelines/`.
fn named() -> Vec<String> {
    let mut names = Vec::new();
    for folder in ["src", "tests/integration", "tests/pipelines"] {
        for path in files(&repository().join(folder)) {
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                let name = line.strip_prefix("- name: ").or_else(|| {
                    let function = line.strip_prefix("fn ").filter(|_| is_test)?;
                    function.split_once('(').map(|(name, _)| name)
                });
                names.extend(name.filter(|n| n.starts_with("trap_")).map(str::to_owned));
                is_test = line == "#[test]";
            }
        }
    }
    names
}

/// Which trap a name is of: its number, or the beginning of a bonus one.
fn trap(name: &str) -> Option<String> {
    let rest = name.strip_prefix("trap_")?;
    if let Some(bonus) = rest.strip_prefix("bonus_") {
        let of = BONUS.iter().find(|(key, _)| bonus.starts_with(key));
        return of.map(|(key, _)| (*key).to_owned());
    }
    let (number, _) = rest.split_once('_')?;
    let known = number.len() == 2 && (1..=TRAPS.len()).contains(&number.parse().ok()?);
    known.then(|| number.to_owned())
}

#[test]
fn every_trap_has_a_test_of_its_name() {
    let mut tests: BTreeMap<String, usize> = BTreeMap::new();
    for name in named() {
        let of = trap(&name).unwrap_or_else(|| panic!("`{name}` is of no trap on the list"));
        *tests.entry(of).or_default() += 1;
    }
    let numbered = (1..).zip(TRAPS).map(|(n, what)| (format!("{n:02}"), what));
    let bonus = BONUS.map(|(key, what)| (key.to_owned(), what));
    let mut missing = Vec::new();
    let mut lines = Vec::new();
    for (key, what) in numbered.chain(bonus) {
        let count = tests.remove(&key).unwrap_or_default();
        let name = if key.len() == 2 {
            key
        } else {
            format!("bonus {key}")
        };
        let tests = if count == 1 { "test" } else { "tests" };
        lines.push(format!("traps {name}, {what}: {count} {tests}"));
        if count == 0 {
            missing.push(name);
        }
    }
    tell(&lines.join("\n"));
    assert!(missing.is_empty(), "no test is named after {missing:?}");
}

#[test]
fn a_name_that_is_nearly_a_traps_is_none() {
    assert_eq!(trap("trap_07_windows").as_deref(), Some("07"));
    assert_eq!(
        trap("trap_bonus_half_patients_survive").as_deref(),
        Some("half_patients")
    );
    for name in [
        "trap_7_windows",
        "trap_26_more",
        "trap_00_none",
        "trap_bonus_other",
        "trap_07",
        "trap",
    ] {
        assert_eq!(trap(name), None, "{name}");
    }
}
