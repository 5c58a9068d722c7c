//! The truth of `personalised_care` and `personalised_care_submitters`: what one person adds.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::sample::dates::{Calendar, add_months, days_between};
use crate::sample::people::Snapshot;
use crate::sample::personalised_care::{DIAGNOSES, Kind, Row};

/// The count columns, in order.
pub const COLUMNS: [&str; 10] = [
    "diagnosed",
    "hna_offered",
    "hna_completed",
    "pcsp_completed",
    "cns_contact",
    "treatment_completed",
    "end_of_treatment_summary",
    "reviewed_12m",
    "support_offered_3m",
    "stratified_follow_up",
];

/// What a diagnosed person adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cared {
    /// Day of diagnosis.
    pub diagnosed: NaiveDate,
    /// The trust the tumour counts at.
    pub trust: usize,
    /// Cancer group.
    pub group: &'static str,
    /// One flag per column.
    pub flags: [bool; 10],
    /// Distinct needs assessments of the tumour, for the rule about submitters.
    pub hna_records: u32,
}

/// The cancer group of an ICD-10 code.
pub fn cancer_group(icd10: &str) -> &'static str {
    let number = match icd10
        .strip_prefix('C')
        .and_then(|rest| rest.get(..2))
        .map(str::parse::<u32>)
    {
        Some(Ok(number)) => number,
        _ => return "Other",
    };
    match number {
        0..=14 | 30..=32 | 73 => "Head and neck",
        15..=17 | 22..=25 => "Upper gastrointestinal",
        18..=21 => "Lower gastrointestinal",
        33..=34 | 37..=38 | 45 => "Lung",
        43 => "Skin",
        50 => "Breast",
        51..=58 => "Gynaecological",
        60..=68 => "Urological",
        70..=72 => "Brain and central nervous system",
        81..=96 => "Haematological",
        _ => "Other",
    }
}

/// Whether a code is a cancer that counts: C00 to C97 but C44.
pub fn is_cancer(icd10: &str) -> bool {
    let number = icd10
        .strip_prefix('C')
        .and_then(|rest| rest.get(..2))
        .and_then(|digits| digits.parse::<u32>().ok());
    number.is_some_and(|number| number <= 97 && number != 44)
}

/// What a person adds. `person` is their newest row, none for a stranger.
pub fn cared(person: Option<&Snapshot>, rows: &[Row], calendar: &Calendar) -> Option<Cared> {
    let cancers = || {
        rows.iter()
            .filter(|row| row.fault.counts() && is_cancer(DIAGNOSES[row.icd10].0))
    };
    // A tumour's diagnosis is the earliest its rows give; of equals the lower key, and keys rise with
    // the tumour's number.
    let (diagnosed, tumour) = cancers().map(|row| (row.diagnosed, row.tumour)).min()?;
    if person.is_some_and(|person| {
        person.opted_out() || person.death.is_some_and(|death| death <= diagnosed)
    }) {
        return None;
    }
    let own: Vec<&Row> = cancers().filter(|row| row.tumour == tumour).collect();
    let first = own
        .iter()
        .min_by_key(|row| (row.month(calendar), row.trust))?;
    let days = |kind: Kind| {
        own.iter()
            .filter(move |row| row.kind == kind)
            .filter_map(|row| Some((row.on?, *row)))
    };
    let within = |on: NaiveDate, low, high| (low..=high).contains(&days_between(diagnosed, on));
    let offers = || {
        days(Kind::Hna)
            .filter(|(on, row)| matches!(row.offered, 1 | 2 | 3 | 5) && within(*on, 0, 730))
    };
    let ends: Vec<NaiveDate> = days(Kind::TreatmentEnd)
        .map(|(on, _)| on)
        .filter(|on| *on >= diagnosed)
        .collect();
    let by = |kind, months| {
        days(kind).any(|(on, _)| diagnosed <= on && on <= add_months(diagnosed, months))
    };
    let summary = |on: NaiveDate| {
        ends.iter()
            .any(|end| (0..=42).contains(&days_between(*end, on)))
    };
    let flags = [
        true,
        offers().next().is_some(),
        offers().any(|(_, row)| (1..=6).contains(&row.status)),
        days(Kind::Pcsp).any(|(on, row)| row.status == 3 && within(on, 0, 730)),
        days(Kind::Nurse).any(|(on, _)| within(on, 0, 730)),
        !ends.is_empty(),
        days(Kind::Summary).any(|(on, _)| summary(on)),
        by(Kind::Review, 12),
        by(Kind::Support, 3),
        days(Kind::FollowUp).any(|(on, _)| on >= diagnosed),
    ];
    let records: BTreeSet<_> = days(Kind::Hna)
        .map(|(on, row)| (on, row.offered, row.status, row.point, row.role))
        .collect();
    Some(Cared {
        diagnosed,
        trust: first.trust,
        group: cancer_group(DIAGNOSES[first.icd10].0),
        flags,
        hna_records: records.len() as u32,
    })
}

/// Whether a trust submits: few records for its patients are no submission.
pub fn submits(patients: u32, hna_records: u32) -> bool {
    if patients <= 100 {
        hna_records >= 10
    } else {
        hna_records >= 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::dates::{date, plus_days};
    use crate::sample::faults::Fault;

    fn row(kind: Kind, on: NaiveDate) -> Row {
        Row {
            trust: 2,
            tumour: 0,
            diagnosed: diagnosed(),
            icd10: 0,
            kind,
            on: Some(on),
            offered: 3,
            status: 3,
            point: 1,
            role: 1,
            spelling: 0,
            fault: Fault::None,
        }
    }

    fn diagnosed() -> NaiveDate {
        date(2025, 1, 31)
    }

    fn flags(rows: &[Row]) -> Option<[bool; 10]> {
        cared(None, rows, &Calendar::new(date(2026, 3, 1), 3)).map(|cared| cared.flags)
    }

    fn flag(rows: &[Row], column: usize) -> Option<bool> {
        flags(rows).map(|flags| flags[column])
    }

    #[test]
    fn trap_23_an_offer_is_an_offer() {
        let hna = |days, offered| {
            flag(
                &[Row {
                    offered,
                    ..row(Kind::Hna, plus_days(diagnosed(), days))
                }],
                1,
            )
        };
        assert_eq!(hna(0, 1), Some(true));
        assert_eq!(hna(730, 5), Some(true));
        assert_eq!(hna(731, 3), Some(false));
        assert_eq!(hna(-20, 3), Some(false));
        assert_eq!(hna(10, 4), Some(false));
        assert!(
            !submits(900, 6)
                && !submits(900, 19)
                && submits(900, 20)
                && submits(100, 10)
                && !submits(100, 9)
        );
    }

    #[test]
    fn identical_assessments_are_one_record() {
        let hna = row(Kind::Hna, date(2025, 2, 10));
        let other = Row { status: 1, ..hna };
        let calendar = Calendar::new(date(2026, 3, 1), 3);
        assert_eq!(
            cared(None, &[hna, hna, other], &calendar).map(|cared| cared.hna_records),
            Some(2)
        );
    }

    #[test]
    fn calendar_months_are_clamped() {
        assert_eq!(
            flag(&[row(Kind::Support, date(2025, 4, 30))], 8),
            Some(true)
        );
        assert_eq!(
            flag(&[row(Kind::Support, date(2025, 5, 1))], 8),
            Some(false)
        );
        assert_eq!(flag(&[row(Kind::Review, date(2026, 1, 31))], 7), Some(true));
    }

    #[test]
    fn summaries_within_42_days_of_the_end() {
        let end = row(Kind::TreatmentEnd, date(2025, 6, 1));
        let summary = |days| {
            flag(
                &[end, row(Kind::Summary, plus_days(date(2025, 6, 1), days))],
                6,
            )
        };
        assert_eq!(
            (summary(0), summary(42), summary(43), summary(-1)),
            (Some(true), Some(true), Some(false), Some(false))
        );
        assert_eq!(
            flag(&[row(Kind::TreatmentEnd, date(2025, 1, 30))], 5),
            Some(false)
        );
    }

    #[test]
    fn skin_and_in_situ_are_not_counted_and_a_first_tumour_is() {
        let skin = Row {
            icd10: 20,
            ..row(Kind::Nurse, diagnosed())
        };
        assert_eq!(DIAGNOSES[20].0, "C443");
        assert_eq!(flags(&[skin]), None);
        let later = Row {
            tumour: 1,
            icd10: 2,
            diagnosed: date(2025, 3, 1),
            trust: 0,
            ..skin
        };
        let calendar = Calendar::new(date(2026, 3, 1), 3);
        let cared = cared(None, &[skin, later], &calendar);
        assert_eq!(
            cared.map(|cared| (cared.group, cared.trust)),
            Some(("Lung", 0))
        );
    }
}
