//! `generated/dim_measure.sql`, the query of what each indicator means.

use super::Entry;
use super::sql::{or_null, text};

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
        text(spec.unit.interval().word()),
        spec.definition.version.to_string(),
        text(spec.definition.source.trim()),
    ];
    format!("({})", values.join(", "))
}
