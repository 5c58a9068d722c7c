//! Indicators: every number the project watches, from its YAML to SQL that is planned like any other.
//!
//! An entry says in which table a number stands and how it is counted there; [`sql`] writes the two
//! queries that all entries together make, [`check`] holds every name and condition against the
//! tables first, so that what is wrong is said where it stands in the YAML. [`page`] is the same
//! entries as a specification for people: there is no second copy of a definition.

pub(super) mod check;
pub(super) mod columns;
mod measures;
pub mod page;
mod pass;
mod sql;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diag::SourceText;
use crate::spec::indicator::Organisation;
use crate::spec::{Indicator, PipelineFile, Project, Sp};

/// `sql:` of the mart that holds the counts of every indicator.
pub const COUNTS: &str = "generated/indicators.sql";

/// `sql:` of the mart that holds what every indicator means.
pub const MEASURES: &str = "generated/dim_measure.sql";

/// Breakdowns that go by deprivation: their rows carry the edition.
const BY_EDITION: [&str; 3] = ["imd_quintile", "core20", "core20plus"];

/// An indicator with the file it stands in.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// The measure's name in the mart.
    pub id: &'a Sp<String>,
    /// What the YAML says.
    pub spec: &'a Indicator,
    /// Where it stands.
    pub file: &'a PipelineFile,
}

/// A table that an entry is counted from, and what of it comes from there.
#[derive(Clone, Copy)]
struct Part<'a> {
    table: &'a Sp<String>,
    organisations: &'a [Organisation],
    breakdowns: &'a [Sp<String>],
    /// Whether it has only further breakdowns: what is not broken down comes from the entry's first table.
    further: bool,
}

impl<'a> Entry<'a> {
    /// The tables that it is counted from, the first one first.
    fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        let first = Part {
            table: &self.spec.from,
            organisations: &self.spec.organisations,
            breakdowns: &self.spec.breakdowns,
            further: false,
        };
        let further = self.spec.further.iter().map(|further| Part {
            table: &further.from,
            organisations: &further.organisations,
            breakdowns: &further.breakdowns,
            further: true,
        });
        std::iter::once(first).chain(further)
    }

    /// The conditions by which the rows of all its tables are counted.
    fn conditions(&self) -> impl Iterator<Item = &'a Sp<String>> {
        let spec = self.spec;
        let conditions = [
            &spec.filter,
            &spec.numerator.filter,
            &spec.denominator.filter,
        ];
        conditions.into_iter().filter_map(Option::as_ref)
    }
}

impl<'a> Part<'a> {
    /// The conditions by which its rows are an organisation's.
    fn conditions(self) -> impl Iterator<Item = &'a Sp<String>> {
        self.organisations.iter().filter_map(|o| o.filter.as_ref())
    }
}

/// The indicators of a project, by pipeline and in the order of each file.
pub fn entries(project: &Project) -> Vec<Entry<'_>> {
    let of_file = |file| {
        let file: &PipelineFile = file;
        let entries = file.spec.indicators.iter();
        entries.map(move |(id, spec)| Entry { id, spec, file })
    };
    project.pipelines.iter().flat_map(of_file).collect()
}

/// The SQL that the entries make, by what a mart's `sql:` calls it. No entries make none.
pub(super) fn generated(entries: &[Entry<'_>]) -> BTreeMap<&'static str, Arc<SourceText>> {
    if entries.is_empty() {
        return BTreeMap::new();
    }
    let text = |name: &str, text| SourceText::new(format!("sql/{name}"), text);
    BTreeMap::from([
        (COUNTS, text(COUNTS, sql::counts(entries))),
        (MEASURES, text(MEASURES, measures::measures(entries))),
    ])
}

/// The SQL of a mart whose `sql:` has that name, as it would be planned.
pub fn written(project: &Project, name: &str) -> Option<String> {
    let generated = generated(&entries(project));
    generated.get(name).map(|source| source.text.clone())
}

/// Whether `sql:` names SQL that is written here.
pub(super) fn is_generated(sql: &str) -> bool {
    [COUNTS, MEASURES].contains(&sql)
}
