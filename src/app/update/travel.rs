//! Going from item to item, and scores ahead of the labeler.

use super::form::put_draft;
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

/// Opens another item, unless one is on its way. The draft of this one is kept already; the time spent on it goes with it.
pub(super) fn leave(state: &mut AppState, target: Target) -> Vec<Effect> {
    let writable = state.can_write();
    let Some(project) = state.project.as_mut().filter(|p| p.settled()) else {
        return vec![];
    };
    let mut effects = vec![];
    if let Some(open) = project.open.as_ref().filter(|o| writable && o.form.touched) {
        let (item, draft) = (open.item.id, open.form.draft.clone());
        effects.push(put_draft(project, item, Some(draft)));
    }
    project.moving = true;
    effects.push(Effect::OpenItem(target));
    effects
}

pub(super) fn score_missing(state: &AppState) -> Vec<Effect> {
    let (ModelState::Ready(_), Some(open)) = (&state.model, state.open_item()) else {
        return vec![];
    };
    // What the labeler reads comes first.
    let here = open
        .shown
        .iter()
        .filter(|key| !open.scores.contains_key(*key))
        .copied()
        .collect();
    let mut wanted: Vec<(_, Vec<_>)> = vec![(open.item.clone(), here)];
    for (item, scored) in &open.ahead {
        let missing = item
            .responses
            .iter()
            .map(|r| r.key)
            .filter(|key| !scored.contains(key));
        wanted.push((item.clone(), missing.collect()));
    }
    wanted.retain(|(_, keys)| !keys.is_empty());
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
