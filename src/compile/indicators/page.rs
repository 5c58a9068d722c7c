//! The specification of the indicators, for people: Markdown, from the same entries as the SQL.

use std::fmt::Write;

use chrono::NaiveDate;

use crate::spec::indicator::{Count, OrgType, Organisation, Polarity, Population};
use crate::spec::mart::Interval;
use crate::spec::{PipelineFile, Project, Sp, Unit};

use super::{BY_EDITION, Entry, entries};

/// A row of the target series, as texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedTarget {
    /// The measure.
    pub measure: String,
    /// The first day it is in force.
    pub from: String,
    /// The last day, if it has one.
    pub to: Option<String>,
    /// The share to reach, such as 0.80.
    pub value: String,
    /// Who says so.
    pub source: Option<String>,
}

const HEAD: &str = "\
# Indicators

Every number that the alliance watches, with its one written definition. This page is made from the
`indicators:` sections of the pipelines by `martlet indicators`; so are `mart.dim_measure` and the SQL of
`mart.indicators`. To change a definition, change it there, raise its version, and run the command.

How to read an entry:

- The **value** is the numerator over the denominator, as a proportion or per 100,000 people, worked out
  when it is published; nothing over nothing is no value. `unit` of the row says which of the two it is.
  Its limits are 95% limits, computed by the method that is named.
- A **target** counts from its first day; a month is held against the target in force on its first day.
- **Organisations**: a number of a larger organisation is the sum over the smaller ones named, by
  `mart.dim_organisation`; people at an organisation that is on no list count where the alliance is.
  Where no sum is named, the number has rows of its own, because people are shared or counted twice.
- **Broken down**: each breakdown by itself, never two at once. What goes by deprivation stands under an
  edition of the index, 2019 or 2025, and under both unless an open choice says why not; everything else
  counts each person once.
";

/// The page.
pub fn page(project: &Project, targets: &[DatedTarget]) -> String {
    let all = entries(project);
    let mut text = String::from(HEAD);
    let _ = write!(
        text,
        "\n| indicator | measure | newest target | better | definition |\n| --- | --- | --- | --- | --- |\n"
    );
    for entry in &all {
        let newest = series(entry, targets).last().map(|t| share(&t.value));
        let _ = writeln!(
            text,
            "| [{}](#{}) | `{}` | {} | {} | {} |",
            cell(&entry.spec.name),
            entry.id.as_str(),
            entry.id.as_str(),
            newest.unwrap_or_else(|| "none".to_owned()),
            better(entry.spec.polarity),
            *entry.spec.definition.version,
        );
    }
    let mut pipeline: Option<&PipelineFile> = None;
    for entry in &all {
        if pipeline.is_none_or(|p| p.spec.pipeline != entry.file.spec.pipeline) {
            pipeline = Some(entry.file);
            let spec = &entry.file.spec;
            let title = spec.pipeline.replace('_', " ");
            let mut letters = title.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            let title: String = first.into_iter().chain(letters).collect();
            let _ = write!(text, "\n## {title}\n");
            let description = spec.description.as_deref().map(flowing);
            let owner = spec.owner.as_ref().map(|o| format!("Questions to {o}."));
            let said: Vec<String> = description.into_iter().chain(owner).collect();
            if !said.is_empty() {
                let _ = write!(text, "\n{}\n", said.join(" "));
            }
        }
        section(&mut text, entry, targets);
    }
    text
}

fn section(text: &mut String, entry: &Entry<'_>, targets: &[DatedTarget]) {
    let spec = entry.spec;
    let _ = write!(
        text,
        "\n<a id=\"{id}\"></a>\n\n### {name}\n\n`{id}`, definition {version}. {answers}\n\n| | |\n| --- | --- |\n",
        id = entry.id.as_str(),
        name = flowing(&spec.name),
        version = *spec.definition.version,
        answers = flowing(&spec.answers),
    );
    let mut row = |key: &str, value: &str| {
        let _ = writeln!(text, "| {key} | {} |", cell(value));
    };
    row("denominator", &spec.denominator.means);
    row("numerator", &spec.numerator.means);
    row("left out", spec.exclusions.as_deref().unwrap_or("nobody"));
    let unit = match spec.unit {
        Unit::Proportion => "a proportion, 0 to 1",
        Unit::Per100000 => "a rate per 100,000",
    };
    row("value", &format!("{unit}; {}", better(spec.polarity)));
    let limits = match spec.unit.interval() {
        Interval::Wilson => "Wilson score, 95%, without continuity correction",
        Interval::Byar => "Byar's, 95%; below 10 events the exact ones of a Poisson count",
    };
    row("limits", limits);
    row("target", &target(entry, targets));
    row("whom it counts", population(spec.population));
    row("month", &spec.month.means);
    row("organisations", &organisations(&spec.organisations));
    row(
        "broken down by",
        &match spec.breakdowns.is_empty() {
            true => "nothing".to_owned(),
            false => breakdowns(&spec.breakdowns),
        },
    );
    if let Some(further) = &spec.further {
        row(
            "further broken down by",
            &format!(
                "{}: only at {}",
                breakdowns(&further.breakdowns),
                organisations(&further.organisations)
            ),
        );
    }
    row("counted", &counted(entry));
    row("defined by", &spec.definition.source);
    for choice in &spec.open_choices {
        row("open choice", &open_choice(entry, choice));
    }
}

fn organisations(organisations: &[Organisation]) -> String {
    let organisations = organisations.iter();
    let organisations: Vec<String> = organisations
        .map(|o| {
            let sums: Vec<&str> = o.rolls_up.iter().map(|k| org(**k)).collect();
            match sums.is_empty() {
                true => org(*o.kind).to_owned(),
                false => format!("{}, added up to {}", org(*o.kind), listed(&sums)),
            }
        })
        .collect();
    organisations.join("; ")
}

fn breakdowns(breakdowns: &[Sp<String>]) -> String {
    let breakdowns = breakdowns.iter();
    let breakdowns: Vec<String> = breakdowns
        .map(|b| match BY_EDITION.contains(&b.as_str()) {
            true => format!("{} (by edition)", b.replace('_', " ")),
            false => b.replace('_', " "),
        })
        .collect();
    breakdowns.join(", ")
}

fn counted(entry: &Entry<'_>) -> String {
    let spec = entry.spec;
    let count = |count: &Count| match (&count.column, &count.filter) {
        (Some(column), None) => format!("the sum of `{}`", **column),
        (Some(column), Some(filter)) => {
            format!("the sum of `{}` where `{}`", **column, **filter)
        }
        (None, Some(filter)) => format!("rows where `{}`", **filter),
        (None, None) => "all rows".to_owned(),
    };
    let filter = match &spec.filter {
        Some(filter) => format!(" where `{}`", **filter),
        None => String::new(),
    };
    let further = match &spec.further {
        Some(further) => format!("; for the further breakdowns in `{}`, alike", *further.from),
        None => String::new(),
    };
    format!(
        "in `{}`{filter}: {} over {}{further}",
        *spec.from,
        count(&spec.numerator),
        count(&spec.denominator)
    )
}

fn open_choice(entry: &Entry<'_>, choice: &crate::spec::indicator::OpenChoice) -> String {
    let mut text = format!(
        "{} Since {}.",
        choice.choice.trim(),
        long_date(&choice.since)
    );
    let parameters = &entry.file.spec.parameters;
    if let Some(name) = &choice.parameter
        && let Some(parameter) = parameters.get(name)
    {
        let _ = write!(
            text,
            " Set by `${}` of `{}`: {}.",
            **name, *entry.file.spec.pipeline, parameter.value.0
        );
    }
    text
}

fn series<'t>(entry: &Entry<'_>, targets: &'t [DatedTarget]) -> Vec<&'t DatedTarget> {
    let Some(measure) = &entry.spec.target else {
        return Vec::new();
    };
    let mut series: Vec<&DatedTarget> = targets
        .iter()
        .filter(|t| t.measure == measure.as_str())
        .collect();
    series.sort_by(|a, b| a.from.cmp(&b.from));
    series
}

fn target(entry: &Entry<'_>, targets: &[DatedTarget]) -> String {
    let Some(measure) = &entry.spec.target else {
        return "none".to_owned();
    };
    let rows: Vec<String> = series(entry, targets)
        .iter()
        .map(|t| {
            let to = match &t.to {
                Some(to) => format!(" to {}", long_date(to)),
                None => String::new(),
            };
            let source = match &t.source {
                Some(source) => format!(" ({source})"),
                None => String::new(),
            };
            format!(
                "{} from {}{to}{source}",
                share(&t.value),
                long_date(&t.from)
            )
        })
        .collect();
    match rows.is_empty() {
        true => format!("the series `{}`", **measure),
        false => format!("at least {}; series `{}`", rows.join("; "), **measure),
    }
}

/// 0.80 as 80%.
fn share(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(share) => {
            let per_cent = format!("{:.1}", share * 100.0);
            format!("{}%", per_cent.trim_end_matches(".0"))
        }
        Err(_) => value.to_owned(),
    }
}

/// 2026-03-31 as 31 March 2026.
fn long_date(text: &str) -> String {
    match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        Ok(day) => day.format("%-d %B %Y").to_string(),
        Err(_) => text.to_owned(),
    }
}

fn better(polarity: Polarity) -> &'static str {
    match polarity {
        Polarity::HigherIsBetter => "higher is better",
        Polarity::LowerIsBetter => "lower is better",
        Polarity::Neutral => "neither way is better",
    }
}

fn population(population: Population) -> &'static str {
    match population {
        Population::Registered => "people on the list of a practice, or on a register",
        Population::Resident => "people who live there",
        Population::Diagnosed => "people diagnosed there",
        Population::Treated => "people referred or treated there",
    }
}

fn org(kind: OrgType) -> &'static str {
    match kind {
        OrgType::Practice => "practice",
        OrgType::Pcn => "primary care network",
        OrgType::Trust => "trust",
        OrgType::Lad => "district",
        OrgType::Utla => "county or unitary authority",
        OrgType::SubIcb => "sub-ICB",
        OrgType::Icb => "ICB",
        OrgType::Alliance => "alliance",
    }
}

fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// A text on one line.
fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text that may stand in a table's cell.
fn cell(text: &str) -> String {
    flowing(text).replace('|', "\\|")
}
