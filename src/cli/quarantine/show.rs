//! `martlet quarantine show`: the refused rows of a file or of a source.

use std::collections::BTreeSet;

use serde_json::json;

use crate::compile::{Body, Plan, TableName};
use crate::diag::{Code, Diagnostic, Exit, Result, did_you_mean};
use crate::ingest::{self, RefusedRow};
use crate::report::thousands;
use crate::run::{self, Examined};
use crate::store::Lake;

use super::super::args::ShowArgs;
use super::super::printer::Printer;
use super::name_says;

pub(super) fn show(plan: &Plan, args: &ShowArgs, printer: &Printer) -> Result<Exit> {
    let sources: BTreeSet<TableName> = plan
        .nodes
        .iter()
        .filter(|n| n.name.is_received())
        .map(|n| n.name.clone())
        .collect();
    let files = chosen(run::examined(plan, &sources)?, &sources, &args.what)?;
    if let Some(rule) = &args.rule {
        check_rule(plan, &files, rule)?;
    }
    let lake = Lake::new(&plan.settings.lake);
    let limit = match args.limit {
        0 => usize::MAX,
        n => n,
    };
    let (mut shown, mut all) = (0_usize, 0_u64);
    let mut documents = Vec::new();
    for file in &files {
        let mut rows: Vec<RefusedRow> = Vec::new();
        file.rows(&lake, |row| {
            if args.rule.as_ref().is_none_or(|r| *r == row.rule) {
                all += 1;
                if shown < limit {
                    shown += 1;
                    rows.push(row);
                }
            }
            Ok(true)
        })?;
        if printer.json {
            documents.push(json!({
                "table": file.table.to_string(),
                "file": file.file,
                "errors": file.errors,
                "rows": rows,
            }));
        } else if !rows.is_empty() || !file.errors.is_empty() {
            printer.out(&table(file, &rows));
        }
    }
    if printer.json {
        printer.document(&json!({ "ok": true, "rows": all, "shown": shown, "files": documents }));
    } else if all == 0 {
        printer.say("Quarantine", "no such row is refused");
    } else if all > shown as u64 {
        let words = format!(
            "{} of {}; --limit 0 shows all",
            thousands(shown as u64),
            thousands(all)
        );
        printer.say("Shown", &words);
    }
    Ok(Exit::Done)
}

/// The files that a word means: those of a source, or the one of that path or name.
fn chosen(
    files: Vec<Examined>,
    sources: &BTreeSet<TableName>,
    what: &str,
) -> Result<Vec<Examined>> {
    if let Some(table) = sources
        .iter()
        .find(|t| t.to_string() == what || t.name == what)
    {
        return Ok(files.into_iter().filter(|f| f.table == *table).collect());
    }
    let name = |file: &Examined| file.file.rsplit('/').next().map(str::to_owned);
    let (found, others): (Vec<Examined>, Vec<Examined>) = files
        .into_iter()
        .partition(|f| f.file == what || name(f).as_deref() == Some(what));
    if !found.is_empty() {
        return Ok(found);
    }
    let mut words: Vec<String> = sources.iter().map(ToString::to_string).collect();
    words.extend(sources.iter().map(|t| t.name.clone()));
    words.extend(others.iter().map(|f| f.file.clone()));
    words.extend(others.iter().filter_map(name));
    Err(Diagnostic::error(
        Code::UnknownName,
        format!("`{what}` is no source, and no file that a source stands on"),
    )
    .maybe_hint(
        did_you_mean(what, words.iter().map(String::as_str))
            .or_else(|| Some("`martlet quarantine ls` lists files with refused rows".to_owned())),
    )
    .into())
}

fn check_rule(plan: &Plan, files: &[Examined], rule: &str) -> Result<()> {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for file in files {
        if let Some(Body::Source(source)) = plan.node(&file.table).map(|n| &n.body) {
            names.extend(ingest::rule_names(source));
        }
        names.extend(
            file.intake
                .iter()
                .flat_map(|i| &i.rules)
                .map(|r| r.rule.clone()),
        );
    }
    if files.is_empty() || names.contains(rule) {
        return Ok(());
    }
    Err(
        Diagnostic::error(Code::UnknownName, format!("there is no rule `{rule}`"))
            .maybe_hint(did_you_mean(rule, names.iter().map(String::as_str)))
            .into(),
    )
}

/// The rows under their file, in columns.
fn table(file: &Examined, rows: &[RefusedRow]) -> String {
    let says = name_says(file);
    let mut text = match says.is_empty() {
        true => format!("{}\n", file.file),
        false => format!("{}  ({says})\n", file.file),
    };
    for error in &file.errors {
        text.push_str(&format!("  nothing of it is used: {}\n", error.message));
    }
    let cells: Vec<[String; 5]> = rows
        .iter()
        .map(|row| {
            [
                row.line.to_string(),
                row.column.clone().unwrap_or_default(),
                row.rule.clone(),
                printable(row.masked.as_deref().unwrap_or_default()),
                row.reason.clone(),
            ]
        })
        .collect();
    let heads = ["line", "column", "rule", "value", "reason"].map(str::to_owned);
    let width = |i: usize| {
        let widths = cells.iter().chain([&heads]).map(|c| c[i].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths = [width(0), width(1), width(2), width(3)];
    if !cells.is_empty() {
        for cell in [&heads].into_iter().chain(&cells) {
            let line = format!(
                "  {:>w0$}  {:<w1$}  {:<w2$}  {:<w3$}  {}",
                cell[0],
                cell[1],
                cell[2],
                cell[3],
                cell[4],
                w0 = widths[0],
                w1 = widths[1],
                w2 = widths[2],
                w3 = widths[3],
            );
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    text
}

/// A value of a file on somebody's terminal: no control characters.
fn printable(value: &str) -> String {
    value
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}
