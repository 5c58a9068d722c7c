//! A quicker way in place of a node of the engine's plan. Plans are turned when the engine is done with
//! them: to all else the node is what it was.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::{TryStreamExt, stream};

pub(super) type Node = Arc<dyn ExecutionPlan>;

/// A way to do what a node does: the same rows, of the same columns, dealt to partitions alike.
pub(super) trait Quicker: fmt::Debug + Send + Sync + Sized + 'static {
    /// What plans call it.
    const NAME: &'static str;

    /// The quicker way of what a node does, if there is one.
    fn of(node: &Node) -> Option<Self>;

    /// Runs one partition of what the node does.
    fn execute(
        &self,
        node: &Node,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream>;
}

/// A node that is run in a quicker way.
#[derive(Debug)]
struct Instead<Q> {
    node: Node,
    quicker: Q,
}

/// The node, to be run in a quicker way, if there is one.
pub(super) fn instead_of<Q: Quicker>(node: &Node) -> Option<Node> {
    Q::of(node).map(|quicker| run_by(node, quicker))
}

/// The node, run in this way.
pub(super) fn run_by<Q: Quicker>(node: &Node, quicker: Q) -> Node {
    let node = Arc::clone(node);
    Arc::new(Instead { node, quicker })
}

/// Rows of which it is not known yet where they come from.
pub(super) fn once_there(
    schema: SchemaRef,
    rows: impl Future<Output = Result<SendableRecordBatchStream>> + Send + 'static,
) -> SendableRecordBatchStream {
    let rows = stream::once(rows).try_flatten();
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

/// A node with other nodes below it.
pub(super) fn above(node: &Node, children: Vec<Node>) -> Result<Node> {
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(node).replace_children(children, options)
}

impl<Q: Quicker> DisplayAs for Instead<Q> {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in place of ", Q::NAME)?;
        self.node.fmt_as(kind, f)
    }
}

impl<Q: Quicker> ExecutionPlan for Instead<Q> {
    fn name(&self) -> &'static str {
        Q::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.node.properties()
    }

    fn children(&self) -> Vec<&Node> {
        self.node.children()
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Node>,
        options: ReplaceChildrenOptions,
    ) -> Result<Node> {
        let node = Arc::clone(&self.node).replace_children(children, options)?;
        Ok(instead_of::<Q>(&node).unwrap_or(node))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Node>) -> Result<Node> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    /// Each round of a recursive query begins anew.
    fn reset_state(self: Arc<Self>) -> Result<Node> {
        let node = Arc::clone(&self.node).reset_state()?;
        Ok(instead_of::<Q>(&node).unwrap_or(node))
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.node.apply_expressions(f)
    }

    fn execute(
        &self,
        partition: usize,
        task: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.quicker.execute(&self.node, partition, task)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use datafusion::arrow::util::pretty::pretty_format_batches_with_schema;
    use datafusion::execution::context::SessionContext;
    use datafusion::physical_plan::{collect, displayable};

    use super::*;

    /// What a SELECT finds as the engine runs it and as it is run when its plan was turned, each in an
    /// order of its own, and how the turned plan reads.
    #[allow(clippy::disallowed_methods)] // a SELECT of the test's own
    pub(in crate::engine) async fn both(
        context: &SessionContext,
        select: &str,
        turned: fn(Node) -> Result<Node>,
    ) -> (String, String, String) {
        // Made twice: what deals rows out to partitions can be run once.
        let plan = async || {
            let frame = context.sql(select).await.expect("plans");
            frame.create_physical_plan().await.expect("plans")
        };
        let rows = async |plan: Node| {
            let schema = plan.schema();
            let found = collect(plan, context.task_ctx()).await.expect("runs");
            let shown = pretty_format_batches_with_schema(schema, &found);
            let shown = shown.expect("rows").to_string();
            let mut lines: Vec<&str> = shown.lines().collect();
            lines.sort_unstable();
            lines.join("\n")
        };
        let turned = turned(plan().await).expect("turns");
        let how = displayable(turned.as_ref()).indent(false).to_string();
        (rows(plan().await).await, rows(turned).await, how)
    }
}
