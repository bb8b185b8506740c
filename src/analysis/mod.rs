//! What do the numbers say? Pure functions over domain values.

pub mod aggregate;
pub mod pairs;
pub mod stats;
pub mod tally;
