//! `generated/indicators.sql`, the query of the counts: entries that share a table and all that tells
//! its rows apart are counted in one pass over it (see [`Pass`]); what is summed by organisation is then
//! added to the larger ones they lie in.
//!
//! Names and conditions have been checked before; texts are quoted.

use std::collections::BTreeSet;

use super::Entry;
use super::pass::Pass;

/// The query of the counts.
pub(super) fn counts(entries: &[Entry<'_>]) -> String {
    let selects: Vec<String> = Pass::all(entries).iter().map(Pass::select).collect();
    let units: Vec<String> = entries.iter().map(unit).collect();
    let mut steps = vec![
        step("counted", &selects.join("\n    UNION ALL\n\n")),
        values("units", "measure, unit, target_measure", &units),
    ];
    if entries.iter().any(rolls_up) {
        let levels: BTreeSet<String> = entries.iter().flat_map(levels).collect();
        let levels: Vec<String> = levels.into_iter().collect();
        steps.push(step("smallest", &summed("counted")));
        let columns = "measure, org_type, larger, otherwise";
        steps.push(values("levels", columns, &levels));
        steps.push(step("places", PLACES));
        steps.push(step("everywhere", ROLLED_UP));
        steps.push(step("summed", &summed("everywhere")));
    } else {
        steps.push(step("summed", &summed("counted")));
    }
    format!(
        "-- Every indicator: its two counts by month, organisation and breakdown.
--
-- Written by martlet from the `indicators:` sections of the pipelines: change those. A row
-- that is not broken down by quintile has the edition 0. Where a count is withheld by who
-- published it, the sum over it is null, never a part of it. What is summed by the
-- organisations of the tables counts there and in the larger ones they lie in.
WITH {}

{WITH_UNITS}",
        steps.join(",\n\n"),
    )
}

/// A common table expression.
fn step(name: &str, query: &str) -> String {
    format!("{name} AS (\n{query})")
}

/// A common table expression of written rows.
fn values(name: &str, columns: &str, rows: &[String]) -> String {
    let rows = rows.join(",\n        ");
    step(
        name,
        &format!(
            "    SELECT {columns}
    FROM (
        VALUES
        {rows}
    ) AS written ({columns})
"
        ),
    )
}

/// Where the numbers of an entry are summed to: where they are, and above. An organisation that is
/// on no list sent its numbers to us, and is counted where we are.
fn levels(entry: &Entry<'_>) -> Vec<String> {
    let organisations = entry.spec.organisations.iter();
    organisations
        .flat_map(|o| {
            let larger = o.rolls_up.iter().map(|larger| larger.word());
            let all = [o.kind.word()].into_iter().chain(larger);
            all.map(move |level| (o.kind.word(), level))
        })
        .map(|(kind, level)| {
            let otherwise = match level {
                _ if level == kind => "CAST(NULL AS VARCHAR)",
                "pcn" => "'UNKNOWN'",
                "sub_icb" => "$home_sub_icb",
                "icb" => "$home_icb",
                _ => "$home_alliance",
            };
            let (id, kind, level) = (text(entry.id), text(kind), text(level));
            format!("({id}, {kind}, {level}, {otherwise})")
        })
        .collect()
}

fn rolls_up(entry: &Entry<'_>) -> bool {
    entry
        .spec
        .organisations
        .iter()
        .any(|o| !o.rolls_up.is_empty())
}

/// What an entry's numbers are counted in, and held against.
fn unit(entry: &Entry<'_>) -> String {
    let target = or_null(entry.spec.target.as_ref().map(|t| t.as_str()));
    format!(
        "({}, {}, {target})",
        text(entry.id),
        text(entry.spec.unit.word())
    )
}

/// The larger organisations that each one lies in.
const PLACES: &str = "    SELECT
        place.org_type,
        place.org_code,
        above.larger,
        CASE above.larger
            WHEN 'pcn' THEN place.pcn_code
            WHEN 'sub_icb' THEN place.sub_icb_code
            WHEN 'icb' THEN place.icb_code
            ELSE place.alliance_code
        END AS larger_code
    FROM mart.dim_organisation AS place
    CROSS JOIN (VALUES ('pcn'), ('sub_icb'), ('icb'), ('alliance')) AS above (larger)
    WHERE above.larger <> place.org_type
";

/// Rows of organisations, and the same as rows of the larger ones.
const ROLLED_UP: &str = "    SELECT
        smallest.measure,
        smallest.month,
        levels.larger AS org_type,
        COALESCE(places.larger_code, levels.otherwise, smallest.org_code) AS org_code,
        smallest.breakdown_type,
        smallest.breakdown_value,
        smallest.imd_edition,
        smallest.numerator,
        smallest.denominator
    FROM smallest
    INNER JOIN levels
        ON levels.measure = smallest.measure
        AND levels.org_type = smallest.org_type
    LEFT JOIN places
        ON places.org_type = smallest.org_type
        AND places.org_code = smallest.org_code
        AND places.larger = levels.larger
";

/// What tells the sums of an entry apart.
pub(super) const GROUP: [&str; 6] = [
    "month",
    "org_type",
    "org_code",
    "breakdown_type",
    "breakdown_value",
    "imd_edition",
];

/// The rows of a step, added up. A sum with something withheld in it is no sum.
fn summed(step: &str) -> String {
    let group = GROUP.join(",\n        ");
    format!(
        "    SELECT
        measure,
        {group},
        CASE
            WHEN BOOL_AND(numerator IS NOT NULL AND denominator IS NOT NULL) THEN SUM(numerator)
        END AS numerator,
        CASE
            WHEN BOOL_AND(numerator IS NOT NULL AND denominator IS NOT NULL) THEN SUM(denominator)
        END AS denominator
    FROM {step}
    GROUP BY
        measure,
        {group}
"
    )
}

const WITH_UNITS: &str = "\
SELECT
    summed.measure,
    summed.month,
    summed.org_type,
    summed.org_code,
    summed.breakdown_type,
    summed.breakdown_value,
    summed.imd_edition,
    CAST(summed.numerator AS DECIMAL(12, 1)) AS numerator,
    CAST(summed.denominator AS DECIMAL(12, 1)) AS denominator,
    units.unit,
    units.target_measure,
    CASE WHEN summed.numerator IS NULL THEN 'at_source' END AS suppression
FROM summed
INNER JOIN units
    ON units.measure = summed.measure
";

/// A text as SQL writes it, or null.
pub(super) fn or_null(value: Option<&str>) -> String {
    match value {
        Some(value) => text(value.trim()),
        None => "CAST(NULL AS VARCHAR)".to_owned(),
    }
}

/// A text as SQL writes it.
pub(super) fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}
