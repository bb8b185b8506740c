//! `tiebreak score`: one line of JSON per response, in the order of the input.

use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Map, Value, json};

use super::printer::{self, Bar};
use crate::dataset::{self, SinkStopped};
use crate::domain::Turn;
use crate::domain::hash::response_hash;
use crate::domain::label::json_number;
use crate::reward::{
    self, Course, DeviceChoice, DtypeChoice, HeadChoice, LoadOptions, ModelRef, Preset,
    ScoreOutput, ScoreStats, Scorer,
};
use crate::store::{Access, Project};
use crate::task::{Cancel, Job, Progress};

/// Responses scored at once: enough to sort by length and to share beginnings, few enough for flat memory.
const WINDOW: usize = 256;
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
    /// auto, f32 or `q8_0`
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
    let output = Output::open(
        command.output.as_deref(),
        command.resume,
        &made_by(&*scorer, options.max_length),
    )?;
    let mut run = Run {
        scorer,
        max_length: options.max_length,
        output,
        window: vec![],
        bytes: 0,
        totals: Totals::default(),
        trace: command.trace,
        failed: None,
        bar: Bar::new("scoring"),
    };
    let rejected = run.input(&command.input)?;
    run.finish(command, &model, rejected)
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

#[derive(Default)]
struct Totals {
    rows: u64,
    responses: u64,
    pairs: u64,
    truncated: u64,
    failed: u64,
    stats: ScoreStats,
}

struct Run {
    scorer: Box<dyn Scorer>,
    max_length: Option<usize>,
    output: Output,
    window: Vec<Waiting>,
    bytes: usize,
    totals: Totals,
    trace: bool,
    failed: Option<anyhow::Error>,
    bar: Bar,
}

impl Run {
    /// Goes through the input; gives the number of rejected rows.
    fn input(&mut self, input: &Path) -> anyhow::Result<u64> {
        if is_project(input) {
            let project = Project::open(input, Access::Read)?;
            project.reader()?.for_each_item(|record| {
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
            return self.failed.take().map_or(Ok(0), Err);
        }
        let mut silent = |_: Progress| {};
        let mut job = Job {
            cancel: Cancel::default(),
            report: &mut silent,
        };
        let read = dataset::read(&[input.to_owned()], None, &mut job, &mut |row| {
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
        });
        self.flush().ok();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let read = read?;
        for rejected in &read.rejected {
            eprintln!(
                "{} row {}: {}",
                rejected.file, rejected.row, rejected.reason
            );
        }
        self.totals.rows = read.read;
        Ok(read.rejected_in_all)
    }

    fn take(
        &mut self,
        id: &str,
        item: u64,
        conversations: Vec<Vec<Turn>>,
    ) -> Result<(), SinkStopped> {
        self.totals.rows += 1;
        let pair = conversations.len() == 2;
        let before = self.window.len();
        for (response, turns) in conversations.into_iter().enumerate() {
            let text = response_hash(&turns).to_string()[..16].to_owned();
            match self.output.known(&Known {
                item,
                response,
                text: text.clone(),
            }) {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    self.failed = Some(error);
                    return Err(SinkStopped);
                }
            }
            self.bytes += turns.iter().map(|t| t.content.len()).sum::<usize>();
            self.window.push(Waiting {
                text,
                id: id.to_owned(),
                item,
                response,
                turns,
            });
        }
        // What was scored in an earlier run takes no time in this one.
        self.totals.pairs += u64::from(pair && self.window.len() == before + 2);
        // An item is never split, so that its responses can share their beginning.
        if self.window.len() >= WINDOW || self.bytes >= WINDOW_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Scores what waits and writes it in order.
    fn flush(&mut self) -> Result<(), SinkStopped> {
        if self.failed.is_some() {
            return Err(SinkStopped);
        }
        let waiting = std::mem::take(&mut self.window);
        self.bytes = 0;
        if let Err(error) = self.score(waiting) {
            self.failed = Some(error);
            return Err(SinkStopped);
        }
        Ok(())
    }

    fn score(&mut self, mut waiting: Vec<Waiting>) -> anyhow::Result<()> {
        let conversations: Vec<Vec<Turn>> = waiting
            .iter_mut()
            .map(|w| std::mem::take(&mut w.turns))
            .collect();
        let mut outputs: Vec<Option<ScoreOutput>> = vec![None; conversations.len()];
        let stats = self
            .scorer
            .score(&conversations, &Cancel::default(), &mut |at, output| {
                outputs[at] = Some(output);
            })?;
        let scorer = made_by(&*self.scorer, self.max_length);
        for (at, (waiting, output)) in waiting.iter().zip(outputs).enumerate() {
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
                if self.trace {
                    let course = self.scorer.course(&conversations[at], &Cancel::default())?;
                    line.insert("trace".to_owned(), trace(&course));
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
            line.insert("scorer".to_owned(), scorer.clone().into());
            line.insert("text".to_owned(), waiting.text.clone().into());
            self.output.line(&Value::Object(line))?;
            self.totals.responses += 1;
        }
        self.totals.stats.add(stats, 0);
        self.bar.set(Progress {
            done: self.totals.responses,
            total: 0,
        });
        self.output.flush()
    }

    fn finish(self, command: &Score, model: &ModelRef, rejected: u64) -> anyhow::Result<ExitCode> {
        let Self {
            scorer,
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
                "rows": totals.rows,
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
                "rejected": rejected,
            });
            if command.output.is_some() {
                printer::report(&report)?;
            } else {
                eprintln!("{report}");
            }
        } else {
            eprintln!(
                "{} responses of {} rows in {seconds:.1} s of model time ({:.0} tokens/s, {}, {}); {} truncated, {} without a score",
                totals.responses,
                totals.rows,
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

fn is_project(path: &Path) -> bool {
    // Looking into a pipe would use it up.
    if !std::fs::metadata(path).is_ok_and(|m| m.is_file()) {
        return false;
    }
    let mut head = [0; 16];
    let read = File::open(path).and_then(|mut f| std::io::Read::read(&mut f, &mut head));
    read.is_ok_and(|n| head[..n].starts_with(b"SQLite format 3\0"))
}

// -----------------------------------------------------------------------------------------
// Where the lines go

/// A response that has its line, and the beginning of the hash of its conversation.
#[derive(PartialEq, Eq)]
struct Known {
    item: u64,
    response: usize,
    text: String,
}

/// Lines go to stdout, or to `OUTPUT.partial`, which becomes OUTPUT when it is whole.
enum Output {
    Stdout,
    File {
        path: PathBuf,
        partial: PathBuf,
        writer: BufWriter<File>,
        known: std::vec::IntoIter<Known>,
    },
}

impl Output {
    fn open(path: Option<&Path>, resume: bool, scorer: &str) -> anyhow::Result<Self> {
        let Some(path) = path else {
            return Ok(Self::Stdout);
        };
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
        Ok(Self::File {
            path: path.to_owned(),
            partial,
            writer: BufWriter::new(file),
            known: known.into_iter(),
        })
    }

    /// Whether this response has its line already. The lines must be those of this input.
    fn known(&mut self, response: &Known) -> anyhow::Result<bool> {
        let Self::File { known, partial, .. } = self else {
            return Ok(false);
        };
        match known.next() {
            None => Ok(false),
            Some(there) if there == *response => Ok(true),
            Some(_) => bail!(
                "{} was made from another input: item {} response {} differs\nhint: leave out --resume to replace it",
                partial.display(),
                response.item,
                response.response
            ),
        }
    }

    fn line(&mut self, line: &Value) -> anyhow::Result<()> {
        match self {
            Self::Stdout => printer::report(line),
            Self::File { writer, .. } => {
                serde_json::to_writer(&mut *writer, line)?;
                writer.write_all(b"\n")?;
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if let Self::File { writer, .. } = self {
            writer.flush()?;
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<()> {
        let Self::File {
            path,
            partial,
            writer,
            ..
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
