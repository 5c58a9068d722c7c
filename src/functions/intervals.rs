//! Proportions, rates, gaps and funnels in SQL: one number, or one word, a row.
//!
//! Numbers of any kind are taken, halves and decimals too. Null in, null out; nothing over nothing
//! is null; what cannot be is an error, because null would hide it.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Float64Builder, StringBuilder,
};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::kernels::funnel;
use super::kernels::gap::{self, Group};
use super::kernels::limits::{Impossible, Level, Limits};
use super::kernels::{poisson, wilson};
use super::{answered, refused};

/// The functions of this file.
pub(super) fn all() -> Vec<ScalarUDF> {
    (0..TABLE.len())
        .map(|at| ScalarUDF::from(Interval::new(at)))
        .collect()
}

type Answer<T> = std::result::Result<Option<T>, Impossible>;
type Number = fn(&[f64], Level) -> Answer<f64>;
type Word = fn(&[f64]) -> Answer<&'static str>;

/// How a function is worked out.
#[derive(Clone, Copy)]
enum Calculation {
    /// Without limits, and so without a confidence.
    Plain(Number),
    /// With a confidence as last argument, 0.95 unless given.
    Confident(Number),
    /// In words.
    Word(Word),
}
use Calculation::{Confident, Plain, Word as Words};

/// Name, numbers taken besides the confidence, and how it is worked out.
const TABLE: &[(&str, usize, Calculation)] = &[
    ("proportion", 2, Plain(|a, c| wilson_of(a, c, |l| l.value))),
    (
        "wilson_lower",
        2,
        Confident(|a, c| wilson_of(a, c, |l| l.lower)),
    ),
    (
        "wilson_upper",
        2,
        Confident(|a, c| wilson_of(a, c, |l| l.upper)),
    ),
    ("rate", 3, Plain(|a, c| rate_of(a, c, |l| l.value))),
    (
        "rate_lower",
        3,
        Confident(|a, c| rate_of(a, c, |l| l.lower)),
    ),
    (
        "rate_upper",
        3,
        Confident(|a, c| rate_of(a, c, |l| l.upper)),
    ),
    (
        "count_lower",
        1,
        Confident(|a, c| Ok(Some(poisson::events(a[0], c)?.lower))),
    ),
    (
        "count_upper",
        1,
        Confident(|a, c| Ok(Some(poisson::events(a[0], c)?.upper))),
    ),
    (
        "byar_lower",
        1,
        Confident(|a, c| counted(a).map(|x| poisson::byar_lower(x, c))),
    ),
    (
        "byar_upper",
        1,
        Confident(|a, c| counted(a).map(|x| Some(poisson::byar_upper(x, c)))),
    ),
    (
        "poisson_lower",
        1,
        Confident(|a, c| counted(a).map(|x| Some(poisson::exact_lower(x, c)))),
    ),
    (
        "poisson_upper",
        1,
        Confident(|a, c| counted(a).map(|x| Some(poisson::exact_upper(x, c)))),
    ),
    (
        "proportion_gap",
        4,
        Plain(|a, c| two(gap::proportion_gap, a, c, |l| l.value)),
    ),
    (
        "proportion_gap_lower",
        4,
        Confident(|a, c| two(gap::proportion_gap, a, c, |l| l.lower)),
    ),
    (
        "proportion_gap_upper",
        4,
        Confident(|a, c| two(gap::proportion_gap, a, c, |l| l.upper)),
    ),
    (
        "proportion_ratio",
        4,
        Plain(|a, c| two(gap::proportion_ratio, a, c, |l| l.value)),
    ),
    (
        "proportion_ratio_lower",
        4,
        Confident(|a, c| two(gap::proportion_ratio, a, c, |l| l.lower)),
    ),
    (
        "proportion_ratio_upper",
        4,
        Confident(|a, c| two(gap::proportion_ratio, a, c, |l| l.upper)),
    ),
    ("rate_gap", 5, Plain(|a, c| rate_gap_of(a, c, |l| l.value))),
    (
        "rate_gap_lower",
        5,
        Confident(|a, c| rate_gap_of(a, c, |l| l.lower)),
    ),
    (
        "rate_gap_upper",
        5,
        Confident(|a, c| rate_gap_of(a, c, |l| l.upper)),
    ),
    (
        "rate_ratio",
        4,
        Plain(|a, c| two(gap::rate_ratio, a, c, |l| l.value)),
    ),
    (
        "rate_ratio_lower",
        4,
        Confident(|a, c| two(gap::rate_ratio, a, c, |l| l.lower)),
    ),
    (
        "rate_ratio_upper",
        4,
        Confident(|a, c| two(gap::rate_ratio, a, c, |l| l.upper)),
    ),
    (
        "funnel_proportion_lower",
        2,
        Confident(|a, c| Ok(funnel::proportion(a[0], a[1], c)?.map(|l| l.0))),
    ),
    (
        "funnel_proportion_upper",
        2,
        Confident(|a, c| Ok(funnel::proportion(a[0], a[1], c)?.map(|l| l.1))),
    ),
    (
        "funnel_ratio_lower",
        1,
        Confident(|a, c| Ok(Some(funnel::ratio(a[0], c)?.0))),
    ),
    (
        "funnel_ratio_upper",
        1,
        Confident(|a, c| Ok(funnel::ratio(a[0], c)?.1)),
    ),
    (
        "funnel_rate_lower",
        2,
        Confident(|a, c| Ok(Some(funnel::ratio(a[0], c)?.0 * average(a[1])?))),
    ),
    (
        "funnel_rate_upper",
        2,
        Confident(|a, c| {
            let average = average(a[1])?;
            Ok(funnel::ratio(a[0], c)?.1.map(|u| u * average))
        }),
    ),
    (
        "funnel_proportion_significance",
        3,
        Words(|a| {
            Ok(funnel::proportion_significance(a[0], a[1], a[2])?.map(funnel::Significance::word))
        }),
    ),
    (
        "funnel_rate_significance",
        3,
        Words(|a| Ok(funnel::rate_significance(a[0], a[1], a[2])?.map(funnel::Significance::word))),
    ),
    (
        "funnel_ratio_significance",
        2,
        Words(|a| Ok(funnel::rate_significance(a[0], a[1], 1.0)?.map(funnel::Significance::word))),
    ),
];

fn wilson_of(a: &[f64], level: Level, pick: fn(Limits) -> f64) -> Answer<f64> {
    Ok(wilson::proportion(a[0], a[1], level.z)?.map(pick))
}

fn rate_of(a: &[f64], level: Level, pick: fn(Limits) -> f64) -> Answer<f64> {
    Ok(poisson::rate(a[0], a[1], a[2], level)?.map(pick))
}

fn rate_gap_of(a: &[f64], level: Level, pick: fn(Limits) -> f64) -> Answer<f64> {
    if !(a[4].is_finite() && a[4] > 0.0) {
        return Err(Impossible::Multiplier);
    }
    Ok(two(gap::rate_gap, a, level, pick)?.map(|gap| gap * a[4]))
}

fn two(
    compare: fn(Group, Group, Level) -> Answer<Limits>,
    a: &[f64],
    level: Level,
    pick: fn(Limits) -> f64,
) -> Answer<f64> {
    let group = |x, n| Group { x, n };
    Ok(compare(group(a[0], a[1]), group(a[2], a[3]), level)?.map(pick))
}

fn counted(a: &[f64]) -> std::result::Result<f64, Impossible> {
    match a[0] {
        x if !x.is_finite() => Err(Impossible::NotANumber),
        x if x < 0.0 => Err(Impossible::Negative),
        x => Ok(x),
    }
}

fn average(x: f64) -> std::result::Result<f64, Impossible> {
    counted(&[x])
}

/// A function of [`TABLE`].
#[derive(Debug, PartialEq, Eq, Hash)]
struct Interval {
    at: usize,
    signature: Signature,
}

impl Interval {
    fn new(at: usize) -> Self {
        let (_, numbers, calculation) = TABLE[at];
        let exact = |n: usize| TypeSignature::Exact(vec![DataType::Float64; n]);
        let mut taken = vec![exact(numbers)];
        if matches!(calculation, Confident(_)) {
            taken.push(exact(numbers + 1));
        }
        Self {
            at,
            signature: Signature::one_of(taken, Volatility::Immutable),
        }
    }

    fn answer(&self, columns: &[&Float64Array]) -> std::result::Result<ArrayRef, Impossible> {
        let (_, numbers, calculation) = TABLE[self.at];
        let rows = columns.first().map_or(0, |c| c.len());
        let mut given = vec![0.0; columns.len()];
        Ok(match calculation {
            Words(f) => {
                let mut words = StringBuilder::new();
                for row in 0..rows {
                    let there = read(row, columns, &mut given);
                    words.append_option(if there { f(&given)? } else { None });
                }
                Arc::new(words.finish())
            }
            Plain(f) | Confident(f) => {
                let mut values = Float64Builder::with_capacity(rows);
                // The quantile of a confidence is dear, and nearly always the same.
                let (mut confidence, mut level) = (0.95, Level::new(0.95)?);
                for row in 0..rows {
                    let there = read(row, columns, &mut given);
                    if there && let Some(asked) = given.get(numbers).filter(|c| **c != confidence) {
                        (confidence, level) = (*asked, Level::new(*asked)?);
                    }
                    values.append_option(if there { f(&given, level)? } else { None });
                }
                Arc::new(values.finish())
            }
        })
    }
}

/// Puts the numbers of a row into `given`; false when one is null.
fn read(row: usize, columns: &[&Float64Array], given: &mut [f64]) -> bool {
    for (number, column) in given.iter_mut().zip(columns) {
        if column.is_null(row) {
            return false;
        }
        *number = column.value(row);
    }
    true
}

impl ScalarUDFImpl for Interval {
    fn name(&self) -> &'static str {
        TABLE[self.at].0
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match TABLE[self.at].2 {
            Words(_) => DataType::Utf8,
            Plain(_) | Confident(_) => DataType::Float64,
        })
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answered(&args, self.name(), |arrays| {
            let columns: Option<Vec<&Float64Array>> = arrays
                .iter()
                .map(|a| a.as_primitive_opt::<Float64Type>())
                .collect();
            columns.map(|columns| {
                self.answer(&columns)
                    .map_err(|why| refused(self.name(), why))
            })
        })
    }
}

#[cfg(test)]
#[path = "intervals_tests.rs"]
mod tests;
