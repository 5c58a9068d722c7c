//! Martlet: files in, checked Parquet marts out.
pub mod cli;
pub mod compile;
mod cores;
pub mod diag;
pub mod disclosure;
pub mod engine;
pub mod functions;
pub mod ingest;
pub mod publish;
pub mod quality;
pub mod report;
pub mod run;
pub mod sample;
pub mod spec;
pub mod store;
pub mod unit_test;
