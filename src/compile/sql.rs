//! SQL text to one checked statement: a single query, its tables known, its parameters bound.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::Volatility;
use datafusion::sql::parser::{DFParserBuilder, ParserInput, Statement};
use datafusion::sql::sqlparser::ast::{
    self, Expr, ObjectName, ObjectNamePart, Spanned, Value, Visit, Visitor, visit_expressions,
    visit_expressions_mut, visit_relations,
};
use datafusion::sql::sqlparser::dialect::{Dialect, DuckDbDialect, PostgreSqlDialect};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Tokenizer;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText, did_you_mean};
use crate::spec::parameter::{Parameter, ParameterType};

use super::diagnose::{byte_range, syntax_error, too_deep};
use super::{Bound, Query, TableKind, TableName, from_first};

/// The name of the parameter that holds the run's date.
pub const AS_OF: &str = "as_of";

/// How deep an expression may nest.
const RECURSION_LIMIT: usize = 128;

/// How long a chain such as `a + b + c` or `… UNION ALL …` may be. It is not nested in the text, but
/// it is in the plan: far longer ones take minutes to plan and in the end the whole stack.
const CHAIN_LIMIT: usize = 500;

/// Parses a text that must be one query.
///
/// # Errors
/// Syntax errors, several statements, anything that is not a query.
pub fn parse(source: &Arc<SourceText>) -> Result<Statement> {
    one_query(source, source.text.as_str().into(), &PostgreSqlDialect {})
}

/// Parses a question, in which `FROM x` may do without SELECT.
///
/// # Errors
/// As [`parse`].
pub fn parse_question(source: &Arc<SourceText>) -> Result<Statement> {
    let mut tokens = Tokenizer::new(&PostgreSqlDialect {}, &source.text)
        .tokenize_with_location()
        .map_err(|e| syntax_error(source, &ParserError::from(e).into()))?;
    // Of the two only DuckDB's dialect knows `FROM x SELECT a`.
    let dialect: &dyn Dialect = match from_first::select_all(&mut tokens) {
        true => &DuckDbDialect {},
        false => &PostgreSqlDialect {},
    };
    one_query(source, tokens.into(), dialect)
}

fn one_query(
    source: &Arc<SourceText>,
    input: ParserInput<'_>,
    dialect: &dyn Dialect,
) -> Result<Statement> {
    let statements = DFParserBuilder::new(input)
        .with_dialect(dialect)
        .with_recursion_limit(RECURSION_LIMIT)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|e| Diagnostics::from(syntax_error(source, &e)))?;
    let mut statements = statements.into_iter();
    let Some(first) = statements.next() else {
        return Err(Diagnostic::error(Code::SqlStatement, "no SQL stands here")
            .at((source, 0..0))
            .hint("write one SELECT")
            .into());
    };
    if let Some(second) = statements.next() {
        let place = statement_range(source, &second);
        return Err(
            Diagnostic::error(Code::SqlStatement, "more than one statement stands here")
                .at((source, place))
                .label("a second statement begins here")
                .hint("one file makes one table: move the rest to a file of its own")
                .into(),
        );
    }
    match &first {
        Statement::Statement(inner) if matches!(**inner, ast::Statement::Query(_)) => {
            check_chains(source, inner)?;
            Ok(first)
        }
        other => Err(Diagnostic::error(
            Code::SqlStatement,
            "this must be a query: SELECT, or WITH … SELECT",
        )
        .at((source, statement_range(source, other)))
        .label("this changes or explains something")
        .hint("martlet makes the tables itself; say only what they hold")
        .into()),
    }
}

/// Refuses chains that are too long to plan.
fn check_chains(source: &Arc<SourceText>, statement: &ast::Statement) -> Result<()> {
    #[derive(Default)]
    struct Chains {
        depth: usize,
        selects: usize,
    }
    impl Visitor for Chains {
        type Break = ();
        fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
            self.depth += 1;
            if self.depth > CHAIN_LIMIT {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
        fn post_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
            self.depth -= 1;
            ControlFlow::Continue(())
        }
        fn pre_visit_select(&mut self, _: &ast::Select) -> ControlFlow<()> {
            self.selects += 1;
            if self.selects > CHAIN_LIMIT {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        }
    }
    if Visit::visit(statement, &mut Chains::default()).is_break() {
        return Err(too_deep(source).into());
    }
    Ok(())
}

fn statement_range(source: &Arc<SourceText>, statement: &Statement) -> Range<usize> {
    let range = match statement {
        Statement::Statement(inner) => byte_range(source, inner.span()),
        _ => None,
    };
    range.unwrap_or_else(|| {
        let start = source.text.len() - source.text.trim_start().len();
        start..start
    })
}

/// The tables a statement reads, each with the places where it is named; common table
/// expressions are not tables.
///
/// # Errors
/// Names that are not `source.x`, `reference.x`, `model.x` or `mart.x`.
pub fn tables(
    context: &SessionContext,
    source: &Arc<SourceText>,
    statement: &Statement,
) -> Result<BTreeMap<TableName, Range<usize>>> {
    let references = context
        .state_ref()
        .read()
        .resolve_table_references(statement)
        .map_err(|e| Diagnostics::from(syntax_error(source, &e)))?;
    let mut places: BTreeMap<String, Range<usize>> = BTreeMap::new();
    if let Statement::Statement(inner) = statement {
        let _: ControlFlow<()> = visit_relations(inner.as_ref(), |name: &ObjectName| {
            if let Some(range) = byte_range(source, name.span()) {
                places.entry(plain_name(name)).or_insert(range);
            }
            ControlFlow::Continue(())
        });
    }
    let mut found = Diagnostics::default();
    let mut tables = BTreeMap::new();
    for reference in references {
        let text = match reference.schema() {
            Some(schema) => format!("{schema}.{}", reference.table()),
            None => reference.table().to_owned(),
        };
        let place = places.get(&text).cloned().unwrap_or(0..0);
        match TableName::parse(&text) {
            Some(name) => {
                tables.insert(name, place);
            }
            None => {
                let words = TableKind::ALL.map(TableKind::word).join(".x, ");
                found.push(
                    Diagnostic::error(Code::SqlUnknownTable, format!("there is no table `{text}`"))
                        .at((source, place))
                        .label("not a table of the warehouse, and no WITH names it")
                        .hint(format!("tables are {words}.x")),
                );
            }
        }
    }
    if found.has_errors() {
        Err(found)
    } else {
        Ok(tables)
    }
}

fn plain_name(name: &ObjectName) -> String {
    name.0
        .iter()
        .filter_map(|part| match part {
            ObjectNamePart::Identifier(ident) if ident.quote_style.is_none() => {
                Some(ident.value.to_lowercase())
            }
            ObjectNamePart::Identifier(ident) => Some(ident.value.clone()),
            ObjectNamePart::Function(_) => None,
        })
        .collect::<Vec<_>>()
        .join(".")
}

/// Reports functions whose answer depends on the clock or on chance.
pub fn check_functions(
    context: &SessionContext,
    source: &Arc<SourceText>,
    statement: &Statement,
    found: &mut Diagnostics,
) {
    let Statement::Statement(inner) = statement else {
        return;
    };
    let state = context.state_ref();
    let state = state.read();
    let functions = state.scalar_functions();
    let _: ControlFlow<()> = visit_expressions(inner.as_ref(), |expr| {
        if let Expr::Function(call) = expr {
            let name = plain_name(&call.name);
            let steady = functions
                .get(&name)
                .is_none_or(|f| f.signature().volatility == Volatility::Immutable);
            if !steady || matches!(name.as_str(), "localtimestamp" | "localtime") {
                let hint = if matches!(name.as_str(), "random" | "uuid") {
                    "a run must give the same rows again"
                } else {
                    "use $as_of, the run's date"
                };
                found.push(
                    Diagnostic::error(Code::SqlVolatile, format!("`{name}` is not allowed"))
                        .at((source, byte_range(source, call.name.span()).unwrap_or(0..0)))
                        .label("its answer changes from run to run")
                        .hint(hint),
                );
            }
        }
        ControlFlow::Continue(())
    });
}

/// Parameters by name.
pub type Parameters<'a> = BTreeMap<&'a str, &'a Parameter>;

/// A statement whose placeholders are all declared.
///
/// # Errors
/// Every parameter that is not declared.
pub fn query(
    source: &Arc<SourceText>,
    mut statement: Statement,
    parameters: &Parameters<'_>,
) -> Result<Query> {
    let mut found = Diagnostics::default();
    let mut used = BTreeMap::new();
    let mut reads_as_of = false;
    replace_placeholders(&mut statement, |name, place| {
        if name == AS_OF {
            reads_as_of = true;
        } else if let Some(parameter) = parameters.get(name) {
            let bound = Bound {
                kind: parameter.kind,
                value: parameter.value.0.clone(),
            };
            used.insert(name.to_owned(), bound);
        } else {
            let known = parameters.keys().copied().chain([AS_OF]);
            let declare =
                || format!("declare it: `parameters: {{ {name}: {{ type: int, value: 1 }} }}`");
            found.push(
                Diagnostic::error(
                    Code::SqlParameter,
                    format!("the parameter `${name}` is not declared"),
                )
                .at((source, byte_range(source, place).unwrap_or(0..0)))
                .label("not a parameter of this pipeline")
                .hint(did_you_mean(name, known).unwrap_or_else(declare)),
            );
        }
        None
    });
    if found.has_errors() {
        return Err(found);
    }
    Ok(Query {
        source: Arc::clone(source),
        statement,
        parameters: used,
        reads_as_of,
        optimised: Arc::default(),
    })
}

impl Query {
    /// The statement with typed literals where `$parameters` and `$as_of` stand.
    pub fn at(&self, as_of: NaiveDate) -> Statement {
        self.with(as_of, &self.parameters)
    }

    /// The same, with other values for the parameters.
    pub fn with(&self, as_of: NaiveDate, parameters: &BTreeMap<String, Bound>) -> Statement {
        let mut statement = self.statement.clone();
        replace_placeholders(&mut statement, |name, _| match parameters.get(name) {
            _ if name == AS_OF => literal(ParameterType::Date, &as_of.to_string()),
            Some(bound) => literal(bound.kind, &bound.value),
            None => None,
        });
        statement
    }
}

/// Calls `replacement` with the name and place of each placeholder.
fn replace_placeholders(
    statement: &mut Statement,
    mut replacement: impl FnMut(&str, datafusion::sql::sqlparser::tokenizer::Span) -> Option<Expr>,
) {
    let Statement::Statement(inner) = statement else {
        return;
    };
    let _: ControlFlow<()> = visit_expressions_mut(inner.as_mut(), |expr| {
        if let Expr::Value(value) = expr
            && let Value::Placeholder(text) = &value.value
            && let Some(literal) = replacement(text.trim_start_matches('$'), value.span)
        {
            *expr = literal;
        }
        ControlFlow::Continue(())
    });
}

/// A value as a typed SQL literal; nothing if the value is not of the type.
pub fn literal(kind: ParameterType, value: &str) -> Option<Expr> {
    let text = match kind {
        ParameterType::Int => format!("CAST({} AS BIGINT)", value.parse::<i64>().ok()?),
        ParameterType::Decimal => {
            let digits = value.strip_prefix('-').unwrap_or(value);
            let plain = !digits.is_empty()
                && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
                && digits.matches('.').count() <= 1;
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            plain.then(|| {
                let precision = (whole.len() + fraction.len()).max(1);
                format!("CAST({value} AS DECIMAL({precision},{}))", fraction.len())
            })?
        }
        ParameterType::String => format!("'{}'", value.replace('\'', "''")),
        ParameterType::Boolean => value.parse::<bool>().ok()?.to_string(),
        ParameterType::Date => {
            let date = NaiveDate::parse_from_str(value, "%Y-%m-%d").ok()?;
            format!("CAST('{date}' AS DATE)")
        }
    };
    Parser::new(&PostgreSqlDialect {})
        .try_with_sql(&text)
        .and_then(|mut parser| parser.parse_expr())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_typed_and_never_pasted() {
        let shown = |kind, value: &str| literal(kind, value).map(|e| e.to_string());
        assert_eq!(
            shown(ParameterType::Int, "21").as_deref(),
            Some("CAST(21 AS BIGINT)")
        );
        assert_eq!(shown(ParameterType::Int, "21; DROP"), None);
        assert_eq!(
            shown(ParameterType::String, "O'Hara").as_deref(),
            Some("'O''Hara'")
        );
        assert_eq!(
            shown(ParameterType::Decimal, "0.80").as_deref(),
            Some("CAST(0.80 AS DECIMAL(3,2))")
        );
        assert_eq!(shown(ParameterType::Date, "2026-02-30"), None);
    }

    #[test]
    fn one_query_and_nothing_else() {
        let code = |text: &str| {
            parse(&SourceText::new("x.sql", text))
                .err()
                .and_then(|found| {
                    found.iter().next().map(|d| {
                        (
                            d.code,
                            d.place.as_ref().map(crate::diag::Place::line_and_column),
                        )
                    })
                })
        };
        assert_eq!(code("SELECT 1"), None);
        assert_eq!(code("SELECT 1;\n"), None);
        assert_eq!(
            code("SELECT 1;\nSELECT 2"),
            Some((Code::SqlStatement, Some((2, 1))))
        );
        assert_eq!(
            code("-- c\nDROP TABLE x").map(|c| c.0),
            Some(Code::SqlStatement)
        );
        assert_eq!(
            code("SELECT 1\nSELECT 2").map(|c| c.0),
            Some(Code::SqlSyntax)
        );
        assert_eq!(code("").map(|c| c.0), Some(Code::SqlStatement));
        let deep = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(code(&deep).map(|c| c.0), Some(Code::SqlSyntax));
    }
}
