//! `martlet quarantine ls`: which files had rows refused, and by which rules.

use serde_json::json;

use crate::compile::{Plan, TableName, select};
use crate::diag::{Code, Diagnostic, Exit, Result, did_you_mean};
use crate::report::{plural, thousands};
use crate::run::{self, Examined};

use super::super::args::SelectArgs;
use super::super::printer::Printer;
use super::{document, name_says};

pub(super) fn ls(plan: &Plan, args: &SelectArgs, printer: &Printer) -> Result<Exit> {
    let chosen = select::select(plan, &args.select, &args.exclude)?;
    if !chosen.iter().any(TableName::is_received) {
        let sources: Vec<String> = plan
            .nodes
            .iter()
            .filter(|n| n.name.is_received())
            .flat_map(|n| [n.name.to_string(), n.name.name.clone()])
            .collect();
        let near = |word: &String| did_you_mean(word, sources.iter().map(String::as_str));
        return Err(Diagnostic::error(
            Code::EmptySelection,
            "there is no source or reference among the chosen tables",
        )
        .maybe_hint(args.select.iter().find_map(near))
        .hint("`+x` chooses also what x reads")
        .into());
    }
    let mut files = run::examined(plan, &chosen)?;
    let all = files.len();
    files.retain(Examined::is_at_fault);
    if printer.json {
        let files: Vec<_> = files.iter().map(document).collect();
        printer.document(&json!({ "ok": true, "files": files }));
        return Ok(Exit::Done);
    }
    let mut table = None;
    for file in &files {
        if table != Some(&file.table) {
            printer.out(&format!("{}\n", file.table));
            table = Some(&file.table);
        }
        printer.out(&lines(file));
    }
    let refused: u64 = files.iter().map(Examined::refused).sum();
    let at_fault = match files.len() {
        0 => "nothing is refused".to_owned(),
        n => format!(
            "{} refused, in {}",
            plural(usize::try_from(refused).unwrap_or(usize::MAX), "row"),
            plural(n, "file")
        ),
    };
    printer.say(
        "Quarantine",
        &format!("{at_fault} of {}", thousands(all as u64)),
    );
    Ok(Exit::Done)
}

fn lines(file: &Examined) -> String {
    let says = name_says(file);
    let mut text = match says.is_empty() {
        true => format!("  {}\n", file.file),
        false => format!("  {}  ({says})\n", file.file),
    };
    for error in &file.errors {
        text.push_str(&format!("    nothing of it is used: {}\n", error.message));
    }
    let Some(intake) = &file.intake else {
        return text;
    };
    text.push_str(&format!(
        "    {} received, {} good, {} refused",
        thousands(intake.received),
        thousands(intake.good),
        thousands(intake.quarantined)
    ));
    for (name, rows) in &intake.dropped_by {
        text.push_str(&format!(", {} dropped as {name}", thousands(*rows)));
    }
    text.push('\n');
    for rule in intake.rules.iter().filter(|r| r.on_fail != "warn") {
        let of = rule
            .column
            .as_ref()
            .map_or_else(String::new, |c| format!(" of {c}"));
        text.push_str(&format!(
            "    {:>9}  {}{of}, first on line {}\n",
            thousands(rule.count),
            rule.rule,
            rule.first_line
        ));
    }
    text
}
