//! The command line as such: help, JSON, logs, schema files, completions, colours.

use serde_json::Value;

use crate::clinic;
use crate::world::{World, martlet, repository};

/// The allocator has something to say where it is told to have an arena for each core.
#[test]
fn a_process_that_may_use_one_core_says_nothing_of_it() {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux says which cores");
    let cores = status.split("Cpus_allowed_list:").nth(1).expect("a list");
    let one: String = cores
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    let mut command = std::process::Command::new("taskset");
    let command = command.args(["-c", &one]).arg(martlet()).arg("--version");
    let output = command.output().expect("taskset of util-linux");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn help() {
    let world = World::empty();
    for command in [
        "",
        "run",
        "check",
        "plan",
        "test",
        "ls",
        "query",
        "quarantine",
        "quarantine show",
        "quarantine report",
        "sample",
        "schema",
        "completions",
    ] {
        let ran = world.martlet(&format!("{command} --help")).exits(0);
        assert_eq!(ran.stderr, "");
        let name = if command.is_empty() {
            "martlet"
        } else {
            &command.replace(' ', "_")
        };
        insta::assert_snapshot!(format!("help_{name}"), ran.stdout);
    }
    assert_eq!(
        world.martlet("--version").exits(0).stdout,
        format!("martlet {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_command_line_that_makes_no_sense_is_2_and_never_starts() {
    let world = clinic::world();
    for line in [
        "",
        "rnu",
        "run --ful-refresh",
        "run --jobs many",
        "query",
        "sample",
        "completions nosuch",
        "sample --out x --end 2026",
        "sample --out x --months 0",
        "schema nosuch",
    ] {
        let ran = world.martlet(line).exits(2);
        assert!(!ran.stderr.is_empty() && ran.stdout.is_empty(), "{line}");
    }
    world.martlet("run --project nowhere").exits(2);
    assert!(!world.path("lake").exists());
}

#[test]
fn json_is_one_document_for_every_command() {
    let world = clinic::world();
    world.write("tests/pipelines/clinic.yaml", crate::unit_tests::GOOD);
    for (line, code) in [
        ("check", 0),
        ("plan", 0),
        ("plan --exit-code", 9),
        ("ls", 0),
        ("test", 0),
        ("run", 0),
        ("run", 0),
        ("query FROM_mart.sites", 2),
        ("quarantine ls", 0),
        ("quarantine show visits", 0),
        ("quarantine report --provider RVV --out out", 0),
        ("quarantine report --provider RXX --out out", 2),
        ("schema --check", 2),
        ("run mart.nosuch", 2),
        ("sample --people 10 --months 1 --out sample", 0),
    ] {
        let ran = world.martlet(&format!("{line} --json")).exits(code);
        let document = ran.json();
        assert_eq!(
            document["ok"],
            Value::Bool(code == 0 || code == 9),
            "{line}: {document}"
        );
        if code == 2 {
            assert_eq!(document["exit"], 2);
            assert!(
                document["diagnostics"]
                    .as_array()
                    .is_some_and(|d| !d.is_empty())
            );
        }
    }
    // An answer is a list of rows.
    let ran = world
        .martlet_with(["query", "SELECT site FROM mart.sites", "--json"])
        .exits(0);
    assert_eq!(
        ran.json(),
        serde_json::json!([{ "site": "Ashford" }, { "site": "Maidstone" }])
    );
}

#[test]
fn a_json_log_is_one_record_a_line_good_night_or_bad() {
    let world = clinic::world();
    let events = |world: &World, code: i32| -> Vec<String> {
        let ran = world.martlet("run --log-format json").exits(code);
        assert_eq!(ran.stdout, "");
        ran.stderr
            .lines()
            .map(|line| {
                let record: Value =
                    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
                assert!(
                    record["timestamp"].is_string() && record["level"].is_string(),
                    "{line}"
                );
                record["event"]
                    .as_str()
                    .unwrap_or_else(|| panic!("no event: {line}"))
                    .to_owned()
            })
            .collect()
    };
    let good = events(&world, 0);
    for event in [
        "selected",
        "started",
        "ingested",
        "broken",
        "made",
        "published",
    ] {
        assert!(good.iter().any(|e| e == event), "no {event} in {good:?}");
    }
    world.write("inbox/visits/visits_RVV_2026-03.csv", "");
    let bad = events(&world, 1);
    for event in ["failed", "skipped", "withheld", "error"] {
        assert!(bad.iter().any(|e| e == event), "no {event} in {bad:?}");
    }
}

#[test]
fn colour_is_only_where_it_is_asked_for() {
    let world = clinic::world();
    world.write("pipelines/clinic.yaml", "pipelin: clinic\n");
    let escape = '\u{1b}';
    assert!(
        !world.martlet("check").exits(2).stderr.contains(escape),
        "not a terminal"
    );
    assert!(
        world
            .martlet("check --color always")
            .exits(2)
            .stderr
            .contains(escape)
    );
    assert!(
        !world
            .martlet("check --color never")
            .exits(2)
            .stderr
            .contains(escape)
    );
    assert!(
        !world
            .martlet_in(&[("NO_COLOR", "1")], "check")
            .exits(2)
            .stderr
            .contains(escape)
    );
    assert!(
        !world
            .martlet_in(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], "check")
            .exits(2)
            .stderr
            .contains(escape)
    );
}

#[test]
fn quiet_says_only_what_is_wrong() {
    let world = clinic::world();
    let ran = world
        .martlet("run --quiet mart.sites reference.sites")
        .exits(0);
    assert!(
        !ran.stderr.contains("Making") && !ran.stderr.contains("Published"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("Warning source.visits: 1 row breaks"),
        "{}",
        ran.stderr
    );
    assert_eq!(world.martlet("check --quiet").exits(0).stderr, "");
}

#[test]
fn schema_files_of_the_repository_are_what_the_types_say() {
    let world = World::empty();
    for name in ["pipeline", "warehouse", "tests"] {
        let said = world.martlet(&format!("schema {name}")).exits(0).stdout;
        let path = repository().join(format!("config/schema/{name}.json"));
        let kept = std::fs::read_to_string(path).expect("reads");
        assert!(
            said == kept,
            "config/schema/{name}.json is out of date: run `martlet schema`"
        );
        let schema: Value = serde_json::from_str(&said).expect("JSON");
        assert!(schema["$defs"].is_object());
    }
    World::repository().martlet("schema --check").exits(0);
    let stale = World::repository();
    stale.write("config/schema/tests.json", "{}\n");
    stale
        .martlet("schema --check")
        .exits(2)
        .says(&["config/schema/tests.json", "martlet schema"]);
    stale.martlet("schema").exits(0);
    stale.martlet("schema --check").exits(0);
}

#[test]
fn the_repository_checks_without_a_warning() {
    let ran = World::repository().martlet("check").exits(0);
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn completions() {
    let world = World::empty();
    for (shell, words) in [
        ("bash", ["complete -F", "--full-refresh"]),
        ("zsh", ["#compdef martlet", "--full-refresh"]),
        ("fish", ["complete -c martlet", "full-refresh"]),
    ] {
        let script = world
            .martlet(&format!("completions {shell}"))
            .exits(0)
            .stdout;
        for word in words {
            assert!(script.contains(word), "{shell}: no {word}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_nobodys_fault() {
    let world = World::empty();
    let mut command = std::process::Command::new("sh");
    world.settle(&mut command);
    command.arg("-c").arg(format!(
        "'{}' schema pipeline | head -n 1",
        crate::world::martlet().display()
    ));
    let output = command.output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.stdout, b"{\n");
}
