//! The world: everything two feeds must agree on, drawn once. Histories are not in it; they are drawn
//! again, from the person's own stream, by the feed that writes them.

use std::path::PathBuf;

use super::Options;
use super::dates::Calendar;
use super::geography::{DISTRICTS, Geography};
use super::nhs_number;
use super::people::{Person, Setting, Snapshot};
use super::practices::Practices;
use super::truth::Places;

/// Below so many people a world is small.
const SMALL: usize = 20_000;

/// A synthetic Kent and Medway.
#[derive(Debug)]
pub struct World {
    /// The seed.
    pub seed: u64,
    /// Where files go.
    pub out: PathBuf,
    /// The months.
    pub calendar: Calendar,
    /// Districts and LSOAs.
    pub geography: Geography,
    /// What the lookups make of an address.
    pub places: Places,
    /// General practices.
    pub practices: Practices,
    /// Everybody the extracts may show.
    pub people: Vec<Person>,
    /// Valid numbers of people no extract shows.
    pub strangers: Vec<u64>,
}

impl World {
    /// Draws the world.
    pub fn new(options: &Options) -> Self {
        let calendar = Calendar::new(options.end, options.months);
        let geography = Geography::new(options.seed, options.people);
        let practices = Practices::new(options.people, &calendar);
        let count = options.people as usize;
        let mut numbers = nhs_number::issue(count + 12 + count / 1_000);
        let strangers = numbers.split_off(count);
        let setting = Setting {
            seed: options.seed,
            calendar: &calendar,
            geography: &geography,
            practices: &practices,
            district_weights: DISTRICTS.map(|district| district.size),
            small: count < SMALL,
        };
        let people = numbers
            .iter()
            .enumerate()
            .map(|(index, number)| Person::draw(index, *number, &setting))
            .collect();
        let places = Places::new(&geography);
        Self {
            seed: options.seed,
            out: options.out.clone(),
            calendar,
            geography,
            places,
            practices,
            people,
            strangers,
        }
    }

    /// A month as file names spell it: `2026-03`.
    pub fn month_name(&self, m: usize) -> String {
        self.calendar.first(m).format("%Y-%m").to_string()
    }

    /// A person's row in month `m` as the warehouse will know it.
    pub fn snapshot(&self, person: &Person, m: usize) -> Option<Snapshot> {
        person.snapshot(m, &self.calendar, &self.geography, &self.practices)
    }

    /// A person's newest row that the warehouse will know.
    pub fn latest(&self, person: &Person) -> Option<Snapshot> {
        (0..self.calendar.months())
            .rev()
            .find_map(|m| self.snapshot(person, m))
    }

    /// A person's newest row, as long as they have not opted out by then: an opt-out takes them out of all
    /// that went before as well.
    pub fn counted(&self, person: &Person) -> Option<Snapshot> {
        self.latest(person).filter(|row| !row.opted_out())
    }

    /// A person's row in month `m` with what has become known since, of which their newest row tells: a death,
    /// and who has the list of a practice that has closed.
    pub fn row_now(&self, person: &Person, newest: &Snapshot, m: usize) -> Option<Snapshot> {
        let row = self.snapshot(person, m)?;
        Some(Snapshot {
            death: newest.death,
            practice: self.practices.holder(row.practice, m),
            ..row
        })
    }

    /// Small worlds have more of what is rare, or their marts would be all but empty.
    pub fn is_small(&self) -> bool {
        self.people.len() < SMALL
    }

    /// So many in ten thousand that at least `least` people are expected, and half of all at most.
    pub fn rate(&self, per_10_000: u32, least: u32) -> u32 {
        let people = self.people.len().max(1) as u64;
        let needed = (u64::from(least) * 10_000 / people).min(5_000) as u32;
        per_10_000.max(needed)
    }
}
