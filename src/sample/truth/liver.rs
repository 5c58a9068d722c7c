//! The truth of `liver_surveillance` and of the measures of advanced fibrosis: one person, one census.

use chrono::{Datelike, NaiveDate};

use crate::sample::dates::window_start;
use crate::sample::liver::{
    ADVANCED_FIBROSIS, Activity, BCLC, CIRRHOSIS, MODALITIES, PATIENT_CHOICE, Registered, Status,
    TNM,
};
use crate::sample::people::Snapshot;

/// The count columns, in order.
pub const COLUMNS: [&str; 7] = [
    "eligible",
    "invited_6m",
    "scanned_6m",
    "overdue",
    "unsuitable",
    "hcc_diagnosed",
    "hcc_early",
];

/// What a person adds at a census: the stage they count under, the trust they count at, and one flag per
/// column. `person` is their row of that month, or the newest; a stranger has none and counts as alive
/// and not opted out.
pub fn surveyed(
    person: Option<&Snapshot>,
    register: &[Registered],
    activity: &[Activity],
    census: NaiveDate,
) -> Option<(u8, usize, [bool; 7])> {
    if person.is_some_and(|person| !person.alive(census) || person.opted_out()) {
        return None;
    }
    let rows = || register.iter().filter(|row| row.fault.counts());
    let events = || activity.iter().filter(|row| row.fault.counts());
    let seen_at = |trust: usize| {
        let days = events().filter(|row| row.trust == trust).flat_map(|row| {
            let attended = row.appointment.filter(|_| row.attendance == 1);
            [row.scanned, attended]
        });
        days.flatten().filter(|on| *on <= census).max()
    };
    // Cirrhosis on any register first. None sorts before every date, so the largest puts the never seen last;
    // then the lowest code.
    let chosen = rows()
        .filter(|row| [ADVANCED_FIBROSIS, CIRRHOSIS].contains(&row.fibrosis))
        .filter(|row| row.status != Status::Transferred)
        .filter(|row| row.diagnosed.is_none_or(|on| on <= census))
        .max_by_key(|row| {
            let first_code = std::cmp::Reverse(row.trust);
            (
                row.fibrosis == CIRRHOSIS,
                seen_at(row.trust),
                row.since,
                first_code,
            )
        })?;

    let out = rows().any(|row| {
        matches!(
            row.status,
            Status::Died | Status::Transplanted | Status::HccDiagnosed
        )
    });
    let out = out || events().any(|row| row.hcc.is_some_and(|on| on <= census));
    let unsuitable = chosen.status == Status::Unsuitable && chosen.reason != Some(PATIENT_CHOICE);
    let eligible = !out && !unsuitable;
    let scanned_since = |months| {
        let from = window_start(census, months);
        events().any(|row| {
            !MODALITIES[usize::from(row.modality)].is_empty()
                && row.scanned.is_some_and(|on| from <= on && on <= census)
        })
    };
    let six = window_start(census, 6);
    let invited = events().any(|row| row.invited.is_some_and(|on| six <= on && on <= census));
    let this_month = |on: NaiveDate| (on.year(), on.month()) == (census.year(), census.month());
    let found = || events().filter(|row| row.hcc.is_some_and(this_month));
    let early = |row: &Activity| {
        matches!(BCLC[usize::from(row.bclc)], "0" | "A")
            || TNM[usize::from(row.tnm)].starts_with(['1', '2'])
    };
    let flags = [
        eligible,
        eligible && invited,
        eligible && scanned_since(6),
        eligible && !scanned_since(7),
        unsuitable && !out,
        found().next().is_some(),
        found().any(early),
    ];
    flags
        .iter()
        .any(|flag| *flag)
        .then_some((chosen.fibrosis, chosen.trust, flags))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dates::date;
    use crate::sample::faults::Fault;

    fn row(trust: usize, status: Status) -> Registered {
        Registered {
            trust,
            source: 0,
            diagnosed: Some(date(2020, 1, 1)),
            aetiology: 0,
            fibrosis: CIRRHOSIS,
            stiffness: 200,
            status,
            since: Some(date(2020, 1, 1)),
            reason: Some(0),
            fault: Fault::None,
        }
    }

    fn done(trust: usize, invited: Option<NaiveDate>, scanned: Option<NaiveDate>) -> Activity {
        Activity {
            trust,
            invited,
            invite: 1,
            appointment: None,
            attendance: 0,
            scanned,
            modality: 1,
            hcc: None,
            bclc: 0,
            tnm: 0,
            fault: Fault::None,
        }
    }

    fn at(register: &[Registered], activity: &[Activity]) -> Option<(usize, [bool; 7])> {
        let found = surveyed(None, register, activity, date(2026, 2, 28));
        found.map(|(stage, trust, flags)| {
            assert_eq!(stage, CIRRHOSIS);
            (trust, flags)
        })
    }

    #[test]
    fn trap_07_six_months_are_calendar_months() {
        let active = [row(0, Status::Active)];
        let invited = |on| at(&active, &[done(0, Some(on), None)]).map(|(_, flags)| flags[1]);
        assert_eq!(invited(date(2025, 9, 1)), Some(true));
        assert_eq!(invited(date(2025, 8, 31)), Some(false));
        let overdue = |on| at(&active, &[done(0, None, Some(on))]).map(|(_, flags)| flags[3]);
        assert_eq!(
            (overdue(date(2025, 8, 1)), overdue(date(2025, 7, 31))),
            (Some(false), Some(true))
        );
    }

    #[test]
    fn two_registers_one_person_where_seen_last() {
        let both = [row(0, Status::Active), row(2, Status::Active)];
        assert_eq!(
            at(&both, &[done(2, None, Some(date(2025, 1, 1)))]).map(|(trust, _)| trust),
            Some(2)
        );
        assert_eq!(
            at(&both, &[done(2, None, Some(date(2026, 3, 1)))]).map(|(trust, _)| trust),
            Some(0),
            "not yet"
        );
        let newer = [
            row(0, Status::Active),
            Registered {
                since: Some(date(2024, 1, 1)),
                ..both[1]
            },
        ];
        assert_eq!(at(&newer, &[]).map(|(trust, _)| trust), Some(2));
        let gone = [row(0, Status::Active), row(2, Status::Transferred)];
        assert_eq!(
            at(&gone, &[done(2, None, Some(date(2025, 1, 1)))]).map(|(trust, _)| trust),
            Some(0)
        );
    }

    #[test]
    fn statuses_that_take_a_person_out() {
        let eligible = |status| at(&[row(0, status)], &[]).map(|(_, flags)| (flags[0], flags[4]));
        assert_eq!(eligible(Status::Declined), Some((true, false)));
        assert_eq!(eligible(Status::Unsuitable), Some((false, true)));
        assert_eq!(eligible(Status::Transplanted), None);
        let choice = Registered {
            reason: Some(PATIENT_CHOICE),
            ..row(0, Status::Unsuitable)
        };
        assert_eq!(at(&[choice], &[]).map(|(_, flags)| flags[0]), Some(true));
        let elsewhere = [
            row(0, Status::Unsuitable),
            Registered {
                fibrosis: 0,
                ..row(2, Status::HccDiagnosed)
            },
        ];
        assert_eq!(at(&elsewhere, &[]), None, "in neither");
    }

    #[test]
    fn cirrhosis_on_any_register_is_no_longer_fibrosis() {
        let fibrosis = Registered {
            fibrosis: ADVANCED_FIBROSIS,
            ..row(0, Status::Active)
        };
        let stage = |register: &[Registered]| {
            let seen = [done(0, None, Some(date(2026, 1, 1)))];
            surveyed(None, register, &seen, date(2026, 2, 28))
                .map(|(stage, trust, _)| (stage, trust))
        };
        assert_eq!(stage(&[fibrosis]), Some((ADVANCED_FIBROSIS, 0)));
        assert_eq!(
            stage(&[fibrosis, row(2, Status::Active)]),
            Some((CIRRHOSIS, 2))
        );
        let sent_away = row(2, Status::Transferred);
        assert_eq!(stage(&[fibrosis, sent_away]), Some((ADVANCED_FIBROSIS, 0)));
    }

    #[test]
    fn a_cancer_that_the_register_does_not_know_of_takes_a_person_out() {
        let mut found = done(2, Some(date(2026, 2, 1)), None);
        found.hcc = Some(date(2025, 11, 10));
        assert_eq!(at(&[row(0, Status::Active)], &[found]), None);
        found.hcc = Some(date(2026, 2, 28));
        let flags = at(&[row(0, Status::Active)], &[found]).map(|(_, flags)| flags);
        assert_eq!(
            flags,
            Some([false, false, false, false, false, true, false]),
            "diagnosed on the census"
        );
        found.hcc = Some(date(2026, 3, 1));
        let flags = at(&[row(0, Status::Active)], &[found]).map(|(_, flags)| flags[0]);
        assert_eq!(flags, Some(true), "not yet");
    }

    #[test]
    fn cancers_of_the_month_count_even_off_the_register() {
        let mut found = done(0, None, None);
        found.hcc = Some(date(2026, 2, 1));
        found.bclc = 2;
        let flags = at(&[row(0, Status::HccDiagnosed)], &[found]).map(|(_, flags)| flags);
        assert_eq!(flags, Some([false, false, false, false, false, true, true]));
        found.hcc = Some(date(2026, 1, 31));
        assert_eq!(at(&[row(0, Status::HccDiagnosed)], &[found]), None);
    }
}
