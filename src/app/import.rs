//! Files into a project, with one report for the window and the command line; and a look at them before anything is written.

use std::path::PathBuf;

use serde::Serialize;

use crate::dataset::{self, DatasetError, Format, ReadReport, Rejected, Row, SinkStopped, Warning};
use crate::domain::Item;
use crate::store::{ImportedRow, Pending, Project, PutRows, StoreError, Writer};
use crate::task::{Cancel, Job, Progress};

/// Rows handed to the project at once: each time ends with a wait for the disk.
const BATCH: usize = 4_000;
/// Bytes of text handed to the project at once, about: a row may be large.
const BATCH_BYTES: usize = 8 << 20;

/// What came in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportReport {
    /// Format of the files, as detected or asked for.
    pub format: Option<Format>,
    /// Rows read.
    pub read: u64,
    /// Rows that became part of an item.
    pub imported: u64,
    /// Item rows that added nothing.
    pub duplicates: u64,
    /// Rows set aside, and why.
    pub rejected: Vec<Rejected>,
    /// Unusual rows.
    pub warnings: Vec<Warning>,
    /// New items.
    pub items: u64,
    /// New responses.
    pub responses: u64,
    /// New reference labels.
    pub reference_labels: u64,
    /// Items in the project now.
    #[serde(skip)]
    pub items_now: u64,
    /// Whether it was stopped before the end.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

/// Files that were read to the end and wait for a word before anything is written.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportSheet {
    /// The files.
    pub files: Vec<PathBuf>,
    /// What they are taken for; none where they differ.
    pub format: Option<Format>,
    /// Rows that will come in.
    pub ready: u64,
    /// Rows that will not.
    pub set_aside: u64,
    /// Those rows, the first of them.
    pub rejected: Vec<Rejected>,
    /// Unusual rows that will come in.
    pub unusual: u64,
    /// The first items, as they will look.
    pub first: Vec<Item>,
}

impl ImportSheet {
    /// Items that are shown.
    const FIRST: usize = 3;
    /// Rows set aside that are listed.
    const LISTED: usize = 200;
}

/// Reads files to the end and writes nothing; none when it was stopped.
pub fn look(
    files: Vec<PathBuf>,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<Option<ImportSheet>, DatasetError> {
    let mut job = Job {
        cancel: cancel.clone(),
        report,
    };
    let mut first: Vec<Item> = vec![];
    let read = dataset::read(&files, None, &mut job, &mut |row| {
        if first.len() < ImportSheet::FIRST && first.iter().all(|item| item.id != row.item.id) {
            first.push(row.item);
        }
        Ok(())
    });
    let mut read = match read {
        Err(DatasetError::Cancelled) => return Ok(None),
        read => read?,
    };
    read.rejected.truncate(ImportSheet::LISTED);
    Ok(Some(ImportSheet {
        files,
        format: read.format,
        ready: read.imported,
        set_aside: read.rejected_in_all,
        rejected: read.rejected,
        unusual: read.warnings_in_all,
        first,
    }))
}

/// Why an import ended early. What was imported before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The files could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The project could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Imports files into a project.
pub fn import(
    project: &Project,
    files: &[PathBuf],
    format: Option<Format>,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ImportError> {
    let mut sink = Sink {
        writer: project.writer()?,
        pending: None,
        batch: Vec::with_capacity(BATCH),
        bytes: 0,
        sum: PutRows::default(),
        failed: None,
    };
    let mut job = Job {
        cancel: cancel.clone(),
        report,
    };
    let read = dataset::read(files, format, &mut job, &mut |row| sink.take(row));
    // The second time for the answer to the first.
    sink.flush().ok();
    sink.flush().ok();
    if let Some(error) = sink.failed {
        return Err(error.into());
    }
    let read = match read {
        // What came in before is in.
        Err(DatasetError::Cancelled) => ReadReport::default(),
        read => read?,
    };
    let PutRows {
        duplicates,
        items_new,
        responses_new,
        references_new,
        ..
    } = sink.sum;
    Ok(ImportReport {
        format: read.format,
        read: read.read,
        imported: read.imported,
        duplicates,
        rejected: read.rejected,
        warnings: read.warnings,
        items: items_new,
        responses: responses_new,
        reference_labels: references_new,
        items_now: project.reader()?.count()?,
        stopped: cancel.is_cancelled(),
    })
}

struct Sink {
    writer: Writer,
    batch: Vec<ImportedRow>,
    bytes: usize,
    pending: Option<Pending<PutRows>>,
    sum: PutRows,
    failed: Option<StoreError>,
}

impl Sink {
    fn take(&mut self, row: Row) -> Result<(), SinkStopped> {
        let Row {
            item,
            source,
            references,
            rows,
        } = row;
        let turns = item
            .context
            .iter()
            .chain(item.responses.iter().flat_map(|r| &r.turns));
        self.bytes += turns.map(|t| t.content.len()).sum::<usize>();
        self.batch.push(ImportedRow {
            item,
            source,
            references,
            rows,
        });
        if self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Hands the rows over and takes the answer for those before: reading and writing go on at once.
    fn flush(&mut self) -> Result<(), SinkStopped> {
        let before = self.pending.take();
        if self.failed.is_none() && !self.batch.is_empty() {
            self.pending = Some(self.writer.start_rows(&self.batch));
            self.batch.clear();
            self.bytes = 0;
        }
        if let Some(before) = before {
            match before.wait() {
                Ok(put) => {
                    self.sum.duplicates += put.duplicates;
                    self.sum.items_new += put.items_new;
                    self.sum.responses_new += put.responses_new;
                    self.sum.references_new += put.references_new;
                }
                Err(error) => self.failed = Some(error),
            }
        }
        if self.failed.is_some() {
            Err(SinkStopped)
        } else {
            Ok(())
        }
    }
}
