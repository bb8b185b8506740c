//! The label schema: which attributes are rated on which scale, and what a label needs. It is data, stored in the project.

use serde::{Deserialize, Serialize};

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
}

/// What an annotator is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

impl LabelSchema {
    /// Identity recorded with every label.
    pub fn id(&self) -> String {
        format!("{}@{}", self.name, self.version)
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
        }
    }

    /// The attribute of that name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| a.name == name)
    }
}
