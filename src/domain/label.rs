//! What an annotator says of an item, always relative to responses, never to left and right.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{LabelSchema, ResponseKey, ScorePolicy, ScorerId, SpanMark};

/// Which response is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Preference {
    /// One response is better than the other.
    Better {
        /// The better one.
        response: ResponseKey,
        /// 1 slightly, 2 clearly, 3 much better; `None` where the source does not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        strength: Option<u8>,
    },
    /// Neither is better.
    Tie,
    /// Neither is valid.
    NeitherValid,
}

impl Preference {
    /// The preference on `HelpSteer2`'s scale between a first and a second response: -3 (first much better) to 3, 0 a tie, -100
    /// neither valid. `None` when the strength is unknown or the better response is neither of the two.
    pub fn signed(&self, first: ResponseKey, second: ResponseKey) -> Option<i32> {
        match *self {
            Self::Tie => Some(0),
            Self::NeitherValid => Some(-100),
            Self::Better { response, strength } => {
                let strength = i32::from(strength?);
                if response == first {
                    Some(-strength)
                } else if response == second {
                    Some(strength)
                } else {
                    None
                }
            }
        }
    }

    /// The inverse of [`Preference::signed`]; `None` for a number that is not on the scale.
    pub fn from_signed(value: i64, first: ResponseKey, second: ResponseKey) -> Option<Self> {
        Some(match value {
            0 => Self::Tie,
            -100 => Self::NeitherValid,
            -3..=-1 => Self::Better {
                response: first,
                strength: Some(value.unsigned_abs() as u8),
            },
            1..=3 => Self::Better {
                response: second,
                strength: Some(value as u8),
            },
            _ => return None,
        })
    }
}

/// Attribute name to value, per response. Whole values are written as whole numbers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ratings(pub BTreeMap<ResponseKey, BTreeMap<String, f64>>);

impl Ratings {
    /// The value of one attribute of one response.
    pub fn get(&self, response: ResponseKey, attribute: &str) -> Option<f64> {
        self.0.get(&response)?.get(attribute).copied()
    }

    /// Sets or, with `None`, clears a value.
    pub fn set(&mut self, response: ResponseKey, attribute: &str, value: Option<f64>) {
        let values = self.0.entry(response).or_default();
        match value {
            Some(value) => {
                values.insert(attribute.to_owned(), value);
            }
            None => {
                values.remove(attribute);
            }
        }
        if values.is_empty() {
            self.0.remove(&response);
        }
    }

    /// Whether nothing is rated.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A number as JSON would have it: without a fraction where it has none.
pub fn json_number(value: f64) -> serde_json::Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        serde_json::Value::from(value as i64)
    } else {
        value.into()
    }
}

impl Serialize for Ratings {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let plain: BTreeMap<_, BTreeMap<_, _>> = self
            .0
            .iter()
            .map(|(key, values)| {
                (
                    key,
                    values
                        .iter()
                        .map(|(name, v)| (name, json_number(*v)))
                        .collect(),
                )
            })
            .collect();
        plain.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Ratings {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(from).map(Self)
    }
}

/// A judgment of an item: ratings, a preference and its reason, and what else a schema asks; each of which may be missing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgment {
    /// Ratings per response.
    #[serde(default, skip_serializing_if = "Ratings::is_empty")]
    pub ratings: Ratings,
    /// The preference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preference: Option<Preference>,
    /// Why, in the annotator's words; empty when not given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub justification: String,
    /// Reason tags of the schema that apply, in the schema's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// How sure the annotator is, 1 (guessing) to 5 (certain).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// A ranking, best first; responses in one group are tied. Where it is given, every response is in exactly one group.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranking: Vec<Vec<ResponseKey>>,
    /// Responses as the annotator would have them ("chosen, edited"): the new text of the last turn.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub edits: BTreeMap<ResponseKey, String>,
    /// Marked spans of the responses, in the order in which they were marked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<SpanMark>,
}

impl From<Preference> for Judgment {
    fn from(preference: Preference) -> Self {
        Self {
            preference: Some(preference),
            ..Self::default()
        }
    }
}

impl From<Ratings> for Judgment {
    fn from(ratings: Ratings) -> Self {
        Self {
            ratings,
            ..Self::default()
        }
    }
}

impl Judgment {
    /// Leaves out what a schema does not ask: what was said under an earlier one is not said under this one's name.
    pub fn fit(&mut self, schema: &LabelSchema, responses: &[ResponseKey]) {
        let keep = |name: &String, value: &mut f64| {
            let attribute = schema.attribute(name);
            schema.asks_ratings()
                && attribute.is_some_and(|a| (f64::from(a.min)..=f64::from(a.max)).contains(value))
        };
        for values in self.ratings.0.values_mut() {
            values.retain(keep);
        }
        self.ratings.0.retain(|_, values| !values.is_empty());
        let asked = schema.asks_preference(responses.len());
        self.preference = self.preference.filter(|preference| {
            asked
                && match preference {
                    Preference::Tie => schema.allow_tie,
                    Preference::NeitherValid => schema.allow_neither,
                    Preference::Better { strength, .. } => {
                        strength.is_none_or(|s| s <= schema.max_strength)
                    }
                }
        });
        if !schema.asks_ranking(responses.len()) {
            self.ranking.clear();
        }
        self.tags.retain(|tag| schema.tags.contains(tag));
        for mark in &mut self.marks {
            mark.tag.take_if(|tag| !schema.tags.contains(tag));
        }
        self.marks.retain(|mark| responses.contains(&mark.response));
        if !schema.confidence {
            self.confidence = None;
        }
    }

    /// The preference, or what a ranking of two amounts to.
    pub fn verdict(&self) -> Option<Preference> {
        match (self.preference, self.ranking.as_slice()) {
            (None, [tied]) if tied.len() == 2 => Some(Preference::Tie),
            (None, [first, second]) if first.len() == 1 && second.len() == 1 => {
                Some(Preference::Better {
                    response: first[0],
                    strength: None,
                })
            }
            (preference, _) => preference,
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How responses stand before the annotator, and what is asked of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Two columns, both open from the start.
    #[default]
    SideBySide,
    /// Side by side in a window too narrow for two columns: recorded, never chosen.
    OneAtATime,
    /// Rate one alone, then the other alone, then compare and say why.
    Sequential,
    /// Only the preference.
    QuickAb,
    /// All responses in an order, ties allowed.
    Ranking,
    /// Only ratings.
    RatingOnly,
}

impl Mode {
    /// Those that a project can choose.
    pub const CHOICES: [Self; 5] = [
        Self::SideBySide,
        Self::Sequential,
        Self::QuickAb,
        Self::Ranking,
        Self::RatingOnly,
    ];
}

/// A score that was visible at the moment of the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VisibleScore {
    /// The response.
    pub response: ResponseKey,
    /// Its score.
    pub score: f64,
    /// Its attributes, where the model has them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, f64>,
}

/// Scores of one more model that were visible at the moment of the commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BesideScores {
    /// The model.
    pub scorer: ScorerId,
    /// Its scores.
    pub scores: Vec<VisibleScore>,
}

/// The circumstances of a label, recorded with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelContext {
    /// The responses as shown, from left to right.
    pub shown: Vec<ResponseKey>,
    /// How they were shown.
    pub mode: Mode,
    /// The score policy in force.
    pub policy: ScorePolicy,
    /// The scores that were visible, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<VisibleScore>,
    /// The model they came from, if any were visible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorer: Option<ScorerId>,
    /// What other models gave, where their scores were visible beside those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside: Vec<BesideScores>,
    /// Milliseconds with the window in use.
    pub active_ms: u64,
    /// Milliseconds in which nothing was touched.
    pub idle_ms: u64,
    /// Identity of the schema the label was made under.
    pub schema: String,
    /// Version of the guidelines shown, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guideline_version: Option<String>,
    /// Whether it changes an earlier label of the annotator's own, after which model names, reference labels and (where they were sealed)
    /// scores had been shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub post_reveal: bool,
    /// What looked odd at the commit, by [`crate::domain::Doubt::id`]: never a reason to refuse it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

/// A committed label: what was said, and under which circumstances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label {
    /// What was said.
    #[serde(flatten)]
    pub judgment: Judgment,
    /// Under which circumstances.
    pub context: LabelContext,
}

impl Label {
    /// Whether it was given before the scores were shown, as a sealed project wants it.
    pub fn is_blind(&self) -> bool {
        !(self.context.post_reveal && self.context.policy == ScorePolicy::Sealed)
    }
}

/// A label in the making, kept on every change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// What is said so far.
    #[serde(flatten)]
    pub judgment: Judgment,
    /// Milliseconds of use so far.
    #[serde(default)]
    pub active_ms: u64,
    /// Milliseconds without use so far.
    #[serde(default)]
    pub idle_ms: u64,
    /// What was said before each change, oldest first: what undo goes back to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub past: Vec<Judgment>,
    /// What was undone, the next redo last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub future: Vec<Judgment>,
}
