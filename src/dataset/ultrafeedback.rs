//! `UltraFeedback` (arXiv:2310.01377): an instruction and several completions, each with its ratings; or two of them as chosen and rejected,
//! with their scores.

use serde_json::{Map, Value};

use super::messages::{take_text, text_or_turns};
use super::pairs;
use super::read::{Imported, Place};
use super::records::kind;
use crate::domain::{Item, Ratings, ReferenceLabel, Role, Turn};

/// The scores of the two sides, as data sets made of it call them.
const SCORES: [[&str; 2]; 2] = [
    ["score_chosen", "score_rejected"],
    ["chosen-rating", "rejected-rating"],
];

/// Whether a row has two sides with their scores.
pub(super) fn is_binarised(row: &Map<String, Value>) -> bool {
    let number = |name: &str| row.get(name).is_some_and(Value::is_number);
    row.contains_key("chosen")
        && row.contains_key("rejected")
        && SCORES
            .iter()
            .any(|names| names.iter().all(|name| number(name)))
}

/// Reads a row. Critiques and rationales stay with the source.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    if is_binarised(&row) {
        return binarised(place, row);
    }
    let instruction = take_text(&mut row, "instruction").ok_or("it has no instruction")?;
    let completions = match row.get("completions") {
        Some(Value::Array(list)) if !list.is_empty() => list,
        Some(Value::Array(_)) => return Err("completions is empty".to_owned()),
        Some(other) => return Err(format!("completions is {}, not a list", kind(other))),
        None => return Err("it has no completions".to_owned()),
    };
    let (mut replies, mut models, mut rated) = (vec![], vec![], vec![]);
    for (at, completion) in completions.iter().enumerate() {
        let text = completion.get("response").and_then(Value::as_str);
        let text = text.ok_or_else(|| format!("completion {} has no response", at + 1))?;
        replies.push(vec![Turn::assistant(text)]);
        models.push(
            completion
                .get("model")
                .and_then(Value::as_str)
                .map(str::to_owned),
        );
        rated.push(ratings_of(completion));
    }
    let (item, order) =
        Item::new(vec![Turn::user(instruction)], replies).map_err(|err| err.to_string())?;
    let mut ratings = Ratings::default();
    for (at, values) in order.iter().zip(rated) {
        for (name, value) in values {
            ratings.set(item.responses[*at].key, &name, Some(value));
        }
    }
    let references = if ratings.is_empty() {
        vec![]
    } else {
        vec![ReferenceLabel::verdict(ratings)]
    };
    if row.get("models").is_some_and(Value::is_array) {
        row.shift_remove("models");
    }
    let source = place.source(None, order, models, row);
    Ok(Imported::new(item, source, references))
}

/// Ratings of a completion: `annotations` by aspect, whose `Rating` is a number or a text of one, or `N/A`; and the scores beside them.
fn ratings_of(completion: &Value) -> Vec<(String, f64)> {
    let mut all = vec![];
    if let Some(aspects) = completion.get("annotations").and_then(Value::as_object) {
        for (aspect, said) in aspects {
            if let Some(value) = said.get("Rating").and_then(number) {
                all.push((aspect.clone(), value));
            }
        }
    }
    for name in ["overall_score", "fine-grained_score"] {
        if let Some(value) = completion.get(name).and_then(number) {
            all.push((name.to_owned(), value));
        }
    }
    all
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok()?,
        value => value.as_f64()?,
    };
    Some(number).filter(|n: &f64| n.is_finite())
}

/// Two sides with their scores, which become ratings under the name `score`.
fn binarised(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let names = SCORES
        .into_iter()
        .find(|names| names.iter().all(|name| row.contains_key(*name)));
    let mut scores = [None, None];
    if let Some(names) = names {
        scores = names.map(|name| row.get(name).and_then(number));
        if scores.iter().all(Option::is_some) {
            for name in names {
                row.shift_remove(name);
            }
        }
    }
    // The request once more, as the messages of the chosen side.
    if row.get("prompt").is_some_and(|p| !p.is_null())
        && let Some(messages) = row.shift_remove("messages")
    {
        let same = row.get("chosen").is_some_and(|chosen| *chosen == messages);
        if !same {
            text_or_turns("messages", messages.clone(), Role::User)?;
            row.insert("messages".to_owned(), messages);
        }
    }
    let mut imported = pairs::import(place, row)?;
    let item = &imported.row.item;
    let order = &imported.row.source.order;
    if let Some(verdict) = imported.row.references.first_mut() {
        for (at, score) in order.iter().zip(scores) {
            verdict
                .judgment
                .ratings
                .set(item.responses[*at].key, "score", score);
        }
    }
    Ok(imported)
}
