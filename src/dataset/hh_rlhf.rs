//! HH-RLHF: two whole transcripts, turns marked by `\n\nHuman:` and `\n\nAssistant:`. The same words without the blank line
//! before them are quotations, not markers.

use serde_json::{Map, Value};

use super::lines::{LeftOut, Lines, Pair};
use super::read::{Imported, Place};
use super::records::kind;
use super::write::{ExportRow, WriteOptions};
use crate::domain::{Item, Preference, ReferenceLabel, Response, Role, Turn};

/// Field of a source row that keeps the texts that their turns do not give back, by response key.
pub(super) const RAW: &str = "hh_rlhf_text";

const HUMAN: &str = "Human:";
const ASSISTANT: &str = "Assistant:";

/// The next marker at or after `from`: where it begins, where its text begins, and whose it is.
fn marker(text: &str, mut from: usize) -> Option<(usize, usize, Role)> {
    while let Some(at) = text[from..].find("\n\n") {
        let at = from + at;
        let rest = &text[at + 2..];
        if rest.starts_with(HUMAN) {
            return Some((at, at + 2 + HUMAN.len(), Role::User));
        }
        if rest.starts_with(ASSISTANT) {
            return Some((at, at + 2 + ASSISTANT.len(), Role::Assistant));
        }
        from = at + 1;
    }
    None
}

/// Splits a transcript into its turns, contents untouched but for the one space after each marker. `None` where it does not
/// begin with a marker.
pub(super) fn split(text: &str) -> Option<Vec<Turn>> {
    let mut next = marker(text, 0).filter(|(at, ..)| *at == 0);
    next?;
    let mut turns = Vec::new();
    while let Some((_, start, role)) = next {
        next = marker(text, start);
        let content = &text[start..next.map_or(text.len(), |(at, ..)| at)];
        turns.push(Turn::new(
            role,
            content.strip_prefix(' ').unwrap_or(content),
        ));
    }
    Some(turns)
}

/// Puts turns together as a transcript; `None` for roles that it does not know.
pub(super) fn join<'a>(turns: impl Iterator<Item = &'a Turn>) -> Option<String> {
    let mut text = String::new();
    for turn in turns {
        text.push_str("\n\n");
        text.push_str(match turn.role {
            Role::User => HUMAN,
            Role::Assistant => ASSISTANT,
            Role::System | Role::Tool => return None,
        });
        text.push(' ');
        text.push_str(&turn.content);
    }
    Some(text)
}

/// Whether a text holds `Human: ` or `Assistant: ` without a blank line before it.
fn quotes_a_marker(text: &str) -> bool {
    ["Human: ", "Assistant: "].iter().any(|word| {
        text.match_indices(word)
            .any(|(at, _)| !text[..at].ends_with("\n\n"))
    })
}

/// Reads a pair of transcripts.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let mut texts = Vec::with_capacity(2);
    let mut conversations = Vec::with_capacity(2);
    let mut warnings = Vec::new();
    for name in ["chosen", "rejected"] {
        let text = match row.shift_remove(name) {
            Some(Value::String(text)) => text,
            None => return Err(format!("it has no {name}")),
            Some(other) => return Err(format!("{name} is {}, not a transcript", kind(&other))),
        };
        let mut turns = split(&text)
            .ok_or_else(|| format!("{name} does not begin with a blank line and `Human:`"))?;
        // A marker left over at the end; the raw text keeps it.
        if turns.len() > 1
            && turns
                .last()
                .is_some_and(|turn| turn.role == Role::User && turn.content.trim().is_empty())
        {
            turns.pop();
            warnings.push("trailing-marker");
        }
        if quotes_a_marker(&text) {
            warnings.push("quoted-marker");
        }
        texts.push(text);
        conversations.push(turns);
    }
    let alike = |pair: &[Turn]| pair[0].role == pair[1].role;
    if conversations
        .iter()
        .any(|turns| turns.windows(2).any(alike))
    {
        warnings.push("consecutive-turns-of-one-role");
    }
    let empty = |turns: &Vec<Turn>| turns.last().is_some_and(|t| t.content.trim().is_empty());
    if conversations.iter().any(empty) {
        warnings.push("empty-reply");
    }
    let longest = conversations.iter().map(Vec::len).max().unwrap_or(0);
    let raw: Vec<Option<String>> = conversations
        .iter()
        .zip(texts)
        .map(|(turns, text)| (join(turns.iter()).as_ref() != Some(&text)).then_some(text))
        .collect();
    let (item, order) = Item::from_conversations(conversations).map_err(|err| err.to_string())?;
    if item.context.len() + 1 != longest {
        warnings.push("different-context");
    }
    let texts: Map<String, Value> = raw
        .into_iter()
        .zip(&order)
        .filter_map(|(text, at)| Some((item.responses[*at].key.to_string(), text?.into())))
        .collect();
    if !texts.is_empty() {
        row.insert(RAW.to_owned(), texts.into());
    }
    let verdict = ReferenceLabel::verdict(Preference::Better {
        response: item.responses[order[0]].key,
        strength: None,
    });
    let source = place.source(None, order, vec![], row);
    Ok(Imported {
        warnings,
        ..Imported::new(item, source, vec![verdict])
    })
}

/// Writes a pair of transcripts, byte for byte as they came in.
pub(super) fn export(
    row: &ExportRow,
    options: &WriteOptions,
    lines: &mut Lines,
) -> Result<(), LeftOut> {
    let pair = Pair::of(row)?;
    let item = &row.item;
    let replies = [pair.chosen, pair.rejected].map(|at| &item.responses[at]);
    if replies.iter().all(|reply| reply.turns.len() > 1)
        && replies[0].turns[0].same(&replies[1].turns[0])
    {
        // The transcripts would come back with a longer context.
        return Err(LeftOut::Because("replies-begin-alike"));
    }
    let texts = [transcript(row, replies[0])?, transcript(row, replies[1])?];
    lines.begin();
    lines.field("chosen", &texts[0])?;
    lines.field("rejected", &texts[1])?;
    lines.extra(row, options)?;
    lines.end();
    Ok(())
}

fn transcript(row: &ExportRow, reply: &Response) -> Result<String, LeftOut> {
    let turns = || row.item.context.iter().chain(&reply.turns);
    if turns().any(|turn| turn.role == Role::Tool || turn.tool_calls.is_some()) {
        return Err(LeftOut::Because("tool-turns"));
    }
    let comes_back = |text: &str| {
        split(text).is_some_and(|found| {
            found.len() >= turns().count() && found.iter().zip(turns()).all(|(a, b)| a.same(b))
        })
    };
    let raw = row.source.as_ref().and_then(|source| source.extra.get(RAW));
    let raw = raw.and_then(|texts| texts.get(reply.key.to_string())?.as_str());
    if let Some(text) = raw
        && comes_back(text)
    {
        return Ok(text.to_owned());
    }
    let text = join(turns()).ok_or(LeftOut::Because("system-turn"))?;
    if !text.starts_with("\n\nHuman:") {
        return Err(LeftOut::Because("no-user-turn-first"));
    }
    if split(&text).is_none_or(|found| found.len() != turns().count()) || !comes_back(&text) {
        return Err(LeftOut::Because("marker-in-text"));
    }
    Ok(text)
}
