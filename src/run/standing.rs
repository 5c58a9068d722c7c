//! Which submissions count: worked out from what is known of them, whatever order they came in.
//!
//! Submissions of the same captures stand in a row: by when they were received, then by their
//! number. What is not known comes before what is; no number counts as 1. The last one that is
//! neither cancelled nor refused counts, and it counts whole. No clock of ours and no time of a
//! file decides. Under one path, what says nothing new of itself follows what lay there before.

use std::collections::BTreeMap;

use chrono::NaiveDateTime;
use serde::Serialize;

/// What is known of a submission.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Its path.
    pub file: &'a str,
    /// Its bytes.
    pub hash: &'a str,
    /// Its place among all that were taken.
    pub ordinal: u64,
    /// Which submission it claims to be.
    pub of: Vec<String>,
    /// When it was received.
    pub received_at: Option<NaiveDateTime>,
    /// Its number among the sender's.
    pub sequence: Option<i64>,
    /// Whether its sender has withdrawn it.
    pub cancelled: bool,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nobody has read it yet.
    Unread,
    /// It has so many rows.
    Read(u64),
    /// A rule refuses it whole.
    Refused,
    /// It is not what it is declared to be.
    Unreadable,
}

/// How a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its rows count.
    Accepted,
    /// A later one of the same captures counts.
    Superseded,
    /// Its sender has withdrawn it.
    Cancelled,
    /// It could not be read, a rule refuses it whole, or it is tied with another: which of the two
    /// counts is not ours to guess, so neither does.
    Rejected,
    /// The same bytes count already.
    Duplicate,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Superseded,
        Self::Cancelled,
        Self::Rejected,
        Self::Duplicate,
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
        }
    }
}

/// What a later submission does to earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One of each counts.
    Snapshot,
    /// All count, the same bytes once.
    Events,
    /// All count, in their order.
    Upsert,
}

/// How submissions stand, by their place in the list of claims.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// Each one's status.
    pub status: Vec<Option<Status>>,
    /// What took its place, has the same bytes and counts, or is tied with it.
    pub because: Vec<Option<usize>>,
    /// Those that count, in their order.
    pub accepted: Vec<usize>,
    /// Two that claim one place and say nothing of their order: which counts is not ours to guess.
    pub ties: Vec<(usize, usize)>,
    /// The same bytes under another submission's name, and where they count.
    pub repeated: Vec<(usize, usize)>,
    /// Those that cannot be read and would count if they could.
    pub blocking: Vec<usize>,
}

/// When received, and the number.
type Order = (Option<NaiveDateTime>, i64);

/// Works out how submissions stand.
pub fn stand(claims: &[Claim<'_>], way: Way) -> Standing {
    let orders = orders(claims);
    let rank = |i: usize| (orders[i], claims[i].file, claims[i].ordinal);
    let mut groups: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (i, claim) in claims.iter().enumerate() {
        groups.entry(&claim.of).or_default().push(i);
    }
    for group in groups.values_mut() {
        group.sort_by_key(|i| rank(*i));
    }
    // Bytes that count under another submission's name give way to what came before them, which
    // may be such bytes again.
    let mut repeated: BTreeMap<usize, usize> = BTreeMap::new();
    let mut rows: Vec<Row> = Vec::new();
    loop {
        rows.clear();
        rows.extend(groups.values().map(|g| Row::of(g, claims, &repeated)));
        let mut winners: Vec<usize> = rows.iter().filter_map(Row::winner).collect();
        winners.sort_by_key(|i| rank(*i));
        if way == Way::Upsert {
            break;
        }
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        let before = repeated.len();
        for i in winners {
            if claims[i].fate == Fate::Read(0) {
                continue;
            }
            if let Some(original) = first.get(claims[i].hash) {
                repeated.insert(i, *original);
            } else {
                first.insert(claims[i].hash, i);
            }
        }
        if repeated.len() == before {
            break;
        }
    }

    let mut standing = Standing {
        status: vec![None; claims.len()],
        because: vec![None; claims.len()],
        ..Standing::default()
    };
    for (i, claim) in claims.iter().enumerate() {
        standing.status[i] = match claim.fate {
            _ if claim.cancelled => Some(Status::Cancelled),
            Fate::Refused | Fate::Unreadable => Some(Status::Rejected),
            Fate::Unread | Fate::Read(_) => None,
        };
    }
    for (i, original) in &repeated {
        standing.status[*i] = Some(Status::Duplicate);
        standing.because[*i] = Some(*original);
        if claims[*i].file != claims[*original].file {
            standing.repeated.push((*i, *original));
        }
    }
    for (group, row) in groups.values().zip(&rows) {
        for (i, original) in &row.same {
            standing.status[*i] = Some(Status::Duplicate);
            standing.because[*i] = Some(*original);
        }
        for pair in row.kept.windows(2) {
            standing.status[pair[0]] = Some(Status::Superseded);
            standing.because[pair[0]] = Some(pair[1]);
        }
        let winner = row.winner();
        if let Some(winner) = winner {
            standing.status[winner] = Some(Status::Accepted);
            standing.accepted.push(winner);
            standing.ties.extend(row.tied(winner, claims, &orders));
        }
        let counts = |i: &&usize| {
            let claim = &claims[**i];
            claim.fate == Fate::Unreadable
                && !claim.cancelled
                && winner.is_none_or(|w| {
                    let tied = orders[**i] == orders[w] && claim.file != claims[w].file;
                    tied || rank(**i) > rank(w)
                })
        };
        standing.blocking.extend(group.iter().filter(counts));
    }
    standing.accepted.sort_by_key(|i| rank(*i));
    if way == Way::Upsert {
        chain(&mut standing, claims, &orders);
    }
    undecided(&mut standing);
    standing
}

/// Neither of two that are tied counts. What stood before them stays replaced: that one of them
/// takes its place is certain.
fn undecided(standing: &mut Standing) {
    for (a, b) in standing.ties.clone() {
        for (i, other) in [(a, b), (b, a)] {
            standing.status[i] = Some(Status::Rejected);
            standing.because[i] = Some(other);
            standing.accepted.retain(|accepted| *accepted != i);
        }
    }
}

/// Where all count one after another, the same bytes directly after one another count once, and
/// two that say nothing of their order are at odds.
fn chain(standing: &mut Standing, claims: &[Claim<'_>], orders: &[Order]) {
    let mut kept: Vec<usize> = Vec::new();
    for i in std::mem::take(&mut standing.accepted) {
        match kept.last() {
            Some(last) if claims[*last].hash == claims[i].hash => {
                standing.status[i] = Some(Status::Duplicate);
                standing.because[i] = Some(*last);
                if claims[*last].file != claims[i].file && claims[i].fate != Fate::Read(0) {
                    standing.repeated.push((i, *last));
                }
                continue;
            }
            Some(last) if orders[*last] == orders[i] && claims[*last].file != claims[i].file => {
                standing.ties.push((*last, i));
            }
            _ => {}
        }
        kept.push(i);
    }
    standing.accepted = kept;
}

/// The submissions of the same captures that could count.
struct Row {
    /// In their order; the last one counts.
    kept: Vec<usize>,
    /// The same bytes as the one before, and which that is.
    same: Vec<(usize, usize)>,
}

impl Row {
    fn of(group: &[usize], claims: &[Claim<'_>], repeated: &BTreeMap<usize, usize>) -> Self {
        let mut row = Self {
            kept: Vec::new(),
            same: Vec::new(),
        };
        for i in group {
            let claim = &claims[*i];
            let refused = matches!(claim.fate, Fate::Refused | Fate::Unreadable);
            if claim.cancelled || refused || repeated.contains_key(i) {
                continue;
            }
            match row.kept.last() {
                Some(last) if claims[*last].hash == claim.hash => row.same.push((*i, *last)),
                _ => row.kept.push(*i),
            }
        }
        row
    }

    fn winner(&self) -> Option<usize> {
        self.kept.last().copied()
    }

    /// The last one of each other path that says the same of its order as the winner.
    fn tied(&self, winner: usize, claims: &[Claim<'_>], orders: &[Order]) -> Vec<(usize, usize)> {
        let mut last = BTreeMap::new();
        for i in &self.kept {
            if orders[*i] == orders[winner] && claims[*i].file != claims[winner].file {
                last.insert(claims[*i].file, *i);
            }
        }
        last.into_values().map(|i| (i, winner)).collect()
    }
}

fn orders(claims: &[Claim<'_>]) -> Vec<Order> {
    let mut by_ordinal: Vec<usize> = (0..claims.len()).collect();
    by_ordinal.sort_by_key(|i| claims[*i].ordinal);
    let mut orders = vec![(None, 1); claims.len()];
    let mut last: BTreeMap<&str, (Option<NaiveDateTime>, Option<i64>)> = BTreeMap::new();
    for i in by_ordinal {
        let claim = &claims[i];
        let before = last.entry(claim.file).or_default();
        before.0 = claim.received_at.or(before.0);
        before.1 = claim.sequence.or(before.1);
        orders[i] = (before.0, before.1.unwrap_or(1));
    }
    orders
}

#[cfg(test)]
mod tests;
