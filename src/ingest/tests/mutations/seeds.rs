//! The good files: the same nine people in every way they arrive.

use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, Float64Array, RecordBatch, StringArray};
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::store::parquet::ParquetWriter;

use super::{Member, Pack, Seed};

/// Number, surname, day of birth, sex, score, and what the contract does not know.
const PEOPLE: [[&str; 6]; 9] = [
    ["9434765919", "Quillfeather", "01/02/1950", "F", "1.5", "x"],
    ["9434765870", "Zedderburn", "28/02/1961", "M", "n/a", ""],
    ["4010232137", "Année-Österby", "29/02/2024", "U", "0", "£"],
    ["", "Quillfeather", "03/02/1950", "I", "12", "y"],
    ["9434765919", "Zedderburn", "04/02/1950", "F", "", "x"],
    ["9434765870", "Quillfeather", "05/02/1950", "M", "3", "x"],
    ["4010232137", "", "06/02/1950", "F", "4.0", ""],
    ["9434765919", "Zedderburn", "", "F", "9999.9", "z"],
    ["4010232137", "Quillfeather", "07/02/1950", "", "7", "x"],
];
const HEADINGS: [&str; 6] = [
    "nhs_number",
    "surname",
    "birth_date",
    "sex",
    "score",
    "note",
];

fn csv(delimiter: &str) -> String {
    let mut text = HEADINGS.join(delimiter);
    for person in PEOPLE {
        text.push_str("\r\n");
        text.push_str(&person.map(|f| format!("\"{f}\"")).join(delimiter));
    }
    // As others write it: quotes only where they must be, and another line end.
    let (first, rest) = text.split_at(text.len() / 2);
    format!("{first}{}\n", rest.replace('"', ""))
}

fn plain(bytes: impl Into<Vec<u8>>) -> Seed {
    Seed {
        bytes: bytes.into(),
        members: Vec::new(),
        pack: |members| members[0].1.clone(),
    }
}

fn packed(members: Vec<Member>, pack: Pack) -> Seed {
    Seed {
        bytes: pack(&members),
        members,
        pack,
    }
}

fn zipped(members: &[Member]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(name, SimpleFileOptions::default())
            .expect("a member");
        writer.write_all(bytes).expect("writes");
    }
    writer.finish().expect("a ZIP").into_inner()
}

fn gzipped(members: &[Member]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&members[0].1).expect("packs");
    encoder.finish().expect("packs")
}

fn fixed_width() -> String {
    let row = |[number, surname, date, sex, score, _]: [&str; 6]| {
        format!("{number:<10} {surname:<13} {date:<10} {sex:<1} {score:<6}\n")
    };
    let rows: String = PEOPLE.into_iter().map(row).collect();
    format!("{rows}END 9\n")
}

fn json_lines() -> String {
    let row = |person: [&str; 6]| {
        let mut object = serde_json::Map::new();
        for (heading, field) in HEADINGS.iter().zip(person) {
            let number = field.parse::<f64>().ok().filter(|_| *heading == "score");
            let value = number.map_or_else(|| field.into(), serde_json::Value::from);
            object.insert((*heading).to_owned(), value);
        }
        format!("{}\n", serde_json::Value::Object(object))
    };
    PEOPLE.into_iter().map(row).collect()
}

fn date(text: &str) -> Option<chrono::NaiveDate> {
    chrono::NaiveDate::parse_from_str(text, "%d/%m/%Y").ok()
}

fn workbook() -> Vec<Member> {
    let mut workbook = Workbook::new();
    let style = Format::new().set_num_format("dd/mm/yyyy");
    let sheet = workbook
        .add_worksheet()
        .set_name("Register")
        .expect("a name");
    sheet.write(0, 0, "Register of people").expect("writes");
    for (column, heading) in (0_u16..).zip(HEADINGS) {
        sheet
            .merge_range(2, column, 3, column, heading, &Format::new())
            .expect("merges");
    }
    for (row, person) in (4..).zip(PEOPLE) {
        for (column, field) in (0_u16..).zip(person) {
            sheet.write(row, column, field).expect("writes");
        }
        if let Some(day) = date(person[2]) {
            use chrono::Datelike;
            let (year, month, day) = (day.year() as u16, day.month() as u8, day.day() as u8);
            let day = ExcelDateTime::from_ymd(year, month, day).expect("a date");
            sheet
                .write_with_format(row, 2, &day, &style)
                .expect("writes");
        }
        if let Ok(score) = person[4].parse::<f64>() {
            sheet.write(row, 4, score).expect("writes");
        }
    }
    sheet.write(13, 0, "Total").expect("writes");
    sheet.write(13, 4, 9).expect("writes");
    workbook.add_worksheet().set_name("Notes").expect("a name");
    unzipped(&workbook.save_to_buffer().expect("a workbook"))
}

fn unzipped(bytes: &[u8]) -> Vec<Member> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).expect("a ZIP");
    let count = archive.len();
    let mut read = |i| {
        let mut member = archive.by_index(i).expect("a member");
        let name = member.name().expect("a name").into_owned();
        let mut bytes = Vec::new();
        member.read_to_end(&mut bytes).expect("reads");
        (name, bytes)
    };
    (0..count).map(&mut read).collect()
}

fn parquet() -> Vec<u8> {
    let texts = |at: usize| {
        let values = PEOPLE.iter().map(|p| Some(p[at]).filter(|t| !t.is_empty()));
        Arc::new(values.collect::<StringArray>()) as ArrayRef
    };
    let epoch = chrono::NaiveDate::from_ymd_opt(1970, 1, 1).expect("a date");
    let days = |text: &str| date(text).map(|d| (d - epoch).num_days() as i32);
    let dates: Date32Array = PEOPLE.iter().map(|p| days(p[2])).collect();
    let scores: Float64Array = PEOPLE.iter().map(|p| p[4].parse::<f64>().ok()).collect();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("nhs_number", texts(0), true),
        ("surname", texts(1), true),
        ("birth_date", Arc::new(dates) as ArrayRef, true),
        ("sex", texts(3), true),
        ("score", Arc::new(scores) as ArrayRef, true),
        ("note", texts(5), true),
    ])
    .expect("a batch");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.parquet");
    let mut writer = ParquetWriter::create(&path, batch.schema(), &[]).expect("a writer");
    writer.write(batch).expect("writes");
    writer.finish(&[]).expect("finishes");
    std::fs::read(&path).expect("reads")
}

pub(super) fn of(feed: &str) -> Seed {
    let utf_16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    match feed {
        "csv" => plain(csv(",")),
        "csv_utf_16" => plain(utf_16(&format!("\u{feff}{}", csv(",")))),
        "csv_detected" => plain(encoding_rs::WINDOWS_1252.encode(&csv(";")).0.into_owned()),
        "csv_preamble" => plain(format!(
            "EMIS Web,\"Search \"\"P\"\"\",\r\nRelative Date,31-Mar-26,,\r\n\r\n{}Total,,9,\r\nSource: EMIS\r\n",
            csv(",")
        )),
        "csv_gzip" => packed(vec![("p.csv".to_owned(), csv(",").into_bytes())], gzipped),
        "fixed_width" => plain(fixed_width()),
        "json_lines" => plain(json_lines()),
        "excel" => packed(workbook(), zipped),
        // Written by tests/scripts/workbooks.py: nothing here writes these.
        "xls" => plain(*include_bytes!("people.xls")),
        "xlsb" => packed(unzipped(include_bytes!("people.xlsb")), zipped),
        "ods" => packed(unzipped(include_bytes!("people.ods")), zipped),
        "zip" => packed(
            vec![
                ("2026/a_lhc.csv".to_owned(), csv(",").into_bytes()),
                ("readme.txt".to_owned(), b"x".to_vec()),
            ],
            zipped,
        ),
        "parquet" => plain(parquet()),
        other => panic!("no seed for {other}"),
    }
}
