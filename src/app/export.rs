//! A project into a data set: which labels, how they are aggregated, and the file.

use std::ops::ControlFlow;
use std::path::PathBuf;

use serde_json::Map;

use crate::analysis::aggregate::verdict;
use crate::dataset::{self, DatasetError, ExportReport, ExportRow, Format, Vote, WriteOptions};
use crate::domain::{Judgment, ReferenceRole, ResponseKey, SourceRow};
use crate::store::{ItemRecord, Project, StoreError};
use crate::task::{Cancel, Job, Progress};

/// Whose labels are exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Labels {
    /// Those committed in this project.
    #[default]
    Collected,
    /// Those that came with the data.
    Reference,
}

/// What is exported and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRecipe {
    /// The format.
    pub format: Format,
    /// Whose labels.
    pub labels: Labels,
    /// Whether fields beyond the format's own are written too.
    pub extra: bool,
    /// File or folder; empty until it has been chosen.
    pub output: PathBuf,
}

impl ExportRecipe {
    /// Whether both give the same rows, wherever these go.
    pub fn same_rows(&self, other: &Self) -> bool {
        (self.format, self.labels, self.extra) == (other.format, other.labels, other.extra)
    }
}

impl Default for ExportRecipe {
    fn default() -> Self {
        Self {
            format: Format::HelpSteer2Preference,
            labels: Labels::Collected,
            extra: false,
            output: PathBuf::new(),
        }
    }
}

/// Why an export failed; an existing file was left as it was.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The file could not be written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The project could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The formats that can be written.
pub const WRITABLE: [Format; 5] = [
    Format::HelpSteer2,
    Format::HelpSteer2Preference,
    Format::Trl,
    Format::HhRlhf,
    Format::Pairs,
];

/// Writes an export.
pub fn export(
    project: &Project,
    recipe: &ExportRecipe,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<ExportReport, ExportError> {
    let reader = project.reader()?;
    let mut job = Job {
        cancel: cancel.clone(),
        report,
    };
    let options = WriteOptions {
        extra: recipe.extra,
        split: None,
    };
    // The project is read on its own thread, a few rows ahead of the writer, so that memory stays flat.
    let (rows, received) = crossbeam_channel::bounded::<Result<ExportRow, String>>(64);
    let labels = recipe.labels;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let read = reader.for_each_item(|record| {
                let gone =
                    export_row(record, labels).is_some_and(|row| rows.send(Ok(row)).is_err());
                if gone {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            if let Err(error) = read {
                rows.send(Err(error.to_string())).ok();
            }
        });
        Ok(dataset::write(
            recipe.format,
            &mut received.into_iter(),
            &recipe.output,
            &options,
            &mut job,
        )?)
    })
}

/// The first lines of an export, and how many items have a label to export. Only items that this annotator has labelled are
/// shown: what others said of an item, and where it came from, stay hidden until one's own commit.
pub fn preview(
    project: &Project,
    recipe: &ExportRecipe,
    lines: usize,
    annotator: &str,
) -> Result<(Vec<String>, u64), ExportError> {
    let mut rows = vec![];
    let mut available = 0;
    project.reader()?.for_each_item(|record| {
        let own = record.labels.iter().any(|(who, ..)| who == annotator);
        if let Some(row) = export_row(record, recipe.labels) {
            available += 1;
            if own && rows.len() < lines {
                rows.push(row);
            }
        }
        ControlFlow::Continue(())
    })?;
    let options = WriteOptions {
        extra: recipe.extra,
        split: None,
    };
    Ok((dataset::lines(recipe.format, &rows, &options)?, available))
}

/// The row of an item; `None` where it has no such label.
fn export_row(record: ItemRecord, which: Labels) -> Option<ExportRow> {
    let ItemRecord {
        item,
        sources,
        references,
        mut labels,
        ..
    } = record;
    // Among several places where an item stands, the first one read decides the order of its responses.
    let source = sources
        .into_iter()
        .find(|s| s.order.len() == item.responses.len());
    let pair = file_pair(
        &item.responses.iter().map(|r| r.key).collect::<Vec<_>>(),
        source.as_ref(),
    );
    match which {
        Labels::Collected => {
            if labels.is_empty() {
                return None;
            }
            labels.sort_by_key(|(_, event, _, _)| *event);
            let votes: Vec<Vote> = labels
                .into_iter()
                .map(|(annotator, _, time, label)| Vote {
                    annotator: Some(annotator),
                    time: Some(time.to_string()),
                    judgment: Judgment {
                        preference: label.judgment.verdict(),
                        ..label.judgment
                    },
                    extra: Map::new(),
                })
                .collect();
            let judgment = verdict(&votes.iter().map(|v| &v.judgment).collect::<Vec<_>>(), pair);
            Some(ExportRow {
                item,
                source,
                judgment,
                votes,
                extra: Map::new(),
            })
        }
        Labels::Reference => {
            let votes: Vec<Vote> = references
                .iter()
                .filter(|r| r.role == ReferenceRole::Vote)
                .map(|r| Vote::from(r.clone()))
                .collect();
            let verdicts = || {
                references
                    .iter()
                    .filter(|r| r.role == ReferenceRole::Verdict)
            };
            // A ratings file and a preference file of the same pair each give a part of the verdict.
            let mut judgment = Judgment::default();
            for reference in verdicts() {
                for (key, values) in &reference.judgment.ratings.0 {
                    judgment
                        .ratings
                        .0
                        .entry(*key)
                        .or_insert_with(|| values.clone());
                }
                if judgment.preference.is_none() {
                    judgment.preference = reference.judgment.preference;
                    judgment
                        .justification
                        .clone_from(&reference.judgment.justification);
                }
            }
            if verdicts().next().is_none() {
                judgment = verdict(&votes.iter().map(|v| &v.judgment).collect::<Vec<_>>(), pair);
            }
            let extra = verdicts()
                .flat_map(|r| r.extra.iter().map(|(k, v)| (k.clone(), v.clone())))
                .collect();
            (!references.is_empty()).then_some(ExportRow {
                item,
                source,
                judgment,
                extra,
                votes,
            })
        }
    }
}

/// The two responses of a pair in the file's order.
fn file_pair(keys: &[ResponseKey], source: Option<&SourceRow>) -> Option<[ResponseKey; 2]> {
    let [first, second] = keys else { return None };
    match source.map(|s| s.order.as_slice()) {
        Some([1, 0]) => Some([*second, *first]),
        _ => Some([*first, *second]),
    }
}
