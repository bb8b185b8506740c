//! The thread that owns the project: opens it, reads items, writes events and drafts, and says so only when they are on disk.
//! Every request to write is answered, whatever happens.

mod circumstances;
mod jobs;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use jiff::Timestamp;

use super::action::Action;
use super::effect::{Afterwards, Effect, Target};
use super::export::{ExportRecipe, export};
use super::import::{import, look};
use super::open_project::OpenProject;
use super::runner::Outbox;
use super::sample;
use super::scoring::score_all;
use super::settings::Settings;
use super::state::{Opened, Place};
use super::train::{TrainInput, TrainRecipe, train};
use crate::app::words::notices as words;
use crate::dataset::ReadAs;
use crate::domain::{Draft, Event, EventBody, Item, ItemId};
use crate::reward::{LoadOptions, ModelRef};
use crate::store::{Filter, Indexed, Order, Reader, StoreError, TakeOver};
use crate::task::Cancel;

/// Items read and scored ahead of the labeler.
const AHEAD: usize = 3;

/// The next items of an order after one, going round once, that the annotator neither labelled nor skipped.
fn next_of(
    order: &[u64],
    reader: &Reader,
    annotator: &str,
    after: Option<u64>,
    most: usize,
) -> Result<Vec<u64>, StoreError> {
    let from = after
        .and_then(|after| order.iter().position(|at| *at == after))
        .map_or(0, |at| at + 1);
    let mut found = vec![];
    for &position in order[from..].iter().chain(&order[..from]) {
        if found.len() == most {
            break;
        }
        if Some(position) != after && !reader.is_done(annotator, position)? {
            found.push(position);
        }
    }
    Ok(found)
}

/// Under which key the place of an annotator is kept.
fn place_key(annotator: &str) -> String {
    format!("place.{annotator}")
}

/// How often somebody else's wish to have the project is looked for.
const LOOK_UP: Duration = Duration::from_secs(1);
/// How long somebody else has to let go of a project.
const LET_GO: Duration = Duration::from_secs(8);

/// What the thread can be asked.
pub enum Request {
    /// An effect on the project.
    Effect(Effect),
    /// Who is labeling.
    Annotator(String),
    /// Keep the settings in this file.
    SaveSettings(Settings, PathBuf),
    /// Look at files on a thread of its own.
    LookAt(Vec<PathBuf>, ReadAs, Cancel),
    /// Import files on a thread of its own.
    Import(Vec<PathBuf>, ReadAs, Cancel),
    /// Score what has no score on a thread of its own.
    ScoreAll(ModelRef, Cancel),
    /// Train a head on a thread of its own, with the folder of known features.
    Train(TrainRecipe, PathBuf, Cancel),
    /// Export on a thread of its own.
    Export(ExportRecipe, Cancel),
    /// Write what is to be written and end.
    Quit,
}

/// The thread's state.
pub struct Desk {
    annotator: String,
    sample: PathBuf,
    outbox: Outbox,
    open: Option<OpenProject>,
    scorer: Option<String>,
    /// Whether the items of which that scorer is least certain come first.
    uncertain: bool,
    /// All positions in that order, as it was when it was asked for.
    plan: Option<(String, Vec<u64>)>,
    /// The last draft could not be kept: its item is not left.
    unsaved: bool,
    /// Stops what is being counted for a researcher.
    study: Cancel,
    /// What was last told of the index of words.
    indexed: Option<Indexed>,
}

impl Desk {
    /// A desk with nothing on it.
    pub fn new(annotator: String, sample: PathBuf, outbox: Outbox) -> Self {
        Self {
            annotator,
            sample,
            outbox,
            open: None,
            scorer: None,
            uncertain: false,
            plan: None,
            unsaved: false,
            study: Cancel::default(),
            indexed: None,
        }
    }

    /// Serves requests until asked to quit.
    pub fn run(mut self, requests: &Receiver<Request>) {
        let mut looked = Instant::now();
        loop {
            let request = match requests.recv_timeout(LOOK_UP) {
                Ok(Request::Quit) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(request) => Some(request),
                Err(RecvTimeoutError::Timeout) => None,
            };
            let idle = requests.is_empty() && looked.elapsed() >= LOOK_UP;
            let serve = || {
                if let Some(request) = request {
                    self.serve(request);
                }
                // Everything asked so far is written before the project is let go of.
                if idle {
                    looked = Instant::now();
                    self.let_go();
                    self.tell_indexed();
                }
            };
            // What fails inside the program must not silence the thread that keeps labels.
            if catch_unwind(AssertUnwindSafe(serve)).is_err() {
                let message = words::FAILED_INSIDE.to_owned();
                self.outbox.send(Action::StoreFailed { message });
            }
        }
    }

    fn serve(&mut self, request: Request) {
        match request {
            Request::Quit => {}
            Request::Annotator(name) => {
                if name != self.annotator {
                    self.annotator = name;
                    let taken = self
                        .open
                        .as_mut()
                        .map_or(Ok(()), |open| open.take_annotator(&self.annotator));
                    self.trouble(taken);
                }
            }
            Request::SaveSettings(settings, path) => {
                if let Err(error) = settings.write(&path) {
                    let message = words::settings_not_kept(&path.display(), &error);
                    self.outbox.send(Action::Trouble { message });
                }
            }
            Request::LookAt(files, read_as, cancel) => {
                let project = self.open.as_ref().map(|open| open.project.clone());
                self.spawn(
                    "look",
                    project,
                    cancel.clone(),
                    move |project, report| match look(files, read_as, project, &cancel, report) {
                        Ok(sheet) => Action::LookedAt(sheet.map(Box::new)),
                        Err(error) => Action::JobFailed {
                            message: words::not_imported(&error),
                        },
                    },
                );
            }
            Request::Import(files, read_as, cancel) => {
                self.start_job(
                    "import",
                    cancel.clone(),
                    move |project, report| match import(
                        project, &files, &read_as, false, &cancel, report,
                    ) {
                        Ok(report) => Action::Imported(Box::new(report)),
                        Err(error) => Action::JobFailed {
                            message: error.to_string(),
                        },
                    },
                );
            }
            Request::ScoreAll(model, cancel) => {
                self.start_job(
                    "score",
                    cancel.clone(),
                    move |project, report| match score_all(project, &model, &cancel, report) {
                        Ok(failed) => Action::AllScored { failed },
                        Err(error) => Action::JobFailed {
                            message: words::labels_not_affected(&error),
                        },
                    },
                );
            }
            Request::Train(recipe, cache, cancel) => {
                self.start_job("train", cancel.clone(), move |project, report| {
                    let input = TrainInput::Project(project);
                    let options = LoadOptions::default();
                    match train(&input, &recipe, &cache, &options, &cancel, report) {
                        Ok(report) => Action::Trained(Box::new(report)),
                        Err(error) if error.is_cancelled() => Action::TrainFailed { message: None },
                        Err(error) => {
                            let hint = error.hint().map(words::hint);
                            let message = format!("{error}.{}", hint.unwrap_or_default());
                            Action::TrainFailed {
                                message: Some(message),
                            }
                        }
                    }
                });
            }
            Request::Export(recipe, cancel) => {
                self.start_job(
                    "export",
                    cancel.clone(),
                    move |project, report| match export(project, &recipe, &cancel, report) {
                        Ok(report) => Action::Exported(Box::new(report)),
                        Err(error) => Action::JobFailed {
                            message: error.to_string(),
                        },
                    },
                );
            }
            Request::Effect(effect) => self.carry_out(effect),
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::OpenProject { path, read_only } => self.open_project(&path, read_only),
            Effect::OpenSample => self.open_sample(),
            Effect::TakeOver(path) => self.take_over(&path),
            Effect::SaveCopy(path, draft) => self.save_copy(&path, draft),
            // The answer whose draft could not be kept is on the screen only.
            Effect::OpenItem(_) if std::mem::take(&mut self.unsaved) => {}
            Effect::OpenItem(target) => {
                let opened = self.open_item(target);
                self.answer(opened);
            }
            Effect::Append { events, then } => self.append(events, &then),
            Effect::Reverse { body } => {
                let reversed = self.reverse(body);
                self.answer(reversed);
            }
            Effect::PutDraft(item, draft) => {
                let saved = self.put_draft(item, draft.as_ref());
                self.unsaved = saved.is_err();
                if saved.is_ok() {
                    self.outbox.send(Action::DraftSaved {
                        at: Timestamp::now(),
                    });
                }
                self.answer(saved);
            }
            Effect::PutScores(by, scores) => {
                if let Some(open) = &self.open {
                    open.keep(by, scores);
                }
            }
            Effect::ReadHistory(item, all) => {
                let read = self.read_history(item, all);
                self.trouble(read);
            }
            Effect::ReadScores(items, scorer) => {
                let read = self.read_scores(items, scorer);
                self.trouble(read);
            }
            Effect::List { search, from, rows } => {
                let listed = self.list(&search, from, rows);
                self.trouble(listed);
            }
            Effect::Preview(recipe) => self.preview(recipe),
            Effect::Order { uncertain } => {
                self.uncertain = uncertain;
                self.plan = None;
            }
            Effect::CountAgreed(model) => self.count_agreed(model),
            Effect::Inspect(scorer, labels) => self.inspect(scorer, labels),
            Effect::Compare(labels) => self.compare(labels),
            Effect::CountUnscored(scorer) => self.count_unscored(scorer),
            Effect::StopStudy => std::mem::take(&mut self.study).cancel(),
            Effect::Tally => self.tally(),
            Effect::KeepPlace(place) => {
                let kept = self.keep_place(&place);
                self.trouble(kept);
            }
            _ => {}
        }
    }

    /// Says that something that concerns labels failed.
    fn answer(&self, done: Result<(), StoreError>) {
        if let Err(error) = done {
            self.outbox.send(Action::StoreFailed {
                message: format!("{error} ({}).", error.code()),
            });
        }
    }

    /// Says that something else failed.
    fn trouble(&self, done: Result<(), StoreError>) {
        if let Err(error) = done {
            self.outbox.send(Action::Trouble {
                message: words::labels_not_affected_by(&error, error.code()),
            });
        }
    }

    // Projects -----------------------------------------------------------------------------

    fn open_sample(&mut self) {
        let path = self.sample.clone();
        if !path.exists()
            && let Err(error) = sample::make(&path, &self.annotator)
        {
            let message = words::no_sample(&path.display(), &error);
            self.outbox.send(Action::ProjectFailed {
                path,
                message,
                locked: false,
            });
            return;
        }
        self.open_project(&path, false);
    }

    /// Opens another project; the one that is open stays so until that has worked.
    fn open_project(&mut self, path: &Path, read_only: bool) {
        let here = self
            .open
            .as_ref()
            .is_some_and(|o| o.is(path) && o.writer.is_some() != read_only);
        let opened = if here {
            Ok(None)
        } else {
            OpenProject::open(path, read_only, &self.annotator, &self.outbox).map(Some)
        };
        self.lay_out(path, opened);
    }

    /// Tells of a project that was opened, or of the one that stays.
    fn lay_out(&mut self, path: &Path, opened: Result<Option<OpenProject>, StoreError>) {
        let told = opened.and_then(|opened| {
            if let Some(opened) = opened {
                let info = opened.info()?;
                // An order is that of a project.
                self.plan = None;
                self.uncertain = false;
                self.open = Some(opened);
                return Ok(Some(info));
            }
            self.open.as_ref().map(OpenProject::info).transpose()
        });
        match told {
            Ok(Some(info)) => self.outbox.send(Action::ProjectOpened(Box::new(info))),
            Ok(None) => {}
            Err(error) => {
                let locked = matches!(error, StoreError::Locked { .. });
                let hint = error.hint().map(words::hint).unwrap_or_default();
                let message = format!("{error}.{hint}");
                self.outbox.send(Action::ProjectFailed {
                    path: path.to_owned(),
                    message,
                    locked,
                });
            }
        }
    }

    /// Asks whoever has the project open to let go of it, and opens it when that is done. Nothing is taken by force: the
    /// lock is the operating system's, and who holds it may have something to write yet.
    fn take_over(&mut self, path: &Path) {
        let asked = match TakeOver::ask(path, &self.annotator) {
            Ok(asked) => asked,
            Err(error) => return self.lay_out(path, Err(error)),
        };
        let until = Instant::now() + LET_GO;
        let opened = loop {
            match OpenProject::open(path, false, &self.annotator, &self.outbox) {
                Err(StoreError::Locked { .. }) if Instant::now() < until => {
                    thread::sleep(Duration::from_millis(100));
                }
                opened => break opened,
            }
        };
        drop(asked);
        if let Err(StoreError::Locked { owner, host, .. }) = &opened {
            let message = words::not_let_go(owner, host);
            return self.outbox.send(Action::ProjectFailed {
                path: path.to_owned(),
                message,
                locked: true,
            });
        }
        self.lay_out(path, opened.map(Some));
    }

    /// Tells how far the index of words is, where that is new.
    fn tell_indexed(&mut self) {
        let open = self.open.as_ref().filter(|open| open.writer.is_some());
        let indexed = open
            .and_then(|open| {
                open.project
                    .reader()
                    .and_then(|reader| reader.indexed())
                    .ok()
            })
            .filter(|indexed| indexed.done < indexed.total);
        if indexed != self.indexed {
            self.indexed = indexed;
            self.outbox.send(Action::Indexed(indexed));
        }
    }

    /// Lets go of the project if somebody else has asked for it, and reads it from then on.
    fn let_go(&mut self) {
        let writing = self.open.as_ref().filter(|open| open.writer.is_some());
        let asked = writing.and_then(|open| Some((open.project.wanted_by()?, open)));
        let Some((by, path)) = asked.map(|(by, open)| (by, open.project.path().to_owned())) else {
            return;
        };
        // Closed before it is opened for reading: its work ends and its lock goes. That may take a while; who does not want it any
        // more by then shall not have it.
        if let Some(open) = &mut self.open {
            open.end_jobs();
            if open.project.wanted_by().is_none() {
                return;
            }
        }
        self.open = None;
        match OpenProject::open(&path, true, &self.annotator, &self.outbox) {
            Ok(opened) => {
                self.open = Some(opened);
                self.outbox.send(Action::TakenOver { by });
            }
            Err(error) => self.outbox.send(Action::StoreFailed {
                message: words::taken_over_unreadable(&by, &error),
            }),
        }
    }

    /// Copies the project to a new file, with the open answer as its draft, and goes on there.
    fn save_copy(&mut self, path: &Path, draft: Option<(ItemId, Draft)>) {
        let copied = match &self.open {
            Some(open) => open.project.backup(path),
            None => Err(StoreError::Closed),
        };
        let opened = copied.and_then(|()| {
            let copy = OpenProject::open(path, false, &self.annotator, &self.outbox)?;
            if let (Some((item, draft)), Some(writer)) = (draft, &copy.writer) {
                writer.put_draft(item, &self.annotator, Some(&draft))?;
            }
            Ok(Some(copy))
        });
        self.lay_out(path, opened);
    }

    // Items --------------------------------------------------------------------------------

    fn open_item(&mut self, target: Target) -> Result<(), StoreError> {
        let plan = self.plan()?;
        let Some(OpenProject { reader, .. }) = &self.open else {
            return Err(StoreError::Closed);
        };
        let practice = self.practice()?;
        let going_on = matches!(target, Target::Resume | Target::NextUnlabelled(_));
        let exercise = practice
            .iter()
            .find(|(_, done)| going_on && !done)
            .map(|(position, _)| *position);
        let place = match target {
            Target::Resume if exercise.is_none() => self.place()?,
            _ => None,
        };
        let returning = match &place {
            Some(place) => reader.position_of(place.item)?,
            None => None,
        };
        let position = match target {
            _ if exercise.is_some() => exercise,
            Target::Resume if returning.is_some() => returning,
            Target::Position(position) => Some(position),
            Target::Id(id) => reader.position_of(id)?,
            Target::NextUnlabelled(after) => match &plan {
                Some(plan) => match next_of(plan, reader, &self.annotator, after, 1)?.first() {
                    Some(next) => Some(*next),
                    None => reader.next_unlabelled(&self.annotator, after)?,
                },
                None => reader.next_unlabelled(&self.annotator, after)?,
            },
            Target::Resume => {
                let last = self.last_position()?;
                let planned = match &plan {
                    Some(plan) => next_of(plan, reader, &self.annotator, last, 1)?
                        .first()
                        .copied(),
                    None => None,
                };
                match planned {
                    Some(position) => Some(position),
                    None => Some(reader.next_unlabelled(&self.annotator, last)?.unwrap_or(0)),
                }
            }
        };
        let item = match position {
            Some(position) => reader.item_at(position)?.map(|item| (position, item)),
            None => None,
        };
        let Some((position, item)) = item else {
            self.outbox.send(Action::NothingToOpen);
            return Ok(());
        };
        let mut ahead: Vec<Arc<Item>> = vec![];
        if let Some(plan) = &plan {
            for next in next_of(plan, reader, &self.annotator, Some(position), AHEAD)? {
                ahead.extend(reader.item_at(next)?.map(Arc::new));
            }
        } else {
            let mut from = position;
            while ahead.len() < AHEAD {
                match reader.next_unlabelled(&self.annotator, Some(from))? {
                    // Going round once ends where it began.
                    Some(next) if next > from => {
                        from = next;
                        ahead.extend(reader.item_at(next)?.map(Arc::new));
                    }
                    _ => break,
                }
            }
        }
        let mut scores = vec![];
        if let Some(scorer) = &self.scorer {
            for id in std::iter::once(item.id).chain(ahead.iter().map(|i| i.id)) {
                scores.extend(reader.scores(id, scorer)?);
            }
        }
        let opened = Opened {
            position,
            outcome: reader.outcome(item.id, &self.annotator)?,
            flag: reader.flag(item.id, &self.annotator)?,
            draft: reader.draft(item.id, &self.annotator)?,
            comments: reader.comments(item.id, &self.annotator)?,
            revealed: self.reveal(item.id)?,
            draft_is_newer: self.draft_is_newer(item.id)?,
            practice: practice
                .iter()
                .position(|(at, done)| *at == position && !done)
                .map(|at| (at, practice.len())),
            place: place.filter(|place| place.item == item.id),
            sources: reader.sources(item.id)?,
            references: reader.references(item.id)?,
            item: Arc::new(item),
            scores,
            scorer: self.scorer.clone(),
            ahead,
        };
        self.outbox.send(Action::Opened(Box::new(opened)));
        Ok(())
    }

    /// The scorer by whose uncertainty items are ordered, if they are.
    fn by_uncertainty(&self) -> Option<&str> {
        self.scorer.as_deref().filter(|_| self.uncertain)
    }

    /// The order by uncertainty, if items come in it: made when it is asked for first, and anew after scoring or an import.
    fn plan(&mut self) -> Result<Option<Vec<u64>>, StoreError> {
        let Some(scorer) = self.by_uncertainty().map(str::to_owned) else {
            return self.own_order();
        };
        if self.plan.as_ref().is_none_or(|(by, _)| *by != scorer) {
            let Some(open) = &self.open else {
                return Ok(None);
            };
            let order = open.reader.uncertain(&scorer)?;
            self.plan = Some((scorer, order));
        }
        Ok(self.plan.as_ref().map(|(_, order)| order.clone()))
    }

    /// The annotator's own order, where the schema asks for one.
    fn own_order(&mut self) -> Result<Option<Vec<u64>>, StoreError> {
        let Some(open) = &self.open else {
            return Ok(None);
        };
        if !open.reader.schema()?.shuffle {
            return Ok(None);
        }
        let key = format!("own order of {}", self.annotator);
        if self.plan.as_ref().is_none_or(|(by, _)| *by != key) {
            let seed = open.project.settings().seed;
            let order = open.reader.by_lot(&self.annotator, seed)?;
            self.plan = Some((key, order));
        }
        Ok(self.plan.as_ref().map(|(_, order)| order.clone()))
    }

    /// The item to go on after: the last one this annotator did something about.
    fn last_position(&self) -> Result<Option<u64>, StoreError> {
        let Some(open) = &self.open else {
            return Ok(None);
        };
        let Some(event) = open.history.undo.last() else {
            return Ok(None);
        };
        match open.reader.event(*event)?.and_then(|e| e.item) {
            Some(item) => open.reader.position_of(item),
            None => Ok(None),
        }
    }

    fn read_history(&self, item: ItemId, all: bool) -> Result<(), StoreError> {
        if let Some(open) = &self.open {
            let by = (!all).then_some(self.annotator.as_str());
            let events = open.reader.events_of(item, by)?;
            self.outbox.send(Action::HistoryRead { item, events });
        }
        Ok(())
    }

    fn read_scores(&mut self, items: Vec<Arc<Item>>, scorer: String) -> Result<(), StoreError> {
        self.scorer = Some(scorer.clone());
        let mut known = vec![];
        if let Some(open) = &self.open {
            for item in &items {
                known.extend(open.reader.scores(item.id, &scorer)?);
            }
        }
        self.outbox.send(Action::ScoresRead {
            items,
            scores: known,
            scorer,
        });
        Ok(())
    }

    fn list(&mut self, search: &str, from: u64, rows: u64) -> Result<(), StoreError> {
        if from == 0 {
            // Shown anew: after scoring, an import, or from another screen.
            self.plan = None;
        }
        let Some(OpenProject { reader, .. }) = &self.open else {
            return Ok(());
        };
        let text = (!search.trim().is_empty()).then(|| search.trim().to_owned());
        let (order, unscored) = match self.by_uncertainty() {
            Some(scorer) => (
                Order::Uncertain(scorer.to_owned()),
                reader.count_unscored(scorer)?,
            ),
            None => (Order::Import, 0),
        };
        let filter = Filter {
            text,
            order,
            ..Filter::default()
        };
        let total = reader.count_matching(&self.annotator, &filter)?;
        let rows = reader.list(from, rows as usize, &self.annotator, &filter)?;
        self.outbox.send(Action::Listed {
            from,
            total,
            rows,
            unscored,
        });
        Ok(())
    }

    // Writing ------------------------------------------------------------------------------

    /// Appends events; true when they are on disk.
    fn write(&mut self, events: Vec<Event>) -> bool {
        let open = self
            .open
            .as_mut()
            .and_then(|open| open.writer.clone().map(|writer| (open, writer)));
        let Some((open, writer)) = open else {
            let message = words::NO_PROJECT_TO_WRITE.to_owned();
            self.outbox.send(Action::AppendFailed { message });
            return false;
        };
        let written = match events.as_slice() {
            // What is labelled leaves no draft behind.
            [event] if matches!(event.body, EventBody::Label(_) | EventBody::Practice(_)) => {
                writer.commit(event)
            }
            events => writer.append(events),
        };
        if let Err(error) = written {
            self.outbox.send(Action::AppendFailed {
                message: format!("{error} ({}).", error.code()),
            });
            return false;
        }
        let at = Timestamp::now();
        for event in &events {
            open.history.note(event);
        }
        open.recount(&self.annotator);
        let (counts, history) = (open.counts, open.history.clone());
        self.outbox.send(Action::Appended {
            events,
            at,
            counts,
            history,
        });
        true
    }

    fn append(&mut self, events: Vec<Event>, then: &Afterwards) {
        if self.write(events)
            && let Afterwards::Open(target) = then
        {
            let opened = self.open_item(*target);
            self.answer(opened);
        }
    }

    /// Appends an undo or redo, then shows the item it is about. An undone label becomes the draft to go on with, unless there is
    /// one already; a redone label drops only that draft.
    fn reverse(&mut self, body: EventBody) -> Result<(), StoreError> {
        let (target, undo) = match body {
            EventBody::Undo { target } => (target, true),
            EventBody::Redo { target } => (target, false),
            _ => return Ok(()),
        };
        let Some(open) = &self.open else {
            return Err(StoreError::Closed);
        };
        let original = open.reader.event(target)?;
        let item = original.as_ref().and_then(|e| e.item);
        let draft = match item {
            Some(item) => open.reader.draft(item, &self.annotator)?,
            None => None,
        };
        if !self.write(vec![Event::now(&self.annotator, item, body)]) {
            return Ok(());
        }
        let Some(item) = item else { return Ok(()) };
        if let Some(EventBody::Label(label)) = original.map(|e| e.body) {
            let (active_ms, idle_ms) = (label.context.active_ms, label.context.idle_ms);
            let undone = Draft {
                judgment: label.judgment,
                active_ms,
                idle_ms,
                ..Draft::default()
            };
            match draft {
                None if undo => self.put_draft(item, Some(&undone))?,
                Some(draft) if !undo && draft.judgment == undone.judgment => {
                    self.put_draft(item, None)?;
                }
                _ => {}
            }
        }
        self.open_item(Target::Id(item))
    }

    fn keep_place(&self, place: &Place) -> Result<(), StoreError> {
        let writer = self.open.as_ref().and_then(|open| open.writer.as_ref());
        let (Some(writer), Ok(value)) = (writer, serde_json::to_value(place)) else {
            return Ok(());
        };
        writer.set_setting(&place_key(&self.annotator), &value)
    }

    fn put_draft(&self, item: ItemId, draft: Option<&Draft>) -> Result<(), StoreError> {
        let writer = self
            .open
            .as_ref()
            .and_then(|open| open.writer.as_ref())
            .ok_or(StoreError::Closed)?;
        writer.put_draft(item, &self.annotator, draft)
    }
}
