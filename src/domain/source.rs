//! Where an item came from, and the labels that came with it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Judgment;

/// Whose label a reference label is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReferenceRole {
    /// The data set's own verdict.
    Verdict,
    /// One annotator's vote.
    Vote,
}

/// A label that came with the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceLabel {
    /// The data set's verdict or one annotator's vote.
    pub role: ReferenceRole,
    /// Who gave it, where the source says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotator: Option<String>,
    /// When, as the source writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// What it says, mapped to the item's responses.
    #[serde(flatten)]
    pub judgment: Judgment,
    /// Other fields of this label, kept for the way out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl ReferenceLabel {
    /// The data set's own verdict.
    pub fn verdict(judgment: impl Into<Judgment>) -> Self {
        Self {
            role: ReferenceRole::Verdict,
            annotator: None,
            time: None,
            judgment: judgment.into(),
            extra: Map::new(),
        }
    }

    /// One annotator's vote.
    pub fn vote(annotator: Option<String>, judgment: impl Into<Judgment>) -> Self {
        Self {
            role: ReferenceRole::Vote,
            annotator,
            ..Self::verdict(judgment)
        }
    }
}

/// One place in a file where an item stands. An item may have several.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceRow {
    /// Name of the file, without its folder.
    pub file: String,
    /// Name of the format, as in `--format`.
    pub format: String,
    /// First row of the item in the file, from 1.
    pub row: u64,
    /// The row's own id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// For each response in the file's order, its index in the item's canonical order. Shorter than the item where the row
    /// holds some of its responses only.
    pub order: Vec<usize>,
    /// Model names in the file's order, where the source has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<Option<String>>,
    /// Fields that the format does not define, kept for the way out.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}
