//! How well scores agree with known preferences: accuracy per set, beside always picking the longer response.

use std::collections::BTreeMap;

use serde::Serialize;

use super::stats::{calibration_error, wilson};

/// A pair whose better response is known, with its scores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoredPair {
    /// The row's own id, or `row-N`.
    pub id: String,
    /// The set it is counted in.
    pub set: String,
    /// Row where it begins, from 0.
    pub item: u64,
    /// Score of the preferred response.
    pub chosen: f64,
    /// Score of the other.
    pub rejected: f64,
    /// Characters of the preferred response's text.
    pub chosen_chars: usize,
    /// Characters of the other's.
    pub rejected_chars: usize,
}

impl ScoredPair {
    /// Score of the preferred response less that of the other.
    pub fn margin(&self) -> f64 {
        self.chosen - self.rejected
    }
}

/// What comes out for a set of pairs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Pairs.
    pub n: u64,
    /// Share in which the preferred response scores strictly higher.
    pub accuracy: f64,
    /// Lower end of its 95 % interval (Wilson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Pairs with equal scores; they count as not agreed.
    pub ties: u64,
    /// Share in which the preferred response is strictly longer.
    pub length_baseline: f64,
    /// Expected calibration error of the margins, 15 bins.
    pub calibration_error: Option<f64>,
}

/// Adds up one set.
pub fn agreement<'a>(pairs: impl IntoIterator<Item = &'a ScoredPair>) -> Agreement {
    let (mut wins, mut ties, mut longer) = (0, 0, 0);
    let mut margins = vec![];
    for pair in pairs {
        wins += u64::from(pair.chosen > pair.rejected);
        ties += u64::from(pair.margin() == 0.0);
        longer += u64::from(pair.chosen_chars > pair.rejected_chars);
        margins.push(pair.margin());
    }
    let n = margins.len() as u64;
    let share = |count: u64| if n == 0 { 0.0 } else { count as f64 / n as f64 };
    let (low, high) = wilson(wins, n);
    Agreement {
        n,
        accuracy: share(wins),
        low,
        high,
        ties,
        length_baseline: share(longer),
        calibration_error: calibration_error(&margins),
    }
}

/// Every set by name.
pub fn by_set(pairs: &[ScoredPair]) -> BTreeMap<String, Agreement> {
    let mut sets: BTreeMap<&str, Vec<&ScoredPair>> = BTreeMap::new();
    for pair in pairs {
        sets.entry(&pair.set).or_default().push(pair);
    }
    sets.into_iter()
        .map(|(name, pairs)| (name.to_owned(), agreement(pairs)))
        .collect()
}
