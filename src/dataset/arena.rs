//! Battles of an arena (arXiv:2403.04132): two models' conversations with the same person, and which one won. One row is one vote.

use serde_json::{Map, Value};

use super::messages::{shortened, take_id, take_text, turns};
use super::read::{Imported, Place};
use crate::domain::{Item, Preference, ReferenceLabel, Turn};

/// Whether a row is a battle: two conversations with a winner, and no vote of MT-bench; or prompts and replies as lists in texts.
pub(super) fn is_battle(row: &Map<String, Value>) -> bool {
    let has = |name: &str| row.contains_key(name);
    let listed = [
        "prompt",
        "response_a",
        "response_b",
        "winner_model_a",
        "winner_model_b",
    ];
    listed.into_iter().all(has)
        || has("conversation_a")
            && has("conversation_b")
            && has("winner")
            && ["tstamp", "timestamp", "anony", "language", "conv_metadata"]
                .into_iter()
                .any(has)
}

/// Reads a battle.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let sides = if row.contains_key("conversation_a") {
        let mut side = |name: &str| {
            let value = row.shift_remove(name).unwrap_or_default();
            turns(name, value)
        };
        [side("conversation_a")?, side("conversation_b")?]
    } else {
        let prompts = texts(&mut row, "prompt")?;
        let mut side = |name: &str| {
            let replies = texts(&mut row, name)?;
            if replies.len() != prompts.len() {
                return Err(format!(
                    "{} prompts and {} replies in {name}",
                    prompts.len(),
                    replies.len()
                ));
            }
            let both = prompts.iter().zip(replies);
            Ok(both
                .flat_map(|(prompt, reply)| [Turn::user(prompt.as_str()), Turn::assistant(reply)])
                .collect::<Vec<_>>())
        };
        [side("response_a")?, side("response_b")?]
    };
    let (item, order) = Item::from_conversations(sides.into()).map_err(|err| err.to_string())?;
    let keys = [item.responses[order[0]].key, item.responses[order[1]].key];
    let better = |at: usize| Preference::Better {
        response: keys[at],
        strength: None,
    };
    let preference = match take_text(&mut row, "winner").as_deref() {
        Some("model_a") => better(0),
        Some("model_b") => better(1),
        Some("tie") => Preference::Tie,
        Some("tie (bothbad)" | "both_bad" | "bothbad") => Preference::NeitherValid,
        Some(other) => {
            return Err(format!(
                "winner is `{}`, not model_a, model_b, tie or tie (bothbad)",
                shortened(other)
            ));
        }
        None => {
            let won = |name: &str| row.get(name).and_then(Value::as_i64) == Some(1);
            let found = match (
                won("winner_model_a"),
                won("winner_model_b"),
                won("winner_tie"),
            ) {
                (true, false, false) => better(0),
                (false, true, false) => better(1),
                (false, false, true) => Preference::Tie,
                _ => {
                    return Err(
                        "not one of winner_model_a, winner_model_b and winner_tie is 1".to_owned(),
                    );
                }
            };
            for name in ["winner_model_a", "winner_model_b", "winner_tie"] {
                row.shift_remove(name);
            }
            found
        }
    };
    let models = [
        take_text(&mut row, "model_a"),
        take_text(&mut row, "model_b"),
    ];
    let models = if models.iter().all(Option::is_none) {
        vec![]
    } else {
        models.into()
    };
    let annotator =
        take_text(&mut row, "judge").or_else(|| take_text(&mut row, "evaluation_session_id"));
    let id = take_id(&mut row, "question_id").or_else(|| take_id(&mut row, "id"));
    let vote = ReferenceLabel::vote(annotator, preference);
    let source = place.source(id, order, models, row);
    Ok(Imported::new(item, source, vec![vote]))
}

/// A list of texts, or a text that is one in JSON, as tables have it.
fn texts(row: &mut Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    let value = match row.shift_remove(name) {
        Some(Value::String(text)) => serde_json::from_str(&text)
            .map_err(|err| format!("{name} is not a list of texts in JSON: {err}"))?,
        Some(value) => value,
        None => return Err(format!("it has no {name}")),
    };
    serde_json::from_value(value).map_err(|_not| format!("{name} is not a list of texts"))
}
