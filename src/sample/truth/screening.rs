//! The truth of `screening_coverage`: one person, one census, one programme at a time.

use chrono::NaiveDate;

use crate::sample::dates::{add_months, age, window_start};
use crate::sample::people::Snapshot;
use crate::sample::screening::{Event, FIT, Kind, Programme};

/// The cohorts, in order of name; the place is the number used in keys.
pub const COHORTS: [&str; 5] = [
    "bowel_50_59",
    "bowel_60_74",
    "breast_53_70",
    "cervical_25_49",
    "cervical_50_64",
];
/// Months of the window in which a test covers a cohort.
pub const WINDOWS: [i32; 5] = [30, 30, 36, 42, 66];
/// The acceptable standard of a cohort in per cent; none is set for the fifties yet.
const STANDARDS: [Option<u32>; 5] = [None, Some(62), Some(70), Some(80), Some(80)];

/// What an eligible person adds to their group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Place in [`COHORTS`].
    pub cohort: u8,
    /// An adequate test in the window.
    pub covered: bool,
    /// No adequate test ever.
    pub never_screened: bool,
    /// First letter of an episode in the 12 months to census.
    pub invited_12m: bool,
    /// An adequate test within 6 months of that letter.
    pub adequately_screened_6m: bool,
}

/// The cohort of an age, if any.
pub fn cohort(programme: Programme, years: i32) -> Option<u8> {
    match (programme, years) {
        (Programme::Bowel, 50..=59) => Some(0),
        (Programme::Bowel, 60..=74) => Some(1),
        (Programme::Breast, 53..=70) => Some(2),
        (Programme::Cervical, 25..=49) => Some(3),
        (Programme::Cervical, 50..=64) => Some(4),
        _ => None,
    }
}

/// What a person adds at a census; none when they are not eligible.
pub fn seen(
    programme: Programme,
    person: &Snapshot,
    events: &[Event],
    census: NaiveDate,
) -> Option<Seen> {
    let cohort = cohort(programme, age(person.birth, census))?;
    let right_sex = programme == Programme::Bowel || person.sex == 0;
    if !right_sex || !person.alive(census) || !person.registered(census) || person.opted_out() {
        return None;
    }
    let known = || {
        events
            .iter()
            .filter(|event| event.fault.counts() && event.on <= census)
    };
    if known().any(|event| event.kind == Kind::Ceased) {
        return None;
    }
    let adequate = || {
        known().filter(|e| {
            e.kind == Kind::ScreenedAdequate && (programme != Programme::Bowel || e.test == FIT)
        })
    };
    let from = window_start(census, WINDOWS[usize::from(cohort)]);
    let invitation = invitation(events, census);
    Some(Seen {
        cohort,
        covered: adequate().any(|event| event.on >= from),
        never_screened: adequate().next().is_none(),
        invited_12m: invitation.is_some(),
        adequately_screened_6m: invitation.is_some_and(|letter| {
            adequate().any(|event| event.on >= letter && event.on <= add_months(letter, 6))
        }),
    })
}

/// The earliest first letter of an episode in the 12 months to census.
fn invitation(events: &[Event], census: NaiveDate) -> Option<NaiveDate> {
    let from = window_start(census, 12);
    let letters = || {
        events
            .iter()
            .filter(|event| event.fault.counts() && event.kind == Kind::Invited)
    };
    let first_of_episode = |letter: &&Event| {
        letter.episode == 0
            || !letters().any(|other| other.episode == letter.episode && other.on < letter.on)
    };
    letters()
        .filter(first_of_episode)
        .map(|letter| letter.on)
        .filter(|on| *on >= from && *on <= census)
        .min()
}

/// Counts of one group: eligible, covered, invited_12m, adequately_screened_6m, never_screened.
pub type Counts = [u32; 5];

impl Seen {
    /// Adds one person to a group.
    pub fn add_to(self, counts: &mut Counts) {
        let flags = [
            true,
            self.covered,
            self.invited_12m,
            self.adequately_screened_6m,
            self.never_screened,
        ];
        for (count, flag) in counts.iter_mut().zip(flags) {
            *count += u32::from(flag);
        }
    }
}

/// People still to be screened for a group to reach the acceptable standard.
pub fn people_to_target(cohort: u8, eligible: u32, covered: u32) -> Option<u32> {
    let standard = STANDARDS[usize::from(cohort)]?;
    Some((standard * eligible).div_ceil(100).saturating_sub(covered))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dates::date;
    use crate::sample::faults::Fault;
    use crate::sample::practices::PracticeCode;

    fn woman(birth: NaiveDate) -> Snapshot {
        Snapshot {
            number: 9_990_000_018,
            birth,
            death: None,
            sex: 0,
            ethnicity: 0,
            lsoa11: 900_001,
            lsoa21: 900_001,
            practice: PracticeCode::Listed(1),
            registered_from: birth,
            registered_to: None,
            flags: 0,
            smoking: 0,
            national_opt_out: false,
            type1_opt_out: false,
        }
    }

    fn event(kind: Kind, on: NaiveDate, episode: u8) -> Event {
        Event {
            kind,
            on,
            episode,
            test: FIT,
            reason: 0,
            fault: Fault::None,
        }
    }

    const fn census() -> NaiveDate {
        match NaiveDate::from_ymd_opt(2026, 2, 28) {
            Some(census) => census,
            None => NaiveDate::MIN,
        }
    }

    fn bowel(birth: NaiveDate, events: &[Event]) -> Option<Seen> {
        seen(Programme::Bowel, &woman(birth), events, census())
    }

    #[test]
    fn trap_07_the_window_starts_on_the_first() {
        let born = date(1960, 5, 5);
        let on = |day| bowel(born, &[event(Kind::ScreenedAdequate, day, 1)]).map(|s| s.covered);
        assert_eq!(on(date(2023, 9, 1)), Some(true));
        assert_eq!(on(date(2023, 8, 31)), Some(false));
        assert_eq!(on(date(2026, 2, 28)), Some(true));
        assert_eq!(on(date(2026, 3, 1)), Some(false), "not yet");
    }

    #[test]
    fn trap_08_a_birthday_on_the_census() {
        assert_eq!(
            cohort(Programme::Bowel, age(date(1951, 2, 28), census())),
            None
        );
        assert_eq!(bowel(date(1951, 3, 1), &[]).map(|s| s.cohort), Some(1));
    }

    #[test]
    fn trap_09_born_on_29_february() {
        assert_eq!(bowel(date(1976, 2, 29), &[]), None, "49 on 28 February");
        let cervical = seen(
            Programme::Cervical,
            &woman(date(1976, 2, 29)),
            &[],
            census(),
        );
        assert_eq!(cervical.map(|s| s.cohort), Some(3));
    }

    #[test]
    fn trap_13_two_letters_one_episode() {
        let born = date(1960, 5, 5);
        let letters = [
            event(Kind::Invited, date(2025, 2, 20), 1),
            event(Kind::Invited, date(2025, 4, 1), 1),
        ];
        assert_eq!(
            bowel(born, &letters).map(|s| s.invited_12m),
            Some(false),
            "the first letter is out"
        );
        let other_episode = [
            letters[0],
            Event {
                episode: 2,
                ..letters[1]
            },
        ];
        assert_eq!(
            bowel(born, &other_episode).map(|s| s.invited_12m),
            Some(true)
        );
        let blank = [
            Event {
                episode: 0,
                ..letters[0]
            },
            Event {
                episode: 0,
                ..letters[1]
            },
        ];
        assert_eq!(bowel(born, &blank).map(|s| s.invited_12m), Some(true));
    }

    #[test]
    fn uptake_is_six_calendar_months_clamped() {
        let born = date(1960, 5, 5);
        let letter = event(Kind::Invited, date(2025, 8, 31), 1);
        let answer = |day| {
            bowel(born, &[letter, event(Kind::ScreenedAdequate, day, 1)])
                .map(|s| s.adequately_screened_6m)
        };
        assert_eq!(answer(date(2026, 2, 28)), Some(true));
        let early = event(Kind::Invited, date(2025, 5, 10), 1);
        let late = |day| {
            bowel(born, &[early, event(Kind::ScreenedAdequate, day, 1)])
                .map(|s| s.adequately_screened_6m)
        };
        assert_eq!(
            (late(date(2025, 11, 10)), late(date(2025, 11, 11))),
            (Some(true), Some(false))
        );
    }

    #[test]
    fn a_gfobt_a_faulty_row_and_a_reminder_do_not_count() {
        let born = date(1960, 5, 5);
        let test = event(Kind::ScreenedAdequate, date(2025, 5, 1), 1);
        let nothing = [
            Event { test: 2, ..test },
            Event {
                fault: Fault::BadDate,
                ..test
            },
            Event {
                fault: Fault::Unlinked,
                ..test
            },
            event(Kind::Reminder, date(2025, 5, 1), 1),
        ];
        let seen = bowel(born, &nothing);
        assert_eq!(
            seen.map(|s| (s.covered, s.never_screened, s.invited_12m)),
            Some((false, true, false))
        );
        assert_eq!(
            bowel(born, &[event(Kind::Ceased, census(), 0)]),
            None,
            "ceased on the census"
        );
    }

    #[test]
    fn the_dead_and_the_opted_out_are_not_eligible() {
        let mut person = woman(date(1960, 5, 5));
        person.death = Some(census());
        assert_eq!(seen(Programme::Bowel, &person, &[], census()), None);
        person.death = Some(date(2026, 3, 1));
        assert!(seen(Programme::Bowel, &person, &[], census()).is_some());
        person.type1_opt_out = true;
        assert_eq!(seen(Programme::Bowel, &person, &[], census()), None);
    }

    #[test]
    fn people_to_target_rounds_up() {
        assert_eq!(people_to_target(1, 50, 31), Some(0));
        assert_eq!(people_to_target(1, 51, 31), Some(1));
        assert_eq!(people_to_target(4, 7, 0), Some(6));
        assert_eq!(people_to_target(0, 50, 0), None);
    }
}
