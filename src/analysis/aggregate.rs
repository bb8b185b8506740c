//! Several annotators' labels of one item to one verdict, by `HelpSteer2`'s rule (arXiv 2406.08673, section 3): three or more
//! values become the mean of the three that agree most, one or two their mean; halves are rounded up.

use std::collections::BTreeSet;

use crate::domain::{Judgment, Preference, Ratings, ResponseKey};

/// Of more values than these the first are compared: the number of triples grows with the cube, and no item has as many votes.
const MOST: usize = 64;

/// Indices of the three values with the smallest sum of pairwise distances. Ties go to the three nearest to the median of
/// all, then to those given first. Values are in the order of time; fewer than three are all taken.
pub fn most_agreeing(values: &[f64]) -> Vec<usize> {
    if values.len() <= 3 {
        return (0..values.len()).collect();
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let median = if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    };
    let mut best: Option<([f64; 2], [usize; 3])> = None;
    let considered = values.len().min(MOST);
    for i in 0..considered {
        for j in i + 1..considered {
            for k in j + 1..considered {
                let [a, b, c] = [values[i], values[j], values[k]];
                let spread = (a - b).abs() + (a - c).abs() + (b - c).abs();
                let off = [a, b, c].iter().map(|v| (v - median).abs()).sum::<f64>();
                let better = match best {
                    None => true,
                    Some((known, _)) => {
                        [spread, off].partial_cmp(&known) == Some(std::cmp::Ordering::Less)
                    }
                };
                if better {
                    best = Some(([spread, off], [i, j, k]));
                }
            }
        }
    }
    best.map_or_else(Vec::new, |(_, at)| at.to_vec())
}

/// The aggregated value, rounded with halves up; `None` without values.
pub fn aggregate_values(values: &[f64]) -> Option<i64> {
    let chosen = most_agreeing(values);
    if chosen.is_empty() {
        return None;
    }
    let mean = chosen.iter().map(|at| values[*at]).sum::<f64>() / chosen.len() as f64;
    Some((mean + 0.5).floor() as i64)
}

/// One verdict from the judgments of several annotators, given in the order of time. `pair` names the two responses of a pair
/// in the file's order, on which the sign of a strength depends.
///
/// Where a vote has no strength, the side with more votes wins, with an unknown strength; it is a tie where both have as many, or
/// ties outnumber them. "Neither valid" wins where more than half say so, otherwise those votes are left aside. A verdict without a sign is a tie.
pub fn verdict(judgments: &[&Judgment], pair: Option<[ResponseKey; 2]>) -> Judgment {
    let mut ratings = Ratings::default();
    let names: BTreeSet<(ResponseKey, &String)> = judgments
        .iter()
        .flat_map(|j| {
            j.ratings
                .0
                .iter()
                .flat_map(|(key, values)| values.keys().map(|n| (*key, n)))
        })
        .collect();
    for (key, name) in names {
        let values: Vec<f64> = judgments
            .iter()
            .filter_map(|j| j.ratings.get(key, name))
            .collect();
        ratings.set(key, name, aggregate_values(&values).map(|v| v as f64));
    }
    let votes: Vec<(usize, Preference)> = judgments
        .iter()
        .enumerate()
        .filter_map(|(at, j)| j.preference.map(|p| (at, p)))
        .collect();
    let neither = votes
        .iter()
        .filter(|(_, p)| *p == Preference::NeitherValid)
        .count();
    let (preference, reasons) = if votes.len() == 1 {
        // A single vote is its own verdict, even where the strength is not known.
        (Some(votes[0].1), vec![votes[0].0])
    } else if neither * 2 > votes.len() {
        (
            Some(Preference::NeitherValid),
            votes
                .iter()
                .filter(|v| v.1 == Preference::NeitherValid)
                .map(|v| v.0)
                .collect(),
        )
    } else if let Some([first, second]) = pair {
        let counted: Vec<(usize, Preference)> = votes
            .iter()
            .filter(|(_, p)| *p != Preference::NeitherValid)
            .copied()
            .collect();
        let signed: Option<Vec<f64>> = counted
            .iter()
            .map(|(_, p)| p.signed(first, second).map(f64::from))
            .collect();
        match signed {
            Some(values) => {
                let preference = aggregate_values(&values)
                    .and_then(|v| Preference::from_signed(v, first, second));
                let reasons = most_agreeing(&values)
                    .into_iter()
                    .map(|at| counted[at].0)
                    .collect();
                (preference, reasons)
            }
            None => (
                plurality(&counted, first, second),
                counted.iter().map(|(at, _)| *at).collect(),
            ),
        }
    } else {
        (None, vec![])
    };
    // The reason that goes with the verdict is the first one given for its direction.
    let side = |p: Option<Preference>| match p {
        Some(Preference::Better { response, .. }) => Some(response),
        _ => None,
    };
    let justification = reasons
        .iter()
        .map(|at| judgments[*at])
        .find(|j| side(j.preference) == side(preference) && !j.justification.is_empty())
        .or_else(|| {
            judgments
                .iter()
                .copied()
                .find(|j| !j.justification.is_empty())
        })
        .map(|j| j.justification.clone())
        .unwrap_or_default();
    Judgment {
        ratings,
        preference,
        justification,
        ..Judgment::default()
    }
}

/// The side with more votes, where their strengths are not all known.
fn plurality(
    votes: &[(usize, Preference)],
    first: ResponseKey,
    second: ResponseKey,
) -> Option<Preference> {
    let count = |wanted: Option<ResponseKey>| {
        let matching = votes.iter().filter(|(_, p)| match p {
            Preference::Better { response, .. } => Some(*response) == wanted,
            _ => wanted.is_none(),
        });
        matching.count()
    };
    let (a, b, ties) = (count(Some(first)), count(Some(second)), count(None));
    if votes.is_empty() {
        return None;
    }
    if a == b || ties > a.max(b) {
        return Some(Preference::Tie);
    }
    let response = if a > b { first } else { second };
    Some(Preference::Better {
        response,
        strength: None,
    })
}
