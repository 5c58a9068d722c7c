//! Models and marts: each planned on the declared columns of what it reads, and held against what
//! it promises.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::runtime::SpawnedTask;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText, did_you_mean};
use crate::spec::source::{Delivery, Files};
use crate::spec::{Mart, Materialized, Model, Rate, TableCheck};

use super::names::{Declaration, Declared};
use super::project::{Compiler, Parsed};
use super::relations::relations;
use super::{
    Body, MartNode, ModelNode, PlannedCheck, Query, TableKind, TableName, checks, diagnose,
    indicators, lineage, marts, session,
};

/// What planning a query settles.
struct Planned {
    query: Query,
    inputs: BTreeSet<TableName>,
    schema: Schema,
    /// The columns that carry identifiable values.
    identifiable: BTreeSet<String>,
    /// Of these, the columns that carry more than pseudonyms.
    naming: BTreeSet<String>,
}
impl<'a> Compiler<'a> {
    /// Plans every model and mart on the declared columns of what it reads.
    pub(super) async fn tables(
        &mut self,
        order: &[TableName],
        mut queries: BTreeMap<TableName, Option<Parsed>>,
    ) {
        for table in order {
            let Some(declaration) = self.declarations.get(table).cloned() else {
                continue;
            };
            let parsed = queries.remove(table).flatten();
            match declaration.body {
                Declared::Source(_) => {}
                Declared::Model(spec) => self.model(table, spec, &declaration, parsed).await,
                Declared::Mart(spec) => {
                    // What is wrong with an indicator is said where it stands, and once.
                    let counts = spec.sql.as_str() == indicators::COUNTS;
                    let holds = !counts || self.indicators_hold();
                    let parsed = parsed.filter(|_| holds);
                    self.mart(table, spec, &declaration, parsed).await;
                }
            }
        }
        self.indicators_hold();
        for checked in std::mem::take(&mut self.checking) {
            let gone = |_| Err(Diagnostic::bug("checking a query stopped half-way").into());
            let checked = checked.join_unwind().await.unwrap_or_else(gone);
            self.found.take(checked);
        }
    }

    /// Whether every indicator names columns that there are. Asked when what they read is known.
    fn indicators_hold(&mut self) -> bool {
        if let Some(hold) = self.indicators_hold {
            return hold;
        }
        let hold = indicators::columns::check(
            &indicators::entries(self.project),
            &self.context,
            &self.schemas,
            &self.identifiable,
            &mut self.found,
        );
        self.indicators_hold = Some(hold);
        hold
    }

    async fn model(
        &mut self,
        table: &TableName,
        spec: &Model,
        declaration: &Declaration<'a>,
        parsed: Option<Parsed>,
    ) {
        let Some(Planned {
            query,
            inputs,
            schema,
            identifiable,
            naming,
        }) = self.plan(parsed).await
        else {
            return;
        };
        self.identifiable.insert(table.clone(), identifiable);
        self.naming.insert(table.clone(), naming);
        let schema = self.stored_schema(&query, schema);
        self.know(table, &schema);
        for name in &spec.grain {
            if schema.field_with_name(name).is_err() {
                let columns = schema.fields().iter().map(|f| f.name().as_str());
                self.found.push(
                    Diagnostic::error(
                        Code::UnknownName,
                        format!("the SQL yields no column `{}`", **name),
                    )
                    .at((declaration.source(), name.span()))
                    .maybe_hint(did_you_mean(name, columns)),
                );
            }
        }
        let by_period_of = match spec.materialized {
            Materialized::ByPeriod => {
                let found = self.source_with_periods(&inputs, declaration);
                self.found.take(found)
            }
            Materialized::Parquet | Materialized::View => None,
        };
        let checks = self.checks(table, &spec.checks, declaration.source(), &declaration.span);
        let order = if spec.grain.is_empty() {
            schema.fields().iter().map(|f| f.name().clone()).collect()
        } else {
            spec.grain.iter().map(|g| g.as_str().to_owned()).collect()
        };
        let body = Body::Model(Box::new(ModelNode {
            spec: spec.clone(),
            query,
            materialized: spec.materialized,
            by_period_of,
            order,
            checks,
        }));
        self.keep(
            table,
            declaration,
            spec.tags.clone(),
            spec.description.clone(),
            schema,
            inputs,
            body,
        );
    }

    /// The one source that a model reads, whose files say which period they are of.
    fn source_with_periods(
        &self,
        inputs: &BTreeSet<TableName>,
        declaration: &Declaration<'a>,
    ) -> Result<TableName> {
        let mut sources = inputs.iter().filter(|i| i.kind == TableKind::Source);
        let refused = |reason: String| {
            Diagnostic::error(Code::Contract, reason)
                .at((declaration.source(), declaration.span.clone()))
                .hint("leave `materialized` out, or let the SQL read one source whose `files` capture `period`")
        };
        let (Some(source), None) = (sources.next(), sources.next()) else {
            return Err(refused(
                "a model that is made by period reads one source, and models and references"
                    .to_owned(),
            )
            .into());
        };
        let files = self.declarations.get(source).and_then(|d| match d.body {
            Declared::Source(spec) => Some(&spec.files),
            Declared::Model(_) | Declared::Mart(_) => None,
        });
        let is_upsert =
            |files: &Files| matches!(files.delivery.as_deref(), Some(Delivery::Upsert(_)));
        match files {
            Some(files) if files.captures.get("period").is_some() && !is_upsert(files) => {
                Ok(source.clone())
            }
            _ => Err(refused(format!("the files of {source} are not of one period each")).into()),
        }
    }

    async fn mart(
        &mut self,
        table: &TableName,
        spec: &Mart,
        declaration: &Declaration<'a>,
        parsed: Option<Parsed>,
    ) {
        let text = declaration.source();
        marts::check_declaration(spec, text, &self.project.settings, &mut self.found);
        self.check_targets(spec, text);
        let contract = marts::contract(spec);
        // Readers of the mart see its contract, even if its own SQL is at fault.
        self.know(table, &session::nullable(&contract));
        let checks = self.checks(table, &spec.checks, text, &declaration.span);
        let Some(Planned {
            query,
            mut inputs,
            schema,
            identifiable,
            naming,
        }) = self.plan(parsed).await
        else {
            return;
        };
        let mut found = Diagnostics::default();
        marts::check_contract(spec, &contract, &schema, &query.source, text, &mut found);
        let kept_out = if marts::is_person_level(spec) {
            &naming
        } else {
            &identifiable
        };
        marts::check_identifiable(spec, kept_out, &query.source, &mut found);
        self.found.extend(found);
        self.identifiable.insert(table.clone(), identifiable);
        self.naming.insert(table.clone(), naming);
        if spec.rates.iter().any(Rate::has_target) {
            inputs.insert(targets());
        }
        let published = (self.published)(&contract, spec);
        let body = Body::Mart(Box::new(MartNode {
            spec: spec.clone(),
            query,
            contract: Arc::clone(&contract),
            relations: relations(spec),
            published,
            checks,
        }));
        self.keep(
            table,
            declaration,
            spec.tags.clone(),
            spec.description.clone(),
            contract,
            inputs,
            body,
        );
    }

    /// Rates with targets need `reference.targets` with its columns.
    fn check_targets(&mut self, spec: &Mart, text: &Arc<SourceText>) {
        let series = spec
            .rates
            .iter()
            .flat_map(|r| [&r.target, &r.target_column]);
        let Some(target) = series.flatten().next() else {
            return;
        };
        let columns = ["measure", "valid_from", "valid_to", "value"];
        let missing: Vec<&str> = match self.schemas.get(&targets()) {
            Some(schema) => columns
                .into_iter()
                .filter(|c| schema.field_with_name(c).is_err())
                .collect(),
            None => columns.to_vec(),
        };
        if !missing.is_empty() {
            self.found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!(
                        "targets need a table `{}` with {}",
                        targets(),
                        missing.join(", ")
                    ),
                )
                .at((text, target.span())),
            );
        }
    }

    async fn plan(&mut self, parsed: Option<Parsed>) -> Option<Planned> {
        let Parsed { query, inputs } = parsed?;
        if inputs.iter().any(|i| !self.schemas.contains_key(i)) {
            // What it reads is at fault, and said: more would be noise.
            return None;
        }
        let day = NaiveDate::default();
        let (state, statement) = (self.context.state(), query.at(day));
        let plan = diagnose::written(&state, &query.source, &statement).await;
        let plan = self.found.take(plan)?;
        let (written, source) = (plan.clone(), Arc::clone(&query.source));
        let kept = (!query.reads_as_of).then(|| Arc::clone(&query.optimised));
        // What reads this table needs its columns alone: meanwhile its types are checked.
        self.checking.push(SpawnedTask::spawn(async move {
            let optimised = diagnose::checked(&state, &source, &statement, &written).await?;
            if let Some(kept) = kept {
                // Nobody else sets it.
                let _ = kept.set(optimised);
            }
            Ok(())
        }));
        let schema = plan.schema().as_arrow().clone();
        self.check_result(&query.source, &schema);
        let carrying = |tables: &lineage::Identifiable| -> BTreeSet<String> {
            let carries = lineage::identifiable(&plan, tables);
            let fields = schema.fields().iter().zip(carries);
            fields
                .filter(|(_, carries)| *carries)
                .map(|(field, _)| field.name().clone())
                .collect()
        };
        let (identifiable, naming) = (carrying(&self.identifiable), carrying(&self.naming));
        Some(Planned {
            query,
            inputs,
            schema,
            identifiable,
            naming,
        })
    }

    /// Reports columns of a result that have no name or share one.
    fn check_result(&mut self, source: &Arc<SourceText>, schema: &Schema) {
        let mut seen = BTreeSet::new();
        for field in schema.fields() {
            let plain = field
                .name()
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_');
            let fault = if !seen.insert(field.name()) {
                "two columns of the result are called"
            } else if !plain {
                "a column of the result has no name of its own:"
            } else {
                continue;
            };
            self.found.push(
                Diagnostic::error(Code::SqlPlan, format!("{fault} `{}`", field.name()))
                    .at((source, 0..0))
                    .hint("name it: expression AS name"),
            );
        }
    }

    /// The columns a model has once it is stored, in types that every step agrees on.
    fn stored_schema(&mut self, query: &Query, schema: Schema) -> SchemaRef {
        let fields: Vec<Field> = schema
            .fields()
            .iter()
            .map(|field| {
                if field.data_type() == &DataType::Null {
                    self.found.push(
                        Diagnostic::error(
                            Code::SqlPlan,
                            format!("`{}` is nothing but NULL: it has no type", field.name()),
                        )
                        .at((&query.source, 0..0))
                        .hint("cast it: CAST(NULL AS DATE)"),
                    );
                }
                Field::new(field.name(), stored_type(field.data_type()), true)
            })
            .collect();
        Arc::new(Schema::new(fields))
    }

    fn checks(
        &mut self,
        table: &TableName,
        checks: &[TableCheck],
        text: &Arc<SourceText>,
        span: &Range<usize>,
    ) -> Vec<PlannedCheck> {
        checks::plan(
            &self.context,
            table,
            checks,
            &self.schemas,
            text,
            span,
            &mut self.found,
        )
    }
}

fn targets() -> TableName {
    TableName::new(TableKind::Reference, "targets")
}
/// The type a column is stored in: no views, no dictionaries, no unsigned, no nanoseconds.
fn stored_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Utf8View | DataType::LargeUtf8 => DataType::Utf8,
        DataType::Dictionary(_, value) => stored_type(value),
        t if t.is_integer() => DataType::Int64,
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, _) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        other => other.clone(),
    }
}
