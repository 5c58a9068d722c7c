//! Which of some submissions count, one case a rule, and that the order they come in does not matter.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::*;
use crate::run::ledger::Ledger;

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
                received_at: day.and_then(|d| crate::ingest::instant(&format!("2026-03-{d:02}"))),
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
