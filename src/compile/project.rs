//! A project to a plan: the phases in their order, each collecting what it finds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::context::SessionContext;
use datafusion::execution::runtime_env::RuntimeEnv;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText, did_you_mean};
use crate::spec::{Project, Sp};

use super::names::{Declaration, Declarations, Declared};
use super::{
    Body, Node, Plan, Query, SourceNode, SystemTable, TableKind, TableName, absent, checks, graph,
    indicators, lineage, names, rules, session, sources, sql, submissions,
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
    functions: session::Functions,
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
        naming: BTreeMap::new(),
        nodes: BTreeMap::new(),
        generated: BTreeMap::new(),
        indicators_hold: None,
        checking: Vec::new(),
        found,
    };
    for table in SystemTable::ALL {
        compiler.know(&table.name(), &table.schema());
    }
    compiler.sources();
    compiler.generate();
    let queries = compiler.queries();
    let own = compiler.own_tables(&queries);
    let order = compiler.order(&queries, &own);
    compiler.tables(&order, queries).await;
    compiler.keep_own(own);
    compiler.unused_sql();

    compiler.unused_stores();

    let Compiler {
        mut nodes, found, ..
    } = compiler;
    let settings = project.settings.clone();
    let mut nodes: Vec<Node> = order.iter().filter_map(|name| nodes.remove(name)).collect();
    absent::allow_empty(&mut nodes);
    found.into_result(|| Plan { settings, nodes })
}

pub(super) struct Compiler<'a> {
    pub(super) project: &'a Project,
    pub(super) context: SessionContext,
    pub(super) published: PublishedSchema,
    pub(super) declarations: Declarations<'a>,
    pub(super) schemas: checks::Schemas,
    /// The columns of each table that carry identifiable values.
    pub(super) identifiable: lineage::Identifiable,
    /// Of these, the columns that carry more than pseudonyms.
    pub(super) naming: lineage::Identifiable,
    pub(super) nodes: BTreeMap<TableName, Node>,
    /// SQL that is written from the project, by what `sql:` calls it.
    generated: BTreeMap<&'static str, Arc<SourceText>>,
    /// Whether the columns of the indicators hold; nothing until it was asked.
    pub(super) indicators_hold: Option<bool>,
    /// Queries whose types are being checked.
    pub(super) checking: Vec<SpawnedTask<Result<()>>>,
    pub(super) found: Diagnostics,
}
/// A parsed statement with the tables it reads.
pub(super) struct Parsed {
    pub(super) query: Query,
    pub(super) inputs: BTreeSet<TableName>,
}
impl<'a> Compiler<'a> {
    fn unused_stores(&mut self) {
        let sources = self.nodes.values().filter_map(|node| match &node.body {
            Body::Source(source) => Some(&source.files),
            _ => None,
        });
        let files: Vec<_> = sources.collect();
        super::remote::unused(&self.project.settings, &files, &mut self.found);
    }

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
                let naming = spec.columns.iter().filter(|c| c.identifiable);
                let naming = naming.map(|c| c.staged_name().to_owned()).collect();
                self.naming.insert(table.clone(), naming);
                self.check_expected(&node);
                self.check_cancelled(table, &node);
                let mut inputs = rules::input_tables(table, spec);
                inputs.extend(submissions::cancelled(&node));
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
        // Only now are the columns of every reference known.
        for (table, declaration) in &declarations {
            if let Declared::Source(spec) = declaration.body {
                rules::relationships(
                    table,
                    spec,
                    &declarations,
                    &self.schemas,
                    declaration.source(),
                    &mut self.found,
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

    /// Writes the SQL that the indicators make, if they make any.
    fn generate(&mut self) {
        let entries = indicators::entries(self.project);
        if indicators::check::written(&entries, &self.declarations, &mut self.found) {
            self.generated = indicators::generated(&entries);
        } else {
            self.indicators_hold = Some(false);
        }
    }

    /// Parses the SQL of every model and mart.
    fn queries(&mut self) -> BTreeMap<TableName, Option<Parsed>> {
        let declarations = self.declarations.clone();
        let names: Vec<String> = declarations.keys().map(ToString::to_string).collect();
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
                        .at(place)
                        .maybe_hint(did_you_mean(other, names.iter().map(String::as_str))),
                    ),
                }
            }
            queries.insert(table.clone(), parsed);
        }
        queries
    }

    fn query(&mut self, file: &Sp<String>, declaration: &Declaration<'a>) -> Option<Parsed> {
        let generated = self.generated.get(file.as_str()).cloned();
        let source = generated.as_ref().or(self.project.sql.get(file.as_str()));
        let Some(source) = source else {
            if self.indicators_hold == Some(false) && indicators::is_generated(file) {
                return None;
            }
            let there = self.project.sql.keys().map(String::as_str);
            self.found.push(
                Diagnostic::error(
                    Code::MissingFile,
                    format!("there is no SQL file `sql/{}`", **file),
                )
                .at((declaration.source(), file.span()))
                .label("named here")
                .maybe_hint(match indicators::is_generated(file) {
                    true => {
                        Some("it is written from `indicators:`, and no pipeline has any".to_owned())
                    }
                    false => did_you_mean(
                        file,
                        there.chain([indicators::COUNTS, indicators::MEASURES]),
                    ),
                }),
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
            if !self.declarations.contains_key(table) && SystemTable::of(table).is_none() {
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

    /// The warehouse's own tables that SQL reads, each with what must be made before it: all that is
    /// received or, for checks, every model and mart that does not itself hang on them.
    fn own_tables(
        &self,
        queries: &BTreeMap<TableName, Option<Parsed>>,
    ) -> BTreeMap<SystemTable, BTreeSet<TableName>> {
        let parsed = || queries.iter().filter_map(|(t, p)| Some((t, p.as_ref()?)));
        let read: BTreeSet<SystemTable> = parsed()
            .flat_map(|(_, p)| p.inputs.iter().filter_map(SystemTable::of))
            .collect();
        let mut after = BTreeSet::from([SystemTable::Checks.name()]);
        loop {
            let more: Vec<&TableName> = parsed()
                .filter(|(t, p)| !after.contains(*t) && !p.inputs.is_disjoint(&after))
                .map(|(t, _)| t)
                .collect();
            if more.is_empty() {
                break;
            }
            after.extend(more.into_iter().cloned());
        }
        let tables = |table: SystemTable| {
            let all = self.declarations.keys();
            let wanted = all.filter(|t| match table.is_of_files() {
                true => t.is_received(),
                false => !t.is_received() && !after.contains(*t),
            });
            (table, wanted.cloned().collect())
        };
        read.into_iter().map(tables).collect()
    }

    fn keep_own(&mut self, own: BTreeMap<SystemTable, BTreeSet<TableName>>) {
        for (table, inputs) in own {
            let node = Node {
                name: table.name(),
                pipeline: TableKind::System.word().to_owned(),
                tags: Vec::new(),
                owner: None,
                description: Some(table.description().to_owned()),
                schema: table.schema(),
                identifiable: BTreeSet::new(),
                inputs: inputs.into_iter().collect(),
                body: Body::System(table),
            };
            self.nodes.insert(node.name.clone(), node);
        }
    }

    /// The order of all tables. A circle is reported, and what is in it or after it left out.
    fn order(
        &mut self,
        queries: &BTreeMap<TableName, Option<Parsed>>,
        own: &BTreeMap<SystemTable, BTreeSet<TableName>>,
    ) -> Vec<TableName> {
        let mut edges: BTreeMap<TableName, BTreeSet<TableName>> = own
            .iter()
            .map(|(table, inputs)| (table.name(), inputs.clone()))
            .collect();
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
    pub(super) fn know(&mut self, table: &TableName, schema: &SchemaRef) {
        self.schemas.insert(table.clone(), Arc::clone(schema));
        let registered = session::register_empty(&self.context, table, Arc::clone(schema));
        self.found.take(registered);
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn keep(
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
