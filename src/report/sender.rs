//! A report of refused rows that their sender can act on: one page of HTML and one CSV.
//!
//! The page stands alone: no script, no network, nothing that a policy forbids; it follows the
//! reader's light or dark, and prints. Everything from a file is escaped, because a heading may hold
//! anything. The CSV is opened in a spreadsheet: nothing in it begins like a formula. Neither holds
//! the time of its making: the same refused rows give the same bytes.

use std::fmt::Write;

use super::{plural, thousands};

/// Refused rows of one file that the page shows; the CSV has them all.
pub const SHOWN_ROWS: usize = 1000;

/// What one sender's files came to.
#[derive(Debug, Clone, Default)]
pub struct Sender {
    /// Who sent them.
    pub provider: String,
    /// Who took them in: the warehouse's name.
    pub warehouse: String,
    /// Every file of theirs that counts now.
    pub files: Vec<SentFile>,
    /// The rules that their rows broke.
    pub totals: Vec<SentTotal>,
}

/// A file that was sent.
#[derive(Debug, Clone, Default)]
pub struct SentFile {
    /// The source it belongs to.
    pub source: String,
    /// Its path below the inbox.
    pub file: String,
    /// What its name says, such as `period 2026-01`.
    pub says: String,
    /// The first digits of the hash of its bytes: which of two files of one name it is.
    pub hash: Option<String>,
    /// Why nothing of it is used; nothing if it is.
    pub refused_because: Vec<String>,
    /// Its rows: received, good, refused, dropped. None if they were never read.
    pub rows: Option<[u64; 4]>,
    /// Rows dropped by declared rules, by name.
    pub dropped: Vec<(String, u64)>,
    /// Refused rows, in the order of the file, up to [`SHOWN_ROWS`].
    pub shown: Vec<SentRow>,
    /// Refused rows that are not among them.
    pub left_out: u64,
    /// Rows that are sound and were refused with their file.
    pub sound: u64,
}

/// A refused row, once for each rule it breaks.
#[derive(Debug, Clone, Default)]
pub struct SentRow {
    /// The line of the file, from 1.
    pub line: Option<u64>,
    /// The heading of the column.
    pub heading: String,
    /// The rule's name.
    pub rule: String,
    /// What is wrong, in plain words.
    pub what: String,
    /// What is expected instead.
    pub expected: String,
    /// As much of the value as may be seen.
    pub value: String,
}

/// A rule that rows broke, over all files.
#[derive(Debug, Clone, Default)]
pub struct SentTotal {
    /// The source.
    pub source: String,
    /// The heading of the column.
    pub heading: String,
    /// What is wrong, in plain words.
    pub what: String,
    /// What is expected instead.
    pub expected: String,
    /// Rows that break it.
    pub rows: u64,
    /// Files that they are in.
    pub files: u64,
    /// What becomes of them, and from where the whole file is refused.
    pub fate: String,
}

const STYLE: &str = ":root{color-scheme:light dark;--ink:#1b1b1b;--soft:#4a4a4a;--paper:#fff;--line:#b5b5b5;--head:#eef1f4;--bad:#8a1c1c}\
@media (prefers-color-scheme:dark){:root{--ink:#ececec;--soft:#bdbdbd;--paper:#161616;--line:#555;--head:#252a2f;--bad:#ff9c9c}}\
*{box-sizing:border-box}\
body{margin:0 auto;max-width:72rem;padding:1.5rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}\
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.2rem;margin-top:2.5rem;overflow-wrap:anywhere}\
.wide{overflow-x:auto}.wide:focus-visible{outline:2px solid}\
table{border-collapse:collapse;width:100%;margin:.75rem 0}\
caption{text-align:left;font-weight:600;padding:.25rem 0}\
th,td{border:1px solid var(--line);padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:break-word}\
th{background:var(--head)}.n{text-align:right;font-variant-numeric:tabular-nums}\
code{font-family:ui-monospace,monospace;white-space:pre-wrap;overflow-wrap:anywhere}\
.bad{color:var(--bad);font-weight:600}.soft{color:var(--soft)}\
@media print{:root{--ink:#000;--soft:#333;--paper:#fff;--line:#888;--head:#eee;--bad:#000}body{max-width:none;padding:0;font-size:9pt}\
.wide{overflow:visible}thead{display:table-header-group}tr,h2{break-inside:avoid}h2{break-after:avoid}}";

impl Sender {
    /// Rows refused in all files.
    fn refused(&self) -> u64 {
        self.files.iter().filter_map(|f| f.rows).map(|r| r[2]).sum()
    }

    /// The page. `csv` is the name of the file beside it.
    pub fn html(&self, csv: &str) -> String {
        let provider = escaped(&self.provider);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en-GB\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>Rows refused: {provider}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
             <h1>Rows refused: {provider}</h1>\n"
        );
        self.opening(&mut page, csv);
        self.overview(&mut page);
        self.by_rule(&mut page);
        for (i, file) in self.files.iter().enumerate() {
            if file.is_at_fault() {
                file.section(i + 1, &mut page);
            }
        }
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }

    fn opening(&self, page: &mut String, csv: &str) {
        let refused = self.refused();
        let whole = self.files.iter().filter(|f| !f.refused_because.is_empty());
        let whole = whole.count();
        let mut words = format!(
            "{} from {} {} received by the warehouse “{}”.",
            plural(self.files.len(), "file"),
            self.provider,
            if self.files.len() == 1 { "was" } else { "were" },
            self.warehouse
        );
        match refused {
            0 if whole == 0 => {
                words.push_str(" No row of theirs is refused: there is nothing to mend.");
            }
            0 => {}
            1 => words.push_str(" 1 row is refused."),
            n => {
                let _ = write!(words, " {} rows are refused.", thousands(n));
            }
        }
        match whole {
            0 => {}
            1 => words.push_str(" Of 1 file, nothing is used."),
            n => {
                let _ = write!(words, " Of {n} files, nothing is used.");
            }
        }
        put(page, &format!("<p>{}</p>\n", escaped(&words)));
        if refused == 0 && whole == 0 {
            return;
        }
        put(
            page,
            &format!(
                "<p>Please mend what is listed below in the system that the file comes from, and send the whole file again. \
                 Lines are counted from 1, the heading included. Where a file is about people its values are masked: \
                 a letter is shown as a, a digit as 9, and an NHS number not at all. \
                 <code>{}</code> has the same rows for a spreadsheet.</p>\n",
                escaped(csv)
            ),
        );
    }

    fn overview(&self, page: &mut String) {
        if self.files.is_empty() {
            return;
        }
        open(
            page,
            "files",
            "Files",
            &[
                "Source", "File", "Received", "Good", "Refused", "Dropped", "Outcome",
            ],
        );
        for file in &self.files {
            page.push_str("<tr>");
            text(page, &file.source);
            head(page, &file.file);
            match file.rows {
                Some(rows) => rows.iter().for_each(|n| number(page, *n)),
                None => (0..4).for_each(|_| put(page, "<td class=\"n\">not read</td>")),
            }
            match file.refused_because.is_empty() {
                true => text(page, "used"),
                false => put(page, "<td><span class=\"bad\">nothing is used</span></td>"),
            }
            page.push_str("</tr>\n");
        }
        close(page);
    }

    fn by_rule(&self, page: &mut String) {
        if self.totals.is_empty() {
            return;
        }
        open(
            page,
            "rules",
            "What is wrong, in all files",
            &[
                "Source",
                "Heading",
                "What is wrong",
                "What is expected",
                "Rows",
                "Files",
                "What becomes of them",
            ],
        );
        for total in &self.totals {
            page.push_str("<tr>");
            text(page, &total.source);
            text(page, &total.heading);
            head(page, &total.what);
            text(page, &total.expected);
            number(page, total.rows);
            number(page, total.files);
            text(page, &total.fate);
            page.push_str("</tr>\n");
        }
        close(page);
    }
}

impl SentFile {
    fn is_at_fault(&self) -> bool {
        !self.refused_because.is_empty() || self.rows.is_some_and(|r| r[2] > 0)
    }

    fn section(&self, nth: usize, page: &mut String) {
        put(page, &format!("<h2>{}</h2>\n", escaped(&self.file)));
        let mut about = vec![self.source.clone()];
        about.extend((!self.says.is_empty()).then(|| self.says.clone()));
        about.extend(self.hash.as_ref().map(|h| format!("fingerprint {h}")));
        put(
            page,
            &format!("<p class=\"soft\">{}</p>\n", escaped(&about.join(" · "))),
        );
        for why in &self.refused_because {
            put(
                page,
                &format!(
                    "<p class=\"bad\">Nothing of this file is used: {}</p>\n",
                    escaped(why)
                ),
            );
        }
        if let Some([received, good, refused, dropped]) = self.rows {
            let mut words = format!(
                "{} received: {} good, {} refused, {} dropped",
                plural(usize::try_from(received).unwrap_or(usize::MAX), "row"),
                thousands(good),
                thousands(refused),
                thousands(dropped)
            );
            if !self.dropped.is_empty() {
                let each = self
                    .dropped
                    .iter()
                    .map(|(n, rows)| format!("{} as {n}", thousands(*rows)));
                let _ = write!(words, " ({})", each.collect::<Vec<_>>().join(", "));
            }
            put(page, &format!("<p>{}.</p>\n", escaped(&words)));
        }
        if self.sound > 0 {
            put(
                page,
                &format!(
                    "<p>{} of the refused rows are sound; they were refused with their file, and are not listed here.</p>\n",
                    thousands(self.sound)
                ),
            );
        }
        if self.shown.is_empty() {
            return;
        }
        open(
            page,
            &format!("file-{nth}"),
            "Refused rows",
            &[
                "Line",
                "Heading",
                "What is wrong",
                "What is expected",
                "Value, masked",
            ],
        );
        for row in &self.shown {
            page.push_str("<tr>");
            let line = row.line.map_or_else(String::new, |l| l.to_string());
            put(page, &format!("<th scope=\"row\" class=\"n\">{line}</th>"));
            text(page, &row.heading);
            text(page, &row.what);
            text(page, &row.expected);
            match row.value.is_empty() {
                true => put(page, "<td></td>"),
                false => put(
                    page,
                    &format!("<td><code>{}</code></td>", escaped(&row.value)),
                ),
            }
            page.push_str("</tr>\n");
        }
        close(page);
        if self.left_out > 0 {
            put(
                page,
                &format!("<p>{} more are in the CSV.</p>\n", thousands(self.left_out)),
            );
        }
    }
}

impl SentRow {
    /// The heading of the CSV, with the mark by which spreadsheets know UTF-8.
    pub const CSV_HEADER: &'static str =
        "\u{feff}file,line,heading,rule,what_is_wrong,what_is_expected,value_masked\r\n";

    /// Its line of the CSV.
    pub fn csv(&self, file: &str) -> String {
        let line = self.line.map_or_else(String::new, |l| l.to_string());
        let fields = [
            file,
            &line,
            &self.heading,
            &self.rule,
            &self.what,
            &self.expected,
            &self.value,
        ];
        let fields: Vec<String> = fields.into_iter().map(csv_field).collect();
        format!("{}\r\n", fields.join(","))
    }
}

/// A field that no spreadsheet takes for a formula.
fn csv_field(text: &str) -> String {
    let formula = text.trim_start().starts_with([
        '=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]) || text.starts_with(['\t', '\r', '\n']);
    let guarded = if formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if guarded.contains([',', '"', '\n', '\r', ';', '\t']) {
        format!("\"{}\"", guarded.replace('"', "\"\""))
    } else {
        guarded
    }
}

fn put(page: &mut String, html: &str) {
    page.push_str(html);
}

fn open(page: &mut String, id: &str, caption: &str, heads: &[&str]) {
    let _ = write!(
        page,
        "<div class=\"wide\" role=\"region\" aria-labelledby=\"{id}\" tabindex=\"0\">\n<table>\n<caption id=\"{id}\">{}</caption>\n<thead><tr>",
        escaped(caption)
    );
    for heading in heads {
        let _ = write!(page, "<th scope=\"col\">{}</th>", escaped(heading));
    }
    page.push_str("</tr></thead>\n<tbody>\n");
}

fn close(page: &mut String) {
    page.push_str("</tbody>\n</table>\n</div>\n");
}

fn text(page: &mut String, text: &str) {
    let _ = write!(page, "<td>{}</td>", escaped(text));
}

fn head(page: &mut String, text: &str) {
    let _ = write!(page, "<th scope=\"row\">{}</th>", escaped(text));
}

fn number(page: &mut String, n: u64) {
    let _ = write!(page, "<td class=\"n\">{}</td>", thousands(n));
}

/// Text that is text and nothing else, in an element or an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // What turns or hides text is shown to be there.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_csv_begins_like_a_formula() {
        for (text, field) in [
            ("=1+1", "'=1+1"),
            ("+44", "'+44"),
            ("-9", "'-9"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("\tx", "\"'\tx\""),
            (
                "=HYPERLINK(\"a\",\"b\")",
                "\"'=HYPERLINK(\"\"a\"\",\"\"b\"\")\"",
            ),
            ("a-b", "a-b"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(csv_field(text), field);
        }
    }

    #[test]
    fn what_a_file_holds_is_text_and_nothing_else() {
        assert_eq!(
            escaped("<script>alert('x')</script> & \"y\"\u{202e}"),
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;y&quot;\u{fffd}"
        );
        let row = SentRow {
            heading: "<script>".to_owned(),
            value: "</td><img src=x onerror=y>".to_owned(),
            ..SentRow::default()
        };
        let file = SentFile {
            file: "<b>.csv".to_owned(),
            refused_because: vec!["<i>".to_owned()],
            rows: Some([1, 0, 1, 0]),
            shown: vec![row],
            ..SentFile::default()
        };
        let page = Sender {
            provider: "<RVV>".to_owned(),
            files: vec![file],
            ..Sender::default()
        }
        .html("<x>.csv");
        for tag in ["<script", "<img", "<b>", "<i>", "<RVV>", "<x>"] {
            assert!(!page.contains(tag), "{tag}");
        }
    }
}
