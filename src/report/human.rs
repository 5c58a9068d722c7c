//! Lines for people, on stderr: a right-aligned verb and plain words; a spinner on a terminal, a
//! heartbeat a minute without one.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::diag::{Diagnostics, render};
use crate::run::{Broken, Event, Listener, Tally};

/// Prints a run's events.
pub struct Human {
    spinner: ProgressBar,
    colour: bool,
    quiet: bool,
    working: Arc<Mutex<Option<(String, Instant)>>>,
    /// Why the current table is made.
    why: Mutex<String>,
    done: Arc<AtomicBool>,
}

impl Human {
    /// A printer. Quiet, it prints warnings and errors only.
    pub fn new(colour: bool, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal && !quiet {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let spinner = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{spinner:>12} {msg} {elapsed}") {
            spinner.set_style(style);
        }
        let human = Self {
            spinner,
            colour,
            quiet,
            working: Arc::new(Mutex::new(None)),
            why: Mutex::default(),
            done: Arc::new(AtomicBool::new(false)),
        };
        if terminal {
            human.spinner.enable_steady_tick(Duration::from_millis(120));
        } else if !quiet {
            human.start_heartbeat();
        }
        human
    }

    /// Says once a minute what is being worked on, so that a quiet log is not a stuck one.
    fn start_heartbeat(&self) {
        let (working, done) = (Arc::clone(&self.working), Arc::clone(&self.done));
        std::thread::spawn(move || {
            let mut seconds = 0_u64;
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_secs(1));
                seconds += 1;
                let current = working
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone();
                if let Some((what, since)) = current
                    && seconds.is_multiple_of(60)
                {
                    write_line(&format!(
                        "{:>12} {what}, {} s",
                        "Still",
                        since.elapsed().as_secs()
                    ));
                }
            }
        });
    }

    fn say(&self, verb: &str, words: &str) {
        if !self.quiet {
            self.always(verb, words, "\u{1b}[1;32m");
        }
    }

    fn warn(&self, verb: &str, words: &str) {
        self.always(verb, words, "\u{1b}[1;33m");
    }

    fn always(&self, verb: &str, words: &str, style: &str) {
        let line = if self.colour {
            format!("{style}{verb:>12}\u{1b}[0m {words}")
        } else {
            format!("{verb:>12} {words}")
        };
        self.spinner.suspend(|| write_line(&line));
    }

    fn work_on(&self, what: Option<String>) {
        self.spinner.set_message(what.clone().unwrap_or_default());
        *self.working.lock().unwrap_or_else(PoisonError::into_inner) =
            what.map(|w| (w, Instant::now()));
    }
}

impl Drop for Human {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        self.spinner.finish_and_clear();
    }
}

impl Listener for Human {
    fn event(&self, event: &Event) {
        match event {
            Event::Selected { chosen, needed } => {
                let more = match needed.len() {
                    0 => String::new(),
                    n => format!(", and {n} that they read"),
                };
                let names: Vec<String> = chosen.iter().take(6).map(ToString::to_string).collect();
                let rest = match chosen.len().saturating_sub(6) {
                    0 => String::new(),
                    n => format!(" … {n} more"),
                };
                self.say(
                    "Selected",
                    &format!(
                        "{}: {}{rest}{more}",
                        plural(chosen.len(), "table"),
                        names.join(" ")
                    ),
                );
            }
            Event::Repaired { what } => self.say("Repaired", what),
            Event::Fetched {
                from,
                files,
                bytes,
                removed,
            } => {
                let gone = match removed {
                    0 => String::new(),
                    n => format!("; {n} gone there and here"),
                };
                let size = bytes.div_ceil(1024);
                let files = super::plural(*files, "file");
                self.say(
                    "Fetched",
                    &format!("{files} ({size} KiB) from {from}{gone}"),
                );
            }
            Event::Started { table, why } => {
                self.work_on(Some(table.to_string()));
                *self.why.lock().unwrap_or_else(PoisonError::into_inner) = why.clone();
            }
            Event::Ingested { table, file, .. } => {
                self.work_on(Some(format!("{table} {file}")));
            }
            Event::Taken {
                table,
                files,
                received,
                good,
                quarantined,
                dropped,
                broken,
            } => {
                let files = plural(*files, "file");
                let (received, good) = (thousands(*received), thousands(*good));
                let mut words = format!("{table}: {files}, {received} received, {good} good");
                for (n, fate) in [(quarantined, "quarantined"), (dropped, "dropped")] {
                    if *n > 0 {
                        words = format!("{words}, {} {fate}", thousands(*n));
                    }
                }
                self.say("Ingested", &words);
                for rule in broken {
                    self.warn("Warning", &format!("{table}: {}", broken_rule(rule)));
                }
            }
            Event::Submissions { table, counts } => {
                let counts: Vec<String> = counts
                    .iter()
                    .filter(|(_, n)| *n > 0)
                    .map(|(word, n)| format!("{} {word}", thousands(*n as u64)))
                    .collect();
                self.say("Submissions", &format!("{table}: {}", counts.join(", ")));
            }
            Event::Fresh { .. } => {}
            // What a source came to was said when its files were read.
            Event::Made { table, .. } if table.is_received() => self.work_on(None),
            Event::Made { table, rows, took } => {
                self.work_on(None);
                let rows = rows.map_or_else(
                    || "a view".to_owned(),
                    |n| plural(usize::try_from(n).unwrap_or(usize::MAX), "row"),
                );
                let why = self.why.lock().unwrap_or_else(PoisonError::into_inner);
                let seconds = took.as_secs_f64();
                self.say(
                    "Made",
                    &format!("{table}: {rows} in {seconds:.1} s ({why})"),
                );
            }
            Event::Skipped { table, because } => {
                self.warn("Skipped", &format!("{table}: {because} failed"))
            }
            Event::Failed { table } => {
                self.work_on(None);
                self.always("Failed", &table.to_string(), "\u{1b}[1;31m");
            }
            Event::Warned(diagnostic) => {
                let text = render(&Diagnostics::from(diagnostic.clone()), self.colour);
                self.spinner.suspend(|| write_line(&text));
            }
            Event::Suppressed {
                audience,
                mart,
                tally,
                ..
            } => self.say("Suppressed", &suppressed(mart, audience, tally)),
            Event::Published {
                audience,
                release,
                marts,
            } => {
                let changed = marts.iter().filter(|m| m.changed).count();
                if changed > 0 {
                    self.say(
                        "Published",
                        &format!(
                            "release {release} for {audience}: {} changed of {}",
                            changed,
                            marts.len()
                        ),
                    );
                }
                for mart in marts {
                    self.say(
                        "Mart",
                        &format!(
                            "{:<32} {:>9} rows  {}",
                            mart.mart,
                            thousands(mart.rows),
                            mart.path.display()
                        ),
                    );
                }
            }
            Event::Withheld { why } => self.warn("Withheld", &format!("nothing published: {why}")),
        }
    }
}

/// "mart.coverage for stakeholders: 1,210 of 23,166 counts withheld, 940 of them small".
fn suppressed(mart: &str, audience: &str, tally: &Tally) -> String {
    let number = |n: usize| thousands(n as u64);
    let mut line = format!(
        "mart.{mart} for {audience}: {} of {} counts withheld, {} of them small",
        number(tally.withheld()),
        number(tally.counts),
        number(tally.small),
    );
    if tally.whole_blocks > 0 {
        let groups = plural(tally.whole_blocks, "group");
        line.push_str(&format!("; wholly in {groups} of rows"));
    }
    if tally.rows_left_out > 0 {
        let rows = plural(tally.rows_left_out, "row");
        line.push_str(&format!("; {rows} left out"));
    }
    line
}

/// "5 rows break `valid` of nhs_number in 4 files (kept): first people_2026-01.csv:52".
fn broken_rule(broken: &Broken) -> String {
    let of = broken
        .column
        .as_ref()
        .map_or_else(String::new, |c| format!(" of {c}"));
    let fate = match broken.on_fail.as_str() {
        "warn" => "kept",
        "quarantine" => "quarantined",
        _ => "file refused",
    };
    let (file, line) = &broken.first;
    let verb = if broken.rows == 1 { "breaks" } else { "break" };
    format!(
        "{} {verb} `{}`{of}: {fate}; first {file}:{line}",
        plural(usize::try_from(broken.rows).unwrap_or(usize::MAX), "row"),
        broken.rule
    )
}

/// One line to stderr. A closed stderr is nobody's fault.
fn write_line(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// "1 table", "2 tables", "1,234 tables".
pub fn plural(n: usize, word: &str) -> String {
    let number = thousands(n as u64);
    if n == 1 {
        format!("{number} {word}")
    } else {
        format!("{number} {word}s")
    }
}

/// 1234567 as 1,234,567.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn thousands_are_marked() {
        assert_eq!(super::thousands(0), "0");
        assert_eq!(super::thousands(999), "999");
        assert_eq!(super::thousands(1_234_567), "1,234,567");
    }
}
