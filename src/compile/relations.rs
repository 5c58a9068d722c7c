//! What must be true of the counts of every row of a mart, as sums: anybody can read it in the
//! contract, and so can conclude one count from others.

use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, UnaryOperator};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;

use crate::spec::{Mart, Unit};

/// A sum of counts of one row that is nothing, or less than nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    /// Columns, each added or taken away so many times. `within + breached = total` has 1, 1 and -1.
    pub terms: Vec<(String, i64)>,
    /// Whether the sum is nothing, or at most nothing.
    pub kind: RelationKind,
}

/// How the sum of a relation compares with nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RelationKind {
    /// It is nothing: `within + breached = total`.
    Equal,
    /// It is at most nothing; the difference counts people too: `invited <= eligible`.
    AtMost,
    /// As `AtMost`, and a rate is made of the two: the difference is its complement.
    Proportion,
}

/// The relations that the rates and the checks of a mart state, each once.
///
/// Of a condition with AND and OR every comparison is taken: that it holds in some rows only is for
/// those to find who have the rows.
pub fn relations(spec: &Mart) -> Vec<Relation> {
    let mut found: Vec<Relation> = Vec::new();
    for rate in &spec.rates {
        if rate.unit == Unit::Proportion && rate.unit_column.is_none() {
            keep(
                &mut found,
                Relation {
                    terms: vec![
                        (rate.numerator.to_string(), 1),
                        (rate.denominator.to_string(), -1),
                    ],
                    kind: RelationKind::Proportion,
                },
            );
        }
    }
    let expressions = spec.checks.iter().filter_map(|c| c.expression.as_ref());
    for expression in expressions {
        let parsed = Parser::new(&PostgreSqlDialect {}).try_with_sql(expression);
        if let Ok(parsed) = parsed.and_then(|mut parser| parser.parse_expr()) {
            comparisons(&parsed, &mut |relation| keep(&mut found, relation));
        }
    }
    found
}

fn keep(found: &mut Vec<Relation>, mut relation: Relation) {
    relation.terms.sort();
    let opposite: Vec<(String, i64)> = relation
        .terms
        .iter()
        .map(|(c, t)| (c.clone(), -t))
        .collect();
    let known = found.iter().position(|f| {
        f.terms == relation.terms || (f.kind == RelationKind::Equal && f.terms == opposite)
    });
    match known {
        // An equation says more than that one side is no greater.
        Some(known) if relation.kind == RelationKind::Equal => {
            if found[known].kind != RelationKind::Equal {
                found[known] = relation;
            }
        }
        Some(_) => {}
        None => found.push(relation),
    }
}

/// Every comparison of two sums of columns in a condition.
fn comparisons(condition: &Expr, found: &mut impl FnMut(Relation)) {
    match condition {
        Expr::Nested(inner) | Expr::IsTrue(inner) | Expr::IsNotFalse(inner) => {
            comparisons(inner, found);
        }
        Expr::BinaryOp { left, op, right } => {
            let (less, more, kind) = match op {
                BinaryOperator::And | BinaryOperator::Or => {
                    comparisons(left, found);
                    return comparisons(right, found);
                }
                BinaryOperator::Eq => (left, right, RelationKind::Equal),
                BinaryOperator::LtEq => (left, right, RelationKind::AtMost),
                BinaryOperator::GtEq => (right, left, RelationKind::AtMost),
                _ => return,
            };
            let mut terms = Vec::new();
            if sum(less, 1, &mut terms) && sum(more, -1, &mut terms) && terms.len() > 1 {
                let mut distinct: Vec<&str> = terms.iter().map(|(c, _)| c.as_str()).collect();
                distinct.sort_unstable();
                distinct.dedup();
                if distinct.len() == terms.len() {
                    found(Relation { terms, kind });
                }
            }
        }
        _ => {}
    }
}

/// Whether an expression adds and takes away columns and does nothing else.
fn sum(expression: &Expr, sign: i64, terms: &mut Vec<(String, i64)>) -> bool {
    match expression {
        Expr::Identifier(column) => {
            // As SQL has it: names are in small letters, unless they are quoted.
            let name = match column.quote_style {
                None => column.value.to_lowercase(),
                Some(_) => column.value.clone(),
            };
            terms.push((name, sign));
            true
        }
        Expr::Nested(inner) => sum(inner, sign, terms),
        Expr::Value(value) => value.to_string() == "0",
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => sum(expr, -sign, terms),
        Expr::BinaryOp { left, op, right } => match op {
            BinaryOperator::Plus => sum(left, sign, terms) && sum(right, sign, terms),
            BinaryOperator::Minus => sum(left, sign, terms) && sum(right, -sign, terms),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rates: &str, checks: &[&str]) -> Vec<(Vec<(String, i64)>, RelationKind)> {
        let checks: Vec<String> = checks
            .iter()
            .map(|c| format!("  - {{ expression: \"{c}\" }}\n"))
            .collect();
        let mart = format!(
            "sql: x.sql\ngrain: [a]\ncolumns: []\nrates: [{rates}]\nchecks:\n{}publish: []\n",
            checks.concat()
        );
        let mart: Mart = serde_yaml::from_str(&mart).expect("a mart");
        let found = relations(&mart).into_iter();
        found.map(|r| (r.terms, r.kind)).collect()
    }

    fn terms(of: &[(&str, i64)]) -> Vec<(String, i64)> {
        of.iter()
            .map(|(c, times)| ((*c).to_owned(), *times))
            .collect()
    }

    #[test]
    fn rates_and_checks_state_sums_once() {
        let found = of(
            "{ name: pct, numerator: x, denominator: n }",
            &[
                "X <= N",
                "a + b = n AND (c <= a OR kind <> 'y')",
                "n - a - b = 0",
                "\\\"Odd\\\" <= n",
                "2 * a <= n",
                "median <= 12",
            ],
        );
        assert_eq!(
            found,
            [
                (terms(&[("n", -1), ("x", 1)]), RelationKind::Proportion),
                (terms(&[("a", 1), ("b", 1), ("n", -1)]), RelationKind::Equal),
                (terms(&[("a", -1), ("c", 1)]), RelationKind::AtMost),
                (terms(&[("Odd", 1), ("n", -1)]), RelationKind::AtMost),
            ]
        );
    }

    #[test]
    fn an_equation_says_more_than_an_inequality() {
        let rate = "{ name: pct, numerator: x, denominator: n }";
        for check in ["x = n", "n = x"] {
            let found = of(rate, &[check]);
            assert!(
                found.iter().any(|(_, kind)| *kind == RelationKind::Equal),
                "{check}: {found:?}"
            );
        }
    }
}
