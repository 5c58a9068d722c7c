//! SQL functions: what the field's arithmetic needs and DataFusion does not have.
//!
//! Each is a thin skin over a kernel in [`kernels`]: types in, types out, scalars kept scalar. All
//! are immutable and strict (null in, null out). None reads a clock, a disk or a key, so that a
//! query gives the same rows whenever it runs.

pub mod kernels;

mod calendar;

use datafusion::logical_expr::ScalarUDF;

/// Every SQL function, ready to be registered on a session.
pub fn all() -> Vec<ScalarUDF> {
    calendar::all()
}
