//! `cwt_records/cwt_TRUST_YYYY-MM.csv`: the pathways that reached an end in a month, told or treated, as
//! each trust uploads them; resubmitted as `_v2` and `_v3`, once taken back, once sent twice (trap 15).

use std::collections::BTreeMap;
use std::io;

use chrono::NaiveDate;

use super::csv::{Csv, CsvFile};
use super::cwt_published::published;
use super::{Fed, write_whole};
use crate::sample::Written;
use crate::sample::faults::{Fault, UNREADABLE_DATES, shown_number};
use crate::sample::geography::{DISTRICTS, TRUSTS};
use crate::sample::pathways::{Pathway, Patient, Route, pathways};
use crate::sample::people::Person;
use crate::sample::personalised_care::DIAGNOSES;
use crate::sample::submissions::{Status, Submission};
use crate::sample::truth::waiting_times::{self, Breach, Home, Standing, WaitingTruth};
use crate::sample::truth::{write_breaches, write_waiting};
use crate::sample::world::World;

const SOURCE: &str = "cwt_records";
const HEADING: &str = "RECORDID,NHS_NUMBER,PRIORITYTYPECODE,SOURCEOFREFERRALFOROUTPATIENT,REFTYPE,CRTPDATE,\
CONSULTANTUPGRADEDATE,DATEFIRSTSEEN,ORGFIRSTSEEN,CANCERFASTERDIAGNOSISPATHWAYENDDATE,ORGFDPEND,FDPENDREASON,\
FDPEXCLUSIONREASON,WAITINGTIMEADJUSTMENTFIRSTSEEN,CANCERTREATMENTPERIODSTARTDATE,TREATMENTSTARTDATECANCER,\
WAITINGTIMEADJUSTMENTTREATMENT,WAITINGTIMEADJUSTMENTREASONTREATMENT,CANCERTREATMENTEVENTTYPE,\
CANCERTREATMENTMODALITY,PRIMARYDIAGNOSISICD,PATIENTSTATUS,ACCOUNTABLEINVESTIGATINGPROVIDER,ORGCONSUPGRADE,\
ORGTREATSTART,TRANSFERTOTREATMENTDATE,PDS_GPCODE,LSOA_OF_RESIDENCE";

/// What the rows of a version of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// The rows that stand.
    True,
    /// Others besides, and some otherwise; the second draft is nearer to what stands.
    Draft(u8),
}

/// A version of a trust's file for the first month or two.
struct Version {
    trust: usize,
    month: usize,
    sequence: u32,
    content: Content,
    status: Status,
    /// Whether it came together with the next version, and was put down after it.
    late: bool,
}

const fn version(
    (trust, month, sequence): (usize, usize, u32),
    content: Content,
    status: Status,
) -> Version {
    Version {
        trust,
        month,
        sequence,
        content,
        status,
        late: false,
    }
}

/// The files that were sent more than once; all others stand alone.
const VERSIONS: [Version; 11] = [
    // RN7: the second version was taken back, so the first stands.
    version((0, 0, 1), Content::True, Status::Accepted),
    version((0, 0, 2), Content::Draft(1), Status::Cancelled),
    // RPA: the first version comes with the second, and is put down after it.
    Version {
        late: true,
        ..version((1, 0, 1), Content::Draft(1), Status::Superseded)
    },
    version((1, 0, 2), Content::True, Status::Accepted),
    // RVV: corrected once; rows deleted, rows changed.
    version((2, 0, 1), Content::Draft(1), Status::Superseded),
    version((2, 0, 2), Content::True, Status::Accepted),
    // RWF: corrected twice.
    version((3, 0, 1), Content::Draft(1), Status::Superseded),
    version((3, 0, 2), Content::Draft(2), Status::Superseded),
    version((3, 0, 3), Content::True, Status::Accepted),
    // RVV: sent twice, the same.
    version((2, 1, 1), Content::True, Status::Accepted),
    version((2, 1, 2), Content::True, Status::Duplicate),
];

fn versions(trust: usize, m: usize) -> Vec<&'static Version> {
    static ONLY: Version = version((0, 0, 1), Content::True, Status::Accepted);
    let found: Vec<_> = VERSIONS
        .iter()
        .filter(|version| (version.trust, version.month) == (trust, m))
        .collect();
    if found.is_empty() { vec![&ONLY] } else { found }
}

fn submission(world: &World, trust: usize, m: usize, version: &Version) -> Submission {
    let name = format!("cwt_records/cwt_{}_{}", TRUSTS[trust], world.month_name(m));
    let path = match version.sequence {
        1 => format!("{name}.csv"),
        sequence => format!("{name}_v{sequence}.csv"),
    };
    // All versions are dated from the name of the first.
    let mut sent = Submission::monthly(world, SOURCE, m, &format!("{name}.csv")).by(TRUSTS[trust]);
    sent.file = path;
    sent.again(version.sequence + u32::from(version.late));
    sent.sequence = version.sequence;
    sent.status = version.status;
    sent
}

/// The one submission of the sample that its sender took back.
pub fn cancelled(world: &World) -> Submission {
    let [_, taken_back, ..] = &VERSIONS;
    submission(world, taken_back.trust, taken_back.month, taken_back)
}

/// Writes every version of every file, and how many records stand.
pub fn write(world: &World) -> io::Result<Fed> {
    let months = world.calendar.months();
    let mut tables: Vec<Vec<Csv>> = (0..TRUSTS.len() * months)
        .map(|place| {
            let versions = versions(place / months, place % months);
            versions.iter().map(|_| Csv::new(HEADING)).collect()
        })
        .collect();
    let mut standing: BTreeMap<(usize, usize), u32> = BTreeMap::new();
    let rate = world.rate(45, 150);
    let mut truth = WaitingTruth::new();
    let mut breaches: Vec<Breach> = Vec::new();
    let mut found = Vec::new();
    for (index, person) in world.people.iter().enumerate() {
        let patient = Patient {
            person,
            trust: DISTRICTS[person.district(&world.geography)].trust,
            quintile: person.quintile(&world.geography),
        };
        pathways(
            patient,
            index,
            world.seed,
            &world.calendar,
            rate,
            &mut found,
        );
        if found.is_empty() {
            continue;
        }
        let latest = world.latest(person);
        let lsoa = latest.as_ref().map_or(0, |latest| latest.lsoa21);
        let home = Home {
            lsoa,
            practice: person.first_practice(),
        };
        for (place, pathway) in found.iter().enumerate() {
            let record = Record {
                person,
                key: index as u64 * 4 + place as u64 + 1,
                lsoa,
                pathway,
            };
            let Some(at) = file(world, &mut tables, &record) else {
                continue;
            };
            *standing.entry((at.month, at.trust)).or_default() += 1;
            // Whose number is nobody's has not opted out of anything.
            let linked = latest.as_ref().filter(|_| pathway.fault != Fault::Unlinked);
            if linked.is_some_and(|person| person.opted_out()) {
                continue;
            }
            let census = world.calendar.census(at.month);
            for wait in waiting_times::waits(pathway, census, world.calendar.first(0)) {
                waiting_times::add(&mut truth, &world.places, home, &wait);
                let quintile = world.places.quintile(2025, lsoa, lsoa);
                breaches.extend(waiting_times::breach(&wait, at, quintile));
            }
        }
    }
    let mut fed = Fed::default();
    for (place, tables) in tables.into_iter().enumerate() {
        let (trust, m) = (place / months, place % months);
        let first = fed.submissions.len();
        let mut before: Option<Vec<u8>> = None;
        for (csv, version) in tables.into_iter().zip(versions(trust, m)) {
            let sent = submission(world, trust, m, version).with_rows(csv.rows(), csv.refused());
            let rows = csv.rows();
            let path = sent.file.clone();
            fed.submissions.push(sent);
            let bytes = csv.into_bytes();
            fed.written
                .push(write_whole(&world.out, path, rows, &bytes)?);
            // In a world of few people a correction may change nothing.
            if version.status != Status::Cancelled {
                let same = before.as_ref() == Some(&bytes);
                Submission::settle(&mut fed.submissions[first..], same);
                before = Some(bytes);
            }
        }
    }
    for leaf in published(world) {
        waiting_times::add_published(&mut truth, &leaf);
    }
    fed.written.push(write_waiting(world, truth)?);
    fed.written.push(write_breaches(world, breaches)?);
    fed.written.push(write_standing(world, &standing)?);
    Ok(fed)
}

/// Writes `truth/cwt_record_current.csv`: the records whose newest row stands in each month and trust.
fn write_standing(world: &World, standing: &BTreeMap<(usize, usize), u32>) -> io::Result<Written> {
    let path = "truth/cwt_record_current.csv".to_owned();
    let mut file = CsvFile::create(&world.out, path, "period,provider,records")?;
    for ((m, trust), records) in standing {
        let row = file.row()?.iso(world.calendar.first(*m));
        row.text(TRUSTS[*trust]).count(*records).end();
    }
    file.finish()
}

struct Record<'a> {
    person: &'a Person,
    key: u64,
    lsoa: u32,
    pathway: &'a Pathway,
}

/// Writes a record wherever it is sent. Says where its newest row that stands is; of two trusts in one
/// month the first by code.
fn file(world: &World, tables: &mut [Vec<Csv>], record: &Record<'_>) -> Option<Standing> {
    let months = world.calendar.months();
    let pathway = record.pathway;
    let mut newest: Option<Standing> = None;
    for (trust, m) in pathway.filed(&world.calendar).into_iter().flatten() {
        // Rows to be refused are in the first month's files only.
        let fault = match pathway.fault {
            Fault::BadDate | Fault::BadCode if m > 0 => Fault::None,
            fault => fault,
        };
        let refused = matches!(fault, Fault::BadDate | Fault::BadCode);
        let census = world.calendar.census(m);
        let versions = versions(trust, m);
        let mut line = 0;
        for (csv, version) in tables[trust * months + m].iter_mut().zip(versions) {
            let changed = match version.content {
                Content::True if pathway.withdrawn => continue,
                Content::True => false,
                Content::Draft(1) => pathway.wobble < 10,
                Content::Draft(_) if pathway.withdrawn && pathway.wobble < 30 => continue,
                Content::Draft(_) => pathway.wobble < 6,
            };
            if version.content == Content::True {
                // Headings are the first line.
                line = csv.rows() + 2;
            }
            cells(csv.begin(), record, census, changed, fault);
            if fault == Fault::Duplicate {
                csv.repeat();
            }
        }
        if !refused && !pathway.withdrawn {
            let here = Standing {
                month: m,
                trust,
                line,
            };
            newest = match newest {
                Some(other) if other.month > m => Some(other),
                Some(other) if other.month == m => Some(other.min(here)),
                _ => Some(here),
            };
        }
    }
    newest
}

fn cells(csv: &mut Csv, record: &Record<'_>, census: NaiveDate, changed: bool, fault: Fault) {
    let pathway = record.pathway;
    // What had not happened by the month's end is not in the month's file.
    let known = |on: Option<NaiveDate>| on.filter(|on| *on <= census);
    let (told, treated) = (known(pathway.told), known(pathway.treated));
    let org = |known: bool, trust: usize| if known { TRUSTS[trust] } else { "" };
    let adjustment = |csv: &mut Csv, days: u8| {
        match days {
            0 => csv.blank(),
            days => csv.number(days.into()),
        };
    };
    let (priority, source, kind) = match pathway.route {
        Route::Suspected => ("3", "03", "01"),
        Route::Symptoms => ("3", "03", "16"),
        Route::Screening => ("2", "17", "01"),
        Route::Upgrade => ("1", "05", "01"),
        Route::Treatment => ("", "", ""),
    };
    csv.code("C", record.key, 10)
        .nhs_number(shown_number(record.person.number, fault))
        .text(if fault == Fault::BadCode {
            "9"
        } else {
            priority
        })
        .text(source)
        .text(kind);
    match fault {
        Fault::BadDate => csv.text(UNREADABLE_DATES[record.key as usize % UNREADABLE_DATES.len()]),
        _ => csv.iso_or_blank(pathway.received),
    };
    csv.iso_or_blank(known(pathway.upgraded))
        .iso_or_blank(known(pathway.first_seen))
        .text(org(pathway.first_seen.is_some(), pathway.investigating))
        .iso_or_blank(told)
        .text(org(told.is_some(), pathway.investigating));
    let reason = match (told, pathway.end_reason) {
        (None, _) | (_, 0) => "",
        // A slip that a later version puts right.
        (Some(_), _) if changed => "02",
        (Some(_), reason) => ["01", "02", "03", "04"][usize::from(reason) - 1],
    };
    csv.text(reason)
        .text(if reason == "03" { "01" } else { "" });
    adjustment(csv, pathway.first_seen_adjustment);
    csv.iso_or_blank(known(pathway.decided).or(pathway.decided.filter(|_| treated.is_some())))
        .iso_or_blank(treated);
    adjustment(
        csv,
        pathway.treatment_adjustment * u8::from(treated.is_some()),
    );
    let paused = treated.is_some() && pathway.treatment_adjustment > 0;
    csv.text(if paused { "8" } else { "" });
    if treated.is_some() {
        csv.code("", pathway.event.into(), 2)
            .code("", pathway.modality.into(), 2);
    } else {
        csv.blank().blank();
    }
    match pathway
        .icd10
        .filter(|_| told.is_some() || treated.is_some())
    {
        Some(place) => csv.text(DIAGNOSES[place].0),
        None => csv.blank(),
    };
    csv.text(match (pathway.icd10, treated) {
        (_, Some(_)) => "08",
        (Some(_), None) => "07",
        (None, None) => "03",
    });
    csv.text(org(
        pathway.accountable && pathway.route != Route::Treatment,
        pathway.investigating,
    ))
    .text(org(
        known(pathway.upgraded).is_some(),
        pathway.investigating,
    ))
    .text(org(treated.is_some(), pathway.treating))
    .iso_or_blank(known(pathway.transferred))
    .practice(record.person.first_practice())
    .lsoa(record.lsoa)
    .refuse(matches!(fault, Fault::BadDate | Fault::BadCode))
    .end();
}
