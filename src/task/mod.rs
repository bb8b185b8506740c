//! What runs meanwhile? Cancelling, progress, and waking a face when something has arrived.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Called from a worker when there is something to draw or read. Makes the core independent of the window.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// A request to stop, shared by the one who asks and the one who works.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the work to stop at its next opportunity.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How far a piece of work is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all; 0 when not known.
    pub total: u64,
    /// Rows done, where the units are something else, such as bytes; else 0.
    pub rows: u64,
}

/// What long work is given: a way to be stopped and a place to report to.
pub struct Job<'a> {
    /// Checked between units of work.
    pub cancel: Cancel,
    /// Called with the progress, at most some twenty times a second.
    pub report: &'a mut dyn FnMut(Progress),
}
