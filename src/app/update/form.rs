//! Filling in the form: where the keyboard is, ratings, the preference, the reason.

use crate::app::action::preference_at;
use crate::app::effect::Effect;
use crate::app::form::{self, Field, bar_position, fields, letter, missing, reached};
use crate::app::state::{AppState, ModelState, Notice, OpenItem, ProjectState, Saved, Unmarkable};
use crate::app::words::form as words;
use crate::domain::{Draft, ItemId, Outcome, Preference, ResponseKey, SpanMark};

/// Moves the keyboard to a field. Where labels go step by step, a later step leads to what is open before it.
pub(super) fn focus(state: &mut AppState, mut field: Field) {
    if let (Some(schema), Some(open)) = (state.schema(), state.open_item()) {
        let all = fields(schema, open.shown.len());
        let judgment = &open.form.draft.judgment;
        if !all.contains(&field) {
            field = all.first().copied().unwrap_or(Field::Preference);
        } else if !reached(field, schema, &open.shown, judgment) {
            let first = missing(schema, &open.shown, judgment).first().copied();
            if let Some(Field::Rating { side, .. }) = first {
                let text = words::rate_first(&letter(side));
                state.notice = Some(Notice::told(text));
            }
            field = first.unwrap_or(field);
        }
    }
    if let Some(open) = state.open_item_mut() {
        open.form.focus = field;
        open.form.marking = None;
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
    if all.is_empty() {
        return vec![];
    }
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
    // The keyboard goes to the first open rating of that response, or to its first one.
    let Some(schema) = state.schema() else {
        return vec![];
    };
    let attributes = schema.attributes.len();
    let Some(open) = state.open_item() else {
        return vec![];
    };
    if !schema.asks_ratings() {
        state.side = side;
        return vec![];
    }
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
    if open.form.draft.judgment == before {
        return vec![];
    }
    open.form.remember(before);
    keep(project)
}

/// Goes back one change of the form, or forward again; `None` where there is none and a deed has to be undone instead.
pub(super) fn reverse_edit(state: &mut AppState, undo: bool) -> Option<Vec<Effect>> {
    if !state.can_write() {
        return None;
    }
    let project = state.project.as_mut().filter(|p| p.settled())?;
    let finished = project.finished;
    let open = project
        .open
        .as_mut()
        .filter(|o| o.form.deeds_since == 0 && !finished)?;
    open.form.reverse(undo).then(|| keep(project))
}

/// Keeps the form of the open item as a draft.
fn keep(project: &mut ProjectState) -> Vec<Effect> {
    let Some(open) = &mut project.open else {
        return vec![];
    };
    let now = &open.form.draft.judgment;
    let committed = match &open.outcome {
        Some(Outcome::Labelled(label)) => label.judgment == *now,
        _ => false,
    };
    open.form.touched = !committed && !now.is_empty();
    // What was undone can be redone after a restart, so that it is kept too.
    let kept = open.form.touched || !open.form.draft.future.is_empty();
    let draft = kept.then(|| open.form.draft.clone());
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
    if state.marking().is_some() {
        return tag_mark(state, usize::from(digit).wrapping_sub(1));
    }
    match state.focus() {
        Some(Field::Rating { side, attribute }) => {
            rate(state, side, attribute, Some(i32::from(digit)))
        }
        Some(Field::Preference) => match digit {
            0 => neither_valid(state),
            1..=7 => {
                // On a shorter scale the outer digits mean its ends.
                let most = state.schema().map_or(3, |s| i32::from(s.max_strength));
                prefer(state, (i32::from(digit) - 4).clamp(-most, most))
            }
            _ => vec![],
        },
        Some(Field::Ranking) => pick_card(state, usize::from(digit).wrapping_sub(1)),
        Some(Field::Tags) => toggle_tag(state, usize::from(digit).wrapping_sub(1)),
        Some(Field::Confidence) => set_confidence(state, digit),
        _ => vec![],
    }
}

/// Chooses a reason tag or takes it back.
pub(super) fn toggle_tag(state: &mut AppState, at: usize) -> Vec<Effect> {
    let Some(tags) = state.schema().map(|s| s.tags.clone()) else {
        return vec![];
    };
    let Some(tag) = tags.get(at) else {
        return vec![];
    };
    focus(state, Field::Tags);
    edit(state, |open| {
        let chosen = &mut open.form.draft.judgment.tags;
        if chosen.contains(tag) {
            chosen.retain(|t| t != tag);
        } else {
            chosen.push(tag.clone());
            // In the schema's order; what the schema has lost meanwhile stays at the end.
            chosen.sort_by_key(|t| {
                tags.iter()
                    .position(|known| known == t)
                    .unwrap_or(usize::MAX)
            });
        }
    })
}

/// Sets how sure the annotator is; again the same takes it back.
pub(super) fn set_confidence(state: &mut AppState, level: u8) -> Vec<Effect> {
    if !(1..=5).contains(&level) || !state.schema().is_some_and(|s| s.confidence) {
        return vec![];
    }
    focus(state, Field::Confidence);
    edit(state, |open| {
        let confidence = &mut open.form.draft.judgment.confidence;
        *confidence = (*confidence != Some(level)).then_some(level);
    })
}

// -----------------------------------------------------------------------------------------
// Marking spans

/// Marks what is selected and takes the mark in hand, so that a digit gives it a tag.
pub(super) fn mark(state: &mut AppState) -> Vec<Effect> {
    let selected = state.open_item().and_then(|o| o.selected.clone());
    let (side, span) = match selected {
        None => {
            state.notice = Some(Notice::told(words::select_first(&state.key("find"))));
            return vec![];
        }
        Some((_, Err(why))) => {
            state.notice = Some(Notice::told(match why {
                Unmarkable::WrittenOut => words::WRITTEN_OUT,
                Unmarkable::NoPlace => words::NO_PLACE,
            }));
            return vec![];
        }
        Some((side, Ok(span))) => (side, span),
    };
    let Some(response) = state.open_item().and_then(|o| o.shown.get(side)).copied() else {
        return vec![];
    };
    let effects = edit(state, |open| {
        let marks = &mut open.form.draft.judgment.marks;
        if !marks
            .iter()
            .any(|m| m.response == response && m.span == span)
        {
            marks.push(SpanMark {
                response,
                span: span.clone(),
                tag: None,
            });
        }
    });
    let tags = state.schema().map_or(0, |s| s.tags.len());
    if let Some(open) = state.open_item_mut() {
        let marks = &open.form.draft.judgment.marks;
        let at = marks
            .iter()
            .position(|m| m.response == response && m.span == span);
        // Without tags there is nothing more to say of it.
        open.form.marking = at.filter(|_| tags > 0);
    }
    effects
}

pub(super) fn pick_mark(state: &mut AppState, at: usize) -> Vec<Effect> {
    let writable = state.can_write() && state.schema().is_some_and(|s| !s.tags.is_empty());
    if let Some(open) = state.open_item_mut() {
        let there = at < open.form.draft.judgment.marks.len();
        open.form.marking = (writable && there && open.form.marking != Some(at)).then_some(at);
    }
    vec![]
}

/// Gives the mark in hand a tag of the schema and lets go of it; the same tag again takes it away.
pub(super) fn tag_mark(state: &mut AppState, tag: usize) -> Vec<Effect> {
    let tag = state.schema().and_then(|s| s.tags.get(tag)).cloned();
    let (Some(tag), Some(at)) = (tag, state.marking()) else {
        return vec![];
    };
    let effects = edit(state, |open| {
        if let Some(mark) = open.form.draft.judgment.marks.get_mut(at) {
            mark.tag = (mark.tag.as_ref() != Some(&tag)).then_some(tag);
        }
    });
    if let Some(open) = state.open_item_mut() {
        open.form.marking = None;
    }
    effects
}

pub(super) fn unmark(state: &mut AppState, at: usize) -> Vec<Effect> {
    if let Some(open) = state.open_item_mut() {
        open.form.marking = None;
    }
    edit(state, |open| {
        let marks = &mut open.form.draft.judgment.marks;
        if at < marks.len() {
            marks.remove(at);
        }
    })
}

// -----------------------------------------------------------------------------------------
// Rewriting a response

/// Opens a response for rewriting, or closes it.
pub(super) fn edit_response(state: &mut AppState, side: Option<usize>) -> Vec<Effect> {
    let writable = state.can_write();
    if let Some(open) = state.open_item_mut() {
        let side = side.filter(|side| writable && *side < open.shown.len());
        open.editing = side;
        if let Some(side) = side {
            state.side = side;
        }
    }
    rescore(state)
}

/// Takes what a response says now; the same as at first is no rewrite.
pub(super) fn rewrite(state: &mut AppState, side: usize, text: String) -> Vec<Effect> {
    let mut effects = edit(state, |open| {
        let same = open.original(side) == Some(text.as_str());
        let Some(key) = open.shown.get(side).copied() else {
            return;
        };
        let edits = &mut open.form.draft.judgment.edits;
        if same {
            edits.remove(&key);
        } else {
            edits.insert(key, text);
        }
    });
    if !effects.is_empty() {
        effects.extend(rescore(state));
    }
    effects
}

/// Scores the rewrite that is open, where scores may be seen.
pub(super) fn rescore(state: &AppState) -> Vec<Effect> {
    let (Some(open), true, ModelState::Ready(_)) =
        (state.open_item(), state.scores_visible(), &state.model)
    else {
        return vec![];
    };
    let Some(side) = open.editing else {
        return vec![];
    };
    match (open.shown.get(side), open.rewritten(side)) {
        (Some(key), Some(text)) => {
            let known = open.rescored.get(key).is_some_and(|(t, _)| t == text);
            if known {
                return vec![];
            }
            vec![Effect::Rescore(open.item.clone(), *key, text.to_owned())]
        }
        _ => vec![],
    }
}

// -----------------------------------------------------------------------------------------
// Ranking

/// Takes a card in hand. The first one begins the ranking, with the responses as they stand.
pub(super) fn pick_card(state: &mut AppState, side: usize) -> Vec<Effect> {
    if state.open_item().is_none_or(|o| side >= o.shown.len()) {
        return vec![];
    }
    focus(state, Field::Ranking);
    state.side = side;
    if let Some(open) = state.open_item_mut() {
        open.form.held = Some(side);
    }
    edit(state, |open| {
        let ranking = &mut open.form.draft.judgment.ranking;
        if ranking.is_empty() {
            *ranking = open.shown.iter().map(|key| vec![*key]).collect();
        }
    })
}

/// Moves the card in hand up (-1) or down (1): out of a tie first, then past the next group.
pub(super) fn move_card(state: &mut AppState, by: i64) -> Vec<Effect> {
    change_ranking(state, |ranking, group, key| {
        if ranking[group].len() > 1 {
            ranking[group].retain(|k| *k != key);
            ranking.insert(if by < 0 { group } else { group + 1 }, vec![key]);
            return;
        }
        let to = group.saturating_add_signed(by as isize);
        if to < ranking.len() {
            ranking.swap(group, to);
        }
    })
}

/// Ties the card in hand with those above it.
pub(super) fn tie_card(state: &mut AppState) -> Vec<Effect> {
    change_ranking(state, |ranking, group, key| {
        if group == 0 {
            return;
        }
        ranking[group].retain(|k| *k != key);
        ranking[group - 1].push(key);
        ranking.retain(|tied| !tied.is_empty());
    })
}

fn change_ranking(
    state: &mut AppState,
    change: impl FnOnce(&mut Vec<Vec<ResponseKey>>, usize, ResponseKey),
) -> Vec<Effect> {
    let held = state.open_item().and_then(|o| o.form.held);
    let Some(held) = held else {
        state.notice = Some(Notice::told(words::PICK_FIRST));
        return vec![];
    };
    edit(state, |open| {
        let Some(key) = open.shown.get(held).copied() else {
            return;
        };
        let ranking = &mut open.form.draft.judgment.ranking;
        if let Some(group) = ranking.iter().position(|tied| tied.contains(&key)) {
            change(ranking, group, key);
        }
    })
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
    let field = Field::Rating { side, attribute };
    focus(state, field);
    if state.focus() != Some(field) {
        return vec![];
    }
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
        state.notice = Some(Notice::told(words::NO_TIE.to_owned()));
        return vec![];
    }
    if position.unsigned_abs() > u32::from(schema.max_strength) {
        return vec![];
    }
    if !asks_preference(state) {
        return vec![];
    }
    focus(state, Field::Preference);
    if state.focus() != Some(Field::Preference) {
        return vec![];
    }
    let effects = edit(state, |open| {
        if let [left, right] = open.shown.as_slice() {
            open.form.draft.judgment.preference = preference_at(position, *left, *right);
        }
    });
    move_focus(state, 1);
    effects
}

fn asks_preference(state: &AppState) -> bool {
    let responses = state.open_item().map_or(0, |o| o.shown.len());
    state.schema().is_some_and(|s| s.asks_preference(responses))
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
    if !state.schema().is_some_and(|s| s.allow_neither) || !asks_preference(state) {
        return vec![];
    }
    // Where neither is valid there is nothing to rate, so that no step has to come before it.
    if let Some(open) = state.open_item_mut() {
        open.form.focus = Field::Preference;
    }
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
    if let Some(at) = state.marking() {
        return unmark(state, at);
    }
    match state.focus() {
        Some(Field::Rating { side, attribute }) => rate(state, side, attribute, None),
        Some(Field::Preference) => edit(state, |open| open.form.draft.judgment.preference = None),
        Some(Field::Ranking) => edit(state, |open| {
            open.form.held = None;
            open.form.draft.judgment.ranking.clear();
        }),
        Some(Field::Justification) => {
            edit(state, |open| open.form.draft.judgment.justification.clear())
        }
        Some(Field::Tags) => edit(state, |open| open.form.draft.judgment.tags.clear()),
        Some(Field::Confidence) => edit(state, |open| open.form.draft.judgment.confidence = None),
        None => vec![],
    }
}
