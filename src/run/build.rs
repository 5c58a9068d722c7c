//! A table made from SQL and kept as Parquet: planned, run, written aside, checked, recorded.
//!
//! A model and a mart's candidate are made alike. What differs is in the [`Recipe`].

use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::{Schema, SchemaRef};

use crate::compile::{self, Body, Node, PlannedCheck, Query};
use crate::diag::Result;
use crate::engine;
use crate::quality;
use crate::spec::Sensitivity;
use crate::store::Lake;

use super::Night;
use super::record::{Made, NodeRecord};

/// What models and marts differ in.
pub(super) struct Recipe<'a> {
    /// The SQL.
    pub query: &'a Query,
    /// The columns that are written.
    pub schema: SchemaRef,
    /// What the rows are sorted by.
    pub order: &'a [String],
    /// What tells one row from another; nothing if that is not declared.
    pub grain: &'a [String],
    /// What must hold.
    pub checks: &'a [PlannedCheck],
    /// Where the file goes, by name and key.
    pub place: fn(&Lake, &str, &str) -> PathBuf,
    /// Rows of the version that readers have now.
    pub previous_rows: Option<u64>,
}

impl Night<'_> {
    /// Makes the table unless it is fresh, and makes it known to the session.
    pub(super) async fn build(&mut self, node: &Node, recipe: Recipe<'_>) -> Result<()> {
        let ingredients = self.ingredients(node);
        let (record, why) = self.fresh(node, &ingredients)?;
        if let Some(record) = record {
            let files = record.files(&self.lake);
            engine::register_files(&self.context, &node.name, &recipe.schema, &files)?;
            self.records.insert(node.name.clone(), record);
            return Ok(());
        }
        let started = self.start(node, why);
        let path = (recipe.place)(&self.lake, &node.name.name, &ingredients.key());
        let source = &recipe.query.source;
        let statement = recipe.query.at(self.as_of);
        let plan = compile::plan_query(&self.context.state(), source, statement).await?;
        let file = engine::materialise(
            &self.context,
            source,
            plan,
            recipe.order,
            &recipe.schema,
            &path,
        )
        .await?;
        engine::register_files(&self.context, &node.name, &recipe.schema, &[file.path])?;
        let checks = self
            .check(node, recipe.checks, recipe.grain, recipe.previous_rows)
            .await?;
        let below = path.strip_prefix(self.lake.root()).unwrap_or(&path);
        let made = Made {
            files: vec![below.to_owned()],
            content: file.hash,
            rows: Some(file.rows),
            origins: Vec::new(),
        };
        remove_siblings(&path);
        let record = NodeRecord {
            ingredients,
            made,
            checks,
        };
        self.keep(node, record, started)
    }

    /// Runs the checks of a table that was just made; an error if one fails.
    pub(super) async fn check(
        &self,
        node: &Node,
        checks: &[PlannedCheck],
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
}

/// How revealing the rows are that a check may give examples of. Unsaid, a model's rows are about
/// persons and a mart's are counts.
fn sensitivity(node: &Node) -> Sensitivity {
    match &node.body {
        Body::Source(source) => *source.spec.sensitivity,
        Body::Model(model) => model.spec.sensitivity.unwrap_or(Sensitivity::Pseudonymised),
        Body::Mart(mart) => mart.spec.sensitivity.unwrap_or(Sensitivity::Aggregate),
        Body::System(_) => Sensitivity::Aggregate,
    }
}

/// The same columns, each of which may be null: nulls where none may be are the checks' business,
/// because they say which rows.
pub(super) fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema
        .fields()
        .iter()
        .map(|f| f.as_ref().clone().with_nullable(true));
    SchemaRef::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Earlier results of the same table are of no use to anybody: the newest one is recorded.
pub(super) fn remove_siblings(path: &Path) {
    let entries = path
        .parent()
        .and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        if entry.path() != path {
            // Left behind, it costs room and nothing else.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
