//! Bytes to rows: what arrives becomes typed, pseudonymised rows, or goes to quarantine with the
//! reason.
//!
//! [`discover`] lists the files of a source by the pattern of their names. For each, the runner
//! works out a [`fingerprint`] and one of the [`StagingKeys`]: if a record stands under that key
//! ([`Intake::recorded`]), nothing is done again. Otherwise [`ingest`] reads the file once. A
//! reader (`readers`) turns bytes into batches of text, one column (`texts`) for each of the
//! contract, its fields found by heading (`header`) and never by position. Each different text is cast
//! by a kernel (`kernels`, chosen in `cast`) and held against its column's rules (`columns`). Rows that
//! a declared rule drops are counted and leave; the rules on rows see the typed others
//! (`row_rules`). All of that a `judge` tells from a batch alone, so that a large text is read,
//! judged and encoded in blocks by all cores. A `sorter` takes what comes of them in the order of the
//! file: it holds rows against those before them (`row_keys`), stages the good ones and sends the
//! others to quarantine, once for each rule that a row breaks.
//!
//! What holds for every file, and is checked on every file: received is good plus quarantined plus
//! dropped by a rule of the contract. What
//! is staged is staged whole or not at all, the record last. An NHS number becomes a pseudonym
//! before anything is written; neither it nor any other value of a person reaches staged rows,
//! quarantine, records, warnings or errors.
//!
//! Nothing here decides which of two submissions counts, when a source is too old, or whether a
//! run goes on.

mod arrived;
mod cast;
mod columns;
mod discover;
mod drift;
mod header;
mod intake;
mod judge;
mod judged;
mod kernels;
mod key;
mod load;
mod manifest;
mod mask;
mod pattern;
mod pseudonym;
mod quarantine;
mod readers;
mod row_keys;
mod row_rules;
mod rows;
mod rules;
mod sorter;
#[cfg(test)]
mod tests;
mod texts;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod trial;
mod words;

pub use arrived::{Arrived, Captures, fingerprint};
pub use discover::{Discovery, captures, discover, is_unfinished, strays};
pub use intake::{About, Intake, RuleCount, Warning, Written};
pub use key::{INGEST_VERSION, StagingKeys};
pub use load::{FILE_REJECTED, ingest};
pub use manifest::{Listed, Manifest, instant};
pub use pseudonym::PseudonymKey;
pub use quarantine::{RefusedRow, refused_rows};
pub use row_keys::Related;
pub use words::{InWords, in_words, rule_names};
