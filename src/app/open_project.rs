//! A project that is open: its connections, what its annotator has done so far, and the work that goes on in it meanwhile.

use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, unbounded};

use super::action::Action;
use super::runner::Outbox;
use super::state::{Counts, ProjectInfo};
use crate::app::words;
use crate::domain::{History, LabelSchema, Score, ScorePolicy, ScorerId};
use crate::store::{Access, Project, ProjectSettings, Reader, StoreError, Writer};
use crate::task::Cancel;

/// Settings of a project that is made by opening a name that does not exist yet.
pub fn new_project(path: &Path) -> ProjectSettings {
    let title = path.file_stem().map_or_else(
        || words::project::UNTITLED.to_owned(),
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

/// The thread that keeps scores, and the way to it.
type ScoreThread = (Sender<(ScorerId, Vec<Score>)>, JoinHandle<()>);

/// An open project.
pub struct OpenProject {
    /// The file.
    pub project: Arc<Project>,
    /// To read.
    pub reader: Reader,
    /// To write; none where it is open for reading only.
    pub writer: Option<Writer>,
    /// What the annotator can undo.
    pub history: History,
    /// What the annotator has done.
    pub counts: Counts,
    scores: Option<ScoreThread>,
    jobs: Vec<(Cancel, JoinHandle<()>)>,
}

impl OpenProject {
    /// Opens a project, making it if there is none.
    pub fn open(
        path: &Path,
        read_only: bool,
        annotator: &str,
        outbox: &Outbox,
    ) -> Result<Self, StoreError> {
        let project = if read_only {
            Project::open(path, Access::Read)?
        } else if path.exists() {
            Project::open(path, Access::Write { owner: annotator })?
        } else {
            Project::create(path, &new_project(path), annotator)?
        };
        let reader = project.reader()?;
        let writer = if read_only {
            None
        } else {
            Some(project.writer()?)
        };
        let history = reader.history(annotator)?;
        let counts = counts(&reader, annotator)?;
        let scores = writer
            .clone()
            .and_then(|writer| keep_scores(writer, outbox.clone()));
        Ok(Self {
            project: Arc::new(project),
            reader,
            writer,
            history,
            counts,
            scores,
            jobs: vec![],
        })
    }

    /// What a face shows of it.
    pub fn info(&self) -> Result<ProjectInfo, StoreError> {
        let settings = self.project.settings();
        Ok(ProjectInfo {
            path: self.project.path().to_owned(),
            title: settings.title.clone(),
            schema: self.reader.schema()?,
            policy: self.reader.policy()?,
            guidelines: self.reader.guidelines()?,
            seed: settings.seed,
            read_only: self.writer.is_none(),
            counts: self.counts,
            history: self.history.clone(),
        })
    }

    /// Whether it is that file, however it is spelled.
    pub fn is(&self, path: &Path) -> bool {
        let same = |a: &Path, b: &Path| {
            a == b
                || a.canonicalize()
                    .is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
        };
        same(self.project.path(), path)
    }

    /// Reads the counts again; they stay as they were where that fails.
    pub fn recount(&mut self, annotator: &str) {
        if let Ok(counts) = counts(&self.reader, annotator) {
            self.counts = counts;
        }
    }

    /// Takes another annotator.
    pub fn take_annotator(&mut self, annotator: &str) -> Result<(), StoreError> {
        self.history = self.reader.history(annotator)?;
        self.counts = counts(&self.reader, annotator)?;
        Ok(())
    }

    /// Keeps scores, without waiting: labels never stand behind them.
    pub fn keep(&self, by: ScorerId, scores: Vec<Score>) {
        if let Some((sender, _)) = &self.scores {
            sender.send((by, scores)).ok();
        }
    }

    /// Stops the work that goes on in it, and waits until it has.
    pub fn end_jobs(&mut self) {
        for (cancel, _) in &self.jobs {
            cancel.cancel();
        }
        for (_, job) in self.jobs.drain(..) {
            job.join().ok();
        }
    }

    /// Takes note of work that goes on in it.
    pub fn add_job(&mut self, cancel: Cancel, job: JoinHandle<()>) {
        self.jobs.retain(|(_, job)| !job.is_finished());
        self.jobs.push((cancel, job));
    }
}

impl Drop for OpenProject {
    /// The work in it ends before the project is closed.
    fn drop(&mut self) {
        self.end_jobs();
        if let Some((sender, thread)) = self.scores.take() {
            drop(sender);
            thread.join().ok();
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
        later: c.later,
        practised: c.practised,
    })
}

/// Starts the thread that keeps scores.
fn keep_scores(writer: Writer, outbox: Outbox) -> Option<ScoreThread> {
    let (sender, received) = unbounded::<(ScorerId, Vec<Score>)>();
    let work = move || {
        for (scorer, scores) in received {
            if let Err(error) = writer.put_scores(&scorer, &scores) {
                let message = words::notices::scores_not_kept(&error);
                outbox.send(Action::Trouble { message });
            }
        }
    };
    let thread = thread::Builder::new()
        .name("scores".to_owned())
        .spawn(work)
        .ok()?;
    Some((sender, thread))
}
