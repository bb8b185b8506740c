//! A model's files: what is where in a Hugging Face folder or a GGUF file, opened and named, nothing computed yet.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::config::{DecoderConfig, Family};
use super::gguf::GgufFile;
use super::hub;
use super::layout;
use super::nemo::Nemo;
use super::source::{Source, file_name};
use super::weights::{TensorFiles, Weights};
use crate::reward::prompt::SpecialTokens;
use crate::reward::sentencepiece::SentencePiece;
use crate::reward::tokens::{Pieces, Splitter};
use crate::reward::{HeadChoice, ModelRef, RewardError};

/// The model that is part of the program.
static EMBEDDED: &[u8] = include_bytes!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/assets/reward-model/tiebreak-mini.gguf"
));

/// The file of a vocabulary: its name, and what is in it.
type Vocabulary = (&'static str, Vec<u8>);

/// An opened model.
pub(crate) struct Files {
    pub(crate) name: String,
    pub(crate) config: DecoderConfig,
    pub(crate) weights: Weights,
    pub(crate) splitter: Splitter,
    pub(crate) template: String,
    pub(crate) special: SpecialTokens,
    pub(crate) vocabulary: Vocabulary,
    sources: Vec<Source>,
    /// What else decides a score: the configuration, where it is a file of its own.
    about: Vec<u8>,
}

impl Files {
    /// Opens `model`; `template` stands in for its chat template. A GGUF file without a head is refused unless only the layers below
    /// it are wanted.
    pub(crate) fn open(
        model: &ModelRef,
        template: Option<&str>,
        head: bool,
    ) -> Result<Self, RewardError> {
        let path = match model {
            ModelRef::Default => return Self::gguf(Source::Bytes(EMBEDDED), template, head),
            ModelRef::Path(path) => path,
        };
        let about = std::fs::metadata(path).map_err(RewardError::io(path))?;
        if let Some(folder) = folder_of(path) {
            return Self::folder(folder, template, head);
        }
        let source = Source::Path(path.clone());
        let start = source.read_at(0, about.len().min(4) as usize)?;
        let extension = path
            .extension()
            .and_then(|e| e.to_str())
            .unwrap_or_default();
        match (start.as_slice(), extension) {
            (b"GGUF", _) => Self::gguf(source, template, head),
            (_, "nemo") => Self::nemo(path, template),
            ([0x80, ..] | b"PK\x03\x04", _) | (_, "bin" | "pt" | "pth" | "pkl" | "ckpt") => {
                Err(RewardError::Pickle {
                    file: file_name(path),
                })
            }
            _ => Err(RewardError::malformed(
                &file_name(path),
                "it is neither a GGUF nor a safetensors file",
            )),
        }
    }

    fn gguf(source: Source, template: Option<&str>, head: bool) -> Result<Self, RewardError> {
        let file = GgufFile::read(source.clone())?;
        let config = DecoderConfig::from_gguf(&file)?;
        let template = template.or_else(|| file.text("tokenizer.chat_template"));
        let template = template.map(str::to_owned);
        let named = match &source {
            Source::Bytes(_) => "default".to_owned(),
            Source::Path(path) => path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
        };
        let special = SpecialTokens {
            bos: file.token("tokenizer.ggml.bos_token_id"),
            eos: file.token("tokenizer.ggml.eos_token_id"),
            pad: file.token("tokenizer.ggml.padding_token_id"),
            unk: file.token("tokenizer.ggml.unknown_token_id"),
        };
        let weights = Weights::Gguf {
            reordered: (config.family == Family::Llama).then_some(config.head_dim),
            file,
        };
        // Told before anything else is asked of a file that is no reward model.
        if head {
            super::head::Plan::find(&weights, config.hidden, &HeadChoice::Auto)?;
        }
        let Weights::Gguf { file, .. } = &weights else {
            return Err(RewardError::NoHead { file: named });
        };
        let (splitter, vocabulary) = file.splitter()?;
        let template = template.ok_or_else(|| RewardError::NoTemplate {
            file: file.name().to_owned(),
        })?;
        Ok(Self {
            // The embedded file has no name of its own for people to read.
            name: match file.text("general.name") {
                Some(name) if matches!(source, Source::Bytes(..)) && !name.is_empty() => {
                    name.to_owned()
                }
                _ => named,
            },
            config,
            weights,
            splitter,
            template,
            special,
            vocabulary,
            sources: vec![source],
            about: vec![],
        })
    }

    fn nemo(path: &Path, template: Option<&str>) -> Result<Self, RewardError> {
        let Nemo {
            mut config,
            weights,
            splitter,
            vocabulary,
        } = Nemo::open(path)?;
        let embedding = weights.shape("model.embed_tokens.weight");
        config.vocab = embedding.and_then(|s| s.first().copied()).unwrap_or(0);
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        // Such a file says nothing of how conversations are written: as NeMo-Aligner's own scripts write them.
        let template = template.or_else(|| crate::reward::prompt::named("nemo-extra-id"));
        Ok(Self {
            name: name.into_owned(),
            config,
            weights: Weights::Files(weights),
            splitter,
            template: template.unwrap_or_default().to_owned(),
            special: SpecialTokens::default(),
            vocabulary: ("tokenizer.model", vocabulary),
            sources: vec![Source::Path(path.to_owned())],
            about: vec![],
        })
    }

    fn folder(folder: &Path, template: Option<&str>, head: bool) -> Result<Self, RewardError> {
        let name = hub::name(&folder.canonicalize().map_err(RewardError::io(folder))?);
        let config_path = folder.join("config.json");
        if !config_path.exists() {
            return Self::lone_file(folder, &name, template, head);
        }
        let about = read(&config_path)?;
        let config = DecoderConfig::from_hf("config.json", &about)?;
        let Some(mut files) = TensorFiles::open(folder)? else {
            return Err(match pickled(folder) {
                Some(file) => RewardError::Pickle { file },
                None => RewardError::malformed(&name, "there is no `model.safetensors` in it"),
            });
        };
        layout::rename(&config, &mut files)?;
        let sources = files.files.clone();
        let settings = json(&folder.join("tokenizer_config.json"))?;
        let map = json(&folder.join("special_tokens_map.json"))?;
        let special = |key: &str| {
            let text = |from: &Json| match &from[key] {
                Json::String(text) => Some(text.clone()),
                token => token
                    .get("content")
                    .and_then(Json::as_str)
                    .map(str::to_owned),
            };
            text(&settings).or_else(|| text(&map)).unwrap_or_default()
        };
        let special = SpecialTokens {
            bos: special("bos_token"),
            eos: special("eos_token"),
            pad: special("pad_token"),
            unk: special("unk_token"),
        };
        let (splitter, vocabulary) = vocabulary(folder, &name, &settings, &special)?;
        let template = match template {
            Some(text) => Some(text.to_owned()),
            None => own_template(folder, &settings)?,
        };
        Ok(Self {
            config,
            weights: Weights::Files(files),
            splitter,
            template: template.ok_or_else(|| RewardError::NoTemplate { file: name.clone() })?,
            special,
            name,
            about,
            vocabulary,
            sources,
        })
    }

    /// A folder without `config.json` may hold one file that is a whole model.
    fn lone_file(
        folder: &Path,
        name: &str,
        template: Option<&str>,
        head: bool,
    ) -> Result<Self, RewardError> {
        let mut found: Vec<PathBuf> = listed(folder)?
            .into_iter()
            .filter(|path| path.extension().is_some_and(|e| e == "gguf" || e == "nemo"))
            .collect();
        match (found.pop(), found.is_empty()) {
            (Some(path), true) if path.extension().is_some_and(|e| e == "nemo") => {
                Self::nemo(&path, template)
            }
            (Some(path), true) => Self::gguf(Source::Path(path), template, head),
            (Some(_), false) => Err(RewardError::malformed(
                name,
                "several files of models are in it; name one",
            )),
            (None, _) => Err(match pickled(folder) {
                Some(file) => RewardError::Pickle { file },
                None => RewardError::malformed(name, "there is no `config.json` in it"),
            }),
        }
    }

    /// Number of weights.
    pub(crate) fn parameters(&self) -> u64 {
        match &self.weights {
            Weights::Files(files) => files.parameters(),
            Weights::Gguf { file, .. } => file.parameters(),
        }
    }

    /// BLAKE3 of the weight files, one after another, and of the configuration.
    pub(crate) fn weights_hash(&self) -> Result<String, RewardError> {
        let mut hasher = blake3::Hasher::new();
        for source in &self.sources {
            source.hash(&mut hasher)?;
        }
        hasher.update(&self.about);
        Ok(hasher.finalize().to_hex().to_string())
    }

    /// BLAKE3 of all that decides which tokens a conversation becomes.
    pub(crate) fn template_hash(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("tiebreak 2026 template");
        let SpecialTokens { bos, eos, pad, unk } = &self.special;
        for part in [&self.vocabulary.1, self.template.as_bytes()]
            .into_iter()
            .chain([bos, eos, pad, unk].map(String::as_bytes))
        {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize().to_hex().to_string()
    }
}

/// The folder of a model that is one: the path itself, or where one of the files lies that only make sense together.
pub(super) fn folder_of(path: &Path) -> Option<&Path> {
    if path.is_dir() {
        return Some(path);
    }
    let extension = path.extension().and_then(|e| e.to_str());
    let part = match extension {
        Some("safetensors" | "json") => true,
        Some("bin") => file_name(path).starts_with("pytorch_model"),
        _ => false,
    };
    let folder = path.parent().filter(|_| part && path.is_file())?;
    Some(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    })
}

/// How the folder's text is split: as `tokenizer.json` says, else `tokenizer.model` with the tokens that its settings add.
fn vocabulary(
    folder: &Path,
    name: &str,
    settings: &Json,
    special: &SpecialTokens,
) -> Result<(Splitter, Vocabulary), RewardError> {
    let path = folder.join("tokenizer.json");
    if path.exists() {
        let bytes = read(&path)?;
        let splitter =
            Splitter::from_json(&bytes).map_err(|e| RewardError::malformed("tokenizer.json", e))?;
        return Ok((splitter, ("tokenizer.json", bytes)));
    }
    let path = folder.join("tokenizer.model");
    if !path.exists() {
        let reason = "there is neither `tokenizer.json` nor `tokenizer.model` in it";
        return Err(RewardError::malformed(name, reason));
    }
    let bytes = read(&path)?;
    let model = SentencePiece::read("tokenizer.model", &bytes)?;
    let mut added: Vec<(String, u32, bool)> = vec![];
    let decoder = settings["added_tokens_decoder"].as_object();
    for (id, token) in decoder.into_iter().flatten() {
        if let (Ok(id), Some(text)) = (id.parse(), token["content"].as_str()) {
            added.push((text.to_owned(), id, token["special"] == true));
        }
    }
    let more = json(&folder.join("added_tokens.json"))?;
    for (text, id) in more.as_object().into_iter().flatten() {
        if let Some(id) = id.as_u64().and_then(|id| u32::try_from(id).ok()) {
            added.push((text.clone(), id, false));
        }
    }
    for text in [&special.bos, &special.eos, &special.unk, &special.pad] {
        if let Some(id) = model.id(text) {
            added.push((text.clone(), id, true));
        }
    }
    added.extend(
        model
            .user_defined()
            .map(|(text, id)| (text.to_owned(), id, false)),
    );
    added.retain(|(text, ..)| !text.is_empty());
    // As transformers 5 reads such a folder.
    let pieces = Pieces {
        model,
        added,
        prefix_always: settings["legacy"] == true,
        prefix_spaces: false,
    };
    let about = pieces.about(&bytes);
    let splitter = Splitter::Pieces(Box::new(pieces));
    Ok((splitter, ("tokenizer.model", about)))
}

/// The folder's chat template: a file of its own, else in the tokenizer's settings, there alone or among named ones.
fn own_template(folder: &Path, settings: &Json) -> Result<Option<String>, RewardError> {
    let path = folder.join("chat_template.jinja");
    if path.exists() {
        let text = String::from_utf8(read(&path)?);
        return text
            .map(Some)
            .map_err(|e| RewardError::malformed("chat_template.jinja", e));
    }
    let legacy = json(&folder.join("chat_template.json"))?;
    for holder in [&legacy, settings] {
        match &holder["chat_template"] {
            Json::String(text) => return Ok(Some(text.clone())),
            Json::Array(named) => {
                let default = named.iter().find(|t| t["name"] == "default");
                return Ok(default
                    .and_then(|t| t["template"].as_str())
                    .map(str::to_owned));
            }
            _ => {}
        }
    }
    Ok(None)
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, RewardError> {
    std::fs::read(path).map_err(RewardError::io(path))
}

/// A JSON file, `null` where there is none.
pub(super) fn json(path: &Path) -> Result<Json, RewardError> {
    if !path.exists() {
        return Ok(Json::Null);
    }
    serde_json::from_slice(&read(path)?).map_err(|e| RewardError::malformed(&file_name(path), e))
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, RewardError> {
    let entries = std::fs::read_dir(folder).map_err(RewardError::io(folder))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    Ok(paths)
}

/// A file of pickled weights in `folder`.
fn pickled(folder: &Path) -> Option<String> {
    let is_pickle = |path: &PathBuf| {
        let extension = path.extension().and_then(|e| e.to_str());
        matches!(extension, Some("bin" | "pt" | "pth" | "pkl" | "ckpt"))
    };
    listed(folder)
        .ok()?
        .into_iter()
        .find(is_pickle)
        .map(|path| file_name(&path))
}
