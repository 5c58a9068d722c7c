//! The two sides of a hash join.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::JoinSide;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;

/// The two sides of a join and what it makes of them.
#[derive(Debug)]
pub(super) struct Sides {
    pub left: Arc<dyn ExecutionPlan>,
    pub right: Arc<dyn ExecutionPlan>,
    /// The keys, as each side has them.
    pub on: Vec<(Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>)>,
    pub schema: SchemaRef,
    /// Which column of which side each of the schema's is.
    pub columns: Vec<(JoinSide, usize)>,
}

impl Sides {
    pub(super) fn of(join: &HashJoinExec) -> Self {
        let left = join.left().schema().fields().len();
        let all = match &join.projection {
            Some(projection) => projection.to_vec(),
            None => (0..left + join.right().schema().fields().len()).collect(),
        };
        let side = |column: usize| match column.checked_sub(left) {
            Some(column) => (JoinSide::Right, column),
            None => (JoinSide::Left, column),
        };
        Self {
            left: Arc::clone(join.left()),
            right: Arc::clone(join.right()),
            on: join.on().to_vec(),
            schema: join.schema(),
            columns: all.into_iter().map(side).collect(),
        }
    }
}
