//! Benchmarks of reward models whose rows say which responses are right: `RewardBench` (a pair), `RewardBench` 2 and RM-Bench (lists of
//! both kinds).

use serde_json::{Map, Value};

use super::messages::{take_id, text_or_turns};
use super::read::{Imported, Place};
use super::records::kind;
use crate::domain::{Item, Judgment, Preference, ReferenceLabel, ResponseKey, Role, Turn};

/// Reads a row: `prompt`, `chosen` and `rejected`, each a reply or a list of texts, one for each reply. Right ones come first in the file's
/// order; subset, domain and the like stay with the source.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let prompt = row.shift_remove("prompt").ok_or("it has no prompt")?;
    let context = text_or_turns("prompt", prompt, Role::User)?;
    let right = replies(&mut row, "chosen")?;
    let wrong = replies(&mut row, "rejected")?;
    let count = right.len();
    let all: Vec<Vec<Turn>> = right.into_iter().chain(wrong).collect();
    let responses = all.len();
    let (item, order) = Item::new(context, all).map_err(|err| err.to_string())?;
    let keys: Vec<ResponseKey> = order.iter().map(|at| item.responses[*at].key).collect();
    let judgment = if responses == 2 && count == 1 {
        let response = keys[0];
        let strength = None;
        Judgment::from(Preference::Better { response, strength })
    } else {
        let (right, wrong) = keys.split_at(count);
        Judgment {
            ranking: vec![right.to_vec(), wrong.to_vec()],
            ..Judgment::default()
        }
    };
    let models = models(&mut row, responses);
    let id = take_id(&mut row, "id");
    let source = place.source(id, order, models, row);
    Ok(Imported::new(
        item,
        source,
        vec![ReferenceLabel::verdict(judgment)],
    ))
}

/// The replies of one kind: of a list of texts each one; of anything else that one.
fn replies(row: &mut Map<String, Value>, name: &str) -> Result<Vec<Vec<Turn>>, String> {
    match row.shift_remove(name) {
        None => Err(format!("it has no {name}")),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            if list.is_empty() {
                return Err(format!("{name} is empty"));
            }
            let texts = list.into_iter();
            Ok(texts
                .filter_map(|text| match text {
                    Value::String(text) => Some(vec![Turn::assistant(text)]),
                    _ => None,
                })
                .collect())
        }
        Some(value @ (Value::String(_) | Value::Array(_) | Value::Object(_))) => {
            Ok(vec![text_or_turns(name, value, Role::Assistant)?])
        }
        Some(other) => Err(format!("{name} is {}, not texts", kind(&other))),
    }
}

/// Takes the models' names: `chosen_model` and `rejected_model`, or the list `models`.
fn models(row: &mut Map<String, Value>, responses: usize) -> Vec<Option<String>> {
    let list = row.get("models").and_then(Value::as_array);
    if let Some(list) = list.filter(|list| list.len() == responses)
        && list.iter().all(Value::is_string)
    {
        let names = list.iter().map(|name| name.as_str().map(str::to_owned));
        let names = names.collect();
        row.shift_remove("models");
        return names;
    }
    let mut side = |name: &str| super::messages::take_text(row, name);
    if responses != 2 {
        return vec![];
    }
    let names = [side("chosen_model"), side("rejected_model")];
    if names.iter().all(Option::is_none) {
        vec![]
    } else {
        names.into()
    }
}
