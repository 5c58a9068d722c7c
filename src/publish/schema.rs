//! The columns readers see: the contract, then the rates, each with its meaning.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::spec::{Mart, Rate};

/// The key of a column's meaning in its Arrow field metadata. It is the only key there: Arrow
/// keeps metadata in a hash map, and a second key would make the order of the bytes a matter of
/// chance.
pub const DESCRIPTION: &str = "description";

/// The contract's columns with their descriptions, then what each rate adds.
///
/// Rates add `<name>`, `<name>_lower` and `<name>_upper` (Float64, 0 to 1, 95% limits), and, with
/// a target, `<name>_target` (Float64) and `<name>_target_met` (Boolean). All of these may be null.
pub fn published_schema(contract: &SchemaRef, spec: &Mart) -> SchemaRef {
    let counts = contract.fields().iter().map(|field| {
        let description = spec
            .columns
            .iter()
            .find(|c| *c.name == *field.name())
            .and_then(|c| c.description.as_deref());
        described(
            Field::new(field.name(), field.data_type().clone(), field.is_nullable()),
            description,
        )
    });
    let rates = spec.rates.iter().flat_map(rate_fields);
    Arc::new(Schema::new(counts.chain(rates).collect::<Vec<_>>()))
}

/// The columns one rate adds, in order.
pub(super) fn rate_fields(rate: &Rate) -> Vec<Field> {
    let name = rate.name.as_str();
    let meaning = rate
        .description
        .clone()
        .unwrap_or_else(|| format!("{} as a share of {}", *rate.numerator, *rate.denominator));
    let float = |column: String, meaning: String| {
        described(Field::new(column, DataType::Float64, true), Some(&meaning))
    };
    let mut fields = vec![
        float(
            name.to_owned(),
            format!("{} (0 to 1)", meaning.trim_end_matches('.')),
        ),
        float(
            rate.column("lower"),
            format!("{name}: lower 95% limit (Wilson)"),
        ),
        float(
            rate.column("upper"),
            format!("{name}: upper 95% limit (Wilson)"),
        ),
    ];
    if rate.has_target() {
        let series = match (&rate.target, &rate.target_column) {
            (Some(measure), _) => format!(" ({})", **measure),
            (None, Some(column)) => format!(" (of the series in {})", **column),
            (None, None) => String::new(),
        };
        fields.push(float(
            rate.column("target"),
            format!("{name}: target in force{series}"),
        ));
        fields.push(described(
            Field::new(rate.column("target_met"), DataType::Boolean, true),
            Some(&format!("{name}: whether it is at or above the target")),
        ));
    }
    fields
}

fn described(field: Field, description: Option<&str>) -> Field {
    match description {
        Some(text) => field.with_metadata(HashMap::from([(
            DESCRIPTION.to_owned(),
            text.trim().to_owned(),
        )])),
        None => field,
    }
}

/// What a reader calls a type, or `None` for one that not every BI tool reads: views,
/// dictionaries, unsigned, nested, nanoseconds.
pub fn type_name(kind: &DataType) -> Option<String> {
    Some(match kind {
        DataType::Utf8 => "string".to_owned(),
        DataType::Int32 => "int32".to_owned(),
        DataType::Int64 => "int64".to_owned(),
        DataType::Float64 => "float64".to_owned(),
        DataType::Boolean => "boolean".to_owned(),
        DataType::Date32 => "date32".to_owned(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
            "timestamp(us, UTC)".to_owned()
        }
        _ => return None,
    })
}
