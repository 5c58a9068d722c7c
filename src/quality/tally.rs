//! The counts of the pass, taken while the rows of a table are written: no query need read them again.

use std::sync::Arc;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::logical_expr::Expr;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionContext;

use crate::compile::{PlannedCheck, TableName};
use crate::spec::Sensitivity;

use super::pass::Counts;
use super::rule::Rule;
use super::rules_of;
use super::subject::Subject;

/// What is counted of the rows that went by.
#[derive(Debug, Clone)]
pub struct Tally {
    /// The rules, made ready once for the rows and for what else they ask.
    rules: Arc<Vec<Rule>>,
    /// One for each rule, in their order.
    conditions: Vec<Condition>,
    counts: Vec<Counts>,
    /// An expression failed on a row. Who asks by a query is told which, and why.
    failed: bool,
}

#[derive(Debug, Clone)]
struct Condition {
    /// The rows that the rule looks at; none means all.
    looked_at: Option<Arc<dyn PhysicalExpr>>,
    /// Those of them that break it, where single rows can.
    broken: Option<Arc<dyn PhysicalExpr>>,
}

impl Tally {
    /// For rows of these columns, as queries hold them; nothing where a check does not plan, which
    /// [`super::check`] says.
    pub fn of(
        ctx: &SessionContext,
        table: &TableName,
        schema: &SchemaRef,
        sensitivity: Sensitivity,
        checks: &[PlannedCheck],
        grain: &[String],
    ) -> Option<Self> {
        let subject = Subject::of_columns(ctx, table, schema, sensitivity, grain).ok()?;
        let rules = rules_of(&subject, checks).ok()?;
        let conditions = rules.iter().map(|rule| Condition::of(&subject, rule));
        let conditions: Vec<Condition> = conditions.collect::<Result<_>>().ok()?;
        let counts = vec![Counts::default(); conditions.len()];
        Some(Self {
            rules: Arc::new(rules),
            conditions,
            counts,
            failed: false,
        })
    }

    /// Counts the next rows.
    pub fn look_at(&mut self, batch: &RecordBatch) {
        for (condition, counts) in self.conditions.iter().zip(&mut self.counts) {
            match condition.counted(batch) {
                Ok(more) => counts.add(more),
                Err(_) => self.failed = true,
            }
        }
    }

    /// Adds what was counted of other rows of the table.
    pub fn add(&mut self, other: &Self) {
        self.failed |= other.failed;
        for (counts, more) in self.counts.iter_mut().zip(&other.counts) {
            counts.add(*more);
        }
    }

    /// The rules, ready.
    pub(super) fn rules(&self) -> Arc<Vec<Rule>> {
        Arc::clone(&self.rules)
    }

    /// The counts for each rule, in their order; nothing where one could not be taken.
    pub(super) fn counts(&self) -> Option<&[Counts]> {
        (!self.failed).then_some(&self.counts)
    }
}

impl Condition {
    fn of(subject: &Subject<'_>, rule: &Rule) -> Result<Self> {
        let ready = |expression: Option<Expr>| match expression {
            Some(expression) => subject.physical(expression).map(Some),
            None => Ok(None),
        };
        Ok(Self {
            looked_at: ready(rule.filter.clone())?,
            broken: ready(rule.broken())?,
        })
    }

    fn counted(&self, batch: &RecordBatch) -> Result<Counts> {
        let is_true = |expression: &Arc<dyn PhysicalExpr>| -> Result<u64> {
            let found = expression.evaluate(batch)?.into_array(batch.num_rows())?;
            // Neither false nor null counts.
            Ok(found.as_boolean().true_count() as u64)
        };
        Ok(Counts {
            total: match &self.looked_at {
                Some(looked_at) => is_true(looked_at)?,
                None => batch.num_rows() as u64,
            },
            broken: match &self.broken {
                Some(broken) => is_true(broken)?,
                None => 0,
            },
        })
    }
}
