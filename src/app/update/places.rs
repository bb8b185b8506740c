//! Screens, panels, files, projects, models, and the list of items.

use std::path::{Path, PathBuf};

use super::form::move_focus;
use super::models::{count_unscored, load_model};
use super::travel::leave;
use crate::app::effect::{Effect, Target};
use crate::app::form::Field;
use crate::app::state::{AppState, Drawer, JobState, ModelState, Notice, Overlay, Pick, Screen};
use crate::app::train::TrainRecipe;
use crate::app::words;
use crate::dataset::{ENDINGS, PACKED, ReadAs};
use crate::domain::ScorePolicy;
use crate::reward::ModelRef;
use crate::store::is_project;

pub(super) fn show(state: &mut AppState, screen: Screen) -> Vec<Effect> {
    let mut effects = vec![];
    if screen != state.screen && state.study.counting.take().is_some() {
        effects.push(Effect::StopStudy);
    }
    state.screen = screen;
    state.overlay = state.overlay.filter(|o| *o == Overlay::Welcome);
    effects.extend(match screen {
        Screen::Export => preview(state),
        Screen::Models => {
            suggest_output(state);
            let mut effects = count_agreed(state);
            effects.push(Effect::ListModels);
            effects.extend(count_unscored(state));
            effects
        }
        Screen::Queue => {
            if let Some(open) = state.open_item() {
                state.queue.selected = if state.queue.search.is_empty() && !state.uncertain {
                    open.position
                } else {
                    0
                };
            }
            list(state)
        }
        Screen::Inspect | Screen::Agreement => study(state),
        Screen::Annotate | Screen::Settings => vec![],
    });
    effects
}

/// Counts what the screen that is shown needs, anew each time: labels and scores come in meanwhile.
pub(super) fn study(state: &mut AppState) -> Vec<Effect> {
    let Some(project) = &state.project else {
        return vec![];
    };
    let effect = match (state.screen, &state.model) {
        // What is never shown while labeling is not shown here, either.
        (Screen::Inspect, ModelState::Ready(card))
            if project.info.policy != ScorePolicy::Hidden =>
        {
            Effect::Inspect(card.info.id.key(), state.study.labels)
        }
        (Screen::Agreement, _) => Effect::Compare(state.study.labels),
        _ => return vec![],
    };
    state.study.counting = Some(crate::task::Progress::default());
    vec![effect]
}

pub(super) fn back(state: &mut AppState) -> Vec<Effect> {
    if state.overlay == Some(Overlay::Welcome) && state.settings.annotator.is_empty() {
        return vec![];
    }
    state.sheet = None;
    if state.overlay == Some(Overlay::Feedback) {
        state.overlay = None;
        let after = state.open_item().map(|open| open.position);
        return leave(state, Target::NextUnlabelled(after));
    }
    if state.overlay.take().is_some() || state.notice.take().is_some() {
        return vec![];
    }
    if state.screen != Screen::Annotate {
        return show(state, Screen::Annotate);
    }
    if let Some(open) = state.open_item_mut()
        && open.editing.take().is_some()
    {
        return vec![];
    }
    if let Some(open) = state.open_item_mut()
        && open.form.marking.take().is_some()
    {
        return vec![];
    }
    if state.find.take().is_some() || state.drawer.take().is_some() {
        return vec![];
    }
    if state.focus() == Some(Field::Justification) {
        return move_focus(state, -1);
    }
    state.context_open = false;
    vec![]
}

pub(super) fn start(state: &mut AppState, effect: Effect) -> Vec<Effect> {
    if state.settings.annotator.is_empty() {
        state.overlay = Some(Overlay::Welcome);
        return vec![];
    }
    state.overlay = None;
    state.screen = Screen::Annotate;
    state.opening = true;
    vec![Effect::SaveSettings(state.settings.clone()), effect]
}

pub(super) fn pick(state: &mut AppState, what: Pick) -> Vec<Effect> {
    if state.picking.is_some() {
        return vec![];
    }
    state.picking = Some(what);
    vec![Effect::Pick(what)]
}

pub(super) fn picked(state: &mut AppState, what: Pick, mut paths: Vec<PathBuf>) -> Vec<Effect> {
    state.picking = None;
    let Some(first) = (!paths.is_empty()).then(|| paths.remove(0)) else {
        return vec![];
    };
    state.overlay = state.overlay.filter(|o| !matches!(o, Overlay::Path(_)));
    match what {
        Pick::NewProject => {
            let mut path = first;
            if path.extension().is_none_or(|e| e != "tiebreak") {
                path.as_mut_os_string().push(".tiebreak");
            }
            start(
                state,
                Effect::OpenProject {
                    path,
                    read_only: false,
                },
            )
        }
        Pick::Project => start(
            state,
            Effect::OpenProject {
                path: first,
                read_only: false,
            },
        ),
        Pick::Import => {
            paths.insert(0, first);
            look_at(state, paths)
        }
        Pick::Copy => {
            let mut path = first;
            if path.extension().is_none_or(|e| e != "tiebreak") {
                path.as_mut_os_string().push(".tiebreak");
            }
            let open = state.open_item().filter(|open| open.form.touched);
            let draft = open.map(|open| (open.item.id, open.form.draft.clone()));
            state.go_to = state.open_item().map(|open| open.item.id);
            state.notice = None;
            start(state, Effect::SaveCopy(path, draft))
        }
        Pick::Export => {
            state.recipe.output = first;
            export(state)
        }
        Pick::Trained => {
            state.training.output = Some(first);
            vec![]
        }
        Pick::ModelFolder | Pick::ModelFile => load_model(state, ModelRef::Path(first)),
    }
}

/// Opens a drawer beside the responses, or closes it.
pub(super) fn toggle_drawer(state: &mut AppState, drawer: Drawer) -> Vec<Effect> {
    state.drawer = (state.drawer != Some(drawer)).then_some(drawer);
    read_history(state)
}

/// Reads what was done about the open item, where that is shown. Others' deeds are shown after one's own commit only.
pub(super) fn read_history(state: &AppState) -> Vec<Effect> {
    match state.open_item() {
        Some(open) if state.drawer == Some(Drawer::History) => {
            vec![Effect::ReadHistory(open.item.id, open.committed())]
        }
        _ => vec![],
    }
}

/// Looks at files before they are imported; a project among them is opened.
pub(super) fn look_at(state: &mut AppState, files: Vec<PathBuf>) -> Vec<Effect> {
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
    if let Some(model) = files.iter().find(|f| is_model(f)) {
        let mut effects = show(state, Screen::Models);
        effects.extend(load_model(state, ModelRef::Path(model.clone())));
        return effects;
    }
    if state.job.is_some() || files.is_empty() {
        return vec![];
    }
    if state.settings.annotator.is_empty() {
        // The welcome asks for a name first, and then comes back here.
        state.dropped = files;
        state.overlay = Some(Overlay::Welcome);
        return vec![];
    }
    if state.project.is_some() && !state.can_write() {
        let text = words::notices::READ_ONLY_NO_IMPORT;
        state.notice = Some(Notice::error(text));
        return vec![];
    }
    state.dropped.clear();
    state.overlay = None;
    state.job = Some(JobState::new(words::jobs::looking_at(&names(&files))));
    // The name has been typed perhaps just now.
    vec![
        Effect::SaveSettings(state.settings.clone()),
        Effect::LookAt(files, ReadAs::default()),
    ]
}

/// Whether something is there that is to be imported, not opened: a folder, or a file that is not named or made like a project.
pub(super) fn holds_data(path: &Path) -> bool {
    let named = path.extension().is_some_and(|e| e == "tiebreak");
    let filled = std::fs::metadata(path).is_ok_and(|m| m.is_file() && m.len() > 0);
    !named && (path.is_dir() && !is_model(path) || filled && !is_project(path))
}

/// Whether what was dropped is a model: a file of one, or a folder with a configuration.
fn is_model(path: &Path) -> bool {
    let kinds = ["gguf", "nemo", "safetensors"];
    let file = path
        .extension()
        .is_some_and(|e| kinds.iter().any(|kind| e.eq_ignore_ascii_case(kind)));
    file || path.join("config.json").is_file()
}

/// Asks how far the model agrees with the labels, where that may be shown and is.
pub(super) fn count_agreed(state: &AppState) -> Vec<Effect> {
    let live = |p: &crate::app::state::ProjectState| p.info.policy == ScorePolicy::Live;
    match &state.model {
        ModelState::Ready(card)
            if state.screen == Screen::Models && state.project.as_ref().is_some_and(live) =>
        {
            vec![Effect::CountAgreed(card.model.clone())]
        }
        _ => vec![],
    }
}

/// Imports what was looked at, into the open project or a new one beside the files.
pub(super) fn import_sheet(state: &mut AppState) -> Vec<Effect> {
    let Some(sheet) = state.sheet.take() else {
        return vec![];
    };
    state.overlay = None;
    if sheet.mapping {
        // The same columns will come again.
        let header = sheet.header();
        let mapping = sheet.read_as.mapping.clone();
        state.settings.mappings.insert(header, mapping.clone());
        state.job = Some(JobState::new(words::jobs::looking_at(&names(&sheet.files))));
        return vec![
            Effect::SaveSettings(state.settings.clone()),
            Effect::LookAt(sheet.files, ReadAs::mapped(mapping)),
        ];
    }
    if state.project.is_some() && !state.can_write() {
        let text = words::notices::READ_ONLY_NOW;
        state.notice = Some(Notice::error(text));
        return vec![];
    }
    if state.project.is_some() {
        return import(state, sheet.files, sheet.read_as);
    }
    let project = beside(&sheet.files);
    state.import_next = Some((sheet.files, sheet.read_as));
    start(
        state,
        Effect::OpenProject {
            path: project,
            read_only: false,
        },
    )
}

pub(super) fn import(state: &mut AppState, files: Vec<PathBuf>, read_as: ReadAs) -> Vec<Effect> {
    if files.is_empty() || state.job.is_some() || !state.can_write() {
        return vec![];
    }
    state.job = Some(JobState::new(words::jobs::importing(&names(&files))));
    vec![Effect::Import(files, read_as)]
}

/// One file by its name, more by their number.
pub fn names(files: &[PathBuf]) -> String {
    match files {
        [one] => one
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default(),
        more => words::jobs::files(more.len()),
    }
}

/// The project for data that has none yet: beside it, of the same name.
pub fn beside(files: &[PathBuf]) -> PathBuf {
    let mut path = files.first().cloned().unwrap_or_default();
    let known = |ending: &std::ffi::OsStr| {
        let mut endings = ENDINGS.iter().chain(&PACKED);
        endings.any(|known| ending.eq_ignore_ascii_case(known))
    };
    while !path.is_dir() && path.extension().is_some_and(known) {
        path.set_extension("");
    }
    // Added, not put in place of what follows a point: `hh.train` and `hh.test` are two.
    path.as_mut_os_string().push(".tiebreak");
    path
}

pub(super) fn export(state: &mut AppState) -> Vec<Effect> {
    if state.job.is_some() || state.project.is_none() {
        return vec![];
    }
    if state.recipe.output.as_os_str().is_empty() {
        return pick(state, Pick::Export);
    }
    let title = words::jobs::writing(&state.recipe.output.display());
    state.job = Some(JobState::new(title));
    state.exported = None;
    vec![Effect::Export(state.recipe.clone())]
}

pub(super) fn preview(state: &AppState) -> Vec<Effect> {
    if state.project.is_some() {
        vec![Effect::Preview(state.recipe.clone())]
    } else {
        vec![]
    }
}

/// Trains a head on the labels of the project, on the features of the model there is.
pub(super) fn train(state: &mut AppState) -> Vec<Effect> {
    let ModelState::Ready(card) = &state.model else {
        return vec![];
    };
    let output = state.training.output.clone();
    let Some(output) = output.filter(|_| state.job.is_none() && state.project.is_some()) else {
        return vec![];
    };
    let recipe = TrainRecipe {
        base: card.model.clone(),
        loss: state.training.loss,
        seed: 1,
        output,
    };
    state.job = Some(JobState::new(words::jobs::training(&card.info.name)));
    state.training.running = true;
    state.training.failed = None;
    vec![Effect::Train(recipe)]
}

/// Where a trained model goes unless somebody says otherwise: a new folder beside the project. Asks the disk, so not for every frame.
pub(super) fn suggest_output(state: &mut AppState) {
    let Some(project) = state.project.as_ref().map(|p| &p.info.path) else {
        return;
    };
    if state.training.output.is_none() {
        let stem = project.file_stem().unwrap_or_default().to_string_lossy();
        let named = |n: u32| project.with_file_name(format!("{stem}-head-{n}"));
        state.training.output = (1..1000).map(named).find(|path| !path.exists());
    }
}

pub(super) fn list(state: &AppState) -> Vec<Effect> {
    // Only a list that is seen is read; showing it reads it.
    if state.project.is_none() || state.screen != Screen::Queue {
        return vec![];
    }
    let (from, rows) = state.queue.wanted;
    vec![Effect::List {
        search: state.queue.search.clone(),
        from,
        rows: rows.max(60),
    }]
}

pub(super) fn queue_move(state: &mut AppState, by: i64) -> Vec<Effect> {
    let last = state.queue.total.saturating_sub(1);
    state.queue.selected = state.queue.selected.saturating_add_signed(by).min(last);
    vec![]
}

pub(super) fn queue_view(state: &mut AppState, from: u64, rows: u64) -> Vec<Effect> {
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
