//! All tests, in one binary: each further one would link the window and the model engine again.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up should fail"
)]
#![expect(missing_docs, reason = "the name of a test is its documentation")]

/// Identity, labels and the event log as values.
mod domain;
/// Reward models.
mod reward;
