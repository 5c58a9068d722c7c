//! The engine's errors as diagnostics: its words cleaned of itself, its places ours.

use std::ops::{ControlFlow, Range};
use std::sync::{Arc, LazyLock};

use datafusion::common::{Diagnostic as EngineDiagnostic, SchemaError};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    self, Expr, Spanned, Value, visit_expressions, visit_expressions_mut,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use regex::Regex;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};

/// Plans a statement and checks its types, without data.
///
/// # Errors
/// Everything the engine has to say, each with its place in the text.
pub async fn plan(
    state: &SessionState,
    source: &Arc<SourceText>,
    statement: Statement,
) -> crate::diag::Result<LogicalPlan> {
    let plan = written(state, source, &statement).await?;
    checked(state, source, &statement, &plan).await?;
    Ok(plan)
}

/// The plan of a statement as it is written.
pub(super) async fn written(
    state: &SessionState,
    source: &Arc<SourceText>,
    statement: &Statement,
) -> crate::diag::Result<LogicalPlan> {
    match state.statement_to_plan(statement.clone()).await {
        Ok(plan) => Ok(plan),
        Err(error) => Err(explained(state, source, statement, &error).await),
    }
}

/// The optimised plan of a statement. That types do not fit is found on the way.
pub(super) async fn checked(
    state: &SessionState,
    source: &Arc<SourceText>,
    statement: &Statement,
    plan: &LogicalPlan,
) -> crate::diag::Result<LogicalPlan> {
    match try_optimise(state, plan).await {
        Ok(optimised) => Ok(optimised),
        Err(error) => Err(explained(state, source, statement, &error).await),
    }
}

/// The optimised plan of a statement that was checked at another time, which is not done again.
///
/// # Errors
/// As [`plan`].
pub async fn plan_checked(
    state: &SessionState,
    source: &Arc<SourceText>,
    statement: Statement,
) -> crate::diag::Result<LogicalPlan> {
    let plan = written(state, source, &statement).await?;
    match state.optimize(&plan) {
        Ok(optimised) => Ok(optimised),
        Err(error) => Err(explained(state, source, &statement, &error).await),
    }
}

async fn explained(
    state: &SessionState,
    source: &Arc<SourceText>,
    statement: &Statement,
    error: &DataFusionError,
) -> Diagnostics {
    let mut found = Diagnostics::default();
    for one in error.iter() {
        let mut diagnostic = translate(source, one);
        if diagnostic.place.is_none() {
            let place = locate(state, source, statement, &one.to_string()).await;
            diagnostic = diagnostic.at((source, place.unwrap_or(0..0)));
        }
        found.push(diagnostic);
    }
    found
}

async fn try_plan(state: &SessionState, statement: Statement) -> Result<(), DataFusionError> {
    let plan = state.statement_to_plan(statement).await?;
    try_optimise(state, &plan).await.map(|_| ())
}

async fn try_optimise(
    state: &SessionState,
    plan: &LogicalPlan,
) -> Result<LogicalPlan, DataFusionError> {
    // The analyser finds type errors.
    let optimised = state.optimize(plan)?;
    let planner = state.query_planner();
    planner.create_physical_plan(&optimised, state).await?;
    Ok(optimised)
}

/// One engine error as a diagnostic; without a place if the engine gives none.
pub fn translate(source: &Arc<SourceText>, error: &DataFusionError) -> Diagnostic {
    let root = error.find_root();
    if let Some(engine) = error.diagnostic() {
        let mut found = from_engine(source, engine);
        if let Some(hint) = columns_hint(root) {
            // One good guess beats the engine's list of likely ones.
            found.hints = vec![hint];
        }
        return found;
    }
    if let DataFusionError::SQL(..) = root {
        return syntax_error(source, root);
    }
    if let DataFusionError::ResourcesExhausted(message) = root {
        return Diagnostic::error(Code::Memory, first_line(message))
            .hint("raise memory_limit, or make the SQL keep less at once");
    }
    let message = clean(&root.strip_backtrace());
    if let Some(name) = named_twice(&message) {
        return Diagnostic::error(Code::SqlPlan, format!("two columns are called `{name}`"))
            .label("one of the two, or of what `*` stands for")
            .hint("give one another name with AS, or name the columns you want in place of `*`");
    }
    Diagnostic::error(Code::SqlPlan, message).label("the types do not fit here")
}

/// The name that two columns of an answer would have, in the engine's words for that.
fn named_twice(message: &str) -> Option<&str> {
    let rest = message
        .strip_prefix("Projections require unique expression names but the expression \"")?;
    let (expression, _) = rest.split_once("\" at position")?;
    let name = expression
        .rsplit_once(" AS ")
        .map_or(expression, |(_, name)| name);
    // `source.visits._line` is called `_line`.
    let is_plain = name
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_' || c == '.');
    Some(match name.rsplit_once('.') {
        Some((_, column)) if is_plain => column,
        _ => name,
    })
}

/// The columns that were meant, or that there are.
fn columns_hint(error: &DataFusionError) -> Option<String> {
    const MOST: usize = 12;
    let DataFusionError::SchemaError(inner, _) = error else {
        return None;
    };
    let SchemaError::FieldNotFound {
        field,
        valid_fields,
    } = inner.as_ref()
    else {
        return None;
    };
    let names: Vec<&str> = valid_fields.iter().map(|f| f.name.as_str()).collect();
    did_you_mean(&field.name, names.iter().copied()).or_else(|| {
        let more = names.len().saturating_sub(MOST);
        let shown = names
            .iter()
            .take(MOST)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        (!names.is_empty()).then(|| format!("there are {shown}{rest}"))
    })
}

fn from_engine(source: &Arc<SourceText>, engine: &EngineDiagnostic) -> Diagnostic {
    let message = clean(&engine.message);
    let code = if message.contains("table") && message.contains("not found") {
        Code::SqlUnknownTable
    } else if message.contains("column") {
        Code::SqlUnknownColumn
    } else {
        Code::SqlPlan
    };
    let mut diagnostic = Diagnostic::error(code, message);
    if let Some(span) = engine.span {
        let start = source.offset(span.start.line, span.start.column);
        let end = source.offset(span.end.line, span.end.column).max(start);
        diagnostic = diagnostic.at((source, start..end));
    }
    for note in engine
        .notes
        .iter()
        .map(|n| &n.message)
        .chain(engine.helps.iter().map(|h| &h.message))
    {
        diagnostic = diagnostic.hint(clean(note));
    }
    diagnostic
}

/// A parser's error, its place taken out of its text.
pub fn syntax_error(source: &Arc<SourceText>, error: &DataFusionError) -> Diagnostic {
    static PLACE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r" at Line: (\d+), Column: (\d+)").ok());
    let text = clean(&error.strip_backtrace());
    if text.contains("recursion limit") || text.contains("RecursionLimitExceeded") {
        return too_deep(source);
    }
    let place = PLACE.as_ref().and_then(|regex| {
        let captures = regex.captures(&text)?;
        let number = |i: usize| captures.get(i)?.as_str().parse::<u64>().ok();
        Some(source.offset(number(1)?, number(2)?))
    });
    let message = PLACE.as_ref().map_or_else(
        || text.clone(),
        |regex| regex.replace(&text, "").into_owned(),
    );
    // The parser points at the end of the text when it wanted more.
    let offset = place.unwrap_or_else(|| source.text.trim_end().len());
    let word = source.text[offset..]
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(source.text.len() - offset)
        .max(usize::from(offset < source.text.len()));
    Diagnostic::error(Code::SqlSyntax, message)
        .at((source, offset..offset + word))
        .label("the SQL stops making sense here")
}

/// A text whose parts lie too deep in each other.
pub fn too_deep(source: &Arc<SourceText>) -> Diagnostic {
    Diagnostic::error(Code::SqlSyntax, "the SQL nests too deeply")
        .at((source, 0..0))
        .hint(
            "break it into common table expressions, or use IN and VALUES in place of long chains",
        )
}

/// Finds the smallest expression without which the error goes away.
///
/// The engine gives no place for type errors. Each expression in turn is replaced by NULL and the
/// statement planned again, on declared schemas and without data; the smallest one whose
/// replacement cures the error is where it is.
async fn locate(
    state: &SessionState,
    source: &Arc<SourceText>,
    statement: &Statement,
    message: &str,
) -> Option<Range<usize>> {
    const MOST: usize = 400;
    let Statement::Statement(inner) = statement else {
        return None;
    };
    let mut places = Vec::new();
    let _: ControlFlow<()> = visit_expressions(inner.as_ref(), |expr| {
        let leaf = matches!(
            expr,
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) | Expr::Value(_)
        );
        places.push((byte_range(source, expr.span()), leaf));
        ControlFlow::Continue(())
    });
    let mut best: Option<(bool, usize, Range<usize>)> = None;
    for (i, (range, leaf)) in places.into_iter().enumerate().take(MOST) {
        let Some(range) = range else { continue };
        let without = without(inner, i);
        let cured = match try_plan(state, Statement::Statement(Box::new(without))).await {
            Ok(_) => true,
            Err(other) => !other.iter().any(|e| e.to_string() == message),
        };
        if cured
            && best
                .as_ref()
                .is_none_or(|(l, n, _)| (leaf, range.len()) < (*l, *n))
        {
            best = Some((leaf, range.len(), range));
        }
    }
    best.map(|(_, _, range)| range)
}

/// The statement with its `index`th expression replaced by NULL.
fn without(statement: &ast::Statement, index: usize) -> ast::Statement {
    let mut statement = statement.clone();
    let mut at = 0;
    let _: ControlFlow<()> = visit_expressions_mut(&mut statement, |expr| {
        if at == index {
            *expr = Expr::value(Value::Null);
            return ControlFlow::Break(());
        }
        at += 1;
        ControlFlow::Continue(())
    });
    statement
}

/// The bytes of a parser's span, if it has one.
pub fn byte_range(source: &Arc<SourceText>, span: Span) -> Option<Range<usize>> {
    if span.start.line == 0 {
        return None;
    }
    let start = source.offset(span.start.line, span.start.column);
    let end = source.offset(span.end.line, span.end.column).max(start);
    Some(start..end)
}

/// The engine's words without its prefixes.
pub fn clean(text: &str) -> String {
    const PREFIXES: &[&str] = &[
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "Execution error: ",
        "Optimizer rule",
        "This feature is not implemented: ",
        "type_coercion",
        "caused by",
        "sql parser error: ",
    ];
    let mut text = text.trim();
    // A wrapped error says the cause last.
    if let Some((_, cause)) = text.rsplit_once("caused by\n") {
        text = cause.trim();
    }
    // How texts are held while they are worked with is nobody's business but the engine's.
    let mut text = text.replace("Utf8View", "Utf8");
    loop {
        let before = text.len();
        for prefix in PREFIXES {
            if let Some(rest) = text.strip_prefix(prefix) {
                text = rest.trim().to_owned();
            }
        }
        if let Some(rest) = text
            .strip_prefix("ParserError(\"")
            .and_then(|t| t.strip_suffix("\")"))
        {
            text = rest.to_owned();
        }
        if text.len() == before {
            break;
        }
    }
    let text = first_line(&text);
    text.trim_end_matches('.').to_owned()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}
