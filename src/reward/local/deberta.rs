//! `DeBERTa` v2 and v3 (He et al. 2021), put together from candle's own parts: its whole model has no convolution, which every published v2
//! has beside its first layer.

use candle_core::{Result, Tensor};
use candle_nn::{Conv1d, Conv1dConfig, Embedding, LayerNorm, Module as _, VarBuilder};
use candle_transformers::models::debertav2::{
    Config, DebertaV2DisentangledSelfAttention, DebertaV2Embeddings, DebertaV2Intermediate,
    DebertaV2Output, DebertaV2SelfOutput,
};

/// A `DeBERTa` without its pooler.
pub(super) struct Deberta {
    embeddings: DebertaV2Embeddings,
    layers: Vec<Layer>,
    convolution: Option<Convolution>,
    relative: Option<Relative>,
}

struct Layer {
    attention: DebertaV2DisentangledSelfAttention,
    attended: DebertaV2SelfOutput,
    intermediate: DebertaV2Intermediate,
    output: DebertaV2Output,
}

/// What is added to the output of the first layer.
struct Convolution {
    kernel: Conv1d,
    activation: Activation,
    norm: LayerNorm,
}

#[derive(Clone, Copy)]
enum Activation {
    Tanh,
    Gelu,
    Relu,
}

/// How far apart two tokens are, as embeddings.
struct Relative {
    embeddings: Tensor,
    /// Distances beyond half as many share buckets of rising width; no buckets at 0.
    buckets: i64,
    most: i64,
}

impl Deberta {
    /// Reads the weights below `builder`. The configuration makes sense.
    pub(super) fn load(builder: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let embeddings = DebertaV2Embeddings::load(builder.pp("embeddings"), config)?;
        let encoder = builder.pp("encoder");
        let layers = (0..config.num_hidden_layers)
            .map(|at| Layer::load(&encoder.pp(format!("layer.{at}")), config))
            .collect::<Result<_>>()?;
        let size = config.conv_kernel_size.unwrap_or(0);
        let convolution = (size > 0)
            .then(|| Convolution::load(&encoder.pp("conv"), config, size))
            .transpose()?;
        let relative = config
            .relative_attention
            .then(|| Relative::load(&encoder, config))
            .transpose()?;
        Ok(Self {
            embeddings,
            layers,
            convolution,
            relative,
        })
    }

    /// Hidden states `[1, tokens, hidden]` of one row of tokens without padding.
    pub(super) fn forward(&self, ids: &Tensor, types: &Tensor) -> Result<Tensor> {
        let mask = ids.ones_like()?;
        let embedded = self
            .embeddings
            .forward(Some(ids), Some(types), None, Some(&mask), None)?;
        let tokens = ids.dim(1)?;
        let mask = Tensor::ones((1, 1, tokens, tokens), ids.dtype(), ids.device())?;
        let distances = self.relative.as_ref().map(|r| r.distances(ids, tokens));
        let distances = distances.transpose()?;
        let mut state = embedded.clone();
        for (at, layer) in self.layers.iter().enumerate() {
            let relative = self.relative.as_ref().map(|r| &r.embeddings);
            state = layer.forward(&state, &mask, distances.as_ref(), relative)?;
            if let Some(convolution) = self.convolution.as_ref().filter(|_| at == 0) {
                state = convolution.forward(&embedded, &state)?;
            }
        }
        Ok(state)
    }
}

impl Layer {
    fn load(builder: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let attention = builder.pp("attention.self");
        Ok(Self {
            attention: DebertaV2DisentangledSelfAttention::load(attention, config)?,
            attended: DebertaV2SelfOutput::load(builder.pp("attention.output"), config)?,
            intermediate: DebertaV2Intermediate::load(builder.clone(), config)?,
            output: DebertaV2Output::load(builder.clone(), config)?,
        })
    }

    fn forward(
        &self,
        state: &Tensor,
        mask: &Tensor,
        distances: Option<&Tensor>,
        relative: Option<&Tensor>,
    ) -> Result<Tensor> {
        let seen = self
            .attention
            .forward(state, mask, None, distances, relative)?;
        let attended = self.attended.forward(&seen, state)?;
        let wide = self.intermediate.forward(&attended)?;
        self.output.forward(&wide, &attended)
    }
}

impl Convolution {
    fn load(builder: &VarBuilder<'_>, config: &Config, size: usize) -> Result<Self> {
        let shape = Conv1dConfig {
            padding: (size - 1) / 2,
            groups: config.conv_groups.unwrap_or(1),
            ..Conv1dConfig::default()
        };
        let hidden = config.hidden_size;
        let activation = match config.conv_act.as_deref() {
            None | Some("tanh") => Activation::Tanh,
            Some("gelu") => Activation::Gelu,
            Some("relu") => Activation::Relu,
            Some(other) => candle_core::bail!("`conv_act` {other} is not known"),
        };
        Ok(Self {
            kernel: candle_nn::conv1d(hidden, hidden, size, shape, builder.pp("conv"))?,
            activation,
            norm: candle_nn::layer_norm(hidden, config.layer_norm_eps, builder.pp("LayerNorm"))?,
        })
    }

    fn forward(&self, embedded: &Tensor, state: &Tensor) -> Result<Tensor> {
        let along = embedded.transpose(1, 2)?.contiguous()?;
        let near = self.kernel.forward(&along)?.transpose(1, 2)?;
        let near = match self.activation {
            Activation::Tanh => near.tanh()?,
            Activation::Gelu => near.gelu_erf()?,
            Activation::Relu => near.relu()?,
        };
        self.norm.forward(&(state + near)?)
    }
}

impl Relative {
    fn load(builder: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let most = match config.max_relative_positions {
            most if most < 1 => config.max_position_embeddings as i64,
            most => most as i64,
        };
        let buckets = config.position_buckets.unwrap_or(-1).max(0) as i64;
        let span = if buckets > 0 { buckets } else { most } as usize;
        let all: Embedding =
            candle_nn::embedding(span * 2, config.hidden_size, builder.pp("rel_embeddings"))?;
        let mut embeddings = all.embeddings().clone();
        if config
            .norm_rel_ebd
            .as_deref()
            .is_some_and(|n| n.contains("layer_norm"))
        {
            let (size, eps) = (config.hidden_size, config.layer_norm_eps);
            let norm = candle_nn::layer_norm(size, eps, builder.pp("LayerNorm"))?;
            embeddings = norm.forward(&embeddings)?;
        }
        Ok(Self {
            embeddings,
            buckets,
            most,
        })
    }

    /// How far the token of each row stands behind that of each column, in buckets: `[1, tokens, tokens]`.
    fn distances(&self, like: &Tensor, tokens: usize) -> Result<Tensor> {
        let last = tokens as i64 - 1;
        // Only the difference counts: each is computed once.
        let known: Vec<i64> = (-last..=last).map(|d| self.bucket(d)).collect();
        let mut all = Vec::with_capacity(tokens * tokens);
        for row in 0..tokens {
            all.extend((0..tokens).map(|column| known[row + tokens - 1 - column]));
        }
        Tensor::from_vec(all, (1, tokens, tokens), like.device())
    }

    /// As `make_log_bucket_position` of transformers, in f32 as there.
    fn bucket(&self, distance: i64) -> i64 {
        let middle = self.buckets / 2;
        if self.buckets == 0 || distance.abs() <= middle {
            return distance;
        }
        let (away, middle_f) = (distance.unsigned_abs() as f32, middle as f32);
        let most = ((self.most as f64 - 1.0) / middle as f64) as f32;
        let logarithm = (away / middle_f).ln() / most.ln() * (middle_f - 1.0);
        // Configurations that make no sense end somewhere, too.
        (logarithm.ceil() + middle_f).clamp(-1e9, 1e9) as i64 * distance.signum()
    }
}
