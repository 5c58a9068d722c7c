//! `generated/indicators.sql`, the query of the counts: entries that share a table and all that tells
//! its rows apart are counted in one pass over it, each row once for every entry and breakdown; what is
//! summed by organisation is then added to the larger ones they lie in.
//!
//! Names and conditions have been checked before; texts are quoted.

use std::collections::BTreeSet;

use crate::spec::Indicator;
use crate::spec::indicator::{Count, Organisation};

use super::{BY_EDITION, Entry};

/// What stands in a row that is not broken down.
const ALL: &str = "all";

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
        let measures = self.entries.iter().map(|e| format!("({})", text(e.id)));
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
        {denominator} AS denominator
    FROM {from} AS counts
    CROSS JOIN (
        VALUES
        {measures}
    ) AS indicator (measure)
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

/// What tells the sums apart.
const KEYS: &str = "measure,
        month,
        org_type,
        org_code,
        breakdown_type,
        breakdown_value,
        imd_edition";

/// The rows of a step, added up. A sum with something withheld in it is no sum.
fn summed(step: &str) -> String {
    format!(
        "    SELECT
        {KEYS},
        CASE
            WHEN BOOL_AND(numerator IS NOT NULL AND denominator IS NOT NULL) THEN SUM(numerator)
        END AS numerator,
        CASE
            WHEN BOOL_AND(numerator IS NOT NULL AND denominator IS NOT NULL) THEN SUM(denominator)
        END AS denominator
    FROM {step}
    GROUP BY
        {KEYS}
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

/// A column's name as SQL writes it.
fn name(column: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match column.chars().all(plain) && !column.starts_with(|c: char| c.is_ascii_digit()) {
        true => column.to_owned(),
        false => format!("\"{}\"", column.replace('"', "\"\"")),
    }
}
