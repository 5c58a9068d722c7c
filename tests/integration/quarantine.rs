//! What is refused, and what its sender can do about it.

use std::fs;

use crate::clinic::{self, ANN, BOB, CAT, NOBODY};
use crate::parquet_file::Table;
use crate::world::World;

const PIPELINE: &str = "pipelines/clinic.yaml";
const JANUARY: &str = "inbox/visits/visits_RVV_2026-01.csv";
const HEADER: &str = "nhs_number,visit_date,kind,postcode\n";

/// The clinic with more rules, a second source, and files that break them.
///
/// RVV, visits of January: 8 received. Line 3 repeats line 2, line 5 has no date, line 6 a day that
/// is none, line 8 a kind that is none: 4 refused. Line 7 is a total: 1 dropped. 3 good.
/// RVV, counts of January: 8 received; lines 3 to 8 are refused, each for one fault. 2 good.
/// RWF: one row of each is refused.
fn world() -> World {
    let world = clinic::project();
    world
        .edit(
            PIPELINE,
            "expression: \"visit_date >= DATE '2020-01-01'\" }\n",
            "expression: \"visit_date >= DATE '2020-01-01'\" }
      - { name: one_visit_a_day, unique: [person_key, visit_date] }
      - { name: known_site, relationship: { column: provider, to: reference.sites.provider } }
    drop_rows:
      - { name: totals, expression: \"kind = 'TOTAL'\" }
  counts:
    description: People by area.
    sensitivity: aggregate
    files:
      path: \"counts/counts_{org}_{period}.csv\"
      captures: { org: ods_code, period: { month: \"%Y-%m\" } }
      csv: {}
    columns:
      - { name: area, type: string, from: [\"Area <name>\"], unique: true, required: true }
      - { name: people, type: int, from: [People], min: 0, max: 1000, checks: [{ range: { error_if: \"> 50%\" } }] }
",
        )
        .write(
            JANUARY,
            format!(
                "{HEADER}\
                 {ANN},05/01/2026,first,TN24 0LZ\n\
                 {ANN},05/01/2026,repeat,TN24 0LZ\n\
                 {BOB},20/01/2026,first,ME14 1XX\n\
                 {BOB},,first,ME14 1XX\n\
                 {CAT},31/02/2026,first,ME14 2YY\n\
                 ,,TOTAL,\n\
                 {BOB},21/01/2026,secnd,ME14 1XX\n\
                 {BOB},22/01/2026,repeat,ME14 1XX\n"
            ),
        )
        .write(
            "inbox/visits/visits_RWF_2026-01.csv",
            format!("{HEADER}{CAT},07/01/2026,third,ME14 2YY\n{CAT},08/01/2026,first,ME14 2YY\n"),
        )
        .write(
            "inbox/counts/counts_RVV_2026-01.csv",
            "Area <name>,People\n\
             Ashford,12\n\
             Ashford,13\n\
             Canterbury,*\n\
             Dover,<script>alert(1)</script>\n\
             Folkestone,=1+1\n\
             Hythe,-5\n\
             Lydd,9434765919\n\
             Deal,40\n",
        )
        .write(
            "inbox/counts/counts_RWF_2026-01.csv",
            "Area <name>,People\nMaidstone,only-at-the-other-trust\nTonbridge,7\n",
        );
    clinic::february(&world);
    world
}

fn report(world: &World) -> (String, String) {
    world
        .martlet("quarantine report --provider RVV --out out")
        .exits(0);
    (
        world.read("out/quarantine_RVV.html"),
        world.read("out/quarantine_RVV.csv"),
    )
}

#[test]
fn what_is_refused_can_be_listed_and_shown() {
    let world = world();
    let ran = world.martlet("run").exits(0);
    ran.says(&["source.visits: 4 files, 12 received, 6 good, 5 quarantined, 1 dropped"]);
    let listed = world.martlet("quarantine ls").exits(0);
    insta::assert_snapshot!("ls", listed.stdout);
    listed.says(&["Quarantine 12 rows refused, in 4 files of 7"]);
    let one = world.martlet("quarantine ls source.counts").exits(0);
    assert!(!one.stdout.contains("source.visits"), "{}", one.stdout);
    insta::assert_snapshot!(
        "show",
        world.martlet("quarantine show visits").exits(0).stdout
    );
    let rule = world
        .martlet("quarantine show counts_RVV_2026-01.csv --rule range --limit 1")
        .exits(0);
    insta::assert_snapshot!("show_rule", rule.stdout);
    rule.says(&["Shown 1 of 2; --limit 0 shows all"]);

    let document = world.json("quarantine ls visits");
    let file = &document["files"][0];
    assert_eq!(file["file"], "visits/visits_RVV_2026-01.csv");
    assert_eq!(file["captures"]["period"], "2026-01");
    assert_eq!(file["provider"], "RVV");
    assert_eq!(
        [&file["received"], &file["good"], &file["refused"]],
        [8, 3, 4]
    );
    assert_eq!(file["dropped"]["totals"], 1);
    let document = world.json("quarantine show visits_RWF_2026-01.csv");
    assert_eq!(document["rows"], 1);
    let row = &document["files"][0]["rows"][0];
    assert_eq!(row["line"], 2);
    assert_eq!(row["rule"], "accepted");
    assert_eq!(row["value"], "aaaaa");
}

#[test]
fn a_report_holds_one_senders_rows_and_nobody_in_them() {
    let world = world();
    world.martlet("run --quiet").exits(0);
    let (page, csv) = report(&world);
    insta::assert_snapshot!("report_html", world.filtered(&page));
    insta::assert_snapshot!("report_csv", csv);
    for text in [&page, &csv] {
        for secret in [
            ANN,
            BOB,
            CAT,
            NOBODY,
            "TN24",
            "ME14",
            "TN24 0LZ",
            "secnd",
            "31/02/2026",
            "943 476",
        ] {
            assert!(!text.contains(secret), "{secret}");
        }
        for other in ["RWF", "Maidstone", "only-at-the-other-trust", "third"] {
            assert!(!text.contains(other), "{other}");
        }
    }
    assert!(!page.contains("<script"), "escaped");
    assert!(!page.contains("<name>"), "escaped");
    for network in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(network), "{network}");
    }
    for line in csv.trim_start_matches('\u{feff}').lines() {
        for field in line.split(',') {
            let field = field.trim_matches('"');
            assert!(!field.starts_with(['=', '+', '-', '@']), "{line}");
        }
    }
    // The same refused rows are the same bytes.
    assert_eq!(report(&world), (page, csv));
    let other = world
        .martlet("quarantine report --provider rwf --out out --json")
        .exits(0)
        .json();
    assert_eq!(other["provider"], "RWF");
    assert_eq!(other["refused"], 2);
    assert!(
        world
            .read("out/quarantine_RWF.html")
            .contains("only-at-the-other-trust")
    );
}

#[test]
fn a_sender_of_whom_nothing_is_refused_gets_a_report_that_says_so() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    let (page, csv) = report(&world);
    assert!(page.contains("No row of theirs is refused"), "{page}");
    assert_eq!(csv.lines().count(), 1, "{csv}");
    world
        .martlet("quarantine ls")
        .exits(0)
        .says(&["Quarantine nothing is refused of 5"]);
}

#[test]
fn senders_files_and_rules_that_are_unknown_have_their_nearest_spelling() {
    let world = world();
    let before = world.martlet("quarantine report --provider RVV").exits(2);
    before.says(&["no file of the provider `RVV` counts"]);
    world.martlet("run --quiet").exits(0);
    let ran = world.martlet("quarantine report --provider RVW").exits(2);
    ran.says(&[
        "no file of the provider `RVW` counts",
        "did you mean `RVV`?",
        "RVV, RWF",
    ]);
    assert!(!world.path("quarantine_RVW.html").exists());
    world
        .martlet("quarantine show visit")
        .exits(2)
        .says(&["did you mean `visits`?"]);
    world
        .martlet("quarantine show visits --rule acepted")
        .exits(2)
        .says(&["there is no rule `acepted`", "did you mean `accepted`?"]);
    world
        .martlet("quarantine ls visit")
        .exits(2)
        .says(&["no source or reference", "did you mean `visits`?"]);
}

fn rows(world: &World) -> u64 {
    let document: serde_json::Value =
        serde_json::from_str(&world.read("lake/state/nodes/source.visits.json")).expect("JSON");
    document["made"]["rows"].as_u64().expect("rows")
}

#[test]
fn mending_the_rule_brings_the_rows_in() {
    let world = world();
    world.martlet("run --quiet").exits(0);
    assert_eq!(rows(&world), 6);
    world.edit(PIPELINE, "[first, repeat]", "[first, repeat, secnd, third]");
    world.martlet("run --quiet").exits(0);
    assert_eq!(rows(&world), 8);
    let (page, _) = report(&world);
    assert!(
        !page.contains("not one of those that are accepted"),
        "{page}"
    );
    assert!(
        page.contains("8 rows received: 4 good, 3 refused, 1 dropped"),
        "{page}"
    );
}

#[test]
fn mending_the_file_brings_the_rows_in() {
    let world = world();
    world.martlet("run --quiet").exits(0);
    world
        .edit(JANUARY, "secnd", "repeat")
        .edit(JANUARY, "31/02", "28/01");
    world.martlet("run --quiet").exits(0);
    assert_eq!(rows(&world), 8);
    let (page, csv) = report(&world);
    assert!(
        page.contains("8 rows received: 5 good, 2 refused, 1 dropped"),
        "{page}"
    );
    // The quarantine of the file as it was is still in the lake, and nobody's business.
    assert_eq!(
        fs::read_dir(world.path("lake/quarantine/visits"))
            .expect("lists")
            .count(),
        5
    );
    assert_eq!(csv.matches("visits_RVV").count(), 2, "{csv}");
}

#[test]
fn a_file_refused_whole_is_in_the_report_until_it_is_mended() {
    let world = world();
    world.martlet("run --quiet").exits(0);
    let good = world.read(JANUARY);
    // Eleven of twelve rows are of a kind that is none: more than a fifth.
    let mut bad = String::from(HEADER);
    for day in 1..=11 {
        bad.push_str(&format!("{ANN},{day:02}/01/2026,Frist,TN24 0LZ\n"));
    }
    bad.push_str(&format!("{BOB},12/01/2026,first,TN24 0LZ\n"));
    world.write(JANUARY, &bad);
    world.martlet("run --quiet").exits(3);
    let (page, csv) = report(&world);
    assert!(
        page.contains("Nothing of this file is used: 11 of 12 rows are refused: more than a fifth"),
        "{page}"
    );
    assert!(
        page.contains("12 rows received: 1 good, 11 refused, 0 dropped"),
        "{page}"
    );
    assert_eq!(csv.matches(",accepted,").count(), 11, "{csv}");
    assert!(
        !csv.contains("one_visit_a_day"),
        "what was there before is not"
    );
    let listed = world.martlet("quarantine ls visits").exits(0).stdout;
    assert!(
        listed.contains("nothing of it is used: 11 of 12"),
        "{listed}"
    );
    // The other files of the attempt are as they were.
    assert!(listed.contains("visits_RWF_2026-01.csv"), "{listed}");

    // A heading that is gone: no row was read, and the sender is told why.
    world.write(JANUARY, good.replace("kind,", "kynd,"));
    world.martlet("run --quiet").exits(1);
    let (page, csv) = report(&world);
    assert!(page.contains("not read"), "{page}");
    assert!(page.contains("Nothing of this file is used"), "{page}");
    assert!(
        !csv.contains(",accepted,"),
        "the refused rows of the file before are gone: {csv}"
    );
    assert!(csv.contains(",file,"), "{csv}");

    world.write(JANUARY, good);
    world.martlet("run --quiet").exits(0);
    let (page, csv) = report(&world);
    assert!(!page.contains("Nothing of this file is used"), "{page}");
    assert_eq!(csv.matches("visits_RVV_2026-01").count(), 4, "{csv}");
    assert!(
        !world
            .path("lake/state/attempts/source.visits.json")
            .exists()
    );
}

#[test]
fn sound_rows_of_a_file_that_is_refused_whole_are_counted_and_not_listed() {
    let world = world();
    world.edit(
        PIPELINE,
        "accepted: [first, repeat] }",
        "accepted: [first, repeat], checks: [{ accepted: { on_fail: reject_file } }] }",
    );
    world.martlet("run --quiet").exits(0);
    let (page, csv) = report(&world);
    assert!(page.contains("a row breaks `accepted` of `kind`"), "{page}");
    // Eight rows: one is dropped, four are at fault, three are sound.
    assert!(
        page.contains("8 rows received: 0 good, 7 refused, 1 dropped"),
        "{page}"
    );
    assert!(
        page.contains("<p>3 of the refused rows are sound"),
        "{page}"
    );
    assert_eq!(csv.matches(",file_rejected,").count(), 3, "{csv}");
    assert_eq!(
        world.json("quarantine ls visits")["files"][0]["used"],
        false
    );
}

#[test]
fn a_reference_that_changes_is_looked_into_again() {
    let world = world();
    world.write(
        "inbox/visits/visits_RXX_2026-01.csv",
        format!("{HEADER}{CAT},09/01/2026,first,ME14 2YY\n"),
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(rows(&world), 6);
    let shown = world
        .martlet("quarantine show visits --rule known_site")
        .exits(0);
    assert!(
        shown.stdout.contains("not in reference.sites.provider"),
        "{}",
        shown.stdout
    );
    world.martlet("run").exits(0).says(&["nothing to do"]);
    world.write(
        "config/reference/sites.csv",
        "provider,site\nRVV,Ashford\nRWF,Maidstone\nRXX,Dover\n",
    );
    let plan = world.martlet("plan source.visits").exits(0);
    assert!(
        plan.stdout.contains("its rules look into reference.sites"),
        "{}",
        plan.stdout
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(rows(&world), 7);
    let seen = Table::read(&world.path("published/alliance/latest/visits.parquet"))
        .only(&["month", "site", "visits"]);
    assert_eq!(
        seen,
        [
            // Ann on the 5th, Bob on the 20th and the 22nd; Cat on the 8th; Cat on the 9th.
            ["2026-01-01", "Ashford", "3.0"],
            ["2026-01-01", "Dover", "1.0"],
            ["2026-01-01", "Maidstone", "1.0"],
            ["2026-02-01", "Ashford", "1.0"],
        ]
    );
}

/// The record of the file of that name.
fn record(world: &World, file: &str) -> String {
    let folder = world.path("lake/staged/visits");
    fs::read_dir(&folder)
        .expect("lists")
        .map(|e| e.expect("an entry").path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .map(|p| {
            p.strip_prefix(world.root())
                .expect("below")
                .display()
                .to_string()
        })
        .find(|p| world.read(p).contains(file))
        .expect("a record")
}

#[test]
fn rows_that_go_missing_between_two_runs_stop_the_second() {
    let world = world();
    world.martlet("run --quiet").exits(0);
    let record = record(&world, "visits_RVV_2026-01");
    let whole = world.read(&record);
    for (from, to) in [
        ("\"received\": 8", "\"received\": 9"),
        ("\"good\": 3", "\"good\": 4"),
        ("\"totals\": 1", "\"totals\": 2"),
    ] {
        world.edit(&record, from, to);
        let before = world.hashes("published");
        let ran = world.martlet("run").exits(1);
        ran.says(&[
            "error[conservation]",
            "visits/visits_RVV_2026-01.csv",
            "--full-refresh",
        ]);
        assert_eq!(world.hashes("published"), before);
        world.write(&record, &whole);
    }
    world.martlet("run").exits(0).says(&["nothing to do"]);

    // Another file's rows in the place of ours, of the same length as far as anybody looks.
    world.edit(&record, "\"rows\": 4", "\"rows\": 5");
    world.martlet("run").exits(1).says(&[
        "error[conservation]",
        "5 rows are in quarantine",
        "holds 4",
    ]);
    world.martlet("run --full-refresh --quiet").exits(0);
    assert_eq!(world.read(&record), whole, "reading it again mends it");
}

#[test]
fn a_quarantine_that_is_gone_is_made_again() {
    let world = world();
    world.martlet("run --quiet").exits(0);
    let before = world.hashes("lake/quarantine");
    world.remove("lake/quarantine/visits");
    let plan = world.martlet("plan --exit-code source.visits").exits(9);
    assert!(
        plan.stdout.contains("its file is gone or damaged"),
        "{}",
        plan.stdout
    );
    world.martlet("run --quiet").exits(0);
    assert_eq!(world.hashes("lake/quarantine"), before);
    world.martlet("run").exits(0).says(&["nothing to do"]);
}
