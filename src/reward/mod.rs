//! How is a reply scored? A [`Scorer`] turns whole conversations into numbers; [`load`] makes one from a model's files.
//!
//! The way of a conversation: [`prompt`] writes it as the model's chat template has it, [`tokens`] splits that into tokens and
//! shortens what is too long, [`batch`] lets conversations share their beginnings and fills batches, [`local`] computes.

pub mod batch;
pub mod error;
pub mod local;
pub mod preset;
pub mod probe;
pub mod prompt;
pub mod sentencepiece;
pub mod tokens;
pub mod train;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::domain::{ScorerId, Turn};
use crate::task::Cancel;

pub use error::RewardError;
pub use preset::Preset;
pub use probe::Probe;

/// Scores conversations. A score is comparable only with scores of the same scorer for the same prompt.
pub trait Scorer: Send {
    /// What computes.
    fn info(&self) -> &ScorerInfo;

    /// What exactly is scored of a conversation, and what looks wrong with it.
    ///
    /// # Errors
    /// As for a conversation in [`ScoreStats::failed`].
    fn trace(&self, turns: &[Turn]) -> Result<local::Trace, RewardError>;

    /// How the score comes about: the head applied at every token of the last turn, and after every turn of the assistant's.
    ///
    /// # Errors
    /// [`RewardError::Unsupported`] where a model reads a conversation as a whole only; else as [`Scorer::score`].
    fn course(&mut self, turns: &[Turn], cancel: &Cancel) -> Result<Course, RewardError>;

    /// Scores each conversation's last turn given all before. `on_result` gets the index of the conversation and its score as
    /// soon as its batch is done, in rising order. A conversation that the model cannot be given is in [`ScoreStats::failed`].
    ///
    /// # Errors
    /// [`RewardError::Cancelled`] when `cancel` asks for it (what was reported stays valid), [`RewardError::Compute`].
    fn score(
        &mut self,
        conversations: &[Vec<Turn>],
        cancel: &Cancel,
        on_result: &mut dyn FnMut(usize, ScoreOutput),
    ) -> Result<ScoreStats, RewardError>;
}

/// What a scorer is.
#[derive(Debug, Clone, PartialEq)]
pub struct ScorerInfo {
    /// Identity under which scores are kept.
    pub id: ScorerId,
    /// Name for people.
    pub name: String,
    /// Where it computes, such as `cpu (1 thread)`.
    pub device: String,
    /// Precision of the computation, as in the identity.
    pub dtype: String,
    /// Most tokens of a conversation: longer ones are shortened.
    pub context: usize,
    /// Number of weights.
    pub parameters: u64,
    /// Names of the outputs of a model that has several.
    pub attributes: Vec<String>,
}

/// The score of one conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreOutput {
    /// The output, or of several: their weighted sum by a preset or a gate, else helpfulness, else the mean.
    pub score: f64,
    /// All outputs of a model that has several, by name.
    pub attributes: BTreeMap<String, f64>,
    /// Tokens of the whole conversation after shortening.
    pub tokens: u32,
    /// Whether something had to be left out.
    pub truncated: bool,
}

/// How a score comes about.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// Every token of the last turn, from its header on: its id, its text in the vocabulary, and the score if the text ended there.
    pub tokens: Vec<(u32, String, f64)>,
    /// Every turn of the assistant's: its place in the conversation, from 0, and the score if the conversation ended there. Nothing where it
    /// cannot be given to the model so.
    pub turns: Vec<(usize, Option<f64>)>,
}

/// What a run of [`Scorer::score`] took.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScoreStats {
    /// Tokens of all scored conversations.
    pub tokens: u64,
    /// Tokens that went through the model: fewer, where conversations share their beginning.
    pub tokens_computed: u64,
    /// Time spent on writing prompts and splitting them into tokens.
    pub encode: Duration,
    /// Time spent in the model.
    pub compute: Duration,
    /// Conversations that could not be given to the model, by index, with the reason.
    pub failed: Vec<(usize, String)>,
}

impl ScoreStats {
    /// Adds another run's numbers, its conversations being counted from `offset` on.
    pub fn add(&mut self, other: Self, offset: usize) {
        self.tokens += other.tokens;
        self.tokens_computed += other.tokens_computed;
        self.encode += other.encode;
        self.compute += other.compute;
        let failed = other.failed.into_iter();
        self.failed
            .extend(failed.map(|(index, reason)| (offset + index, reason)));
    }
}

/// Which model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelRef {
    /// The embedded one.
    Default,
    /// A folder or file.
    Path(PathBuf),
}

impl std::fmt::Display for ModelRef {
    /// Writes what [`FromStr`] reads.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for ModelRef {
    type Err = RewardError;

    /// Reads MODEL of the command line: `default`, a folder or a file.
    fn from_str(text: &str) -> Result<Self, RewardError> {
        match text {
            "default" => Ok(Self::Default),
            "" => Err(RewardError::Option("no model was named".to_owned())),
            url if url.contains("://") => Err(RewardError::Unsupported(format!(
                "`{url}`: remote models are not supported yet"
            ))),
            path => Ok(Self::Path(path.into())),
        }
    }
}

/// Where to compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A GPU that this build supports, else the CPU.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// The NVIDIA GPU of that number.
    Cuda(usize),
    /// Apple's GPU.
    Metal,
}

impl FromStr for DeviceChoice {
    type Err = RewardError;

    fn from_str(text: &str) -> Result<Self, RewardError> {
        let unknown = || {
            RewardError::Option(format!(
                "unknown device `{text}`: auto, cpu, cuda, cuda:N or metal"
            ))
        };
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            "metal" => Ok(Self::Metal),
            _ => {
                let number = text.strip_prefix("cuda:").ok_or_else(unknown)?;
                number.parse().map(Self::Cuda).map_err(|_bad| unknown())
            }
        }
    }
}

/// Precision to compute with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DtypeChoice {
    /// `f32` for small models ([`local::AUTO_F32`]); else, where the processor multiplies bytes, [`local::cpu::AUTO`]; else `f32`
    /// while the weights take at most [`local::AUTO_F32_BYTES`] in it, and beyond a quantised file's own types or 8 bits.
    #[default]
    Auto,
    /// 32-bit floating point, whatever the file holds.
    F32,
    /// 16 bits for matrices, the upper half of f32; sums are f32.
    Bf16,
    /// 16 bits for matrices; on the CPU they are computed in f32.
    F16,
    /// 8 bits for the matrices of the layers.
    Q8_0,
    /// Blocks of 4 bits (llama.cpp's `Q4_K`) for the matrices of the layers, where their rows are whole blocks.
    Q4K,
    /// On the CPU, by kind of matrix.
    Parts(local::cpu::Parts),
}

impl FromStr for DtypeChoice {
    type Err = RewardError;

    fn from_str(text: &str) -> Result<Self, RewardError> {
        match text {
            "auto" => Ok(Self::Auto),
            "f32" => Ok(Self::F32),
            "bf16" => Ok(Self::Bf16),
            "f16" => Ok(Self::F16),
            "q8_0" => Ok(Self::Q8_0),
            "q4k" => Ok(Self::Q4K),
            _ => Err(RewardError::Option(format!(
                "unknown precision `{text}`: auto, f32, bf16, f16, q8_0 or q4k"
            ))),
        }
    }
}

/// Where the score is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeadChoice {
    /// At the head that the file has.
    #[default]
    Auto,
    /// At the logit of this token of the vocabulary, after the last token.
    Logit(u32),
    /// At the head of this name, such as `score` or `v_head.summary`.
    Named(String),
}

impl FromStr for HeadChoice {
    type Err = RewardError;

    fn from_str(text: &str) -> Result<Self, RewardError> {
        match text.split_once(':') {
            _ if text == "auto" => Ok(Self::Auto),
            Some(("logit", token)) => token.parse().map(Self::Logit).map_err(|e| {
                RewardError::Option(format!(
                    "--head {text}: {e}; a token's number is wanted, such as logit:0"
                ))
            }),
            _ => Ok(Self::Named(text.to_owned())),
        }
    }
}

/// What computes on the CPU; there is little reason to choose, but for comparing them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Loops {
    /// Our own loops, by the fastest instructions of this processor.
    #[default]
    Fastest,
    /// Our own loops, by these instructions.
    With(local::cpu::Isa),
    /// Candle's operations, as on a GPU.
    Candle,
}

/// How to load a model.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Where to compute.
    pub device: DeviceChoice,
    /// Precision.
    pub dtype: DtypeChoice,
    /// Threads on the CPU; `None`: one less than there are cores, so that a window stays fluent.
    pub threads: Option<usize>,
    /// Most tokens of a conversation; `None`: the model's context.
    pub max_length: Option<usize>,
    /// Tokens computed at once; `None`: [`batch::DEFAULT_TOKENS`].
    pub batch_tokens: Option<usize>,
    /// A chat template to use in place of the model's.
    pub template: Option<String>,
    /// Where the score is read.
    pub head: HeadChoice,
    /// How several outputs become one score; `None`: as the model's makers say, else helpfulness, else the mean.
    pub weights: Option<Preset>,
    /// Bytes of memory that the weights may take; `None`: what the system has free.
    pub memory: Option<u64>,
    /// Compute the whole of every conversation, even where neighbours begin alike.
    pub no_sharing: bool,
    /// What computes on the CPU.
    pub loops: Loops,
    /// GPUs that the layers are split over, from the chosen one on; `None`: as many as the weights need.
    pub split: Option<usize>,
}

/// Loads a model. Takes as long as reading its files; call it from a worker.
pub fn load(model: &ModelRef, options: &LoadOptions) -> Result<Box<dyn Scorer>, RewardError> {
    local::load(model, options)
}
