//! Martlet: files in, checked Parquet marts out.
pub mod compile;
pub mod diag;
pub mod ingest;
pub mod spec;
pub mod store;
