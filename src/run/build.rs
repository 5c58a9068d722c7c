//! A table made from SQL and kept as Parquet: planned, run, written aside, checked, recorded.
//!
//! A model and a mart's candidate are made alike. What differs is in the [`Recipe`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::context::SessionContext;

use crate::compile::{self, Body, Node, PlannedCheck, Query, TableName, session};
use crate::diag::{Diagnostic, Result};
use crate::engine::{self, Keeper, Materialised};
use crate::quality::{self, Known, Tally};
use crate::spec::Sensitivity;
use crate::store::Lake;
use crate::store::parquet::ParquetFile;

use super::Night;
use super::record::{Made, NodeRecord};
use super::saving::Save;

/// Rows that a query reads, below which it is not cut into parts.
const FEW_ROWS: u64 = 30_000;

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
    /// The source whose periods are made one by one.
    pub by_period_of: Option<&'a TableName>,
}

/// What was written of a table.
pub(super) struct Written {
    /// The files, in the order of their rows.
    pub files: Vec<PathBuf>,
    /// Hash of the rows.
    pub content: String,
    /// How many.
    pub rows: u64,
    /// Whether no two rows agree on what they are sorted by. False is not certain.
    pub distinct: bool,
    /// What its checks ask of single rows, counted as they were written.
    pub counted: Option<Tally>,
    /// The rows, if they are few, for the queries that read them.
    pub kept: Option<engine::Rows>,
}

impl Written {
    fn of_one_file(
        file: ParquetFile,
        distinct: bool,
        counted: Option<Tally>,
        kept: Option<engine::Rows>,
    ) -> Self {
        Self {
            kept,
            files: vec![file.path],
            content: file.hash,
            rows: file.rows,
            distinct,
            counted,
        }
    }
}

impl Night<'_> {
    /// Makes the table unless it is fresh, and makes it known to the session.
    pub(super) async fn build(&mut self, node: &Node, recipe: Recipe<'_>) -> Result<()> {
        let ingredients = self.ingredients(node);
        let (record, why) = self.fresh(node, &ingredients)?;
        if let Some(record) = record {
            let files = record.files(&self.lake);
            self.know(node, &recipe.schema, &files, None)?;
            self.records.insert(node.name.clone(), Arc::new(record));
            return Ok(());
        }
        let (started, written) = match recipe.by_period_of {
            Some(source) => self.periods(node, &recipe, source, why).await?,
            None => {
                let started = self.start(node, why);
                let path = (recipe.place)(&self.lake, &node.name.name, &ingredients.key());
                (started, self.write(node, &recipe, &path).await?)
            }
        };
        self.know(node, &recipe.schema, &written.files, written.kept)?;
        let known = Known {
            rows: Some(written.rows),
            previous_rows: recipe.previous_rows,
            grain_tells_apart: !recipe.grain.is_empty() && written.distinct,
            counted: written.counted,
        };
        let checks = self.check(node, recipe.checks, recipe.grain, known).await?;
        let below = |path: &PathBuf| {
            path.strip_prefix(self.lake.root())
                .unwrap_or(path)
                .to_owned()
        };
        let made = Made {
            files: written.files.iter().map(below).collect(),
            content: written.content,
            rows: Some(written.rows),
            origins: Vec::new(),
        };
        let record = NodeRecord {
            ingredients,
            made,
            checks,
        };
        self.keep(node, record, started)?;
        // Earlier results of the same table are of no use to anybody.
        self.saver.save(Save::Alone(written.files))
    }

    /// Makes a table's files known to the session.
    pub(super) fn know(
        &self,
        node: &Node,
        schema: &SchemaRef,
        files: &[PathBuf],
        kept: Option<engine::Rows>,
    ) -> Result<()> {
        let read = self.reads.of(&node.name);
        engine::register_files(&self.context, &node.name, schema, files, read, kept)
    }

    /// Writes what the SQL makes of the tables as the session has them now.
    async fn write(&self, node: &Node, recipe: &Recipe<'_>, path: &Path) -> Result<Written> {
        let context = self.context_for(self.rows_read(node));
        let source = Arc::clone(&recipe.query.source);
        let plan = compile::ready_query(&context.state(), recipe.query, self.as_of).await?;
        let (order, schema) = (recipe.order.to_vec(), Arc::clone(&recipe.schema));
        let (path, mut counted) = (path.to_owned(), self.tally(node, recipe));
        // What nobody reads, or nobody knows the readers of, is not kept.
        let read = self.reads.of(&node.name);
        let read = read.filter(|columns| !columns.is_empty());
        let mut keeper = read.map(|read| Keeper::of(&context, &schema, read));
        let (made, counted, kept) = aside(async move {
            let see = |rows: &RecordBatch| {
                counted.iter_mut().for_each(|c| c.look_at(rows));
                keeper.iter_mut().for_each(|k| k.look_at(rows));
            };
            let made = engine::materialise(&context, &source, plan, &order, &schema, &path, see);
            Ok((made.await?, counted, keeper.and_then(Keeper::finish)))
        })
        .await?;
        let (Materialised { file, distinct }, placed) = made;
        self.saver.save(Save::File(placed))?;
        self.fingerprints.remember(&file.path, &file.hash)?;
        Ok(Written::of_one_file(file, distinct, counted, kept))
    }

    /// Rows of all that a table reads, as far as they are known.
    fn rows_read(&self, node: &Node) -> Option<u64> {
        let rows = |input| self.records.get(input)?.made.rows;
        node.inputs.iter().map(rows).sum()
    }

    /// A session that does not deal rows out where there are so few that it costs more than it saves.
    fn context_for(&self, rows: Option<u64>) -> SessionContext {
        match rows.is_some_and(|rows| rows < FEW_ROWS) {
            true => self.undivided.clone(),
            false => self.context.clone(),
        }
    }

    /// A tally of what the table's checks ask of single rows.
    pub(super) fn tally(&self, node: &Node, recipe: &Recipe<'_>) -> Option<Tally> {
        let columns = session::in_memory(&recipe.schema);
        let (checks, grain) = (recipe.checks, recipe.grain);
        Tally::of(
            &self.context,
            &node.name,
            &columns,
            sensitivity(node),
            checks,
            grain,
        )
    }

    /// Runs the checks of a table that was just made; an error if one fails.
    pub(super) async fn check(
        &self,
        node: &Node,
        checks: &[PlannedCheck],
        grain: &[String],
        known: Known,
    ) -> Result<Vec<quality::Outcome>> {
        let beside = |check: &PlannedCheck| self.records.get(&check.other()?)?.made.rows;
        let beside: u64 = checks.iter().filter_map(beside).sum();
        let rows = known.rows.map(|rows| rows + beside);
        let (context, table) = (self.context_for(rows), node.name.clone());
        let sensitivity = sensitivity(node);
        let (all, grain) = (checks.to_vec(), grain.to_vec());
        let outcomes = aside(async move {
            quality::check(&context, &table, sensitivity, &all, &grain, known).await
        })
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

/// Does work away from the thread that looks after all tables; it stops if nobody waits for it.
pub(super) async fn aside<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let done = SpawnedTask::spawn(work).join_unwind().await;
    done.unwrap_or_else(|_| Err(Diagnostic::bug("making a table stopped half-way").into()))
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
