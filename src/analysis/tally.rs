//! One annotator's own labels in numbers: what was said how often, and how far it leans to a side or to length.

use std::collections::BTreeMap;

use super::stats::wilson;
use crate::domain::{Item, Label, LabelSchema, Preference};

/// A share of pairs with its 95 % interval (Wilson).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Share {
    /// How many.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Lower end, 0 to 1.
    pub low: f64,
    /// Upper end, 0 to 1.
    pub high: f64,
}

impl Share {
    /// A share, with its interval.
    pub fn new(count: u64, of: u64) -> Self {
        let (low, high) = wilson(count, of);
        Self {
            count,
            of,
            low,
            high,
        }
    }

    /// From 0 to 1; nothing of nothing.
    pub fn part(&self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }

    /// Whether the interval leaves out one half.
    pub fn leans(&self) -> bool {
        self.of > 0 && (self.low > 0.5 || self.high < 0.5)
    }
}

/// An annotator's labels in numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Labels.
    pub labels: u64,
    /// How often each level was given, by attribute in the schema's order; the first number is the lowest level's.
    pub levels: Vec<(String, Vec<u64>)>,
    /// How often each strength was given, from left much better (-3) to right much better (3); 0 is a tie.
    pub strengths: BTreeMap<i32, u64>,
    /// How often neither was valid.
    pub neither: u64,
    /// Pairs in which the left response was preferred, of those in which one was.
    pub left: Share,
    /// Pairs in which the longer response was preferred, of those in which one was and the lengths differ.
    pub longer: Share,
    /// Milliseconds in use per label, from the shortest to the longest.
    pub active_ms: Vec<u64>,
    /// Labels with each doubt that was recorded.
    pub doubts: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts labels, each with its item. Sides are those on which the annotator saw the responses.
    pub fn of<'a>(
        schema: &LabelSchema,
        labels: impl IntoIterator<Item = (&'a Item, &'a Label)>,
    ) -> Self {
        let mut tally = Self {
            levels: schema
                .attributes
                .iter()
                .map(|a| {
                    (
                        a.title.clone(),
                        vec![0; (a.max - a.min + 1).max(0) as usize],
                    )
                })
                .collect(),
            ..Self::default()
        };
        let (mut left, mut longer) = ((0, 0), (0, 0));
        for (item, label) in labels {
            tally.labels += 1;
            tally.active_ms.push(label.context.active_ms);
            for doubt in &label.context.doubts {
                *tally.doubts.entry(doubt.clone()).or_default() += 1;
            }
            for (attribute, (_, counts)) in schema.attributes.iter().zip(&mut tally.levels) {
                for values in label.judgment.ratings.0.values() {
                    let level = values
                        .get(&attribute.name)
                        .map(|v| v.round() as i32 - attribute.min);
                    if let Some(count) =
                        level.and_then(|l| counts.get_mut(usize::try_from(l).ok()?))
                    {
                        *count += 1;
                    }
                }
            }
            let [first, second] = label.context.shown.as_slice() else {
                continue;
            };
            match label.judgment.preference {
                Some(Preference::NeitherValid) => tally.neither += 1,
                Some(Preference::Tie) => *tally.strengths.entry(0).or_default() += 1,
                Some(preference @ Preference::Better { response, .. }) => {
                    if let Some(strength) = preference.signed(*first, *second) {
                        *tally.strengths.entry(strength).or_default() += 1;
                    }
                    left.0 += u64::from(response == *first);
                    left.1 += 1;
                    let length = |key| {
                        let response = item.responses.iter().find(|r| r.key == key)?;
                        Some(
                            response
                                .turns
                                .iter()
                                .map(|t| t.content.chars().count())
                                .sum::<usize>(),
                        )
                    };
                    let other = if response == *first { *second } else { *first };
                    if let (Some(a), Some(b)) = (length(response), length(other))
                        && a != b
                    {
                        longer.0 += u64::from(a > b);
                        longer.1 += 1;
                    }
                }
                None => {}
            }
        }
        tally.left = Share::new(left.0, left.1);
        tally.longer = Share::new(longer.0, longer.1);
        tally.active_ms.sort_unstable();
        tally
    }

    /// The middle of the times in use, in seconds.
    pub fn median_seconds(&self) -> Option<f64> {
        let middle = self.active_ms.get(self.active_ms.len() / 2)?;
        Some(*middle as f64 / 1_000.0)
    }
}
