//! All tests, in one binary: each further one would link the window and the model engine again.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up should fail"
)]

/// Several labels to one verdict.
mod analysis;
/// The shape of the source tree.
mod architecture;
/// The command line.
mod cli;
/// Identity, labels and the event log as values.
mod domain;
/// Blocks, inks, reading problems, previews.
mod text;

/// Files come in whole, go out exactly, and hostile ones are only reported.
mod dataset;
/// Reward models.
mod reward;
/// Intervals and calibration.
mod stats;
/// The project file: what is written is there, whatever happens.
mod store;
/// A window without a screen, a keyboard, a home.
mod support;
/// The colours of the design.
mod theme;
/// The window.
mod ui;
