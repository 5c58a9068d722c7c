//! General practices and their networks. Codes have never been issued (Z99001 and up, U99001 and up),
//! names are plants. One practice in twenty closes in the course of the sample and hands its list to
//! a successor (trap 19); one closed long ago.

use chrono::NaiveDate;

use super::dates::{Calendar, date};
use super::geography::DISTRICTS;

/// A practice of the reference list. Its code is `Z99` and its place in the list, from 1.
#[derive(Debug, Clone)]
pub struct Practice {
    /// Place in [`DISTRICTS`].
    pub district: usize,
    /// When it opened.
    pub opened: NaiveDate,
    /// When it closed.
    pub closed: Option<NaiveDate>,
    /// Who took over its list.
    pub successor: Option<PracticeCode>,
    /// Number of its network, from 1.
    pub network: u32,
}

/// A practice as a person's row names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PracticeCode {
    /// Nothing is written.
    Blank,
    /// A practice in the reference list, numbered from 1.
    Listed(u16),
    /// A code in no list: a practice over the border.
    Orphan(u16),
}

/// The reference list of practices.
#[derive(Debug)]
pub struct Practices {
    /// In order of code.
    pub list: Vec<Practice>,
    /// Practices with patients at the start, by district.
    pub of_district: Vec<Vec<u16>>,
    /// The month after whose census the closing practices close.
    pub closing_month: usize,
}

/// Plants, for names.
pub const PLANTS: [&str; 20] = [
    "Alder", "Bramble", "Campion", "Dogwood", "Elder", "Foxglove", "Gorse", "Hazel", "Juniper",
    "Larch", "Mallow", "Nettle", "Oxlip", "Privet", "Rowan", "Sorrel", "Teasel", "Vetch", "Willow",
    "Yarrow",
];

impl Practices {
    /// About one practice to 8,000 people, at least one in each district.
    pub fn new(people: u64, calendar: &Calendar) -> Self {
        let wanted = (people / 8_000).clamp(13, 900) as u32;
        let thousands: u32 = DISTRICTS.iter().map(|d| d.size).sum();
        let closing_month = calendar.months() / 2;
        let closing_day = calendar.census(closing_month);
        let mut list = Vec::new();
        let mut of_district = vec![Vec::new(); DISTRICTS.len()];
        for (district, facts) in DISTRICTS.iter().enumerate() {
            let share = ((wanted * facts.size + thousands / 2) / thousands).max(1);
            for _ in 0..share {
                let number = list.len() as u16 + 1;
                of_district[district].push(number);
                list.push(Practice {
                    district,
                    opened: date(1974 + i32::from(number % 40), 4, 1),
                    closed: None,
                    successor: None,
                    network: 1 + u32::from(number - 1) / 4,
                });
            }
        }
        // The second practice closes in every world, then every twentieth; each hands over to the next.
        let listed = list.len();
        for place in (1..listed).step_by(20).filter(|place| place + 1 < listed) {
            list[place].closed = Some(closing_day);
            list[place].successor = Some(PracticeCode::Listed(place as u16 + 2));
        }
        list.push(Practice {
            district: 0,
            opened: date(1974, 4, 1),
            closed: Some(date(2019, 3, 31)),
            successor: Some(PracticeCode::Listed(1)),
            network: 1,
        });
        Self {
            list,
            of_district,
            closing_month,
        }
    }

    /// Who has the list of a practice in month `m`: itself, or its successor once it has closed.
    pub fn holder(&self, practice: PracticeCode, m: usize) -> PracticeCode {
        let PracticeCode::Listed(number) = practice else {
            return practice;
        };
        let facts = &self.list[usize::from(number) - 1];
        match facts.successor {
            Some(successor) if m > self.closing_month => successor,
            _ => practice,
        }
    }
}
