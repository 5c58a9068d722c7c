//! One mart: its candidate, aside from readers, and the checks it must pass.

use crate::compile::{self, MartNode, Node};
use crate::diag::Result;
use crate::engine;

use super::record::{Made, NodeRecord};
use super::{Night, release};

impl Night<'_> {
    pub(super) async fn mart(&mut self, node: &Node, mart: &MartNode) -> Result<()> {
        let ingredients = self.ingredients(node);
        let (record, why) = self.fresh(node, &ingredients)?;
        if let Some(record) = record {
            let files: Vec<_> = record
                .made
                .files
                .iter()
                .map(|f| self.lake.root().join(f))
                .collect();
            engine::register_files(&self.context, &node.name, &mart.contract, &files)?;
            self.records.insert(node.name.clone(), record);
            return Ok(());
        }
        let started = self.start(node, why);
        let grain: Vec<String> = mart
            .spec
            .grain
            .iter()
            .map(|g| g.as_str().to_owned())
            .collect();
        let path = self.lake.candidate(&node.name.name, &ingredients.key());
        let statement = mart.query.at(self.as_of);
        let plan =
            compile::plan_query(&self.context.state(), &mart.query.source, statement).await?;
        let file = engine::materialise(
            &self.context,
            &mart.query.source,
            plan,
            &grain,
            // Nulls where none may be are the checks' business: they say which rows.
            &nullable(&mart.contract),
            &path,
        )
        .await?;
        engine::register_files(
            &self.context,
            &node.name,
            &nullable(&mart.contract),
            &[file.path],
        )?;
        let previous = release::current_rows(self.plan, node)?;
        let checks = self.check(node, &mart.checks, &grain, previous).await?;
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
}

/// The same columns, each of which may be null.
fn nullable(
    schema: &datafusion::arrow::datatypes::SchemaRef,
) -> datafusion::arrow::datatypes::SchemaRef {
    let fields: Vec<_> = schema
        .fields()
        .iter()
        .map(|f| f.as_ref().clone().with_nullable(true))
        .collect();
    std::sync::Arc::new(datafusion::arrow::datatypes::Schema::new(fields))
}
