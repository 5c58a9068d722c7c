//! A run may be killed at any instant and started again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::clinic;
use crate::determinism::{many_visits, month};
use crate::world::{Ran, World, copy_folder, files};

/// Waits until something is so; looks as often as the machine can. Fails after a minute.
fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !so() {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{what} did not happen"
        );
        // Looked at often, not waited for: the machine has two cores and needs them.
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn start(world: &World, line: &str) -> Child {
    let mut command = world.command(line.split_whitespace());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("starts")
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill")
        .args(["-s", name, &id])
        .status()
        .expect("kill runs");
    assert!(sent.success());
}

fn ended(child: Child) -> Ran {
    Ran::from(child.wait_with_output().expect("ends"))
}

/// What a killed write leaves behind has a name of its own.
fn assert_no_leftovers(world: &World) {
    for folder in ["lake", "published"] {
        for path in files(&world.path(folder)) {
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            assert!(!name.starts_with(".martlet-"), "{} is left", path.display());
        }
    }
    assert_eq!(
        files(&world.path("lake/spill")),
        Vec::<std::path::PathBuf>::new()
    );
}

/// The stable paths, with the hashes of their files.
fn latest(world: &World) -> BTreeMap<String, String> {
    let mut all = world.hashes("published/alliance/latest");
    all.retain(|name, _| name.ends_with(".parquet"));
    all
}

/// A name below the folder, and how many files make the moment.
const MOMENTS: [(&str, usize); 9] = [
    ("lake/landing/visits", 2),
    ("lake/state/submissions", 2),
    ("lake/staged/visits", 1),
    ("lake/staged/visits", 4),
    ("lake/state/nodes", 1),
    ("lake/models/visit", 1),
    ("lake/candidates", 2),
    ("published/alliance/versions", 2),
    ("published/alliance/latest", 1),
];

fn count(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    entries
        .flatten()
        .map(|e| e.path())
        .map(|p| if p.is_dir() { count(&p) } else { 1 })
        .sum()
}

#[test]
fn a_first_night_killed_anywhere_ends_as_if_it_had_not_been() {
    let undisturbed = many_visits();
    undisturbed.martlet("run --quiet").exits(0);
    let expected = undisturbed.hashes("published");
    let models = undisturbed.hashes("lake/models");
    let mut killed = 0;
    for (folder, files) in MOMENTS {
        let world = many_visits();
        let mut child = start(&world, "run --quiet");
        let place = world.path(folder);
        wait_until(folder, || {
            count(&place) >= files || child.try_wait().expect("waits").is_some()
        });
        let _ = child.kill();
        killed += usize::from(ended(child).code == -9);
        // Readers see nothing yet, or everything.
        for (name, hash) in latest(&world) {
            assert_eq!(
                expected.get(&name),
                Some(&hash),
                "{name} after {folder} {files}"
            );
        }
        world.martlet("run --quiet").exits(0);
        assert_eq!(
            world.hashes("published"),
            expected,
            "killed at {folder} {files}"
        );
        assert_no_leftovers(&world);
        assert_eq!(world.hashes("lake/models"), models);
    }
    assert!(
        killed >= MOMENTS.len() / 2,
        "only {killed} runs were killed in time"
    );
}

#[test]
fn a_later_night_killed_anywhere_leaves_readers_the_old_or_the_new() {
    let corrected = |world: &World| {
        world
            .write("inbox/visits/visits_RVV_2026-02.csv", month(9, 5_000))
            .edit("config/reference/sites.csv", "Maidstone", "Weavering");
    };
    let undisturbed = many_visits();
    undisturbed.martlet("run --quiet").exits(0);
    let old = latest(&undisturbed);
    corrected(&undisturbed);
    undisturbed.martlet("run --quiet").exits(0);
    let new = latest(&undisturbed);
    assert_eq!(old.len(), 2);
    assert!(old.iter().all(|(name, hash)| new.get(name) != Some(hash)));

    let evening = many_visits();
    evening.martlet("run --quiet").exits(0);
    let mut killed = 0;
    for (folder, more) in [
        ("lake/staged/visits", 2),
        ("lake/models", 1),
        ("published/alliance/versions", 1),
        ("published/alliance/versions", 2),
    ] {
        let world = World::empty();
        copy_folder(evening.root(), world.root());
        assert_eq!(latest(&world), old);
        corrected(&world);
        let place = world.path(folder);
        let enough = count(&place) + more;
        let mut child = start(&world, "run --quiet");
        wait_until(folder, || {
            count(&place) >= enough || child.try_wait().expect("waits").is_some()
        });
        let _ = child.kill();
        killed += usize::from(ended(child).code == -9);
        let seen = latest(&world);
        assert_eq!(
            seen.keys().collect::<Vec<_>>(),
            old.keys().collect::<Vec<_>>()
        );
        for (name, hash) in &seen {
            assert!(
                old[name] == *hash || new[name] == *hash,
                "{name} is neither"
            );
        }
        world.martlet("run --quiet").exits(0);
        assert_eq!(latest(&world), new);
        assert_no_leftovers(&world);
    }
    assert!(killed >= 2, "only {killed} runs were killed in time");
}

/// A lock on a lake, held by this process.
fn hold(world: &World) -> File {
    world.write("lake/state/lock", "");
    let file = File::options()
        .write(true)
        .open(world.path("lake/state/lock"))
        .expect("opens");
    file.lock().expect("locks");
    file
}

#[test]
fn a_second_run_is_turned_away_while_the_first_holds_the_lock() {
    let world = clinic::world();
    let lock = hold(&world);
    let ran = world.martlet("run").exits(6);
    insta::assert_snapshot!(world.filtered(&ran.stderr));
    assert!(!world.path("published").exists());
    // Looking is allowed meanwhile.
    world.martlet("plan").exits(0);
    drop(lock);
    world.martlet("run --quiet").exits(0);
}

#[test]
fn a_run_that_was_told_to_wait_goes_on_when_the_lock_is_let_go() {
    let world = clinic::world();
    let lock = hold(&world);
    let mut child = start(&world, "run --wait");
    wait_until("its start", || waits_for_lock(&child, &world));
    assert!(child.try_wait().expect("waits").is_none(), "it waits");
    assert!(!world.path("lake/staged").exists());
    drop(lock);
    ended(child).exits(0);
    assert!(
        world
            .path("published/alliance/latest/visits.parquet")
            .is_file()
    );
}

/// Whether a process has the lock's file open: it is at the lock then.
fn waits_for_lock(child: &Child, world: &World) -> bool {
    let lock = world
        .path("lake/state/lock")
        .canonicalize()
        .expect("a path");
    let Ok(entries) = fs::read_dir(format!("/proc/{}/fd", child.id())) else {
        return false;
    };
    entries
        .flatten()
        .any(|e| fs::read_link(e.path()).is_ok_and(|to| to == lock))
}

#[test]
fn signals_end_a_run_that_waits_and_a_run_that_works() {
    for (name, code, word) in [("INT", 130, "interrupted"), ("TERM", 143, "asked to stop")] {
        let world = clinic::world();
        let lock = hold(&world);
        let child = start(&world, "run --wait");
        wait_until("its start", || waits_for_lock(&child, &world));
        signal(&child, name);
        ended(child).exits(code).says(&[word]);
        drop(lock);

        let world = many_visits();
        let child = start(&world, "run");
        wait_until("staged rows", || {
            count(&world.path("lake/staged/visits")) >= 1
        });
        signal(&child, name);
        let ran = ended(child).exits(code);
        ran.says(&[word, "what readers see is whole", "run again"]);
        assert!(!world.path("published").exists());
        world.martlet("run --quiet").exits(0);
        assert_no_leftovers(&world);
    }
}
