//! What a head is asked to make small: the four objectives of reward modelling, in a form that neither overflows nor loses digits.
//!
//! With the margin z = score of the chosen response less that of the rejected one, and m the strength of the preference:
//! - Bradley-Terry: −log σ(z)
//! - margin Bradley-Terry (Touvron et al. 2023): −log σ(z − m)
//! - scaled Bradley-Terry (Wang et al. 2024, `HelpSteer2`-Preference): −m · log σ(z)
//! - regression (`SteerLM`): the mean of (score − value)² over the values that are there

use std::str::FromStr;

/// An objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Loss {
    /// Bradley-Terry.
    #[default]
    BradleyTerry,
    /// Bradley-Terry with the strength as a margin.
    Margin,
    /// Bradley-Terry weighted by the strength.
    Scaled,
    /// Mean squared error of one output per attribute.
    Regression,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::BradleyTerry,
        Self::Margin,
        Self::Scaled,
        Self::Regression,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BradleyTerry => "bt",
            Self::Margin => "margin-bt",
            Self::Scaled => "scaled-bt",
            Self::Regression => "regression",
        }
    }
}

impl FromStr for Loss {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |loss: &Self| loss.name() == text;
        Self::ALL
            .into_iter()
            .find(named)
            .ok_or_else(|| format!("unknown loss `{text}`: bt, margin-bt, scaled-bt or regression"))
    }
}

/// −log σ(z) = log(1 + e^−z), and its derivative −σ(−z).
fn bradley_terry(z: f64) -> (f64, f64) {
    // The exponent is never positive, so nothing overflows and small values keep their digits.
    let small = (-z.abs()).exp();
    let value = (-z).max(0.0) + small.ln_1p();
    let derivative = if z >= 0.0 {
        -small / (1.0 + small)
    } else {
        -1.0 / (1.0 + small)
    };
    (value, derivative)
}

/// The loss of a pair with that margin and strength (at least 0), and its derivative by the margin. Regression is not about
/// pairs: there it is plain Bradley-Terry.
pub fn of_pair(loss: Loss, margin: f64, strength: f64) -> (f64, f64) {
    match loss {
        Loss::BradleyTerry | Loss::Regression => bradley_terry(margin),
        Loss::Margin => bradley_terry(margin - strength),
        Loss::Scaled => {
            let (value, derivative) = bradley_terry(margin);
            (strength * value, strength * derivative)
        }
    }
}

/// The squared errors of one response's outputs against the values that are there, and their derivatives by the outputs: the
/// sum, and how many there are. The mean over a set of responses is the sum of sums over the sum of counts.
pub fn of_values(outputs: &[f64], values: &[Option<f64>]) -> (f64, Vec<f64>, usize) {
    let (mut sum, mut count) = (0.0, 0);
    let derivatives = outputs
        .iter()
        .zip(values)
        .map(|(output, value)| {
            value.map_or(0.0, |value| {
                sum += (output - value).powi(2);
                count += 1;
                2.0 * (output - value)
            })
        })
        .collect();
    (sum, derivatives, count)
}
