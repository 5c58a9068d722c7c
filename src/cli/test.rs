//! `martlet test`: the unit tests of the SQL.

use std::fmt::Write as _;

use serde_json::json;

use crate::compile::select::glob;
use crate::compile::session;
use crate::diag::{Code, Diagnostic, Exit, Result, render, to_json};
use crate::functions;
use crate::store::atomic;
use crate::unit_test::{self, Outcome, PlannedTest};

use super::args::{Global, TestArgs};
use super::printer::Printer;

pub async fn test(global: &Global, args: &TestArgs, printer: &Printer) -> Result<Exit> {
    let (plan, _) = super::load(global).await?;
    let tests = unit_test::load(&global.project, &plan)?;
    let all = tests.len();
    let tests: Vec<PlannedTest> = tests
        .into_iter()
        .filter(|t| {
            let pipeline = plan
                .node(&t.table)
                .map(|n| n.pipeline.as_str())
                .unwrap_or_default();
            args.select.is_empty()
                || args.select.iter().any(|s| {
                    glob(s, &t.name)
                        || glob(s, &t.table.to_string())
                        || glob(s, &t.table.name)
                        || s == pipeline
                })
        })
        .collect();
    if tests.is_empty() {
        return Err(Diagnostic::error(
            Code::EmptySelection,
            format!("none of the {all} tests is selected"),
        )
        .hint("select by name, by table or by pipeline; `*` stands for any characters")
        .into());
    }
    let context = session::context(
        session::config(1),
        std::sync::Arc::default(),
        functions::register,
    );
    let outcomes = unit_test::run(&context, &plan, &tests, |outcome| show(outcome, printer)).await;
    if let Some(path) = &args.junit {
        atomic::write(path, junit(&outcomes).as_bytes())?;
    }
    let failed = outcomes.iter().filter(|o| o.failure.is_some()).count();
    if printer.json {
        printer.document(&json!({
            "ok": failed == 0,
            "passed": outcomes.len() - failed,
            "failed": failed,
            "tests": outcomes.iter().map(|o| json!({
                "name": o.name,
                "table": o.table,
                "passed": o.failure.is_none(),
                "seconds": o.took.as_secs_f64(),
                "diagnostics": o.failure.as_ref().map(to_json),
            })).collect::<Vec<_>>(),
        }));
    }
    if printer.human() {
        printer.err(&format!(
            "\n{} passed, {failed} failed",
            outcomes.len() - failed
        ));
    }
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::Failed
    })
}

fn show(outcome: &Outcome, printer: &Printer) {
    let words = format!(
        "[{:>7.3}s] {} {}",
        outcome.took.as_secs_f64(),
        outcome.table,
        outcome.name
    );
    match &outcome.failure {
        None => printer.say("Pass", &words),
        Some(found) if printer.human() => {
            printer.err(&format!(
                "{:>12} {words}\n{}",
                "Fail",
                render(found, printer.colour)
            ));
        }
        Some(_) => {}
    }
}

fn junit(outcomes: &[Outcome]) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
    };
    let failed = outcomes.iter().filter(|o| o.failure.is_some()).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"martlet\" tests=\"{}\" failures=\"{failed}\">\n",
        outcomes.len()
    );
    for outcome in outcomes {
        let _ = write!(
            xml,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\"",
            escape(&outcome.table),
            escape(&outcome.name),
            outcome.took.as_secs_f64()
        );
        match &outcome.failure {
            None => xml.push_str("/>\n"),
            Some(found) => {
                let text = escape(&render(found, false));
                let _ = writeln!(xml, ">\n    <failure>{text}</failure>\n  </testcase>");
            }
        }
    }
    xml.push_str("</testsuite>\n");
    xml
}
