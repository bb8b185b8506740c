//! What finished work reports.

use super::form::rescore;
use super::models;
use super::places::{count_agreed, import, list, read_history, study, suggest_output};
use super::travel::{read_scores, score_missing};
use crate::app::action::Action;
use crate::app::effect::{Effect, Target};
use crate::app::form::{Field, first_field};
use crate::app::library::model_of;
use crate::app::state::{
    AppState, Counts, ModelState, Notice, Offer, OpenItem, Overlay, ProjectState, QueueState,
    Saved, Screen, StudyState, TrainingState,
};
use crate::app::words::notices as words;
use crate::domain::{Event, EventBody, History, Outcome};

/// Takes what finished work reports.
pub(super) fn take_report(state: &mut AppState, report: Action) -> Vec<Effect> {
    match report {
        Action::TakenOver { by } => {
            state.training.running = false;
            state.study.counting = None;
            let mut offers = vec![];
            if let Some(project) = &mut state.project {
                // The open answer stays on the screen: what was typed since the last draft is in no file.
                project.info.read_only = true;
                project.appending = false;
                project.moving = false;
                project.drafts_in_flight = 0;
                if project.open.as_ref().is_some_and(|open| open.form.touched) {
                    offers.push(Offer::SaveCopy);
                }
            }
            state.notice = Some(Notice {
                offers,
                ..Notice::told(words::taken_over(&by))
            });
            vec![]
        }
        Action::LookedAt(sheet) => {
            state.job = None;
            state.sheet = sheet;
            let Some(sheet) = &mut state.sheet else {
                return vec![];
            };
            sheet.recall(&state.settings.mappings);
            let ready = sheet.ready;
            // Whoever is writing is told, not interrupted.
            if state.overlay.is_none() && state.focus() != Some(Field::Justification) {
                state.overlay = Some(Overlay::ImportSheet);
            } else {
                state.notice = Some(Notice {
                    offers: vec![Offer::Import],
                    ..Notice::told(words::ready_to_import(ready))
                });
            }
            vec![]
        }
        Action::ProjectOpened(info) => {
            state.opening = false;
            state.dropped.clear();
            let empty = info.counts.total == 0;
            state.project = Some(ProjectState {
                info: *info,
                open: None,
                saved: Saved::Clean,
                finished: false,
                appending: false,
                moving: false,
                drafts_in_flight: 0,
            });
            state.queue = QueueState {
                wanted: (0, 60),
                ..QueueState::default()
            };
            state.imported = None;
            // The order is the desk's, and of the project that was open.
            state.uncertain = false;
            state.agreed = None;
            state.study = StudyState::default();
            state.library.unscored = None;
            state.library.paused = None;
            if state.job.is_none() {
                state.training = TrainingState::default();
            }
            state.exported = None;
            state.preview = None;
            if state.screen == Screen::Models {
                suggest_output(state);
            }
            // A file named for another project is not written over by this one.
            state.recipe.output.clear();
            let mut effects = if empty {
                vec![]
            } else {
                let target = state.go_to.take().map_or(Target::Resume, Target::Id);
                vec![Effect::OpenItem(target)]
            };
            effects.extend(list(state));
            if let Some((files, read_as)) = state.import_next.take() {
                effects.extend(import(state, files, read_as));
            }
            effects
        }
        Action::ProjectFailed {
            path,
            message,
            locked,
        } => {
            state.opening = false;
            state.go_to = None;
            state.import_next = None;
            let unsaved = |project: &ProjectState| matches!(project.saved, Saved::Failed(_));
            let offers = if locked {
                vec![Offer::ReadOnly(path.clone()), Offer::TakeOver(path)]
            } else if state.project.as_ref().is_some_and(unsaved) {
                vec![Offer::SaveCopy]
            } else {
                vec![]
            };
            state.notice = Some(Notice {
                offers,
                ..Notice::error(message)
            });
            vec![]
        }
        Action::Opened(mut opened) => {
            let scorer = match &state.model {
                ModelState::Ready(card) => Some(card.info.id.key()),
                _ => None,
            };
            if opened.scorer != scorer {
                opened.scores.clear();
            }
            let annotator = state.settings.annotator.clone();
            let Some(project) = &mut state.project else {
                return vec![];
            };
            let (seed, schema) = (project.info.seed, &project.info.schema);
            project.open = Some(OpenItem::new(*opened, &annotator, seed, schema));
            project.finished = false;
            project.moving = false;
            let place = state.open_item().and_then(|open| open.place.clone());
            state.side = match place.as_ref().and_then(|p| p.focus) {
                Some(Field::Rating { side, .. }) => side,
                _ => 0,
            };
            // The caret goes back to where it was, too.
            state.enter_text = state.focus() == Some(Field::Justification)
                && place.as_ref().is_some_and(|p| p.caret.is_some());
            state.scroll.clear();
            state.context_open = place.is_some_and(|p| p.context_open);
            let mut effects = score_missing(state);
            effects.extend(models::score_beside(state));
            effects.extend(read_history(state));
            effects
        }
        Action::NothingToOpen => {
            if let Some(project) = &mut state.project {
                project.finished = true;
                project.moving = false;
            }
            vec![]
        }
        Action::Appended {
            events,
            at,
            counts,
            history,
        } => appended(state, &events, at, counts, history),
        Action::AppendFailed { message } => {
            if let Some(project) = &mut state.project {
                project.appending = false;
                project.moving = false;
                project.saved = Saved::Failed(message.clone());
            }
            let key = state.commit_key();
            state.notice = Some(Notice {
                offers: vec![Offer::SaveCopy],
                ..Notice::error(words::answer_not_saved(&message, &key))
            });
            vec![]
        }
        Action::DraftSaved { at } => {
            if let Some(project) = &mut state.project {
                project.drafts_in_flight = project.drafts_in_flight.saturating_sub(1);
                if project.drafts_in_flight == 0 && !project.appending {
                    project.saved = Saved::At(at);
                }
            }
            vec![]
        }
        Action::Trouble { message } => {
            state.notice = Some(Notice::error(message));
            vec![]
        }
        Action::StoreFailed { message } => {
            state.opening = false;
            if let Some(project) = &mut state.project {
                project.appending = false;
                project.moving = false;
                project.drafts_in_flight = 0;
                project.saved = Saved::Failed(message.clone());
            }
            let offers = if state.project.is_some() {
                vec![Offer::SaveCopy]
            } else {
                vec![]
            };
            state.notice = Some(Notice {
                offers,
                ..Notice::error(message)
            });
            vec![]
        }
        Action::Tallied(tally) => {
            state.tally = Some(tally);
            vec![]
        }
        Action::HistoryRead { item, events } => {
            state.item_history = Some((item, events));
            vec![]
        }
        Action::Agreed { scorer, agreed } => {
            // An answer about another model came too late.
            if matches!(&state.model, ModelState::Ready(card) if card.info.id.key() == scorer) {
                state.agreed = Some(agreed);
            }
            vec![]
        }
        Action::Counting(progress) => {
            if let Some(counting) = &mut state.study.counting {
                *counting = progress;
            }
            vec![]
        }
        Action::StudyFailed { message } => {
            state.study.counting = None;
            state.notice = Some(Notice::error(message));
            vec![]
        }
        Action::Inspected(found) => {
            // An answer about other labels or another model came too late.
            let key = match &state.model {
                ModelState::Ready(card) => Some(card.info.id.key()),
                _ => None,
            };
            if let Some(found) = found
                && found.labels == state.study.labels
                && Some(&found.scorer) == key.as_ref()
            {
                state.study.inspection = Some(found);
                state.study.counting = None;
            }
            vec![]
        }
        Action::Compared(found) => {
            if let Some(found) = found
                && found.labels == state.study.labels
            {
                let compared =
                    |at: usize| found.attributes.get(at).is_some_and(|a| a.agreement.n > 0);
                if !compared(state.study.attribute) {
                    let first = (0..found.attributes.len()).find(|at| compared(*at));
                    state.study.attribute = first.unwrap_or_default();
                }
                state.study.concord = Some(found);
                state.study.counting = None;
            }
            vec![]
        }
        Action::AllScored { failed } => {
            state.job = None;
            state.library.scoring = false;
            if failed > 0 {
                state.notice = Some(Notice::told(words::unscorable(failed)));
            }
            let mut effects = list(state);
            effects.extend(models::count_unscored(state));
            effects.extend(study(state));
            effects
        }
        Action::Trained(report) => {
            state.job = None;
            state.training.running = false;
            // The next one goes elsewhere.
            state.training.output = None;
            suggest_output(state);
            state.training.report = Some(report);
            vec![]
        }
        Action::TrainFailed { message } => {
            state.job = None;
            state.training.running = false;
            state.training.failed = message;
            vec![]
        }
        Action::Listed {
            from,
            total,
            rows,
            unscored,
        } => {
            state.queue.unscored = unscored;
            state.queue.from = from;
            state.queue.total = total;
            state.queue.rows = rows;
            vec![]
        }
        Action::ScoresRead {
            items,
            scores,
            scorer,
        } => {
            let ModelState::Ready(card) = &state.model else {
                return vec![];
            };
            if card.info.id.key() != scorer {
                return vec![];
            }
            if let Some(open) = state.open_item_mut()
                && items.iter().any(|i| i.id == open.item.id)
            {
                open.scores.clear();
                open.ahead.iter_mut().for_each(|(_, scored)| scored.clear());
                for score in scores {
                    open.take_score(score);
                }
            }
            score_missing(state)
        }
        // What is not wanted any more came too late: another model was asked for, or none.
        Action::ModelLoading(model) | Action::ModelFailed { model, .. }
            if model_of(&state.model) != Some(&model) =>
        {
            vec![]
        }
        Action::ModelReady(card) if model_of(&state.model) != Some(&card.model) => vec![],
        Action::ModelLoading(model) => {
            state.model = ModelState::Loading(model);
            vec![]
        }
        Action::ModelReady(card) => {
            let key = card.info.id.key();
            let model = card.model.clone();
            state.model = ModelState::Ready(card);
            state.agreed = None;
            if let Some(open) = state.open_item_mut() {
                open.rescored.clear();
            }
            let mut effects = read_scores(state, key);
            effects.extend(rescore(state));
            effects.extend(count_agreed(state));
            effects.extend(models::ready(state, &model));
            state.study.inspection = None;
            effects.extend(study(state));
            effects
        }
        Action::BesideReady(card) => models::beside_ready(state, card),
        Action::BesideFailed { model, message } => {
            let mut wanted = state.library.beside.iter_mut();
            if let Some(place) = wanted.find(|b| model_of(b) == Some(&model)) {
                *place = ModelState::Failed(model, message);
            }
            vec![]
        }
        Action::ScoredBeside { scorer, scores } => models::scored_beside(state, scorer, scores),
        Action::Probed { scorer, probe } => {
            state.library.probe = Some((scorer, probe));
            vec![]
        }
        Action::ModelsListed { entries, free } => {
            state.library.entries = Some(entries);
            state.library.free = free;
            vec![]
        }
        Action::Unscored { scorer, items } => {
            if matches!(&state.model, ModelState::Ready(card) if card.info.id.key() == scorer) {
                state.library.unscored = Some(items);
            }
            vec![]
        }
        Action::ModelFailed { model, message } => {
            state.model = ModelState::Failed(model, message);
            if let Some(open) = state.open_item_mut() {
                open.scores.clear();
            }
            vec![]
        }
        Action::Scored {
            score,
            scorer,
            took_ms,
        } => {
            // A score of another model, or of an item that is not here any more, came too late.
            let known = matches!(&state.model, ModelState::Ready(card) if card.info.id == scorer);
            let writable = state.can_write();
            let taken = known
                && state
                    .open_item_mut()
                    .is_some_and(|open| open.take_score(score.clone()));
            if !taken {
                return vec![];
            }
            state.last_score_ms = Some(took_ms);
            if writable {
                vec![Effect::PutScores(scorer, vec![score])]
            } else {
                vec![]
            }
        }
        Action::Rescored {
            item,
            response,
            text,
            score,
            scorer,
        } => {
            // By a model that has been replaced since: too late.
            if !matches!(&state.model, ModelState::Ready(card) if card.info.id == scorer) {
                return vec![];
            }
            if let Some(open) = state.open_item_mut().filter(|o| o.item.id == item) {
                open.rescored.insert(response, (text, score));
            }
            vec![]
        }
        Action::ScoreFailed {
            item,
            response,
            message,
        } => {
            if let Some(open) = state.open_item_mut().filter(|o| o.item.id == item) {
                open.scores.insert(response, Err(message));
            }
            vec![]
        }
        Action::Indexed(indexed) => {
            state.indexed = indexed;
            vec![]
        }
        Action::Job(progress) => {
            if let Some(job) = &mut state.job {
                job.progress = progress;
                job.since.get_or_insert_with(std::time::Instant::now);
            }
            vec![]
        }
        Action::Imported(report) => {
            state.job = None;
            let first = state.open_item().is_none();
            if let Some(project) = &mut state.project {
                project.info.counts.total = report.items_now;
                project.finished = false;
            }
            // Whoever is writing is told, not interrupted.
            if state.overlay.is_none() && state.focus() != Some(Field::Justification) {
                state.overlay = Some(Overlay::ImportReport);
            } else {
                let text = words::imported(report.imported, report.read, &state.key("palette"));
                state.notice = Some(Notice::told(text));
            }
            state.imported = Some(*report);
            let mut effects = list(state);
            if first {
                effects.push(Effect::OpenItem(Target::NextUnlabelled(None)));
            }
            effects
        }
        Action::Exported(report) => {
            state.job = None;
            state.exported = Some(*report);
            vec![]
        }
        Action::Preview {
            recipe,
            lines,
            available,
        } => {
            // Previews are read beside each other: one of an earlier recipe may come last.
            if recipe.same_rows(&state.recipe) {
                state.preview = Some((recipe, lines, available));
            }
            vec![]
        }
        Action::JobFailed { message } => {
            state.job = None;
            state.library.scoring = false;
            state.training.running = false;
            state.notice = Some(Notice::error(message));
            vec![]
        }
        _ => vec![],
    }
}

fn appended(
    state: &mut AppState,
    events: &[Event],
    at: jiff::Timestamp,
    counts: Counts,
    history: History,
) -> Vec<Effect> {
    let Some(project) = &mut state.project else {
        return vec![];
    };
    project.appending = false;
    if project.drafts_in_flight == 0 {
        project.saved = Saved::At(at);
    }
    project.info.counts = counts;
    project.info.history = history;
    for event in events {
        match &event.body {
            EventBody::Policy { policy } => {
                project.info.policy = *policy;
                state.agreed = None;
            }
            EventBody::Schema { schema } => {
                project.info.schema = schema.as_ref().clone();
                if let Some(open) = &mut project.open {
                    open.form.focus = first_field(schema, open.shown.len());
                    open.form.draft.judgment.fit(schema, &open.shown);
                    open.form.asked.clear();
                }
            }
            EventBody::Guidelines { text } => {
                project.info.guidelines = Some(text.clone()).filter(|t| !t.trim().is_empty());
            }
            _ => {}
        }
        let Some(open) = project
            .open
            .as_mut()
            .filter(|o| Some(o.item.id) == event.item)
        else {
            continue;
        };
        match &event.body {
            EventBody::Flag { note } => {
                open.flag = Some(note.clone());
                open.form.deeds_since += 1;
            }
            EventBody::Unflag => {
                open.flag = None;
                open.form.deeds_since += 1;
            }
            EventBody::Comment { text } => {
                open.comments.push(text.clone());
                open.form.deeds_since += 1;
            }
            EventBody::Later => open.outcome = Some(Outcome::Later),
            EventBody::Practice(label) => {
                open.outcome = Some(Outcome::Practised(label.clone()));
                open.form.settle();
                state.overlay = Some(Overlay::Feedback);
            }
            EventBody::Label(label) => {
                state.last_labelled = event.item;
                open.outcome = Some(Outcome::Labelled(label.clone()));
                open.form.settle();
            }
            EventBody::Skip { reason } => {
                open.outcome = Some(Outcome::Skipped(reason.clone()));
                open.form.touched = false;
            }
            _ => {}
        }
    }
    let mut effects = list(state);
    effects.extend(read_history(state));
    effects
}
