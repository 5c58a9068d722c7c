//! SQL that cannot be planned, or must not be run.

use super::{assert_places, faults, places, with_pipeline};
use crate::world::World;

const PIPELINE: &str = r#"pipeline: clinic
parameters:
  least: { type: int, value: 1 }
references:
  sites:
    sensitivity: open
    files: { path: config/reference/sites.csv, root: project, csv: {} }
    columns:
      - { name: provider, type: ods_code }
      - { name: site, type: string }
models:
"#;

/// A project whose models are these: name and SQL.
fn with_models(models: &[(&str, &str)]) -> World {
    let lines: String = models
        .iter()
        .map(|(name, _)| format!("  {name}: {{ sql: clinic/{name}.sql }}\n"))
        .collect();
    let world = with_pipeline(&format!("{PIPELINE}{lines}"));
    world.remove("sql");
    for (name, sql) in models {
        world.write(&format!("sql/clinic/{name}.sql"), sql);
    }
    world
}

#[test]
fn names_types_and_parameters_are_checked_without_data() {
    let world = with_models(&[
        ("unknown_table", "SELECT *\nFROM source.vists\n"),
        ("bare_table", "SELECT * FROM sites\n"),
        (
            "unknown_column",
            "SELECT\n  s.provider,\n  s.sight\nFROM reference.sites AS s\n",
        ),
        (
            "types",
            "SELECT site + DATE '2020-01-01' AS x FROM reference.sites\n",
        ),
        (
            "unknown_function",
            "SELECT uper(site) AS x FROM reference.sites\n",
        ),
        ("parameter", "SELECT $leest AS x\n"),
        ("syntax", "SELECT site,\nFROM reference.sites\n"),
        ("clock", "SELECT now() AS t, random() AS r\n"),
    ]);
    insta::assert_snapshot!(faults(&world).stderr);
    assert_places(
        &world,
        &[
            (
                "sql-unknown-table",
                "sql/clinic/unknown_table.sql",
                "source.vists",
                0,
            ),
            ("sql-unknown-table", "sql/clinic/bare_table.sql", "sites", 0),
            (
                "sql-unknown-column",
                "sql/clinic/unknown_column.sql",
                "s.sight",
                0,
            ),
            ("sql-plan", "sql/clinic/types.sql", "site", 0),
            ("sql-parameter", "sql/clinic/parameter.sql", "$leest", 0),
            ("sql-volatile", "sql/clinic/clock.sql", "now", 0),
            ("sql-volatile", "sql/clinic/clock.sql", "random", 0),
        ],
    );
}

#[test]
fn only_one_query_a_file() {
    let world = with_models(&[
        ("drop_table", "DROP TABLE reference.sites\n"),
        ("create_table", "CREATE TABLE x AS SELECT 1 AS a\n"),
        ("copy", "COPY (SELECT 1) TO 'x.parquet'\n"),
        ("insert", "INSERT INTO reference.sites VALUES ('a', 'b')\n"),
        ("set", "SET datafusion.execution.target_partitions = 1\n"),
        (
            "external",
            "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'\n",
        ),
        ("explain", "EXPLAIN SELECT 1\n"),
        ("two", "SELECT 1 AS a;\nSELECT 2 AS b\n"),
        ("no_semicolon", "SELECT 1 AS a\nSELECT 2 AS b\n"),
        ("empty", "-- nothing yet\n"),
    ]);
    insta::assert_snapshot!(faults(&world).stderr);
    let codes: Vec<String> = places(&world).into_iter().map(|p| p.0).collect();
    assert_eq!(codes.len(), 10, "{codes:?}");
    assert!(
        codes
            .iter()
            .all(|c| c == "sql-statement" || c == "sql-syntax"),
        "{codes:?}"
    );
    assert_places(
        &world,
        &[
            ("sql-statement", "sql/clinic/two.sql", "SELECT", 1),
            ("sql-syntax", "sql/clinic/no_semicolon.sql", "SELECT", 1),
        ],
    );
}

#[test]
fn ten_thousand_parentheses_and_long_chains_are_errors_and_not_crashes() {
    let deep = format!(
        "SELECT {}1{} AS x\n",
        "(".repeat(10_000),
        ")".repeat(10_000)
    );
    let nots = format!("SELECT {} true AS x\n", "NOT ".repeat(10_000));
    let sums = format!("SELECT {}1 AS x\n", "1 + ".repeat(10_000));
    let unions = format!("SELECT 1 AS x {}\n", "UNION ALL SELECT 1 ".repeat(2_000));
    let world = with_models(&[("deep", &deep), ("nots", &nots)]);
    let ran = faults(&world);
    ran.says(&[
        "the SQL nests too deeply",
        "sql/clinic/deep.sql:1",
        "sql/clinic/nots.sql:1",
    ]);
    // Long chains are not nested in the text, but they are in the plan.
    let world = with_models(&[("sums", &sums), ("unions", &unions)]);
    let ran = faults(&world);
    ran.says(&["sql/clinic/sums.sql:1", "sql/clinic/unions.sql:1"]);
    assert_eq!(ran.stderr.matches("the SQL nests too deeply").count(), 2);
}

#[test]
fn a_missing_file_is_named_with_the_nearest_one() {
    let world = with_models(&[("visit", "SELECT 1 AS a\n")]);
    world.edit(
        "pipelines/clinic.yaml",
        "clinic/visit.sql",
        "clinic/vist.sql",
    );
    faults(&world).says(&[
        "there is no SQL file `sql/clinic/vist.sql`",
        "did you mean `clinic/visit.sql`?",
    ]);
    assert_places(
        &world,
        &[(
            "missing-file",
            "pipelines/clinic.yaml",
            "clinic/vist.sql",
            0,
        )],
    );
}

#[test]
fn a_file_outside_the_project_is_not_read() {
    let world = with_models(&[("visit", "SELECT 1 AS a\n")]);
    world.edit(
        "pipelines/clinic.yaml",
        "clinic/visit.sql",
        "../../../../../etc/hostname",
    );
    faults(&world);
}

#[test]
fn circles_are_shown_as_circles() {
    let world = with_models(&[
        ("a", "SELECT * FROM model.b\n"),
        ("b", "SELECT * FROM model.c\n"),
        ("c", "SELECT * FROM model.a\n"),
        ("self", "SELECT * FROM model.self\n"),
    ]);
    insta::assert_snapshot!(faults(&world).stderr);
    let codes: Vec<String> = places(&world).into_iter().map(|p| p.0).collect();
    assert_eq!(codes, ["cycle", "cycle"]);
}
