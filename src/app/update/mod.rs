//! How the state changes: every action, and what it asks of the world. Pure but for the clock.

mod deeds;
mod form;
mod keys;
mod models;
mod places;
mod reports;
mod travel;

use super::action::Action;
use super::commands;
use super::effect::{Effect, Target};
use super::settings::Theme;
use super::state::{
    AppState, DiffView, FindState, Overlay, Pick, ProjectState, QueueState, Screen,
};
use crate::domain::{EventBody, ScorePolicy};

pub use places::{beside, names};

use deeds::{
    append_here, comment, commit_or_missing, later, restore, reverse, set_policy, set_rule,
    set_schema, skip,
};
use form::{
    clear_field, edit, edit_response, focus, focus_side, mark, move_card, move_focus,
    move_preference, neither_valid, pick_card, pick_mark, prefer, press_digit, rate, rewrite,
    set_confidence, tag_mark, tie_card, toggle_tag, unmark,
};
use models::{load_beside, load_model, pause_scoring, score_all, unload_beside, unload_model};
use places::{
    back, export, holds_data, import_sheet, list, look_at, pick, picked, preview, queue_move,
    queue_view, show, start, study, toggle_drawer, train,
};
use reports::take_report;
use travel::{leave, step};

/// Changes the state and says what else has to happen.
pub fn update(state: &mut AppState, action: Action) -> Vec<Effect> {
    match action {
        Action::Show(screen) => show(state, screen),
        Action::Open(overlay) => {
            state.overlay = Some(overlay);
            if overlay == Overlay::Tally {
                state.tally = None;
                return vec![Effect::Tally];
            }
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
        Action::Study(labels) => {
            if state.study.labels != labels {
                state.study.labels = labels;
                state.study.inspection = None;
                state.study.concord = None;
            }
            study(state)
        }
        Action::StopStudy => {
            state.study.counting = None;
            vec![Effect::StopStudy]
        }
        Action::StudyAttribute(attribute) => {
            state.study.attribute = attribute;
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
        // A system's "open with" hands over data files, too.
        Action::OpenProject(path) if holds_data(&path) => look_at(state, vec![path]),
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
        Action::MapField(path, field) => {
            if let Some(sheet) = &mut state.sheet {
                sheet.map_field(&path, field.as_deref());
            }
            vec![]
        }
        Action::EditMapping => {
            if let Some(sheet) = &mut state.sheet {
                sheet.mapping = true;
            }
            vec![]
        }
        Action::CancelJob => vec![Effect::CancelJob],
        Action::Focus(field) => {
            focus(state, field);
            vec![]
        }
        Action::NextField => move_focus(state, 1),
        Action::PreviousField => move_focus(state, -1),
        Action::FocusSide(side) => focus_side(state, side),
        Action::LookAt(side) => {
            state.side = side;
            vec![]
        }
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
        Action::PickCard(side) => pick_card(state, side),
        Action::MoveCard(by) => move_card(state, by),
        Action::TieCard => tie_card(state),
        Action::ToggleTag(at) => toggle_tag(state, at),
        Action::Confidence(level) => set_confidence(state, level),
        Action::Selected(selected) => {
            if let Some(open) = state.open_item_mut() {
                open.selected = selected;
            }
            vec![]
        }
        Action::Mark => mark(state),
        Action::PickMark(at) => pick_mark(state, at),
        Action::TagMark(tag) => tag_mark(state, tag),
        Action::Unmark(at) => unmark(state, at),
        Action::ClearField => clear_field(state),
        Action::Justify(text) => edit(state, |open| open.form.draft.judgment.justification = text),
        Action::TextEntered => {
            state.enter_text = false;
            vec![]
        }
        Action::CommitOrMissing => commit_or_missing(state),
        Action::Skip(reason) => skip(state, &reason),
        Action::EditResponse(side) => edit_response(state, side),
        Action::Rewrite { side, text } => rewrite(state, side, text),
        Action::Later => later(state),
        Action::Comment(text) => comment(state, &text),
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
        Action::SetSchema(schema) => set_schema(state, *schema),
        Action::SetGuidelines(text) => {
            state.overlay = None;
            set_rule(state, EventBody::Guidelines { text })
        }
        Action::ToggleDrawer(drawer) => toggle_drawer(state, drawer),
        Action::Restore(event) => restore(state, event),
        Action::Reveal => match state.last_labelled {
            Some(item) => leave(state, Target::Id(item)),
            None => vec![],
        },
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
        Action::CycleDiff => {
            state.diff = match state.diff {
                DiffView::Off => DiffView::Marks,
                DiffView::Marks => DiffView::Only,
                DiffView::Only => DiffView::Off,
            };
            vec![]
        }
        Action::ToggleLock => {
            state.locked = !state.locked;
            vec![]
        }
        Action::ToggleInvisible => {
            state.invisible = !state.invisible;
            vec![]
        }
        Action::Find(open) => {
            match (&mut state.find, open) {
                (find @ None, true) => {
                    *find = Some(FindState {
                        enter: true,
                        ..FindState::default()
                    });
                }
                (Some(find), true) => find.enter = true,
                (find, false) => *find = None,
            }
            vec![]
        }
        Action::FindText(text) => {
            if let Some(find) = &mut state.find {
                find.text = text;
                find.at = 0;
                find.asked = false;
                find.turn += 1;
            }
            vec![]
        }
        Action::FindNext(by) => {
            if let Some(find) = &mut state.find {
                let total = find.total() as i64;
                if total > 0 {
                    find.asked = true;
                    find.at = (find.at as i64 + by).rem_euclid(total) as usize;
                    find.turn += 1;
                }
            }
            vec![]
        }
        Action::FindEntered => {
            if let Some(find) = &mut state.find {
                find.enter = false;
            }
            vec![]
        }
        Action::Found(found) => {
            if let Some(find) = &mut state.find {
                find.found = found;
                find.at = find.at.min(find.total().saturating_sub(1));
            }
            vec![]
        }
        Action::ToggleFocusMode => {
            state.focus_mode = !state.focus_mode;
            vec![]
        }
        Action::CyclePanel(by) => {
            state.panel += by;
            vec![]
        }
        Action::Settings(settings) => {
            state.settings = *settings;
            vec![Effect::SaveSettings(state.settings.clone())]
        }
        Action::ShowSettings(tab) => {
            state.settings_tab = tab;
            show(state, Screen::Settings)
        }
        Action::ChooseKey(command) => {
            state.choosing_key = command;
            state.key_clash = None;
            vec![]
        }
        Action::Bind(id, key) => keys::bind(state, id, key, false),
        Action::BindAnyway(id, key) => keys::bind(state, id, key, true),
        Action::Unbind(id) => keys::unbind(state, id),
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
        Action::UnloadModel => unload_model(state),
        Action::LoadBeside(model) => load_beside(state, model),
        Action::UnloadBeside(model) => unload_beside(state, &model),
        Action::ForgetModel(model) => {
            let mut effects = unload_beside(state, &model);
            effects.push(Effect::ForgetModel(model));
            effects
        }
        Action::PauseScoring => pause_scoring(state),
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
                Theme::Slate | Theme::Contrast => Theme::Paper,
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
        Action::KeepPlace(place) => {
            if state.can_write() {
                vec![Effect::KeepPlace(*place)]
            } else {
                vec![]
            }
        }
        Action::PlaceTaken => {
            if let Some(open) = state.open_item_mut() {
                open.place = None;
            }
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
