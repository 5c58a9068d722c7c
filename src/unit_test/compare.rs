//! Expected against actual rows: sets of rows, and a readable table of what differs.

use std::collections::BTreeMap;

use datafusion::arrow::array::{Array, RecordBatch};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::people::People;

/// Rows that differ, as a table; nothing if none do.
///
/// `-` marks a row that was expected and did not come, `+` one that came and was not expected.
pub fn differences(
    expected: &RecordBatch,
    actual: &[RecordBatch],
    people: &People,
) -> Option<String> {
    let columns: Vec<String> = expected
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    let mut count: BTreeMap<Vec<String>, (usize, usize)> = BTreeMap::new();
    for row in texts(expected, &columns, people) {
        count.entry(row).or_default().0 += 1;
    }
    for batch in actual {
        for row in texts(batch, &columns, people) {
            count.entry(row).or_default().1 += 1;
        }
    }
    let mut lines: Vec<(char, Vec<String>)> = Vec::new();
    for (row, (wanted, got)) in count {
        lines.extend((got..wanted).map(|_| ('-', row.clone())));
        lines.extend((wanted..got).map(|_| ('+', row.clone())));
    }
    (!lines.is_empty()).then(|| table(&columns, &lines))
}

/// The rows as text, in the order of `columns`.
fn texts(batch: &RecordBatch, columns: &[String], people: &People) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_null("null");
    let cells = |name: &String| -> Vec<String> {
        let column: Option<&dyn Array> = batch.column_by_name(name).map(AsRef::as_ref);
        let formatter = column.and_then(|c| Some((c, ArrayFormatter::try_new(c, &options).ok()?)));
        let Some((column, formatter)) = formatter else {
            return vec![String::new(); batch.num_rows()];
        };
        let cell = |row: usize| match people.name(name, column, row) {
            Some(person) => person.to_owned(),
            None => formatter.value(row).to_string(),
        };
        (0..batch.num_rows()).map(cell).collect()
    };
    let columns: Vec<Vec<String>> = columns.iter().map(cells).collect();
    (0..batch.num_rows())
        .map(|row| columns.iter().map(|c| c[row].clone()).collect())
        .collect()
}

fn table(columns: &[String], lines: &[(char, Vec<String>)]) -> String {
    let width = |i: usize| {
        let cells = lines.iter().map(|(_, row)| row[i].chars().count());
        cells
            .chain([columns[i].chars().count()])
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |mark: char, cells: &[String]| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(c, w)| format!("{c:<w$}"))
            .collect();
        format!("  {mark} {}", cells.join("  "))
            .trim_end()
            .to_owned()
    };
    let mut out = vec![line(' ', columns)];
    out.extend(lines.iter().map(|(mark, row)| line(*mark, row)));
    out.push("  - expected, did not come   + came, was not expected".to_owned());
    out.join("\n")
}
