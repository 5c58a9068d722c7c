//! Delimited text in blocks, read and judged by as many threads as there are cores.
//!
//! A block ends with a line end, and whether that is the end of a row is known for certain only when
//! everything before it has been read: it may stand in quotes. So each block is read as if it
//! began with a row, on the line that counting line ends gives; what comes of it is taken, in the
//! order of the file, if the block before it left nothing over and the count was right. Otherwise it
//! is read again, with what was left over. What comes of a file depends on its bytes alone.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use parking_lot::Mutex;

use crate::diag::{DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::header::Layout;
use crate::ingest::judged::Judged;
use crate::ingest::rows::{Broken, Judging, RowsBuilder, Sink, Structure};

use super::above::SkipRules;
use super::faults::{fault_of, io_fault};
use super::marks::Signs;
use super::scan::{Fault, LONGEST_RECORD, Record, Records};

/// Rows that room is made for at once: a block of empty lines has more, and no rows.
const MOST_ROWS: usize = 1 << 17;

/// A stretch of text.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub bytes: Vec<u8>,
    /// The line that it seems to begin on.
    pub line: i64,
    /// Line ends in it.
    pub lines: usize,
    /// The text ends with it.
    pub last: bool,
}

/// Cuts a text into blocks.
pub(super) struct Blocks<'r> {
    input: &'r mut dyn Read,
    place: &'r DataPlace,
    /// Bytes that belong to the next block.
    ahead: Vec<u8>,
    line: i64,
    size: usize,
    ended: bool,
    /// Room that blocks which were taken have left.
    spare: Vec<Vec<u8>>,
}

impl<'r> Blocks<'r> {
    /// Of what begins on a line with bytes that were read `ahead`, and goes on with the input.
    pub(super) fn new(
        ahead: Vec<u8>,
        input: &'r mut dyn Read,
        line: i64,
        size: usize,
        place: &'r DataPlace,
    ) -> Self {
        Self {
            input,
            place,
            ahead,
            line,
            size,
            ended: false,
            spare: Vec::new(),
        }
    }

    /// Takes back the room of a block.
    fn reuse(&mut self, mut bytes: Vec<u8>) {
        bytes.clear();
        self.spare.push(bytes);
    }

    /// The next block; none after the last.
    ///
    /// # Errors
    /// When the disk fails, or what packs or encodes the text.
    pub(super) fn next(&mut self) -> Result<Option<Block>> {
        if self.ended {
            return Ok(None);
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.append(&mut self.ahead);
        let mut most = self.size.max(bytes.len());
        bytes.reserve(most - bytes.len());
        let cut = loop {
            let wanted = (most - bytes.len()) as u64;
            let read = (&mut *self.input).take(wanted).read_to_end(&mut bytes);
            read.map_err(|e| Diagnostics::from(io_fault(self.place, &e)))?;
            if bytes.len() < most {
                self.ended = true;
                break bytes.len();
            }
            // The last byte may be the first half of a line end.
            let line_end = memchr::memrchr2(b'\n', b'\r', &bytes[..bytes.len() - 1]);
            match line_end {
                Some(at) if bytes[at] == b'\r' && bytes[at + 1] == b'\n' => break at + 2,
                Some(at) => break at + 1,
                // Whoever reads it says that no row is as long.
                None if bytes.len() > LONGEST_RECORD => break bytes.len(),
                None => most += self.size,
            }
        };
        self.ahead = bytes.split_off(cut);
        let line = self.line;
        let lines = memchr::memchr_iter(b'\n', &bytes).count();
        self.line += lines as i64;
        Ok(Some(Block {
            bytes,
            line,
            lines,
            last: self.ended,
        }))
    }
}

/// How rows are read from a block.
pub(super) struct Rows<'a> {
    pub signs: Signs,
    pub skips: &'a SkipRules,
    pub layout: &'a Layout,
    /// Columns of the contract.
    pub columns: usize,
    pub judge: &'a dyn Judging,
    pub place: &'a DataPlace,
}

/// What came of a block.
struct Done {
    block: Block,
    /// Bytes of it that are whole rows.
    taken: usize,
    /// The line after them.
    line: i64,
    received: u64,
    judged: Result<Judged>,
}

impl Rows<'_> {
    /// Reads all blocks into the sink, beginning with `first`. Says how many rows there were.
    ///
    /// # Errors
    /// When a quote never closes or stands where none can, a row is too long or too wide, or the
    /// sink refuses.
    pub(super) fn read(
        &self,
        first: Block,
        blocks: &mut Blocks<'_>,
        sink: &mut dyn Sink,
    ) -> Result<u64> {
        let mut taker = Taker {
            rows: self,
            line: first.line,
            left: Vec::new(),
            received: 0,
            sink,
        };
        if first.last {
            taker.take(self.done(first))?;
            return Ok(taker.received);
        }
        let workers = thread::available_parallelism().map_or(2, usize::from);
        // One more than can be worked on, so that nobody waits for the disk.
        let most = workers + 1;
        let (to_do, given) = sync_channel::<(usize, Block)>(most);
        let (finished, done) = channel();
        let given = Mutex::new(given);
        thread::scope(|scope| {
            for _ in 0..workers {
                let (given, finished) = (&given, Finished(finished.clone()));
                scope.spawn(move || {
                    while let Some((number, block)) = one(given) {
                        if finished.0.send(Some((number, self.done(block)))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(finished);
            taker.all(first, blocks, most, to_do, done)
        })?;
        Ok(taker.received)
    }

    /// Reads and judges a block by itself.
    fn done(&self, block: Block) -> Done {
        let mut records = Records::new(&block.bytes, self.signs, block.line, block.last);
        let mut rows = RowsBuilder::sized(self.columns, block.lines.min(MOST_ROWS));
        let mut skipped: BTreeMap<String, u64> = BTreeMap::new();
        let fault = loop {
            match records.next() {
                Ok(Some(record)) => {
                    if let Some(rule) = self.row(record, &mut rows) {
                        *skipped.entry(rule.to_owned()).or_default() += 1;
                    }
                }
                Ok(None) => break None,
                Err(fault) => break Some(fault),
            }
        };
        let (taken, line) = (records.taken(), records.line());
        let (rows, received) = rows.whole();
        let received = received + skipped.values().sum::<u64>();
        let judged = match fault {
            Some(fault) => Err(self.failed(fault)),
            None => self.judge.judge(rows).map(|mut judged| {
                judged.drop_rows(skipped);
                judged
            }),
        };
        Done {
            block,
            taken,
            line,
            received,
            judged,
        }
    }

    /// Adds a record, or says which rule leaves it out.
    fn row(&self, record: Record<'_>, rows: &mut RowsBuilder) -> Option<&str> {
        let (line, last_line, len) = (record.line, record.last_line, record.len());
        let broken = |rule, reason: String| Broken {
            line,
            column: None,
            rule,
            reason,
        };
        if record.has_nul {
            rows.push_broken(broken(
                Structure::NulByte,
                "the row holds a NUL byte: was the file cut off or damaged on its way?".to_owned(),
            ));
            return None;
        }
        let Some(fields) = record.fields() else {
            let reason = "the row is not UTF-8".to_owned();
            rows.push_broken(broken(Structure::Encoding, reason));
            return None;
        };
        if let Some(rule) = self.skips.of((0..len).map(|i| fields.get(i))) {
            return Some(rule);
        }
        if len == self.layout.width {
            rows.push(line, self.layout, |i| fields.get(i));
            return None;
        }
        let mut reason = format!("{len} fields, the header has {}", self.layout.width);
        if last_line > line {
            reason.push_str(&format!("; the row goes on to line {last_line}"));
        }
        rows.push_broken(broken(Structure::Ragged, reason));
        None
    }

    fn failed(&self, fault: Fault) -> Diagnostics {
        fault_of(fault, self.place).into()
    }
}

/// Where what came of blocks goes. Whoever panics says that nothing more is to be waited for.
struct Finished(Sender<Option<(usize, Done)>>);

impl Drop for Finished {
    fn drop(&mut self) {
        if thread::panicking() {
            // If nobody listens, nobody waits.
            let _ = self.0.send(None);
        }
    }
}

/// The next block for whoever asks first.
fn one(given: &Mutex<Receiver<(usize, Block)>>) -> Option<(usize, Block)> {
    given.lock().recv().ok()
}

/// Takes blocks in their order.
struct Taker<'a> {
    rows: &'a Rows<'a>,
    /// The line on which the next block begins.
    line: i64,
    /// The part of a row that the last block ended with.
    left: Vec<u8>,
    received: u64,
    sink: &'a mut dyn Sink,
}

impl Taker<'_> {
    fn all(
        &mut self,
        first: Block,
        blocks: &mut Blocks<'_>,
        most: usize,
        to_do: SyncSender<(usize, Block)>,
        done: Receiver<Option<(usize, Done)>>,
    ) -> Result<()> {
        let gone = || Diagnostics::from(Diagnostic::bug("nobody reads blocks any more"));
        let mut waiting = BTreeMap::new();
        let (mut given, mut taken) = (0, 0);
        let mut next = Some(first);
        loop {
            while given - taken < most
                && let Some(block) = next.take()
            {
                to_do.send((given, block)).map_err(|_| gone())?;
                given += 1;
                next = blocks.next()?;
            }
            if given == taken {
                return Ok(());
            }
            let Some((number, block)) = done.recv().map_err(|_| gone())? else {
                // The scope goes on with the panic.
                return Ok(());
            };
            waiting.insert(number, block);
            while let Some(block) = waiting.remove(&taken) {
                blocks.reuse(self.take(block)?);
                taken += 1;
            }
        }
    }

    /// Takes a block; its room can be used again.
    fn take(&mut self, mut done: Done) -> Result<Vec<u8>> {
        if !self.left.is_empty() || done.block.line != self.line {
            let mut bytes = std::mem::take(&mut self.left);
            bytes.append(&mut done.block.bytes);
            done = self.rows.done(Block {
                bytes,
                line: self.line,
                lines: done.block.lines,
                last: done.block.last,
            });
        }
        self.sink.judged(done.judged?)?;
        self.line = done.line;
        self.received += done.received;
        self.left = done.block.bytes.split_off(done.taken);
        Ok(done.block.bytes)
    }
}
