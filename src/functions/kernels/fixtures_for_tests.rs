//! The published reference beside the repository, for tests: tables of expected values.

use std::collections::BTreeMap;
use std::io::Write;

/// A row of a fixture, by heading.
pub(crate) struct Row(BTreeMap<String, String>);

impl Row {
    /// The text of a cell.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("no column {name}"))
    }

    /// The number of a cell, none where it is blank.
    #[track_caller]
    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        let text = self.text(name);
        (!text.is_empty()).then(|| {
            text.parse()
                .unwrap_or_else(|e| panic!("{name} {text}: {e}"))
        })
    }

    /// The number of a cell that is not blank.
    #[track_caller]
    pub(crate) fn is(&self, name: &str) -> f64 {
        self.number(name)
            .unwrap_or_else(|| panic!("{name} is blank"))
    }
}

/// The rows of a fixture, or none, said, where the fixtures are not.
pub(crate) fn table(name: &str) -> Option<Vec<Row>> {
    let path = format!("{}/../shared/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = std::fs::read_to_string(path) else {
        tell(&format!("skipped: ../shared/fixtures/{name} is not here"));
        return None;
    };
    let mut lines = text.lines().map(cells);
    let headings = lines.next().expect("a header");
    Some(
        lines
            .map(|cells| {
                assert_eq!(cells.len(), headings.len(), "{name}: {cells:?}");
                Row(headings.iter().cloned().zip(cells).collect())
            })
            .collect(),
    )
}

/// The cells of a line, with quotes, and no line feeds in them.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut letters = line.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cells.last_mut().expect("one").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            c => cells.last_mut().expect("one").push(c),
        }
    }
    cells
}

/// Fails unless `got` is what the fixture has, to a relative tolerance; blank and NaN are none.
#[track_caller]
pub(crate) fn near(got: Option<f64>, row: &Row, name: &str, tolerance: f64) {
    let want = row.number(name).filter(|want| !want.is_nan());
    let agree = match (got, want) {
        (Some(got), Some(want)) => {
            // What is 0 but for rounding has no relative error.
            (got - want).abs() <= tolerance * want.abs() || (want.abs() < 1e-14 && got == 0.0)
        }
        (None, None) => true,
        _ => false,
    };
    assert!(agree, "{name}: {got:?} is not {want:?} in {:?}", row.0);
}

/// Says how many rows of a fixture agree, and fails unless they are all that it is known to have.
#[track_caller]
pub(crate) fn report(family: &str, rows: usize, known: usize) {
    tell(&format!("fixtures {family}: {rows} of {known} rows"));
    assert_eq!(rows, known, "{family}: rows compared, and rows there are");
}

/// A line for whoever reads the log. What a test prints is kept back while it passes; what is written
/// to the stream is not.
fn tell(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("a log");
}
