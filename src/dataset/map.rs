//! Rows of one's own: which of their fields is the prompt, which the replies, which the label.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::messages::{shortened, text_or_turns};
use super::pairs::{build, whole};
use super::read::{Imported, Place};
use super::records::kind;
use crate::domain::{
    Item, ItemError, Judgment, Preference, Ratings, ReferenceLabel, ResponseKey, Role, Turn,
};

/// What a field of a row can be, in the order in which a person is asked.
pub const FIELDS: [&str; 17] = [
    "prompt",
    "system",
    "chosen",
    "rejected",
    "response_a",
    "response_b",
    "response",
    "preferred",
    "strength",
    "justification",
    "annotator",
    "time",
    "id",
    "model",
    "model_a",
    "model_b",
    "messages",
];

/// Of which of the replies a column is a rating: of the only one, of the first, of the second; the attribute's name follows.
pub const RATINGS: [&str; 3] = ["rating.", "rating_a.", "rating_b."];

/// Which field of a row means what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mapping(Vec<(String, String)>);

/// Why a mapping makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    /// Not of the form `field=path`.
    #[error("`{0}` is not field=path")]
    Form(String),
    /// There is no such field.
    #[error("`{0}` is not a field; there are {list}", list = FIELDS.join(", ") + ", rating.NAME, rating_a.NAME, rating_b.NAME")]
    Field(String),
    /// Without replies there is nothing to read.
    #[error(
        "no fields are the replies: chosen and rejected, response_a and response_b, or response"
    )]
    NoReply,
}

impl FromStr for Mapping {
    type Err = MappingError;
    fn from_str(text: &str) -> Result<Self, MappingError> {
        let (field, path) = text
            .split_once('=')
            .ok_or_else(|| MappingError::Form(text.to_owned()))?;
        let mut mapping = Self::default();
        mapping.set(field.trim(), Some(path.trim()))?;
        Ok(mapping)
    }
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.iter().map(|(field, path)| format!("{field}={path}"));
        f.write_str(&parts.collect::<Vec<_>>().join(" "))
    }
}

/// The two replies that a mapping may name.
const SIDES: [[&str; 2]; 2] = [["chosen", "rejected"], ["response_a", "response_b"]];

impl Mapping {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The path that a field is read from.
    pub fn get(&self, field: &str) -> Option<&str> {
        let found = self.0.iter().find(|(name, _)| name == field);
        found.map(|(_, path)| path.as_str())
    }

    /// What the field at that path means.
    pub fn meaning_of(&self, path: &str) -> Option<&str> {
        let found = self.0.iter().find(|(_, from)| from == path);
        found.map(|(name, _)| name.as_str())
    }

    /// Says where a field is read from, or that it is not.
    pub fn set(&mut self, field: &str, path: Option<&str>) -> Result<(), MappingError> {
        let rating = |name: &str| {
            RATINGS
                .iter()
                .any(|kind| name.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()))
        };
        if !rating(field) && !FIELDS.contains(&field) {
            return Err(MappingError::Field(field.to_owned()));
        }
        self.0.retain(|(name, _)| name != field);
        if let Some(path) = path {
            self.0.push((field.to_owned(), path.to_owned()));
        }
        Ok(())
    }

    /// Adds what another one says.
    pub fn extend(&mut self, other: Self) {
        for (field, path) in other.0 {
            self.0.retain(|(name, _)| *name != field);
            self.0.push((field, path));
        }
    }

    /// Whether rows can be read by it.
    pub fn check(&self) -> Result<(), MappingError> {
        let has = |field: &&str| self.get(field).is_some();
        let pair = SIDES.iter().any(|sides| sides.iter().all(has));
        if pair || has(&"response") || has(&"messages") {
            Ok(())
        } else {
            Err(MappingError::NoReply)
        }
    }

    /// What the names of the fields suggest.
    pub fn guess<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        const SUGGEST: [(&str, &str); 13] = [
            (
                "prompt",
                "prompt question instruction query input context user",
            ),
            (
                "chosen",
                "chosen better preferred_response winner_response positive",
            ),
            ("rejected", "rejected worse loser_response negative"),
            (
                "response_a",
                "response_a answer_a output_a completion_a response_1 answer_1 output_1 response1 answer1 output1 left left_answer left_response first a",
            ),
            (
                "response_b",
                "response_b answer_b output_b completion_b response_2 answer_2 output_2 response2 answer2 output2 right right_answer right_response second b",
            ),
            ("response", "response answer output completion reply"),
            ("preferred", "preferred preference label winner choice"),
            ("strength", "strength preference_strength"),
            (
                "justification",
                "justification reason rationale comment explanation",
            ),
            (
                "annotator",
                "annotator annotator_id worker worker_id rater rater_id",
            ),
            ("id", "id item_id example_id"),
            ("model_a", "model_a model_1"),
            ("model_b", "model_b model_2"),
        ];
        let names: Vec<&str> = names.into_iter().collect();
        let plain = |name: &str| name.trim().to_lowercase().replace([' ', '-'], "_");
        let mut mapping = Self::default();
        for (field, likes) in SUGGEST {
            let mut likes = likes.split(' ');
            let like = likes.find_map(|like| names.iter().find(|name| plain(name) == like));
            if let Some(name) = like.filter(|name| !mapping.0.iter().any(|(_, path)| path == *name))
            {
                mapping.0.push((field.to_owned(), (*name).to_owned()));
            }
        }
        mapping
    }
}

/// What a path leads to: a field's name, or names and places in lists with dots between them.
fn find(row: &Map<String, Value>, path: &str) -> Option<Value> {
    if let Some(value) = row.get(path) {
        return (!value.is_null()).then(|| value.clone());
    }
    let mut parts = path.split('.');
    let mut value = row.get(parts.next()?)?;
    for part in parts {
        value = match value {
            Value::Object(object) => object.get(part)?,
            Value::Array(list) => list.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    (!value.is_null()).then(|| value.clone())
}

/// A reply may be `42`, which a table holds as a number.
fn as_text(value: Value) -> Value {
    match value {
        Value::Number(number) => number.to_string().into(),
        Value::Bool(yes) => yes.to_string().into(),
        other => other,
    }
}

/// Reads a row by a mapping.
pub(super) fn import(
    place: Place<'_>,
    mut row: Map<String, Value>,
    mapping: &Mapping,
) -> Result<Imported, String> {
    let field = |name: &str| mapping.get(name).and_then(|path| find(&row, path));
    let mut context = vec![];
    if let Some(system) = field("system") {
        context.extend(text_or_turns("system", as_text(system), Role::System)?);
    }
    for name in ["messages", "prompt"] {
        if let Some(value) = field(name) {
            context.extend(text_or_turns(name, as_text(value), Role::User)?);
        }
    }
    let names = SIDES
        .into_iter()
        .find(|sides| sides.iter().all(|side| mapping.get(side).is_some()));
    let reply = |name: &str| -> Result<Vec<Turn>, String> {
        let path = mapping.get(name).unwrap_or_default();
        let value =
            field(name).ok_or_else(|| format!("it has no {path}, which is to be {name}"))?;
        text_or_turns(path, as_text(value), Role::Assistant)
    };
    let built = if let Some([a, b]) = names {
        build(Some(context), [reply(a)?, reply(b)?])
    } else if mapping.get("response").is_some() {
        Item::new(context, vec![reply("response")?])
    } else {
        // The whole conversation: its last turn is the reply.
        let last = context.pop().ok_or("it has no messages")?;
        Item::new(context, vec![vec![last]])
    };
    let (item, order) = built.map_err(|err| match err {
        ItemError::NotAssistant(_) => "a reply does not end with an assistant turn".to_owned(),
        ItemError::EmptyResponse(_) => "a reply has no messages".to_owned(),
        ItemError::NoResponse => err.to_string(),
    })?;
    let keys: Vec<ResponseKey> = order.iter().map(|at| item.responses[*at].key).collect();
    let text = |name: &str| {
        field(name).map(|value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        })
    };
    let (annotator, time, id) = (text("annotator"), text("time"), text("id"));
    let justification = text("justification").unwrap_or_default();
    let models = match keys.len() {
        1 => vec![text("model")],
        _ => vec![text("model_a"), text("model_b")],
    };
    let preference = match keys[..] {
        [a, b] => preference(
            field("preferred"),
            field("strength"),
            names == Some(SIDES[0]),
            [a, b],
        )?,
        _ => None,
    };
    let ratings = ratings(mapping, &keys, field)?;
    let judgment = Judgment {
        ratings,
        preference,
        justification,
        ..Judgment::default()
    };
    // What means something is not kept a second time.
    for (_, path) in &mapping.0 {
        row.shift_remove(path.split('.').next().unwrap_or_default());
        row.shift_remove(path);
    }
    let references = if judgment.is_empty() {
        vec![]
    } else {
        let label = match annotator {
            None => ReferenceLabel::verdict(judgment),
            who => ReferenceLabel::vote(who, judgment),
        };
        vec![ReferenceLabel { time, ..label }]
    };
    let models = if models.iter().all(Option::is_none) {
        vec![]
    } else {
        models
    };
    let source = place.source(id, order, models, row);
    Ok(Imported::new(item, source, references))
}

/// Who won and by how much. With chosen and rejected, the chosen one; else what `preferred` says, or the sign of a strength.
fn preference(
    preferred: Option<Value>,
    strength: Option<Value>,
    chosen: bool,
    [a, b]: [ResponseKey; 2],
) -> Result<Option<Preference>, String> {
    let strength = match strength {
        None => None,
        Some(value) => {
            let number = match &value {
                Value::String(text) => text.trim().parse().ok(),
                other => whole(other),
            };
            Some(
                number
                    .filter(|n| (-3..=3).contains(n) || *n == -100)
                    .ok_or_else(|| {
                        format!(
                            "strength is {}: not -3 to 3, nor -100",
                            shortened(&value.to_string())
                        )
                    })?,
            )
        }
    };
    let by = |response| Preference::Better {
        response,
        strength: strength
            .map(|s| s.unsigned_abs() as u8)
            .filter(|s| (1..=3).contains(s)),
    };
    let Some(preferred) = preferred else {
        return Ok(match strength {
            Some(strength) if !chosen || strength == 0 || strength == -100 => {
                Preference::from_signed(strength, a, b)
            }
            _ if chosen => Some(by(a)),
            _ => None,
        });
    };
    let said = match preferred {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        other => return Err(format!("preferred is {}, not a text", kind(&other))),
    };
    Ok(Some(match said.trim().to_lowercase().as_str() {
        "a" | "1" | "response_a" | "response_1" | "response a" | "response 1" | "model_a"
        | "model_1" | "left" | "first" | "chosen" | "a>b" | "[[a]]" => by(a),
        "b" | "2" | "response_b" | "response_2" | "response b" | "response 2" | "model_b"
        | "model_2" | "right" | "second" | "rejected" | "b>a" | "[[b]]" => by(b),
        "tie" | "c" | "equal" | "same" | "both" | "draw" | "a=b" | "[[c]]" => Preference::Tie,
        "neither" | "none" | "both_bad" | "bothbad" | "tie (bothbad)" | "invalid" => {
            Preference::NeitherValid
        }
        other => {
            return Err(format!(
                "preferred is `{}`: not a or b, 1 or 2, left or right, first or second, tie or neither",
                shortened(other)
            ));
        }
    }))
}

fn ratings(
    mapping: &Mapping,
    keys: &[ResponseKey],
    field: impl Fn(&str) -> Option<Value>,
) -> Result<Ratings, String> {
    let mut ratings = Ratings::default();
    for (name, path) in &mapping.0 {
        let Some((side, attribute)) = name.split_once('.') else {
            continue;
        };
        let key = match (side, keys) {
            ("rating", [one]) | ("rating_a", [one, _]) | ("rating_b", [_, one]) => *one,
            _ => {
                return Err(format!(
                    "{name} does not belong to rows of {} replies",
                    keys.len()
                ));
            }
        };
        let Some(value) = field(name) else { continue };
        let number = match &value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        let number = number
            .filter(|n: &f64| n.is_finite())
            .ok_or_else(|| format!("{path} is {}, not a number", shortened(&value.to_string())))?;
        ratings.set(key, attribute, Some(number));
    }
    Ok(ratings)
}
