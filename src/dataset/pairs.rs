//! Pairs of responses in all their spellings: a prompt as text or messages, two sides as texts or messages; TRL's rows too.
//!
//! Our own export is a superset: `id`, `set`, `messages`, `chosen`, `rejected`, then, where known, `strength` (1 to 3),
//! `justification`, `ratings` (`{"chosen": {name: value}, "rejected": ...}`), `chosen_model`, `rejected_model` and `votes`
//! (a list of `annotator`, `time`, `preference` (`chosen`, `rejected`, `tie` or `neither`), `strength`, `justification`,
//! `ratings`).

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::hh_rlhf::RAW;
use super::lines::{LeftOut, Lines, Pair};
use super::messages::{Messages, Reply, take_id, take_text, text_or_turns};
use super::read::{Imported, Place};
use super::write::{ExportRow, Vote, WriteOptions};
use crate::domain::label::json_number;
use crate::domain::{
    Item, ItemError, Judgment, Preference, Ratings, ReferenceLabel, ResponseKey, Role, Span,
    SpanMark, Turn,
};

const SIDES: [[&str; 2]; 3] = [
    ["chosen", "rejected"],
    ["response_a", "response_b"],
    ["response_1", "response_2"],
];

/// The two fields of a row that hold the responses.
pub(super) fn sides(row: &Map<String, Value>) -> Option<[&'static str; 2]> {
    SIDES
        .into_iter()
        .find(|names| names.iter().all(|name| row.contains_key(*name)))
}

/// Reads a pair.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let names = sides(&row)
        .ok_or("it has neither chosen and rejected nor response_a and response_b nor response_1 and response_2")?;
    let mut side = |name: &str| {
        let value = row.shift_remove(name).unwrap_or_default();
        text_or_turns(name, value, Role::Assistant)
    };
    let replies = [side(names[0])?, side(names[1])?];
    let prompt = take_prompt(&mut row)?;
    let (item, order) = build(prompt, replies).map_err(|err| match err {
        ItemError::NotAssistant(at) => format!("{} does not end with an assistant turn", names[at]),
        ItemError::EmptyResponse(at) => format!("{} has no messages", names[at]),
        ItemError::NoResponse => err.to_string(),
    })?;
    let keys = [item.responses[order[0]].key, item.responses[order[1]].key];
    let id = take_id(&mut row, "id");
    let models = take_models(&mut row, names);
    let verdict = Judgment {
        preference: take_preference(&mut row, names, keys),
        ratings: take_ratings(&mut row, names, keys).unwrap_or_default(),
        justification: take_text(&mut row, "justification").unwrap_or_default(),
        ..Judgment::default()
    };
    let mut references = Vec::new();
    if !verdict.is_empty() {
        references.push(ReferenceLabel::verdict(verdict));
    }
    references.extend(take_votes(&mut row, names, keys));
    let source = place.source(id, order, models, row);
    Ok(Imported::new(item, source, references))
}

fn take_prompt(row: &mut Map<String, Value>) -> Result<Option<Vec<Turn>>, String> {
    // Alpaca rows put the request into `instruction` and what it is about into `input`, joined by a line break in training.
    if !row.contains_key("prompt")
        && let Some(mut text) = take_text(row, "instruction")
    {
        if let Some(input) = take_text(row, "input").filter(|input| !input.is_empty()) {
            text.push('\n');
            text.push_str(&input);
        }
        return Ok(Some(vec![Turn::user(text)]));
    }
    for name in ["prompt", "messages", "question", "input", "conversations"] {
        if row.get(name).is_some_and(|value| !value.is_null()) {
            let value = row.shift_remove(name).unwrap_or_default();
            return text_or_turns(name, value, Role::User).map(Some);
        }
    }
    Ok(None)
}

/// Whether a reply repeats the prompt, so that it is a whole conversation.
pub(super) fn begins_with(turns: &[Turn], prompt: &[Turn]) -> bool {
    !prompt.is_empty()
        && turns.len() > prompt.len()
        && turns.iter().zip(prompt).all(|(a, b)| a.same(b))
}

/// Joins a prompt and two replies, each of which may repeat it.
pub(super) fn build(
    prompt: Option<Vec<Turn>>,
    replies: [Vec<Turn>; 2],
) -> Result<(Item, Vec<usize>), ItemError> {
    let Some(prompt) = prompt else {
        if let Some(at) = replies.iter().position(Vec::is_empty) {
            return Err(ItemError::EmptyResponse(at));
        }
        return Item::from_conversations(replies.into());
    };
    if replies.iter().all(|reply| begins_with(reply, &prompt)) {
        return Item::from_conversations(replies.into());
    }
    let replies = replies.map(|mut reply| {
        if begins_with(&reply, &prompt) {
            reply.drain(..prompt.len());
        }
        reply
    });
    Item::new(prompt, replies.into())
}

fn take_models(row: &mut Map<String, Value>, names: [&str; 2]) -> Vec<Option<String>> {
    let suffixes = names.map(|name| name.rsplit('_').next().unwrap_or(name));
    let models = [0, 1].map(|at| {
        take_text(row, &format!("{}_model", names[at]))
            .or_else(|| take_text(row, &format!("model_{}", suffixes[at])))
    });
    if models.iter().all(Option::is_none) {
        Vec::new()
    } else {
        models.into()
    }
}

/// A whole number, also when written with a fraction of zero.
pub(super) fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        (float.fract() == 0.0 && float.abs() < 1e9).then_some(float as i64)
    })
}

fn take_preference(
    row: &mut Map<String, Value>,
    names: [&str; 2],
    keys: [ResponseKey; 2],
) -> Option<Preference> {
    for name in ["strength", "preference_strength"] {
        if let Some(value) = row.get(name).and_then(whole)
            && let Some(preference) = preference(value, names, keys)
        {
            row.shift_remove(name);
            return Some(preference);
        }
    }
    (names == SIDES[0]).then_some(Preference::Better {
        response: keys[0],
        strength: None,
    })
}

/// What a strength says: signed between numbered responses; how much better the chosen one is, else.
fn preference(value: i64, names: [&str; 2], keys: [ResponseKey; 2]) -> Option<Preference> {
    if names != SIDES[0] || value == 0 || value == -100 {
        return Preference::from_signed(value, keys[0], keys[1]);
    }
    let strength = match value {
        1..=3 => value as u8,
        -3..=-1 => value.unsigned_abs() as u8,
        _ => return None,
    };
    Some(Preference::Better {
        response: keys[0],
        strength: Some(strength),
    })
}

/// Takes ratings written per side. Anything else under that name stays.
fn take_ratings(
    row: &mut Map<String, Value>,
    names: [&str; 2],
    keys: [ResponseKey; 2],
) -> Option<Ratings> {
    let mut ratings = Ratings::default();
    for (side, values) in row.get("ratings")?.as_object()? {
        let key = keys[names.iter().position(|name| name == side)?];
        for (name, value) in values.as_object()? {
            ratings.set(key, name, Some(value.as_f64()?));
        }
    }
    row.shift_remove("ratings");
    Some(ratings)
}

/// Takes votes as our own export writes them. Anything else under that name stays.
fn take_votes(
    row: &mut Map<String, Value>,
    names: [&str; 2],
    keys: [ResponseKey; 2],
) -> Vec<ReferenceLabel> {
    let votes = row.get("votes").and_then(Value::as_array);
    let votes: Option<Vec<ReferenceLabel>> = votes.and_then(|list| {
        list.iter()
            .map(|vote| read_vote(vote, names, keys))
            .collect()
    });
    if votes.is_some() {
        row.shift_remove("votes");
    }
    votes.unwrap_or_default()
}

fn read_vote(vote: &Value, names: [&str; 2], keys: [ResponseKey; 2]) -> Option<ReferenceLabel> {
    let mut vote = vote.as_object()?.clone();
    let known = ["annotator", "preference", "ratings", "justification"];
    if !known.iter().any(|name| vote.contains_key(*name)) {
        return None;
    }
    let annotator = take_text(&mut vote, "annotator");
    let time = take_text(&mut vote, "time");
    let preference = match take_text(&mut vote, "preference") {
        None => None,
        Some(side) => Some(match side.as_str() {
            "tie" => Preference::Tie,
            "neither" => Preference::NeitherValid,
            side => {
                let strength = vote.get("strength").and_then(whole);
                let strength = strength
                    .and_then(|v| u8::try_from(v).ok())
                    .filter(|v| (1..=3).contains(v));
                if strength.is_some() {
                    vote.shift_remove("strength");
                }
                Preference::Better {
                    response: keys[names.iter().position(|name| *name == side)?],
                    strength,
                }
            }
        }),
    };
    let ratings = take_ratings(&mut vote, names, keys).unwrap_or_default();
    let justification = take_text(&mut vote, "justification").unwrap_or_default();
    let (tags, confidence) = (take_tags(&mut vote), take_confidence(&mut vote));
    let edits = take_edits(&mut vote, names, keys);
    let marks = take_marks(&mut vote, names, keys);
    let judgment = Judgment {
        ratings,
        preference,
        justification,
        tags,
        confidence,
        edits,
        marks,
        ..Judgment::default()
    };
    Some(ReferenceLabel {
        time,
        extra: vote,
        ..ReferenceLabel::vote(annotator, judgment)
    })
}

/// Takes reason tags: a list of texts. Anything else under that name stays.
fn take_tags(vote: &mut Map<String, Value>) -> Vec<String> {
    let tags = vote.get("tags").and_then(Value::as_array);
    let tags: Option<Vec<String>> =
        tags.and_then(|list| list.iter().map(|t| t.as_str().map(str::to_owned)).collect());
    if tags.is_some() {
        vote.shift_remove("tags");
    }
    tags.unwrap_or_default()
}

/// Takes marked spans of the responses, by side. A list that holds anything else stays.
fn take_marks(
    vote: &mut Map<String, Value>,
    names: [&str; 2],
    keys: [ResponseKey; 2],
) -> Vec<SpanMark> {
    let mark = |value: &Value| {
        let side = value.get("side")?.as_str()?;
        let tag = match value.get("tag") {
            None | Some(Value::Null) => None,
            Some(tag) => Some(tag.as_str()?.to_owned()),
        };
        Some(SpanMark {
            response: keys[names.iter().position(|name| *name == side)?],
            span: serde_json::from_value(value.clone()).ok()?,
            tag,
        })
    };
    let marks = vote.get("marks").and_then(Value::as_array);
    let marks: Option<Vec<SpanMark>> = marks.and_then(|list| list.iter().map(mark).collect());
    if marks.is_some() {
        vote.shift_remove("marks");
    }
    marks.unwrap_or_default()
}

/// Takes how sure the annotator was: 1 to 5.
fn take_confidence(vote: &mut Map<String, Value>) -> Option<u8> {
    let level = vote.get("confidence").and_then(whole)?;
    let level = u8::try_from(level).ok().filter(|l| (1..=5).contains(l))?;
    vote.shift_remove("confidence");
    Some(level)
}

/// Takes responses as the annotator would have them, by side.
fn take_edits(
    vote: &mut Map<String, Value>,
    names: [&str; 2],
    keys: [ResponseKey; 2],
) -> BTreeMap<ResponseKey, String> {
    let sides = vote.get("edits").and_then(Value::as_object);
    let edits: Option<BTreeMap<ResponseKey, String>> = sides.and_then(|sides| {
        let edit = |(side, text): (&String, &Value)| {
            let at = names.iter().position(|name| name == side)?;
            Some((keys[at], text.as_str()?.to_owned()))
        };
        sides.iter().map(edit).collect()
    });
    if edits.is_some() {
        vote.shift_remove("edits");
    }
    edits.unwrap_or_default()
}

#[derive(Serialize)]
struct VoteLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    annotator: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preference: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strength: Option<u8>,
    #[serde(skip_serializing_if = "str::is_empty")]
    justification: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ratings: SideRatings<'a>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<u8>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    edits: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    marks: Vec<MarkLine<'a>>,
    #[serde(flatten)]
    extra: BTreeMap<&'a str, &'a Value>,
}

#[derive(Serialize)]
struct MarkLine<'a> {
    side: &'static str,
    #[serde(flatten)]
    span: &'a Span,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
}

type SideRatings<'a> = BTreeMap<&'static str, BTreeMap<&'a str, Value>>;

fn side_ratings(ratings: &Ratings, chosen: ResponseKey, rejected: ResponseKey) -> SideRatings<'_> {
    [(SIDES[0][0], chosen), (SIDES[0][1], rejected)]
        .into_iter()
        .filter_map(|(side, key)| {
            let values = ratings.0.get(&key)?;
            let values = values
                .iter()
                .map(|(name, value)| (name.as_str(), json_number(*value)));
            Some((side, values.collect()))
        })
        .collect()
}

fn vote_line<'a>(
    vote: &'a Vote,
    chosen: ResponseKey,
    rejected: ResponseKey,
    options: &WriteOptions,
) -> VoteLine<'a> {
    let judgment = &vote.judgment;
    let (preference, strength) = match judgment.preference {
        Some(Preference::Tie) => (Some("tie"), None),
        Some(Preference::NeitherValid) => (Some("neither"), None),
        Some(Preference::Better { response, strength }) if response == chosen => {
            (Some(SIDES[0][0]), strength)
        }
        Some(Preference::Better { response, strength }) if response == rejected => {
            (Some(SIDES[0][1]), strength)
        }
        Some(Preference::Better { .. }) | None => (None, None),
    };
    VoteLine {
        annotator: vote.annotator.as_deref(),
        time: vote.time.as_deref(),
        preference,
        strength,
        justification: &judgment.justification,
        ratings: side_ratings(&judgment.ratings, chosen, rejected),
        tags: &judgment.tags,
        confidence: judgment.confidence,
        edits: [(SIDES[0][0], chosen), (SIDES[0][1], rejected)]
            .into_iter()
            .filter_map(|(side, key)| Some((side, judgment.edits.get(&key)?.as_str())))
            .collect(),
        marks: judgment
            .marks
            .iter()
            .filter_map(|mark| {
                let side = [chosen, rejected]
                    .iter()
                    .position(|key| *key == mark.response)?;
                Some(MarkLine {
                    side: SIDES[0][side],
                    span: &mark.span,
                    tag: mark.tag.as_deref(),
                })
            })
            .collect(),
        extra: if options.extra {
            vote.extra
                .iter()
                .map(|(name, value)| (name.as_str(), value))
                .collect()
        } else {
            BTreeMap::new()
        },
    }
}

/// Writes a pair with everything that is known of it.
pub(super) fn export(
    row: &ExportRow,
    options: &WriteOptions,
    lines: &mut Lines,
) -> Result<(), LeftOut> {
    let pair = Pair::of(row)?;
    Pair::check_replies(row)?;
    let [chosen, rejected] = [pair.chosen, pair.rejected].map(|at| &row.item.responses[at]);
    let source = row.source.as_ref();
    lines.begin();
    match source.and_then(|source| source.id.as_deref()) {
        Some(id) => lines.field("id", id)?,
        None => lines.field("id", &row.item.id)?,
    }
    if let Some(set) = source.and_then(|source| source.extra.get("set")) {
        lines.field("set", set)?;
    }
    let messages = |turns| Messages {
        turns,
        extra: options.extra,
    };
    lines.field("messages", &messages(&row.item.context))?;
    lines.field("chosen", &Reply(messages(&chosen.turns)))?;
    lines.field("rejected", &Reply(messages(&rejected.turns)))?;
    if let Some(strength) = pair.strength {
        lines.field("strength", &strength)?;
    }
    if !row.judgment.justification.is_empty() {
        lines.field("justification", &row.judgment.justification)?;
    }
    let ratings = side_ratings(&row.judgment.ratings, chosen.key, rejected.key);
    if !ratings.is_empty() {
        lines.field("ratings", &ratings)?;
    }
    for (name, at) in [
        ("chosen_model", pair.chosen),
        ("rejected_model", pair.rejected),
    ] {
        if let Some(model) = row.model(at) {
            lines.field(name, model)?;
        }
    }
    if !row.votes.is_empty() {
        let votes: Vec<VoteLine<'_>> = row
            .votes
            .iter()
            .map(|vote| vote_line(vote, chosen.key, rejected.key, options))
            .collect();
        lines.field("votes", &votes)?;
    }
    lines.extra(row, options)?;
    if let Some(texts) = source.and_then(|source| source.extra.get(RAW))
        && options.extra
    {
        lines.field(RAW, texts)?;
    }
    lines.end();
    Ok(())
}
