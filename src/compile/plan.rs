//! The plan: what `compile` makes of a project. Immutable; every name, type and order settled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::parser::Statement;

use crate::diag::SourceText;
use crate::spec::parameter::ParameterType;
use crate::spec::{
    Files, Mart, Materialized, Model, OnFail, Reader, Settings, Source, TableCheck, Threshold,
};

use super::relations::Relation;
use super::{SystemTable, TableName};

/// A project that checks.
#[derive(Debug)]
pub struct Plan {
    /// The settings of the target.
    pub settings: Settings,
    /// Every source, model and mart; each after all that it reads.
    pub nodes: Vec<Node>,
}

impl Plan {
    /// The node of that name.
    pub fn node(&self, name: &TableName) -> Option<&Node> {
        self.nodes.iter().find(|n| n.name == *name)
    }
}

/// A table of the warehouse and how it comes to be.
#[derive(Debug)]
pub struct Node {
    /// Its name.
    pub name: TableName,
    /// The pipeline that declares it.
    pub pipeline: String,
    /// The pipeline's tags and its own.
    pub tags: Vec<String>,
    /// Who can mend it: the pipeline's owner.
    pub owner: Option<String>,
    /// What one row is.
    pub description: Option<String>,
    /// The columns it has in SQL.
    pub schema: SchemaRef,
    /// The columns that carry identifiable values.
    pub identifiable: BTreeSet<String>,
    /// The tables it reads, sorted.
    pub inputs: Vec<TableName>,
    /// How it comes to be.
    pub body: Body,
}

/// How a table comes to be.
#[derive(Debug)]
pub enum Body {
    /// From files.
    Source(Arc<SourceNode>),
    /// From SQL, kept inside.
    Model(Box<ModelNode>),
    /// From SQL, published.
    Mart(Box<MartNode>),
    /// From what the warehouse knows of itself.
    System(SystemTable),
}

/// A source or reference, ready to be ingested.
#[derive(Debug)]
pub struct SourceNode {
    /// Its contract.
    pub spec: Source,
    /// The text that declares it, for places.
    pub source: Arc<SourceText>,
    /// Its files in this target.
    pub files: Files,
    /// Whether this target has nothing of it.
    pub absent: bool,
    /// How to read them.
    pub reader: Reader,
    /// The folder that `files.path` is below.
    pub root: PathBuf,
    /// Rules on rows, planned against [`Node::schema`].
    pub rules: Vec<RowRule>,
    /// Rules that drop rows before any other rule sees them.
    pub drops: Vec<DropRule>,
}

/// A rule that drops rows of a source.
#[derive(Debug)]
pub struct DropRule {
    /// What dropped rows are counted under.
    pub name: String,
    /// Rows for which it is true are dropped; null is not.
    pub expression: Expr,
}

impl SourceNode {
    /// The columns of other tables that its rows' values must stand in: the table and the column.
    pub fn related(&self) -> impl Iterator<Item = (&TableName, &str)> {
        self.rules.iter().filter_map(|rule| match &rule.test {
            RowTest::Relationship { table, field, .. } => Some((table, field.as_str())),
            _ => None,
        })
    }
}

/// A rule on a source's rows.
#[derive(Debug)]
pub struct RowRule {
    /// Its name in reports.
    pub name: String,
    /// What it asks of a row.
    pub test: RowTest,
    /// What happens to the row.
    pub on_fail: OnFail,
    /// From here it is worth a warning.
    pub warn_if: Option<Threshold>,
    /// From here the file stops the run.
    pub error_if: Option<Threshold>,
}

/// What a rule asks of a row.
#[derive(Debug)]
pub enum RowTest {
    /// Broken where false; null passes.
    Expression(Expr),
    /// Broken where an earlier row of the file that stands agrees on these columns; null passes.
    Unique(Vec<String>),
    /// Broken where the column's value is not in a column of another table; null passes.
    Relationship {
        /// The source's column.
        column: String,
        /// The other table.
        table: TableName,
        /// Its column.
        field: String,
    },
}

/// SQL, parsed, every `$parameter` it names declared.
#[derive(Debug)]
pub struct Query {
    /// The text.
    pub source: Arc<SourceText>,
    /// The statement, with its placeholders; see [`Query::at`].
    pub statement: Statement,
    /// The parameters it names, each with its value.
    pub parameters: BTreeMap<String, Bound>,
    /// Whether it reads `$as_of`.
    pub reads_as_of: bool,
    /// The optimised plan on empty tables, once it was checked; none where it reads `$as_of`, which
    /// only a run knows.
    pub optimised: Arc<OnceLock<LogicalPlan>>,
}

/// A parameter's type and value.
#[derive(Debug, Clone)]
pub struct Bound {
    /// Its type.
    pub kind: ParameterType,
    /// Its value, as the YAML writes it.
    pub value: String,
}

/// A model.
#[derive(Debug)]
pub struct ModelNode {
    /// What the YAML says.
    pub spec: Model,
    /// Its SQL.
    pub query: Query,
    /// How it is kept.
    pub materialized: Materialized,
    /// The source whose periods are made one by one, for [`Materialized::ByPeriod`].
    pub by_period_of: Option<TableName>,
    /// The columns that its rows are sorted by: its grain, or all of them.
    pub order: Vec<String>,
    /// Rules on its rows.
    pub checks: Vec<PlannedCheck>,
}

/// A mart.
#[derive(Debug)]
pub struct MartNode {
    /// What the YAML says.
    pub spec: Mart,
    /// Its SQL.
    pub query: Query,
    /// The contract as Arrow: exactly the columns the YAML lists, before rates are added.
    pub contract: SchemaRef,
    /// What must be true of the counts of every row, as its rates and checks state it.
    pub relations: Vec<Relation>,
    /// The columns readers see: the contract and the rates.
    pub published: SchemaRef,
    /// Rules on its rows.
    pub checks: Vec<PlannedCheck>,
}

/// A rule on a table, named, its expressions known to plan.
#[derive(Debug, Clone)]
pub struct PlannedCheck {
    /// Its name in reports and manifests.
    pub name: String,
    /// What it says.
    pub spec: TableCheck,
    /// Its expression, over the table's columns.
    pub expression: Option<Expr>,
    /// Its `where`, over the table's columns.
    pub filter: Option<Expr>,
    /// The text that declares it, for places.
    pub source: Arc<SourceText>,
    /// Where in it.
    pub span: std::ops::Range<usize>,
}

impl PlannedCheck {
    /// The table that it holds its own against, if it does.
    pub fn other(&self) -> Option<TableName> {
        let related = self.spec.relationships.as_ref().map(|r| &r.to);
        let other = related.or(self.spec.reconciles.as_ref().map(|r| &r.to));
        TableName::parse(other?)
    }
}
