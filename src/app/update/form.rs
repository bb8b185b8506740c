//! Filling in the form: where the keyboard is, ratings, the preference, the reason.

use crate::app::action::preference_at;
use crate::app::effect::Effect;
use crate::app::form::{self, Field, bar_position, fields};
use crate::app::state::{AppState, Notice, OpenItem, ProjectState, Saved};
use crate::domain::{Draft, ItemId, Outcome, Preference};

pub(super) fn focus(state: &mut AppState, field: Field) {
    if let Some(open) = state.open_item_mut() {
        open.form.focus = field;
    }
    if let Field::Rating { side, .. } = field {
        state.side = side;
    }
    state.enter_text = field == Field::Justification;
}

pub(super) fn move_focus(state: &mut AppState, by: i64) -> Vec<Effect> {
    let (Some(schema), Some(open)) = (state.schema(), state.open_item()) else {
        return vec![];
    };
    let all = fields(schema, open.shown.len());
    let at = all.iter().position(|f| *f == open.form.focus).unwrap_or(0);
    let next = (at as i64 + by).clamp(0, all.len() as i64 - 1) as usize;
    focus(state, all[next]);
    vec![]
}

pub(super) fn focus_side(state: &mut AppState, side: usize) -> Vec<Effect> {
    let Some(open) = state.open_item() else {
        return vec![];
    };
    if side >= open.shown.len() {
        return vec![];
    }
    state.side = side;
    // The keyboard goes to the first open rating of that response, or to its first one.
    let Some(schema) = state.schema() else {
        return vec![];
    };
    let attributes = schema.attributes.len();
    let Some(open) = state.open_item() else {
        return vec![];
    };
    let attribute = (0..attributes)
        .find(|a| {
            !form::answered(
                Field::Rating {
                    side,
                    attribute: *a,
                },
                schema,
                &open.shown,
                &open.form.draft.judgment,
            )
        })
        .unwrap_or(0);
    focus(state, Field::Rating { side, attribute });
    vec![]
}

/// Changes the form and keeps the draft; a draft that says no more than the committed label, or nothing, is dropped.
pub(super) fn edit(state: &mut AppState, change: impl FnOnce(&mut OpenItem)) -> Vec<Effect> {
    if !state.can_write() {
        return vec![];
    }
    let Some(project) = state.project.as_mut().filter(|p| p.settled()) else {
        return vec![];
    };
    let Some(open) = &mut project.open else {
        return vec![];
    };
    let before = open.form.draft.judgment.clone();
    change(open);
    let now = &open.form.draft.judgment;
    if *now == before {
        return vec![];
    }
    let committed = match &open.outcome {
        Some(Outcome::Labelled(label)) => label.judgment == *now,
        _ => false,
    };
    open.form.touched = !committed && !now.is_empty();
    let draft = open.form.touched.then(|| open.form.draft.clone());
    let item = open.item.id;
    vec![put_draft(project, item, draft)]
}

/// Sends a draft to the disk; until it is there, nothing is said to be saved.
pub(super) fn put_draft(project: &mut ProjectState, item: ItemId, draft: Option<Draft>) -> Effect {
    project.drafts_in_flight += 1;
    project.saved = Saved::Saving;
    Effect::PutDraft(item, draft)
}

pub(super) fn press_digit(state: &mut AppState, digit: u8) -> Vec<Effect> {
    match state.focus() {
        Some(Field::Rating { side, attribute }) => {
            rate(state, side, attribute, Some(i32::from(digit)))
        }
        Some(Field::Preference) => match digit {
            0 => neither_valid(state),
            1..=7 => prefer(state, i32::from(digit) - 4),
            _ => vec![],
        },
        _ => vec![],
    }
}

pub(super) fn rate(
    state: &mut AppState,
    side: usize,
    attribute: usize,
    level: Option<i32>,
) -> Vec<Effect> {
    let Some(attribute_of) = state
        .schema()
        .and_then(|s| s.attributes.get(attribute))
        .cloned()
    else {
        return vec![];
    };
    if level.is_some_and(|l| l < attribute_of.min || l > attribute_of.max) {
        return vec![];
    }
    focus(state, Field::Rating { side, attribute });
    let effects = edit(state, |open| {
        if let Some(key) = open.shown.get(side).copied() {
            let judgment = &mut open.form.draft.judgment;
            judgment
                .ratings
                .set(key, &attribute_of.name, level.map(f64::from));
            if judgment.preference == Some(Preference::NeitherValid) && level.is_some() {
                judgment.preference = None;
            }
        }
    });
    if level.is_some() {
        move_focus(state, 1);
    }
    effects
}

pub(super) fn prefer(state: &mut AppState, position: i32) -> Vec<Effect> {
    let Some(schema) = state.schema() else {
        return vec![];
    };
    if position == 0 && !schema.allow_tie {
        state.notice = Some(Notice::told(
            "These guidelines have no \"the same\": choose the side that is slightly better."
                .to_owned(),
        ));
        return vec![];
    }
    if position.unsigned_abs() > u32::from(schema.max_strength) {
        return vec![];
    }
    if state.open_item().is_some_and(|o| o.shown.len() != 2) {
        return vec![];
    }
    focus(state, Field::Preference);
    let effects = edit(state, |open| {
        if let [left, right] = open.shown.as_slice() {
            open.form.draft.judgment.preference = preference_at(position, *left, *right);
        }
    });
    move_focus(state, 1);
    effects
}

pub(super) fn move_preference(state: &mut AppState, by: i32) -> Vec<Effect> {
    let (Some(schema), Some(open)) = (state.schema(), state.open_item()) else {
        return vec![];
    };
    let max = i32::from(schema.max_strength);
    let tie = schema.allow_tie;
    let next = match bar_position(&open.form.draft.judgment, &open.shown) {
        None => by.signum(),
        Some(now) => {
            let next = now + by.signum();
            // Without a tie the bar has no middle.
            if next == 0 && !tie { by.signum() } else { next }
        }
    };
    let next = next.clamp(-max, max);
    edit(state, |open| {
        if let [left, right] = open.shown.as_slice() {
            open.form.draft.judgment.preference = preference_at(next, *left, *right);
        }
    })
}

pub(super) fn neither_valid(state: &mut AppState) -> Vec<Effect> {
    if !state.schema().is_some_and(|s| s.allow_neither)
        || state.open_item().is_some_and(|o| o.shown.len() != 2)
    {
        return vec![];
    }
    focus(state, Field::Preference);
    edit(state, |open| {
        let preference = &mut open.form.draft.judgment.preference;
        *preference = if *preference == Some(Preference::NeitherValid) {
            None
        } else {
            Some(Preference::NeitherValid)
        };
    })
}

pub(super) fn clear_field(state: &mut AppState) -> Vec<Effect> {
    match state.focus() {
        Some(Field::Rating { side, attribute }) => rate(state, side, attribute, None),
        Some(Field::Preference) => edit(state, |open| open.form.draft.judgment.preference = None),
        _ => vec![],
    }
}
