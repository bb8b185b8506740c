//! Models: loading and dropping them, alone or beside each other, and scoring a whole project.

use crate::app::effect::Effect;
use crate::app::library::{BESIDE, model_of};
use crate::app::state::{AppState, JobState, ModelCard, ModelState, Screen};
use crate::app::words;
use crate::domain::{Score, ScorerId};
use crate::reward::ModelRef;

pub(super) fn load_model(state: &mut AppState, model: ModelRef) -> Vec<Effect> {
    let model = whole(model);
    let mut effects = unload_beside(state, &model);
    state.model = ModelState::Loading(model.clone());
    state.agreed = None;
    state.last_score_ms = None;
    state.library.probe = None;
    state.library.unscored = None;
    state.library.paused = None;
    state.settings.model = model.to_string();
    if let Some(open) = state.open_item_mut() {
        open.scores.clear();
        open.rescored.clear();
        open.ahead.iter_mut().for_each(|(_, scored)| scored.clear());
    }
    effects.extend([
        Effect::LoadModel(model),
        Effect::SaveSettings(state.settings.clone()),
    ]);
    effects
}

pub(super) fn unload_model(state: &mut AppState) -> Vec<Effect> {
    state.model = ModelState::Off;
    state.agreed = None;
    state.uncertain = false;
    state.last_score_ms = None;
    state.library.probe = None;
    state.library.unscored = None;
    "off".clone_into(&mut state.settings.model);
    if let Some(open) = state.open_item_mut() {
        open.scores.clear();
        open.rescored.clear();
    }
    vec![
        Effect::UnloadModel,
        Effect::Order { uncertain: false },
        Effect::SaveSettings(state.settings.clone()),
    ]
}

/// A path that does not depend on where the program was started; an id stays one.
fn whole(model: ModelRef) -> ModelRef {
    match model {
        ModelRef::Path(path) if path.is_relative() && path.exists() => {
            ModelRef::Path(std::path::absolute(&path).unwrap_or(path))
        }
        model => model,
    }
}

/// What the models screen needs when the model is ready: it stays in the list, and what it has not scored is counted.
pub(super) fn ready(state: &AppState, model: &ModelRef) -> Vec<Effect> {
    let mut effects = vec![];
    let mut listed = state.library.entries.iter().flatten();
    // What has no path of its own lies in the hub's cache, and is listed as such.
    let has_path = matches!(model, ModelRef::Path(path) if path.is_absolute());
    if has_path && !listed.any(|e| e.model == *model) {
        effects.push(Effect::AddModel(model.clone()));
    }
    effects.extend(count_unscored(state));
    effects
}

pub(super) fn count_unscored(state: &AppState) -> Vec<Effect> {
    match &state.model {
        ModelState::Ready(card) if state.screen == Screen::Models && state.project.is_some() => {
            vec![Effect::CountUnscored(card.info.id.key())]
        }
        _ => vec![],
    }
}

/// Loads a model beside the one that scores, unless it is there already or there are enough.
pub(super) fn load_beside(state: &mut AppState, model: ModelRef) -> Vec<Effect> {
    let beside = &mut state.library.beside;
    beside.retain(|b| !matches!(b, ModelState::Failed(failed, _) if *failed == model));
    let there = beside.iter().any(|b| model_of(b) == Some(&model));
    if there || beside.len() >= BESIDE || model_of(&state.model) == Some(&model) {
        return vec![];
    }
    beside.push(ModelState::Loading(model.clone()));
    vec![Effect::LoadBeside(model)]
}

pub(super) fn unload_beside(state: &mut AppState, model: &ModelRef) -> Vec<Effect> {
    let beside = &mut state.library.beside;
    let before = beside.len();
    beside.retain(|b| model_of(b) != Some(model));
    if beside.len() == before {
        return vec![];
    }
    vec![Effect::UnloadBeside(model.clone())]
}

/// A model is ready beside, unless it is not wanted any more.
pub(super) fn beside_ready(state: &mut AppState, card: Box<ModelCard>) -> Vec<Effect> {
    let wanted = state.library.beside.iter_mut();
    let mut wanted = wanted.filter(|b| model_of(b) == Some(&card.model));
    match wanted.next() {
        Some(place) => {
            *place = ModelState::Ready(card);
            score_beside(state)
        }
        None => vec![Effect::UnloadBeside(card.model)],
    }
}

/// Asks for what models beside say of the open item.
pub(super) fn score_beside(state: &AppState) -> Vec<Effect> {
    let open = state.open_item();
    let some = state.library.ready_beside().next().is_some();
    let wanted = open.filter(|_| some);
    wanted
        .map(|open| Effect::ScoreBeside(open.item.clone()))
        .into_iter()
        .collect()
}

/// Scores by a model beside: shown, and kept in the project.
pub(super) fn scored_beside(state: &mut AppState, by: ScorerId, given: Vec<Score>) -> Vec<Effect> {
    let key = by.key();
    // Of an item that is not here any more, perhaps of another project: too late.
    let here = |open: &crate::app::state::OpenItem| given.iter().all(|s| s.item == open.item.id);
    if !state.open_item().is_some_and(here) {
        return vec![];
    }
    if let Some(open) = state.open_item_mut() {
        let here = given.iter().filter(|s| s.item == open.item.id);
        let known = open.beside.entry(key).or_default();
        known.extend(here.map(|s| (s.response, s.clone())));
    }
    if given.is_empty() || !state.can_write() {
        return vec![];
    }
    vec![Effect::PutScores(by, given)]
}

/// Computes the scores of all items that have none by the model there is.
pub(super) fn score_all(state: &mut AppState) -> Vec<Effect> {
    let ModelState::Ready(card) = &state.model else {
        return vec![];
    };
    if state.job.is_some() || !state.can_write() {
        return vec![];
    }
    let model = card.model.clone();
    state.job = Some(JobState::new(words::jobs::scoring(&card.info.name)));
    state.library.scoring = true;
    state.library.paused = None;
    vec![Effect::ScoreAll(model)]
}

/// Lets the scoring of the project wait; going on is scoring what has no score.
pub(super) fn pause_scoring(state: &mut AppState) -> Vec<Effect> {
    let job = state.job.as_ref().filter(|_| state.library.scoring);
    let Some(job) = job else {
        return vec![];
    };
    state.library.paused = Some(job.progress);
    vec![Effect::CancelJob]
}
