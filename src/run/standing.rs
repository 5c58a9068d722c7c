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
mod tests {
    use super::*;

    fn claim<'a>(file: &'a str, hash: &'a str, ordinal: u64, sequence: Option<i64>) -> Claim<'a> {
        Claim {
            file,
            hash,
            ordinal,
            of: vec!["march".to_owned()],
            received_at: None,
            sequence,
            cancelled: false,
            fate: Fate::Read(3),
        }
    }

    fn day(text: &str) -> Option<NaiveDateTime> {
        crate::ingest::instant(text)
    }

    fn words(claims: &[Claim<'_>], way: Way) -> Vec<&'static str> {
        let standing = stand(claims, way);
        let word = |s: &Option<Status>| s.map_or("?", Status::word);
        standing.status.iter().map(word).collect()
    }

    #[test]
    fn the_newest_counts_however_late_it_was_taken() {
        let mut claims = [
            claim("v2", "b", 1, Some(2)),
            claim("v1", "a", 2, None),
            claim("v3", "c", 3, Some(3)),
        ];
        assert_eq!(
            words(&claims, Way::Snapshot),
            ["superseded", "superseded", "accepted"]
        );
        claims[2].cancelled = true;
        assert_eq!(
            words(&claims, Way::Snapshot),
            ["accepted", "superseded", "cancelled"]
        );
        claims[0].fate = Fate::Refused;
        assert_eq!(
            words(&claims, Way::Snapshot),
            ["rejected", "accepted", "cancelled"]
        );
    }

    #[test]
    fn what_is_not_known_comes_before_what_is() {
        let mut claims = [claim("a", "1", 1, Some(9)), claim("b", "2", 2, Some(1))];
        claims[1].received_at = day("2026-03-10");
        assert_eq!(words(&claims, Way::Snapshot), ["superseded", "accepted"]);
        claims[0].received_at = day("2026-03-10T00:00:00");
        assert_eq!(words(&claims, Way::Snapshot), ["accepted", "superseded"]);
    }

    #[test]
    fn no_number_counts_as_one() {
        let claims = [claim("a", "1", 1, None), claim("b", "2", 2, Some(1))];
        assert_eq!(stand(&claims, Way::Snapshot).ties, [(0, 1)]);
        assert_eq!(words(&claims, Way::Snapshot), ["rejected", "rejected"]);
        let claims = [claim("a", "1", 1, None), claim("b", "2", 2, Some(0))];
        assert_eq!(words(&claims, Way::Snapshot), ["accepted", "superseded"]);
    }

    #[test]
    fn the_same_bytes_again_are_one_submission_and_a_return_is_not() {
        let claims = [
            claim("v1", "a", 1, Some(1)),
            claim("v2", "a", 2, Some(2)),
            claim("v3", "b", 3, Some(3)),
            claim("v4", "a", 4, Some(4)),
        ];
        assert_eq!(
            words(&claims[..2], Way::Snapshot),
            ["accepted", "duplicate"]
        );
        assert_eq!(
            words(&claims, Way::Snapshot),
            ["superseded", "duplicate", "superseded", "accepted"]
        );
        assert_eq!(
            words(&claims, Way::Upsert),
            ["superseded", "duplicate", "superseded", "accepted"]
        );
        let mut own = claims.clone();
        for claim in &mut own {
            claim.of = vec![claim.file.to_owned()];
        }
        assert_eq!(
            words(&own, Way::Upsert),
            ["accepted", "duplicate", "accepted", "accepted"]
        );
        assert_eq!(
            words(&own, Way::Events),
            ["accepted", "duplicate", "accepted", "duplicate"]
        );
    }

    #[test]
    fn one_path_follows_itself_unless_its_order_says_otherwise() {
        let mut claims = [claim("a", "1", 1, None), claim("a", "2", 2, None)];
        assert_eq!(words(&claims, Way::Snapshot), ["superseded", "accepted"]);
        // The manifest that gave the first its time is gone: the second still replaces it.
        claims[0].received_at = day("2026-03-10");
        assert_eq!(words(&claims, Way::Snapshot), ["superseded", "accepted"]);
        claims[1].received_at = day("2026-03-09");
        assert_eq!(words(&claims, Way::Snapshot), ["accepted", "superseded"]);
    }

    #[test]
    fn bytes_under_another_name_give_way_to_what_came_before_them() {
        let mut claims = [
            claim("march", "a", 1, Some(1)),
            claim("april_1", "b", 2, Some(1)),
            claim("april_2", "a", 3, Some(2)),
        ];
        claims[1].of = vec!["april".to_owned()];
        claims[2].of = vec!["april".to_owned()];
        assert_eq!(
            words(&claims, Way::Snapshot),
            ["accepted", "accepted", "duplicate"]
        );
        assert_eq!(stand(&claims, Way::Snapshot).repeated, [(2, 0)]);
        // Nothing over and over is no mistake.
        for claim in &mut claims {
            claim.fate = Fate::Read(0);
        }
        assert_eq!(
            words(&claims, Way::Snapshot),
            ["accepted", "superseded", "accepted"]
        );
        // What was replaced is no place where bytes count.
        let mut claims = vec![
            claim("march_1", "a", 1, Some(1)),
            claim("march_2", "b", 2, Some(2)),
            claim("april", "a", 3, Some(1)),
        ];
        claims[2].of = vec!["april".to_owned()];
        assert_eq!(
            words(&claims, Way::Snapshot),
            ["superseded", "accepted", "accepted"]
        );
    }

    #[test]
    fn what_cannot_be_read_is_in_the_way_only_where_it_would_count() {
        let mut claims = [claim("v1", "a", 1, Some(1)), claim("v2", "b", 2, Some(2))];
        claims[0].fate = Fate::Unreadable;
        let standing = stand(&claims, Way::Snapshot);
        assert!(standing.blocking.is_empty());
        assert_eq!(words(&claims, Way::Snapshot), ["rejected", "accepted"]);
        claims[0].fate = Fate::Read(1);
        claims[1].fate = Fate::Unreadable;
        assert_eq!(stand(&claims, Way::Snapshot).blocking, [1]);
        claims[1].cancelled = true;
        assert!(stand(&claims, Way::Snapshot).blocking.is_empty());
    }

    #[test]
    fn a_tie_that_decides_nothing_is_none() {
        let claims = [
            claim("a", "1", 1, None),
            claim("b", "2", 2, None),
            claim("c", "3", 3, Some(2)),
        ];
        assert!(stand(&claims, Way::Snapshot).ties.is_empty());
        assert_eq!(stand(&claims[..2], Way::Snapshot).ties, [(0, 1)]);
        // Of three, none counts, and what came before them does not come back.
        let mut three = claims.clone();
        three[2].sequence = None;
        let three = [&three[..], &[claim("v0", "0", 4, Some(0))]].concat();
        let standing = stand(&three, Way::Snapshot);
        assert_eq!(standing.ties, [(0, 2), (1, 2)]);
        assert!(standing.accepted.is_empty());
        assert_eq!(
            words(&three, Way::Snapshot),
            ["rejected", "rejected", "rejected", "superseded"]
        );
        assert_eq!(stand(&three, Way::Upsert).accepted, Vec::<usize>::new());
        // Of one path, what was replaced there is no part of the tie.
        let mut again = [
            claim("a", "1", 1, None),
            claim("a", "2", 2, None),
            claim("b", "3", 3, None),
        ];
        assert_eq!(
            words(&again, Way::Snapshot),
            ["superseded", "rejected", "rejected"]
        );
        // Withdrawing either decides.
        again[2].cancelled = true;
        assert_eq!(
            words(&again, Way::Snapshot),
            ["superseded", "accepted", "cancelled"]
        );
        // The same bytes twice are no tie.
        let claims = [claim("a", "1", 2, None), claim("b", "1", 1, None)];
        let standing = stand(&claims, Way::Snapshot);
        assert!(standing.ties.is_empty());
        assert_eq!(standing.accepted, [0]);
    }

    use chrono::{DateTime, Utc};
    use proptest::prelude::*;

    use crate::run::ledger::Ledger;

    /// A delivery: path, bytes, submission, day, number, whether withdrawn, what becomes of it.
    type Delivery = (String, String, String, Option<u32>, Option<i64>, bool, Fate);

    fn deliveries() -> impl Strategy<Value = Vec<Delivery>> {
        let one = (
            0..4_u8,
            0..3_u8,
            prop::option::of(1..4_u32),
            prop::option::of(1..4_i64),
            prop::bool::weighted(0.1),
            prop_oneof![
                6 => Just(Fate::Read(2)),
                1 => Just(Fate::Read(0)),
                1 => Just(Fate::Refused),
                1 => Just(Fate::Unreadable),
            ],
        );
        prop::collection::vec(one, 1..10).prop_map(|all| {
            let name = |(i, (bytes, of, day, number, withdrawn, fate)): (usize, _)| {
                let hash = format!("{bytes}{fate:?}");
                (
                    format!("file {i}"),
                    hash,
                    format!("of {of}"),
                    day,
                    number,
                    withdrawn,
                    fate,
                )
            };
            all.into_iter().enumerate().map(name).collect()
        })
    }

    /// What counts after the last run, and whether that can be told, if the deliveries come in this
    /// order, and a run looks after each that ends a run. A run takes what is new by path, and what
    /// it took before lies in the inbox still.
    fn outcome(all: &[Delivery], order: &[usize], ends: &[bool]) -> (Vec<String>, bool) {
        let mut ledger = Ledger::default();
        let mut inbox: Vec<usize> = Vec::new();
        for (i, ends) in order.iter().zip(ends) {
            inbox.push(*i);
            if *ends || inbox.len() == all.len() {
                inbox.sort_by_key(|i| &all[*i].0);
                for i in &inbox {
                    if ledger.is_new(&all[*i].0, &all[*i].1) {
                        ledger.enter(&all[*i].0, &all[*i].1, 1, DateTime::<Utc>::MIN_UTC);
                    }
                }
            }
        }
        let claims: Vec<Claim<'_>> = ledger
            .submissions
            .iter()
            .map(|s| {
                let (_, _, of, day, number, withdrawn, fate) =
                    all.iter().find(|d| d.0 == s.file).expect("a delivery");
                Claim {
                    file: &s.file,
                    hash: &s.hash,
                    ordinal: s.ordinal,
                    of: vec![of.clone()],
                    received_at: day.and_then(|d| super::tests::day(&format!("2026-03-{d:02}"))),
                    sequence: *number,
                    cancelled: *withdrawn,
                    fate: *fate,
                }
            })
            .collect();
        let standing = stand(&claims, Way::Snapshot);
        let mut counts: Vec<String> = standing
            .accepted
            .iter()
            .map(|i| claims[*i].file.to_owned())
            .collect();
        counts.sort();
        (
            counts,
            standing.ties.is_empty() && standing.blocking.is_empty(),
        )
    }

    proptest! {
        #[test]
        fn any_order_in_any_number_of_runs_counts_the_same(
            (all, order, ends) in deliveries().prop_flat_map(|all| {
                let n = all.len();
                let order = Just((0..n).collect::<Vec<_>>()).prop_shuffle();
                (Just(all), order, prop::collection::vec(any::<bool>(), n))
            })
        ) {
            let all_at_once = vec![false; all.len()];
            let in_order: Vec<usize> = (0..all.len()).collect();
            prop_assert_eq!(
                outcome(&all, &order, &ends),
                outcome(&all, &in_order, &all_at_once)
            );
        }
    }
}
