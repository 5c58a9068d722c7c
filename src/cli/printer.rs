//! Where words go: results to stdout, everything said about them to stderr.

use std::io::{IsTerminal, Write};

use serde_json::{Value, json};

use crate::diag::{Diagnostics, Exit, render, to_json};

use super::args::{Colour, Global};

/// Prints, as the options ask.
#[derive(Debug, Clone)]
pub struct Printer {
    /// ANSI styles on stderr.
    pub colour: bool,
    /// Warnings and errors only.
    pub quiet: bool,
    /// One JSON document on stdout.
    pub json: bool,
    json_log: bool,
}

impl Printer {
    /// As the options ask.
    pub fn new(global: &Global) -> Self {
        let colour = match global.color {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => {
                let no_colour = anstream::stderr().current_choice() == anstream::ColorChoice::Never;
                std::io::stderr().is_terminal() && !no_colour
            }
        };
        anstream::ColorChoice::write_global(if colour {
            anstream::ColorChoice::Always
        } else {
            anstream::ColorChoice::Never
        });
        Self {
            colour,
            quiet: global.quiet,
            json: global.json,
            json_log: global.json_log(),
        }
    }

    /// Whether people's lines go to stderr.
    pub fn human(&self) -> bool {
        !self.json_log
    }

    /// A line on stderr: a right-aligned verb and plain words.
    pub fn say(&self, verb: &str, words: &str) {
        if !self.quiet && self.human() {
            let line = if self.colour {
                format!("\u{1b}[1;32m{verb:>12}\u{1b}[0m {words}")
            } else {
                format!("{verb:>12} {words}")
            };
            self.err(&line);
        }
    }

    /// Warnings, as people read them.
    pub fn warnings(&self, found: &Diagnostics) {
        if !found.is_empty() && self.human() {
            self.err(&render(found, self.colour));
        }
    }

    /// A line on stderr, as it is.
    pub fn err(&self, line: &str) {
        // A closed stderr is nobody's fault.
        let _ = writeln!(anstream::stderr().lock(), "{line}");
    }

    /// The result, on stdout.
    pub fn out(&self, text: &str) {
        let mut stdout = std::io::stdout().lock();
        // A closed pipe, as in `| head`, ends the output and nothing else.
        let _ = stdout.write_all(text.as_bytes());
        let _ = stdout.flush();
    }

    /// The one JSON document, on stdout.
    pub fn document(&self, document: &Value) {
        let text = serde_json::to_string_pretty(document).unwrap_or_default();
        self.out(&format!("{text}\n"));
    }

    /// Shows what went wrong and returns the exit code for it.
    pub fn failed(&self, found: &Diagnostics) -> Exit {
        let exit = found.exit();
        if self.json {
            self.document(
                &json!({ "ok": false, "exit": exit.code(), "diagnostics": to_json(found) }),
            );
        }
        if self.json_log {
            for d in found.iter() {
                tracing::error!(event = "error", code = d.code.name(), message = %d);
            }
        } else {
            self.err(&render(found, self.colour));
            let errors = found
                .iter()
                .filter(|d| d.severity == crate::diag::Severity::Error)
                .count();
            self.err(&format!(
                "\n{} found",
                crate::report::plural(errors, "error")
            ));
        }
        exit
    }
}
