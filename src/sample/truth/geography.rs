//! The truth of deprivation: what an address comes to in each edition, by the steps of the semantics,
//! worked out from the lookup's rows alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::sample::geography::{DISTRICTS, Geography, Lsoa};
use crate::sample::people::LsoaCode;

/// Place of "no district known" after those of [`DISTRICTS`].
pub const UNKNOWN_DISTRICT: usize = DISTRICTS.len();

/// Quintiles of one edition: by code of its own vintage, and by code of the other.
#[derive(Debug, Default)]
struct Edition {
    own: HashMap<LsoaCode, u8>,
    other: HashMap<LsoaCode, u8>,
}

/// What addresses come to.
#[derive(Debug)]
pub struct Places {
    edition_2019: Edition,
    edition_2025: Edition,
    districts21: HashMap<LsoaCode, usize>,
    districts11: HashMap<LsoaCode, usize>,
}

impl Places {
    /// Reads the lookup of a geography.
    pub fn new(geography: &Geography) -> Self {
        let forward: Vec<_> = geography
            .links
            .iter()
            .map(|link| (link.from, link.to, link.change))
            .collect();
        let backward: Vec<_> = geography
            .links
            .iter()
            .map(|link| (link.to, link.from, link.change))
            .collect();
        let districts21: HashMap<_, _> = geography
            .lsoas21
            .iter()
            .map(|lsoa| (lsoa.number, lsoa.district))
            .collect();
        let mut districts11 = HashMap::new();
        for link in &geography.links {
            if let Some(district) = districts21.get(&link.to) {
                // Districts are in order of code, so the least place is the least code.
                let least = districts11.entry(link.from).or_insert(*district);
                *least = (*least).min(*district);
            }
        }
        Self {
            edition_2019: Edition::new(&geography.lsoas11, &backward),
            edition_2025: Edition::new(&geography.lsoas21, &forward),
            districts21,
            districts11,
        }
    }

    /// The quintile of an address in an edition (2019 or 2025); 0 when it cannot be told.
    pub fn quintile(&self, edition: u16, lsoa11: LsoaCode, lsoa21: LsoaCode) -> u8 {
        let (edition, own, other) = match edition {
            2019 => (&self.edition_2019, lsoa11, lsoa21),
            _ => (&self.edition_2025, lsoa21, lsoa11),
        };
        edition
            .own
            .get(&own)
            .or_else(|| edition.other.get(&other))
            .copied()
            .unwrap_or(0)
    }

    /// The district of an address, a place in [`DISTRICTS`] or [`UNKNOWN_DISTRICT`].
    pub fn district(&self, lsoa11: LsoaCode, lsoa21: LsoaCode) -> usize {
        let known = self
            .districts21
            .get(&lsoa21)
            .or_else(|| self.districts11.get(&lsoa11));
        known.copied().unwrap_or(UNKNOWN_DISTRICT)
    }
}

impl Edition {
    /// `links`: a code of the other vintage, the code of this edition's vintage, the change.
    fn new(lsoas: &[Lsoa], links: &[(LsoaCode, LsoaCode, char)]) -> Self {
        let own: HashMap<_, _> = lsoas
            .iter()
            .map(|lsoa| (lsoa.number, lsoa.decile.div_ceil(2)))
            .collect();
        let mut parts: BTreeMap<LsoaCode, BTreeSet<u8>> = BTreeMap::new();
        for (other, here, change) in links {
            let code = if *change == 'U' { other } else { here };
            parts
                .entry(*other)
                .or_default()
                .insert(own.get(code).copied().unwrap_or(0));
        }
        let agreed = |quintiles: BTreeSet<u8>| {
            if quintiles.len() == 1 {
                quintiles.first().copied().unwrap_or(0)
            } else {
                0
            }
        };
        let other = parts
            .into_iter()
            .map(|(code, quintiles)| (code, agreed(quintiles)))
            .collect();
        Self { own, other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::geography::Link;

    fn lsoa(number: u32, decile: u8) -> Lsoa {
        Lsoa {
            number,
            district: 3,
            serial: 1,
            rank: 1,
            decile,
        }
    }

    /// Trap 1 and trap 2 as they stand in the brief, with an LSOA that stayed.
    fn places() -> Places {
        Places::new(&Geography {
            lsoas11: vec![lsoa(1, 1), lsoa(2, 8), lsoa(3, 9), lsoa(9, 4)],
            lsoas21: vec![
                lsoa(11, 1),
                lsoa(12, 6),
                lsoa(13, 7),
                lsoa(14, 10),
                lsoa(9, 6),
            ],
            links: vec![
                Link {
                    from: 1,
                    to: 11,
                    change: 'S',
                },
                Link {
                    from: 1,
                    to: 12,
                    change: 'S',
                },
                Link {
                    from: 1,
                    to: 13,
                    change: 'S',
                },
                Link {
                    from: 2,
                    to: 14,
                    change: 'M',
                },
                Link {
                    from: 3,
                    to: 14,
                    change: 'M',
                },
                Link {
                    from: 9,
                    to: 9,
                    change: 'U',
                },
            ],
            homes: Vec::new(),
            homes_of: [(0, 0); 13],
        })
    }

    #[test]
    fn trap_01_a_split_lsoa() {
        let places = places();
        assert_eq!(places.quintile(2019, 1, 0), 1);
        assert_eq!(places.quintile(2025, 1, 0), 0, "parts differ");
        assert_eq!(places.quintile(2025, 1, 12), 3, "own code");
        assert_eq!(places.quintile(2019, 0, 12), 1, "one parent");
    }

    #[test]
    fn trap_02_a_merged_lsoa() {
        let places = places();
        assert_eq!(places.quintile(2019, 0, 14), 0);
        assert_eq!(places.quintile(2025, 2, 0), 5);
        assert_eq!(places.quintile(2025, 0, 14), 5);
    }

    #[test]
    fn trap_05_editions_differ_for_the_same_address() {
        let places = places();
        assert_eq!(
            (places.quintile(2019, 9, 9), places.quintile(2025, 9, 9)),
            (2, 3)
        );
        assert_eq!(
            (places.quintile(2019, 0, 9), places.quintile(2025, 9, 0)),
            (2, 3),
            "unchanged"
        );
        assert_eq!(
            (places.quintile(2019, 0, 0), places.quintile(2025, 77, 78)),
            (0, 0)
        );
    }

    #[test]
    fn districts_fall_back_to_the_older_code() {
        let places = places();
        assert_eq!(places.district(1, 0), 3);
        assert_eq!(places.district(77, 78), UNKNOWN_DISTRICT);
    }
}
