//! The form: which fields an item has, which of them are missing, and where the keyboard is.

use crate::domain::{Draft, Item, Judgment, LabelSchema, Preference, ResponseKey};

/// One field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// Why.
    Justification,
}

/// The form of an open item.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// What is said so far.
    pub draft: Draft,
    /// Where the keyboard is.
    pub focus: Field,
    /// Whether something was changed since the item was opened or committed.
    pub touched: bool,
}

impl Form {
    /// A form that begins with a draft.
    pub fn new(draft: Draft) -> Self {
        Self {
            draft,
            focus: Field::Rating {
                side: 0,
                attribute: 0,
            },
            touched: false,
        }
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
    let mut fields: Vec<Field> = (0..responses)
        .flat_map(|side| {
            (0..schema.attributes.len()).map(move |attribute| Field::Rating { side, attribute })
        })
        .collect();
    if responses == 2 {
        fields.push(Field::Preference);
    }
    fields.push(Field::Justification);
    fields
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
                    judgment.ratings.get(*key, &attribute.name).is_some()
                }
                _ => true,
            }
        }
        Field::Preference => judgment.preference.is_some(),
        // Only a comparison has to be explained.
        Field::Justification if shown.len() != 2 => true,
        Field::Justification => characters(&judgment.justification) >= schema.min_justification,
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

/// What is missing, in words.
pub fn missing_text(
    missing: &[Field],
    schema: &LabelSchema,
    responses: usize,
    judgment: &Judgment,
) -> String {
    let mut parts: Vec<String> = vec![];
    for side in 0..responses {
        let open = missing
            .iter()
            .filter(|f| matches!(f, Field::Rating { side: s, .. } if *s == side))
            .count();
        match open {
            0 => {}
            1 => parts.push(format!("1 rating of {} is open", letter(side))),
            n => parts.push(format!("{n} ratings of {} are open", letter(side))),
        }
    }
    if missing.contains(&Field::Preference) {
        parts.push("the preference is open".to_owned());
    }
    if missing.contains(&Field::Justification) {
        let more = schema
            .min_justification
            .saturating_sub(characters(&judgment.justification));
        parts.push(format!("the reason needs {more} more characters"));
    }
    match parts.as_slice() {
        [] => "Complete. Enter commits.".to_owned(),
        parts => {
            let text = parts.join(", ");
            let mut chars = text.chars();
            let first = chars
                .next()
                .map(|c| c.to_uppercase().to_string())
                .unwrap_or_default();
            format!("{first}{}. Enter goes to the first.", chars.as_str())
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
