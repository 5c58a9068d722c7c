//! One model: fresh, or planned, run, written and checked.

use crate::compile::{self, Body, ModelNode, Node};
use crate::diag::Result;
use crate::engine;
use crate::quality;
use crate::spec::{Materialized, Sensitivity};

use super::Night;
use super::record::{Made, NodeRecord};

impl Night<'_> {
    pub(super) async fn model(&mut self, node: &Node, model: &ModelNode) -> Result<()> {
        match model.materialized {
            Materialized::Parquet => self.parquet_model(node, model).await,
            Materialized::View => self.view(node, model).await,
        }
    }

    async fn parquet_model(&mut self, node: &Node, model: &ModelNode) -> Result<()> {
        let ingredients = self.ingredients(node);
        let (record, why) = self.fresh(node, &ingredients)?;
        if let Some(record) = record {
            let files: Vec<_> = record
                .made
                .files
                .iter()
                .map(|f| self.lake.root().join(f))
                .collect();
            engine::register_files(&self.context, &node.name, &node.schema, &files)?;
            self.records.insert(node.name.clone(), record);
            return Ok(());
        }
        let started = self.start(node, why);
        let path = self.lake.model(&node.name.name, &ingredients.key());
        let statement = model.query.at(self.as_of);
        let plan =
            compile::plan_query(&self.context.state(), &model.query.source, statement).await?;
        let file = engine::materialise(
            &self.context,
            &model.query.source,
            plan,
            &model.order,
            &node.schema,
            &path,
        )
        .await?;
        engine::register_files(&self.context, &node.name, &node.schema, &[file.path])?;
        let checks = self
            .check(node, &model.checks, &model.order_as_grain(), None)
            .await?;
        let made = Made {
            files: vec![self.below_lake(&path)],
            content: file.hash,
            rows: Some(file.rows),
            origins: Vec::new(),
        };
        self.remove_siblings(&path);
        self.keep(
            node,
            NodeRecord {
                ingredients,
                made,
                checks,
            },
            started,
        )
    }

    /// A view has no rows of its own: it is as fresh as what it reads.
    async fn view(&mut self, node: &Node, model: &ModelNode) -> Result<()> {
        let ingredients = self.ingredients(node);
        let statement = model.query.at(self.as_of);
        let plan =
            compile::plan_query(&self.context.state(), &model.query.source, statement).await?;
        engine::register_view(&self.context, &node.name, plan)?;
        let (record, why) = self.fresh(node, &ingredients)?;
        if let Some(record) = record {
            self.records.insert(node.name.clone(), record);
            return Ok(());
        }
        let started = self.start(node, why);
        let checks = self
            .check(node, &model.checks, &model.order_as_grain(), None)
            .await?;
        let made = Made {
            files: Vec::new(),
            content: ingredients.key(),
            rows: None,
            origins: Vec::new(),
        };
        self.keep(
            node,
            NodeRecord {
                ingredients,
                made,
                checks,
            },
            started,
        )
    }

    /// Runs the checks of a table that was just made; an error if one fails.
    pub(super) async fn check(
        &self,
        node: &Node,
        checks: &[compile::PlannedCheck],
        grain: &[String],
        previous_rows: Option<u64>,
    ) -> Result<Vec<quality::Outcome>> {
        let outcomes = quality::check(
            &self.context,
            &node.name,
            sensitivity(node),
            checks,
            grain,
            previous_rows,
        )
        .await?;
        let found = quality::findings(&node.name, &outcomes, checks, node.owner.as_deref());
        if found.has_errors() {
            return Err(found);
        }
        for warning in found {
            self.listener.event(&super::Event::Warned(warning));
        }
        Ok(outcomes)
    }

    pub(super) fn below_lake(&self, path: &std::path::Path) -> std::path::PathBuf {
        path.strip_prefix(self.lake.root())
            .unwrap_or(path)
            .to_owned()
    }

    /// Earlier results of the same table are of no use to anybody: the newest one is recorded.
    pub(super) fn remove_siblings(&self, path: &std::path::Path) {
        let Some(folder) = path.parent() else { return };
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.flatten() {
            if entry.path() != path {
                // Left behind, it costs room and nothing else.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

/// How revealing the rows are that a check may give examples of. Unsaid, a model's rows are about
/// persons and a mart's are counts.
fn sensitivity(node: &Node) -> Sensitivity {
    match &node.body {
        Body::Source(source) => *source.spec.sensitivity,
        Body::Model(model) => model.spec.sensitivity.unwrap_or(Sensitivity::Pseudonymised),
        Body::Mart(mart) => mart.spec.sensitivity.unwrap_or(Sensitivity::Aggregate),
    }
}

impl ModelNode {
    /// The grain, where one is declared: without one there is nothing to be unique.
    fn order_as_grain(&self) -> Vec<String> {
        self.spec
            .grain
            .iter()
            .map(|g| g.as_str().to_owned())
            .collect()
    }
}
