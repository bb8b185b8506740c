//! The head: from a hidden state to outputs, and from outputs to one score.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::backbone::linear::Loader;
use super::weights::{HEAD, Weights};
use crate::reward::{RewardError, ScoreOutput};

/// A linear head.
#[derive(Debug)]
pub(crate) struct Head {
    weight: Tensor,
    bias: Option<Tensor>,
    /// Names of the outputs; empty where there is one only.
    pub(crate) names: Vec<String>,
}

/// Number of outputs of the head in `weights`, over `hidden` inputs.
pub(crate) fn outputs(weights: &Weights, hidden: usize) -> Result<usize, RewardError> {
    let shape = weights.shape(HEAD).ok_or_else(|| missing(weights))?;
    let count = match shape {
        [_inputs] => 1,
        [outputs, _inputs] => *outputs,
        _ => 0,
    };
    if !(1..=10_000).contains(&count) || shape.last() != Some(&hidden) {
        return Err(RewardError::TensorShape {
            file: weights.name(),
            tensor: weights.name_in_file(HEAD),
            found: shape.to_vec(),
            expected: vec![1, hidden],
        });
    }
    if let Weights::Gguf { file, .. } = weights
        && file.shape("cls.weight").is_some()
    {
        return Err(RewardError::Unsupported(format!(
            "`{}`: reward heads of two layers are not supported yet",
            file.name()
        )));
    }
    Ok(count)
}

fn missing(weights: &Weights) -> RewardError {
    let generates = ["lm_head.weight", "output.weight"];
    match weights {
        // A causal language model, or (tied, without a vocabulary head of its own) a llama.cpp file of one.
        Weights::Gguf { .. } => RewardError::NoHead {
            file: weights.name(),
        },
        Weights::Safetensors(_) if generates.iter().any(|name| weights.shape(name).is_some()) => {
            RewardError::NoHead {
                file: weights.name(),
            }
        }
        Weights::Safetensors(_) => RewardError::MissingTensor {
            file: weights.name(),
            tensor: HEAD.to_owned(),
        },
    }
}

impl Head {
    /// Reads a head of `count` outputs; `names` are the model's own, where it has them.
    pub(crate) fn load(
        loader: &Loader<'_>,
        hidden: usize,
        count: usize,
        names: &[String],
    ) -> Result<Self, RewardError> {
        let shape = [count, hidden];
        let values = loader.weights.f32(HEAD, &shape)?;
        let bias = loader.weights.shape("score.bias").is_some();
        let names = match count {
            1 => Vec::new(),
            _ if names.len() == count => names.to_vec(),
            _ => (0..count).map(|i| format!("LABEL_{i}")).collect(),
        };
        Ok(Self {
            weight: Tensor::from_vec(values, &shape, loader.device)?,
            bias: bias
                .then(|| loader.dense("score.bias", &[count]))
                .transpose()?,
            names,
        })
    }

    /// Outputs `[n][outputs]` for hidden states `[n, hidden]`.
    pub(crate) fn forward(&self, hidden: &Tensor) -> candle_core::Result<Vec<Vec<f32>>> {
        let out = hidden.matmul(&self.weight.t()?)?;
        let out = match &self.bias {
            Some(bias) => out.broadcast_add(bias)?,
            None => out,
        };
        out.to_vec2()
    }

    /// The score: the only output, else helpfulness, else the mean.
    pub(crate) fn score(&self, outputs: &[f32], tokens: usize, truncated: bool) -> ScoreOutput {
        let attributes: BTreeMap<String, f64> = self
            .names
            .iter()
            .cloned()
            .zip(outputs.iter().map(|&x| f64::from(x)))
            .collect();
        let helpfulness = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case("helpfulness"));
        let score = match helpfulness {
            Some(index) => f64::from(outputs[index]),
            None => outputs.iter().map(|&x| f64::from(x)).sum::<f64>() / outputs.len() as f64,
        };
        ScoreOutput {
            score,
            attributes,
            tokens: tokens as u32,
            truncated,
        }
    }
}
