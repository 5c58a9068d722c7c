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

/// The end of an entry with further breakdowns, from the visits one by one.
const FURTHER: &str = "    breakdowns: [site]
    further:
      from: model.visitor
      organisations: [ { type: trust, column: provider } ]
      breakdowns: [kind]
    definition";

/// Entries that all have further breakdowns: each a name, and what is otherwise than in a sound one.
fn with_further(indicators: &[(&str, &[(&str, &str)])]) -> World {
    let all: Vec<Vec<(&str, &str)>> = indicators
        .iter()
        .map(|(_, edits)| [&[("    definition", FURTHER)], *edits].concat())
        .collect();
    let names = indicators.iter().map(|(name, _)| *name);
    let all: Vec<(&str, &[(&str, &str)])> = names.zip(all.iter().map(Vec::as_slice)).collect();
    let world = with(&all);
    world
        .edit(
            "pipelines/watched.yaml",
            "indicators:\n",
            "models:\n  visitor: { sql: watched/visitor.sql, sensitivity: pseudonymised, grain: [person_key, visit_date] }\nindicators:\n",
        )
        .write(
            "sql/watched/visitor.sql",
            "SELECT *, CAST(date_trunc('month', visit_date) AS DATE) AS month,
  CAST(1 AS BIGINT) AS people, CAST(1 AS BIGINT) AS visits
FROM model.visit
",
        );
    world
}

#[test]
fn further_breakdowns_that_do_not_go_together() {
    with_further(&[("sound", &[])]).martlet("check").exits(0);
    let world = with_further(&[
        ("no_table", &[("model.visitor", "model.visitors")]),
        ("a_source", &[("model.visitor", "source.visits")]),
        (
            "of_nobody",
            &[("[ { type: trust, column: provider } ]", "[]")],
        ),
        ("by_nothing", &[("[kind]", "[]")]),
        ("by_the_same", &[("[kind]", "[kind, site]")]),
        ("by_all", &[("[kind]", "[all]")]),
        ("no_edition", &[("[kind]", "[core20plus]")]),
        (
            "no_sql",
            &[("column: provider }", "column: provider, where: kind = }")],
        ),
        (
            "no_sum",
            &[(
                "column: provider }",
                "column: provider, rolls_up: [practice] }",
            )],
        ),
    ]);
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/watched.yaml";
    assert_places(
        &world,
        &[
            ("unknown-name", file, "model.visitors", 0),
            ("unknown-name", file, "source.visits", 0),
            ("duplicate-name", file, "site]\n    definition", 0),
            ("missing-key", file, "core20plus", 0),
        ],
    );
}

#[test]
fn the_keys_of_further_breakdowns() {
    let world = with_further(&[
        ("no_from", &[("      from: model.visitor\n", "")]),
        (
            "no_organisations",
            &[(
                "      organisations: [ { type: trust, column: provider } ]\n",
                "",
            )],
        ),
        ("no_breakdowns", &[("      breakdowns: [kind]\n", "")]),
        (
            "a_where",
            &[("[kind]\n", "[kind]\n      where: kind = 'first'\n")],
        ),
    ]);
    insta::assert_snapshot!(faults(&world).stderr);
}

/// What the first table does not have is said of that one alone.
#[test]
fn the_other_table_has_the_columns_that_the_first_is_counted_by() {
    let world = with_further(&[
        (
            "no_counts",
            &[
                ("model.visitor", "model.site_total"),
                ("column: provider", "column: site"),
                ("breakdowns: [site]", "breakdowns: []"),
                ("[kind]", "[site]"),
                ("    numerator", "    where: people > 1\n    numerator"),
            ],
        ),
        ("not_by_the_first", &[("column: people", "column: peple")]),
        ("no_organisation", &[("column: provider", "column: month")]),
        ("no_breakdown", &[("[kind]", "[kynd]")]),
        ("a_person", &[("[kind]", "[person_key]")]),
        (
            "no_condition",
            &[(
                "column: provider }",
                "column: provider, where: kynd = 'first' }",
            )],
        ),
    ]);
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/watched.yaml";
    assert_places(
        &world,
        &[
            ("sql-plan", file, "people > 1", 0),
            ("unknown-name", file, "peple", 0),
            ("unknown-name", file, "kynd", 0),
            ("contract", file, "person_key]\n    definition", 0),
            ("sql-plan", file, "kynd = 'first'", 0),
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
