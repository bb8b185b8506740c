//! What looks odd in a label before it is committed. Nothing here refuses a label: the annotator is asked once, and what was odd is
//! recorded with it.

use super::{Judgment, LabelSchema, Preference, ResponseKey};

/// Tokens that a fast reader takes in per second: below that, nobody has read what stands there.
const TOKENS_PER_SECOND: f64 = 12.0;
/// Characters of a token, for texts that no model has counted.
const CHARACTERS_PER_TOKEN: f64 = 4.0;

/// Something odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// Every attribute that praises speaks for one response or is even, at least one is not, and the other is preferred.
    RatedAgainst {
        /// Place of the higher rated response, from the left.
        higher: usize,
    },
    /// The reason says left or right, which mean nothing to who reads it later: sides differ from person to person.
    NamesSides,
    /// Less time in use than reading the responses takes.
    TooFast,
    /// A response says which model wrote it.
    Identity,
}

impl Doubt {
    /// Name in the record of a label.
    pub fn id(self) -> &'static str {
        match self {
            Self::RatedAgainst { .. } => "rated-against-preference",
            Self::NamesSides => "names-sides",
            Self::TooFast => "too-fast",
            Self::Identity => "identity-words",
        }
    }

    /// Whether the annotator is asked about it before the commit; what is not is recorded only.
    pub fn is_asked(self) -> bool {
        matches!(self, Self::RatedAgainst { .. } | Self::NamesSides)
    }
}

/// What is known of an item when its label is committed.
pub struct Circumstances<'a> {
    /// What was asked.
    pub schema: &'a LabelSchema,
    /// The responses from left to right.
    pub shown: &'a [ResponseKey],
    /// What they say.
    pub texts: Vec<&'a str>,
    /// Milliseconds with the window in use.
    pub active_ms: u64,
}

/// What looks odd in a judgment.
pub fn doubts(judgment: &Judgment, given: &Circumstances<'_>) -> Vec<Doubt> {
    let mut found = vec![];
    found.extend(rated_against(judgment, given));
    if names_sides(&judgment.justification) {
        found.push(Doubt::NamesSides);
    }
    let characters: usize = given.texts.iter().map(|t| t.chars().count()).sum();
    let seconds = characters as f64 / CHARACTERS_PER_TOKEN / TOKENS_PER_SECOND;
    if (given.active_ms as f64) < seconds * 1_000.0 {
        found.push(Doubt::TooFast);
    }
    if given
        .texts
        .iter()
        .any(|text| !identity_words(text).is_empty())
    {
        found.push(Doubt::Identity);
    }
    found
}

fn rated_against(judgment: &Judgment, given: &Circumstances<'_>) -> Option<Doubt> {
    let [left, right] = given.shown else {
        return None;
    };
    let Some(Preference::Better { response, .. }) = judgment.preference else {
        return None;
    };
    let mut sum = 0;
    let mut against = false;
    let preferred_left = response == *left;
    for attribute in given.schema.attributes.iter().filter(|a| !a.descriptive) {
        let a = judgment.ratings.get(*left, &attribute.name)?;
        let b = judgment.ratings.get(*right, &attribute.name)?;
        let for_preferred = if preferred_left { a - b } else { b - a };
        against |= for_preferred < 0.0;
        sum += i32::from(for_preferred > 0.0);
    }
    (against && sum == 0).then_some(Doubt::RatedAgainst {
        higher: usize::from(preferred_left),
    })
}

/// Whether a reason names a side: `left` or `right` beside a word for a response, or after `the` and before nothing else.
fn names_sides(reason: &str) -> bool {
    let lower = reason.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .collect();
    // "The right answer" is most often the true one, "the left answer" never is.
    let left = [
        "one", "response", "answer", "reply", "side", "column", "is", "was", "has", "wins", "gives",
    ];
    let right = ["side", "column", "hand", "response"];
    words.iter().enumerate().any(|(at, word)| {
        let before = at.checked_sub(1).map(|i| words[i]);
        let after = words.get(at + 1);
        let ends = after.is_none();
        match (*word, before) {
            ("left", Some("the" | "on")) => ends || after.is_some_and(|w| left.contains(w)),
            ("right", Some("the")) => {
                let idiom = ["track", "path", "foot", "note"];
                let place =
                    at >= 2 && words[at - 2] == "on" && !after.is_some_and(|w| idiom.contains(w));
                place || after.is_some_and(|w| right.contains(w))
            }
            ("right", Some("on")) => ends,
            _ => false,
        }
    })
}

/// Places at which a text says which model wrote it, as byte ranges: "I am Claude", "as `ChatGPT`", "trained by `OpenAI`".
pub fn identity_words(text: &str) -> Vec<std::ops::Range<usize>> {
    const NAMES: &[&str] = &[
        "chatgpt",
        "gpt-3",
        "gpt-4",
        "openai",
        "claude",
        "anthropic",
        "bard",
        "gemini",
        "palm",
        "llama",
        "vicuna",
        "alpaca",
        "koala",
        "dolly",
        "mistral",
        "mixtral",
        "qwen",
        "deepseek",
        "nemotron",
        "stablelm",
        "wizardlm",
        "openassistant",
        "open assistant",
        "bing chat",
        "copilot",
    ];
    const BEFORE: &[&str] = &[
        "i am ",
        "i'm ",
        "i\u{2019}m ",
        "as ",
        "my name is ",
        "called ",
        "trained by ",
        "developed by ",
        "created by ",
        "made by ",
        "an ai model by ",
        "assistant by ",
        "model by ",
    ];
    // ASCII only is changed, so that places stay the same.
    let lower = text.to_ascii_lowercase();
    let mut found = vec![];
    for lead in BEFORE {
        for (at, _) in lower.match_indices(lead) {
            let starts_word = at == 0
                || !lower[..at]
                    .chars()
                    .next_back()
                    .is_some_and(char::is_alphanumeric);
            let rest = &lower[at + lead.len()..];
            let named = NAMES.iter().find(|name| {
                rest.strip_prefix(**name)
                    .is_some_and(|after| !after.chars().next().is_some_and(char::is_alphanumeric))
            });
            if let Some(name) = named.filter(|_| starts_word) {
                found.push(at..at + lead.len() + name.len());
            }
        }
    }
    found.sort_by_key(|range| range.start);
    found.dedup_by(|next, kept| next.start < kept.end);
    found
}
