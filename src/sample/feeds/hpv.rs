//! `hpv/hpv_coverage_YYYY-YY.xlsx`: the yearly tables of HPV vaccination, one row an authority, a column
//! for everything (trap 17).

use std::io;

use chrono::Datelike;
use rust_xlsxwriter::XlsxError;

use super::csv::CsvFile;
use super::{Fed, new_workbook, write_whole};
use crate::sample::dates::date;
use crate::sample::dice::{Dice, Subject};
use crate::sample::submissions::Submission;
use crate::sample::world::World;

/// Authorities as the tables spell them, with children a year and sex; England is the last row.
const AUTHORITIES: [(&str, i64); 7] = [
    ("Bexley", 1_600),
    ("East Sussex", 2_900),
    ("Isles of Scilly", 12),
    ("Kent ", 9_600),
    ("MEDWAY", 1_750),
    ("Surrey", 7_200),
    ("England", 330_000),
];
/// Those whose code the warehouse knows, in order of it, with their place above.
const KNOWN: [(&str, &str, usize); 3] = [
    ("E06000035", "Medway", 4),
    ("E10000016", "Kent", 3),
    ("E92000001", "England", 6),
];
const YEARS: [u8; 3] = [8, 9, 10];
const SEXES: [&str; 2] = ["females", "males"];

/// A number, or what stands in its place.
#[derive(Debug, Clone, Copy)]
enum Cell {
    Number(i64),
    Token(&'static str),
}

/// Writes the tables of the last two school years that are out.
pub fn write(world: &World) -> io::Result<Fed> {
    let mut fed = Fed::default();
    let truth = "truth/hpv_published.csv".to_owned();
    let heading = "academic_year,local_authority,school_year,sex,eligible,vaccinated,note";
    let mut truth = CsvFile::create(&world.out, truth, heading)?;
    let mart = "truth/hpv_vaccination.csv".to_owned();
    let heading =
        "academic_year,utla_code,authority,school_year,sex,is_total,eligible,vaccinated,note";
    let mut mart = CsvFile::create(&world.out, mart, heading)?;
    // A year ends in August and is out in the January after next.
    let last = world.calendar.end().year() - 2;
    for year in [last - 1, last] {
        let name = name_of(year);
        let path = format!("hpv/hpv_coverage_{year}-{:02}.xlsx", (year + 1) % 100);
        let mut counts = Dice::new(world.seed, Subject::Published, (1 << 34) + year as usize);
        let table = AUTHORITIES.map(|(_, children)| authority(&mut counts, children));
        for ((authority, _), cells) in AUTHORITIES.iter().zip(&table) {
            for (place, (eligible, vaccinated)) in cells.iter().enumerate() {
                let row = truth.row()?.text(&name).text(authority.trim());
                row.number(YEARS[place / 2].into()).text(SEXES[place % 2]);
                let mut note = "";
                for cell in [eligible, vaccinated] {
                    match cell {
                        Cell::Number(number) => row.number(number.unsigned_abs()),
                        Cell::Token(token) => {
                            note = token;
                            row.blank()
                        }
                    };
                }
                row.text(note).end();
            }
        }
        for (code, name, place) in KNOWN {
            for (school, [girls, boys]) in YEARS.iter().zip(pairs(&table[place])) {
                for (sex, (eligible, vaccinated)) in
                    [("F", girls), ("M", boys), ("both", together(girls, boys))]
                {
                    let row = mart.row()?.text(&name_of(year)).text(code).text(name);
                    row.number((*school).into()).text(sex);
                    let total = sex == "both" || name == "England";
                    row.text(if total { "true" } else { "false" });
                    let mut note = "";
                    for cell in [eligible, vaccinated] {
                        match cell {
                            Cell::Number(number) => row.count(u32::try_from(number).unwrap_or(0)),
                            Cell::Token(token) => {
                                note = token;
                                row.blank()
                            }
                        };
                    }
                    row.text(note).end();
                }
            }
        }
        let bytes = workbook(year, &table).map_err(io::Error::other)?;
        let rows = AUTHORITIES.len() as u64;
        let out = date(year + 2, 1, 26);
        fed.submissions
            .push(Submission::after("hpv_published", out, 1, &path).with_rows(rows, 0));
        fed.written
            .push(write_whole(&world.out, path, rows, &bytes)?);
    }
    fed.written.push(truth.finish()?);
    fed.written.push(mart.finish()?);
    Ok(fed)
}

fn name_of(year: i32) -> String {
    format!("{year}/{:02}", (year + 1) % 100)
}

/// Girls and boys of each school year.
fn pairs(cells: &[(Cell, Cell); 6]) -> [[(Cell, Cell); 2]; 3] {
    let [a, b, c, d, e, f] = *cells;
    [[a, b], [c, d], [e, f]]
}

/// Both sexes: a sum of numbers, or the token of what is not shown.
fn together(girls: (Cell, Cell), boys: (Cell, Cell)) -> (Cell, Cell) {
    let sum = |a, b| match (a, b) {
        (Cell::Number(a), Cell::Number(b)) => Cell::Number(a + b),
        (Cell::Token(token), _) | (_, Cell::Token(token)) => Cell::Token(token),
    };
    (sum(girls.0, boys.0), sum(girls.1, boys.1))
}

/// Children and those vaccinated, by school year and sex.
fn authority(dice: &mut Dice, children: i64) -> [(Cell, Cell); 6] {
    let mut cells = [(Cell::Number(0), Cell::Number(0)); 6];
    for (place, cell) in cells.iter_mut().enumerate() {
        let eligible = children + dice.between(0, children / 12 + 1);
        let boys = place as i64 % 2 * 45;
        let vaccinated = eligible * (dice.between(690, 780) - boys) / 1_000;
        *cell = (Cell::Number(eligible), Cell::Number(vaccinated));
    }
    match children {
        // Too few to show.
        ..100 => {
            for cell in &mut cells {
                cell.1 = Cell::Token("*");
            }
        }
        // One cell withheld for its quality, one estimated and not shown.
        1_700..1_800 => {
            cells[3].1 = Cell::Token("[DS]");
            cells[4].1 = Cell::Token("[E]");
        }
        _ => {}
    }
    cells
}

fn workbook(year: i32, table: &[[(Cell, Cell); 6]; 7]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = new_workbook()?;
    let notes = workbook.add_worksheet().set_name("Notes")?;
    notes.write_string(0, 0, "HPV vaccination coverage in adolescents")?;
    notes.write_string(
        2,
        0,
        "* too few to show; [E] estimated; [DS] not shown, data quality",
    )?;
    let sheet = workbook.add_worksheet().set_name("Local_authority")?;
    let title = format!(
        "Table 3: HPV vaccination coverage by local authority, school year and sex, September {year} to August {}",
        year + 1
    );
    sheet.write_string(0, 0, title)?;
    sheet.write_string(1, 0, "Some cells are suppressed; see Notes.")?;
    sheet.write_string(2, 0, "Local authority")?;
    for place in 0..6_u16 {
        let (school, sex) = (YEARS[usize::from(place) / 2], SEXES[usize::from(place) % 2]);
        let at = 1 + place * 3;
        let headings = [
            format!("Year {school} number of {sex}"),
            format!("Year {school} number of {sex} vaccinated with at least 1 dose"),
            format!("Year {school} % of {sex} vaccinated with at least 1 dose"),
        ];
        for (column, heading) in (at..).zip(headings) {
            sheet.write_string(2, column, heading)?;
        }
    }
    for (row, ((name, _), cells)) in (3..).zip(AUTHORITIES.iter().zip(table)) {
        sheet.write_string(row, 0, *name)?;
        for (at, (eligible, vaccinated)) in (1_u16..).step_by(3).zip(cells) {
            let share = match (eligible, vaccinated) {
                (Cell::Number(eligible), Cell::Number(vaccinated)) => {
                    Ok((vaccinated * 1_000 / eligible) as f64 / 10.0)
                }
                (_, Cell::Token(token)) | (Cell::Token(token), _) => Err(*token),
            };
            for (column, cell) in (at..).zip([eligible, vaccinated]) {
                match cell {
                    Cell::Number(number) => sheet.write_number(row, column, *number as f64)?,
                    Cell::Token(token) => sheet.write_string(row, column, *token)?,
                };
            }
            match share {
                Ok(share) => sheet.write_number(row, at + 2, share)?,
                Err(token) => sheet.write_string(row, at + 2, token)?,
            };
        }
    }
    workbook.save_to_buffer()
}
