//! Workbooks: which kind it is, whether it can be opened, and the sheet that is meant.

use std::io::{self, Read, Seek, SeekFrom};

use calamine::{Data, Dimensions, Ods, Range, Reader as _, Sheets, Xls, Xlsb, Xlsx};
use regex::RegexBuilder;
use zip::ZipArchive;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, nearest};
use crate::spec::reader::Excel;

use super::Origin;
use super::unpack::LIMITS;
use super::xls;

/// A sheet, whole in memory.
#[derive(Debug)]
pub(super) struct Sheet {
    /// Its cells, from the first to the last that is used.
    pub range: Range<Data>,
    /// Its merged cells; `None` where the kind of workbook does not tell.
    pub merged: Option<Vec<Dimensions>>,
}

/// Opens the sheet that the options name. `make` gives the workbook's bytes from their start.
///
/// # Errors
/// When it is not a workbook, is locked, cut off or a bomb, or has not exactly one such sheet.
pub(super) fn open<R: Read + Seek>(
    origin: &Origin<'_>,
    options: &Excel,
    make: impl Fn() -> io::Result<R>,
) -> Result<Sheet> {
    let made = || make().map_err(|e| Diagnostics::from(Diagnostic::io(origin.path, "open", &e)));
    let fault = |e: calamine::Error| Diagnostics::from(workbook_fault(origin, &e));
    let mut first = [0_u8; 8];
    // A shorter file is no workbook.
    let _ = made()?.read_exact(&mut first);
    let mut workbook = if first.starts_with(b"PK") {
        open_zipped(origin, &made)?
    } else if first.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        if !xls::is_sound(made()?) {
            return Err(damaged(origin).into());
        }
        // Not only the old workbooks: a locked new one is wrapped in the same way.
        match Xlsx::new(made()?) {
            Err(e @ calamine::XlsxError::Password) => return Err(fault(e.into())),
            _ => Sheets::Xls(Xls::new(made()?).map_err(|e| fault(e.into()))?),
        }
    } else {
        return Err(damaged(origin).into());
    };
    let name = choose(origin, options, &workbook.sheet_names())?;
    refuse_vast(origin, &mut workbook, &name)?;
    let range = workbook.worksheet_range(&name).map_err(fault)?;
    let merged = match &mut workbook {
        Sheets::Xlsx(workbook) => workbook.merge_cells_by_sheet_name(&name).ok(),
        Sheets::Xls(workbook) => workbook.merge_cells_by_sheet_name(&name).ok(),
        Sheets::Xlsb(_) | Sheets::Ods(_) => None,
    };
    Ok(Sheet { range, merged })
}

/// Opens a workbook that is a ZIP, whatever its name says: .xlsx, .xlsb or .ods.
fn open_zipped<R: Read + Seek>(
    origin: &Origin<'_>,
    made: &impl Fn() -> Result<R>,
) -> Result<Sheets<R>> {
    let mut size = made()?;
    let packed = size.seek(SeekFrom::End(0)).unwrap_or(0);
    let Ok(mut archive) = ZipArchive::new(made()?) else {
        return Err(Diagnostic::error(
            Code::BadFile,
            "the workbook is cut off: its end, which lists what is in it, is missing",
        )
        .at(origin.place.clone())
        .hint("it was cut off on its way: ask for it again")
        .into());
    };
    refuse_bombs(origin, &archive, packed)?;
    let mut has = |name: &str| archive.by_name(name).is_ok();
    let (binary, open_document) = (has("xl/workbook.bin"), has("content.xml"));
    let fault = |e: calamine::Error| Diagnostics::from(workbook_fault(origin, &e));
    Ok(if binary {
        Sheets::Xlsb(Xlsb::new(made()?).map_err(|e| fault(e.into()))?)
    } else if open_document {
        Sheets::Ods(Ods::new(made()?).map_err(|e| fault(e.into()))?)
    } else {
        Sheets::Xlsx(Xlsx::new(made()?).map_err(|e| fault(e.into()))?)
    })
}

fn choose(origin: &Origin<'_>, options: &Excel, names: &[String]) -> Result<String> {
    let listed = names
        .iter()
        .map(|n| format!("`{n}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let refused = |message: String, hint: String| -> Diagnostics {
        Diagnostic::error(Code::BadFile, message)
            .at(origin.place.clone())
            .label(format!("it has {listed}"))
            .hint(hint)
            .into()
    };
    if let Some(wanted) = &options.sheet {
        let exact = names.iter().find(|n| *n == &**wanted);
        let found = exact.or_else(|| {
            names
                .iter()
                .find(|n| n.trim().eq_ignore_ascii_case(wanted.trim()))
        });
        return found.cloned().ok_or_else(|| {
            let near = nearest(wanted, names.iter().map(String::as_str));
            refused(
                format!("the workbook has no sheet `{}`", **wanted),
                near.map_or_else(
                    || "ask the sender, or name another sheet".to_owned(),
                    |near| format!("the nearest sheet is `{near}`"),
                ),
            )
        });
    }
    if let Some(pattern) = &options.sheet_pattern {
        let regex = RegexBuilder::new(pattern)
            .case_insensitive(true)
            .build()
            .map_err(|_| {
                refused(
                    format!("`{}` is not a regular expression", **pattern),
                    "such as ^Register".to_owned(),
                )
            })?;
        let fitting: Vec<&String> = names.iter().filter(|n| regex.is_match(n.trim())).collect();
        return match fitting.as_slice() {
            [only] => Ok((*only).clone()),
            fitting => Err(refused(
                format!("{} sheets fit `{}`, not one", fitting.len(), **pattern),
                "ask the sender which is meant, or mend `sheet_pattern`".to_owned(),
            )),
        };
    }
    match names {
        [only] => Ok(only.clone()),
        _ => Err(refused(
            format!("the workbook has {} sheets, and none is named", names.len()),
            "name one: `excel: { sheet: … }`".to_owned(),
        )),
    }
}

/// A sheet is held whole: one stray cell in the last corner would ask for terabytes.
fn refuse_vast<R: Read + Seek>(
    origin: &Origin<'_>,
    workbook: &mut Sheets<R>,
    name: &str,
) -> Result<()> {
    const MOST_CELLS: u64 = 50_000_000;
    let (mut rows, mut columns) = (0_u64, 0_u64);
    let mut is_vast = |(row, column): (u32, u32)| {
        rows = rows.max(u64::from(row) + 1);
        columns = columns.max(u64::from(column) + 1);
        rows * columns > MOST_CELLS
    };
    // Faults of the sheet are told when it is read. The other two kinds bound it themselves.
    let found = match workbook {
        Sheets::Xlsx(workbook) => workbook
            .worksheet_cells_reader(name)
            .is_ok_and(|mut cells| {
                std::iter::from_fn(|| Some(cells.next_cell().ok()??.get_position()))
                    .any(&mut is_vast)
            }),
        Sheets::Xlsb(workbook) => workbook
            .worksheet_cells_reader(name)
            .is_ok_and(|mut cells| {
                std::iter::from_fn(|| Some(cells.next_cell().ok()??.get_position()))
                    .any(&mut is_vast)
            }),
        Sheets::Xls(_) | Sheets::Ods(_) => false,
    };
    if !found {
        return Ok(());
    }
    Err(Diagnostic::error(
        Code::BadFile,
        format!("the sheet reaches over {rows} rows and {columns} columns"),
    )
    .at(origin.place.clone())
    .hint(
        "most likely a stray cell far from the table: delete the empty rows and columns beside it",
    )
    .into())
}

/// A workbook is a ZIP, and can be a bomb like any other.
fn refuse_bombs<R: Read + Seek>(
    origin: &Origin<'_>,
    archive: &ZipArchive<R>,
    packed: u64,
) -> Result<()> {
    let packed = u128::from(packed);
    let out = archive.decompressed_size().unwrap_or(0);
    if out > u128::from(LIMITS.most)
        || (out > u128::from(LIMITS.free) && out > packed * u128::from(LIMITS.ratio))
    {
        return Err(Diagnostic::error(
            Code::BadFile,
            "the workbook unpacks to far more than it can hold",
        )
        .at(origin.place.clone())
        .hint("a packed bomb: do not open it, ask the sender")
        .into());
    }
    Ok(())
}

fn workbook_fault(origin: &Origin<'_>, error: &calamine::Error) -> Diagnostic {
    // The library's words may hold what stood in a cell: they are not repeated.
    if error.to_string().to_lowercase().contains("password") {
        return Diagnostic::error(Code::BadFile, "the workbook is locked with a password")
            .at(origin.place.clone())
            .hint("ask for it without a password, over a channel that is safe by itself");
    }
    damaged(origin)
}

/// A file that is no workbook.
pub(super) fn damaged(origin: &Origin<'_>) -> Diagnostic {
    Diagnostic::error(Code::BadFile, "the file cannot be read as a workbook")
        .at(origin.place.clone())
        .hint("it was damaged on its way, or is not what its name says: ask for it again")
}
