//! The arrows of the house, and the one engine in it: read from `src/` and `Cargo.lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::world::{files, repository};

/// Every module with what it may use of the others.
///
/// `cli → run → {ingest, quality, publish → disclosure} → engine → {functions, store, compile} → spec → diag`;
/// each uses only what is to its right. `unit_test` stands beside `run`; `sample` makes files and
/// knows nothing of the rest.
const MAY_USE: [(&str, &[&str]); 16] = [
    ("diag", &[]),
    ("cores", &[]),
    ("spec", &["diag"]),
    ("compile", &["spec", "diag"]),
    ("store", &["cores", "spec", "diag"]),
    ("functions", &["spec", "diag"]),
    (
        "engine",
        &["cores", "functions", "store", "compile", "spec", "diag"],
    ),
    (
        "ingest",
        &["engine", "functions", "store", "compile", "spec", "diag"],
    ),
    (
        "quality",
        &["engine", "functions", "store", "compile", "spec", "diag"],
    ),
    ("disclosure", &["cores", "store", "compile", "spec", "diag"]),
    (
        "publish",
        &[
            "disclosure",
            "engine",
            "functions",
            "store",
            "compile",
            "spec",
            "diag",
        ],
    ),
    (
        "unit_test",
        &["engine", "functions", "store", "compile", "spec", "diag"],
    ),
    (
        "run",
        &[
            "ingest",
            "quality",
            "publish",
            "disclosure",
            "engine",
            "functions",
            "store",
            "compile",
            "spec",
            "diag",
        ],
    ),
    ("report", &["run", "diag"]),
    ("sample", &["diag"]),
    (
        "cli",
        &[
            "report",
            "run",
            "ingest",
            "quality",
            "publish",
            "unit_test",
            "sample",
            "engine",
            "functions",
            "store",
            "compile",
            "spec",
            "diag",
        ],
    ),
];

/// A source file: its path below `src/`, and its text without comments and without the tests
/// beside the code.
fn sources() -> Vec<(String, String)> {
    let src = repository().join("src");
    let all: Vec<(String, String)> = files(&src)
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "rs"))
        .map(|p| {
            let name = p.strip_prefix(&src).expect("below").display().to_string();
            (name, fs::read_to_string(&p).expect("reads"))
        })
        .filter(|(name, _)| !name.contains("tests"))
        .map(|(name, text)| {
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let code: Vec<&str> = code
                .lines()
                .filter(|l| !l.trim_start().starts_with("//"))
                .collect();
            (name, code.join("\n"))
        })
        .collect();
    assert!(all.len() > 100, "{} files", all.len());
    all
}

fn module(name: &str) -> &str {
    name.split(['/', '.']).next().unwrap_or_default()
}

/// What a text names after `crate::`, also in lists: `use crate::{a, b::c};`.
fn uses(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut word = String::new();
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 0 && (c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == ',') {
                    word.push(c);
                }
            }
            found.extend(
                word.split(',')
                    .filter_map(|w| w.split("::").next())
                    .filter(|w| !w.is_empty())
                    .map(str::to_owned),
            );
        } else {
            found.insert(
                rest.chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect(),
            );
        }
    }
    found
}

#[test]
fn each_module_uses_only_what_is_to_its_right() {
    let rules: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    let mut broken = Vec::new();
    let mut arrows = 0;
    for (name, text) in sources() {
        let here = module(&name);
        if here == "main" || here == "lib" {
            continue;
        }
        let may = rules
            .get(here)
            .unwrap_or_else(|| panic!("no rule for `{here}`"));
        for used in uses(&text) {
            if !rules.contains_key(used.as_str()) || used == here {
                continue;
            }
            arrows += 1;
            if !may.contains(&used.as_str()) {
                broken.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(arrows > 100, "{arrows} arrows");
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_reader_of_arrows_reads_lists_too() {
    let text = "use crate::{spec, compile::{self, Plan}, run::Night};\nlet x = crate::diag::Code;";
    let found: Vec<String> = uses(text).into_iter().collect();
    assert_eq!(found, ["compile", "diag", "run", "spec"]);
}

#[test]
fn reports_hear_events_and_nothing_else_of_the_run() {
    for (name, text) in sources() {
        if module(&name) == "report" {
            for word in ["run::night", "run::lock", "run::record", "Night", "Options"] {
                assert!(!text.contains(word), "{name} names {word}");
            }
        }
    }
}

/// The files that name a crate, as a path or in `use`.
fn naming(crate_name: &str) -> BTreeSet<String> {
    let path = format!("{crate_name}::");
    sources()
        .into_iter()
        .filter(|(_, text)| {
            text.match_indices(&path).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                // `datafusion::arrow::` names datafusion.
                !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
            })
        })
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn kernels_know_arrow_and_no_engine() {
    let engine = naming("datafusion");
    let kernels: Vec<&String> = engine
        .iter()
        .filter(|n| n.starts_with("functions/kernels") || n.starts_with("ingest/kernels"))
        .collect();
    assert!(kernels.is_empty(), "{kernels:?}");
    assert!(engine.iter().any(|n| n.starts_with("engine/")));
}

#[test]
fn yaml_is_read_in_one_file() {
    let files: Vec<String> = naming("serde_yaml").into_iter().collect();
    assert_eq!(files, ["spec/yaml.rs"]);
}

#[test]
fn nobody_prints_but_the_printer() {
    for (name, text) in sources() {
        for word in ["println!", "eprintln!", "dbg!", "todo!", "unimplemented!"] {
            let bare = text.match_indices(word).any(|(at, _)| {
                !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            });
            assert!(!bare, "{name} has {word}");
        }
    }
}

#[test]
fn the_environment_is_read_in_one_place() {
    let readers: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.contains("env::var"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(readers, ["cli/secret.rs"]);
}

#[test]
fn there_is_one_of_each_engine_in_the_tree() {
    let lock = fs::read_to_string(repository().join("Cargo.lock")).expect("reads");
    for package in [
        "arrow",
        "parquet",
        "object_store",
        "datafusion",
        "sqlparser",
        "arrow-schema",
    ] {
        let line = format!("name = \"{package}\"");
        let found = lock.lines().filter(|l| *l == line).count();
        assert_eq!(found, 1, "{package}");
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let src = repository().join("src");
    for (name, _) in sources() {
        let text = fs::read_to_string(src.join(Path::new(&name))).expect("reads");
        assert!(
            text.starts_with("//!"),
            "{name} does not say what it is for"
        );
        let lines = text.lines().count();
        assert!(lines <= 700, "{name} has {lines} lines");
    }
}
