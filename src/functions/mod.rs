//! SQL functions: what the field's arithmetic needs and DataFusion does not have.
//!
//! Each is a thin skin over a kernel in [`kernels`]: types in, types out, scalars kept scalar. None
//! reads a clock, a disk or a key, so that a query gives the same rows whenever it runs, and no
//! aggregate depends on the order or the partition that its rows come in.
//!
//! - A function of one row gives one number, one word or one date.
//! - An aggregate or a window that finds several things at once gives a struct of them, read by
//!   name: `dsr(x, n, w)['lower']`.

pub mod kernels;

mod ages;
mod calendar;
mod codes;
mod date_lists;
mod first_value;
mod groups;
mod intervals;
mod percentiles;
mod quantiles;
mod rows;
mod standardised;
mod weighted;
mod xmr;

use std::fmt;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_err};
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, WindowUDF,
};
use datafusion::prelude::SessionContext;

/// Every function of one row.
fn scalars() -> Vec<ScalarUDF> {
    [
        calendar::all(),
        ages::all(),
        codes::all(),
        date_lists::scalars(),
        intervals::all(),
    ]
    .concat()
}

/// Every aggregate.
fn aggregates() -> Vec<AggregateUDF> {
    let mut all = standardised::all();
    all.push(date_lists::date_list());
    all.push(weighted::weighted_percentile());
    all
}

/// Every window function.
fn windows() -> Vec<WindowUDF> {
    vec![quantiles::quantile_of(), xmr::xmr()]
}

/// Makes every function known to a session.
pub fn register(context: &SessionContext) {
    for function in scalars() {
        context.register_udf(function);
    }
    for function in aggregates() {
        context.register_udaf(function);
    }
    // The engine's own functions, one done quicker and two to the last digit.
    for function in [
        first_value::first_value(),
        percentiles::median(),
        percentiles::percentile_cont(),
    ] {
        context.register_udaf(function);
    }
    for function in windows() {
        context.register_udwf(function);
    }
}

/// Why a function of ours gives no answer. It names the function and the rule, and never a value:
/// it may be shown where the engine's own words may not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// No answer, and why; the words must hold no value.
fn refused(function: &str, why: impl fmt::Display) -> DataFusionError {
    DataFusionError::External(Box::new(Refused(format!("{function}: {why}"))))
}

/// Evaluates a function of one row: literals in, a literal out.
fn answered(
    args: &ScalarFunctionArgs,
    name: &str,
    evaluate: impl FnOnce(&[ArrayRef]) -> Option<Result<ArrayRef>>,
) -> Result<ColumnarValue> {
    let literal = |a: &ColumnarValue| matches!(a, ColumnarValue::Scalar(_));
    let scalar = args.args.iter().all(literal);
    let Some(answer) = evaluate(&ColumnarValue::values_to_arrays(&args.args)?) else {
        // The planner coerces to the signature; only a plan built by hand comes here.
        return exec_err!("{name} was called with other types");
    };
    let answer = answer?;
    Ok(if scalar {
        ColumnarValue::Scalar(ScalarValue::try_from_array(&answer, 0)?)
    } else {
        ColumnarValue::Array(answer)
    })
}

#[cfg(test)]
mod tests;
