//! One pass over a table, for all entries that are counted from its rows alike.

use crate::spec::Indicator;
use crate::spec::indicator::{Count, Organisation};

use super::sql::{GROUP, text};
use super::{BY_EDITION, Entry};

/// What stands in a row that is not broken down.
const ALL: &str = "all";
/// How far the columns of a query are indented, and those of one within one within it.
const OUTER: &str = "        ";
const INNER: &str = "                ";

/// Entries that are counted in one pass over a table: they share all that tells rows apart.
pub(super) struct Pass<'a> {
    organisation: &'a Organisation,
    entries: Vec<Entry<'a>>,
}

impl<'a> Pass<'a> {
    /// The passes over all tables, in the order of the entries.
    pub(super) fn all(entries: &[Entry<'a>]) -> Vec<Self> {
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
        case("indicator.measure", &cases, None, OUTER)
    }

    /// The rows of the entries, once for each breakdown.
    pub(super) fn select(&self) -> String {
        let some_rows_only = self.entries.iter().any(|e| e.spec.filter.is_some());
        match self.entries.len() > 1 && !some_rows_only {
            true => self.added_up_first(),
            false => self.row_by_row(),
        }
    }

    /// Each row for each entry that counts it.
    fn row_by_row(&self) -> String {
        let mut conditions: Vec<String> = Vec::new();
        if self.entries.iter().any(|e| e.spec.filter.is_some()) {
            conditions.push(self.each(|spec| match &spec.filter {
                Some(filter) => condition(filter),
                None => "TRUE".to_owned(),
            }));
        }
        conditions.extend(self.conditions());
        format!(
            "    SELECT
        indicator.measure,
        {keys},
        {numerator} AS numerator,
        {denominator} AS denominator
    FROM {from} AS counts
{measures}
    {breakdowns}
{wanted}",
            keys = self.keys(OUTER),
            numerator = self.each(|spec| count(&spec.numerator)),
            denominator = self.each(|spec| count(&spec.denominator)),
            from = self.spec().from.as_str(),
            measures = self.measures(),
            breakdowns = self.breakdowns(),
            wanted = wanted(&conditions, OUTER),
        )
    }

    /// The counts of all rows added up, then a row for each entry: there are many more rows than sums.
    fn added_up_first(&self) -> String {
        let entries = self.entries.iter();
        let counts = entries.flat_map(|e| [&e.spec.numerator, &e.spec.denominator]);
        let mut distinct: Vec<String> = Vec::new();
        for count in counts.map(count) {
            if !distinct.contains(&count) {
                distinct.push(count);
            }
        }
        let sum_of = |wanted: &Count| {
            let wanted = count(wanted);
            let place = distinct.iter().position(|count| *count == wanted);
            format!("counts.count_{}", place.unwrap_or_default() + 1)
        };
        let counts = (1..).zip(&distinct);
        let counts = counts.map(|(i, count)| format!("{INNER}{count} AS count_{i}"));
        // A sum with something withheld in it is no sum.
        let sums = (1..=distinct.len()).map(|i| {
            format!(
                "            CASE WHEN COUNT(count_{i}) = COUNT(*) THEN SUM(count_{i}) END AS count_{i}"
            )
        });
        format!(
            "    SELECT
        indicator.measure,
        {group},
        {numerator} AS numerator,
        {denominator} AS denominator
    FROM (
        SELECT
            {inner_group},
{sums}
        FROM (
            SELECT
                {keys},
{counts}
            FROM {from} AS counts
            {breakdowns}
{wanted}        ) AS counts
        GROUP BY
            {inner_group}
    ) AS counts
{measures}
",
            group = GROUP.join(",\n        "),
            inner_group = GROUP.join(",\n            "),
            numerator = self.each(|spec| sum_of(&spec.numerator)),
            denominator = self.each(|spec| sum_of(&spec.denominator)),
            sums = sums.collect::<Vec<_>>().join(",\n"),
            keys = self.keys(INNER),
            counts = counts.collect::<Vec<_>>().join(",\n"),
            from = self.spec().from.as_str(),
            breakdowns = self.breakdowns(),
            wanted = wanted(&self.conditions(), INNER),
            measures = self.measures(),
        )
    }

    /// What tells the rows of an entry apart.
    fn keys(&self, indent: &str) -> String {
        let spec = self.spec();
        let value = |breakdown: &str| {
            let column = name(breakdown);
            format!("COALESCE(CAST(counts.{column} AS VARCHAR), 'unknown')")
        };
        let values = spec.breakdowns.iter().map(|b| (text(b), value(b)));
        let values: Vec<(String, String)> = values.collect();
        let edition = match &spec.edition {
            Some(column) => {
                let column = format!("counts.{}", name(column));
                let cases = self.by_edition().into_iter().map(|b| (b, column.clone()));
                let cases: Vec<_> = cases.collect();
                case("breakdown.breakdown_type", &cases, Some("0"), indent)
            }
            None => "0".to_owned(),
        };
        let organisation = name(&self.organisation.column);
        let value = case(
            "breakdown.breakdown_type",
            &values,
            Some(&text(ALL)),
            indent,
        );
        [
            format!("counts.{} AS month", name(&spec.month.column)),
            format!("{} AS org_type", text(self.organisation.kind.word())),
            format!("COALESCE(CAST(counts.{organisation} AS VARCHAR), 'UNKNOWN') AS org_code"),
            "breakdown.breakdown_type".to_owned(),
            format!("{value} AS breakdown_value"),
            format!("{edition} AS imd_edition"),
        ]
        .join(&format!(",\n{indent}"))
    }

    /// The breakdowns that are by edition, as texts.
    fn by_edition(&self) -> Vec<String> {
        let breakdowns = self.spec().breakdowns.iter().map(|b| b.as_str());
        let by_edition = breakdowns.filter(|b| BY_EDITION.contains(b));
        by_edition.map(text).collect()
    }

    fn measures(&self) -> String {
        let measures = self.entries.iter().map(|e| format!("({})", text(e.id)));
        format!(
            "    CROSS JOIN (
        VALUES
        {}
    ) AS indicator (measure)",
            measures.collect::<Vec<_>>().join(",\n        ")
        )
    }

    fn breakdowns(&self) -> String {
        let breakdowns = self.spec().breakdowns.iter().map(|b| b.as_str());
        let kinds = [ALL].into_iter().chain(breakdowns);
        let kinds: Vec<String> = kinds.map(|k| format!("({})", text(k))).collect();
        let kinds = kinds.join(", ");
        format!("CROSS JOIN (VALUES {kinds}) AS breakdown (breakdown_type)")
    }

    /// What must hold of a row for all entries.
    fn conditions(&self) -> Vec<String> {
        let filters = self.organisation.filter.iter();
        let mut conditions: Vec<String> = filters.map(|f| condition(f)).collect();
        if let Some(column) = &self.spec().edition {
            let one = format!("counts.{} = $imd_edition", name(column));
            let kinds = self.by_edition();
            conditions.push(match kinds.is_empty() {
                true => format!("({one})"),
                false => {
                    let kinds = kinds.join(", ");
                    format!("({one} OR breakdown.breakdown_type IN ({kinds}))")
                }
            });
        }
        conditions
    }
}

/// The clause that leaves rows out, if there is one. `indent` is that of the columns.
fn wanted(conditions: &[String], indent: &str) -> String {
    if conditions.is_empty() {
        return String::new();
    }
    let conditions = conditions.join(&format!("\n{indent}AND "));
    format!("{}WHERE {conditions}\n", &indent[4..])
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

/// `CASE of WHEN … END`, or the last resort by itself. `indent` is that of the column.
fn case(of: &str, cases: &[(String, String)], otherwise: Option<&str>, indent: &str) -> String {
    if cases.is_empty() {
        return otherwise.unwrap_or("NULL").to_owned();
    }
    let cases = cases.iter();
    let whens = cases.map(|(kind, value)| format!("{indent}    WHEN {kind} THEN {value}\n"));
    let whens: String = whens.collect();
    let last = otherwise.map_or_else(String::new, |o| format!("{indent}    ELSE {o}\n"));
    format!("CASE {of}\n{whens}{last}{indent}END")
}

/// A condition of the YAML. The line's end closes a comment.
fn condition(sql: &str) -> String {
    match sql.contains("--") {
        true => format!("({sql}\n)"),
        false => format!("({sql})"),
    }
}

/// A column's name as SQL writes it.
fn name(column: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    match column.chars().all(plain) && !column.starts_with(|c: char| c.is_ascii_digit()) {
        true => column.to_owned(),
        false => format!("\"{}\"", column.replace('"', "\"\"")),
    }
}
