//! What readers yield: batches of texts by contract column, and the rows that are not even rows.

use crate::diag::Result;

use super::drift::FileType;
use super::header::Layout;
use super::intake::Warning;
use super::judged::Judged;
use super::texts::{Texts, TextsBuilder};

/// Rows that are judged at once.
pub(super) const BATCH_ROWS: usize = 8192;
/// Bytes of text after which a batch ends early, so that long texts cannot exhaust memory.
const BATCH_BYTES: usize = 16 << 20;

/// A rule that a row breaks before it has values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Structure {
    /// More or fewer fields than headings.
    Ragged,
    /// A NUL byte: a disk or a transfer failed half-way.
    NulByte,
    /// Bytes that are not UTF-8.
    Encoding,
    /// A formula of the sheet failed.
    ErrorCell,
    /// A line that is no JSON object of plain values.
    Json,
}

impl Structure {
    pub(super) const ALL: [Self; 5] = [
        Self::Ragged,
        Self::NulByte,
        Self::Encoding,
        Self::ErrorCell,
        Self::Json,
    ];

    /// The rule's name in reports.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Self::Ragged => "ragged",
            Self::NulByte => "nul_byte",
            Self::Encoding => "encoding",
            Self::ErrorCell => "error_cell",
            Self::Json => "json",
        }
    }
}

/// A row that is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// The line it starts on.
    pub line: i64,
    /// The contract column, where one is to blame.
    pub column: Option<usize>,
    /// What is wrong with it.
    pub rule: Structure,
    /// The same in words, without values.
    pub reason: String,
}

/// A batch of rows as texts: trimmed, null where nothing is written.
#[derive(Debug)]
pub(super) struct Rows {
    /// One for each column of the contract, in its order.
    pub columns: Vec<Texts>,
    /// The line each row starts on.
    pub lines: Vec<i64>,
    /// Rows of the same stretch of the file that are not rows.
    pub broken: Vec<Broken>,
}

/// Where a reader's findings go. `header` comes before rows, once.
pub(super) trait Sink {
    /// Takes the texts lifted from above the header, in the order of the contract; before it.
    fn preamble(&mut self, texts: &[String]) -> Result<()>;
    /// Says which field feeds which column.
    fn header(&mut self, headings: &[String], line: i64) -> Result<Layout>;
    /// Takes what the file itself says its columns are, by column of the contract; after the
    /// header.
    fn types(&mut self, found: &[(usize, FileType)]) -> Result<()>;
    /// Takes a batch.
    fn rows(&mut self, rows: Rows) -> Result<()>;
    /// Takes a batch that was judged elsewhere.
    fn judged(&mut self, judged: Judged) -> Result<()>;
    /// Notes a row that a rule of the contract leaves out.
    fn skipped(&mut self, rule: &str);
    /// Notes something worth reading.
    fn warn(&mut self, warning: Warning);
}

/// Judges batches, each by itself and several at once; a [`Sink`] takes what comes of it.
pub(super) trait Judging: Sync {
    /// Judges a batch and makes it ready to be written.
    fn judge(&self, rows: Rows) -> Result<Judged>;
}

/// A batch being filled.
pub(super) struct RowsBuilder {
    columns: Vec<TextsBuilder>,
    lines: Vec<i64>,
    broken: Vec<Broken>,
    bytes: usize,
    /// Rows seen since the start of the file, broken ones included.
    received: u64,
}

impl RowsBuilder {
    pub(super) fn new(columns: usize) -> Self {
        Self::sized(columns, BATCH_ROWS)
    }

    /// For so many rows, or about as many.
    pub(super) fn sized(columns: usize, rows: usize) -> Self {
        Self {
            columns: (0..columns).map(|_| TextsBuilder::sized(rows)).collect(),
            lines: Vec::with_capacity(rows),
            broken: Vec::new(),
            bytes: 0,
            received: 0,
        }
    }

    /// Adds a row; `field` gives the text of a field of the file.
    pub(super) fn push<'t>(
        &mut self,
        line: i64,
        layout: &Layout,
        field: impl Fn(usize) -> &'t str,
    ) {
        for (column, slot) in self.columns.iter_mut().zip(&layout.slots) {
            let text = slot.map_or("", |i| trimmed(field(i)));
            self.bytes += text.len();
            column.push(text);
        }
        self.lines.push(line);
        self.received += 1;
    }

    /// Adds a row that is not one.
    pub(super) fn push_broken(&mut self, broken: Broken) {
        self.broken.push(broken);
        self.received += 1;
    }

    /// Counts a row that a rule of the contract leaves out.
    pub(super) fn skip(&mut self, rule: &str, sink: &mut dyn Sink) {
        sink.skipped(rule);
        self.received += 1;
    }

    /// Hands the batch on if it is full.
    pub(super) fn flush_if_full(&mut self, sink: &mut dyn Sink) -> Result<()> {
        if self.lines.len() >= BATCH_ROWS
            || self.broken.len() >= BATCH_ROWS
            || self.bytes >= BATCH_BYTES
        {
            self.flush(sink)?;
        }
        Ok(())
    }

    /// Hands on what is left; says how many rows there were in all.
    pub(super) fn finish(mut self, sink: &mut dyn Sink) -> Result<u64> {
        if !self.lines.is_empty() || !self.broken.is_empty() {
            self.flush(sink)?;
        }
        Ok(self.received)
    }

    /// All rows in one batch, and how many there were.
    pub(super) fn whole(mut self) -> (Rows, u64) {
        (self.batch(), self.received)
    }

    fn flush(&mut self, sink: &mut dyn Sink) -> Result<()> {
        self.bytes = 0;
        let rows = self.batch();
        sink.rows(rows)
    }

    fn batch(&mut self) -> Rows {
        Rows {
            columns: self.columns.iter_mut().map(TextsBuilder::finish).collect(),
            lines: std::mem::take(&mut self.lines),
            broken: std::mem::take(&mut self.broken),
        }
    }
}

/// A text without white space around it. Most have none, and a look at both ends shows it.
fn trimmed(text: &str) -> &str {
    let plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    match plain(text.as_bytes().first()) && plain(text.as_bytes().last()) {
        true => text,
        false => text.trim(),
    }
}
