//! Unit tests of SQL: small inputs to a model or mart, in memory, and the rows that must come out.
//!
//! `tests/pipelines/*.yaml` are read and held against the plan like everything else: a misspelt
//! column is an error with its place, not a test that quietly passes.

mod compare;
mod load;
mod people;
mod rows;
mod runner;

pub use load::{PlannedTest, load};
pub use runner::{Outcome, run};
