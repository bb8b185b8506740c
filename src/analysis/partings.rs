//! Where a reward model and people part ways: margins, calibration, slices, and the pairs on which they do.

use super::pairs::{Agreement, ScoredPair, agreement};
use super::stats::wilson;
use crate::domain::{Item, ItemId, Role};

/// One person's verdict on a pair, beside the model's.
pub struct Verdict<'a> {
    /// The item.
    pub item: &'a Item,
    /// Its place in the project, from 0.
    pub position: u64,
    /// What it is about, in a line.
    pub preview: &'a str,
    /// Who preferred it.
    pub annotator: &'a str,
    /// Index of the preferred response.
    pub chosen: usize,
    /// How strongly, 1 to 3, where it was said.
    pub strength: Option<u8>,
    /// Scores of the preferred and of the other response.
    pub scores: [f64; 2],
    /// Whether it may be listed by itself: its reader has answered it.
    pub listed: bool,
}

/// A kind of pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slice {
    /// The preferred response is at least a fifth longer.
    ChosenLonger,
    /// The lengths are about the same.
    SameLength,
    /// The preferred response is at least a fifth shorter.
    ChosenShorter,
    /// People said it is slightly better.
    Slight,
    /// People said it is better, or much better.
    Clear,
    /// The conversation has one prompt.
    SingleTurn,
    /// The conversation has several prompts.
    MultiTurn,
    /// One of them has a block of code.
    Code,
    /// Only one of them has a list.
    OneList,
    /// Only one of them has bold words.
    OneBold,
}

impl Slice {
    /// All, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::ChosenLonger,
        Self::SameLength,
        Self::ChosenShorter,
        Self::Slight,
        Self::Clear,
        Self::SingleTurn,
        Self::MultiTurn,
        Self::Code,
        Self::OneList,
        Self::OneBold,
    ];

    /// Whether a pair belongs to it.
    fn has(self, verdict: &Verdict<'_>) -> bool {
        let text = |at: usize| verdict.item.responses[at].text();
        let (chosen, rejected) = (text(verdict.chosen), text(1 - verdict.chosen));
        let ratio = || chosen.chars().count() as f64 / rejected.chars().count().max(1) as f64;
        let prompts = || {
            let turns = verdict.item.context.iter();
            turns.filter(|t| t.role == Role::User).count()
        };
        match self {
            Self::ChosenLonger => ratio() >= 1.2,
            Self::SameLength => ratio() < 1.2 && ratio() > 1.0 / 1.2,
            Self::ChosenShorter => ratio() <= 1.0 / 1.2,
            Self::Slight => verdict.strength == Some(1),
            Self::Clear => verdict.strength.is_some_and(|s| s > 1),
            Self::SingleTurn => prompts() <= 1,
            Self::MultiTurn => prompts() > 1,
            Self::Code => chosen.contains("```") || rejected.contains("```"),
            Self::OneList => has_list(chosen) != has_list(rejected),
            Self::OneBold => chosen.contains("**") != rejected.contains("**"),
        }
    }
}

/// Whether a line is an item of a list.
fn has_list(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| {
        let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
        line.starts_with("- ")
            || line.starts_with("* ")
            || (digits.len() < line.len() && digits.starts_with(". "))
    })
}

/// How often the model agrees within a slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceAccuracy {
    /// The slice.
    pub slice: Slice,
    /// Pairs.
    pub n: u64,
    /// Share on which it agrees.
    pub accuracy: f64,
    /// Lower end of its 95 % interval (Wilson).
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A pair on which the model and a person disagree.
#[derive(Debug, Clone, PartialEq)]
pub struct Parting {
    /// The item.
    pub item: ItemId,
    /// Its place in the project, from 0.
    pub position: u64,
    /// What it is about, in a line.
    pub preview: String,
    /// Who.
    pub annotator: String,
    /// How strongly, 1 to 3, where it was said.
    pub strength: Option<u8>,
    /// Score of the preferred response less that of the other: not above 0.
    pub margin: f64,
}

/// One bin of the reliability curve.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bin {
    /// Pairs.
    pub n: u64,
    /// Mean probability that the model gives to the response that it prefers.
    pub claimed: f64,
    /// Share in which people prefer it, too; equal scores are half right.
    pub right: f64,
}

/// Bins of the margins' histogram: half of them below zero.
pub const MARGIN_BINS: usize = 20;
/// Bins of the reliability curve, from a probability of one half to one.
pub const RELIABILITY_BINS: usize = 5;
/// Fewer pairs than these that their reader has not answered are not counted at all: neither in a slice, which is left out, nor in the whole.
const CLOSED: usize = 5;
/// Partings listed at most.
const LISTED: usize = 200;

/// What comes out.
#[derive(Debug, Clone, PartialEq)]
pub struct Partings {
    /// All pairs.
    pub all: Agreement,
    /// Half the width of the histogram: 99 of 100 margins are within it.
    pub reach: f64,
    /// Pairs by margin, from `-reach` to `reach`; what lies beyond is in the outermost bins. Zero itself is in
    /// the lower half.
    pub margins: [u64; MARGIN_BINS],
    /// The reliability curve.
    pub reliability: [Bin; RELIABILITY_BINS],
    /// The slices that have pairs.
    pub slices: Vec<SliceAccuracy>,
    /// Where they part ways, the widest first.
    pub partings: Vec<Parting>,
    /// How many more there are, or cannot be listed because their reader has not answered them yet.
    pub more: u64,
}

/// A pair, and what is counted of it.
struct Counted {
    pair: ScoredPair,
    kinds: [bool; Slice::ALL.len()],
    /// Whether its reader has not answered it.
    closed: bool,
}

/// Collects verdicts one by one, so that no item need be kept.
#[derive(Default)]
pub struct Collector {
    pairs: Vec<Counted>,
    partings: Vec<Parting>,
}

impl Collector {
    /// Takes one verdict on an item of two responses; others, and scores that are no numbers, are left out.
    pub fn take(&mut self, verdict: &Verdict<'_>) {
        let [chosen, rejected] = verdict.scores;
        if verdict.item.responses.len() != 2
            || verdict.chosen > 1
            || !(chosen - rejected).is_finite()
        {
            return;
        }
        let length = |at: usize| verdict.item.responses[at].text().chars().count();
        let kinds = Slice::ALL.map(|slice| slice.has(verdict));
        if chosen <= rejected && verdict.listed {
            self.partings.push(Parting {
                item: verdict.item.id,
                position: verdict.position,
                preview: verdict.preview.to_owned(),
                annotator: verdict.annotator.to_owned(),
                strength: verdict.strength,
                margin: chosen - rejected,
            });
        }
        let pair = ScoredPair {
            id: String::new(),
            set: String::new(),
            item: verdict.position,
            chosen,
            rejected,
            chosen_chars: length(verdict.chosen),
            rejected_chars: length(1 - verdict.chosen),
        };
        self.pairs.push(Counted {
            pair,
            kinds,
            closed: !verdict.listed,
        });
    }

    /// Adds everything up.
    pub fn finish(mut self) -> Partings {
        // So few that are not answered yet could be told one by one.
        if self.pairs.iter().filter(|c| c.closed).count() < CLOSED {
            self.pairs.retain(|c| !c.closed);
        }
        let margins: Vec<f64> = self.pairs.iter().map(|c| c.pair.margin()).collect();
        let parted = margins.iter().filter(|m| **m <= 0.0).count() as u64;
        let mut sizes: Vec<f64> = margins.iter().map(|m| m.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let reach = sizes
            .get((sizes.len() * 99 / 100).min(sizes.len().saturating_sub(1)))
            .copied()
            .filter(|r| *r > 0.0)
            .unwrap_or(1.0);
        let mut histogram = [0; MARGIN_BINS];
        let mut reliability = [Bin::default(); RELIABILITY_BINS];
        for margin in &margins {
            let part = f64::midpoint(margin / reach, 1.0) * MARGIN_BINS as f64;
            // Zero agrees with nobody: it belongs to the lower half.
            let bin = if *margin > 0.0 {
                part.floor()
            } else {
                part.ceil() - 1.0
            };
            histogram[(bin.max(0.0) as usize).min(MARGIN_BINS - 1)] += 1;
            let claimed = 1.0 / (1.0 + (-margin.abs()).exp());
            let at = ((claimed - 0.5) * 2.0 * RELIABILITY_BINS as f64) as usize;
            let bin = &mut reliability[at.min(RELIABILITY_BINS - 1)];
            bin.n += 1;
            bin.claimed += claimed;
            bin.right += match margin.partial_cmp(&0.0) {
                Some(std::cmp::Ordering::Greater) => 1.0,
                Some(std::cmp::Ordering::Equal) => 0.5,
                _ => 0.0,
            };
        }
        for bin in reliability.iter_mut().filter(|bin| bin.n > 0) {
            bin.claimed /= bin.n as f64;
            bin.right /= bin.n as f64;
        }
        let slice = |(at, slice): (usize, &Slice)| {
            let of_it: Vec<&Counted> = self.pairs.iter().filter(|c| c.kinds[at]).collect();
            let closed = of_it.iter().filter(|c| c.closed).count();
            if of_it.is_empty() || (1..CLOSED).contains(&closed) {
                return None;
            }
            let hits = of_it.iter().filter(|c| c.pair.margin() > 0.0).count() as u64;
            let n = of_it.len() as u64;
            let (low, high) = wilson(hits, n);
            Some(SliceAccuracy {
                slice: *slice,
                n,
                accuracy: hits as f64 / n as f64,
                low,
                high,
            })
        };
        let slices = Slice::ALL.iter().enumerate().filter_map(slice).collect();
        self.partings.sort_by(|a, b| {
            a.margin
                .total_cmp(&b.margin)
                .then(a.position.cmp(&b.position))
        });
        self.partings.truncate(LISTED);
        Partings {
            all: agreement(self.pairs.iter().map(|c| &c.pair)),
            reach,
            margins: histogram,
            reliability,
            slices,
            more: parted - self.partings.len() as u64,
            partings: self.partings,
        }
    }
}
