//! A model that is made period by period: one Parquet file for each, from the files of the one source
//! it reads that are of that period. A month whose files stand as they were is not made again, and no
//! query is larger than a month.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::kernels::cmp::lt;
use futures::stream::{self, StreamExt};

use crate::compile::{self, Node, TableName};
use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::engine;
use crate::store::parquet::{ranges_of, rows_of};

use super::Night;
use super::build::{Recipe, Written, aside};
use super::ingredients::hash;
use super::record::NodeRecord;
use super::saving::Save;

/// One period of a source.
struct Period {
    /// Its staged files.
    files: Vec<PathBuf>,
    /// Where the model's rows of it go: named by what they are made from.
    path: PathBuf,
    /// They are there already.
    stands: bool,
}

impl Night<'_> {
    /// Makes the periods that do not stand yet. Says when it began, and what the table is now.
    pub(super) async fn periods(
        &mut self,
        node: &Node,
        recipe: &Recipe<'_>,
        source: &TableName,
        why: String,
    ) -> Result<(Instant, Written)> {
        let periods = self.periods_of(node, recipe, source)?;
        let to_make = periods.iter().filter(|p| !p.stands).count();
        let why = format!("{why}; {to_make} of {} periods", periods.len());
        let started = self.start(node, why);
        Ok((
            started,
            self.write_periods(node, recipe, source, &periods).await?,
        ))
    }

    /// The periods of a source, in their order; one without files where it has none.
    fn periods_of(
        &mut self,
        node: &Node,
        recipe: &Recipe<'_>,
        source: &TableName,
    ) -> Result<Vec<Period>> {
        let mut standing = BTreeSet::new();
        if let Some(last) = NodeRecord::load(&self.lake, &node.name)?
            && !self.options.full_refresh
            && last.is_whole(&self.lake, &self.fingerprints)
        {
            standing.extend(last.files(&self.lake));
        }
        let mut staged: BTreeMap<Option<String>, Vec<PathBuf>> = BTreeMap::new();
        if let Some(record) = self.records.get(source) {
            let periods = record.made.origins.iter().map(|o| o.period.clone());
            for (period, file) in periods.zip(record.files(&self.lake)) {
                staged.entry(period).or_default().push(file);
            }
        }
        if staged.is_empty() {
            staged.insert(None, Vec::new());
        }
        let mut periods = Vec::with_capacity(staged.len());
        for files in staged.into_values() {
            let mut hashes = Vec::with_capacity(files.len());
            for file in &files {
                hashes.push(self.fingerprints.of_file(file)?);
            }
            let mut ingredients = self.ingredients(node);
            let content = hash(hashes.join("\n").as_bytes());
            ingredients.inputs.insert(source.to_string(), content);
            let path = (recipe.place)(&self.lake, &node.name.name, &ingredients.key());
            periods.push(Period {
                stands: standing.contains(&path),
                files,
                path,
            });
        }
        Ok(periods)
    }

    async fn write_periods(
        &mut self,
        node: &Node,
        recipe: &Recipe<'_>,
        source: &TableName,
        periods: &[Period],
    ) -> Result<Written> {
        let Some(read) = self.plan.node(source) else {
            return Err(Diagnostic::bug(format!("there is no {source}")).into());
        };
        let text = &recipe.query.source;
        let whole = compile::ready_query(&self.context.state(), recipe.query, self.as_of).await?;
        let mut plans = Vec::new();
        for period in periods.iter().filter(|p| !p.stands) {
            let plan = engine::of_files(&whole, source, &read.schema, &period.files)?;
            plans.push((plan, period.path.clone()));
        }
        // Months side by side keep every core busy; a month cut into parts would be put together again.
        let at_once = self.plan.settings.partitions.max(1);
        let context = self.undivided.clone();
        let mut written = stream::iter(plans)
            .map(|(plan, path)| {
                let (context, text) = (context.clone(), Arc::clone(text));
                let (order, schema) = (recipe.order.to_vec(), Arc::clone(&recipe.schema));
                let mut counted = self.tally(node, recipe);
                aside(async move {
                    let see = |rows: &RecordBatch| counted.iter_mut().for_each(|c| c.look_at(rows));
                    let made =
                        engine::materialise(&context, &text, plan, &order, &schema, &path, see);
                    Ok((made.await?, counted))
                })
            })
            .buffered(at_once);
        let mut distinct = true;
        // What was counted of months that stand is not known any more.
        let all_anew = periods.iter().all(|p| !p.stands);
        let mut counted = self.tally(node, recipe).filter(|_| all_anew);
        let mut hashes = Vec::with_capacity(periods.len());
        let mut rows = 0;
        for period in periods {
            if period.stands {
                rows += rows_of(&period.path)?;
                hashes.push(self.fingerprints.of_file(&period.path)?);
                continue;
            }
            let Some(made) = written.next().await else {
                return Err(Diagnostic::bug("fewer periods were made than asked for").into());
            };
            let ((made, placed), more) = made?;
            counted = counted.zip(more).map(|(mut so_far, more)| {
                so_far.add(&more);
                so_far
            });
            distinct &= made.distinct;
            rows += made.file.rows;
            self.saver.save(Save::File(placed))?;
            self.fingerprints.remember(&period.path, &made.file.hash)?;
            hashes.push(made.file.hash);
        }
        let files: Vec<PathBuf> = periods.iter().map(|p| p.path.clone()).collect();
        Ok(Written {
            distinct: distinct && lie_apart(&files, recipe.order)?,
            // As a record has it of one file and of many.
            content: match &hashes[..] {
                [one] => one.clone(),
                all => hash(all.join("\n").as_bytes()),
            },
            files,
            rows,
            counted,
            kept: None,
        })
    }
}

/// Whether each file's rows come after all rows of the file before, by the column that the files are
/// sorted by first: then no two of different files agree. False is not certain.
fn lie_apart(files: &[PathBuf], order: &[String]) -> Result<bool> {
    let Some(column) = order.first() else {
        return Ok(false);
    };
    let mut before = None;
    for file in files {
        let (least, greatest) = ranges_of(file, column)?;
        if least.is_empty() {
            continue;
        }
        let first = least.slice(0, 1);
        let last = greatest.slice(greatest.len() - 1, 1);
        if let Some(before) = before.replace(last) {
            let after = lt(&before, &first)
                .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
            if after.true_count() == 0 {
                return Ok(false);
            }
        }
    }
    Ok(true)
}
