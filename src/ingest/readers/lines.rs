//! Text to lines, a buffer at a time: what stands above a header, and texts whose rows are lines.

use std::io::{self, Read};

use super::scan::{Fault, LONGEST_RECORD};

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// Reads lines.
pub(super) struct Lines<'r> {
    input: &'r mut dyn Read,
    buffer: Vec<u8>,
    /// The part of the buffer that is read and not yet handed out.
    start: usize,
    filled: usize,
    ended: bool,
    line: i64,
    /// Bytes of the line that was looked at and not yet taken.
    ahead: usize,
}

impl<'r> Lines<'r> {
    pub(super) fn new(input: &'r mut dyn Read) -> Self {
        Self {
            input,
            buffer: Vec::new(),
            start: 0,
            filled: 0,
            ended: false,
            line: 1,
            ahead: 0,
        }
    }

    /// The next line as it is, blank or not, without taking it: quotes mean nothing.
    pub(super) fn peek_line(&mut self) -> Result<Option<&[u8]>, Fault> {
        let (bytes, with_end) = loop {
            let text = &self.buffer[self.start..self.filled];
            if text.is_empty() && self.ended {
                return Ok(None);
            }
            match text.iter().position(|b| matches!(b, b'\n' | b'\r')) {
                Some(at) if text[at] == b'\n' => break (at, at + 1),
                Some(at) => match text.get(at + 1) {
                    Some(b'\n') => break (at, at + 2),
                    None if !self.ended => {}
                    _ => break (at, at + 1),
                },
                None if self.ended => break (text.len(), text.len()),
                None if text.len() > LONGEST_RECORD => return Err(Fault::TooLong(self.line)),
                None => {}
            }
            self.fill()?;
        };
        self.ahead = with_end;
        Ok(Some(&self.buffer[self.start..self.start + bytes]))
    }

    /// Takes the line that was looked at.
    pub(super) fn take_line(&mut self) {
        self.start += std::mem::take(&mut self.ahead);
        self.line += 1;
    }

    /// Whether the line that was looked at has no line end: the text ends with it.
    pub(super) fn line_is_open(&self) -> bool {
        let end = self.start + self.ahead;
        end == self.start || !matches!(self.buffer[end - 1], b'\n' | b'\r')
    }

    /// The line that comes next, from 1.
    pub(super) fn line(&self) -> i64 {
        self.line
    }

    /// What is left of the text: bytes that were read already, and where the others come from.
    pub(super) fn rest(mut self) -> (Vec<u8>, &'r mut dyn Read) {
        self.buffer.truncate(self.filled);
        self.buffer.drain(..self.start);
        (self.buffer, self.input)
    }

    /// Reads until there is at least one byte more, or the text ends.
    fn fill(&mut self) -> Result<(), Fault> {
        self.buffer.copy_within(self.start..self.filled, 0);
        self.filled -= self.start;
        self.start = 0;
        // Twice the record so far, so that a long one is not looked at over and over.
        let room = BUFFER.max(self.filled);
        if self.buffer.len() < self.filled + room {
            self.buffer.resize(self.filled + room, 0);
        }
        let target = self.filled + room;
        while self.filled < target {
            match self.input.read(&mut self.buffer[self.filled..target]) {
                Ok(0) => {
                    self.ended = true;
                    break;
                }
                Ok(n) => self.filled += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(Fault::Io(e)),
            }
        }
        Ok(())
    }
}
