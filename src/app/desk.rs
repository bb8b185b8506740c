//! The thread that owns the project: opens it, reads items, writes events and drafts, and says so only when they are on disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use jiff::Timestamp;

use super::action::Action;
use super::effect::{Afterwards, Effect, Target};
use super::export::{ExportRecipe, export, preview};
use super::import::import;
use super::runner::Outbox;
use super::sample;
use super::settings::Settings;
use super::state::{Counts, Opened, ProjectInfo};
use crate::domain::{Draft, Event, EventBody, Item, ItemId, LabelSchema, ScorePolicy};
use crate::store::{Access, Filter, Project, ProjectSettings, Reader, StoreError, Writer};
use crate::task::{Cancel, Progress};

/// Items read and scored ahead of the labeler.
const AHEAD: usize = 3;

/// What the thread can be asked.
pub enum Request {
    /// An effect on the project.
    Effect(Effect),
    /// Who is labeling.
    Annotator(String),
    /// Keep the settings in this file.
    SaveSettings(Settings, PathBuf),
    /// Import files on a thread of its own.
    Import {
        /// The files.
        files: Vec<PathBuf>,
        /// To stop it.
        cancel: Cancel,
        /// To report to.
        outbox: Outbox,
    },
    /// Export on a thread of its own.
    Export {
        /// What and where.
        recipe: ExportRecipe,
        /// To stop it.
        cancel: Cancel,
        /// To report to.
        outbox: Outbox,
    },
    /// Write what is to be written and end.
    Quit,
}

struct Open {
    project: Arc<Project>,
    reader: Reader,
    writer: Option<Writer>,
}

/// The thread's state.
pub struct Desk {
    annotator: String,
    sample: PathBuf,
    outbox: Outbox,
    open: Option<Open>,
    scorer: Option<String>,
    jobs: Vec<thread::JoinHandle<()>>,
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
            jobs: vec![],
        }
    }

    /// Serves requests until asked to quit.
    pub fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(request) = requests.recv() {
            match request {
                Request::Quit => break,
                Request::Annotator(name) => self.annotator = name,
                Request::SaveSettings(settings, path) => {
                    if let Err(error) = settings.write(&path) {
                        self.fail(&format!(
                            "The settings could not be kept in {}: {error}. Labels are not affected.",
                            path.display()
                        ));
                    }
                }
                Request::Import {
                    files,
                    cancel,
                    outbox,
                } => self.start_import(files, cancel, outbox),
                Request::Export {
                    recipe,
                    cancel,
                    outbox,
                } => self.start_export(recipe, cancel, outbox),
                Request::Effect(effect) => {
                    if let Err(error) = self.carry_out(effect) {
                        self.fail(&error.to_string());
                    }
                }
            }
        }
        for job in self.jobs.drain(..) {
            job.join().ok();
        }
    }

    fn fail(&self, message: &str) {
        self.outbox.send(Action::StoreFailed {
            message: message.to_owned(),
        });
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), StoreError> {
        match effect {
            Effect::OpenProject { path, read_only } => self.open_project(&path, read_only),
            Effect::OpenSample => self.open_sample(),
            Effect::OpenItem(target) => return self.open_item(target),
            Effect::Append { events, then } => self.append(events, &then),
            Effect::Reverse { body } => return self.reverse(body),
            Effect::PutDraft(item, draft) => return self.put_draft(item, draft.as_ref()),
            Effect::PutScores(scorer, scores) => {
                if let Some(writer) = self.writer() {
                    writer.put_scores(&scorer, &scores)?;
                }
            }
            Effect::ReadScores(items, scorer) => {
                self.scorer = Some(scorer.clone());
                if let Some(open) = &self.open {
                    let mut scores = vec![];
                    for item in &items {
                        scores.extend(open.reader.scores(item.id, &scorer)?);
                    }
                    self.outbox.send(Action::ScoresRead {
                        items,
                        scores,
                        scorer,
                    });
                }
            }
            Effect::List { search, from, rows } => {
                if let Some(open) = &self.open {
                    let text = (!search.trim().is_empty()).then(|| search.trim().to_owned());
                    let filter = Filter {
                        text,
                        ..Filter::default()
                    };
                    let total = open.reader.count_matching(&self.annotator, &filter)?;
                    let rows = open
                        .reader
                        .list(from, rows as usize, &self.annotator, &filter)?;
                    self.outbox.send(Action::Listed { from, total, rows });
                }
            }
            Effect::Preview(recipe) => {
                if let Some(open) = &self.open {
                    match preview(&open.project, &recipe, 3, &self.annotator) {
                        Ok((lines, available)) => self.outbox.send(Action::Preview {
                            recipe,
                            lines,
                            available,
                        }),
                        Err(error) => self.outbox.send(Action::JobFailed {
                            message: error.to_string(),
                        }),
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn writer(&self) -> Option<&Writer> {
        self.open.as_ref()?.writer.as_ref()
    }

    // Projects -----------------------------------------------------------------------------

    fn open_sample(&mut self) {
        let path = self.sample.clone();
        self.open = None;
        if !path.exists()
            && let Err(error) = sample::make(&path, &self.annotator)
        {
            let message = format!(
                "The sample project could not be made at {}: {error}",
                path.display()
            );
            self.outbox.send(Action::ProjectFailed {
                path,
                message,
                locked: false,
            });
            return;
        }
        self.open_project(&path, false);
    }

    fn open_project(&mut self, path: &Path, read_only: bool) {
        self.open = None;
        let opened = if read_only {
            Project::open(path, Access::Read)
        } else if path.exists() {
            Project::open(
                path,
                Access::Write {
                    owner: &self.annotator,
                },
            )
        } else {
            Project::create(path, &new_project(path), &self.annotator)
        };
        let result = opened.and_then(|project| {
            let reader = project.reader()?;
            let settings = project.settings();
            let info = ProjectInfo {
                path: path.to_owned(),
                title: settings.title.clone(),
                schema: settings.schema.clone(),
                policy: reader.policy()?,
                seed: settings.seed,
                read_only,
                counts: counts(&reader, &self.annotator)?,
                history: reader.history(&self.annotator)?,
            };
            let writer = if read_only {
                None
            } else {
                Some(project.writer()?)
            };
            self.open = Some(Open {
                project: Arc::new(project),
                reader,
                writer,
            });
            Ok(info)
        });
        match result {
            Ok(info) => self.outbox.send(Action::ProjectOpened(Box::new(info))),
            Err(error) => {
                let locked = matches!(error, StoreError::Locked { .. });
                self.outbox.send(Action::ProjectFailed {
                    path: path.to_owned(),
                    message: error.to_string(),
                    locked,
                });
            }
        }
    }

    // Items --------------------------------------------------------------------------------

    fn open_item(&self, target: Target) -> Result<(), StoreError> {
        let Some(Open { reader, .. }) = &self.open else {
            return Ok(());
        };
        let position = match target {
            Target::Position(position) => Some(position),
            Target::Id(id) => reader.position_of(id)?,
            Target::NextUnlabelled(after) => reader.next_unlabelled(&self.annotator, after)?,
            Target::Resume => {
                match reader.next_unlabelled(&self.annotator, self.last_position(reader)?)? {
                    Some(position) => Some(position),
                    None => Some(0),
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
            sources: reader.sources(item.id)?,
            references: reader.references(item.id)?,
            item: Arc::new(item),
            scores,
            ahead,
        };
        self.outbox.send(Action::Opened(Box::new(opened)));
        Ok(())
    }

    /// The item before the one to begin with: the last one this annotator did something about.
    fn last_position(&self, reader: &Reader) -> Result<Option<u64>, StoreError> {
        let history = reader.history(&self.annotator)?;
        let Some(event) = history.undo.last() else {
            return Ok(None);
        };
        match reader.event(*event)?.and_then(|e| e.item) {
            Some(item) => reader.position_of(item),
            None => Ok(None),
        }
    }

    // Writing ------------------------------------------------------------------------------

    fn append(&self, events: Vec<Event>, then: &Afterwards) {
        let Some(open) = &self.open else { return };
        let Some(writer) = &open.writer else { return };
        let one = match events.as_slice() {
            // What is labelled or skipped leaves no draft behind.
            [event] if matches!(event.body, EventBody::Label(_) | EventBody::Skip { .. }) => {
                writer.commit(event)
            }
            events => writer.append(events),
        };
        let written = one.and_then(|()| {
            Ok((
                counts(&open.reader, &self.annotator)?,
                open.reader.history(&self.annotator)?,
            ))
        });
        match written {
            Ok((counts, history)) => {
                self.outbox.send(Action::Appended {
                    events,
                    at: Timestamp::now(),
                    counts,
                    history,
                });
                if let Afterwards::Open(target) = then
                    && let Err(error) = self.open_item(*target)
                {
                    self.fail(&error.to_string());
                }
            }
            Err(error) => self.outbox.send(Action::AppendFailed {
                message: error.to_string(),
            }),
        }
    }

    /// Appends an undo or redo, then shows the item it is about; an undone label becomes the draft to work on.
    fn reverse(&self, body: EventBody) -> Result<(), StoreError> {
        let Some(open) = &self.open else {
            return Ok(());
        };
        let (target, undo) = match body {
            EventBody::Undo { target } => (target, true),
            EventBody::Redo { target } => (target, false),
            _ => return Ok(()),
        };
        let original = open.reader.event(target)?;
        let item = original.as_ref().and_then(|e| e.item);
        self.append(
            vec![Event::now(&self.annotator, item, body)],
            &Afterwards::Stay,
        );
        let Some(item) = item else { return Ok(()) };
        if let Some(EventBody::Label(label)) = original.map(|e| e.body) {
            let context = &label.context;
            let draft = Draft {
                judgment: label.judgment.clone(),
                active_ms: context.active_ms,
                idle_ms: context.idle_ms,
            };
            self.put_draft(item, undo.then_some(&draft))?;
        }
        self.open_item(Target::Id(item))
    }

    fn put_draft(&self, item: ItemId, draft: Option<&Draft>) -> Result<(), StoreError> {
        if let Some(writer) = self.writer() {
            writer.put_draft(item, &self.annotator, draft)?;
            self.outbox.send(Action::DraftSaved {
                item,
                at: Timestamp::now(),
            });
        }
        Ok(())
    }

    // Long work ----------------------------------------------------------------------------

    fn start_import(&mut self, files: Vec<PathBuf>, cancel: Cancel, outbox: Outbox) {
        let Some(open) = &self.open else { return };
        let project = open.project.clone();
        self.start_job("import", outbox.clone(), move |report| {
            match import(&project, &files, None, &cancel, report) {
                Ok(report) => Action::Imported(Box::new(report)),
                Err(error) => Action::JobFailed {
                    message: error.to_string(),
                },
            }
        });
    }

    fn start_export(&mut self, recipe: ExportRecipe, cancel: Cancel, outbox: Outbox) {
        let Some(open) = &self.open else { return };
        let project = open.project.clone();
        self.start_job("export", outbox.clone(), move |report| {
            match export(&project, &recipe, &cancel, report) {
                Ok(report) => Action::Exported(Box::new(report)),
                Err(error) => Action::JobFailed {
                    message: error.to_string(),
                },
            }
        });
    }

    fn start_job(
        &mut self,
        name: &str,
        outbox: Outbox,
        work: impl FnOnce(&mut dyn FnMut(Progress)) -> Action + Send + 'static,
    ) {
        self.jobs.retain(|job| !job.is_finished());
        let reporting = outbox.clone();
        let job = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut last = Instant::now();
            let mut report = |progress| {
                if last.elapsed() >= Duration::from_millis(50) {
                    last = Instant::now();
                    reporting.send(Action::Job(progress));
                }
            };
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mut report)));
            reporting.send(done.unwrap_or_else(|_| Action::JobFailed {
                message:
                    "This failed inside the program. What was saved before is safe.".to_owned(),
            }));
        });
        match job {
            Ok(job) => self.jobs.push(job),
            Err(error) => outbox.send(Action::JobFailed {
                message: format!("No thread could be started: {error}"),
            }),
        }
    }
}

/// What the annotator has done so far.
fn counts(reader: &Reader, annotator: &str) -> Result<Counts, StoreError> {
    let c = reader.counts_for(annotator)?;
    Ok(Counts {
        total: c.total,
        labelled: c.labelled,
        skipped: c.skipped,
        flagged: c.flagged,
        drafts: c.drafts,
    })
}

/// Settings of a project that is made by opening a name that does not exist yet.
pub fn new_project(path: &Path) -> ProjectSettings {
    let title = path.file_stem().map_or_else(
        || "Project".to_owned(),
        |s| s.to_string_lossy().into_owned(),
    );
    ProjectSettings {
        title,
        schema: LabelSchema::helpsteer2(),
        policy: ScorePolicy::Live,
        seed: uuid::Uuid::new_v4().as_u64_pair().0,
        guidelines: None,
    }
}
