//! Carries out effects: one thread for the project, one for the model, one per import or export, and reports back as actions.

use std::path::Path;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::action::Action;
use super::beside;
use super::desk::{self, Desk};
use super::effect::Effect;
use super::library;
use super::scoring;
use super::settings::Places;
use super::state::Pick;
use crate::app::words;
use crate::domain::ItemId;
use crate::task::{Cancel, Waker};

/// Sends actions to the program and wakes its face.
#[derive(Clone)]
pub struct Outbox {
    sender: Sender<Action>,
    waker: Waker,
}

impl Outbox {
    /// Reports; does nothing when the program is gone.
    pub fn send(&self, action: Action) {
        if self.sender.send(action).is_ok() {
            (self.waker)();
        }
    }
}

/// Shows file dialogs; the window has them, tests and other faces need not.
pub type Picker = Box<dyn Fn(Pick, Outbox)>;

/// Where effects go.
pub struct Runner {
    places: Places,
    outbox: Outbox,
    desk: Sender<desk::Request>,
    desk_thread: Option<thread::JoinHandle<()>>,
    scorer: Sender<scoring::Request>,
    beside: Sender<beside::Request>,
    scoring: Option<ItemId>,
    score_sign: Cancel,
    /// Stops the scoring of a rewrite that has been changed since.
    rescore_sign: Cancel,
    /// Stops the scoring of an item by models beside, once another one is read.
    beside_sign: Cancel,
    job: Option<Cancel>,
    picker: Option<Picker>,
}

impl Runner {
    /// Starts the threads. The receiver gives what they report.
    pub fn start(
        places: Places,
        annotator: String,
        waker: Waker,
    ) -> std::io::Result<(Self, Receiver<Action>)> {
        let (sender, inbox) = unbounded();
        let outbox = Outbox { sender, waker };
        let (desk, requests) = unbounded();
        let to_desk = outbox.clone();
        let sample = places.sample();
        let desk_thread = thread::Builder::new()
            .name("project".to_owned())
            .spawn(move || Desk::new(annotator, sample, to_desk).run(&requests))?;
        let (scorer, requests) = unbounded();
        let to_scorer = outbox.clone();
        thread::Builder::new()
            .name("scorer".to_owned())
            .spawn(move || scoring::run(&requests, &to_scorer))?;
        let (beside, requests) = unbounded();
        let to_beside = outbox.clone();
        thread::Builder::new()
            .name("beside".to_owned())
            .spawn(move || beside::run(&requests, &to_beside))?;
        let desk_thread = Some(desk_thread);
        Ok((
            Self {
                places,
                outbox,
                desk,
                desk_thread,
                scorer,
                beside,
                scoring: None,
                score_sign: Cancel::default(),
                rescore_sign: Cancel::default(),
                beside_sign: Cancel::default(),
                job: None,
                picker: None,
            },
            inbox,
        ))
    }

    /// Gives the runner a way to show file dialogs.
    pub fn set_picker(&mut self, picker: Picker) {
        self.picker = Some(picker);
    }

    /// Carries out one effect.
    pub fn run(&mut self, effect: Effect) {
        match effect {
            Effect::LoadModel(model) => self.score(scoring::Request::Load(model)),
            Effect::UnloadModel => self.score(scoring::Request::Unload),
            Effect::LoadBeside(model) => self.compare(beside::Request::Load(model)),
            Effect::UnloadBeside(model) => {
                std::mem::take(&mut self.beside_sign).cancel();
                self.compare(beside::Request::Unload(model));
            }
            Effect::ScoreBeside(item) => {
                std::mem::take(&mut self.beside_sign).cancel();
                let sign = self.beside_sign.clone();
                self.compare(beside::Request::Score(item, sign));
            }
            Effect::ListModels => self.models(|_| Ok(())),
            Effect::AddModel(model) => self.models(move |path| library::add(path, &model)),
            Effect::ForgetModel(model) => self.models(move |path| library::forget(path, &model)),
            Effect::Score(wanted) => {
                // What is computed for an item that is not wanted any more is stopped.
                let first = wanted.first().map(|(item, _)| item.id);
                if self.scoring != first {
                    self.scoring = first;
                    std::mem::take(&mut self.score_sign).cancel();
                }
                self.score(scoring::Request::Score(wanted, self.score_sign.clone()));
            }
            Effect::Rescore(item, key, text) => {
                std::mem::take(&mut self.rescore_sign).cancel();
                let sign = self.rescore_sign.clone();
                self.score(scoring::Request::Rescore(item, key, text, sign));
            }
            Effect::LookAt(files, read_as) => {
                let cancel = self.job.insert(Cancel::default()).clone();
                self.ask(desk::Request::LookAt(files, read_as, cancel));
            }
            Effect::Import(files, read_as) => {
                let cancel = self.job.insert(Cancel::default()).clone();
                self.ask(desk::Request::Import(files, read_as, cancel));
            }
            Effect::ScoreAll(model) => {
                let cancel = self.job.insert(Cancel::default()).clone();
                self.ask(desk::Request::ScoreAll(model, cancel));
            }
            Effect::Train(recipe) => {
                let cancel = self.job.insert(Cancel::default()).clone();
                let cache = self.places.features();
                self.ask(desk::Request::Train(recipe, cache, cancel));
            }
            Effect::Export(recipe) => {
                let cancel = self.job.insert(Cancel::default()).clone();
                self.ask(desk::Request::Export(recipe, cancel));
            }
            Effect::CancelJob => {
                if let Some(cancel) = &self.job {
                    cancel.cancel();
                }
            }
            Effect::Pick(what) => match &self.picker {
                Some(picker) => picker(what, self.outbox.clone()),
                None => self.outbox.send(Action::AskPath(what)),
            },
            Effect::SaveSettings(settings) => {
                self.ask(desk::Request::Annotator(settings.annotator.clone()));
                self.ask(desk::Request::SaveSettings(
                    settings,
                    self.places.settings(),
                ));
            }
            other => self.ask(desk::Request::Effect(other)),
        }
    }

    /// Asks the project's thread; that it is gone is said, never passed over.
    fn ask(&self, request: desk::Request) {
        if self.desk.send(request).is_err() {
            let message = words::notices::SAVING_ENDED;
            self.outbox.send(Action::StoreFailed {
                message: message.to_owned(),
            });
        }
    }

    /// Changes the list of models, and looks at all of them, meanwhile.
    fn models(&self, change: impl FnOnce(&Path) -> std::io::Result<()> + Send + 'static) {
        let (path, outbox) = (self.places.models(), self.outbox.clone());
        let work = move || {
            if let Err(error) = change(&path) {
                let message = words::notices::settings_not_kept(&path.display(), &error);
                outbox.send(Action::Trouble { message });
            }
            outbox.send(Action::ModelsListed {
                entries: library::look(&path),
                free: crate::reward::local::facts::free_memory(),
            });
        };
        // Without a thread for it, the list stays as it was.
        thread::Builder::new()
            .name("models".to_owned())
            .spawn(work)
            .ok();
    }

    fn compare(&self, request: beside::Request) {
        self.beside.send(request).ok();
    }

    fn score(&self, request: scoring::Request) {
        self.scorer.send(request).ok();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some(cancel) = &self.job {
            cancel.cancel();
        }
        self.scorer.send(scoring::Request::Quit).ok();
        self.beside_sign.cancel();
        self.beside.send(beside::Request::Quit).ok();
        // Everything asked of the project is written before the program ends.
        self.desk.send(desk::Request::Quit).ok();
        if let Some(thread) = self.desk_thread.take() {
            thread.join().ok();
        }
    }
}
