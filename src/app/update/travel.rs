//! Going from item to item, and scores ahead of the labeler.

use crate::app::effect::{Effect, Target};
use crate::app::state::{AppState, ModelState};

pub(super) fn step(state: &mut AppState, by: i64) -> Vec<Effect> {
    let (Some(open), Some(project)) = (state.open_item(), &state.project) else {
        return vec![];
    };
    let last = project.info.counts.total.saturating_sub(1);
    let to = open.position.saturating_add_signed(by).min(last);
    if to == open.position && !project.finished {
        return vec![];
    }
    leave(state, Target::Position(to))
}

/// Opens another item. The draft of this one is kept already; the time spent on it goes with it.
pub(super) fn leave(state: &mut AppState, target: Target) -> Vec<Effect> {
    let mut effects = vec![];
    if state.can_write()
        && let Some(open) = state.open_item()
        && open.form.touched
        && !open.form.draft.judgment.is_empty()
    {
        effects.push(Effect::PutDraft(
            open.item.id,
            Some(open.form.draft.clone()),
        ));
    }
    if let Some(project) = &mut state.project {
        project.moving = true;
    }
    effects.push(Effect::OpenItem(target));
    effects
}

pub(super) fn score_missing(state: &AppState) -> Vec<Effect> {
    let (ModelState::Ready(_), Some(open)) = (&state.model, state.open_item()) else {
        return vec![];
    };
    let mut wanted = vec![];
    // What the labeler reads first comes first.
    for key in &open.shown {
        if !open.scores.contains_key(key) {
            wanted.push((open.item.clone(), *key));
        }
    }
    for (item, scored) in &open.ahead {
        let missing = item.responses.iter().filter(|r| !scored.contains(&r.key));
        wanted.extend(missing.map(|r| (item.clone(), r.key)));
    }
    vec![Effect::Score(wanted)]
}

pub(super) fn read_scores(state: &AppState, key: String) -> Vec<Effect> {
    // Asked without an item, too: from then on items come with their scores.
    let open = state.open_item();
    let ahead = open
        .iter()
        .flat_map(|o| o.ahead.iter().map(|(item, _)| item.clone()));
    let items = open.iter().map(|o| o.item.clone()).chain(ahead).collect();
    vec![Effect::ReadScores(items, key)]
}
