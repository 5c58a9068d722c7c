//! One pass over a table, for all entries that are counted from its rows alike.

use crate::spec::indicator::{Count, Organisation};
use crate::spec::{Indicator, Sp};

use super::sql::text;
use super::{BY_EDITION, Entry, Part};

/// What stands in a row that is not broken down.
const ALL: &str = "all";
/// How far the columns of a query are indented, those of one within it, and of one within that.
const OUTER: &str = "        ";
const INNER: &str = "            ";
const WITHIN: &str = "                ";

/// What tells the sums of a series apart, but for where they are.
pub(super) const KEYS: [&str; 4] = ["month", "breakdown_type", "breakdown_value", "imd_edition"];

/// The most counts that stand side by side in a row.
const SIDE_BY_SIDE: usize = 4;

/// Entries that are counted from the same rows and differ in what they count of them.
pub(super) struct Series<'a> {
    pub organisation: &'a Organisation,
    filter: Option<&'a Sp<String>>,
    pub sets: Vec<Set<'a>>,
}

/// Entries of a series whose counts stand side by side.
pub(super) struct Set<'a> {
    /// What its rows are known by; no other of the project has it.
    pub number: usize,
    /// What is counted, as SQL.
    pub counts: Vec<String>,
    /// Its entries, and where each one's two counts stand.
    pub entries: Vec<(Entry<'a>, [usize; 2])>,
}

impl<'a> Set<'a> {
    fn has_room_for(&self, entry: &Entry<'_>) -> bool {
        let mut counts = counts_of(entry).to_vec();
        counts.dedup();
        counts.retain(|count| !self.counts.contains(count));
        self.counts.len() + counts.len() <= SIDE_BY_SIDE
    }

    fn add(&mut self, entry: Entry<'a>) {
        let places = counts_of(&entry).map(|count| {
            let place = self.counts.iter().position(|c| *c == count);
            place.unwrap_or_else(|| {
                self.counts.push(count);
                self.counts.len() - 1
            })
        });
        self.entries.push((entry, places));
    }
}

impl<'a> Series<'a> {
    fn takes(&self, entry: &Entry<'_>, organisation: &Organisation) -> bool {
        self.filter == entry.spec.filter.as_ref()
            && self.organisation.kind == organisation.kind
            && self.organisation.filter == organisation.filter
            && self.organisation.rolls_up == organisation.rolls_up
    }

    /// What must hold of a row, if not every row is of it.
    fn condition(&self) -> Option<String> {
        let filters = self.filter.into_iter().chain(&self.organisation.filter);
        let conditions: Vec<String> = filters.map(|f| condition(f)).collect();
        (!conditions.is_empty()).then(|| conditions.join(" AND "))
    }
}

/// Series that share their table and all that tells its rows apart.
pub(super) struct Pass<'a> {
    part: Part<'a>,
    organisation: &'a Organisation,
    spec: &'a Indicator,
    pub series: Vec<Series<'a>>,
}

impl<'a> Pass<'a> {
    /// The passes over all tables, in the order of the entries.
    pub(super) fn all(entries: &[Entry<'a>]) -> Vec<Self> {
        let mut passes: Vec<Self> = Vec::new();
        let mut sets = 0;
        for entry in entries {
            let parts = entry.parts();
            let by_organisation = parts.flat_map(|p| p.organisations.iter().map(move |o| (p, o)));
            for (part, organisation) in by_organisation {
                let spec = entry.spec;
                let pass = found_or_added(
                    &mut passes,
                    |p| p.takes(entry, &part, organisation),
                    || Self {
                        part,
                        organisation,
                        spec,
                        series: Vec::new(),
                    },
                );
                let series = found_or_added(
                    &mut pass.series,
                    |s| s.takes(entry, organisation),
                    || Series {
                        organisation,
                        filter: spec.filter.as_ref(),
                        sets: Vec::new(),
                    },
                );
                let set = found_or_added(
                    &mut series.sets,
                    |set| set.has_room_for(entry),
                    || {
                        sets += 1;
                        Set {
                            number: sets,
                            counts: Vec::new(),
                            entries: Vec::new(),
                        }
                    },
                );
                set.add(*entry);
            }
        }
        passes
    }

    fn takes(&self, entry: &Entry<'_>, part: &Part<'_>, organisation: &Organisation) -> bool {
        let (ours, theirs) = (self.spec, entry.spec);
        self.part.table == part.table
            && self.part.breakdowns == part.breakdowns
            && self.part.further == part.further
            && ours.month.column == theirs.month.column
            && ours.edition == theirs.edition
            && self.organisation.column == organisation.column
    }

    /// All sets of its series.
    pub(super) fn sets(&self) -> impl Iterator<Item = &Set<'a>> {
        self.series.iter().flat_map(|series| &series.sets)
    }

    /// What is counted of its rows, each once, as SQL.
    fn counts(&self) -> Vec<&String> {
        let mut distinct: Vec<&String> = Vec::new();
        for count in self.sets().flat_map(|set| &set.counts) {
            if !distinct.contains(&count) {
                distinct.push(count);
            }
        }
        distinct
    }

    /// Its counts added up for each set, organisation and breakdown. A set has `columns` of them, like
    /// all others: those that it does not fill are null.
    pub(super) fn select(&self, columns: usize) -> String {
        let counts = self.counts();
        let column = |i: usize| {
            let cases = self.sets().filter_map(|set| {
                let count = set.counts.get(i - 1)?;
                let place = counts.iter().position(|c| *c == count)? + 1;
                Some(format!(
                    "{INNER}WHEN {} THEN sums.count_{place}\n",
                    set.number
                ))
            });
            let cases: String = cases.collect();
            match cases.is_empty() {
                true => format!("{OUTER}CAST(NULL AS DECIMAL(22, 1)) AS count_{i}"),
                false => format!("{OUTER}CASE sets.number\n{cases}{OUTER}END AS count_{i}"),
            }
        };
        let keys = KEYS.map(|key| format!("sums.{key}"));
        format!(
            "    SELECT
        sets.number AS set_number,
        sums.org_code,
        {keys},
{columns}
    FROM (
{sums}    ) AS sums
    INNER JOIN (VALUES {sets}) AS sets (series, number)
        ON sets.series = sums.series
",
            keys = keys.join(",\n        "),
            columns = (1..=columns).map(column).collect::<Vec<_>>().join(",\n"),
            sums = self.sums(),
            sets = self.numbers().join(", "),
        )
    }

    /// Which sets each series has.
    fn numbers(&self) -> Vec<String> {
        let series = (1..).zip(&self.series);
        let numbers = series.flat_map(|(series, s)| {
            let numbers = s.sets.iter().map(|set| set.number);
            numbers.map(move |number| format!("({series}, {number})"))
        });
        numbers.collect()
    }

    /// Its counts added up for each series.
    fn sums(&self) -> String {
        let counts = (1..).zip(self.counts());
        let sums = counts.clone().map(|(i, _)| format!("{INNER}{}", sum(i)));
        let counts =
            counts.map(|(i, count)| format!("{WITHIN}{} AS count_{i}", self.of_its_series(count)));
        let keys = KEYS.join(",\n            ");
        format!(
            "        SELECT
            series,
            org_code,
            {keys},
{sums}
        FROM (
            SELECT
                {all_keys},
{counts}
            FROM {from} AS counts
{series}            {breakdowns}
{wanted}        ) AS counts
        GROUP BY
            series,
            org_code,
            {keys}
",
            sums = sums.collect::<Vec<_>>().join(",\n"),
            all_keys = self.keys(),
            counts = counts.collect::<Vec<_>>().join(",\n"),
            from = self.part.table.as_str(),
            series = self.all_series(),
            breakdowns = self.breakdowns(),
            wanted = self.wanted(),
        )
    }

    /// A count, of the rows of those series that have it: on others it need not be possible.
    fn of_its_series(&self, count: &str) -> String {
        let has_it = |series: &Series<'_>| {
            let mut counts = series.sets.iter().flat_map(|set| &set.counts);
            counts.any(|c| c == count)
        };
        let numbers = (1..).zip(&self.series).filter(|(_, series)| has_it(series));
        let numbers: Vec<String> = numbers.map(|(number, _)| number.to_string()).collect();
        match numbers.len() == self.series.len() {
            true => count.to_owned(),
            false => format!(
                "CASE WHEN part._series IN ({}) THEN {count} END",
                numbers.join(", ")
            ),
        }
    }

    /// What tells the rows apart, and whose and which series' they are.
    fn keys(&self) -> String {
        let spec = self.spec;
        let value = |breakdown: &str| {
            let column = name(breakdown);
            format!("COALESCE(CAST(counts.{column} AS VARCHAR), 'unknown')")
        };
        let values = self.part.breakdowns.iter().map(|b| (text(b), value(b)));
        let values: Vec<(String, String)> = values.collect();
        let edition = match &spec.edition {
            Some(column) => {
                let column = format!("counts.{}", name(column));
                let cases = self.by_edition().into_iter().map(|b| (b, column.clone()));
                case(&cases.collect::<Vec<_>>(), "0")
            }
            None => "0".to_owned(),
        };
        let organisation = name(&self.organisation.column);
        let series = match &self.series[..] {
            [_] => "1 AS series",
            _ => "part._series AS series",
        };
        [
            series.to_owned(),
            format!("COALESCE(CAST(counts.{organisation} AS VARCHAR), 'UNKNOWN') AS org_code"),
            format!("counts.{} AS month", name(&spec.month.column)),
            "breakdown.breakdown_type".to_owned(),
            format!("{} AS breakdown_value", case(&values, &text(ALL))),
            format!("{edition} AS imd_edition"),
        ]
        .join(&format!(",\n{WITHIN}"))
    }

    /// The breakdowns that are by edition, as texts.
    fn by_edition(&self) -> Vec<String> {
        let breakdowns = self.part.breakdowns.iter().map(|b| b.as_str());
        let by_edition = breakdowns.filter(|b| BY_EDITION.contains(b));
        by_edition.map(text).collect()
    }

    /// A row for each series, where there are several.
    fn all_series(&self) -> String {
        let numbers = (1..=self.series.len()).map(|series| format!("({series})"));
        match self.series.len() {
            1 => String::new(),
            _ => format!(
                "{INNER}CROSS JOIN (VALUES {}) AS part (_series)\n",
                numbers.collect::<Vec<_>>().join(", ")
            ),
        }
    }

    fn breakdowns(&self) -> String {
        let breakdowns = self.part.breakdowns.iter().map(|b| b.as_str());
        let all = (!self.part.further).then_some(ALL);
        let kinds = all.into_iter().chain(breakdowns);
        let kinds: Vec<String> = kinds.map(|k| format!("({})", text(k))).collect();
        let kinds = kinds.join(", ");
        format!("CROSS JOIN (VALUES {kinds}) AS breakdown (breakdown_type)")
    }

    /// The clause that leaves rows out, if there is one.
    fn wanted(&self) -> String {
        let mut conditions = Vec::new();
        match &self.series[..] {
            [only] => conditions.extend(only.condition()),
            all => {
                let cases = (1..).zip(all).map(|(series, s)| {
                    let condition = s.condition().unwrap_or_else(|| "TRUE".to_owned());
                    format!("{WITHIN}    WHEN {series} THEN {condition}\n")
                });
                let cases: String = cases.collect();
                conditions.push(format!("CASE part._series\n{cases}{WITHIN}END"));
            }
        }
        if let Some(column) = &self.spec.edition {
            let one = format!("counts.{} = $imd_edition", name(column));
            let kinds = self.by_edition().join(", ");
            conditions.push(match kinds.is_empty() {
                true => format!("({one})"),
                false => format!("({one} OR breakdown.breakdown_type IN ({kinds}))"),
            });
        }
        match conditions.is_empty() {
            true => String::new(),
            false => format!(
                "{INNER}WHERE {}\n",
                conditions.join(&format!("\n{WITHIN}AND "))
            ),
        }
    }
}

/// A count added up. A sum with something withheld in it is no sum.
pub(super) fn sum(i: usize) -> String {
    format!("CASE WHEN COUNT(count_{i}) = COUNT(*) THEN SUM(count_{i}) END AS count_{i}")
}

/// The first of some things that is right; if none is, a new one is added.
fn found_or_added<T>(
    all: &mut Vec<T>,
    is_right: impl FnMut(&T) -> bool,
    new: impl FnOnce() -> T,
) -> &mut T {
    let place = all.iter().position(is_right).unwrap_or(all.len());
    if place == all.len() {
        all.push(new());
    }
    &mut all[place]
}

/// The two counts of an entry, as SQL.
fn counts_of(entry: &Entry<'_>) -> [String; 2] {
    [&entry.spec.numerator, &entry.spec.denominator].map(count)
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

/// What stands for each kind of breakdown, or the last resort by itself.
fn case(cases: &[(String, String)], otherwise: &str) -> String {
    if cases.is_empty() {
        return otherwise.to_owned();
    }
    let whens = cases.iter();
    let whens = whens.map(|(kind, value)| format!("{WITHIN}    WHEN {kind} THEN {value}\n"));
    let whens: String = whens.collect();
    format!("CASE breakdown.breakdown_type\n{whens}{WITHIN}    ELSE {otherwise}\n{WITHIN}END")
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
