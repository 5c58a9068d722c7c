//! `martlet run`: the night.

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use crate::diag::{Code, Diagnostic, Diagnostics, Exit, Result, to_json};
use crate::report;
use crate::run::{self, Options};

use super::args::{Global, RunArgs};
use super::printer::Printer;
use super::secret;

pub async fn run(global: &Global, args: &RunArgs, printer: &Printer) -> Result<Exit> {
    let (plan, warnings) = super::load(global).await?;
    printer.warnings(&warnings);
    let key = secret::pseudonym_key(&global.project, &plan.settings)?;
    let options = Options {
        full_refresh: args.full_refresh,
        no_publish: args.no_publish,
        as_of_given: global.as_of.is_some(),
        wait: args.wait,
        jobs: args.jobs,
        secrets: secret::of_stores(&global.project, &plan)?,
        ..args.select.options()
    };
    let listeners: Vec<Box<dyn run::Listener>> = if printer.human() {
        vec![
            Box::new(report::Trace),
            Box::new(report::Human::new(printer.colour, printer.quiet)),
        ]
    } else {
        vec![Box::new(report::Trace)]
    };
    let listener = report::All(listeners);
    let summary = tokio::select! {
        // In this order: a signal is listened for before anything is done.
        biased;
        stopped = stopped() => return Err(stopped),
        done = run::run(&plan, &options, key, &listener) => done?,
    };
    drop(listener);
    if !summary.changed {
        printer.say(
            "Done",
            &format!(
                "nothing to do: {} are as they should be",
                report::plural(summary.fresh, "table")
            ),
        );
    }
    if printer.json {
        printer.document(&json!({
            "ok": true,
            "exit": 0,
            "target": plan.settings.target,
            "run": summary,
            "diagnostics": to_json(&warnings),
        }));
    }
    Ok(Exit::Done)
}

/// Returns when the process is asked to stop. The run is dropped where it is: nothing that
/// readers see is half-written, and the next run goes on from there.
async fn stopped() -> Diagnostics {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    let (code, word) = tokio::select! {
        _ = interrupt.recv() => (Code::Interrupted, "interrupted"),
        _ = terminate.recv() => (Code::Terminated, "asked to stop"),
    };
    Diagnostic::error(
        code,
        format!("{word}: what readers see is whole, the last release or the new one"),
    )
    .hint("run again: it goes on from what is done")
    .into()
}
