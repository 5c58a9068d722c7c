//! Liver surveillance: who is on a trust's register, what their status has been, and their letters,
//! appointments and scans.
//!
//! Some people are on two trusts' registers, some are strangers: valid numbers nobody in the extract
//! of people carries.

mod story;

use chrono::NaiveDate;

use super::dates::Calendar;
use super::faults::Fault;

pub use story::{Patient, story};

/// Stages of fibrosis; the first two are under surveillance, each with numbers of its own.
pub const FIBROSIS: [&str; 3] = ["F3", "F4", "HBV_highrisk"];
/// Place of advanced fibrosis in [`FIBROSIS`].
pub const ADVANCED_FIBROSIS: u8 = 0;
/// Place of cirrhosis in [`FIBROSIS`].
pub const CIRRHOSIS: u8 = 1;
/// Kinds of register.
pub const REGISTERS: [&str; 4] = ["hepatology_db", "GP_code", "CLHC", "viral_hep_ODN"];
/// Causes.
pub const AETIOLOGIES: [&str; 9] = [
    "ARLD",
    "MASLD",
    "HBV",
    "HCV",
    "AIH",
    "PBC",
    "haemochromatosis",
    "other",
    "unknown",
];
/// Reasons why surveillance does not suit; the last is the patient's own.
pub const UNSUITABLE: [&str; 4] = [
    "frailty",
    "performance status 3-4",
    "Child-Pugh C non-transplant",
    "patient choice",
];
/// Place of the patient's own choice in [`UNSUITABLE`].
pub const PATIENT_CHOICE: u8 = 3;
/// Kinds of letter.
pub const INVITES: [&str; 4] = ["first", "routine_6m", "reminder", "rebook_after_dna"];
/// Attendances; the first is none, the second the one that counts.
pub const ATTENDANCES: [&str; 6] = [
    "",
    "attended",
    "dna",
    "cancelled_patient",
    "cancelled_provider",
    "pending",
];
/// Modalities; the first is none.
pub const MODALITIES: [&str; 4] = ["", "US", "CT", "MRI"];
/// Barcelona stages; the first is none.
pub const BCLC: [&str; 6] = ["", "0", "A", "B", "C", "D"];
/// TNM stages; the first is none.
pub const TNM: [&str; 5] = ["", "1", "2", "3A", "4"];

/// Status on a register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Under surveillance.
    Active,
    /// Paused.
    Suspended,
    /// Does not want it; stays in the denominator.
    Declined,
    /// Does not suit, for a reason.
    Unsuitable,
    /// Another trust's patient now.
    Transferred,
    /// Known to have died.
    Died,
    /// Has a new liver.
    Transplanted,
    /// Has the cancer already.
    HccDiagnosed,
}

impl Status {
    /// As the column spells it.
    pub fn name(self) -> &'static str {
        [
            "active",
            "suspended",
            "declined",
            "unsuitable",
            "transferred",
            "died",
            "transplanted",
            "HCC_diagnosed",
        ][self as usize]
    }
}

/// A row of a register in one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registered {
    /// Place in [`TRUSTS`](super::geography::TRUSTS).
    pub trust: usize,
    /// Place in [`REGISTERS`].
    pub source: u8,
    /// Day of diagnosis.
    pub diagnosed: Option<NaiveDate>,
    /// Place in [`AETIOLOGIES`].
    pub aetiology: u8,
    /// Place in [`FIBROSIS`].
    pub fibrosis: u8,
    /// Stiffness, tenths of a kilopascal.
    pub stiffness: u16,
    /// Status.
    pub status: Status,
    /// Since when.
    pub since: Option<NaiveDate>,
    /// Place in [`UNSUITABLE`], when unsuitable.
    pub reason: Option<u8>,
    /// What goes wrong with the row.
    pub fault: Fault,
}

/// A row of activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Place in [`TRUSTS`](super::geography::TRUSTS).
    pub trust: usize,
    /// The letter.
    pub invited: Option<NaiveDate>,
    /// Place in [`INVITES`].
    pub invite: u8,
    /// The appointment.
    pub appointment: Option<NaiveDate>,
    /// Place in [`ATTENDANCES`].
    pub attendance: u8,
    /// The scan.
    pub scanned: Option<NaiveDate>,
    /// Place in [`MODALITIES`].
    pub modality: u8,
    /// Diagnosis of hepatocellular cancer.
    pub hcc: Option<NaiveDate>,
    /// Place in [`BCLC`].
    pub bclc: u8,
    /// Place in [`TNM`].
    pub tnm: u8,
    /// What goes wrong with the row.
    pub fault: Fault,
}

impl Activity {
    /// The day by which the row is filed.
    pub fn filed(&self) -> Option<NaiveDate> {
        [self.invited, self.scanned, self.hcc, self.appointment]
            .into_iter()
            .flatten()
            .next()
    }
}

/// One stretch on a register, from which its monthly rows are read.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    first: Registered,
    from_month: usize,
    change: Option<(NaiveDate, Status)>,
}

/// Everything about one person's liver surveillance.
#[derive(Debug, Default, Clone)]
pub struct Story {
    stretches: Vec<Stretch>,
    faults: Vec<Fault>,
    /// Letters, appointments, scans.
    pub activity: Vec<Activity>,
}

impl Story {
    /// The person's rows in the registers of month `m`.
    pub fn register(&self, m: usize, calendar: &Calendar) -> Vec<Registered> {
        let census = calendar.census(m);
        let rows = self
            .stretches
            .iter()
            .enumerate()
            .filter(|(_, stretch)| stretch.from_month <= m);
        rows.map(|(place, stretch)| {
            let fault = self.faults[m * self.stretches.len() + place];
            let row = Registered {
                fault,
                ..stretch.first
            };
            match stretch.change {
                Some((on, status)) if on <= census => Registered {
                    status,
                    since: row.since.and(Some(on)),
                    ..row
                },
                _ => row,
            }
        })
        .collect()
    }
}
