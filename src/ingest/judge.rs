//! Batches of texts to good rows and refused rows: every rule of the contract, in one pass.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::scalar::ScalarValue;

use crate::compile::SourceNode;
use crate::compile::contract::staged_schema;
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::spec::OnFail;
use crate::spec::source::OnDrift;
use crate::store::parquet::ParquetWriter;

use super::arrived::Arrived;
use super::cast::{expected, typed};
use super::columns::{ColumnJudge, Fault};
use super::drift::{self, FileType};
use super::header::{Layout, layout};
use super::intake::{About, Warning};
use super::pseudonym::PseudonymKey;
use super::quarantine::{QuarantineWriter, Refused, spread};
use super::readers::has_typed_cells;
use super::row_rules::RowJudge;
use super::rows::{Broken, Rows, Sink, Structure, repeated};
use super::rules::Rule;

/// Judges the rows of one file and writes them where they belong.
pub(super) struct Judge<'a> {
    node: &'a SourceNode,
    arrived: &'a Arrived,
    schema: SchemaRef,
    columns: Vec<ColumnJudge>,
    row_rules: Vec<(usize, RowJudge)>,
    /// Every rule of the file: of structure, of columns in their order, of rows.
    pub rules: Vec<Rule>,
    pub staged: ParquetWriter,
    pub quarantine: QuarantineWriter,
    pub good: u64,
    pub refused: u64,
    /// The lines of the good rows, kept only where a rule may refuse them all yet.
    pub good_lines: Option<Vec<i64>>,
    /// Headings the contract does not know.
    pub new_columns: Vec<String>,
    /// Rows left out by the contract's own rules, by the name of the rule.
    pub dropped: BTreeMap<String, u64>,
    /// What is worth reading, beside the rules that rows break.
    pub warnings: Vec<Warning>,
    /// The values from above the header.
    preamble: Vec<ScalarValue>,
}

/// A refused row, before it is written.
struct Entry {
    line: i64,
    rule: usize,
    reason: Option<String>,
    column: Option<String>,
    masked: Option<String>,
}

impl<'a> Judge<'a> {
    /// For a file of a source.
    ///
    /// # Errors
    /// When the contract cannot be worked with: all that is wrong with it, at once.
    pub(super) fn new(
        node: &'a SourceNode,
        arrived: &'a Arrived,
        pseudonyms: Option<&PseudonymKey>,
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
        let mut row_rules = Vec::new();
        for rule in &node.rules {
            rules.push(Rule::of_row(rule));
            let judge = found.take(RowJudge::new(rule, &schema));
            row_rules.extend(judge.map(|j| (rules.len() - 1, j)));
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
            row_rules,
            rules,
            staged,
            quarantine,
            good: 0,
            refused: 0,
            good_lines: keeps_lines.then(Vec::new),
            new_columns: Vec::new(),
            dropped: BTreeMap::new(),
            warnings: Vec::new(),
            preamble: Vec::new(),
        })
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
        for (rule, judge) in &self.row_rules {
            let broken = judge.broken(&batch, &self.arrived.shown)?;
            faults.extend(broken.into_iter().map(|row| Fault {
                row,
                rule: *rule,
                masked: None,
            }));
        }
        Ok((batch, faults))
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
        let n = rows.lines.len();
        let (batch, faults) = self.cast(&rows)?;
        let mut keep = vec![true; n];
        let mut entries = Vec::new();
        for fault in faults {
            let line = rows.lines[fault.row];
            let rule = &mut self.rules[fault.rule];
            rule.broken_on(line);
            if rule.refuses() {
                keep[fault.row] = false;
                entries.push(Entry {
                    line,
                    rule: fault.rule,
                    reason: None,
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
        if let Some(lines) = &mut self.good_lines {
            let kept = rows.lines.iter().zip(&keep).filter(|(_, keep)| **keep);
            lines.extend(kept.map(|(line, _)| *line));
        }
        let good = if kept == n {
            batch
        } else {
            filter_record_batch(&batch, &BooleanArray::from(keep))
                .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?
        };
        if good.num_rows() > 0 {
            self.staged.write(good)?;
        }
        Ok(())
    }
}
