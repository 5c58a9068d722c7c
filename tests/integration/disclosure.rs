//! Copies under a policy: what readers see of small numbers, night after night.

use crate::parquet_file::Table;
use crate::world::World;

/// Counts that arrive as they are to be published, by place.
const PIPELINE: &str = r#"pipeline: waits
description: Who is seen in time?
owner: data-team

sources:
  counts:
    description: Counts, one file.
    sensitivity: aggregate
    files: { path: "counts.csv", csv: {} }
    columns:
      - { name: place, type: string }
      - { name: source, type: string }
      - { name: within, type: decimal }
      - { name: breached, type: decimal }
      - { name: total, type: decimal }
      - { name: median_days, type: int }

marts:
  waits:
    description: People seen, by place.
    sql: waits/waits.sql
    grain: [place, source]
    columns:
      - { name: place, type: string, nullable: false }
      - { name: source, type: string, nullable: false }
      - { name: within, type: decimal, nullable: false }
      - { name: breached, type: decimal, nullable: false }
      - { name: total, type: decimal, nullable: false }
      - { name: median_days, type: int }
    rates:
      - { name: within_pct, numerator: within, denominator: total, interval: wilson }
    checks:
      - { name: adds_up, expression: within + breached = total }
    disclosure:
      exempt: { source: published }
      shown_with: { median_days: [within, breached, total] }
      same_people: [{ across: source, over: [] }]
    publish:
      - { audience: alliance }
      - { audience: stakeholders, policy: small_numbers }
"#;

const WAREHOUSE: &str = "name: waits
audiences: [alliance, stakeholders]
policy_required: [stakeholders]
policies:
  small_numbers: {}
";

const DEV: &str = "inbox: inbox\nas_of: 2026-04-10\nstable_for: 0s\n";

const SQL: &str = "SELECT place, source, within, breached, total, median_days FROM source.counts\n";

/// The world with these counts.
fn world(rows: &[&str]) -> World {
    let world = World::empty();
    world
        .write("pipelines/waits.yaml", PIPELINE)
        .write("sql/waits/waits.sql", SQL)
        .write("config/warehouse.yaml", WAREHOUSE)
        .write("config/targets/dev.yaml", DEV);
    counts(&world, rows);
    world
}

fn counts(world: &World, rows: &[&str]) {
    let text = format!(
        "place,source,within,breached,total,median_days\n{}\n",
        rows.join("\n")
    );
    world.write("inbox/counts.csv", text);
}

const LATEST: &str = "published/stakeholders/latest/waits.parquet";

/// What stakeholders see; nothing is written as `-`.
fn seen(world: &World) -> Vec<String> {
    let table = Table::read(&world.path(LATEST));
    let columns = [
        "place",
        "within",
        "breached",
        "total",
        "median_days",
        "within_pct",
        "suppression",
    ];
    let shown = |cell: &String| {
        if cell.is_empty() {
            "-".to_owned()
        } else {
            cell.clone()
        }
    };
    table
        .only(&columns)
        .iter()
        .map(|row| row.iter().map(shown).collect::<Vec<_>>().join(" "))
        .collect()
}

const COUNTS: [&str; 6] = [
    "Ashford,records,3,37,40,12",
    "Canterbury,records,8,12,20,13",
    "Dover,records,13,47,60,14",
    "Hythe,records,9,0,9,15",
    "Lydd,records,0,0,0,",
    "Deal,published,3,1,4,",
];

#[test]
fn trap_18_stakeholders_see_no_small_number_and_nothing_that_gives_one_back() {
    let world = world(&COUNTS);
    world.martlet("run").exits(0).says(&[
        "Suppressed mart.waits for stakeholders: 4 of 18 counts withheld, 1 of them small",
    ]);
    assert_eq!(
        seen(&world),
        [
            // 3 of 40, and the 37 that would give it back.
            "Ashford - - 40.0 - - within, breached, median_days",
            // 8 and 12 both are 10; the share is of what is shown.
            "Canterbury 10.0 10.0 20.0 13 0.5 -",
            // Official statistics are public to the last person.
            "Deal 3.0 1.0 4.0 - 0.75 -",
            "Dover 15.0 45.0 60.0 14 0.25 -",
            // All of nine, and none of them.
            "Hythe - - 10.0 - - within, breached, median_days",
            "Lydd 0.0 0.0 0.0 - - -",
        ]
    );
    let exact = Table::read(&world.path("published/alliance/latest/waits.parquet"));
    assert_eq!(
        exact.column("within"),
        ["3.0", "8.0", "3.0", "13.0", "9.0", "0.0"]
    );
    assert!(!exact.columns.contains(&"suppression".to_owned()));
    let limits = Table::read(&world.path(LATEST)).only(&["within_pct_lower", "within_pct_upper"]);
    assert_eq!(
        limits[0],
        ["", ""],
        "limits give the counts behind them away"
    );
    let manifest = crate::world::files(&world.path("published/stakeholders/versions"))
        .into_iter()
        .find(|path| path.ends_with("manifest.json"))
        .expect("a manifest");
    let manifest = std::fs::read_to_string(manifest).expect("text");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(manifest["policy"]["policy"], "small_numbers");
    assert_eq!(manifest["policy"]["suppress_up_to"], 7);
    // How many rows were sent or broke a rule is a count of people too.
    for (list, counts) in [
        ("inputs", ["rows", "rows"]),
        ("checks", ["broken", "total"]),
    ] {
        let list = manifest[list].as_array().expect("a list");
        assert!(!list.is_empty());
        assert!(
            list.iter()
                .all(|l| counts.iter().all(|c| l.get(c).is_none())),
            "{list:?}"
        );
    }
}

#[test]
fn a_mart_without_rows_has_a_copy_without_rows() {
    let world = world(&[]);
    world.martlet("run --quiet").exits(0);
    let copy = Table::read(&world.path(LATEST));
    assert!(copy.rows.is_empty());
    assert!(copy.columns.contains(&"within_pct".to_owned()));
    assert!(copy.columns.contains(&"suppression".to_owned()));
}

#[test]
fn the_numbers_of_a_policy_are_the_teams() {
    let world = world(&["Ashford,records,8,12,20,13"]);
    world.edit(
        "config/warehouse.yaml",
        "small_numbers: {}",
        "small_numbers: { suppress_up_to: 9, round_to: 10 }",
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(
        seen(&world),
        ["Ashford - - 20.0 - - within, breached, median_days"]
    );
    world.edit(
        "config/warehouse.yaml",
        "suppress_up_to: 9",
        "suppress_up_to: 7",
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(seen(&world), ["Ashford 10.0 10.0 20.0 13 0.5 -"]);
}

#[test]
fn trap_bonus_disclosure_is_worked_out_anew_when_counts_change() {
    let world = world(&["Ashford,records,3,37,40,12", "Dover,records,13,47,60,14"]);
    world.martlet("run --quiet").exits(0);
    let before = [
        "Ashford - - 40.0 - - within, breached, median_days",
        "Dover 15.0 45.0 60.0 14 0.25 -",
    ];
    assert_eq!(seen(&world), before);
    // The same counts: not a byte.
    let hashes = world.hashes("published");
    world.martlet("run --quiet").exits(0);
    assert_eq!(world.hashes("published"), hashes);
    // What was withheld is shown by the next count, and the other way round.
    counts(
        &world,
        &["Ashford,records,9,31,40,12", "Dover,records,6,54,60,14"],
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(
        seen(&world),
        [
            "Ashford 10.0 30.0 40.0 12 0.25 -",
            "Dover - - 60.0 - - within, breached, median_days",
        ]
    );
}

/// What a mart says of its numbers decides what its copies show, and so makes them anew.
#[test]
fn a_copy_is_made_again_when_its_mart_says_more() {
    let world = world(&["Canterbury,records,8,12,20,13"]);
    world.martlet("run --quiet").exits(0);
    assert_eq!(seen(&world), ["Canterbury 10.0 10.0 20.0 13 0.5 -"]);
    world.edit(
        "pipelines/waits.yaml",
        "      shown_with: { median_days: [within, breached, total] }\n",
        "      never_shown: [median_days]\n",
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(
        seen(&world),
        ["Canterbury 10.0 10.0 20.0 - 0.5 median_days"]
    );
}

#[test]
fn rows_that_official_statistics_would_give_away_are_left_out() {
    let mut rows = COUNTS.to_vec();
    // Of the same place, and so of the same people: 3 of 40 to the last.
    rows.push("Ashford,published,3,37,40,");
    let world = world(&rows);
    world
        .martlet("run")
        .exits(0)
        .says(&["wholly in 1 group of rows; 1 row left out"]);
    let seen = seen(&world);
    assert_eq!(seen[0], "Ashford 3.0 37.0 40.0 - 0.075 -");
    assert!(
        seen[1].starts_with("Canterbury"),
        "not the row of our records: {seen:?}"
    );
}

#[test]
fn duckdb_and_pandas_read_what_is_withheld_as_nothing() {
    let Some(python) = crate::readers::python() else {
        return;
    };
    let world = world(&COUNTS);
    world.martlet("run --quiet").exits(0);
    let script = "
import sys, duckdb, pandas as pd
path = sys.argv[1]
print(duckdb.sql(f\"SELECT sum(total), count(within), count(within_pct) FROM '{path}' WHERE source = 'records'\").fetchall())
print(pd.read_parquet(path).suppression.notna().sum())
";
    let output = std::process::Command::new(python)
        .args(["-c", script])
        .arg(world.path(LATEST))
        .output()
        .expect("runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said, "[(Decimal('130.0'), 3, 2)]\n2\n", "{output:?}");
}

/// A fact of the sample.
struct Fact {
    mart: &'static str,
    /// The columns that tell its rows apart.
    grain: &'static str,
    /// Which count is a part of which.
    shares: &'static [(&'static str, &'static str)],
}

const FACTS: [Fact; 7] = [
    Fact {
        mart: "screening_coverage",
        grain: "month programme cohort practice_code imd_edition imd_quintile",
        shares: &[
            ("covered", "eligible"),
            ("adequately_screened_6m", "invited_12m"),
        ],
    },
    Fact {
        mart: "lung_health_checks",
        grain: "cohort_month lad_code imd_edition imd_quintile",
        shares: &[("attended", "invited"), ("cancers_stage_1_2", "cancers")],
    },
    Fact {
        mart: "liver_surveillance",
        grain: "month trust_code imd_edition imd_quintile",
        shares: &[("invited_6m", "eligible"), ("scanned_6m", "eligible")],
    },
    Fact {
        mart: "personalised_care",
        grain: "month trust_code cancer_group imd_edition imd_quintile",
        shares: &[
            ("hna_offered", "diagnosed"),
            ("pcsp_completed", "diagnosed"),
            ("end_of_treatment_summary", "treatment_completed"),
            ("reviewed_12m", "diagnosed"),
        ],
    },
    Fact {
        mart: "waiting_times",
        grain: "month org_code basis source standard route cancer_group modality_group imd_edition imd_quintile",
        shares: &[("within", "total"), ("breached", "total")],
    },
    Fact {
        mart: "early_diagnosis",
        grain: "month org_type org_code cancer_group imd_edition imd_quintile",
        shares: &[
            ("stage_1_2", "staged"),
            ("staged", "stageable"),
            ("emergency", "first_presentations"),
        ],
    },
    Fact {
        mart: "fit_before_referral",
        grain: "month practice_code imd_edition imd_quintile",
        shares: &[("patients_with_fit_21d", "patients_referred")],
    },
];

/// NHS Digital's rule, by hand: 1 to 7 is not shown, nor is 7.5; the rest goes to the nearest 5.
fn by_hand(exact: f64) -> Option<f64> {
    match exact {
        0.0 => Some(0.0),
        x if x < 8.0 => None,
        x => Some((x / 5.0 + 0.5).floor() * 5.0),
    }
}

/// The whole sample, read as an outsider would who has the exact counts to compare with.
#[test]
fn trap_18_no_copy_of_the_sample_shows_a_small_number() {
    let world = &crate::night::shared().world;
    let mut shown = 0;
    for Fact {
        mart,
        grain,
        shares,
    } in FACTS
    {
        let grain: Vec<&str> = grain.split(' ').collect();
        let read = |audience: &str| {
            Table::read(&world.path(format!("published/{audience}/latest/{mart}.parquet")))
        };
        let (exact, copy) = (read("alliance"), read("stakeholders"));
        let rows: std::collections::BTreeMap<Vec<String>, usize> = copy
            .only(&grain)
            .into_iter()
            .enumerate()
            .map(|(i, key)| (key, i))
            .collect();
        assert_eq!(rows.len(), copy.rows.len(), "{mart}");
        let number = |table: &Table, row: usize, column: &str| -> Option<f64> {
            let text = table.rows[row][table.index(column)].as_deref()?;
            Some(text.parse().expect("a number"))
        };
        for (row, key) in exact.only(&grain).iter().enumerate() {
            let Some(&at) = rows.get(key) else { continue };
            if key.contains(&"published".to_owned()) {
                assert_eq!(
                    copy.rows[at][..exact.columns.len() - 5],
                    exact.rows[row][..exact.columns.len() - 5]
                );
                continue;
            }
            for (part, whole) in shares {
                for column in [part, whole] {
                    if let Some(count) = number(&copy, at, column) {
                        let true_count = number(&exact, row, column).expect("a count");
                        assert_eq!(Some(count), by_hand(true_count), "{mart} {column}");
                        shown += 1;
                    }
                }
                let (x, n) = (number(&exact, row, part), number(&exact, row, whole));
                let (Some(x), Some(n)) = (x, n) else { continue };
                let few = n > 0.0 && n < 10.0 && (x == 0.0 || x == n);
                if by_hand(n - x).is_none() || few {
                    assert_eq!(number(&copy, at, part), None, "{mart} {part}: {x} of {n}");
                }
            }
        }
    }
    assert!(shown > 1_000, "{shown} counts are shown");
}
