//! Which columns of a result carry identifiable values.
//!
//! Follows values, not influence: a count of people, an age or a comparison is not identifying,
//! the value itself is, through any renaming, cast or function. In the answer to a question a
//! comparison is: whoever asks chooses what to compare with, and a few yes and no tell the value.
//! Works on the plan before optimisation, one set of columns a step; where a step is not understood
//! and anything above it is identifiable, everything is.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::DFSchema;
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan, Operator};

use super::TableName;

/// The identifiable columns of each table.
pub type Identifiable = BTreeMap<TableName, BTreeSet<String>>;

/// Aggregates that say how many, not who. A sum or a mean of one row is the row's value.
const COUNTING: &[&str] = &[
    "count",
    "bool_and",
    "bool_or",
    "approx_distinct",
    "row_number",
    "rank",
    "dense_rank",
    "ntile",
    "percent_rank",
    "cume_dist",
];

/// Functions whose result no longer shows the value.
const BLURRING: &[&str] = &["age_in_years"];

/// Whose plan it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// A model's or a mart's: the team has read it.
    ByTheTeam,
    /// Anybody's question.
    ByAnybody,
}

/// For each column of a model's or mart's plan, whether it carries identifiable values.
pub fn identifiable(plan: &LogicalPlan, tables: &Identifiable) -> Vec<bool> {
    follow(plan, tables, Asked::ByTheTeam)
}

/// For each column of the answer to a question, whether it tells identifiable values.
pub fn telling(plan: &LogicalPlan, tables: &Identifiable) -> Vec<bool> {
    follow(plan, tables, Asked::ByAnybody)
}

fn follow(plan: &LogicalPlan, tables: &Identifiable, asked: Asked) -> Vec<bool> {
    let input = |i: usize| {
        let inputs = plan.inputs();
        inputs
            .get(i)
            .map(|p| follow(p, tables, asked))
            .unwrap_or_default()
    };
    let through = |expressions: &[Expr]| -> Vec<bool> {
        let inner = input(0);
        let schema = plan.inputs().first().map(|p| p.schema().clone());
        expressions
            .iter()
            .map(|e| {
                schema
                    .as_ref()
                    .is_some_and(|s| carries(e, s, &inner, tables, asked))
            })
            .collect()
    };
    let columns = match plan {
        LogicalPlan::TableScan(scan) => {
            let name = scan
                .table_name
                .schema()
                .map(|s| format!("{s}.{}", scan.table_name.table()));
            let marked = name.and_then(|n| tables.get(&TableName::parse(&n)?));
            scan.projected_schema
                .fields()
                .iter()
                .map(|f| marked.is_some_and(|m| m.contains(f.name())))
                .collect()
        }
        LogicalPlan::Projection(projection) => through(&projection.expr),
        LogicalPlan::Aggregate(aggregate) => {
            let all: Vec<Expr> = aggregate
                .group_expr
                .iter()
                .chain(&aggregate.aggr_expr)
                .cloned()
                .collect();
            through(&all)
        }
        LogicalPlan::Window(window) => {
            let mut columns = input(0);
            columns.extend(through(&window.window_expr));
            columns
        }
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Distinct(Distinct::All(_)) => input(0),
        LogicalPlan::Join(join) => match join.join_type {
            JoinType::LeftSemi | JoinType::LeftAnti => input(0),
            JoinType::RightSemi | JoinType::RightAnti => input(1),
            JoinType::LeftMark => [input(0), vec![false]].concat(),
            JoinType::RightMark => [input(1), vec![false]].concat(),
            _ => [input(0), input(1)].concat(),
        },
        LogicalPlan::Union(union) => {
            let mut columns = vec![false; plan.schema().fields().len()];
            for i in 0..union.inputs.len() {
                for (column, other) in columns.iter_mut().zip(input(i)) {
                    *column |= other;
                }
            }
            columns
        }
        LogicalPlan::EmptyRelation(_) | LogicalPlan::Values(_) => {
            vec![false; plan.schema().fields().len()]
        }
        other => {
            let any = other
                .inputs()
                .iter()
                .any(|p| follow(p, tables, asked).contains(&true));
            vec![any; other.schema().fields().len()]
        }
    };
    if columns.len() == plan.schema().fields().len() {
        columns
    } else {
        // Grouping sets and the like: the columns cannot be told apart.
        vec![columns.contains(&true); plan.schema().fields().len()]
    }
}

fn carries(
    expr: &Expr,
    schema: &DFSchema,
    inner: &[bool],
    tables: &Identifiable,
    asked: Asked,
) -> bool {
    let again = |e: &Expr| carries(e, schema, inner, tables, asked);
    let anybody = asked == Asked::ByAnybody;
    match expr {
        Expr::Column(column) => schema
            .index_of_column(column)
            .ok()
            .and_then(|i| inner.get(i).copied())
            .unwrap_or(false),
        Expr::Alias(alias) => again(&alias.expr),
        Expr::Cast(cast) => again(&cast.expr),
        Expr::TryCast(cast) => again(&cast.expr),
        Expr::Case(case) => {
            case.when_then_expr
                .iter()
                .any(|(when, then)| again(then) || (anybody && again(when)))
                || (anybody && case.expr.as_ref().is_some_and(|e| again(e)))
                || case.else_expr.as_ref().is_some_and(|e| again(e))
        }
        Expr::BinaryExpr(binary) => {
            let says_yes_or_no = binary.op.supports_propagation()
                || matches!(binary.op, Operator::And | Operator::Or);
            (anybody || !says_yes_or_no) && (again(&binary.left) || again(&binary.right))
        }
        Expr::Literal(..)
        | Expr::IsNull(_)
        | Expr::IsNotNull(_)
        | Expr::IsUnknown(_)
        | Expr::IsNotUnknown(_)
        | Expr::Exists(_) => false,
        Expr::Not(_)
        | Expr::IsTrue(_)
        | Expr::IsFalse(_)
        | Expr::IsNotTrue(_)
        | Expr::IsNotFalse(_)
        | Expr::Between(_)
        | Expr::InList(_)
        | Expr::InSubquery(_)
        | Expr::Like(_)
        | Expr::SimilarTo(_)
            if !anybody =>
        {
            false
        }
        Expr::ScalarSubquery(subquery) => follow(&subquery.subquery, tables, asked).contains(&true),
        Expr::AggregateFunction(call) => {
            // Of one row, whether all are true is whether it is; so is how many are.
            let blurs = |e: &Expr| matches!(e, Expr::Column(_)) || !again(e);
            let filter = call.params.filter.as_ref();
            let counts = COUNTING.iter().any(|c| call.func.name().starts_with(c))
                && (!anybody
                    || (!call.func.name().starts_with("bool")
                        && call.params.args.iter().all(blurs)
                        && !filter.is_some_and(|f| again(f))));
            let told = filter.is_some_and(|f| anybody && again(f));
            !counts && (told || call.params.args.iter().any(again))
        }
        Expr::WindowFunction(call) => {
            let name = call.fun.name();
            !COUNTING.iter().any(|c| name.starts_with(c)) && call.params.args.iter().any(again)
        }
        Expr::ScalarFunction(call) => {
            !BLURRING.contains(&call.name()) && call.args.iter().any(again)
        }
        other => other
            .column_refs()
            .into_iter()
            .any(|c| again(&Expr::Column(c.clone()))),
    }
}
