//! Where bytes rest: every path of the warehouse, and writes that are whole or not at all.
//!
//! A file appears under its name only when all of it is on the disk: it is written beside its
//! place, fsynced, renamed, and the folder is fsynced. object_store does none of this locally;
//! [`remote`] uses it for what it is good at, stores that are not on this machine.

pub mod atomic;
pub mod landing;
pub mod parquet;
pub mod paths;
pub mod remote;
pub mod views;

pub use paths::Lake;
