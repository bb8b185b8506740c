//! Long work as people see it: what it is, how far, how fast.

use std::time::Instant;

use crate::task::Progress;

/// An import or export on its way.
#[derive(Debug, Clone)]
pub struct JobState {
    /// What it does, such as `Importing test.jsonl`.
    pub title: String,
    /// How far it is.
    pub progress: Progress,
    /// Since when, from the first that was heard of it.
    pub since: Option<Instant>,
}

impl JobState {
    /// A job of which nothing was heard yet.
    pub fn new(title: String) -> Self {
        Self {
            title,
            progress: Progress::default(),
            since: None,
        }
    }

    /// Rows per second so far, where rows are counted, and seconds left, where the end is known; nothing in the first second.
    pub fn pace(&self) -> (Option<f64>, Option<f64>) {
        let Some(seconds) = self.since.map(|since| since.elapsed().as_secs_f64()) else {
            return (None, None);
        };
        let Progress { done, total, rows } = self.progress;
        if seconds < 1.0 || done == 0 {
            return (None, None);
        }
        let left = seconds * total.saturating_sub(done) as f64 / done as f64;
        (
            (rows > 0).then(|| rows as f64 / seconds),
            (total > 0).then_some(left),
        )
    }
}
