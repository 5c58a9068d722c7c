//! A synthetic Kent and Medway, and the numbers the warehouse must make of it.
//!
//! Nobody in it exists. People are born, move, register, opt out and die; they are screened, checked,
//! scanned, invited and cared for; and all of it is written down the way real feeds write it: eight
//! spellings of a date, NHS numbers that are nobody's, practices that closed, areas that split, letters
//! to the dead. Beside the feeds stands `truth/`: what each mart must show, counted person by person in
//! plain Rust from the rows that survive ingestion. The SQL of the pipelines is written from the same
//! page of definitions by someone else, and the two must agree, to the person, for any seed and size.
//!
//! How it is made:
//!
//! 1. [`world`] draws what feeds must agree on: [`geography`], [`practices`], [`people`]. A person is
//!    small and whole; a [`people::Snapshot`] is what one month's extract says about them.
//! 2. [`screening`], [`lung`], [`liver`], [`personalised_care`], [`pathways`], [`tumours`] and
//!    [`lower_gi`] draw one person's history from that person's own stream of [`dice`], so that order and threads change nothing and nothing but the
//!    people is ever in memory whole.
//! 3. [`feeds`] spell the histories into files. Each row carries its [`faults::Fault`], drawn with it.
//! 4. [`truth`] counts, from the same histories, only the rows whose fault lets them count.
//! 5. [`submissions`] says when each file arrived and what must become of it: which of several for one
//!    provider and month stands, and how many of its rows.
//!
//! The same options give the same bytes, on any machine and any day: no clock, no floats in what is
//! drawn, fixed times in ZIP and XLSX. Nothing here may use anything of the rest of Martlet.

pub mod dates;
pub mod dice;
pub mod faults;
pub mod feeds;
pub mod geography;
pub mod liver;
pub mod lower_gi;
pub mod lung;
pub mod nhs_number;
pub mod pathways;
pub mod people;
pub mod personalised_care;
pub mod practices;
pub mod screening;
pub mod submissions;
pub mod truth;
pub mod tumours;
pub mod world;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::thread;

use chrono::NaiveDate;

pub use world::World;

use screening::Programme;
use truth::ScreeningTruth;

/// What to make.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many people, 1 to 5,000,000.
    pub people: u64,
    /// How many months, 1 to 240; the first month's files hold the history before it.
    pub months: u32,
    /// The seed: another seed is another Kent.
    pub seed: u64,
    /// The folder to write into. Files of the same name are replaced, others left.
    pub out: PathBuf,
    /// Any day of the last month; by convention its first.
    pub end: NaiveDate,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            people: 1_500,
            months: 6,
            seed: 1,
            out: "data-samples".into(),
            end: dates::date(2026, 3, 1),
        }
    }
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    /// Path below the folder, with `/`.
    pub path: String,
    /// Rows without headings; of all members or sheets.
    pub rows: u64,
    /// Size.
    pub bytes: u64,
}

/// What was written, in order of path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The files.
    pub files: Vec<Written>,
}

impl Summary {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Rows of all files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

/// Writes a sample world: feeds, reference and truth.
///
/// # Errors
/// Options out of range (`InvalidInput`), or a file that cannot be written.
pub fn write(options: &Options) -> io::Result<Summary> {
    if !(1..=5_000_000).contains(&options.people) || !(1..=240).contains(&options.months) {
        let reason = "a sample has 1 to 5,000,000 people and 1 to 240 months";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    let world = &World::new(options);
    let mut files = thread::scope(|scope| {
        let screening = Programme::ALL
            .map(|programme| scope.spawn(move || feeds::screening::write(world, programme)));
        let others: [Feed; 10] = [
            feeds::people::write,
            feeds::lung::write,
            feeds::liver::write,
            feeds::personalised_care::write,
            feeds::cwt_records::write,
            feeds::tumours::write,
            feeds::lower_gi::write,
            feeds::hpv::write,
            feeds::primary_care::write,
            feeds::cwt_published::write,
        ];
        let others = others.map(|feed| scope.spawn(move || feed(world)));
        let mut fed = feeds::reference::write(world)?;
        let mut truth = ScreeningTruth::new();
        let mut list = truth::screening_due::Truth::new();
        for programme in screening {
            let (written, counted, listed) = finished(programme)?;
            fed.extend(written);
            truth.extend(counted);
            list.extend(listed);
        }
        // The dashboard shows what was counted, so it is written when that is known.
        fed.extend(feeds::screening_published::write(world, &truth)?);
        for other in others {
            fed.extend(finished(other)?);
        }
        let mut files = fed.written;
        files.extend(submissions::write(world, fed.submissions)?);
        files.push(truth::write_screening(world, &truth)?);
        files.push(truth::screening_due::write(world, &list)?);
        files.push(truth::write_geography(world)?);
        io::Result::Ok(files)
    })?;
    files.sort();
    Ok(Summary { files })
}

type Feed = fn(&World) -> io::Result<feeds::Fed>;

fn finished<T>(thread: thread::ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("a feed's thread stopped")))
}
