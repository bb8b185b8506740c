//! Scores and the identity of what computed them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ItemId, ResponseKey};

/// Whether labelers see scores.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScorePolicy {
    /// Visible while reading.
    #[default]
    Live,
    /// Computed, but shown only after the commit.
    Sealed,
    /// Never shown to the labeler.
    Hidden,
}

/// What computed a score. Two scorers are the same when all but `name` are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScorerId {
    /// Name for people; not part of the identity.
    pub name: String,
    /// Hash of the weights.
    pub weights: String,
    /// Hash of the chat template and the tokenizer.
    pub template: String,
    /// Head, such as `score` or `logit:0`.
    pub head: String,
    /// Precision of the computation, such as `f32` or `q8_0`.
    pub dtype: String,
}

impl ScorerId {
    /// The identity as one hexadecimal string: the key under which scores are kept.
    pub fn key(&self) -> String {
        let Self {
            name: _,
            weights,
            template,
            head,
            dtype,
        } = self;
        let mut hasher = blake3::Hasher::new_derive_key("tiebreak 2026 scorer");
        for part in [weights, template, head, dtype] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex()[..32].to_owned()
    }
}

/// The score of one response of one item by one scorer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The item.
    pub item: ItemId,
    /// The response.
    pub response: ResponseKey,
    /// The score: comparable only within the item.
    pub score: f64,
    /// The attributes, where the model has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, f64>,
    /// Tokens of the whole conversation after truncation.
    pub tokens: u32,
    /// Whether something had to be left out.
    pub truncated: bool,
}
