//! The submissions of a source and how they stand on a day: what the night counts by, and what
//! `martlet submissions` shows.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Serialize;

use crate::compile::{Body, Plan, SourceNode, TableName};
use crate::diag::Result;
use crate::ingest::{self, Captures, Intake, RuleCount};
use crate::spec::source::Delivery;
use crate::store::Lake;

use super::cancellations::{self, Cancellation};
use super::ledger::{Became, Ledger, Submission};
use super::night::as_of;
use super::record::NodeRecord;
use super::standing::{Claim, Fate, Standing, Status, Way, stand};

/// A submission as it is judged.
pub(super) struct Seen<'a> {
    pub submission: &'a Submission,
    pub captures: &'a Captures,
    pub fate: Fate,
}

/// How the submissions of a source stand at the end of a day. One that was received later is not
/// seen, and has no status; nor has a cancellation of a later day any force.
pub(super) fn judge(
    source: &SourceNode,
    all: &[Seen<'_>],
    day: NaiveDate,
    cancellations: &[Cancellation],
) -> Standing {
    let way = way(source);
    let seen: Vec<usize> = (0..all.len())
        .filter(|i| is_seen(all[*i].submission, day))
        .collect();
    let claims: Vec<Claim<'_>> = seen
        .iter()
        .map(|i| {
            let Seen {
                submission,
                captures,
                fate,
            } = &all[*i];
            Claim {
                file: &submission.file,
                hash: &submission.hash,
                ordinal: submission.ordinal,
                of: of(source, way, submission, captures),
                received_at: submission.received_at,
                sequence: submission.sequence,
                cancelled: cancellations
                    .iter()
                    .any(|c| c.cancelled_at <= day && c.withdraws(submission, captures)),
                fate: *fate,
            }
        })
        .collect();
    let standing = stand(&claims, way);
    // From places among those seen to places among all.
    let pair = |(a, b): (usize, usize)| (seen[a], seen[b]);
    let mut status = vec![None; all.len()];
    let mut because = vec![None; all.len()];
    for (place, i) in seen.iter().enumerate() {
        status[*i] = standing.status[place];
        because[*i] = standing.because[place].map(|b| seen[b]);
    }
    Standing {
        status,
        because,
        accepted: standing.accepted.into_iter().map(|i| seen[i]).collect(),
        ties: standing.ties.into_iter().map(pair).collect(),
        repeated: standing.repeated.into_iter().map(pair).collect(),
        blocking: standing.blocking.into_iter().map(|i| seen[i]).collect(),
    }
}

/// Whether a submission had been received by the end of a day, for all we know.
pub(super) fn is_seen(submission: &Submission, day: NaiveDate) -> bool {
    submission.received_at.is_none_or(|at| at.date() <= day)
}

/// What became of a file, as far as it is known under a key; under any key without one.
pub(super) fn fate(became: Option<&Became>, key: Option<&str>) -> Fate {
    match became {
        Some(b) if key.is_none_or(|key| key == b.key) => {
            if b.unreadable.is_some() {
                Fate::Unreadable
            } else if b.rejected_by.is_some() {
                Fate::Refused
            } else {
                Fate::Read(b.received)
            }
        }
        _ => Fate::Unread,
    }
}

fn way(source: &SourceNode) -> Way {
    match source.files.delivery.as_deref() {
        None | Some(Delivery::Snapshot) => Way::Snapshot,
        Some(Delivery::Events) => Way::Events,
        Some(Delivery::Upsert(_)) => Way::Upsert,
    }
}

/// Which submission a file claims to be: its captures, or its path. Where files only add, each is
/// its own.
fn of(source: &SourceNode, way: Way, submission: &Submission, captures: &Captures) -> Vec<String> {
    match (&source.files.supersede, way) {
        (Some(supersede), Way::Snapshot | Way::Upsert) => supersede
            .by
            .iter()
            .map(|name| capture(captures, name).unwrap_or_default())
            .collect(),
        (None, Way::Snapshot) => vec![submission.file.clone()],
        _ => vec![submission.file.clone(), submission.ordinal.to_string()],
    }
}

/// A capture as text.
fn capture(captures: &Captures, name: &str) -> Option<String> {
    let (_, value) = captures.iter().find(|(n, _)| n == name)?;
    (!value.is_null()).then(|| value.to_string())
}

/// The cancellations that a source heeds, from a reference as it was last made.
///
/// # Errors
/// When they cannot be read.
pub(super) fn cancellations(
    lake: &Lake,
    table: &TableName,
    source: &SourceNode,
    record: impl FnOnce(&TableName) -> Result<Option<NodeRecord>>,
) -> Result<Vec<Cancellation>> {
    let Some(supersede) = &source.files.supersede else {
        return Ok(Vec::new());
    };
    let Some(list) = supersede
        .cancelled
        .as_ref()
        .and_then(|c| TableName::parse(c))
    else {
        return Ok(Vec::new());
    };
    let by: Vec<&str> = supersede.by.iter().map(|n| n.as_str()).collect();
    match record(&list)? {
        Some(record) => cancellations::read(&record.files(lake), table, &by),
        None => Ok(Vec::new()),
    }
}

/// A submission, for people and for programs that ask.
#[derive(Debug, Clone, Serialize)]
pub struct SubmissionLine {
    /// The source, such as `source.liver_register`.
    pub source: String,
    /// The sender, if the file's name says.
    pub provider: Option<String>,
    /// The period, if the file's name says.
    pub period: Option<String>,
    /// What names it, in words: the captures of `by`, or its path.
    pub submission: String,
    /// Its path below the root.
    pub file: String,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// When it was received, UTC, if that is known.
    pub received_at: Option<NaiveDateTime>,
    /// Its number, if that is known.
    pub sequence: Option<i64>,
    /// When it was taken, by our clock.
    pub taken_at: DateTime<Utc>,
    /// Rows in it; unknown until it is read.
    pub rows: Option<u64>,
    /// Rows staged.
    pub good: Option<u64>,
    /// Rows refused.
    pub quarantined: Option<u64>,
    /// Rows dropped by a declared rule.
    pub dropped: Option<u64>,
    /// How it stands.
    pub status: Status,
    /// For one that is rejected: the rule, the kind of fault, or `tied`.
    pub reason: Option<String>,
    /// What took its place, has the same bytes, or is tied with it.
    pub because: Option<String>,
    /// What it took the place of.
    pub replaced: Vec<String>,
    /// Where its copy is.
    pub landing: PathBuf,
    /// Where its refused rows are, if it was read.
    pub quarantine: Option<PathBuf>,
    /// The rules its rows break.
    pub rules: Vec<RuleCount>,
    /// Its record, if it was read and its rows still stand.
    #[serde(skip)]
    pub intake: Option<Intake>,
    /// The later submission of the same captures that counts: its name and its bytes.
    #[serde(skip)]
    pub successor: Option<(String, String)>,
}

/// The submissions of some sources, by source, file and number, as they stand on the run's date.
///
/// # Errors
/// When a record of the lake cannot be read.
pub fn submissions(plan: &Plan, tables: &[TableName]) -> Result<Vec<SubmissionLine>> {
    let lake = Lake::new(&plan.settings.lake);
    let day = as_of(plan);
    let mut lines = Vec::new();
    for node in plan.nodes.iter().filter(|n| tables.contains(&n.name)) {
        let Body::Source(source) = &node.body else {
            continue;
        };
        let kept = kept(&lake, &node.name, source)?;
        let seen = seen(&kept);
        let record = |list: &TableName| NodeRecord::load(&lake, list);
        let cancelled = cancellations(&lake, &node.name, source, record)?;
        let standing = judge(source, &seen, day, &cancelled);
        for (i, one) in seen.iter().enumerate() {
            let Some(status) = standing.status[i] else {
                continue;
            };
            let replaced = (0..seen.len()).filter(|o| {
                standing.because[*o] == Some(i) && standing.status[*o] == Some(Status::Superseded)
            });
            let replaced = replaced.map(|o| name(&seen[o], &seen)).collect();
            let because = standing.because[i].map(|b| name(&seen[b], &seen));
            let facts = (status, because, replaced);
            let mut line = line(&lake, &node.name, source, one, facts)?;
            let successor = successor(source, &seen, &standing, i);
            line.successor =
                successor.map(|s| (name(&seen[s], &seen), seen[s].submission.hash.clone()));
            lines.push(line);
        }
    }
    lines.sort_by(|a, b| {
        let key = |l: &SubmissionLine| (l.source.clone(), l.file.clone(), l.sequence, l.taken_at);
        key(a).cmp(&key(b))
    });
    Ok(lines)
}

/// The submissions in a source's ledger, each with the parts of its name. One that no longer fits the
/// path of its source is no submission of it.
fn kept(
    lake: &Lake,
    table: &TableName,
    source: &SourceNode,
) -> Result<Vec<(Submission, Captures)>> {
    let mut kept = Vec::new();
    for submission in Ledger::load(lake, table)?.submissions {
        if let Some(captures) = ingest::captures(source, &submission.file)? {
            kept.push((submission, captures));
        }
    }
    Ok(kept)
}

fn seen(kept: &[(Submission, Captures)]) -> Vec<Seen<'_>> {
    kept.iter()
        .map(|(submission, captures)| Seen {
            submission,
            captures,
            fate: fate(submission.became.as_ref(), None),
        })
        .collect()
}

/// The files of a source that its senders have to answer for on a day, each with the key of its
/// rows: those that count, and those that are refused while nothing later stands in their place.
///
/// # Errors
/// When a record of the lake cannot be read.
pub(super) fn answerable(
    lake: &Lake,
    table: &TableName,
    source: &SourceNode,
    day: NaiveDate,
) -> Result<Vec<(String, String)>> {
    let kept = kept(lake, table, source)?;
    let seen = seen(&kept);
    let record = |list: &TableName| NodeRecord::load(lake, list);
    let cancelled = cancellations(lake, table, source, record)?;
    let standing = judge(source, &seen, day, &cancelled);
    Ok((0..seen.len())
        .filter(|i| match standing.status[*i] {
            Some(Status::Accepted) => true,
            Some(Status::Rejected) => successor(source, &seen, &standing, *i).is_none(),
            _ => false,
        })
        .filter_map(|i| {
            let submission = seen[i].submission;
            let became = submission.became.as_ref()?;
            Some((submission.file.clone(), became.key.clone()))
        })
        .collect())
}

/// The later submission of the same captures that counts, if one does.
fn successor(
    source: &SourceNode,
    seen: &[Seen<'_>],
    standing: &Standing,
    i: usize,
) -> Option<usize> {
    let way = way(source);
    let claim = |i: usize| {
        let Seen {
            submission,
            captures,
            ..
        } = &seen[i];
        let order = (
            submission.received_at,
            submission.sequence.unwrap_or(1),
            submission.ordinal,
        );
        (of(source, way, submission, captures), order)
    };
    let (of, order) = claim(i);
    let mut accepted = standing.accepted.iter().copied();
    accepted.find(|a| {
        let (other, later) = claim(*a);
        other == of && later > order
    })
}

/// A submission by its path, and by its bytes where the path does not tell.
fn name(one: &Seen<'_>, all: &[Seen<'_>]) -> String {
    let Submission { file, hash, .. } = one.submission;
    if all.iter().filter(|o| o.submission.file == *file).count() > 1 {
        format!("{file} ({})", &hash[..hash.len().min(12)])
    } else {
        file.clone()
    }
}

fn line(
    lake: &Lake,
    table: &TableName,
    source: &SourceNode,
    one: &Seen<'_>,
    (status, because, replaced): (Status, Option<String>, Vec<String>),
) -> Result<SubmissionLine> {
    let submission = one.submission;
    let became = submission.became.as_ref();
    let read = became.filter(|b| b.unreadable.is_none());
    let intake = match read {
        Some(b) => Intake::recorded(lake, table, &b.key)?,
        None => None,
    };
    let by = source.files.supersede.iter().flat_map(|s| &s.by);
    let named: Vec<String> = by.filter_map(|name| capture(one.captures, name)).collect();
    Ok(SubmissionLine {
        source: table.to_string(),
        provider: capture(one.captures, "provider"),
        period: capture(one.captures, "period"),
        submission: if named.is_empty() {
            submission.file.clone()
        } else {
            named.join(" ")
        },
        file: submission.file.clone(),
        hash: submission.hash.clone(),
        received_at: submission.received_at,
        sequence: submission.sequence,
        taken_at: submission.taken_at,
        rows: read.map(|b| b.received),
        good: read.map(|b| b.good),
        quarantined: read.map(|b| b.quarantined),
        dropped: read.map(|b| b.dropped),
        status,
        reason: match (status, &because) {
            (Status::Rejected, Some(_)) => Some("tied".to_owned()),
            _ => became.and_then(|b| b.unreadable.clone().or_else(|| b.rejected_by.clone())),
        },
        because,
        replaced,
        landing: submission.landing(lake, table),
        quarantine: intake.as_ref().map(|i| i.quarantine.path_in(lake)),
        rules: intake.as_ref().map(|i| i.rules.clone()).unwrap_or_default(),
        intake,
        successor: None,
    })
}
