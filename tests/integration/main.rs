//! Martlet as its users meet it: a process, a project, files that arrive, files that readers see.
//!
//! One binary, one file per thing a user would recognise. [`world`] makes throw-away projects and
//! runs `martlet` in them; [`clinic`] is a small project of our own for everything that does not
//! need the real pipelines, which are slow in a debug build; [`night`] shares one full night of
//! the sample between the tests that only read it.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic)]

mod clinic;
mod parquet_file;
mod servers;
mod wire;
mod workbooks;
mod world;

mod check_errors;
mod commands;
mod damage;
mod determinism;
mod disclosure;
mod early_diagnosis;
mod feeds;
mod google;
mod house;
mod indicators;
mod ingest;
mod interruption;
mod layering;
mod night;
mod periods;
mod plan;
mod publish_gate;
mod quarantine;
mod query;
mod readers;
mod readme;
mod real_data;
mod reconciliation;
mod secrets;
mod selection;
mod store_settings;
mod stores;
mod submissions;
mod tls;
mod traps;
mod unit_tests;
mod web;
