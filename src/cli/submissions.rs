//! `martlet submissions`: every file that was taken, how it stands, and one file's story.

use serde_json::json;

use crate::compile::{Plan, TableName, select};
use crate::diag::{Code, Diagnostic, Exit, Result};
use crate::report::plural;
use crate::run::{self, SubmissionLine};

use super::args::{Global, StoryArgs, SubmissionsArgs, SubmissionsCommand};
use super::printer::Printer;

pub async fn submissions(
    global: &Global,
    args: &SubmissionsArgs,
    printer: &Printer,
) -> Result<Exit> {
    let (plan, _) = super::load(global).await?;
    if let Some(SubmissionsCommand::Show(show)) = &args.command {
        return story(&plan, show, printer);
    }
    let tables = tables(&plan, &args.select)?;
    let mut lines = run::submissions(&plan, &tables)?;
    let wanted = |value: &Option<String>, wanted: &Option<String>| {
        wanted.as_ref().is_none_or(|w| {
            let value = value.as_deref().unwrap_or_default();
            value
                .get(..w.len())
                .is_some_and(|v| v.eq_ignore_ascii_case(w))
        })
    };
    lines.retain(|l| {
        args.status.is_none_or(|s| l.status.word() == s.word())
            && wanted(&l.provider, &args.provider)
            && wanted(&l.period, &args.period)
    });
    if printer.json {
        printer.document(&json!({ "ok": true, "submissions": lines }));
    } else if args.csv {
        printer.out(&csv(&lines));
    } else {
        for line in &lines {
            printer.out(&row(line));
        }
        printer.say("Submissions", &plural(lines.len(), "submission"));
    }
    Ok(Exit::Done)
}

/// The sources and references of a selection; a source may be named without `source.`.
fn tables(plan: &Plan, words: &[String]) -> Result<Vec<TableName>> {
    let mut tables = Vec::new();
    let mut others = Vec::new();
    for word in words {
        let named = plan
            .nodes
            .iter()
            .filter(|n| n.name.is_received() && n.name.name == *word);
        let before = tables.len();
        tables.extend(named.map(|n| n.name.clone()));
        if tables.len() == before {
            others.push(word.clone());
        }
    }
    if words.is_empty() || !others.is_empty() {
        let chosen = select::select(plan, &others, &[])?;
        tables.extend(chosen.into_iter().filter(TableName::is_received));
    }
    Ok(tables)
}

fn row(line: &SubmissionLine) -> String {
    let number = |n: Option<u64>| n.map_or_else(|| "?".to_owned(), |n| n.to_string());
    let named = [&line.provider, &line.period];
    let named: Vec<&str> = named.into_iter().flatten().map(String::as_str).collect();
    let mut order = Vec::new();
    order.extend(line.received_at.map(|at| format!("received {at}")));
    order.extend(line.sequence.map(|n| format!("number {n}")));
    let order = if order.is_empty() {
        String::new()
    } else {
        format!("  {}", order.join(", "))
    };
    let dropped = match line.dropped {
        None | Some(0) => String::new(),
        Some(n) => format!(", {n} dropped"),
    };
    let why = match (&line.because, &line.reason) {
        (Some(other), _) if line.status == run::Status::Duplicate => format!(" of {other}"),
        (Some(other), _) if line.status == run::Status::Rejected => format!(": tied with {other}"),
        (Some(other), _) => format!(" by {other}"),
        (None, Some(reason)) if line.status == run::Status::Rejected => format!(": {reason}"),
        _ => String::new(),
    };
    format!(
        "{:<10} {:<28} {:<15} {}{order}\n{:>11}{} rows, {} good, {} quarantined{dropped}{}\n",
        line.status.word(),
        line.source,
        named.join(" "),
        line.file,
        "",
        number(line.rows),
        number(line.good),
        number(line.quarantined),
        if why.is_empty() {
            why
        } else {
            format!("; {}{why}", line.status.word())
        },
    )
}

/// The columns that a list of what was sent can be held against.
fn csv(lines: &[SubmissionLine]) -> String {
    let mut text = String::from(
        "source,provider,period,file,received_at,sequence,rows_in,good,quarantined,status\n",
    );
    for line in lines {
        let number = |n: Option<u64>| n.map_or_else(String::new, |n| n.to_string());
        let at = line.received_at;
        let name = line.source.split_once('.').map_or("", |(_, name)| name);
        let fields = [
            name.to_owned(),
            line.provider.clone().unwrap_or_default(),
            line.period.clone().unwrap_or_default(),
            line.file.clone(),
            at.map_or_else(String::new, |at| {
                at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
            }),
            line.sequence.map_or_else(String::new, |n| n.to_string()),
            number(line.rows),
            number(line.good),
            number(line.quarantined),
            line.status.word().to_owned(),
        ];
        let quoted = fields.map(|f| {
            if f.contains([',', '"', '\n', '\r']) {
                format!("\"{}\"", f.replace('"', "\"\""))
            } else {
                f
            }
        });
        text.push_str(&quoted.join(","));
        text.push('\n');
    }
    text
}

/// Everything that is known of one file.
fn story(plan: &Plan, args: &StoryArgs, printer: &Printer) -> Result<Exit> {
    let tables: Vec<TableName> = plan.nodes.iter().map(|n| n.name.clone()).collect();
    let mut lines = run::submissions(plan, &tables)?;
    let what = args.what.as_str();
    let is_hash = what.len() >= 6 && what.bytes().all(|b| b.is_ascii_hexdigit());
    lines.retain(|l| {
        l.file == what
            || l.file.ends_with(&format!("/{what}"))
            || (is_hash && l.hash.starts_with(&what.to_ascii_lowercase()))
    });
    if lines.is_empty() {
        return Err(Diagnostic::error(
            Code::EmptySelection,
            format!("no submission is called `{what}`"),
        )
        .hint("name the file below the inbox, or give six digits or more of its hash")
        .into());
    }
    if printer.json {
        printer.document(&json!({ "ok": true, "submissions": lines }));
        return Ok(Exit::Done);
    }
    for (i, line) in lines.iter().enumerate() {
        if i > 0 {
            printer.out("\n");
        }
        printer.out(&told(line));
    }
    Ok(Exit::Done)
}

fn told(line: &SubmissionLine) -> String {
    let mut text = format!("{} of {}\n", line.file, line.source);
    let mut say = |what: &str, words: String| {
        text.push_str(&format!("{what:>14}  {words}\n"));
    };
    say("status", line.status.word().to_owned());
    if let Some(reason) = &line.reason {
        say("because of", reason.clone());
    }
    if let Some(other) = &line.because {
        let what = match line.status {
            run::Status::Duplicate => "same bytes as",
            run::Status::Rejected => "tied with",
            _ => "replaced by",
        };
        say(what, other.clone());
    }
    for other in &line.replaced {
        say("replaced", other.clone());
    }
    say("submission", line.submission.clone());
    let known = |t: Option<String>| t.unwrap_or_else(|| "not known".to_owned());
    say("received", known(line.received_at.map(|at| at.to_string())));
    say("number", known(line.sequence.map(|n| n.to_string())));
    say(
        "taken",
        line.taken_at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    );
    say("hash", line.hash.clone());
    if let (Some(rows), Some(good), Some(refused)) = (line.rows, line.good, line.quarantined) {
        let dropped = line.dropped.unwrap_or_default();
        say(
            "rows",
            format!("{rows} received, {good} good, {refused} quarantined, {dropped} dropped"),
        );
    }
    for rule in &line.rules {
        let of = rule
            .column
            .as_ref()
            .map_or_else(String::new, |c| format!(" of {c}"));
        say(
            "rule broken",
            format!(
                "`{}`{of}: {}, first on line {} ({})",
                rule.rule,
                plural(usize::try_from(rule.count).unwrap_or(usize::MAX), "row"),
                rule.first_line,
                rule.on_fail
            ),
        );
    }
    say("copy", line.landing.display().to_string());
    if let Some(quarantine) = &line.quarantine {
        say("quarantine", quarantine.display().to_string());
    }
    text
}
