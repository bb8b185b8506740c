//! Encoders that read a question and its answer as a pair: `DeBERTa`, BERT, `ModernBERT` with a classifier, computed by candle's own models.
//!
//! The question is the last thing that the user said, the answer the turn that is scored; what is too long loses from the longer of the
//! two first, as `truncation="longest_first"` of transformers does.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Module as _, Tensor};
use candle_nn::{LayerNorm, Linear, VarBuilder};
use candle_transformers::models::{bert, debertav2, modernbert};
use serde_json::{Map, Value as Json};
use tokenizers::{Encoding, PostProcessor as _, Tokenizer, TruncationDirection};

use super::backbone::linear::Precision;
use super::deberta::Deberta;
use super::device::Engine;
use super::files::{json, read};
use super::head::{score, weigh};
use super::weights::TensorFiles;
use super::{Trace, check, hub};
use crate::domain::{Role, ScorerId, Turn};
use crate::reward::{
    Course, DtypeChoice, HeadChoice, LoadOptions, RewardError, ScoreOutput, ScoreStats, Scorer,
    ScorerInfo,
};
use crate::task::Cancel;

/// The head's name: transformers' classes for sequence classification have no other.
pub(super) const HEAD: &str = "classifier";

/// What computes the state that the classifier reads.
enum Model {
    Deberta(Box<(Deberta, debertav2::DebertaV2ContextPooler)>),
    Bert(bert::BertModel, Linear),
    ModernBert {
        model: modernbert::ModernBert,
        dense: Linear,
        norm: LayerNorm,
        /// Whether all tokens are averaged; else the first is read.
        mean: bool,
    },
}

/// An encoder with a classifier.
pub struct PairScorer {
    info: ScorerInfo,
    tokenizer: Tokenizer,
    model: Model,
    classifier: Linear,
    weights: Option<Vec<f64>>,
    engine: Engine,
}

/// A pair as the model is given it.
struct Pair {
    ids: Vec<u32>,
    types: Vec<u32>,
    truncated: bool,
}

/// The kind of encoder that a folder holds, if it does: `model_type` of its configuration.
pub(super) fn kind(folder: &Path) -> Option<String> {
    let config = json(&folder.join("config.json")).ok()?;
    let kind = config.get("model_type")?.as_str()?;
    ["deberta-v2", "bert", "modernbert"]
        .contains(&kind)
        .then(|| kind.to_owned())
}

impl PairScorer {
    /// Opens a folder, checks it and reads the weights, always in f32.
    pub(super) fn load(
        folder: &Path,
        kind: &str,
        options: &LoadOptions,
    ) -> Result<Self, RewardError> {
        check(options)?;
        let name = hub::name(&folder.canonicalize().map_err(RewardError::io(folder))?);
        match &options.head {
            HeadChoice::Auto => {}
            HeadChoice::Named(head) if head == HEAD => {}
            _ => {
                return Err(RewardError::Option(format!(
                    "--head: `{name}` is an encoder, whose head is `{HEAD}`"
                )));
            }
        }
        if options.template.is_some() {
            return Err(RewardError::Option(format!(
                "--template: `{name}` reads a question and an answer as a pair, without a chat template"
            )));
        }
        if !matches!(options.dtype, DtypeChoice::Auto | DtypeChoice::F32) {
            return Err(RewardError::Option(format!(
                "--dtype: `{name}` is an encoder, which is computed in f32 only"
            )));
        }
        let engine = Engine::new(options)?;
        let about = read(&folder.join("config.json"))?;
        let config = json(&folder.join("config.json"))?;
        let settings = json(&folder.join("tokenizer_config.json"))?;
        let files = TensorFiles::open(folder)?.ok_or_else(|| {
            RewardError::malformed(&name, "there is no `model.safetensors` in it")
        })?;
        if engine.device.is_cpu() {
            super::facts::fits(&name, files.parameters(), Precision::F32, options)?;
        }
        let tokenizer_json = read(&folder.join("tokenizer.json"))?;
        let longest = longest(&config, &settings, options.max_length);
        let tokenizer = tokenizer(&tokenizer_json)?;
        let tensors: HashMap<String, Tensor> = files
            .all()
            .map(|(name, shape, values)| {
                Ok((
                    name.to_owned(),
                    Tensor::from_vec(values?, shape, &engine.device)?,
                ))
            })
            .collect::<Result<_, RewardError>>()?;
        let builder = VarBuilder::from_tensors(tensors, DType::F32, &engine.device);
        sensible(&config).map_err(|reason| RewardError::malformed(&name, reason))?;
        let (model, hidden) = build(kind, &config, &builder).map_err(|e| broken(&name, &e))?;
        let outputs = files
            .shape("classifier.weight")
            .and_then(|s| s.first().copied());
        let outputs = outputs.ok_or_else(|| RewardError::MissingTensor {
            file: name.clone(),
            tensor: "classifier.weight".to_owned(),
        })?;
        let classifier = candle_nn::linear(hidden, outputs, builder.pp("classifier"))
            .map_err(|e| broken(&name, &Refused::Candle(e)))?;
        let attributes = names(&config, outputs);
        let weights = options.weights.as_ref();
        let weights = weights
            .map(|preset| weigh(&attributes, preset))
            .transpose()?;
        let head = match &options.weights {
            Some(preset) => format!("{HEAD}, {}", preset.name),
            None => HEAD.to_owned(),
        };
        let info = ScorerInfo {
            id: ScorerId {
                name: name.clone(),
                weights: files.hash_with(&about)?,
                template: pair_hash(&tokenizer_json, longest),
                head,
                dtype: "f32".to_owned(),
            },
            name,
            device: engine.describe(),
            dtype: "f32".to_owned(),
            context: longest,
            parameters: files.parameters(),
            attributes,
        };
        Ok(Self {
            info,
            tokenizer,
            model,
            classifier,
            weights,
            engine,
        })
    }

    fn pair(&self, turns: &[Turn]) -> Result<Pair, RewardError> {
        let (answer, before) = turns
            .split_last()
            .ok_or_else(|| RewardError::Template("the conversation has no turns".to_owned()))?;
        let question = before.iter().rfind(|turn| turn.role == Role::User);
        let question = question.map_or("", |turn| turn.content.as_str());
        let split = |text: &str| self.tokenizer.encode(text, false).map_err(failed);
        let mut one = split(question)?;
        // As in transformers, an empty answer is none: the question stands alone.
        let mut two = Some(answer.content.as_str())
            .filter(|t| !t.is_empty())
            .map(split)
            .transpose()?;
        let special = self.tokenizer.get_post_processor();
        let special = special.map_or(0, |p| p.added_tokens(two.is_some()));
        let room = self.info.context.saturating_sub(special);
        let lengths = (one.len(), two.as_ref().map_or(0, Encoding::len));
        let fit = longest_first(lengths, room);
        one.truncate(fit.0, 0, TruncationDirection::Right);
        if let Some(two) = &mut two {
            two.truncate(fit.1, 0, TruncationDirection::Right);
        }
        let encoding = self
            .tokenizer
            .post_process(one, two, true)
            .map_err(failed)?;
        Ok(Pair {
            ids: encoding.get_ids().to_vec(),
            types: encoding.get_type_ids().to_vec(),
            truncated: fit != lengths,
        })
    }

    /// The outputs for one pair.
    fn outputs(&self, pair: &Pair) -> candle_core::Result<Vec<f64>> {
        let device = &self.engine.device;
        let ids = Tensor::new(pair.ids.as_slice(), device)?.unsqueeze(0)?;
        let mask = ids.ones_like()?;
        let state = match &self.model {
            Model::Deberta(parts) => {
                let (model, pooler) = &**parts;
                let types = Tensor::new(pair.types.as_slice(), device)?.unsqueeze(0)?;
                pooler.forward(&model.forward(&ids, &types)?)?
            }
            Model::Bert(model, pooler) => {
                let types = Tensor::new(pair.types.as_slice(), device)?.unsqueeze(0)?;
                let first = model
                    .forward(&ids, &types, Some(&mask))?
                    .narrow(1, 0, 1)?
                    .squeeze(1)?;
                pooler.forward(&first.contiguous()?)?.tanh()?
            }
            Model::ModernBert {
                model,
                dense,
                norm,
                mean,
            } => {
                let states = model.forward(&ids, &mask)?;
                let read = if *mean {
                    states.mean(1)?
                } else {
                    states.narrow(1, 0, 1)?.squeeze(1)?
                };
                norm.forward(&dense.forward(&read.contiguous()?)?.gelu_erf()?)?
            }
        };
        let outputs = self
            .classifier
            .forward(&state)?
            .squeeze(0)?
            .to_vec1::<f32>()?;
        Ok(outputs.into_iter().map(f64::from).collect())
    }
}

impl Scorer for PairScorer {
    fn info(&self) -> &ScorerInfo {
        &self.info
    }

    fn trace(&self, turns: &[Turn]) -> Result<Trace, RewardError> {
        let pair = self.pair(turns)?;
        let text = |id: &u32| (*id, self.tokenizer.id_to_token(*id).unwrap_or_default());
        let mut warnings = vec![];
        if pair.truncated {
            warnings.push(("truncated", "the pair was cut to fit".to_owned()));
        }
        Ok(Trace {
            tokens: pair.ids.iter().map(text).collect(),
            pooled: 0,
            warnings,
        })
    }

    fn course(&mut self, _turns: &[Turn], _cancel: &Cancel) -> Result<Course, RewardError> {
        let name = &self.info.name;
        Err(RewardError::Unsupported(format!(
            "--trace: `{name}` is an encoder, which reads a pair as a whole and has no score before its end"
        )))
    }

    fn score(
        &mut self,
        conversations: &[Vec<Turn>],
        cancel: &Cancel,
        on_result: &mut dyn FnMut(usize, ScoreOutput),
    ) -> Result<ScoreStats, RewardError> {
        let mut stats = ScoreStats::default();
        for (index, turns) in conversations.iter().enumerate() {
            if cancel.is_cancelled() {
                return Err(RewardError::Cancelled);
            }
            let start = Instant::now();
            let pair = match self.pair(turns) {
                Ok(pair) => pair,
                Err(reason) => {
                    stats.failed.push((index, reason.to_string()));
                    continue;
                }
            };
            stats.encode += start.elapsed();
            let start = Instant::now();
            let outputs = self.engine.run(|| self.outputs(&pair))?;
            stats.compute += start.elapsed();
            let tokens = pair.ids.len();
            stats.tokens += tokens as u64;
            stats.tokens_computed += tokens as u64;
            let names = &self.info.attributes;
            let output = score(
                names,
                &outputs,
                self.weights.as_deref(),
                tokens,
                pair.truncated,
            );
            on_result(index, output);
        }
        Ok(stats)
    }
}

/// Why an encoder cannot be built.
enum Refused {
    Candle(candle_core::Error),
    Config(String),
}

impl From<candle_core::Error> for Refused {
    fn from(error: candle_core::Error) -> Self {
        Self::Candle(error)
    }
}

impl From<serde_json::Error> for Refused {
    fn from(error: serde_json::Error) -> Self {
        Self::Config(format!("config.json: {error}"))
    }
}

fn broken(name: &str, refused: &Refused) -> RewardError {
    let error = match refused {
        Refused::Config(reason) => return RewardError::Unsupported(format!("`{name}`: {reason}")),
        Refused::Candle(error) => error,
    };
    // candle wraps its errors in where they came from, which is of no use to whoever has the file.
    let mut plain = error;
    while let candle_core::Error::WithBacktrace { inner, .. } = plain {
        plain = inner;
    }
    match plain {
        candle_core::Error::CannotFindTensor { path } => RewardError::MissingTensor {
            file: name.to_owned(),
            tensor: path.clone(),
        },
        other => {
            let text = other.to_string();
            RewardError::malformed(name, text.lines().next().unwrap_or_default())
        }
    }
}

/// That the sizes can be those of a model at all: candle's models trust them.
pub(super) fn sensible(config: &Json) -> Result<(), String> {
    let size = |key: &str| config[key].as_u64();
    for (key, most) in [
        ("hidden_size", 1 << 16),
        ("intermediate_size", 1 << 20),
        ("num_hidden_layers", 1 << 12),
        ("num_attention_heads", 1 << 12),
        ("vocab_size", 1 << 24),
        ("max_position_embeddings", 1 << 20),
    ] {
        if size(key).is_none_or(|n| n == 0 || n > most) {
            return Err(format!("`{key}` of {}", config[key]));
        }
    }
    let (hidden, heads) = (size("hidden_size"), size("num_attention_heads"));
    if hidden
        .zip(heads)
        .is_none_or(|(hidden, heads)| hidden % heads != 0)
    {
        return Err("its hidden size is no multiple of its attention heads".to_owned());
    }
    if size("conv_kernel_size").is_some_and(|n| n > 1 << 10)
        || size("conv_groups").is_some_and(|n| n == 0 || hidden.is_none_or(|h| h % n != 0))
    {
        return Err("its convolution makes no sense".to_owned());
    }
    let positions = |key: &str| config[key].as_i64().is_some_and(|n| n > 1 << 20);
    if positions("max_relative_positions") || positions("position_buckets") {
        return Err("its relative positions make no sense".to_owned());
    }
    if size("z_steps").is_some_and(|steps| steps > 1) {
        return Err("`z_steps` beyond 1 is not supported".to_owned());
    }
    Ok(())
}

/// The model and the size of the state that it gives.
fn build(kind: &str, config: &Json, builder: &VarBuilder<'_>) -> Result<(Model, usize), Refused> {
    match kind {
        "deberta-v2" => {
            let mut config: debertav2::Config = serde_json::from_value(config.clone())?;
            let hidden = *config.pooler_hidden_size.get_or_insert(config.hidden_size);
            config.pooler_dropout.get_or_insert(0.0);
            config
                .pooler_hidden_act
                .get_or_insert(debertav2::HiddenAct::Gelu);
            let pooler = debertav2::DebertaV2ContextPooler::load(builder.clone(), &config)?;
            let model = Deberta::load(&builder.pp("deberta"), &config)?;
            Ok((Model::Deberta(Box::new((model, pooler))), hidden))
        }
        "bert" => {
            let config: bert::Config = serde_json::from_value(config.clone())?;
            let size = config.hidden_size;
            let pooler = candle_nn::linear(size, size, builder.pp("bert.pooler.dense"))?;
            let model = bert::BertModel::load(builder.pp("bert"), &config)?;
            Ok((Model::Bert(model, pooler), size))
        }
        _ => modern(config, builder),
    }
}

/// `ModernBERT`, whose configuration has had two layouts.
fn modern(config: &Json, builder: &VarBuilder<'_>) -> Result<(Model, usize), Refused> {
    let mut plain = config.as_object().cloned().unwrap_or_default();
    for (ours, theirs) in [("layer_norm_eps", "norm_eps")] {
        if let Some(value) = plain.get(theirs).cloned() {
            plain.insert(ours.to_owned(), value);
        }
    }
    for key in ["attention_bias", "mlp_bias", "norm_bias", "classifier_bias"] {
        if plain.get(key) == Some(&Json::Bool(true)) {
            return Err(Refused::Config(format!("`{key}` is not supported")));
        }
    }
    for (layers, theta) in [
        ("full_attention", "global_rope_theta"),
        ("sliding_attention", "local_rope_theta"),
    ] {
        if let Some(value) = config["rope_parameters"][layers].get("rope_theta") {
            plain.insert(theta.to_owned(), value.clone());
        }
    }
    if let Some(types) = config["layer_types"].as_array() {
        let full = |kind: &Json| kind == "full_attention";
        let every = types
            .iter()
            .skip(1)
            .position(full)
            .map_or(types.len(), |at| at + 1);
        let regular = types
            .iter()
            .enumerate()
            .all(|(at, kind)| full(kind) == at.is_multiple_of(every.max(1)));
        if !regular {
            return Err(Refused::Config(
                "its `layer_types` follow no rule that is supported".to_owned(),
            ));
        }
        plain.insert("global_attn_every_n_layers".to_owned(), every.into());
    }
    let mean = plain.get("classifier_pooling") == Some(&Json::from("mean"));
    // Of no use to the layers, and of kinds that differ from file to file.
    plain.remove("id2label");
    plain.remove("label2id");
    let config: modernbert::Config = serde_json::from_value(Json::Object(plain))?;
    if config.num_attention_heads == 0 || config.global_attn_every_n_layers == 0 {
        return Err(Refused::Config("its sizes make no sense".to_owned()));
    }
    let (size, eps) = (config.hidden_size, config.layer_norm_eps);
    let dense = candle_nn::linear_no_bias(size, size, builder.pp("head.dense"))?;
    let norm = candle_nn::layer_norm_no_bias(size, eps, builder.pp("head.norm"))?;
    let model = modernbert::ModernBert::load(builder.clone(), &config)?;
    let model = Model::ModernBert {
        model,
        dense,
        norm,
        mean,
    };
    Ok((model, size))
}

/// The longest pair in tokens: as asked, and never beyond what tokenizer and model take.
pub(super) fn longest(config: &Json, settings: &Json, asked: Option<usize>) -> usize {
    let said = |value: &Json| value.as_u64().and_then(|n| usize::try_from(n).ok());
    // Where a tokenizer has no limit, files hold a number without meaning.
    let tokenizer = said(&settings["model_max_length"]).filter(|n| (4..1 << 20).contains(n));
    let positions = said(&config["max_position_embeddings"]).unwrap_or(512);
    let most = tokenizer.unwrap_or(positions).min(positions);
    asked.map_or(most, |asked| asked.min(most)).max(4)
}

/// Lengths of two texts that fit into `room` together: the longer one loses first, and of an odd rest it keeps the last token.
fn longest_first((one, two): (usize, usize), room: usize) -> (usize, usize) {
    if one + two <= room {
        return (one, two);
    }
    let (short, half) = (one.min(two), room / 2);
    let (short, long) = if short <= half {
        (short, room - short)
    } else {
        (half, room - half)
    };
    if one > two {
        (long, short)
    } else {
        (short, long)
    }
}

fn tokenizer(bytes: &[u8]) -> Result<Tokenizer, RewardError> {
    let mut tokenizer =
        Tokenizer::from_bytes(bytes).map_err(|e| RewardError::malformed("tokenizer.json", e))?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(failed)?;
    Ok(tokenizer)
}

#[expect(clippy::needless_pass_by_value, reason = "handed to `map_err`")]
fn failed(error: tokenizers::Error) -> RewardError {
    RewardError::Tokenizer(error.to_string())
}

/// The names of several outputs: the model's, or transformers' placeholders.
fn names(config: &Json, outputs: usize) -> Vec<String> {
    if outputs < 2 {
        return vec![];
    }
    let labels: Option<&Map<String, Json>> = config["id2label"].as_object();
    let name = |at: usize| {
        let known = labels.and_then(|labels| labels.get(&at.to_string())?.as_str());
        known.map_or_else(|| format!("LABEL_{at}"), str::to_owned)
    };
    let names: Vec<String> = (0..outputs).map(name).collect();
    let distinct: BTreeSet<&String> = names.iter().collect();
    if distinct.len() == outputs {
        return names;
    }
    (0..outputs).map(|at| format!("LABEL_{at}")).collect()
}

/// BLAKE3 of all that decides which tokens a pair becomes.
fn pair_hash(tokenizer: &[u8], longest: usize) -> String {
    let mut hasher = blake3::Hasher::new_derive_key("tiebreak 2026 sentence pair");
    hasher.update(&(longest as u64).to_le_bytes());
    hasher.update(tokenizer);
    hasher.finalize().to_hex().to_string()
}
