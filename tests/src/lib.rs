//! Test fleet.
