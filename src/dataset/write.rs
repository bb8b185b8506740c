//! Writes labelled items in a format, to a temporary file that takes the output's place when it is whole.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::lines::{LeftOut, Lines};
use super::replacing::{Replacing, folder, is_stream};
use super::{DatasetError, Format};
use super::{helpsteer2, helpsteer2_preference, hh_rlhf, pairs, trl};
use crate::domain::{Item, Judgment, ReferenceLabel, SourceRow};
use crate::task::{Job, Progress};

/// What one annotator said of an item.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vote {
    /// Who.
    pub annotator: Option<String>,
    /// When, as text.
    pub time: Option<String>,
    /// What.
    pub judgment: Judgment,
    /// Other fields of the vote; [`ReferenceLabel::extra`].
    pub extra: Map<String, Value>,
}

impl From<ReferenceLabel> for Vote {
    fn from(label: ReferenceLabel) -> Self {
        Self {
            annotator: label.annotator,
            time: label.time,
            judgment: label.judgment,
            extra: label.extra,
        }
    }
}

/// An item to write, with its label.
#[derive(Debug, Clone, PartialEq)]
pub struct ExportRow {
    /// The item.
    pub item: Item,
    /// Where it came from; gives the file's order, ids and other fields.
    pub source: Option<SourceRow>,
    /// The verdict, aggregated.
    pub judgment: Judgment,
    /// Other fields of the verdict, where it is the source's own; [`ReferenceLabel::extra`].
    pub extra: Map<String, Value>,
    /// Each annotator's own.
    pub votes: Vec<Vote>,
}

impl ExportRow {
    /// Name of the model that wrote the response of that canonical index.
    pub(super) fn model(&self, index: usize) -> Option<&str> {
        let source = self.source.as_ref()?;
        let at = source.order.iter().position(|place| *place == index)?;
        source.models.get(at)?.as_deref()
    }
}

/// How to write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Also write the source's fields that the format does not define; else its exact schema.
    pub extra: bool,
    /// What `split` says in `helpsteer2-preference` where the source does not; `train` when not given.
    pub split: Option<String>,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportedFile {
    /// Where.
    pub path: PathBuf,
    /// Rows in it.
    pub rows: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExportReport {
    /// The format.
    pub format: Format,
    /// Rows written; `HelpSteer2` has one per response, the others one per item. With 0, no file is touched.
    pub rows: u64,
    /// Items that the format cannot carry, by reason.
    pub left_out: BTreeMap<String, u64>,
    /// The files.
    pub files: Vec<ExportedFile>,
}

/// Writes the rows to `output`: one file where its name ends in `.jsonl` or `.json` (also with `.gz`), otherwise
/// `data.jsonl` in a folder of that name. An existing file is replaced only when the new one is whole and on disk.
/// Progress counts items; the total is not known here.
pub fn write(
    format: Format,
    rows: &mut dyn Iterator<Item = Result<ExportRow, String>>,
    output: &Path,
    options: &WriteOptions,
    job: &mut Job<'_>,
) -> Result<ExportReport, DatasetError> {
    if !format.is_exported() {
        return Err(DatasetError::NotExported(format));
    }
    let mut report = ExportReport {
        format,
        rows: 0,
        left_out: BTreeMap::new(),
        files: vec![],
    };
    let mut file: Option<Output> = None;
    let mut lines = Lines::default();
    let mut before = None;
    let mut told: Option<Instant> = None;
    for (done, row) in rows.enumerate() {
        if job.cancel.is_cancelled() {
            return Err(DatasetError::Cancelled);
        }
        let row = row.map_err(DatasetError::Items)?;
        lines.clear();
        let written = row_lines(format, &row, options, &mut before, &mut lines);
        match written {
            Ok(()) => {
                let out = match &mut file {
                    Some(out) => out,
                    None => file.insert(Output::create(output)?),
                };
                out.rows(&lines)?;
                report.rows += lines.rows().len() as u64;
            }
            Err(LeftOut::Because(reason)) => {
                *report.left_out.entry(reason.to_owned()).or_default() += 1;
            }
            Err(LeftOut::Json(source)) => {
                return Err(DatasetError::Json {
                    item: row.item.id.to_string(),
                    source,
                });
            }
        }
        let now = Instant::now();
        if told.is_none_or(|told| now - told >= Duration::from_millis(50)) {
            told = Some(now);
            (job.report)(Progress {
                done: done as u64 + 1,
                total: 0,
                rows: 0,
            });
        }
    }
    if let Some(file) = file {
        report.files.push(file.finish(report.rows)?);
    }
    Ok(report)
}

/// The lines of one item in a format.
fn row_lines(
    format: Format,
    row: &ExportRow,
    options: &WriteOptions,
    before: &mut Option<String>,
    lines: &mut Lines,
) -> Result<(), LeftOut> {
    match format {
        Format::HelpSteer2 => helpsteer2::export(row, options, before, lines),
        Format::HelpSteer2Preference => helpsteer2_preference::export(row, options, lines),
        Format::HhRlhf => hh_rlhf::export(row, options, lines),
        Format::Trl => trl::export(row, options, lines),
        Format::Pairs => pairs::export(row, options, lines),
        _ => Err(LeftOut::Because("this format is not written")),
    }
}

/// The lines that [`write`] would write for these items, for a preview; items that the format cannot carry give none.
pub fn lines(
    format: Format,
    rows: &[ExportRow],
    options: &WriteOptions,
) -> Result<Vec<String>, DatasetError> {
    let mut before = None;
    let mut written = vec![];
    for row in rows {
        let mut lines = Lines::default();
        match row_lines(format, row, options, &mut before, &mut lines) {
            Ok(()) => {
                let texts = lines.rows();
                written
                    .extend(texts.map(|line| String::from_utf8_lossy(line).trim_end().to_owned()));
            }
            Err(LeftOut::Because(_)) => {}
            Err(LeftOut::Json(source)) => {
                return Err(DatasetError::Json {
                    item: row.item.id.to_string(),
                    source,
                });
            }
        }
    }
    Ok(written)
}

/// Adds up the hash of what is written.
struct Hashing {
    file: Replacing,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.file.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

enum Encoder {
    Plain(BufWriter<Hashing>),
    Gzip(Box<GzEncoder<BufWriter<Hashing>>>),
}

impl Encoder {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(to) => to.write_all(bytes),
            Self::Gzip(to) => to.write_all(bytes),
        }
    }

    fn finish(self) -> io::Result<Hashing> {
        let buffered = match self {
            Self::Plain(to) => to,
            Self::Gzip(to) => to.finish()?,
        };
        buffered
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
    }
}

struct Output {
    path: PathBuf,
    encoder: Encoder,
    /// Whether the rows are the elements of one array.
    array: bool,
    first: bool,
}

impl Output {
    fn create(output: &Path) -> Result<Self, DatasetError> {
        let name = output
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase())
            .unwrap_or_default();
        let plain = name.strip_suffix(".gz");
        let gzip = plain.is_some();
        let plain = plain.unwrap_or(&name);
        let suffix = Path::new(plain).extension().unwrap_or_default();
        if let Some(other) = ["csv", "parquet", "zst", "tsv"]
            .into_iter()
            .find(|s| suffix == *s)
        {
            return Err(DatasetError::NotWritten(other));
        }
        let array = suffix == "json";
        let (path, gzip) = if array || suffix == "jsonl" || is_stream(output) {
            (output.to_path_buf(), gzip)
        } else {
            (output.join("data.jsonl"), false)
        };
        Self::begin(&path, gzip, array).map_err(|source| DatasetError::Write { path, source })
    }

    fn begin(path: &Path, gzip: bool, array: bool) -> io::Result<Self> {
        fs::create_dir_all(folder(path))?;
        let buffered = BufWriter::with_capacity(
            256 * 1024,
            Hashing {
                file: Replacing::create(path)?,
                hash: Sha256::new(),
            },
        );
        Ok(Self {
            path: path.to_path_buf(),
            encoder: if gzip {
                Encoder::Gzip(Box::new(GzEncoder::new(buffered, Compression::default())))
            } else {
                Encoder::Plain(buffered)
            },
            array,
            first: true,
        })
    }

    fn rows(&mut self, lines: &Lines) -> Result<(), DatasetError> {
        lines
            .rows()
            .try_for_each(|row| self.row(row))
            .map_err(|source| self.failed(source))
    }

    fn row(&mut self, row: &[u8]) -> io::Result<()> {
        if !self.array {
            return self.encoder.write_all(row);
        }
        let before: &[u8] = if self.first { b"[\n" } else { b",\n" };
        self.first = false;
        self.encoder.write_all(before)?;
        self.encoder
            .write_all(row.strip_suffix(b"\n").unwrap_or(row))
    }

    fn failed(&self, source: io::Error) -> DatasetError {
        DatasetError::Write {
            path: self.path.clone(),
            source,
        }
    }

    fn finish(self, rows: u64) -> Result<ExportedFile, DatasetError> {
        let path = self.path.clone();
        self.replace()
            .map(|sha256| ExportedFile {
                path: path.clone(),
                rows,
                sha256,
            })
            .map_err(|source| DatasetError::Write { path, source })
    }

    fn replace(mut self) -> io::Result<String> {
        if self.array {
            self.encoder.write_all(b"\n]\n")?;
        }
        let Hashing { file, hash } = self.encoder.finish()?;
        file.finish()?;
        Ok(format!("{:x}", hash.finalize()))
    }
}
