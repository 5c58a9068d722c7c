//! The columns readers see: the contract, then the rates, each with its meaning.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

use crate::compile::disclosure::SUPPRESSION;
use crate::spec::{Mart, Rate, Unit};

/// The key of a column's meaning in its Arrow field metadata. It is the only key there: Arrow
/// keeps metadata in a hash map, and a second key would make the order of the bytes a matter of
/// chance.
pub const DESCRIPTION: &str = "description";

/// What the column says that copies under a policy have beside the contract.
const WITHHELD: &str = "The columns withheld in this row, and with them the rates made of them; null where nothing is.";

/// The contract's columns with their descriptions, then what each rate adds.
///
/// Rates add `<name>`, `<name>_lower` and `<name>_upper` (Float64, 0 to 1 or per 100,000, 95%
/// limits), and, with a target, `<name>_target` (Float64) and `<name>_target_met` (Boolean). All of
/// these may be null.
pub fn published_schema(contract: &SchemaRef, spec: &Mart) -> SchemaRef {
    let counts = contract.fields().iter().map(|field| {
        let description = spec
            .columns
            .iter()
            .find(|c| *c.name == *field.name())
            .and_then(|c| c.description.as_deref())
            .or((field.name() == SUPPRESSION).then_some(WITHHELD));
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
    const BYAR: &str = "Byar; exact below 10 events";
    let (joined, unit, limits) = match (&rate.unit_column, rate.unit) {
        (None, Unit::Proportion) => ("as a share of", "0 to 1".to_owned(), "Wilson".to_owned()),
        (None, Unit::Per100000) => ("for every", "per 100,000".to_owned(), BYAR.to_owned()),
        (Some(column), _) => (
            "over",
            format!("in the row's {}", **column),
            format!("Wilson of a proportion; of a rate {BYAR}"),
        ),
    };
    let meaning = rate
        .description
        .clone()
        .unwrap_or_else(|| format!("{} {joined} {}", *rate.numerator, *rate.denominator));
    let float = |column: String, meaning: String| {
        described(Field::new(column, DataType::Float64, true), Some(&meaning))
    };
    let meaning = meaning.trim_end_matches('.');
    let limit = |which: &str| {
        float(
            rate.column(which),
            format!("{name}: {which} 95% limit ({limits})"),
        )
    };
    let mut fields = vec![
        float(name.to_owned(), format!("{meaning} ({unit})")),
        limit("lower"),
        limit("upper"),
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
