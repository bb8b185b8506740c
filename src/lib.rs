//! Tiebreak: a desktop workbench for human preferences and reward models.
//!
//! Each room answers one question: [`domain`] what is it about, [`text`] how is text read,
//! [`task`] what runs meanwhile.
//! Each room answers one question: [`domain`] what is it about, [`store`] where is it kept, [`task`] what runs meanwhile.
//! Each room answers one question: [`domain`] what is it about, [`reward`] how is a reply scored, [`task`] what runs
//! meanwhile.

pub mod dataset;
pub mod domain;
pub mod store;
pub mod reward;
pub mod task;
pub mod text;
