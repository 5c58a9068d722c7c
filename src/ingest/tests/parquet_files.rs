//! Parquet that others send.

use std::sync::Arc;

use super::*;
use arrow::array::{ArrayRef, Date32Array, Float64Array, ListArray, StringArray};
use arrow::datatypes::Int32Type;
use datafusion::parquet::arrow::ArrowWriter;

const SOURCE: &str = "sensitivity: open\nfiles: { path: p.parquet, parquet: {} }\ncolumns: [{ name: d, type: date, formats: [\"%d/%m/%Y\"] }, { name: num, type: int }, { name: s, type: string }]";

fn write(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("writes");
    writer.close().expect("closes");
    bytes
}

#[test]
fn columns_are_matched_by_name_and_cast_from_text() {
    let bytes = write(vec![
        (
            "S",
            Arc::new(StringArray::from(vec![Some(" x "), None])) as ArrayRef,
        ),
        (
            "num",
            Arc::new(Float64Array::from(vec![Some(3.0), Some(2.5)])),
        ),
        ("d", Arc::new(Date32Array::from(vec![Some(0), None]))),
    ]);
    let world = World::new(SOURCE);
    let intake = world.take_in("p.parquet", bytes).expect("takes in");
    assert_eq!(world.column(&intake, "d"), ["1970-01-01"]);
    assert_eq!(world.column(&intake, "num"), ["3"]);
    assert_eq!(world.column(&intake, "s"), ["x"]);
    assert_eq!(world.column(&intake, "_line"), ["1"]);
    assert_eq!(
        (world.quarantine(&intake)[0].line, intake.quarantined),
        (2, 1)
    );
}

#[test]
fn damage_and_lists_are_refused() {
    let world = World::new(SOURCE);
    assert_says(
        &world.refused("p.parquet", "PAR1 no"),
        Code::BadFile,
        &["Parquet"],
    );
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let bytes = write(vec![
        ("s", Arc::new(StringArray::from(vec!["x"])) as ArrayRef),
        ("num", Arc::new(list)),
        ("d", Arc::new(StringArray::from(vec!["01/01/2026"]))),
    ]);
    assert_says(&world.refused("p.parquet", bytes), Code::Header, &["`num`"]);
}

#[test]
fn a_damaged_schema_is_damage_and_no_panic() {
    use datafusion::parquet::arrow::arrow_writer::ArrowWriterOptions;
    use datafusion::parquet::file::metadata::KeyValue;
    use datafusion::parquet::file::properties::WriterProperties;

    // The schema of one column of texts, its type 231 where 5 is text: there is no such type, and
    // the library panics at it.
    const DAMAGED: &str = "/////3AAAAAQAAAAAAAKAAwABgAFAAgACgAAAAABBAAMAAAACAAIAAAABAAIAAAABAAAAAEAAAAUAAAAEAAUAAgABgAHAAwAAAAQABAAAAAAAAHnEAAAABgAAAAEAAAAAAAAAAEAAABhAAAABAAEAAQAAAAAAAAA";
    let damaged = KeyValue::new("ARROW:schema".to_owned(), DAMAGED.to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![damaged]));
    let options = ArrowWriterOptions::new()
        .with_properties(properties.build())
        .with_skip_arrow_metadata(true);
    let text = Arc::new(StringArray::from(vec!["x"])) as ArrayRef;
    let batch = RecordBatch::try_from_iter([("a", text)]).expect("a batch");
    let mut bytes = Vec::new();
    let mut writer =
        ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), options).expect("one");
    writer.write(&batch).expect("writes");
    writer.close().expect("closes");
    assert_says(
        &World::new(SOURCE).refused("p.parquet", bytes),
        Code::BadFile,
        &["cannot be read as Parquet"],
    );
}

#[test]
fn a_missing_column_and_another_type_are_drift_not_null() {
    let world = World::new(SOURCE);
    let code = Arc::new(arrow::array::Int64Array::from(vec![7])) as ArrayRef;
    let day = Arc::new(StringArray::from(vec!["05/01/2026"])) as ArrayRef;
    let missing = write(vec![("d", Arc::clone(&day)), ("num", Arc::clone(&code))]);
    assert_says(
        &world.refused("p.parquet", &missing),
        Code::Header,
        &["`s`"],
    );
    let all = [("d", day), ("num", Arc::clone(&code)), ("s", code)];
    let retyped = write(all.to_vec());
    assert_says(
        &world.refused("p.parquet", &retyped),
        Code::Header,
        &["`s` holds numbers, the contract says string"],
    );
    let lenient = World::new(&format!(
        "{SOURCE}\non_missing_column: warn\non_retyped_column: warn\n"
    ));
    let intake = lenient.take_in("p.parquet", missing).expect("takes in");
    assert_eq!(lenient.column(&intake, "s"), ["null"]);
    assert!(intake.warnings[0].message.contains("`s`"));
    let intake = lenient.take_in("p.parquet", retyped).expect("takes in");
    assert_eq!(lenient.column(&intake, "s"), ["7"]);
    assert!(intake.warnings[0].message.contains("numbers"));
}
