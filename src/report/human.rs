//! Lines for people, on stderr: a right-aligned verb and plain words; a spinner on a terminal, a
//! heartbeat a minute without one.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::diag::{Diagnostics, render};
use crate::run::{Event, Listener};

/// Prints a run's events.
pub struct Human {
    spinner: ProgressBar,
    colour: bool,
    quiet: bool,
    working: Arc<Mutex<Option<(String, Instant)>>>,
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
            Event::Started { table, why } => {
                self.work_on(Some(table.to_string()));
                self.say("Making", &format!("{table} ({why})"));
            }
            Event::Ingested {
                table,
                file,
                received,
                good,
                quarantined,
            } => {
                let words = format!(
                    "{table} {file}: {} received, {} good",
                    thousands(*received),
                    thousands(*good)
                );
                if *quarantined > 0 {
                    self.warn(
                        "Ingested",
                        &format!("{words}, {} quarantined", thousands(*quarantined)),
                    );
                } else {
                    self.say("Ingested", &words);
                }
            }
            Event::Fresh { .. } => {}
            Event::Made { table, rows, took } => {
                self.work_on(None);
                let rows =
                    rows.map_or_else(|| "a view".to_owned(), |n| format!("{} rows", thousands(n)));
                self.say(
                    "Made",
                    &format!("{table}: {rows} in {:.1} s", took.as_secs_f64()),
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

/// One line to stderr. A closed stderr is nobody's fault.
fn write_line(line: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{line}");
}

/// "1 table", "2 tables".
pub fn plural(n: usize, word: &str) -> String {
    if n == 1 {
        format!("1 {word}")
    } else {
        format!("{n} {word}s")
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
