//! Deeds that become events: commit, skip, flag, undo, redo.

use std::time::{Duration, Instant};

use super::form::focus;
use crate::app::effect::{Afterwards, Effect, Target};
use crate::app::form::{Field, missing};
use crate::app::state::{AppState, ModelState, ProjectState, Saved, Screen};
use crate::domain::{Event, EventBody, Label, LabelContext, Mode, ScorePolicy, VisibleScore};

/// Least time between two commits by key: a second press of Enter is an accident.
const COMMIT_PAUSE: Duration = Duration::from_millis(150);

pub(super) fn commit_or_missing(state: &mut AppState) -> Vec<Effect> {
    if state
        .last_commit
        .is_some_and(|at| at.elapsed() < COMMIT_PAUSE)
        || !state.can_write()
    {
        return vec![];
    }
    let (Some(schema), Some(open)) = (state.schema(), state.open_item()) else {
        return vec![];
    };
    let open_fields = missing(schema, &open.shown, &open.form.draft.judgment);
    if let Some(first) = open_fields.first() {
        let first = *first;
        focus(state, first);
        return vec![];
    }
    let mode = if state.compact || open.shown.len() != 2 {
        Mode::OneAtATime
    } else {
        Mode::SideBySide
    };
    let visible = state.scores_visible();
    let scorer = match &state.model {
        ModelState::Ready(card) if visible => Some(card.info.id.clone()),
        _ => None,
    };
    let visible_scores: Vec<VisibleScore> = if scorer.is_some() {
        let seen = open
            .scores
            .values()
            .filter_map(|s| s.as_ref().ok())
            .filter(|s| s.score.is_finite());
        seen.map(|s| VisibleScore {
            response: s.response,
            score: s.score,
            attributes: s.attributes.clone(),
        })
        .collect()
    } else {
        vec![]
    };
    let policy = state
        .project
        .as_ref()
        .map_or(ScorePolicy::Live, |p| p.info.policy);
    let label = Label {
        judgment: open.form.draft.judgment.clone(),
        context: LabelContext {
            shown: open.shown.clone(),
            mode,
            policy,
            scorer: scorer.filter(|_| !visible_scores.is_empty()),
            scores: visible_scores,
            active_ms: open.form.draft.active_ms,
            idle_ms: open.form.draft.idle_ms,
            schema: schema.id(),
            guideline_version: None,
        },
    };
    let next = Target::NextUnlabelled(Some(open.position));
    state.last_commit = Some(Instant::now());
    append(
        state,
        EventBody::Label(Box::new(label)),
        Afterwards::Open(next),
    )
}

pub(super) fn skip(state: &mut AppState, reason: &str) -> Vec<Effect> {
    let reason = reason.trim();
    let Some(position) = state
        .open_item()
        .map(|o| o.position)
        .filter(|_| !reason.is_empty())
    else {
        return vec![];
    };
    state.overlay = None;
    let next = Target::NextUnlabelled(Some(position));
    append(
        state,
        EventBody::Skip {
            reason: reason.to_owned(),
        },
        Afterwards::Open(next),
    )
}

pub(super) fn append_here(state: &mut AppState, body: EventBody) -> Vec<Effect> {
    append(state, body, Afterwards::Stay)
}

pub(super) fn append(state: &mut AppState, body: EventBody, then: Afterwards) -> Vec<Effect> {
    if !state.can_write() {
        return vec![];
    }
    let annotator = state.settings.annotator.clone();
    let Some(project) = state.project.as_mut().filter(|p| p.settled()) else {
        return vec![];
    };
    let Some(open) = &mut project.open else {
        return vec![];
    };
    let moving = matches!(then, Afterwards::Open(_));
    if moving {
        // What is typed from here on is meant for the next item.
        open.form.focus = Field::Rating {
            side: 0,
            attribute: 0,
        };
        state.enter_text = false;
    }
    let event = Event::now(&annotator, Some(open.item.id), body);
    project.appending = true;
    project.moving = moving;
    project.saved = Saved::Saving;
    vec![Effect::Append {
        events: vec![event],
        then,
    }]
}

/// Changes the score policy: an event of the project, which every label from then on records.
pub(super) fn set_policy(state: &mut AppState, policy: ScorePolicy) -> Vec<Effect> {
    state.overlay = None;
    if !state.can_write() {
        return vec![];
    }
    let annotator = state.settings.annotator.clone();
    let changed = |p: &&mut ProjectState| p.settled() && p.info.policy != policy;
    let Some(project) = state.project.as_mut().filter(changed) else {
        return vec![];
    };
    project.appending = true;
    project.saved = Saved::Saving;
    let event = Event::now(&annotator, None, EventBody::Policy { policy });
    vec![Effect::Append {
        events: vec![event],
        then: Afterwards::Stay,
    }]
}

pub(super) fn reverse(state: &mut AppState, undo: bool) -> Vec<Effect> {
    if !state.can_write() {
        return vec![];
    }
    let Some(project) = state.project.as_mut().filter(|p| p.settled()) else {
        return vec![];
    };
    let history = &project.info.history;
    let Some(target) = (if undo { &history.undo } else { &history.redo })
        .last()
        .copied()
    else {
        return vec![];
    };
    project.appending = true;
    project.moving = true;
    project.saved = Saved::Saving;
    state.screen = Screen::Annotate;
    state.overlay = None;
    let body = if undo {
        EventBody::Undo { target }
    } else {
        EventBody::Redo { target }
    };
    vec![Effect::Reverse { body }]
}
