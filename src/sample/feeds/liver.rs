//! `liver/register_TRUST_YYYY-MM.xlsx`: the register of a month and the activity of that month, on two
//! sheets of a workbook. Some dates are dates, some are text, as in any spreadsheet people type into.

use std::io;

use chrono::NaiveDate;
use rust_xlsxwriter::{Format, Worksheet, XlsxError};

use super::{Fed, new_workbook, write_whole};
use crate::sample::dates::{date, days_between};
use crate::sample::dice::{Dice, Subject};
use crate::sample::faults::{Fault, UNREADABLE_DATES, shown_number};
use crate::sample::geography::{DISTRICTS, TRUSTS};
use crate::sample::liver::{
    AETIOLOGIES, ATTENDANCES, Activity, BCLC, FIBROSIS, INVITES, MODALITIES, Patient, REGISTERS,
    Registered, Status, Story, TNM, UNSUITABLE, story,
};
use crate::sample::people::Person;
use crate::sample::submissions::{Status as Fate, Submission};
use crate::sample::truth::{self, LiverTruth};
use crate::sample::world::World;

const REGISTER: [&str; 10] = [
    "nhs_number",
    "register_source",
    "diagnosis_date",
    "aetiology",
    "fibrosis_stage",
    "child_pugh",
    "fibroscan_kpa",
    "surveillance_status",
    "status_date",
    "unsuitable_reason",
];
const ACTIVITY: [&str; 14] = [
    "nhs_number",
    "invite_id",
    "invite_date",
    "invite_type",
    "appointment_date",
    "attendance",
    "scan_date",
    "modality",
    "us_quality",
    "afp_value",
    "result",
    "hcc_diagnosis_date",
    "bclc_stage",
    "tnm_stage",
];

/// The rows of one workbook.
#[derive(Default, Clone)]
struct Book {
    register: Vec<(u64, Registered)>,
    activity: Vec<(u64, Activity)>,
}

/// Writes every workbook and the truth of the mart.
pub fn write(world: &World) -> io::Result<Fed> {
    let months = world.calendar.months();
    let mut books: Vec<Book> = (0..TRUSTS.len() * months)
        .map(|_| Book::default())
        .collect();
    let mut truth = LiverTruth::new();
    let rate = world.rate(30, 240);
    for (index, person) in world.people.iter().enumerate() {
        let patient = Patient {
            trust: DISTRICTS[person.district(&world.geography)].trust,
            quintile: person.quintile(&world.geography),
            death: person.death,
        };
        if let Some(life) = story(patient, index, world.seed, &world.calendar, rate) {
            file(world, &mut books, person.number, &life);
            count(world, &mut truth, Some(person), &life);
        }
    }
    for (place, number) in world.strangers.iter().enumerate() {
        let patient = Patient {
            trust: place % TRUSTS.len(),
            quintile: 3,
            death: None,
        };
        if let Some(life) = story(
            patient,
            world.people.len() + place,
            world.seed,
            &world.calendar,
            5_000,
        ) {
            file(world, &mut books, *number, &life);
            count(world, &mut truth, None, &life);
        }
    }
    let mut fed = Fed::default();
    for (place, book) in books.iter().enumerate() {
        let (trust, m) = (place / months, place % months);
        let name = format!("liver/register_{}_{}", TRUSTS[trust], world.month_name(m));
        let spelling = Dice::new(world.seed, Subject::Spelling, (1 << 40) + place);
        if (trust, m) != (RESUBMITTER, 1 % months) {
            let path = format!("{name}.xlsx");
            submit(world, &mut fed, (trust, m), path, book, spelling)?;
            continue;
        }
        let draft = book.draft();
        let other = Dice::new(world.seed, Subject::Spelling, (1 << 41) + place);
        let path = format!("{name}.xlsx");
        submit(world, &mut fed, (trust, m), path, &draft, other)?;
        let first = fed.submissions.len();
        let path = format!("{name}_v2.xlsx");
        submit(world, &mut fed, (trust, m), path, book, spelling)?;
        let nothing = book.register.is_empty() && book.activity.is_empty();
        for place in first..fed.submissions.len() {
            fed.submissions[place].again(2);
            if nothing {
                fed.submissions[place].status = Fate::Duplicate;
            } else {
                fed.submissions[place - 2].status = Fate::Superseded;
            }
        }
    }
    fed.written.extend(truth::write_liver(world, &truth)?);
    Ok(fed)
}

/// Place in [`TRUSTS`] of the trust that sends the second month again, corrected.
const RESUBMITTER: usize = 3;

impl Book {
    /// The workbook before it was corrected: some rows were not in it yet, some had another status.
    fn draft(&self) -> Self {
        let mut draft = self.clone();
        let mut place = 0;
        draft.register.retain_mut(|(_, row)| {
            place += 1;
            if place % 5 == 0 {
                row.status = Status::Suspended;
            }
            place % 7 != 0
        });
        draft.activity.retain(|(number, _)| number / 10 % 5 != 0);
        draft
    }

    /// Rows of each sheet that the contract will refuse.
    fn refused(&self) -> (u64, u64) {
        let bad = |fault| matches!(fault, Fault::BadDate | Fault::BadCode);
        let register = self.register.iter().filter(|(_, row)| bad(row.fault));
        let activity = self.activity.iter().filter(|(_, row)| match row.fault {
            // Without a letter and a scan there is no date that could be bad.
            Fault::BadDate => row.invited.or(row.scanned).is_some(),
            fault => bad(fault),
        });
        (register.count() as u64, activity.count() as u64)
    }
}

fn submit(
    world: &World,
    fed: &mut Fed,
    (trust, m): (usize, usize),
    path: String,
    book: &Book,
    mut spelling: Dice,
) -> io::Result<()> {
    let refused = book.refused();
    let sheets = [
        ("liver_activity", book.activity.len() as u64, refused.1),
        ("liver_register", book.register.len() as u64, refused.0),
    ];
    for (source, rows, refused) in sheets {
        fed.submissions.push(
            Submission::monthly(world, source, m, &path)
                .by(TRUSTS[trust])
                .with_rows(rows, refused),
        );
    }
    let bytes = workbook(book, &mut spelling).map_err(io::Error::other)?;
    let rows = (book.register.len() + book.activity.len()) as u64;
    fed.written
        .push(write_whole(&world.out, path, rows, &bytes)?);
    Ok(())
}

fn file(world: &World, books: &mut [Book], number: u64, life: &Story) {
    let months = world.calendar.months();
    let times = |fault| if fault == Fault::Duplicate { 2 } else { 1 };
    for m in 0..months {
        for row in life.register(m, &world.calendar) {
            let rows = &mut books[row.trust * months + m].register;
            rows.extend(std::iter::repeat_n((number, row), times(row.fault)));
        }
    }
    for row in &life.activity {
        let m = world.calendar.month_of(row.filed().unwrap_or_default());
        let rows = &mut books[row.trust * months + m].activity;
        rows.extend(std::iter::repeat_n((number, *row), times(row.fault)));
    }
}

fn count(world: &World, truth: &mut LiverTruth, person: Option<&Person>, life: &Story) {
    let newest = person.and_then(|person| Some((person, world.latest(person)?)));
    if newest.as_ref().is_some_and(|(_, row)| row.opted_out()) {
        return;
    }
    for m in 0..world.calendar.months() {
        // Who is not in the month's snapshot is as in the newest that has them.
        let known = newest.as_ref().map(|(person, newest)| {
            let this_month = world.row_now(person, newest, m);
            this_month.unwrap_or_else(|| newest.clone())
        });
        let register = life.register(m, &world.calendar);
        let census = world.calendar.census(m);
        let seen = truth::liver::surveyed(known.as_ref(), &register, &life.activity, census);
        if let Some(seen) = seen {
            truth::add_liver(truth, world, m, known.as_ref(), seen);
        }
    }
}

fn workbook(book: &Book, spelling: &mut Dice) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = new_workbook()?;
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let mut sheet = Sheet::begin(
        workbook.add_worksheet(),
        "Register",
        &REGISTER,
        &day,
        spelling,
    )?;
    for (number, row) in &book.register {
        register_row(&mut sheet, *number, row)?;
    }
    let mut sheet = Sheet::begin(
        workbook.add_worksheet(),
        "Activity",
        &ACTIVITY,
        &day,
        spelling,
    )?;
    for (number, row) in &book.activity {
        activity_row(&mut sheet, *number, row)?;
    }
    workbook.save_to_buffer()
}

fn register_row(sheet: &mut Sheet<'_>, number: u64, row: &Registered) -> Result<(), XlsxError> {
    let bad_code = row.fault == Fault::BadCode;
    let odd = row.stiffness % 2 == 1;
    sheet.begin_row(number, row.fault)?;
    sheet.text(REGISTERS[usize::from(row.source)])?;
    sheet.date(row.diagnosed, Fault::None)?;
    sheet.text(AETIOLOGIES[usize::from(row.aetiology)])?;
    sheet.text(if bad_code && odd {
        "F9"
    } else {
        FIBROSIS[usize::from(row.fibrosis)]
    })?;
    sheet.text(["A", "A", "B", "C"][usize::from(row.stiffness % 4)])?;
    sheet.number(f64::from(row.stiffness) / 10.0)?;
    sheet.text(if bad_code && !odd {
        "on hold?"
    } else {
        row.status.name()
    })?;
    sheet.date(row.since, row.fault)?;
    let reason = row.reason.filter(|_| row.status == Status::Unsuitable);
    sheet.text(reason.map_or("", |reason| UNSUITABLE[usize::from(reason)]))
}

fn activity_row(sheet: &mut Sheet<'_>, number: u64, row: &Activity) -> Result<(), XlsxError> {
    let bad = |on: Option<NaiveDate>, first: bool| {
        if on.is_some() && first {
            row.fault
        } else {
            Fault::None
        }
    };
    sheet.begin_row(number, row.fault)?;
    match row.invited {
        // An identical row has an identical letter.
        Some(on) => sheet.text(&format!(
            "I{:06}-{}",
            number % 1_000_000,
            days_between(date(2000, 1, 1), on)
        ))?,
        None => sheet.skip(),
    }
    sheet.date(row.invited, bad(row.invited, true))?;
    sheet.text(row.invited.map_or("", |_| INVITES[usize::from(row.invite)]))?;
    sheet.date(row.appointment, Fault::None)?;
    let attendance = ATTENDANCES[usize::from(row.attendance)];
    sheet.text(if row.fault == Fault::BadCode {
        "perhaps"
    } else {
        attendance
    })?;
    sheet.date(row.scanned, bad(row.scanned, row.invited.is_none()))?;
    sheet.text(MODALITIES[usize::from(row.modality)])?;
    let quality = (number / 10 + row.modality as u64) % 3;
    sheet.text(if row.modality == 1 {
        ["A", "B", "C"][quality as usize]
    } else {
        ""
    })?;
    match row.scanned {
        Some(_) if number.is_multiple_of(3) => sheet.number((number % 97) as f64 / 10.0)?,
        _ => sheet.skip(),
    }
    let result = match (row.scanned, row.hcc) {
        (None, _) => "",
        (Some(_), Some(_)) => "suspicious",
        (Some(_), None) => [
            "negative",
            "negative",
            "negative",
            "indeterminate",
            "inadequate",
        ][(number % 5) as usize],
    };
    sheet.text(result)?;
    sheet.date(row.hcc, Fault::None)?;
    sheet.text(BCLC[usize::from(row.bclc)])?;
    sheet.text(TNM[usize::from(row.tnm)])
}

/// A sheet being filled, cell by cell.
struct Sheet<'a> {
    sheet: &'a mut Worksheet,
    day: &'a Format,
    spelling: &'a mut Dice,
    row: u32,
    column: u16,
}

impl<'a> Sheet<'a> {
    fn begin(
        sheet: &'a mut Worksheet,
        name: &str,
        headings: &[&str],
        day: &'a Format,
        spelling: &'a mut Dice,
    ) -> Result<Self, XlsxError> {
        sheet.set_name(name)?;
        for (column, heading) in headings.iter().enumerate() {
            sheet.write_string(0, column as u16, *heading)?;
        }
        Ok(Self {
            sheet,
            day,
            spelling,
            row: 0,
            column: 0,
        })
    }

    fn begin_row(&mut self, number: u64, fault: Fault) -> Result<(), XlsxError> {
        self.row += 1;
        self.column = 0;
        match shown_number(number, fault) {
            Some(number) => self.text(&format!("{number:010}")),
            None => self.text(""),
        }
    }

    fn skip(&mut self) {
        self.column += 1;
    }

    fn text(&mut self, text: &str) -> Result<(), XlsxError> {
        if !text.is_empty() {
            self.sheet.write_string(self.row, self.column, text)?;
        }
        self.column += 1;
        Ok(())
    }

    fn number(&mut self, number: f64) -> Result<(), XlsxError> {
        self.sheet.write_number(self.row, self.column, number)?;
        self.column += 1;
        Ok(())
    }

    fn date(&mut self, on: Option<NaiveDate>, fault: Fault) -> Result<(), XlsxError> {
        if fault == Fault::BadDate {
            let unreadable = self.spelling.pick(&UNREADABLE_DATES);
            return self.text(unreadable);
        }
        let Some(on) = on else {
            self.column += 1;
            return Ok(());
        };
        if self.spelling.chance(6_000) {
            let serial = days_between(date(1899, 12, 30), on) as f64;
            self.sheet
                .write_number_with_format(self.row, self.column, serial, self.day)?;
            self.column += 1;
            return Ok(());
        }
        self.text(&on.format("%d/%m/%Y").to_string())
    }
}
