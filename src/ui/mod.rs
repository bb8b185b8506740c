//! How does it look? The window; the only room that knows the window library.

pub mod chrome;
pub mod keys;
pub mod overlays;
pub mod screens;
pub mod theme;
pub mod widgets;

use std::collections::{BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{CentralPanel, Context, Frame, ViewportBuilder, vec2};

use crate::app::commands::{Command, Scope};
use crate::app::settings::{Places, Theme};
use crate::app::state::{Pick, Place};
use crate::app::{Action, App, Overlay, Screen, words};
use crate::domain::identity_words;
use crate::text::glyphs;
use chrome::Problems;
use keys::Keys;
use overlays::Typed;
use widgets::controls;
use widgets::reading::Reading;

/// Narrower windows show one response at a time.
const WIDE: f32 = 1180.0;
/// Smaller windows show a notice instead of a broken layout.
const SMALLEST: egui::Vec2 = vec2(900.0, 600.0);
/// After this long without a key or the mouse the labeler counts as away.
const IDLE: Duration = Duration::from_mins(2);

/// The window.
pub struct Window {
    /// The program.
    pub app: App,
    keys: Keys,
    reading: Reading,
    typed: Typed,
    shown: Option<(Theme, u16)>,
    last_frame: Instant,
    last_input: Instant,
    active: Duration,
    idle: Duration,
    waiting: VecDeque<&'static Command>,
    problems: Option<(crate::domain::ItemId, Problems)>,
    /// How often the keyboard had been sent to another panel.
    panel: i64,
    /// The place that was kept last, the one that is to be, and since when it is so.
    place: (Option<Place>, Option<Place>, Instant),
}

impl Window {
    /// Starts the program behind a window.
    pub fn new(ctx: &Context, places: Places, project: Option<PathBuf>) -> std::io::Result<Self> {
        theme::install(ctx);
        let waking = ctx.clone();
        let waker: crate::task::Waker = Arc::new(move || waking.request_repaint());
        let app = App::start(places, project, waker)?;
        let keys = Keys::default();
        keys.install(ctx);
        let now = Instant::now();
        let typed = Typed::default();
        let reading = Reading::new(ctx);
        Ok(Self {
            app,
            keys,
            reading,
            typed,
            shown: None,
            last_frame: now,
            last_input: now,
            active: Duration::ZERO,
            idle: Duration::ZERO,
            waiting: VecDeque::new(),
            problems: None,
            panel: 0,
            place: (None, None, now),
        })
    }

    fn dispatch(&mut self, actions: Vec<Action>) {
        for action in actions {
            self.app.dispatch(action);
        }
    }

    /// Counts the time before an item: in use until a while after the last key or movement of the mouse, without use beyond.
    fn clock(&mut self, ctx: &Context) {
        let now = Instant::now();
        let (from, limit) = (self.last_frame, self.last_input + IDLE);
        self.last_frame = now;
        let (focused, input) = ctx.input(|i| (i.focused, !i.events.is_empty()));
        if input {
            self.last_input = now;
        }
        if !self.app.state.reading() {
            return;
        }
        let passed = now.duration_since(from);
        let active = if focused {
            limit.min(now).saturating_duration_since(from).min(passed)
        } else {
            Duration::ZERO
        };
        self.active += active;
        self.idle += passed.saturating_sub(active);
        let (active_ms, idle_ms) = (self.active.as_millis() as u64, self.idle.as_millis() as u64);
        // What is less than a millisecond waits for the next frame.
        self.active -= Duration::from_millis(active_ms);
        self.idle -= Duration::from_millis(idle_ms);
        self.app.dispatch(Action::Elapsed { active_ms, idle_ms });
    }

    /// Carries out what was pressed. What is meant for the next item waits until that is there.
    fn commands(&mut self) {
        if let Some(key) = self.keys.take_chosen()
            && let Some(id) = self.app.state.choosing_key
        {
            // Escape leaves things as they are.
            let close = key.key == crate::app::commands::Key::Escape;
            self.app.dispatch(if close {
                Action::ChooseKey(None)
            } else {
                Action::Bind(id, key)
            });
        }
        let Self { keys, waiting, .. } = self;
        keys.take(|command| waiting.push_back(command));
        while let Some(command) = self.waiting.front() {
            let unsettled = self
                .app
                .state
                .project
                .as_ref()
                .is_some_and(|p| !p.settled());
            if unsettled && command.scope == Scope::Annotate {
                return;
            }
            let id = command.id;
            self.waiting.pop_front();
            self.app.dispatch(Action::Command(id));
        }
    }

    fn appearance(&mut self, ctx: &Context) {
        let settings = &self.app.state.settings;
        let wanted = (settings.theme, settings.zoom);
        if self.shown != Some(wanted) {
            self.shown = Some(wanted);
            theme::apply(ctx, wanted.0);
            ctx.set_zoom_factor(f32::from(wanted.1) / 100.0);
        }
        let compact = ctx.content_rect().width() < WIDE;
        if compact != self.app.state.compact {
            self.app.dispatch(Action::Compact(compact));
        }
    }

    /// What makes the open item hard to read, found out once per item.
    fn look_for_problems(&mut self) {
        let Some(open) = self.app.state.open_item() else {
            self.problems = None;
            return;
        };
        let id = open.item.id;
        if self.problems.as_ref().is_some_and(|(of, _)| *of == id) {
            return;
        }
        let turns = open
            .item
            .context
            .iter()
            .chain(open.item.responses.iter().flat_map(|r| &r.turns));
        let mut found = Problems::default();
        let mut others = BTreeSet::new();
        for turn in turns {
            let read = glyphs::reading(&turn.content);
            found.odd += read.count();
            found.right_to_left |= read.right_to_left;
            for problem in &read.problems {
                if !found.names.contains(&problem.name) {
                    found.names.push(problem.name.clone());
                }
            }
            found.identity |= turn.role == crate::domain::Role::Assistant
                && !identity_words(&turn.content).is_empty();
            others.extend(turn.content.chars().filter(|c| glyphs::drawn(*c)));
        }
        found.others = others.into_iter().take(4_000).collect();
        self.problems = Some((id, found));
    }

    /// Where the reader is now.
    fn place_now(&self, ctx: &Context) -> Option<Place> {
        let state = &self.app.state;
        // Until the view has gone to where the reader was, that is the place.
        let open = state
            .open_item()
            .filter(|o| o.place.is_none() && state.can_write())?;
        let p = theme::Palette::now(ctx);
        let context = screens::annotate::show_context(state, open, p).key;
        let sides = (0..open.shown.len())
            .filter_map(|side| Some(screens::annotate::show_response(state, open, side, p)?.key));
        let scroll = std::iter::once(context)
            .chain(sides)
            .map(|key| self.reading.place(&key).unwrap_or_default());
        let id = screens::form::why_id(open);
        let typing = ctx.memory(|m| m.has_focus(id));
        let caret = egui::text_edit::TextEditState::load(ctx, id)
            .filter(|_| typing)
            .and_then(|s| s.cursor.char_range())
            .map(|range| range.primary.index.0);
        Some(Place {
            item: open.item.id,
            focus: Some(open.form.focus),
            caret,
            scroll: scroll.collect(),
            context_open: state.context_open,
        })
    }

    /// Keeps the place once it has stayed the same for a while.
    fn keep_place(&mut self, ctx: &Context) {
        const STAYS: Duration = Duration::from_millis(700);
        let now = self.place_now(ctx);
        let (kept, next, since) = &mut self.place;
        if now.is_none() || now == *kept {
            return;
        }
        if now != *next {
            *next = now;
            *since = Instant::now();
            ctx.request_repaint_after(STAYS);
        } else if since.elapsed() >= STAYS {
            kept.clone_from(&now);
            if let Some(place) = now {
                self.app.dispatch(Action::KeepPlace(Box::new(place)));
            }
        } else {
            ctx.request_repaint_after(STAYS);
        }
    }

    fn drops(&mut self, ctx: &Context) {
        let paths: Vec<PathBuf> = ctx.input(|i| {
            i.raw
                .dropped_files
                .iter()
                .map(|f| f.path().to_owned())
                .collect()
        });
        if !paths.is_empty() {
            self.app.dispatch(Action::Import(paths));
        }
    }
}

impl eframe::App for Window {
    fn logic(&mut self, _ctx: &Context, _frame: &mut eframe::Frame) {
        self.app.drain();
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.clock(&ctx);
        self.commands();
        self.drops(&ctx);
        self.appearance(&ctx);
        self.reading.begin_frame(self.app.state.settings.reading);
        self.look_for_problems();
        let mut actions = vec![];
        // The limit is for the window, not for what is left of it when everything is shown larger.
        let size = ctx.content_rect().size() * ctx.zoom_factor();
        if size.x < SMALLEST.x || size.y < SMALLEST.y {
            too_small(ui);
        } else {
            let Self {
                app,
                reading,
                typed,
                problems,
                ..
            } = self;
            let none = Problems::default();
            let problems = problems.as_ref().map_or(&none, |(_, found)| found);
            let state = &mut app.state;
            let compact = state.compact;
            // Behind the welcome there is nothing yet, and nothing may be touched.
            if state.overlay != Some(Overlay::Welcome) {
                if !state.focus_mode {
                    chrome::rail(ui, state, compact, &mut actions);
                    chrome::status_bar(ui, state, problems, &mut actions);
                    chrome::top_bar(ui, state, &mut actions);
                }
                chrome::picking(ui, state, &mut actions);
                chrome::notice(ui, state, &mut actions);
                CentralPanel::default()
                    .frame(Frame::NONE)
                    .show(ui, |ui| match state.screen {
                        Screen::Annotate => {
                            screens::annotate::show(ui, state, reading, &mut actions);
                        }
                        Screen::Queue => screens::queue::show(ui, state, &mut actions),
                        Screen::Inspect => screens::inspect::show(ui, state, &mut actions),
                        Screen::Agreement => screens::agreement::show(ui, state, &mut actions),
                        Screen::Export => screens::export::show(ui, state, &mut actions),
                        Screen::Models => screens::models::show(ui, state, &mut actions),
                        Screen::Settings => {
                            screens::settings::show(ui, state, typed, &mut actions);
                        }
                    });
            }
            overlays::show(ui, state, typed, &mut actions);
        }
        self.dispatch(actions);
        self.keep_place(&ctx);
        let by = self.app.state.panel - std::mem::replace(&mut self.panel, self.app.state.panel);
        controls::go_to_landmark(&ctx, by);
        self.keys.offer(&self.app.state);
    }
}

impl Drop for Window {
    /// Whoever closes the window at once comes back to the same place, too.
    fn drop(&mut self) {
        if let (kept, Some(place), _) = &self.place
            && kept.as_ref() != Some(place)
        {
            let place = Box::new(place.clone());
            self.app.dispatch(Action::KeepPlace(place));
        }
    }
}

fn too_small(ui: &mut egui::Ui) {
    ui.centered_and_justified(|ui| ui.label(words::chrome::TOO_SMALL));
}

/// Opens the window and runs until it is closed.
pub fn run(project: Option<PathBuf>) -> Result<(), eframe::Error> {
    let icon = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png")).ok();
    let mut viewport = ViewportBuilder::default()
        .with_title(words::everywhere::PROGRAM)
        .with_app_id("tiebreak")
        .with_inner_size(vec2(1440.0, 900.0))
        .with_clamp_size_to_monitor_size(true)
        .with_min_inner_size(SMALLEST);
    if let Some(icon) = icon {
        viewport = viewport.with_icon(icon);
    }
    let renderer = match std::env::var("TIEBREAK_RENDERER").as_deref() {
        Ok("wgpu") => eframe::Renderer::Wgpu,
        _ => eframe::Renderer::Glow,
    };
    let options = eframe::NativeOptions {
        viewport,
        renderer,
        ..Default::default()
    };
    eframe::run_native(
        words::everywhere::PROGRAM,
        options,
        Box::new(move |cc| {
            let mut window = Window::new(&cc.egui_ctx, Places::of_user(), project)?;
            window.app.set_picker(Box::new(pick));
            Ok(Box::new(window))
        }),
    )
}

/// Shows a file dialog without blocking the window.
fn pick(what: Pick, outbox: crate::app::runner::Outbox) {
    let dialog = rfd::AsyncFileDialog::new();
    let thread = std::thread::Builder::new().name("dialog".to_owned());
    let started = thread.spawn(move || {
        let opened = Instant::now();
        let one = |file: Option<rfd::FileHandle>| file.map(|f| vec![f.path().to_owned()]);
        let paths = match what {
            Pick::Project => one(wait(
                dialog
                    .set_title(words::dialogs::OPEN_A_PROJECT)
                    .add_filter(words::dialogs::PROJECT_FILES, &["tiebreak"])
                    .pick_file(),
            )),
            Pick::NewProject => one(wait(
                dialog
                    .set_title(words::dialogs::MAKE_A_PROJECT)
                    .set_file_name("project.tiebreak")
                    .save_file(),
            )),
            Pick::Import => {
                let dialog = dialog.set_title(words::dialogs::IMPORT_DATA).add_filter(
                    words::dialogs::DATA_FILES,
                    &[&crate::dataset::ENDINGS[..], &crate::dataset::PACKED].concat(),
                );
                wait(dialog.pick_files())
                    .map(|files| files.iter().map(|f| f.path().to_owned()).collect())
            }
            Pick::Export => one(wait(
                dialog
                    .set_title(words::dialogs::EXPORT_TO)
                    .set_file_name("labels.jsonl")
                    .save_file(),
            )),
            Pick::Copy => one(wait(
                dialog
                    .set_title(words::dialogs::SAVE_A_COPY)
                    .set_file_name("copy.tiebreak")
                    .save_file(),
            )),
            Pick::Trained => one(wait(
                dialog
                    .set_title(words::dialogs::TRAINED_FOLDER)
                    .set_file_name("head")
                    .save_file(),
            )),
            Pick::ModelFolder => one(wait(
                dialog.set_title(words::dialogs::MODEL_FOLDER).pick_folder(),
            )),
            Pick::ModelFile => one(wait(
                dialog
                    .set_title(words::dialogs::MODEL_FILE)
                    .add_filter(
                        words::dialogs::MODEL_FILES,
                        &["gguf", "nemo", "safetensors", "bin"],
                    )
                    .pick_file(),
            )),
        };
        // A dialog that is gone at once was never there: this system has none.
        match paths {
            None if opened.elapsed() < Duration::from_millis(300) => {
                outbox.send(Action::AskPath(what));
            }
            paths => outbox.send(Action::Picked(what, paths.unwrap_or_default())),
        }
    });
    started.ok();
}

/// Waits for a dialog on the thread that is there for it.
fn wait<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::task::Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
        {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}
