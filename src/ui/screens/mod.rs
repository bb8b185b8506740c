//! One file per screen.

pub mod agreement;
pub mod annotate;
pub mod asks;
pub mod drawer;
pub mod export;
pub mod find;
pub mod form;
pub mod inspect;
pub mod models;
pub mod queue;
pub mod rewrite;
pub mod settings;
pub mod stepper;
mod study;
mod training;
