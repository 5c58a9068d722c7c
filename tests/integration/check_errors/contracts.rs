//! What a source or mart promises, and cannot keep.

use super::{assert_places, faults, places, with_pipeline};
use crate::clinic;

#[test]
fn the_promises_of_a_source() {
    let world = with_pipeline(
        r#"pipeline: clinic
sources:
  visits:
    sensitivity: identifiable
    files:
      path: "visits/visits_{provider}_{period}.csv"
      captures: { provider: ods_code, month: { month: "%Y-%m" } }
      csv: {}
      excel: {}
      supersede: { by: [provder] }
    columns:
      - { name: nhs_number, type: nhs_number }
      - { name: visit_date, type: date, formats: ["%d/%m/%Q"] }
      - { name: visit_date, type: string, pattern: "([" }
      - { name: Kind, type: int, formats: ["%Y"], pseudonymise: kind_key }
      - { name: size, type: { decimal: { precision: 3, scale: 5 } } }
    checks:
      - { name: opened, expression: "visit_dat >= DATE '2020-01-01'" }
      - { name: opened, expression: "1 + 1" }
"#,
    );
    world.remove("sql");
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/clinic.yaml";
    assert_places(
        &world,
        &[
            ("wrong-value", file, "\"visits/", 0),
            ("missing-key", file, "\"visits/", 0),
            ("unknown-name", file, "month:", 0),
            ("unknown-name", file, "provder", 0),
            ("wrong-value", file, "nhs_number }", 0),
            ("wrong-value", file, "\"%d/%m/%Q\"", 0),
            ("duplicate-name", file, "visit_date", 1),
            ("wrong-value", file, "\"([\"", 0),
            ("wrong-value", file, "Kind", 0),
            ("wrong-value", file, "kind_key", 0),
            ("duplicate-name", file, "opened", 1),
            ("sql-plan", file, "\"visit_dat ", 0),
            ("sql-plan", file, "\"1 + 1\"", 0),
        ],
    );
}

#[test]
fn the_rules_of_a_source() {
    let world = with_pipeline(
        r#"pipeline: clinic
sources:
  visits:
    sensitivity: identifiable
    files: { path: visits.csv, csv: {} }
    columns:
      - { name: nhs_number, type: nhs_number, pseudonymise: person_key }
      - { name: kind, type: string, min: a }
      - { name: size, type: int, min: 9, max: 3 }
      - { name: weight, type: { decimal: { precision: 4, scale: 1 } }, max: 0.25 }
      - { name: visit_date, type: date, min: 01/02/2026 }
      - { name: age, type: int, max: many, checks: [{ accepted: { on_fail: warn } }, { range: {} }, { range: {} }] }
      - { name: code, type: ods_code }
    checks:
      - { name: once, unique: [nhs_number, visit_dat, code, code] }
      - { name: never, unique: [] }
      - { name: both, unique: [code], expression: "age > 1" }
      - { name: none }
      - { name: listed, relationship: { column: cod, to: reference.sites.provider } }
      - { name: no_table, relationship: { column: code, to: reference.site.provider } }
      - { name: no_column, relationship: { column: code, to: reference.sites.providr } }
      - { name: no_reference, relationship: { column: code, to: model.visit.code } }
      - { name: other_type, relationship: { column: age, to: reference.sites.provider } }
    drop_rows:
      - { name: totals, expression: "kynd = 'ALL'" }
      - { name: totals, expression: "age" }
references:
  sites:
    sensitivity: open
    files: { path: config/reference/sites.csv, root: project, csv: {} }
    columns:
      - { name: provider, type: ods_code }
    checks:
      - { name: itself, relationship: { column: provider, to: reference.sites.provider } }
"#,
    );
    world.remove("sql");
    insta::assert_snapshot!(faults(&world).stderr);
    let file = "pipelines/clinic.yaml";
    assert_places(
        &world,
        &[
            ("wrong-value", file, "a }", 0),
            ("wrong-value", file, "3 }", 0),
            ("wrong-value", file, "0.25", 0),
            ("wrong-value", file, "01/02/2026", 0),
            ("wrong-value", file, "many", 0),
            ("wrong-value", file, "age", 0),
            ("unknown-name", file, "nhs_number, visit_dat", 0),
            ("unknown-name", file, "visit_dat,", 0),
            ("duplicate-name", file, "code]", 0),
            ("wrong-value", file, "never", 0),
            ("wrong-value", file, "both", 0),
            ("wrong-value", file, "none", 0),
            ("unknown-name", file, "cod,", 0),
            ("unknown-name", file, "reference.site.provider", 0),
            ("unknown-name", file, "reference.sites.providr", 0),
            ("wrong-value", file, "model.visit.code", 0),
            ("wrong-value", file, "reference.sites.provider", 1),
            ("sql-plan", file, "\"kynd", 0),
            ("duplicate-name", file, "totals", 1),
            ("sql-plan", file, "\"age\"", 0),
            ("wrong-value", file, "reference.sites.provider", 2),
        ],
    );
}

#[test]
fn a_mart_that_yields_other_columns_than_it_promises() {
    let world = clinic::project();
    world.write(
        "sql/clinic/visits.sql",
        "SELECT
  DATE '2026-01-01' AS month,
  CAST(count(*) AS DECIMAL(12, 1)) AS people,
  max(site) AS site,
  1 AS extra
FROM model.visit
",
    );
    insta::assert_snapshot!(faults(&world).stderr);
    assert_places(
        &world,
        &[
            ("contract", "sql/clinic/visits.sql", "extra", 0),
            (
                "contract",
                "pipelines/clinic.yaml",
                "visits, type: decimal",
                0,
            ),
        ],
    );
}

#[test]
fn a_mart_whose_columns_stand_in_another_order() {
    let world = clinic::project();
    world.edit(
        "sql/clinic/visits.sql",
        "AS month,\n  site,",
        "AS month,\n  site AS visits,",
    );
    world.edit(
        "sql/clinic/visits.sql",
        "(count(*) AS DECIMAL(12, 1)) AS visits",
        "(count(*) AS DECIMAL(12, 1)) AS site",
    );
    world.edit(
        "sql/clinic/visits.sql",
        "GROUP BY 1, 2",
        "GROUP BY 1, model.visit.site",
    );
    insta::assert_snapshot!(faults(&world).stderr);
}

#[test]
fn a_mart_whose_column_has_another_type() {
    let world = clinic::project();
    world.edit(
        "sql/clinic/visits.sql",
        "CAST(date_trunc('month', visit_date) AS DATE) AS month",
        "CAST(visit_date AS VARCHAR) AS month",
    );
    insta::assert_snapshot!(faults(&world).stderr);
    let codes: Vec<String> = places(&world).into_iter().map(|p| p.0).collect();
    assert_eq!(codes, ["contract"]);
}

#[test]
fn what_names_a_person_is_never_published() {
    let world = clinic::project();
    // Renamed, cast and joined, it is still the postcode.
    world
        .write(
            "sql/clinic/sites.sql",
            "WITH p AS (SELECT upper(postcode) || '!' AS place FROM source.visits)
SELECT CAST(place AS VARCHAR) AS site FROM p GROUP BY place
",
        )
        .edit(
            "pipelines/clinic.yaml",
            "tags: [weekly]",
            "tags: [weekly] # now with postcodes",
        );
    insta::assert_snapshot!(faults(&world).stderr);
    assert_eq!(places(&world).len(), 1);

    let world = clinic::project();
    world.write(
        "sql/clinic/sites.sql",
        "SELECT DISTINCT CAST(person_key AS VARCHAR) AS site FROM model.visit\n",
    );
    assert_eq!(places(&world).len(), 1, "nor is the pseudonym");
}

#[test]
fn single_people_only_under_pseudonyms_and_only_for_those_who_may() {
    let file = "pipelines/clinic.yaml";
    let world = clinic::project();
    world
        .write(
            "sql/clinic/sites.sql",
            "SELECT DISTINCT person_key FROM model.visit\n",
        )
        .edit(
            file,
            "grain: [site]\n    tags: [weekly]",
            "grain: [person_key]\n    sensitivity: pseudonymised",
        )
        .edit(
            file,
            "{ name: site, type: string, nullable: false }\n    publish",
            "{ name: person_key, type: int }\n    publish",
        )
        .write(
            "config/warehouse.yaml",
            "name: clinic\naudiences: [alliance, leads]\n",
        );
    assert_places(&world, &[("contract", file, "alliance", 1)]);
    assert_eq!(places(&world).len(), 1);

    world.write(
        "config/warehouse.yaml",
        "name: clinic\naudiences: [alliance, leads]\nperson_level: [leads, nurses]\n",
    );
    assert_places(
        &world,
        &[("unknown-name", "config/warehouse.yaml", "nurses", 0)],
    );

    world.write(
        "config/warehouse.yaml",
        "name: clinic\naudiences: [alliance, leads]\nperson_level: [leads]\n",
    );
    let said = faults(&world).stderr;
    assert!(
        said.contains("`alliance` must not have rows about single people"),
        "{said}"
    );
    assert!(said.contains("only these may: leads"), "{said}");

    let text = world.read(file);
    let (before, after) = text
        .rsplit_once("{ audience: alliance }")
        .expect("an audience");
    world.write(file, format!("{before}{{ audience: leads }}{after}"));
    world.martlet("check").exits(0);

    // What names a person is no pseudonym.
    world.write(
        "sql/clinic/sites.sql",
        "SELECT DISTINCT ASCII(postcode) + person_key AS person_key FROM source.visits\n",
    );
    let said = faults(&world).stderr;
    assert!(
        said.contains("`person_key` carries values that name a person"),
        "{said}"
    );
}

#[test]
fn audiences_policies_rates_and_checks_of_a_mart() {
    let world = clinic::project();
    let file = "pipelines/clinic.yaml";
    world
        .edit(file, "grain: [month, site]", "grain: [month, site, who]")
        .edit(
            file,
            "numerator: people, denominator: visits",
            "numerator: peeple, denominator: site",
        )
        .edit(
            file,
            "      - { name: people_within_visits, expression: people <= visits }\n",
            "      - { name: people_within_visits, expression: people }
      - { not_null: [nothing] }
      - { not_null: [people], unique: [people] }
      - { reconciles: { to: model.site_totl, measure: visits } }
      - { relationships: { column: site, to: reference.sites, field: sight } }
",
        )
        .edit(
            file,
            "      - { audience: alliance }\n",
            "      - { audience: alliancee }\n      - { audience: alliance, policy: small_numbers }\n",
        );
    insta::assert_snapshot!(faults(&world).stderr);
    assert_places(
        &world,
        &[
            ("unknown-name", file, "who", 0),
            ("unknown-name", file, "peeple", 0),
            ("wrong-value", file, "site }\n    checks", 0),
            ("sql-plan", file, "people }\n      - { not_null", 0),
            ("unknown-name", file, "nothing", 0),
            ("unknown-name", file, "model.site_totl", 0),
            ("unknown-name", file, "sight", 0),
            ("unknown-name", file, "alliancee", 0),
            ("unknown-name", file, "small_numbers", 0),
        ],
    );
}

#[test]
fn limits_and_target_of_a_rate_go_by_its_unit_which_is_said_once() {
    let world = clinic::project();
    let file = "pipelines/clinic.yaml";
    world.edit(
        file,
        "denominator: visits }\n",
        "denominator: visits, unit: per_100_000, interval: wilson, target: share }
      - { name: often, numerator: people, denominator: visits, interval: byar, unit_column: month }
",
    );
    faults(&world).says(&[
        "`wilson` is not how limits of `per_100_000` are worked out",
        "targets are shares from 0 to 1",
        "`month` is date: a unit is text",
        "a rate has one unit",
    ]);
    assert_places(
        &world,
        &[
            ("wrong-value", file, "wilson, target", 0),
            ("not-supported", file, "share }", 0),
            ("wrong-value", file, "month }\n    checks", 0),
            ("duplicate-key", file, "month }\n    checks", 0),
        ],
    );
}

#[test]
fn two_tables_with_one_name() {
    let world = clinic::project();
    world
        .write(
            "pipelines/second.yaml",
            "pipeline: second\nmodels:\n  visit: { sql: second/visit.sql }\n",
        )
        .write("sql/second/visit.sql", "SELECT 1 AS a\n");
    insta::assert_snapshot!(faults(&world).stderr);
}
