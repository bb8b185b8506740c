//! How the state changes: every action, and what it asks of the world. Pure but for the clock.

use std::time::{Duration, Instant};

use super::action::{Action, preference_at};
use super::commands;
use super::effect::{Afterwards, Effect, Target};
use super::form::{self, Field, bar_position, fields, missing};
use super::settings::Theme;
use super::state::{
    AppState, JobState, ModelState, Notice, OpenItem, Overlay, Pick, ProjectState, QueueState,
    Saved, Screen,
};
use crate::domain::{
    Event, EventBody, Label, LabelContext, Mode, Outcome, Preference, ScorePolicy, VisibleScore,
};
use crate::reward::ModelRef;

/// Least time between two commits by key: a second press of Enter is an accident.
const COMMIT_PAUSE: Duration = Duration::from_millis(150);

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
        Action::PickImport => pick(state, Pick::Import),
        Action::PickExport => pick(state, Pick::Export),
        Action::PickModel(what) => pick(state, what),
        Action::Picked(what, paths) => picked(state, what, paths),
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
        Action::Import(files) => import(state, files),
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
            state.recipe = recipe;
            state.exported = None;
            preview(state)
        }
        Action::Export => export(state),
        Action::LoadModel(model) => load_model(state, model),
        Action::UnloadModel => {
            state.model = ModelState::Off;
            state.last_score_ms = None;
            "off".clone_into(&mut state.settings.model);
            if let Some(open) = state.open_item_mut() {
                open.scores.clear();
            }
            vec![
                Effect::UnloadModel,
                Effect::SaveSettings(state.settings.clone()),
            ]
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

/// Takes what finished work reports.
fn take_report(state: &mut AppState, report: Action) -> Vec<Effect> {
    match report {
        Action::ProjectOpened(info) => {
            state.opening = false;
            let empty = info.counts.total == 0;
            state.project = Some(ProjectState {
                info: *info,
                open: None,
                saved: Saved::Clean,
                finished: false,
                appending: false,
            });
            state.queue = QueueState {
                wanted: (0, 60),
                ..QueueState::default()
            };
            state.imported = None;
            state.exported = None;
            state.preview = None;
            let mut effects = if empty {
                vec![]
            } else {
                vec![Effect::OpenItem(Target::Resume)]
            };
            effects.extend(list(state));
            effects
        }
        Action::ProjectFailed {
            path,
            message,
            locked,
        } => {
            state.opening = false;
            state.notice = Some(Notice {
                text: message,
                error: true,
                read_only: locked.then_some(path),
            });
            vec![]
        }
        Action::Opened(mut opened) => {
            if !matches!(state.model, ModelState::Ready(_)) {
                opened.scores.clear();
            }
            let annotator = state.settings.annotator.clone();
            let Some(project) = &mut state.project else {
                return vec![];
            };
            project.open = Some(OpenItem::new(*opened, &annotator, project.info.seed));
            project.finished = false;
            state.side = 0;
            state.scroll.clear();
            state.context_open = false;
            score_missing(state)
        }
        Action::NothingToOpen => {
            if let Some(project) = &mut state.project {
                project.finished = true;
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
                project.saved = Saved::Failed(message.clone());
            }
            state.notice = Some(Notice {
                text: format!(
                    "{message} Your answer is still on the screen: press Enter to try again."
                ),
                error: true,
                read_only: None,
            });
            vec![]
        }
        Action::DraftSaved { item, at } => {
            if let Some(project) = &mut state.project
                && project.open.as_ref().is_some_and(|o| o.item.id == item)
                && !project.appending
            {
                project.saved = Saved::At(at);
            }
            vec![]
        }
        Action::StoreFailed { message } => {
            if let Some(project) = &mut state.project {
                project.saved = Saved::Failed(message.clone());
            }
            state.notice = Some(Notice {
                text: message,
                error: true,
                read_only: None,
            });
            vec![]
        }
        Action::Listed { from, total, rows } => {
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
        Action::ModelLoading(model) => {
            state.model = ModelState::Loading(model);
            vec![]
        }
        Action::ModelReady(card) => {
            let key = card.info.id.key();
            state.model = ModelState::Ready(card);
            read_scores(state, key)
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
            state.last_score_ms = Some(took_ms);
            let writable = state.can_write();
            if let Some(open) = state.open_item_mut() {
                open.take_score(score.clone());
            }
            if writable {
                vec![Effect::PutScores(scorer, vec![score])]
            } else {
                vec![]
            }
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
        Action::Job(progress) => {
            if let Some(job) = &mut state.job {
                job.progress = progress;
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
            state.imported = Some(*report);
            state.overlay = Some(Overlay::ImportReport);
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
            state.preview = Some((recipe, lines, available));
            vec![]
        }
        Action::JobFailed { message } => {
            state.job = None;
            state.notice = Some(Notice {
                text: message,
                error: true,
                read_only: None,
            });
            vec![]
        }
        _ => vec![],
    }
}

// -----------------------------------------------------------------------------------------
// Screens, files, projects

fn show(state: &mut AppState, screen: Screen) -> Vec<Effect> {
    state.screen = screen;
    state.overlay = state.overlay.filter(|o| *o == Overlay::Welcome);
    match screen {
        Screen::Export => preview(state),
        Screen::Queue => {
            if let Some(open) = state.open_item() {
                state.queue.selected = if state.queue.search.is_empty() {
                    open.position
                } else {
                    0
                };
            }
            list(state)
        }
        _ => vec![],
    }
}

fn back(state: &mut AppState) -> Vec<Effect> {
    if state.overlay == Some(Overlay::Welcome) && state.settings.annotator.is_empty() {
        return vec![];
    }
    if state.overlay.take().is_some() || state.notice.take().is_some() {
        return vec![];
    }
    if state.screen != Screen::Annotate {
        return show(state, Screen::Annotate);
    }
    if state.focus() == Some(Field::Justification) {
        return move_focus(state, -1);
    }
    state.context_open = false;
    vec![]
}

fn start(state: &mut AppState, effect: Effect) -> Vec<Effect> {
    if state.settings.annotator.is_empty() {
        state.overlay = Some(Overlay::Welcome);
        return vec![];
    }
    state.overlay = None;
    state.screen = Screen::Annotate;
    state.opening = true;
    vec![Effect::SaveSettings(state.settings.clone()), effect]
}

fn pick(state: &mut AppState, what: Pick) -> Vec<Effect> {
    if state.picking.is_some() {
        return vec![];
    }
    state.picking = Some(what);
    vec![Effect::Pick(what)]
}

fn picked(state: &mut AppState, what: Pick, mut paths: Vec<std::path::PathBuf>) -> Vec<Effect> {
    state.picking = None;
    let Some(first) = (!paths.is_empty()).then(|| paths.remove(0)) else {
        return vec![];
    };
    match what {
        Pick::Project => start(
            state,
            Effect::OpenProject {
                path: first,
                read_only: false,
            },
        ),
        Pick::Import => {
            paths.insert(0, first);
            import(state, paths)
        }
        Pick::Export => {
            state.recipe.output = first;
            export(state)
        }
        Pick::ModelFolder | Pick::ModelFile => load_model(state, ModelRef::Path(first)),
    }
}

fn import(state: &mut AppState, files: Vec<std::path::PathBuf>) -> Vec<Effect> {
    // A project among the files is opened; data goes into the open project.
    if let Some(project) = files
        .iter()
        .find(|f| f.extension().is_some_and(|e| e == "tiebreak"))
    {
        return start(
            state,
            Effect::OpenProject {
                path: project.clone(),
                read_only: false,
            },
        );
    }
    if state.job.is_some() || files.is_empty() {
        return vec![];
    }
    if !state.can_write() {
        let text = match &state.project {
            Some(_) => {
                "This project is open for reading only, so nothing can be imported into it. Open another one first."
            }
            None => {
                "There is no project to import into. Open one first; a new name makes a new one."
            }
        };
        state.notice = Some(Notice {
            text: text.to_owned(),
            error: true,
            read_only: None,
        });
        return vec![];
    }
    let name = files[0]
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default();
    let title = if files.len() == 1 {
        format!("Importing {name}")
    } else {
        format!("Importing {} files", files.len())
    };
    state.job = Some(JobState {
        title,
        progress: crate::task::Progress::default(),
    });
    vec![Effect::Import(files)]
}

fn export(state: &mut AppState) -> Vec<Effect> {
    if state.job.is_some() || state.project.is_none() {
        return vec![];
    }
    if state.recipe.output.as_os_str().is_empty() {
        return pick(state, Pick::Export);
    }
    let title = format!("Writing {}", state.recipe.output.display());
    state.job = Some(JobState {
        title,
        progress: crate::task::Progress::default(),
    });
    state.exported = None;
    vec![Effect::Export(state.recipe.clone())]
}

fn preview(state: &AppState) -> Vec<Effect> {
    if state.project.is_some() {
        vec![Effect::Preview(state.recipe.clone())]
    } else {
        vec![]
    }
}

fn load_model(state: &mut AppState, model: ModelRef) -> Vec<Effect> {
    state.model = ModelState::Loading(model.clone());
    state.last_score_ms = None;
    state.settings.model = model.to_string();
    if let Some(open) = state.open_item_mut() {
        open.scores.clear();
        open.ahead.iter_mut().for_each(|(_, scored)| scored.clear());
    }
    vec![
        Effect::LoadModel(model),
        Effect::SaveSettings(state.settings.clone()),
    ]
}

// -----------------------------------------------------------------------------------------
// The item list

fn list(state: &AppState) -> Vec<Effect> {
    if state.project.is_none() {
        return vec![];
    }
    let (from, rows) = state.queue.wanted;
    vec![Effect::List {
        search: state.queue.search.clone(),
        from,
        rows: rows.max(60),
    }]
}

fn queue_move(state: &mut AppState, by: i64) -> Vec<Effect> {
    let last = state.queue.total.saturating_sub(1);
    state.queue.selected = state.queue.selected.saturating_add_signed(by).min(last);
    vec![]
}

fn queue_view(state: &mut AppState, from: u64, rows: u64) -> Vec<Effect> {
    let (have, until) = (
        state.queue.from,
        state.queue.from + state.queue.rows.len() as u64,
    );
    if from >= have && (from + rows).min(state.queue.total) <= until {
        return vec![];
    }
    // Some rows more on both sides, so that slow scrolling rarely waits.
    let wanted = (from.saturating_sub(60), rows + 120);
    if wanted == state.queue.wanted {
        return vec![];
    }
    state.queue.wanted = wanted;
    list(state)
}

// -----------------------------------------------------------------------------------------
// The form

fn focus(state: &mut AppState, field: Field) {
    if let Some(open) = state.open_item_mut() {
        open.form.focus = field;
    }
    if let Field::Rating { side, .. } = field {
        state.side = side;
    }
}

fn move_focus(state: &mut AppState, by: i64) -> Vec<Effect> {
    let (Some(schema), Some(open)) = (state.schema(), state.open_item()) else {
        return vec![];
    };
    let all = fields(schema, open.shown.len());
    let at = all.iter().position(|f| *f == open.form.focus).unwrap_or(0);
    let next = (at as i64 + by).clamp(0, all.len() as i64 - 1) as usize;
    focus(state, all[next]);
    vec![]
}

fn focus_side(state: &mut AppState, side: usize) -> Vec<Effect> {
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

/// Changes the form and keeps the draft.
fn edit(state: &mut AppState, change: impl FnOnce(&mut OpenItem)) -> Vec<Effect> {
    if !state.can_write() {
        return vec![];
    }
    let Some(project) = &mut state.project else {
        return vec![];
    };
    if project.appending {
        return vec![];
    }
    let Some(open) = &mut project.open else {
        return vec![];
    };
    let before = open.form.draft.judgment.clone();
    change(open);
    if open.form.draft.judgment == before {
        return vec![];
    }
    open.form.touched = true;
    project.saved = Saved::Saving;
    vec![Effect::PutDraft(
        open.item.id,
        Some(open.form.draft.clone()),
    )]
}

fn press_digit(state: &mut AppState, digit: u8) -> Vec<Effect> {
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

fn rate(state: &mut AppState, side: usize, attribute: usize, level: Option<i32>) -> Vec<Effect> {
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

fn prefer(state: &mut AppState, position: i32) -> Vec<Effect> {
    let Some(schema) = state.schema() else {
        return vec![];
    };
    if position == 0 && !schema.allow_tie {
        state.notice = Some(Notice {
            text: "These guidelines have no \"the same\": choose the side that is slightly better."
                .to_owned(),
            error: false,
            read_only: None,
        });
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

fn move_preference(state: &mut AppState, by: i32) -> Vec<Effect> {
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

fn neither_valid(state: &mut AppState) -> Vec<Effect> {
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

fn clear_field(state: &mut AppState) -> Vec<Effect> {
    match state.focus() {
        Some(Field::Rating { side, attribute }) => rate(state, side, attribute, None),
        Some(Field::Preference) => edit(state, |open| open.form.draft.judgment.preference = None),
        _ => vec![],
    }
}

// -----------------------------------------------------------------------------------------
// Deeds

fn commit_or_missing(state: &mut AppState) -> Vec<Effect> {
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
    let scores: Vec<VisibleScore> = if scorer.is_some() {
        let seen = open.scores.values().filter_map(|s| s.as_ref().ok());
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
            scorer: scorer.filter(|_| !scores.is_empty()),
            scores,
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

fn skip(state: &mut AppState, reason: &str) -> Vec<Effect> {
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

fn append_here(state: &mut AppState, body: EventBody) -> Vec<Effect> {
    append(state, body, Afterwards::Stay)
}

fn append(state: &mut AppState, body: EventBody, then: Afterwards) -> Vec<Effect> {
    let annotator = state.settings.annotator.clone();
    let Some(project) = state
        .project
        .as_mut()
        .filter(|p| !p.info.read_only && !p.appending)
    else {
        return vec![];
    };
    let Some(open) = &project.open else {
        return vec![];
    };
    project.appending = true;
    project.saved = Saved::Saving;
    vec![Effect::Append {
        events: vec![Event::now(&annotator, Some(open.item.id), body)],
        then,
    }]
}

fn reverse(state: &mut AppState, undo: bool) -> Vec<Effect> {
    let Some(project) = state
        .project
        .as_mut()
        .filter(|p| !p.info.read_only && !p.appending)
    else {
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

fn appended(
    state: &mut AppState,
    events: &[Event],
    at: jiff::Timestamp,
    counts: super::state::Counts,
    history: crate::domain::History,
) -> Vec<Effect> {
    let Some(project) = &mut state.project else {
        return vec![];
    };
    project.appending = false;
    project.saved = Saved::At(at);
    project.info.counts = counts;
    project.info.history = history;
    for event in events {
        if let EventBody::Policy { policy } = event.body {
            project.info.policy = policy;
        }
        let Some(open) = project
            .open
            .as_mut()
            .filter(|o| Some(o.item.id) == event.item)
        else {
            continue;
        };
        match &event.body {
            EventBody::Flag { note } => open.flag = Some(note.clone()),
            EventBody::Unflag => open.flag = None,
            EventBody::Label(label) => {
                open.outcome = Some(Outcome::Labelled(label.clone()));
                open.form.touched = false;
            }
            EventBody::Skip { reason } => open.outcome = Some(Outcome::Skipped(reason.clone())),
            _ => {}
        }
    }
    list(state)
}

// -----------------------------------------------------------------------------------------
// Going from item to item, and scores ahead of the labeler

fn step(state: &AppState, by: i64) -> Vec<Effect> {
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
fn leave(state: &AppState, target: Target) -> Vec<Effect> {
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
    effects.push(Effect::OpenItem(target));
    effects
}

fn score_missing(state: &AppState) -> Vec<Effect> {
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

fn read_scores(state: &AppState, key: String) -> Vec<Effect> {
    // Asked without an item, too: from then on items come with their scores.
    let open = state.open_item();
    let ahead = open
        .iter()
        .flat_map(|o| o.ahead.iter().map(|(item, _)| item.clone()));
    let items = open.iter().map(|o| o.item.clone()).chain(ahead).collect();
    vec![Effect::ReadScores(items, key)]
}
