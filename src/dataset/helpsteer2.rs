//! `HelpSteer2`'s ratings: one response per row with five attributes, the rows of one prompt one after the other. In the
//! `disagreements` form each attribute is a list of the annotators' own values. Several turns are packed into the prompt.

use serde_json::{Map, Value};

use super::lines::{LeftOut, Lines, file_order};
use super::messages::take_text;
use super::read::{Collector, Place, Row};
use super::records::kind;
use super::write::{ExportRow, WriteOptions};
use super::{DatasetError, Format};
use crate::domain::{Item, Ratings, ReferenceLabel, Response, ResponseKey, Role, Turn};

/// The attributes in the order of the files.
pub(super) const ATTRIBUTES: [&str; 5] = [
    "helpfulness",
    "correctness",
    "coherence",
    "complexity",
    "verbosity",
];

/// Where the unknown fields of each row stand when the rows of an item differ in them.
const PER_RESPONSE: &str = "per_response";

const MARKER: &str = "\n<extra_id_1>";

/// Splits a prompt into its turns; the first has no marker and is the user's. [`join_prompt`] gives back the same text.
pub(super) fn split_prompt(prompt: &str) -> Vec<Turn> {
    let mut turns = Vec::new();
    let (mut role, mut start, mut from) = (Role::User, 0, 0);
    while let Some(at) = prompt[from..].find(MARKER) {
        let at = from + at;
        let rest = &prompt[at + MARKER.len()..];
        let next = if rest.starts_with("Assistant\n") {
            (Role::Assistant, "Assistant\n".len())
        } else if rest.starts_with("User\n") {
            (Role::User, "User\n".len())
        } else {
            from = at + 1;
            continue;
        };
        turns.push(Turn::new(role, &prompt[start..at]));
        role = next.0;
        start = at + MARKER.len() + next.1;
        from = start;
    }
    turns.push(Turn::new(role, &prompt[start..]));
    turns
}

/// Packs a context into a prompt, or says why it does not fit.
pub(super) fn join_prompt(context: &[Turn]) -> Result<String, LeftOut> {
    let mut prompt = String::new();
    for (at, turn) in context.iter().enumerate() {
        let name = match turn.role {
            Role::User => "User",
            Role::Assistant => "Assistant",
            Role::System => return Err(LeftOut::Because("system-turn")),
            Role::Tool => return Err(LeftOut::Because("tool-turns")),
        };
        if turn.tool_calls.is_some() {
            return Err(LeftOut::Because("tool-turns"));
        }
        if at > 0 {
            prompt.push_str(MARKER);
            prompt.push_str(name);
            prompt.push('\n');
        }
        prompt.push_str(&turn.content);
    }
    let back = split_prompt(&prompt);
    if context.first().is_none_or(|turn| turn.role != Role::User) {
        Err(LeftOut::Because("no-user-turn-first"))
    } else if back.len() != context.len() || !back.iter().zip(context).all(|(a, b)| a.same(b)) {
        Err(LeftOut::Because("marker-in-text"))
    } else {
        Ok(prompt)
    }
}

/// The text of a response of one plain turn.
pub(super) fn reply_text(response: &Response) -> Result<&str, LeftOut> {
    match &response.turns[..] {
        [turn] if turn.tool_calls.is_none() => Ok(&turn.content),
        [_] => Err(LeftOut::Because("tool-turns")),
        _ => Err(LeftOut::Because("reply-of-several-turns")),
    }
}

/// Joins rows of one prompt.
#[derive(Default)]
pub(super) struct Ratings2 {
    waiting: Option<Waiting>,
}

struct Waiting {
    row: u64,
    prompt: String,
    responses: Vec<Rated>,
}

struct Rated {
    response: String,
    /// Per attribute the one value, or each annotator's.
    values: [Values; 5],
    extra: Map<String, Value>,
}

enum Values {
    One(f64),
    Each(Vec<f64>),
}

impl Ratings2 {
    /// Takes a row; passes on the item before it when the row does not belong to it.
    pub fn row(
        &mut self,
        place: Place<'_>,
        row: Map<String, Value>,
        out: &mut Collector<'_>,
    ) -> Result<(), DatasetError> {
        let (prompt, rated) = match rated(row) {
            Ok(found) => found,
            Err(reason) => {
                out.reject(place.file, place.row, reason);
                return Ok(());
            }
        };
        if let Some(waiting) = &mut self.waiting
            && waiting.prompt == prompt
        {
            waiting.responses.push(rated);
            return self.flush(place.file, place.format, out);
        }
        self.flush(place.file, place.format, out)?;
        self.waiting = Some(Waiting {
            row: place.row,
            prompt,
            responses: vec![rated],
        });
        Ok(())
    }

    /// Passes on the item that waits for another response.
    pub fn flush(
        &mut self,
        file: &str,
        format: Format,
        out: &mut Collector<'_>,
    ) -> Result<(), DatasetError> {
        let Some(Waiting {
            row,
            prompt,
            responses,
        }) = self.waiting.take()
        else {
            return Ok(());
        };
        let rows = responses.len() as u64;
        let mut texts = Vec::with_capacity(responses.len());
        let mut values = Vec::with_capacity(responses.len());
        let mut extras = Vec::with_capacity(responses.len());
        for rated in responses {
            texts.push(vec![Turn::assistant(rated.response)]);
            values.push(rated.values);
            extras.push(rated.extra);
        }
        let (item, order) = match Item::new(split_prompt(&prompt), texts) {
            Ok(made) => made,
            Err(err) => {
                out.reject(file, row, err.to_string());
                return Ok(());
            }
        };
        let keys: Vec<ResponseKey> = order.iter().map(|at| item.responses[*at].key).collect();
        let references = references(&keys, &values);
        let extra = if extras.windows(2).all(|pair| pair[0] == pair[1]) {
            extras.pop().unwrap_or_default()
        } else {
            let list = extras.into_iter().map(Value::Object).collect();
            Map::from_iter([(PER_RESPONSE.to_owned(), Value::Array(list))])
        };
        let place = Place { file, row, format };
        out.item(
            Row {
                source: place.source(None, order, vec![], extra),
                item,
                references,
                rows,
            },
            rows,
        )
    }
}

fn rated(mut row: Map<String, Value>) -> Result<(String, Rated), String> {
    let mut text = |name: &str| {
        take_text(&mut row, name).ok_or_else(|| match row.get(name) {
            None => format!("it has no {name}"),
            Some(other) => format!("{name} is {}, not a text", kind(other)),
        })
    };
    let prompt = text("prompt")?;
    let response = text("response")?;
    let mut values = [const { Values::One(0.0) }; 5];
    for (name, value) in ATTRIBUTES.iter().zip(&mut values) {
        let found = row.shift_remove(*name);
        *value = match found {
            Some(Value::Number(number)) => number.as_f64().map(Values::One),
            Some(Value::Array(list)) => list
                .iter()
                .map(Value::as_f64)
                .collect::<Option<Vec<f64>>>()
                .map(Values::Each),
            None => return Err(format!("it has no {name}")),
            Some(_) => None,
        }
        .ok_or_else(|| format!("{name} is neither a number nor a list of numbers"))?;
        let each = match value {
            Values::One(value) => std::slice::from_ref(value),
            Values::Each(list) => list,
        };
        if let Some(beyond) = each.iter().find(|v| !(0.0..=4.0).contains(*v)) {
            return Err(format!("{name} is {beyond}, not from 0 to 4"));
        }
    }
    Ok((
        prompt,
        Rated {
            response,
            values,
            extra: row,
        },
    ))
}

/// One verdict of the single values; one vote per annotator of the lists, counted from 1.
fn references(keys: &[ResponseKey], values: &[[Values; 5]]) -> Vec<ReferenceLabel> {
    let mut verdict = Ratings::default();
    let mut votes: Vec<Ratings> = Vec::new();
    for (key, values) in keys.iter().zip(values) {
        for (name, value) in ATTRIBUTES.iter().zip(values) {
            match value {
                Values::One(value) => verdict.set(*key, name, Some(*value)),
                Values::Each(list) => {
                    if votes.len() < list.len() {
                        votes.resize_with(list.len(), Ratings::default);
                    }
                    for (vote, value) in votes.iter_mut().zip(list) {
                        vote.set(*key, name, Some(*value));
                    }
                }
            }
        }
    }
    let verdict = (!verdict.is_empty()).then(|| ReferenceLabel::verdict(verdict));
    let votes = (1..).zip(votes);
    let votes =
        votes.map(|(at, ratings): (u32, _)| ReferenceLabel::vote(Some(at.to_string()), ratings));
    verdict.into_iter().chain(votes).collect()
}

/// Writes one row per response. `before` is the prompt of the row before, where that row stands alone: a row of the same prompt
/// would be joined to it.
pub(super) fn export(
    row: &ExportRow,
    options: &WriteOptions,
    before: &mut Option<String>,
    lines: &mut Lines,
) -> Result<(), LeftOut> {
    let n = row.item.responses.len();
    if n > 2 {
        return Err(LeftOut::Because("more-than-two-responses"));
    }
    let prompt = join_prompt(&row.item.context)?;
    for response in &row.item.responses {
        reply_text(response)?;
    }
    if before.as_ref() == Some(&prompt) {
        return Err(LeftOut::Because("prompt-of-the-row-before"));
    }
    for (at, index) in file_order(row).iter().enumerate() {
        let response = &row.item.responses[*index];
        lines.begin();
        lines.field("prompt", &prompt)?;
        lines.field("response", reply_text(response)?)?;
        for name in ATTRIBUTES {
            let value = row.judgment.ratings.get(response.key, name);
            let value = value.ok_or(LeftOut::Because("missing-ratings"))?;
            // Halves up, as the aggregated values are rounded.
            lines.field(name, &((value + 0.5).floor() as i64))?;
        }
        if let (true, Some(source)) = (options.extra, &row.source) {
            let own = source.extra.get(PER_RESPONSE).and_then(|list| list.get(at));
            match own.and_then(Value::as_object) {
                Some(own) => lines.more(own)?,
                None => lines.more(&source.extra)?,
            }
        }
        lines.end();
    }
    *before = (n == 1).then_some(prompt);
    Ok(())
}
