//! TRL's rows: preferences on the way out (explicit prompt, message lists; on the way in they are [`super::pairs`]), and single completions
//! on the way in.

use serde_json::{Map, Value};

use super::lines::{LeftOut, Lines, Pair};
use super::messages::{Messages, take_id, text_or_turns};
use super::pairs::begins_with;
use super::read::{Imported, Place};
use super::write::{ExportRow, WriteOptions};
use crate::domain::{Item, ItemError, Ratings, ReferenceLabel, Role, Turn};

/// Writes `prompt`, `chosen` and `rejected` as message lists.
pub(super) fn export(
    row: &ExportRow,
    options: &WriteOptions,
    lines: &mut Lines,
) -> Result<(), LeftOut> {
    let pair = Pair::of(row)?;
    Pair::check_replies(row)?;
    let messages = |turns| Messages {
        turns,
        extra: options.extra,
    };
    lines.begin();
    lines.field("prompt", &messages(&row.item.context))?;
    lines.field("chosen", &messages(&row.item.responses[pair.chosen].turns))?;
    lines.field(
        "rejected",
        &messages(&row.item.responses[pair.rejected].turns),
    )?;
    lines.extra(row, options)?;
    lines.end();
    Ok(())
}

/// Whether a row is a preference without fields of other formats.
pub(super) fn is_preference(row: &Map<String, Value>) -> bool {
    const OTHERS: [&str; 6] = [
        "id",
        "set",
        "messages",
        "question",
        "input",
        "conversations",
    ];
    let has = |name: &str| row.contains_key(name);
    has("chosen") && has("rejected") && !OTHERS.into_iter().any(has)
}

/// Whether a row is a prompt with one completion, or one in steps.
pub(super) fn is_single(row: &Map<String, Value>) -> bool {
    let has = |name: &str| row.contains_key(name);
    let steps = row.get("completions").is_some_and(Value::is_array);
    has("prompt") && !has("chosen") && (has("completion") || steps && has("labels"))
}

/// Reads a prompt with one completion. Its `label`, true or false, becomes the rating `label`, 1 or 0; the steps of a completion
/// stand in lines, and each step's own label stays with the source.
pub(super) fn import_single(
    place: Place<'_>,
    mut row: Map<String, Value>,
) -> Result<Imported, String> {
    let prompt = row.shift_remove("prompt").unwrap_or_default();
    let context = text_or_turns("prompt", prompt, Role::User)?;
    let mut reply = if let Some(completion) = row.shift_remove("completion") {
        text_or_turns("completion", completion, Role::Assistant)?
    } else {
        let steps = row.get("completions").and_then(Value::as_array);
        let steps: Option<Vec<&str>> =
            steps.and_then(|steps| steps.iter().map(Value::as_str).collect());
        let steps = steps.ok_or("completions is not a list of texts")?;
        vec![Turn::assistant(steps.join("\n"))]
    };
    if begins_with(&reply, &context) {
        reply.drain(..context.len());
    }
    let (item, order) = Item::new(context, vec![reply]).map_err(|err| match err {
        ItemError::NotAssistant(_) => {
            "the completion does not end with an assistant turn".to_owned()
        }
        other => other.to_string(),
    })?;
    let mut references = vec![];
    if let Some(good) = row.get("label").and_then(Value::as_bool) {
        row.shift_remove("label");
        let mut ratings = Ratings::default();
        let value = f64::from(u8::from(good));
        ratings.set(item.responses[0].key, "label", Some(value));
        references.push(ReferenceLabel::verdict(ratings));
    }
    let id = take_id(&mut row, "id");
    let source = place.source(id, order, vec![], row);
    Ok(Imported::new(item, source, references))
}
