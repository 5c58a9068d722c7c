//! Runs tests, one after another, in one session.

use std::sync::Arc;
use std::time::{Duration, Instant};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::context::SessionContext;

use crate::compile::{self, Plan, session};
use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::engine;

use super::compare::differences;
use super::load::{PlannedTest, query};

/// How one test went.
#[derive(Debug)]
pub struct Outcome {
    /// Its name.
    pub name: String,
    /// The table under test.
    pub table: String,
    /// How long it took.
    pub took: Duration,
    /// What differs, or why it could not be run; nothing if it passed.
    pub failure: Option<Diagnostics>,
}

/// Runs tests and tells each outcome as it comes.
pub async fn run(
    context: &SessionContext,
    plan: &Plan,
    tests: &[PlannedTest],
    mut tell: impl FnMut(&Outcome),
) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(tests.len());
    for test in tests {
        let started = Instant::now();
        let failure = one(context, plan, test).await.err();
        let outcome = Outcome {
            name: test.name.clone(),
            table: test.table.to_string(),
            took: started.elapsed(),
            failure,
        };
        tell(&outcome);
        outcomes.push(outcome);
    }
    outcomes
}

async fn one(context: &SessionContext, plan: &Plan, test: &PlannedTest) -> Result<()> {
    let Some((node, query)) = plan.node(&test.table).and_then(|n| Some((n, query(n)?))) else {
        return Err(Diagnostic::bug("a test of a table that is gone").into());
    };
    for input in &node.inputs {
        match test.given.get(input) {
            Some(batch) => {
                engine::register_rows(context, input, batch.clone())?;
            }
            None => {
                let schema = plan.node(input).map(|n| Arc::clone(&n.schema));
                session::register_empty(
                    context,
                    input,
                    schema
                        .unwrap_or_else(|| Arc::new(datafusion::arrow::datatypes::Schema::empty())),
                )?;
            }
        }
    }
    let statement = query.with(test.as_of, &test.parameters);
    let logical = compile::plan_checked_query(&context.state(), &query.source, statement).await?;
    let actual = engine::rows(context, &query.source, logical, &[], &node.schema).await?;
    match differences(
        &test.expected,
        &project(&actual, &test.expected.schema()),
        &test.people,
    ) {
        None => Ok(()),
        Some(table) => Err(Diagnostic::error(
            Code::UnitTest,
            format!("{} gave other rows than expected\n{table}", test.table),
        )
        .at((&test.source, test.span.clone()))
        .label("this test")
        .into()),
    }
}

/// The columns that are compared.
fn project(batches: &[RecordBatch], to: &SchemaRef) -> Vec<RecordBatch> {
    batches
        .iter()
        .filter_map(|batch| {
            let indices: Vec<usize> = to
                .fields()
                .iter()
                .filter_map(|f| batch.schema().index_of(f.name()).ok())
                .collect();
            batch.project(&indices).ok()
        })
        .collect()
}
