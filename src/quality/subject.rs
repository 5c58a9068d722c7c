//! The table under check: its columns, its expressions, and examples from it.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::{Column, DataFusionError, TableReference};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlanBuilder};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::collect;
use datafusion::prelude::SessionContext;

use crate::compile::{PlannedCheck, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics, Result, did_you_mean};
use crate::engine;
use crate::functions::Refused;
use crate::spec::{Sensitivity, Sp};

use super::rule::Rule;

/// How many examples of broken rows are shown.
const EXAMPLES: usize = 3;

pub(super) struct Subject<'a> {
    ctx: &'a SessionContext,
    pub table: &'a TableName,
    pub grain: &'a [String],
    pub frame: DataFrame,
    sensitivity: Sensitivity,
}

/// A table's name as DataFusion has it.
pub(super) fn reference(table: &TableName) -> TableReference {
    TableReference::partial(table.kind.word(), table.name.as_str())
}

impl<'a> Subject<'a> {
    pub async fn open(
        ctx: &'a SessionContext,
        table: &'a TableName,
        sensitivity: Sensitivity,
        grain: &'a [String],
    ) -> Result<Self> {
        let frame = open(ctx, table).await?;
        Ok(Self {
            ctx,
            table,
            grain,
            frame,
            sensitivity,
        })
    }

    /// A table that is not there yet, of these columns.
    pub fn of_columns(
        ctx: &'a SessionContext,
        table: &'a TableName,
        schema: &SchemaRef,
        sensitivity: Sensitivity,
        grain: &'a [String],
    ) -> DataFusionResult<Self> {
        let rows = provider_as_source(Arc::new(EmptyTable::new(Arc::clone(schema))));
        let plan = LogicalPlanBuilder::scan(reference(table), rows, None)?.build()?;
        Ok(Self {
            ctx,
            table,
            grain,
            frame: DataFrame::new(ctx.state(), plan),
            sensitivity,
        })
    }

    /// An expression over its columns, ready for rows.
    pub fn physical(&self, expression: Expr) -> DataFusionResult<Arc<dyn PhysicalExpr>> {
        // As it is: a copy of a session costs more than an expression.
        let state = self.ctx.state_ref();
        let state = state.read();
        state.create_physical_expr(expression, self.frame.schema())
    }

    /// Another table, to be held against.
    pub async fn other(&self, table: &TableName) -> Result<DataFrame> {
        open(self.ctx, table).await
    }

    /// Values that a column of another table surely has, where that is known without reading it.
    pub async fn surely_in_other(&self, table: &TableName, column: &str) -> Option<DataFrame> {
        let values = engine::surely_has(self.ctx, table, column).await?;
        self.ctx.read_batch(values).ok()
    }

    /// A column of this table, by its exact name.
    pub fn column(&self, name: &str) -> Result<Expr> {
        column_of(&self.frame, self.table, name)
    }

    /// The same, for a name that stands in the YAML.
    pub fn declared_column(&self, check: &PlannedCheck, name: &Sp<String>) -> Result<Expr> {
        self.column(name).map_err(|found| {
            found
                .into_iter()
                .map(|d| d.at((&check.source, name.span())))
                .collect()
        })
    }

    /// A user's expression over this table's columns; it must be true or false. It is parsed, unless it
    /// is `planned` already.
    pub fn condition(
        &self,
        check: &PlannedCheck,
        sql: &Sp<String>,
        planned: Option<&Expr>,
    ) -> Result<Expr> {
        if let Some(planned) = planned {
            return Ok(planned.clone());
        }
        let place = (&check.source, sql.span());
        let unplanned = |e: DataFusionError| {
            Diagnostics::from(
                Diagnostic::error(
                    Code::SqlPlan,
                    format!(
                        "the expression of check `{}` does not plan: {}",
                        check.name,
                        e.strip_backtrace()
                    ),
                )
                .at(place),
            )
        };
        let expression = self.frame.parse_sql_expr(sql).map_err(unplanned)?;
        match expression.get_type(self.frame.schema()) {
            Ok(DataType::Boolean) => Ok(expression),
            Ok(other) => Err(Diagnostic::error(
                Code::SqlPlan,
                format!(
                    "the expression of check `{}` is {other}, not true or false",
                    check.name
                ),
            )
            .at((&check.source, sql.span()))
            .into()),
            Err(e) => Err(Diagnostic::error(
                Code::SqlPlan,
                format!(
                    "the expression of check `{}` does not plan: {}",
                    check.name,
                    e.strip_backtrace()
                ),
            )
            .at((&check.source, sql.span()))
            .into()),
        }
    }

    /// The rows the check looks at.
    pub fn looked_at(&self, rule: &Rule) -> Result<DataFrame> {
        match &rule.filter {
            Some(filter) => self
                .frame
                .clone()
                .filter(filter.clone())
                .map_err(|e| self.failed(rule, &e)),
            None => Ok(self.frame.clone()),
        }
    }

    /// Whether values of this table may be shown.
    pub fn may_show(&self) -> bool {
        self.sensitivity >= Sensitivity::Aggregate
    }

    /// Example keys of the rows for which `broken` is true.
    pub async fn rows_where(&self, rule: &Rule, broken: &Expr) -> Result<Vec<String>> {
        if !self.may_show() || self.grain.is_empty() {
            return Ok(Vec::new());
        }
        let frame = self
            .looked_at(rule)?
            .filter(broken.clone())
            .map_err(|e| self.failed(rule, &e))?;
        let keys = self
            .grain
            .iter()
            .map(|name| self.column(name))
            .collect::<Result<Vec<_>>>()?;
        self.keys(rule, frame, keys).await
    }

    /// The first few of a frame's rows, those columns only, as text; nothing where rows are about
    /// persons.
    pub async fn keys(
        &self,
        rule: &Rule,
        frame: DataFrame,
        keys: Vec<Expr>,
    ) -> Result<Vec<String>> {
        if !self.may_show() || keys.is_empty() {
            return Ok(Vec::new());
        }
        let first = frame
            .select(keys.clone())
            .and_then(|f| f.sort_by(keys))
            .and_then(|f| f.limit(0, Some(EXAMPLES)))
            .map_err(|e| self.failed(rule, &e))?;
        let batches = self.collect(rule, first).await?;
        Ok(batches.iter().flat_map(rows_as_text).collect())
    }

    /// Runs a query.
    pub async fn collect(&self, rule: &Rule, frame: DataFrame) -> Result<Vec<RecordBatch>> {
        frame.collect().await.map_err(|e| self.failed(rule, &e))
    }

    /// The same, for a query that says all there is to say: making a better one of it would cost more
    /// than a small table's rows.
    pub async fn collect_as_it_is(
        &self,
        rule: &Rule,
        frame: DataFrame,
    ) -> Result<Vec<RecordBatch>> {
        let run = async {
            let (state, plan) = frame.into_parts();
            let options = state.config_options();
            let plan = state
                .analyzer()
                .execute_and_check(plan, options, |_, _| ())?;
            let planner = state.query_planner();
            let plan = planner.create_physical_plan(&plan, &state).await?;
            collect(plan, state.task_ctx()).await
        };
        run.await.map_err(|e| self.failed(rule, &e))
    }

    /// A check that could not be answered. DataFusion's words may hold a value, so they are only
    /// passed on where values may be shown.
    pub fn failed(&self, rule: &Rule, error: &DataFusionError) -> Diagnostics {
        let what = format!("check `{}` of {} could not be run", rule.name, self.table);
        let finding = self.fault(what, error);
        match rule.place() {
            Some(place) => finding.at(place),
            None => finding,
        }
        .into()
    }

    /// The same, for a fault that is no single check's.
    pub fn fault(&self, what: String, error: &DataFusionError) -> Diagnostic {
        let root = error.find_root();
        if matches!(root, DataFusionError::ResourcesExhausted(_)) {
            return Diagnostic::error(Code::Memory, format!("{what}: out of memory"))
                .hint("give the target more memory, or fewer jobs at once");
        }
        // Our own functions never quote one.
        if let DataFusionError::External(e) = root
            && e.is::<Refused>()
        {
            return Diagnostic::error(Code::SqlRun, format!("{what}: {e}"));
        }
        if self.may_show() {
            Diagnostic::error(Code::SqlRun, format!("{what}: {}", root.strip_backtrace()))
        } else {
            Diagnostic::error(Code::SqlRun, what)
                .hint("the reason is left out: it might hold a value of the table")
        }
    }
}

async fn open(ctx: &SessionContext, table: &TableName) -> Result<DataFrame> {
    ctx.table(reference(table)).await.map_err(|_| {
        Diagnostic::error(Code::SqlUnknownTable, format!("there is no table {table}")).into()
    })
}

/// A column by its exact name: `col` would read the name as SQL and lower its case.
pub(super) fn column_of(frame: &DataFrame, table: &TableName, name: &str) -> Result<Expr> {
    let schema = frame.schema();
    let found = schema.iter().find(|(_, field)| field.name() == name);
    match found {
        Some((qualifier, _)) => Ok(Expr::Column(Column::new(qualifier.cloned(), name))),
        None => Err(Diagnostic::error(
            Code::SqlUnknownColumn,
            format!("{table} has no column `{name}`"),
        )
        .maybe_hint(did_you_mean(
            name,
            schema.fields().iter().map(|f| f.name().as_str()),
        ))
        .into()),
    }
}

fn rows_as_text(batch: &RecordBatch) -> Vec<String> {
    (0..batch.num_rows())
        .map(|row| {
            batch
                .schema()
                .fields()
                .iter()
                .zip(batch.columns())
                .map(|(field, array)| {
                    let value = if array.is_null(row) {
                        "null".to_owned()
                    } else {
                        array_value_to_string(array, row).unwrap_or_default()
                    };
                    format!("{}={value}", field.name())
                })
                .collect::<Vec<_>>()
                .join(", ")
        })
        .collect()
}
