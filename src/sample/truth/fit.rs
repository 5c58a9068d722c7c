//! The truth of `fit_before_referral`: the referrals of one person.

use std::collections::BTreeMap;
use std::io;

use chrono::{Datelike, NaiveDate};

use super::quintiles;
use crate::sample::Written;
use crate::sample::dates::{days_between, first_of_month};
use crate::sample::feeds::csv::CsvFile;
use crate::sample::lower_gi::{Referral, SCREENING_KIT};
use crate::sample::people::Snapshot;
use crate::sample::practices::PracticeCode;
use crate::sample::world::World;

/// Month, practice (0 is `UNKNOWN`, which sorts before `Z99001`), edition, quintile: people, with a FIT.
pub type Truth = BTreeMap<(NaiveDate, u16, u16, u8), [u32; 2]>;

/// The months a person counts in, one a financial year, and whether a FIT came first. `person` is their
/// newest row, none for a stranger.
pub fn referred(person: Option<&Snapshot>, referrals: &[Referral]) -> Vec<(NaiveDate, bool)> {
    if person.is_some_and(Snapshot::opted_out) {
        return Vec::new();
    }
    let death = person.and_then(|person| person.death);
    let mut years: BTreeMap<i32, (NaiveDate, bool)> = BTreeMap::new();
    for referral in referrals {
        let had_fit = in_time(referral);
        let excluded = matches!(referral.exclusion, 1 | 2) && referral.fit.is_none();
        let in_life = death.is_none_or(|death| referral.on <= death);
        if excluded || !in_life || !referral.fault.counts() {
            continue;
        }
        let year = referral.on.year() - i32::from(referral.on.month() < 4);
        let (first, fit) = years.entry(year).or_insert((referral.on, false));
        *first = referral.on.min(*first);
        *fit |= had_fit;
    }
    years
        .into_values()
        .map(|(first, fit)| (first_of_month(first, 0), fit))
        .collect()
}

/// Whether a FIT for symptoms came 0 to 21 days before.
fn in_time(referral: &Referral) -> bool {
    referral.exclusion != SCREENING_KIT
        && referral
            .fit
            .is_some_and(|fit| (0..=21).contains(&days_between(fit, referral.on)))
}

/// Adds a person to a month.
pub fn add_referred(
    truth: &mut Truth,
    world: &World,
    person: Option<&Snapshot>,
    practice: PracticeCode,
    (month, fit): (NaiveDate, bool),
) {
    let practice = match practice {
        PracticeCode::Listed(number) => number,
        PracticeCode::Blank | PracticeCode::Orphan(_) => 0,
    };
    for (edition, quintile) in quintiles(world, person) {
        let key = (month, practice, edition, quintile);
        super::add(truth.entry(key).or_default(), [true, fit]);
    }
}

/// Writes `truth/fit_before_referral.csv`.
pub fn write(world: &World, truth: &Truth) -> io::Result<Written> {
    let heading =
        "month,practice_code,imd_edition,imd_quintile,patients_referred,patients_with_fit_21d";
    let mut file = CsvFile::create(&world.out, "truth/fit_before_referral.csv".into(), heading)?;
    for ((month, practice, edition, quintile), counts) in truth {
        let row = file.row()?;
        row.iso(*month);
        match practice {
            0 => row.text("UNKNOWN"),
            number => row.practice(PracticeCode::Listed(*number)),
        };
        row.number((*edition).into()).number((*quintile).into());
        row.count(counts[0]).count(counts[1]).end();
    }
    file.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dates::{date, plus_days};
    use crate::sample::faults::Fault;

    fn referral(on: NaiveDate, days: Option<i64>, exclusion: usize) -> Referral {
        Referral {
            on,
            fit: days.map(|days| plus_days(on, -days)),
            value: 100,
            exclusion,
            fault: Fault::None,
        }
    }

    #[test]
    fn trap_24_twenty_one_days_and_no_kit() {
        let on = date(2025, 6, 20);
        let fit = |days, exclusion| referred(None, &[referral(on, Some(days), exclusion)]);
        let june = date(2025, 6, 1);
        for (days, counts) in [(0, true), (21, true), (22, false), (-1, false)] {
            assert_eq!(fit(days, 0), [(june, counts)], "{days}");
        }
        assert_eq!(fit(5, SCREENING_KIT), [(june, false)]);
        assert_eq!(fit(5, 1), [(june, true)], "the result stands");
        assert_eq!(fit(22, 1), [(june, false)], "a result, if too early");
        assert_eq!(referred(None, &[referral(on, None, 2)]), []);
    }

    #[test]
    fn trap_24_a_patient_counts_once_a_financial_year() {
        let three = [
            referral(date(2026, 3, 31), Some(1), 0),
            referral(date(2025, 6, 20), None, 0),
            referral(date(2026, 4, 1), None, 0),
        ];
        assert_eq!(
            referred(None, &three),
            [(date(2025, 6, 1), true), (date(2026, 4, 1), false)]
        );
    }
}
