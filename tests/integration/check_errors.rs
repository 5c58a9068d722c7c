//! `martlet check`: everything that is wrong, at once, with file, line, column, reason and hint.

mod contracts;
mod dialects;
mod indicators;
mod policies;
mod spelling;
mod sql;
mod yaml;

use serde_json::Value;

use crate::clinic;
use crate::world::{Ran, World};

/// The clinic with another pipeline file.
fn with_pipeline(text: &str) -> World {
    let world = clinic::project();
    world.write("pipelines/clinic.yaml", text);
    world
}

/// Checks a project that must not check, and returns what a person reads.
#[track_caller]
fn faults(world: &World) -> Ran {
    let ran = world.martlet("check").exits(2);
    assert_eq!(ran.stdout, "");
    assert!(!world.path("lake").exists(), "a check touches nothing");
    ran
}

/// Code, file, line and column of every error, as `--json` has them.
fn places(world: &World) -> Vec<(String, String, u64, u64)> {
    let document = world.martlet("check --json").exits(2).json();
    assert_eq!(document["ok"], Value::Bool(false));
    assert_eq!(document["exit"], 2);
    document["diagnostics"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|d| d["severity"] == "error")
        .map(|d| {
            assert!(d["message"].as_str().is_some_and(|m| !m.is_empty()));
            (
                d["code"].as_str().expect("a code").to_owned(),
                d["file"].as_str().unwrap_or_default().to_owned(),
                d["line"].as_u64().unwrap_or_default(),
                d["column"].as_u64().unwrap_or_default(),
            )
        })
        .collect()
}

/// Where the nth standing of a text begins in a file: line and column, from 1, by reading it.
#[track_caller]
fn find(world: &World, file: &str, text: &str, nth: usize) -> (u64, u64) {
    let whole = world.read(file);
    let (at, _) = whole
        .match_indices(text)
        .nth(nth)
        .unwrap_or_else(|| panic!("no `{text}` in {file}"));
    let before = &whole[..at];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line as u64, column as u64)
}

/// Fails unless `--json` names each of these: code, file, and the text it points at.
#[track_caller]
fn assert_places(world: &World, expected: &[(&str, &str, &str, usize)]) {
    let found = places(world);
    for (code, file, text, nth) in expected {
        let (line, column) = find(world, file, text, *nth);
        let wanted = ((*code).to_owned(), (*file).to_owned(), line, column);
        assert!(found.contains(&wanted), "{wanted:?} is not in {found:#?}");
    }
}
