//! One file per screen.

pub mod annotate;
pub mod export;
pub mod form;
pub mod models;
pub mod queue;
mod training;
