//! Marts: whether the SQL yields what the contract promises, and who may read it.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::{ColumnType, Mart, Sensitivity, Settings, Sp};

use super::contract::arrow_type;
use super::names::check_identifier;
use super::{disclosure, rates};

/// The contract as Arrow: the columns the YAML lists, in its order.
pub fn contract(spec: &Mart) -> SchemaRef {
    let grain: BTreeSet<&str> = spec.grain.iter().map(|g| g.as_str()).collect();
    let fields: Vec<Field> = spec
        .columns
        .iter()
        .map(|column| {
            let nullable = column.nullable.unwrap_or(true) && !grain.contains(column.name.as_str());
            Field::new(column.name.as_str(), arrow_type(&column.kind), nullable)
        })
        .collect();
    Arc::new(Schema::new(fields))
}

/// Reports what is wrong with a mart's declaration, whatever its SQL says.
pub fn check_declaration(
    spec: &Mart,
    text: &Arc<SourceText>,
    settings: &Settings,
    found: &mut Diagnostics,
) {
    let audiences = &settings.audiences;
    let mut columns = BTreeSet::new();
    for column in &spec.columns {
        check_identifier(text, &column.name, found);
        if !columns.insert(column.name.as_str()) {
            found.push(twice(text, &column.name));
        }
        if let ColumnType::NhsNumber = *column.kind {
            found.push(
                Diagnostic::error(Code::WrongValue, "an NHS number must not be published")
                    .at((text, column.kind.span())),
            );
        }
    }
    if spec.grain.is_empty() {
        found.push(
            Diagnostic::error(Code::MissingKey, "a mart needs a grain")
                .at((text, spec.sql.span()))
                .hint(
                    "name the columns that tell one row from another: `grain: [month, trust_code]`",
                ),
        );
    }
    for name in &spec.grain {
        known(text, name, &columns, found);
    }
    rates::check(spec, text, &columns, found);
    if spec.publish.is_empty() {
        found.push(
            Diagnostic::error(Code::MissingKey, "a mart that nobody may read is a model")
                .at((text, spec.sql.span()))
                .hint("add `publish: [{ audience: alliance }]`, or move it to `models`"),
        );
    }
    for publish in &spec.publish {
        if !audiences.contains(&publish.audience) {
            let known = audiences.iter().map(String::as_str);
            let hint = did_you_mean(&publish.audience, known)
                .unwrap_or_else(|| format!("the warehouse has: {}", audiences.join(", ")));
            found.push(
                Diagnostic::error(
                    Code::UnknownName,
                    format!("there is no audience `{}`", *publish.audience),
                )
                .at((text, publish.audience.span()))
                .hint(hint),
            );
        }
        if is_person_level(spec)
            && audiences.contains(&publish.audience)
            && !settings.person_level.contains(&publish.audience)
        {
            found.push(
                Diagnostic::error(
                    Code::Contract,
                    format!(
                        "`{}` must not have rows about single people",
                        *publish.audience
                    ),
                )
                .at((text, publish.audience.span()))
                .label("this mart has one row a person")
                .hint(if settings.person_level.is_empty() {
                    "name the audiences that may under `person_level` in config/warehouse.yaml"
                        .to_owned()
                } else {
                    format!("only these may: {}", settings.person_level.join(", "))
                }),
            );
        }
    }
    disclosure::check(spec, text, &columns, settings, found);
}

/// Reports where what the SQL yields differs from the contract.
pub fn check_contract(
    spec: &Mart,
    contract: &SchemaRef,
    yields: &Schema,
    sql: &Arc<SourceText>,
    text: &Arc<SourceText>,
    found: &mut Diagnostics,
) {
    for column in &spec.columns {
        if yields.field_with_name(&column.name).is_err() {
            let yielded = yields.fields().iter().map(|f| f.name().as_str());
            found.push(
                Diagnostic::error(
                    Code::Contract,
                    format!("the SQL yields no column `{}`", *column.name),
                )
                .at((text, column.name.span()))
                .label("promised here")
                .maybe_hint(did_you_mean(&column.name, yielded))
                .hint(format!("the SQL is {}", sql.path)),
            );
        }
    }
    for field in yields.fields() {
        if contract.field_with_name(field.name()).is_err() {
            found.push(
                Diagnostic::error(
                    Code::Contract,
                    format!(
                        "the SQL yields `{}`, which the contract does not promise",
                        field.name()
                    ),
                )
                .at((sql, last_word(sql, field.name())))
                .label("not in the contract")
                .hint(format!("add it to `columns` in {}, or drop it", text.path)),
            );
        }
    }
    if found.has_errors() {
        return;
    }
    for (i, (column, field)) in spec.columns.iter().zip(yields.fields()).enumerate() {
        if column.name.as_str() != field.name() {
            found.push(
                Diagnostic::error(
                    Code::Contract,
                    format!(
                        "column {} of the SQL is `{}`, of the contract `{}`",
                        i + 1,
                        field.name(),
                        *column.name
                    ),
                )
                .at((sql, last_word(sql, field.name())))
                .label("out of order")
                .hint("select the columns in the contract's order"),
            );
            return;
        }
    }
    for (column, field) in spec.columns.iter().zip(yields.fields()) {
        let promised = arrow_type(&column.kind);
        if !widens(field.data_type(), &promised) {
            found.push(
                Diagnostic::error(
                    Code::Contract,
                    format!(
                        "the SQL yields `{}` as {}, the contract promises {}",
                        field.name(),
                        shown(field.data_type()),
                        *column.kind
                    ),
                )
                .at((sql, last_word(sql, field.name())))
                .label("of another type")
                .hint(format!("cast it: CAST(… AS {})", sql_type(&promised))),
            );
        }
    }
}

/// Whether a mart's rows are single people, under their pseudonyms.
pub fn is_person_level(spec: &Mart) -> bool {
    spec.sensitivity
        .is_some_and(|sensitivity| sensitivity < Sensitivity::Aggregate)
}

/// Reports columns whose values name a person: a mart holds counts of people, or pseudonyms for those
/// who may have them.
pub fn check_identifiable(
    spec: &Mart,
    identifiable: &BTreeSet<String>,
    sql: &Arc<SourceText>,
    found: &mut Diagnostics,
) {
    for column in spec
        .columns
        .iter()
        .filter(|c| identifiable.contains(c.name.as_str()))
    {
        found.push(
            Diagnostic::error(
                Code::Contract,
                format!("`{}` carries values that name a person", *column.name),
            )
            .at((sql, last_word(sql, &column.name)))
            .label("must not be published")
            .hint("count people, or group by something that many share"),
        );
    }
}

/// Whether values of one type may stand for another, each checked as it is written.
fn widens(from: &DataType, to: &DataType) -> bool {
    let whole = |t: &DataType| t.is_integer();
    match (from, to) {
        (a, b) if a == b => true,
        (DataType::Utf8View | DataType::LargeUtf8, DataType::Utf8) => true,
        (a, DataType::Decimal128(..) | DataType::Int64) if whole(a) => true,
        (DataType::Decimal128(_, a), DataType::Decimal128(_, b)) => a <= b,
        (DataType::Float32, DataType::Float64) => true,
        (DataType::Timestamp(..), DataType::Timestamp(TimeUnit::Microsecond, _)) => true,
        _ => false,
    }
}

/// Reports a column that the contract does not have.
pub(super) fn known(
    text: &Arc<SourceText>,
    name: &Sp<String>,
    columns: &BTreeSet<&str>,
    found: &mut Diagnostics,
) {
    if !columns.contains(name.as_str()) {
        found.push(
            Diagnostic::error(
                Code::UnknownName,
                format!("the contract has no column `{}`", **name),
            )
            .at((text, name.span()))
            .maybe_hint(did_you_mean(name, columns.iter().copied())),
        );
    }
}

/// A column that stands twice.
pub(super) fn twice(text: &Arc<SourceText>, name: &Sp<String>) -> Diagnostic {
    Diagnostic::error(
        Code::DuplicateName,
        format!("the column `{}` stands twice", **name),
    )
    .at((text, name.span()))
}

/// Where a column of the result is most likely named: the last time the word stands in the text.
fn last_word(source: &Arc<SourceText>, word: &str) -> std::ops::Range<usize> {
    let text = &source.text;
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .filter(|(i, _)| {
            !text[..*i].ends_with(is_word) && !text[i + word.len()..].starts_with(is_word)
        })
        .last()
        .map_or(0..0, |(i, _)| i..i + word.len())
}

fn shown(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => "string".to_owned(),
        DataType::Int64 | DataType::Int32 => "int".to_owned(),
        DataType::Decimal128(p, s) => format!("decimal({p},{s})"),
        DataType::Float64 => "float".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date".to_owned(),
        DataType::Null => "nothing but NULL".to_owned(),
        other => other.to_string(),
    }
}

/// How SQL writes a type.
fn sql_type(kind: &DataType) -> String {
    match kind {
        DataType::Utf8 => "VARCHAR".to_owned(),
        DataType::Int64 => "BIGINT".to_owned(),
        DataType::Decimal128(p, s) => format!("DECIMAL({p},{s})"),
        DataType::Float64 => "DOUBLE".to_owned(),
        DataType::Boolean => "BOOLEAN".to_owned(),
        DataType::Date32 => "DATE".to_owned(),
        DataType::Timestamp(..) => "TIMESTAMP".to_owned(),
        other => other.to_string(),
    }
}
