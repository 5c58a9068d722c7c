//! Lung health checks: letters, checks, scans, follow-ups, diagnoses and help to stop smoking of one
//! person, with the days on which the definitions turn (trap 25).

mod story;

use chrono::NaiveDate;

use super::faults::Fault;

pub use story::{Candidate, story};

/// A row of `Pathway_Invite.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invite {
    /// First letter.
    pub first_letter: NaiveDate,
    /// Second letter.
    pub second_letter: Option<NaiveDate>,
    /// Call.
    pub call: Option<NaiveDate>,
    /// Contact made.
    pub contact: Option<NaiveDate>,
    /// Place in [`INVITE_OUTCOMES`].
    pub outcome: usize,
    /// What goes wrong with the row.
    pub fault: Fault,
}

/// A row of `LungHealthCheck.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Day of the check.
    pub on: Option<NaiveDate>,
    /// Place in [`ATTENDANCES`].
    pub attendance: usize,
    /// PLCOm2012 risk.
    pub plco: Risk,
    /// LLPv2 risk.
    pub llp: Risk,
    /// What goes wrong with the row.
    pub fault: Fault,
}

/// A risk score in hundredths of a per cent, or what stands in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Risk {
    /// Hundredths.
    Score(u16),
    /// Place in [`NO_SCORES`].
    Junk(usize),
}

/// A row of `Pathway_LDCT.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scan {
    /// Day of the scan.
    pub on: Option<NaiveDate>,
    /// Day of the report.
    pub reported: Option<NaiveDate>,
    /// Place in [`SCAN_OUTCOMES`].
    pub outcome: usize,
    /// Referral to the cancer pathway.
    pub referred: Option<NaiveDate>,
    /// What goes wrong with the row.
    pub fault: Fault,
}

/// A row of `Pathway_Diagnostics.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Diagnostic {
    /// Full-dose CT.
    pub full_dose_ct: NaiveDate,
    /// Diagnosis of cancer.
    pub diagnosed: Option<NaiveDate>,
    /// Place in [`STAGES`].
    pub stage: usize,
    /// Start of treatment.
    pub treated: Option<NaiveDate>,
    /// What goes wrong with the row.
    pub fault: Fault,
}

/// A row of `SmokingCessation.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Smoking {
    /// Help offered.
    pub offered: NaiveDate,
    /// Help begun.
    pub started: Option<NaiveDate>,
    /// Help ended.
    pub ended: Option<NaiveDate>,
    /// What goes wrong with the row.
    pub fault: Fault,
}

/// Outcomes of an invitation, each with the spellings in use; the first is the acceptance.
pub const INVITE_OUTCOMES: [&[&str]; 6] = [
    &[
        "Participant accepted invitation",
        "PARTICIPANT_ACCEPTED_INVITATION",
        "Participant  accepted invitation ",
    ],
    &[
        "Participant declined invitation",
        "PARTICIPANT_DECLINED_INVITATION",
    ],
    &[
        "Participant did not respond",
        "participant did not respond",
        "PARTICIPANT_DID_NOT_RESPOND",
    ],
    &[
        "Participant does not meet smoking criteria",
        "PARTICIPANT_DOES_NOT_MEET_SMOKING_CRITERIAA",
    ],
    &["Participant removed from GP list"],
    &[""],
];
/// Attendances; the first is the one that counts.
pub const ATTENDANCES: [&[&str]; 3] = [
    &[
        "Participant attended LHC",
        "PARTICIPANT_ATTENDED_LHC",
        "participant attended  lhc",
    ],
    &[
        "Participant attended but did not complete",
        "ATTENDED_BUT_DID_NOT_COMPLETE",
    ],
    &[
        "Participant did not attend LHC",
        "PARTICIPANT_DID_NOT_ATTEND_LHC",
    ],
];
/// Outcomes of a scan appointment; the first is a scan.
pub const SCAN_OUTCOMES: [&[&str]; 3] = [
    &[
        "LDCT performed",
        "LDCT_PERFORMED",
        "Ldct  Performed",
        "ldct_performed",
    ],
    &["LDCT did not attend", "LDCT_DID_NOT_ATTEND"],
    &[
        "LDCT not completed (participant unwell)",
        "LDCT_NOT_COMPLETED_(TECHNICAL/OPERATIONA",
    ],
];
/// What stands where a risk score should.
pub const NO_SCORES: [&str; 5] = ["", "NULL", "0..45", "01:50", ">3.56"];
/// Stages; the first is none.
pub const STAGES: [&str; 9] = ["", "1", "1A", "1B", "2", "2B", "3", "3A", "4"];

/// The lung health check of one person, whole.
#[derive(Debug, Default, Clone)]
pub struct Story {
    /// Letters.
    pub invites: Vec<Invite>,
    /// Checks.
    pub checks: Vec<Check>,
    /// Scans.
    pub scans: Vec<Scan>,
    /// Diagnostics.
    pub diagnostics: Vec<Diagnostic>,
    /// Help to stop smoking.
    pub smoking: Vec<Smoking>,
}

impl Story {
    fn clear(&mut self) {
        self.invites.clear();
        self.checks.clear();
        self.scans.clear();
        self.diagnostics.clear();
        self.smoking.clear();
    }
}
