//! `HelpSteer2`-Preference: two responses, a strength from -3 (the first is much better) to 3, and each annotator's own.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::helpsteer2::{join_prompt, reply_text, split_prompt};
use super::lines::{LeftOut, Lines, file_order, two_responses};
use super::messages::take_text;
use super::pairs::whole;
use super::read::{Imported, Place};
use super::records::kind;
use super::write::{ExportRow, WriteOptions};
use crate::domain::{Item, Judgment, Preference, ReferenceLabel, ResponseKey, Turn};

const STATEMENT: &str = "preference_statement";
const ELABORATION: &str = "preference_elaboration";
const MOST_SIMILAR: &str = "three_most_similar_preferences";
const ALL: &str = "all_preferences_unprocessed";

/// Reads a pair. The verdict's statement, elaboration and three most similar preferences are kept word for word in its `extra`.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let mut text = |name: &str| {
        take_text(&mut row, name).ok_or_else(|| match row.get(name) {
            None => format!("it has no {name}"),
            Some(other) => format!("{name} is {}, not a text", kind(other)),
        })
    };
    let prompt = text("prompt")?;
    let replies = [text("response_1")?, text("response_2")?];
    let replies = replies.map(|reply| vec![Turn::assistant(reply)]);
    let (item, order) =
        Item::new(split_prompt(&prompt), replies.into()).map_err(|err| err.to_string())?;
    let keys = [item.responses[order[0]].key, item.responses[order[1]].key];
    let strength = row.shift_remove("preference_strength").unwrap_or_default();
    let preference = whole(&strength)
        .and_then(|value| Preference::from_signed(value, keys[0], keys[1]))
        .ok_or_else(|| {
            format!("preference_strength is {strength}, not a whole number from -3 to 3 or -100")
        })?;
    let mut extra = Map::new();
    for name in [STATEMENT, ELABORATION, MOST_SIMILAR] {
        if let Some(value) = row.shift_remove(name) {
            extra.insert(name.to_owned(), value);
        }
    }
    let said = |name: &str| extra.get(name).and_then(Value::as_str).unwrap_or("");
    let justification = [said(STATEMENT), said(ELABORATION)]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n");
    let votes = match row.get(ALL) {
        Some(Value::Array(list)) => list
            .iter()
            .enumerate()
            .map(|(at, vote)| read_vote(at, vote, keys, ["strength", "justification"]))
            .collect::<Option<Vec<_>>>(),
        _ => None,
    };
    if votes.is_some() {
        row.shift_remove(ALL);
    }
    let verdict = Judgment {
        justification,
        ..preference.into()
    };
    let mut references = vec![ReferenceLabel {
        extra,
        ..ReferenceLabel::verdict(verdict)
    }];
    references.extend(votes.unwrap_or_default());
    let source = place.source(None, order, vec![], row);
    Ok(Imported::new(item, source, references))
}

/// One annotator's vote, whose signed strength and reason have these names; what else it says is kept beside.
pub(super) fn read_vote(
    at: usize,
    vote: &Value,
    keys: [ResponseKey; 2],
    [strength, reason]: [&str; 2],
) -> Option<ReferenceLabel> {
    let mut extra = vote.as_object()?.clone();
    let preference = extra
        .get(strength)
        .and_then(whole)
        .and_then(|value| Preference::from_signed(value, keys[0], keys[1]));
    if preference.is_some() {
        extra.shift_remove(strength);
    }
    let justification = take_text(&mut extra, reason).unwrap_or_default();
    let judgment = Judgment {
        preference,
        justification,
        ..Judgment::default()
    };
    Some(ReferenceLabel {
        extra,
        ..ReferenceLabel::vote(Some((at + 1).to_string()), judgment)
    })
}

#[derive(Serialize)]
struct VoteLine<'a> {
    strength: Value,
    justification: &'a str,
}

/// Writes a pair in the exact schema.
pub(super) fn export(
    row: &ExportRow,
    options: &WriteOptions,
    lines: &mut Lines,
) -> Result<(), LeftOut> {
    two_responses(row)?;
    let order = file_order(row);
    let responses = [0, 1].map(|at| &row.item.responses[order[at]]);
    let keys = responses.map(|response| response.key);
    let signed = |preference: &Preference| preference.signed(keys[0], keys[1]);
    let strength = match &row.judgment.preference {
        None => return Err(LeftOut::Because("no-preference")),
        Some(preference) => signed(preference)
            .filter(|strength| (-3..=3).contains(strength) || *strength == -100)
            .ok_or(LeftOut::Because("no-strength"))?,
    };
    let prompt = join_prompt(&row.item.context)?;
    let texts = [reply_text(responses[0])?, reply_text(responses[1])?];
    let split = row.source.as_ref().and_then(|s| s.extra.get("split"));
    // A vote whose strength is not on the scale keeps the number that the source had.
    let strengths: Vec<Value> = row
        .votes
        .iter()
        .map(|vote| {
            let known = vote.judgment.preference.as_ref().and_then(signed);
            let own = || vote.extra.get("strength").cloned();
            known.map_or_else(|| own().unwrap_or_default(), Value::from)
        })
        .collect();
    let votes: Vec<VoteLine<'_>> = row
        .votes
        .iter()
        .zip(&strengths)
        .map(|(vote, strength)| VoteLine {
            strength: strength.clone(),
            justification: &vote.judgment.justification,
        })
        .collect();
    lines.begin();
    match split {
        Some(split) => lines.field("split", split)?,
        None => lines.field("split", options.split.as_deref().unwrap_or("train"))?,
    }
    lines.field("prompt", &prompt)?;
    lines.field("response_1", texts[0])?;
    lines.field("response_2", texts[1])?;
    lines.field("preference_strength", &strength)?;
    if let Some(statement) = row.extra.get(STATEMENT) {
        let elaboration = row.extra.get(ELABORATION).unwrap_or(&Value::Null);
        lines.field(STATEMENT, statement)?;
        lines.field(ELABORATION, elaboration)?;
    } else {
        lines.field(STATEMENT, &row.judgment.justification)?;
        lines.field(ELABORATION, "")?;
    }
    match row.extra.get(MOST_SIMILAR) {
        Some(kept) => lines.field(MOST_SIMILAR, kept)?,
        None => lines.field(MOST_SIMILAR, &most_similar(&votes))?,
    }
    lines.field(ALL, &votes)?;
    lines.extra(row, options)?;
    lines.end();
    Ok(())
}

/// The three votes that agree most, after `HelpSteer2`'s method: the least sum of differences, ties by distance from the median of
/// all, then by order. Votes of "neither valid" are not on the scale. Fewer than three: all of them.
fn most_similar(votes: &[VoteLine<'_>]) -> Vec<Value> {
    let valid: Vec<(i64, &str)> = votes
        .iter()
        .filter_map(|vote| Some((vote.strength.as_i64()?, vote.justification)))
        .filter(|(strength, _)| (-3..=3).contains(strength))
        .collect();
    let n = valid.len();
    let mut sorted: Vec<i64> = valid.iter().map(|vote| vote.0).collect();
    sorted.sort_unstable();
    // Twice the median, so that it is whole.
    let median = if n == 0 {
        0
    } else {
        sorted[(n - 1) / 2] + sorted[n / 2]
    };
    // Hundreds of votes would make millions of triples; no data set has them.
    let n = n.min(64);
    let triples =
        (0..n).flat_map(|a| (a + 1..n).flat_map(move |b| (b + 1..n).map(move |c| [a, b, c])));
    let best = triples.min_by_key(|triple| {
        let [a, b, c] = triple.map(|at| valid[at].0);
        let spread = (a - b).abs() + (b - c).abs() + (a - c).abs();
        let distance: i64 = [a, b, c]
            .iter()
            .map(|value| (2 * value - median).abs())
            .sum();
        (spread, distance)
    });
    let chosen = best.map_or_else(|| (0..n).collect(), |triple| triple.to_vec());
    chosen
        .into_iter()
        .map(|at| json!({"statement": valid[at].1, "elaboration": "", "strength": valid[at].0}))
        .collect()
}
