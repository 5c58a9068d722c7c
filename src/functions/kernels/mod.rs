//! Pure functions on Arrow arrays and plain numbers. They know no DataFusion, no disk and no clock.

pub mod age_bands;
pub mod codes;
pub mod cornish_fisher;
pub mod date_lists;
pub mod dates;
pub mod dsr;
pub mod funnel;
pub mod gap;
pub mod groups;
pub mod isr;
pub mod limits;
pub mod nhs_number;
pub mod poisson;
pub mod quantiles;
pub mod sii;
pub mod weighted;
pub mod wilson;
pub mod working_days;
pub mod xmr;

#[cfg(test)]
#[path = "fixtures_for_tests.rs"]
pub(crate) mod fixtures;
