//! Martlet: files in, checked Parquet marts out.
pub mod compile;
pub mod diag;
pub mod engine;
pub mod spec;
pub mod store;
