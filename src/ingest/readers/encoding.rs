//! Bytes to UTF-8: which encoding a text has, and the stream that turns it into ours.
//!
//! A text is read one way from its first byte to its last. Without a byte order mark or a
//! declaration the whole file is therefore looked at before its first row is read. UTF-8 then
//! passes through untouched.

use std::io::{self, Read};
use std::sync::mpsc::sync_channel;
use std::thread;

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::intake::{About, Warning};
use crate::spec::reader::Encoding;

use super::faults::{empty, io_fault};
use super::transcode::{Transcoded, fill};

/// Bytes looked at at once.
const BLOCK: usize = 256 << 10;
/// Blocks that may wait to be looked at.
const WAITING: usize = 4;
/// Bytes at the start by which UTF-16 without a mark is known.
const HEAD: usize = 4 << 10;
/// So many bytes that are not UTF-8, and none that must be, settle it.
const ENOUGH: u64 = 100_000;

/// Something that can be read from its start more than once.
pub(super) trait Bytes {
    /// From the first byte.
    fn open(&mut self) -> Result<Box<dyn Read + '_>>;
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Written {
    encoding: Encoding,
    /// Bytes of its byte order mark.
    mark: usize,
    /// Not declared and not certain.
    guessed: bool,
}

/// Reads a text as UTF-8 without a byte order mark, whatever it is, and says what was lost.
///
/// # Errors
/// When it is empty, is not what was declared, ends within a character, or `read` fails.
pub(super) fn with_text<T>(
    bytes: &mut dyn Bytes,
    declared: Option<Encoding>,
    place: &DataPlace,
    read: &mut dyn FnMut(&mut dyn Read) -> Result<T>,
) -> Result<(T, Vec<Warning>)> {
    let failed = |e: io::Error| Diagnostics::from(io_fault(place, &e));
    let written = look(bytes, declared.unwrap_or_default(), place)?;
    let mut input = bytes.open()?;
    let mut mark = [0_u8; 3];
    input
        .read_exact(&mut mark[..written.mark])
        .map_err(failed)?;
    let encoding = match written.encoding {
        Encoding::Utf8 | Encoding::Detect => return Ok((read(&mut *input)?, Vec::new())),
        Encoding::Utf16Le => UTF_16LE,
        Encoding::Utf16Be => UTF_16BE,
        Encoding::Windows1252 => WINDOWS_1252,
    };
    let mut input = Transcoded::new(&mut *input, encoding.new_decoder_without_bom_handling());
    let read = read(&mut input)?;
    Ok((read, warnings(written, &input)))
}

fn warnings(written: Written, input: &Transcoded<'_>) -> Vec<Warning> {
    let warning = |message: String, line: Option<u64>, hint: &str| Warning {
        about: About::File,
        message,
        line,
        column: None,
        hint: hint.to_owned(),
    };
    let guessed = written.guessed.then(|| {
        warning(
            "the file is not UTF-8: it is read as windows-1252".to_owned(),
            None,
            "if that is right, declare `encoding: windows-1252`; else ask the sender for UTF-8",
        )
    });
    let replaced = (input.replaced > 0).then(|| {
        warning(
            format!(
                "{} characters are no {}: U+FFFD stands in their place",
                input.replaced,
                written.encoding.name()
            ),
            u64::try_from(input.first_replaced).ok(),
            "the file was damaged on its way, or is in another encoding",
        )
    });
    guessed.into_iter().chain(replaced).collect()
}

/// Settles how a text is written.
fn look(bytes: &mut dyn Bytes, declared: Encoding, place: &DataPlace) -> Result<Written> {
    let failed = |e: io::Error| Diagnostics::from(io_fault(place, &e));
    let mut input = bytes.open()?;
    let mut block = vec![0; BLOCK];
    let filled = fill(&mut *input, &mut block[..HEAD], 0).map_err(failed)?;
    let head = &block[..filled];
    if head.is_empty() {
        return Err(empty(place).into());
    }
    let marked = match head {
        [0xEF, 0xBB, 0xBF, ..] => Some((Encoding::Utf8, 3)),
        [0xFF, 0xFE, ..] => Some((Encoding::Utf16Le, 2)),
        [0xFE, 0xFF, ..] => Some((Encoding::Utf16Be, 2)),
        _ => None,
    };
    let certain = |encoding, mark| Written {
        encoding,
        mark,
        guessed: false,
    };
    match (declared, marked) {
        (Encoding::Detect, Some((encoding, mark))) => return Ok(certain(encoding, mark)),
        (Encoding::Detect, None) => {}
        (declared, None) => return Ok(certain(declared, 0)),
        (declared, Some((encoding, mark))) if declared == encoding => {
            return Ok(certain(encoding, mark));
        }
        (declared, Some((encoding, _))) => {
            return Err(Diagnostic::error(
                Code::BadFile,
                format!("the file is {}, not {}", encoding.name(), declared.name()),
            )
            .at(place.clone())
            .label("its byte order mark says so")
            .hint("declare what it is, or leave `encoding` out: it is then found by itself")
            .into());
        }
    }
    if let Some(encoding) = by_zeros(head) {
        return Ok(certain(encoding, 0));
    }
    block.truncate(filled);
    let survey = surveyed(block, &mut *input).map_err(failed)?;
    Ok(if survey.is_utf8() {
        certain(Encoding::Utf8, 0)
    } else {
        Written {
            encoding: Encoding::Windows1252,
            mark: 0,
            guessed: true,
        }
    })
}

/// What speaks for UTF-8 in a text, of which `first` is the beginning. It is read beside.
fn surveyed(first: Vec<u8>, input: &mut dyn Read) -> io::Result<Survey> {
    thread::scope(|scope| {
        let (sender, blocks) = sync_channel::<Vec<u8>>(WAITING);
        let survey = scope.spawn(move || {
            let mut survey = Survey::default();
            let mut left = Vec::new();
            for block in blocks {
                let text = match left.is_empty() {
                    true => block,
                    false => [left, block].concat(),
                };
                let within = survey.add(&text);
                left = text[text.len() - within..].to_vec();
                if survey.invalid > ENOUGH && survey.wide == 0 {
                    break;
                }
            }
            // The end, within a character or not.
            survey.invalid += u64::from(!left.is_empty());
            survey
        });
        let mut block = first;
        while !block.is_empty() && sender.send(block).is_ok() {
            block = Vec::with_capacity(BLOCK);
            (&mut *input).take(BLOCK as u64).read_to_end(&mut block)?;
        }
        drop(sender);
        let stopped = |_| io::Error::other("what looks at the text panicked");
        survey.join().map_err(stopped)
    })
}

/// UTF-16 without a mark: of most characters one byte is zero, always the same one.
fn by_zeros(head: &[u8]) -> Option<Encoding> {
    let units = head.len() / 2;
    let zeros = |odd: usize| {
        head.iter()
            .skip(odd)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let (many, few) = (units * 7 / 10, units / 20);
    if units < 2 {
        None
    } else if odd >= many.max(1) && even <= few {
        Some(Encoding::Utf16Le)
    } else if even >= many.max(1) && odd <= few {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// What speaks for and against UTF-8 in a text.
#[derive(Debug, Default)]
struct Survey {
    /// Characters of more than one byte, rightly written.
    wide: u64,
    /// Places that are not UTF-8.
    invalid: u64,
}

impl Survey {
    /// Looks at a stretch; says how many bytes at its end may be the start of a character.
    fn add(&mut self, mut bytes: &[u8]) -> usize {
        loop {
            match simdutf8::compat::from_utf8(bytes) {
                Ok(_) => {
                    self.wide += leads(bytes);
                    return 0;
                }
                Err(e) => {
                    self.wide += leads(&bytes[..e.valid_up_to()]);
                    let Some(len) = e.error_len() else {
                        return bytes.len() - e.valid_up_to();
                    };
                    self.invalid += 1;
                    bytes = &bytes[e.valid_up_to() + len..];
                }
            }
        }
    }

    /// Text of another encoding hardly ever holds what UTF-8 makes of a letter with an accent. A
    /// file with such letters and a few other bytes is UTF-8 that was damaged.
    fn is_utf8(&self) -> bool {
        self.invalid == 0 || self.wide >= self.invalid
    }
}

/// Bytes that begin a character of more than one byte.
fn leads(bytes: &[u8]) -> u64 {
    if bytes.is_ascii() {
        return 0;
    }
    bytes.iter().filter(|b| **b >= 0xC0).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn utf_16_is_known_by_its_zeros() {
        assert_eq!(by_zeros(&utf16("a,b\n1,2\n")), Some(Encoding::Utf16Le));
        let be: Vec<u8> = "a,b\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(by_zeros(&be), Some(Encoding::Utf16Be));
        for other in [&b"a,b\n1,2\n"[..], b"a,b\n\0\0\0\0\0\0\0\0", b"a", b"\0"] {
            assert_eq!(by_zeros(other), None);
        }
    }

    #[test]
    fn accents_in_utf_8_outweigh_a_damaged_byte() {
        let survey = |bytes: &[u8]| {
            let mut survey = Survey::default();
            survey.add(bytes);
            survey.is_utf8()
        };
        assert!(survey(b"plain"));
        assert!(survey("Année".as_bytes()));
        assert!(survey(b"Ann\xC3\xA9e, B\xE9\n"));
        assert!(!survey(b"Ann\xE9e, B\xE9\n"));
    }
}
