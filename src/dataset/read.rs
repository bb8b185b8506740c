//! Reads files row by row and hands every item to a sink.

use std::fs;
use std::io::{self, BufRead, BufReader, Cursor, Read as _};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::{Map, Value};

use super::columns::Columns;
use super::folder;
use super::format::LOOK_AT;
use super::helpsteer2::Ratings2;
use super::input::{Broken, Content, Input};
use super::map::{self, Mapping};
use super::mt_bench::MtBench;
use super::records::{Object, Records, parse_leniently};
use super::table::{self, Table};
use super::{DatasetError, Format};
use super::{
    arena, benchmarks, helpsteer2_preference, helpsteer3, hh_rlhf, judgebench, messages, pairs,
    trl, ultrafeedback,
};
use crate::domain::{Item, ReferenceLabel, Response, Role, SourceRow, Turn};
use crate::task::{Cancel, Job, Progress};

/// One place where an item stands, with the labels that came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The item.
    pub item: Item,
    /// Where it stands.
    pub source: SourceRow,
    /// The labels that came with it.
    pub references: Vec<ReferenceLabel>,
    /// Rows of the input that this says all of.
    pub rows: u64,
}

/// A row that is not an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// Name of the file, without its folder.
    pub file: String,
    /// The row, from 1.
    pub row: u64,
    /// Why, for people.
    pub reason: String,
}

/// Something unusual in a row that was imported all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Name of the file, without its folder.
    pub file: String,
    /// The row, from 1.
    pub row: u64,
    /// What is unusual: a stable name such as `empty-reply`.
    pub kind: String,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReadReport {
    /// The format, where all files have the same.
    pub format: Option<Format>,
    /// Rows read; blank lines do not count.
    pub read: u64,
    /// Rows that are part of an item now.
    pub imported: u64,
    /// The rows that are not, the first [`ReadReport::LISTED`] of them.
    pub rejected: Vec<Rejected>,
    /// Unusual rows, the first [`ReadReport::LISTED`] of them.
    pub warnings: Vec<Warning>,
    /// Rejected rows in all, listed or not.
    pub rejected_in_all: u64,
    /// Warnings in all, listed or not.
    pub warnings_in_all: u64,
}

impl ReadReport {
    /// How many rejected rows and warnings are listed, so that a file of rubbish does not fill the memory.
    pub const LISTED: usize = 100_000;
}

/// How rows are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadAs {
    /// The format; without one, that which the rows speak for.
    pub format: Option<Format>,
    /// What the fields mean, for [`Format::CsvMap`]; a mapping that says something is that format.
    pub mapping: Mapping,
}

impl ReadAs {
    /// A format, or that of the content.
    pub fn format(format: Option<Format>) -> Self {
        Self {
            format,
            mapping: Mapping::default(),
        }
    }

    /// Rows of one's own.
    pub fn mapped(mapping: Mapping) -> Self {
        Self {
            format: Some(Format::CsvMap),
            mapping,
        }
    }
}

/// Returned by a sink that wants no more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkStopped;

/// Where a row stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub file: &'a str,
    pub row: u64,
    pub format: Format,
}

impl Place<'_> {
    /// The source of an item that begins here.
    pub fn source(
        self,
        id: Option<String>,
        order: Vec<usize>,
        models: Vec<Option<String>>,
        extra: Map<String, Value>,
    ) -> SourceRow {
        SourceRow {
            file: self.file.to_owned(),
            format: self.format.name().to_owned(),
            row: self.row,
            id,
            order,
            models,
            extra,
        }
    }
}

/// An item of one row, and what is unusual in it.
pub(super) struct Imported {
    pub row: Row,
    pub warnings: Vec<&'static str>,
}

impl Imported {
    /// An item that is all of its row, in which nothing is unusual.
    pub fn new(item: Item, source: SourceRow, references: Vec<ReferenceLabel>) -> Self {
        let row = Row {
            item,
            source,
            references,
            rows: 1,
        };
        let warnings = vec![];
        Self { row, warnings }
    }
}

/// Gives items to the sink and keeps the report.
pub(super) struct Collector<'a> {
    report: ReadReport,
    sink: &'a mut dyn FnMut(Row) -> Result<(), SinkStopped>,
}

impl Collector<'_> {
    /// Passes on an item that was made of so many rows.
    pub fn item(&mut self, row: Row, rows: u64) -> Result<(), DatasetError> {
        // HH-RLHF tells of its own oddities.
        if row.source.format != Format::HhRlhf.name() {
            for kind in unusual(&row.item) {
                self.warn(&row.source.file, row.source.row, kind);
            }
        }
        (self.sink)(row).map_err(|SinkStopped| DatasetError::Stopped)?;
        self.report.imported += rows;
        Ok(())
    }

    /// Counts rows that belong to an item already passed on.
    pub fn joined(&mut self, rows: u64) {
        self.report.imported += rows;
    }

    pub fn reject(&mut self, file: &str, row: u64, reason: String) {
        self.report.rejected_in_all += 1;
        if self.report.rejected.len() < ReadReport::LISTED {
            self.report.rejected.push(Rejected {
                file: file.to_owned(),
                row,
                reason,
            });
        }
    }

    pub fn warn(&mut self, file: &str, row: u64, kind: &str) {
        self.report.warnings_in_all += 1;
        if self.report.warnings.len() < ReadReport::LISTED {
            self.report.warnings.push(Warning {
                file: file.to_owned(),
                row,
                kind: kind.to_owned(),
            });
        }
    }
}

/// What is odd in an item, and all the same an item.
fn unusual(item: &Item) -> impl Iterator<Item = &'static str> {
    let spoken = |turn: &Turn| {
        turn.tool_calls.is_none() && matches!(turn.role, Role::User | Role::Assistant)
    };
    let alike = |pair: [&Turn; 2]| pair[0].role == pair[1].role && pair.into_iter().all(spoken);
    let context = item
        .context
        .windows(2)
        .any(|pair| alike([&pair[0], &pair[1]]));
    let consecutive = context
        || item.responses.iter().any(|response| {
            let turns = item.context.last().into_iter().chain(&response.turns);
            let next = turns.clone().skip(1);
            turns.zip(next).any(|(a, b)| alike([a, b]))
        });
    let blank = |turn: &Turn| turn.tool_calls.is_none() && turn.content.trim().is_empty();
    let reply = |response: &Response| response.turns.last().is_some_and(blank);
    let between = |response: &Response| response.turns.iter().rev().skip(1).any(blank);
    let kinds = [
        (consecutive, "consecutive-turns-of-one-role"),
        (item.responses.iter().any(reply), "empty-reply"),
        (
            item.context.iter().any(blank) || item.responses.iter().any(between),
            "empty-turn",
        ),
        (
            item.responses
                .iter()
                .any(|response| response.key.occurrence > 0),
            "same-replies",
        ),
    ];
    kinds
        .into_iter()
        .filter_map(|(is, kind)| is.then_some(kind))
}

/// Reads all inputs in order (`-` is the standard input), each in the format that is named or in the one its rows speak for, and passes every
/// item to `sink` as it comes. Rows that cannot be read are in the report; an error is about a file as a whole, and the
/// items passed on before it stay passed on. Progress counts bytes of the files; the total is 0 when not known.
pub fn read(
    inputs: &[PathBuf],
    read_as: &ReadAs,
    job: &mut Job<'_>,
    sink: &mut dyn FnMut(Row) -> Result<(), SinkStopped>,
) -> Result<ReadReport, DatasetError> {
    if read_as.format == Some(Format::CsvMap) {
        read_as.mapping.check()?;
    }
    let shards = folder::shards(inputs)?;
    // How long a pipe is, nobody knows.
    let sizes: Option<Vec<u64>> = shards
        .iter()
        .map(|shard| fs::metadata(&shard.path).ok().filter(fs::Metadata::is_file))
        .map(|there| there.map(|there| there.len()))
        .collect();
    let mut clock = Clock {
        progress: Progress {
            done: 0,
            total: sizes.map_or(0, |sizes| sizes.iter().sum()),
            rows: 0,
        },
        told: None,
    };
    let mut out = Collector {
        report: ReadReport::default(),
        sink,
    };
    let mut votes = MtBench::default();
    let mut formats = Vec::new();
    for shard in &shards {
        let read = Input::open(shard, &job.cancel)
            .and_then(|input| read_file(input, read_as, job, &mut clock, &mut votes, &mut out));
        match read {
            Ok(found) => formats.extend(found),
            Err(_) if job.cancel.is_cancelled() => return Err(DatasetError::Cancelled),
            // Of a folder everything is tried; one file that is something else is told of, and the others come in.
            Err(
                error @ (DatasetError::UnknownFormat { .. }
                | DatasetError::Kind { .. }
                | DatasetError::Damaged { .. }
                | DatasetError::Open { .. }),
            ) if shard.found && shards.len() > 1 => {
                out.report.read += 1;
                out.reject(&shard.name, 0, error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    votes.finish(&mut out)?;
    let mut report = out.report;
    formats.dedup();
    report.format = match formats[..] {
        [one] => Some(one),
        _ => None,
    };
    Ok(report)
}

/// Tells the progress at most twenty times a second.
struct Clock {
    progress: Progress,
    told: Option<Instant>,
}

impl Clock {
    fn tell(&mut self, done: u64, job: &mut Job<'_>) {
        let now = Instant::now();
        if self
            .told
            .is_none_or(|told| now - told >= Duration::from_millis(50))
        {
            self.told = Some(now);
            (job.report)(Progress {
                done: self.progress.done + done,
                ..self.progress
            });
        }
    }
}

/// Bytes that a header is looked for in.
const LOOK_AT_BYTES: u64 = 16 << 10;

/// The rows of a text, whatever it is.
enum Rows {
    Json {
        records: Records,
        /// Whether the last row held what is not a number.
        nan: bool,
    },
    Table(Table),
    Columns(Box<Columns>),
    /// What could not even be begun, once.
    Broken(Option<io::Error>),
}

impl Rows {
    fn new(input: Input) -> Result<Self, DatasetError> {
        match input.content {
            Content::Text(reader) => Ok(Self::of_text(reader)),
            Content::Parquet(file) => Columns::new(file, input.taken)
                .map(|columns| Self::Columns(Box::new(columns)))
                .map_err(|reason| DatasetError::Damaged {
                    file: input.name,
                    reason,
                }),
        }
    }

    fn of_text(mut reader: Box<dyn BufRead>) -> Self {
        let mut start = Vec::new();
        let looked = (&mut reader).take(LOOK_AT_BYTES).read_to_end(&mut start);
        let delimiter = table::delimiter(&start);
        let start = Cursor::new(start);
        let reader: Box<dyn BufRead> = match looked {
            // It fails again where it is read, after what there is.
            Err(error) => Box::new(start.chain(BufReader::new(Broken(Some(error))))),
            Ok(_) => Box::new(start.chain(reader)),
        };
        let Some(delimiter) = delimiter else {
            return Self::Json {
                records: Records::new(reader),
                nan: false,
            };
        };
        match Table::new(reader, delimiter) {
            Ok(table) => Self::Table(table),
            Err(error) => Self::Broken(Some(error)),
        }
    }

    /// The number of the last row given.
    fn row(&self) -> u64 {
        match self {
            Self::Json { records, .. } => records.row(),
            Self::Table(table) => table.row(),
            Self::Columns(columns) => columns.row(),
            Self::Broken(_) => 0,
        }
    }

    fn next_row(&mut self) -> io::Result<Option<Object>> {
        match self {
            Self::Json { records, nan } => {
                *nan = false;
                let Some((row, bytes)) = records.next_record()? else {
                    return Ok(None);
                };
                let object = bytes.and_then(|bytes| {
                    let (object, found) = parse_leniently(bytes);
                    *nan = found;
                    object
                });
                Ok(Some((row, object)))
            }
            Self::Table(table) => table.next_row(),
            Self::Columns(columns) => columns.next_row(),
            Self::Broken(error) => error.take().map_or(Ok(None), Err),
        }
    }
}

/// A row before it is understood: its fields.
pub type RawRow = Map<String, Value>;

/// The fields of the first rows of the inputs, at most so many, for a person who says what they mean.
pub fn first_rows(
    inputs: &[PathBuf],
    most: usize,
    cancel: &Cancel,
) -> Result<Vec<RawRow>, DatasetError> {
    let mut found = vec![];
    for shard in folder::shards(inputs)? {
        let file = shard.name.clone();
        let mut rows = Rows::new(Input::open(&shard, cancel)?)?;
        while found.len() < most {
            match rows.next_row() {
                Ok(Some((_, Ok(row)))) => found.push(row),
                Ok(Some((_, Err(_)))) => {}
                Ok(None) => break,
                Err(source) => {
                    let row = rows.row();
                    return Err(DatasetError::Read { file, row, source });
                }
            }
        }
    }
    Ok(found)
}

/// One row read by a mapping: the item with its label, or why not.
pub fn map_row(row: &RawRow, mapping: &Mapping) -> Result<Row, String> {
    let place = Place {
        file: "",
        row: 1,
        format: Format::CsvMap,
    };
    map::import(place, row.clone(), mapping).map(|imported| imported.row)
}

fn read_file(
    input: Input,
    read_as: &ReadAs,
    job: &mut Job<'_>,
    clock: &mut Clock,
    votes: &mut MtBench,
    out: &mut Collector<'_>,
) -> Result<Option<Format>, DatasetError> {
    let (file, taken) = (input.name.clone(), Rc::clone(&input.taken));
    let mut records = Rows::new(input)?;
    let mut format = read_as.format;
    let mut ratings = Ratings2::default();
    // Rows that came before the first one that speaks for a format.
    let mut waiting: Vec<(u64, Map<String, Value>)> = Vec::new();
    loop {
        if job.cancel.is_cancelled() {
            return Err(DatasetError::Cancelled);
        }
        let row = records.row();
        if row.is_multiple_of(64) {
            clock.progress.rows = out.report.read;
            clock.tell(taken.get(), job);
        }
        let (row, object) = match records.next_row() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            // A broken archive: what came before it is good.
            Err(err)
                if matches!(
                    err.kind(),
                    io::ErrorKind::InvalidData
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::UnexpectedEof
                ) =>
            {
                out.report.read += 1;
                out.reject(
                    &file,
                    row + 1,
                    match &records {
                        Rows::Table(_) => format!("the table is damaged here: {err}"),
                        Rows::Columns(_) => format!("the Parquet file is damaged here: {err}"),
                        _ => format!("the compressed file is damaged or cut off here: {err}"),
                    },
                );
                break;
            }
            Err(err) => {
                return Err(DatasetError::Read {
                    file,
                    row,
                    source: err,
                });
            }
        };
        out.report.read += 1;
        let object = match object {
            Ok(object) => object,
            Err(reason) => {
                out.reject(&file, row, reason);
                continue;
            }
        };
        if matches!(records, Rows::Json { nan: true, .. }) {
            out.warn(&file, row, "not-a-number");
        }
        if format.is_none() {
            format = Format::of_row(&object);
        }
        let Some(format) = format else {
            waiting.push((row, object));
            if waiting.len() >= LOOK_AT {
                break;
            }
            continue;
        };
        for (row, object) in waiting.drain(..).chain([(row, object)]) {
            let place = Place {
                file: &file,
                row,
                format,
            };
            import(place, object, read_as, &mut ratings, votes, out)?;
        }
    }
    if let Some((_, first)) = waiting.first() {
        let keys: Vec<&str> = first.keys().take(12).map(String::as_str).collect();
        let keys = if keys.is_empty() {
            "no fields".to_owned()
        } else {
            keys.join(", ").chars().take(200).collect()
        };
        return Err(DatasetError::UnknownFormat { file, keys });
    }
    if let Some(format) = format {
        ratings.flush(&file, format, out)?;
    }
    clock.progress.done += taken.get();
    clock.tell(0, job);
    Ok(format)
}

fn import(
    place: Place<'_>,
    object: Map<String, Value>,
    read_as: &ReadAs,
    ratings: &mut Ratings2,
    votes: &mut MtBench,
    out: &mut Collector<'_>,
) -> Result<(), DatasetError> {
    // Rows of another format than the first are the likeliest mistake in a file put together from several.
    let other = read_as
        .format
        .is_none()
        .then(|| Format::of_row(&object))
        .flatten()
        .filter(|other| *other != place.format);
    let imported = match place.format {
        Format::HelpSteer2 => return ratings.row(place, object, out),
        Format::MtBench => {
            votes.row(place, object, out);
            return Ok(());
        }
        Format::HelpSteer2Preference => helpsteer2_preference::import(place, object),
        Format::HhRlhf => hh_rlhf::import(place, object),
        Format::Trl if trl::is_single(&object) => trl::import_single(place, object),
        Format::Trl | Format::Pairs => pairs::import(place, object),
        Format::JudgeBench => judgebench::import(place, object),
        Format::HelpSteer3 => helpsteer3::import(place, object),
        Format::RewardBench | Format::RewardBench2 | Format::RmBench => {
            benchmarks::import(place, object)
        }
        Format::UltraFeedback => ultrafeedback::import(place, object),
        Format::Arena => arena::import(place, object),
        Format::CsvMap => map::import(place, object, &read_as.mapping),
        Format::ShareGpt if pairs::sides(&object).is_some() => pairs::import(place, object),
        Format::Messages | Format::ShareGpt => messages::import(place, object),
    };
    match imported {
        Ok(Imported { row, warnings }) => {
            for kind in warnings {
                out.warn(place.file, place.row, kind);
            }
            out.item(row, 1)
        }
        Err(reason) => {
            let reason = match other {
                Some(other) => format!(
                    "{reason}; it looks like {other}, where the file began as {}: put them into files of their own",
                    place.format
                ),
                None => reason,
            };
            out.reject(place.file, place.row, reason);
            Ok(())
        }
    }
}
