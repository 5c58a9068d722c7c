//! What was refused of the files that count now: those that a source stands on or, where its last
//! attempt failed, those of that attempt. What older keys and replaced files left behind is nobody's
//! business any more.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::compile::{Body, Node, Plan, SourceNode, TableName};
use crate::diag::Result;
use crate::ingest::{self, Intake, RefusedRow};
use crate::spec::ColumnType;
use crate::store::Lake;

use super::attempt::{Attempt, Fault, Tried};
use super::night::as_of;
use super::submissions;

/// One file and what became of it.
#[derive(Debug, Clone)]
pub struct Examined {
    /// The source.
    pub table: TableName,
    /// As `_file` has it.
    pub file: String,
    /// The parts of its name, as people write them, in the order of the contract.
    pub captures: Vec<(String, String)>,
    /// Who sent it, by its name: the capture `provider`, or else the first that is an ODS code.
    pub provider: Option<String>,
    /// Why nothing of it is used; nothing if it is.
    pub errors: Vec<Fault>,
    /// Its counts; none if it was refused before its rows were read.
    pub intake: Option<Intake>,
}

impl Examined {
    /// How many of its rows are in quarantine.
    pub fn refused(&self) -> u64 {
        self.intake.as_ref().map_or(0, |i| i.quarantined)
    }

    /// Whether there is something for its sender to mend.
    pub fn is_at_fault(&self) -> bool {
        !self.errors.is_empty() || self.refused() > 0
    }

    /// Hands on its refused rows in the order of the file, one for each rule that a row breaks,
    /// until `take` says that it has enough.
    ///
    /// # Errors
    /// When they cannot be read, or `take` fails.
    pub fn rows(&self, lake: &Lake, take: impl FnMut(RefusedRow) -> Result<bool>) -> Result<()> {
        match &self.intake {
            Some(intake) => ingest::refused_rows(&intake.quarantine.path_in(lake), take),
            None => Ok(()),
        }
    }
}

/// The files that the chosen sources stand on, by source and path.
///
/// # Errors
/// When a record is there and cannot be read.
pub fn examined(plan: &Plan, chosen: &BTreeSet<TableName>) -> Result<Vec<Examined>> {
    let lake = Lake::new(&plan.settings.lake);
    let mut all = Vec::new();
    for node in plan.nodes.iter().filter(|n| chosen.contains(&n.name)) {
        if let Body::Source(source) = &node.body {
            all.extend(of_source(&lake, node, source, as_of(plan))?);
        }
    }
    all.sort_by(|a, b| (&a.table, &a.file).cmp(&(&b.table, &b.file)));
    Ok(all)
}

fn of_source(
    lake: &Lake,
    node: &Node,
    source: &SourceNode,
    day: NaiveDate,
) -> Result<Vec<Examined>> {
    let mut all = Vec::new();
    if let Some(attempt) = Attempt::load(lake, &node.name)? {
        for tried in attempt.files {
            let Tried {
                file,
                key,
                captures,
                errors,
            } = tried;
            let intake = match errors.is_empty() {
                true => Intake::recorded(lake, &node.name, &key)?,
                false => Intake::refused(lake, &node.name, &key)?,
            };
            all.push(one(node, source, file, captures, errors, intake));
        }
    } else {
        for (file, key) in submissions::answerable(lake, &node.name, source, day)? {
            if let Some(intake) = Intake::recorded(lake, &node.name, &key)? {
                let captures = intake.captures.clone();
                all.push(one(node, source, file, captures, Vec::new(), Some(intake)));
            }
        }
    }
    Ok(all)
}

fn one(
    node: &Node,
    source: &SourceNode,
    file: String,
    captures: Vec<(String, String)>,
    errors: Vec<Fault>,
    intake: Option<Intake>,
) -> Examined {
    let kind = |name: &str| source.files.captures.get(name).map(|k| (**k).clone());
    let provider = captures
        .iter()
        .find(|(name, _)| name == "provider")
        .or_else(|| {
            let mut codes = captures.iter();
            codes.find(|(name, _)| kind(name) == Some(ColumnType::OdsCode))
        })
        .map(|(_, value)| value.clone());
    let captures = captures
        .into_iter()
        .map(|(name, value)| {
            let month = matches!(kind(&name), Some(ColumnType::Month(_)));
            match value.strip_suffix("-01").filter(|_| month) {
                Some(shown) => (name, shown.to_owned()),
                None => (name, value),
            }
        })
        .collect();
    Examined {
        table: node.name.clone(),
        file,
        captures,
        provider,
        errors,
        intake,
    }
}
