//! Events as structured log records, through `tracing`.

use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

use crate::run::{Event, Listener};

/// Starts the log. JSON records go to stderr, one a line; otherwise only what `filter` asks for
/// is logged, as text.
pub fn init(json: bool, filter: Option<&str>) {
    let default = if json { "martlet=info" } else { "off" };
    let filter =
        EnvFilter::try_new(filter.unwrap_or(default)).unwrap_or_else(|_| EnvFilter::new(default));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second start, as in tests, changes nothing.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.try_init()
    };
}

/// Writes each event to the log.
pub struct Trace;

impl Listener for Trace {
    fn event(&self, event: &Event) {
        match event {
            Event::Selected { chosen, needed } => {
                info!(
                    event = "selected",
                    chosen = chosen.len(),
                    needed = needed.len()
                );
            }
            Event::Repaired { what } => info!(event = "repaired", what),
            Event::Fetched {
                from,
                files,
                bytes,
                removed,
            } => info!(event = "fetched", from, files, bytes, removed),
            Event::Started { table, why } => info!(event = "started", %table, why),
            Event::Ingested {
                table,
                file,
                received,
                good,
                quarantined,
                dropped,
            } => {
                info!(event = "ingested", %table, file, received, good, quarantined, dropped);
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
                info!(event = "taken", %table, files, received, good, quarantined, dropped);
                for rule in broken {
                    let column = rule.column.as_deref();
                    warn!(event = "broken", %table, rule = rule.rule, column, rows = rule.rows, on_fail = rule.on_fail);
                }
            }
            Event::Submissions { table, counts } => {
                for (status, submissions) in counts {
                    info!(event = "submissions", %table, status, submissions);
                }
            }
            Event::Fresh { table } => info!(event = "fresh", %table),
            Event::Made { table, rows, took } => {
                let seconds = took.as_secs_f64();
                info!(event = "made", %table, rows, seconds);
            }
            Event::Skipped { table, because } => warn!(event = "skipped", %table, %because),
            Event::Failed { table } => error!(event = "failed", %table),
            Event::Warned(diagnostic) => {
                warn!(event = "warned", code = diagnostic.code.name(), message = %diagnostic);
            }
            Event::Suppressed {
                audience,
                mart,
                policy,
                tally,
            } => {
                info!(
                    event = "suppressed",
                    audience,
                    mart,
                    policy,
                    counts = tally.counts,
                    small = tally.small,
                    others = tally.others,
                    whole_blocks = tally.whole_blocks,
                    rows_left_out = tally.rows_left_out
                );
            }
            Event::Published {
                audience,
                release,
                marts,
            } => {
                let changed = marts.iter().filter(|m| m.changed).count();
                info!(
                    event = "published",
                    audience,
                    release,
                    marts = marts.len(),
                    changed
                );
            }
            Event::Withheld { why } => warn!(event = "withheld", why),
        }
    }
}
