//! What a model is, from its files alone: no weight is read. And what it takes in memory, which is asked before it is loaded.

use std::path::Path;

use super::backbone::linear::Precision;
use super::files::{Files, json, read};
use super::head::Plan;
use super::weights::{TensorFiles, Weights};
use super::{encoder, files, head_choice, hub, precision};
use crate::reward::{DeviceChoice, HeadChoice, LoadOptions, ModelRef, RewardError, batch, prompt};

/// What the files of a model say.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFacts {
    /// Name for people.
    pub name: String,
    /// The family, such as `Llama` or `deberta-v2`.
    pub family: String,
    /// The head, such as `score`.
    pub head: String,
    /// How many numbers it gives.
    pub outputs: usize,
    /// Number of weights.
    pub parameters: u64,
    /// The type that most weights are stored in, such as `bf16`.
    pub stored: String,
    /// What it would be computed in.
    pub precision: String,
    /// Most tokens of a conversation.
    pub context: usize,
    /// Whether it says how a conversation is written; encoders of pairs need not.
    pub template: Option<bool>,
    /// The licence, where the files name one.
    pub licence: Option<String>,
    /// Bytes of memory that its weights take when it is loaded.
    pub weights_bytes: u64,
    /// Bytes of memory that it takes at its largest, while it computes a full batch: an estimate.
    pub memory: u64,
}

/// Reads what the files of a model say. Takes a moment: vocabularies are read.
pub fn facts(model: &ModelRef, options: &LoadOptions) -> Result<ModelFacts, RewardError> {
    let model = &hub::resolved(model)?;
    if let ModelRef::Path(path) = model
        && let Some(folder) = files::folder_of(path)
        && let Some(kind) = encoder::kind(folder)
    {
        return of_encoder(folder, &kind);
    }
    let choice = head_choice(model, &options.head);
    let checked = choice == HeadChoice::Auto;
    let (files, template) = match Files::open(model, None, checked) {
        Err(RewardError::NoTemplate { .. }) => {
            let raw = prompt::named("raw");
            (Files::open(model, raw, checked)?, false)
        }
        opened => (opened?, true),
    };
    let plan = Plan::find(&files.weights, files.config.hidden, &choice)?;
    let parameters = files.parameters();
    let gpu = candle_core::utils::cuda_is_available() || candle_core::utils::metal_is_available();
    let on_cpu = match options.device {
        DeviceChoice::Cpu => true,
        DeviceChoice::Auto => !gpu,
        DeviceChoice::Cuda(_) | DeviceChoice::Metal => false,
    };
    let precision = precision(options.dtype, &files.weights, parameters, on_cpu);
    let weights_bytes = weights_bytes(parameters, precision);
    let (stored, licence) = match &files.weights {
        Weights::Gguf { file, .. } => (
            format!("{:?}", file.main_type()).to_lowercase(),
            file.text("general.license").map(str::to_owned),
        ),
        Weights::Files(tensors) => (tensors.main_type().to_lowercase(), licence(model)),
    };
    let config = &files.config;
    // While a matrix is read it stands there in f32, too; a batch has a few rows of every width at once.
    let widest = config
        .vocab
        .max(config.intermediate)
        .saturating_mul(config.hidden * 4);
    let tokens = options.batch_tokens.unwrap_or(batch::DEFAULT_TOKENS);
    let rows = tokens * (config.hidden * 8 + config.intermediate * 3) * 4;
    Ok(ModelFacts {
        name: files.name.clone(),
        family: config.family.class().to_owned(),
        head: plan.name.clone(),
        outputs: plan.outputs(),
        parameters,
        stored,
        precision: precision.name(),
        context: config.context,
        template: Some(template),
        licence,
        weights_bytes,
        memory: weights_bytes + widest as u64 + rows as u64,
    })
}

fn of_encoder(folder: &Path, kind: &str) -> Result<ModelFacts, RewardError> {
    let name = hub::name(&folder.canonicalize().map_err(RewardError::io(folder))?);
    let config = json(&folder.join("config.json"))?;
    encoder::sensible(&config).map_err(|reason| RewardError::malformed(&name, reason))?;
    let tensors = TensorFiles::open(folder)?
        .ok_or_else(|| RewardError::malformed(&name, "there is no `model.safetensors` in it"))?;
    let outputs = tensors
        .shape("classifier.weight")
        .and_then(|s| s.first().copied());
    let settings = json(&folder.join("tokenizer_config.json"))?;
    let parameters = tensors.parameters();
    let size = |key: &str| config[key].as_u64().unwrap_or_default();
    let context = encoder::longest(&config, &settings, None);
    let heads = size("num_attention_heads");
    // Attention has one number per head for every two tokens, in a few copies.
    let rows = context as u64
        * (size("hidden_size") * 8 + size("intermediate_size") * 2 + heads * context as u64 * 4)
        * 4;
    Ok(ModelFacts {
        name: name.clone(),
        family: kind.to_owned(),
        head: encoder::HEAD.to_owned(),
        outputs: outputs.ok_or_else(|| RewardError::MissingTensor {
            file: name,
            tensor: "classifier.weight".to_owned(),
        })?,
        parameters,
        stored: tensors.main_type().to_lowercase(),
        precision: "f32".to_owned(),
        context,
        template: None,
        licence: licence_in(folder),
        weights_bytes: parameters * 4,
        memory: parameters * 4 + rows,
    })
}

/// Refuses what cannot fit: better to say so than to be ended by the system. Only the weights count, which are known exactly.
pub(super) fn fits(
    name: &str,
    parameters: u64,
    precision: Precision,
    options: &LoadOptions,
) -> Result<(), RewardError> {
    let needed = (parameters as f64 * bytes_of(precision)) as u64;
    let Some(free) = options.memory.or_else(free_memory) else {
        return Ok(());
    };
    if needed > free {
        return Err(RewardError::Memory {
            file: name.to_owned(),
            needed,
            free,
        });
    }
    Ok(())
}

/// Bytes of so many weights.
pub(super) fn weights_bytes(parameters: u64, precision: Precision) -> u64 {
    (parameters as f64 * bytes_of(precision)) as u64
}

/// Bytes of a weight.
fn bytes_of(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 4.0,
        // A scale for every 64.
        Precision::Int8 => 1.0 + 4.0 / 64.0,
        Precision::F16 | Precision::Bf16 | Precision::Mixed(_) => 2.0,
        Precision::Quantised(dtype) | Precision::AsStored(dtype) => {
            dtype.type_size() as f64 / dtype.block_size() as f64
        }
    }
}

/// Bytes of memory that programs can still take; `None` where the system does not say.
pub fn free_memory() -> Option<u64> {
    let mut system = sysinfo::System::new().ok()?;
    system.refresh_memory();
    Some(system.available_memory()).filter(|free| *free > 0)
}

/// The licence that a folder's README names, as the hub has it: `license: ...` between two lines of dashes.
fn licence(model: &ModelRef) -> Option<String> {
    match model {
        ModelRef::Path(path) => licence_in(files::folder_of(path)?),
        ModelRef::Default => None,
    }
}

fn licence_in(folder: &Path) -> Option<String> {
    const MOST: usize = 1 << 16;
    let text = read(&folder.join("README.md")).ok()?;
    let text = String::from_utf8_lossy(&text[..text.len().min(MOST)]).into_owned();
    let about = text.strip_prefix("---")?.split("\n---").next()?;
    let line = about.lines().find_map(|l| l.strip_prefix("license:"))?;
    let name = line.trim().trim_matches(['"', '\'']);
    (!name.is_empty()).then(|| name.to_owned())
}
