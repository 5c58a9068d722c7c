//! A small project of our own: visits to two trusts' clinics, counted by month and site.
//!
//! Everything it should count can be worked out by hand from [`VISITS`].

use crate::world::World;

/// The pipeline.
pub const PIPELINE: &str = r#"pipeline: clinic
description: How many people come?
owner: data-team
tags: [nightly]

parameters:
  least: { type: int, value: 1, description: Fewest visits that count. }

sources:
  visits:
    description: Visits, one file per trust per month.
    sensitivity: identifiable
    files:
      path: "visits/visits_{provider}_{period}.csv"
      captures: { provider: ods_code, period: { month: "%Y-%m" } }
      csv: {}
    columns:
      - { name: nhs_number, type: nhs_number, pseudonymise: person_key, checks: [{ valid: { on_fail: warn } }] }
      - { name: visit_date, type: date, formats: ["%d/%m/%Y"], required: true }
      - { name: kind, type: string, accepted: [first, repeat] }
      - { name: postcode, type: string, identifiable: true }
    checks:
      - { name: after_the_clinic_opened, expression: "visit_date >= DATE '2020-01-01'" }

references:
  sites:
    description: The sites, by provider.
    sensitivity: open
    tags: [reference]
    files: { path: config/reference/sites.csv, root: project, csv: {} }
    columns:
      - { name: provider, type: ods_code }
      - { name: site, type: string }

models:
  visit:
    description: One row per visit, with its site.
    sql: clinic/visit.sql
    grain: [provider, person_key, visit_date]
    sensitivity: pseudonymised
  site_total:
    description: Visits of each site, worked out when read.
    sql: clinic/site_total.sql
    materialized: view
    sensitivity: aggregate

marts:
  visits:
    description: People and visits, by month and site.
    sql: clinic/visits.sql
    grain: [month, site]
    columns:
      - { name: month, type: date, description: Month of the visit., nullable: false }
      - { name: site, type: string, description: The site., nullable: false }
      - { name: people, type: decimal, description: People who came. }
      - { name: visits, type: decimal, description: Visits they made. }
    rates:
      - { name: people_per_visit, numerator: people, denominator: visits }
    checks:
      - { name: people_within_visits, expression: people <= visits }
      - { name: nothing_lost, reconciles: { to: model.site_total, measure: visits, by: [site] } }
    publish:
      - { audience: alliance }
  sites:
    description: The sites that have visits.
    sql: clinic/sites.sql
    grain: [site]
    tags: [weekly]
    columns:
      - { name: site, type: string, nullable: false }
    publish:
      - { audience: alliance }
"#;

/// The settings.
pub const WAREHOUSE: &str = "name: clinic\n";

/// The target.
pub const DEV: &str = "inbox: inbox
as_of: 2026-04-10
stable_for: 0s
pseudonym_key: { file: pseudonym.key }
";

/// The key of the pseudonyms.
pub const KEY: &str = "5e1f0a3b7c9d2e4f6a8b0c1d3e5f7a9b1c3d5e7f9a0b2c4d6e8f0a1b3c5d7e9f";

/// What the SQL files say.
pub const SQL: [(&str, &str); 4] = [
    (
        "sql/clinic/visit.sql",
        "SELECT v.provider, v.person_key, v.visit_date, v.kind, s.site
FROM source.visits AS v
JOIN reference.sites AS s ON s.provider = v.provider
WHERE v.person_key IS NOT NULL
",
    ),
    (
        "sql/clinic/site_total.sql",
        "SELECT site, CAST(count(*) AS DECIMAL(12, 1)) AS visits FROM model.visit GROUP BY site\n",
    ),
    (
        "sql/clinic/visits.sql",
        "SELECT
  CAST(date_trunc('month', visit_date) AS DATE) AS month,
  site,
  CAST(count(DISTINCT person_key) AS DECIMAL(12, 1)) AS people,
  CAST(count(*) AS DECIMAL(12, 1)) AS visits
FROM model.visit
GROUP BY 1, 2
HAVING count(*) >= $least
",
    ),
    (
        "sql/clinic/sites.sql",
        "SELECT DISTINCT site FROM model.visit\n",
    ),
];

/// Three people's NHS numbers, check digits worked out by hand; and one that fails modulus 11.
/// 9434765919: 9*10+4*9+3*8+4*7+7*6+6*5+5*4+9*3+1*2 = 299; 11 - 299 % 11 = 9.
pub const ANN: &str = "9434765919";
/// 9*10+4*9+3*8+4*7+7*6+6*5+5*4+8*3+7*2 = 308 = 28*11; the digit is 0.
pub const BOB: &str = "9434765870";
/// 9*10+0*9+0*8+0*7+0*6+0*5+0*4+0*3+9*2 = 108; 11 - 108 % 11 = 2.
pub const CAT: &str = "9000000092";
/// As Ann's, its last digit one too high.
pub const NOBODY: &str = "9434765910";

/// A world with the project, its files and its key.
pub fn world() -> World {
    let world = project();
    january(&world);
    february(&world);
    world
}

/// The project without any visits.
pub fn project() -> World {
    let world = World::empty();
    world
        .write("pipelines/clinic.yaml", PIPELINE)
        .write("config/warehouse.yaml", WAREHOUSE)
        .write("config/targets/dev.yaml", DEV)
        .write("pseudonym.key", format!("{KEY}\n"))
        .write(
            "config/reference/sites.csv",
            "provider,site\nRVV,Ashford\nRWF,Maidstone\n",
        );
    for (path, sql) in SQL {
        world.write(path, sql);
    }
    world
}

const HEADER: &str = "nhs_number,visit_date,kind,postcode";

/// January: at Ashford Ann comes twice and Bob once; at Maidstone Cat comes once.
pub fn january(world: &World) {
    world
        .write(
            "inbox/visits/visits_RVV_2026-01.csv",
            format!(
                "{HEADER}\n{ANN},05/01/2026,first,TN24 0LZ\n{ANN},19/01/2026,repeat,TN24 0LZ\n{BOB},20/01/2026,first,ME14 1XX\n"
            ),
        )
        .write(
            "inbox/visits/visits_RWF_2026-01.csv",
            format!("{HEADER}\n{CAT},07/01/2026,first,ME14 2YY\n"),
        );
}

/// February: at Ashford Bob comes again, with somebody whose number is wrong; nobody at Maidstone.
pub fn february(world: &World) {
    world
        .write(
            "inbox/visits/visits_RVV_2026-02.csv",
            format!("{HEADER}\n{BOB},03/02/2026,repeat,ME14 1XX\n{NOBODY},04/02/2026,first,\n"),
        )
        .write("inbox/visits/visits_RWF_2026-02.csv", format!("{HEADER}\n"));
}

/// What readers must see of [`world`]: month, site, people, visits.
pub const VISITS: [[&str; 4]; 3] = [
    ["2026-01-01", "Ashford", "2.0", "3.0"],
    ["2026-01-01", "Maidstone", "1.0", "1.0"],
    ["2026-02-01", "Ashford", "1.0", "1.0"],
];
