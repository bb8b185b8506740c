//! The head: from a hidden state to outputs, and from outputs to one score.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::backbone::linear::Loader;
use super::weights::{HEAD, Weights};
use crate::reward::{HeadChoice, RewardError, ScoreOutput};

/// How a head is laid out in a file: its linear layers, with `ReLU` between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Name recorded with scores.
    pub(crate) name: String,
    layers: Vec<PlannedLayer>,
    /// Whether the last token is pooled whatever it is, not the last one that is no padding.
    pub(crate) last_token: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct PlannedLayer {
    tensor: String,
    bias: Option<String>,
    outputs: usize,
    inputs: usize,
    /// Only this row of the tensor.
    row: Option<usize>,
}

/// Heads by the names of their tensors: what comes before `.weight` of the only layer, or before `.0.weight` and `.2.weight` of two; and
/// whether the last token is pooled whatever it is.
///
/// `score`: transformers' sequence classifiers, `OpenRLHF` (one layer); INF-ORM, Qwen2.5-Math-RM (two). `v_head.summary`: TRL's value head,
/// also in LLaMA-Factory's `value_head.safetensors`, and GRM. `regression_head`: `UltraRM`, Eurus. `v_head`: Starling, `InternLM2`.
const KNOWN: [(&str, bool); 4] = [
    ("score", false),
    ("v_head.summary", true),
    ("regression_head", true),
    ("v_head", true),
];

impl Plan {
    /// Number of outputs.
    pub(crate) fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.outputs)
    }

    /// Finds the head in `weights`, over `hidden` inputs.
    pub(crate) fn find(
        weights: &Weights,
        hidden: usize,
        choice: &HeadChoice,
    ) -> Result<Self, RewardError> {
        match choice {
            HeadChoice::Logit(token) => Self::logit(weights, hidden, *token),
            HeadChoice::Auto => KNOWN
                .iter()
                .find_map(|(name, last)| Self::named(weights, hidden, name, *last))
                .unwrap_or_else(|| Err(missing(weights))),
            HeadChoice::Named(wanted) => KNOWN
                .iter()
                .filter(|(name, _)| name == wanted)
                .find_map(|(name, last)| Self::named(weights, hidden, name, *last))
                .unwrap_or_else(|| {
                    let known: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).collect();
                    Err(RewardError::Option(format!(
                        "--head {wanted}: `{}` has no `{wanted}.weight`; auto finds the head there is, \
                         or name one of {}, or logit:TOKEN",
                        weights.name(),
                        known.join(", ")
                    )))
                }),
        }
    }

    /// A head of that name, if its tensors are there.
    fn named(
        weights: &Weights,
        hidden: usize,
        name: &str,
        last_token: bool,
    ) -> Option<Result<Self, RewardError>> {
        let plan = |parts: &[String]| -> Result<Self, RewardError> {
            let mut inputs = hidden;
            let mut layers = vec![];
            for part in parts {
                let tensor = format!("{part}.weight");
                let shape = weights.shape(&tensor).unwrap_or_default().to_vec();
                // A head of one output is a plain row in some files.
                let outputs = match shape.as_slice() {
                    [_inputs] => 1,
                    [outputs, _inputs] => *outputs,
                    _ => 0,
                };
                if !(1..=100_000).contains(&outputs) || shape.last() != Some(&inputs) {
                    return Err(RewardError::TensorShape {
                        file: weights.name(),
                        tensor: weights.name_in_file(&tensor),
                        found: shape,
                        expected: vec![1, inputs],
                    });
                }
                let bias = format!("{part}.bias");
                let bias = weights.shape(&bias).is_some().then_some(bias);
                layers.push(PlannedLayer {
                    tensor,
                    bias,
                    outputs,
                    inputs,
                    row: None,
                });
                inputs = outputs;
            }
            Ok(Self {
                name: name.to_owned(),
                layers,
                // Two layers under the name of the sequence classifiers' head pool the last token too (INF-ORM, Qwen2.5-Math-RM).
                last_token: last_token || parts.len() > 1,
            })
        };
        if weights.shape(&format!("{name}.weight")).is_some() {
            if let Weights::Gguf { file, .. } = weights
                && file.shape("cls.weight").is_some()
            {
                return Some(Err(RewardError::Unsupported(format!(
                    "`{}`: reward heads of two layers are not supported yet",
                    file.name()
                ))));
            }
            return Some(plan(&[name.to_owned()]));
        }
        let two = [format!("{name}.0"), format!("{name}.2")];
        let there = two
            .iter()
            .all(|part| weights.shape(&format!("{part}.weight")).is_some());
        there.then(|| plan(&two))
    }

    /// The logit of a token of the vocabulary after the last token, as Llama-3.1-Nemotron-70B-Reward is read.
    fn logit(weights: &Weights, hidden: usize, token: u32) -> Result<Self, RewardError> {
        // Tied: the embedding is the vocabulary head, too.
        let names = ["lm_head.weight", "model.embed_tokens.weight"];
        let found = names
            .iter()
            .find_map(|name| Some((*name, weights.shape(name)?)));
        let (tensor, shape) = found.ok_or_else(|| RewardError::MissingTensor {
            file: weights.name(),
            tensor: names[0].to_owned(),
        })?;
        let row = token as usize;
        match shape {
            [vocabulary, columns] if row < *vocabulary && *columns == hidden => Ok(Self {
                name: format!("logit:{token}"),
                layers: vec![PlannedLayer {
                    tensor: tensor.to_owned(),
                    bias: None,
                    outputs: 1,
                    inputs: hidden,
                    row: Some(row),
                }],
                last_token: true,
            }),
            [vocabulary, _] if row >= *vocabulary => Err(RewardError::Option(format!(
                "--head logit:{token}: this model has {vocabulary} tokens"
            ))),
            other => Err(RewardError::TensorShape {
                file: weights.name(),
                tensor: tensor.to_owned(),
                found: other.to_vec(),
                expected: vec![row + 1, hidden],
            }),
        }
    }
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

/// A head: linear layers with `ReLU` between them.
#[derive(Debug)]
pub(crate) struct Head {
    layers: Vec<(Tensor, Option<Tensor>)>,
    /// Names of the outputs; empty where there is one only.
    pub(crate) names: Vec<String>,
}

impl Head {
    /// Reads a head; `names` are the model's own, where it has them.
    pub(crate) fn load(
        loader: &Loader<'_>,
        plan: &Plan,
        names: &[String],
    ) -> Result<Self, RewardError> {
        let layer = |layer: &PlannedLayer| {
            let shape = [layer.outputs, layer.inputs];
            let values = match layer.row {
                Some(row) => loader.weights.row(&layer.tensor, row)?,
                None => loader.weights.f32(&layer.tensor, &shape)?,
            };
            let bias = layer
                .bias
                .as_ref()
                .map(|name| loader.dense(name, &[layer.outputs]))
                .transpose()?;
            Ok((Tensor::from_vec(values, &shape, loader.device)?, bias))
        };
        let count = plan.outputs();
        let names = match count {
            1 => Vec::new(),
            _ if names.len() == count => names.to_vec(),
            _ => (0..count).map(|i| format!("LABEL_{i}")).collect(),
        };
        Ok(Self {
            layers: plan
                .layers
                .iter()
                .map(layer)
                .collect::<Result<_, RewardError>>()?,
            names,
        })
    }

    /// Outputs `[n][outputs]` for hidden states `[n, hidden]`.
    pub(crate) fn forward(&self, hidden: &Tensor) -> candle_core::Result<Vec<Vec<f32>>> {
        let mut out = hidden.clone();
        for (at, (weight, bias)) in self.layers.iter().enumerate() {
            if at > 0 {
                out = out.relu()?;
            }
            out = out.matmul(&weight.t()?)?;
            if let Some(bias) = bias {
                out = out.broadcast_add(bias)?;
            }
        }
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
