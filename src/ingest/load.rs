//! One file, from bytes to the record of what became of it.

use std::path::Path;

use crate::compile::contract::staged_schema;
use crate::compile::{SourceNode, TableName};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::spec::source::OnNewColumn;
use crate::store::parquet::{ParquetFile, ParquetWriter};
use crate::store::{Lake, atomic};

use super::arrived::{Arrived, fingerprint};
use super::header::listed;
use super::intake::{About, Intake, Warning, Written};
use super::judge::Judge;
use super::pseudonym::PseudonymKey;
use super::quarantine::{QuarantineWriter, Refused};
use super::readers::{self, Origin};
use super::row_keys::Related;
use super::rules::{Rule, conserve};
use super::sorter::Sorter;

/// The rule of rows that are good in a file that is not: the whole of it is refused.
pub const FILE_REJECTED: &str = "file_rejected";

/// Takes a file in: good rows to staged Parquet, refused rows to quarantine, then the record.
///
/// `key` is the file's of [`super::StagingKeys`]; `related` holds what its rules look up in other
/// tables. Nothing but the quarantine and its own record are written when a rule is broken more
/// often than its threshold allows, and nothing at all on other errors. Blocks.
///
/// # Errors
/// When the file is not what its source declares, changed while it was read, breaks a threshold,
/// or the disk fails. No error holds a value.
pub fn ingest(
    node: &SourceNode,
    table: &TableName,
    arrived: &Arrived,
    lake: &Lake,
    key: &str,
    pseudonyms: Option<&PseudonymKey>,
    related: &Related,
) -> Result<Intake> {
    arrived.unchanged()?;
    if arrived.size == 0 {
        return Err(
            Diagnostic::error(Code::BadFile, "the file is empty (0 bytes)")
                .at(DataPlace::file(arrived.shown.as_str()))
                .hint("a header without rows would be fine: ask the sender for the file again")
                .into(),
        );
    }
    let hash = match &arrived.hash {
        Some(hash) => hash.clone(),
        None => fingerprint(arrived)?,
    };
    let staged_path = lake.staged(&table.name, key);
    let quarantine_path = lake.quarantine(&table.name, key);
    let start =
        |path: &Path| ParquetWriter::create(path, staged_schema(&node.spec, &node.files), &[]);
    let quarantine = QuarantineWriter::create(&quarantine_path, &arrived.shown, &arrived.captures)?;
    let staged = start(&staged_path)?;
    let judge = Judge::new(node, arrived, pseudonyms, related)?;
    let mut sorter = Sorter::new(&judge, staged, quarantine);
    let origin = Origin {
        path: &arrived.path,
        place: DataPlace::file(arrived.shown.as_str()),
        columns: node.spec.columns.len(),
        block: readers::BLOCK,
    };
    let received = readers::read(&origin, &node.reader, arrived.size, &judge, &mut sorter)?;
    arrived.unchanged()?;
    sorter.hide_headings();
    let dropped = sorter.dropped();
    conserve(
        &arrived.shown,
        received,
        sorter.good,
        sorter.refused,
        dropped,
    )?;
    // A dropped row is none of the source's: it is no part of any share.
    let judged = received - dropped;

    let metadata = [("martlet.key".to_owned(), key.to_owned())];
    let errors: Diagnostics = sorter
        .rules
        .iter()
        .filter_map(|r| r.error(&arrived.shown, judged))
        .collect();
    let errors: Diagnostics = errors
        .into_iter()
        .chain(mostly_refused(&arrived.shown, judged, &sorter))
        .collect();
    let captures = arrived
        .captures
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect();
    let mut intake = Intake {
        table: table.to_string(),
        file: arrived.shown.clone(),
        hash,
        key: key.to_owned(),
        captures,
        received,
        good: sorter.good,
        quarantined: sorter.refused,
        dropped_by: sorter.dropped.clone(),
        rejected_by: None,
        rules: sorter.rules.iter().filter_map(Rule::counted).collect(),
        warnings: Vec::new(),
        new_columns: sorter.new_columns.clone(),
        staged: Written::none(),
        quarantine: Written::none(),
    };
    if errors.has_errors() {
        let refused = sorter.quarantine.finish(&metadata)?;
        intake.quarantine = Written::new(&refused, lake);
        write(&lake.refusal(&table.name, key), &intake)?;
        return Err(with_report(errors, &refused, lake).sorted());
    }
    let rejected_by = sorter.rules.iter().find(|r| r.rejects_file()).cloned();
    if let Some(rule) = &rejected_by {
        reject(&mut sorter, rule)?;
        sorter.staged = start(&staged_path)?;
    }
    intake.warnings = warnings(node, &sorter, judged, rejected_by.as_ref());
    let staged = sorter.staged.finish(&metadata)?;
    let quarantine = sorter.quarantine.finish(&metadata)?;
    conserve(
        &arrived.shown,
        received,
        staged.rows,
        sorter.refused,
        dropped,
    )?;
    intake.good = sorter.good;
    intake.quarantined = sorter.refused;
    intake.rejected_by = rejected_by.map(|r| r.title());
    intake.staged = Written::new(&staged, lake);
    intake.quarantine = Written::new(&quarantine, lake);
    write(&lake.intake(&table.name, key), &intake)?;
    Ok(intake)
}

fn write(path: &Path, intake: &Intake) -> Result<()> {
    let record = serde_json::to_vec_pretty(intake)
        .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
    atomic::write(path, &record)
}

/// Sends the good rows after the bad ones.
fn reject(sorter: &mut Sorter<'_>, rule: &Rule) -> Result<()> {
    let reason = format!(
        "the whole file is refused: {}, first on line {}",
        rule.title(),
        rule.first_line()
    );
    for line in std::mem::take(&mut sorter.good_lines) {
        sorter.quarantine.push(&Refused {
            line,
            column: None,
            rule: FILE_REJECTED,
            reason: &reason,
            masked: None,
        })?;
        sorter.refused += 1;
        sorter.good -= 1;
    }
    Ok(())
}

/// More than a fifth of a file's rows refused, and not just a handful: the file is not what the
/// contract is about, whatever thresholds its rules have. A spelling that changed at the sender
/// must not look like people who were never screened.
fn mostly_refused(shown: &str, judged: u64, sorter: &Sorter<'_>) -> Option<Diagnostic> {
    const HANDFUL: u64 = 10;
    let declared = sorter.rules.iter().any(Rule::rejects_file);
    (!declared && sorter.refused >= HANDFUL && sorter.refused * 5 > judged).then(|| {
        Diagnostic::error(
            Code::Threshold,
            format!(
                "{} of {judged} rows are refused: more than a fifth",
                sorter.refused
            ),
        )
        .at(DataPlace::file(shown))
        .hint("ask the sender what changed, or mend the contract; nothing of the file is used")
    })
}

fn with_report(errors: Diagnostics, refused: &ParquetFile, lake: &Lake) -> Diagnostics {
    let path = refused
        .path
        .strip_prefix(lake.root())
        .unwrap_or(&refused.path);
    errors
        .into_iter()
        .map(|e| e.hint(format!("the refused rows are in {}", path.display())))
        .collect()
}

fn warnings(
    node: &SourceNode,
    sorter: &Sorter<'_>,
    judged: u64,
    rejected_by: Option<&Rule>,
) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if let Some(rule) = rejected_by {
        warnings.push(Warning {
            about: About::File,
            message: format!("the whole file is in quarantine: {}", rule.title()),
            line: u64::try_from(rule.first_line()).ok(),
            column: rule.column.clone(),
            hint: "the run goes on without it; ask the sender to mend it".to_owned(),
        });
    }
    if rejected_by.is_none() && judged > 0 && sorter.good == 0 {
        warnings.push(Warning {
            about: About::File,
            message: format!("not one of {judged} rows is good"),
            line: None,
            column: None,
            hint: "is it the right file? look at its quarantine".to_owned(),
        });
    }
    if judged == 0 && sorter.dropped() > 0 {
        let names: Vec<String> = sorter.dropped.keys().map(|n| format!("`{n}`")).collect();
        warnings.push(Warning {
            about: About::File,
            message: format!("every row is dropped, by {}", names.join(", ")),
            line: None,
            column: None,
            hint: "is the condition the right way round?".to_owned(),
        });
    }
    let says_new = node.spec.on_new_column.unwrap_or_default() == OnNewColumn::Warn;
    if says_new && !sorter.new_columns.is_empty() {
        warnings.push(Warning {
            about: About::Header,
            message: format!("the contract does not know {}", listed(&sorter.new_columns)),
            line: None,
            column: None,
            hint: "add the columns to the contract, or write `on_new_column: ignore`".to_owned(),
        });
    }
    warnings.extend(sorter.warnings.iter().cloned());
    warnings.extend(sorter.rules.iter().filter_map(|r| r.warning(judged)));
    warnings
}
