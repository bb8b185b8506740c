//! `JudgeBench`: a question, responses A and B of one model, and which one is right.

use serde_json::{Map, Value};

use super::messages::{shortened, take_id, take_text, text_or_turns};
use super::read::{Imported, Place};
use crate::domain::{Item, Preference, ReferenceLabel, Role};

/// Reads a pair.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let mut part = |name: &str, role| {
        let value = row.shift_remove(name);
        let value = value.ok_or_else(|| format!("it has no {name}"))?;
        text_or_turns(name, value, role)
    };
    let context = part("question", Role::User)?;
    let replies = vec![
        part("response_A", Role::Assistant)?,
        part("response_B", Role::Assistant)?,
    ];
    let (item, order) = Item::new(context, replies).map_err(|err| err.to_string())?;
    let label = take_text(&mut row, "label").ok_or("it has no label")?;
    let better = |at: usize| Preference::Better {
        response: item.responses[order[at]].key,
        strength: None,
    };
    let preference = match label.as_str() {
        "A>B" => better(0),
        "B>A" => better(1),
        "A=B" | "B=A" | "tie" => Preference::Tie,
        other => {
            return Err(format!(
                "label is `{}`, not A>B, B>A, A=B or tie",
                shortened(other)
            ));
        }
    };
    let id = take_id(&mut row, "pair_id");
    let models = take_text(&mut row, "response_model")
        .map_or_else(Vec::new, |name| vec![Some(name.clone()), Some(name)]);
    let source = place.source(id, order, models, row);
    Ok(Imported::new(
        item,
        source,
        vec![ReferenceLabel::verdict(preference)],
    ))
}
