//! `martlet query`: ask the warehouse something, and learn nobody's name.

use std::sync::OnceLock;

use crate::clinic::{self, ANN, BOB, CAT};
use crate::world::{Ran, World};

/// The clinic after a night, for questions.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let world = clinic::world().kept_until_the_next_run("query");
        world.martlet("run --quiet").exits(0);
        world
    })
}

#[track_caller]
fn ask(sql: &str) -> Ran {
    let ran = world().martlet_with(["query", sql]);
    for private in [ANN, BOB, CAT, "TN24", "ME14"] {
        assert!(
            !ran.everything().contains(private),
            "{sql}\n{}{}",
            ran.stdout,
            ran.stderr
        );
    }
    ran
}

#[test]
fn answers_as_table_csv_and_json() {
    let sql = "SELECT month, site, people, visits, people_per_visit FROM mart.visits ORDER BY month, site";
    insta::assert_snapshot!("table", ask(sql).exits(0).stdout);
    let csv = world()
        .martlet_with(["query", sql, "--format", "csv"])
        .exits(0)
        .stdout;
    insta::assert_snapshot!("csv", csv);
    let json = world()
        .martlet_with(["query", sql, "--format", "json"])
        .exits(0);
    insta::assert_snapshot!("json", json.stdout);
    let rows = json.json();
    assert_eq!(rows.as_array().map(Vec::len), Some(3));
}

#[test]
fn empty_answers_have_their_headings() {
    let sql = "SELECT site FROM mart.sites WHERE site = 'Nowhere'";
    insta::assert_snapshot!("empty_table", ask(sql).exits(0).stdout);
    let json = world()
        .martlet_with(["query", sql, "--format", "json"])
        .exits(0);
    assert_eq!(json.json(), serde_json::json!([]));
    let csv = world()
        .martlet_with(["query", sql, "--format", "csv"])
        .exits(0);
    assert_eq!(csv.stdout, "site\n");
}

#[test]
fn rows_are_limited_and_that_is_said() {
    let sql = "SELECT month FROM mart.visits";
    let ran = world()
        .martlet_with(["query", sql, "--limit", "1", "--format", "csv"])
        .exits(0);
    assert_eq!(ran.stdout.lines().count(), 2);
    ran.says(&["1 of 3 rows"]);
    let ran = world()
        .martlet_with(["query", sql, "--limit", "0", "--format", "csv"])
        .exits(0);
    assert_eq!(ran.stdout.lines().count(), 4);
}

#[test]
fn from_comes_first_if_you_like() {
    assert_eq!(
        ask("FROM mart.sites").exits(0).stdout,
        ask("SELECT * FROM mart.sites").exits(0).stdout
    );
    for (short, long) in [
        (
            "from mart.visits where visits > 1 order by site desc limit 1",
            "SELECT * FROM mart.visits WHERE visits > 1 ORDER BY site DESC LIMIT 1",
        ),
        (
            "WITH v AS (FROM mart.visits WHERE site ~ '^N') FROM v",
            "SELECT * FROM mart.visits WHERE site ~ '^N'",
        ),
        (
            "SELECT site FROM mart.sites UNION ALL (FROM (SELECT site FROM mart.sites) AS s)",
            "SELECT site FROM mart.sites UNION ALL SELECT site FROM mart.sites",
        ),
        (
            "FROM mart.visits WHERE extract(year FROM month) = 2026 AND site IS DISTINCT FROM 'x'",
            "SELECT * FROM mart.visits WHERE extract(year FROM month) = 2026 AND site IS DISTINCT FROM 'x'",
        ),
    ] {
        let answer = ask(short).exits(0).stdout;
        assert_eq!(answer, ask(long).exits(0).stdout, "{short}");
    }
    // The place is that of the text as it was typed.
    ask("FROM mart.visits\nWHERE sight = 1")
        .exits(2)
        .says(&["query:2:7"]);
    let counted = ask("FROM mart.visits SELECT count(*) AS n").exits(0).stdout;
    assert!(counted.contains("| 3 |"), "{counted}");
    let inner = ask("SELECT count(*) AS n FROM (FROM mart.visits)")
        .exits(0)
        .stdout;
    assert!(inner.contains("| 3 |"), "{inner}");
}

/// Questions whose answer would be a pseudonym or a postcode: each must be masked, or refused.
const PRIVATE: [&str; 25] = [
    "SELECT person_key FROM source.visits",
    "SELECT person_key AS x FROM model.visit",
    "SELECT * FROM source.visits",
    "FROM source.visits",
    "FROM source.visits WHERE postcode IS NOT NULL",
    "SELECT postcode || '' AS x FROM source.visits",
    "SELECT upper(trim(postcode)) AS x FROM source.visits",
    "SELECT replace(postcode, ' ', '') AS x FROM source.visits",
    "SELECT CAST(postcode AS VARCHAR) AS x FROM source.visits",
    "SELECT max(postcode) AS x FROM source.visits",
    "SELECT first_value(postcode) OVER (ORDER BY _line) AS x FROM source.visits",
    "SELECT lag(postcode) OVER (ORDER BY _line) AS x FROM source.visits",
    "SELECT array_agg(postcode) AS x FROM source.visits",
    "SELECT string_agg(postcode, ',') AS x FROM source.visits",
    "SELECT coalesce(nullif(postcode, ''), 'none') AS x FROM source.visits",
    "SELECT CASE WHEN true THEN postcode ELSE 'x' END AS x FROM source.visits",
    "WITH p AS (SELECT postcode AS q FROM source.visits), r AS (SELECT q AS s FROM p) SELECT s AS x FROM r",
    "SELECT x FROM (SELECT postcode AS x FROM source.visits UNION ALL SELECT 'a')",
    "SELECT DISTINCT ON (kind) postcode AS x FROM source.visits",
    "SELECT (SELECT max(postcode) FROM source.visits) AS x",
    "SELECT a.postcode AS x FROM source.visits AS a JOIN source.visits AS b ON a._line = b._line",
    "SELECT postcode AS x, count(*) AS n FROM source.visits GROUP BY ROLLUP (postcode)",
    "SELECT unnest(array_agg(postcode)) AS x FROM source.visits",
    "SELECT named_struct('a', postcode) AS x FROM source.visits",
    "WITH RECURSIVE r AS (SELECT postcode AS x, 1 AS n FROM source.visits UNION ALL SELECT x, n + 1 FROM r WHERE n < 2) SELECT x FROM r",
];

#[test]
fn what_names_a_person_is_masked_however_it_is_asked_for() {
    let keys: Vec<String> = {
        let path = crate::world::files(&world().path("lake/models/visit")).remove(0);
        crate::parquet_file::Table::read(&path).column("person_key")
    };
    assert_eq!(keys.len(), 5);
    for sql in PRIVATE {
        for format in ["table", "csv", "json"] {
            let ran = world().martlet_with(["query", sql, "--format", format]);
            let said = ran.everything();
            for private in keys
                .iter()
                .map(String::as_str)
                .chain(["TN24", "42NT", "ME14", "41EM"])
            {
                assert!(!said.contains(private), "{sql}\n{said}");
            }
            if ran.code == 0 {
                assert!(said.contains("(masked)"), "{sql}\n{said}");
            } else {
                assert!([1, 2].contains(&ran.code), "{sql}\n{}", ran.stderr);
            }
        }
    }
}

#[test]
fn a_comparison_tells_as_much_as_the_value() {
    for sql in [
        "SELECT postcode = 'TN24 8XA' AS x FROM source.visits",
        "SELECT postcode LIKE 'T%' AS x FROM source.visits",
        "SELECT postcode IN ('TN24 8XA') AS x FROM source.visits",
        "SELECT CASE WHEN postcode < 'N' THEN 1 ELSE 0 END AS x FROM source.visits",
        "SELECT bool_or(postcode < 'N') AS x FROM source.visits GROUP BY _line",
        "SELECT count(CASE WHEN postcode < 'N' THEN 1 END) AS x FROM source.visits GROUP BY _line",
        "SELECT count(*) FILTER (WHERE postcode < 'N') AS x FROM source.visits GROUP BY _line",
        "SELECT x FROM (SELECT postcode < 'N' AS x FROM source.visits) AS t",
    ] {
        let said = ask(sql).exits(0).stdout;
        let answers = said.lines().filter(|l| l.starts_with("| ")).skip(1);
        let mut all = 0;
        for answer in answers {
            // Nothing is known of a value that is not there.
            let cell = answer.trim_matches(['|', ' ']);
            assert!(["(masked)", ""].contains(&cell), "{sql}\n{said}");
            all += usize::from(!cell.is_empty());
        }
        assert!(all > 0, "{sql}\n{said}");
    }
}

#[test]
fn counts_and_everything_else_are_shown() {
    let ran = ask(
        "SELECT count(DISTINCT person_key) AS people, count(postcode) AS known FROM source.visits",
    )
    .exits(0);
    insta::assert_snapshot!(ran.stdout);
    let ran = ask("SELECT kind, person_key IS NULL AS unlinked FROM source.visits WHERE _file LIKE '%RVV_2026-02%' ORDER BY _line").exits(0);
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn errors_have_carets() {
    insta::assert_snapshot!(
        "unknown_column",
        ask("SELECT month, sight FROM mart.visits").exits(2).stderr
    );
    insta::assert_snapshot!(
        "unknown_table",
        ask("SELECT *\nFROM mart.vists").exits(2).stderr
    );
    insta::assert_snapshot!(
        "syntax",
        ask("SELECT month FROM mart.visits WHERE").exits(2).stderr
    );
    insta::assert_snapshot!(
        "twice",
        ask("SELECT month, * FROM mart.visits").exits(2).stderr
    );
    insta::assert_snapshot!(
        "types",
        ask("SELECT month + site FROM mart.visits").exits(2).stderr
    );
}

#[test]
fn it_only_reads() {
    let before = (
        world().hashes("published"),
        world().hashes("lake/models"),
        world().hashes("lake/staged"),
    );
    for sql in [
        "DROP TABLE mart.visits",
        "CREATE TABLE x AS SELECT 1",
        "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
        "INSERT INTO mart.visits SELECT * FROM mart.visits",
        "DELETE FROM mart.visits",
        "UPDATE mart.visits SET site = 'x'",
        "COPY (SELECT 1) TO 'stolen.csv'",
        "SET datafusion.catalog.information_schema = true",
        "SELECT 1; SELECT 2",
        "EXPLAIN ANALYZE SELECT * FROM mart.visits",
        "SELECT * FROM 'pseudonym.key'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM information_schema.tables",
        "",
    ] {
        let ran = ask(sql).exits(2);
        assert_eq!(ran.stdout, "", "{sql}");
    }
    assert!(!world().path("stolen.csv").exists() && !world().path("x").exists());
    let after = (
        world().hashes("published"),
        world().hashes("lake/models"),
        world().hashes("lake/staged"),
    );
    assert_eq!(before, after);
}

#[test]
fn what_was_never_made_is_said() {
    let world = clinic::project();
    let ran = world
        .martlet_with(["query", "SELECT * FROM mart.visits"])
        .exits(1);
    ran.says(&[
        "mart.visits was never made",
        "run `martlet run mart.visits`",
    ]);
}

#[test]
fn statistics_of_what_is_there() {
    let csv = world()
        .martlet_with([
            "query",
            "SELECT site, wilson_lower(people, visits) <= proportion(people, visits) AS below,
                    xmr(month, visits, 'increase') OVER (PARTITION BY site)['point_type'] AS kind
             FROM mart.visits ORDER BY site LIMIT 1",
            "--format",
            "csv",
        ])
        .exits(0)
        .stdout;
    assert_eq!(csv, "site,below,kind\nAshford,true,common_cause\n");
    // What cannot be is said with the function's name, and no value.
    let ran = ask("SELECT wilson_lower(visits + 1, visits) AS l FROM mart.visits");
    assert_ne!(ran.code, 0);
    ran.says(&["wilson_lower: a numerator is above its denominator"]);
}
