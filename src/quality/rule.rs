//! A check made ready: its columns found, its expressions planned.

use std::ops::Range;
use std::sync::Arc;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, ExprSchemable, lit};

use crate::compile::{PlannedCheck, TableName};
use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText};
use crate::spec::check::{AcceptedValues, CheckSeverity};
use crate::spec::{Sp, TableCheck, Threshold};

use super::subject::Subject;

/// A check made ready.
#[derive(Debug)]
pub(super) struct Rule {
    pub name: String,
    pub kind: &'static str,
    pub severity: CheckSeverity,
    pub declared: Option<usize>,
    pub filter: Option<Expr>,
    pub warn_if: Option<Threshold>,
    pub error_if: Option<Threshold>,
    pub asked: Asked,
    /// Where it is declared.
    place: Option<(Arc<SourceText>, Range<usize>)>,
}

/// What is asked of the table.
#[derive(Debug)]
pub(super) enum Asked {
    /// No row for which `broken` is true.
    Rows {
        broken: Expr,
        /// What is said of those rows: "have no `month`".
        says: String,
    },
    /// So many rows.
    Count { min: Option<u64>, max: Option<u64> },
    /// About as many rows as before.
    Change {
        warn_if: Option<Threshold>,
        error_if: Option<Threshold>,
    },
    /// No two rows that agree on all of these.
    Unique { columns: Vec<String> },
    /// Every value stands in another table.
    Relationship {
        column: String,
        other: TableName,
        field: String,
    },
    /// Totals agree with another table's.
    Reconciles {
        other: TableName,
        measure: Option<String>,
        by: Vec<String>,
    },
}

impl Rule {
    /// What a grain implies: it is never null, and no two rows agree on it.
    pub fn implied(subject: &Subject<'_>) -> Vec<Result<Self>> {
        if subject.grain.is_empty() {
            return Vec::new();
        }
        let rule = |name: &str, kind, asked| Self {
            name: name.to_owned(),
            kind,
            severity: CheckSeverity::Error,
            declared: None,
            filter: None,
            warn_if: None,
            error_if: None,
            asked,
            place: None,
        };
        let columns = subject
            .grain
            .iter()
            .map(|name| subject.column(name))
            .collect::<Result<Vec<_>>>();
        let not_null = columns.map(|columns| {
            rule(
                "grain_not_null",
                "not_null",
                any_null(columns, subject.grain),
            )
        });
        let unique = rule(
            "grain_unique",
            "unique",
            Asked::Unique {
                columns: subject.grain.to_vec(),
            },
        );
        vec![not_null, Ok(unique)]
    }

    /// A check that the YAML declares.
    pub fn declared(subject: &Subject<'_>, index: usize, check: &PlannedCheck) -> Result<Self> {
        let spec = &check.spec;
        let filter = match &spec.filter {
            Some(sql) => Some(subject.condition(check, sql, check.filter.as_ref())?),
            None => None,
        };
        let (kind, asked) = ask(subject, check, spec)?;
        Ok(Self {
            name: check.name.clone(),
            kind,
            severity: spec.severity,
            declared: Some(index),
            filter,
            warn_if: spec.warn_if,
            error_if: spec.error_if,
            asked,
            place: Some((Arc::clone(&check.source), check.span.clone())),
        })
    }

    /// Of the rows it looks at, those that break it; nothing where single rows cannot.
    pub fn broken(&self) -> Option<Expr> {
        let Asked::Rows { broken, .. } = &self.asked else {
            return None;
        };
        Some(match self.filter.clone() {
            Some(filter) => filter.and(broken.clone()),
            None => broken.clone(),
        })
    }

    /// Where the check is declared.
    pub fn place(&self) -> Option<(&Arc<SourceText>, Range<usize>)> {
        let (source, span) = self.place.as_ref()?;
        Some((source, span.clone()))
    }
}

fn ask(
    subject: &Subject<'_>,
    check: &PlannedCheck,
    spec: &TableCheck,
) -> Result<(&'static str, Asked)> {
    let plain = |names: &[Sp<String>]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    let found = |names: &[Sp<String>]| -> Result<Vec<Expr>> {
        names
            .iter()
            .map(|name| subject.declared_column(check, name))
            .collect()
    };
    if let Some(names) = &spec.not_null {
        return Ok(("not_null", any_null(found(names)?, &plain(names))));
    }
    if let Some(names) = &spec.unique {
        found(names)?;
        return Ok((
            "unique",
            Asked::Unique {
                columns: plain(names),
            },
        ));
    }
    if let Some(sql) = &spec.expression {
        let expression = subject.condition(check, sql, check.expression.as_ref())?;
        let asked = Asked::Rows {
            broken: expression.is_false(),
            says: format!("break `{}`", sql.trim()),
        };
        return Ok(("expression", asked));
    }
    if let Some(accepted) = &spec.accepted_values {
        return Ok((
            "accepted_values",
            accepted_values(subject, check, accepted)?,
        ));
    }
    if let Some(relationship) = &spec.relationships {
        subject.declared_column(check, &relationship.column)?;
        let asked = Asked::Relationship {
            column: relationship.column.to_string(),
            other: other_table(check, &relationship.to)?,
            field: relationship.field.to_string(),
        };
        return Ok(("relationships", asked));
    }
    if let Some(count) = &spec.row_count {
        let asked = Asked::Count {
            min: count.min,
            max: count.max,
        };
        return Ok(("row_count", asked));
    }
    if let Some(change) = &spec.row_count_change {
        let asked = Asked::Change {
            warn_if: change.warn_if.or(spec.warn_if),
            error_if: change.error_if.or(spec.error_if),
        };
        return Ok(("row_count_change", asked));
    }
    if let Some(reconciles) = &spec.reconciles {
        found(&reconciles.by)?;
        if let Some(measure) = &reconciles.measure {
            subject.declared_column(check, measure)?;
        }
        let asked = Asked::Reconciles {
            other: other_table(check, &reconciles.to)?,
            measure: reconciles.measure.as_ref().map(|m| m.to_string()),
            by: plain(&reconciles.by),
        };
        return Ok(("reconciles", asked));
    }
    Err(Diagnostic::error(
        Code::MissingKey,
        format!("check `{}` does not say what to check", check.name),
    )
    .at((&check.source, check.span.clone()))
    .hint("give one of not_null, unique, expression, accepted_values, relationships, row_count, row_count_change, reconciles")
    .into())
}

fn any_null(columns: Vec<Expr>, names: &[String]) -> Asked {
    let broken = columns
        .into_iter()
        .map(Expr::is_null)
        .reduce(Expr::or)
        .unwrap_or_else(|| lit(false));
    Asked::Rows {
        broken,
        says: format!("have no `{}`", names.join("` or no `")),
    }
}

fn accepted_values(
    subject: &Subject<'_>,
    check: &PlannedCheck,
    accepted: &AcceptedValues,
) -> Result<Asked> {
    let column = subject.declared_column(check, &accepted.column)?;
    let place = (&check.source, accepted.column.span());
    let kind = column
        .get_type(subject.frame.schema())
        .map_err(|e| Diagnostics::from(Diagnostic::bug(e.strip_backtrace())))?;
    let values = accepted
        .values
        .iter()
        .map(|value| {
            // As the column's own type: text would tell 1 from 1.0.
            ScalarValue::try_from_string(value.clone(), &kind)
                .map(lit)
                .map_err(|_| {
                    Diagnostics::from(
                        Diagnostic::error(
                            Code::WrongValue,
                            format!("`{value}` is no {kind}, which `{}` is", *accepted.column),
                        )
                        .at((place.0, place.1.clone())),
                    )
                })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Asked::Rows {
        broken: column.in_list(values, true),
        says: format!("hold something else in `{}`", *accepted.column),
    })
}

fn other_table(check: &PlannedCheck, name: &Sp<String>) -> Result<TableName> {
    TableName::parse(name).ok_or_else(|| {
        Diagnostic::error(Code::UnknownName, format!("`{}` is no table", **name))
            .at((&check.source, name.span()))
            .hint("name it `source.x`, `reference.x`, `model.x` or `mart.x`")
            .into()
    })
}
