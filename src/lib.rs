//! Tiebreak: a desktop workbench for human preferences and reward models.
//!
//! Each room answers one question: [`domain`] what is it about, [`dataset`] how do files come in and go out, [`store`] where
//! is it kept, [`reward`] how is a reply scored, [`analysis`] what do the numbers say, [`text`] how is text read, [`task`]
//! what runs meanwhile, [`app`] what can be done, [`ui`] how does it look, [`cli`] how is it scripted.

/// A batch takes and gives back megabytes dozens of times for every layer. The system's allocator asks the kernel for fresh pages each time, which
/// costs a third of the time of a batch (135M, 8 bits, 2 cores).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod analysis;
pub mod app;
pub mod cli;
pub mod dataset;
pub mod domain;
pub mod reward;
pub mod store;
pub mod task;
pub mod text;
pub mod ui;
