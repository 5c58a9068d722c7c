//! `generated/indicators.sql`, the query of the counts: entries that share a table and all that tells
//! its rows apart are counted in one pass over it (see [`Pass`]), side by side in one row; what is summed
//! by organisation is then added to the larger ones they lie in. Only then does each entry have rows of
//! its own.
//!
//! Names and conditions have been checked before; texts are quoted.

use super::Entry;
use super::pass::{KEYS, Pass, Series, Set, sum};

/// The query of the counts.
pub(super) fn counts(entries: &[Entry<'_>]) -> String {
    let passes = Pass::all(entries);
    let sets = || passes.iter().flat_map(Pass::sets);
    let columns = sets().map(|set| set.counts.len()).max();
    let columns = columns.unwrap_or_default();
    let selects: Vec<String> = passes.iter().map(|pass| pass.select(columns)).collect();
    let series = || passes.iter().flat_map(|pass| &pass.series);
    let measures: Vec<String> = sets().flat_map(measures).collect();
    let levels: Vec<String> = series().flat_map(levels).collect();
    let mut steps = vec![
        step("counted", &selects.join("\n    UNION ALL\n\n")),
        values(
            "measures",
            "set_number, measure, numerator, denominator, unit, target_measure",
            &measures,
        ),
        values("levels", "set_number, org_type, larger, otherwise", &levels),
    ];
    if series().any(|series| !series.organisation.rolls_up.is_empty()) {
        steps.push(step("places", PLACES));
        steps.push(step("everywhere", &everywhere(ROLLED_UP, columns)));
        steps.push(step("summed", &summed(columns)));
    } else {
        steps.push(step("summed", &everywhere(WHERE_THEY_ARE, columns)));
    }
    format!(
        "-- Every indicator: its two counts by month, organisation and breakdown.
--
-- Written by martlet from the `indicators:` sections of the pipelines: change those. A row
-- that is not broken down by quintile has the edition 0. Where a count is withheld by who
-- published it, the sum over it is null, never a part of it. What is summed by the
-- organisations of the tables counts there and in the larger ones they lie in.
-- A set is up to four counts of the same rows, side by side; `measures` says which two of
-- them an indicator is made of.
WITH {},

{}",
        steps.join(",\n\n"),
        by_measure(columns),
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

/// Where the numbers of a series are summed to: where they are, and above. An organisation that is
/// on no list sent its numbers to us, and is counted where we are.
fn levels(series: &Series<'_>) -> Vec<String> {
    let kind = series.organisation.kind.word();
    let larger = series.organisation.rolls_up.iter();
    let all = [kind].into_iter().chain(larger.map(|larger| larger.word()));
    let of_each = |level: &str| {
        let otherwise = match level {
            _ if level == kind => "CAST(NULL AS VARCHAR)",
            "pcn" => "'UNKNOWN'",
            "sub_icb" => "$home_sub_icb",
            "icb" => "$home_icb",
            _ => "$home_alliance",
        };
        let row = format!("{}, {}, {otherwise}", text(kind), text(level));
        let rows = series.sets.iter();
        let rows = rows.map(|set| format!("({}, {row})", set.number));
        rows.collect::<Vec<_>>()
    };
    all.flat_map(of_each).collect()
}

/// Which counts of a set its entries are made of, and what they are counted in and held against.
fn measures(set: &Set<'_>) -> Vec<String> {
    let entries = set.entries.iter();
    let rows = entries.map(|(entry, places)| {
        let [numerator, denominator] = places.map(|place| place + 1);
        let target = or_null(entry.spec.target.as_ref().map(|t| t.as_str()));
        format!(
            "({}, {}, {numerator}, {denominator}, {}, {target})",
            set.number,
            text(entry.id),
            text(entry.spec.unit.word()),
        )
    });
    rows.collect()
}

/// The larger organisations that those of each set lie in.
const PLACES: &str = "    SELECT
        levels.set_number,
        levels.larger,
        place.org_code,
        CASE levels.larger
            WHEN 'pcn' THEN place.pcn_code
            WHEN 'sub_icb' THEN place.sub_icb_code
            WHEN 'icb' THEN place.icb_code
            ELSE place.alliance_code
        END AS larger_code
    FROM levels
    INNER JOIN mart.dim_organisation AS place
        ON place.org_type = levels.org_type
    WHERE levels.larger <> levels.org_type
";

/// Rows of organisations, and the same as rows of the larger ones: whose they are, and where that is said.
const ROLLED_UP: (&str, &str) = (
    "COALESCE(places.larger_code, levels.otherwise, counted.org_code) AS org_code",
    "    LEFT JOIN places
        ON places.set_number = counted.set_number
        AND places.org_code = counted.org_code
        AND places.larger = levels.larger
",
);
/// The same where nothing is added to larger ones.
const WHERE_THEY_ARE: (&str, &str) = ("counted.org_code", "");

/// The rows of all sets, wherever they count.
fn everywhere((org_code, places): (&str, &str), columns: usize) -> String {
    let keys = KEYS.iter().map(|key| format!("counted.{key}"));
    format!(
        "    SELECT
        counted.set_number,
        levels.larger AS org_type,
        {org_code},
        {}
    FROM counted
    INNER JOIN levels
        ON levels.set_number = counted.set_number
{places}",
        keys.chain(all(columns, |i| format!("counted.count_{i}")))
            .collect::<Vec<_>>()
            .join(",\n        "),
    )
}

/// Those rows added up.
fn summed(columns: usize) -> String {
    let keys = KEYS.join(",\n        ");
    format!(
        "    SELECT
        set_number,
        org_type,
        org_code,
        {keys},
        {}
    FROM everywhere
    GROUP BY
        set_number,
        org_type,
        org_code,
        {keys}
",
        all(columns, sum).collect::<Vec<_>>().join(",\n        "),
    )
}

/// A row for each entry, of the two counts that it is made of.
fn by_measure(columns: usize) -> String {
    let chosen = |which: &str| {
        let cases = all(columns, |i| {
            format!("            WHEN {i} THEN summed.count_{i}\n")
        });
        format!(
            "CASE measures.{which}\n{}        END",
            cases.collect::<String>()
        )
    };
    format!(
        "chosen AS (
    SELECT
        measures.measure,
        summed.month,
        summed.org_type,
        summed.org_code,
        summed.breakdown_type,
        summed.breakdown_value,
        summed.imd_edition,
        CAST({} AS DECIMAL(12, 1)) AS numerator,
        CAST({} AS DECIMAL(12, 1)) AS denominator,
        measures.unit,
        measures.target_measure
    FROM summed
    INNER JOIN measures
        ON measures.set_number = summed.set_number
)

SELECT
    measure,
    month,
    org_type,
    org_code,
    breakdown_type,
    breakdown_value,
    imd_edition,
    CASE WHEN denominator IS NOT NULL THEN numerator END AS numerator,
    CASE WHEN numerator IS NOT NULL THEN denominator END AS denominator,
    unit,
    target_measure,
    CASE WHEN numerator IS NULL OR denominator IS NULL THEN 'at_source' END AS suppression
FROM chosen
",
        chosen("numerator"),
        chosen("denominator"),
    )
}

/// Something for each count, by its number.
fn all(columns: usize, of: impl Fn(usize) -> String) -> impl Iterator<Item = String> {
    (1..=columns).map(of)
}

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
