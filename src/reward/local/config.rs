//! What a decoder's dimensions are: read from `config.json` or from GGUF metadata, and checked before anything is built.

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::gguf::GgufFile;
use crate::reward::RewardError;

/// Which kind of decoder it is, by the `model_type` of transformers: the switches that no number in the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Llama 2 and 3, and what is built like them.
    Llama,
    /// Like Llama, with windows.
    Mistral,
    /// Like Llama, with biases of queries, keys and values.
    Qwen2,
    /// Like Llama, with norms of queries and keys.
    Qwen3,
    /// Like Llama, with queries, keys and values in one matrix, and other names.
    InternLm2,
    /// Norms around both halves of a layer, soft caps, windows in every other layer, GELU.
    Gemma2,
}

impl Family {
    const ALL: [(&'static str, Self); 6] = [
        ("llama", Self::Llama),
        ("mistral", Self::Mistral),
        ("qwen2", Self::Qwen2),
        ("qwen3", Self::Qwen3),
        ("gemma2", Self::Gemma2),
        ("internlm2", Self::InternLm2),
    ];

    /// The name of transformers' classes, such as `Llama` in `LlamaForSequenceClassification`.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Llama => "Llama",
            Self::Mistral => "Mistral",
            Self::Qwen2 => "Qwen2",
            Self::Qwen3 => "Qwen3",
            Self::Gemma2 => "Gemma2",
            Self::InternLm2 => "InternLM2",
        }
    }

    /// Whether queries and keys are normed head by head.
    pub(crate) fn norms_queries(self) -> bool {
        self == Self::Qwen3
    }

    /// Whether what attention and the feed-forward part give is normed too, before it is added.
    pub(crate) fn norms_both_ends(self) -> bool {
        self == Self::Gemma2
    }

    /// Whether norms multiply by one more than their weights.
    pub(crate) fn norms_from_one(self) -> bool {
        self == Self::Gemma2
    }

    /// Whether the feed-forward part is gated by GELU (its tanh form) in place of `SiLU`.
    pub(crate) fn gelu(self) -> bool {
        self == Self::Gemma2
    }

    /// Whether embeddings are multiplied by the root of their size.
    pub(crate) fn scales_embeddings(self) -> bool {
        self == Self::Gemma2
    }
}

/// Dimensions and switches of a decoder of the Llama family.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DecoderConfig {
    pub(crate) family: Family,
    pub(crate) vocab: usize,
    pub(crate) hidden: usize,
    pub(crate) intermediate: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) eps: f32,
    /// Longest text in tokens.
    pub(crate) context: usize,
    /// Angle per position of each pair of a head's dimensions.
    pub(crate) frequencies: Vec<f32>,
    /// Whether queries, keys and values have biases.
    pub(crate) qkv_bias: bool,
    /// Whether the output of attention has.
    pub(crate) output_bias: bool,
    pub(crate) mlp_bias: bool,
    /// How many tokens each layer looks back, itself included; none: all.
    pub(crate) windows: Vec<Option<usize>>,
    /// Scores of attention never exceed this: `cap · tanh(score / cap)`.
    pub(crate) soft_cap: Option<f64>,
    /// What queries are multiplied by.
    pub(crate) query_scale: f64,
    /// The token that is not pooled.
    pub(crate) pad: Option<u32>,
    /// What is said of the head.
    pub(crate) head: HeadFacts,
}

/// What a configuration says of the head.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct HeadFacts {
    /// Names of the outputs, where the model gives them.
    pub(crate) outputs: Vec<String>,
    /// How the outputs are brought to one scale (`do_normalize` of Beaver's models).
    pub(crate) normaliser: Option<Normaliser>,
    /// What the gate's logits are divided by (`ArmoRM`'s models).
    pub(crate) gating_temperature: Option<f64>,
    /// A token that is written after the text, and pooled (`InternLM2`'s reward models).
    pub(crate) reward_token: Option<u32>,
}

/// Mean and variance of raw outputs, by output.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Normaliser {
    pub(crate) mean: Vec<f64>,
    pub(crate) variance: Vec<f64>,
    /// Whether the mean is taken off, and whether what is left is divided by the standard deviation.
    pub(crate) steps: (bool, bool),
}

/// `config.json` of transformers: the part that matters here.
#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "as the file has them")]
struct HfConfig {
    #[serde(default)]
    architectures: Vec<String>,
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    rms_norm_eps: f64,
    max_position_embeddings: usize,
    hidden_act: Option<String>,
    sliding_window: Option<usize>,
    use_sliding_window: Option<bool>,
    max_window_layers: Option<usize>,
    layer_types: Option<Vec<String>>,
    query_pre_attn_scalar: Option<f64>,
    attn_logit_softcapping: Option<f64>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    pad_token_id: Option<i64>,
    rope_theta: Option<f64>,
    rope_parameters: Option<Map<String, Json>>,
    rope_scaling: Option<Map<String, Json>>,
    id2label: Option<Map<String, Json>>,
    quantization_config: Option<Json>,
    #[serde(default)]
    bias: bool,
    reward_token_id: Option<i64>,
    gating_temperature: Option<f64>,
    num_quantiles: Option<i64>,
    #[serde(default)]
    do_normalize: bool,
    normalize_function: Option<String>,
    mean: Option<Json>,
    var: Option<Json>,
}

/// What a Llama is told by, where it is no file of transformers or llama.cpp.
pub(crate) struct Facts {
    pub(crate) hidden: usize,
    pub(crate) intermediate: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) eps: f64,
    pub(crate) context: usize,
    /// Base of the rotation, and what positions are divided by.
    pub(crate) theta: f64,
    pub(crate) stretch: f64,
    /// Mean and standard deviation that the outputs are brought to one scale by.
    pub(crate) standard: Option<(f64, f64)>,
    pub(crate) outputs: Vec<String>,
}

impl DecoderConfig {
    /// A Llama of these facts; `file` names its source in messages. The size of the vocabulary is that of the embedding, set afterwards.
    pub(crate) fn llama(file: &str, facts: Facts) -> Result<Self, RewardError> {
        let outputs = facts.outputs.len().max(1);
        let config = Self {
            family: Family::Llama,
            vocab: 0,
            hidden: facts.hidden,
            intermediate: facts.intermediate,
            layers: facts.layers,
            heads: facts.heads,
            kv_heads: facts.kv_heads,
            head_dim: facts.head_dim,
            eps: facts.eps as f32,
            context: facts.context,
            frequencies: Vec::new(),
            qkv_bias: false,
            output_bias: false,
            mlp_bias: false,
            windows: vec![None; facts.layers.min(1 << 12)],
            soft_cap: None,
            query_scale: (facts.head_dim.max(1) as f64).powf(-0.5),
            pad: None,
            head: HeadFacts {
                outputs: facts.outputs,
                normaliser: facts.standard.map(|(mean, deviation)| Normaliser {
                    mean: vec![mean; outputs],
                    variance: vec![deviation * deviation; outputs],
                    steps: (true, true),
                }),
                ..HeadFacts::default()
            },
        };
        config.check(file)?;
        let frequencies = base_frequencies(facts.theta, facts.head_dim)
            .map_err(|reason| RewardError::malformed(file, reason))?;
        if facts.stretch.is_nan() || facts.stretch < 1.0 {
            return Err(RewardError::malformed(
                file,
                "positions divided by less than one",
            ));
        }
        let frequencies = frequencies.into_iter().map(|f| (f / facts.stretch) as f32);
        Ok(Self {
            frequencies: frequencies.collect(),
            ..config
        })
    }

    /// The same without the names of the outputs, which are the head's.
    pub(crate) fn layers_only(&self) -> Self {
        Self {
            head: HeadFacts::default(),
            ..self.clone()
        }
    }

    /// Reads `config.json`; `file` names it in messages.
    pub(crate) fn from_hf(file: &str, text: &[u8]) -> Result<Self, RewardError> {
        let config: Json =
            serde_json::from_slice(text).map_err(|e| RewardError::malformed(file, e))?;
        let kind = config
            .get("model_type")
            .and_then(Json::as_str)
            .unwrap_or("unnamed");
        let known = Family::ALL.iter().find(|(name, _)| *name == kind);
        let Some(&(_, family)) = known else {
            let names: Vec<&str> = Family::ALL.iter().map(|(name, _)| *name).collect();
            return Err(RewardError::Unsupported(format!(
                "`{file}`: models of type `{kind}` are not supported yet (supported: {})",
                names.join(", ")
            )));
        };
        let mut config = config;
        // Gemma 2 writes both names of its activation; the newer one counts.
        if let Some(map) = config.as_object_mut()
            && let Some(act) = map.shift_remove("hidden_activation")
        {
            map.insert("hidden_act".to_owned(), act);
        }
        let hf: HfConfig =
            serde_json::from_value(config).map_err(|e| RewardError::malformed(file, e))?;
        // Their heads are more than linear layers on the last token.
        let special = |a: &&String| a.contains("ProcessReward") || hf.num_quantiles.is_some();
        if let Some(other) = hf.architectures.first().filter(special) {
            return Err(RewardError::Unsupported(format!(
                "`{file}`: the reward head of `{other}` is not supported yet"
            )));
        }
        if hf.quantization_config.is_some() {
            return Err(RewardError::Unsupported(format!(
                "`{file}`: weights quantised by another library are not supported (`quantization_config`)"
            )));
        }
        let activation = if family.gelu() {
            "gelu_pytorch_tanh"
        } else {
            "silu"
        };
        if let Some(act) = hf.hidden_act.as_ref().filter(|act| *act != activation) {
            let kind = &hf.model_type;
            return Err(RewardError::Unsupported(format!(
                "`{file}`: activation `{act}` in a `{kind}` model is not supported"
            )));
        }
        let windows =
            windows(family, &hf).map_err(|reason| RewardError::malformed(file, reason))?;
        // What transformers takes where the file says nothing.
        let head_dim = hf.head_dim.unwrap_or_else(|| match family {
            Family::Gemma2 => 256,
            Family::Qwen3 => 128,
            _ => hf
                .hidden_size
                .checked_div(hf.num_attention_heads)
                .unwrap_or(0),
        });
        let gemma = family == Family::Gemma2;
        let scalar = if gemma {
            hf.query_pre_attn_scalar.unwrap_or(256.0)
        } else {
            head_dim as f64
        };
        let soft_cap = hf.attn_logit_softcapping.filter(|_| gemma);
        if !(scalar.is_finite() && scalar > 0.0)
            || soft_cap.is_some_and(|cap| !(cap.is_finite() && cap > 0.0))
        {
            return Err(RewardError::malformed(
                file,
                "a scale of attention that is no positive number",
            ));
        }
        let internlm = family == Family::InternLm2;
        let head = HeadFacts {
            normaliser: normaliser(&hf).map_err(|reason| RewardError::malformed(file, reason))?,
            gating_temperature: hf.gating_temperature,
            reward_token: hf
                .reward_token_id
                .and_then(|id| u32::try_from(id).ok())
                .filter(|_| internlm),
            outputs: hf.id2label.map(names).unwrap_or_default(),
        };
        let rope = hf.rope_parameters.or(hf.rope_scaling).unwrap_or_default();
        let theta = rope
            .get("rope_theta")
            .and_then(Json::as_f64)
            .or(hf.rope_theta);
        let config = Self {
            family,
            vocab: hf.vocab_size,
            hidden: hf.hidden_size,
            intermediate: hf.intermediate_size,
            layers: hf.num_hidden_layers,
            heads: hf.num_attention_heads,
            kv_heads: hf.num_key_value_heads.unwrap_or(hf.num_attention_heads),
            head_dim,
            eps: hf.rms_norm_eps as f32,
            context: hf.max_position_embeddings,
            frequencies: Vec::new(),
            qkv_bias: hf.attention_bias || family == Family::Qwen2 || (internlm && hf.bias),
            output_bias: (hf.attention_bias && family != Family::Qwen2) || (internlm && hf.bias),
            mlp_bias: hf.mlp_bias,
            windows,
            soft_cap,
            query_scale: scalar.powf(-0.5),
            // transformers' own -1 in old files means none
            pad: hf.pad_token_id.and_then(|id| u32::try_from(id).ok()),
            head,
        };
        config.check(file)?;
        let frequencies = base_frequencies(theta.unwrap_or(10_000.0), head_dim)
            .and_then(|base| scaled(base, &rope))
            .map_err(|reason| RewardError::malformed(file, reason))?;
        Ok(Self {
            frequencies,
            ..config
        })
    }

    /// Reads the metadata of a GGUF file.
    pub(crate) fn from_gguf(file: &GgufFile) -> Result<Self, RewardError> {
        let kind = file
            .text("general.architecture")
            .unwrap_or("unnamed")
            .to_owned();
        // Those that llama.cpp writes with every switch that we need.
        let known = [Family::Llama, Family::Qwen2, Family::Qwen3];
        let family = Family::ALL
            .iter()
            .find(|(name, f)| *name == kind && known.contains(f));
        let Some(&(_, family)) = family else {
            return Err(RewardError::Unsupported(format!(
                "`{}`: models of type `{kind}` are not supported yet (supported: llama, qwen2, qwen3)",
                file.name()
            )));
        };
        let number = |key: &str| file.number(&format!("{kind}.{key}"));
        let needed = |key: &str| {
            number(key).ok_or_else(|| {
                RewardError::malformed(
                    file.name(),
                    format!("`{kind}.{key}` is missing from its metadata"),
                )
            })
        };
        let hidden = needed("embedding_length")?;
        let heads = needed("attention.head_count")?;
        let head_dim = number("attention.key_length")
            .unwrap_or_else(|| hidden.checked_div(heads).unwrap_or(0));
        if number("expert_count").is_some_and(|n| n > 0) {
            return Err(RewardError::Unsupported(format!(
                "`{}`: mixtures of experts are not supported yet",
                file.name()
            )));
        }
        let config = Self {
            family,
            vocab: file
                .shape("token_embd.weight")
                .and_then(|s| s.first().copied())
                .unwrap_or(0),
            hidden,
            intermediate: needed("feed_forward_length")?,
            layers: needed("block_count")?,
            heads,
            kv_heads: number("attention.head_count_kv").unwrap_or(heads),
            head_dim,
            eps: file
                .float(&format!("{kind}.attention.layer_norm_rms_epsilon"))
                .unwrap_or(1e-5) as f32,
            context: needed("context_length")?,
            frequencies: Vec::new(),
            qkv_bias: file.shape("blk.0.attn_q.bias").is_some(),
            output_bias: file.shape("blk.0.attn_output.bias").is_some(),
            windows: vec![None; needed("block_count")?.min(1 << 12)],
            soft_cap: None,
            query_scale: (head_dim.max(1) as f64).powf(-0.5),
            mlp_bias: file.shape("blk.0.ffn_up.bias").is_some(),
            pad: file
                .number("tokenizer.ggml.padding_token_id")
                .map(|id| id as u32),
            head: HeadFacts {
                outputs: file
                    .texts(&format!("{kind}.classifier.output_labels"))
                    .unwrap_or_default()
                    .to_vec(),
                ..HeadFacts::default()
            },
        };
        let rotated = number("rope.dimension_count").unwrap_or(head_dim);
        let theta = file
            .float(&format!("{kind}.rope.freq_base"))
            .unwrap_or(10_000.0);
        let scaling = file
            .text(&format!("{kind}.rope.scaling.type"))
            .unwrap_or("none")
            .to_owned();
        let factor = file
            .float(&format!("{kind}.rope.scaling.factor"))
            .unwrap_or(1.0);
        config.check(file.name())?;
        if config.vocab == 0 {
            return Err(RewardError::MissingTensor {
                file: file.name().to_owned(),
                tensor: "token_embd.weight".to_owned(),
            });
        }
        if rotated != head_dim {
            return Err(RewardError::Unsupported(format!(
                "`{}`: rotating {rotated} of {head_dim} dimensions is not supported",
                file.name()
            )));
        }
        let mut frequencies = base_frequencies(theta, head_dim)
            .map_err(|reason| RewardError::malformed(file.name(), reason))?;
        match scaling.as_str() {
            "none" => {}
            "linear" if factor > 0.0 => frequencies.iter_mut().for_each(|f| *f /= factor),
            other => {
                return Err(RewardError::Unsupported(format!(
                    "`{}`: position scaling `{other}` is not supported yet",
                    file.name()
                )));
            }
        }
        // Llama 3 keeps its scaling as one divisor per frequency.
        if file.shape("rope_freqs.weight").is_some() {
            let divisors = file.f32("rope_freqs.weight", &[frequencies.len()])?;
            frequencies
                .iter_mut()
                .zip(divisors)
                .for_each(|(f, d)| *f /= f64::from(d));
        }
        Ok(Self {
            frequencies: frequencies.iter().map(|&f| f as f32).collect(),
            ..config
        })
    }

    /// That the numbers can be those of a model at all. Sizes of tensors are checked against the file later on, before they
    /// are read, so that nothing larger than the file is ever allocated.
    fn check(&self, file: &str) -> Result<(), RewardError> {
        let sizes = [
            ("hidden size", self.hidden),
            ("intermediate size", self.intermediate),
            ("number of layers", self.layers),
            ("number of attention heads", self.heads),
            ("number of key-value heads", self.kv_heads),
            ("head size", self.head_dim),
            ("context length", self.context),
        ];
        for (what, size) in sizes {
            if size == 0 || size > 1 << 27 {
                return Err(RewardError::malformed(file, format!("{what} of {size}")));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            let (heads, kv) = (self.heads, self.kv_heads);
            return Err(RewardError::malformed(
                file,
                format!("{heads} attention heads cannot share {kv} key-value heads"),
            ));
        }
        if !self.head_dim.is_multiple_of(2) || self.head_dim > 1 << 16 {
            return Err(RewardError::malformed(
                file,
                format!("head size of {}", self.head_dim),
            ));
        }
        if self.layers > 1 << 12 || self.heads > 1 << 12 {
            return Err(RewardError::malformed(
                file,
                "more layers or heads than any model has",
            ));
        }
        Ok(())
    }
}

/// How far each layer looks back. Newer files say it layer by layer, older ones by the rule of their family.
fn windows(family: Family, hf: &HfConfig) -> Result<Vec<Option<usize>>, String> {
    let layers = hf.num_hidden_layers.min(1 << 12);
    let window = match (family, hf.use_sliding_window) {
        (Family::Llama | Family::InternLm2, _)
        | (Family::Qwen2 | Family::Qwen3, None | Some(false)) => None,
        _ => hf.sliding_window,
    };
    if window == Some(0) {
        return Err("a window of no tokens".to_owned());
    }
    if let Some(types) = &hf.layer_types {
        if types.len() != hf.num_hidden_layers {
            let (types, layers) = (types.len(), hf.num_hidden_layers);
            return Err(format!("{types} layer types for {layers} layers"));
        }
        let of_type = |kind: &String| match kind.as_str() {
            "full_attention" => Ok(None),
            "sliding_attention" => Ok(window),
            other => Err(format!("a layer of type `{other}`")),
        };
        return types.iter().map(of_type).collect();
    }
    let slides = |layer: usize| match family {
        Family::Qwen2 | Family::Qwen3 => layer >= hf.max_window_layers.unwrap_or(28),
        Family::Gemma2 => layer.is_multiple_of(2),
        Family::Llama | Family::Mistral | Family::InternLm2 => true,
    };
    Ok((0..layers)
        .map(|layer| window.filter(|_| slides(layer)))
        .collect())
}

/// What Beaver's models say of their outputs' scale; nothing where they are left as they are.
fn normaliser(hf: &HfConfig) -> Result<Option<Normaliser>, String> {
    if !hf.do_normalize {
        return Ok(None);
    }
    let steps = match hf.normalize_function.as_deref().unwrap_or("affine") {
        "affine" => (true, true),
        "scale" => (false, true),
        "translate" => (true, false),
        "identity" => return Ok(None),
        other => return Err(format!("`normalize_function` is `{other}`")),
    };
    let numbers = |value: &Option<Json>| match value {
        Some(Json::Array(list)) => list.iter().map(Json::as_f64).collect(),
        Some(Json::Number(one)) => one.as_f64().map(|one| vec![one]),
        _ => None,
    };
    let (mean, variance) = (numbers(&hf.mean), numbers(&hf.var));
    let (Some(mean), Some(variance)) = (mean, variance) else {
        return Err("`do_normalize` without `mean` and `var`".to_owned());
    };
    Ok(Some(Normaliser {
        mean,
        variance,
        steps,
    }))
}

/// Labels by number; none where they are transformers' placeholders.
fn names(labels: Map<String, Json>) -> Vec<String> {
    let mut numbered: Vec<(usize, String)> = labels
        .into_iter()
        .filter_map(|(key, name)| Some((key.parse().ok()?, name.as_str()?.to_owned())))
        .collect();
    numbered.sort();
    if numbered
        .iter()
        .enumerate()
        .any(|(i, (n, name))| i != *n || *name == format!("LABEL_{i}"))
    {
        return Vec::new();
    }
    numbered.into_iter().map(|(_, name)| name).collect()
}

fn base_frequencies(theta: f64, head_dim: usize) -> Result<Vec<f64>, String> {
    if !theta.is_finite() || theta <= 0.0 {
        return Err(format!("a rotation base of {theta}"));
    }
    let half = head_dim / 2;
    let power = |i| theta.powf(-(i as f64) / half as f64);
    Ok((0..half).map(power).collect())
}

/// Applies `rope_parameters` / `rope_scaling` as transformers' `modeling_rope_utils` does.
fn scaled(frequencies: Vec<f64>, rope: &Map<String, Json>) -> Result<Vec<f32>, String> {
    let number = |key: &str| {
        let value = rope
            .get(key)
            .and_then(Json::as_f64)
            .filter(|v| v.is_finite() && *v > 0.0);
        value.ok_or_else(|| format!("`{key}` of the position scaling is missing or not positive"))
    };
    let kind = rope.get("rope_type").or_else(|| rope.get("type"));
    let scaled: Vec<f64> = match kind.and_then(Json::as_str).unwrap_or("default") {
        // `dynamic` changes nothing up to the longest text that the model takes.
        "default" | "dynamic" => frequencies,
        "linear" => {
            let factor = number("factor")?;
            frequencies.into_iter().map(|f| f / factor).collect()
        }
        "llama3" => {
            let factor = number("factor")?;
            let (low, high) = (number("low_freq_factor")?, number("high_freq_factor")?);
            let original = number("original_max_position_embeddings")?;
            let bend = |f: f64| {
                let wavelength = std::f64::consts::TAU / f;
                if wavelength < original / high {
                    f
                } else if wavelength > original / low {
                    f / factor
                } else {
                    let smooth = (original / wavelength - low) / (high - low);
                    (1.0 - smooth) * f / factor + smooth * f
                }
            };
            frequencies.into_iter().map(bend).collect()
        }
        other => return Err(format!("position scaling `{other}` is not supported yet")),
    };
    Ok(scaled.into_iter().map(|f| f as f32).collect())
}
