//! Sources: what can be wrong with how a file is to be read, before one is opened.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use regex::Regex;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::date_format::BY_MONTH;
use crate::spec::reader::{Csv, Excel, FixedWidth, PreambleValue, SkipRule};
use crate::spec::{Column, ColumnType, DateFormat, Files, Gives, Reader, Source, Sp};

use super::contract::{FILE_COLUMN, LINE_COLUMN};
use super::names::check_identifier;

/// Findings about one text.
struct Check<'a> {
    text: &'a Arc<SourceText>,
    found: &'a mut Diagnostics,
}

impl Check<'_> {
    fn wrong(&mut self, span: Range<usize>, message: impl Into<String>, hint: &str) {
        let finding = Diagnostic::error(Code::WrongValue, message.into());
        self.found.push(finding.at((self.text, span)).hint(hint));
    }

    fn pattern(&mut self, pattern: &Sp<String>) -> Option<Regex> {
        let regex = Regex::new(pattern).ok();
        if regex.is_none() {
            self.wrong(
                pattern.span(),
                format!("`{}` is not a regular expression", **pattern),
                "such as ^Organisation",
            );
        }
        regex
    }

    /// Spellings of a type. `may_lack_day`: there is a column to note dates by their month alone.
    fn formats(&mut self, formats: &[Sp<DateFormat>], kind: &ColumnType, may_lack_day: bool) {
        for format in formats {
            self.format(format, &format.span(), kind, may_lack_day);
        }
    }

    fn format(
        &mut self,
        format: &DateFormat,
        span: &Range<usize>,
        kind: &ColumnType,
        may_lack_day: bool,
    ) {
        let DateFormat::Strftime(pattern) = format else {
            return;
        };
        let (message, hint) = match (kind, format.gives()) {
            _ if !format.is_known() => (
                format!("`{pattern}` is not a strftime pattern"),
                "such as %d/%m/%Y, %Y-%m for months, %Y%m%dT%H%M%S for times",
            ),
            (ColumnType::Date | ColumnType::Month(_) | ColumnType::Timestamp(_), None) => (
                format!("`{pattern}` says no year and month"),
                "a date needs both: %d/%m/%Y, or %m/%Y where the day is not known",
            ),
            (ColumnType::Timestamp(_), Some(Gives::Month)) => (
                format!("`{pattern}` says no day, and a time is of one"),
                "make it a `date` or a `month`",
            ),
            (ColumnType::Date, Some(Gives::Month)) if !may_lack_day => (
                format!("`{pattern}` says no day"),
                "make it a `month`: its value is the first day",
            ),
            _ => return,
        };
        self.wrong(span.clone(), message, hint);
    }

    fn header(
        &mut self,
        row: Option<&Sp<u32>>,
        pattern: Option<&Sp<String>>,
        preamble: &[(Sp<String>, PreambleValue)],
    ) {
        if let Some(pattern) = pattern {
            self.pattern(pattern);
            if let Some(row) = row {
                self.wrong(
                    row.span(),
                    "the header is given by its row and by a pattern",
                    "give `header_row` or `header_pattern`, not both",
                );
            }
        }
        let nothing_above = pattern.is_none() && row.is_none_or(|row| **row == 1);
        if let (true, Some((name, _))) = (nothing_above, preamble.first()) {
            self.wrong(
                name.span(),
                "nothing stands above the header",
                "say where it is: `header_row` or `header_pattern`",
            );
        }
        for (name, value) in preamble {
            self.lifted(name, value);
        }
    }

    fn lifted(&mut self, name: &Sp<String>, value: &PreambleValue) {
        check_identifier(self.text, name, self.found);
        let regex = self.pattern(&value.pattern);
        if regex.is_some_and(|r| !r.capture_names().flatten().any(|n| n == "value")) {
            self.wrong(
                value.pattern.span(),
                "the pattern does not say which part of it is the value",
                "put it in a group: `Relative Date,(?<value>\\S+)`",
            );
        }
        if matches!(*value.kind, ColumnType::NhsNumber) {
            self.wrong(
                value.kind.span(),
                "an NHS number must not stand above the header",
                "take it from a column",
            );
        }
        self.formats(&value.formats, &value.kind, false);
    }

    fn skips(&mut self, rules: &[SkipRule]) {
        let mut names = BTreeSet::new();
        for rule in rules {
            self.pattern(&rule.pattern);
            if !names.insert(rule.name.as_str()) {
                self.wrong(
                    rule.name.span(),
                    format!("two rules are called `{}`", *rule.name),
                    "rows are counted by the name of the rule that leaves them out",
                );
            }
        }
    }

    fn csv(&mut self, csv: &Csv) {
        for (text, what) in [(&csv.delimiter, "delimiter"), (&csv.quote, "quote")] {
            if let Some(text) = text
                && !matches!(text.as_bytes(), [b] if b.is_ascii() && !matches!(b, b'\n' | b'\r' | 0))
            {
                self.wrong(
                    text.span(),
                    format!("the {what} must be one character of ASCII"),
                    "such as \",\", \";\", \"|\" or \"\\t\"",
                );
            }
        }
        let quote = csv.quote.as_ref().map_or("\"", |q| q.as_str());
        if let Some(delimiter) = &csv.delimiter
            && delimiter.as_str() == quote
        {
            self.wrong(
                delimiter.span(),
                "the delimiter is the quote",
                "fields are parted by one character and wrapped in another",
            );
        }
        self.header(
            csv.header_row.as_ref(),
            csv.header_pattern.as_ref(),
            csv.preamble.as_slice(),
        );
        self.skips(&csv.skip_rows);
    }

    fn excel(&mut self, excel: &Excel) {
        if let Some(pattern) = &excel.sheet_pattern {
            self.pattern(pattern);
            if let Some(sheet) = &excel.sheet {
                self.wrong(
                    sheet.span(),
                    "the sheet is given by its name and by a pattern",
                    "give `sheet` or `sheet_pattern`, not both",
                );
            }
        }
        self.header(
            excel.header_row.as_ref(),
            excel.header_pattern.as_ref(),
            excel.preamble.as_slice(),
        );
        self.skips(&excel.skip_rows);
    }

    fn fixed_width(&mut self, options: &FixedWidth, spec: &Source) {
        let known: Vec<String> = spec
            .columns
            .iter()
            .flat_map(Column::headings)
            .map(str::to_lowercase)
            .collect();
        let by_pattern = spec.columns.iter().any(|c| c.from_pattern.is_some());
        for name in options.columns.iter().map(|(name, _)| name) {
            if !by_pattern && !known.contains(&name.to_lowercase()) {
                self.found.push(
                    Diagnostic::error(
                        Code::UnknownName,
                        format!("`{}` is no heading of the contract", **name),
                    )
                    .at((self.text, name.span()))
                    .maybe_hint(did_you_mean(name, known.iter().map(String::as_str))),
                );
            }
        }
        self.skips(&options.skip_rows);
    }
}

/// Checks how a source's files are read.
pub(super) fn check_reader(
    reader: &Reader,
    spec: &Source,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) {
    let mut check = Check { text, found };
    match reader {
        Reader::Csv(csv) => check.csv(csv),
        Reader::Excel(excel) => check.excel(excel),
        Reader::FixedWidth(options) => check.fixed_width(options, spec),
        Reader::JsonLines(_) | Reader::Parquet => {}
        Reader::Zip(zip) => {
            let inner = zip.readers();
            if inner.len() > 1 {
                check.wrong(
                    zip.member.span(),
                    format!("the member is to be read in {} ways, not one", inner.len()),
                    "give one of csv, excel and json_lines",
                );
            }
            for reader in &inner {
                check_reader(reader, spec, text, found);
            }
        }
    }
}

/// Checks the spelling that a type has of its own: `{ month: "%Y-%m" }`.
pub(super) fn check_kind(kind: &Sp<ColumnType>, text: &Arc<SourceText>, found: &mut Diagnostics) {
    if let ColumnType::Month(Some(format)) | ColumnType::Timestamp(Some(format)) = &**kind {
        let format = DateFormat::Strftime(format.clone());
        Check { text, found }.format(&format, &kind.span(), kind, false);
    }
}

/// Checks what a column says of its texts.
pub(super) fn check_column(column: &Column, text: &Arc<SourceText>, found: &mut Diagnostics) {
    check_kind(&column.kind, text, found);
    let mut check = Check { text, found };
    check.formats(&column.formats, &column.kind, true);
    if let Some(pattern) = &column.from_pattern {
        check.pattern(pattern);
    }
    for token in &column.suppressed {
        if token.trim().is_empty() || column.nulls.iter().any(|n| n.trim() == token.trim()) {
            check.wrong(
                token.span(),
                "a withheld value is neither blank nor one of `nulls`",
                "blank, zero and withheld are three things: leave the token in one list",
            );
        }
        if token.trim() == BY_MONTH && column.may_lack_day() {
            check.wrong(
                token.span(),
                "`month` is what the note says of a date without a day",
                "ask for another token, or leave out the spelling without a day",
            );
        }
    }
    let is_number = matches!(
        *column.kind,
        ColumnType::Int | ColumnType::Decimal { .. } | ColumnType::Float
    );
    if let (false, Some(number)) = (is_number, &column.number) {
        check.wrong(
            number.span(),
            format!("`number` means nothing for {}", *column.kind),
            "it is for int, decimal and float",
        );
    }
    let words = column.true_values.iter().chain(&column.false_values);
    if !matches!(*column.kind, ColumnType::Boolean) {
        if let Some(word) = words.into_iter().next() {
            check.wrong(
                word.span(),
                format!("words for true and false mean nothing for {}", *column.kind),
                "they are for booleans",
            );
        }
        return;
    }
    let yes: Vec<String> = column
        .true_values
        .iter()
        .map(|w| w.to_lowercase())
        .collect();
    for word in &column.false_values {
        if yes.contains(&word.to_lowercase()) {
            check.wrong(
                word.span(),
                format!("`{}` means true and false", **word),
                "leave it in one of the two lists",
            );
        }
    }
}

/// Checks the names of the columns that a source has beside its contract's: notes, and values from
/// above the header. `texts`: where the contract stands, and where its files do.
pub(super) fn check_names(
    spec: &Source,
    files: &Files,
    texts: [&Arc<SourceText>; 2],
    found: &mut Diagnostics,
) {
    let own = spec.columns.iter().map(Column::staged_name);
    let mut names: BTreeMap<String, &str> = own
        .chain(files.captures.names())
        .chain([FILE_COLUMN, LINE_COLUMN])
        .map(|name| (name.to_owned(), "a column of that name"))
        .collect();
    let notes = spec.columns.iter().filter_map(|c| {
        Some((
            c.note_name()?,
            (texts[0], c.name.span()),
            "the note of a column",
        ))
    });
    let preamble = files.preamble();
    let lifted = preamble.iter().map(|(name, _)| {
        (
            name.to_string(),
            (texts[1], name.span()),
            "a value from above the header",
        )
    });
    for (name, place, what) in notes.chain(lifted) {
        if let Some(other) = names.insert(name.clone(), what) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("`{name}`, {what}, is also {other}"),
                )
                .at(place)
                .hint("`suppressed` and dates without a day add a column `<name>_note`: rename one of the two"),
            );
        }
    }
}
