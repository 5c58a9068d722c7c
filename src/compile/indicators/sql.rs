//! The queries that indicators make.
//!
//! `generated/indicators.sql`: each entry selects its rows once for every breakdown, the rows of
//! organisations that roll up are added to those of the larger ones they lie in, and all is summed.
//! `generated/dim_measure.sql`: what each entry means, as rows.
//!
//! Names and conditions have been checked before; texts are quoted.

use std::fmt::Write;

use crate::spec::indicator::{Count, Organisation};

use super::{BY_EDITION, Entry};

/// What stands in a row that is not broken down.
const ALL: &str = "all";

/// The query of the counts.
pub(super) fn counts(entries: &[Entry<'_>]) -> String {
    let selects: Vec<String> = entries
        .iter()
        .flat_map(|e| e.spec.organisations.iter().map(|o| select(e, o)))
        .collect();
    let levels: Vec<String> = entries.iter().flat_map(levels).collect();
    let mut text = String::from(
        "-- Every indicator: its two counts by month, organisation and breakdown.\n\
         --\n\
         -- Written by martlet from the `indicators:` sections of the pipelines: change those. A row\n\
         -- that is not broken down by quintile has the edition 0. Where a count is withheld by who\n\
         -- published it, the sum over it is null, never a part of it.\n\
         WITH counted AS (\n",
    );
    text.push_str(&selects.join("\n    UNION ALL\n\n"));
    text.push_str(")");
    let mut everything = "counted";
    if !levels.is_empty() {
        everything = "everywhere";
        let _ = write!(
            text,
            ",\n\nlevels AS (\n    SELECT measure, org_type, larger\n    FROM (\n        VALUES\n        {}\n    ) AS level (measure, org_type, larger)\n),\n\n{ROLLED_UP}",
            levels.join(",\n        ")
        );
    }
    let _ = write!(text, "\n\n{}", SUMMED.replace("everywhere", everything));
    text
}

/// The rows of one entry about one kind of organisation, once for each breakdown.
fn select(entry: &Entry<'_>, organisation: &Organisation) -> String {
    let spec = entry.spec;
    let breakdowns = spec.breakdowns.iter().map(|b| b.as_str());
    let by_edition = |name: &str| BY_EDITION.contains(&name);
    let cases: Vec<(String, String)> = breakdowns
        .clone()
        .map(|b| {
            let value = format!("COALESCE(CAST(counts.{} AS VARCHAR), 'unknown')", name(b));
            (text(b), value)
        })
        .collect();
    let value = case(&cases, &text(ALL));
    let edition = match &spec.edition {
        Some(column) => case(
            &breakdowns
                .clone()
                .filter(|b| by_edition(b))
                .map(|b| (text(b), format!("counts.{}", name(column))))
                .collect::<Vec<_>>(),
            "0",
        ),
        None => "0".to_owned(),
    };
    let kinds = [ALL].into_iter().chain(breakdowns.clone());
    let kinds: Vec<String> = kinds.map(|k| format!("({})", text(k))).collect();
    let mut conditions: Vec<String> = spec
        .filter
        .iter()
        .chain(&organisation.filter)
        .map(|c| condition(c))
        .collect();
    if let Some(column) = &spec.edition {
        let editions: Vec<String> = breakdowns.filter(|b| by_edition(b)).map(text).collect();
        let one = format!("counts.{} = $imd_edition", name(column));
        conditions.push(match editions.is_empty() {
            true => format!("({one})"),
            false => format!(
                "({one} OR breakdown.breakdown_type IN ({}))",
                editions.join(", ")
            ),
        });
    }
    let wanted = match conditions.is_empty() {
        true => String::new(),
        false => format!("    WHERE {}\n", conditions.join("\n        AND ")),
    };
    let target = match &spec.target {
        Some(target) => text(target),
        None => "CAST(NULL AS VARCHAR)".to_owned(),
    };
    format!(
        "    SELECT
        {measure} AS measure,
        counts.{month} AS month,
        {kind} AS org_type,
        COALESCE(CAST(counts.{org} AS VARCHAR), 'UNKNOWN') AS org_code,
        breakdown.breakdown_type,
        {value} AS breakdown_value,
        {edition} AS imd_edition,
        CAST({numerator} AS DECIMAL(12, 1)) AS numerator,
        CAST({denominator} AS DECIMAL(12, 1)) AS denominator,
        {target} AS target_measure
    FROM {from} AS counts
    CROSS JOIN (VALUES {kinds}) AS breakdown (breakdown_type)
{wanted}",
        measure = text(entry.id),
        month = name(&spec.month.column),
        kind = text(organisation.kind.word()),
        org = name(&organisation.column),
        numerator = count(&spec.numerator),
        denominator = count(&spec.denominator),
        from = spec.from.as_str(),
        kinds = kinds.join(", "),
    )
}

/// What a row adds to a count.
fn count(count: &Count) -> String {
    let each = match &count.column {
        Some(column) => format!("counts.{}", name(column)),
        None => "1".to_owned(),
    };
    match &count.filter {
        Some(filter) => format!("CASE WHEN {} THEN {each} ELSE 0 END", condition(filter)),
        None => each,
    }
}

/// Where the numbers of an entry are summed to.
fn levels(entry: &Entry<'_>) -> Vec<String> {
    let organisations = entry.spec.organisations.iter();
    organisations
        .flat_map(|o| o.rolls_up.iter().map(move |larger| (o, larger)))
        .map(|(o, larger)| {
            format!(
                "({}, {}, {})",
                text(entry.id),
                text(o.kind.word()),
                text(larger.word())
            )
        })
        .collect()
}

/// Rows of organisations that roll up, as rows of the larger ones. An organisation that is on no
/// list sent its numbers to us, and is counted where we are.
const ROLLED_UP: &str = "\
rolled_up AS (
    SELECT
        counted.measure,
        counted.month,
        levels.larger AS org_type,
        CASE levels.larger
            WHEN 'pcn' THEN COALESCE(place.pcn_code, 'UNKNOWN')
            WHEN 'sub_icb' THEN COALESCE(place.sub_icb_code, $home_sub_icb)
            WHEN 'icb' THEN COALESCE(place.icb_code, $home_icb)
            ELSE COALESCE(place.alliance_code, $home_alliance)
        END AS org_code,
        counted.breakdown_type,
        counted.breakdown_value,
        counted.imd_edition,
        counted.numerator,
        counted.denominator,
        counted.target_measure
    FROM counted
    INNER JOIN levels
        ON levels.measure = counted.measure
        AND levels.org_type = counted.org_type
    LEFT JOIN mart.dim_organisation AS place
        ON place.org_type = counted.org_type
        AND place.org_code = counted.org_code
),

everywhere AS (
    SELECT
        measure, month, org_type, org_code, breakdown_type, breakdown_value, imd_edition,
        numerator, denominator, target_measure
    FROM counted

    UNION ALL

    SELECT
        measure, month, org_type, org_code, breakdown_type, breakdown_value, imd_edition,
        numerator, denominator, target_measure
    FROM rolled_up
)";

const SUMMED: &str = "\
SELECT
    measure,
    month,
    org_type,
    org_code,
    breakdown_type,
    breakdown_value,
    imd_edition,
    CASE
        WHEN COUNT(numerator) = COUNT(*) AND COUNT(denominator) = COUNT(*)
            THEN CAST(SUM(numerator) AS DECIMAL(12, 1))
    END AS numerator,
    CASE
        WHEN COUNT(numerator) = COUNT(*) AND COUNT(denominator) = COUNT(*)
            THEN CAST(SUM(denominator) AS DECIMAL(12, 1))
    END AS denominator,
    target_measure,
    CASE
        WHEN COUNT(numerator) < COUNT(*) OR COUNT(denominator) < COUNT(*) THEN 'at_source'
    END AS suppression
FROM everywhere
GROUP BY
    measure,
    month,
    org_type,
    org_code,
    breakdown_type,
    breakdown_value,
    imd_edition,
    target_measure
";

/// The query of what the entries mean.
pub(super) fn measures(entries: &[Entry<'_>]) -> String {
    let rows: Vec<String> = entries.iter().map(measure).collect();
    format!(
        "-- What each indicator means, in plain English.
--
-- Written by martlet from the `indicators:` sections of the pipelines: change those.
SELECT
    measure,
    mart,
    short_name,
    answers,
    numerator,
    denominator,
    exclusions,
    unit,
    polarity,
    target_measure,
    population,
    interval_method,
    CAST(definition_version AS BIGINT) AS definition_version,
    source
FROM (
    VALUES
    {}
) AS written (
    measure, mart, short_name, answers, numerator, denominator, exclusions, unit, polarity,
    target_measure, population, interval_method, definition_version, source
)
",
        rows.join(",\n    ")
    )
}

fn measure(entry: &Entry<'_>) -> String {
    let spec = entry.spec;
    let or_null = |value: Option<&str>| match value {
        Some(value) => text(value.trim()),
        None => "CAST(NULL AS VARCHAR)".to_owned(),
    };
    let table = spec.from.split_once('.').map_or("", |(_, name)| name);
    let values = [
        text(entry.id),
        text(table),
        text(&spec.name),
        text(spec.answers.trim()),
        text(spec.numerator.means.trim()),
        text(spec.denominator.means.trim()),
        or_null(spec.exclusions.as_deref()),
        text(spec.unit.word()),
        text(spec.polarity.word()),
        or_null(spec.target.as_ref().map(|t| t.as_str())),
        text(spec.population.word()),
        text(spec.interval.word()),
        spec.definition.version.to_string(),
        text(spec.definition.source.trim()),
    ];
    format!("({})", values.join(", "))
}

/// `CASE breakdown.breakdown_type WHEN … END`, or the last resort by itself.
fn case(cases: &[(String, String)], otherwise: &str) -> String {
    if cases.is_empty() {
        return otherwise.to_owned();
    }
    let whens: Vec<String> = cases
        .iter()
        .map(|(kind, value)| format!("            WHEN {kind} THEN {value}\n"))
        .collect();
    format!(
        "CASE breakdown.breakdown_type\n{}            ELSE {otherwise}\n        END",
        whens.concat()
    )
}

/// A condition of the YAML. The line's end closes a comment.
fn condition(sql: &str) -> String {
    match sql.contains("--") {
        true => format!("({sql}\n)"),
        false => format!("({sql})"),
    }
}

/// A text as SQL writes it.
fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A column's name as SQL writes it.
fn name(column: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match column.chars().all(plain) && !column.starts_with(|c: char| c.is_ascii_digit()) {
        true => column.to_owned(),
        false => format!("\"{}\"", column.replace('"', "\"\"")),
    }
}
