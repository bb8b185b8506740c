//! The form: which fields an item has, which of them are missing, and where the keyboard is.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::app::words::form as words;
use crate::domain::{Doubt, Draft, Item, Judgment, LabelSchema, Mode, Preference, ResponseKey};

/// One field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// One attribute of one response.
    Rating {
        /// The response, counted from the left.
        side: usize,
        /// The attribute, in the schema's order.
        attribute: usize,
    },
    /// Which response is better.
    Preference,
    /// The order of all responses.
    Ranking,
    /// Why.
    Justification,
    /// Reasons to choose from.
    Tags,
    /// How sure the annotator is.
    Confidence,
}

/// How many changes undo goes back.
const MOST_PAST: usize = 200;
/// Typing without a pause of this many milliseconds is one change.
const ONE_CHANGE_MS: u128 = 1_500;

/// The form of an open item.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// What is said so far.
    pub draft: Draft,
    /// Where the keyboard is.
    pub focus: Field,
    /// Whether something was changed since the item was opened or committed.
    pub touched: bool,
    /// The card that is held while ranking: a place from the left.
    pub held: Option<usize>,
    /// The marked span that a digit gives its tag: a place in [`Judgment::marks`].
    pub marking: Option<usize>,
    /// What was asked about this very judgment before its commit: Enter again keeps it.
    pub asked: Vec<Doubt>,
    /// Deeds about the item since the last change of the form: undo takes these back first.
    pub deeds_since: usize,
    /// When the text was typed in last.
    typed: Option<Instant>,
}

impl Form {
    /// A form that begins with a draft.
    pub fn new(draft: Draft, focus: Field) -> Self {
        Self {
            draft,
            focus,
            touched: false,
            held: None,
            marking: None,
            asked: vec![],
            deeds_since: 0,
            typed: None,
        }
    }

    /// Remembers what was said before a change, so that undo finds it. Letters typed one after the other are one change.
    pub fn remember(&mut self, before: Judgment) {
        let now = &self.draft.judgment;
        let text_only = Judgment {
            justification: now.justification.clone(),
            edits: now.edits.clone(),
            ..before.clone()
        } == *now;
        let goes_on = text_only
            && self.deeds_since == 0
            && self
                .typed
                .is_some_and(|at| at.elapsed().as_millis() < ONE_CHANGE_MS);
        if !goes_on {
            self.draft.past.push(before);
            if self.draft.past.len() > MOST_PAST {
                self.draft.past.remove(0);
            }
        }
        self.typed = text_only.then(Instant::now);
        self.draft.future.clear();
        self.deeds_since = 0;
        self.asked.clear();
    }

    /// What is said is an event now: there is nothing of the form to undo any more.
    pub fn settle(&mut self) {
        self.touched = false;
        self.draft.past.clear();
        self.draft.future.clear();
        self.asked.clear();
        self.marking = None;
        self.typed = None;
    }

    /// Goes back one change, or forward again; false where there is none.
    pub fn reverse(&mut self, undo: bool) -> bool {
        let draft = &mut self.draft;
        let (from, to) = if undo {
            (&mut draft.past, &mut draft.future)
        } else {
            (&mut draft.future, &mut draft.past)
        };
        let Some(judgment) = from.pop() else {
            return false;
        };
        to.push(std::mem::replace(&mut draft.judgment, judgment));
        self.typed = None;
        self.marking = None;
        self.asked.clear();
        true
    }
}

/// The letter of the response that stands at a place: A is the left one.
pub fn letter(side: usize) -> String {
    char::from_u32('A' as u32 + side as u32)
        .filter(|_| side < 26)
        .map_or_else(|| format!("R{}", side + 1), String::from)
}

/// All fields in the order in which the keyboard visits them. Only pairs are compared.
pub fn fields(schema: &LabelSchema, responses: usize) -> Vec<Field> {
    let mut fields: Vec<Field> = vec![];
    if schema.asks_ratings() {
        fields.extend((0..responses).flat_map(|side| {
            (0..schema.attributes.len()).map(move |attribute| Field::Rating { side, attribute })
        }));
    }
    if schema.asks_preference(responses) {
        fields.push(Field::Preference);
    }
    if schema.asks_ranking(responses) {
        fields.push(Field::Ranking);
    }
    if schema.asks_reason() {
        fields.push(Field::Justification);
    }
    if !schema.tags.is_empty() {
        fields.push(Field::Tags);
    }
    if schema.confidence {
        fields.push(Field::Confidence);
    }
    fields
}

/// Where the keyboard begins.
pub fn first_field(schema: &LabelSchema, responses: usize) -> Field {
    fields(schema, responses)
        .first()
        .copied()
        .unwrap_or(Field::Justification)
}

/// How many characters of a reason an item needs: only a comparison has to be explained.
pub fn reason_needed(schema: &LabelSchema, responses: usize) -> usize {
    let compares = schema.asks_preference(responses) || schema.asks_ranking(responses);
    if compares && schema.asks_reason() {
        schema.min_justification
    } else {
        0
    }
}

/// Whether a field may be filled in now. Sequential labels go step by step: A alone, B alone, and only then the comparison.
pub fn reached(
    field: Field,
    schema: &LabelSchema,
    shown: &[ResponseKey],
    judgment: &Judgment,
) -> bool {
    if schema.mode != Mode::Sequential {
        return true;
    }
    let before = match field {
        Field::Rating { side, .. } => side,
        _ => shown.len(),
    };
    !missing(schema, shown, judgment)
        .iter()
        .any(|f| matches!(f, Field::Rating { side, .. } if *side < before))
}

/// Whether both responses stand open beside each other as far as the form goes.
pub fn compared_side_by_side(schema: &LabelSchema, focus: Field) -> bool {
    schema.mode != Mode::Sequential || !matches!(focus, Field::Rating { .. })
}

/// Whether a field is answered well enough to commit.
pub fn answered(
    field: Field,
    schema: &LabelSchema,
    shown: &[ResponseKey],
    judgment: &Judgment,
) -> bool {
    let neither = judgment.preference == Some(Preference::NeitherValid);
    match field {
        // Where neither is valid there is nothing to rate.
        Field::Rating { .. } if neither => true,
        Field::Rating { side, attribute } => {
            match (shown.get(side), schema.attributes.get(attribute)) {
                (Some(key), Some(attribute)) => {
                    !attribute.required || judgment.ratings.get(*key, &attribute.name).is_some()
                }
                _ => true,
            }
        }
        Field::Preference => judgment.preference.is_some(),
        Field::Ranking => !judgment.ranking.is_empty(),
        Field::Justification => {
            characters(&judgment.justification) >= reason_needed(schema, shown.len())
        }
        Field::Tags | Field::Confidence => true,
    }
}

/// Length of a justification as it is counted: without surrounding white space.
pub fn characters(text: &str) -> usize {
    text.trim().chars().count()
}

/// The fields that keep a label from being committed.
pub fn missing(schema: &LabelSchema, shown: &[ResponseKey], judgment: &Judgment) -> Vec<Field> {
    fields(schema, shown.len())
        .into_iter()
        .filter(|f| !answered(*f, schema, shown, judgment))
        .collect()
}

/// What is missing, in words; `commit` is the key that commits, or goes to the first that is missing.
pub fn missing_text(
    missing: &[Field],
    schema: &LabelSchema,
    responses: usize,
    judgment: &Judgment,
    commit: &str,
) -> String {
    let mut parts: Vec<String> = vec![];
    for side in 0..responses {
        let open = missing
            .iter()
            .filter(|f| matches!(f, Field::Rating { side: s, .. } if *s == side))
            .count();
        match open {
            0 => {}
            n => parts.push(words::ratings_open(n, &letter(side))),
        }
    }
    if missing.contains(&Field::Preference) {
        parts.push(words::PREFERENCE_OPEN.to_owned());
    }
    if missing.contains(&Field::Ranking) {
        parts.push(words::RANKING_OPEN.to_owned());
    }
    if missing.contains(&Field::Justification) {
        let more = schema
            .min_justification
            .saturating_sub(characters(&judgment.justification));
        parts.push(words::reason_open(more));
    }
    match parts.as_slice() {
        [] => words::complete(commit),
        parts => {
            let text = parts.join(", ");
            let mut chars = text.chars();
            let first = chars
                .next()
                .map(|c| c.to_uppercase().to_string())
                .unwrap_or_default();
            words::incomplete(&(first + chars.as_str()), commit)
        }
    }
}

/// The preference as a position on the bar: -max..=max from left to right without 0, 0 for a tie; `None` where there is none
/// or neither is valid.
pub fn bar_position(judgment: &Judgment, shown: &[ResponseKey]) -> Option<i32> {
    let [left, right] = shown else { return None };
    judgment
        .preference
        .and_then(|p| p.signed(*left, *right))
        .filter(|v| *v != -100)
}

/// The keys of the responses in the order in which they are shown.
pub fn shown_keys(item: &Item, order: &[usize]) -> Vec<ResponseKey> {
    order
        .iter()
        .filter_map(|at| item.responses.get(*at))
        .map(|r| r.key)
        .collect()
}
