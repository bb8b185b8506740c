//! Whether a model makes sense at all: a question, an answer, a worse one, and the first once more.

use super::{RewardError, Scorer};
use crate::domain::Turn;
use crate::task::Cancel;

/// Answers of which everybody knows the better one.
const PROMPT: &str = "What is the capital of France?";
const GOOD: &str = "The capital of France is Paris.";
const BAD: &str = "I do not like questions. Bananas are yellow and the moon is far away.";

/// How a model did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Probe {
    /// The better answer's score.
    pub good: f64,
    /// The worse one's.
    pub bad: f64,
    /// The better answer's, computed again.
    pub again: f64,
}

impl Probe {
    /// Whether all are numbers, and the same text got the same one.
    pub fn is_repeatable(&self) -> bool {
        self.good.is_finite() && self.bad.is_finite() && (self.good - self.again).abs() <= 1e-5
    }
}

/// The conversation with the better answer.
pub fn sample() -> Vec<Turn> {
    vec![Turn::user(PROMPT), Turn::assistant(GOOD)]
}

/// Scores the three.
pub fn probe(scorer: &mut dyn Scorer, cancel: &Cancel) -> Result<Probe, RewardError> {
    let bad = vec![Turn::user(PROMPT), Turn::assistant(BAD)];
    let mut given = [f64::NAN; 3];
    let stats = scorer.score(&[sample(), bad, sample()], cancel, &mut |at, output| {
        given[at] = output.score;
    })?;
    if let Some((_, why)) = stats.failed.into_iter().next() {
        return Err(RewardError::Template(format!(
            "the model cannot be given a plain question and answer: {why}"
        )));
    }
    let [good, bad, again] = given;
    Ok(Probe { good, bad, again })
}
