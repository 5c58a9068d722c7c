//! A member of a ZIP. Nothing is ever unpacked to the disk.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, nearest};
use crate::ingest::rows::{Judging, Sink};
use crate::spec::Reader;
use crate::spec::reader::Zip;

use super::encoding::Bytes;
use super::faults::io_fault;
use super::unpack::{LIMITS, Limited, TooLarge};
use super::{Origin, beside_if_large, csv, excel, json_lines};

/// A workbook is held whole, so it may not be as large as text may.
const LARGEST_WORKBOOK: u64 = 1 << 30;

/// Reads the member that the options name. Says how many rows there were.
///
/// # Errors
/// When the archive is damaged, locked or a bomb, has a path that leads out of it, or has not
/// exactly one such member.
pub(super) fn read(
    origin: &Origin<'_>,
    options: &Zip,
    size: u64,
    judge: &dyn Judging,
    sink: &mut dyn Sink,
) -> Result<u64> {
    let file = File::open(origin.path)
        .map_err(|e| Diagnostics::from(Diagnostic::io(origin.path, "open", &e)))?;
    let mut archive = ZipArchive::new(BufReader::new(file))
        .map_err(|e| Diagnostics::from(whole_fault(origin, &e)))?;
    let index = choose(&mut archive, &options.member, &origin.place)?;
    let fault = |e: ZipError| Diagnostics::from(zip_fault(&origin.place, &e));
    let name = archive
        .name_for_index(index)
        .transpose()
        .map_err(fault)?
        .map_or_else(String::new, |n| n.into_owned());
    let place = DataPlace::file(format!("{}:{name}", origin.place.file));
    let inner = Origin {
        place: place.clone(),
        ..*origin
    };
    let mut member = Member {
        archive: &mut archive,
        index,
        place: &place,
    };
    match options.readers().first() {
        Some(Reader::Excel(options)) => {
            let mut bytes = Vec::new();
            member
                .open()?
                .take(LARGEST_WORKBOOK + 1)
                .read_to_end(&mut bytes)
                .map_err(|e| Diagnostics::from(io_fault(&place, &e)))?;
            if bytes.len() as u64 > LARGEST_WORKBOOK {
                let too_large = std::io::Error::other(TooLarge);
                return Err(io_fault(&place, &too_large).into());
            }
            beside_if_large(size, sink, |sink| {
                excel::read(&inner, options, sink, || Ok(Cursor::new(bytes.as_slice())))
            })
        }
        Some(Reader::JsonLines(options)) => beside_if_large(size, sink, |sink| {
            json_lines::read(&mut member, options, &place, origin.columns, sink)
        }),
        Some(Reader::Csv(options)) => csv::read(&mut member, options, &inner, judge, sink),
        _ => Err(Diagnostic::bug("a ZIP's member has no reader").into()),
    }
}

/// The member of an archive.
struct Member<'a> {
    archive: &'a mut ZipArchive<BufReader<File>>,
    index: usize,
    place: &'a DataPlace,
}

impl Bytes for Member<'_> {
    fn open(&mut self) -> Result<Box<dyn Read + '_>> {
        let member = self
            .archive
            .by_index(self.index)
            .map_err(|e| Diagnostics::from(zip_fault(self.place, &e)))?;
        if member.size() > LIMITS.most {
            let too_large = std::io::Error::other(TooLarge);
            return Err(io_fault(self.place, &too_large).into());
        }
        let packed = member.compressed_size();
        Ok(Box::new(Limited::new(member, packed, LIMITS)))
    }
}

fn choose(
    archive: &mut ZipArchive<BufReader<File>>,
    pattern: &str,
    place: &DataPlace,
) -> Result<usize> {
    let mut names = Vec::new();
    let mut chosen = Vec::new();
    for index in 0..archive.len() {
        let member = archive
            .by_index_raw(index)
            .map_err(|e| Diagnostics::from(zip_fault(place, &e)))?;
        let name = member
            .name()
            .map_err(|e| Diagnostics::from(zip_fault(place, &e)))?
            .into_owned();
        if leads_out(&name) {
            return Err(Diagnostic::error(
                Code::BadFile,
                format!("the ZIP holds `{name}`, a path that leads out of it"),
            )
            .at(place.clone())
            .hint("no honest ZIP has one: do not unpack it, ask the sender")
            .into());
        }
        let file_name = name.rsplit('/').next().unwrap_or_default().to_owned();
        // What macOS adds beside every file.
        if member.is_dir() || file_name.starts_with("._") {
            continue;
        }
        if matches(pattern, &file_name) {
            chosen.push((index, name, member.encrypted()));
        }
        names.push(file_name);
    }
    match chosen.as_slice() {
        [(_, name, true)] => Err(locked(place, name).into()),
        [(index, _, false)] => Ok(*index),
        [] => Err(missing(place, pattern, &names).into()),
        several => Err(Diagnostic::error(
            Code::BadFile,
            format!("{} members of the ZIP fit `{pattern}`", several.len()),
        )
        .at(place.clone())
        .label(
            several
                .iter()
                .map(|(_, name, _)| name.as_str())
                .collect::<Vec<_>>()
                .join(", "),
        )
        .hint("ask the sender which is meant, or make the pattern of `member` narrower")
        .into()),
    }
}

fn missing(place: &DataPlace, pattern: &str, names: &[String]) -> Diagnostic {
    let hint = match nearest(pattern, names.iter().map(String::as_str)) {
        Some(near) => format!("the nearest member is `{near}`"),
        None if names.is_empty() => "the ZIP is empty".to_owned(),
        None => format!("it holds: {}", names.join(", ")),
    };
    Diagnostic::error(Code::BadFile, format!("the ZIP has no member `{pattern}`"))
        .at(place.clone())
        .hint(hint)
}

fn locked(place: &DataPlace, name: &str) -> Diagnostic {
    Diagnostic::error(
        Code::BadFile,
        format!("`{name}` in the ZIP is locked with a password"),
    )
    .at(place.clone())
    .hint("ask for it without a password, over a channel that is safe by itself")
}

/// Whether a member's path is absolute or climbs.
fn leads_out(name: &str) -> bool {
    let name = name.replace('\\', "/");
    name.starts_with('/')
        || name.as_bytes().get(1) == Some(&b':')
        || name.contains('\0')
        || name.split('/').any(|part| part == "..")
}

/// Whether a name fits a pattern in which `*` stands for any characters; case does not matter.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.to_lowercase(), name.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(i) => rest = &rest[i + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// An archive that cannot be opened: what lists its members stands at its end.
fn whole_fault(origin: &Origin<'_>, error: &ZipError) -> Diagnostic {
    let mut first = [0_u8; 4];
    let starts_well = File::open(origin.path)
        .and_then(|mut file| file.read_exact(&mut first))
        .is_ok()
        && first == *b"PK\x03\x04";
    if starts_well && matches!(error, ZipError::InvalidArchive(_)) {
        return Diagnostic::error(
            Code::BadFile,
            "the ZIP is cut off: its end, which lists what is in it, is missing",
        )
        .at(origin.place.clone())
        .hint("it was cut off on its way: ask for it again");
    }
    zip_fault(&origin.place, error)
}

fn zip_fault(place: &DataPlace, error: &ZipError) -> Diagnostic {
    if let ZipError::Io(e) = error
        && e.kind() != std::io::ErrorKind::UnexpectedEof
    {
        return io_fault(place, e);
    }
    Diagnostic::error(Code::BadFile, format!("the ZIP cannot be read: {error}"))
        .at(place.clone())
        .hint("it was damaged on its way, or is not a ZIP: ask for it again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_paths() {
        assert!(matches("Pathway_*.csv", "pathway_invite.CSV"));
        assert!(matches("a.csv", "A.csv"));
        assert!(!matches("a.csv", "ba.csv"));
        assert!(!matches("a*a", "a"));
        assert!(matches("*", "x"));
        for path in ["../x.csv", "a/../../x", "/etc/x", "C:\\x", "..\\x"] {
            assert!(leads_out(path), "{path}");
        }
        assert!(!leads_out("folder/x..csv"));
    }
}
