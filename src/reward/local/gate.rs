//! The gate of `ArmoRM`: how much each of a model's rewards counts, read where the prompt ends.
//!
//! As in its authors' `modeling_custom.py` (Wang et al., 2024, arXiv 2406.12845): score = Σ gate · (rewards · T), gate = softmax(MLP(h) / τ) ·
//! scale, h the hidden state at the first token of the last end of a prompt, T the matrix that takes verbosity out of the rewards.

use candle_core::{D, Tensor};

use super::backbone::linear::Loader;
use super::weights::Weights;
use crate::reward::RewardError;

/// What stands between a prompt and its reply, by family; the first that the tokenizer writes in few tokens counts.
pub(super) const PROMPT_ENDS: [&str; 2] = [
    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "<end_of_turn>\n<start_of_turn>model\n",
];

/// Names of the nineteen rewards, in the authors' order.
pub(super) const OBJECTIVES: [&str; 19] = [
    "helpsteer-helpfulness",
    "helpsteer-correctness",
    "helpsteer-coherence",
    "helpsteer-complexity",
    "helpsteer-verbosity",
    "ultrafeedback-overall_score",
    "ultrafeedback-instruction_following",
    "ultrafeedback-truthfulness",
    "ultrafeedback-honesty",
    "ultrafeedback-helpfulness",
    "beavertails-is_safe",
    "prometheus-score",
    "argilla-overall_quality",
    "argilla-judge_lm",
    "code-complexity",
    "code-style",
    "code-explanation",
    "code-instruction-following",
    "code-readability",
];

/// A gate.
#[derive(Debug)]
pub(super) struct Gate {
    layers: Vec<(Tensor, Tensor)>,
    temperature: f64,
    scale: f64,
    transform: Tensor,
}

/// Whether a file has a gate.
pub(super) fn there(weights: &Weights) -> bool {
    weights.shape("gating.layers.0.weight").is_some()
}

impl Gate {
    /// Reads a gate over `hidden` inputs and `outputs` rewards.
    pub(super) fn load(
        loader: &Loader<'_>,
        hidden: usize,
        outputs: usize,
        temperature: f64,
    ) -> Result<Self, RewardError> {
        if !(temperature.is_finite() && temperature > 0.0) {
            let name = loader.weights.name();
            return Err(RewardError::malformed(
                &name,
                format!("a `gating_temperature` of {temperature}"),
            ));
        }
        let mut layers = vec![];
        let mut inputs = hidden;
        while let Some(&[rows, _]) = loader
            .weights
            .shape(&format!("gating.layers.{}.weight", layers.len()))
        {
            let name = format!("gating.layers.{}", layers.len());
            let weight = loader.dense(&format!("{name}.weight"), &[rows, inputs])?;
            layers.push((weight, loader.dense(&format!("{name}.bias"), &[rows])?));
            inputs = rows;
        }
        // The last layer gives one number per reward.
        let last = format!("gating.layers.{}.weight", layers.len().saturating_sub(1));
        if inputs != outputs {
            return Err(RewardError::TensorShape {
                file: loader.weights.name(),
                found: loader.weights.shape(&last).unwrap_or_default().to_vec(),
                tensor: last,
                expected: vec![outputs, hidden],
            });
        }
        let scale = loader.dense("gating.logit_scale", &[1])?.to_vec1::<f32>()?;
        Ok(Self {
            layers,
            temperature,
            scale: f64::from(scale.first().copied().unwrap_or(1.0)),
            transform: loader.dense("reward_transform_matrix", &[outputs, outputs])?,
        })
    }

    /// Scores `[n]` of rewards `[n, outputs]`, weighed by what the prompts' last hidden states `[n, hidden]` say.
    pub(super) fn scores(
        &self,
        prompts: &Tensor,
        rewards: &Tensor,
    ) -> candle_core::Result<Vec<f32>> {
        let mut out = prompts.clone();
        for (at, (weight, bias)) in self.layers.iter().enumerate() {
            if at > 0 {
                out = out.relu()?;
            }
            out = out.matmul(&weight.t()?)?.broadcast_add(bias)?;
        }
        let gate = candle_nn::ops::softmax_last_dim(&(out / self.temperature)?)?;
        let adjusted = rewards.matmul(&self.transform)?;
        ((gate * adjusted)?.sum(D::Minus1)? * self.scale)?.to_vec1()
    }
}
