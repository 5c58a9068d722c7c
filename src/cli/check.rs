//! `martlet check`: every error at once, before a byte of data is read.

use serde_json::json;

use crate::compile::{TableKind, select};
use crate::diag::{Exit, Result, to_json};
use crate::report::plural;
use crate::{spec, unit_test};

use super::args::{Global, SelectArgs};
use super::printer::Printer;

pub async fn check(global: &Global, args: &SelectArgs, printer: &Printer) -> Result<Exit> {
    let (plan, mut warnings) = super::load(global).await?;
    let tests = unit_test::load(&global.project, &plan)?;
    warnings.extend(stale_schemas(global));
    warnings.extend(super::indicators::staleness(global));
    let chosen = select::select(&plan, &args.select, &args.exclude)?;
    let count = |kind| chosen.iter().filter(|t| t.kind == kind).count();
    let counts = [
        (TableKind::Source, "source"),
        (TableKind::Reference, "reference"),
        (TableKind::Model, "model"),
        (TableKind::Mart, "mart"),
    ];
    printer.warnings(&warnings);
    if printer.json {
        printer.document(&json!({
            "ok": true,
            "target": plan.settings.target,
            "tables": chosen.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "tests": tests.len(),
            "diagnostics": to_json(&warnings),
        }));
    }
    let mut words: Vec<String> = counts
        .iter()
        .map(|(kind, word)| plural(count(*kind), word))
        .collect();
    words.push(plural(tests.len(), "test"));
    printer.say("Ok", &words.join(", "));
    Ok(Exit::Done)
}

/// Warnings for schema files that editors would complete wrongly from.
fn stale_schemas(global: &Global) -> Vec<crate::diag::Diagnostic> {
    spec::schema::files()
        .into_iter()
        .filter_map(|(name, schema)| {
            let path = global.project.join("config/schema").join(name);
            let text = std::fs::read_to_string(&path).ok()?;
            (text != spec::schema::to_text(&schema)).then(|| {
                crate::diag::Diagnostic::warning(
                    crate::diag::Code::StaleSchema,
                    "the schema for editors is out of date",
                )
                .at(crate::diag::DataPlace::file(format!(
                    "config/schema/{name}"
                )))
                .hint("run `martlet schema`")
            })
        })
        .collect()
}
