//! A report of refused rows that their sender can act on: one page of HTML and one CSV.
//!
//! The page stands alone: no script, no network, nothing that a policy forbids; it follows the
//! reader's light or dark, and prints. Everything from a file is escaped, because a heading may hold
//! anything. The CSV is opened in a spreadsheet: nothing in it begins like a formula. Neither holds
//! the time of its making: the same refused rows give the same bytes.

mod csv;
mod page;

/// Refused rows of one file that the page shows; the CSV has them all.
pub const SHOWN_ROWS: usize = 1000;

/// What one sender's files came to.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    /// Who sent them.
    pub provider: String,
    /// Who took them in: the warehouse's name.
    pub warehouse: String,
    /// Every file of theirs that counts now.
    pub files: Vec<SentFile>,
    /// The rules that their rows broke.
    pub totals: Vec<SentTotal>,
}

/// A file that was sent.
#[derive(Debug, Clone, Default)]
pub struct SentFile {
    /// The source it belongs to.
    pub source: String,
    /// Its path below the inbox.
    pub file: String,
    /// What its name says, such as `period 2026-01`.
    pub says: String,
    /// The first digits of the hash of its bytes: which of two files of one name it is.
    pub hash: Option<String>,
    /// Why nothing of it is used; nothing if it is.
    pub refused_because: Vec<String>,
    /// Its rows: received, good, refused, dropped. None if they were never read.
    pub rows: Option<[u64; 4]>,
    /// Rows dropped by declared rules, by name.
    pub dropped: Vec<(String, u64)>,
    /// Refused rows, in the order of the file, up to [`SHOWN_ROWS`].
    pub shown: Vec<SentRow>,
    /// Refused rows that are not among them.
    pub left_out: u64,
    /// Rows that are sound and were refused with their file.
    pub sound: u64,
}

/// A refused row, once for each rule it breaks.
#[derive(Debug, Clone, Default)]
pub struct SentRow {
    /// The line of the file, from 1.
    pub line: Option<u64>,
    /// The heading of the column.
    pub heading: String,
    /// The rule's name.
    pub rule: String,
    /// What is wrong, in plain words.
    pub what: String,
    /// What is expected instead.
    pub expected: String,
    /// As much of the value as may be seen.
    pub value: String,
}

/// A rule that rows broke, over all files.
#[derive(Debug, Clone, Default)]
pub struct SentTotal {
    /// The source.
    pub source: String,
    /// The heading of the column.
    pub heading: String,
    /// What is wrong, in plain words.
    pub what: String,
    /// What is expected instead.
    pub expected: String,
    /// Rows that break it.
    pub rows: u64,
    /// Files that they are in.
    pub files: u64,
    /// What becomes of them, and from where the whole file is refused.
    pub fate: String,
}
