//! Rates of a mart: whether they can be worked out from its contract, with limits and targets that go
//! with their unit.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText};
use crate::spec::mart::Interval;
use crate::spec::{ColumnType, Mart, Rate, Sp, Unit};

use super::marts::{known, twice};
use super::names::check_identifier;

/// Reports what is wrong with the rates of a mart, whose contract has these columns.
pub(super) fn check(
    spec: &Mart,
    text: &Arc<SourceText>,
    columns: &BTreeSet<&str>,
    found: &mut Diagnostics,
) {
    let mut names = columns.clone();
    for rate in &spec.rates {
        check_identifier(text, &rate.name, found);
        if !names.insert(rate.name.as_str()) {
            found.push(twice(text, &rate.name));
        }
        for count in [&rate.numerator, &rate.denominator] {
            known(text, count, columns, found);
            let kind = spec
                .columns
                .iter()
                .find(|c| c.name == *count)
                .map(|c| &*c.kind);
            if let Some(kind) = kind
                && !matches!(kind, ColumnType::Decimal { .. } | ColumnType::Int)
            {
                found.push(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!("`{}` is {kind}: a rate needs counts", **count),
                    )
                    .at((text, count.span())),
                );
            }
        }
        let dated = spec.grain.iter().any(|g| {
            spec.columns
                .iter()
                .any(|c| c.name == *g && matches!(*c.kind, ColumnType::Date | ColumnType::Month(_)))
        });
        if *rate.name == *Rate::VALUE && spec.rates.len() > 1 {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    "a rate called `value` is the only one of its mart",
                )
                .at((text, rate.name.span()))
                .hint("name each rate by what it is a rate of"),
            );
        }
        if let Some(column) = &rate.unit_column {
            word_column(spec, column, "a unit", text, columns, found);
        }
        if let Some(column) = &rate.target_column {
            word_column(spec, column, "a measure", text, columns, found);
        }
        one_of_each(rate, text, found);
        let target = rate.target.as_ref().or(rate.target_column.as_ref());
        if let (Some(target), false) = (target, dated) {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    "targets are dated, and the grain has no date",
                )
                .at((text, target.span()))
                .hint("add the month to the grain, or drop the target"),
            );
        }
    }
}

/// A column that names something of each row is a text of the contract.
fn word_column(
    spec: &Mart,
    column: &Sp<String>,
    what: &str,
    text: &Arc<SourceText>,
    columns: &BTreeSet<&str>,
    found: &mut Diagnostics,
) {
    known(text, column, columns, found);
    let kind = spec.columns.iter().find(|c| c.name == *column);
    if let Some(other) = kind.filter(|c| *c.kind != ColumnType::String) {
        found.push(
            Diagnostic::error(
                Code::WrongValue,
                format!("`{}` is {}: {what} is text", **column, *other.kind),
            )
            .at((text, column.span())),
        );
    }
}

/// What is said for all rows is not said for each again, and limits and targets go by the unit.
fn one_of_each(rate: &Rate, text: &Arc<SourceText>, found: &mut Diagnostics) {
    if let (Some(column), true) = (&rate.target_column, rate.target.is_some()) {
        found.push(
            Diagnostic::error(
                Code::DuplicateKey,
                "a rate has one target: the same for all rows, or each row's own",
            )
            .at((text, column.span()))
            .hint("leave out `target` or `target_column`"),
        );
    }
    let Some(column) = &rate.unit_column else {
        unit_fits(
            rate.unit,
            rate.interval.as_ref(),
            rate.target.as_ref(),
            text,
            found,
        );
        return;
    };
    let said = rate.interval.is_some() || rate.unit != Unit::default();
    if said {
        found.push(
            Diagnostic::error(
                Code::DuplicateKey,
                "a rate has one unit: the same for all rows, or each row's own",
            )
            .at((text, column.span()))
            .hint("leave out `unit` and `interval`, which go by the row, or `unit_column`"),
        );
    }
}

/// Reports limits and a target that do not go with the unit of a value.
pub(super) fn unit_fits(
    unit: Unit,
    interval: Option<&Sp<Interval>>,
    target: Option<&Sp<String>>,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) {
    let fits = unit.interval();
    if let Some(other) = interval.filter(|i| ***i != fits) {
        found.push(
            Diagnostic::error(
                Code::WrongValue,
                format!(
                    "`{}` is not how limits of `{}` are worked out",
                    other.word(),
                    unit.word()
                ),
            )
            .at((text, other.span()))
            .hint(format!("leave it out: they are `{}`", fits.word())),
        );
    }
    if let Some(target) = target.filter(|_| unit == Unit::Per100000) {
        found.push(
            Diagnostic::error(
                Code::NotSupported,
                "targets are shares from 0 to 1, and a rate per 100,000 has none",
            )
            .at((text, target.span()))
            .hint("leave the target out"),
        );
    }
}
