//! Indicators: one definition each in YAML, counted into one mart; and what is known of the data.

use std::collections::BTreeMap;
use std::fs;

use crate::clinic::{self, january};
use crate::night;
use crate::parquet_file::Table;
use crate::world::{World, repository};

/// Beside the clinic: where its trusts lie, what is watched, and the mart of it. Maidstone's trust is
/// on no list.
const PIPELINE: &str = r#"pipeline: watched
parameters:
  imd_edition: { type: int, value: 2025 }
  home_sub_icb: { type: string, value: HOME }
  home_icb: { type: string, value: HOME }
  home_alliance: { type: string, value: HOME, description: Where who is on no list counts. }
references:
  places:
    sensitivity: open
    files: { path: config/reference/places.csv, root: project, csv: {} }
    columns:
      - { name: trust, type: string }
      - { name: alliance, type: string }
  targets:
    sensitivity: open
    files: { path: config/reference/targets.csv, root: project, csv: {} }
    columns:
      - { name: measure, type: string }
      - { name: valid_from, type: date, formats: ["%Y-%m-%d"] }
      - { name: valid_to, type: date, formats: ["%Y-%m-%d"] }
      - { name: value, type: { decimal: { precision: 5, scale: 4 } } }
models:
  visitor:
    sql: watched/visitor.sql
    grain: [provider, person_key, visit_date, imd_edition]
    sensitivity: pseudonymised
marts:
  dim_organisation:
    sql: watched/dim_organisation.sql
    grain: [org_type, org_code]
    columns:
      - { name: org_type, type: string }
      - { name: org_code, type: string }
      - { name: pcn_code, type: string }
      - { name: sub_icb_code, type: string }
      - { name: icb_code, type: string }
      - { name: alliance_code, type: string }
    publish: [ { audience: alliance } ]
  dim_measure:
    sql: generated/dim_measure.sql
    grain: [measure]
    columns:
      - { name: measure, type: string }
      - { name: mart, type: string }
      - { name: short_name, type: string }
      - { name: answers, type: string }
      - { name: numerator, type: string }
      - { name: denominator, type: string }
      - { name: exclusions, type: string }
      - { name: unit, type: string }
      - { name: polarity, type: string }
      - { name: target_measure, type: string }
      - { name: population, type: string }
      - { name: interval_method, type: string }
      - { name: definition_version, type: int }
      - { name: source, type: string }
    publish: [ { audience: alliance } ]
  indicators:
    sql: generated/indicators.sql
    grain: [measure, month, org_type, org_code, breakdown_type, breakdown_value, imd_edition]
    columns:
      - { name: measure, type: string }
      - { name: month, type: date }
      - { name: org_type, type: string }
      - { name: org_code, type: string }
      - { name: breakdown_type, type: string }
      - { name: breakdown_value, type: string }
      - { name: imd_edition, type: int }
      - { name: numerator, type: decimal, nullable: true }
      - { name: denominator, type: decimal, nullable: true }
      - { name: unit, type: string }
      - { name: target_measure, type: string, nullable: true }
      - { name: suppression, type: string, nullable: true }
    rates:
      - { name: value, numerator: numerator, denominator: denominator, unit_column: unit, target_column: target_measure }
    publish: [ { audience: alliance } ]

indicators:
  first_visits:
    name: First visits
    answers: "How many visits are somebody's first?"
    from: model.visitor
    numerator: { where: kind = 'first', means: "Of those, first visits." }
    denominator: { means: Visits. }
    polarity: higher_is_better
    target: first_visits
    population: registered
    month: { column: month, means: Month of the visit. }
    edition: imd_edition
    organisations:
      - { type: trust, column: provider, rolls_up: [alliance] }
    breakdowns: [imd_quintile, kind]
    definition: { version: 3, source: "It's ours" }
    open_choices:
      - { choice: The edition., since: 2025-11-01 }

  people_per_visit:
    name: People per visit
    answers: Do people come back?
    from: mart.visits
    where: site = 'Ashford'
    numerator: { column: people, means: People. }
    denominator: { column: visits, means: Visits. }
    polarity: neutral
    population: registered
    month: { column: month, means: Month of the visit. }
    organisations:
      - { type: practice, column: site }
    definition: { version: 1, source: Ours }

  people_per_100_000_visits:
    name: People per 100,000 visits
    answers: Do people come back?
    from: mart.visits
    numerator: { column: people, means: People. }
    denominator: { column: visits, means: Visits. }
    unit: per_100_000
    polarity: neutral
    population: registered
    month: { column: month, means: Month of the visit. }
    organisations:
      - { type: practice, column: site }
    definition: { version: 1, source: Ours }
"#;

fn watched() -> World {
    let world = clinic::world();
    world
        .write("pipelines/watched.yaml", PIPELINE)
        .write(
            "sql/watched/visitor.sql",
            "SELECT
  CAST(date_trunc('month', visit.visit_date) AS DATE) AS month,
  visit.provider, visit.person_key, visit.visit_date, visit.kind, edition.imd_edition,
  CASE WHEN edition.imd_edition = 2025 THEN 2 WHEN visit.provider = 'RVV' THEN 1 ELSE 0 END AS imd_quintile
FROM model.visit AS visit
CROSS JOIN (VALUES (2019), (2025)) AS edition (imd_edition)
",
        )
        .write(
            "sql/watched/dim_organisation.sql",
            "SELECT 'trust' AS org_type, trust AS org_code, CAST(NULL AS VARCHAR) AS pcn_code,
  CAST(NULL AS VARCHAR) AS sub_icb_code, CAST(NULL AS VARCHAR) AS icb_code, alliance AS alliance_code
FROM reference.places
",
        )
        .write("config/reference/places.csv", "trust,alliance\nRVV,E1\n")
        .write(
            "config/reference/targets.csv",
            "measure,valid_from,valid_to,value\nfirst_visits,2026-02-01,,0.5\n",
        );
    world
}

/// Two entries that count the same rows, in one of which a count is withheld.
const WITHHELD: &str = r#"pipeline: withheld
models:
  staged:
    sql: watched/staged.sql
    grain: [month, trust, site]
    sensitivity: aggregate
indicators:
  early:
    name: Early
    answers: How many are found early?
    from: model.staged
    numerator: { column: early, means: Found early. }
    denominator: { column: staged, means: Staged. }
    polarity: higher_is_better
    population: registered
    month: { column: month, means: Month of diagnosis. }
    organisations: [ { type: trust, column: trust, rolls_up: [alliance] } ]
    breakdowns: [site]
    definition: { version: 1, source: Ours }
  staging:
    name: Staging
    answers: How many have a stage?
    from: model.staged
    numerator: { column: staged, means: Staged. }
    denominator: { column: tumours, means: Tumours. }
    polarity: higher_is_better
    population: registered
    month: { column: month, means: Month of diagnosis. }
    organisations: [ { type: trust, column: trust, rolls_up: [alliance] } ]
    breakdowns: [site]
    definition: { version: 1, source: Ours }
"#;

/// An entry whose practices are in one table, and whose groups of people are in another.
const FURTHER: &str = r#"pipeline: screened
models:
  person:
    sql: screened/person.sql
    grain: [person, imd_edition]
    sensitivity: pseudonymised
  screened:
    sql: screened/screened.sql
    grain: [month, cohort, practice, imd_edition, imd_quintile]
    sensitivity: aggregate
  screened_group:
    sql: screened/screened_group.sql
    grain: [month, cohort, sub_icb, imd_edition, core20plus, sex]
    sensitivity: aggregate
indicators:
  coverage:
    name: Coverage
    answers: Who is up to date?
    from: model.screened
    where: cohort = 'bowel'
    numerator: { column: covered, means: "Of those, people with a test." }
    denominator: { column: eligible, means: People invited. }
    polarity: higher_is_better
    population: registered
    month: { column: month, means: Its month. }
    edition: imd_edition
    organisations:
      - { type: practice, column: practice, rolls_up: [sub_icb, icb, alliance] }
    breakdowns: [imd_quintile]
    further:
      from: model.screened_group
      organisations:
        - { type: sub_icb, column: sub_icb, rolls_up: [icb, alliance] }
      breakdowns: [core20plus, sex]
    definition: { version: 1, source: Ours }
"#;

/// Two people at P1, two at P2, both in one ICB, and one at P9, which is on no list; d is in core20plus
/// by more than a quintile. The last is of another cohort.
fn screened() -> World {
    let world = watched();
    let summed = |columns: &str| {
        format!(
            "SELECT month, cohort, imd_edition, {columns},
  CAST(SUM(covered) AS BIGINT) AS covered, COUNT(*) AS eligible
FROM model.person
GROUP BY month, cohort, imd_edition, {columns}
"
        )
    };
    world
        .write("pipelines/screened.yaml", FURTHER)
        .write(
            "sql/screened/person.sql",
            "SELECT DATE '2026-01-01' AS month, p.*, edition.imd_edition,
  CASE WHEN edition.imd_edition = 2025 THEN p.quintile ELSE 3 END AS imd_quintile,
  p.plus OR (edition.imd_edition = 2025 AND p.quintile = 1) AS core20plus
FROM (VALUES
  ('a', 'bowel', 'P1', 'S1', 'F', 1, FALSE, 1),
  ('b', 'bowel', 'P1', 'S1', 'M', 1, FALSE, 0),
  ('c', 'bowel', 'P2', 'S2', 'F', 2, FALSE, 1),
  ('d', 'bowel', 'P2', 'S2', 'F', 2, TRUE, 0),
  ('e', 'bowel', 'P9', 'HOME', 'M', 1, FALSE, 1),
  ('f', 'breast', 'P1', 'S1', 'F', 1, FALSE, 1)
) AS p (person, cohort, practice, sub_icb, sex, quintile, plus, covered)
CROSS JOIN (VALUES (2019), (2025)) AS edition (imd_edition)
",
        )
        .write(
            "sql/screened/screened.sql",
            summed("practice, imd_quintile"),
        )
        .write(
            "sql/screened/screened_group.sql",
            summed("sub_icb, core20plus, sex"),
        )
        .write(
            "sql/watched/dim_organisation.sql",
            "SELECT 'trust' AS org_type, trust AS org_code, CAST(NULL AS VARCHAR) AS pcn_code,
  CAST(NULL AS VARCHAR) AS sub_icb_code, CAST(NULL AS VARCHAR) AS icb_code, alliance AS alliance_code
FROM reference.places
UNION ALL
SELECT * FROM (VALUES
  ('practice', 'P1', NULL, 'S1', 'I1', 'E1'),
  ('practice', 'P2', NULL, 'S2', 'I1', 'E1'),
  ('sub_icb', 'S1', NULL, NULL, 'I1', 'E1'),
  ('sub_icb', 'S2', NULL, NULL, 'I1', 'E1')
) AS place (org_type, org_code, pcn_code, sub_icb_code, icb_code, alliance_code)
",
        );
    world
}

fn latest(world: &World, mart: &str) -> Table {
    Table::read(&world.path(format!("published/alliance/latest/{mart}.parquet")))
}

/// At Ashford (RVV) in January two of three visits are first, at Maidstone (RWF) one of one; in
/// February at Ashford none of one. RWF is on no list, so it counts at home.
#[test]
fn counts_sums_targets_and_breakdowns_are_those_worked_out_by_hand() {
    let world = watched();
    world.martlet("run --quiet").exits(0);
    let table = latest(&world, "indicators");
    let rows = table.only(&[
        "measure",
        "month",
        "org_type",
        "org_code",
        "breakdown_type",
        "breakdown_value",
        "imd_edition",
        "numerator",
        "denominator",
        "value",
        "target",
        "target_met",
    ]);
    let rows: Vec<String> = rows.iter().map(|r| r.join(" ")).collect();
    let (january, february) = ("2026-01-01", "2026-02-01");
    let two_thirds = 2.0 / 3.0;
    let mut expected = Vec::new();
    for (kind, ashford, maidstone) in [("alliance", "E1", "HOME"), ("trust", "RVV", "RWF")] {
        for (org, counts) in [(ashford, "2.0 3.0"), (maidstone, "1.0 1.0")] {
            let share = if org == ashford { two_thirds } else { 1.0 };
            let share = format!("{share:?}");
            let quintile = if org == ashford { 1 } else { 0 };
            let row = |breakdown: &str, counts: &str, share: &str| {
                format!("first_visits {january} {kind} {org} {breakdown} {counts} {share}  ")
            };
            expected.push(row("all all 0", counts, &share));
            expected.push(row(
                &format!("imd_quintile {quintile} 2019"),
                counts,
                &share,
            ));
            expected.push(row("imd_quintile 2 2025", counts, &share));
            let first = if org == ashford { "2.0 2.0" } else { "1.0 1.0" };
            expected.push(row("kind first 0", first, "1.0"));
            if org == ashford {
                expected.push(row("kind repeat 0", "0.0 1.0", "0.0"));
            }
        }
        for breakdown in [
            "all all 0",
            "imd_quintile 1 2019",
            "imd_quintile 2 2025",
            "kind repeat 0",
        ] {
            expected.push(format!(
                "first_visits {february} {kind} {ashford} {breakdown} 0.0 1.0 0.0 0.5 false"
            ));
        }
    }
    for (month, people, visits) in [(january, 2.0, 3.0), (february, 1.0, 1.0)] {
        expected.push(format!(
            "people_per_visit {month} practice Ashford all all 0 {people:?} {visits:?} {:?}  ",
            people / visits
        ));
    }
    // Both sites, in rows of another unit.
    for (month, site, people, visits, rate) in [
        (january, "Ashford", "2.0", "3.0", "66666.66666666666"),
        (february, "Ashford", "1.0", "1.0", "100000.0"),
        (january, "Maidstone", "1.0", "1.0", "100000.0"),
    ] {
        expected.push(format!(
            "people_per_100_000_visits {month} practice {site} all all 0 {people} {visits} {rate}  "
        ));
    }
    let mut seen = rows.clone();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);

    let measures = latest(&world, "dim_measure");
    assert_eq!(
        measures.only(&[
            "measure",
            "mart",
            "definition_version",
            "source",
            "target_measure"
        ]),
        [
            ["first_visits", "visitor", "3", "It's ours", "first_visits"],
            ["people_per_100_000_visits", "visits", "1", "Ours", ""],
            ["people_per_visit", "visits", "1", "Ours", ""],
        ]
    );
}

/// Maidstone's trust is on no list, so its person counts where we are, and the alliances add up to everybody.
#[test]
fn trap_19_who_is_at_an_organisation_on_no_list_still_counts() {
    let world = watched();
    world.martlet("run --quiet").exits(0);
    let rows = indicator(&latest(&world, "indicators"), "first_visits", "alliance");
    let january = |org: &str| rows[&("2026-01-01".to_owned(), org.to_owned())];
    assert_eq!((january("E1"), january("HOME")), ((2.0, 3.0), (1.0, 1.0)));
}

#[test]
fn trap_bonus_population_of_every_indicator_is_said() {
    let table = latest(&night::shared().world, "dim_measure");
    let rows = table.only(&["measure", "population", "unit", "denominator"]);
    let of = |population: &str| -> Vec<&str> {
        let rows = rows.iter().filter(|r| r[1] == population);
        rows.map(|r| r[0].as_str()).collect()
    };
    // Practices know who is on their lists; a census knows who lives in a place.
    assert!(of("registered").contains(&"coverage_bowel_60_74"));
    let rates = ["cancers_per_100_000", "emergency_presentations_per_100_000"];
    for row in &rows {
        let is_rate = rates.contains(&row[0].as_str());
        assert_eq!(row[2] == "per_100_000", is_rate, "{row:?}");
        let said = row[3].contains("Census 2021") && row[3].contains("not the people registered");
        assert_eq!(said, is_rate, "{row:?}");
        assert!(!is_rate || row[1] == "resident", "{row:?}");
    }
    let known = ["registered", "resident", "diagnosed", "treated"].map(|p| of(p).len());
    assert_eq!(known.iter().sum::<usize>(), rows.len());
}

#[test]
fn adding_one_is_an_edit_of_yaml() {
    let world = watched();
    world.martlet("run --quiet").exits(0);
    world.edit(
        "pipelines/watched.yaml",
        "  people_per_visit:\n",
        r#"  repeat_visits:
    name: Repeat visits
    answers: How many come again?
    from: model.visitor
    numerator: { where: kind = 'repeat', means: "Of those, repeat visits." }
    denominator: { means: Visits. }
    polarity: lower_is_better
    population: registered
    month: { column: month, means: Month of the visit. }
    edition: imd_edition
    organisations: [ { type: trust, column: provider } ]
    definition: { version: 1, source: Ours }

  people_per_visit:
"#,
    );
    let ran = world.martlet("run").exits(0);
    ran.says(&["mart.indicators", "mart.dim_measure"]);
    let table = latest(&world, "indicators");
    let rows = table.only(&["measure", "month", "org_code", "numerator", "denominator"]);
    let rows: Vec<String> = rows.iter().map(|r| r.join(" ")).collect();
    let repeat: Vec<&String> = rows.iter().filter(|r| r.starts_with("repeat")).collect();
    assert_eq!(
        repeat,
        [
            "repeat_visits 2026-01-01 RVV 1.0 3.0",
            "repeat_visits 2026-01-01 RWF 0.0 1.0",
            "repeat_visits 2026-02-01 RVV 1.0 1.0",
        ]
    );
}

#[test]
fn a_row_whose_target_is_in_no_series_is_not_published() {
    let world = watched();
    world.write(
        "config/reference/targets.csv",
        "measure,valid_from,valid_to,value\nfirst_visit,2026-02-01,,0.5\n",
    );
    let ran = world.martlet("run --quiet").exits(1);
    ran.says(&[
        "`first_visits`, which reference.targets does not have",
        "first_visit",
    ]);
}

#[test]
fn the_specification_is_written_from_the_pipelines_and_says_when_it_is_stale() {
    let world = watched();
    world
        .martlet("indicators")
        .exits(0)
        .says(&["docs/indicators.md"]);
    insta::assert_snapshot!(world.read("docs/indicators.md"));
    world.martlet("indicators --check").exits(0);
    world.edit("pipelines/watched.yaml", "version: 3", "version: 4");
    world
        .martlet("indicators --check")
        .exits(2)
        .says(&["stale-page"]);
    let ran = world.martlet("check").exits(0);
    ran.says(&["stale-page", "martlet indicators"]);
    world.martlet("indicators --quiet").exits(0);
    world.martlet("indicators --check").exits(0);
}

#[test]
fn the_specification_in_the_repository_is_the_pipelines_own() {
    let world = World::repository();
    let page = std::fs::read(repository().join("docs/indicators.md")).expect("the page");
    world.write("docs/indicators.md", page);
    world.martlet("indicators --check").exits(0);
}

/// The entry beside it counts all sites, and another site's rows are no place to divide by what is there.
#[test]
fn what_an_entry_counts_is_worked_out_of_its_own_rows_alone() {
    let counted = |world: &World| {
        world.martlet("run --quiet").exits(0);
        let all = "SELECT measure, month, org_code, numerator, denominator FROM mart.indicators ORDER BY 1, 2, 3";
        let asked = world.martlet_with(["query", "--format", "csv", all]);
        asked.exits(0).stdout
    };
    let world = watched();
    let expected = counted(&world);
    assert!(
        expected.contains("people_per_visit,2026-01-01,Ashford"),
        "{expected}"
    );
    world.edit(
        "pipelines/watched.yaml",
        "numerator: { column: people, means: People. }",
        "numerator: { column: people, where: \"1 / (CASE WHEN site = 'Ashford' THEN 1 ELSE 0 END) = 1\", means: People. }",
    );
    assert_eq!(counted(&world), expected);
}

#[test]
fn the_sql_that_counts_them_can_be_read() {
    let world = watched();
    insta::assert_snapshot!(world.martlet("indicators --sql").exits(0).stdout);
}

const KNOWN: &str = r#"pipeline: known
models:
  feeds:
    sql: known/feeds.sql
    grain: [feed, file, hash]
    sensitivity: aggregate
marts:
  feeds:
    sql: known/mart.sql
    grain: [feed, file, hash]
    columns:
      - { name: feed, type: string }
      - { name: file, type: string }
      - { name: hash, type: string }
      - { name: provider, type: string }
      - { name: period, type: string }
      - { name: month, type: date }
      - { name: status, type: string }
      - { name: replaced_by, type: string }
      - { name: received, type: int }
      - { name: loaded, type: int }
      - { name: quarantined, type: int }
      - { name: rules, type: int }
      - { name: checks, type: int }
    publish: [ { audience: alliance } ]
"#;

/// The clinic, with a mart of all that the warehouse knows of itself.
fn known() -> World {
    let world = clinic::project();
    world
        .write("pipelines/known.yaml", KNOWN)
        .edit(
            "pipelines/clinic.yaml",
            "      csv: {}\n    columns:\n      - { name: nhs_number",
            "      csv: {}\n      supersede: { by: [provider, period] }\n    columns:\n      - { name: nhs_number",
        )
        .edit(
            "pipelines/clinic.yaml",
            "visits_{provider}_{period}.csv\"\n      captures: { provider: ods_code, period: { month: \"%Y-%m\" } }",
            "visits_{provider}_{period}[_v{sequence}].csv\"\n      captures: { provider: ods_code, period: { month: \"%Y-%m\" }, sequence: int }",
        )
        .write("sql/known/feeds.sql", "SELECT * FROM system.submissions\n")
        .write(
            "sql/known/mart.sql",
            "SELECT s.feed, s.file, s.hash, s.provider, s.period, s.month, s.status, s.replaced_by,
  i.received, i.loaded, i.quarantined,
  (SELECT count(*) FROM system.broken_rules AS b WHERE b.hash = s.hash) AS rules,
  (SELECT count(*) FROM system.checks) AS checks
FROM model.feeds AS s
LEFT JOIN system.intakes AS i ON i.feed = s.feed AND i.file = s.file AND i.hash = s.hash
",
        );
    world
}

#[test]
fn what_the_warehouse_knows_of_itself_does_not_depend_on_the_order_of_arrival() {
    let second = "nhs_number,visit_date,kind,postcode\n9434765919,05/01/2026,first,\n9434765870,05/01/2026,odd,\n";
    let at_once = known();
    january(&at_once);
    at_once.write("inbox/visits/visits_RVV_2026-01_v2.csv", second);
    at_once.martlet("run --quiet").exits(0);

    let corrected_first = known();
    corrected_first.write("inbox/visits/visits_RVV_2026-01_v2.csv", second);
    corrected_first.martlet("run --quiet").exits(0);
    let before = latest(&corrected_first, "feeds").rows.len();
    january(&corrected_first);
    corrected_first.martlet("run --quiet").exits(0);

    let corrected_last = known();
    january(&corrected_last);
    corrected_last.martlet("run --quiet").exits(0);
    corrected_last.write("inbox/visits/visits_RVV_2026-01_v2.csv", second);
    corrected_last.martlet("run --quiet").exits(0);

    let bytes = |world: &World| world.hashes("published/alliance/latest");
    assert_eq!(bytes(&at_once), bytes(&corrected_first));
    assert_eq!(bytes(&at_once), bytes(&corrected_last));
    let table = latest(&at_once, "feeds");
    assert_eq!(table.rows.len(), before + 2);
    let columns = [
        "file",
        "provider",
        "month",
        "status",
        "replaced_by",
        "received",
        "loaded",
        "quarantined",
        "rules",
    ];
    let rows = table.only(&columns);
    let rows: Vec<String> = rows.iter().map(|r| r.join(" ")).collect();
    assert_eq!(
        rows,
        [
            "config/reference/sites.csv   accepted  2 2 0 0",
            "visits/visits_RVV_2026-01.csv RVV 2026-01-01 superseded visits/visits_RVV_2026-01_v2.csv    0",
            "visits/visits_RVV_2026-01_v2.csv RVV 2026-01-01 accepted  2 1 1 1",
            "visits/visits_RWF_2026-01.csv RWF 2026-01-01 accepted  1 1 0 0",
        ]
    );

    // Nothing new, nothing done; and the plan says so.
    let document = at_once.json("run");
    assert_eq!(document["run"]["changed"], false, "{document}");
    at_once.martlet("plan --exit-code --quiet").exits(0);
    at_once.martlet("run --quiet --full-refresh").exits(0);
    assert_eq!(bytes(&at_once), bytes(&corrected_last));
}

#[test]
fn a_question_may_be_about_the_warehouse_itself() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    let ask = |sql: &str| {
        let ran = world
            .martlet_with(["query", sql, "--format", "csv"])
            .exits(0);
        ran.stdout
    };
    assert_eq!(
        ask("SELECT feed, provider, period, received, loaded FROM system.intakes ORDER BY file"),
        "feed,provider,period,received,loaded\nsites,,,2,2\nvisits,RVV,2026-01-01,3,3\n\
         visits,RVV,2026-02-01,2,2\nvisits,RWF,2026-01-01,1,1\nvisits,RWF,2026-02-01,0,0\n"
    );
    assert_eq!(
        ask("SELECT rule, column_name, on_fail, broken FROM system.broken_rules"),
        "rule,column_name,on_fail,broken\nvalid,nhs_number,warn,1\n"
    );
    assert_eq!(
        ask(
            "SELECT table_name, check_name, outcome, broken, total FROM system.checks WHERE kind = 'reconciles'"
        ),
        "table_name,check_name,outcome,broken,total\nmart.visits,nothing_lost,passed,0,2\n"
    );
    assert_eq!(
        ask("SELECT status, count(*) AS n FROM system.submissions GROUP BY status"),
        "status,n\naccepted,5\n"
    );
    let ran = world
        .martlet_with(["query", "SELECT * FROM system.intake"])
        .exits(2);
    ran.says(&["system.intakes"]);
}

/// Counts by month and organisation.
type Counts = BTreeMap<(String, String), (f64, f64)>;

/// The rows of an indicator that are not broken down, at one kind of organisation.
fn indicator(table: &Table, measure: &str, org_type: &str) -> Counts {
    let columns = [
        "measure",
        "org_type",
        "breakdown_type",
        "month",
        "org_code",
        "numerator",
        "denominator",
    ];
    let rows = table.only(&columns).into_iter();
    rows.filter(|r| r[0] == measure && r[1] == org_type && r[2] == "all")
        .map(|r| ((r[3].clone(), r[4].clone()), (number(&r[5]), number(&r[6]))))
        .collect()
}

fn number(text: &str) -> f64 {
    text.parse()
        .unwrap_or_else(|_| panic!("`{text}` is no number"))
}

#[test]
fn indicators_of_the_sample_are_the_sums_of_the_marts_beside_them() {
    let world = &night::shared().world;
    let indicators = latest(world, "indicators");
    for (measure, mart, filter, month, org, org_type, counts) in [
        (
            "liver_invited",
            "liver_surveillance",
            None,
            "month",
            "trust_code",
            "trust",
            ["invited_6m", "eligible"],
        ),
        (
            "liver_overdue",
            "liver_surveillance",
            None,
            "month",
            "trust_code",
            "trust",
            ["overdue", "eligible"],
        ),
        (
            "lung_uptake",
            "lung_health_checks",
            None,
            "cohort_month",
            "lad_code",
            "lad",
            ["attended", "invited"],
        ),
        (
            "hna_offered",
            "personalised_care",
            None,
            "month",
            "trust_code",
            "trust",
            ["hna_offered", "diagnosed"],
        ),
        (
            "coverage_breast_53_70",
            "screening_coverage",
            Some("breast_53_70"),
            "month",
            "practice_code",
            "practice",
            ["covered", "eligible"],
        ),
        (
            "uptake_bowel_60_74",
            "screening_coverage",
            Some("bowel_60_74"),
            "month",
            "practice_code",
            "practice",
            ["adequately_screened_6m", "invited_12m"],
        ),
    ] {
        let table = latest(world, mart);
        let cohort = if filter.is_some() {
            "cohort"
        } else {
            "imd_edition"
        };
        let mut expected = Counts::new();
        let mut whole: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for row in table.only(&["imd_edition", cohort, month, org, counts[0], counts[1]]) {
            if row[0] != "2025" || filter.is_some_and(|f| row[1] != f) {
                continue;
            }
            let (x, n) = (number(&row[4]), number(&row[5]));
            let one = expected
                .entry((row[2].clone(), row[3].clone()))
                .or_default();
            *one = (one.0 + x, one.1 + n);
            let all = whole.entry(row[2].clone()).or_default();
            *all = (all.0 + x, all.1 + n);
        }
        let mut seen = indicator(&indicators, measure, org_type);
        // A mart may have rows for people who are in no denominator of the measure.
        seen.retain(|key, counts| *counts != (0.0, 0.0) || expected.contains_key(key));
        expected.retain(|key, counts| *counts != (0.0, 0.0) || seen.contains_key(key));
        assert_eq!(seen, expected, "{measure} by {org_type}");
        // Everybody is of the one alliance, whatever their practice or district.
        let mut alliance: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for ((month, _), counts) in indicator(&indicators, measure, "alliance") {
            let all = alliance.entry(month).or_default();
            *all = (all.0 + counts.0, all.1 + counts.1);
        }
        assert_eq!(alliance, whole, "{measure} of the alliance");
    }
}

/// People with fibrosis and no cirrhosis are counted by nothing but the sample's own truth and ours.
#[test]
fn advanced_fibrosis_is_that_of_the_truth() {
    let world = &night::shared().world;
    let text = world.read("data-samples/truth/advanced_fibrosis.csv");
    let mut lines = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = lines.next().expect("a header");
    let place = |name: &str| {
        header
            .iter()
            .position(|column| *column == name)
            .expect("a column")
    };
    let (month, trust, edition) = (place("month"), place("trust_code"), place("imd_edition"));
    let rows: Vec<Vec<&str>> = lines.filter(|row| row[edition] == "2025").collect();
    let indicators = latest(world, "indicators");
    for (measure, column) in [
        ("advanced_fibrosis_invited", "invited_6m"),
        ("advanced_fibrosis_scanned", "scanned_6m"),
    ] {
        let mut expected = Counts::new();
        for row in &rows {
            let key = (row[month].to_owned(), row[trust].to_owned());
            let counts = expected.entry(key).or_default();
            counts.0 += number(row[place(column)]);
            counts.1 += number(row[place("eligible")]);
        }
        expected.retain(|_, counts| counts.1 > 0.0);
        let mut seen = indicator(&indicators, measure, "trust");
        seen.retain(|_, counts| counts.1 > 0.0);
        assert!(seen.len() > 12, "{seen:?}");
        assert_eq!(seen, expected, "{measure}");
    }
}

#[test]
fn what_the_sample_should_reconcile_does() {
    let world = &night::shared().world;
    let table = latest(world, "data_quality");
    let rows = table.only(&["rule", "period", "passed", "found", "expected"]);
    let failed: Vec<_> = rows
        .iter()
        .filter(|r| r[0].starts_with("reconciles_") && r[2] != "true")
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    // The dashboard shows practices of every cohort and census; of bowel not yet those that we count.
    for cohort in ["breast_53_70", "cervical_25_49", "cervical_50_64"] {
        let rule = format!("reconciles_screening_coverage_{cohort}");
        let of_cohort = rows.iter().filter(|r| r[0] == rule);
        let practices: Vec<f64> = of_cohort.map(|r| number(&r[4])).collect();
        assert_eq!(practices.len(), 6, "{cohort}");
        assert!(
            practices.iter().all(|p| *p >= 8.0),
            "{cohort}: {practices:?}"
        );
    }
    let not_compared = rows.iter().filter(|r| r[0].starts_with("not_compared_"));
    let bowel = not_compared.clone().filter(|r| r[0].contains("_bowel_"));
    assert_eq!(bowel.count(), 2);
    assert!(not_compared.clone().all(|r| r[2].is_empty()));
    assert!(
        not_compared
            .clone()
            .any(|r| r[0] == "not_compared_ndrs_stage_early_share"),
        "what others publish is not in the sample"
    );
    let reconciled = rows.iter().filter(|r| r[2] == "true").count();
    assert!(reconciled > 50, "{reconciled}");
    // Received is loaded, quarantined and dropped, of every feed, provider and period.
    let rows = table.only(&["feed", "provider", "period", "rule", "found"]);
    let mut balance: BTreeMap<(String, String, String), f64> = BTreeMap::new();
    for row in rows {
        let sign = match row[3].as_str() {
            "received" => 1.0,
            "loaded" | "quarantined" | "dropped" => -1.0,
            _ => continue,
        };
        let key = (row[0].clone(), row[1].clone(), row[2].clone());
        *balance.entry(key).or_default() += sign * number(&row[4]);
    }
    assert!(balance.len() > 100, "{}", balance.len());
    assert!(balance.values().all(|b| *b == 0.0), "{balance:#?}");
}

#[test]
fn a_withheld_count_makes_its_own_sums_unknown_and_no_others() {
    let world = watched();
    world.write("pipelines/withheld.yaml", WITHHELD).write(
        "sql/watched/staged.sql",
        "SELECT DATE '2026-01-01' AS month, trust, site, early, staged, tumours
FROM (VALUES
  ('RVV', 'lung', 3, 4, 5), ('RVV', 'skin', NULL, 2, 6), ('RWF', 'lung', 1, 2, 3)
) AS counted (trust, site, early, staged, tumours)
",
    );
    world.martlet("run --quiet").exits(0);
    let rows = latest(&world, "indicators").only(&[
        "measure",
        "org_type",
        "org_code",
        "breakdown_value",
        "numerator",
        "denominator",
        "suppression",
    ]);
    let rows = rows.iter().map(|r| r.join(" "));
    let mut seen: Vec<String> = rows
        .filter(|r| r.starts_with("early ") || r.starts_with("staging "))
        .collect();
    seen.sort();
    let mut expected = Vec::new();
    for (kind, ashford, maidstone) in [("trust", "RVV", "RWF"), ("alliance", "E1", "HOME")] {
        for (measure, org, value, counts) in [
            ("early", ashford, "all", "  at_source"),
            ("early", ashford, "lung", "3.0 4.0 "),
            ("early", ashford, "skin", "  at_source"),
            ("early", maidstone, "all", "1.0 2.0 "),
            ("early", maidstone, "lung", "1.0 2.0 "),
            ("staging", ashford, "all", "6.0 11.0 "),
            ("staging", ashford, "lung", "4.0 5.0 "),
            ("staging", ashford, "skin", "2.0 6.0 "),
            ("staging", maidstone, "all", "2.0 3.0 "),
            ("staging", maidstone, "lung", "2.0 3.0 "),
        ] {
            expected.push(format!("{measure} {kind} {org} {value} {counts}"));
        }
    }
    expected.sort();
    assert_eq!(seen, expected);
}

/// Practices have what the first table gives, and no groups; what is larger has both, each once.
#[test]
fn further_breakdowns_come_from_the_other_table_and_nothing_else_does() {
    let world = screened();
    world.martlet("run --quiet").exits(0);
    let seen = |world: &World| {
        let rows = latest(world, "indicators").only(&[
            "measure",
            "month",
            "org_type",
            "org_code",
            "breakdown_type",
            "breakdown_value",
            "imd_edition",
            "numerator",
            "denominator",
        ]);
        let rows = rows.iter().filter(|r| r[0] == "coverage");
        let mut rows: Vec<String> = rows.map(|r| r[1..].join(" ")).collect();
        rows.sort();
        rows
    };
    let expected = |[men, women]: [&str; 2]| {
        let mut expected = Vec::new();
        let mut add = |kind: &str, org: &str, rows: &[&str]| {
            let rows = rows.iter();
            expected.extend(rows.map(|row| format!("2026-01-01 {kind} {org} {row}")));
        };
        // Of a and b at P1 and S1, only a is covered; b is the man.
        let whole = [
            "all all 0 1.0 2.0",
            "imd_quintile 3 2019 1.0 2.0",
            "imd_quintile 1 2025 1.0 2.0",
        ];
        add("practice", "P1", &whole);
        add("sub_icb", "S1", &whole);
        add(
            "sub_icb",
            "S1",
            &[
                "core20plus false 2019 1.0 2.0",
                "core20plus true 2025 1.0 2.0",
                &format!("sex {women} 0 1.0 1.0"),
                &format!("sex {men} 0 0.0 1.0"),
            ],
        );
        // Of c and d at P2 and S2, only c is covered; d is in a group.
        let whole = [
            "all all 0 1.0 2.0",
            "imd_quintile 3 2019 1.0 2.0",
            "imd_quintile 2 2025 1.0 2.0",
        ];
        add("practice", "P2", &whole);
        add("sub_icb", "S2", &whole);
        add(
            "sub_icb",
            "S2",
            &[
                "core20plus false 2019 1.0 1.0",
                "core20plus true 2019 0.0 1.0",
                "core20plus false 2025 1.0 1.0",
                "core20plus true 2025 0.0 1.0",
                &format!("sex {women} 0 1.0 2.0"),
            ],
        );
        // All four: a and c are covered, b is the man, and d alone is in a group by either edition.
        for (kind, org) in [("icb", "I1"), ("alliance", "E1")] {
            add(
                kind,
                org,
                &[
                    "all all 0 2.0 4.0",
                    "imd_quintile 3 2019 2.0 4.0",
                    "imd_quintile 1 2025 1.0 2.0",
                    "imd_quintile 2 2025 1.0 2.0",
                    "core20plus false 2019 2.0 3.0",
                    "core20plus true 2019 0.0 1.0",
                    "core20plus false 2025 1.0 1.0",
                    "core20plus true 2025 1.0 3.0",
                    &format!("sex {women} 0 2.0 3.0"),
                    &format!("sex {men} 0 0.0 1.0"),
                ],
            );
        }
        // e, who is at home.
        let whole = [
            "all all 0 1.0 1.0",
            "imd_quintile 3 2019 1.0 1.0",
            "imd_quintile 1 2025 1.0 1.0",
        ];
        add("practice", "P9", &whole);
        for kind in ["sub_icb", "icb", "alliance"] {
            add(kind, "HOME", &whole);
            add(
                kind,
                "HOME",
                &[
                    "core20plus false 2019 1.0 1.0",
                    "core20plus true 2025 1.0 1.0",
                    &format!("sex {men} 0 1.0 1.0"),
                ],
            );
        }
        expected.sort();
        expected
    };
    assert_eq!(seen(&world), expected(["M", "F"]));

    // The mart is made again when only the other table changes.
    world.edit(
        "sql/screened/screened_group.sql",
        "SELECT month, cohort, imd_edition, sub_icb, core20plus, sex,",
        "SELECT month, cohort, imd_edition, sub_icb, core20plus, CASE sex WHEN 'M' THEN 'man' ELSE 'woman' END AS sex,",
    );
    world.martlet("run").exits(0).says(&["mart.indicators"]);
    assert_eq!(seen(&world), expected(["man", "woman"]));
}

#[test]
fn the_sql_and_the_specification_of_further_breakdowns_can_be_read() {
    let world = screened();
    let watched = world.read("pipelines/watched.yaml");
    let (tables, _) = watched.split_once("\nindicators:").expect("its entries");
    world.write("pipelines/watched.yaml", tables);
    let sql = world.martlet("indicators --sql").exits(0).stdout;
    let counted = sql.split("\n),\n").next();
    insta::assert_snapshot!(counted.expect("the step that counts"));
    world.martlet("indicators --quiet").exits(0);
    let page = world.read("docs/indicators.md");
    let (_, section) = page.split_once("### Coverage").expect("its section");
    insta::assert_snapshot!(section);
}

#[test]
fn what_has_no_chart_is_an_indicator() {
    let read = |path: &str| fs::read_to_string(repository().join(path)).expect("a file");
    let (sql, page) = (
        read("sql/indicators/control_chart.sql"),
        read("docs/indicators.md"),
    );
    let left_out: Vec<&str> = sql
        .lines()
        .filter_map(|line| line.trim().strip_prefix("('")?.split('\'').next())
        .collect();
    assert!(left_out.len() >= 10, "{left_out:?}");
    for measure in left_out {
        assert!(
            page.contains(&format!("`{measure}`")),
            "{measure} is no indicator"
        );
    }
}
