//! What can go wrong with a reward model: where, and what to do about it.

use std::path::{Path, PathBuf};

/// Why a model cannot be loaded or cannot score.
#[derive(Debug, thiserror::Error)]
pub enum RewardError {
    /// A file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A model cannot be written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("`{file}` cannot be used: {reason}")]
    Malformed {
        /// The file's name.
        file: String,
        /// What is wrong and where in the file.
        reason: String,
    },
    /// A weight is not there.
    #[error("This model file is incomplete: tensor `{tensor}` is missing (`{file}`)")]
    MissingTensor {
        /// The file or folder that was searched.
        file: String,
        /// The tensor's name as the file would have it.
        tensor: String,
    },
    /// A weight has another shape than the configuration says.
    #[error(
        "`{file}` does not match its configuration: tensor `{tensor}` has shape {found:?}, {expected:?} is needed"
    )]
    TensorShape {
        /// The file or folder.
        file: String,
        /// The tensor's name as the file has it.
        tensor: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that the configuration asks for.
        expected: Vec<usize>,
    },
    /// A language model without a reward head.
    #[error("`{file}` has no reward head: neither `score.weight` nor `cls.output.weight` is in it")]
    NoHead {
        /// The file or folder.
        file: String,
    },
    /// Weights that would run code when opened.
    #[error(
        "`{file}` holds pickled weights of an unknown kind, which could run any code in Python; it was not opened"
    )]
    Pickle {
        /// The file's name.
        file: String,
    },
    /// Something that this version does not do.
    #[error("{0}")]
    Unsupported(String),
    /// The model does not say how a conversation is written.
    #[error("`{file}` has no chat template")]
    NoTemplate {
        /// The file or folder.
        file: String,
    },
    /// The chat template cannot be read or refuses a conversation.
    #[error("chat template: {0}")]
    Template(String),
    /// Text could not be split into tokens.
    #[error("tokenizer: {0}")]
    Tokenizer(String),
    /// An option that makes no sense.
    #[error("{0}")]
    Option(String),
    /// The computation failed.
    #[error("computing scores failed: {0}")]
    Compute(#[from] candle_core::Error),
    /// A model that is larger than what is free.
    #[error(
        "the weights of `{file}` take {:.1} GB of memory and {:.1} GB are free: it was not loaded",
        *needed as f64 / 1e9, *free as f64 / 1e9
    )]
    Memory {
        /// The model's name.
        file: String,
        /// Bytes that its weights take.
        needed: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A model cannot be downloaded.
    #[error("{0}")]
    Download(String),
    /// Stopped because it was asked to.
    #[error("stopped")]
    Cancelled,
}

impl RewardError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    pub(crate) fn malformed(file: &str, reason: impl std::fmt::Display) -> Self {
        Self::Malformed {
            file: file.to_owned(),
            reason: reason.to_string(),
        }
    }

    /// What to do about it, where there is something to say.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Io { .. } => {
                "check the path: a model is `default`, a folder with safetensors, a .gguf or .nemo file, or the id of one in the hub's cache"
            }
            Self::Write { .. } => "check the path, the permissions and the room on the disk",
            Self::MissingTensor { .. } => {
                "the download may be incomplete, or the file may hold another kind of model"
            }
            Self::NoHead { .. } => {
                "this is a language model; choose a reward model (`...ForSequenceClassification`)"
            }
            Self::Pickle { .. } => {
                "name it `pytorch_model.bin`, or convert it once with `model.save_pretrained(FOLDER)`, and open that folder"
            }
            Self::Memory { .. } => {
                "close other programs, take a smaller or quantised file, or compute in q8_0 (`--dtype q8_0`)"
            }
            Self::Download(_) => {
                "HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_OFFLINE say from where, as whom and whereto; what has come stays, and the same command goes on from there"
            }
            Self::NoTemplate { .. } => "name the file of one with `--template FILE`",
            _ => return None,
        })
    }
}
