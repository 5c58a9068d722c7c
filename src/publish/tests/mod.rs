//! Publishing on real folders: a small mart, by month and trust.

mod rates;
mod release;
mod version;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use datafusion::arrow::array::{ArrayRef, Date32Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::{Change, Provenance, Released, Targets, Version, published_schema};
use crate::diag::{Diagnostics, SourceText};
use crate::functions::kernels::dates::from_date;
use crate::publish::targets::Target;
use crate::spec::{Mart, yaml};
use crate::store::paths::Shelf;

fn mart() -> Mart {
    mart_with("target: d62")
}

/// The mart, with more said of its rate.
fn mart_with(more: &str) -> Mart {
    let text = format!(
        "
description: Pathways by month and trust.
sql: pathways.sql
grain: [month, trust_code]
columns:
  - {{ name: month, type: date, description: Census month., nullable: false }}
  - {{ name: trust_code, type: string, nullable: false }}
  - {{ name: total, type: decimal, description: Pathways. }}
  - {{ name: within, type: decimal }}
rates:
  - {{ name: within_pct, numerator: within, denominator: total, {more} }}
publish:
  - {{ audience: alliance }}
"
    );
    yaml::read(&SourceText::new("mart.yaml", text)).expect("reads")
}

fn contract() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("month", DataType::Date32, false),
        Field::new("trust_code", DataType::Utf8, false),
        Field::new("total", DataType::Decimal128(12, 1), true),
        Field::new("within", DataType::Decimal128(12, 1), true),
    ]))
}

fn targets() -> Targets {
    let target = |from: &str, to: Option<&str>, value| Target {
        measure: "d62".to_owned(),
        valid_from: from.parse().expect("a date"),
        valid_to: to.map(|to| to.parse().expect("a date")),
        value,
    };
    Targets::new([
        target("2025-03-01", Some("2026-02-28"), 0.75),
        target("2026-03-01", None, 0.80),
    ])
    .expect("targets")
}

/// Month, trust, total, within.
type Count<'a> = (&'a str, &'a str, Option<f64>, Option<f64>);

/// Month, trust, total and within; counts in halves, as SQL may give them: text and integers are
/// cast, tenths are doubles.
fn counts(rows: &[Count<'_>]) -> RecordBatch {
    let day = |text: &str| from_date(text.parse().expect("a date"));
    let schema = Schema::new(vec![
        Field::new("month", DataType::Date32, true),
        Field::new("trust_code", DataType::Utf8, true),
        Field::new("total", DataType::Float64, true),
        Field::new("within", DataType::Float64, true),
    ]);
    let float = |pick: fn(&Count<'_>) -> Option<f64>| {
        Arc::new(
            rows.iter()
                .map(pick)
                .collect::<datafusion::arrow::array::Float64Array>(),
        ) as ArrayRef
    };
    RecordBatch::try_new(
        Arc::new(schema),
        vec![
            Arc::new(rows.iter().map(|r| Some(day(r.0))).collect::<Date32Array>()),
            Arc::new(rows.iter().map(|r| Some(r.1)).collect::<StringArray>()),
            float(|r| r.2),
            float(|r| r.3),
        ],
    )
    .expect("a batch")
}

fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn provenance(mart: &str, version: &str) -> Provenance {
    Provenance {
        mart: mart.to_owned(),
        version: version.to_owned(),
        run: "run-1".to_owned(),
        pipeline: "waits".to_owned(),
        description: "Pathways by month and trust.".to_owned(),
        grain: vec!["month".to_owned(), "trust_code".to_owned()],
        parameters: BTreeMap::from([("k".to_owned(), "6".to_owned())]),
        ..Provenance::default()
    }
}

/// Publishes a version of `mart` with these rows.
fn publish(
    shelf: &Shelf,
    mart: &str,
    key: &str,
    rows: &[(&str, &str, Option<f64>, Option<f64>)],
) -> Result<Version, Diagnostics> {
    let spec = self::mart();
    let targets = targets();
    let rates = super::RateColumns::new(mart, &spec, &contract(), &targets)?;
    let batch = rates.add(&counts(rows));
    let schema = published_schema(&contract(), &spec);
    super::version::write(
        shelf,
        provenance(mart, key),
        &schema,
        &spec.rates,
        [batch],
        |_| Ok(()),
    )
}

fn change(versions: &[(&str, &Version)]) -> Change {
    Change {
        marts: versions
            .iter()
            .map(|(mart, v)| ((*mart).to_owned(), Released::from(&v.manifest)))
            .collect(),
        as_of: Some("2026-03-31".to_owned()),
        ..Change::default()
    }
}

/// Every file below a folder with its bytes and the time it was written.
fn everything(folder: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let written = path.metadata().and_then(|m| m.modified()).expect("a time");
                let name = path
                    .strip_prefix(folder)
                    .expect("below")
                    .display()
                    .to_string();
                files.insert(name, (std::fs::read(&path).expect("reads"), written));
            }
        }
    }
    files
}
