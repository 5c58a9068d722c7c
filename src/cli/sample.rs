//! `martlet sample`: a synthetic world.

use chrono::NaiveDate;
use serde_json::json;

use crate::diag::{Code, Diagnostic, Diagnostics, Exit, Result};
use crate::report::{plural, thousands};
use crate::sample;

use super::args::SampleArgs;
use super::printer::Printer;

pub fn sample(args: &SampleArgs, printer: &Printer) -> Result<Exit> {
    let end = NaiveDate::parse_from_str(&format!("{}-01", args.end), "%Y-%m-%d").map_err(|_| {
        Diagnostics::from(
            Diagnostic::error(Code::Usage, format!("--end `{}` is not a month", args.end))
                .hint("write it as 2026-03"),
        )
    })?;
    let options = sample::Options {
        people: args.people,
        months: args.months,
        seed: args.seed,
        out: args.out.clone(),
        end,
    };
    let summary = sample::write(&options)
        .map_err(|e| Diagnostics::from(Diagnostic::io(&args.out, "write the sample", &e)))?;
    let rows: u64 = summary.files.iter().map(|f| f.rows).sum();
    let bytes: u64 = summary.files.iter().map(|f| f.bytes).sum();
    if printer.json {
        printer.document(&json!({
            "ok": true,
            "out": args.out,
            "files": summary.files.iter().map(|f| json!({ "file": f.path, "rows": f.rows, "bytes": f.bytes })).collect::<Vec<_>>(),
        }));
    }
    printer.say(
        "Wrote",
        &format!(
            "{} with {} rows, {} bytes, below {}",
            plural(summary.files.len(), "file"),
            thousands(rows),
            thousands(bytes),
            args.out.display()
        ),
    );
    Ok(Exit::Done)
}
