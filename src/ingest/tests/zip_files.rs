//! ZIPs, honest and not.

use std::io::{Cursor, Write};

use super::*;
use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};

const SOURCE: &str = "sensitivity: open\nfiles: { path: p.zip, zip: { member: \"Pathway_*.csv\" } }\ncolumns: [{ name: a, type: int }]";

fn pack(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    for (name, text) in members {
        writer.start_file(*name, options).expect("a member");
        writer.write_all(text.as_bytes()).expect("writes");
    }
    writer.finish().expect("a ZIP").into_inner()
}

#[test]
fn the_member_is_found_in_whatever_folder() {
    let world = World::new(SOURCE);
    let bytes = pack(&[
        ("Other.csv", "x\n"),
        ("2026/pathway_Invite.csv", "a\n1\n2\n"),
        ("2026/._Pathway_Invite.csv", "?"),
    ]);
    let intake = world.take_in("p.zip", bytes).expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["1", "2"]);
    assert_eq!(world.column(&intake, "_file"), ["p.zip", "p.zip"]);
}

#[test]
fn no_member_and_two_members_are_errors() {
    let world = World::new(SOURCE);
    let none = world.refused("p.zip", pack(&[("Invite.csv", "a\n")]));
    assert_says(&none, Code::BadFile, &["`Pathway_*.csv`", "Invite.csv"]);
    let two = world.refused(
        "p.zip",
        pack(&[("Pathway_1.csv", "a\n"), ("x/Pathway_2.csv", "a\n")]),
    );
    assert_says(
        &two,
        Code::BadFile,
        &["2 members", "Pathway_1.csv, x/Pathway_2.csv"],
    );
}

#[test]
fn a_path_that_leads_out_is_refused() {
    let world = World::new(SOURCE);
    // The writer refuses such names, so the bytes are changed afterwards.
    let bytes = pack(&[("xx/Pathway_1.csv", "a\n1\n")]);
    for evil in ["../Pathway_1.csv", "/x/Pathway_1.csv"] {
        let mut bytes = bytes.clone();
        replace(&mut bytes, b"xx/Pathway_1.csv", evil.as_bytes());
        assert_says(
            &world.refused("p.zip", bytes),
            Code::BadFile,
            &["leads out", evil],
        );
    }
}

#[test]
fn a_locked_member_is_told_as_such() {
    let world = World::new(SOURCE);
    let mut bytes = pack(&[("Pathway_1.csv", "a\n1\n")]);
    // Bit 0 of the flags, in the member's own header and in the directory.
    bytes[6] |= 1;
    let directory = find(&bytes, b"PK\x01\x02");
    bytes[directory + 8] |= 1;
    assert_says(
        &world.refused("p.zip", bytes),
        Code::BadFile,
        &["password", "Pathway_1.csv"],
    );
}

#[test]
fn damage_is_told_as_such() {
    let world = World::new(SOURCE);
    let bytes = pack(&[("Pathway_1.csv", &format!("a\n{}", "1\n".repeat(9_000)))]);
    assert_says(
        &world.refused("p.zip", &bytes[..bytes.len() - 10]),
        Code::BadFile,
        &["cut off", "ask for it again"],
    );
    assert_says(
        &world.refused("p.zip", "a\n1\n"),
        Code::BadFile,
        &["ask for it again"],
    );
    let mut damaged = bytes.clone();
    for byte in &mut damaged[45..60] {
        *byte ^= 0x5A;
    }
    assert_eq!(world.refused("p.zip", damaged).code, Code::BadFile);
}

#[test]
fn a_faulty_row_names_the_member() {
    let world = World::new(SOURCE);
    let error = world.refused("p.zip", pack(&[("x/Pathway_1.csv", "a\n\"1\n")]));
    assert_says(&error, Code::BadFile, &["p.zip:x/Pathway_1.csv:2"]);
}

#[test]
fn a_member_may_be_a_workbook_or_json_lines() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(0, 0, "a").expect("writes");
    sheet.write(1, 0, 7).expect("writes");
    let book = workbook.save_to_buffer().expect("a workbook");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in [
        ("x/b.xlsx", book.as_slice()),
        ("b.jsonl", b"{\"a\":1}\n{\"a\":2}\n"),
    ] {
        writer
            .start_file(name, SimpleFileOptions::default())
            .expect("a member");
        writer.write_all(bytes).expect("writes");
    }
    let bytes = writer.finish().expect("a ZIP").into_inner();
    let with = |member: &str| World::new(&SOURCE.replace("member: \"Pathway_*.csv\"", member));
    let excel = with("member: \"*.xlsx\", excel: {}");
    let intake = excel.take_in("p.zip", &bytes).expect("takes in");
    assert_eq!(excel.column(&intake, "a"), ["7"]);
    let json = with("member: \"*.jsonl\", json_lines: {}");
    let intake = json.take_in("p.zip", &bytes).expect("takes in");
    assert_eq!(json.column(&intake, "a"), ["1", "2"]);
}

#[test]
fn a_member_in_utf_16_is_found_out() {
    let text: String = "\u{feff}a\n5\n".to_owned();
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file("Pathway_1.csv", SimpleFileOptions::default())
        .expect("a member");
    writer.write_all(&bytes).expect("writes");
    let world = World::new(SOURCE);
    let intake = world
        .take_in("p.zip", writer.finish().expect("a ZIP").into_inner())
        .expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["5"]);
}

fn find(bytes: &[u8], wanted: &[u8]) -> usize {
    bytes
        .windows(wanted.len())
        .position(|w| w == wanted)
        .expect("is there")
}

fn replace(bytes: &mut [u8], from: &[u8], to: &[u8]) {
    assert_eq!(from.len(), to.len());
    while let Some(at) = bytes.windows(from.len()).position(|w| w == from) {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
}
