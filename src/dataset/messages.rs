//! Message lists: `role` and `content`, or `ShareGPT`'s `from` and `value`. Also the format of one conversation per row.

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::read::{Imported, Place};
use super::records::kind;
use crate::domain::{Item, Role, Turn};

/// Reads a message list, or a single message. `name` is the field, for the reason.
pub(super) fn turns(name: &str, value: Value) -> Result<Vec<Turn>, String> {
    match value {
        Value::Array(list) => list
            .into_iter()
            .enumerate()
            .map(|(at, message)| {
                turn(message).map_err(|why| format!("{name}, message {}: {why}", at + 1))
            })
            .collect(),
        Value::Object(columns)
            if columns.values().any(Value::is_array) && is_by_columns(&columns) =>
        {
            turns(name, Value::Array(by_rows(columns)))
        }
        Value::Object(_) => Ok(vec![turn(value).map_err(|why| format!("{name}: {why}"))?]),
        other => Err(format!("{name} is {}, not messages", kind(&other))),
    }
}

/// Whether messages are written as one list per field, as the `datasets` library did with its `Sequence` of objects.
fn is_by_columns(columns: &Map<String, Value>) -> bool {
    let lengths = columns.values().map(|c| c.as_array().map(Vec::len));
    let first = columns.values().next().and_then(Value::as_array);
    first.is_some_and(|list| lengths.into_iter().all(|n| n == Some(list.len())))
        && ["role", "from"]
            .iter()
            .any(|name| columns.contains_key(*name))
}

/// Turns one list per field into one object per message; a field that a message does not have is null in such a list.
fn by_rows(columns: Map<String, Value>) -> Vec<Value> {
    let mut rows: Vec<Map<String, Value>> = vec![];
    for (name, list) in columns {
        let Value::Array(list) = list else { continue };
        rows.resize_with(list.len(), Map::new);
        for (row, value) in rows.iter_mut().zip(list) {
            if !value.is_null() {
                row.insert(name.clone(), value);
            }
        }
    }
    rows.into_iter().map(Value::Object).collect()
}

/// Reads a text as one turn of `role`, a list as messages.
pub(super) fn text_or_turns(name: &str, value: Value, role: Role) -> Result<Vec<Turn>, String> {
    match value {
        Value::String(text) => Ok(vec![Turn::new(role, text)]),
        Value::Array(_) | Value::Object(_) => turns(name, value),
        other => Err(format!("{name} is {}, not text or messages", kind(&other))),
    }
}

fn turn(message: Value) -> Result<Turn, String> {
    let Value::Object(mut message) = message else {
        return Err(format!("it is {}, not an object", kind(&message)));
    };
    let role = message
        .shift_remove("role")
        .or_else(|| message.shift_remove("from"))
        .ok_or("it has no role")?;
    let role = match role.as_str() {
        Some(name) => Role::parse(name)
            .ok_or_else(|| format!("its role `{}` is not known", shortened(name)))?,
        None => return Err(format!("its role is {}, not a text", kind(&role))),
    };
    let tool_calls = message.shift_remove("tool_calls").filter(|c| !c.is_null());
    let content = message
        .shift_remove("content")
        .or_else(|| message.shift_remove("value"));
    let content = match content {
        Some(Value::String(text)) => text,
        Some(Value::Null) | None if tool_calls.is_some() => String::new(),
        None => return Err("it has no content".to_owned()),
        // Parts, as interfaces for several media have them.
        Some(Value::Array(parts)) => {
            let mut text = String::new();
            for part in &parts {
                let kind = part
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or("no type");
                match part
                    .get("text")
                    .and_then(Value::as_str)
                    .filter(|_| kind == "text")
                {
                    Some(part) => text.push_str(part),
                    None => {
                        return Err(format!(
                            "its content has a part of {}, not of text",
                            shortened(kind)
                        ));
                    }
                }
            }
            text
        }
        Some(other) => return Err(format!("its content is {}, not a text", kind(&other))),
    };
    Ok(Turn {
        role,
        content,
        tool_calls,
        extra: message,
    })
}

/// At most forty characters of something from a file, for a message.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// One conversation per row: an item of one response.
pub(super) fn import(place: Place<'_>, mut row: Map<String, Value>) -> Result<Imported, String> {
    let (name, list) = ["messages", "conversations"]
        .into_iter()
        .find_map(|name| Some((name, row.shift_remove(name)?)))
        .ok_or("it has no messages")?;
    let mut turns = turns(name, list)?;
    let reply = turns.pop().ok_or("it has no messages")?;
    if reply.role != Role::Assistant {
        return Err("the last message is not the assistant's".to_owned());
    }
    let (item, order) = Item::new(turns, vec![vec![reply]]).map_err(|err| err.to_string())?;
    let id = take_id(&mut row, "id");
    let models = take_text(&mut row, "model").map_or_else(Vec::new, |name| vec![Some(name)]);
    let source = place.source(id, order, models, row);
    Ok(Imported::new(item, source, vec![]))
}

/// Takes an id out of a row: a text or a number. Anything else stays.
pub(super) fn take_id(row: &mut Map<String, Value>, name: &str) -> Option<String> {
    match row.get(name)? {
        Value::String(_) => take_text(row, name),
        Value::Number(number) => {
            let text = number.to_string();
            row.shift_remove(name);
            Some(text)
        }
        _ => None,
    }
}

/// Takes a text out of a row. Anything else stays.
pub(super) fn take_text(row: &mut Map<String, Value>, name: &str) -> Option<String> {
    row.get(name)?.as_str()?;
    match row.shift_remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Turns as a message list.
pub(super) struct Messages<'a> {
    pub turns: &'a [Turn],
    /// Whether to write the fields that the format does not define.
    pub extra: bool,
}

impl Serialize for Messages<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.turns.len()))?;
        for turn in self.turns {
            list.serialize_element(&Message {
                turn,
                extra: self.extra,
            })?;
        }
        list.end()
    }
}

/// A reply: a text where it is a single plain turn, else a message list.
pub(super) struct Reply<'a>(pub Messages<'a>);

impl Serialize for Reply<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.turns {
            [turn]
                if turn.role == Role::Assistant
                    && turn.tool_calls.is_none()
                    && (turn.extra.is_empty() || !self.0.extra) =>
            {
                to.serialize_str(&turn.content)
            }
            _ => self.0.serialize(to),
        }
    }
}

struct Message<'a> {
    turn: &'a Turn,
    extra: bool,
}

impl Serialize for Message<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("role", self.turn.role.as_str())?;
        map.serialize_entry("content", &self.turn.content)?;
        if let Some(calls) = &self.turn.tool_calls {
            map.serialize_entry("tool_calls", calls)?;
        }
        if self.extra {
            for (name, value) in &self.turn.extra {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}
