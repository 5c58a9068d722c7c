//! Batches of texts to rows that stand and rows that break a rule: every rule of the contract that
//! can be told from the batch alone, in one pass.
//!
//! A batch is cast; rows that a declared rule drops leave it; the rules on rows see the others.
//! Nothing here remembers anything from one batch to the next, so that batches can be judged at
//! once; what rows are to one another is settled in the [`Sorter`](super::sorter::Sorter).

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::scalar::ScalarValue;

use crate::compile::contract::staged_schema;
use crate::compile::{RowTest, SourceNode};
use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::spec::OnFail;
use crate::store::parquet::{Group, plain};

use super::arrived::Arrived;
use super::columns::{ColumnJudge, Fault};
use super::judged::{Closed, Entry, Good, Judged, Stretch};
use super::pseudonym::PseudonymKey;
use super::quarantine::spread;
use super::readers::has_typed_cells;
use super::row_keys::{Known, Related, Unique};
use super::row_rules::RowJudge;
use super::rows::{Broken, Judging, Rows, Structure};
use super::rules::Rule;
use super::texts::repeated;

/// Judges the rows of one file.
pub(super) struct Judge<'a> {
    pub node: &'a SourceNode,
    pub arrived: &'a Arrived,
    schema: SchemaRef,
    columns: Vec<ColumnJudge>,
    drops: Vec<(String, RowJudge)>,
    row_rules: Vec<(usize, RowTestJudge<'a>)>,
    /// The rules that no two rows agree, whose keys are worked out here.
    pub uniques: Vec<Unique>,
    /// Every rule of the file: of structure, of columns in their order, of rows.
    pub rules: Vec<Rule>,
    /// The values from above the header, once it is read.
    pub preamble: OnceLock<Vec<ScalarValue>>,
    /// Whether a rule may refuse all rows yet, when the last of them is read.
    keeps_lines: bool,
}

/// A rule that looks at whole rows, one at a time.
enum RowTestJudge<'a> {
    Expression(RowJudge),
    Known(Known<'a>),
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
            preamble: OnceLock::new(),
            keeps_lines,
        })
    }

    /// Casts a batch, leaves out what is dropped, and adds the faults of single rows.
    ///
    /// # Errors
    /// When an expression of the contract fails on a row.
    pub(super) fn stretch(&self, rows: Rows) -> Result<Stretch> {
        let mut stretch = self.leave_out(rows)?;
        self.judge_rows(&mut stretch)?;
        let columns = stretch.batch.columns();
        let keys = self.uniques.iter().map(|u| u.keys(columns));
        stretch.keys = keys.collect::<Result<_>>()?;
        Ok(stretch)
    }

    /// Parts the rows that stand from those that are refused.
    pub(super) fn close(&self, stretch: Stretch) -> Closed {
        let n = stretch.lines.len();
        let mut closed = Closed {
            good: Good::Rows(stretch.batch, None),
            kept: 0,
            good_lines: Vec::new(),
            refused: Vec::new(),
            refused_rows: 0,
            broken: BTreeMap::new(),
            dropped: stretch.dropped,
        };
        let mut keep = vec![true; n];
        for fault in stretch.faults {
            let line = stretch.lines[fault.row];
            closed.break_rule(fault.rule, line);
            if self.rules[fault.rule].refuses() {
                keep[fault.row] = false;
                closed.refused.push(Entry {
                    line,
                    rule: fault.rule,
                    reason: fault.reason,
                    column: None,
                    masked: fault.masked,
                });
            }
        }
        let kept = keep.iter().filter(|k| **k).count();
        closed.kept = kept as u64;
        closed.refused_rows = (n - kept + stretch.rows.broken.len()) as u64;
        for broken in stretch.rows.broken {
            let entry = self.entry_of_broken(broken);
            closed.break_rule(entry.rule, entry.line);
            closed.refused.push(entry);
        }
        // Rules are numbered in the order of the contract.
        closed.refused.sort_by_key(|e| (e.line, e.rule));
        if self.keeps_lines {
            let good = stretch.lines.iter().zip(&keep).filter(|(_, keep)| **keep);
            closed.good_lines = good.map(|(line, _)| *line).collect();
        }
        if kept < n
            && let Good::Rows(_, which) = &mut closed.good
        {
            *which = Some(BooleanArray::from(keep));
        }
        closed
    }

    /// What may be shown of a row's text under a staged column; of a capture, nothing.
    pub(super) fn shown(&self, stretch: &Stretch, column: usize, row: usize) -> Option<String> {
        let texts = stretch.rows.columns.get(column)?;
        self.columns
            .get(column)?
            .shown(texts, stretch.original[row])
    }

    /// The staged columns of a batch, and its faults. Texts that repeat are dictionaries unless
    /// whole rows are to be looked at.
    fn cast(&self, rows: &Rows) -> Result<(RecordBatch, Vec<Fault>)> {
        let n = rows.lines.len();
        let mut faults = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.schema.fields().len());
        for (column, texts) in self.columns.iter().zip(&rows.columns) {
            arrays.push(column.judge(texts, &mut faults)?);
        }
        for (column, texts) in self.columns.iter().zip(&rows.columns) {
            arrays.extend(column.notes(texts)?);
        }
        let captures = self.arrived.captures.iter().map(|(_, value)| value);
        for value in self.preamble.get().into_iter().flatten().chain(captures) {
            arrays.push(match value {
                ScalarValue::Utf8(Some(text)) => repeated(text, n)?,
                value => spread(value, n)?,
            });
        }
        arrays.push(repeated(&self.arrived.shown, n)?);
        arrays.push(Arc::new(Int64Array::from_iter_values(
            rows.lines.iter().copied(),
        )));
        let fields = self.schema.fields().iter().zip(&arrays);
        let fields: Vec<Field> = fields
            .map(|(f, a)| f.as_ref().clone().with_data_type(a.data_type().clone()))
            .collect();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(bug)?;
        let looks_at_rows =
            !(self.drops.is_empty() && self.row_rules.is_empty() && self.uniques.is_empty());
        Ok(match looks_at_rows {
            true => (plain(&batch, &self.schema)?, faults),
            false => (batch, faults),
        })
    }

    /// Leaves out the rows that a declared rule drops, and counts each under the first that does.
    fn leave_out(&self, rows: Rows) -> Result<Stretch> {
        let (batch, mut faults) = self.cast(&rows)?;
        let n = batch.num_rows();
        let mut stays = vec![true; n];
        let mut dropped: BTreeMap<String, u64> = BTreeMap::new();
        for (name, judge) in &self.drops {
            for row in judge.rows_where(true, &batch, &self.arrived.shown)? {
                if std::mem::take(&mut stays[row]) {
                    *dropped.entry(name.clone()).or_default() += 1;
                }
            }
        }
        let original: Vec<usize> = (0..n).filter(|row| stays[*row]).collect();
        let (mut batch, mut lines) = (batch, rows.lines.clone());
        if original.len() < n {
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
            batch = filter_record_batch(&batch, &BooleanArray::from(stays)).map_err(bug)?;
            lines = original.iter().map(|row| rows.lines[*row]).collect();
        }
        Ok(Stretch {
            batch,
            lines,
            faults,
            keys: Vec::new(),
            rows,
            original,
            dropped,
        })
    }

    /// Adds the faults that only whole rows show.
    fn judge_rows(&self, stretch: &mut Stretch) -> Result<()> {
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
                    RowTestJudge::Known(judge) => self.shown(stretch, judge.column, row),
                };
                stretch.faults.push(Fault {
                    row,
                    rule: *rule,
                    reason: None,
                    masked,
                });
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
}

impl Judging for Judge<'_> {
    fn judge(&self, rows: Rows) -> Result<Judged> {
        let stretch = self.stretch(rows)?;
        if !self.uniques.is_empty() {
            return Ok(Judged::Open(Box::new(stretch)));
        }
        let mut closed = self.close(stretch);
        if let Good::Rows(batch, which) = &closed.good {
            let kept = which
                .as_ref()
                .map(|which| filter_record_batch(batch, which));
            let kept = kept.transpose().map_err(bug)?;
            let group = Group::encode(&self.schema, kept.as_ref().unwrap_or(batch))?;
            closed.good = Good::Group(group);
        }
        Ok(Judged::Closed(Box::new(closed)))
    }
}

fn bug(error: arrow::error::ArrowError) -> Diagnostics {
    Diagnostic::bug(error.to_string()).into()
}
