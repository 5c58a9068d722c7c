//! Workbooks, as hospitals send them.

use super::*;
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};

const SOURCE: &str = r#"
sensitivity: identifiable
files: { path: r.xlsx, excel: { sheet: Register } }
columns:
  - { name: nhs_number, type: nhs_number, pseudonymise: person_key }
  - { name: d, type: date, formats: ["%d/%m/%Y"] }
  - { name: code, type: string }
  - { name: num, type: { decimal: { precision: 6, scale: 1 } } }
"#;

fn save(workbook: &mut Workbook) -> Vec<u8> {
    workbook.save_to_buffer().expect("a workbook")
}

fn register(first_row: u32) -> (Workbook, u32) {
    let mut workbook = Workbook::new();
    let sheet = workbook
        .add_worksheet()
        .set_name("Register")
        .expect("a name");
    for (i, heading) in ["NHS_Number ", "code", "d", "num"].iter().enumerate() {
        sheet.write(first_row, i as u16, *heading).expect("writes");
    }
    (workbook, first_row + 1)
}

#[test]
fn true_dates_text_dates_and_numbers_in_text_columns() {
    let (mut workbook, row) = register(0);
    let sheet = workbook.worksheet_from_name("Register").expect("the sheet");
    let date = ExcelDateTime::from_ymd(2026, 1, 5).expect("a date");
    let style = Format::new().set_num_format("dd/mm/yyyy");
    sheet.write(row, 0, 9_434_765_919_u64).expect("writes");
    sheet.write(row, 1, 3.0).expect("writes");
    sheet
        .write_with_format(row, 2, &date, &style)
        .expect("writes");
    sheet.write(row, 3, 0.1 + 0.2).expect("writes");
    // A blank row is none.
    sheet.write(row + 2, 0, "943 476 5870").expect("writes");
    sheet.write(row + 2, 1, "F4").expect("writes");
    sheet.write(row + 2, 2, "06/01/2026").expect("writes");
    sheet.write(row + 2, 3, 7).expect("writes");
    sheet.write(row + 3, 2, 46_000).expect("writes");
    let world = World::new(SOURCE);
    let intake = world
        .take_in("r.xlsx", save(&mut workbook))
        .expect("takes in");
    assert_eq!((intake.received, intake.good), (3, 2));
    assert_eq!(world.column(&intake, "d"), ["2026-01-05", "2026-01-06"]);
    assert_eq!(world.column(&intake, "code"), ["3", "F4"]);
    assert_eq!(world.column(&intake, "num"), ["0.3", "7.0"]);
    assert_eq!(world.column(&intake, "_line"), ["2", "4"]);
    // A bare number is no date unless the contract says excel_serial.
    let refused = world.quarantine(&intake);
    assert_eq!((refused[0].line, refused[0].column.as_str()), (5, "d"));
}

#[test]
fn a_failed_formula_sends_its_row_to_quarantine_and_names_the_cell() {
    let (mut workbook, row) = register(2);
    let sheet = workbook.worksheet_from_name("Register").expect("the sheet");
    sheet.write(0, 0, "A title").expect("writes");
    sheet.write(row, 1, "ok").expect("writes");
    sheet
        .write(row + 1, 1, Formula::new("=#REF!").set_result("#REF!"))
        .expect("writes");
    sheet.write(row + 1, 2, "06/01/2026").expect("writes");
    let world = World::new(&SOURCE.replace("sheet: Register", "sheet: register, header_row: 3"));
    let intake = world
        .take_in("r.xlsx", save(&mut workbook))
        .expect("takes in");
    assert_eq!(
        (intake.received, intake.good, intake.quarantined),
        (2, 1, 1)
    );
    let refused = world.quarantine(&intake);
    assert_eq!(refused[0].rule, "error_cell");
    assert_eq!(refused[0].reason, "B5 holds #REF!");
    assert_eq!((refused[0].line, refused[0].column.as_str()), (5, "code"));
}

#[test]
fn a_missing_sheet_lists_those_there_are() {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Notes").expect("a name");
    workbook
        .add_worksheet()
        .set_name("Registre")
        .expect("a name");
    let bytes = save(&mut workbook);
    let error = World::new(SOURCE).refused("r.xlsx", &bytes);
    assert_says(
        &error,
        Code::BadFile,
        &[
            "`Register`",
            "`Notes`, `Registre`",
            "nearest sheet is `Registre`",
        ],
    );
    let unnamed = World::new(&SOURCE.replace("{ sheet: Register }", "{}"));
    assert_says(
        &unnamed.refused("r.xlsx", &bytes),
        Code::BadFile,
        &["2 sheets"],
    );
}

#[test]
fn a_blank_header_and_a_damaged_workbook_are_refused() {
    let (mut workbook, _) = register(4);
    let bytes = save(&mut workbook);
    let world = World::new(SOURCE);
    assert_says(
        &world.refused("r.xlsx", &bytes),
        Code::Header,
        &["row 1", "header_row"],
    );
    assert_says(
        &world.refused("r.xlsx", &bytes[..500]),
        Code::BadFile,
        &["workbook"],
    );
    assert_says(
        &world.refused("r.xlsx", "a,b\n"),
        Code::BadFile,
        &["workbook"],
    );
}

#[test]
fn a_header_alone_is_a_file_without_rows() {
    let (mut workbook, _) = register(0);
    let intake = World::new(SOURCE)
        .take_in("r.xlsx", save(&mut workbook))
        .expect("takes in");
    assert_eq!((intake.received, intake.staged.rows), (0, 0));
}

#[test]
fn a_date_before_all_time_is_refused_like_any_other_text() {
    let (mut workbook, row) = register(0);
    let sheet = workbook.worksheet_from_name("Register").expect("the sheet");
    let style = Format::new().set_num_format("dd/mm/yyyy");
    for (i, serial) in [-1e300, 1e300, 46_027.0].into_iter().enumerate() {
        sheet
            .write_with_format(row + i as u32, 2, serial, &style)
            .expect("writes");
    }
    let world = World::new(SOURCE);
    let intake = world
        .take_in("r.xlsx", save(&mut workbook))
        .expect("takes in");
    assert_eq!((intake.good, intake.quarantined), (1, 2));
    assert_eq!(world.column(&intake, "d"), ["2026-01-05"]);
}
