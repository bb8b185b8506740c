//! Deeds that become events: commit, skip, flag, undo, redo.

use std::time::{Duration, Instant};

use super::form::{edit, focus, reverse_edit};
use crate::app::effect::{Afterwards, Effect, Target};
use crate::app::form::{fields, first_field, missing};
use crate::app::guidelines;
use crate::app::state::{AppState, ModelState, Notice, OpenItem, Saved, Screen};
use crate::app::words;
use crate::domain::{
    BesideScores, Circumstances, Doubt, Event, EventBody, EventId, Label, LabelContext,
    LabelSchema, Mode, Score, ScorePolicy, VisibleScore, doubts,
};

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
    if fields(schema, open.shown.len()).is_empty() {
        let text = words::form::NOTHING_ASKED;
        state.notice = Some(Notice::told(text));
        return vec![];
    }
    let mut judgment = open.form.draft.judgment.clone();
    judgment.fit(schema, &open.shown);
    let found = doubts_of(schema, open);
    let asked: Vec<Doubt> = found.iter().copied().filter(|d| d.is_asked()).collect();
    if asked.iter().any(|doubt| !open.form.asked.contains(doubt)) {
        state.last_commit = Some(Instant::now());
        if let Some(open) = state.open_item_mut() {
            open.form.asked = asked;
        }
        return vec![];
    }
    let mode = match schema.mode {
        Mode::SideBySide if state.compact || open.shown.len() != 2 => Mode::OneAtATime,
        mode => mode,
    };
    let guideline_version = state
        .project
        .as_ref()
        .and_then(|p| p.info.guidelines.as_deref())
        .map(guidelines::version);
    let visible = state.scores_visible();
    let scorer = match &state.model {
        ModelState::Ready(card) if visible => Some(card.info.id.clone()),
        _ => None,
    };
    let visible_scores = if scorer.is_some() {
        seen(open.scores.values().filter_map(|s| s.as_ref().ok()))
    } else {
        vec![]
    };
    let beside = state.library.ready_beside().filter(|_| visible);
    let beside = beside
        .filter_map(|card| {
            let given = seen(open.beside.get(&card.info.id.key())?.values());
            (!given.is_empty()).then(|| BesideScores {
                scorer: card.info.id.clone(),
                scores: given,
            })
        })
        .collect();
    let policy = state
        .project
        .as_ref()
        .map_or(ScorePolicy::Live, |p| p.info.policy);
    let label = Label {
        judgment,
        context: LabelContext {
            shown: open.shown.clone(),
            mode,
            policy,
            scorer: scorer.filter(|_| !visible_scores.is_empty()),
            scores: visible_scores,
            beside,
            active_ms: open.form.draft.active_ms,
            idle_ms: open.form.draft.idle_ms,
            schema: schema.id(),
            guideline_version,
            post_reveal: open.revealed || open.committed(),
            doubts: found.iter().map(|d| d.id().to_owned()).collect(),
        },
    };
    let next = Target::NextUnlabelled(Some(open.position));
    let practice = open.practice.is_some();
    state.last_commit = Some(Instant::now());
    if practice {
        return append_here(state, EventBody::Practice(Box::new(label)));
    }
    append(
        state,
        EventBody::Label(Box::new(label)),
        Afterwards::Open(next),
    )
}

/// Scores as they were seen: what is no number was not.
fn seen<'a>(scores: impl Iterator<Item = &'a Score>) -> Vec<VisibleScore> {
    scores
        .filter(|s| s.score.is_finite())
        .map(|s| VisibleScore {
            response: s.response,
            score: s.score,
            attributes: s.attributes.clone(),
        })
        .collect()
}

/// What looks odd in what is said of the open item.
fn doubts_of(schema: &LabelSchema, open: &OpenItem) -> Vec<Doubt> {
    let texts = open
        .order
        .iter()
        .filter_map(|at| open.item.responses.get(*at))
        .flat_map(|r| &r.turns)
        .map(|t| t.content.as_str());
    let given = Circumstances {
        schema,
        shown: &open.shown,
        texts: texts.collect(),
        active_ms: open.form.draft.active_ms,
    };
    doubts(&open.form.draft.judgment, &given)
}

/// Puts the open item off: it comes back when nothing else is left.
pub(super) fn later(state: &mut AppState) -> Vec<Effect> {
    let Some(position) = state.open_item().map(|o| o.position) else {
        return vec![];
    };
    let next = Target::NextUnlabelled(Some(position));
    append(state, EventBody::Later, Afterwards::Open(next))
}

/// Says something about the open item that belongs to no field.
pub(super) fn comment(state: &mut AppState, text: &str) -> Vec<Effect> {
    let text = text.trim();
    if text.is_empty() {
        return vec![];
    }
    state.overlay = None;
    let text = text.to_owned();
    append_here(state, EventBody::Comment { text })
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
        open.form.focus = first_field(&project.info.schema, open.shown.len());
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
    if state
        .project
        .as_ref()
        .is_some_and(|p| p.info.policy == policy)
    {
        return vec![];
    }
    set_rule(state, EventBody::Policy { policy })
}

/// Changes what annotators are asked. The version is raised; labels made before keep the schema they were made under.
pub(super) fn set_schema(state: &mut AppState, mut schema: LabelSchema) -> Vec<Effect> {
    let Some(now) = state.schema() else {
        return vec![];
    };
    schema.version = now.version;
    if schema == *now {
        state.overlay = None;
        return vec![];
    }
    if let Err(error) = schema.check() {
        state.notice = Some(Notice::error(words::schema::unchanged(&error)));
        return vec![];
    }
    schema.version += 1;
    state.overlay = None;
    set_rule(
        state,
        EventBody::Schema {
            schema: Box::new(schema),
        },
    )
}

/// Says again what an earlier event of the open item said; what it says now stays in the log, or a step of undo away.
pub(super) fn restore(state: &mut AppState, event: EventId) -> Vec<Effect> {
    let Some((item, events)) = &state.item_history else {
        return vec![];
    };
    if state.open_item().is_none_or(|open| open.item.id != *item) {
        return vec![];
    }
    let Some(body) = events
        .iter()
        .find(|e| e.id == event)
        .map(|e| e.body.clone())
    else {
        return vec![];
    };
    match body {
        // Into the form, so that it is seen before it is committed, and undo brings back what was there.
        EventBody::Label(label) => edit(state, |open| open.form.draft.judgment = label.judgment),
        body @ (EventBody::Skip { .. } | EventBody::Later) => append_here(state, body),
        _ => vec![],
    }
}

/// Sets a rule of the whole project from here on: an event without an item.
pub(super) fn set_rule(state: &mut AppState, body: EventBody) -> Vec<Effect> {
    if !state.can_write() {
        return vec![];
    }
    let annotator = state.settings.annotator.clone();
    let Some(project) = state.project.as_mut().filter(|p| p.settled()) else {
        return vec![];
    };
    project.appending = true;
    project.saved = Saved::Saving;
    let event = Event::now(&annotator, None, body);
    vec![Effect::Append {
        events: vec![event],
        then: Afterwards::Stay,
    }]
}

pub(super) fn reverse(state: &mut AppState, undo: bool) -> Vec<Effect> {
    if !state.can_write() {
        return vec![];
    }
    // Changes of the form come before deeds: they are the later ones, unless a deed has come since.
    if state.screen == Screen::Annotate
        && state.overlay.is_none()
        && let Some(effects) = reverse_edit(state, undo)
    {
        return effects;
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
