//! The head: from a hidden state to outputs, and from outputs to one score.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::backbone::linear::Loader;
use super::config::{HeadFacts, Normaliser};
use super::gate::{self, Gate, OBJECTIVES};
use super::weights::{HEAD, Weights};
use crate::reward::{HeadChoice, Preset, RewardError, ScoreOutput};

/// How a head is laid out in a file: its linear layers, with `ReLU` between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Name recorded with scores.
    pub(crate) name: String,
    layers: Vec<PlannedLayer>,
    /// Whether the last token is pooled whatever it is, not the last one that is no padding.
    pub(crate) last_token: bool,
    /// Whether a gate weighs the outputs, which is read where the prompt ends.
    pub(crate) gated: bool,
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
/// `score_head`: Beaver. `regression_layer`: `ArmoRM`, whose outputs a gate weighs.
const KNOWN: [(&str, bool); 6] = [
    ("score", false),
    ("v_head.summary", true),
    ("regression_head", true),
    ("v_head", true),
    ("score_head", true),
    ("regression_layer", false),
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
                gated: name == "regression_layer" && gate::there(weights),
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
                gated: false,
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
        Weights::Files(_) if generates.iter().any(|name| weights.shape(name).is_some()) => {
            RewardError::NoHead {
                file: weights.name(),
            }
        }
        Weights::Files(_) => RewardError::MissingTensor {
            file: weights.name(),
            tensor: HEAD.to_owned(),
        },
    }
}

/// A head: linear layers with `ReLU` between them, and how their outputs become one score.
#[derive(Debug)]
pub(crate) struct Head {
    layers: Vec<(Tensor, Option<Tensor>)>,
    /// Names of the outputs; empty where there is one only.
    pub(crate) names: Vec<String>,
    normaliser: Option<Normaliser>,
    gate: Option<Gate>,
    /// The weight of each output.
    weights: Option<Vec<f64>>,
}

/// What a head says of one conversation.
#[derive(Debug)]
pub(crate) struct Outputs {
    values: Vec<f64>,
    /// The score, where a gate gave it.
    score: Option<f64>,
}

impl Head {
    /// Reads a head over `hidden` inputs; `facts` are what the model says of it.
    pub(crate) fn load(
        loader: &Loader<'_>,
        plan: &Plan,
        facts: &HeadFacts,
        hidden: usize,
    ) -> Result<Self, RewardError> {
        let names = &facts.outputs;
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
            _ if names.len() == count => names.clone(),
            _ if plan.gated && count == OBJECTIVES.len() => OBJECTIVES.map(str::to_owned).to_vec(),
            _ => (0..count).map(|i| format!("LABEL_{i}")).collect(),
        };
        let temperature = facts.gating_temperature.unwrap_or(10.0);
        let gate = plan
            .gated
            .then(|| Gate::load(loader, hidden, count, temperature))
            .transpose()?;
        Ok(Self {
            layers: plan
                .layers
                .iter()
                .map(layer)
                .collect::<Result<_, RewardError>>()?,
            normaliser: normaliser(loader, facts, count)?,
            weights: None,
            gate,
            names,
        })
    }

    /// Makes the score the weighted sum of the outputs, all of which a preset must know.
    pub(crate) fn weigh(&mut self, preset: &Preset) -> Result<(), RewardError> {
        self.weights = Some(weigh(&self.names, preset)?);
        Ok(())
    }

    /// What it says of each conversation. `hidden` is `[n, hidden]`, of a gated head `[2 n, hidden]`: of each conversation the pooled state,
    /// then that of the end of its prompt.
    pub(crate) fn forward(&self, hidden: &Tensor) -> candle_core::Result<Vec<Outputs>> {
        let (hidden, prompts) = if self.gate.is_some() {
            let (rows, width) = hidden.dims2()?;
            let both = hidden.reshape((rows / 2, 2, width))?;
            let part = |at| both.narrow(1, at, 1)?.squeeze(1)?.contiguous();
            (part(0)?, Some(part(1)?))
        } else {
            (hidden.clone(), None)
        };
        let mut out = hidden;
        for (at, (weight, bias)) in self.layers.iter().enumerate() {
            if at > 0 {
                out = out.relu()?;
            }
            out = out.matmul(&weight.t()?)?;
            if let Some(bias) = bias {
                out = out.broadcast_add(bias)?;
            }
        }
        let scores = match (&self.gate, prompts) {
            (Some(gate), Some(prompts)) => {
                gate.scores(&prompts, &out)?.into_iter().map(Some).collect()
            }
            _ => vec![None; out.dim(0)?],
        };
        let values = out.to_vec2::<f32>()?.into_iter().zip(scores);
        Ok(values
            .map(|(values, score)| self.outputs(&values, score))
            .collect())
    }

    fn outputs(&self, values: &[f32], score: Option<f32>) -> Outputs {
        let mut values: Vec<f64> = values.iter().copied().map(f64::from).collect();
        if let Some(Normaliser {
            mean,
            variance,
            steps: (shift, scale),
        }) = &self.normaliser
        {
            for (value, (mean, variance)) in values.iter_mut().zip(mean.iter().zip(variance)) {
                if *shift {
                    *value -= mean;
                }
                if *scale {
                    *value /= variance.sqrt() + 1e-8;
                }
            }
        }
        Outputs {
            values,
            score: score.map(f64::from),
        }
    }

    /// The score: the gate's, the only output, the weighted sum, else helpfulness, else the mean.
    pub(crate) fn score(&self, outputs: &Outputs, tokens: usize, truncated: bool) -> ScoreOutput {
        let weights = self.weights.as_deref();
        let mut scored = score(&self.names, &outputs.values, weights, tokens, truncated);
        if let (Some(gated), None) = (outputs.score, weights) {
            scored.score = gated;
        }
        scored
    }
}

/// The weight of each output, by a preset whose outputs must all be there.
pub(super) fn weigh(names: &[String], preset: &Preset) -> Result<Vec<f64>, RewardError> {
    if let Some((missing, _)) = preset
        .weights
        .iter()
        .find(|(name, _)| !names.contains(name))
    {
        let there = if names.is_empty() {
            "one output only".to_owned()
        } else {
            names.join(", ")
        };
        return Err(RewardError::Option(format!(
            "--weights {}: this model has no output `{missing}` (it has {there})",
            preset.name
        )));
    }
    let weight = |name: &String| preset.weights.get(name).copied().unwrap_or_default();
    Ok(names.iter().map(weight).collect())
}

/// The score of one or several outputs: the weighted sum, else helpfulness, else the mean.
pub(super) fn score(
    names: &[String],
    values: &[f64],
    weights: Option<&[f64]>,
    tokens: usize,
    truncated: bool,
) -> ScoreOutput {
    let attributes: BTreeMap<String, f64> =
        names.iter().cloned().zip(values.iter().copied()).collect();
    let helpfulness = names
        .iter()
        .position(|name| name.eq_ignore_ascii_case("helpfulness"));
    let score = match (weights, helpfulness) {
        (Some(weights), _) => weights.iter().zip(values).map(|(w, x)| w * x).sum(),
        (None, Some(index)) => values[index],
        (None, None) => values.iter().sum::<f64>() / values.len() as f64,
    };
    ScoreOutput {
        score,
        attributes,
        tokens: tokens as u32,
        truncated,
    }
}

/// The scale of the outputs: as the weights keep it, else as the configuration says.
fn normaliser(
    loader: &Loader<'_>,
    facts: &HeadFacts,
    count: usize,
) -> Result<Option<Normaliser>, RewardError> {
    let Some(said) = facts.normaliser.clone() else {
        return Ok(None);
    };
    let kept = |name: &str, said: Vec<f64>| -> Result<Vec<f64>, RewardError> {
        if loader.weights.shape(name).is_none() {
            return Ok(said);
        }
        let kept = loader.weights.f32(name, &[count])?;
        Ok(kept.into_iter().map(f64::from).collect())
    };
    let mean = kept("normalizer.mean", said.mean)?;
    let variance = kept("normalizer.var", said.variance)?;
    if mean.len() != count
        || variance.len() != count
        || variance.iter().any(|v| v.is_nan() || *v < 0.0)
    {
        return Err(RewardError::malformed(
            &loader.weights.name(),
            format!("the mean and variance of its {count} outputs make no sense"),
        ));
    }
    Ok(Some(Normaliser {
        mean,
        variance,
        ..said
    }))
}
