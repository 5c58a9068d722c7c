//! `martlet plan`: what would run, and why.

use serde_json::json;

use crate::diag::{Exit, Result};
use crate::report::{self, plural};
use crate::run::{self, Options};

use super::args::{Global, PlanArgs};
use super::printer::Printer;
use super::secret;

pub async fn plan(global: &Global, args: &PlanArgs, printer: &Printer) -> Result<Exit> {
    let (plan, warnings) = super::load(global).await?;
    printer.warnings(&warnings);
    let key = secret::pseudonym_key(&global.project, &plan.settings)?;
    let options = Options {
        full_refresh: args.full_refresh,
        secrets: secret::of_stores(&global.project, &plan)?,
        ..args.select.options()
    };
    // A copy of a remote inbox is brought up to date first: what is not here cannot be seen.
    run::look(&plan, &options, &report::Trace).await?;
    let preview = run::preview(&plan, &options, key.as_ref())?;
    if printer.json {
        printer.document(&json!({ "ok": true, "target": plan.settings.target, "plan": preview }));
    } else {
        for table in preview
            .tables
            .iter()
            .filter(|t| t.stale || !t.files.is_empty())
        {
            printer.out(&format!("{:<44} {}\n", table.table, table.why));
            for file in table.files.iter().take(5) {
                printer.out(&format!("{:<44}   {file}\n", ""));
            }
            if table.files.len() > 5 {
                printer.out(&format!(
                    "{:<44}   and {} more files\n",
                    "",
                    table.files.len() - 5
                ));
            }
        }
    }
    let stale = preview.tables.iter().filter(|t| t.stale).count();
    let words = if preview.changed {
        format!(
            "{} of {} would be made",
            stale,
            plural(preview.tables.len(), "table")
        )
    } else {
        format!(
            "nothing to do: {} are as they should be",
            plural(preview.tables.len(), "table")
        )
    };
    printer.say("Plan", &words);
    Ok(if args.exit_code && preview.changed {
        Exit::Difference
    } else {
        Exit::Done
    })
}
