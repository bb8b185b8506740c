//! A model below its head, for training: the features that a head is fitted to, and the whole model written with a new head.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::backbone::decoder;
use super::config::{DecoderConfig, Family};
use super::files::Files;
use super::weights::{HEAD, Weights};
use super::{Backbone, Engine, check, hub, precision};
use crate::domain::Turn;
use crate::reward::{LoadOptions, Loops, ModelRef, RewardError, ScoreStats};
use crate::task::Cancel;

/// A base model. It needs no head: a language model will do.
pub struct Base {
    backbone: Backbone,
    files: Files,
    folder: Option<PathBuf>,
    id: String,
}

impl Base {
    /// Opens a model's files, checks them and reads the weights.
    ///
    /// # Errors
    /// As [`super::LocalScorer::load`], but for a missing head.
    pub fn load(model: &ModelRef, options: &LoadOptions) -> Result<Self, RewardError> {
        check(options)?;
        let model = &hub::resolved(model)?;
        let engine = Engine::new(options)?;
        let files = Files::open(model, options.template.as_deref(), false)?;
        let gguf = matches!(files.weights, Weights::Gguf { .. });
        if gguf && files.config.family != Family::Llama {
            return Err(RewardError::Unsupported(format!(
                "`{}`: of GGUF files, only those of Llama can be the base of one's own head; use the model's original folder",
                files.name
            )));
        }
        if files.config.family == Family::InternLm2 {
            return Err(RewardError::Unsupported(format!(
                "`{}`: a model with fused matrices cannot be the base of one's own head yet",
                files.name
            )));
        }
        if files.vocabulary.0 != "tokenizer.json" {
            return Err(RewardError::Unsupported(format!(
                "`{}`: a base for training needs a `tokenizer.json` (save its tokenizer with transformers to make one)",
                files.name
            )));
        }
        let precision = precision(
            options.dtype,
            &files.weights,
            files.parameters(),
            engine.device.is_cpu() && options.loops != Loops::Candle,
        );
        let backbone = Backbone::load(&files, engine, precision, options)?;
        let id = format!(
            "{}-{}-{}-{}",
            layers_hash(&files)?.get(..16).unwrap_or_default(),
            files.template_hash().get(..16).unwrap_or_default(),
            precision.name(),
            backbone.context
        );
        let folder = match model {
            ModelRef::Path(path) if path.is_dir() => Some(path.clone()),
            ModelRef::Path(path) => path.parent().map(Path::to_owned),
            ModelRef::Default => None,
        };
        Ok(Self {
            backbone,
            files,
            folder,
            id,
        })
    }

    /// What its features depend on: weights, template, precision and longest text. Features of one id are interchangeable.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name for people.
    pub fn name(&self) -> &str {
        &self.files.name
    }

    /// Numbers in a feature.
    pub fn width(&self) -> usize {
        self.files.config.hidden
    }

    /// Computes the pooled hidden state after the final norm of each conversation; `on_feature` gets it with its index as soon as its
    /// batch is done. What cannot be given to the model is in [`ScoreStats::failed`].
    ///
    /// # Errors
    /// [`RewardError::Cancelled`], [`RewardError::Compute`].
    pub fn features(
        &self,
        conversations: &[Vec<Turn>],
        cancel: &Cancel,
        on_feature: &mut dyn FnMut(usize, Vec<f32>),
    ) -> Result<ScoreStats, RewardError> {
        self.backbone
            .pooled(conversations, cancel, &mut |passed, hidden| {
                for (passed, row) in passed.iter().zip(hidden.to_vec2::<f32>()?) {
                    on_feature(passed.index, row);
                }
                Ok(())
            })
    }

    /// Writes the model with a new head into `folder`, which must not exist or be empty: safetensors, configuration, tokenizer and template,
    /// as this program and transformers (`AutoModelForSequenceClassification`) load them. The weights below the head stay as they
    /// are, those of a quantised file as f32. `notes` are further files, by name. The folder appears whole or not at all.
    ///
    /// # Errors
    /// [`RewardError::Write`]; [`RewardError::Unsupported`] for a GGUF file whose positions are scaled as in Llama 3.
    pub fn write(
        &self,
        folder: &Path,
        head: &[Vec<f32>],
        names: &[String],
        notes: &[(&str, String)],
    ) -> Result<(), RewardError> {
        free(folder)?;
        let config = self.config(names)?;
        let parent = parent(folder);
        let workshop = tempfile::Builder::new()
            .prefix(".training-")
            .tempdir_in(parent)
            .map_err(RewardError::write(parent))?;
        let there = workshop.path();
        self.weights(&there.join("model.safetensors"), head)?;
        let text = |name: &str, text: &str| {
            let path = there.join(name);
            fs::write(&path, text).map_err(RewardError::write(&path))
        };
        text("config.json", &pretty(&config))?;
        let vocabulary = there.join(self.files.vocabulary.0);
        fs::write(&vocabulary, &self.files.vocabulary.1)
            .map_err(RewardError::write(&vocabulary))?;
        text("chat_template.jinja", &self.files.template)?;
        text("tokenizer_config.json", &pretty(&self.tokenizer_config()?))?;
        for (name, note) in notes {
            text(name, note)?;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            // As any new folder would be, not as a private one.
            fs::set_permissions(there, fs::Permissions::from_mode(0o755))
                .map_err(RewardError::write(there))?;
        }
        if folder.exists() {
            fs::remove_dir(folder).map_err(RewardError::write(folder))?;
        }
        fs::rename(there, folder).map_err(RewardError::write(folder))?;
        // It has another name now: there is nothing to remove.
        drop(workshop.keep());
        Ok(())
    }

    /// One safetensors file: the layers' tensors in their own types, the head in f32.
    fn weights(&self, path: &Path, head: &[Vec<f32>]) -> Result<(), RewardError> {
        let config = &self.files.config;
        let weights = &self.files.weights;
        let tensors = decoder::tensors(config);
        let mut header = serde_json::Map::new();
        header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
        let mut end = 0;
        let mut enter = |name: &str, kind: &str, shape: &[usize], bytes: usize| {
            let about = json!({"dtype": kind, "shape": shape, "data_offsets": [end, end + bytes]});
            end += bytes;
            header.insert(name.to_owned(), about);
        };
        for (name, shape) in &tensors {
            let (kind, bytes) = weights.raw_size(name, shape);
            enter(name, kind, shape, bytes);
        }
        enter(
            HEAD,
            "F32",
            &[head.len(), config.hidden],
            head.len() * config.hidden * 4,
        );
        let mut header = Json::Object(header).to_string();
        // Data begins at a multiple of 8 bytes.
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        let io = || RewardError::write(path);
        let mut out = BufWriter::with_capacity(1 << 20, fs::File::create(path).map_err(io())?);
        out.write_all(&(header.len() as u64).to_le_bytes())
            .and_then(|()| out.write_all(header.as_bytes()))
            .map_err(io())?;
        for (name, shape) in &tensors {
            let (_, bytes) = weights.raw(name, shape)?;
            out.write_all(&bytes).map_err(io())?;
        }
        for x in head.iter().flatten() {
            out.write_all(&x.to_le_bytes()).map_err(io())?;
        }
        let file = out
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)
            .map_err(io())?;
        file.sync_all().map_err(io())
    }

    /// `config.json` of a model for sequence classification with these outputs.
    fn config(&self, names: &[String]) -> Result<Json, RewardError> {
        let c = &self.files.config;
        let own = match (&self.files.weights, &self.folder) {
            (Weights::Files(_), Some(folder)) => {
                let path = folder.join("config.json");
                let text = fs::read(&path).map_err(RewardError::io(&path))?;
                serde_json::from_slice(&text)
                    .map_err(|e| RewardError::malformed("config.json", e))?
            }
            (Weights::Gguf { file, .. }, _) => {
                if file.shape("rope_freqs.weight").is_some() {
                    return Err(RewardError::Unsupported(format!(
                        "`{}`: its positions are scaled in a way that a folder cannot say; use the model's original folder as the base",
                        file.name()
                    )));
                }
                let theta = file.float("llama.rope.freq_base").unwrap_or(10_000.0);
                let rope = match file.text("llama.rope.scaling.type").unwrap_or("none") {
                    "linear" => {
                        let factor = file.float("llama.rope.scaling.factor").unwrap_or(1.0);
                        json!({"rope_type": "linear", "rope_theta": theta, "factor": factor})
                    }
                    _ => json!({"rope_type": "default", "rope_theta": theta}),
                };
                let id = |key: &str| file.number(key);
                json!({
                    "model_type": "llama",
                    "hidden_act": "silu",
                    "attention_bias": c.qkv_bias,
                    "mlp_bias": c.mlp_bias,
                    "vocab_size": c.vocab,
                    "hidden_size": c.hidden,
                    "intermediate_size": c.intermediate,
                    "num_hidden_layers": c.layers,
                    "num_attention_heads": c.heads,
                    "num_key_value_heads": c.kv_heads,
                    "head_dim": c.head_dim,
                    "rms_norm_eps": f64::from(c.eps),
                    "max_position_embeddings": c.context,
                    "rope_theta": theta,
                    "rope_parameters": rope,
                    "pad_token_id": c.pad,
                    "bos_token_id": id("tokenizer.ggml.bos_token_id"),
                    "eos_token_id": id("tokenizer.ggml.eos_token_id"),
                    "dtype": "float32",
                })
            }
            _ => json!({}),
        };
        let Json::Object(mut config) = own else {
            return Err(RewardError::malformed("config.json", "it is not an object"));
        };
        config.insert(
            "architectures".to_owned(),
            json!([format!("{}ForSequenceClassification", c.family.class())]),
        );
        let label = |at: usize| {
            names
                .get(at)
                .cloned()
                .unwrap_or_else(|| "LABEL_0".to_owned())
        };
        let count = names.len().max(1);
        let labels =
            |pair: &dyn Fn(usize) -> (String, Json)| Json::Object((0..count).map(pair).collect());
        config.insert(
            "id2label".to_owned(),
            labels(&|at| (at.to_string(), json!(label(at)))),
        );
        config.insert("label2id".to_owned(), labels(&|at| (label(at), json!(at))));
        for key in ["num_labels", "auto_map", "problem_type"] {
            config.shift_remove(key);
        }
        Ok(Json::Object(config))
    }

    /// `tokenizer_config.json`: the folder's own, without a second copy of the template, or one for a file that had none.
    fn tokenizer_config(&self) -> Result<Json, RewardError> {
        let DecoderConfig { context, .. } = &self.files.config;
        if let (Weights::Files(_), Some(folder)) = (&self.files.weights, &self.folder) {
            let path = folder.join("tokenizer_config.json");
            if path.exists() {
                let text = fs::read(&path).map_err(RewardError::io(&path))?;
                let mut own: Json = serde_json::from_slice(&text)
                    .map_err(|e| RewardError::malformed("tokenizer_config.json", e))?;
                if let Some(own) = own.as_object_mut() {
                    own.shift_remove("chat_template");
                    own.shift_remove("auto_map");
                    // They may have stood in a file that is not written.
                    for (key, token) in self.special() {
                        if !own.contains_key(key) {
                            own.insert(key.to_owned(), json!(token));
                        }
                    }
                }
                return Ok(own);
            }
        }
        let mut config = serde_json::Map::new();
        config.insert(
            "tokenizer_class".to_owned(),
            json!("PreTrainedTokenizerFast"),
        );
        config.insert("model_max_length".to_owned(), json!(context));
        config.insert("clean_up_tokenization_spaces".to_owned(), json!(false));
        for (key, token) in self.special() {
            config.insert(key.to_owned(), json!(token));
        }
        Ok(Json::Object(config))
    }

    /// The special tokens there are.
    fn special(&self) -> Vec<(&'static str, &str)> {
        let special = &self.files.special;
        [
            ("bos_token", special.bos.as_str()),
            ("eos_token", &special.eos),
            ("pad_token", &special.pad),
            ("unk_token", &special.unk),
        ]
        .into_iter()
        .filter(|(_, token)| !token.is_empty())
        .collect()
    }
}

/// BLAKE3 of what lies below the head: the dimensions and every tensor, so that a model and one that was trained on it share it.
fn layers_hash(files: &Files) -> Result<String, RewardError> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{:?}", files.config.layers_only()).as_bytes());
    for (name, shape) in decoder::tensors(&files.config) {
        let (kind, bytes) = files.weights.raw(&name, &shape)?;
        hasher.update(name.as_bytes());
        hasher.update(kind.as_bytes());
        hasher.update(&bytes);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

/// That a model can be written to `folder`: it does not exist, or is empty.
///
/// # Errors
/// [`RewardError::Option`], [`RewardError::Io`], [`RewardError::Write`].
pub fn free(folder: &Path) -> Result<(), RewardError> {
    let named = folder.file_name().is_some();
    if !named || folder.symlink_metadata().is_ok_and(|m| !m.is_dir()) {
        return Err(RewardError::Option(format!(
            "`{}` cannot become a folder; choose a new one",
            folder.display()
        )));
    }
    if folder.exists() {
        let mut entries = fs::read_dir(folder).map_err(RewardError::io(folder))?;
        if entries.next().is_some() {
            return Err(RewardError::Option(format!(
                "`{}` is not empty; choose a new folder",
                folder.display()
            )));
        }
    }
    // Whether it can be made is known before hours of work.
    let parent = parent(folder);
    fs::create_dir_all(parent).map_err(RewardError::write(parent))?;
    tempfile::tempdir_in(parent).map_err(RewardError::write(parent))?;
    Ok(())
}

fn parent(folder: &Path) -> &Path {
    match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn pretty(json: &Json) -> String {
    let mut text = serde_json::to_string_pretty(json).unwrap_or_default();
    text.push('\n');
    text
}
