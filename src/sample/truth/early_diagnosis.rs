//! The truth of `early_diagnosis`: the tumours of one person, as the newest snapshot has them.

use std::collections::BTreeMap;
use std::io;

use chrono::NaiveDate;

use super::personalised_care::{cancer_group, is_cancer};
use super::{UNKNOWN_DISTRICT, add, quintiles};
use crate::sample::Written;
use crate::sample::dates::{Calendar, first_of_month, month_end, window_start};
use crate::sample::faults::Fault;
use crate::sample::feeds::csv::CsvFile;
use crate::sample::people::Snapshot;
use crate::sample::personalised_care::DIAGNOSES;
use crate::sample::tumours::{ROUTES, STAGES, Tumour};
use crate::sample::world::World;

/// The count columns, in order.
pub const COLUMNS: [&str; 7] = [
    "stage_1_2",
    "staged",
    "missing_stage",
    "stageable",
    "unstageable",
    "emergency",
    "first_presentations",
];
/// Months of the series, back from the newest snapshot.
const SERIES: i32 = 12;

/// Month, type of organisation, its code, cancer group, edition, quintile.
pub type Truth = BTreeMap<(NaiveDate, &'static str, &'static str, &'static str, u16, u8), [u32; 7]>;

/// What one tumour adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Day of diagnosis.
    pub diagnosed: NaiveDate,
    /// Cancer group.
    pub group: &'static str,
    /// Whether its row says whose it is.
    pub linked: bool,
    /// One flag per column.
    pub flags: [bool; 7],
}

/// What a person's tumours add. `person` is their newest row, none for a stranger.
pub fn found(person: Option<&Snapshot>, tumours: &[Tumour], calendar: &Calendar) -> Vec<Found> {
    let newest = calendar.end();
    let known = |tumour: &&Tumour| {
        let refused = matches!(tumour.fault, Fault::BadDate | Fault::BadCode);
        let cancer = is_cancer(DIAGNOSES[tumour.icd10].0);
        // What was refused is mended in the second snapshot.
        tumour.registered <= newest && !(refused && calendar.months() == 1) && cancer
    };
    let counted: Vec<&Tumour> = tumours
        .iter()
        .filter(known)
        .filter(|tumour| ROUTES[tumour.route] != "death_certificate_only")
        .collect();
    let linked = |tumour: &Tumour| tumour.fault != Fault::Unlinked;
    let opted_out = person.is_some_and(Snapshot::opted_out);
    let first = counted
        .iter()
        .filter(|tumour| linked(tumour))
        .map(|tumour| (tumour.diagnosed, tumour.place))
        .min();
    let one = |tumour: &&Tumour| {
        let is_first = linked(tumour) && first.is_some_and(|(_, place)| place == tumour.place);
        let stage = if tumour.staged <= newest {
            STAGES[tumour.stage]
        } else {
            ""
        };
        let (missing, unstageable) = (stage.is_empty(), stage == "U");
        let staged = !missing && !unstageable;
        Found {
            diagnosed: tumour.diagnosed,
            group: cancer_group(DIAGNOSES[tumour.icd10].0),
            linked: linked(tumour),
            flags: [
                stage.starts_with(['1', '2']),
                staged,
                missing,
                staged || missing,
                unstageable,
                is_first && ROUTES[tumour.route] == "emergency_presentation",
                is_first,
            ],
        }
    };
    // Nobody can opt out of a record that is linked to nobody.
    counted
        .iter()
        .filter(|tumour| !(opted_out && linked(tumour)))
        .map(one)
        .collect()
}

/// Adds a tumour to every twelve months that hold it, at the trust and where the person lives.
pub fn add_found(
    truth: &mut Truth,
    world: &World,
    person: Option<&Snapshot>,
    trust: &'static str,
    found: &Found,
) {
    let person = person.filter(|_| found.linked);
    let at_home = person.is_some_and(|person| {
        world.places.district(person.lsoa11, person.lsoa21) != UNKNOWN_DISTRICT
    });
    let home = |code| if at_home { code } else { "UNKNOWN" };
    let places = [
        ("alliance", home("E56000011")),
        ("sub_icb", home("91Q")),
        ("trust", trust),
    ];
    for back in 0..SERIES {
        let month = first_of_month(world.calendar.end(), -back);
        let to = month_end(month);
        if found.diagnosed < window_start(to, 12) || found.diagnosed > to {
            continue;
        }
        for (org_type, org_code) in places {
            for (edition, quintile) in quintiles(world, person) {
                let key = (month, org_type, org_code, found.group, edition, quintile);
                add(truth.entry(key).or_default(), found.flags);
            }
        }
    }
}

/// Writes `truth/early_diagnosis.csv`.
pub fn write(world: &World, truth: &Truth) -> io::Result<Written> {
    let heading = format!(
        "month,org_type,org_code,cancer_group,imd_edition,imd_quintile,provisional,{}",
        COLUMNS.join(",")
    );
    let mut file = CsvFile::create(&world.out, "truth/early_diagnosis.csv".into(), &heading)?;
    let newest = first_of_month(world.calendar.end(), 0);
    for ((month, org_type, org_code, group, edition, quintile), counts) in truth {
        let row = file.row()?;
        row.iso(*month).text(org_type).text(org_code).text(group);
        row.number((*edition).into()).number((*quintile).into());
        row.text(if *month == newest { "true" } else { "false" });
        for count in counts {
            row.count(*count);
        }
        row.end();
    }
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dates::date;

    fn calendar() -> Calendar {
        Calendar::new(date(2026, 3, 1), 6)
    }

    fn tumour(place: u8, diagnosed: NaiveDate, stage: &str, route: &str) -> Tumour {
        let at = |list: &[&str], name: &str| list.iter().position(|n| *n == name);
        Tumour {
            place,
            diagnosed,
            registered: diagnosed,
            icd10: 3,
            stage: at(&STAGES, stage).unwrap_or_default(),
            staged: diagnosed,
            route: at(&ROUTES, route).unwrap_or_default(),
            fault: Fault::None,
        }
    }

    fn flags(tumours: &[Tumour]) -> Vec<[bool; 7]> {
        let found = found(None, tumours, &calendar());
        found.iter().map(|found| found.flags).collect()
    }

    #[test]
    fn trap_22_missing_and_unstageable_are_two_things() {
        let on = date(2025, 5, 5);
        let stage = |stage| flags(&[tumour(0, on, stage, "gp_referral")])[0];
        assert_eq!(stage("1A")[..5], [true, true, false, true, false]);
        assert_eq!(stage("4")[..5], [false, true, false, true, false]);
        assert_eq!(stage("")[..5], [false, false, true, true, false]);
        assert_eq!(stage("U")[..5], [false, false, false, false, true]);
        let later = Tumour {
            staged: date(2026, 4, 1),
            ..tumour(0, on, "1", "gp_referral")
        };
        assert_eq!(flags(&[later])[0][..5], stage("")[..5], "not known yet");
    }

    #[test]
    fn a_person_presents_once() {
        let on = date(2025, 5, 5);
        let two = [
            tumour(0, on, "1", "emergency_presentation"),
            tumour(1, on, "1", "emergency_presentation"),
        ];
        let presented = |tumours: &[Tumour]| -> Vec<_> {
            flags(tumours).iter().map(|f| (f[5], f[6])).collect()
        };
        assert_eq!(presented(&two), [(true, true), (false, false)]);
        let certificate = tumour(0, on, "1", "death_certificate_only");
        assert_eq!(presented(&[certificate, two[1]]), [(true, true)]);
        let nobodys = Tumour {
            fault: Fault::Unlinked,
            ..two[0]
        };
        assert_eq!(presented(&[nobodys]), [(false, false)]);
    }

    #[test]
    fn skin_cancer_and_what_is_not_registered_yet_are_not_counted() {
        let on = date(2025, 5, 5);
        let skin = Tumour {
            icd10: 20,
            ..tumour(0, on, "1", "gp_referral")
        };
        assert_eq!(DIAGNOSES[skin.icd10].0, "C443");
        let late = Tumour {
            registered: date(2026, 4, 1),
            ..tumour(0, on, "1", "gp_referral")
        };
        assert!(flags(&[skin, late]).is_empty());
    }
}
