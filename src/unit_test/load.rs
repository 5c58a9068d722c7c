//! Reads the tests and holds them against the plan.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Schema, SchemaRef};

use crate::compile::{Body, Bound, Node, Plan, Query, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText, did_you_mean};
use crate::spec::project::{list, read_text};
use crate::spec::settings::parse_date;
use crate::spec::unit_test::{Comparison, Row, TestFile, UnitTest};
use crate::spec::{Sp, yaml};

use super::people::People;
use super::rows;

/// A test whose every name is known.
#[derive(Debug)]
pub struct PlannedTest {
    /// Its name.
    pub name: String,
    /// What it shows.
    pub description: Option<String>,
    /// The file it stands in.
    pub source: Arc<SourceText>,
    /// Where its expected rows stand.
    pub span: std::ops::Range<usize>,
    /// The table under test.
    pub table: TableName,
    /// The rows of each table it reads.
    pub given: BTreeMap<TableName, RecordBatch>,
    /// The values of the parameters.
    pub parameters: BTreeMap<String, Bound>,
    /// The clock.
    pub as_of: NaiveDate,
    /// The columns compared, with the expected rows.
    pub expected: RecordBatch,
    /// Who is named in its rows.
    pub people: People,
}

/// Reads `tests/pipelines/*.yaml`.
///
/// # Errors
/// Everything in them that is wrong.
pub fn load(root: &Path, plan: &Plan) -> Result<Vec<PlannedTest>> {
    let mut found = Diagnostics::default();
    let mut tests: Vec<PlannedTest> = Vec::new();
    for path in list(&root.join("tests/pipelines"), "yaml", &mut found) {
        let shown = path
            .strip_prefix(root)
            .unwrap_or(&path)
            .to_string_lossy()
            .into_owned();
        let Some(source) = found.take(read_text(&path, &shown)) else {
            continue;
        };
        let Some(file) = found.take(yaml::read::<TestFile>(&source)) else {
            continue;
        };
        for test in &file.tests {
            let same =
                |t: &&PlannedTest| t.name == test.name.as_str() && t.table.to_string() == *test.of;
            if let Some(first) = tests.iter().find(same) {
                found.push(
                    Diagnostic::error(
                        Code::DuplicateName,
                        format!("two tests of {} are called `{}`", *test.of, *test.name),
                    )
                    .at((&source, test.name.span()))
                    .hint(format!("the other is in {}", first.source.path)),
                );
            }
            if let Some(planned) = found.take(plan_test(plan, &source, test)) {
                tests.push(planned);
            }
        }
    }
    if found.has_errors() {
        Err(found.sorted())
    } else {
        Ok(tests)
    }
}

/// The query of a model or mart.
pub fn query(node: &Node) -> Option<&Query> {
    match &node.body {
        Body::Source(_) | Body::System(_) => None,
        Body::Model(model) => Some(&model.query),
        Body::Mart(mart) => Some(&mart.query),
    }
}

fn plan_test(plan: &Plan, source: &Arc<SourceText>, test: &UnitTest) -> Result<PlannedTest> {
    let mut found = Diagnostics::default();
    let node = TableName::parse(&test.of).and_then(|t| plan.node(&t));
    let Some((node, query)) = node.and_then(|n| Some((n, query(n)?))) else {
        let tables: Vec<String> = plan
            .nodes
            .iter()
            .filter(|n| query(n).is_some())
            .map(|n| n.name.to_string())
            .collect();
        return Err(Diagnostic::error(
            Code::UnknownName,
            format!("there is no model or mart `{}`", *test.of),
        )
        .at((source, test.of.span()))
        .maybe_hint(did_you_mean(&test.of, tables.iter().map(String::as_str)))
        .into());
    };
    let mut people = People::of(plan);
    let given = given(plan, node, source, test, &mut people, &mut found);
    let parameters = parameters(query, source, test, &mut found);
    let expected = found.take(expected(&node.schema, source, test, &mut people));
    let as_of = test.as_of.as_ref().map(|d| {
        parse_date(d).unwrap_or_else(|| {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("`{}` is not a day of the calendar", **d),
                )
                .at((source, d.span())),
            );
            NaiveDate::default()
        })
    });
    if as_of.is_none() && query.reads_as_of {
        found.push(
            Diagnostic::error(
                Code::MissingKey,
                "the SQL reads $as_of: the test needs a clock",
            )
            .at((source, test.name.span()))
            .hint("add `as_of: 2026-03-31`"),
        );
    }
    match expected {
        Some(expected) if !found.has_errors() => Ok(PlannedTest {
            name: test.name.as_str().to_owned(),
            description: test.description.clone(),
            source: Arc::clone(source),
            span: test.name.span(),
            table: node.name.clone(),
            given,
            parameters,
            as_of: as_of.unwrap_or_default(),
            expected,
            people,
        }),
        _ => Err(found),
    }
}

fn given(
    plan: &Plan,
    node: &Node,
    source: &Arc<SourceText>,
    test: &UnitTest,
    people: &mut People,
    found: &mut Diagnostics,
) -> BTreeMap<TableName, RecordBatch> {
    let mut given = BTreeMap::new();
    for (name, rows) in test.given.iter() {
        let input = TableName::parse(name).filter(|t| node.inputs.contains(t));
        let Some(input) = input.as_ref().and_then(|t| plan.node(t)) else {
            let inputs: Vec<String> = node.inputs.iter().map(ToString::to_string).collect();
            found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("{} does not read `{}`", node.name, **name),
                )
                .at((source, name.span()))
                .hint(format!("it reads {}", inputs.join(", "))),
            );
            continue;
        };
        if let Some(batch) = found.take(rows::batch(&input.schema, rows, source, people)) {
            given.insert(input.name.clone(), batch);
        }
    }
    given
}

fn parameters(
    query: &Query,
    source: &Arc<SourceText>,
    test: &UnitTest,
    found: &mut Diagnostics,
) -> BTreeMap<String, Bound> {
    let mut parameters = query.parameters.clone();
    for (name, value) in test.parameters.iter() {
        let place = (source, name.span());
        match parameters.get_mut(name.as_str()) {
            Some(bound) if crate::compile::sql::literal(bound.kind, &value.0).is_some() => {
                bound.value = value.0.clone();
            }
            Some(bound) => found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("`{}` is not {:?}", value.0, bound.kind).to_lowercase(),
                )
                .at((source, value.span())),
            ),
            None => found.push(
                Diagnostic::error(
                    Code::SqlParameter,
                    format!("the SQL names no parameter `${}`", **name),
                )
                .at(place)
                .maybe_hint(did_you_mean(
                    name,
                    query.parameters.keys().map(String::as_str),
                )),
            ),
        }
    }
    parameters
}

/// The expected rows, in the columns that are compared.
fn expected(
    schema: &SchemaRef,
    source: &Arc<SourceText>,
    test: &UnitTest,
    people: &mut People,
) -> Result<RecordBatch> {
    let compared = match test.comparison {
        Comparison::Exact => Arc::clone(schema),
        Comparison::Subset => {
            let named = |name: &str| test.expect.iter().any(|Row(row)| row.get(name).is_some());
            let fields: Vec<_> = schema
                .fields()
                .iter()
                .filter(|f| named(f.name()))
                .cloned()
                .collect();
            // Expecting no rows names no columns: then all of them count.
            if fields.is_empty() {
                Arc::clone(schema)
            } else {
                Arc::new(Schema::new(fields))
            }
        }
    };
    let unknown: Diagnostics = test
        .expect
        .iter()
        .flat_map(|Row(row)| row.iter())
        .filter(|(name, _)| schema.field_with_name(name).is_err())
        .map(|(name, _)| unknown_column(schema, name, source))
        .collect();
    if unknown.has_errors() {
        return Err(unknown);
    }
    rows::batch(&compared, &test.expect, source, people)
}

/// A diagnostic for a column that a table does not have.
pub fn unknown_column(
    schema: &SchemaRef,
    name: &Sp<String>,
    source: &Arc<SourceText>,
) -> Diagnostic {
    let columns = schema.fields().iter().map(|f| f.name().as_str());
    Diagnostic::error(
        Code::UnknownName,
        format!("the table has no column `{}`", **name),
    )
    .at((source, name.span()))
    .maybe_hint(did_you_mean(name, columns))
}
