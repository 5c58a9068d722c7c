//! Martlet: files in, checked Parquet marts out.
pub mod compile;
pub mod diag;
pub mod functions;
pub mod publish;
pub mod quality;
pub mod spec;
pub mod store;
