//! A project to a plan: the phases in their order, each collecting what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::ScalarUDF;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText, did_you_mean};
use crate::spec::{Project, Sp};

use super::names::{Declaration, Declarations, Declared};
use super::{
    Body, MartNode, ModelNode, Node, Plan, Query, SourceNode, TableKind, TableName, checks,
    diagnose, graph, lineage, marts, names, session, sources, sql,
};

/// What the publish step will make of a mart's contract: the contract and the rates.
pub type PublishedSchema = fn(&SchemaRef, &crate::spec::Mart) -> SchemaRef;

/// Checks a project and settles everything that can be settled without data. Returns the plan
/// with the warnings.
///
/// # Errors
/// Everything that is wrong, all at once.
pub async fn compile(
    project: &Project,
    functions: &[ScalarUDF],
    published: PublishedSchema,
) -> Result<(Plan, Diagnostics)> {
    let context = session::context(
        session::config(1),
        Arc::new(RuntimeEnv::default()),
        functions,
    );
    let mut found = Diagnostics::default();
    let declarations = names::collect(project, &mut found);
    check_parameters(project, &mut found);
    sources::check_overrides(project, &declarations, &mut found);

    let mut compiler = Compiler {
        project,
        context,
        published,
        declarations,
        schemas: BTreeMap::new(),
        identifiable: BTreeMap::new(),
        nodes: BTreeMap::new(),
        found,
    };
    compiler.sources();
    let queries = compiler.queries();
    let order = compiler.order(&queries);
    compiler.tables(&order, queries).await;
    compiler.unused_sql();

    let Compiler {
        mut nodes, found, ..
    } = compiler;
    let settings = project.settings.clone();
    found.into_result(|| Plan {
        settings,
        nodes: order.iter().filter_map(|name| nodes.remove(name)).collect(),
    })
}

struct Compiler<'a> {
    project: &'a Project,
    context: SessionContext,
    published: PublishedSchema,
    declarations: Declarations<'a>,
    schemas: checks::Schemas,
    identifiable: lineage::Identifiable,
    nodes: BTreeMap<TableName, Node>,
    found: Diagnostics,
}

/// What planning a query settles.
struct Planned {
    query: Query,
    inputs: BTreeSet<TableName>,
    schema: Schema,
    /// The columns that carry identifiable values.
    identifiable: BTreeSet<String>,
}

/// A parsed statement with the tables it reads.
struct Parsed {
    query: Query,
    inputs: BTreeSet<TableName>,
}

impl<'a> Compiler<'a> {
    fn sources(&mut self) {
        let declarations = self.declarations.clone();
        for (table, declaration) in &declarations {
            if let Declared::Source(spec) = declaration.body
                && let Some((node, schema)) = sources::compile(
                    &self.context,
                    self.project,
                    table,
                    spec,
                    declaration.source(),
                    &mut self.found,
                )
            {
                self.know(table, &schema);
                let marked = spec.columns.iter().filter(|c| c.is_identifiable());
                let marked = marked.map(|c| c.staged_name().to_owned()).collect();
                self.identifiable.insert(table.clone(), marked);
                self.check_expected(&node);
                let inputs = node
                    .spec
                    .freshness
                    .iter()
                    .filter_map(|f| f.expected.as_ref());
                let inputs = inputs.filter_map(|e| TableName::parse(&e.from)).collect();
                let tags = spec.tags.clone();
                self.keep(
                    table,
                    declaration,
                    tags,
                    spec.description.clone(),
                    schema,
                    inputs,
                    Body::Source(Arc::new(node)),
                );
            }
        }
    }

    /// `freshness.expected` must name a capture and a reference.
    fn check_expected(&mut self, node: &SourceNode) {
        let Some(expected) = node
            .spec
            .freshness
            .as_ref()
            .and_then(|f| f.expected.as_ref())
        else {
            return;
        };
        if node.files.captures.get(&expected.by).is_none() {
            self.found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("`{}` is not a capture", *expected.by),
                )
                .at((&node.source, expected.by.span()))
                .maybe_hint(did_you_mean(&expected.by, node.files.captures.names())),
            );
        }
        let reference = TableName::parse(&expected.from).filter(|t| t.kind == TableKind::Reference);
        if !reference.is_some_and(|t| self.declarations.contains_key(&t)) {
            self.found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("there is no reference `{}`", *expected.from),
                )
                .at((&node.source, expected.from.span())),
            );
        }
    }

    /// Parses the SQL of every model and mart.
    fn queries(&mut self) -> BTreeMap<TableName, Option<Parsed>> {
        let declarations = self.declarations.clone();
        let mut queries = BTreeMap::new();
        for (table, declaration) in &declarations {
            let (file, checks) = match declaration.body {
                Declared::Source(_) => continue,
                Declared::Model(model) => (&model.sql, &model.checks),
                Declared::Mart(mart) => (&mart.sql, &mart.checks),
            };
            let mut parsed = self.query(file, declaration);
            for other in checks::other_tables(checks) {
                let place = (declaration.source(), other.span());
                match TableName::parse(other).filter(|t| self.declarations.contains_key(t)) {
                    Some(name) if name == *table => self.found.push(
                        Diagnostic::error(
                            Code::WrongValue,
                            "a check cannot compare a table with itself",
                        )
                        .at(place),
                    ),
                    Some(name) => {
                        if let Some(parsed) = &mut parsed {
                            parsed.inputs.insert(name);
                        }
                    }
                    None => self.found.push(
                        Diagnostic::error(
                            Code::UnknownName,
                            format!("there is no table `{}`", **other),
                        )
                        .at(place),
                    ),
                }
            }
            queries.insert(table.clone(), parsed);
        }
        queries
    }

    fn query(&mut self, file: &Sp<String>, declaration: &Declaration<'a>) -> Option<Parsed> {
        let Some(source) = self.project.sql.get(file.as_str()) else {
            let there = self.project.sql.keys().map(String::as_str);
            self.found.push(
                Diagnostic::error(
                    Code::MissingFile,
                    format!("there is no SQL file `sql/{}`", **file),
                )
                .at((declaration.source(), file.span()))
                .label("named here")
                .maybe_hint(did_you_mean(file, there)),
            );
            return None;
        };
        let statement = self.found.take(sql::parse(source))?;
        sql::check_functions(&self.context, source, &statement, &mut self.found);
        let tables = self
            .found
            .take(sql::tables(&self.context, source, &statement));
        let parameters = declaration.file.spec.parameters.iter();
        let parameters: sql::Parameters<'_> = parameters.map(|(n, p)| (n.as_str(), p)).collect();
        let query = self.found.take(sql::query(source, statement, &parameters));
        let tables = tables?;
        for (table, place) in &tables {
            if !self.declarations.contains_key(table) {
                self.found.push(
                    names::unknown_table(&self.declarations, table, Code::SqlUnknownTable)
                        .at((source, place.clone())),
                );
            }
        }
        Some(Parsed {
            query: query?,
            inputs: tables.into_keys().collect(),
        })
    }

    /// The order of all tables. A circle is reported, and what is in it or after it left out.
    fn order(&mut self, queries: &BTreeMap<TableName, Option<Parsed>>) -> Vec<TableName> {
        let mut edges: BTreeMap<TableName, BTreeSet<TableName>> = BTreeMap::new();
        for table in self.declarations.keys() {
            let inputs = match queries.get(table) {
                Some(Some(parsed)) => parsed.inputs.clone(),
                Some(None) => BTreeSet::new(),
                None => self
                    .nodes
                    .get(table)
                    .map(|n| n.inputs.iter().cloned().collect())
                    .unwrap_or_default(),
            };
            edges.insert(table.clone(), inputs);
        }
        loop {
            match graph::order(&edges) {
                Ok(order) => return order,
                Err(circle) => {
                    let names: Vec<String> = circle.iter().map(ToString::to_string).collect();
                    let mut diagnostic =
                        Diagnostic::error(Code::Cycle, "these tables read each other in a circle")
                            .label(names.join(" reads "))
                            .hint("one of them must stop reading another");
                    if let Some(declaration) = circle.first().and_then(|t| self.declarations.get(t))
                    {
                        diagnostic =
                            diagnostic.at((declaration.source(), declaration.span.clone()));
                    }
                    self.found.push(diagnostic);
                    for table in &circle {
                        edges.insert(table.clone(), BTreeSet::new());
                    }
                }
            }
        }
    }

    /// Plans every model and mart on the declared columns of what it reads.
    async fn tables(
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
                Declared::Mart(spec) => self.mart(table, spec, &declaration, parsed).await,
            }
        }
    }

    async fn model(
        &mut self,
        table: &TableName,
        spec: &crate::spec::Model,
        declaration: &Declaration<'a>,
        parsed: Option<Parsed>,
    ) {
        let Some(Planned {
            query,
            inputs,
            schema,
            identifiable,
        }) = self.plan(parsed).await
        else {
            return;
        };
        self.identifiable.insert(table.clone(), identifiable);
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

    async fn mart(
        &mut self,
        table: &TableName,
        spec: &crate::spec::Mart,
        declaration: &Declaration<'a>,
        parsed: Option<Parsed>,
    ) {
        let text = declaration.source();
        marts::check_declaration(
            spec,
            text,
            &self.project.settings.audiences,
            &mut self.found,
        );
        self.check_targets(spec, text);
        let contract = marts::contract(spec);
        // Readers of the mart see its contract, even if its own SQL is at fault.
        self.know(table, &contract);
        let checks = self.checks(table, &spec.checks, text, &declaration.span);
        let Some(Planned {
            query,
            mut inputs,
            schema,
            identifiable,
        }) = self.plan(parsed).await
        else {
            return;
        };
        let mut found = Diagnostics::default();
        marts::check_contract(spec, &contract, &schema, &query.source, text, &mut found);
        marts::check_identifiable(spec, &identifiable, &query.source, &mut found);
        self.found.extend(found);
        if spec.rates.iter().any(|r| r.target.is_some()) {
            inputs.insert(targets());
        }
        let published = (self.published)(&contract, spec);
        let body = Body::Mart(Box::new(MartNode {
            spec: spec.clone(),
            query,
            contract: Arc::clone(&contract),
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
    fn check_targets(&mut self, spec: &crate::spec::Mart, text: &Arc<SourceText>) {
        let Some(target) = spec.rates.iter().find_map(|r| r.target.as_ref()) else {
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
        let state = self.context.state();
        let plan = diagnose::plan(&state, &query.source, query.at(day)).await;
        let plan = self.found.take(plan)?;
        let schema = plan.schema().as_arrow().clone();
        self.check_result(&query.source, &schema);
        let carries = lineage::identifiable(&plan, &self.identifiable);
        let identifiable = schema
            .fields()
            .iter()
            .zip(carries)
            .filter(|(_, carries)| *carries)
            .map(|(field, _)| field.name().clone())
            .collect();
        Some(Planned {
            query,
            inputs,
            schema,
            identifiable,
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
        checks: &[crate::spec::TableCheck],
        text: &Arc<SourceText>,
        span: &Range<usize>,
    ) -> Vec<super::PlannedCheck> {
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

    fn know(&mut self, table: &TableName, schema: &SchemaRef) {
        self.schemas.insert(table.clone(), Arc::clone(schema));
        let registered = session::register_empty(&self.context, table, Arc::clone(schema));
        self.found.take(registered);
    }

    #[allow(clippy::too_many_arguments)]
    fn keep(
        &mut self,
        table: &TableName,
        declaration: &Declaration<'a>,
        own_tags: Vec<String>,
        description: Option<String>,
        schema: SchemaRef,
        inputs: BTreeSet<TableName>,
        body: Body,
    ) {
        let pipeline = &declaration.file.spec;
        let mut tags = pipeline.tags.clone();
        tags.extend(own_tags);
        self.nodes.insert(
            table.clone(),
            Node {
                name: table.clone(),
                pipeline: pipeline.pipeline.as_str().to_owned(),
                tags,
                owner: pipeline.owner.clone(),
                description,
                schema,
                identifiable: self.identifiable.get(table).cloned().unwrap_or_default(),
                inputs: inputs.into_iter().collect(),
                body,
            },
        );
    }

    /// SQL that nothing reads is a slip somewhere.
    fn unused_sql(&mut self) {
        let used: BTreeSet<&str> = self
            .declarations
            .values()
            .filter_map(|d| match d.body {
                Declared::Source(_) => None,
                Declared::Model(m) => Some(m.sql.as_str()),
                Declared::Mart(m) => Some(m.sql.as_str()),
            })
            .collect();
        for (file, source) in &self.project.sql {
            if !used.contains(file.as_str()) {
                self.found.push(
                    Diagnostic::warning(Code::MissingFile, "no pipeline uses this SQL file")
                        .at((source, 0..0))
                        .hint("declare it as a model or mart, or delete it"),
                );
            }
        }
    }
}

/// Reports parameters whose value is not of their type.
fn check_parameters(project: &Project, found: &mut Diagnostics) {
    for file in &project.pipelines {
        for (name, parameter) in file.spec.parameters.iter() {
            names::check_identifier(&file.source, name, found);
            if name.as_str() == sql::AS_OF {
                found.push(
                    Diagnostic::error(Code::DuplicateName, "`$as_of` is the run's own date")
                        .at((&file.source, name.span()))
                        .hint("call the parameter something else"),
                );
            }
            if sql::literal(parameter.kind, &parameter.value.0).is_none() {
                let kind = format!("{:?}", parameter.kind).to_lowercase();
                found.push(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!("`{}` is not {kind}", parameter.value.0),
                    )
                    .at((&file.source, parameter.value.span()))
                    .label(format!("`${}` is declared as {kind}", **name)),
                );
            }
        }
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
