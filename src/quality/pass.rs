//! The one pass: every count that single rows can answer, in one aggregate query.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::common::DataFusionError;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr, lit, when};

use crate::diag::{Diagnostic, Diagnostics, Result};

use super::rule::Rule;
use super::subject::Subject;

/// What the pass found for one rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// Rows it looked at: all, or those its `where` is true for.
    pub total: u64,
    /// Those of them that break it; 0 for rules that the pass cannot answer.
    pub broken: u64,
}

impl Counts {
    /// Adds those of other rows.
    pub(super) fn add(&mut self, more: Self) {
        self.total += more.total;
        self.broken += more.broken;
    }
}

/// Counts for every rule, in their order.
pub(super) async fn run(subject: &Subject<'_>, rules: &[Rule]) -> Result<Vec<Counts>> {
    if rules.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |e: DataFusionError| {
        let what = format!("the checks of {} could not be run", subject.table);
        Diagnostics::from(subject.fault(what, &e))
    };
    let mut aggregates = Vec::with_capacity(rules.len() * 2);
    for (i, rule) in rules.iter().enumerate() {
        let total = match rule.filter.clone() {
            Some(filter) => counted(filter).map_err(failed)?,
            None => count(lit(1_i64)),
        };
        let broken = rule.broken().unwrap_or_else(|| lit(false));
        aggregates.push(total.alias(format!("total_{i}")));
        aggregates.push(
            counted(broken)
                .map_err(failed)?
                .alias(format!("broken_{i}")),
        );
    }
    let rows = subject
        .frame
        .clone()
        .aggregate(Vec::new(), aggregates)
        .map_err(failed)?
        .collect()
        .await
        .map_err(failed)?;
    let numbers: Vec<u64> = rows
        .iter()
        .filter(|batch| batch.num_rows() > 0)
        .flat_map(|batch| batch.columns())
        .filter_map(|column| column.as_primitive_opt::<Int64Type>())
        .filter_map(|column| u64::try_from(column.value(0)).ok())
        .collect();
    if numbers.len() != rules.len() * 2 {
        return Err(
            Diagnostic::bug("the pass over a table gave other counts than were asked").into(),
        );
    }
    Ok(numbers
        .chunks_exact(2)
        .map(|pair| Counts {
            total: pair[0],
            broken: pair[1],
        })
        .collect())
}

/// How many rows a condition is true for. Neither false nor null counts.
fn counted(condition: Expr) -> datafusion::common::Result<Expr> {
    Ok(count(when(condition, lit(1_i64)).end()?))
}
