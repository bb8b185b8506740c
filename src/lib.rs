//! Tiebreak: a desktop workbench for human preferences and reward models.
//!
//! Each room answers one question: [`domain`] what is it about, [`store`] where is it kept, [`task`] what runs meanwhile.

pub mod domain;
pub mod store;
pub mod task;
