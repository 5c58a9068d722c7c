//! The specification of the indicators, for people.
