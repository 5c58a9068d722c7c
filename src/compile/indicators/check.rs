//! What is wrong with indicators by themselves: said where it stands in the YAML, before any SQL is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use crate::compile::names::{Declarations, Declared, check_identifier, unknown_table};
use crate::compile::{TableKind, TableName, rates};
use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::Sp;
use crate::spec::indicator::{OrgType, Polarity};

use super::{BY_EDITION, Entry, Part, is_generated};

/// Reports what is wrong with the entries by themselves: names, tables, conditions that are no SQL,
/// what does not go together. Returns whether SQL can be made of them.
pub fn written(
    entries: &[Entry<'_>],
    declarations: &Declarations<'_>,
    found: &mut Diagnostics,
) -> bool {
    let mut faults = Diagnostics::default();
    let mut ids: BTreeMap<&str, Entry<'_>> = BTreeMap::new();
    for entry in entries {
        check_identifier(&entry.file.source, entry.id, &mut faults);
        if let Some(first) = ids.insert(entry.id.as_str(), *entry) {
            let text = &first.file.source;
            let (line, _) = text.line_and_column(first.id.span().start);
            faults.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("two indicators are called `{}`", **entry.id),
                )
                .at((&entry.file.source, entry.id.span()))
                .hint(format!("the other is in {}:{line}", text.path)),
            );
        }
        for part in entry.parts() {
            table(entry, &part, declarations, &mut faults);
            organisations(entry, &part, &mut faults);
        }
        let of_parts = entry.parts().flat_map(Part::conditions);
        for condition in entry.conditions().chain(of_parts) {
            syntax(&entry.file.source, condition, &mut faults);
        }
        further(entry, &mut faults);
        together(entry, &mut faults);
    }
    let sound = !faults.has_errors();
    found.extend(faults);
    sound
}

/// The table whose rows are counted is a model or a mart.
fn table(
    entry: &Entry<'_>,
    part: &Part<'_>,
    declarations: &Declarations<'_>,
    found: &mut Diagnostics,
) {
    let place = (&entry.file.source, part.table.span());
    let table = TableName::parse(part.table);
    let Some(table) = table.filter(|t| matches!(t.kind, TableKind::Model | TableKind::Mart)) else {
        found.push(
            Diagnostic::error(
                Code::UnknownName,
                format!("`{}` is not a model or a mart", **part.table),
            )
            .at(place)
            .hint("write `mart.screening_coverage`: indicators are counted from a model or a mart"),
        );
        return;
    };
    match declarations.get(&table).map(|d| d.body) {
        None => found.push(unknown_table(declarations, &table, Code::UnknownName).at(place)),
        Some(Declared::Mart(mart)) if is_generated(&mart.sql) => found.push(
            Diagnostic::error(Code::Cycle, format!("`{table}` is made of the indicators"))
                .at(place)
                .hint("name the mart that it is counted from"),
        ),
        Some(_) => {}
    }
}

/// A condition reads as one expression.
fn syntax(text: &Arc<SourceText>, condition: &Sp<String>, found: &mut Diagnostics) {
    let read = Parser::new(&PostgreSqlDialect {})
        .try_with_sql(condition)
        .and_then(|mut parser| {
            parser.parse_expr()?;
            parser.expect_token(&Token::EOF).map(|_| ())
        });
    if read.is_err() {
        found.push(
            Diagnostic::error(Code::SqlSyntax, "this is not one SQL condition")
                .at((text, condition.span()))
                .hint("write what follows WHERE, such as cohort = 'bowel_60_74'"),
        );
    }
    if condition.contains('$') {
        found.push(
            Diagnostic::error(
                Code::SqlParameter,
                "a condition of an indicator names no parameters",
            )
            .at((text, condition.span()))
            .hint("let the table's own SQL read the parameter, and name its column here"),
        );
    }
}

/// Each kind of organisation is reached by one way only.
fn organisations(entry: &Entry<'_>, part: &Part<'_>, found: &mut Diagnostics) {
    let text = &entry.file.source;
    if !part.further && part.organisations.is_empty() {
        found.push(
            Diagnostic::error(
                Code::MissingKey,
                "an indicator is known for an organisation",
            )
            .at((text, entry.id.span()))
            .hint("add `organisations: [ { type: practice, column: practice_code } ]`"),
        );
    }
    let mut reached = BTreeSet::new();
    for organisation in part.organisations {
        let kinds = [&organisation.kind]
            .into_iter()
            .chain(&organisation.rolls_up);
        for kind in kinds {
            if !reached.insert(**kind) {
                found.push(
                    Diagnostic::error(
                        Code::DuplicateName,
                        format!("`{}` is counted twice", kind.word()),
                    )
                    .at((text, kind.span()))
                    .hint("a number of an organisation comes from rows of its own or from one sum"),
                );
            }
        }
        let wider = organisation.kind.lies_in();
        for larger in &organisation.rolls_up {
            if !wider.contains(larger) {
                let known: Vec<&str> = wider.iter().map(|k| OrgType::word(*k)).collect();
                found.push(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!(
                            "`{}` does not add up to `{}`",
                            organisation.kind.word(),
                            larger.word()
                        ),
                    )
                    .at((text, larger.span()))
                    .hint(match known.is_empty() {
                        true => "nothing is larger".to_owned(),
                        false => format!("it adds up to {}", known.join(", ")),
                    }),
                );
            }
        }
    }
}

/// Further breakdowns are some, for somebody.
fn further(entry: &Entry<'_>, found: &mut Diagnostics) {
    let Some(further) = &entry.spec.further else {
        return;
    };
    let mut missing = |message: &str, hint: &str| {
        found.push(
            Diagnostic::error(Code::MissingKey, message)
                .at((&entry.file.source, further.from.span()))
                .hint(hint),
        );
    };
    if further.organisations.is_empty() {
        missing(
            "further breakdowns are known for an organisation",
            "add `organisations: [ { type: sub_icb, column: sub_icb_code } ]` to `further`",
        );
    }
    if further.breakdowns.is_empty() {
        missing(
            "nothing is counted of `further` without breakdowns",
            "name columns of this table under `breakdowns`, or leave `further` out",
        );
    }
}

/// What goes together: quintiles with an edition, limits with a unit, targets with a unit and a
/// direction, choices with a parameter.
fn together(entry: &Entry<'_>, found: &mut Diagnostics) {
    let (spec, text) = (entry.spec, &entry.file.source);
    let (interval, target) = (spec.interval.as_ref(), spec.target.as_ref());
    rates::unit_fits(spec.unit, interval, target, text, found);
    let mut seen = BTreeSet::new();
    let breakdowns = entry.parts();
    let breakdowns = breakdowns.flat_map(|p| p.breakdowns.iter().map(move |b| (p.further, b)));
    for (further, breakdown) in breakdowns {
        if breakdown.as_str() == "all" || !seen.insert(breakdown.as_str()) {
            let hint = "each row comes from one of the two tables: name it in one list only";
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("the breakdown `{}` is there already", **breakdown),
                )
                .at((text, breakdown.span()))
                .maybe_hint(further.then(|| hint.to_owned())),
            );
        }
        if BY_EDITION.contains(&breakdown.as_str()) && spec.edition.is_none() {
            found.push(
                Diagnostic::error(
                    Code::MissingKey,
                    "what goes by deprivation needs the edition of its index",
                )
                .at((text, breakdown.span()))
                .hint("add `edition: imd_edition`: a series never mixes editions"),
            );
        }
    }
    if let Some(target) = &spec.target
        && spec.polarity != Polarity::HigherIsBetter
    {
        found.push(
            Diagnostic::error(
                Code::NotSupported,
                "a target is met at or above it, and here more is not better",
            )
            .at((text, target.span()))
            .hint("count the complement, or leave the target out"),
        );
    }
    let parameters = &entry.file.spec.parameters;
    for parameter in spec
        .open_choices
        .iter()
        .filter_map(|c| c.parameter.as_ref())
    {
        if parameters.get(parameter).is_none() {
            found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("the pipeline has no parameter `{}`", **parameter),
                )
                .at((text, parameter.span()))
                .maybe_hint(did_you_mean(parameter, parameters.names())),
            );
        }
    }
    for choice in &spec.open_choices {
        if chrono::NaiveDate::parse_from_str(&choice.since, "%Y-%m-%d").is_err() {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("`{}` is not a day of the calendar", *choice.since),
                )
                .at((text, choice.since.span()))
                .hint("write 2026-03-31"),
            );
        }
    }
}
