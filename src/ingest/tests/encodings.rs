//! Text in whatever encoding it arrives.

use super::*;

const SOURCE: &str = "sensitivity: open\nfiles: { path: p.csv, csv: {} }\ncolumns: [{ name: a, type: string }, { name: num, type: int }]";

fn with(options: &str) -> World {
    World::new(&SOURCE.replace("csv: {}", &format!("csv: {{ {options} }}")))
}

fn utf16(text: &str, low_first: bool) -> Vec<u8> {
    let bytes = |unit: u16| {
        if low_first {
            unit.to_le_bytes()
        } else {
            unit.to_be_bytes()
        }
    };
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn trap_20_utf_16_reads_with_and_without_its_mark_declared_or_not() {
    let text = "a,num\r\nAnnée/–,1\r\n𝒳,2\r\n";
    for low_first in [true, false] {
        let name = if low_first { "utf-16le" } else { "utf-16be" };
        for mark in ["", "\u{feff}"] {
            for options in ["", &format!("encoding: {name}")] {
                let world = with(options);
                let bytes = utf16(&format!("{mark}{text}"), low_first);
                let intake = world.take_in("p.csv", bytes).expect("takes in");
                assert_eq!(
                    world.column(&intake, "a"),
                    ["Année/–", "𝒳"],
                    "{name} {options}"
                );
                assert_eq!(world.column(&intake, "_line"), ["2", "3"]);
                assert!(intake.warnings.is_empty());
            }
        }
    }
}

#[test]
fn utf_16_cut_in_mid_character_was_cut_off() {
    let bytes = utf16("\u{feff}a,num\nx,1\n", true);
    let error = with("").refused("p.csv", &bytes[..bytes.len() - 1]);
    assert_says(&error, Code::BadFile, &["cut off", "p.csv"]);
}

#[test]
fn what_is_no_character_is_replaced_and_said() {
    let mut bytes = utf16("\u{feff}a,num\nx", true);
    bytes.extend([0x00, 0xDC]);
    bytes.extend(utf16("y,1\n", true));
    let world = with("");
    let intake = world.take_in("p.csv", bytes).expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["x\u{fffd}y"]);
    let warning = &intake.warnings[0];
    assert!(warning.message.contains("1 characters"), "{warning:?}");
    assert_eq!(warning.line, Some(2));
}

#[test]
fn trap_20_windows_1252_is_found_with_a_warning_wherever_its_first_byte_is() {
    let mut bytes = b"a,num\n".to_vec();
    for _ in 0..100_000 {
        bytes.extend(b"plain,1\n");
    }
    // "Année/–" as Windows writes it.
    bytes.extend(b"Ann\xE9e/\x96,2\n");
    let world = with("");
    let intake = world.take_in("p.csv", &bytes).expect("takes in");
    assert_eq!((intake.received, intake.quarantined), (100_001, 0));
    assert_eq!(
        world.column(&intake, "a").last().map(String::as_str),
        Some("Année/–")
    );
    assert!(intake.warnings[0].message.contains("windows-1252"));
    let findings = intake.findings(crate::ingest::About::File);
    assert!(findings.iter().any(|f| f.to_string().contains("p.csv")));
    let declared = with("encoding: windows-1252")
        .take_in("p.csv", &bytes)
        .expect("takes in");
    assert!(declared.warnings.is_empty());
}

#[test]
fn utf_8_with_a_damaged_byte_stays_utf_8() {
    let world = with("");
    let intake = world
        .take_in("p.csv", b"a,num\nAnn\xC3\xA9e,1\nB\xE9,2\nz,3\n")
        .expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["Année", "z"]);
    assert_eq!(world.quarantine(&intake)[0].rule, "encoding");
}

#[test]
fn a_mark_that_contradicts_what_is_declared_is_an_error() {
    let text = "\u{feff}a,num\nx,1\n";
    assert_says(
        &with("encoding: windows-1252").refused("p.csv", text),
        Code::BadFile,
        &["utf-8, not windows-1252", "byte order mark"],
    );
    assert_says(
        &with("encoding: utf-8").refused("p.csv", utf16(text, true)),
        Code::BadFile,
        &["utf-16le, not utf-8"],
    );
}

#[test]
fn packed_text_is_transcoded_too() {
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(&utf16("\u{feff}a,num\nAnnée,1\n", true))
        .expect("packs");
    let world = with("");
    let intake = world
        .take_in("p.csv.gz", encoder.finish().expect("packs"))
        .expect("takes in");
    assert_eq!(world.column(&intake, "a"), ["Année"]);
}

#[test]
fn a_text_of_a_mark_alone_has_no_header() {
    assert_says(
        &with("").refused("p.csv", "\u{feff}"),
        Code::Header,
        &["no header"],
    );
}
