//! `tiebreak score`: one line of JSON per response, in the order of the input.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use crossbeam_channel::{Receiver, Sender, bounded};
use serde_json::{Map, Value, json};

use super::printer::{self, Bar};
use crate::dataset::{self, DatasetError, ReadAs, SinkStopped};
use crate::domain::Turn;
use crate::domain::hash::response_hash;
use crate::domain::label::json_number;
use crate::reward::{
    self, Course, DeviceChoice, DtypeChoice, HeadChoice, LoadOptions, ModelRef, Preset,
    RewardError, ScoreOutput, ScoreStats, Scorer,
};
use crate::store::{Access, Project, is_project};
use crate::task::{Cancel, Job, Progress};

/// Responses scored at once: enough to sort by length and to share beginnings, few enough for flat memory.
const WINDOW: usize = 256;
/// Windows that one thread is ahead of the next.
const AHEAD: usize = 2;
/// Bytes of text scored at once, about.
const WINDOW_BYTES: usize = 8 << 20;

/// Scores the responses of a data file or project.
#[derive(Debug, Args)]
pub struct Score {
    /// A data file (`-` is stdin), or a project
    input: PathBuf,
    /// `default`, a folder with safetensors, or a .gguf file
    #[arg(long)]
    model: String,
    /// Where the lines go; stdout when not given
    #[arg(long)]
    output: Option<PathBuf>,
    /// Continue an interrupted --output of the same model
    #[arg(long, requires = "output")]
    resume: bool,
    /// auto, cpu, cuda, cuda:N or metal
    #[arg(long, default_value = "auto")]
    device: String,
    /// auto, f32, bf16, f16, `q8_0` or q4k
    #[arg(long, default_value = "auto")]
    dtype: String,
    /// auto, logit:ID (the logit of that token after the last one) or the name of a head
    #[arg(long, default_value = "auto")]
    head: String,
    /// How several outputs become one score: a preset (nemotron-340b, steerlm-70b, steerlm-70b-first, helpfulness), or NAME=WEIGHT,…
    #[arg(long, value_name = "PRESET")]
    weights: Option<Preset>,
    /// In place of the model's chat template: raw, hh, nemo-extra-id, llama2, tulu, user-assistant, or a file
    #[arg(long, default_value = "auto")]
    template: String,
    /// Most tokens of a conversation; the model's context when not given
    #[arg(long)]
    max_length: Option<usize>,
    /// Tokens computed at once
    #[arg(long)]
    batch_tokens: Option<usize>,
    /// Threads on the CPU; all cores when not given
    #[arg(long)]
    threads: Option<usize>,
    /// Say of every response how its score comes about: at each of its tokens, and after each turn of the assistant's
    #[arg(long)]
    trace: bool,
    /// Report as JSON: on stdout, or on stderr where the lines go to stdout
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(command: &Score) -> anyhow::Result<ExitCode> {
    let model: ModelRef = command.model.parse()?;
    let template = super::template(&command.template)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = LoadOptions {
        device: command.device.parse::<DeviceChoice>()?,
        dtype: command.dtype.parse::<DtypeChoice>()?,
        threads: Some(command.threads.unwrap_or(cores)),
        max_length: command.max_length,
        batch_tokens: command.batch_tokens,
        template,
        head: command.head.parse::<HeadChoice>()?,
        weights: command.weights.clone(),
        ..LoadOptions::default()
    };
    let scorer = reward::load(&model, &options)?;
    let made_by = made_by(&*scorer, options.max_length);
    let (output, known) = Output::open(command.output.as_deref(), command.resume, &made_by)?;
    let cancel = super::interrupt()?;
    let mut reading = Reading {
        continued: output.name(),
        known: known.into_iter(),
        window: Window::default(),
        bytes: 0,
        failed: None,
        to: None,
    };
    let mut writing = Writing {
        output,
        made_by,
        totals: Totals::default(),
        bar: Bar::with_rate("scoring", "pairs"),
        started: Instant::now(),
    };
    let mut scoring = Scoring {
        scorer,
        trace: command.trace,
    };
    // Three threads, each a little ahead of the next: rows are read, scored and written at the same time.
    let (read, windows) = bounded(AHEAD);
    let (put, done) = bounded(AHEAD);
    reading.to = Some(read);
    let (found, stopped, written) = std::thread::scope(|scope| {
        let reader = scope.spawn(move || reading.all(&command.input));
        let writer = scope.spawn(|| writing.all(done));
        let stopped = scoring.all(&windows, &put, &cancel);
        // Whoever is ahead has nobody to hand on to any more.
        drop((windows, put));
        (reader.join(), stopped, writer.join())
    });
    written.map_err(|_panic| anyhow!("the writer failed inside"))??;
    let stopped = stopped?;
    let found = found.map_err(|_panic| anyhow!("the reader failed inside"))??;
    if stopped {
        return Ok(writing.interrupted());
    }
    writing.finish(command, &*scoring.scorer, &model, &found)
}

/// What a score depends on: the scorer, and where conversations were cut if not at the model's own limit.
fn made_by(scorer: &dyn Scorer, max_length: Option<usize>) -> String {
    let key = scorer.info().id.key();
    match max_length {
        None => key,
        Some(limit) => format!("{key}@{limit}"),
    }
}

/// How a score comes about, as a line has it.
fn trace(course: &Course) -> Value {
    let tokens = course.tokens.iter();
    let tokens: Vec<Value> = tokens
        .map(|(id, text, score)| json!({"id": id, "text": text, "score": number(*score)}))
        .collect();
    let turns = course.turns.iter();
    let turns: Vec<Value> = turns
        .map(|(turn, score)| json!({"turn": turn, "score": score.map_or(Value::Null, number)}))
        .collect();
    json!({"tokens": tokens, "turns": turns})
}

/// A response that waits to be scored.
struct Waiting {
    /// Beginning of the hash of the conversation.
    text: String,
    id: String,
    item: u64,
    response: usize,
    turns: Vec<Turn>,
}

/// Responses that are scored at once.
#[derive(Default)]
struct Window {
    waiting: Vec<Waiting>,
    /// Pairs of which both are among them.
    pairs: u64,
    /// How far the input was read.
    read: Progress,
}

/// What came of a window.
struct Scored {
    window: Window,
    outputs: Vec<Option<ScoreOutput>>,
    traces: Vec<Option<Value>>,
    stats: ScoreStats,
}

/// What the input was.
#[derive(Default)]
struct Found {
    rows: u64,
    rejected: u64,
}

#[derive(Default)]
struct Totals {
    responses: u64,
    pairs: u64,
    truncated: u64,
    failed: u64,
    stats: ScoreStats,
}

// -----------------------------------------------------------------------------------------
// Reading

struct Reading {
    /// Where these are.
    continued: String,
    /// The responses that have their line from an earlier run.
    known: std::vec::IntoIter<Known>,
    window: Window,
    bytes: usize,
    failed: Option<anyhow::Error>,
    to: Option<Sender<Window>>,
}

impl Reading {
    /// Goes through the input.
    fn all(mut self, input: &Path) -> anyhow::Result<Found> {
        let mut found = Found::default();
        if is_project(input) {
            let project = Project::open(input, Access::Read)?;
            let reader = project.reader()?;
            let total = reader.count()?;
            reader.for_each_item(|record| {
                found.rows += 1;
                self.window.read = Progress {
                    done: found.rows,
                    total,
                    rows: 0,
                };
                let count = record.item.responses.len();
                let file = record.sources.iter().find(|s| s.order.len() == count);
                let order = file.map_or_else(|| (0..count).collect(), |s| s.order.clone());
                let turns = order
                    .iter()
                    .map(|at| record.item.conversation(*at))
                    .collect();
                let id = record.item.id.to_string();
                match self.take(&id, record.position, turns) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(SinkStopped) => ControlFlow::Break(()),
                }
            })?;
            self.flush().ok();
            return self.failed.take().map_or(Ok(found), Err);
        }
        let progress = Cell::new(Progress::default());
        let mut report = |now: Progress| progress.set(now);
        let mut job = Job {
            cancel: Cancel::default(),
            report: &mut report,
        };
        let read = dataset::read(
            &[input.to_owned()],
            &ReadAs::default(),
            &mut job,
            &mut |row| {
                self.window.read = progress.get();
                let item = row.source.row.saturating_sub(1);
                let id = row
                    .source
                    .id
                    .clone()
                    .unwrap_or_else(|| format!("row-{item}"));
                let turns = row
                    .source
                    .order
                    .iter()
                    .map(|at| row.item.conversation(*at))
                    .collect();
                self.take(&id, item, turns)
            },
        );
        self.flush().ok();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let read = match read {
            // Nobody scores any more; why is said there.
            Err(DatasetError::Stopped) => return Ok(found),
            read => read?,
        };
        for rejected in &read.rejected {
            eprintln!(
                "{} row {}: {}",
                rejected.file, rejected.row, rejected.reason
            );
        }
        found.rows = read.read;
        found.rejected = read.rejected_in_all;
        Ok(found)
    }

    fn take(
        &mut self,
        id: &str,
        item: u64,
        conversations: Vec<Vec<Turn>>,
    ) -> Result<(), SinkStopped> {
        let pair = conversations.len() == 2;
        let before = self.window.waiting.len();
        for (response, turns) in conversations.into_iter().enumerate() {
            let text = response_hash(&turns).to_string()[..16].to_owned();
            match self.known.next() {
                None => {}
                Some(there)
                    if (there.item, there.response, &there.text) == (item, response, &text) =>
                {
                    continue;
                }
                Some(_) => {
                    self.failed = Some(anyhow!(
                        "{} was made from another input: item {item} response {response} differs\nhint: leave out --resume to replace it",
                        self.continued
                    ));
                    return Err(SinkStopped);
                }
            }
            self.bytes += turns.iter().map(|t| t.content.len()).sum::<usize>();
            self.window.waiting.push(Waiting {
                text,
                id: id.to_owned(),
                item,
                response,
                turns,
            });
        }
        // What was scored in an earlier run takes no time in this one.
        self.window.pairs += u64::from(pair && self.window.waiting.len() == before + 2);
        // An item is never split, so that its responses can share their beginning.
        if self.window.waiting.len() >= WINDOW || self.bytes >= WINDOW_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Hands on what waits.
    fn flush(&mut self) -> Result<(), SinkStopped> {
        if self.failed.is_some() {
            return Err(SinkStopped);
        }
        let window = std::mem::take(&mut self.window);
        self.bytes = 0;
        let to = self.to.as_ref().ok_or(SinkStopped)?;
        to.send(window).map_err(|_nobody| SinkStopped)
    }
}

// -----------------------------------------------------------------------------------------
// Scoring

struct Scoring {
    scorer: Box<dyn Scorer>,
    trace: bool,
}

impl Scoring {
    /// Scores windows as they come; says whether it was stopped.
    fn all(
        &mut self,
        windows: &Receiver<Window>,
        put: &Sender<Scored>,
        cancel: &Cancel,
    ) -> anyhow::Result<bool> {
        for mut window in windows {
            let conversations: Vec<Vec<Turn>> = window
                .waiting
                .iter_mut()
                .map(|w| std::mem::take(&mut w.turns))
                .collect();
            let mut outputs: Vec<Option<ScoreOutput>> = vec![None; conversations.len()];
            let stats = self
                .scorer
                .score(&conversations, cancel, &mut |at, output| {
                    outputs[at] = Some(output);
                });
            let (stats, stopped) = match stats {
                Err(RewardError::Cancelled) => {
                    // What is done is kept, up to the first that is not.
                    let done = outputs.iter().take_while(|o| o.is_some()).count();
                    window.waiting.truncate(done);
                    outputs.truncate(done);
                    (ScoreStats::default(), true)
                }
                stats => (stats?, false),
            };
            let traces = outputs.iter().zip(&conversations);
            let traces = traces.map(|(output, turns)| {
                let wanted = self.trace && output.is_some() && !stopped;
                let course = wanted
                    .then(|| self.scorer.course(turns, cancel))
                    .transpose()?;
                Ok::<_, RewardError>(course.as_ref().map(trace))
            });
            let traces = match traces.collect::<Result<Vec<_>, _>>() {
                Err(RewardError::Cancelled) => return Ok(true),
                traces => traces?,
            };
            let scored = Scored {
                window,
                outputs,
                traces,
                stats,
            };
            // Without a writer there is an error, which it says.
            if put.send(scored).is_err() || stopped {
                return Ok(stopped);
            }
        }
        Ok(cancel.is_cancelled())
    }
}

// -----------------------------------------------------------------------------------------
// Writing

struct Writing {
    output: Output,
    made_by: String,
    totals: Totals,
    bar: Bar,
    started: Instant,
}

impl Writing {
    /// Writes windows as they come, each whole before the next.
    fn all(&mut self, scored: Receiver<Scored>) -> anyhow::Result<()> {
        for scored in scored {
            self.window(scored)?;
        }
        Ok(())
    }

    fn window(&mut self, scored: Scored) -> anyhow::Result<()> {
        let Scored {
            window,
            outputs,
            traces,
            stats,
        } = scored;
        let lines = window.waiting.iter().zip(outputs).zip(traces);
        for (at, ((waiting, output), trace)) in lines.enumerate() {
            let mut line = Map::new();
            line.insert("id".to_owned(), waiting.id.clone().into());
            line.insert("item".to_owned(), waiting.item.into());
            line.insert("response".to_owned(), waiting.response.into());
            if let Some(output) = output {
                line.insert("score".to_owned(), number(output.score));
                if !output.attributes.is_empty() {
                    let attributes = output
                        .attributes
                        .iter()
                        .map(|(name, x)| (name.clone(), number(*x)))
                        .collect();
                    line.insert("attributes".to_owned(), Value::Object(attributes));
                }
                line.insert("tokens".to_owned(), output.tokens.into());
                line.insert("truncated".to_owned(), output.truncated.into());
                self.totals.truncated += u64::from(output.truncated);
                if let Some(trace) = trace {
                    line.insert("trace".to_owned(), trace);
                }
            } else {
                let reason = stats
                    .failed
                    .iter()
                    .find(|(index, _)| *index == at)
                    .map_or("no score", |(_, r)| r.as_str());
                eprintln!("{} response {}: {reason}", waiting.id, waiting.response);
                line.insert("score".to_owned(), Value::Null);
                line.insert("error".to_owned(), reason.into());
                self.totals.failed += 1;
            }
            line.insert("scorer".to_owned(), self.made_by.clone().into());
            line.insert("text".to_owned(), waiting.text.clone().into());
            self.output.line(&Value::Object(line))?;
            self.totals.responses += 1;
        }
        self.totals.pairs += window.pairs;
        self.totals.stats.add(stats, 0);
        let rate = self.totals.pairs as f64 / self.started.elapsed().as_secs_f64().max(1e-9);
        self.bar.set_with_rate(window.read, rate);
        self.output.flush()
    }

    /// Says what there is and how to go on.
    fn interrupted(self) -> ExitCode {
        drop(self.bar);
        let count = self.totals.responses;
        match &self.output {
            Output::Stdout | Output::Stream(_) => {
                eprintln!("stopped: the {count} lines written are whole");
            }
            Output::File { partial, .. } => eprintln!(
                "stopped: {count} responses were scored and are kept in {}\nhint: the same command with --resume goes on from there",
                partial.display()
            ),
        }
        ExitCode::from(super::INTERRUPTED)
    }

    fn finish(
        self,
        command: &Score,
        scorer: &dyn Scorer,
        model: &ModelRef,
        found: &Found,
    ) -> anyhow::Result<ExitCode> {
        let Self {
            output,
            totals,
            bar,
            ..
        } = self;
        drop(bar);
        output.finish()?;
        let info = scorer.info();
        let seconds = totals.stats.compute.as_secs_f64();
        let per_s = |count: u64| {
            if seconds > 0.0 {
                count as f64 / seconds
            } else {
                0.0
            }
        };
        if command.json {
            let report = json!({
                "rows": found.rows,
                "responses": totals.responses,
                "tokens": totals.stats.tokens,
                "tokens_computed": totals.stats.tokens_computed,
                "encode_s": totals.stats.encode.as_secs_f64(),
                "seconds": seconds,
                "tokens_per_s": per_s(totals.stats.tokens),
                "pairs_per_s": per_s(totals.pairs),
                "device": info.device,
                "dtype": info.dtype,
                "model": model.to_string(),
                "scorer": info.id.key(),
                "truncated": totals.truncated,
                "failed": totals.failed,
                "rejected": found.rejected,
            });
            if command.output.is_some() {
                printer::report(&report)?;
            } else {
                eprintln!("{report}");
            }
        } else {
            eprintln!(
                "{} responses of {} rows in {seconds:.1} s of model time ({:.1} pairs/s, {:.0} tokens/s, {}, {}); {} truncated, {} without a score",
                totals.responses,
                found.rows,
                per_s(totals.pairs),
                per_s(totals.stats.tokens),
                info.device,
                info.dtype,
                totals.truncated,
                totals.failed
            );
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn number(value: f64) -> Value {
    json_number(value)
}

// -----------------------------------------------------------------------------------------
// Where the lines go

/// A response that has its line, and the beginning of the hash of its conversation.
struct Known {
    item: u64,
    response: usize,
    text: String,
}

/// Lines go to stdout, to `OUTPUT.partial`, which becomes OUTPUT when it is whole, or straight to a device or pipe.
enum Output {
    Stdout,
    Stream(BufWriter<File>),
    File {
        path: PathBuf,
        partial: PathBuf,
        writer: BufWriter<File>,
    },
}

impl Output {
    /// Its name for people.
    fn name(&self) -> String {
        match self {
            Self::Stdout | Self::Stream(_) => "-".to_owned(),
            Self::File { partial, .. } => partial.display().to_string(),
        }
    }

    /// With the responses that have their line from an earlier run.
    fn open(path: Option<&Path>, resume: bool, scorer: &str) -> anyhow::Result<(Self, Vec<Known>)> {
        let Some(path) = path else {
            return Ok((Self::Stdout, vec![]));
        };
        if dataset::is_stream(path) {
            anyhow::ensure!(
                !resume,
                "{} is not a file, so there is nothing in it to resume",
                path.display()
            );
            let file = File::options().write(true).open(path);
            let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
            return Ok((Self::Stream(BufWriter::new(file)), vec![]));
        }
        // What a link points at is replaced, not the link.
        let path = &path.canonicalize().unwrap_or_else(|_new| path.to_owned());
        let mut name = path
            .file_name()
            .with_context(|| format!("{} is not a file name", path.display()))?
            .to_owned();
        name.push(".partial");
        let partial = path.with_file_name(name);
        let cannot = || format!("{} cannot be written", partial.display());
        let mut known = vec![];
        if resume {
            // A finished output is continued like a partial one: there may be more input now.
            if !partial.exists() && path.exists() {
                std::fs::copy(path, &partial).with_context(cannot)?;
            }
            if partial.exists() {
                let (lines, end) = read_known(&partial, scorer)?;
                known = lines;
                let file = File::options()
                    .write(true)
                    .open(&partial)
                    .with_context(cannot)?;
                // A line that was cut off is written again.
                file.set_len(end).with_context(cannot)?;
            }
        } else if partial.exists() {
            std::fs::remove_file(&partial).with_context(cannot)?;
        }
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(&partial)
            .with_context(cannot)?;
        file.seek(std::io::SeekFrom::End(0))?;
        let output = Self::File {
            path: path.to_owned(),
            partial,
            writer: BufWriter::new(file),
        };
        Ok((output, known))
    }

    fn line(&mut self, line: &Value) -> anyhow::Result<()> {
        match self {
            Self::Stdout => printer::report(line),
            Self::Stream(writer) | Self::File { writer, .. } => {
                serde_json::to_writer(&mut *writer, line)?;
                writer.write_all(b"\n")?;
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if let Self::Stream(writer) | Self::File { writer, .. } = self {
            writer.flush()?;
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.flush()?;
        let Self::File {
            path,
            partial,
            writer,
        } = self
        else {
            return Ok(());
        };
        let file = writer
            .into_inner()
            .map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        std::fs::rename(&partial, &path)
            .with_context(|| format!("{} cannot be replaced", path.display()))
    }
}

/// The responses that have a line, and where the last whole line ends.
fn read_known(path: &Path, scorer: &str) -> anyhow::Result<(Vec<Known>, u64)> {
    let mut reader = BufReader::new(
        File::open(path).with_context(|| format!("{} cannot be read", path.display()))?,
    );
    let mut known = vec![];
    let mut end = 0;
    let mut line = vec![];
    let cannot = || format!("{} cannot be read", path.display());
    while reader.read_until(b'\n', &mut line).with_context(cannot)? > 0 {
        if !line.ends_with(b"\n") {
            break;
        }
        let row = known.len() + 1;
        let value: Value = serde_json::from_slice(&line)
            .with_context(|| format!("{} line {row} is damaged", path.display()))?;
        if value["scorer"] != scorer {
            bail!(
                "{} line {row} is by another model, template, head, precision or --max-length: it cannot be continued with this one\nhint: leave out --resume to replace it",
                path.display()
            );
        }
        let place = value["item"].as_u64().zip(value["response"].as_u64());
        let (item, response) =
            place.with_context(|| format!("{} line {row} names no response", path.display()))?;
        known.push(Known {
            item,
            response: response as usize,
            text: value["text"].as_str().unwrap_or_default().to_owned(),
        });
        end += line.len() as u64;
        line.clear();
    }
    Ok((known, end))
}
