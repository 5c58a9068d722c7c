//! Standardised rates and inequality in SQL: aggregates over age bands or quantiles, each giving a
//! struct.

use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, TypeSignature, Volatility,
};

use super::kernels::dsr::{self, dobson};
use super::kernels::isr::{self, Scale, indirect};
use super::kernels::limits::{Impossible, Level, Limits};
use super::kernels::sii::{Kind, Quantile, Telling, inequality};
use super::refused;
use super::rows::{Found, Row, Rows, Work, parameter};

/// The functions of this file.
pub(super) fn all() -> Vec<AggregateUDF> {
    (0..WORKS.len())
        .map(|at| AggregateUDF::from(Standardised::new(at)))
        .collect()
}

const DSR: &[&str] = &["value", "lower", "upper", "events", "population", "weight"];
const ISR: &[&str] = &[
    "value",
    "lower",
    "upper",
    "observed",
    "expected",
    "reference",
];
const SII: &[&str] = &[
    "sii",
    "sii_lower",
    "sii_upper",
    "rii",
    "rii_lower",
    "rii_upper",
    "intercept",
];
const NO_WORDS: fn(&str) -> Option<f64> = |_| None;

/// Each aggregate, and how many parameters may follow its data.
const WORKS: &[(Work, usize)] = &[
    (work("dsr", 3, DSR, |rows| direct(rows, false)), 2),
    (work("dsr_repeated", 4, DSR, |rows| direct(rows, true)), 2),
    (
        work("isr", 4, ISR, |rows| indirectly(rows, Scale::Ratio, 1.0)),
        2,
    ),
    (
        work("isr_rate", 4, ISR, |rows| {
            indirectly(rows, Scale::Rate, 100_000.0)
        }),
        2,
    ),
    (work("sii", 5, SII, |rows| slope(rows, true)), 4),
    (work("sii_se", 4, SII, |rows| slope(rows, false)), 4),
];

const fn work(
    name: &'static str,
    data: usize,
    fields: &'static [&'static str],
    find: fn(&[Row]) -> Found,
) -> Work {
    Work {
        name,
        data,
        fields,
        find,
        word: if fields.len() == SII.len() {
            kind_number
        } else {
            NO_WORDS
        },
        words: "a kind is none of 'rate', 'proportion' and 'other'",
    }
}

fn kind_number(word: &str) -> Option<f64> {
    Some(match word {
        "other" => 0.0,
        "rate" => 1.0,
        "proportion" => 2.0,
        _ => return None,
    })
}

fn needed(row: &Row, at: usize, name: &'static str) -> std::result::Result<f64, Impossible> {
    row.get(at)
        .copied()
        .flatten()
        .ok_or(Impossible::Missing(name))
}

fn spread(limits: Option<Limits>) -> [Option<f64>; 3] {
    [
        limits.map(|l| l.value),
        limits.map(|l| l.lower),
        limits.map(|l| l.upper),
    ]
}

fn direct(rows: &[Row], repeated: bool) -> Found {
    let data = if repeated { 4 } else { 3 };
    let per = parameter(rows, data, "the multiplier", 100_000.0)?;
    let level = Level::new(parameter(rows, data + 1, "the confidence", 0.95)?)?;
    let bands = rows
        .iter()
        .map(|row| {
            let events = row[0].unwrap_or(0.0);
            let squares = match (repeated, row[1]) {
                (false, _) => events,
                (true, None) if events == 0.0 => 0.0,
                (true, _) => needed(row, 1, "the sum of squared events")?,
            };
            Ok(dsr::Band {
                events,
                squares,
                population: needed(row, data - 2, "the population")?,
                weight: needed(row, data - 1, "the weight")?,
            })
        })
        .collect::<std::result::Result<Vec<_>, Impossible>>()?;
    let found = dobson(&bands, per, level)?;
    let rest = [found.events, found.population, found.weight].map(Some);
    Ok(Some([spread(found.rate), rest].concat()))
}

fn indirectly(rows: &[Row], scale: Scale, usual: f64) -> Found {
    let per = parameter(rows, 4, "the multiplier", usual)?;
    let level = Level::new(parameter(rows, 5, "the confidence", 0.95)?)?;
    let bands = rows
        .iter()
        .map(|row| {
            Ok(isr::Band {
                observed: row[0].unwrap_or(0.0),
                population: match row[1] {
                    // Nobody is expected where nobody is; events there have lost their people.
                    None if row[0].unwrap_or(0.0) == 0.0 => 0.0,
                    _ => needed(row, 1, "the population")?,
                },
                reference_events: row[2].unwrap_or(0.0),
                reference_population: needed(row, 3, "the reference population")?,
            })
        })
        .collect::<std::result::Result<Vec<_>, Impossible>>()?;
    let found = indirect(&bands, scale, per, level)?;
    let rest = [found.observed, found.expected, found.reference].map(Some);
    Ok(Some([spread(found.ratio), rest].concat()))
}

/// From quantile, value, lower and upper limit or standard error, population; kind, transform,
/// multiplier, confidence.
fn slope(rows: &[Row], from_limits: bool) -> Found {
    let data = if from_limits { 5 } else { 4 };
    let kind = match parameter(rows, data, "the kind", f64::NAN)? {
        0.0 => Kind::Other,
        1.0 => Kind::Rate,
        2.0 => Kind::Proportion,
        _ => return Err(Impossible::Missing("the kind")),
    };
    let telling = Telling {
        kind,
        transform: parameter(rows, data + 1, "the transform", 0.0)? != 0.0,
        multiplier: parameter(rows, data + 2, "the multiplier", 1.0)?,
    };
    let level = Level::new(parameter(rows, data + 3, "the confidence", 0.95)?)?;
    let mut quantiles = Vec::with_capacity(rows.len());
    let mut suppressed = false;
    for row in rows {
        let number = needed(row, 0, "the quantile")?;
        // A quantile that was suppressed leaves no index; limits that were, no limits.
        let Some(value) = row[1] else {
            suppressed = true;
            continue;
        };
        let population = needed(row, data - 1, "the population")?;
        let error = if from_limits {
            row[2]
                .zip(row[3])
                .map(|(lower, upper)| kind.standard_error(lower, upper))
        } else {
            row[2]
        };
        quantiles.push(Quantile {
            number,
            value,
            error: error.unwrap_or(f64::NAN),
            population,
        });
    }
    let found = inequality(&quantiles, telling, level)?.filter(|_| !suppressed);
    Ok(found.map(|found| {
        let (sii, rii) = (found.sii_limits, found.rii_limits);
        vec![
            Some(found.sii),
            sii.map(|l| l.0),
            sii.map(|l| l.1),
            Some(found.rii).filter(|r| r.is_finite()),
            rii.map(|l| l.0),
            rii.map(|l| l.1),
            Some(found.intercept),
        ]
    }))
}

/// An aggregate of [`WORKS`].
#[derive(Debug, PartialEq, Eq, Hash)]
struct Standardised {
    at: usize,
    signature: Signature,
}

impl Standardised {
    fn new(at: usize) -> Self {
        let (work, parameters) = &WORKS[at];
        let mut types = vec![DataType::Float64; work.data];
        let mut taken = Vec::new();
        if work.fields.len() == SII.len() {
            // Without its kind a value has no sampling error.
            types.push(DataType::Utf8);
            taken.push(TypeSignature::Exact(types.clone()));
            types.push(DataType::Boolean);
            taken.push(TypeSignature::Exact(types.clone()));
        } else {
            taken.push(TypeSignature::Exact(types.clone()));
        }
        while types.len() < work.data + parameters {
            types.push(DataType::Float64);
            taken.push(TypeSignature::Exact(types.clone()));
        }
        Self {
            at,
            signature: Signature::one_of(taken, Volatility::Immutable),
        }
    }

    fn work(&self) -> Work {
        WORKS[self.at].0
    }
}

impl AggregateUDFImpl for Standardised {
    fn name(&self) -> &'static str {
        self.work().name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.work().struct_type())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if args.is_distinct {
            // Two bands may be alike, and are two.
            return Err(refused(self.name(), "takes every row: leave DISTINCT out"));
        }
        Ok(Box::new(Rows::new(self.work(), args.exprs.len())))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        Ok(vec![self.work().state_field(args.name)])
    }
}

#[cfg(test)]
#[path = "standardised_tests.rs"]
mod tests;
