//! What can be done? The program without a face: state, actions, the commands table, and the threads that carry things out.

pub mod action;
pub mod beside;
pub mod commands;
pub mod desk;
pub mod effect;
pub mod export;
pub mod form;
pub mod guidelines;
pub mod history;
pub mod import;
mod job;
pub mod library;
pub mod open_project;
pub mod reading;
pub mod runner;
pub mod sample;
pub mod scoring;
pub mod settings;
pub mod shortcut;
pub mod state;
pub mod study;
pub mod train;
pub mod update;
pub mod words;

use std::path::PathBuf;

use crossbeam_channel::Receiver;

pub use action::Action;
pub use commands::{COMMANDS, Command};
pub use state::{AppState, Overlay, Screen};

use crate::reward::ModelRef;
use crate::task::Waker;
use effect::Effect;
use runner::Runner;
use settings::{Places, Settings};

/// The program: a face shows `state` and sends actions to it.
pub struct App {
    /// What is shown.
    pub state: AppState,
    runner: Runner,
    inbox: Receiver<Action>,
}

impl App {
    /// Starts the program with a project, or the sample where none is named.
    pub fn start(places: Places, project: Option<PathBuf>, waker: Waker) -> std::io::Result<Self> {
        let settings = Settings::read(&places.settings());
        let (mut runner, inbox) = Runner::start(places, settings.annotator.clone(), waker)?;
        let model: Option<ModelRef> = match settings.model.as_str() {
            "off" => None,
            name => Some(name.parse().unwrap_or(ModelRef::Default)),
        };
        let mut state = AppState::new(settings, project);
        if let Some(model) = model {
            state.model = state::ModelState::Loading(model.clone());
            runner.run(Effect::LoadModel(model));
        }
        let mut app = Self {
            state,
            runner,
            inbox,
        };
        if app.state.overlay.is_none() {
            app.begin();
        }
        Ok(app)
    }

    /// Opens what the program was started with.
    pub fn begin(&mut self) {
        let action = match self.state.start.clone() {
            Some(path) => Action::OpenProject(path),
            None => Action::StartSample,
        };
        self.dispatch(action);
    }

    /// Carries out an action at once, with everything that follows from it.
    pub fn dispatch(&mut self, action: Action) {
        for effect in update::update(&mut self.state, action) {
            self.runner.run(effect);
        }
    }

    /// Takes what finished work reported; true if there was anything.
    pub fn drain(&mut self) -> bool {
        let mut any = false;
        while let Ok(action) = self.inbox.try_recv() {
            any = true;
            self.dispatch(action);
        }
        any
    }

    /// Gives the program a way to show file dialogs.
    pub fn set_picker(&mut self, picker: runner::Picker) {
        self.runner.set_picker(picker);
    }
}
