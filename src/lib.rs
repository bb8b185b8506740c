//! Tiebreak: a desktop workbench for human preferences and reward models.
//!
//! Each room answers one question: [`domain`] what is it about, [`reward`] how is a reply scored, [`task`] what runs
//! meanwhile.

pub mod domain;
pub mod reward;
pub mod task;
