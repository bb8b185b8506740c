//! Carries out effects: one thread for the project, one for the model, one per import or export, and reports back as actions.

use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::action::Action;
use super::desk::{self, Desk};
use super::effect::Effect;
use super::scoring;
use super::settings::Places;
use super::state::Pick;
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
        let desk_thread = Some(desk_thread);
        Ok((
            Self {
                places,
                outbox,
                desk,
                desk_thread,
                scorer,
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

    /// Where finished work reports.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Carries out one effect.
    pub fn run(&mut self, effect: Effect) {
        match effect {
            Effect::LoadModel(model) => self.score(scoring::Request::Load(model)),
            Effect::UnloadModel => self.score(scoring::Request::Unload),
            Effect::Score(wanted) => self.score(scoring::Request::Score(wanted)),
            Effect::Import(files) => self.job(move |desk, cancel, outbox| {
                desk.send(desk::Request::Import {
                    files,
                    cancel: cancel.clone(),
                    outbox: outbox.clone(),
                })
                .ok();
            }),
            Effect::Export(recipe) => self.job(move |desk, cancel, outbox| {
                desk.send(desk::Request::Export {
                    recipe,
                    cancel: cancel.clone(),
                    outbox: outbox.clone(),
                })
                .ok();
            }),
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
                let annotator = settings.annotator.clone();
                self.desk.send(desk::Request::Annotator(annotator)).ok();
                let path = self.places.settings();
                self.desk
                    .send(desk::Request::SaveSettings(settings, path))
                    .ok();
            }
            other => {
                self.desk.send(desk::Request::Effect(other)).ok();
            }
        }
    }

    fn score(&self, request: scoring::Request) {
        self.scorer.send(request).ok();
    }

    fn job(&mut self, start: impl FnOnce(&Sender<desk::Request>, &Cancel, &Outbox)) {
        let cancel = Cancel::default();
        start(&self.desk, &cancel, &self.outbox);
        self.job = Some(cancel);
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        if let Some(cancel) = &self.job {
            cancel.cancel();
        }
        self.scorer.send(scoring::Request::Quit).ok();
        // Everything asked of the project is written before the program ends.
        self.desk.send(desk::Request::Quit).ok();
        if let Some(thread) = self.desk_thread.take() {
            thread.join().ok();
        }
    }
}
