//! The truth of `waiting_times` and `waiting_times_breaches`: which clocks of a pathway stopped, how long
//! each ran, and whose it is.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::Places;
use crate::sample::dates::{days_between, first_of_month};
use crate::sample::geography::TRUSTS;
use crate::sample::pathways::{Pathway, Route};
use crate::sample::people::LsoaCode;
use crate::sample::personalised_care::DIAGNOSES;
use crate::sample::practices::PracticeCode;

use super::geography::UNKNOWN_DISTRICT;
use super::personalised_care::cancer_group;

/// The alliance and the ICB of the sample's trusts.
const ALLIANCE: &str = "E56000011";
const ICB: &str = "QKS";

/// A standard: its name, its days, the last day of each band but the last, and the column of each band.
#[derive(Debug, PartialEq, Eq)]
pub struct Standard {
    /// As marts name it.
    pub name: &'static str,
    /// Days within it.
    pub days: i64,
    last_days: &'static [i64],
    columns: &'static [usize],
}

/// Told within 28 days.
pub static FDS: Standard = Standard {
    name: "fds_28",
    days: 28,
    last_days: &[14, 28, 42, 62],
    columns: &[0, 1, 2, 3, 11],
};
/// Treated within 31 days of the decision.
pub static D31: Standard = Standard {
    name: "d31",
    days: 31,
    last_days: &[31, 38, 48, 62],
    columns: &[4, 5, 6, 7, 11],
};
/// Treated within 62 days of referral.
pub static D62: Standard = Standard {
    name: "d62",
    days: 62,
    last_days: &[31, 38, 48, 62, 76, 90, 104],
    columns: &[4, 5, 6, 7, 8, 9, 10, 12],
};

/// Band columns, in order.
pub const BANDS: [&str; 13] = [
    "band_0_14",
    "band_15_28",
    "band_29_42",
    "band_43_62",
    "band_0_31",
    "band_32_38",
    "band_39_48",
    "band_49_62",
    "band_63_76",
    "band_77_90",
    "band_91_104",
    "band_after_62",
    "band_after_104",
];

/// Whose a 62-day wait is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The trust's that told or treated.
    Solo,
    /// Half each.
    Halves,
    /// By scenario, with days before and after the transfer.
    Scenario(u8, i64, i64),
}

/// A counted wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// Which clock.
    pub standard: &'static Standard,
    /// Its month.
    pub month: NaiveDate,
    /// Route, or stage of treatment.
    pub route: &'static str,
    /// Cancer group.
    pub group: &'static str,
    /// Modality group.
    pub modality: &'static str,
    /// Days, adjustment taken off.
    pub days: i64,
    /// Days taken off.
    pub adjusted: i64,
    /// Who told or treated, a place in [`TRUSTS`].
    pub trust: usize,
    /// Who investigated, of 62 days.
    pub investigating: Option<usize>,
    /// Whose it is.
    pub split: Split,
}

impl Wait {
    /// Halves of the patient that are the investigating trust's, of two.
    fn halves_of_investigating(&self) -> u32 {
        match self.split {
            Split::Solo | Split::Scenario(3 | 4, ..) => 0,
            Split::Scenario(5, ..) => 2,
            Split::Halves | Split::Scenario(..) => 1,
        }
    }

    fn late(&self) -> bool {
        self.days > self.standard.days
    }
}

/// The waits that count of a pathway, as its newest row tells it, of the month that ends on `census`.
/// `first` is the first day of the first month there are files of.
pub fn waits(pathway: &Pathway, census: NaiveDate, first: NaiveDate) -> Vec<Wait> {
    let known = |on: Option<NaiveDate>| on.filter(|on| *on <= census);
    let (told, treated) = (known(pathway.told), known(pathway.treated));
    let upgraded = known(pathway.upgraded);
    let diagnosis = pathway.icd10.map(|place| DIAGNOSES[place].0);
    let base = Wait {
        standard: &FDS,
        month: first,
        route: "",
        group: match diagnosis {
            None => "No diagnosis",
            Some(code) if code.starts_with("D05") => "Breast",
            Some(code) if code.starts_with("C44") => "Skin",
            Some(code) => cancer_group(code),
        },
        modality: "none",
        days: 0,
        adjusted: 0,
        trust: pathway.investigating,
        investigating: None,
        split: Split::Solo,
    };
    let mut waits = Vec::new();
    let begun = match pathway.route {
        Route::Suspected => pathway.received.map(|on| ("urgent_suspected_cancer", on)),
        Route::Symptoms => pathway.received.map(|on| ("breast_symptomatic", on)),
        Route::Screening => pathway.received.map(|on| ("screening", on)),
        Route::Upgrade => upgraded.map(|on| ("consultant_upgrade", on)),
        Route::Treatment => None,
    };
    let first_seen_adjustment = i64::from(pathway.first_seen_adjustment);

    if let (Some(told), Some((route, begun))) = (told, begun)
        && pathway.route != Route::Upgrade
        && matches!(pathway.end_reason, 1 | 2 | 4)
    {
        // A decision that the row does not tell yet stops no clock.
        let decided = pathway
            .decided
            .filter(|on| *on <= census || treated.is_some());
        let stopped = decided.map_or(told, |decided| decided.min(told));
        waits.push(Wait {
            month: first_of_month(told, 0),
            route,
            days: days_between(begun, stopped) - first_seen_adjustment,
            adjusted: first_seen_adjustment,
            ..base
        });
    }

    let treatment = treated.zip(pathway.decided);
    if let Some((treated, decided)) = treatment
        && pathway.modality != 98
        && diagnosis.is_some()
    {
        let primary = matches!(pathway.event, 1 | 7 | 12);
        let pause = i64::from(pathway.treatment_adjustment);
        let base = Wait {
            month: first_of_month(treated, 0),
            trust: pathway.treating,
            modality: match pathway.modality {
                1 | 23 | 24 => "surgery",
                2 | 3 | 14 | 15 => "drugs",
                4..=6 | 13 => "radiotherapy",
                _ => "other",
            },
            ..base
        };
        let waited = days_between(decided, treated);
        let (days, adjusted) = if waited <= 0 {
            (0, 0)
        } else {
            (waited - pause, pause)
        };
        waits.push(Wait {
            standard: &D31,
            route: if primary {
                "first_treatment"
            } else {
                "subsequent_treatment"
            },
            days,
            adjusted,
            ..base
        });
        if let (true, Some((route, begun))) = (primary, begun) {
            let before = match pathway.route {
                Route::Upgrade if known(pathway.first_seen).is_none_or(|seen| seen < begun) => 0,
                _ => first_seen_adjustment,
            };
            let days = days_between(begun, treated) - before - pause;
            let split = if pathway.investigating == pathway.treating {
                Split::Solo
            } else {
                let transferred = known(pathway.transferred)
                    .filter(|on| pathway.accountable && begun <= *on && *on <= treated);
                transferred.map_or(Split::Halves, |on| {
                    let legs = (
                        days_between(begun, on) - before,
                        days_between(on, treated) - pause,
                    );
                    let scenario = match (days > 62, legs.0 > 38, legs.1 > 24) {
                        (false, false, false) => 1,
                        (false, false, true) => 2,
                        (false, true, _) => 3,
                        (true, false, _) => 4,
                        (true, true, false) => 5,
                        (true, true, true) => 6,
                    };
                    Split::Scenario(scenario, legs.0, legs.1)
                })
            };
            waits.push(Wait {
                standard: &D62,
                route,
                days,
                adjusted: before + pause,
                investigating: Some(pathway.investigating),
                split,
                ..base
            });
        }
    }
    // A clock that stopped before it started, or with more taken off than it ran, is none.
    waits.retain(|wait| wait.days >= 0 && wait.month >= first);
    waits
}

/// Where a record says its person lives and is registered.
#[derive(Debug, Clone, Copy)]
pub struct Home {
    /// LSOA of either vintage, 0 for none.
    pub lsoa: LsoaCode,
    /// Practice.
    pub practice: PracticeCode,
}

/// What tells one row of the mart from another, in its order.
pub type Key = (
    NaiveDate,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u16,
    u8,
);

/// A row of the mart: halves of patients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The standard.
    pub standard: &'static Standard,
    /// Halves within it.
    pub within: u32,
    /// Halves after it.
    pub late: u32,
    /// Halves in each of the standard's bands.
    pub bands: [u32; 8],
    /// The days of each half; none where only bands are known.
    days: Vec<i64>,
}

impl Row {
    fn new(standard: &'static Standard) -> Self {
        Self {
            standard,
            within: 0,
            late: 0,
            bands: [0; 8],
            days: Vec::new(),
        }
    }

    /// The least days within which so many tenths of the halves waited.
    pub fn tenths(&mut self, tenths: usize) -> Option<i64> {
        self.days.sort_unstable();
        let place = (self.days.len() * tenths).div_ceil(10);
        self.days.get(place.checked_sub(1)?).copied()
    }

    /// Each band column: halves, or nothing where the standard has no such band.
    pub fn columns(&self) -> [Option<u32>; 13] {
        let mut columns = [None; 13];
        for (column, halves) in self.standard.columns.iter().zip(self.bands) {
            columns[*column] = Some(halves);
        }
        columns
    }
}

/// The rows of the mart.
pub type WaitingTruth = BTreeMap<Key, Row>;

/// Adds a wait to every row it counts in.
pub fn add(truth: &mut WaitingTruth, places: &Places, home: Home, wait: &Wait) {
    let theirs = wait.halves_of_investigating();
    let resident = places.district(home.lsoa, home.lsoa) != UNKNOWN_DISTRICT;
    let ours = resident || matches!(home.practice, PracticeCode::Listed(_));
    let investigating = TRUSTS[wait.investigating.unwrap_or(wait.trust)];
    for (org, basis, halves) in [
        (TRUSTS[wait.trust], "provider", 2 - theirs),
        (investigating, "provider", theirs),
        (ICB, "commissioner", if ours { 2 } else { 0 }),
        (ALLIANCE, "alliance", 2),
    ] {
        if halves == 0 {
            continue;
        }
        for edition in super::EDITIONS {
            let key = (
                wait.month,
                org,
                basis,
                "records",
                wait.standard.name,
                wait.route,
                wait.group,
                wait.modality,
                edition,
                places.quintile(edition, home.lsoa, home.lsoa),
            );
            let row = truth.entry(key).or_insert_with(|| Row::new(wait.standard));
            let last_days = wait.standard.last_days;
            row.bands[last_days.partition_point(|last| *last < wait.days)] += halves;
            row.days.extend((0..halves).map(|_| wait.days));
            *(if wait.late() {
                &mut row.late
            } else {
                &mut row.within
            }) += halves;
        }
    }
}

/// A leaf of the official statistics: halves of patients by band, `within` of which are within.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    /// Its month.
    pub month: NaiveDate,
    /// The provider's code.
    pub provider: &'static str,
    /// The standard.
    pub standard: &'static Standard,
    /// Route, or stage of treatment.
    pub route: &'static str,
    /// Cancer group.
    pub group: &'static str,
    /// Halves by band.
    pub bands: [u32; 8],
    /// How many of the bands are within the standard.
    pub within: usize,
}

/// Adds a leaf, to its trust's row and the alliance's.
pub fn add_published(truth: &mut WaitingTruth, leaf: &Published) {
    if !TRUSTS.contains(&leaf.provider) || leaf.bands == [0; 8] {
        return;
    }
    let modality = if leaf.standard.name == FDS.name {
        "none"
    } else {
        "all"
    };
    for (org, basis) in [(leaf.provider, "provider"), (ALLIANCE, "alliance")] {
        let key = (
            leaf.month,
            org,
            basis,
            "published",
            leaf.standard.name,
            leaf.route,
            leaf.group,
            modality,
            2025,
            0,
        );
        let row = truth.entry(key).or_insert_with(|| Row::new(leaf.standard));
        for (sum, band) in row.bands.iter_mut().zip(leaf.bands) {
            *sum += band;
        }
        let (within, late) = leaf.bands.split_at(leaf.within);
        row.within += within.iter().sum::<u32>();
        row.late += late.iter().sum::<u32>();
    }
}

/// Where the row of a pathway stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Standing {
    /// The month of the file, from 0.
    pub month: usize,
    /// Whose file, a place in [`TRUSTS`].
    pub trust: usize,
    /// The line of the file.
    pub line: u64,
}

/// A wait that broke its standard, in the order of the mart.
pub type Breach = ((NaiveDate, &'static str, usize, usize, u64), Wait, u8);

/// The breach of a wait, if it is one.
pub fn breach(wait: &Wait, at: Standing, quintile: u8) -> Option<Breach> {
    let key = (wait.month, wait.standard.name, at.trust, at.month, at.line);
    wait.late().then_some((key, *wait, quintile))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dates::{date, plus_days};
    use crate::sample::faults::Fault;

    const START: NaiveDate = match NaiveDate::from_ymd_opt(2026, 1, 1) {
        Some(day) => day,
        None => NaiveDate::MIN,
    };

    fn shared(transferred: i64, treated: i64) -> Pathway {
        Pathway {
            route: Route::Suspected,
            received: Some(START),
            upgraded: None,
            first_seen: Some(START),
            first_seen_adjustment: 0,
            told: Some(plus_days(START, 20)),
            end_reason: 1,
            decided: Some(plus_days(START, 25)),
            treated: Some(plus_days(START, treated)),
            treatment_adjustment: 0,
            event: 1,
            modality: 1,
            icd10: Some(0),
            investigating: 0,
            accountable: true,
            treating: 3,
            transferred: Some(plus_days(START, transferred)),
            withdrawn: false,
            wobble: 0,
            fault: Fault::None,
        }
    }

    fn all(pathway: &Pathway) -> Vec<(&'static str, i64)> {
        let waits = waits(pathway, date(2026, 12, 31), START);
        waits
            .iter()
            .map(|wait| (wait.standard.name, wait.days))
            .collect()
    }

    fn scenario(transferred: i64, treated: i64) -> Split {
        waits(&shared(transferred, treated), date(2026, 12, 31), START)[2].split
    }

    #[test]
    fn trap_12_scenarios() {
        assert_eq!(scenario(38, 60), Split::Scenario(1, 38, 22));
        assert_eq!(scenario(30, 60), Split::Scenario(2, 30, 30));
        assert_eq!(scenario(45, 60), Split::Scenario(3, 45, 15));
        assert_eq!(scenario(30, 70), Split::Scenario(4, 30, 40));
        assert_eq!(scenario(46, 70), Split::Scenario(5, 46, 24));
        assert_eq!(scenario(40, 70), Split::Scenario(6, 40, 30));
        let nobody = Pathway {
            accountable: false,
            ..shared(40, 70)
        };
        assert_eq!(
            waits(&nobody, date(2026, 12, 31), START)[2].split,
            Split::Halves
        );
    }

    #[test]
    fn trap_11_adjustments() {
        let pathway = shared(40, 70);
        assert_eq!(all(&pathway), [("fds_28", 20), ("d31", 45), ("d62", 70)]);
        let adjusted = Pathway {
            first_seen_adjustment: 3,
            treatment_adjustment: 5,
            ..pathway
        };
        assert_eq!(all(&adjusted), [("fds_28", 17), ("d31", 40), ("d62", 62)]);
        let late = Pathway {
            decided: Some(plus_days(START, 72)),
            ..adjusted
        };
        assert_eq!(all(&late), [("fds_28", 17), ("d31", 0), ("d62", 62)]);
    }

    #[test]
    fn trap_10_who_has_no_28_days() {
        let pathway = shared(40, 70);
        let slip = Pathway {
            told: Some(plus_days(START, -2)),
            ..pathway
        };
        assert_eq!(all(&slip), [("d31", 45), ("d62", 70)]);
        let excluded = Pathway {
            end_reason: 3,
            ..pathway
        };
        assert_eq!(all(&excluded), [("d31", 45), ("d62", 70)]);
    }

    #[test]
    fn the_median_of_halves() {
        let mut row = Row::new(&D62);
        row.days = vec![70, 70, 63, 20, 20, 40, 40];
        assert_eq!((row.tenths(5), row.tenths(9)), (Some(40), Some(70)));
        assert_eq!(Row::new(&D62).tenths(5), None);
    }
}
