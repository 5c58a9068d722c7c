//! Disclosure control of a mart: whether a copy needs a policy, and whether every column of one under
//! a policy can be controlled. What cannot be is refused here, before anything is read.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::{ColumnType, Mart, MartColumn, Sensitivity, Settings, Sp};

use super::marts::{is_person_level, known, twice};

/// The column of a copy under a policy that says what is withheld in a row.
pub const SUPPRESSION: &str = "suppression";

/// Whether a column counts people, and so is withheld and rounded in a copy under a policy. All decimals
/// do that neither belong to the grain nor are named as something else.
pub fn is_count(spec: &Mart, column: &MartColumn) -> bool {
    let name = &column.name;
    matches!(*column.kind, ColumnType::Decimal { .. })
        && !spec.grain.contains(name)
        && !spec.disclosure.no_counts().any(|c| c == name)
}

/// Reports what is wrong with the copies of a mart.
pub(super) fn check(
    spec: &Mart,
    text: &Arc<SourceText>,
    columns: &BTreeSet<&str>,
    settings: &Settings,
    found: &mut Diagnostics,
) {
    let open = spec.sensitivity == Some(Sensitivity::Open);
    let mut seen = BTreeSet::new();
    for publish in &spec.publish {
        let audience = &publish.audience;
        if !seen.insert(audience.as_str()) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("the audience `{}` stands twice", **audience),
                )
                .at((text, audience.span()))
                .hint("an audience has one copy of a mart"),
            );
        }
        match &publish.policy {
            None if settings.policy_required.contains(audience) && !open => found.push(
                Diagnostic::error(
                    Code::Policy,
                    format!("copies for `{}` need a policy", **audience),
                )
                .at((text, audience.span()))
                .label("exact counts would be published")
                .hint("add `policy`, or say `sensitivity: open` if everybody has these numbers"),
            ),
            None => {}
            Some(policy) if settings.policies.get(policy).is_none() => found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("there is no policy `{}`", **policy),
                )
                .at((text, policy.span()))
                .hint(
                    did_you_mean(policy, settings.policies.names()).unwrap_or_else(|| {
                        "declare it under `policies` in config/warehouse.yaml".to_owned()
                    }),
                ),
            ),
            Some(policy) if is_person_level(spec) => found.push(
                Diagnostic::error(
                    Code::Policy,
                    "no policy can hide single people in rows of their own",
                )
                .at((text, policy.span()))
                .label("this mart has one row a person")
                .hint("publish counts of them to this audience"),
            ),
            Some(_) => {}
        }
    }
    check_names(spec, text, columns, found);
    if let Some(policy) = spec.publish.iter().find_map(|p| p.policy.as_ref()) {
        check_columns(spec, text, policy, found);
    }
}

/// Every column that `disclosure` names is there, and where it should be.
fn check_names(
    spec: &Mart,
    text: &Arc<SourceText>,
    columns: &BTreeSet<&str>,
    found: &mut Diagnostics,
) {
    let disclosure = &spec.disclosure;
    let of_grain = disclosure
        .same_people
        .iter()
        .flat_map(|s| std::iter::once(&s.across).chain(&s.over))
        .chain(disclosure.totals.iter().map(|t| &t.column))
        .chain(disclosure.exempt.iter().map(|(column, _)| column));
    for name in of_grain {
        known(text, name, columns, found);
        if columns.contains(name.as_str()) && !spec.grain.contains(name) {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("`{}` is not in the grain", **name),
                )
                .at((text, name.span()))
                .hint("name a column that tells one row from another"),
            );
        }
    }
    let mut seen = BTreeSet::new();
    for name in disclosure.no_counts() {
        if !seen.insert(name.as_str()) {
            found.push(twice(text, name));
        }
        known(text, name, columns, found);
        if spec.grain.contains(name) {
            found.push(
                Diagnostic::error(Code::WrongValue, format!("`{}` is in the grain", **name))
                    .at((text, name.span()))
                    .hint("the grain is always shown"),
            );
        }
    }
    for name in disclosure.shown_with.iter().flat_map(|(_, counts)| counts) {
        known(text, name, columns, found);
        let column = spec.columns.iter().find(|c| c.name == *name);
        if column.is_some_and(|c| !is_count(spec, c)) {
            found.push(
                Diagnostic::error(Code::WrongValue, format!("`{}` is not a count", **name))
                    .at((text, name.span()))
                    .hint("name the counts of the people it is worked out from"),
            );
        }
    }
}

/// Every column is of the grain, a count, or said to be something else.
fn check_columns(
    spec: &Mart,
    text: &Arc<SourceText>,
    policy: &Sp<String>,
    found: &mut Diagnostics,
) {
    for column in &spec.columns {
        let name = &column.name;
        if name.as_str() == SUPPRESSION {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("copies under a policy have a `{SUPPRESSION}` of their own"),
                )
                .at((text, name.span()))
                .hint("give the column another name"),
            );
            continue;
        }
        if is_count(spec, column) {
            if let ColumnType::Decimal { scale, .. } = *column.kind
                && scale > 1
            {
                found.push(
                    Diagnostic::error(
                        Code::Policy,
                        format!(
                            "`{}` has {scale} decimals: people are counted in halves at the least",
                            **name
                        ),
                    )
                    .at((text, column.kind.span()))
                    .hint("give it the type `decimal`, or name it under `disclosure.never_shown`"),
                );
            }
            continue;
        }
        let mut said = spec.grain.iter().chain(spec.disclosure.no_counts());
        let accounted = said.any(|c| c == name);
        if !accounted {
            found.push(
                Diagnostic::error(
                    Code::Policy,
                    format!(
                        "the policy `{}` does not say what to do with `{}`, a column of type {}",
                        **policy, **name, *column.kind
                    ),
                )
                .at((text, name.span()))
                .label("neither in the grain nor a count")
                .hint(format!(
                    "name the counts that it may be shown beside: `disclosure: {{ shown_with: {{ {}: [total] }} }}`",
                    **name
                ))
                .hint("a count of people has the type `decimal`; a label stands under `always_shown`"),
            );
        }
    }
}
