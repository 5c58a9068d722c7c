use std::fs;
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::compute::concat_batches;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{contract, counts, everything, mart, provenance, publish};
use crate::diag::Code;
use crate::publish::manifest::{CheckSummary, Input};
use crate::publish::published_schema;
use crate::publish::version::{self, VersionWriter};
use crate::spec::Rate;
use crate::store::paths::Shelf;

const NO_RATES: &[Rate] = &[];

#[test]
fn an_empty_mart_is_an_empty_file_with_all_its_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    let version = publish(&shelf, "waits", "v1", &[]).expect("publishes");
    assert_eq!(version.manifest.part.rows, 0);
    let file = fs::File::open(shelf.part("waits", "v1")).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    assert_eq!(
        reader.schema().fields(),
        published_schema(&contract(), &mart()).fields()
    );
    assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
}

#[test]
fn the_file_and_the_manifest_say_where_the_numbers_came_from() {
    let write = || {
        let folder = tempfile::tempdir().expect("a folder");
        let shelf = Shelf::new(folder.path(), "alliance");
        let mut from = provenance("waits", "v1");
        from.inputs = vec![Input {
            table: "source.cwt_records".to_owned(),
            file: Some("cwt/RVV.csv".to_owned()),
            hash: "abc".to_owned(),
            rows: Some(7),
        }];
        from.checks = vec![CheckSummary {
            name: "grain_unique".to_owned(),
            kind: "unique".to_owned(),
            outcome: "passed".to_owned(),
            broken: Some(0),
            total: Some(2),
        }];
        let rows = counts(&[
            ("2026-03-01", "RN7", Some(98.0), Some(58.5)),
            ("2026-03-01", "RVV", Some(371.5), Some(286.5)),
        ]);
        version::write(&shelf, from, &contract(), NO_RATES, [Ok(rows)], |_| Ok(()))
            .expect("writes");
        let file = fs::File::open(shelf.part("waits", "v1")).expect("a file");
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
        let pairs = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .cloned();
        let ours: Vec<String> = pairs
            .expect("metadata")
            .into_iter()
            .filter(|pair| pair.key.starts_with("martlet."))
            .map(|pair| format!("{}={}", pair.key, pair.value.unwrap_or_default()))
            .collect();
        let bytes = everything(folder.path())
            .into_iter()
            .map(|(name, (bytes, _))| (name, bytes));
        (ours, bytes.collect::<Vec<_>>())
    };
    let (ours, bytes) = write();
    assert_eq!(
        ours,
        [
            "martlet.mart=waits",
            "martlet.run=run-1",
            "martlet.version=v1",
            "martlet.pipeline=waits",
            "martlet.description=Pathways by month and trust.",
            r#"martlet.inputs=[{"table":"source.cwt_records","file":"cwt/RVV.csv","hash":"abc","rows":7}]"#,
            "martlet.sql_hash=",
            "martlet.contract_hash=",
            r#"martlet.parameters={"k":"6"}"#,
            r#"martlet.checks=[{"name":"grain_unique","kind":"unique","outcome":"passed","broken":0,"total":2}]"#,
            "martlet.rows=2",
        ]
    );
    // Written elsewhere, later: the same bytes.
    assert_eq!(write().1, bytes);
}

#[test]
fn a_version_that_is_there_is_used_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    let rows = [("2026-03-01", "RN7", Some(2.0), Some(1.0))];
    let first = publish(&shelf, "waits", "v1", &rows).expect("publishes");
    let before = everything(folder.path());
    let again = publish(&shelf, "waits", "v1", &rows).expect("publishes");
    assert!(first.written && !again.written);
    assert_eq!(first.manifest, again.manifest);
    assert_eq!(before, everything(folder.path()));
}

#[test]
fn a_folder_without_a_manifest_counts_for_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    let part = shelf.part("waits", "v1");
    fs::create_dir_all(part.parent().expect("a folder")).expect("makes");
    fs::write(&part, b"half").expect("writes");
    fs::write(part.with_file_name(".martlet-x"), b"half").expect("writes");
    let rows = [("2026-03-01", "RN7", Some(2.0), Some(1.0))];
    let version = publish(&shelf, "waits", "v1", &rows).expect("publishes");
    assert!(version.written);
    assert_eq!(everything(folder.path()).len(), 2);
    // A part that was cut short afterwards is not taken for whole either.
    fs::write(&part, b"half").expect("writes");
    assert!(
        publish(&shelf, "waits", "v1", &rows)
            .expect("publishes")
            .written
    );
}

#[test]
fn rows_must_climb_within_a_batch_and_across() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    let row = |month, trust| counts(&[(month, trust, Some(1.0), Some(1.0))]);
    let march = row("2026-03-01", "RN7");
    let code = |batches: Vec<RecordBatch>| {
        let from = provenance("waits", "v1");
        let mut writer =
            VersionWriter::create(&shelf, from, &contract(), NO_RATES).expect("creates");
        let found = batches.iter().find_map(|b| writer.write(b).err());
        found.map(|f| {
            f.iter()
                .next()
                .map(|d| (d.code, d.message.clone()))
                .expect("one")
        })
    };
    let whole =
        |batches: [&RecordBatch; 2]| concat_batches(&batches[0].schema(), batches).expect("joins");
    let (later, other) = (row("2026-04-01", "RN7"), row("2026-03-01", "RVV"));
    assert_eq!(
        code(vec![march.clone(), other.clone(), later.clone()]),
        None
    );
    for repeated in [
        vec![march.clone(), march.clone()],
        vec![whole([&march, &march])],
    ] {
        let (code, message) = code(repeated).expect("refused");
        assert_eq!(code, Code::Check);
        assert!(
            message.contains("rows 1 and 2") && !message.contains("RN7"),
            "{message}"
        );
    }
    for back in [
        vec![later.clone(), other.clone()],
        vec![whole([&later, &other])],
    ] {
        assert_eq!(code(back).expect("refused").0, Code::Bug);
    }
    // Refused rows leave no version behind.
    assert!(
        version::existing(&shelf, "waits", "v1")
            .expect("reads")
            .is_none()
    );
    assert!(!shelf.part("waits", "v1").exists());
}

#[test]
fn nulls_and_large_numbers_are_refused_by_column() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path(), "alliance");
    let write = |batch: RecordBatch| {
        let from = provenance("waits", "v1");
        version::write(&shelf, from, &contract(), NO_RATES, [Ok(batch)], |_| Ok(()))
            .expect_err("refuses")
    };
    let rows = counts(&[("2026-03-01", "RN7", Some(1e12), Some(1.0))]);
    let found = write(rows);
    assert_eq!(found.iter().next().map(|d| d.code), Some(Code::Overflow));
    let rows = counts(&[("2026-03-01", "RN7", Some(1.0), Some(1.0))]);
    let mut columns = rows.columns().to_vec();
    columns[1] = Arc::new(StringArray::from(vec![None::<&str>]));
    let found = write(RecordBatch::try_new(rows.schema(), columns).expect("a batch"));
    assert!(found.to_string().contains("`trust_code`"), "{found}");
}
