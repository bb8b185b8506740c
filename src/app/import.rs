//! Files into a project, with one report for the window and the command line; and a look at them before anything is written.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::path::PathBuf;

use hashbrown::HashTable;
use serde::Serialize;
use serde_json::Value;

use crate::analysis::near::{NearDuplicates, Signature, signature};
use crate::dataset::{
    self, DatasetError, Format, Mapping, RawRow, ReadAs, ReadReport, Rejected, Row, SinkStopped,
    Warning,
};
use crate::domain::Item;
use crate::store::{ImportedRow, Pending, Project, PutRows, Reader, StoreError, Writer};
use crate::task::{Cancel, Job, Progress};

/// Rows handed to the project at once.
const BATCH: usize = 500;
/// Bytes of text handed to the project at once, about: a row may be large.
const BATCH_BYTES: usize = 1 << 20;

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
    /// Rows set aside in all, listed or not.
    #[serde(skip)]
    pub rejected_in_all: u64,
    /// Unusual rows.
    pub warnings: Vec<Warning>,
    /// New items.
    pub items: u64,
    /// New responses.
    pub responses: u64,
    /// New reference labels.
    pub reference_labels: u64,
    /// Rows whose item came before in these files.
    pub repeated: u64,
    /// Rows whose item is new, but says almost the same as one that came before, in these files or in the project; the first
    /// [`ImportReport::NEAR_LISTED`] of them.
    pub near_duplicates: Vec<NearDuplicate>,
    /// Those rows in all, listed or not.
    pub near_duplicates_in_all: u64,
    /// Items in the project now.
    #[serde(skip)]
    pub items_now: u64,
    /// Whether it was stopped before the end; then nothing came in.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

impl ImportReport {
    /// How many near duplicates are listed.
    pub const NEAR_LISTED: usize = 1_000;
}

/// A row that says almost what an earlier one does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NearDuplicate {
    /// Name of its file.
    pub file: String,
    /// The row, from 1.
    pub row: u64,
    /// Name of the earlier one's file.
    pub of_file: String,
    /// The earlier row.
    pub of_row: u64,
}

/// Files that were read to the end and wait for a word before anything is written.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportSheet {
    /// The files.
    pub files: Vec<PathBuf>,
    /// How they are read.
    pub read_as: ReadAs,
    /// Whether a person is to say what the fields mean; until then nothing of what follows is known.
    pub mapping: bool,
    /// The first rows as they are, where no format is known for them or a person said what their fields mean.
    pub raw: Vec<RawRow>,
    /// What they are taken for; none where they differ.
    pub format: Option<Format>,
    /// Rows that will come in.
    pub ready: u64,
    /// Rows that will not.
    pub set_aside: u64,
    /// Those rows, the first of them.
    pub rejected: Vec<Rejected>,
    /// Items of these files that are in the project already.
    pub known: u64,
    /// Rows whose item came before in these files.
    pub repeated: u64,
    /// Rows that say almost what an earlier one does.
    pub near_duplicates: u64,
    /// Unusual rows that will come in.
    pub unusual: u64,
    /// The first items, as they will look.
    pub first: Vec<Item>,
}

impl ImportSheet {
    /// Fields and what is in them are listed as far as this.
    const FIELDS: usize = 60;

    /// The paths to all that is in the first rows, each with the first thing found there.
    pub fn fields(&self) -> Vec<(String, String)> {
        let mut found: Vec<(String, String)> = vec![];
        for row in &self.raw {
            for (name, value) in row {
                collect(name.clone(), value, &mut found);
            }
        }
        found.truncate(Self::FIELDS);
        found
    }

    /// The names of all fields, as one text.
    pub fn header(&self) -> String {
        let names: BTreeSet<&str> = self
            .raw
            .iter()
            .flat_map(|row| row.keys())
            .map(String::as_str)
            .collect();
        names.into_iter().collect::<Vec<_>>().join("\n")
    }

    /// Says what the field at a path means; whatever meant the same before means nothing any more.
    pub fn map_field(&mut self, path: &str, field: Option<&str>) {
        let mapping = &mut self.read_as.mapping;
        if let Some(before) = mapping.meaning_of(path).map(str::to_owned) {
            mapping.set(&before, None).ok();
        }
        if let Some(field) = field {
            mapping.set(field, Some(path)).ok();
        }
    }

    /// The first rows by what the fields mean now: as they will look, or what is wrong with them.
    pub fn mapped(&self) -> Result<Vec<Result<Row, String>>, dataset::MappingError> {
        self.read_as.mapping.check()?;
        let rows = self.raw.iter();
        Ok(rows
            .map(|row| dataset::map_row(row, &self.read_as.mapping))
            .collect())
    }

    /// Fills in what was said of such fields before, else what their names suggest.
    pub fn recall(&mut self, mappings: &BTreeMap<String, Mapping>) {
        if self.mapping {
            let known = mappings.get(&self.header()).cloned();
            self.read_as.mapping = known.unwrap_or_else(|| {
                Mapping::guess(
                    self.raw
                        .iter()
                        .flat_map(|row| row.keys())
                        .map(String::as_str),
                )
            });
        }
    }

    /// Items that are shown.
    const FIRST: usize = 3;
    /// Rows set aside that are listed.
    const LISTED: usize = 200;
}

/// Notes the paths into a value that lead to texts and numbers, three deep, and of a list the first two.
fn collect(path: String, value: &Value, found: &mut Vec<(String, String)>) {
    let deep = path.matches('.').count() >= 3;
    match value {
        Value::Object(object) if !deep => {
            for (name, value) in object {
                collect(format!("{path}.{name}"), value, found);
            }
        }
        Value::Array(list)
            if !deep
                && !list
                    .iter()
                    .any(|v| v.get("role").or_else(|| v.get("from")).is_some()) =>
        {
            for (at, value) in list.iter().take(2).enumerate() {
                collect(format!("{path}.{at}"), value, found);
            }
        }
        Value::Null => {}
        value => {
            if !found.iter().any(|(known, _)| *known == path) {
                let text = match value {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                found.push((path, text));
            }
        }
    }
}

/// Reads files to the end and writes nothing; none when it was stopped. `project` is the one they would go into.
pub fn look(
    files: Vec<PathBuf>,
    read_as: ReadAs,
    project: Option<&Project>,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<Option<ImportSheet>, ImportError> {
    let reader = project.map(Project::reader).transpose()?;
    let mut job = Job {
        cancel: cancel.clone(),
        report,
    };
    let mut first: Vec<Item> = vec![];
    let mut likeness = Likeness::to(reader.as_ref(), cancel)?;
    let (mut known, mut failed) = (0, None);
    let read = dataset::read(&files, &read_as, &mut job, &mut |row| {
        let seen = likeness.see(&row, &signature(&row.item));
        let is_known = seen.and_then(|repeats| match &reader {
            Some(reader) if !repeats => reader.position_of(row.item.id),
            _ => Ok(None),
        });
        match is_known {
            Ok(position) => known += u64::from(position.is_some()),
            Err(error) => {
                failed = Some(error);
                return Err(SinkStopped);
            }
        }
        if first.len() < ImportSheet::FIRST && first.iter().all(|item| item.id != row.item.id) {
            first.push(row.item);
        }
        Ok(())
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let mut read = match read {
        Err(DatasetError::Cancelled) => return Ok(None),
        // Whoever made these rows knows what their fields mean.
        Err(DatasetError::UnknownFormat { .. }) if read_as == ReadAs::default() => {
            ReadReport::default()
        }
        read => read?,
    };
    let raw = if read.format.is_none_or(|format| format == Format::CsvMap) && read.imported == 0
        || !read_as.mapping.is_empty()
    {
        dataset::first_rows(&files, ImportSheet::FIRST, cancel)?
    } else {
        vec![]
    };
    read.rejected.truncate(ImportSheet::LISTED);
    Ok(Some(ImportSheet {
        files,
        mapping: read_as.mapping.is_empty() && !raw.is_empty(),
        read_as,
        raw,
        format: read.format,
        ready: read.imported,
        set_aside: read.rejected_in_all,
        rejected: read.rejected,
        known,
        repeated: likeness.repeated,
        near_duplicates: likeness.near_in_all,
        unusual: read.warnings_in_all,
        first,
    }))
}

/// Why an import failed. The project is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The files could not be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The project could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Imports files into a project, all that they bring or, where it is cancelled or fails, nothing; with `strict` also nothing where a row
/// is set aside.
pub fn import(
    project: &Project,
    files: &[PathBuf],
    read_as: &ReadAs,
    strict: bool,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ImportError> {
    let writer = project.writer()?;
    let reader = project.reader()?;
    writer.begin_import()?;
    let imported = bring(&writer, &reader, files, read_as, cancel, report);
    let whole = imported
        .as_ref()
        .is_ok_and(|report| !(report.stopped || strict && report.rejected_in_all > 0));
    if whole {
        if let Err(error) = writer.finish_import()
            && writer.drop_import().unwrap_or(true)
        {
            return Err(error.into());
        }
    } else if let Err(error) = writer.drop_import() {
        // What came is not seen, and the next who opens the project removes it. What went wrong first is what counts.
        return Err(imported.err().unwrap_or(error.into()));
    }
    let mut report = imported?;
    if !whole {
        report.imported = 0;
        report.duplicates = 0;
        report.items = 0;
        report.responses = 0;
        report.reference_labels = 0;
    }
    report.items_now = reader.count()?;
    Ok(report)
}

/// Reads the files and puts what they bring, not yet to be seen.
fn bring(
    writer: &Writer,
    reader: &Reader,
    files: &[PathBuf],
    read_as: &ReadAs,
    cancel: &Cancel,
    report: &mut dyn FnMut(Progress),
) -> Result<ImportReport, ImportError> {
    let mut sink = Sink {
        writer: writer.clone(),
        pending: VecDeque::new(),
        batch: Vec::with_capacity(BATCH),
        bytes: 0,
        sum: PutRows::default(),
        likeness: Likeness::to(Some(reader), cancel)?,
        failed: None,
    };
    let mut job = Job {
        cancel: cancel.clone(),
        report,
    };
    let read = dataset::read(files, read_as, &mut job, &mut |row| sink.take(row));
    sink.flush().ok();
    sink.settle(0).ok();
    if let Some(error) = sink.failed {
        return Err(error.into());
    }
    let read = match read {
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
        rejected_in_all: read.rejected_in_all,
        warnings: read.warnings,
        items: items_new,
        responses: responses_new,
        reference_labels: references_new,
        repeated: sink.likeness.repeated,
        near_duplicates: sink.likeness.near,
        near_duplicates_in_all: sink.likeness.near_in_all,
        items_now: 0,
        stopped: cancel.is_cancelled(),
    })
}

struct Sink<'a> {
    writer: Writer,
    batch: Vec<ImportedRow>,
    bytes: usize,
    pending: VecDeque<Pending<PutRows>>,
    sum: PutRows,
    likeness: Likeness<'a>,
    failed: Option<StoreError>,
}

/// Which rows say what earlier ones do.
struct Likeness<'a> {
    project: Option<&'a Reader>,
    seen: NearDuplicates,
    files: Vec<String>,
    /// The first half of the ids of the files' items, by its own first half: ids are hashes.
    ids: HashTable<[u64; 2]>,
    repeated: u64,
    near: Vec<NearDuplicate>,
    near_in_all: u64,
}

impl<'a> Likeness<'a> {
    /// Bits of a name that are the row, or the position in the project; those before them are the file.
    const ROW: u32 = 40;
    /// What stands for a file where it is the project.
    const PROJECT: u64 = (1 << (64 - Self::ROW)) - 1;

    /// Items of the project that are remembered: half of all, for the files' own need a place too.
    const OF_PROJECT: usize = NearDuplicates::MOST / 2;

    /// Begins with what the project holds.
    fn to(project: Option<&'a Reader>, cancel: &Cancel) -> Result<Self, StoreError> {
        let mut seen = NearDuplicates::default();
        if let Some(reader) = project {
            let mut failed = None;
            reader.for_each_signature(Self::OF_PROJECT, |position, id, known| {
                // Items of older versions came without.
                let made = known.map_or_else(
                    || {
                        reader
                            .item_at(position)
                            .map(|item| item.as_ref().map(signature))
                    },
                    |known| Ok(Some(known)),
                );
                match made {
                    Ok(Some(signature)) => {
                        seen.add(Self::PROJECT << Self::ROW | position, id, &signature);
                    }
                    // What is damaged is told by whoever needs it.
                    Ok(None) | Err(StoreError::Damaged { .. }) => {}
                    Err(error) => failed = Some(error),
                }
                if failed.is_some() || cancel.is_cancelled() {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
            failed.map_or(Ok(()), Err)?;
        }
        Ok(Self {
            project,
            seen,
            files: vec![],
            ids: HashTable::new(),
            repeated: 0,
            near: vec![],
            near_in_all: 0,
        })
    }

    /// Whether the row's item came before in the files, to the letter.
    fn see(&mut self, row: &Row, signature: &Signature) -> Result<bool, StoreError> {
        let source = &row.source;
        if self.files.last() != Some(&source.file) {
            self.files.push(source.file.clone());
        }
        let file = self.files.len() as u64 - 1;
        let (parts, _) = row.item.id.0.as_chunks();
        let id = [u64::from_le_bytes(parts[0]), u64::from_le_bytes(parts[1])];
        if self.ids.find(id[0], |seen| *seen == id).is_some() {
            self.repeated += 1;
            return Ok(true);
        }
        if self.ids.len() < NearDuplicates::MOST {
            self.ids.insert_unique(id[0], id, |seen| seen[0]);
        }
        let name = file << Self::ROW | source.row;
        let Some(near) = self.seen.add(name, row.item.id, signature) else {
            return Ok(false);
        };
        let file = near.name >> Self::ROW;
        let known = match self.project {
            Some(reader) => reader.position_of(row.item.id)?.is_some(),
            None => false,
        };
        if near.same || known {
            return Ok(false);
        }
        self.near_in_all += 1;
        if self.near.len() < ImportReport::NEAR_LISTED {
            let row = near.name & ((1 << Self::ROW) - 1);
            let (of_file, of_row) = match self.files.get(file as usize) {
                Some(file) => (file.clone(), row),
                None => self.place_in_project(row)?,
            };
            self.near.push(NearDuplicate {
                file: source.file.clone(),
                row: source.row,
                of_file,
                of_row,
            });
        }
        Ok(false)
    }

    /// The file and row that the item at a position first came from.
    fn place_in_project(&self, position: u64) -> Result<(String, u64), StoreError> {
        let Some(reader) = self.project else {
            return Ok((String::new(), 0));
        };
        let item = reader.item_at(position)?;
        let sources = item.map_or(Ok(vec![]), |item| reader.sources(item.id))?;
        let first = sources.into_iter().next();
        Ok(first.map_or((String::new(), 0), |source| (source.file, source.row)))
    }
}

impl Sink<'_> {
    fn take(&mut self, row: Row) -> Result<(), SinkStopped> {
        let signature = signature(&row.item);
        if let Err(error) = self.likeness.see(&row, &signature) {
            self.failed = Some(error);
            return Err(SinkStopped);
        }
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
            signature: Some(signature),
        });
        if self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Hands the rows over and takes the answer for those before: reading and writing go on at once.
    fn flush(&mut self) -> Result<(), SinkStopped> {
        if self.failed.is_none() && !self.batch.is_empty() {
            self.pending.push_back(self.writer.start_rows(&self.batch));
            self.batch.clear();
            self.bytes = 0;
        }
        self.settle(Writer::WAITING)
    }

    /// Takes answers until so many are open.
    fn settle(&mut self, open: usize) -> Result<(), SinkStopped> {
        while self.pending.len() > open
            && let Some(first) = self.pending.pop_front()
        {
            match first.wait() {
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
