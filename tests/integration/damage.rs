//! Disks that fail and files that rot: never a wrong number, never a half-written one.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use crate::clinic;
use crate::determinism::many_visits;
use crate::parquet_file::Table;
use crate::world::{Ran, World, files, martlet};

fn only_file(world: &World, folder: &str) -> PathBuf {
    let mut all = files(&world.path(folder));
    all.retain(|p| p.extension().is_some_and(|e| e == "parquet"));
    assert!(!all.is_empty(), "{folder} is empty");
    all.swap_remove(0)
}

fn seen(world: &World) -> Vec<Vec<String>> {
    let path = world.path("published/alliance/latest/visits.parquet");
    Table::read(&path).only(&["month", "site", "people", "visits"])
}

/// Bytes of the file's data are turned, its length and its footer left as they are.
fn turn_bytes(path: &PathBuf) {
    let mut bytes = fs::read(path).expect("reads");
    let (from, to) = (4, 4 + (bytes.len() / 4).min(200));
    for byte in &mut bytes[from..to] {
        *byte ^= 0x55;
    }
    fs::write(path, bytes).expect("writes");
}

fn cut_short(path: &PathBuf) {
    let bytes = fs::read(path).expect("reads");
    fs::write(path, &bytes[..bytes.len() / 2]).expect("writes");
}

#[test]
fn damage_in_the_lake_is_found_and_the_table_made_again() {
    for folder in [
        "lake/models/visit",
        "lake/staged/visits",
        "lake/candidates/visits",
    ] {
        for harm in [turn_bytes, cut_short] {
            let world = clinic::world();
            world.martlet("run --quiet").exits(0);
            let before = world.hashes("lake/models");
            harm(&only_file(&world, folder));
            let ran = world.martlet("plan --exit-code").exits(9);
            assert!(
                ran.stdout.contains("its file is gone or damaged"),
                "{folder}: {}",
                ran.stdout
            );
            // Something downstream has to be made, and must not be made from the damage.
            world.edit("sql/clinic/visits.sql", "$least", "$least + 0");
            world.martlet("run --quiet").exits(0);
            assert_eq!(seen(&world), clinic::VISITS, "{folder}");
            assert_eq!(world.hashes("lake/models"), before, "{folder}");
            world.martlet("run").exits(0).says(&["nothing to do"]);
        }
    }
}

#[test]
fn a_record_that_is_not_ours_is_an_error_with_its_place() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    let before = world.hashes("published");
    world.write("lake/state/nodes/model.visit.json", "{ \"made\": ");
    let ran = world.martlet("run").exits(1);
    ran.says(&[
        "error[state]",
        "lake/state/nodes/model.visit.json",
        "delete it and run again",
    ]);
    assert_eq!(world.hashes("published"), before);
    world.remove("lake/state/nodes/model.visit.json");
    world.martlet("run --quiet").exits(0);
    assert_eq!(world.hashes("published"), before);
    // Remembered hashes can be worked out again.
    world.write("lake/state/fingerprints.json", "nonsense");
    world.martlet("run").exits(0).says(&["nothing to do"]);
}

#[test]
fn a_lake_that_is_lost_is_made_again_to_the_same_bytes() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    let before = world.hashes("published");
    world.remove("lake").martlet("run --quiet").exits(0);
    assert_eq!(world.hashes("published"), before);
}

#[test]
fn what_readers_lost_is_put_back() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    let before = world.hashes("published");
    world.remove("published/alliance/latest/visits.parquet");
    world.martlet("run --quiet").exits(0);
    assert_eq!(world.hashes("published"), before);
    cut_short(&world.path("published/alliance/latest/visits.parquet"));
    world.martlet("run --quiet").exits(0);
    assert_eq!(world.hashes("published"), before);
}

/// Runs with a limit on the size of files, in blocks of 512 or 1,024 bytes, as on a full disk.
fn on_a_full_disk(world: &World, blocks: u32) -> Ran {
    let mut command = Command::new("sh");
    world.settle(&mut command);
    command
        .arg("-c")
        // Without the trap the kernel would kill the process where a full disk gives an error.
        .arg(format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec '{}' run",
            martlet().display()
        ));
    Ran::from(command.output().expect("sh runs"))
}

#[test]
fn a_disk_that_is_full_fails_the_run_and_touches_no_reader() {
    let world = many_visits();
    let ran = on_a_full_disk(&world, 8).exits(1);
    ran.says(&["error[io]", "lake/"]);
    assert!(!world.path("published").exists());
    world.martlet("run --quiet").exits(0);
    let before = world.hashes("published");
    world.edit("config/reference/sites.csv", "Maidstone", "Weavering");
    let ran = on_a_full_disk(&world, 8).exits(1);
    ran.says(&["error[io]"]);
    assert_eq!(world.hashes("published"), before);
    world.martlet("run --quiet").exits(0);
    assert_ne!(world.hashes("published"), before);
    for path in files(&world.path("lake")) {
        assert!(
            !path.display().to_string().contains(".martlet-"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn no_folder_where_the_lake_should_be() {
    let world = clinic::world();
    world.write("lake", "a file stands here");
    world.martlet("run").exits(1).says(&["error[io]", "lake"]);
    world
        .remove("lake")
        .write("published", "a file stands here");
    world
        .martlet("run")
        .exits(1)
        .says(&["error[io]", "published"]);
}

#[test]
fn what_cannot_be_read_is_an_error_and_never_a_gap() {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    let before = world.hashes("published");
    let folder = "inbox/visits/visits_RVV_2026-03.csv";
    fs::create_dir(world.path(folder)).expect("a folder");
    let ran = world.martlet("run").exits(1);
    ran.says(&["visits_RVV_2026-03.csv` is a folder, not a file"]);
    world.remove(folder);
    std::os::unix::fs::symlink("nowhere.csv", world.path(folder)).expect("a link");
    world
        .martlet("run")
        .exits(1)
        .says(&["visits_RVV_2026-03.csv"]);
    fs::remove_file(world.path(folder)).expect("removes");
    // The inbox is not mounted.
    fs::rename(world.path("inbox"), world.path("elsewhere")).expect("moves");
    world
        .martlet("run")
        .exits(1)
        .says(&["error[io]", "the inbox folder is not there"]);
    assert_eq!(world.hashes("published"), before);
}

/// Parquet whose own schema has a type that there is none of: the library panics at it.
fn parquet_that_makes_its_library_panic() -> Vec<u8> {
    // One column of texts, its type 231 where 5 is text.
    const DAMAGED: &str = "/////3AAAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAMAAAACAAIAAAABAAIAAAABAAAAAEAAAAUAAAAEAAUAAgABgAHAAwAAAAQABAAAAAAAAHnEAAAABgAAAAEAAAAAAAAAAEAAABhAAAABAAEAAQAAAAAAAAA";
    let damaged = KeyValue::new("ARROW:schema".to_owned(), DAMAGED.to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![damaged]));
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true);
    let text = Arc::new(StringArray::from(vec!["x"])) as _;
    let batch = RecordBatch::try_from_iter([("a", text)]).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).expect("one");
    writer.write(&batch).expect("writes");
    writer.close().expect("closes");
    bytes
}

#[test]
fn a_file_that_makes_a_library_panic_is_refused_and_nothing_else_is_said() {
    let world = clinic::world();
    world
        .edit(
            "pipelines/clinic.yaml",
            "visits_{provider}_{period}.csv",
            "visits_{provider}_{period}.parquet",
        )
        .edit("pipelines/clinic.yaml", "csv: {}", "parquet: {}")
        .remove("inbox/visits")
        .write(
            "inbox/visits/visits_RVV_2026-03.parquet",
            parquet_that_makes_its_library_panic(),
        );
    for flags in ["", "--quiet", "--log-format json"] {
        let ran = world.martlet(format!("run {flags}").trim()).exits(1);
        ran.says(&["cannot be read as Parquet", "visits_RVV_2026-03.parquet"]);
        for word in ["fault in the program", "panicked", "report it"] {
            assert!(!ran.everything().contains(word), "{}", ran.everything());
        }
    }
}
