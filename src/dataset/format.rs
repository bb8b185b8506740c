//! The formats by name, and which of them a row is.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::helpsteer2::ATTRIBUTES;
use super::pairs::sides;
use super::{arena, trl, ultrafeedback};

/// A format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// `HelpSteer2` ratings: a prompt, one response and five attributes; also its `disagreements` form.
    HelpSteer2,
    /// `HelpSteer2`-Preference: two responses and a signed strength.
    HelpSteer2Preference,
    /// Anthropic's HH-RLHF: two whole transcripts.
    HhRlhf,
    /// TRL: preferences with the prompt explicit or implicit, texts or message lists; single completions with or without a label, or in steps.
    Trl,
    /// Any other pair of responses; our own superset.
    Pairs,
    /// One conversation per row.
    Messages,
    /// `JudgeBench`: `response_A`, `response_B` and `A>B`.
    JudgeBench,
    /// MT-bench: two conversations per row, votes in the same or in other files.
    MtBench,
    /// `HelpSteer3`-Preference: a conversation, two responses, a signed strength and each annotator's own.
    HelpSteer3,
    /// `RewardBench`: a pair with its models and its subset.
    RewardBench,
    /// `RewardBench` 2: a list of right replies and one of wrong ones.
    RewardBench2,
    /// RM-Bench: three right and three wrong replies, in three styles each.
    RmBench,
    /// `UltraFeedback`: several completions with their ratings, or two with a score each.
    UltraFeedback,
    /// Battles of an arena: two conversations and which model won.
    Arena,
    /// `ShareGPT`'s `conversations`, alone or with two sides (LLaMA-Factory's ranking rows).
    ShareGpt,
    /// Rows of any fields, read by a [`super::Mapping`].
    CsvMap,
}

/// A name that is not a format's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format")]
pub struct UnknownFormat(pub String);

impl Format {
    /// All formats.
    pub const ALL: [Self; 16] = [
        Self::HelpSteer2,
        Self::HelpSteer2Preference,
        Self::HhRlhf,
        Self::Trl,
        Self::Pairs,
        Self::Messages,
        Self::JudgeBench,
        Self::MtBench,
        Self::HelpSteer3,
        Self::RewardBench,
        Self::RewardBench2,
        Self::RmBench,
        Self::UltraFeedback,
        Self::Arena,
        Self::ShareGpt,
        Self::CsvMap,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::HelpSteer2 => "helpsteer2",
            Self::HelpSteer2Preference => "helpsteer2-preference",
            Self::HhRlhf => "hh-rlhf",
            Self::Trl => "trl",
            Self::Pairs => "pairs",
            Self::Messages => "messages",
            Self::JudgeBench => "judgebench",
            Self::MtBench => "mt-bench",
            Self::HelpSteer3 => "helpsteer3",
            Self::RewardBench => "rewardbench",
            Self::RewardBench2 => "rewardbench2",
            Self::RmBench => "rm-bench",
            Self::UltraFeedback => "ultrafeedback",
            Self::Arena => "arena",
            Self::ShareGpt => "sharegpt",
            Self::CsvMap => "csv-map",
        }
    }

    /// Whether [`super::write`] can write it.
    pub fn is_exported(self) -> bool {
        matches!(
            self,
            Self::HelpSteer2 | Self::HelpSteer2Preference | Self::HhRlhf | Self::Trl | Self::Pairs
        )
    }

    /// The format that a row's fields speak for: a format's own telling fields first, then TRL, then pairs, then messages.
    pub fn of_row(row: &Map<String, Value>) -> Option<Self> {
        let has = |name: &str| row.contains_key(name);
        let text = |name: &str| row.get(name).and_then(Value::as_str);
        let human = |name: &str| text(name).is_some_and(|t| t.starts_with("\n\nHuman:"));
        let texts = |name: &str| {
            let list = row.get(name).and_then(Value::as_array);
            list.is_some_and(|list| !list.is_empty() && list.iter().all(Value::is_string))
        };
        let told = row.get("conversations").and_then(Value::as_array);
        let told = told.and_then(|list| list.first());
        if has("subset") && has("chosen_model") && has("chosen") && has("rejected") {
            Some(Self::RewardBench)
        } else if texts("chosen") && texts("rejected") {
            let counted = has("num_correct") || has("total_completions");
            Some(if counted {
                Self::RewardBench2
            } else {
                Self::RmBench
            })
        } else if has("context") && has("response1") && has("response2") {
            Some(Self::HelpSteer3)
        } else if has("instruction") && row.get("completions").is_some_and(Value::is_array)
            || ultrafeedback::is_binarised(row)
        {
            Some(Self::UltraFeedback)
        } else if arena::is_battle(row) {
            Some(Self::Arena)
        } else if told.is_some_and(|message| message.get("from").is_some()) {
            Some(Self::ShareGpt)
        } else if (has("conversation_a") && has("conversation_b"))
            || (has("question_id") && has("judge") && has("winner"))
        {
            Some(Self::MtBench)
        } else if has("response_A") && has("response_B") && text("label").is_some() {
            Some(Self::JudgeBench)
        } else if has("preference_strength") && has("response_1") && has("response_2") {
            Some(Self::HelpSteer2Preference)
        } else if human("chosen") && human("rejected") {
            Some(Self::HhRlhf)
        } else if has("prompt") && has("response") && ATTRIBUTES.iter().all(|name| has(name)) {
            Some(Self::HelpSteer2)
        } else if trl::is_preference(row) || trl::is_single(row) {
            Some(Self::Trl)
        } else if sides(row).is_some() {
            Some(Self::Pairs)
        } else if ["messages", "conversations"]
            .iter()
            .any(|name| row.get(*name).is_some_and(Value::is_array))
        {
            Some(Self::Messages)
        } else {
            None
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;
    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

/// How many rows that speak for no format are looked at before giving up.
pub(super) const LOOK_AT: usize = 16;
