//! Long work on the open project, each on a thread of its own; its answer is an action, whatever happens.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Desk;
use crate::analysis::tally::Tally;
use crate::app::action::Action;
use crate::app::export::{ExportRecipe, Labels, preview};
use crate::app::scoring::agreed;
use crate::app::state::Agreed;
use crate::app::study;
use crate::app::train::TRAINING_RECORD;
use crate::app::words::notices as words;
use crate::reward::ModelRef;
use crate::store::{Project, Reader, StoreError};
use crate::task::{Cancel, Progress};

impl Desk {
    pub(super) fn start_job(
        &mut self,
        name: &str,
        cancel: Cancel,
        work: impl FnOnce(&Project, &mut dyn FnMut(Progress)) -> Action + Send + 'static,
    ) {
        let Some(open) = &self.open else {
            self.outbox.send(Action::JobFailed {
                message: words::NO_PROJECT.to_owned(),
            });
            return;
        };
        let project = open.project.clone();
        self.spawn(
            name,
            Some(project),
            cancel,
            move |project, report| match project {
                Some(project) => work(project, report),
                None => Action::JobFailed {
                    message: words::NO_PROJECT.to_owned(),
                },
            },
        );
    }

    /// Starts work on a thread of its own; its answer is an action, whatever happens.
    pub(super) fn spawn(
        &mut self,
        name: &str,
        project: Option<Arc<Project>>,
        cancel: Cancel,
        work: impl FnOnce(Option<&Project>, &mut dyn FnMut(Progress)) -> Action + Send + 'static,
    ) {
        let outbox = self.outbox.clone();
        let job = thread::Builder::new().name(name.to_owned()).spawn(move || {
            let mut last = Instant::now();
            let mut report = |progress| {
                if last.elapsed() >= Duration::from_millis(50) {
                    last = Instant::now();
                    outbox.send(Action::Job(progress));
                }
            };
            let done = catch_unwind(AssertUnwindSafe(|| work(project.as_deref(), &mut report)));
            // Closed before the answer, so that who hears it can open the project again.
            drop(project);
            outbox.send(done.unwrap_or_else(|_| Action::JobFailed {
                message: words::FAILED_INSIDE.to_owned(),
            }));
        });
        match (job, &mut self.open) {
            (Ok(job), Some(open)) => open.add_job(cancel, job),
            // It reads files only; nothing has to wait for it.
            (Ok(_), None) => {}
            (Err(error), _) => {
                self.outbox.send(Action::JobFailed {
                    message: words::no_thread(&error),
                });
            }
        }
    }

    /// Counts meanwhile how far the model agrees with the labels.
    pub(super) fn count_agreed(&mut self, model: ModelRef) {
        let Some(scorer) = self.scorer.clone() else {
            return;
        };
        let cancel = Cancel::default();
        let sign = cancel.clone();
        self.start_job("agreement", cancel, move |project, _| {
            let trained_here = match model {
                ModelRef::Default => false,
                ModelRef::Path(path) => path.join(TRAINING_RECORD).exists(),
            };
            let found = project
                .reader()
                .and_then(|reader| agreed(&reader, &scorer, &sign));
            match found {
                Ok(agreed) => Action::Agreed {
                    scorer,
                    agreed: Agreed {
                        trained_here,
                        ..agreed
                    },
                },
                Err(error) => Action::Trouble {
                    message: error.to_string(),
                },
            }
        });
    }

    /// Counts the annotator's own labels meanwhile: every labelled item is read.
    pub(super) fn tally(&mut self) {
        let annotator = self.annotator.clone();
        self.start_job("tally", Cancel::default(), move |project, _| {
            let counted = project.reader().and_then(|reader| {
                let schema = reader.schema()?;
                let labels = reader.labels_by(&annotator)?;
                let mut pairs = Vec::with_capacity(labels.len());
                for (id, label) in labels {
                    let item = match reader.position_of(id)? {
                        Some(position) => reader.item_at(position)?,
                        None => None,
                    };
                    pairs.extend(item.map(|item| (item, label)));
                }
                Ok(Tally::of(
                    &schema,
                    pairs.iter().map(|(item, label)| (item, label)),
                ))
            });
            match counted {
                Ok(tally) => Action::Tallied(Box::new(tally)),
                Err(error) => Action::Trouble {
                    message: error.to_string(),
                },
            }
        });
    }

    /// Finds meanwhile where the scorer and people part ways.
    pub(super) fn inspect(&mut self, scorer: String, labels: Labels) {
        let annotator = self.annotator.clone();
        self.study("inspect", move |reader, cancel, report| {
            let found = study::inspect(reader, &scorer, labels, &annotator, cancel, report)?;
            Ok(Action::Inspected(found.map(Box::new)))
        });
    }

    /// Compares meanwhile what annotators said.
    pub(super) fn compare(&mut self, labels: Labels) {
        let annotator = self.annotator.clone();
        self.study("compare", move |reader, cancel, report| {
            let schema = reader.schema()?;
            let found = study::concord(reader, &schema, labels, &annotator, cancel, report)?;
            Ok(Action::Compared(found.map(Box::new)))
        });
    }

    /// Counts meanwhile the items without a score.
    pub(super) fn count_unscored(&mut self, scorer: String) {
        self.start_job("unscored", Cancel::default(), move |project, _| {
            let counted = project
                .reader()
                .and_then(|reader| reader.count_unscored(&scorer));
            match counted {
                Ok(items) => Action::Unscored { scorer, items },
                Err(error) => Action::Trouble {
                    message: error.to_string(),
                },
            }
        });
    }

    /// Counts something for a researcher in place of what was being counted before.
    fn study(
        &mut self,
        name: &str,
        count: impl FnOnce(&Reader, &Cancel, &mut dyn FnMut(Progress)) -> Result<Action, StoreError>
        + Send
        + 'static,
    ) {
        std::mem::take(&mut self.study).cancel();
        let (sign, outbox) = (self.study.clone(), self.outbox.clone());
        self.start_job(name, self.study.clone(), move |project, _| {
            let mut last = Instant::now();
            let mut report = |progress| {
                if last.elapsed() >= Duration::from_millis(100) {
                    last = Instant::now();
                    outbox.send(Action::Counting(progress));
                }
            };
            let counted = project
                .reader()
                .and_then(|reader| count(&reader, &sign, &mut report));
            counted.unwrap_or_else(|error| Action::StudyFailed {
                message: error.to_string(),
            })
        });
    }

    /// Reads the first rows of an export meanwhile: the whole project has to be counted.
    pub(super) fn preview(&mut self, recipe: ExportRecipe) {
        let annotator = self.annotator.clone();
        self.start_job(
            "preview",
            Cancel::default(),
            move |project, _| match preview(project, &recipe, 3, &annotator) {
                Ok((lines, available)) => Action::Preview {
                    recipe,
                    lines,
                    available,
                },
                Err(error) => Action::Trouble {
                    message: error.to_string(),
                },
            },
        );
    }
}
