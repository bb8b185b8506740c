//! A decoder of the Llama family as a reward model uses it: all tokens at once, no cache kept from one text to the next, and the
//! hidden states of the pooled tokens only.
//!
//! Texts lie one after another without padding: the matrix products take all tokens at once, attention goes text by text, in
//! blocks of queries, so that no mask or score matrix grows with the square of the length. A shared beginning is computed
//! once and attended to by all that follow. In the last layer only the pooled tokens ask.

use std::ops::Range;

use candle_core::quantized::QMatMul;
use candle_core::{DType, Device, Result, Tensor};

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
    device: Device,
    attention_norm: Tensor,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    /// Norms of queries and keys, head by head.
    head_norms: Option<(Tensor, Tensor)>,
    mlp_norm: Tensor,
    /// Norms of what attention and the feed-forward part give.
    end_norms: Option<(Tensor, Tensor)>,
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
            ("self_attn.q_proj", q, c.hidden, c.qkv_bias),
            ("self_attn.k_proj", kv, c.hidden, c.qkv_bias),
            ("self_attn.v_proj", kv, c.hidden, c.qkv_bias),
            ("self_attn.o_proj", c.hidden, q, c.output_bias),
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
        let mut norms = vec![
            ("input_layernorm", c.hidden),
            ("post_attention_layernorm", c.hidden),
        ];
        if c.family.norms_both_ends() {
            norms.push(("pre_feedforward_layernorm", c.hidden));
            norms.push(("post_feedforward_layernorm", c.hidden));
        }
        if c.family.norms_queries() {
            norms.push(("self_attn.q_norm", c.head_dim));
            norms.push(("self_attn.k_norm", c.head_dim));
        }
        for (norm, size) in norms {
            all.push((format!("model.layers.{i}.{norm}.weight"), vec![size]));
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
    /// Reads the weights, split over these devices; [`check`] has gone before.
    pub(crate) fn load(
        config: &DecoderConfig,
        loader: &Loader<'_>,
        devices: &[Device],
    ) -> std::result::Result<Self, RewardError> {
        let c = config;
        let (q, kv) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        // Equal parts of the layers, in order, on each device.
        let place = |i: usize| &devices[i * devices.len() / c.layers.max(1)];
        let layer = |i: usize| {
            let loader = &loader.on(place(i));
            let name = |part: &str| format!("model.layers.{i}.{part}");
            let linear = |part: &str, outputs, inputs, bias| {
                loader.linear(&name(part), outputs, inputs, bias)
            };
            let norm = |part: &str, size| loader.norm(&name(part), size, c.family.norms_from_one());
            let both_ends = c.family.norms_both_ends();
            let before_mlp = if both_ends {
                "pre_feedforward_layernorm"
            } else {
                "post_attention_layernorm"
            };
            Ok(Layer {
                device: place(i).clone(),
                attention_norm: norm("input_layernorm", c.hidden)?,
                query: linear("self_attn.q_proj", q, c.hidden, c.qkv_bias)?,
                key: linear("self_attn.k_proj", kv, c.hidden, c.qkv_bias)?,
                value: linear("self_attn.v_proj", kv, c.hidden, c.qkv_bias)?,
                output: linear("self_attn.o_proj", c.hidden, q, c.output_bias)?,
                head_norms: if c.family.norms_queries() {
                    let query = norm("self_attn.q_norm", c.head_dim)?;
                    Some((query, norm("self_attn.k_norm", c.head_dim)?))
                } else {
                    None
                },
                mlp_norm: norm(before_mlp, c.hidden)?,
                end_norms: if both_ends {
                    let attention = norm("post_attention_layernorm", c.hidden)?;
                    Some((attention, norm("post_feedforward_layernorm", c.hidden)?))
                } else {
                    None
                },
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
            norm: loader.on(place(c.layers.saturating_sub(1))).norm(
                "model.norm",
                c.hidden,
                c.family.norms_from_one(),
            )?,
            device: loader.device.clone(),
            config: config.clone(),
        })
    }

    /// Hidden states after the final norm, `[pooled, hidden]`, in f32.
    pub(crate) fn forward(
        &self,
        batch: &Packed,
        pooled: &[Pooled],
        cancel: &Cancel,
    ) -> std::result::Result<Tensor, RewardError> {
        let (mut cos, mut sin) = self.angles(&batch.positions)?;
        let picked: Vec<u32> = pooled.iter().map(|p| p.token as u32).collect();
        let mut picked = Tensor::from_vec(picked, pooled.len(), &self.device)?;

        let ids = Tensor::new(batch.ids.as_slice(), &self.device)?;
        let mut x = self.embedding.embedding(&ids)?;
        (cos, sin) = (cos.to_dtype(x.dtype())?, sin.to_dtype(x.dtype())?);
        if self.config.family.scales_embeddings() {
            x = x.affine((self.config.hidden as f64).sqrt(), 0.0)?;
        }
        for (index, layer) in self.layers.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(RewardError::Cancelled);
            }
            for moved in [&mut x, &mut cos, &mut sin, &mut picked] {
                if !moved.device().same_device(&layer.device) {
                    *moved = moved.to_device(&layer.device)?;
                }
            }
            let c = &self.config;
            let n = x.dim(0)?;
            let h = ops::rms_norm(&x, &layer.attention_norm, c.eps)?;
            let key = layer
                .key
                .forward(&h)?
                .reshape((n, c.kv_heads, c.head_dim))?;
            let key = match &layer.head_norms {
                Some((_, norm)) => ops::rms_norm(&key, norm, c.eps)?,
                None => key,
            };
            let key = ops::rotate(&key, &cos, &sin)?;
            let window = c.windows.get(index).copied().flatten();
            let value = layer
                .value
                .forward(&h)?
                .reshape((n, c.kv_heads, c.head_dim))?;
            let last = index + 1 == self.layers.len();
            let attended = if last {
                let (cos, sin) = (cos.index_select(&picked, 0)?, sin.index_select(&picked, 0)?);
                x = x.index_select(&picked, 0)?;
                let query = self.query(layer, &h.index_select(&picked, 0)?, &cos, &sin)?;
                self.attend_pooled(&query, &key, &value, batch, pooled, window)?
            } else {
                let query = self.query(layer, &h, &cos, &sin)?;
                self.attend_all(&query, &key, &value, batch, window)?
            };
            let mut attended = layer.output.forward(&attended)?;
            if let Some((norm, _)) = &layer.end_norms {
                attended = ops::rms_norm(&attended, norm, c.eps)?;
            }
            x = (x + attended)?;
            let h = ops::rms_norm(&x, &layer.mlp_norm, c.eps)?;
            let (gate, up) = (layer.gate.forward(&h)?, layer.up.forward(&h)?);
            let h = if c.family.gelu() {
                (gate.gelu()? * up)?
            } else {
                ops::swiglu(&gate, &up)?
            };
            let mut h = layer.down.forward(&h)?;
            if let Some((_, norm)) = &layer.end_norms {
                h = ops::rms_norm(&h, norm, c.eps)?;
            }
            x = (x + h)?;
        }
        let x = ops::rms_norm(&x, &self.norm, self.config.eps)?;
        Ok(x.to_dtype(DType::F32)?.to_device(&self.device)?)
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
        let query = match &layer.head_norms {
            Some((norm, _)) => ops::rms_norm(&query, norm, c.eps)?,
            None => query,
        };
        ops::rotate(&query, cos, sin)?.affine(c.query_scale, 0.0)
    }

    fn attend_all(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        batch: &Packed,
        window: Option<usize>,
    ) -> Result<Tensor> {
        #[cfg(feature = "flash-attn")]
        if query.device().is_cuda() && query.dtype() != DType::F32 && self.config.soft_cap.is_none()
        {
            return flash(query, key, value, batch, window);
        }
        let mut parts = Vec::new();
        for (index, segment) in batch.segments.iter().enumerate() {
            let ranges = ranges(batch, index, segment.range.end);
            let (key, value) = (rows(key, &ranges)?, rows(value, &ranges)?);
            let before = segment.position;
            let query = query.narrow(0, segment.range.start, segment.range.len())?;
            for start in (0..segment.range.len()).step_by(BLOCK) {
                let count = BLOCK.min(segment.range.len() - start);
                let seen = before + start + count;
                // What the first query of the block does not see any more, none of them does.
                let first = window.map_or(0, |w| (before + start + 1).saturating_sub(w));
                parts.push(self.attend(
                    &query.narrow(0, start, count)?,
                    &key.narrow(0, first, seen - first)?,
                    &value.narrow(0, first, seen - first)?,
                    window,
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
        batch: &Packed,
        pooled: &[Pooled],
        window: Option<usize>,
    ) -> Result<Tensor> {
        let mut parts = Vec::with_capacity(pooled.len());
        for (index, place) in pooled.iter().enumerate() {
            let ranges = ranges(batch, place.segment, place.token + 1);
            let (key, value) = (rows(key, &ranges)?, rows(value, &ranges)?);
            let seen = key.dim(0)?;
            let first = window.map_or(0, |w| seen.saturating_sub(w));
            parts.push(self.attend(
                &query.narrow(0, index, 1)?,
                &key.narrow(0, first, seen - first)?,
                &value.narrow(0, first, seen - first)?,
                window,
            )?);
        }
        Tensor::cat(&parts, 0)
    }

    /// Attention of `query` `[n, heads, d]`, which are the last `n` of the texts's tokens, over `key` and `value`
    /// `[m, kv_heads, d]`; gives `[n, heads · d]`. Heads that share keys are rows of one product, so keys are not repeated.
    fn attend(
        &self,
        query: &Tensor,
        key: &Tensor,
        value: &Tensor,
        window: Option<usize>,
    ) -> Result<Tensor> {
        let c = &self.config;
        let (n, m, shared) = (query.dim(0)?, key.dim(0)?, c.heads / c.kv_heads);
        let query = query
            .reshape((n, c.kv_heads, shared * c.head_dim))?
            .transpose(0, 1)?
            .reshape((c.kv_heads, n * shared, c.head_dim))?;
        let mut scores = query.matmul(&key.permute((1, 2, 0))?)?;
        if let Some(cap) = c.soft_cap {
            scores = (scores / cap)?.tanh()?.affine(cap, 0.0)?;
        }
        let weights = ops::causal_softmax(scores.reshape((c.kv_heads, n, shared, m))?, window)?;
        weights
            .reshape((c.kv_heads, n * shared, m))?
            .matmul(&value.transpose(0, 1)?)?
            .reshape((c.kv_heads, n, shared * c.head_dim))?
            .transpose(0, 1)?
            .reshape((n, c.heads * c.head_dim))
    }
}

/// Attention of all segments at once, each over the whole of its conversation so far, by the kernels of `FlashAttention` (Dao,
/// arXiv:2307.08691): the last query sees the last key. Gives `[n, heads · d]`.
#[cfg(feature = "flash-attn")]
fn flash(
    query: &Tensor,
    key: &Tensor,
    value: &Tensor,
    batch: &Packed,
    window: Option<usize>,
) -> Result<Tensor> {
    let (mut seen, mut asking, mut keys) = (vec![0_u32], vec![0_u32], Vec::<u32>::new());
    let (mut most_keys, mut most_queries) = (0, 0);
    for (index, segment) in batch.segments.iter().enumerate() {
        let before = keys.len();
        for range in ranges(batch, index, segment.range.end) {
            keys.extend(range.map(|token| token as u32));
        }
        most_keys = most_keys.max(keys.len() - before);
        most_queries = most_queries.max(segment.range.len());
        seen.push(keys.len() as u32);
        asking.push(segment.range.end as u32);
    }
    let device = query.device();
    let list = |values: &[u32]| Tensor::new(values, device);
    let keys = list(&keys)?;
    let out = candle_flash_attn::flash_attn_varlen_windowed(
        query,
        &key.index_select(&keys, 0)?,
        &value.index_select(&keys, 0)?,
        &list(&asking)?,
        &list(&seen)?,
        most_queries,
        most_keys,
        // Queries are scaled already.
        1.0,
        window.map(|w| w - 1),
        Some(0),
    )?;
    out.flatten_from(1)
}

/// Where the tokens of a conversation lie, from its first to the one before `end` in `segment`.
fn ranges(batch: &Packed, segment: usize, end: usize) -> Vec<Range<usize>> {
    let chain = batch.chain(segment);
    let all = chain.iter().map(|s| batch.segments[*s].range.clone());
    let cut = |range: Range<usize>| {
        let last = range.contains(&(end - 1));
        range.start..if last { end } else { range.end }
    };
    all.map(cut).collect()
}

/// These rows, one range after the other.
fn rows(x: &Tensor, ranges: &[Range<usize>]) -> Result<Tensor> {
    let parts = ranges.iter().map(|r| x.narrow(0, r.start, r.len()));
    let parts = parts.collect::<Result<Vec<_>>>()?;
    match parts.as_slice() {
        [one] => Ok(one.clone()),
        parts => Tensor::cat(parts, 0),
    }
}
