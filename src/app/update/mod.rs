//! How the state changes: every action, and what it asks of the world. Pure but for the clock.

mod deeds;
mod form;
mod places;
mod reports;
mod travel;

use super::action::Action;
use super::commands;
use super::effect::{Effect, Target};
use super::settings::Theme;
use super::state::{AppState, ModelState, Overlay, Pick, ProjectState, QueueState, Screen};
use crate::domain::{EventBody, ScorePolicy};

pub use places::{beside, names};

use deeds::{append_here, commit_or_missing, reverse, set_policy, skip};
use form::{
    clear_field, edit, focus, focus_side, move_focus, move_preference, neither_valid, prefer,
    press_digit, rate,
};
use places::{
    back, export, import_sheet, list, load_model, look_at, pick, picked, preview, queue_move,
    queue_view, score_all, show, start, train,
};
use reports::take_report;
use travel::{leave, step};

/// Changes the state and says what else has to happen.
pub fn update(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Show(screen) => show(state, screen),
        Action::Open(overlay) => {
            state.overlay = Some(overlay);
            vec![]
        }
        Action::Command(id) => match commands::find(id).and_then(|c| (c.action)(state)) {
            Some(action) => update(state, action),
            None => vec![],
        },
        Action::Back => back(state),
        Action::SetAnnotator(name) => {
            name.trim().clone_into(&mut state.settings.annotator);
            vec![]
        }
        Action::StartSample => start(state, Effect::OpenSample),
        Action::PickProject => pick(state, Pick::Project),
        Action::PickNewProject => pick(state, Pick::NewProject),
        Action::PickImport => pick(state, Pick::Import),
        Action::PickExport => pick(state, Pick::Export),
        Action::PickModel(what) => pick(state, what),
        Action::Picked(what, paths) => picked(state, what, paths),
        Action::AskPath(what) => {
            state.picking = None;
            state.overlay = Some(Overlay::Path(what));
            vec![]
        }
        Action::OpenProject(path) => start(
            state,
            Effect::OpenProject {
                path,
                read_only: false,
            },
        ),
        Action::OpenReadOnly(path) => {
            state.notice = None;
            start(
                state,
                Effect::OpenProject {
                    path,
                    read_only: true,
                },
            )
        }
        Action::TakeOver(path) => {
            state.notice = None;
            start(state, Effect::TakeOver(path))
        }
        Action::SaveCopy => pick(state, Pick::Copy),
        Action::Import(files) => look_at(state, files),
        Action::ImportSheet => import_sheet(state),
        Action::CancelJob => vec![Effect::CancelJob],
        Action::Focus(field) => {
            focus(state, field);
            vec![]
        }
        Action::NextField => move_focus(state, 1),
        Action::PreviousField => move_focus(state, -1),
        Action::FocusSide(side) => focus_side(state, side),
        Action::FlipSide => {
            let sides = state.open_item().map_or(1, |o| o.shown.len());
            let side = (state.side + 1) % sides.max(1);
            focus_side(state, side)
        }
        Action::Digit(digit) => press_digit(state, digit),
        Action::Rate {
            side,
            attribute,
            level,
        } => rate(state, side, attribute, Some(level)),
        Action::Prefer(position) => prefer(state, position),
        Action::MovePreference(step) => move_preference(state, step),
        Action::NeitherValid => neither_valid(state),
        Action::ClearField => clear_field(state),
        Action::Justify(text) => edit(state, |open| open.form.draft.judgment.justification = text),
        Action::TextEntered => {
            state.enter_text = false;
            vec![]
        }
        Action::CommitOrMissing => commit_or_missing(state),
        Action::Skip(reason) => skip(state, &reason),
        Action::Flag(note) => {
            state.overlay = None;
            append_here(state, EventBody::Flag { note })
        }
        Action::ToggleFlag => {
            let flagged = state.open_item().is_some_and(|o| o.flag.is_some());
            append_here(
                state,
                if flagged {
                    EventBody::Unflag
                } else {
                    EventBody::Flag {
                        note: String::new(),
                    }
                },
            )
        }
        Action::SetPolicy(policy) => {
            let mut effects = set_policy(state, policy);
            if policy != ScorePolicy::Live && state.uncertain {
                state.uncertain = false;
                effects.push(Effect::Order { uncertain: false });
            }
            effects
        }
        Action::Undo => reverse(state, true),
        Action::Redo => reverse(state, false),
        Action::Step(by) => step(state, by),
        Action::NextUnlabelled => {
            let after = state.open_item().map(|o| o.position);
            state.screen = Screen::Annotate;
            leave(state, Target::NextUnlabelled(after))
        }
        Action::OpenPosition(position) => {
            state.screen = Screen::Annotate;
            leave(state, Target::Position(position))
        }
        Action::Scroll(part) => {
            state.scroll.push((state.side, part));
            vec![]
        }
        Action::ToggleContext => {
            state.context_open = !state.context_open;
            vec![]
        }
        Action::ToggleRaw => {
            state.raw = !state.raw;
            vec![]
        }
        Action::ToggleWrap => {
            state.wrap = !state.wrap;
            vec![]
        }
        Action::QueueMove(by) => queue_move(state, by),
        Action::QueueFocusSearch => {
            state.queue.focus_search = true;
            vec![]
        }
        Action::QueueSearch(text) => {
            state.queue = QueueState {
                search: text,
                wanted: (0, state.queue.wanted.1),
                ..QueueState::default()
            };
            list(state)
        }
        Action::QueueView { from, rows } => queue_view(state, from, rows),
        Action::Recipe(recipe) => {
            let same_rows = recipe.same_rows(&state.recipe);
            state.recipe = recipe;
            state.exported = None;
            if same_rows { vec![] } else { preview(state) }
        }
        Action::Export => export(state),
        Action::LoadModel(model) => load_model(state, model),
        Action::UnloadModel => {
            state.model = ModelState::Off;
            state.agreed = None;
            state.uncertain = false;
            state.last_score_ms = None;
            "off".clone_into(&mut state.settings.model);
            if let Some(open) = state.open_item_mut() {
                open.scores.clear();
            }
            vec![
                Effect::UnloadModel,
                Effect::Order { uncertain: false },
                Effect::SaveSettings(state.settings.clone()),
            ]
        }
        Action::ScoreAll => score_all(state),
        Action::Uncertain(uncertain) => {
            // The order says something of the scores, so it is there where these are visible.
            let live = |p: &ProjectState| p.info.policy == ScorePolicy::Live;
            if uncertain && !state.project.as_ref().is_some_and(live) {
                return vec![];
            }
            state.uncertain = uncertain;
            let mut effects = vec![Effect::Order { uncertain }];
            state.queue.selected = 0;
            state.queue.wanted = (0, state.queue.wanted.1);
            effects.extend(list(state));
            effects
        }
        Action::TrainLoss(loss) => {
            state.training.loss = loss;
            vec![]
        }
        Action::Train => train(state),
        Action::OpenItem(id) => {
            state.screen = Screen::Annotate;
            leave(state, Target::Id(id))
        }
        Action::ToggleTheme => {
            state.settings.theme = match state.settings.theme {
                Theme::Paper => Theme::Slate,
                Theme::Slate => Theme::Paper,
            };
            vec![Effect::SaveSettings(state.settings.clone())]
        }
        Action::Zoom(by) => {
            let zoom = i32::from(state.settings.zoom) + by * 10;
            state.settings.zoom = if by == 0 {
                100
            } else {
                zoom.clamp(70, 200) as u16
            };
            vec![Effect::SaveSettings(state.settings.clone())]
        }
        Action::Compact(compact) => {
            state.compact = compact;
            vec![]
        }
        Action::Elapsed { active_ms, idle_ms } => {
            if let Some(open) = state.open_item_mut() {
                open.form.draft.active_ms += active_ms;
                open.form.draft.idle_ms += idle_ms;
            }
            vec![]
        }
        Action::DismissNotice => {
            state.notice = None;
            vec![]
        }
        report => take_report(state, report),
    }
}
