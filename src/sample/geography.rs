//! Districts, LSOAs of two vintages, the lookup between them, and two editions of deprivation.
//!
//! The 13 districts are the real ones, sized and tilted roughly as they are; LSOA and ward codes have
//! never been issued. Most LSOAs are unchanged; some split (into parts that share a quintile or do
//! not), some merged, one knot is irregular (X). Two real cases are rebuilt by hand: the Dartford
//! split of deciles 1, 6 and 7 (trap 1) and the Maidstone merger of deciles 8 and 9 (trap 2), and the
//! ranks on each side of a quintile's edge are taken (trap 3).

use std::collections::BTreeSet;

use super::dice::{Dice, Subject};

/// A local authority district.
#[derive(Debug)]
pub struct District {
    /// ONS code.
    pub code: &'static str,
    /// Name.
    pub name: &'static str,
    /// People, in thousands.
    pub size: u32,
    /// Whether its LSOAs lean to the deprived (0), the middle (1) or the affluent (2).
    pub tilt: usize,
    /// The acute trust most of its people go to, a place in [`TRUSTS`].
    pub trust: usize,
    /// Whether its LSOAs may be coastal.
    pub coastal: bool,
}

/// The acute trusts, in order of code.
pub const TRUSTS: [&str; 4] = ["RN7", "RPA", "RVV", "RWF"];

const fn district(
    code: &'static str,
    name: &'static str,
    size: u32,
    tilt: usize,
    trust: usize,
    coastal: bool,
) -> District {
    District {
        code,
        name,
        size,
        tilt,
        trust,
        coastal,
    }
}

/// The districts of Kent and Medway, in order of code.
pub const DISTRICTS: [District; 13] = [
    district("E06000035", "Medway", 280, 0, 1, true),
    district("E07000105", "Ashford", 133, 1, 2, false),
    district("E07000106", "Canterbury", 157, 1, 2, true),
    district("E07000107", "Dartford", 117, 1, 0, false),
    district("E07000108", "Dover", 117, 0, 2, true),
    district("E07000109", "Gravesham", 107, 0, 0, false),
    district("E07000110", "Maidstone", 176, 1, 3, false),
    district("E07000111", "Sevenoaks", 121, 2, 3, false),
    district("E07000112", "Folkestone and Hythe", 110, 0, 2, true),
    district("E07000113", "Swale", 152, 0, 1, true),
    district("E07000114", "Thanet", 141, 0, 2, true),
    district("E07000115", "Tonbridge and Malling", 132, 2, 3, false),
    district("E07000116", "Tunbridge Wells", 115, 2, 3, false),
];

/// Weights of the ten deciles for each tilt.
const DECILES: [[u32; 10]; 3] = [
    [17, 14, 13, 12, 10, 9, 8, 7, 6, 4],
    [7, 9, 10, 11, 11, 12, 11, 10, 10, 9],
    [2, 3, 5, 8, 10, 12, 13, 14, 16, 17],
];

/// LSOAs of England ranked in each edition.
pub const RANKED_2019: u32 = 32_844;
/// LSOAs of England ranked in the 2025 edition.
pub const RANKED_2025: u32 = 33_755;

/// An LSOA of one vintage, with its rank in that vintage's edition.
#[derive(Debug, Clone)]
pub struct Lsoa {
    /// The digits after `E01`.
    pub number: u32,
    /// Place in [`DISTRICTS`].
    pub district: usize,
    /// Number within the district, for the name.
    pub serial: u32,
    /// National rank, 1 the most deprived.
    pub rank: u32,
    /// Published decile.
    pub decile: u8,
}

/// A row of the lookup between vintages.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    /// 2011 code.
    pub from: u32,
    /// 2021 code.
    pub to: u32,
    /// U, S, M or X.
    pub change: char,
}

/// A 2021 LSOA as an address: which 2011 LSOAs lay under it.
#[derive(Debug, Clone, Copy)]
pub struct Home {
    /// 2021 code.
    pub lsoa21: u32,
    /// The 2011 code, or the two there were.
    pub parents: [u32; 2],
    /// Whether the boundary changed.
    pub changed: bool,
    /// Place in [`DISTRICTS`].
    pub district: u8,
    /// Quintile in the 2025 edition, for the gradients of the sample; no truth reads it.
    pub quintile: u8,
}

/// All the places there are.
#[derive(Debug)]
pub struct Geography {
    /// LSOAs of 2011, ranked in 2019, by code.
    pub lsoas11: Vec<Lsoa>,
    /// LSOAs of 2021, ranked in 2025, by code.
    pub lsoas21: Vec<Lsoa>,
    /// Lookup rows, by code.
    pub links: Vec<Link>,
    /// Addresses, one per LSOA of 2021, in order of district.
    pub homes: Vec<Home>,
    /// First and one-past-last place in `homes` of each district.
    pub homes_of: [(usize, usize); 13],
}

impl Geography {
    /// A geography for so many people: about 1,700 to an LSOA, and never fewer than 130 LSOAs.
    pub fn new(seed: u64, people: u64) -> Self {
        let wanted = (people / 1_700).clamp(130, 3_000) as u32;
        let thousands: u32 = DISTRICTS.iter().map(|d| d.size).sum();
        let mut survey = Survey::new(seed);
        let mut homes_of = [(0, 0); 13];
        for (place, district) in DISTRICTS.iter().enumerate() {
            let from = survey.homes.len();
            let until = from + (wanted * district.size).div_ceil(thousands).max(6) as usize;
            while survey.homes.len() < until {
                survey.unit(place);
            }
            homes_of[place] = (from, survey.homes.len());
        }
        survey.lsoas11.sort_by_key(|l| l.number);
        survey.lsoas21.sort_by_key(|l| l.number);
        survey.links.sort_by_key(|l| (l.from, l.to));
        Self {
            lsoas11: survey.lsoas11,
            lsoas21: survey.lsoas21,
            links: survey.links,
            homes: survey.homes,
            homes_of,
        }
    }

    /// Whether an LSOA of 2021 counts as coastal: two in five of the coastal districts'.
    pub fn coastal(lsoa: &Lsoa) -> bool {
        DISTRICTS[lsoa.district].coastal && lsoa.serial % 5 < 2
    }
}

/// The geography while it is being drawn.
struct Survey {
    dice: Dice,
    next: u32,
    units: u32,
    serials: [u32; 13],
    taken: [BTreeSet<u32>; 2],
    lsoas11: Vec<Lsoa>,
    lsoas21: Vec<Lsoa>,
    links: Vec<Link>,
    homes: Vec<Home>,
}

impl Survey {
    fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed, Subject::Geography, 0),
            next: 900_001,
            units: 0,
            serials: [0; 13],
            taken: [BTreeSet::new(), BTreeSet::new()],
            lsoas11: Vec::new(),
            lsoas21: Vec::new(),
            links: Vec::new(),
            homes: Vec::new(),
        }
    }

    /// One unit of boundary change: one LSOA that stayed, or several that did not.
    fn unit(&mut self, district: usize) {
        let unit = self.units;
        self.units += 1;
        let first_here = self.serials[district] == 0;
        let decile = self.dice.weighted(&DECILES[DISTRICTS[district].tilt]) as u8 + 1;
        match DISTRICTS[district].name {
            "Dartford" if first_here => self.split(district, 1, &[1, 6, 7]),
            "Maidstone" if first_here => self.knot(district, 'M', &[8, 9], &[10]),
            _ if unit % 11 == 3 => {
                let parts = if unit % 22 == 3 {
                    same_quintile(decile)
                } else {
                    far_apart(decile)
                };
                self.split(district, decile, &parts);
            }
            _ if unit % 19 == 7 => {
                let parts = if unit % 38 == 7 {
                    same_quintile(decile)
                } else {
                    far_apart(decile)
                };
                let now = self.later(decile);
                self.knot(district, 'M', &parts, &[now]);
            }
            _ if unit % 61 == 40 => {
                let now = [self.later(decile), self.later(decile)];
                self.knot(district, 'X', &far_apart(decile), &now);
            }
            _ => self.unchanged(district, unit, decile),
        }
    }

    fn unchanged(&mut self, district: usize, unit: u32, decile: u8) {
        // Trap 3: the last rank of a quintile and the first of the next, in both editions.
        let (edge19, edge25) = match unit {
            0 => (Some(6_568), Some(6_751)),
            1 => (Some(6_569), Some(6_752)),
            2 => (Some(13_138), Some(3_375)),
            4 => (Some(19_707), Some(13_502)),
            5 => (Some(26_276), Some(27_005)),
            _ => (None, None),
        };
        let later = self.later(decile);
        let rank19 = self.rank(0, decile, edge19);
        let rank25 = self.rank(1, later, edge25);
        let number = self.code();
        let serial = self.serial(district);
        self.add11(number, district, serial, rank19);
        self.add21(number, district, serial, rank25, [number; 2], 'U');
    }

    fn split(&mut self, district: usize, was: u8, parts: &[u8]) {
        self.knot(district, 'S', &[was], parts);
    }

    /// LSOAs of 2011 that became LSOAs of 2021 in any way but staying as they were: every old one is
    /// linked with every new one.
    fn knot(&mut self, district: usize, change: char, before: &[u8], after: &[u8]) {
        let mut parents = Vec::with_capacity(before.len());
        for decile in before {
            let rank = self.rank(0, *decile, None);
            let (number, serial) = (self.code(), self.serial(district));
            self.add11(number, district, serial, rank);
            parents.push(number);
        }
        let under = [parents[0], parents[parents.len() - 1]];
        for decile in after {
            let rank = self.rank(1, *decile, None);
            let (number, serial) = (self.code(), self.serial(district));
            self.add21(number, district, serial, rank, under, change);
        }
    }

    fn add11(&mut self, number: u32, district: usize, serial: u32, rank: u32) {
        let decile = decile_of(rank, RANKED_2019);
        self.lsoas11.push(Lsoa {
            number,
            district,
            serial,
            rank,
            decile,
        });
    }

    fn add21(
        &mut self,
        number: u32,
        district: usize,
        serial: u32,
        rank: u32,
        parents: [u32; 2],
        change: char,
    ) {
        let decile = decile_of(rank, RANKED_2025);
        self.lsoas21.push(Lsoa {
            number,
            district,
            serial,
            rank,
            decile,
        });
        self.links.push(Link {
            from: parents[0],
            to: number,
            change,
        });
        if parents[1] != parents[0] {
            self.links.push(Link {
                from: parents[1],
                to: number,
                change,
            });
        }
        self.homes.push(Home {
            lsoa21: number,
            parents,
            changed: change != 'U',
            district: district as u8,
            quintile: decile.div_ceil(2),
        });
    }

    fn code(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }

    fn serial(&mut self, district: usize) -> u32 {
        self.serials[district] += 1;
        self.serials[district]
    }

    /// The decile six years on: about as many change quintile as did (trap 5).
    fn later(&mut self, decile: u8) -> u8 {
        let moved = [0, -1, 1, -2, 2][self.dice.weighted(&[46, 19, 19, 8, 8])];
        (decile as i8 + moved).clamp(1, 10) as u8
    }

    /// A free rank within a decile, or the asked one.
    fn rank(&mut self, edition: usize, decile: u8, asked: Option<u32>) -> u32 {
        let ranked = [RANKED_2019, RANKED_2025][edition];
        let low = (u32::from(decile) - 1) * ranked / 10 + 1;
        let high = u32::from(decile) * ranked / 10;
        let mut rank = asked.unwrap_or_else(|| self.dice.between(low.into(), high.into()) as u32);
        while !self.taken[edition].insert(rank) {
            rank = if rank >= high { low } else { rank + 1 };
        }
        rank
    }
}

fn decile_of(rank: u32, ranked: u32) -> u8 {
    (rank * 10).div_ceil(ranked) as u8
}

fn same_quintile(decile: u8) -> [u8; 2] {
    let upper = decile.div_ceil(2) * 2;
    [upper - 1, upper]
}

fn far_apart(decile: u8) -> [u8; 2] {
    if decile > 5 {
        [decile, decile - 4]
    } else {
        [decile, decile + 4]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_world_has_every_quintile_and_every_kind_of_change() {
        for seed in 0..20 {
            let geography = Geography::new(seed, 1_500);
            for lsoas in [&geography.lsoas11, &geography.lsoas21] {
                let quintiles: BTreeSet<_> = lsoas.iter().map(|l| l.decile.div_ceil(2)).collect();
                assert_eq!(quintiles.len(), 5);
                let ranks: BTreeSet<_> = lsoas.iter().map(|l| l.rank).collect();
                assert_eq!(ranks.len(), lsoas.len(), "ranks are unique");
            }
            let changes: BTreeSet<_> = geography.links.iter().map(|l| l.change).collect();
            assert_eq!(changes.into_iter().collect::<String>(), "MSUX");
            assert!(geography.homes_of.iter().all(|(from, to)| to - from >= 6));
            assert!((130..170).contains(&geography.homes.len()));
        }
    }

    #[test]
    fn trap_03_ranks_on_the_edge_of_a_quintile() {
        assert_eq!(
            (decile_of(6_568, RANKED_2019), decile_of(6_569, RANKED_2019)),
            (2, 3)
        );
        assert_eq!(
            (decile_of(6_751, RANKED_2025), decile_of(6_752, RANKED_2025)),
            (2, 3)
        );
        assert_eq!(decile_of(3_375, RANKED_2025), 1);
        let geography = Geography::new(3, 1_500);
        assert!(geography.lsoas11.iter().any(|l| l.rank == 6_569));
        assert!(geography.lsoas21.iter().any(|l| l.rank == 6_752));
    }
}
