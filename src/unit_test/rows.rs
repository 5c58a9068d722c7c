//! Rows as YAML writes them, as Arrow.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StringArray, new_null_array,
};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};

use crate::diag::{Code, Diagnostic, Diagnostics, Result, SourceText};
use crate::spec::Sp;
use crate::spec::node::Node;
use crate::spec::unit_test::Row;

use super::load::unknown_column;
use super::people::People;

/// The rows as a batch of a schema; a column that a row does not name is null in it. A word in the
/// column of a pseudonym is somebody's name.
///
/// # Errors
/// Unknown columns, and values that are not of their column's type, each with its place.
pub fn batch(
    schema: &SchemaRef,
    rows: &[Row],
    source: &Arc<SourceText>,
    people: &mut People,
) -> Result<RecordBatch> {
    let mut found: Diagnostics = rows
        .iter()
        .flat_map(|Row(row)| row.iter())
        .filter(|(name, _)| schema.field_with_name(name).is_err())
        .map(|(name, _)| unknown_column(schema, name, source))
        .collect();
    let columns: Vec<Option<ArrayRef>> = schema
        .fields()
        .iter()
        .map(|field| found.take(column(field, rows, source, people)))
        .collect();
    if found.has_errors() {
        return Err(found);
    }
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|f| f.as_ref().clone().with_nullable(true))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(
        Arc::new(Schema::new(fields)),
        columns.into_iter().flatten().collect(),
        &options,
    )
    .map_err(|e| Diagnostic::bug(e.to_string()).into())
}

fn column(
    field: &Field,
    rows: &[Row],
    source: &Arc<SourceText>,
    people: &mut People,
) -> Result<ArrayRef> {
    if let DataType::List(item) = field.data_type() {
        return lists(field.name(), item, rows, source);
    }
    let mut found = Diagnostics::default();
    let mut texts = Vec::with_capacity(rows.len());
    for Row(row) in rows {
        if let Some(value) = row.get(field.name())
            && matches!(**value, Node::List(_))
        {
            found.push(
                Diagnostic::error(Code::WrongValue, "a list stands where one value should")
                    .at((source, Sp::span(value)))
                    .label(format!("`{}` is {}", field.name(), field.data_type())),
            );
        }
        let written = row.get(field.name()).and_then(|value| text(value));
        let named = written.as_deref().and_then(|w| people.number(field, w));
        let text = named.or(written);
        if let (Some(text), Some(value)) = (&text, row.get(field.name()))
            && convert(&[Some(text.clone())], field.data_type()).is_none()
        {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("`{text}` is not {}", field.data_type()),
                )
                .at((source, Sp::span(value)))
                .label(format!("`{}` is {}", field.name(), field.data_type())),
            );
        }
        texts.push(text);
    }
    if found.has_errors() {
        return Err(found);
    }
    Ok(convert(&texts, field.data_type())
        .unwrap_or_else(|| new_null_array(field.data_type(), rows.len())))
}

/// A column of lists, each written as one: `[2025-03-01, 2025-04-01]`.
fn lists(name: &str, item: &FieldRef, rows: &[Row], source: &Arc<SourceText>) -> Result<ArrayRef> {
    let mut found = Diagnostics::default();
    let mut texts = Vec::new();
    let mut lengths = Vec::with_capacity(rows.len());
    let mut written = Vec::with_capacity(rows.len());
    for Row(row) in rows {
        let value = row.get(name);
        let of_row: Vec<Option<String>> = match value.map(|v| &**v) {
            Some(Node::List(items)) => items.iter().map(|item| text(item)).collect(),
            _ => Vec::new(),
        };
        let is_list = matches!(value.map(|v| &**v), None | Some(Node::Null | Node::List(_)));
        if let Some(value) = value
            && !(is_list && convert(&of_row, item.data_type()).is_some())
        {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("`{name}` holds a list of {}", item.data_type()),
                )
                .at((source, Sp::span(value)))
                .hint("write `[a, b]`, or null"),
            );
        }
        written.push(matches!(value.map(|v| &**v), Some(Node::List(_))));
        lengths.push(of_row.len());
        texts.extend(of_row);
    }
    if found.has_errors() {
        return Err(found);
    }
    let bug = |e: String| Diagnostics::from(Diagnostic::bug(e));
    let items = convert(&texts, item.data_type())
        .ok_or_else(|| bug(format!("the items of `{name}` do not fit together")))?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let list = ListArray::try_new(Arc::clone(item), offsets, items, Some(written.into()));
    Ok(Arc::new(list.map_err(|e| bug(e.to_string()))?))
}

fn text(node: &Node) -> Option<String> {
    match node {
        Node::Bool(b) => Some(b.to_string()),
        Node::Int(i) => Some(i.to_string()),
        Node::Float(f) => Some(f.to_string()),
        Node::Text(t) => Some(t.clone()),
        Node::Null | Node::List(_) | Node::Map(_) => None,
    }
}

fn convert(texts: &[Option<String>], kind: &DataType) -> Option<ArrayRef> {
    let strings: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
    let options = CastOptions {
        safe: false,
        ..Default::default()
    };
    cast_with_options(&strings, kind, &options).ok()
}
