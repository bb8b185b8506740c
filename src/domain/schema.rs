//! The label schema: which attributes are rated on which scale, and what a label needs. It is data, stored in the project.

use serde::{Deserialize, Serialize};

use super::Mode;

/// One rated attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Name in files, such as `helpfulness`.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// The question it answers.
    pub question: String,
    /// What each level means, from `min` up; one sentence each.
    pub anchors: Vec<String>,
    /// Lowest level.
    pub min: i32,
    /// Highest level.
    pub max: i32,
    /// Whether it describes rather than praises: more is not better.
    #[serde(default)]
    pub descriptive: bool,
    /// Whether a label needs it.
    #[serde(default = "yes")]
    pub required: bool,
}

fn yes() -> bool {
    true
}

/// Most attributes that a schema has.
pub const MOST_ATTRIBUTES: usize = 12;
/// Highest level of a scale, so that one digit says it.
pub const HIGHEST_LEVEL: i32 = 9;

/// What an annotator is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what is asked beside the ratings is independent of each other"
)]
pub struct LabelSchema {
    /// Name of the schema.
    pub name: String,
    /// Version, raised on every change.
    pub version: u32,
    /// Attributes in the order in which they are asked.
    pub attributes: Vec<Attribute>,
    /// Highest strength of a preference.
    pub max_strength: u8,
    /// Whether "the same" may be chosen.
    pub allow_tie: bool,
    /// Whether "neither is valid" may be chosen.
    pub allow_neither: bool,
    /// Least number of characters of a justification; 0 makes it optional.
    pub min_justification: usize,
    /// How responses stand before the annotator, and what is asked of them.
    #[serde(default)]
    pub mode: Mode,
    /// Reasons to choose from beside the justification.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether annotators are asked how sure they are.
    #[serde(default)]
    pub confidence: bool,
    /// Whether token and word counts of responses are hidden: they pull the eye to length.
    #[serde(default)]
    pub hide_counts: bool,
    /// Whether each annotator gets the items in an order of their own, drawn by lot.
    #[serde(default)]
    pub shuffle: bool,
    /// How many items with known answers an annotator practises on, with feedback, before real work; 0 for none.
    #[serde(default)]
    pub practice: usize,
}

/// What is wrong with a schema that somebody has edited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It has no name.
    #[error("the schema needs a name")]
    NoName,
    /// There are too many attributes to be asked.
    #[error("a schema has at most {MOST_ATTRIBUTES} attributes")]
    TooMany,
    /// An attribute has no name.
    #[error("attribute {0} needs a name")]
    NoAttributeName(usize),
    /// Two attributes share a name.
    #[error("two attributes are called {0}")]
    Twice(String),
    /// A scale has no two levels, or levels that no digit says.
    #[error("the scale of {0} has to rise, from 0 or more to 9 or less")]
    Scale(String),
    /// A scale has more anchors than levels.
    #[error("{0} has more anchors than levels")]
    Anchors(String),
    /// The strength of a preference is out of its range.
    #[error("the strength of a preference is 1 (binary) to 3")]
    Strength,
    /// Nothing is asked.
    #[error("in this mode nothing would be asked: it needs at least one attribute")]
    Nothing,
}

impl LabelSchema {
    /// Identity recorded with every label.
    ///
    /// From version 2 on it names the content too: two people who each changed version 1 did not make the same version 2.
    pub fn id(&self) -> String {
        if self.version <= 1 {
            return format!("{}@{}", self.name, self.version);
        }
        let content = serde_json::to_vec(self).unwrap_or_default();
        let hash = blake3::hash(&content).to_hex();
        format!("{}@{}-{}", self.name, self.version, &hash[..8])
    }

    /// Says what keeps it from being used.
    pub fn check(&self) -> Result<(), SchemaError> {
        if self.name.trim().is_empty() {
            return Err(SchemaError::NoName);
        }
        if self.attributes.len() > MOST_ATTRIBUTES {
            return Err(SchemaError::TooMany);
        }
        let mut names = std::collections::BTreeSet::new();
        for (at, attribute) in self.attributes.iter().enumerate() {
            if attribute.name.trim().is_empty() {
                return Err(SchemaError::NoAttributeName(at + 1));
            }
            if !names.insert(attribute.name.as_str()) {
                return Err(SchemaError::Twice(attribute.name.clone()));
            }
            if attribute.min < 0 || attribute.max > HIGHEST_LEVEL || attribute.min >= attribute.max
            {
                return Err(SchemaError::Scale(attribute.title.clone()));
            }
            if attribute.anchors.len() > (attribute.max - attribute.min + 1) as usize {
                return Err(SchemaError::Anchors(attribute.title.clone()));
            }
        }
        if !(1..=3).contains(&self.max_strength) {
            return Err(SchemaError::Strength);
        }
        if self.mode == Mode::RatingOnly && self.attributes.is_empty() {
            return Err(SchemaError::Nothing);
        }
        Ok(())
    }

    /// Whether ratings are asked.
    pub fn asks_ratings(&self) -> bool {
        !matches!(self.mode, Mode::QuickAb | Mode::Ranking) && !self.attributes.is_empty()
    }

    /// Whether a pair is compared.
    pub fn asks_preference(&self, responses: usize) -> bool {
        match self.mode {
            Mode::RatingOnly | Mode::Ranking => false,
            _ => responses == 2,
        }
    }

    /// Whether responses are put in an order.
    pub fn asks_ranking(&self, responses: usize) -> bool {
        match self.mode {
            Mode::Ranking => responses >= 2,
            _ => false,
        }
    }

    /// Whether a reason is asked: for comparisons, and always where nothing forbids to give one.
    pub fn asks_reason(&self) -> bool {
        self.mode != Mode::QuickAb || self.min_justification > 0
    }

    /// `HelpSteer2`: five attributes from 0 to 4, a strength of 1 to 3 without a tie, neither valid, a justification.
    /// The meanings follow the data set's card (arXiv 2406.08673, arXiv 2410.01257); the anchors are our own words.
    pub fn helpsteer2() -> Self {
        let attribute =
            |name: &str, title: &str, question: &str, anchors: [&str; 5], descriptive| Attribute {
                name: name.to_owned(),
                title: title.to_owned(),
                question: question.to_owned(),
                anchors: anchors.map(str::to_owned).to_vec(),
                min: 0,
                max: 4,
                descriptive,
                required: true,
            };
        Self {
            name: "helpsteer2".to_owned(),
            version: 1,
            attributes: vec![
                attribute(
                    "helpfulness",
                    "Helpfulness",
                    "How useful is it for what was asked?",
                    [
                        "not useful at all",
                        "misses most of what was asked",
                        "partly useful, with gaps",
                        "useful, could be better",
                        "does just what was asked",
                    ],
                    false,
                ),
                attribute(
                    "correctness",
                    "Correctness",
                    "Is it true and complete?",
                    [
                        "wrong throughout",
                        "more wrong than right",
                        "right and wrong mixed",
                        "small slips or omissions",
                        "no errors, nothing key missing",
                    ],
                    false,
                ),
                attribute(
                    "coherence",
                    "Coherence",
                    "Is it clear and consistent?",
                    [
                        "unintelligible",
                        "hard to follow",
                        "some muddle",
                        "clear, small lapses",
                        "perfectly clear",
                    ],
                    false,
                ),
                attribute(
                    "complexity",
                    "Complexity",
                    "How much expertise did writing it take?",
                    [
                        "anyone could write it",
                        "simple words and ideas",
                        "some education needed",
                        "real knowledge of the field",
                        "an expert's work",
                    ],
                    true,
                ),
                attribute(
                    "verbosity",
                    "Verbosity",
                    "How long is it for what was asked?",
                    [
                        "far too short",
                        "on the short side",
                        "about right",
                        "on the long side",
                        "far longer than asked",
                    ],
                    true,
                ),
            ],
            max_strength: 3,
            allow_tie: false,
            allow_neither: true,
            min_justification: 20,
            mode: Mode::SideBySide,
            tags: vec![],
            confidence: false,
            hide_counts: false,
            shuffle: false,
            practice: 0,
        }
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }
}
