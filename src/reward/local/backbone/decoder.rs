//! A decoder of the Llama family as a reward model uses it: all tokens at once, no cache kept from one text to the next, and the
//! hidden states of the pooled tokens only.
//!
//! Texts lie one after another without padding: the matrix products take all tokens at once, attention goes text by text, in
//! blocks of queries, so that no mask or score matrix grows with the square of the length. A shared beginning is computed
//! once and attended to by all that follow. In the last layer only the pooled tokens ask.

use std::ops::Range;

use candle_core::quantized::QMatMul;
use candle_core::{Device, Result, Tensor};

use super::linear::{Linear, Loader};
use super::ops;
use crate::reward::RewardError;
use crate::reward::batch::{Packed, Pooled};
use crate::reward::local::config::DecoderConfig;
use crate::reward::local::weights::Weights;
use crate::task::Cancel;

/// Queries that attend at once.
const BLOCK: usize = 128;

/// Embedding, layers and final norm.
#[derive(Debug)]
pub(crate) struct Decoder {
    config: DecoderConfig,
    embedding: QMatMul,
    layers: Vec<Layer>,
    norm: Tensor,
    device: Device,
}

#[derive(Debug)]
struct Layer {
    attention_norm: Tensor,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    mlp_norm: Tensor,
    gate: Linear,
    up: Linear,
    down: Linear,
}

/// Names and shapes of all tensors.
pub(crate) fn tensors(config: &DecoderConfig) -> Vec<(String, Vec<usize>)> {
    let c = config;
    let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
    let mut all = vec![(
        "model.embed_tokens.weight".to_owned(),
        vec![c.vocab, c.hidden],
    )];
    for i in 0..c.layers {
        let matrices = [
            ("self_attn.q_proj", q, c.hidden, c.attention_bias),
            ("self_attn.k_proj", kv, c.hidden, c.attention_bias),
            ("self_attn.v_proj", kv, c.hidden, c.attention_bias),
            ("self_attn.o_proj", c.hidden, q, c.attention_bias),
            ("mlp.gate_proj", c.intermediate, c.hidden, c.mlp_bias),
            ("mlp.up_proj", c.intermediate, c.hidden, c.mlp_bias),
            ("mlp.down_proj", c.hidden, c.intermediate, c.mlp_bias),
        ];
        for (name, outputs, inputs, bias) in matrices {
            let name = format!("model.layers.{i}.{name}");
            all.push((format!("{name}.weight"), vec![outputs, inputs]));
            if bias {
                all.push((format!("{name}.bias"), vec![outputs]));
            }
        }
        for norm in ["input_layernorm", "post_attention_layernorm"] {
            all.push((format!("model.layers.{i}.{norm}.weight"), vec![c.hidden]));
        }
    }
    all.push(("model.norm.weight".to_owned(), vec![c.hidden]));
    all
}

/// That all tensors are there and have their shapes, before anything is read.
pub(crate) fn check(
    config: &DecoderConfig,
    weights: &Weights,
) -> std::result::Result<(), RewardError> {
    tensors(config)
        .iter()
        .try_for_each(|(name, shape)| weights.check(name, shape))
}

impl Decoder {
    /// Reads the weights; [`check`] has gone before.
    pub(crate) fn load(
        config: &DecoderConfig,
        loader: &Loader<'_>,
    ) -> std::result::Result<Self, RewardError> {
        let c = config;
        let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let layer = |i: usize| {
            let name = |part: &str| format!("model.layers.{i}.{part}");
            let linear = |part: &str, outputs, inputs, bias| {
                loader.linear(&name(part), outputs, inputs, bias)
            };
            Ok(Layer {
                attention_norm: loader.dense(&name("input_layernorm.weight"), &[c.hidden])?,
                query: linear("self_attn.q_proj", q, c.hidden, c.attention_bias)?,
                key: linear("self_attn.k_proj", kv, c.hidden, c.attention_bias)?,
                value: linear("self_attn.v_proj", kv, c.hidden, c.attention_bias)?,
                output: linear("self_attn.o_proj", c.hidden, q, c.attention_bias)?,
                mlp_norm: loader.dense(&name("post_attention_layernorm.weight"), &[c.hidden])?,
                gate: linear("mlp.gate_proj", c.intermediate, c.hidden, c.mlp_bias)?,
                up: linear("mlp.up_proj", c.intermediate, c.hidden, c.mlp_bias)?,
                down: linear("mlp.down_proj", c.hidden, c.intermediate, c.mlp_bias)?,
            })
        };
        Ok(Self {
            embedding: loader.matrix("model.embed_tokens.weight", c.vocab, c.hidden)?,
            layers: (0..c.layers)
                .map(layer)
                .collect::<std::result::Result<_, RewardError>>()?,
            norm: loader.dense("model.norm.weight", &[c.hidden])?,
            device: loader.device.clone(),
            config: config.clone(),
        })
    }

    /// Number of tokens that it knows.
    pub(crate) fn vocabulary(&self) -> usize {
        self.config.vocab
    }

    /// Hidden states after the final norm, `[pooled, hidden]`.
    pub(crate) fn forward(
        &self,
        batch: &Packed,
        pooled: &[Pooled],
        cancel: &Cancel,
    ) -> std::result::Result<Tensor, RewardError> {
        let (cos, sin) = self.angles(&batch.positions)?;
        let picked: Vec<u32> = pooled.iter().map(|p| p.token as u32).collect();
        let picked = Tensor::from_vec(picked, pooled.len(), &self.device)?;

        let ids = Tensor::new(batch.ids.as_slice(), &self.device)?;
        let mut x = self.embedding.embedding(&ids)?;
        for (index, layer) in self.layers.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(RewardError::Cancelled);
            }
            let c = &self.config;
            let n = x.dim(0)?;
            let h = ops::rms_norm(&x, &layer.attention_norm, c.eps)?;
            let key = layer
                .key
                .forward(&h)?
                .reshape((n, c.kv_heads, c.head_dim))?;
            let key = ops::rotate(&key, &cos, &sin)?;
            let value = layer
                .value
                .forward(&h)?
                .reshape((n, c.kv_heads, c.head_dim))?;
            let last = index + 1 == self.layers.len();
            let attended = if last {
                let (cos, sin) = (cos.index_select(&picked, 0)?, sin.index_select(&picked, 0)?);
                x = x.index_select(&picked, 0)?;
                let query = self.query(layer, &h.index_select(&picked, 0)?, &cos, &sin)?;
                self.attend_pooled(&query, &key, &value, pooled)?
            } else {
                let query = self.query(layer, &h, &cos, &sin)?;
                self.attend_all(&query, &key, &value, batch)?
            };
            x = (x + layer.output.forward(&attended)?)?;
            let h = ops::rms_norm(&x, &layer.mlp_norm, c.eps)?;
            let h = ops::swiglu(&layer.gate.forward(&h)?, &layer.up.forward(&h)?)?;
            x = (x + layer.down.forward(&h)?)?;
        }
        Ok(ops::rms_norm(&x, &self.norm, self.config.eps)?)
    }

    /// Cosines and sines of the tokens' angles, each `[n, 1, head_dim / 2]`.
    fn angles(&self, positions: &[u32]) -> Result<(Tensor, Tensor)> {
        let angles = || {
            let frequencies = &self.config.frequencies;
            positions
                .iter()
                .flat_map(|&p| frequencies.iter().map(move |f| p as f32 * f))
        };
        let shape = (positions.len(), 1, self.config.frequencies.len());
        let cos: Vec<f32> = angles().map(f32::cos).collect();
        let sin: Vec<f32> = angles().map(f32::sin).collect();
        Ok((
            Tensor::from_vec(cos, shape, &self.device)?,
            Tensor::from_vec(sin, shape, &self.device)?,
        ))
    }

    /// Queries `[n, heads, head_dim]`, rotated and scaled.
    fn query(&self, layer: &Layer, h: &Tensor, cos: &Tensor, sin: &Tensor) -> Result<Tensor> {
        let c = &self.config;
        let query = layer
            .query
            .forward(h)?
            .reshape((h.dim(0)?, c.heads, c.head_dim))?;
        ops::rotate(&query, cos, sin)?.affine((c.head_dim as f64).powf(-0.5), 0.0)
    }

    fn attend_all(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        batch: &Packed,
    ) -> Result<Tensor> {
        let mut parts = Vec::new();
        for segment in &batch.segments {
            let key = rows(key, segment.parent.as_ref(), &segment.range)?;
            let value = rows(value, segment.parent.as_ref(), &segment.range)?;
            let before = segment.parent.as_ref().map_or(0, Range::len);
            let query = query.narrow(0, segment.range.start, segment.range.len())?;
            for start in (0..segment.range.len()).step_by(BLOCK) {
                let count = BLOCK.min(segment.range.len() - start);
                let seen = before + start + count;
                parts.push(self.attend(
                    &query.narrow(0, start, count)?,
                    &key.narrow(0, 0, seen)?,
                    &value.narrow(0, 0, seen)?,
                )?);
            }
        }
        Tensor::cat(&parts, 0)
    }

    fn attend_pooled(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        pooled: &[Pooled],
    ) -> Result<Tensor> {
        let mut parts = Vec::with_capacity(pooled.len());
        for (index, place) in pooled.iter().enumerate() {
            let range = place.start..place.token + 1;
            let key = rows(key, place.before.as_ref(), &range)?;
            let value = rows(value, place.before.as_ref(), &range)?;
            parts.push(self.attend(&query.narrow(0, index, 1)?, &key, &value)?);
        }
        Tensor::cat(&parts, 0)
    }

    /// Attention of `query` `[n, heads, d]`, which are the last `n` of the texts's tokens, over `key` and `value`
    /// `[m, kv_heads, d]`; gives `[n, heads · d]`. Heads that share keys are rows of one product, so keys are not repeated.
    fn attend(&self, query: &Tensor, key: &Tensor, value: &Tensor) -> Result<Tensor> {
        let c = &self.config;
        let (n, m, shared) = (query.dim(0)?, key.dim(0)?, c.heads / c.kv_heads);
        let query = query
            .reshape((n, c.kv_heads, shared * c.head_dim))?
            .transpose(0, 1)?
            .reshape((c.kv_heads, n * shared, c.head_dim))?;
        let scores = query.matmul(&key.permute((1, 2, 0))?)?;
        let weights = ops::causal_softmax(scores.reshape((c.kv_heads, n, shared, m))?)?;
        weights
            .reshape((c.kv_heads, n * shared, m))?
            .matmul(&value.transpose(0, 1)?)?
            .reshape((c.kv_heads, n, shared * c.head_dim))?
            .transpose(0, 1)?
            .reshape((n, c.heads * c.head_dim))
    }
}

/// The rows `before`, then `range`.
fn rows(x: &Tensor, before: Option<&Range<usize>>, range: &Range<usize>) -> Result<Tensor> {
    let own = x.narrow(0, range.start, range.len())?;
    match before {
        Some(before) => Tensor::cat(&[&x.narrow(0, before.start, before.len())?, &own], 0),
        None => Ok(own),
    }
}
