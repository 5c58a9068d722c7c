"""Writes the same visits as .xls, .xlsb and .ods, each with a library of its own kind.

    workbooks.py FOLDER          visits.xls, visits.xlsb, visits.ods
    workbooks.py FOLDER --vast   vast.xlsb, with one cell in the last corner of its sheet
    workbooks.py FOLDER --people people.xls, people.xlsb, people.ods: the good files that the
                                 mutation tests damage
"""

import datetime
import pathlib
import sys

import odf.opendocument
import odf.table
import odf.text
import pyxlsbwriter
import xlwt

DAY = datetime.date(2026, 1, 5)
NOTES = [["Please read", None]]
# A title, a blank row, the headings; numbers that are codes and texts that are numbers; a date as a
# date and one as text; a blank row between, a footer below.
VISITS = [
    ["Visits of January", None, None, None],
    [None] * 4,
    ["NHS_Number ", "visit_date", "kind", "postcode"],
    [9434765919, DAY, "first", "TN23 1AA"],
    [None] * 4,
    ["943 476 5870", "06/01/2026", "repeat", None],
    ["4010232137", DAY, "neither", 0.5],
    ["Total", 3, None, None],
]
BOTH = [("Notes", NOTES), ("Visits", VISITS)]


def person(number, surname, birth, sex, score, note):
    day = datetime.datetime.strptime(birth, "%d/%m/%Y").date() if birth else None
    try:
        score = float(score)
    except ValueError:
        score = score or None
    return [number or None, surname or None, day, sex or None, score, note or None]


# The people of src/ingest/tests/mutations/seeds.rs.
PEOPLE = [
    ["Register of people"] + [None] * 5,
    ["nhs_number", "surname", "birth_date", "sex", "score", "note"],
    person("9434765919", "Quillfeather", "01/02/1950", "F", "1.5", "x"),
    person("9434765870", "Zedderburn", "28/02/1961", "M", "n/a", ""),
    person("4010232137", "Année-Österby", "29/02/2024", "U", "0", "£"),
    person("", "Quillfeather", "03/02/1950", "I", "12", "y"),
    person("9434765919", "Zedderburn", "04/02/1950", "F", "", "x"),
    person("9434765870", "Quillfeather", "05/02/1950", "M", "3", "x"),
    person("4010232137", "", "06/02/1950", "F", "4.0", ""),
    person("9434765919", "Zedderburn", "", "F", "9999.9", "z"),
    person("4010232137", "Quillfeather", "07/02/1950", "", "7", "x"),
    ["Total"] + [None] * 3 + [9.0, None],
]


def xls(path, sheets):
    book = xlwt.Workbook()
    day = xlwt.easyxf(num_format_str="dd/mm/yyyy")
    for name, rows in sheets:
        sheet = book.add_sheet(name)
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, datetime.date):
                    sheet.write(r, c, value, day)
                elif value is not None:
                    sheet.write(r, c, value)
    book.save(str(path))


def xlsb(path, sheets):
    with pyxlsbwriter.XlsbWriter(str(path)) as book:
        for name, rows in sheets:
            book.add_sheet(name)
            book.write_sheet(rows)


def vast(path):
    """Rows are written one by one, so those between are there and empty."""
    rows = [["nhs_number"], *([None] for _ in range(1_048_574)), [None] * 16_383 + ["x"]]
    with pyxlsbwriter.XlsbWriter(str(path)) as book:
        book.add_sheet("Visits")
        book.write_sheet(rows)


def ods(path, sheets):
    book = odf.opendocument.OpenDocumentSpreadsheet()
    for name, rows in sheets:
        table = odf.table.Table(name=name)
        for row in rows:
            line = odf.table.TableRow()
            for value in row:
                line.addElement(cell(value))
            # As office programs end a row and a sheet.
            line.addElement(odf.table.TableCell(numbercolumnsrepeated=16_380))
            table.addElement(line)
        rest = odf.table.TableRow(numberrowsrepeated=1_048_576 - len(rows))
        rest.addElement(odf.table.TableCell(numbercolumnsrepeated=16_384))
        table.addElement(rest)
        book.spreadsheet.addElement(table)
    book.save(str(path))


def cell(value):
    if value is None:
        return odf.table.TableCell()
    if isinstance(value, datetime.date):
        made = odf.table.TableCell(valuetype="date", datevalue=value.isoformat())
        shown = value.strftime("%d/%m/%Y")
    elif isinstance(value, str):
        made, shown = odf.table.TableCell(valuetype="string"), value
    else:
        made, shown = odf.table.TableCell(valuetype="float", value=value), str(value)
    made.addElement(odf.text.P(text=shown))
    return made


def main():
    folder = pathlib.Path(sys.argv[1])
    if sys.argv[2:] == ["--vast"]:
        vast(folder / "vast.xlsb")
        return
    people = sys.argv[2:] == ["--people"]
    name, sheets = ("people", [("Register", PEOPLE)]) if people else ("visits", BOTH)
    for write in [xls, xlsb, ods]:
        write(folder / f"{name}.{write.__name__}", sheets)


main()
