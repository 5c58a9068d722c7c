//! The truth of `lung_health_checks`: what one person adds to the cohort of their first letter.

use chrono::NaiveDate;

use crate::sample::dates::{age, days_between};
use crate::sample::lung::{Check, Risk, STAGES, Scan, Story};
use crate::sample::people::Snapshot;

/// The count columns, in order.
pub const COLUMNS: [&str; 14] = [
    "invited",
    "accepted",
    "attended",
    "high_risk",
    "scanned_baseline",
    "followed_up_3m",
    "followed_up_12m",
    "followed_up_24m",
    "referred",
    "cancers",
    "cancers_stage_1_2",
    "cancers_staged",
    "smoking_offered",
    "smoking_started",
];

/// What a person adds: the day of the letter, and one flag per column.
pub fn checked(person: &Snapshot, story: &Story) -> Option<(NaiveDate, [bool; 14])> {
    let letter = story
        .invites
        .iter()
        .filter(|row| row.fault.counts())
        .map(|row| row.first_letter)
        .min()?;
    let invited = (55..=74).contains(&age(person.birth, letter))
        && person.ever_smoked()
        && !person.opted_out()
        && person.death.is_none_or(|death| letter <= death);
    if !invited {
        return None;
    }
    let accepted = story
        .invites
        .iter()
        .any(|row| row.fault.counts() && row.outcome == 0);
    let checks: Vec<&Check> = story
        .checks
        .iter()
        .filter(|row| row.fault.counts())
        .collect();
    let attended_on: Vec<NaiveDate> = checks
        .iter()
        .filter(|row| row.attendance == 0)
        .filter_map(|row| row.on)
        .filter(|on| *on >= letter && person.death.is_none_or(|death| *on <= death))
        .collect();
    let first_check = attended_on.iter().min().copied();
    let high_risk =
        first_check.is_some() && checks.iter().any(|row| row.on == first_check && high(row));

    let scans: Vec<(NaiveDate, &Scan)> = story
        .scans
        .iter()
        .filter(|row| row.fault.counts() && row.outcome == 0)
        .filter_map(|row| Some((effective(row, letter)?, row)))
        .filter(|(on, _)| person.death.is_none_or(|death| *on <= death))
        .collect();
    let baseline = scans
        .iter()
        .map(|(on, _)| *on)
        .min()
        .filter(|on| age(person.birth, *on) <= 74);
    let followed = |low, high| {
        baseline.is_some_and(|first| {
            scans
                .iter()
                .any(|(on, _)| (low..=high).contains(&days_between(first, *on)))
        })
    };
    let found = |stages: &[char]| {
        let roots = || {
            attended_on
                .iter()
                .copied()
                .chain(scans.iter().map(|(on, _)| *on))
        };
        story
            .diagnostics
            .iter()
            .filter(|row| row.fault.counts())
            .any(|row| {
                let of_them = stages.is_empty() || STAGES[row.stage].starts_with(stages);
                let attributed =
                    |on| roots().any(|root| (0..=185).contains(&days_between(root, on)));
                row.diagnosed.is_some_and(attributed) && of_them
            })
    };
    let smoking = || story.smoking.iter().filter(|row| row.fault.counts());
    let flags = [
        true,
        accepted,
        first_check.is_some(),
        high_risk,
        baseline.is_some(),
        followed(61, 152),
        followed(335, 465),
        followed(669, 791),
        scans.iter().any(|(_, row)| row.referred.is_some()),
        found(&[]),
        found(&['1', '2']),
        found(&['1', '2', '3', '4']),
        smoking().any(|row| row.offered >= letter),
        smoking().any(|row| row.started.is_some_and(|on| on >= letter)),
    ];
    Some((letter, flags))
}

fn high(row: &Check) -> bool {
    let at_least = |risk, threshold| matches!(risk, Risk::Score(score) if score >= threshold);
    at_least(row.plco, 151) || at_least(row.llp, 250)
}

/// The day a performed scan counts from: its own, or its report's when its own is before the letter.
fn effective(row: &Scan, letter: NaiveDate) -> Option<NaiveDate> {
    row.on
        .filter(|on| *on >= letter)
        .or(row.reported.filter(|on| *on >= letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dates::{date, plus_days};
    use crate::sample::faults::Fault;
    use crate::sample::lung::{Diagnostic, Invite};
    use crate::sample::practices::PracticeCode;

    fn smoker(birth: NaiveDate) -> Snapshot {
        Snapshot {
            number: 9_990_000_018,
            birth,
            death: None,
            sex: 1,
            ethnicity: 0,
            lsoa11: 900_001,
            lsoa21: 900_001,
            practice: PracticeCode::Listed(1),
            registered_from: birth,
            registered_to: None,
            flags: 0,
            smoking: 2,
            national_opt_out: false,
            type1_opt_out: false,
        }
    }

    fn letter() -> NaiveDate {
        date(2024, 6, 3)
    }

    fn invited() -> Story {
        let invite = Invite {
            first_letter: letter(),
            second_letter: None,
            call: None,
            contact: None,
            outcome: 0,
            fault: Fault::None,
        };
        Story {
            invites: vec![invite],
            ..Story::default()
        }
    }

    fn scan(on: NaiveDate, reported: Option<NaiveDate>) -> Scan {
        Scan {
            on: Some(on),
            reported,
            outcome: 0,
            referred: None,
            fault: Fault::None,
        }
    }

    fn flag(story: &Story, column: &str) -> bool {
        let place = COLUMNS.iter().position(|c| *c == column).unwrap_or(0);
        checked(&smoker(date(1960, 1, 1)), story).is_some_and(|(_, flags)| flags[place])
    }

    #[test]
    fn ages_at_the_letter() {
        let letters = |birth| checked(&smoker(birth), &invited()).is_some();
        assert!(letters(date(1969, 6, 3)) && !letters(date(1969, 6, 4)));
        assert!(letters(date(1949, 6, 4)) && !letters(date(1949, 6, 3)));
    }

    #[test]
    fn a_letter_after_death_invites_nobody() {
        let mut person = smoker(date(1960, 1, 1));
        person.death = Some(letter());
        assert!(
            checked(&person, &invited()).is_some(),
            "on the day itself it does"
        );
        person.death = Some(plus_days(letter(), -1));
        assert!(checked(&person, &invited()).is_none());
    }

    #[test]
    fn trap_25_follow_up_days_and_the_report_that_stands_in() {
        let first = date(2024, 8, 1);
        for (days, column, counts) in [
            (60, "followed_up_3m", false),
            (61, "followed_up_3m", true),
            (152, "followed_up_3m", true),
            (153, "followed_up_3m", false),
            (465, "followed_up_12m", true),
            (466, "followed_up_12m", false),
            (669, "followed_up_24m", true),
            (792, "followed_up_24m", false),
        ] {
            let mut story = invited();
            story.scans = vec![scan(first, None), scan(plus_days(first, days), None)];
            assert_eq!(flag(&story, column), counts, "{days} days");
        }
        let mut story = invited();
        story.scans = vec![scan(date(2024, 6, 1), Some(date(2024, 6, 10)))];
        assert!(flag(&story, "scanned_baseline"));
        story.scans = vec![scan(date(2024, 6, 1), Some(date(2024, 6, 2)))];
        assert!(!flag(&story, "scanned_baseline"));
    }

    #[test]
    fn trap_25_cancers_within_185_days() {
        let first = date(2024, 8, 1);
        for (days, counts) in [(0, true), (185, true), (186, false), (-1, false)] {
            let mut story = invited();
            story.scans = vec![scan(first, None)];
            let diagnosed = Some(plus_days(first, days));
            story.diagnostics = vec![Diagnostic {
                full_dose_ct: first,
                diagnosed,
                stage: 2,
                treated: None,
                fault: Fault::None,
            }];
            assert_eq!(flag(&story, "cancers"), counts, "{days} days");
            assert_eq!(flag(&story, "cancers_stage_1_2"), counts);
        }
    }

    #[test]
    fn risk_on_the_threshold_is_high_and_junk_is_not() {
        let check = |plco, llp| {
            let mut story = invited();
            story.checks = vec![Check {
                on: Some(letter()),
                attendance: 0,
                plco,
                llp,
                fault: Fault::None,
            }];
            flag(&story, "high_risk")
        };
        assert!(check(Risk::Score(151), Risk::Junk(0)) && check(Risk::Junk(0), Risk::Score(250)));
        assert!(!check(Risk::Score(150), Risk::Score(249)) && !check(Risk::Junk(4), Risk::Junk(1)));
    }

    #[test]
    fn the_seventy_fifth_birthday_is_too_late_for_a_baseline() {
        let scanned = |birth| {
            let mut story = invited();
            story.scans = vec![scan(date(2024, 8, 1), None)];
            checked(&smoker(birth), &story).map(|(_, flags)| flags[4])
        };
        assert_eq!(scanned(date(1949, 8, 1)), Some(false));
        assert_eq!(scanned(date(1949, 8, 2)), Some(true));
    }
}
