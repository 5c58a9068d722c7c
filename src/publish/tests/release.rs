use std::collections::BTreeSet;
use std::fs;

use super::{change, everything, publish};
use crate::publish::release::{commit, flip, repair};
use crate::publish::{Change, Release, Version};
use crate::store::paths::Shelf;

type Row = (&'static str, &'static str, Option<f64>, Option<f64>);
const MARCH: [Row; 1] = [("2026-03-01", "RN7", Some(10.0), Some(8.0))];
const APRIL: [Row; 1] = [("2026-04-01", "RN7", Some(12.0), Some(9.0))];

fn latest(shelf: &Shelf, mart: &str) -> Option<Vec<u8>> {
    fs::read(shelf.latest(mart)).ok()
}
fn bytes(shelf: &Shelf, mart: &str, version: &str) -> Option<Vec<u8>> {
    fs::read(shelf.part(mart, version)).ok()
}
fn first_night(shelf: &Shelf) -> (Version, Version) {
    let a = publish(shelf, "a", "a1", &MARCH).expect("publishes");
    let b = publish(shelf, "b", "b1", &MARCH).expect("publishes");
    let done = commit(shelf, &change(&[("a", &a), ("b", &b)])).expect("commits");
    assert!(done.changed);
    assert_eq!(done.refreshed.written, ["a", "b"]);
    (a, b)
}

#[test]
fn a_second_night_that_changes_nothing_writes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    let (a, b) = first_night(&shelf);
    let before = everything(folder.path());
    assert!(repair(&shelf).expect("repairs").is_empty());
    let mut again = change(&[("a", &a), ("b", &b)]);
    again.as_of = Some("2026-04-30".to_owned());
    let done = commit(&shelf, &again).expect("commits");
    assert!(!done.changed && done.refreshed.is_empty());
    assert_eq!(before, everything(folder.path()));
}

#[test]
fn marts_that_did_not_run_stay_and_the_others_move_together() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    first_night(&shelf);
    let first = Release::current(&shelf).expect("reads").expect("a release");
    let old_b = everything(folder.path())["alliance/latest/b.parquet"].clone();
    let a2 = publish(&shelf, "a", "a2", &APRIL).expect("publishes");
    let done = commit(&shelf, &change(&[("a", &a2)])).expect("commits");
    assert_eq!(done.refreshed.written, ["a"]);
    let second = Release::current(&shelf).expect("reads").expect("a release");
    assert_eq!(second.previous.as_ref(), Some(&first.release));
    assert_ne!(second.release, first.release);
    assert_eq!(second.marts["b"], first.marts["b"]);
    assert_eq!(latest(&shelf, "a"), bytes(&shelf, "a", "a2"));
    assert_eq!(
        everything(folder.path())["alliance/latest/b.parquet"],
        old_b
    );
}

#[test]
fn killed_before_the_flip_readers_have_last_night() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    first_night(&shelf);
    let readers = |shelf: &Shelf| {
        let mut files = everything(shelf.root());
        files.retain(|name, _| !name.starts_with("versions/"));
        files
    };
    let before = readers(&shelf);
    publish(&shelf, "a", "a2", &APRIL).expect("publishes");
    assert_eq!(before, readers(&shelf));
    assert!(repair(&shelf).expect("repairs").is_empty());
    assert_eq!(before, readers(&shelf));
}

#[test]
fn killed_after_the_flip_the_next_run_finishes_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    first_night(&shelf);
    let a2 = publish(&shelf, "a", "a2", &APRIL).expect("publishes");
    let mut next = change(&[("a", &a2)]);
    next.retired = BTreeSet::from(["b".to_owned()]);
    let current = Release::current(&shelf).expect("reads");
    flip(&shelf, current.as_ref(), &next)
        .expect("flips")
        .expect("changes");
    fs::write(shelf.latest_folder().join(".martlet-half"), b"half").expect("writes");
    // Killed here: the stable paths are still last night's, and whole.
    assert_eq!(latest(&shelf, "a"), bytes(&shelf, "a", "a1"));

    let done = repair(&shelf).expect("repairs");
    assert_eq!(
        (done.written, done.removed),
        (vec!["a".to_owned()], vec!["b".to_owned()])
    );
    assert_eq!(latest(&shelf, "a"), bytes(&shelf, "a", "a2"));
    assert_eq!(latest(&shelf, "b"), None);
    assert_eq!(
        fs::read_dir(shelf.latest_folder()).expect("lists").count(),
        1
    );
    let after = everything(folder.path());
    assert!(repair(&shelf).expect("repairs").is_empty());
    assert_eq!(after, everything(folder.path()));
}

#[test]
fn a_stable_path_that_somebody_changed_is_put_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    first_night(&shelf);
    let mut tampered = latest(&shelf, "a").expect("there");
    tampered[10] ^= 1;
    fs::write(shelf.latest("a"), tampered).expect("writes");
    assert_eq!(repair(&shelf).expect("repairs").written, ["a"]);
    assert_eq!(latest(&shelf, "a"), bytes(&shelf, "a", "a1"));
    // A damaged version never reaches readers: what they have stays.
    fs::write(shelf.part("a", "a1"), b"damaged").expect("writes");
    fs::remove_file(shelf.latest("b")).expect("removes");
    assert!(repair(&shelf).expect("the good one of a is left").written == ["b"]);
    fs::write(shelf.latest("a"), b"old").expect("writes");
    assert!(repair(&shelf).is_err());
    assert_eq!(latest(&shelf, "a"), Some(b"old".to_vec()));
}

#[test]
fn a_version_that_is_not_there_is_not_released() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    let (a, _) = first_night(&shelf);
    let before = everything(folder.path());
    let mut wrong = a.clone();
    wrong.manifest.provenance.version = "a9".to_owned();
    assert!(commit(&shelf, &change(&[("a", &wrong)])).is_err());
    assert_eq!(before, everything(folder.path()));
}

#[test]
fn going_back_is_a_release_of_its_own_and_needs_no_new_version() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    let (a, _) = first_night(&shelf);
    let first = Release::current(&shelf).expect("reads").expect("a release");
    let a2 = publish(&shelf, "a", "a2", &APRIL).expect("publishes");
    commit(&shelf, &change(&[("a", &a2)])).expect("commits");
    let back = commit(&shelf, &change(&[("a", &a)])).expect("commits");
    let back = back.release.expect("a release");
    assert_eq!(back.marts, first.marts);
    assert_ne!(back.release, first.release);
    assert_eq!(latest(&shelf, "a"), bytes(&shelf, "a", "a1"));
}

#[test]
fn before_the_first_release_there_is_nothing_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    assert!(repair(&shelf).expect("repairs").is_empty());
    let done = commit(&shelf, &Change::default()).expect("commits");
    assert!(!done.changed && done.release.is_none());
    assert!(everything(folder.path()).is_empty());
    fs::create_dir_all(shelf.root()).expect("makes");
    fs::write(shelf.release(), b"{").expect("writes");
    assert!(repair(&shelf).is_err());
}
