//! Batches of texts to good rows and refused rows: every rule of the contract, in one pass.
//!
//! A batch is cast; rows that a declared rule drops leave it; the rules on rows see the others;
//! last, rows are held against those that stood in the file before.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::scalar::ScalarValue;

use crate::compile::contract::staged_schema;
use crate::compile::{RowTest, SourceNode};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::spec::OnFail;
use crate::spec::source::OnDrift;
use crate::store::parquet::ParquetWriter;

use super::arrived::Arrived;
use super::cast::{expected, typed};
use super::columns::{ColumnJudge, Fault};
use super::drift::{self, FileType};
use super::header::{Layout, layout, names_people};
use super::intake::{About, Warning};
use super::pseudonym::PseudonymKey;
use super::quarantine::{QuarantineWriter, Refused, spread};
use super::readers::has_typed_cells;
use super::row_keys::{Known, Related, Unique};
use super::row_rules::RowJudge;
use super::rows::{Broken, Rows, Sink, Structure, repeated};
use super::rules::Rule;

/// Judges the rows of one file and writes them where they belong.
pub(super) struct Judge<'a> {
    node: &'a SourceNode,
    arrived: &'a Arrived,
    schema: SchemaRef,
    columns: Vec<ColumnJudge>,
    drops: Vec<(String, RowJudge)>,
    row_rules: Vec<(usize, RowTestJudge<'a>)>,
    uniques: Vec<Unique>,
    /// Every rule of the file: of structure, of columns in their order, of rows.
    pub rules: Vec<Rule>,
    pub staged: ParquetWriter,
    pub quarantine: QuarantineWriter,
    pub good: u64,
    pub refused: u64,
    /// Rows that declared rules dropped, by the rule's name.
    pub dropped: BTreeMap<String, u64>,
    /// The lines of the good rows, kept only where a rule may refuse them all yet.
    pub good_lines: Option<Vec<i64>>,
    /// Headings the contract does not know.
    pub new_columns: Vec<String>,
    /// The same by their places.
    new_places: Vec<String>,
    /// What is worth reading, beside the rules that rows break.
    pub warnings: Vec<Warning>,
    /// The values from above the header.
    preamble: Vec<ScalarValue>,
}

/// A rule that looks at whole rows, one at a time.
enum RowTestJudge<'a> {
    Expression(RowJudge),
    Known(Known<'a>),
}

/// A refused row, before it is written.
struct Entry {
    line: i64,
    rule: usize,
    reason: Option<String>,
    column: Option<String>,
    masked: Option<String>,
}

/// Rows that are left when declared rules dropped theirs.
struct Stretch {
    batch: RecordBatch,
    lines: Vec<i64>,
    /// Where each row stood in what the reader gave.
    original: Vec<usize>,
    faults: Vec<Fault>,
}

impl<'a> Judge<'a> {
    /// For a file of a source. `related` holds the values that its rules look up in other tables.
    ///
    /// # Errors
    /// When the contract cannot be worked with: all that is wrong with it, at once.
    pub(super) fn new(
        node: &'a SourceNode,
        arrived: &'a Arrived,
        pseudonyms: Option<&PseudonymKey>,
        related: &'a Related,
        staged: ParquetWriter,
        quarantine: QuarantineWriter,
    ) -> Result<Self> {
        let schema = staged_schema(&node.spec, &node.files);
        let mut rules: Vec<Rule> = Structure::ALL
            .iter()
            .map(|s| Rule::structural(s.rule()))
            .collect();
        let mut found = Diagnostics::default();
        let typed_cells = has_typed_cells(&node.reader);
        let mut columns = Vec::new();
        for column in &node.spec.columns {
            columns.extend(found.take(ColumnJudge::new(
                column,
                *node.spec.sensitivity,
                typed_cells,
                pseudonyms,
                &mut rules,
            )));
        }
        let mut uniques = Vec::new();
        for (column, judge) in node.spec.columns.iter().zip(&columns) {
            let rule = judge.unique.map(|r| (r, column.staged_name()));
            uniques.extend(rule.and_then(|(r, c)| found.take(Unique::new(r, &[c], &schema))));
        }
        let mut drops = Vec::new();
        for drop in &node.drops {
            let judge = found.take(RowJudge::new(&drop.name, &drop.expression, &schema));
            drops.extend(judge.map(|j| (drop.name.clone(), j)));
        }
        let mut row_rules = Vec::new();
        for rule in &node.rules {
            let at = rules.len();
            rules.push(Rule::of_row(rule));
            match &rule.test {
                RowTest::Expression(expression) => {
                    let judge = found.take(RowJudge::new(&rule.name, expression, &schema));
                    row_rules.extend(judge.map(|j| (at, RowTestJudge::Expression(j))));
                }
                RowTest::Unique(names) => {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    uniques.extend(found.take(Unique::new(at, &names, &schema)));
                }
                RowTest::Relationship {
                    column,
                    table,
                    field,
                } => {
                    let values = found.take(related.values(table, field));
                    let judge = values.and_then(|v| found.take(Known::new(column, v, &schema)));
                    row_rules.extend(judge.map(|j| (at, RowTestJudge::Known(j))));
                }
            }
        }
        if found.has_errors() {
            return Err(found.sorted());
        }
        let keeps_lines = rules.iter().any(|r| r.on_fail == OnFail::RejectFile);
        Ok(Self {
            node,
            arrived,
            schema,
            columns,
            drops,
            row_rules,
            uniques,
            rules,
            staged,
            quarantine,
            good: 0,
            refused: 0,
            dropped: BTreeMap::new(),
            good_lines: keeps_lines.then(Vec::new),
            new_columns: Vec::new(),
            new_places: Vec::new(),
            warnings: Vec::new(),
            preamble: Vec::new(),
        })
    }

    /// Forgets the headings that the contract does not know, but for their places, where a source
    /// is of people and no row was good: what stood there may be a row that lost its line end.
    pub(super) fn hide_headings(&mut self) {
        if self.good == 0 && names_people(&self.node.spec) {
            self.new_columns.clone_from(&self.new_places);
        }
    }

    /// How many rows were dropped, whatever the rule.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.values().sum()
    }

    /// The staged columns of a batch, and its faults.
    fn cast(&self, rows: &Rows) -> Result<(RecordBatch, Vec<Fault>)> {
        let n = rows.lines.len();
        let mut faults = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (column, texts) in self.columns.iter().zip(&rows.columns) {
            arrays.push(column.judge(texts, &mut faults)?);
        }
        for (column, texts) in self.columns.iter().zip(&rows.columns) {
            arrays.extend(column.notes(texts));
        }
        for value in &self.preamble {
            arrays.push(spread(value, n)?);
        }
        for (_, value) in &self.arrived.captures {
            arrays.push(spread(value, n)?);
        }
        arrays.push(repeated(&self.arrived.shown, n));
        arrays.push(Arc::new(Int64Array::from_iter_values(
            rows.lines.iter().copied(),
        )));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        Ok((batch, faults))
    }

    /// Leaves out the rows that a declared rule drops, and counts each under the first that does.
    fn leave_out(&mut self, rows: &Rows) -> Result<Stretch> {
        let (batch, mut faults) = self.cast(rows)?;
        let n = batch.num_rows();
        let mut stays = vec![true; n];
        for (name, judge) in &self.drops {
            for row in judge.rows_where(true, &batch, &self.arrived.shown)? {
                if std::mem::take(&mut stays[row]) {
                    *self.dropped.entry(name.clone()).or_default() += 1;
                }
            }
        }
        let original: Vec<usize> = (0..n).filter(|row| stays[*row]).collect();
        if original.len() == n {
            return Ok(Stretch {
                batch,
                lines: rows.lines.clone(),
                original,
                faults,
            });
        }
        let mut place = vec![None; n];
        for (now, before) in original.iter().enumerate() {
            place[*before] = Some(now);
        }
        faults.retain_mut(|fault| match place[fault.row] {
            Some(now) => {
                fault.row = now;
                true
            }
            None => false,
        });
        let batch = filter_record_batch(&batch, &BooleanArray::from(stays))
            .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        Ok(Stretch {
            batch,
            lines: original.iter().map(|row| rows.lines[*row]).collect(),
            original,
            faults,
        })
    }

    /// Adds the faults that only whole rows show.
    fn judge_rows(&mut self, rows: &Rows, stretch: &mut Stretch) -> Result<()> {
        for (rule, judge) in &self.row_rules {
            let broken = match judge {
                RowTestJudge::Expression(judge) => {
                    judge.rows_where(false, &stretch.batch, &self.arrived.shown)?
                }
                RowTestJudge::Known(judge) => judge.unknown(&stretch.batch)?,
            };
            for row in broken {
                let masked = match judge {
                    RowTestJudge::Expression(_) => None,
                    RowTestJudge::Known(judge) => {
                        self.shown(rows, judge.column, stretch.original[row])
                    }
                };
                stretch.faults.push(Fault {
                    row,
                    rule: *rule,
                    reason: None,
                    masked,
                });
            }
        }
        self.judge_repeats(rows, stretch)
    }

    /// What may be shown of a row's text under a staged column; of a capture, nothing.
    fn shown(&self, rows: &Rows, column: usize, row: usize) -> Option<String> {
        let (judge, texts) = (self.columns.get(column)?, rows.columns.get(column)?);
        judge.shown(texts, row)
    }

    /// Adds the rows that repeat an earlier one. Only a row that stands can be repeated: one that
    /// is refused, for whatever reason, does not keep a good one out.
    fn judge_repeats(&mut self, rows: &Rows, stretch: &mut Stretch) -> Result<()> {
        if self.uniques.is_empty() {
            return Ok(());
        }
        let mut stands = vec![true; stretch.lines.len()];
        for fault in &stretch.faults {
            stands[fault.row] &= !self.rules[fault.rule].refuses();
        }
        let keys = self
            .uniques
            .iter()
            .map(|u| u.keys(stretch.batch.columns()))
            .collect::<Result<Vec<_>>>()?;
        for (row, line) in stretch.lines.iter().enumerate() {
            for (unique, keys) in self.uniques.iter().zip(&keys) {
                let Some(first) = keys[row].and_then(|key| unique.first(key)) else {
                    continue;
                };
                let rule = &self.rules[unique.rule];
                stands[row] &= !rule.refuses();
                let masked = match (&rule.column, unique.columns.first()) {
                    (Some(_), Some(column)) => self.shown(rows, *column, stretch.original[row]),
                    _ => None,
                };
                stretch.faults.push(Fault {
                    row,
                    rule: unique.rule,
                    reason: Some(format!("{}: line {first}", rule.reason)),
                    masked,
                });
            }
            if stands[row] {
                for (unique, keys) in self.uniques.iter_mut().zip(&keys) {
                    if let Some(key) = keys[row] {
                        unique.stands(key, *line);
                    }
                }
            }
        }
        Ok(())
    }

    fn entry_of_broken(&self, broken: Broken) -> Entry {
        let rule = broken.rule as usize;
        let column = broken
            .column
            .and_then(|c| self.node.spec.columns.get(c))
            .map(|c| c.name.to_string());
        Entry {
            line: broken.line,
            rule,
            reason: Some(broken.reason),
            column,
            masked: None,
        }
    }

    fn write_refused(&mut self, mut entries: Vec<Entry>) -> Result<()> {
        // Rules are numbered in the order of the contract.
        entries.sort_by_key(|e| (e.line, e.rule));
        for entry in &entries {
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

impl Sink for Judge<'_> {
    fn preamble(&mut self, texts: &[String]) -> Result<()> {
        let mut errors = Diagnostics::default();
        for ((name, value), text) in self.node.files.preamble().iter().zip(texts) {
            let formats: Vec<_> = value.formats.iter().map(|f| &**f).collect();
            match typed(&value.kind, &formats, text, name)? {
                Some(value) => self.preamble.push(value),
                None => errors.push(
                    Diagnostic::error(
                        Code::Header,
                        format!(
                            "what stands above the header for `{}` is {}",
                            **name,
                            expected(&value.kind, &formats)
                        ),
                    )
                    .at(DataPlace::file(self.arrived.shown.as_str()))
                    .hint("look at the top of the file; mend its `pattern`, `type` or `formats`"),
                ),
            }
        }
        if errors.has_errors() {
            return Err(errors);
        }
        Ok(())
    }

    fn header(&mut self, headings: &[String], line: i64) -> Result<Layout> {
        let mut place = DataPlace::file(self.arrived.shown.as_str());
        place.line = u64::try_from(line).ok().filter(|n| *n > 0);
        let layout = layout(&self.node.spec, headings, &place)?;
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
        let place = DataPlace::file(self.arrived.shown.as_str());
        let on_drift = self.node.spec.on_retyped_column.unwrap_or_default();
        let mut errors = Diagnostics::default();
        for (at, found) in found {
            let Some(column) = self.node.spec.columns.get(*at) else {
                continue;
            };
            if drift::fits(column, *found, &self.node.reader) {
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
        let mut stretch = self.leave_out(&rows)?;
        self.judge_rows(&rows, &mut stretch)?;
        let Stretch {
            batch,
            lines,
            faults,
            ..
        } = stretch;
        let n = lines.len();
        let mut keep = vec![true; n];
        let mut entries = Vec::new();
        for fault in faults {
            let line = lines[fault.row];
            let rule = &mut self.rules[fault.rule];
            rule.broken_on(line);
            if rule.refuses() {
                keep[fault.row] = false;
                entries.push(Entry {
                    line,
                    rule: fault.rule,
                    reason: fault.reason,
                    column: None,
                    masked: fault.masked,
                });
            }
        }
        let kept = keep.iter().filter(|k| **k).count();
        self.good += kept as u64;
        self.refused += (n - kept + rows.broken.len()) as u64;
        for broken in rows.broken {
            let entry = self.entry_of_broken(broken);
            self.rules[entry.rule].broken_on(entry.line);
            entries.push(entry);
        }
        self.write_refused(entries)?;
        if let Some(good) = &mut self.good_lines {
            let kept = lines.iter().zip(&keep).filter(|(_, keep)| **keep);
            good.extend(kept.map(|(line, _)| *line));
        }
        match kept {
            0 => Ok(()),
            kept if kept == n => self.staged.write(batch),
            _ => self.staged.write_where(batch, &BooleanArray::from(keep)),
        }
    }
}
