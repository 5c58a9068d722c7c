//! Stores that are not on this machine: S3, Azure, Google Cloud Storage, web servers.
//!
//! Two rules make them safe to build numbers on. What was listed or read is whole or an error: a
//! listing that breaks off half-way, or a body that is shorter than it should be, is never taken
//! for less. And what readers rely on is written conditionally: a version only where nothing
//! stands, a release only over the release it was made from.
//!
//! Requests are tried again by object_store (`retry_for`); what it does not try again, a listing
//! or a body that breaks off, is tried again here.

mod client;
mod fault;
mod reads;
mod writes;

pub use client::{Client, Secrets};
pub use reads::{Fetched, Object};
pub use writes::{Created, Swapped};
