//! Models and marts: what each brings to [`super::build`], and views, which are not built.

use std::sync::Arc;

use crate::compile::{self, MartNode, ModelNode, Node, session};
use crate::diag::Result;
use crate::engine;
use crate::quality::Known;
use crate::spec::{Materialized, Sp};
use crate::store::Lake;

use super::build::Recipe;
use super::record::{Made, NodeRecord};
use super::{Night, release};

impl Night<'_> {
    pub(super) async fn model(&mut self, node: &Node, model: &ModelNode) -> Result<()> {
        let grain = names(&model.spec.grain);
        if model.materialized == Materialized::View {
            return self.view(node, model, &grain).await;
        }
        let recipe = Recipe {
            query: &model.query,
            schema: Arc::clone(&node.schema),
            order: &model.order,
            grain: &grain,
            checks: &model.checks,
            place: Lake::model,
            previous_rows: None,
            by_period_of: model.by_period_of.as_ref(),
        };
        self.build(node, recipe).await
    }

    /// A mart's candidate stands aside from readers until the release flips.
    pub(super) async fn mart(&mut self, node: &Node, mart: &MartNode) -> Result<()> {
        let grain = names(&mart.spec.grain);
        let recipe = Recipe {
            query: &mart.query,
            schema: session::nullable(&mart.contract),
            order: &grain,
            grain: &grain,
            checks: &mart.checks,
            place: Lake::candidate,
            previous_rows: release::current_rows(self.plan, node)?,
            by_period_of: None,
        };
        self.build(node, recipe).await
    }

    /// A view has no rows of its own: it is as fresh as what it reads.
    async fn view(&mut self, node: &Node, model: &ModelNode, grain: &[String]) -> Result<()> {
        let ingredients = self.ingredients(node);
        let state = self.context.state();
        let plan = compile::ready_query(&state, &model.query, self.as_of).await?;
        engine::register_view(&self.context, &node.name, plan)?;
        let (record, why) = self.fresh(node, &ingredients)?;
        if let Some(record) = record {
            self.records.insert(node.name.clone(), Arc::new(record));
            return Ok(());
        }
        let started = self.start(node, why);
        let checks = self
            .check(node, &model.checks, grain, Known::default())
            .await?;
        let made = Made {
            files: Vec::new(),
            content: ingredients.key(),
            rows: None,
            origins: Vec::new(),
        };
        let record = NodeRecord {
            ingredients,
            made,
            checks,
        };
        self.keep(node, record, started)
    }
}

fn names(names: &[Sp<String>]) -> Vec<String> {
    names.iter().map(|n| n.as_str().to_owned()).collect()
}
