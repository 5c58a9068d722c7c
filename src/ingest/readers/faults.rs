//! What can be wrong with a file before its rows are looked at, in words.

use std::io;

use crate::diag::{Code, DataPlace, Diagnostic};

use super::scan::Fault;
use super::transcode::Cut;
use super::unpack::TooLarge;

/// A fault of the text's structure.
pub(super) fn fault_of(fault: Fault, place: &DataPlace) -> Diagnostic {
    let at = |line: i64| place.clone().line(u64::try_from(line).unwrap_or(0));
    match fault {
        Fault::Io(e) => io_fault(place, &e),
        Fault::Unclosed(line) => Diagnostic::error(
            Code::BadFile,
            format!("the quote that opens on line {line} never closes"),
        )
        .at(at(line))
        .hint("close the quote, or double it if it is part of the text; was the file cut off?"),
        Fault::Stray(opened, closed) => Diagnostic::error(
            Code::BadFile,
            format!("the quote that opens on line {opened} is followed by text on line {closed}"),
        )
        .at(at(opened))
        .label("every row in between would become one field")
        .hint("double a quote that is part of the text"),
        Fault::TooLong(line) => {
            Diagnostic::error(Code::BadFile, format!("line {line} is longer than 16 MiB"))
                .at(at(line))
                .hint(
                    "no row is that long: is it the right file, and are its line ends still there?",
                )
        }
        Fault::TooWide(line) => Diagnostic::error(
            Code::BadFile,
            format!("line {line} has more than a million fields"),
        )
        .at(at(line))
        .hint("no row is that wide: is it the right file, and are its line ends still there?"),
    }
}

/// A fault while bytes came in: of the disk, or of what packs or encodes them.
pub(super) fn io_fault(place: &DataPlace, error: &io::Error) -> Diagnostic {
    if error.get_ref().is_some_and(|e| e.is::<Cut>()) {
        return Diagnostic::error(
            Code::BadFile,
            "the file ends in the middle of a character: it was cut off",
        )
        .at(place.clone())
        .hint("ask the sender for it again");
    }
    if error.get_ref().is_some_and(|e| e.is::<TooLarge>()) {
        return Diagnostic::error(
            Code::BadFile,
            "the file unpacks to far more than it can hold",
        )
        .at(place.clone())
        .label("more than 8 GiB, or more than 1 GiB at over 200 times its packed size")
        .hint("a packed bomb: do not unpack it, ask the sender");
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Diagnostic::error(Code::BadFile, "the packed file ends too early")
                .at(place.clone())
                .hint("it was cut off on its way: ask for it again")
        }
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            Diagnostic::error(Code::BadFile, "the packed file is damaged")
                .at(place.clone())
                .hint("it was damaged on its way, or is not what its name says: ask for it again")
        }
        _ => Diagnostic::error(Code::Io, format!("cannot read the file: {error}"))
            .at(place.clone())
            .hint("try again; if it stays, ask whoever looks after the disk"),
    }
}

/// A file without a byte.
pub(super) fn empty(place: &DataPlace) -> Diagnostic {
    Diagnostic::error(Code::BadFile, "the file is empty (0 bytes)")
        .at(place.clone())
        .hint("a header without rows would be fine: ask the sender for the file again")
}

/// A file of empty lines.
pub(super) fn no_header(place: &DataPlace) -> Diagnostic {
    Diagnostic::error(Code::Header, "the file has no header, only empty lines")
        .at(place.clone())
        .hint("ask the sender for the file again")
}

/// A header that is not text.
pub(super) fn not_text(place: &DataPlace, line: i64) -> Diagnostic {
    Diagnostic::error(Code::BadFile, "the header is not UTF-8 text")
        .at(place.clone().line(u64::try_from(line).unwrap_or(0)))
        .hint("is it a workbook or a ZIP under the wrong name?")
}
