//! The queries that indicators make.
//!
//! `generated/indicators.sql`: entries that share a table and all that tells its rows apart are
//! counted in one pass over it, each row once for every entry and breakdown; the rows of organisations
//! that roll up are added to those of the larger ones they lie in, and all is summed.
//! `generated/dim_measure.sql`: what each entry means, as rows.
//!
//! Names and conditions have been checked before; texts are quoted.

use std::fmt::Write;

use crate::spec::Indicator;
use crate::spec::indicator::{Count, Organisation};

use super::{BY_EDITION, Entry};

/// What stands in a row that is not broken down.
const ALL: &str = "all";

/// The query of the counts.
pub(super) fn counts(entries: &[Entry<'_>]) -> String {
    let selects: Vec<String> = Pass::all(entries).iter().map(Pass::select).collect();
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
    text.push(')');
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

/// Entries that are counted in one pass over a table: they share all that tells rows apart.
struct Pass<'a> {
    organisation: &'a Organisation,
    entries: Vec<Entry<'a>>,
}

impl<'a> Pass<'a> {
    /// The passes over all tables, in the order of the entries.
    fn all(entries: &[Entry<'a>]) -> Vec<Self> {
        let mut passes: Vec<Self> = Vec::new();
        for entry in entries {
            for organisation in &entry.spec.organisations {
                match passes.iter_mut().find(|p| p.takes(entry, organisation)) {
                    Some(pass) => pass.entries.push(*entry),
                    None => passes.push(Self {
                        organisation,
                        entries: vec![*entry],
                    }),
                }
            }
        }
        passes
    }

    fn takes(&self, entry: &Entry<'_>, organisation: &Organisation) -> bool {
        let (ours, theirs) = (self.spec(), entry.spec);
        ours.from == theirs.from
            && ours.month.column == theirs.month.column
            && ours.edition == theirs.edition
            && ours.breakdowns == theirs.breakdowns
            && self.organisation.kind == organisation.kind
            && self.organisation.column == organisation.column
            && self.organisation.filter == organisation.filter
    }

    /// What the entries share.
    fn spec(&self) -> &'a Indicator {
        self.entries[0].spec
    }

    /// Something that each entry has of its own.
    fn each(&self, of: impl Fn(&'a Indicator) -> String) -> String {
        let values: Vec<String> = self.entries.iter().map(|e| of(e.spec)).collect();
        if values.iter().all(|v| *v == values[0]) {
            return values[0].clone();
        }
        let cases = self.entries.iter().zip(values);
        let cases: Vec<(String, String)> = cases.map(|(e, v)| (text(e.id), v)).collect();
        case("indicator.measure", &cases, None)
    }

    /// The rows of the entries, once for each breakdown.
    fn select(&self) -> String {
        let spec = self.spec();
        let breakdowns: Vec<&str> = spec.breakdowns.iter().map(|b| b.as_str()).collect();
        let by_edition = breakdowns.iter().filter(|b| BY_EDITION.contains(b));
        let by_edition: Vec<&str> = by_edition.copied().collect();
        let values: Vec<(String, String)> = breakdowns
            .iter()
            .map(|b| {
                let value = format!("COALESCE(CAST(counts.{} AS VARCHAR), 'unknown')", name(b));
                (text(b), value)
            })
            .collect();
        let value = case("breakdown.breakdown_type", &values, Some(&text(ALL)));
        let edition = match &spec.edition {
            Some(column) => {
                let column = format!("counts.{}", name(column));
                let cases = by_edition.iter().map(|b| (text(b), column.clone()));
                let cases: Vec<_> = cases.collect();
                case("breakdown.breakdown_type", &cases, Some("0"))
            }
            None => "0".to_owned(),
        };
        let kinds = [ALL].into_iter().chain(breakdowns);
        let kinds: Vec<String> = kinds.map(|k| format!("({})", text(k))).collect();
        let measures = self.entries.iter().map(|e| {
            let target = or_null(e.spec.target.as_ref().map(|t| t.as_str()));
            format!("({}, {}, {target})", text(e.id), text(e.spec.unit.word()))
        });
        let mut conditions: Vec<String> = Vec::new();
        if self.entries.iter().any(|e| e.spec.filter.is_some()) {
            conditions.push(self.each(|spec| match &spec.filter {
                Some(filter) => condition(filter),
                None => "TRUE".to_owned(),
            }));
        }
        conditions.extend(self.organisation.filter.iter().map(|f| condition(f)));
        if let Some(column) = &spec.edition {
            let one = format!("counts.{} = $imd_edition", name(column));
            let kinds: Vec<String> = by_edition.iter().map(|b| text(b)).collect();
            conditions.push(match kinds.is_empty() {
                true => format!("({one})"),
                false => {
                    let kinds = kinds.join(", ");
                    format!("({one} OR breakdown.breakdown_type IN ({kinds}))")
                }
            });
        }
        let wanted = match conditions.is_empty() {
            true => String::new(),
            false => format!("    WHERE {}\n", conditions.join("\n        AND ")),
        };
        format!(
            "    SELECT
        indicator.measure,
        counts.{month} AS month,
        {kind} AS org_type,
        COALESCE(CAST(counts.{org} AS VARCHAR), 'UNKNOWN') AS org_code,
        breakdown.breakdown_type,
        {value} AS breakdown_value,
        {edition} AS imd_edition,
        {numerator} AS numerator,
        {denominator} AS denominator,
        indicator.unit,
        indicator.target_measure
    FROM {from} AS counts
    CROSS JOIN (
        VALUES
        {measures}
    ) AS indicator (measure, unit, target_measure)
    CROSS JOIN (VALUES {kinds}) AS breakdown (breakdown_type)
{wanted}",
            month = name(&spec.month.column),
            kind = text(self.organisation.kind.word()),
            org = name(&self.organisation.column),
            numerator = self.each(|spec| count(&spec.numerator)),
            denominator = self.each(|spec| count(&spec.denominator)),
            from = spec.from.as_str(),
            measures = measures.collect::<Vec<_>>().join(",\n        "),
            kinds = kinds.join(", "),
        )
    }
}

/// What a row adds to a count.
fn count(count: &Count) -> String {
    let each = match &count.column {
        Some(column) => format!("counts.{}", name(column)),
        None => "1".to_owned(),
    };
    let each = match &count.filter {
        Some(filter) => format!("CASE WHEN {} THEN {each} ELSE 0 END", condition(filter)),
        None => each,
    };
    format!("CAST({each} AS DECIMAL(12, 1))")
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
        counted.unit,
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
        numerator, denominator, unit, target_measure
    FROM counted

    UNION ALL

    SELECT
        measure, month, org_type, org_code, breakdown_type, breakdown_value, imd_edition,
        numerator, denominator, unit, target_measure
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
    unit,
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
    unit,
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

/// `CASE of WHEN … END`, or the last resort by itself.
fn case(of: &str, cases: &[(String, String)], otherwise: Option<&str>) -> String {
    let last = otherwise.map_or_else(String::new, |o| format!("            ELSE {o}\n"));
    if cases.is_empty() {
        return otherwise.unwrap_or("NULL").to_owned();
    }
    let whens: Vec<String> = cases
        .iter()
        .map(|(kind, value)| format!("            WHEN {kind} THEN {value}\n"))
        .collect();
    format!("CASE {of}\n{}{last}        END", whens.concat())
}

/// A condition of the YAML. The line's end closes a comment.
fn condition(sql: &str) -> String {
    match sql.contains("--") {
        true => format!("({sql}\n)"),
        false => format!("({sql})"),
    }
}

/// A text as SQL writes it, or null.
fn or_null(value: Option<&str>) -> String {
    match value {
        Some(value) => text(value.trim()),
        None => "CAST(NULL AS VARCHAR)".to_owned(),
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
