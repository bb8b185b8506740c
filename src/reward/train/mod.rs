//! How does a head learn from one's own labels? The base model stays as it is; only the linear head on its pooled hidden state is
//! fitted, which takes seconds once the features are there.
//!
//! [`crate::reward::local::Base`] computes features and writes the finished model; [`loss`] is what is made small, [`fit`] how. Examples that share a
//! prompt are never on both sides of a split.

pub mod fit;
pub mod loss;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

pub use fit::{Epoch, Fit};
pub use loss::Loss;

use crate::domain::{ItemId, Role, Turn};
use crate::task::Cancel;

/// Share of the examples that is held out, about.
const HELD_OUT: f64 = 0.2;

/// What is learned from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingSet {
    /// The texts, each once; examples point to them.
    pub texts: Vec<Vec<Turn>>,
    /// The examples: pairs only, or ratings only.
    pub examples: Vec<Example>,
    /// Names of the outputs of regression; empty for pairs.
    pub outputs: Vec<String>,
    /// Ties, answers with no valid response, and rows without a preference or rating: left out.
    pub left_out: usize,
}

/// One label.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// What it says.
    pub target: Target,
    /// Examples of the same prompt have the same group.
    pub group: u64,
    /// The item it is about.
    pub item: ItemId,
    /// Whose it is; empty where the source does not say.
    pub annotator: String,
}

/// What a label says.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// One text is better than another.
    Pair {
        /// Index of the better text.
        chosen: usize,
        /// Index of the other.
        rejected: usize,
        /// How much better, 1 to 3.
        strength: f64,
    },
    /// A text has these values, where they are known.
    Values {
        /// Index of the text.
        text: usize,
        /// One per output.
        values: Vec<Option<f64>>,
    },
}

impl Target {
    /// The texts it is about.
    pub fn texts(&self) -> Vec<usize> {
        match self {
            Self::Pair {
                chosen, rejected, ..
            } => vec![*chosen, *rejected],
            Self::Values { text, .. } => vec![*text],
        }
    }
}

/// The group of a conversation's prompt: its first user turn in lower case with white space folded, so that later turns of one
/// conversation and spellings of one prompt stay together.
pub fn group_of(context: &[Turn]) -> u64 {
    let prompt = context
        .iter()
        .find(|t| t.role == Role::User)
        .or(context.first())
        .map_or("", |t| t.content.as_str());
    let mut hasher = blake3::Hasher::new();
    for word in prompt.split_whitespace() {
        hasher.update(word.to_lowercase().as_bytes());
        hasher.update(b" ");
    }
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Pooled hidden states, one row per text.
#[derive(Debug, Clone, PartialEq)]
pub struct Features {
    /// Row after row.
    pub values: Vec<f32>,
    /// Numbers in a row.
    pub width: usize,
}

impl Features {
    /// The row of a text.
    pub fn row(&self, text: usize) -> &[f32] {
        &self.values[text * self.width..(text + 1) * self.width]
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Why no head was fitted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// Nothing to learn from.
    #[error("there is no label to learn from")]
    NoExamples,
    /// Nothing but ties.
    #[error(
        "all {0} labels are ties or name no better response: a preference between two responses is needed"
    )]
    OnlyTies(usize),
    /// No rating.
    #[error("no response has a rating: regression learns from ratings")]
    NoRatings,
    /// A held-out part needs another prompt.
    #[error(
        "all labels are about one prompt: a second one is needed to see whether the head has learned anything else"
    )]
    OnePrompt,
    /// The base gave something that is no number.
    #[error("the base model's features of {0} are not finite numbers")]
    NotFinite(String),
    /// The labels are no numbers, or the numbers ran away.
    #[error(
        "the numbers ran away while fitting; the features or the ratings are out of any usual range"
    )]
    Diverged,
    /// Stopped.
    #[error("stopped")]
    Cancelled,
}

impl TrainError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoExamples => {
                "label some pairs first, or give a file with chosen and rejected responses"
            }
            Self::OnlyTies(_) => "label more pairs, or leave ties to those that are truly equal",
            Self::NoRatings => "rate some responses first, or use `--loss bt`",
            Self::OnePrompt => "label pairs of other prompts as well",
            Self::NotFinite(_) => "check the base model with `tiebreak score`",
            _ => return None,
        })
    }
}

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FitOptions {
    /// The objective.
    pub loss: Loss,
    /// Decides which prompts are held out.
    pub seed: u64,
}

/// A share with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Measure {
    /// Accuracy of pairs (0 to 1, strict win), or root mean squared error of ratings.
    pub value: f64,
    /// Lower end: Wilson for an accuracy, a bootstrap over prompts for an error.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One part of the split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Part {
    /// Examples.
    pub n: usize,
    /// Prompts.
    pub prompts: usize,
    /// How well the head does there.
    #[serde(flatten)]
    pub measure: Measure,
}

/// Which examples are held out: whole prompts, in an order that the seed decides, until a fifth of the examples is reached; at least one
/// prompt on each side.
pub fn split(set: &TrainingSet, seed: u64) -> Result<Vec<bool>, TrainError> {
    if set.examples.is_empty() {
        return Err(match (set.left_out, set.outputs.is_empty()) {
            (_, false) => TrainError::NoRatings,
            (0, true) => TrainError::NoExamples,
            (ties, true) => TrainError::OnlyTies(ties),
        });
    }
    let mut groups: BTreeMap<u64, usize> = BTreeMap::new();
    for example in &set.examples {
        *groups.entry(example.group).or_default() += 1;
    }
    if groups.len() < 2 {
        return Err(TrainError::OnePrompt);
    }
    let mut order: Vec<(u64, u64)> = groups
        .keys()
        .map(|g| (mixed(g ^ mixed(seed)), *g))
        .collect();
    order.sort_unstable();
    let wanted = (set.examples.len() as f64 * HELD_OUT).ceil() as usize;
    let mut held = BTreeSet::new();
    let mut count = 0;
    for (_, group) in &order[..order.len() - 1] {
        if count >= wanted {
            break;
        }
        count += groups[group];
        held.insert(*group);
    }
    Ok(set
        .examples
        .iter()
        .map(|e| held.contains(&e.group))
        .collect())
}

/// The part of a cross-fit that a group is in.
fn fold(group: u64, folds: u64) -> u64 {
    mixed(group) % folds
}

/// `SplitMix64` (Steele et al. 2014): every bit depends on every bit.
fn mixed(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Fits a head to features of the set's texts. `progress` gets steps done and steps in all.
pub fn fit(
    set: &TrainingSet,
    features: &Features,
    options: FitOptions,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Fit, Vec<bool>), TrainError> {
    let held_out = split(set, options.seed)?;
    for example in &set.examples {
        for text in example.target.texts() {
            if features.row(text).iter().any(|x| !x.is_finite()) {
                return Err(TrainError::NotFinite(format!(
                    "item {}",
                    example.item.short()
                )));
            }
        }
    }
    let fit = fit::fit(set, features, options.loss, &held_out, cancel, progress)?;
    Ok((fit, held_out))
}

/// How well a head does on one part of the set; `wilson` makes the interval of an accuracy.
pub fn measure(
    set: &TrainingSet,
    fit: &Fit,
    part: &dyn Fn(usize) -> bool,
    seed: u64,
    wilson: fn(u64, u64) -> (f64, f64),
) -> Part {
    let at: Vec<usize> = (0..set.examples.len()).filter(|at| part(*at)).collect();
    let prompts: BTreeSet<u64> = at.iter().map(|at| set.examples[*at].group).collect();
    let measure = if set.outputs.is_empty() {
        let wins = at.iter().filter(|at| fit.margins[**at] > 0.0).count() as u64;
        let (low, high) = wilson(wins, at.len() as u64);
        Measure {
            value: wins as f64 / at.len().max(1) as f64,
            low,
            high,
        }
    } else {
        root_mean_square(set, fit, &at, seed)
    };
    Part {
        n: at.len(),
        prompts: prompts.len(),
        measure,
    }
}

/// The root mean squared error, and a percentile bootstrap of 1,000 draws of prompts with replacement.
fn root_mean_square(set: &TrainingSet, fit: &Fit, at: &[usize], seed: u64) -> Measure {
    let mut of_prompt: BTreeMap<u64, (f64, usize)> = BTreeMap::new();
    for &at in at {
        if let Target::Values { values, .. } = &set.examples[at].target {
            let (square, _, count) = loss::of_values(&fit.predicted[at], values);
            let sum = of_prompt.entry(set.examples[at].group).or_default();
            *sum = (sum.0 + square, sum.1 + count);
        }
    }
    let sums: Vec<(f64, usize)> = of_prompt.into_values().collect();
    let root = |drawn: &mut dyn Iterator<Item = (f64, usize)>| {
        let (sum, count) = drawn.fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
        (sum / count.max(1) as f64).sqrt()
    };
    let mut state = seed;
    let mut draws: Vec<f64> = (0..1000)
        .map(|_| {
            root(&mut (0..sums.len()).map(|_| {
                state = mixed(state);
                sums[(state % sums.len() as u64) as usize]
            }))
        })
        .collect();
    draws.sort_by(f64::total_cmp);
    let draw = |at: usize| draws.get(at).copied().unwrap_or(0.0);
    Measure {
        value: root(&mut sums.iter().copied()),
        low: draw(25),
        high: draw(974),
    }
}
