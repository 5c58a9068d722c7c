//! The page: HTML that stands alone.

use std::fmt::Write;

use super::{Sender, SentFile};
use crate::report::{plural, thousands};

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
    use super::super::SentRow;
    use super::*;

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
