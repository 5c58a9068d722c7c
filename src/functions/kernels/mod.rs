//! Pure functions on Arrow arrays. They know no DataFusion, no disk and no clock.

pub mod dates;
pub mod wilson;
