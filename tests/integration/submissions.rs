//! Every file in, none lost, none counted twice: which submissions count, in whatever order and in
//! however many runs they come.

use std::fs;

use crate::clinic::{self, ANN, BOB, CAT};
use crate::determinism::nhs_number;
use crate::parquet_file::Table;
use crate::world::{World, files};

const HEADER: &str = "nhs_number,visit_date,kind,postcode";

/// The clinic, its files with versions, and a list of what was withdrawn.
fn project() -> World {
    let world = clinic::project();
    world
        .edit(
            "pipelines/clinic.yaml",
            "visits_{provider}_{period}.csv\"\n      captures: { provider: ods_code,",
            "visits_{provider}_{period}[_v{sequence}].csv\"\n      supersede: { by: [provider, period], cancelled: reference.cancelled_submissions }\n      captures: { sequence: int, provider: ods_code,",
        )
        .edit("pipelines/clinic.yaml", "\nmodels:", CANCELLED)
        .write(LIST, format!("{LIST_HEADER}\n"))
        .write("inbox/visits/.keep", "");
    world
}

const CANCELLED: &str = r#"
  cancelled_submissions:
    sensitivity: open
    files: { path: config/reference/cancelled_submissions.csv, root: project, csv: {} }
    columns:
      - { name: source, type: string, required: true }
      - { name: file, type: string }
      - { name: provider, type: ods_code }
      - { name: period, type: date, formats: ["%Y-%m-%d"] }
      - { name: sequence, type: int }
      - { name: cancelled_at, type: date, formats: ["%Y-%m-%d"], required: true }
      - { name: reason, type: string }

models:"#;
const LIST: &str = "config/reference/cancelled_submissions.csv";
const LIST_HEADER: &str = "source,file,provider,period,sequence,cancelled_at,reason";

fn cancel(world: &World, rows: &str) {
    world.write(LIST, format!("{LIST_HEADER}\n{rows}\n"));
}

/// So many people's visits, from a first one on.
fn visits(from: u32, to: u32, day: &str) -> String {
    let numbers = (0..).filter_map(|i| nhs_number(400_000_000 + i * 10));
    let rows = numbers.skip(from as usize).take((to - from) as usize);
    let lines: Vec<String> = rows
        .map(|n| format!("{n},{day}/03/2026,first,\n"))
        .collect();
    format!("{HEADER}\n{}", lines.concat())
}

fn put(world: &World, name: &str, text: &str) {
    world.write(&format!("inbox/visits/visits_{name}.csv"), text);
}

fn run(world: &World) {
    world.martlet("run --quiet").exits(0);
}

/// File and status of each submission, as of a day.
#[track_caller]
fn standing(world: &World, flags: &str) -> Vec<(String, String)> {
    let line = format!("submissions visits {flags}");
    let document = world.json(line.trim());
    let lines = document["submissions"].as_array().expect("lines");
    let text = |l: &serde_json::Value, key: &str| l[key].as_str().expect("a text").to_owned();
    lines
        .iter()
        .map(|l| {
            let file = text(l, "file");
            let name = file.trim_start_matches("visits/visits_");
            (name.trim_end_matches(".csv").to_owned(), text(l, "status"))
        })
        .collect()
}

#[track_caller]
fn stands(world: &World, flags: &str, expected: &[(&str, &str)]) {
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(f, s)| ((*f).to_owned(), (*s).to_owned()))
        .collect();
    assert_eq!(standing(world, flags), expected);
}

/// Rows of the source that count: how many, by file.
fn counted(world: &World) -> Vec<Vec<String>> {
    let answer = world.martlet_with([
        "query",
        "SELECT _file, count(*) AS rows FROM source.visits GROUP BY 1 ORDER BY 1",
        "--format",
        "csv",
    ]);
    let text = answer.exits(0).stdout;
    let rows = text.lines().skip(1);
    rows.map(|l| l.split(',').map(str::to_owned).collect())
        .collect()
}

fn seen(world: &World) -> Vec<Vec<String>> {
    let path = world.path("published/alliance/latest/visits.parquet");
    Table::read(&path).only(&["month", "site", "people", "visits"])
}

fn latest(world: &World) -> Vec<(String, String)> {
    let mut all = world.hashes("published/alliance/latest");
    all.retain(|name, _| name.ends_with(".parquet"));
    all.into_iter().collect()
}

/// March of Ashford, sent three times: 30 people, then 20 of them, then 25.
fn three() -> [(&'static str, String); 3] {
    [
        ("RVV_2026-03", visits(0, 30, "05")),
        ("RVV_2026-03_v2", visits(0, 20, "05")),
        ("RVV_2026-03_v3", visits(0, 25, "06")),
    ]
}

#[test]
fn a_month_sent_three_times_in_any_order_in_one_run_or_in_three() {
    let three = three();
    let expected = {
        let world = project();
        for (name, text) in &three {
            put(&world, name, text);
        }
        run(&world);
        (
            world.hashes("lake/staged"),
            latest(&world),
            world.martlet("submissions visits --csv").exits(0).stdout,
        )
    };
    assert!(
        expected.2.ends_with(
            "visits,RVV,2026-03-01,visits/visits_RVV_2026-03.csv,,,30,30,0,superseded\n\
             visits,RVV,2026-03-01,visits/visits_RVV_2026-03_v2.csv,,2,20,20,0,superseded\n\
             visits,RVV,2026-03-01,visits/visits_RVV_2026-03_v3.csv,,3,25,25,0,accepted\n"
        ),
        "{}",
        expected.2
    );
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let world = project();
        for i in order {
            put(&world, three[i].0, &three[i].1);
            run(&world);
        }
        assert_eq!(seen(&world), [["2026-03-01", "Ashford", "25.0", "25.0"]]);
        let view = world.martlet("submissions visits --csv").exits(0).stdout;
        assert_eq!(
            (world.hashes("lake/staged"), latest(&world), view),
            expected,
            "{order:?}"
        );
        let before = world.stamps("lake");
        world.martlet("run").exits(0).says(&["nothing to do"]);
        assert_eq!(world.stamps("lake"), before, "a quiet night writes nothing");
    }
}

/// RVV March v1: 120 rows. v2, in June: 25 of them deleted, 10 changed, 95 in all.
fn trap_15() -> World {
    let world = project();
    put(&world, "RVV_2026-03", &visits(0, 120, "05"));
    put(
        &world,
        "RVV_2026-04",
        &visits(0, 40, "30").replace("/03/", "/04/"),
    );
    world.write(
        "inbox/manifest.csv",
        "file,received_at,sequence\n\
         visits/visits_RVV_2026-03.csv,2026-04-02T09:00:00,1\n\
         visits/visits_RVV_2026-03_v2.csv,2026-06-11,2\n\
         visits/visits_RVV_2026-04.csv,2026-04-09,1\n",
    );
    world
}

fn corrected() -> String {
    let changed = visits(25, 35, "09");
    let rest = visits(35, 120, "05");
    format!("{changed}{}", rest.split_once('\n').expect("a header").1)
}

#[test]
fn trap_15_a_corrected_month_becomes_exactly_the_correction() {
    let world = trap_15();
    world
        .martlet("run")
        .exits(0)
        .says(&["the manifest names `visits/visits_RVV_2026-03_v2.csv`, which has not arrived"]);
    let published_on_10_april = latest(&world);
    let april = ["visits/visits_RVV_2026-04.csv".to_owned(), "40".to_owned()];
    let march = |file: &str, rows: &str| {
        let file = format!("visits/visits_{file}.csv");
        vec![vec![file, rows.to_owned()], april.to_vec()]
    };
    assert_eq!(counted(&world), march("RVV_2026-03", "120"));

    put(&world, "RVV_2026-03_v2", &corrected());
    // On 10 April nobody had seen it: it is taken, and nothing changes.
    run(&world);
    assert_eq!(latest(&world), published_on_10_april);
    let ran = world.martlet("run --as-of 2026-06-12").exits(0);
    ran.says(&["source.visits: 1 file, 95 received, 95 good"]);
    assert_eq!(counted(&world), march("RVV_2026-03_v2", "95"));
    let corrected_marts = latest(&world);
    // A warehouse that never saw v1 says the same.
    let only = trap_15();
    only.remove("inbox/visits/visits_RVV_2026-03.csv");
    put(&only, "RVV_2026-03_v2", &corrected());
    only.martlet("run --quiet --as-of 2026-06-12").exits(0);
    assert_eq!(latest(&only), corrected_marts);

    // Running April again brings nothing back, nor does a new April, nor a full refresh.
    world
        .martlet("run --as-of 2026-06-12")
        .exits(0)
        .says(&["nothing to do"]);
    put(
        &world,
        "RVV_2026-04",
        &visits(0, 41, "30").replace("/03/", "/04/"),
    );
    world.martlet("run --quiet --as-of 2026-06-12").exits(0);
    assert_eq!(counted(&world)[0], march("RVV_2026-03_v2", "95")[0]);
    put(
        &world,
        "RVV_2026-04",
        &visits(0, 40, "30").replace("/03/", "/04/"),
    );
    world
        .martlet("run --quiet --as-of 2026-06-12 --full-refresh")
        .exits(0);
    assert_eq!(latest(&world), corrected_marts);

    // As published on 10 April, and back, also when the inbox is empty.
    for folder in [
        "inbox/visits/visits_RVV_2026-03.csv",
        "inbox/visits/visits_RVV_2026-03_v2.csv",
        "inbox/visits/visits_RVV_2026-04.csv",
        "inbox/manifest.csv",
    ] {
        world.remove(folder);
    }
    let ledger = world.read("lake/state/submissions/source.visits.json");
    world.martlet("run --quiet --as-of 2026-04-10").exits(0);
    assert_eq!(latest(&world), published_on_10_april);
    world.martlet("run --quiet --as-of 2026-06-12").exits(0);
    assert_eq!(latest(&world), corrected_marts);
    assert_eq!(
        world.read("lake/state/submissions/source.visits.json"),
        ledger
    );
}

#[test]
fn trap_15_a_cancelled_correction_returns_the_month_to_what_it_was() {
    let world = trap_15();
    run(&world);
    let with_v1 = latest(&world);
    put(&world, "RVV_2026-03_v2", &corrected());
    world.martlet("run --quiet --as-of 2026-06-25").exits(0);
    let with_v2 = latest(&world);
    assert_ne!(with_v1, with_v2);
    cancel(
        &world,
        "source.visits,,RVV,2026-03-01,2,2026-06-20,wrong salt",
    );
    let ran = world
        .martlet("plan --as-of 2026-06-25 --exit-code")
        .exits(9);
    assert!(
        ran.stdout
            .contains("it reads reference.cancelled_submissions"),
        "{}",
        ran.stdout
    );
    world.martlet("run --quiet --as-of 2026-06-25").exits(0);
    assert_eq!(latest(&world), with_v1);
    stands(
        &world,
        "--as-of 2026-06-25",
        &[
            ("RVV_2026-03", "accepted"),
            ("RVV_2026-03_v2", "cancelled"),
            ("RVV_2026-04", "accepted"),
        ],
    );
    // The day before the cancellation, v2 stood.
    world.martlet("run --quiet --as-of 2026-06-19").exits(0);
    assert_eq!(latest(&world), with_v2);
    // A third submission after it is not what was withdrawn.
    cancel(&world, "visits,,RVV,2026-03-01,,2026-06-20,all of them");
    world.write(
        "inbox/visits/manifest.csv",
        "file,received_at,sequence\nvisits/visits_RVV_2026-03_v3.csv,2026-06-22,3\n",
    );
    put(&world, "RVV_2026-03_v3", &visits(0, 7, "05"));
    world.martlet("run --quiet --as-of 2026-06-25").exits(0);
    assert_eq!(
        counted(&world)[0],
        ["visits/visits_RVV_2026-03_v3.csv", "7"]
    );
}

#[test]
fn trap_15_a_late_first_version_does_not_win() {
    let world = trap_15();
    let v1 = world.read("inbox/visits/visits_RVV_2026-03.csv");
    world.remove("inbox/visits/visits_RVV_2026-03.csv");
    put(&world, "RVV_2026-03_v2", &corrected());
    world.martlet("run --quiet --as-of 2026-06-12").exits(0);
    let before = latest(&world);
    put(&world, "RVV_2026-03", &v1);
    let ran = world.martlet("plan --as-of 2026-06-12").exits(0);
    assert!(ran.stdout.contains("visits/visits_RVV_2026-03.csv"));
    let ran = world.martlet("run --as-of 2026-06-12").exits(0);
    ran.says(&["Submissions source.visits: 2 accepted, 1 superseded"]);
    assert_eq!(latest(&world), before);
    // The story of both.
    let said = world.martlet("submissions show visits_RVV_2026-03.csv --as-of 2026-06-12");
    let said = said.exits(0).stdout;
    for words in [
        "status  superseded",
        "replaced by  visits/visits_RVV_2026-03_v2.csv",
        "120 received, 120 good, 0 quarantined",
        "received  2026-04-02 09:00:00",
        "lake/landing/visits/",
        "lake/quarantine/visits/",
    ] {
        assert!(said.contains(words), "{words} is not in\n{said}");
    }
}

#[test]
fn the_same_bytes_count_once() {
    let world = project();
    put(&world, "RVV_2026-03", &visits(0, 30, "05"));
    put(&world, "RVV_2026-03_v2", &visits(0, 30, "05"));
    put(&world, "RWF_2026-03", &visits(0, 30, "05"));
    put(&world, "RVV_2026-01", &format!("{HEADER}\n"));
    put(&world, "RVV_2026-02", &format!("{HEADER}\n"));
    let ran = world.martlet("run").exits(0);
    ran.says(&[
        "`visits/visits_RWF_2026-03.csv` has the same bytes as `visits/visits_RVV_2026-03.csv`: they count once",
        "Submissions source.visits: 3 accepted, 2 duplicate",
    ]);
    assert!(!ran.stderr.contains("2026-02.csv` has the same bytes"));
    stands(
        &world,
        "",
        &[
            ("RVV_2026-01", "accepted"),
            ("RVV_2026-02", "accepted"),
            ("RVV_2026-03", "accepted"),
            ("RVV_2026-03_v2", "duplicate"),
            ("RWF_2026-03", "duplicate"),
        ],
    );
    stands(
        &world,
        "--provider rwf --status duplicate",
        &[("RWF_2026-03", "duplicate")],
    );
    stands(&world, "--period 2026-02", &[("RVV_2026-02", "accepted")]);
}

#[test]
fn a_return_to_what_was_sent_before_is_a_submission() {
    let world = project();
    let (a, b) = (visits(0, 30, "05"), visits(0, 20, "05"));
    // Under one name, the later replaces the earlier.
    for (text, rows) in [(&a, "30"), (&b, "20"), (&a, "30")] {
        put(&world, "RVV_2026-03", text);
        run(&world);
        assert_eq!(counted(&world), [["visits/visits_RVV_2026-03.csv", rows]]);
    }
    stands(
        &world,
        "",
        &[
            ("RVV_2026-03", "superseded"),
            ("RVV_2026-03", "superseded"),
            ("RVV_2026-03", "accepted"),
        ],
    );
    // Under names of their own, whatever order they come in.
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let world = project();
        let names = ["RVV_2026-03_v1", "RVV_2026-03_v2", "RVV_2026-03_v3"];
        let texts = [&a, &b, &a];
        for i in order {
            put(&world, names[i], texts[i]);
            run(&world);
        }
        assert_eq!(
            counted(&world),
            [["visits/visits_RVV_2026-03_v3.csv", "30"]]
        );
    }
}

#[test]
fn two_files_that_say_nothing_of_their_order_are_an_error() {
    let world = project();
    put(&world, "RVV_2026-03", &visits(0, 30, "05"));
    put(&world, "RVV_2026-03_v1", &visits(0, 20, "05"));
    let ran = world.martlet("run").exits(1);
    ran.says(&[
        "error[file-name]",
        "`visits/visits_RVV_2026-03.csv` and `visits/visits_RVV_2026-03_v1.csv` are the same submission",
        "manifest.csv",
        "cancelled",
    ]);
    assert!(!world.path("published").exists());
    // A plan says so before a run and after one; the list shows that neither counts.
    let planned = world.martlet("plan").exits(1);
    planned.says(&["error[file-name]", "neither is the newer", "manifest.csv"]);
    stands(
        &world,
        "",
        &[("RVV_2026-03", "rejected"), ("RVV_2026-03_v1", "rejected")],
    );
    let listed = world.martlet("submissions visits").exits(0).stdout;
    assert!(
        listed.contains("; rejected: tied with visits/visits_RVV_2026-03_v1.csv"),
        "{listed}"
    );
    let shown = world
        .martlet("submissions show visits_RVV_2026-03.csv")
        .exits(0)
        .stdout;
    assert!(
        shown.contains("because of  tied\n     tied with  visits/visits_RVV_2026-03_v1.csv"),
        "{shown}"
    );
    // Either of three helps, without touching what the sender sent.
    world.write(
        "inbox/manifest.csv",
        "file,received_at,sequence\nvisits/visits_RVV_2026-03_v1.csv,2026-04-01,\n",
    );
    run(&world);
    assert_eq!(
        counted(&world),
        [["visits/visits_RVV_2026-03_v1.csv", "20"]]
    );
    world.remove("inbox/manifest.csv");
    run(&world);
    assert_eq!(
        counted(&world),
        [["visits/visits_RVV_2026-03_v1.csv", "20"]]
    );

    let world = project();
    put(&world, "RVV_2026-03", &visits(0, 30, "05"));
    put(&world, "RVV_2026-03_v1", &visits(0, 20, "05"));
    world.martlet("run --quiet").exits(1);
    cancel(
        &world,
        "visits,visits/visits_RVV_2026-03_v1.csv,,,,2026-04-01,a test",
    );
    // The list may say something else once it is read: the plan does not cry wolf.
    let planned = world.martlet("plan --exit-code").exits(9);
    assert!(
        planned
            .stdout
            .contains("it reads reference.cancelled_submissions"),
        "{}",
        planned.stdout
    );
    run(&world);
    assert_eq!(counted(&world), [["visits/visits_RVV_2026-03.csv", "30"]]);
}

#[test]
fn what_left_the_inbox_still_counts() {
    let world = clinic::world();
    run(&world);
    let bytes = || {
        world
            .hashes("lake/models")
            .into_values()
            .collect::<Vec<_>>()
    };
    let (before, made) = (latest(&world), bytes());
    for file in files(&world.path("inbox")) {
        fs::remove_file(file).expect("removes");
    }
    let stamps = world.stamps("lake");
    world.martlet("run").exits(0).says(&["nothing to do"]);
    assert_eq!(world.stamps("lake"), stamps);
    // Another contract: rows are read again, from the copies.
    world.edit(
        "pipelines/clinic.yaml",
        "accepted: [first, repeat]",
        "accepted: [first, repeat, home]",
    );
    world
        .martlet("run")
        .exits(0)
        .says(&["source.visits: 4 files, 6 received, 6 good"]);
    assert_eq!(bytes(), made);
    assert_eq!(seen(&world), clinic::VISITS);
    world.martlet("run --quiet --full-refresh").exits(0);
    assert_eq!(latest(&world).len(), before.len());
    // With the copies and the ledger alone, all else is made again.
    for folder in [
        "staged",
        "quarantine",
        "models",
        "candidates",
        "state/nodes",
    ] {
        world.remove(&format!("lake/{folder}"));
    }
    run(&world);
    assert_eq!(seen(&world), clinic::VISITS);
    assert_eq!(bytes(), made);
    // A copy that is damaged is not read, and nothing else has the bytes.
    let copy = files(&world.path("lake/landing/visits")).remove(0);
    fs::write(&copy, "nonsense").expect("writes");
    world.martlet("run --full-refresh").exits(1).says(&[
        "error[state]",
        "is gone or damaged",
        "lake/landing/visits/",
    ]);
    assert_eq!(seen(&world), clinic::VISITS);
    clinic::january(&world);
    clinic::february(&world);
    world.martlet("run --quiet --full-refresh").exits(0);
}

#[test]
fn a_clock_that_goes_backwards_changes_nothing() {
    let world = project();
    put(&world, "RVV_2026-03", &visits(0, 30, "05"));
    run(&world);
    let path = "lake/state/submissions/source.visits.json";
    let mut ledger: serde_json::Value = serde_json::from_str(&world.read(path)).expect("JSON");
    ledger["submissions"][0]["taken_at"] = "2099-01-01T00:00:00Z".into();
    world.write(path, ledger.to_string());
    put(&world, "RVV_2026-03", &visits(0, 20, "05"));
    run(&world);
    assert_eq!(counted(&world), [["visits/visits_RVV_2026-03.csv", "20"]]);
}

#[test]
fn the_inbox_is_only_read() {
    let world = clinic::world();
    let before = (world.stamps("inbox"), world.hashes("inbox"));
    run(&world);
    assert_eq!((world.stamps("inbox"), world.hashes("inbox")), before);
    for (name, hash) in world.hashes("lake/landing") {
        assert!(name.contains(&hash), "{name}");
    }
    assert_eq!(files(&world.path("lake/landing/visits")).len(), 4);
    assert_eq!(files(&world.path("lake/landing/sites")).len(), 1);
}

#[test]
fn a_file_that_cannot_be_read_stops_its_source_or_gives_way() {
    let world = project();
    put(&world, "RVV_2026-03", &visits(0, 30, "05"));
    run(&world);
    put(&world, "RVV_2026-03_v2", "not,the\nright,file\n");
    for _ in 0..2 {
        let ran = world.martlet("run").exits(1);
        ran.says(&["error[header]", "visits_RVV_2026-03_v2.csv"]);
        let ran = world.martlet("plan --exit-code").exits(9);
        assert!(ran.stdout.contains("could not be read"), "{}", ran.stdout);
    }
    stands(
        &world,
        "",
        &[("RVV_2026-03", "accepted"), ("RVV_2026-03_v2", "rejected")],
    );
    let ledger = world.read("lake/state/submissions/source.visits.json");
    assert!(ledger.contains("\"unreadable\": \"header\""), "{ledger}");
    world.edit(
        "pipelines/clinic.yaml",
        "      supersede:",
        "      on_unreadable: reject\n      supersede:",
    );
    let before = world.stamps("lake/state/submissions");
    let ran = world.martlet("run").exits(0);
    ran.says(&[
        "the file cannot be read (header)",
        "visits_RVV_2026-03_v2.csv",
    ]);
    assert_eq!(
        world.stamps("lake/state/submissions"),
        before,
        "it is not read again"
    );
    assert_eq!(counted(&world), [["visits/visits_RVV_2026-03.csv", "30"]]);
    // Taken out of the inbox again, it stops nothing.
    world.edit("pipelines/clinic.yaml", "      on_unreadable: reject\n", "");
    world.remove("inbox/visits/visits_RVV_2026-03_v2.csv");
    let ran = world.martlet("run").exits(0);
    assert!(!ran.stderr.contains("cannot be read"));
    put(&world, "RVV_2026-03_v2", "not,the\nright,file\n");
    world.martlet("run --quiet").exits(1);
    // The next one counts, and what is wrong with the one before does not matter.
    put(&world, "RVV_2026-03_v3", &visits(0, 12, "05"));
    run(&world);
    assert_eq!(
        counted(&world),
        [["visits/visits_RVV_2026-03_v3.csv", "12"]]
    );
}

#[test]
fn a_file_that_a_rule_refuses_gives_way_to_the_one_before() {
    let world = project();
    world.edit(
        "pipelines/clinic.yaml",
        "required: true }\n      - { name: kind",
        "required: true, checks: [{ required: { on_fail: reject_file } }] }\n      - { name: kind",
    );
    put(&world, "RVV_2026-03", &visits(0, 30, "05"));
    put(
        &world,
        "RVV_2026-03_v2",
        &format!("{HEADER}\n{ANN},,first,\n{BOB},05/03/2026,first,\n"),
    );
    world
        .martlet("run")
        .exits(0)
        .says(&["1 accepted, 1 rejected"]);
    assert_eq!(counted(&world), [["visits/visits_RVV_2026-03.csv", "30"]]);
    let said = world
        .martlet("submissions show visits_RVV_2026-03_v2.csv")
        .exits(0)
        .stdout;
    assert!(
        said.contains("because of  `required` of `visit_date`"),
        "{said}"
    );
}

/// The clinic as deltas: later rows of a person and day replace earlier ones.
fn deltas(delivery: &str) -> World {
    let world = clinic::project();
    world.edit(
        "pipelines/clinic.yaml",
        "      path: \"visits/visits_{provider}_{period}.csv\"\n      captures: {",
        &format!("      path: \"visits/visits_{{provider}}_{{period}}[_d{{sequence}}].csv\"\n      delivery: {delivery}\n      captures: {{ sequence: int,"),
    );
    world.edit(
        "pipelines/clinic.yaml",
        "pseudonymise: person_key, checks: [{ valid: { on_fail: warn } }] }",
        "pseudonymise: person_key, required: true }",
    );
    world
}

#[test]
fn later_rows_take_the_place_of_rows_with_the_same_key() {
    let first = format!("{HEADER}\n{ANN},05/03/2026,first,\n{BOB},06/03/2026,first,\n");
    let second = format!(
        "{HEADER}\n{BOB},06/03/2026,repeat,\n{CAT},07/03/2026,first,\n{CAT},07/03/2026,repeat,\n"
    );
    let third = format!("{HEADER}\n{ANN},05/03/2026,repeat,\n");
    let texts = [
        ("RVV_2026-03", &first),
        ("RVV_2026-03_d2", &second),
        ("RVV_2026-03_d3", &third),
    ];
    let mut all = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let world = deltas("{ upsert: { unique_key: [person_key, visit_date] } }");
        for i in order {
            put(&world, texts[i].0, texts[i].1);
            run(&world);
        }
        let answer = world.martlet_with([
            "query",
            "SELECT visit_date, kind, _file, _line FROM source.visits ORDER BY 1",
            "--format",
            "csv",
        ]);
        assert_eq!(
            answer.exits(0).stdout,
            "visit_date,kind,_file,_line\n\
             2026-03-05,repeat,visits/visits_RVV_2026-03_d3.csv,2\n\
             2026-03-06,repeat,visits/visits_RVV_2026-03_d2.csv,2\n\
             2026-03-07,repeat,visits/visits_RVV_2026-03_d2.csv,4\n"
        );
        all.push((
            world.hashes("lake/merged"),
            world.hashes("lake/staged"),
            latest(&world),
        ));
        world.martlet("run").exits(0).says(&["nothing to do"]);
    }
    assert_eq!(all[0], all[1]);
    assert_eq!(all[0], all[2]);
}

#[test]
fn events_only_add_and_the_same_bytes_add_once() {
    let world = deltas("events");
    put(
        &world,
        "RVV_2026-03",
        &format!("{HEADER}\n{ANN},05/03/2026,first,\n"),
    );
    put(
        &world,
        "RVV_2026-03_d2",
        &format!("{HEADER}\n{BOB},05/03/2026,first,\n"),
    );
    put(
        &world,
        "RVV_2026-03_d3",
        &format!("{HEADER}\n{ANN},05/03/2026,first,\n"),
    );
    run(&world);
    assert_eq!(seen(&world), [["2026-03-01", "Ashford", "2.0", "2.0"]]);
    stands(
        &world,
        "",
        &[
            ("RVV_2026-03", "accepted"),
            ("RVV_2026-03_d2", "accepted"),
            ("RVV_2026-03_d3", "duplicate"),
        ],
    );
    // Other bytes under the same name add too.
    put(
        &world,
        "RVV_2026-03",
        &format!("{HEADER}\n{CAT},05/03/2026,first,\n"),
    );
    run(&world);
    assert_eq!(seen(&world), [["2026-03-01", "Ashford", "3.0", "3.0"]]);
}

#[test]
fn a_past_view_says_where_it_cannot_be_exact() {
    let world = clinic::world();
    run(&world);
    let ran = world.martlet("run --as-of 2026-03-01").exits(0);
    ran.says(&["source.visits: of 4 of its files it is not known when they were received"]);
    assert_eq!(ran.stderr.matches("it is not known when").count(), 1);
    assert!(!world.martlet("run").stderr.contains("it is not known when"));
}

#[test]
fn a_manifest_that_is_wrong_names_the_line() {
    let world = project();
    put(&world, "RVV_2026-03", &visits(0, 3, "05"));
    world.write(
        "inbox/visits/manifest.csv",
        "file,received_at\nvisits/visits_RVV_2026-03.csv,1st of April\n",
    );
    let ran = world.martlet("run").exits(1);
    ran.says(&[
        "visits/manifest.csv:2",
        "`received_at` is not a day or a time",
    ]);
    assert!(!ran.stderr.contains("1st of April"));
}

#[test]
fn what_the_project_says_of_submissions_is_checked() {
    let world = project();
    world.edit(
        "pipelines/clinic.yaml",
        "      - { name: sequence, type: int }\n",
        "",
    );
    world
        .martlet("check")
        .exits(2)
        .says(&["`reference.cancelled_submissions` has no column `sequence` of type int"]);
    let world = project();
    world.edit("pipelines/clinic.yaml", "[_v{sequence}]", "[_v{sequence}");
    world
        .martlet("check")
        .exits(2)
        .says(&["the brackets in the path do not match"]);
    let world = deltas("{ upsert: { unique_key: [person_key, kind] } }");
    world
        .martlet("check")
        .exits(2)
        .says(&["`kind` is part of a key and may be null", "required: true"]);
    let world = project();
    world.edit(
        "pipelines/clinic.yaml",
        "      supersede:",
        "      delivery: events\n      supersede:",
    );
    world.martlet("check").exits(2).says(&["events only add"]);
    let world = project();
    world.edit(
        "pipelines/clinic.yaml",
        "sequence: int,",
        "sequence: string,",
    );
    world
        .martlet("check")
        .exits(2)
        .says(&["the capture `sequence` must be int"]);
    let world = project();
    world
        .martlet("submissions show nothing.csv")
        .exits(2)
        .says(&["no submission is called `nothing.csv`"]);
}
