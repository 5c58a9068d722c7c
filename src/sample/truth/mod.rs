//! The truth: what each mart must show, worked out person by person in plain Rust from the rows that
//! survive ingestion. It shares nothing with the SQL it checks but the page both are written from.
//!
//! Each mart has one pure function from a person (and their events) to the group they fall in and the
//! columns they count in; this file adds the people up and writes the tables.

pub mod early_diagnosis;
pub mod fit;
pub mod geography;
pub mod liver;
pub mod lung;
pub mod personalised_care;
pub mod screening;
pub mod screening_due;
pub mod waiting_times;

use std::collections::BTreeMap;
use std::io;

use chrono::NaiveDate;

pub use geography::{Places, UNKNOWN_DISTRICT};

use super::Written;
use super::dates::first_of_month;
use super::feeds::csv::CsvFile;
use super::geography::{DISTRICTS, TRUSTS};
use super::liver::{ADVANCED_FIBROSIS, CIRRHOSIS};
use super::people::Snapshot;
use super::practices::PracticeCode;
use super::world::World;
use waiting_times::{Breach, Split, WaitingTruth};

/// The editions every fact is counted in.
pub const EDITIONS: [u16; 2] = [2019, 2025];

/// Month, cohort, practice, edition, quintile. Practice 0 is `UNKNOWN`, which sorts before `Z99001`.
pub type ScreeningTruth = BTreeMap<(u16, u8, u16, u16, u8), screening::Counts>;
/// Month of the first letter, district, edition, quintile.
pub type LungTruth = BTreeMap<(NaiveDate, usize, u16, u8), [u32; 14]>;
/// Stage of fibrosis, month, trust, edition, quintile.
pub type LiverTruth = BTreeMap<(u8, u16, usize, u16, u8), [u32; 7]>;
/// Month of diagnosis, trust, cancer group, edition, quintile.
pub type PersonalisedCareTruth = BTreeMap<(NaiveDate, usize, &'static str, u16, u8), [u32; 10]>;

fn quintiles(world: &World, person: Option<&Snapshot>) -> [(u16, u8); 2] {
    EDITIONS.map(|edition| {
        let quintile = person.map_or(0, |person| {
            world.places.quintile(edition, person.lsoa11, person.lsoa21)
        });
        (edition, quintile)
    })
}

fn add<const N: usize>(counts: &mut [u32; N], flags: [bool; N]) {
    for (count, flag) in counts.iter_mut().zip(flags) {
        *count += u32::from(flag);
    }
}

/// Adds an eligible person to the groups they fall in.
pub fn add_screening(
    truth: &mut ScreeningTruth,
    world: &World,
    m: usize,
    person: &Snapshot,
    seen: screening::Seen,
) {
    let practice = match person.practice {
        PracticeCode::Listed(number) => number,
        PracticeCode::Blank | PracticeCode::Orphan(_) => 0,
    };
    for (edition, quintile) in quintiles(world, Some(person)) {
        seen.add_to(
            truth
                .entry((m as u16, seen.cohort, practice, edition, quintile))
                .or_default(),
        );
    }
}

/// Adds an invited person.
pub fn add_lung(
    truth: &mut LungTruth,
    world: &World,
    person: &Snapshot,
    letter: NaiveDate,
    flags: [bool; 14],
) {
    let district = world.places.district(person.lsoa11, person.lsoa21);
    for (edition, quintile) in quintiles(world, Some(person)) {
        add(
            truth
                .entry((first_of_month(letter, 0), district, edition, quintile))
                .or_default(),
            flags,
        );
    }
}

/// Adds a person on the registers of month `m`.
pub fn add_liver(
    truth: &mut LiverTruth,
    world: &World,
    m: usize,
    person: Option<&Snapshot>,
    (stage, trust, flags): (u8, usize, [bool; 7]),
) {
    for (edition, quintile) in quintiles(world, person) {
        add(
            truth
                .entry((stage, m as u16, trust, edition, quintile))
                .or_default(),
            flags,
        );
    }
}

/// Adds a diagnosed person.
pub fn add_personalised_care(
    truth: &mut PersonalisedCareTruth,
    world: &World,
    person: Option<&Snapshot>,
    cared: &personalised_care::Cared,
) {
    for (edition, quintile) in quintiles(world, person) {
        let key = (
            first_of_month(cared.diagnosed, 0),
            cared.trust,
            cared.group,
            edition,
            quintile,
        );
        add(truth.entry(key).or_default(), cared.flags);
    }
}

/// Writes `truth/screening_coverage.csv`.
pub fn write_screening(world: &World, truth: &ScreeningTruth) -> io::Result<Written> {
    let heading = "month,programme,cohort,practice_code,imd_edition,imd_quintile,eligible,covered,invited_12m,\
                   adequately_screened_6m,never_screened,people_to_target";
    let mut file = CsvFile::create(&world.out, "truth/screening_coverage.csv".into(), heading)?;
    for ((m, cohort, practice, edition, quintile), counts) in truth {
        let name = screening::COHORTS[usize::from(*cohort)];
        let row = file.row()?;
        row.iso(world.calendar.first(usize::from(*m)));
        row.text(name.split('_').next().unwrap_or_default())
            .text(name);
        match practice {
            0 => row.text("UNKNOWN"),
            number => row.practice(PracticeCode::Listed(*number)),
        };
        row.number((*edition).into()).number((*quintile).into());
        for count in counts {
            row.count(*count);
        }
        match screening::people_to_target(*cohort, counts[0], counts[1]) {
            Some(people) => row.count(people),
            None => row.blank(),
        };
        row.end();
    }
    file.finish()
}

/// Writes `truth/lung_health_checks.csv`.
pub fn write_lung(world: &World, truth: &LungTruth) -> io::Result<Written> {
    let heading = format!(
        "cohort_month,lad_code,imd_edition,imd_quintile,{}",
        lung::COLUMNS.join(",")
    );
    let mut file = CsvFile::create(&world.out, "truth/lung_health_checks.csv".into(), &heading)?;
    for ((month, district, edition, quintile), counts) in truth {
        let row = file.row()?;
        let lad = DISTRICTS
            .get(*district)
            .map_or("UNKNOWN", |district| district.code);
        row.iso(*month)
            .text(lad)
            .number((*edition).into())
            .number((*quintile).into());
        for count in counts {
            row.count(*count);
        }
        row.end();
    }
    file.finish()
}

/// Writes `truth/liver_surveillance.csv`, which is of cirrhosis, and `truth/advanced_fibrosis.csv`.
pub fn write_liver(world: &World, truth: &LiverTruth) -> io::Result<[Written; 2]> {
    Ok([
        write_stage(world, truth, CIRRHOSIS, "truth/liver_surveillance.csv")?,
        write_stage(
            world,
            truth,
            ADVANCED_FIBROSIS,
            "truth/advanced_fibrosis.csv",
        )?,
    ])
}

fn write_stage(world: &World, truth: &LiverTruth, of: u8, path: &str) -> io::Result<Written> {
    let heading = format!(
        "month,trust_code,imd_edition,imd_quintile,{}",
        liver::COLUMNS.join(",")
    );
    let mut file = CsvFile::create(&world.out, path.into(), &heading)?;
    for ((stage, m, trust, edition, quintile), counts) in truth {
        if *stage != of {
            continue;
        }
        let row = file.row()?;
        row.iso(world.calendar.first(usize::from(*m)))
            .text(TRUSTS[*trust]);
        row.number((*edition).into()).number((*quintile).into());
        for count in counts {
            row.count(*count);
        }
        row.end();
    }
    file.finish()
}

/// Writes `truth/personalised_care.csv` and `truth/personalised_care_submitters.csv`; `trusts` holds
/// patients and assessments of each trust.
pub fn write_personalised_care(
    world: &World,
    truth: &PersonalisedCareTruth,
    trusts: &[(u32, u32); TRUSTS.len()],
) -> io::Result<Vec<Written>> {
    let heading = format!(
        "month,trust_code,cancer_group,imd_edition,imd_quintile,{}",
        personalised_care::COLUMNS.join(",")
    );
    let mut file = CsvFile::create(&world.out, "truth/personalised_care.csv".into(), &heading)?;
    let submits = trusts.map(|(patients, records)| personalised_care::submits(patients, records));
    for ((month, trust, group, edition, quintile), counts) in truth {
        if !submits[*trust] {
            continue;
        }
        let row = file.row()?;
        row.iso(*month)
            .text(TRUSTS[*trust])
            .text(group)
            .number((*edition).into())
            .number((*quintile).into());
        for count in counts {
            row.count(*count);
        }
        row.end();
    }
    let care = file.finish()?;

    let heading = "trust_code,patients,hna_records,submitter";
    let mut file = CsvFile::create(
        &world.out,
        "truth/personalised_care_submitters.csv".into(),
        heading,
    )?;
    for (trust, (patients, records)) in trusts
        .iter()
        .enumerate()
        .filter(|(_, (patients, _))| *patients > 0)
    {
        let row = file.row()?;
        row.text(TRUSTS[trust]).count(*patients).count(*records);
        row.text(if submits[trust] { "true" } else { "false" })
            .end();
    }
    Ok(vec![care, file.finish()?])
}

/// Writes `truth/waiting_times.csv`.
pub fn write_waiting(world: &World, truth: WaitingTruth) -> io::Result<Written> {
    let heading = format!(
        "month,org_code,basis,source,standard,route,cancer_group,modality_group,imd_edition,imd_quintile,\
         total,within,breached,median_days,p90_days,{}",
        waiting_times::BANDS.join(",")
    );
    let mut file = CsvFile::create(&world.out, "truth/waiting_times.csv".into(), &heading)?;
    for (key, mut counts) in truth {
        let (month, org, basis, source, standard, route, group, modality, edition, quintile) = key;
        let row = file.row()?.iso(month);
        for text in [org, basis, source, standard, route, group, modality] {
            row.text(text);
        }
        row.number(edition.into()).number(quintile.into());
        for halves in [counts.within + counts.late, counts.within, counts.late] {
            row.halves(halves);
        }
        for tenths in [5, 9] {
            row.days_or_blank(counts.tenths(tenths));
        }
        for halves in counts.columns() {
            match halves {
                Some(halves) => row.halves(halves),
                None => row.blank(),
            };
        }
        row.end();
    }
    file.finish()
}

/// Writes `truth/waiting_times_breaches.csv`: all columns but the person's pseudonym.
pub fn write_breaches(world: &World, mut breaches: Vec<Breach>) -> io::Result<Written> {
    breaches.sort_unstable_by_key(|(key, ..)| *key);
    let heading = "month,standard,sent_by,sent_for,record_line,route,cancer_group,modality_group,wait_days,\
                   adjustment_days,days_over,org_code,investigating_org,allocation,scenario,\
                   days_before_transfer,days_after_transfer,imd_edition,imd_quintile";
    let path = "truth/waiting_times_breaches.csv".to_owned();
    let mut file = CsvFile::create(&world.out, path, heading)?;
    for ((month, standard, sent_by, sent_for, line), wait, quintile) in breaches {
        let row = file.row()?.iso(month).text(standard);
        row.text(TRUSTS[sent_by])
            .iso(world.calendar.first(sent_for))
            .number(line);
        row.text(wait.route).text(wait.group).text(wait.modality);
        for days in [wait.days, wait.adjusted, wait.days - wait.standard.days] {
            row.days_or_blank(Some(days));
        }
        row.text(TRUSTS[wait.trust]);
        match wait.investigating {
            Some(trust) => row.text(TRUSTS[trust]),
            None => row.blank(),
        };
        let (name, scenario, before, after) = match (wait.investigating, wait.split) {
            (None, _) => ("", None, None, None),
            (_, Split::Solo) => ("solo", None, None, None),
            (_, Split::Halves) => ("halves", None, None, None),
            (_, Split::Scenario(number, before, after)) => (
                "six_scenarios",
                Some(i64::from(number)),
                Some(before),
                Some(after),
            ),
        };
        row.text(name);
        for days in [scenario, before, after] {
            row.days_or_blank(days);
        }
        row.number(2025).number(quintile.into()).end();
    }
    file.finish()
}

/// Writes `truth/geography.csv`: every code of either vintage, as the only code an address has.
pub fn write_geography(world: &World) -> io::Result<Written> {
    let mut codes: BTreeMap<u32, (bool, bool)> = BTreeMap::new();
    for lsoa in &world.geography.lsoas11 {
        codes.entry(lsoa.number).or_default().0 = true;
    }
    for lsoa in &world.geography.lsoas21 {
        codes.entry(lsoa.number).or_default().1 = true;
    }
    let heading = "lsoa_code,in_2011,in_2021,imd2019_quintile,imd2025_quintile";
    let mut file = CsvFile::create(&world.out, "truth/geography.csv".into(), heading)?;
    for (code, (in_2011, in_2021)) in codes {
        let (lsoa11, lsoa21) = (
            if in_2011 { code } else { 0 },
            if in_2021 { code } else { 0 },
        );
        let row = file.row()?;
        row.lsoa(code).yes(in_2011).yes(in_2021);
        for edition in EDITIONS {
            row.number(world.places.quintile(edition, lsoa11, lsoa21).into());
        }
        row.end();
    }
    file.finish()
}
