//! How several outputs become one score: weights by name, of the models whose makers give them, or of one's own.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::RewardError;

/// Weights of a model's named outputs: the score is their weighted sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    /// Its name, part of a scorer's identity.
    pub name: String,
    /// Weight per output; outputs that are not named count nothing.
    pub weights: BTreeMap<String, f64>,
}

/// The attributes of `HelpSteer`, in its order.
const HELPSTEER: [&str; 5] = [
    "helpfulness",
    "correctness",
    "coherence",
    "complexity",
    "verbosity",
];

/// Presets: name, part of the name of the models that it is meant for, weights of `HelpSteer`'s attributes.
///
/// `nemotron-340b` stands on the card of Nemotron-4-340B-Reward, `steerlm-70b` on that of Llama3-70B-SteerLM-RM; `steerlm-70b-first` stood
/// there at first.
const KNOWN: [(&str, &str, [f64; 5]); 4] = [
    (
        "nemotron-340b",
        "Nemotron-4-340B-Reward",
        [0.3, 0.74, 0.46, 0.47, -0.33],
    ),
    (
        "steerlm-70b",
        "Llama3-70B-SteerLM-RM",
        [0.65, 0.8, 0.45, 0.55, -0.4],
    ),
    ("steerlm-70b-first", "", [0.65, 0.8, 0.45, 0.0, 0.0]),
    ("helpfulness", "", [1.0, 0.0, 0.0, 0.0, 0.0]),
];

fn known((name, _, weights): &(&str, &str, [f64; 5])) -> Preset {
    let weights = HELPSTEER.iter().zip(weights);
    Preset {
        name: (*name).to_owned(),
        weights: weights
            .filter(|(_, weight)| **weight != 0.0)
            .map(|(name, weight)| ((*name).to_owned(), *weight))
            .collect(),
    }
}

/// The names of all presets.
pub fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|(name, ..)| *name)
}

/// The preset of the makers of a model, by the model's name.
pub fn of_model(name: &str) -> Option<Preset> {
    let found = KNOWN
        .iter()
        .find(|(_, part, _)| !part.is_empty() && name.contains(part));
    found.map(known)
}

impl FromStr for Preset {
    type Err = RewardError;

    /// Reads the name of a preset, or `NAME=WEIGHT,…`.
    fn from_str(text: &str) -> Result<Self, RewardError> {
        if let Some(preset) = KNOWN.iter().find(|(name, ..)| *name == text) {
            return Ok(known(preset));
        }
        let pair = |part: &str| {
            let (name, weight) = part.split_once('=')?;
            let weight: f64 = weight.trim().parse().ok().filter(|w: &f64| w.is_finite())?;
            Some((name.trim().to_owned(), weight)).filter(|(name, _)| !name.is_empty())
        };
        let weights: Option<BTreeMap<String, f64>> = text.split(',').map(pair).collect();
        let weights = weights.filter(|weights| weights.len() == text.split(',').count());
        let Some(weights) = weights else {
            let names: Vec<&str> = names().collect();
            return Err(RewardError::Option(format!(
                "--weights {text}: name one of {}, or give each output's weight, such as helpfulness=1,verbosity=-0.5",
                names.join(", ")
            )));
        };
        let parts = weights
            .iter()
            .map(|(name, weight)| format!("{name}={weight}"));
        Ok(Self {
            name: parts.collect::<Vec<_>>().join(","),
            weights,
        })
    }
}
