//! Which side of a join is held in memory.
//!
//! A hash join keeps one side whole, and that side cannot go through the disk. The engine chooses it
//! by statistics, and where it has none (after an UNNEST, a filtered join, a GROUP BY) keeps whatever
//! stands first, be it twenty million rows. This rule guesses where the engine does not: from the rows
//! of the tables below each side.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::JoinType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::memory::{DataSourceExec, MemorySourceConfig};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{
    CrossJoinExec, HashJoinExec, NestedLoopJoinExec, PartitionMode,
};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::union::UnionExec;
use datafusion::physical_plan::unnest::UnnestExec;

/// So many times more rows and the other side is kept instead: a guess must be clear.
const CLEARLY: f64 = 2.0;
/// So few rows are kept once for all partitions, and not dealt out to them.
const FEW_ROWS: f64 = 100_000.0;

type Rule = Arc<dyn PhysicalOptimizerRule + Send + Sync>;

/// The engine's rules, with ours after the one that chooses sides by statistics.
pub(super) fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for rule in PhysicalOptimizer::new().rules {
        let chooses_sides = rule.name() == "join_selection";
        rules.push(rule);
        if chooses_sides {
            rules.push(Arc::new(SmallerSideFirst));
        }
    }
    rules
}

#[derive(Debug)]
struct SmallerSideFirst;

impl PhysicalOptimizerRule for SmallerSideFirst {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(turned).data()
    }

    fn name(&self) -> &str {
        "smaller_side_first"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The join with its sides changed over, if the one that would be kept is clearly the larger.
fn turned(plan: Arc<dyn ExecutionPlan>) -> Result<Transformed<Arc<dyn ExecutionPlan>>> {
    if let Some(join) = plan.downcast_ref::<HashJoinExec>()
        && join.join_type().supports_swap()
        && !join.null_aware
        && is_clearly_larger(join.left(), join.right())
    {
        let mode = match rows(join.right()) <= FEW_ROWS {
            true => PartitionMode::CollectLeft,
            false => PartitionMode::Partitioned,
        };
        return join.swap_inputs(mode).map(Transformed::yes);
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>()
        && join.join_type().supports_swap()
        && is_clearly_larger(join.left(), join.right())
    {
        return join.swap_inputs().map(Transformed::yes);
    }
    // It gives a batch for each row that is kept: of many rows it makes as many little batches.
    if let Some(join) = plan.downcast_ref::<CrossJoinExec>()
        && is_clearly_larger(join.left(), join.right())
    {
        return join.swap_inputs().map(Transformed::yes);
    }
    Ok(Transformed::no(plan))
}

fn is_clearly_larger(left: &Arc<dyn ExecutionPlan>, right: &Arc<dyn ExecutionPlan>) -> bool {
    rows(left) > CLEARLY * rows(right)
}

/// About how many rows a plan gives: good enough to tell thousands from millions.
fn rows(plan: &Arc<dyn ExecutionPlan>) -> f64 {
    let children = plan.children();
    let below = || children.iter().map(|child| rows(child));
    let largest = || below().fold(0.0, f64::max);
    if let Some(rows) = plan.downcast_ref::<DataSourceExec>().and_then(in_memory) {
        return rows as f64;
    }
    if children.is_empty() {
        let known = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new());
        let known = known.ok().and_then(|s| s.num_rows.get_value().copied());
        return known.unwrap_or(1_000) as f64;
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        // Keys of ours find one row at most.
        return match join.join_type() {
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => rows(join.left()),
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => rows(join.right()),
            _ => largest(),
        };
    }
    if let Some(groups) = plan.downcast_ref::<AggregateExec>() {
        return match (groups.group_expr().is_empty(), groups.mode()) {
            (true, _) => 1.0,
            // What is grouped in parts first is counted once.
            (false, AggregateMode::Partial) => largest(),
            (false, _) => largest() / 4.0,
        };
    }
    if plan.is::<FilterExec>() {
        return largest() / 4.0;
    }
    if plan.is::<UnnestExec>() {
        return largest() * 10.0;
    }
    if plan.is::<UnionExec>() {
        return below().sum();
    }
    if plan.is::<CrossJoinExec>() {
        return below().product();
    }
    largest()
}

/// The rows of a table in memory: its statistics look at every column of it.
fn in_memory(scan: &DataSourceExec) -> Option<usize> {
    let memory = scan.data_source().downcast_ref::<MemorySourceConfig>()?;
    let rows = memory.partitions().iter().flatten();
    Some(rows.map(RecordBatch::num_rows).sum())
}

#[cfg(test)]
mod tests {
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionContext;

    use crate::compile::session::{config, context};

    /// The joins of a query, with what stands below them.
    #[allow(clippy::disallowed_methods)] // a SELECT of the test's own
    async fn plan(select: &str) -> String {
        let context: SessionContext = context(config(2), Default::default(), |_| {});
        let frame = context.sql(select).await.expect("plans");
        let plan = frame.create_physical_plan().await.expect("plans");
        displayable(plan.as_ref()).indent(false).to_string()
    }

    /// Which of two words stands first below the first join: that side is kept.
    fn kept_first(plan: &str, one: &str, other: &str) -> bool {
        let below = plan.split_once("JoinExec").expect("a join").1;
        let at = |word: &str| {
            below
                .find(word)
                .unwrap_or_else(|| panic!("no {word}: {plan}"))
        };
        at(one) < at(other)
    }

    const PEOPLE: &str =
        "(SELECT value AS person, value % 100 AS age FROM generate_series(1, 1000000)) AS people";

    #[tokio::test]
    async fn a_list_that_was_unnested_is_kept_and_not_the_people() {
        let ages = "(SELECT name, UNNEST(GENERATE_SERIES(lo, hi)) AS age FROM (VALUES ('old', 60, 74)) AS c (name, lo, hi)) AS ages";
        for join in ["INNER", "LEFT"] {
            let plan = plan(&format!(
                "SELECT person, name FROM {PEOPLE} {join} JOIN {ages} ON ages.age = people.age"
            ))
            .await;
            assert!(kept_first(&plan, "Unnest", "LazyMemoryExec"), "{plan}");
        }
    }

    #[tokio::test]
    async fn a_short_list_is_kept_and_not_the_people_it_is_set_beside() {
        let list = "(VALUES ('a'), ('b'), ('c')) AS list (name)";
        let plan = plan(&format!(
            "SELECT * FROM {PEOPLE} CROSS JOIN {list} WHERE age < 90"
        ))
        .await;
        assert!(
            kept_first(&plan, "DataSourceExec", "LazyMemoryExec"),
            "{plan}"
        );
    }

    #[tokio::test]
    async fn groups_are_kept_and_not_the_rows_they_are_of() {
        let newest =
            format!("(SELECT age, MAX(person) AS last FROM {PEOPLE} GROUP BY age) AS newest");
        let plan = plan(&format!(
            "SELECT people.person, newest.last FROM {PEOPLE} INNER JOIN {newest} ON newest.age = people.age"
        ))
        .await;
        let below = plan.split_once("JoinExec").expect("a join").1;
        let first = below.find("AggregateExec").expect("groups");
        assert!(
            first < below.find("LazyMemoryExec").expect("rows"),
            "{plan}"
        );
    }
}
