//! What do the numbers say? Pure functions over domain values.

pub mod aggregate;
pub mod kappa;
pub mod near;
pub mod pairs;
pub mod partings;
pub mod stats;
pub mod tally;
