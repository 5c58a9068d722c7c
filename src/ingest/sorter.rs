//! Judged rows to where they belong, in the order of the file: good ones to staged Parquet, refused
//! ones to quarantine, and a count of everything.
//!
//! What is told only by rows that stood before is settled here: whether a row repeats another.

use std::collections::BTreeMap;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::spec::source::OnDrift;
use crate::store::parquet::{ParquetWriter, plain};

use super::cast::{expected, typed};
use super::columns::Fault;
use super::drift::{self, FileType};
use super::header::{Layout, layout, names_people};
use super::intake::{About, Warning};
use super::judge::Judge;
use super::judged::{Closed, Entry, Good, Judged, Stretch};
use super::quarantine::{QuarantineWriter, Refused};
use super::row_keys::Standing;
use super::rows::{Rows, Sink};
use super::rules::Rule;

/// Writes the rows of one file where they belong.
pub(super) struct Sorter<'a> {
    judge: &'a Judge<'a>,
    /// Every rule of the file, with how often it was broken.
    pub rules: Vec<Rule>,
    pub staged: ParquetWriter,
    pub quarantine: QuarantineWriter,
    /// For each rule that no two rows agree, the rows that stand.
    standing: Vec<Standing>,
    pub good: u64,
    pub refused: u64,
    /// Rows that declared rules dropped, by the rule's name.
    pub dropped: BTreeMap<String, u64>,
    /// The lines of the good rows, where a rule may refuse them all yet.
    pub good_lines: Vec<i64>,
    /// Headings the contract does not know.
    pub new_columns: Vec<String>,
    /// The same by their places.
    new_places: Vec<String>,
    /// What is worth reading, beside the rules that rows break.
    pub warnings: Vec<Warning>,
}

impl<'a> Sorter<'a> {
    pub(super) fn new(
        judge: &'a Judge<'a>,
        staged: ParquetWriter,
        quarantine: QuarantineWriter,
    ) -> Self {
        Self {
            rules: judge.rules.clone(),
            staged,
            quarantine,
            standing: judge.uniques.iter().map(|_| Standing::default()).collect(),
            good: 0,
            refused: 0,
            dropped: BTreeMap::new(),
            good_lines: Vec::new(),
            new_columns: Vec::new(),
            new_places: Vec::new(),
            warnings: Vec::new(),
            judge,
        }
    }

    /// Forgets the headings that the contract does not know, but for their places, where a source
    /// is of people and no row was good: what stood there may be a row that lost its line end.
    pub(super) fn hide_headings(&mut self) {
        if self.good == 0 && names_people(&self.judge.node.spec) {
            self.new_columns.clone_from(&self.new_places);
        }
    }

    /// How many rows were dropped, whatever the rule.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// Adds the rows that repeat an earlier one. Only a row that stands can be repeated: one that
    /// is refused, for whatever reason, does not keep a good one out.
    fn settle(&mut self, mut stretch: Stretch) -> Closed {
        let judge = self.judge;
        let mut stands = vec![true; stretch.lines.len()];
        for fault in &stretch.faults {
            stands[fault.row] &= !judge.rules[fault.rule].refuses();
        }
        let mut repeats = Vec::new();
        for (row, line) in stretch.lines.iter().enumerate() {
            let uniques = judge.uniques.iter().zip(&stretch.keys);
            for ((unique, keys), standing) in uniques.zip(&self.standing) {
                let Some(first) = keys[row].and_then(|key| standing.first(key)) else {
                    continue;
                };
                let rule = &judge.rules[unique.rule];
                stands[row] &= !rule.refuses();
                let masked = match (&rule.column, unique.columns.first()) {
                    (Some(_), Some(column)) => judge.shown(&stretch, *column, row),
                    _ => None,
                };
                repeats.push(Fault {
                    row,
                    rule: unique.rule,
                    reason: Some(format!("{}: line {first}", rule.reason)),
                    masked,
                });
            }
            if stands[row] {
                for (standing, keys) in self.standing.iter_mut().zip(&stretch.keys) {
                    if let Some(key) = keys[row] {
                        standing.stands(key, *line);
                    }
                }
            }
        }
        stretch.faults.append(&mut repeats);
        judge.close(stretch)
    }

    fn take(&mut self, closed: Closed) -> Result<()> {
        self.good += closed.kept;
        self.refused += closed.refused_rows;
        self.good_lines.extend(closed.good_lines);
        for (rule, (count, first_line)) in closed.broken {
            self.rules[rule].broken(count, first_line);
        }
        for (rule, count) in closed.dropped {
            *self.dropped.entry(rule).or_default() += count;
        }
        self.refuse(&closed.refused)?;
        if closed.kept == 0 {
            return Ok(());
        }
        match closed.good {
            Good::Group(group) => self.staged.append(group),
            Good::Rows(batch, which) => {
                let batch = plain(&batch, self.staged.schema())?;
                match which {
                    None => self.staged.write(batch),
                    Some(which) => self.staged.write_where(batch, &which),
                }
            }
        }
    }

    fn refuse(&mut self, entries: &[Entry]) -> Result<()> {
        for entry in entries {
            let rule = &self.rules[entry.rule];
            self.quarantine.push(&Refused {
                line: entry.line,
                column: entry.column.as_deref().or(rule.column.as_deref()),
                rule: &rule.name,
                reason: entry.reason.as_deref().unwrap_or(&rule.reason),
                masked: entry.masked.as_deref(),
            })?;
        }
        Ok(())
    }
}

impl Sink for Sorter<'_> {
    fn preamble(&mut self, texts: &[String]) -> Result<()> {
        let mut errors = Diagnostics::default();
        let mut values = Vec::new();
        for ((name, value), text) in self.judge.node.files.preamble().iter().zip(texts) {
            let formats: Vec<_> = value.formats.iter().map(|f| &**f).collect();
            match typed(&value.kind, &formats, text, name)? {
                Some(value) => values.push(value),
                None => errors.push(
                    Diagnostic::error(
                        Code::Header,
                        format!(
                            "what stands above the header for `{}` is {}",
                            **name,
                            expected(&value.kind, &formats)
                        ),
                    )
                    .at(DataPlace::file(self.judge.arrived.shown.as_str()))
                    .hint("look at the top of the file; mend its `pattern`, `type` or `formats`"),
                ),
            }
        }
        if errors.has_errors() {
            return Err(errors);
        }
        let once = self.judge.preamble.set(values);
        once.map_err(|_| Diagnostic::bug("what stands above the header was read twice").into())
    }

    fn header(&mut self, headings: &[String], line: i64) -> Result<Layout> {
        let mut place = DataPlace::file(self.judge.arrived.shown.as_str());
        place.line = u64::try_from(line).ok().filter(|n| *n > 0);
        let layout = layout(&self.judge.node.spec, headings, &place)?;
        self.new_columns.clone_from(&layout.new);
        self.new_places.clone_from(&layout.new_places);
        self.warnings
            .extend(layout.missing.iter().map(|name| Warning {
                about: About::Header,
                message: format!("there is no heading for `{name}`: it is null in every row"),
                line: None,
                column: Some(name.clone()),
                hint: "ask the sender, or add its new heading to `from`".to_owned(),
            }));
        Ok(layout)
    }

    fn types(&mut self, found: &[(usize, FileType)]) -> Result<()> {
        let place = DataPlace::file(self.judge.arrived.shown.as_str());
        let on_drift = self.judge.node.spec.on_retyped_column.unwrap_or_default();
        let mut errors = Diagnostics::default();
        for (at, found) in found {
            let Some(column) = self.judge.node.spec.columns.get(*at) else {
                continue;
            };
            if drift::fits(column, *found, &self.judge.node.reader) {
                continue;
            }
            match on_drift {
                OnDrift::Error => errors.push(drift::error(column, *found, &place)),
                OnDrift::Warn => self.warnings.push(drift::warning(column, *found)),
            }
        }
        if errors.has_errors() {
            return Err(errors);
        }
        Ok(())
    }

    fn skipped(&mut self, rule: &str) {
        *self.dropped.entry(rule.to_owned()).or_default() += 1;
    }

    fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    fn rows(&mut self, rows: Rows) -> Result<()> {
        let stretch = self.judge.stretch(rows)?;
        let closed = self.settle(stretch);
        self.take(closed)
    }

    fn judged(&mut self, judged: Judged) -> Result<()> {
        let closed = match judged {
            Judged::Open(stretch) => self.settle(*stretch),
            Judged::Closed(closed) => *closed,
        };
        self.take(closed)
    }
}
