//! The CSV: every refused row, for a spreadsheet.

use super::SentRow;

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

#[cfg(test)]
mod tests {
    use super::csv_field;

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
}
