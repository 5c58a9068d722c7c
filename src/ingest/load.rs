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
use super::rules::{Rule, conserve};

/// The rule of rows that are good in a file that is not.
const FILE_REJECTED: &str = "file_rejected";

/// Takes a file in: good rows to staged Parquet, refused rows to quarantine, then the record.
///
/// `key` is the file's [`super::staging_key`]. Nothing but the quarantine is written when a rule
/// is broken more often than its threshold allows, and nothing at all on other errors. Blocks.
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
    let hash = fingerprint(arrived)?;
    let staged_path = lake.staged(&table.name, key);
    let quarantine_path = lake.quarantine(&table.name, key);
    let start =
        |path: &Path| ParquetWriter::create(path, staged_schema(&node.spec, &node.files), &[]);
    let quarantine = QuarantineWriter::create(&quarantine_path, &arrived.shown, &arrived.captures)?;
    let mut judge = Judge::new(node, arrived, pseudonyms, start(&staged_path)?, quarantine)?;
    let origin = Origin {
        path: &arrived.path,
        place: DataPlace::file(arrived.shown.as_str()),
        columns: node.spec.columns.len(),
    };
    let received = readers::read(&origin, &node.reader, &mut judge)?;
    arrived.unchanged()?;
    let dropped = judge.dropped.values().sum();
    conserve(&arrived.shown, received, judge.good, judge.refused, dropped)?;

    let metadata = [("martlet.key".to_owned(), key.to_owned())];
    let errors: Diagnostics = judge
        .rules
        .iter()
        .filter_map(|r| r.error(&arrived.shown, received))
        .collect();
    let errors: Diagnostics = errors
        .into_iter()
        .chain(mostly_refused(&arrived.shown, received, &judge))
        .collect();
    if errors.has_errors() {
        let refused = judge.quarantine.finish(&metadata)?;
        return Err(with_report(errors, &refused, lake).sorted());
    }
    let rejected_by = judge.rules.iter().find(|r| r.rejects_file()).cloned();
    if let Some(rule) = &rejected_by {
        reject(&mut judge, rule)?;
        judge.staged = start(&staged_path)?;
    }
    let warnings = warnings(node, &judge, received, rejected_by.as_ref());
    let staged = judge.staged.finish(&metadata)?;
    let quarantine = judge.quarantine.finish(&metadata)?;
    conserve(
        &arrived.shown,
        received,
        staged.rows,
        judge.refused,
        dropped,
    )?;
    let intake = Intake {
        table: table.to_string(),
        file: arrived.shown.clone(),
        hash,
        key: key.to_owned(),
        received,
        good: judge.good,
        quarantined: judge.refused,
        dropped_by: judge.dropped,
        rejected_by: rejected_by.map(|r| r.title()),
        rules: judge.rules.iter().filter_map(Rule::counted).collect(),
        warnings,
        new_columns: judge.new_columns,
        staged: Written::new(&staged, lake),
        quarantine: Written::new(&quarantine, lake),
    };
    let record = serde_json::to_vec_pretty(&intake)
        .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
    atomic::write(&lake.intake(&table.name, key), &record)?;
    Ok(intake)
}

/// Sends the good rows after the bad ones.
fn reject(judge: &mut Judge<'_>, rule: &Rule) -> Result<()> {
    let reason = format!(
        "the whole file is refused: {}, first on line {}",
        rule.title(),
        rule.first_line()
    );
    for line in judge.good_lines.take().unwrap_or_default() {
        judge.quarantine.push(&Refused {
            line,
            column: None,
            rule: FILE_REJECTED,
            reason: &reason,
            masked: None,
        })?;
        judge.refused += 1;
        judge.good -= 1;
    }
    Ok(())
}

/// More than a fifth of a file's rows refused, and not just a handful: the file is not what the
/// contract is about, whatever thresholds its rules have. A spelling that changed at the sender
/// must not look like people who were never screened.
fn mostly_refused(shown: &str, received: u64, judge: &Judge<'_>) -> Option<Diagnostic> {
    const HANDFUL: u64 = 10;
    let declared = judge.rules.iter().any(Rule::rejects_file);
    (!declared && judge.refused >= HANDFUL && judge.refused * 5 > received).then(|| {
        Diagnostic::error(
            Code::Threshold,
            format!(
                "{} of {received} rows are refused: more than a fifth",
                judge.refused
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
    judge: &Judge<'_>,
    received: u64,
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
    if rejected_by.is_none() && received > 0 && judge.good == 0 {
        warnings.push(Warning {
            about: About::File,
            message: format!("not one of {received} rows is good"),
            line: None,
            column: None,
            hint: "is it the right file? look at its quarantine".to_owned(),
        });
    }
    let says_new = node.spec.on_new_column.unwrap_or_default() == OnNewColumn::Warn;
    if says_new && !judge.new_columns.is_empty() {
        warnings.push(Warning {
            about: About::Header,
            message: format!("the contract does not know {}", listed(&judge.new_columns)),
            line: None,
            column: None,
            hint: "add the columns to the contract, or write `on_new_column: ignore`".to_owned(),
        });
    }
    warnings.extend(judge.warnings.iter().cloned());
    warnings.extend(judge.rules.iter().filter_map(|r| r.warning(received)));
    warnings
}
