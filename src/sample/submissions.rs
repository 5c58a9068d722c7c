//! What arrived when, and what must be made of it: the manifest that goes with the files, and the
//! ledger that the warehouse has to arrive at.
//!
//! Every feed says for each of its files how many rows it wrote and how many of them the contract will
//! refuse, and which file of several for one provider and month stands. Nothing here reads a file.

use std::io;

use chrono::{Days, NaiveDate, NaiveDateTime};

use super::Written;
use super::feeds::csv::CsvFile;
use super::world::World;

/// What becomes of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It stands.
    Accepted,
    /// A newer one of the same provider and month stands.
    Superseded,
    /// Its sender took it back.
    Cancelled,
    /// The same bytes had arrived before.
    Duplicate,
}

impl Status {
    /// As the ledger spells it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Accepted => "accepted",
            Status::Superseded => "superseded",
            Status::Cancelled => "cancelled",
            Status::Duplicate => "duplicate",
        }
    }
}

/// A file, as one source reads it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The source.
    pub source: &'static str,
    /// Who sent it, where file names say so.
    pub provider: Option<&'static str>,
    /// Its month, where file names say so.
    pub period: Option<NaiveDate>,
    /// Path below the root, with `/`.
    pub file: String,
    /// When it arrived.
    pub received: NaiveDateTime,
    /// Which of the submissions for its provider and month it is, from 1.
    pub sequence: u32,
    /// Rows below the headings, footers and the like among them; blank ones are none.
    pub rows: u64,
    /// Of those, rows that are no rows of the source: totals, footers, headings said again.
    pub dropped: u64,
    /// Rows the contract refuses.
    pub refused: u64,
    /// What becomes of it.
    pub status: Status,
}

/// Days between two submissions for the same month.
const BETWEEN: u64 = 14;

impl Submission {
    /// The first submission of month `m`, which arrives some days after the month's end.
    pub fn monthly(world: &World, source: &'static str, m: usize, file: &str) -> Self {
        let census = world.calendar.census(m);
        Self {
            period: Some(world.calendar.first(m)),
            ..Self::after(source, census, 4, file)
        }
    }

    /// A first submission that arrives `days` to `days` + 4 days after `on`, in office hours.
    pub fn after(source: &'static str, on: NaiveDate, days: u64, file: &str) -> Self {
        // Not chance but the file's name: who sends late is late in every world.
        let mix = file.bytes().fold(0_u32, |mix, byte| {
            mix.wrapping_mul(31).wrapping_add(byte.into())
        });
        let day = on
            .checked_add_days(Days::new(days + u64::from(mix % 5)))
            .unwrap_or(on);
        let received = day
            .and_hms_opt(8 + mix / 5 % 9, mix / 64 % 60, mix / 8192 % 60)
            .unwrap_or_default();
        Self {
            source,
            provider: None,
            period: None,
            file: file.to_owned(),
            received,
            sequence: 1,
            rows: 0,
            dropped: 0,
            refused: 0,
            status: Status::Accepted,
        }
    }

    /// Sent by a trust.
    pub fn by(mut self, trust: &'static str) -> Self {
        self.provider = Some(trust);
        self
    }

    /// With so many rows, of which so many are refused.
    pub fn with_rows(mut self, rows: u64, refused: u64) -> Self {
        (self.rows, self.refused) = (rows, refused);
        self
    }

    /// With so many rows besides that are no rows of the source.
    pub fn and_dropped(mut self, dropped: u64) -> Self {
        self.rows += dropped;
        self.dropped = dropped;
        self
    }

    /// Makes it the submission number `sequence`, two weeks after the one before.
    pub fn again(&mut self, sequence: u32) {
        let days = BETWEEN * u64::from(sequence.saturating_sub(self.sequence));
        self.sequence = sequence;
        self.received = self
            .received
            .checked_add_days(Days::new(days))
            .unwrap_or(self.received);
    }

    /// Settles how the versions of one file stand, the last of which has the bytes of the one before,
    /// or has not: it stands, or is a duplicate.
    pub fn settle(versions: &mut [Self], same: bool) {
        let Some((last, earlier)) = versions.split_last_mut() else {
            return;
        };
        if same {
            last.status = Status::Duplicate;
            return;
        }
        last.status = Status::Accepted;
        for version in earlier {
            if version.status == Status::Accepted {
                version.status = Status::Superseded;
            }
        }
    }

    /// The day after it arrived, on which a cancelled one was taken back.
    pub fn cancelled_at(&self) -> String {
        let next = self.received.checked_add_days(Days::new(1));
        next.unwrap_or(self.received).format("%Y-%m-%d").to_string()
    }
}

fn stamp(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes `manifest.csv` and `truth/submissions.csv`.
pub fn write(world: &World, mut submissions: Vec<Submission>) -> io::Result<Vec<Written>> {
    // The manifest grows as files arrive; of those that came together the older version is last.
    submissions
        .sort_by(|a, b| (a.received, b.sequence, &a.file).cmp(&(b.received, a.sequence, &b.file)));
    let heading = "file,received_at,sequence";
    let mut manifest = CsvFile::create(&world.out, "manifest.csv".into(), heading)?;
    let mut listed = std::collections::HashSet::new();
    for submission in &submissions {
        if listed.insert(&submission.file) {
            let row = manifest.row()?.text(&submission.file);
            row.text(&stamp(submission.received))
                .number(submission.sequence.into())
                .end();
        }
    }
    drop(listed);
    submissions
        .sort_by(|a, b| (a.source, &a.file, a.sequence).cmp(&(b.source, &b.file, b.sequence)));
    let heading =
        "source,provider,period,file,received_at,sequence,rows_in,good,quarantined,status";
    let mut ledger = CsvFile::create(&world.out, "truth/submissions.csv".into(), heading)?;
    for submission in &submissions {
        let row = ledger.row()?;
        row.text(submission.source)
            .text(submission.provider.unwrap_or_default())
            .iso_or_blank(submission.period)
            .text(&submission.file)
            .text(&stamp(submission.received))
            .number(submission.sequence.into());
        if submission.status == Status::Cancelled {
            // Nobody reads what was taken back.
            row.blank().blank().blank();
        } else {
            row.number(submission.rows)
                .number(submission.rows - submission.refused - submission.dropped)
                .number(submission.refused);
        }
        row.text(submission.status.name()).end();
    }
    Ok(vec![manifest.finish()?, ledger.finish()?])
}
