//! Which submissions of a source count tonight: what must be read to know, and what is said of it.

use std::sync::Arc;
use std::time::Instant;

use crate::compile::{Node, SourceNode};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, Severity};
use crate::spec::source::{OnUnreadable, Root};

use super::Night;
use super::arrivals::Arrivals;
use super::cancellations::Cancellation;
use super::events::Event;
use super::ingredients::Ingredients;
use super::ledger::Became;
use super::reading::Tried;
use super::record::NodeRecord;
use super::sources::inputs;
use super::standing::{Standing, Status};

impl Night<'_> {
    /// Reads what must be read to know which submissions count, and says how they stand.
    pub(super) async fn settle(
        &mut self,
        node: &Node,
        source: &Arc<SourceNode>,
        arrivals: &mut Arrivals,
        cancellations: &[Cancellation],
        tried: &mut Tried,
        started: &mut Option<Instant>,
    ) -> Result<Standing> {
        let again = self.options.full_refresh;
        let mut wanted = arrivals.unread(self.as_of, cancellations, again);
        let mut found = Diagnostics::default();
        let standing = loop {
            let standing = arrivals.judge(source, self.as_of, cancellations);
            // One that stands in the way is read again, to say what is wrong with it.
            let stops = |i: &usize| stops(source, arrivals, *i);
            wanted.extend(standing.blocking.iter().copied().filter(stops));
            wanted.retain(|i| !tried.contains_key(i));
            if wanted.is_empty() {
                break standing;
            }
            if started.is_none() {
                let ingredients =
                    Ingredients::of(node, self.as_of, inputs(source, arrivals, &standing));
                let last = NodeRecord::load(&self.lake, &node.name)?;
                let changes = ingredients.changes_since(last.as_ref().map(|r| &r.ingredients));
                let why = match changes.is_empty() {
                    true if again => "asked for with --full-refresh".to_owned(),
                    true => "files are new".to_owned(),
                    false => changes.join(", "),
                };
                *started = Some(self.start(node, why));
            }
            for (i, done) in self.read(node, source, arrivals, &wanted, again).await {
                let key = arrivals.files[i].key.clone();
                let became = match &done {
                    Ok(intake) => Some(Became::read(intake)),
                    Err(errors) => unreadable(errors).map(|code| Became::unreadable(&key, code)),
                };
                match (became, &done) {
                    (None, Err(errors)) => found.extend(errors.clone()),
                    (became, _) => {
                        let entry = arrivals.files[i].entry;
                        arrivals.ledger.submissions[entry].became = became;
                    }
                }
                tried.insert(i, done);
            }
            wanted.clear();
        };
        if !tried.is_empty() {
            arrivals.saved()?;
            let before = super::ledger::Ledger::load(&self.lake, &node.name)?;
            if before != arrivals.ledger {
                arrivals.ledger.save(&self.lake, &node.name)?;
            }
        }
        for i in &standing.blocking {
            if stops(source, arrivals, *i) {
                if let Some(Err(errors)) = tried.get(i) {
                    found.extend(errors.clone());
                }
            } else if arrivals.files[*i].inbox.is_some() {
                let warning = passed_over(arrivals, *i);
                self.listener.event(&Event::Warned(warning));
            }
        }
        if found.has_errors() {
            self.attempted(node, arrivals, &standing, tried)?;
            return Err(found);
        }
        Ok(standing)
    }

    /// Says what counts; an error where that cannot be told.
    pub(super) fn tell_standing(
        &self,
        node: &Node,
        source: &SourceNode,
        arrivals: &Arrivals,
        standing: &Standing,
    ) -> Result<()> {
        let file = |i: usize| arrivals.submission(i).file.as_str();
        let tied = tied(arrivals, standing);
        if tied.has_errors() {
            return Err(tied);
        }
        for (i, original) in &standing.repeated {
            self.listener.event(&Event::Warned(
                Diagnostic::warning(
                    Code::FileName,
                    format!(
                        "`{}` has the same bytes as `{}`: they count once",
                        file(*i),
                        file(*original)
                    ),
                )
                .at(DataPlace::file(file(*i)))
                .hint("was it sent under a wrong name? ask the sender for the right file"),
            ));
        }
        let unknown = (0..arrivals.files.len())
            .filter(|i| {
                standing.status[*i].is_some() && arrivals.submission(*i).received_at.is_none()
            })
            .count();
        let past = self.options.as_of_given && self.as_of < self.started.date_naive();
        if past && unknown > 0 && source.files.root == Root::Inbox {
            self.listener.event(&Event::Warned(
                Diagnostic::warning(
                    Code::Freshness,
                    format!(
                        "{}: of {unknown} of its files it is not known when they were received: \
                         all are seen on {}",
                        node.name, self.as_of
                    ),
                )
                .hint(
                    "a past view is exact where `received_at` is in the file's name or in manifest.csv",
                ),
            ));
        }
        let count = |status| {
            standing
                .status
                .iter()
                .filter(|s| **s == Some(status))
                .count()
        };
        if arrivals.new > 0 && count(Status::Accepted) < standing.status.iter().flatten().count() {
            self.listener.event(&Event::Submissions {
                table: node.name.clone(),
                counts: Status::ALL.map(|s| (s.word(), count(s))).into(),
            });
        }
        Ok(())
    }
}

/// Submissions of which it cannot be told which counts.
pub(super) fn tied(arrivals: &Arrivals, standing: &Standing) -> Diagnostics {
    let file = |i: usize| arrivals.submission(i).file.as_str();
    let error = |(a, b): &(usize, usize)| {
        Diagnostic::error(
            Code::FileName,
            format!(
                "`{}` and `{}` are the same submission, and neither is the newer",
                file(*a),
                file(*b)
            ),
        )
        .at(DataPlace::file(file(*b)))
        .hint(
            "give one a `sequence` in its name or in manifest.csv, or list one as cancelled; \
             taking it out of the inbox does not undo it",
        )
    };
    let found: Diagnostics = standing.ties.iter().map(error).collect();
    found.sorted()
}

/// The fault of a file that is not what it is declared to be; nothing for any other fault, which is
/// not the file's.
fn unreadable(errors: &Diagnostics) -> Option<Code> {
    let mut codes = errors
        .iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.code);
    let first = codes.next()?;
    let of_the_file = |c: Code| matches!(c, Code::BadFile | Code::Header | Code::Threshold);
    (of_the_file(first) && codes.all(of_the_file)).then_some(first)
}

/// Whether a file that cannot be read stops its source. One that was taken out of the inbox again
/// does not: nothing of it was ever counted. One with too many bad rows could be read, and its
/// rules say that it stops the run.
pub(super) fn stops(source: &SourceNode, arrivals: &Arrivals, i: usize) -> bool {
    let became = arrivals.submission(i).became.as_ref();
    let code = became.and_then(|b| b.unreadable.as_deref());
    let gives_way = source.files.on_unreadable == Some(OnUnreadable::Reject)
        && code.is_some_and(|c| c != Code::Threshold.name());
    arrivals.files[i].inbox.is_some() && !gives_way
}

/// Cancellations that name nothing that was ever sent: most likely a slip.
pub(super) fn idle(
    arrivals: &Arrivals,
    cancellations: &[Cancellation],
    day: chrono::NaiveDate,
) -> Diagnostics {
    let all = || (0..arrivals.files.len()).map(|i| (arrivals.submission(i), &arrivals.files[i]));
    let hits = |c: &&Cancellation| !all().any(|(s, f)| c.withdraws(s, &f.captures));
    let in_force = cancellations.iter().filter(|c| c.cancelled_at <= day);
    in_force
        .filter(hits)
        .map(|c| {
            Diagnostic::warning(
                Code::FileName,
                "the cancellation names no submission that was taken",
            )
            .at(c.place.clone())
            .hint("is its file, provider, period or sequence right?")
        })
        .collect()
}

fn passed_over(arrivals: &Arrivals, i: usize) -> Diagnostic {
    let submission = arrivals.submission(i);
    let code = submission
        .became
        .as_ref()
        .and_then(|b| b.unreadable.as_deref());
    Diagnostic::warning(
        Code::BadFile,
        format!(
            "the file cannot be read ({}): the submission before it counts, if there is one",
            code.unwrap_or("bad-file")
        ),
    )
    .at(DataPlace::file(submission.file.as_str()))
    .hint("ask the sender for the file again")
}
