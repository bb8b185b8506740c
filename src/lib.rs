//! Tiebreak: a desktop workbench for human preferences and reward models.
//!
//! Each room answers one question: [`domain`] what is it about, [`task`] what runs meanwhile.

pub mod dataset;
pub mod domain;
pub mod task;
