//! `martlet quarantine report`: one sender's refused rows, as a page and as a CSV.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::json;

use crate::compile::{Body, Plan, SourceNode, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics, Exit, Result, did_you_mean};
use crate::ingest::{self, RefusedRow};
use crate::report::{SHOWN_ROWS, Sender, SentFile, SentRow, SentTotal, plural};
use crate::run::{self, Examined};
use crate::store::{Lake, atomic};

use super::super::args::ReportArgs;
use super::super::printer::Printer;

/// Digits of a file's hash that tell it from another.
const FINGERPRINT_DIGITS: usize = 12;

pub(super) fn report(plan: &Plan, args: &ReportArgs, printer: &Printer) -> Result<Exit> {
    let sources: BTreeSet<TableName> = plan
        .nodes
        .iter()
        .filter(|n| n.name.is_received())
        .map(|n| n.name.clone())
        .collect();
    let files = run::examined(plan, &sources)?;
    let provider = known_provider(&files, &args.provider)?;
    let files: Vec<Examined> = files
        .into_iter()
        .filter(|f| f.provider.as_deref() == Some(provider.as_str()))
        .collect();
    let stem = format!("quarantine_{}", file_name(&provider));
    let html = args.out.join(format!("{stem}.html"));
    let csv = args.out.join(format!("{stem}.csv"));
    let lake = Lake::new(&plan.settings.lake);
    let mut writer = atomic::AtomicFile::create(&csv)?;
    let failed = |e: std::io::Error| Diagnostics::from(Diagnostic::io(&csv, "write", &e));
    writer
        .write_all(SentRow::CSV_HEADER.as_bytes())
        .map_err(failed)?;
    let mut sender = Sender {
        provider,
        warehouse: plan.settings.name.clone(),
        totals: totals(plan, &files),
        files: Vec::new(),
    };
    for file in &files {
        let Some(source) = source(plan, file) else {
            continue;
        };
        let mut lines = String::new();
        let sent = sent(&lake, source, file, |row| {
            lines.push_str(&row.csv(&file.file));
            if lines.len() > 1 << 16 {
                writer.write_all(lines.as_bytes()).map_err(failed)?;
                lines.clear();
            }
            Ok(())
        })?;
        writer.write_all(lines.as_bytes()).map_err(failed)?;
        sender.files.push(sent);
    }
    writer.commit()?;
    atomic::write(&html, sender.html(&format!("{stem}.csv")).as_bytes())?;
    let refused: u64 = files.iter().map(Examined::refused).sum();
    if printer.json {
        printer.document(&json!({
            "ok": true,
            "provider": sender.provider,
            "files": sender.files.len(),
            "refused": refused,
            "html": html,
            "csv": csv,
        }));
    }
    let rows = plural(
        usize::try_from(refused).unwrap_or(usize::MAX),
        "refused row",
    );
    printer.say("Wrote", &format!("{} ({rows})", html.display()));
    printer.say("Wrote", &csv.display().to_string());
    Ok(Exit::Done)
}

/// The provider as file names have it.
fn known_provider(files: &[Examined], asked: &str) -> Result<String> {
    let known: BTreeSet<&str> = files.iter().filter_map(|f| f.provider.as_deref()).collect();
    let found = known.iter().find(|p| p.eq_ignore_ascii_case(asked.trim()));
    found.map(|p| (*p).to_owned()).ok_or_else(|| {
        let listed = match known.is_empty() {
            true => "no file with a provider in its name was taken in yet".to_owned(),
            false => {
                let all: Vec<&str> = known.iter().copied().take(20).collect();
                format!("there are files of {}", all.join(", "))
            }
        };
        Diagnostic::error(
            Code::UnknownName,
            format!("no file of the provider `{asked}` counts"),
        )
        .maybe_hint(did_you_mean(asked, known.iter().copied()))
        .hint(listed)
        .into()
    })
}

/// A provider's code as part of a file's name, whatever its capture let through.
fn file_name(provider: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '_' };
    provider.chars().map(plain).collect()
}

fn source<'a>(plan: &'a Plan, file: &Examined) -> Option<&'a SourceNode> {
    match plan.node(&file.table).map(|n| &n.body) {
        Some(Body::Source(source)) => Some(source),
        _ => None,
    }
}

/// A file as its sender sees it. `each` is given every row, also those the page leaves out.
fn sent(
    lake: &Lake,
    source: &SourceNode,
    file: &Examined,
    mut each: impl FnMut(&SentRow) -> Result<()>,
) -> Result<SentFile> {
    let intake = file.intake.as_ref();
    let mut sent = SentFile {
        source: file.table.name.clone(),
        file: file.file.clone(),
        says: super::name_says(file),
        hash: intake.map(|i| i.hash.chars().take(FINGERPRINT_DIGITS).collect()),
        rows: intake.map(|i| [i.received, i.good, i.quarantined, i.dropped()]),
        dropped: intake
            .map(|i| i.dropped_by.iter().map(|(n, c)| (n.clone(), *c)).collect())
            .unwrap_or_default(),
        ..SentFile::default()
    };
    for error in &file.errors {
        let mut row = SentRow {
            line: error.line,
            rule: "file".to_owned(),
            what: error.message.clone(),
            ..SentRow::default()
        };
        row.heading = error.column.clone().unwrap_or_default();
        each(&row)?;
        sent.refused_because.push(match error.line {
            Some(line) => format!("{}; first on line {line}", error.message),
            None => error.message.clone(),
        });
    }
    if let Some(rule) = intake.and_then(|i| i.rejected_by.as_ref()) {
        sent.refused_because.push(format!("a row breaks {rule}"));
    }
    file.rows(lake, |row| {
        let row = in_words(source, row);
        each(&row)?;
        if row.rule == ingest::FILE_REJECTED {
            sent.sound += 1;
        } else if sent.shown.len() < SHOWN_ROWS {
            sent.shown.push(row);
        } else {
            sent.left_out += 1;
        }
        Ok(true)
    })?;
    Ok(sent)
}

fn in_words(source: &SourceNode, row: RefusedRow) -> SentRow {
    let (column, reason) = (row.column.as_deref(), Some(row.reason.as_str()));
    let words = ingest::in_words(source, &row.rule, column, reason);
    SentRow {
        line: u64::try_from(row.line).ok(),
        heading: words.heading.unwrap_or_default(),
        what: words.what,
        expected: words.expected,
        rule: row.rule,
        value: row.masked.unwrap_or_default(),
    }
}

/// The rules that rows broke, by source, in the order of its contract.
fn totals(plan: &Plan, files: &[Examined]) -> Vec<SentTotal> {
    let mut order: Vec<(TableName, String, Option<String>)> = Vec::new();
    let mut all: BTreeMap<(TableName, String, Option<String>), SentTotal> = BTreeMap::new();
    for file in files {
        let Some(source) = source(plan, file) else {
            continue;
        };
        for rule in file.intake.iter().flat_map(|i| &i.rules) {
            let key = (file.table.clone(), rule.rule.clone(), rule.column.clone());
            let total = all.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                let words = ingest::in_words(source, &rule.rule, rule.column.as_deref(), None);
                SentTotal {
                    source: file.table.name.clone(),
                    heading: words.heading.unwrap_or_default(),
                    what: words.what,
                    expected: words.expected,
                    fate: fate(
                        &rule.on_fail,
                        rule.warn_if.as_deref(),
                        rule.error_if.as_deref(),
                    ),
                    ..SentTotal::default()
                }
            });
            total.rows += rule.count;
            total.files += 1;
        }
    }
    order.sort_by(|a, b| a.0.cmp(&b.0));
    order.iter().filter_map(|key| all.remove(key)).collect()
}

/// What becomes of rows that break a rule, and what of their file.
fn fate(on_fail: &str, warn_if: Option<&str>, error_if: Option<&str>) -> String {
    let mut fate = match on_fail {
        "warn" => "the row is kept and counted",
        "reject_file" => "one such row refuses the whole file",
        "error" => "one such row refuses the whole file and stops the run",
        _ => "the row is refused",
    }
    .to_owned();
    let limit = |text: &str| match text.strip_prefix('>').map(str::trim) {
        Some(n) if n.ends_with('%') => format!("more than {n} of the rows break it"),
        Some(n) => format!("more than {n} rows break it"),
        None => text.to_owned(),
    };
    if let Some(text) = error_if {
        fate = format!("{fate}; a file in which {} is refused", limit(text));
    }
    // A limit of none is how every damaged row is worth a word; it says nothing more here.
    if let Some(text) = warn_if.filter(|t| *t != "> 0") {
        fate = format!("{fate}; a file in which {} is worth a warning", limit(text));
    }
    fate
}
