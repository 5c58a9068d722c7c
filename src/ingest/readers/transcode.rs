//! A text in another encoding as UTF-8, a block at a time.

use std::fmt;
use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult};

/// Bytes turned over at once.
const BLOCK: usize = 256 << 10;

/// Fills `block` from `at`; says how far it is filled.
pub(super) fn fill(input: &mut dyn Read, block: &mut [u8], mut at: usize) -> io::Result<usize> {
    while at < block.len() {
        match input.read(&mut block[at..]) {
            Ok(0) => break,
            Ok(n) => at += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(at)
}

/// The text ends within a character.
#[derive(Debug)]
pub(super) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text ends within a character")
    }
}

impl std::error::Error for Cut {}

/// A text in another encoding, as UTF-8, a block at a time.
pub(super) struct Transcoded<'r> {
    input: &'r mut dyn Read,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_at: usize,
    raw_filled: usize,
    ended: bool,
    text: Vec<u8>,
    text_at: usize,
    text_filled: usize,
    done: bool,
    line: i64,
    /// Characters that could not be read.
    pub replaced: u64,
    /// The line of the first of them.
    pub first_replaced: i64,
}

impl<'r> Transcoded<'r> {
    /// From `input`, whose byte order mark is read already.
    pub(super) fn new(input: &'r mut dyn Read, decoder: Decoder) -> Self {
        Self {
            input,
            decoder,
            raw: vec![0; BLOCK],
            raw_at: 0,
            raw_filled: 0,
            ended: false,
            text: vec![0; BLOCK],
            text_at: 0,
            text_filled: 0,
            done: false,
            line: 1,
            replaced: 0,
            first_replaced: 0,
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();
        (self.text_at, self.text_filled) = (0, 0);
        while self.text_filled == 0 && !self.done {
            if self.raw_at == self.raw_filled && !self.ended {
                self.raw_filled = fill(self.input, &mut self.raw, 0)?;
                self.raw_at = 0;
                self.ended = self.raw_filled < self.raw.len();
            }
            let room = self.text.len() - REPLACEMENT.len();
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                &self.raw[self.raw_at..self.raw_filled],
                &mut self.text[..room],
                self.ended,
            );
            self.raw_at += read;
            self.text_filled = written;
            let feeds = self.text[..written].iter().filter(|b| **b == b'\n').count();
            self.line += i64::try_from(feeds).unwrap_or(0);
            match result {
                DecoderResult::InputEmpty => self.done = self.ended,
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    if self.ended && self.raw_at == self.raw_filled {
                        return Err(io::Error::other(Cut));
                    }
                    self.text[written..written + REPLACEMENT.len()].copy_from_slice(REPLACEMENT);
                    self.text_filled += REPLACEMENT.len();
                    self.replaced += 1;
                    if self.replaced == 1 {
                        self.first_replaced = self.line;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Read for Transcoded<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.text_at == self.text_filled {
            self.refill()?;
        }
        let n = out.len().min(self.text_filled - self.text_at);
        out[..n].copy_from_slice(&self.text[self.text_at..self.text_at + n]);
        self.text_at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_16LE;

    use super::*;

    fn text(
        encoding: &'static encoding_rs::Encoding,
        bytes: &[u8],
    ) -> io::Result<(String, u64, i64)> {
        let mut input = bytes;
        let mut decoded = Transcoded::new(&mut input, encoding.new_decoder_without_bom_handling());
        let mut out = String::new();
        decoded.read_to_string(&mut out)?;
        Ok((out, decoded.replaced, decoded.first_replaced))
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn characters_may_straddle_blocks() {
        let long = format!("x{}", "Année/– 𝒳\n".repeat(60_000));
        let (read, replaced, _) = text(UTF_16LE, &utf16(&long)).expect("reads");
        assert_eq!((read == long, replaced), (true, 0));
    }

    #[test]
    fn what_is_no_character_is_counted_with_its_line() {
        let mut bytes = utf16("a\nb");
        bytes.extend([0x00, 0xD8]);
        bytes.extend(utf16("c"));
        let read = text(UTF_16LE, &bytes).expect("reads");
        assert_eq!(read, ("a\nb\u{fffd}c".to_owned(), 1, 2));
    }

    #[test]
    fn a_cut_within_a_character_is_an_error() {
        let bytes = utf16("a𝒳");
        for cut in [bytes.len() - 1, bytes.len() - 2, bytes.len() - 3, 1] {
            assert!(text(UTF_16LE, &bytes[..cut]).is_err(), "{cut}");
        }
        assert!(text(UTF_16LE, &bytes).is_ok());
    }
}
