//! `martlet quarantine`: what was refused, and a report that its sender can act on.

mod ls;
mod report;
mod show;

use serde_json::{Value, json};

use crate::diag::{Exit, Result};
use crate::run::Examined;

use super::args::{Global, QuarantineCommand};
use super::printer::Printer;

pub async fn quarantine(
    global: &Global,
    command: &QuarantineCommand,
    printer: &Printer,
) -> Result<Exit> {
    let (plan, _) = super::load(global).await?;
    match command {
        QuarantineCommand::Ls(args) => ls::ls(&plan, args, printer),
        QuarantineCommand::Show(args) => show::show(&plan, args, printer),
        QuarantineCommand::Report(args) => report::report(&plan, args, printer),
    }
}

/// A file as JSON, its rows left out.
fn document(file: &Examined) -> Value {
    let intake = file.intake.as_ref();
    let captures: serde_json::Map<String, Value> = file
        .captures
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "table": file.table.to_string(),
        "file": file.file,
        "captures": captures,
        "provider": file.provider,
        "used": file.errors.is_empty() && intake.is_none_or(|i| i.rejected_by.is_none()),
        "errors": file.errors,
        "received": intake.map(|i| i.received),
        "good": intake.map(|i| i.good),
        "refused": intake.map(|i| i.quarantined),
        "dropped": intake.map(|i| &i.dropped_by),
        "rules": intake.map(|i| &i.rules),
    })
}

/// `provider RVV, period 2026-01`, if its name says anything.
fn name_says(file: &Examined) -> String {
    let parts: Vec<String> = file
        .captures
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect();
    parts.join(", ")
}
