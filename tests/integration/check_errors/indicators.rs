//! Indicators that name what is not there, or do not go together.

use super::{assert_places, faults};
use crate::clinic;
use crate::world::World;

const HEAD: &str = r#"pipeline: watched
parameters:
  since: { type: int, value: 2 }
indicators:
"#;

const SOUND: &str = r#"    name: A name
    answers: A question?
    from: mart.visits
    numerator: { column: people, means: People. }
    denominator: { column: visits, means: Visits. }
    polarity: higher_is_better
    population: registered
    month: { column: month, means: Its month. }
    organisations: [ { type: practice, column: site } ]
    definition: { version: 1, source: Ours }
"#;

/// The clinic with these indicators: each a name and what is otherwise than in a sound one.
fn with(indicators: &[(&str, &[(&str, &str)])]) -> World {
    let world = clinic::project();
    let mut text = HEAD.to_owned();
    for (name, edits) in indicators {
        let mut entry = SOUND.to_owned();
        for (from, to) in *edits {
            assert!(entry.contains(from), "{from}");
            entry = entry.replace(from, to);
        }
        text.push_str(&format!("  {name}:\n{entry}"));
    }
    world.write("pipelines/watched.yaml", text);
    world
}

#[test]
fn a_sound_one_checks() {
    with(&[("sound", &[])]).martlet("check").exits(0);
}

#[test]
fn columns_of_an_indicator_are_those_of_its_table() {
    let world = with(&[
        ("misspelt", &[("column: people", "column: peple")]),
        ("no_month", &[("column: month", "column: site")]),
        ("no_count", &[("column: visits", "column: site")]),
        ("no_organisation", &[("column: site", "column: people")]),
        (
            "no_breakdown",
            &[("    definition", "    breakdowns: [sight]\n    definition")],
        ),
        (
            "no_condition",
            &[(
                "column: people,",
                "column: people, where: sight = 'Ashford',",
            )],
        ),
        (
            "no_truth",
            &[("    numerator", "    where: people + 1\n    numerator")],
        ),
    ]);
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/watched.yaml";
    assert_places(
        &world,
        &[
            ("unknown-name", file, "peple", 0),
            ("unknown-name", file, "sight", 0),
            ("sql-plan", file, "sight = 'Ashford'", 0),
            ("sql-plan", file, "people + 1", 0),
        ],
    );
}

#[test]
fn tables_sums_and_what_goes_together() {
    let world = with(&[
        ("no_table", &[("mart.visits", "mart.vists")]),
        ("a_source", &[("mart.visits", "source.visits")]),
        (
            "no_sql",
            &[(
                "    numerator",
                "    where: site = 'Ashford' AND\n    numerator",
            )],
        ),
        (
            "two_statements",
            &[(
                "    numerator",
                "    where: \"TRUE) UNION SELECT 1 --\"\n    numerator",
            )],
        ),
        (
            "a_parameter",
            &[("    numerator", "    where: people > $since\n    numerator")],
        ),
        (
            "no_sum",
            &[(
                "type: practice, column: site",
                "type: alliance, column: site, rolls_up: [practice]",
            )],
        ),
        (
            "counted_twice",
            &[(
                "[ { type: practice, column: site } ]",
                "[ { type: practice, column: site, rolls_up: [icb] }, { type: icb, column: site } ]",
            )],
        ),
        (
            "no_edition",
            &[(
                "    definition",
                "    breakdowns: [imd_quintile]\n    definition",
            )],
        ),
        (
            "a_target_from_below",
            &[("higher_is_better", "lower_is_better\n    target: visits")],
        ),
        (
            "a_share_as_target_of_a_rate",
            &[(
                "higher_is_better",
                "higher_is_better\n    unit: per_100_000\n    target: shares",
            )],
        ),
        (
            "limits_of_another_unit",
            &[("higher_is_better", "higher_is_better\n    interval: byar")],
        ),
        (
            "no_choice",
            &[(
                "source: Ours }",
                "source: Ours }\n    open_choices: [ { choice: When., since: 2025-02-30, parameter: sinse } ]",
            )],
        ),
    ]);
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/watched.yaml";
    assert_places(
        &world,
        &[
            ("unknown-name", file, "mart.vists", 0),
            ("unknown-name", file, "source.visits", 0),
            ("sql-syntax", file, "site = 'Ashford' AND", 0),
            ("sql-parameter", file, "people > $since", 0),
            ("missing-key", file, "imd_quintile", 0),
            ("not-supported", file, "shares", 0),
            ("wrong-value", file, "byar", 0),
            ("unknown-name", file, "sinse", 0),
        ],
    );
}

#[test]
fn the_mart_of_the_indicators_needs_some() {
    let world = clinic::project();
    world.edit(
        "pipelines/clinic.yaml",
        "    sql: clinic/sites.sql",
        "    sql: generated/indicators.sql",
    );
    world.remove("sql/clinic/sites.sql");
    faults(&world).says(&["no pipeline has any"]);
}
