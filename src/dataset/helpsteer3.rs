//! `HelpSteer3`-Preference (arXiv:2505.11475): a conversation, two responses, a preference from -3 (the first is much better) to 3, and
//! each annotator's own with its reasons.

use serde_json::{Map, Value};

use super::helpsteer2_preference::read_vote;
use super::messages::text_or_turns;
use super::pairs::whole;
use super::read::{Imported, Place};
use crate::domain::{Item, Preference, ReferenceLabel, Role};

const OVERALL: &str = "overall_preference";
const EACH: &str = "individual_preference";

/// Reads a pair. What annotators said of each response stays in the `extra` of their votes.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let mut part = |name: &str, role| {
        let value = row.shift_remove(name);
        let value = value.ok_or_else(|| format!("it has no {name}"))?;
        text_or_turns(name, value, role)
    };
    let context = part("context", Role::User)?;
    let replies = vec![
        part("response1", Role::Assistant)?,
        part("response2", Role::Assistant)?,
    ];
    let (item, order) = Item::new(context, replies).map_err(|err| err.to_string())?;
    let keys = [item.responses[order[0]].key, item.responses[order[1]].key];
    let strength = row.shift_remove(OVERALL).unwrap_or_default();
    let preference = whole(&strength)
        .and_then(|value| Preference::from_signed(value, keys[0], keys[1]))
        .ok_or_else(|| {
            format!("{OVERALL} is {strength}, not a whole number from -3 to 3 or -100")
        })?;
    let votes: Option<Vec<_>> = row.get(EACH).and_then(Value::as_array).and_then(|list| {
        let votes = list.iter().enumerate();
        votes
            .map(|(at, vote)| read_vote(at, vote, keys, ["score", "reasoning"]))
            .collect()
    });
    if votes.is_some() {
        row.shift_remove(EACH);
    }
    let mut references = vec![ReferenceLabel::verdict(preference)];
    references.extend(votes.unwrap_or_default());
    let source = place.source(None, order, vec![], row);
    Ok(Imported::new(item, source, references))
}
