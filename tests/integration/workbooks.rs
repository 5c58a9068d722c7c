//! Workbooks of every kind, written by other programs: .xls by xlwt, .xlsb by pyxlsbwriter, .ods by
//! odfpy.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::clinic;
use crate::servers;
use crate::world::{World, repository, tell};

/// What tests/scripts/workbooks.py writes into a folder, or nothing where this machine cannot.
fn written(folder: &Path, flags: &[&str]) -> bool {
    let python = servers::python();
    let there = Command::new(&python)
        .args(["-c", "import xlwt, odf, pyxlsbwriter"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !there {
        tell(&format!(
            "skipped: {python} has no xlwt, odfpy and pyxlsbwriter (MARTLET_TEST_PYTHON names one)"
        ));
        return false;
    }
    let made = Command::new(python)
        .arg(repository().join("tests/scripts/workbooks.py"))
        .arg(folder)
        .args(flags)
        .output()
        .expect("python");
    let error = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{error}");
    true
}

/// The clinic, its visits in workbooks of a kind, no file there yet.
fn world(kind: &str) -> World {
    let world = clinic::world();
    world
        .edit(
            "pipelines/clinic.yaml",
            "visits_{provider}_{period}.csv",
            &format!("visits_{{provider}}_{{period}}.{kind}"),
        )
        .edit(
            "pipelines/clinic.yaml",
            "csv: {}",
            "excel: { sheet: Visits, header_pattern: \"^NHS_Number\", skip_rows: [{ name: footer, pattern: \"^Total$\" }] }",
        )
        .remove("inbox/visits")
        .write("inbox/visits/.keep", "");
    world
}

fn file(kind: &str) -> String {
    format!("inbox/visits/visits_RVV_2026-01.{kind}")
}

fn rows(world: &World) -> String {
    let answer = world.martlet_with([
        "query",
        "SELECT count(DISTINCT person_key) AS people, visit_date, kind, count(postcode) AS postcodes, _line FROM source.visits GROUP BY 2, 3, 5 ORDER BY 5",
        "--format",
        "csv",
    ]);
    answer.exits(0).stdout
}

#[test]
fn three_kinds_of_workbook_hold_the_same_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    if !written(folder.path(), &[]) {
        return;
    }
    for kind in ["xls", "xlsb", "ods"] {
        let world = world(kind);
        let bytes = fs::read(folder.path().join(format!("visits.{kind}"))).expect("reads");
        world.write(&file(kind), &bytes);
        let ran = world.martlet("run").exits(0);
        ran.says(&["source.visits: 1 file, 4 received, 2 good, 1 quarantined, 1 dropped"]);
        assert_eq!(
            rows(&world),
            "people,visit_date,kind,postcodes,_line\n\
             1,2026-01-05,first,1,4\n\
             1,2026-01-06,repeat,0,6\n",
            "{kind}"
        );
        // The row that is refused stands where it stands in the sheet, and nobody is named.
        let shown = world
            .martlet(&format!("quarantine show visits_RVV_2026-01.{kind}"))
            .exits(0)
            .stdout;
        assert!(shown.contains('7') && shown.contains("accepted"), "{shown}");
        assert!(!shown.contains("4010232137"), "{shown}");
        assert!(!ran.everything().contains("9434765919"));
    }
}

#[test]
fn damaged_workbooks_of_every_kind_are_refused_and_nothing_of_them_is_used() {
    let folder = tempfile::tempdir().expect("a folder");
    if !written(folder.path(), &[]) {
        return;
    }
    for kind in ["xls", "xlsb", "ods"] {
        let good = fs::read(folder.path().join(format!("visits.{kind}"))).expect("reads");
        let world = world(kind);
        let half = &good[..good.len() / 2];
        let mut turned = good.clone();
        let middle = good.len() / 4..good.len() / 2;
        for byte in &mut turned[middle] {
            *byte ^= 0x55;
        }
        for damaged in [half, &turned[..], &good[..9]] {
            world.write(&file(kind), damaged);
            let ran = world.martlet("run").exits(1);
            ran.says(&["error[bad-file]", &format!("visits_RVV_2026-01.{kind}")]);
            assert!(!ran.stderr.contains("fault in the program"), "{kind}");
            assert!(!world.path("published").exists());
        }
        world.write(&file(kind), &good);
        world.martlet("run --quiet").exits(0);
    }
}

#[test]
fn a_damaged_place_of_a_cell_does_not_ask_for_all_the_memory_there_is() {
    let folder = tempfile::tempdir().expect("a folder");
    if !written(folder.path(), &[]) {
        return;
    }
    let good = fs::read(folder.path().join("visits.xls")).expect("reads");
    // A cell that holds a text: its kind (253) and length (10), then row and column; and the sheet's
    // own size: kind (512), length (14), first row, last row.
    let records: [(&[u8], std::ops::Range<usize>); 2] = [
        (&[0xFD, 0x00, 0x0A, 0x00], 4..8),
        (&[0x00, 0x02, 0x0E, 0x00], 8..12),
    ];
    for (record, place) in records {
        let at = good.windows(4).rposition(|w| w == record).expect("one");
        let mut damaged = good.clone();
        damaged[at + place.start..at + place.end].fill(0xFF);
        let world = world("xls");
        world.write(&file("xls"), damaged);
        let ran = world.martlet("run").exits(1);
        ran.says(&["error[bad-file]", "cannot be read as a workbook"]);
    }
}

#[test]
fn a_stray_cell_in_the_last_corner_does_not_ask_for_all_the_memory_there_is() {
    let folder = tempfile::tempdir().expect("a folder");
    if !written(folder.path(), &["--vast"]) {
        return;
    }
    let world = world("xlsb");
    let bytes = fs::read(folder.path().join("vast.xlsb")).expect("reads");
    world.write(&file("xlsb"), bytes);
    let ran = world.martlet("run").exits(1);
    ran.says(&["the sheet reaches over", "a stray cell"]);
}
