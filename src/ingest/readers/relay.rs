//! A reader on a thread of its own: while one batch is judged, the next is being read.
//!
//! What the reader finds reaches the sink in the order it was found in, so nothing depends on which
//! of the two is faster.

use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};

use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::ingest::drift::FileType;
use crate::ingest::header::Layout;
use crate::ingest::intake::Warning;
use crate::ingest::judged::Judged;
use crate::ingest::rows::{Rows, Sink};

/// Batches that may wait to be judged.
const WAITING: usize = 4;

/// What a reader says; where it needs an answer, with the way back.
enum Said {
    Preamble(Vec<String>, Sender<Result<()>>),
    Header(Vec<String>, i64, Sender<Result<Layout>>),
    Types(Vec<(usize, FileType)>, Sender<Result<()>>),
    Rows(Rows),
    Judged(Judged),
    Skipped(String),
    Warning(Warning),
}

/// Runs a reader beside its sink. Says what the reader says.
///
/// # Errors
/// The sink's, or else the reader's.
pub(in crate::ingest) fn beside(
    sink: &mut dyn Sink,
    read: impl FnOnce(&mut dyn Sink) -> Result<u64> + Send,
) -> Result<u64> {
    std::thread::scope(|scope| {
        let (sender, said) = sync_channel(WAITING);
        let reader = scope.spawn(move || read(&mut Relay(sender)));
        for said in said {
            match said {
                // A reader that waits no more has failed, and says so when it ends.
                Said::Preamble(texts, back) => drop(back.send(sink.preamble(&texts))),
                Said::Header(headings, line, back) => {
                    drop(back.send(sink.header(&headings, line)));
                }
                Said::Types(found, back) => drop(back.send(sink.types(&found))),
                Said::Rows(rows) => sink.rows(rows)?,
                Said::Judged(judged) => sink.judged(judged)?,
                Said::Skipped(rule) => sink.skipped(&rule),
                Said::Warning(warning) => sink.warn(warning),
            }
        }
        match reader.join() {
            Ok(received) => received,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The sink that the reader sees.
struct Relay(SyncSender<Said>);

impl Relay {
    fn say(&self, said: Said) -> Result<()> {
        self.0.send(said).map_err(|_| gone())
    }

    fn ask<T>(&self, said: impl FnOnce(Sender<Result<T>>) -> Said) -> Result<T> {
        let (back, answer) = channel();
        self.say(said(back))?;
        answer.recv().unwrap_or_else(|_| Err(gone()))
    }
}

/// Nobody listens any more: the sink has failed, and its error is the one that is told.
fn gone() -> Diagnostics {
    Diagnostic::bug("the rows have nowhere to go").into()
}

impl Sink for Relay {
    fn preamble(&mut self, texts: &[String]) -> Result<()> {
        self.ask(|back| Said::Preamble(texts.to_vec(), back))
    }

    fn header(&mut self, headings: &[String], line: i64) -> Result<Layout> {
        self.ask(|back| Said::Header(headings.to_vec(), line, back))
    }

    fn types(&mut self, found: &[(usize, FileType)]) -> Result<()> {
        self.ask(|back| Said::Types(found.to_vec(), back))
    }

    fn rows(&mut self, rows: Rows) -> Result<()> {
        self.say(Said::Rows(rows))
    }

    fn judged(&mut self, judged: Judged) -> Result<()> {
        self.say(Said::Judged(judged))
    }

    fn skipped(&mut self, rule: &str) {
        // If it is gone, the next batch says so.
        let _ = self.say(Said::Skipped(rule.to_owned()));
    }

    fn warn(&mut self, warning: Warning) {
        let _ = self.say(Said::Warning(warning));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::rows::RowsBuilder;

    /// Takes so many batches, then fails.
    struct Takes(usize, Vec<i64>);

    impl Sink for Takes {
        fn preamble(&mut self, _: &[String]) -> Result<()> {
            Ok(())
        }
        fn header(&mut self, headings: &[String], _: i64) -> Result<Layout> {
            Ok(Layout {
                width: headings.len(),
                slots: vec![Some(0)],
                new: Vec::new(),
                new_places: Vec::new(),
                missing: Vec::new(),
            })
        }
        fn types(&mut self, _: &[(usize, FileType)]) -> Result<()> {
            Ok(())
        }
        fn rows(&mut self, rows: Rows) -> Result<()> {
            if self.0 == 0 {
                return Err(Diagnostic::bug("full").into());
            }
            self.0 -= 1;
            self.1.extend(rows.lines);
            Ok(())
        }
        fn judged(&mut self, _: Judged) -> Result<()> {
            Ok(())
        }
        fn skipped(&mut self, _: &str) {}
        fn warn(&mut self, _: Warning) {}
    }

    fn lines(sink: &mut dyn Sink) -> Result<u64> {
        let layout = sink.header(&["a".to_owned()], 1)?;
        let mut rows = RowsBuilder::new(1);
        for line in 0..100_000 {
            rows.push(line, &layout, |_| "x");
            rows.flush_if_full(sink)?;
        }
        rows.finish(sink)
    }

    #[test]
    fn batches_come_in_their_order() {
        let mut sink = Takes(usize::MAX, Vec::new());
        assert_eq!(beside(&mut sink, lines).expect("reads"), 100_000);
        assert!(sink.1.iter().copied().eq(0..100_000));
    }

    #[test]
    fn a_sink_that_fails_ends_the_reader_and_is_the_error() {
        let mut sink = Takes(2, Vec::new());
        let errors = beside(&mut sink, lines).expect_err("full");
        assert!(errors.to_string().contains("full"));
    }
}
