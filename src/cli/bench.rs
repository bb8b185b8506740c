//! `tiebreak bench`: how well a reward model agrees with pairs whose better response is known.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::printer::{self, Bar};
use crate::analysis::pairs::{ScoredPair, agreement, by_set};
use crate::dataset::{self, ReadAs, Replacing, Row, SinkStopped};
use crate::domain::{Preference, ReferenceRole, Turn};
use crate::reward::{self, DtypeChoice, LoadOptions, ModelRef, Preset, Scorer};
use crate::task::{Cancel, Job, Progress};

/// Pairs scored at once.
const WINDOW: usize = 128;

/// Measures a reward model.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Accuracy on pairs, per set, beside always picking the longer response
    Pairs(Pairs),
}

/// Measures on pairs.
#[derive(Debug, Args)]
pub struct Pairs {
    /// Data files with a preferred response in each row
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// `default`, a folder with safetensors, or a .gguf file
    #[arg(long, required_unless_present = "scores")]
    model: Option<String>,
    /// Lines that `tiebreak score` wrote for the one input, in place of a model
    #[arg(long, conflicts_with = "model")]
    scores: Option<PathBuf>,
    /// Where the result of every pair goes, one line of JSON each
    #[arg(long)]
    output: Option<PathBuf>,
    /// auto, f32, bf16, f16, `q8_0` or q4k
    #[arg(long, default_value = "f32")]
    dtype: String,
    /// auto, logit:ID (the logit of that token after the last one) or the name of a head
    #[arg(long, default_value = "auto")]
    head: String,
    /// How several outputs become one score: a preset (nemotron-340b, steerlm-70b, steerlm-70b-first, helpfulness), or NAME=WEIGHT,…
    #[arg(long, value_name = "PRESET")]
    weights: Option<Preset>,
    /// Report as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(command: &Bench) -> anyhow::Result<ExitCode> {
    let Bench::Pairs(command) = command;
    let mut run = Run {
        source: Source::open(command)?,
        waiting: vec![],
        scored: vec![],
        skipped: 0,
        failed: None,
        bar: Bar::new("scoring pairs"),
    };
    for input in &command.inputs {
        run.input(input)?;
    }
    run.finish(command)
}

/// Where scores come from.
enum Source {
    Model(Box<dyn Scorer>, ModelRef),
    File(BTreeMap<(u64, usize), f64>, PathBuf),
}

impl Source {
    fn open(command: &Pairs) -> anyhow::Result<Self> {
        if let Some(path) = &command.scores {
            if command.inputs.len() != 1 {
                bail!("--scores goes with one input, the one that was scored");
            }
            return Ok(Self::File(read_scores(path)?, path.clone()));
        }
        let model: ModelRef = command.model.as_deref().unwrap_or("default").parse()?;
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let dtype: DtypeChoice = command.dtype.parse()?;
        let options = LoadOptions {
            dtype,
            head: command.head.parse()?,
            weights: command.weights.clone(),
            threads: Some(cores),
            ..LoadOptions::default()
        };
        Ok(Self::Model(reward::load(&model, &options)?, model))
    }
}

fn read_scores(path: &Path) -> anyhow::Result<BTreeMap<(u64, usize), f64>> {
    let cannot = || format!("{} cannot be read", path.display());
    let mut scores = BTreeMap::new();
    for (at, line) in BufReader::new(std::fs::File::open(path).with_context(cannot)?)
        .lines()
        .enumerate()
    {
        let line = line.with_context(cannot)?;
        let value: Value = serde_json::from_str(&line)
            .with_context(|| format!("{} line {}", path.display(), at + 1))?;
        let place = value["item"].as_u64().zip(value["response"].as_u64());
        let (item, response) = place
            .with_context(|| format!("{} line {} names no response", path.display(), at + 1))?;
        if let Some(score) = value["score"].as_f64() {
            scores.insert((item, response as usize), score);
        }
    }
    Ok(scores)
}

/// A pair that waits for its scores: the preferred response first.
struct Waiting {
    pair: ScoredPair,
    turns: [Vec<Turn>; 2],
}

struct Run {
    source: Source,
    waiting: Vec<Waiting>,
    scored: Vec<ScoredPair>,
    skipped: u64,
    failed: Option<anyhow::Error>,
    bar: Bar,
}

impl Run {
    fn input(&mut self, input: &Path) -> anyhow::Result<()> {
        let name = input
            .file_name()
            .map(|n| n.to_string_lossy().into_owned())
            .unwrap_or_default();
        let file_set = name.split('.').next().unwrap_or_default().to_owned();
        let mut silent = |_: Progress| {};
        let mut job = Job {
            cancel: Cancel::default(),
            report: &mut silent,
        };
        let read = dataset::read(
            &[input.to_owned()],
            &ReadAs::default(),
            &mut job,
            &mut |row| self.take(&row, &file_set),
        );
        self.flush().ok();
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        for rejected in &read?.rejected {
            eprintln!(
                "{} row {}: {}",
                rejected.file, rejected.row, rejected.reason
            );
        }
        Ok(())
    }

    fn take(&mut self, row: &Row, file_set: &str) -> Result<(), SinkStopped> {
        let verdict = row
            .references
            .iter()
            .find(|r| r.role == ReferenceRole::Verdict);
        let better = match verdict.and_then(|r| r.judgment.preference) {
            Some(Preference::Better { response, .. }) => {
                row.item.response(response).map(|(index, _)| index)
            }
            _ => None,
        };
        // Ties, rows without a verdict and items that are not pairs cannot be right or wrong.
        let (Some(chosen), [first, second]) = (better, row.source.order.as_slice()) else {
            self.skipped += 1;
            return Ok(());
        };
        let rejected = if *first == chosen { *second } else { *first };
        let chars = |index: usize| row.item.responses[index].text().chars().count();
        let item = row.source.row.saturating_sub(1);
        let set = row
            .source
            .extra
            .get("set")
            .and_then(Value::as_str)
            .unwrap_or(file_set)
            .to_owned();
        let mut pair = ScoredPair {
            id: row
                .source
                .id
                .clone()
                .unwrap_or_else(|| format!("row-{item}")),
            set,
            item,
            chosen: f64::NAN,
            rejected: f64::NAN,
            chosen_chars: chars(chosen),
            rejected_chars: chars(rejected),
        };
        if let Source::File(scores, _) = &self.source {
            let place = usize::from(*first != chosen);
            let known = scores
                .get(&(item, place))
                .zip(scores.get(&(item, 1 - place)));
            let Some((better, worse)) = known else {
                self.skipped += 1;
                return Ok(());
            };
            (pair.chosen, pair.rejected) = (*better, *worse);
            self.scored.push(pair);
            return Ok(());
        }
        let turns = [
            row.item.conversation(chosen),
            row.item.conversation(rejected),
        ];
        self.waiting.push(Waiting { pair, turns });
        if self.waiting.len() >= WINDOW {
            self.flush()
        } else {
            Ok(())
        }
    }

    fn flush(&mut self) -> Result<(), SinkStopped> {
        let Source::Model(scorer, _) = &mut self.source else {
            return Ok(());
        };
        let mut waiting = std::mem::take(&mut self.waiting);
        let conversations: Vec<Vec<Turn>> = waiting
            .iter_mut()
            .flat_map(|w| w.turns.iter_mut().map(std::mem::take))
            .collect();
        let mut found = vec![None; conversations.len()];
        let stats = scorer.score(&conversations, &Cancel::default(), &mut |at, output| {
            found[at] = Some(output.score);
        });
        match stats {
            Err(error) => {
                self.failed = Some(error.into());
                return Err(SinkStopped);
            }
            Ok(stats) => {
                for (at, reason) in &stats.failed {
                    eprintln!("{}: {reason}", waiting[at / 2].pair.id);
                }
            }
        }
        for (waiting, scores) in waiting.into_iter().zip(found.chunks(2)) {
            let mut pair = waiting.pair;
            match scores {
                [Some(chosen), Some(rejected)] => {
                    (pair.chosen, pair.rejected) = (*chosen, *rejected);
                    self.scored.push(pair);
                }
                _ => self.skipped += 1,
            }
        }
        self.bar.set(Progress {
            done: self.scored.len() as u64,
            total: 0,
            rows: 0,
        });
        Ok(())
    }

    fn finish(self, command: &Pairs) -> anyhow::Result<ExitCode> {
        let Self {
            source,
            scored,
            skipped,
            bar,
            ..
        } = self;
        drop(bar);
        if let Some(path) = &command.output {
            write_pairs(path, &scored)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
        if scored.is_empty() {
            bail!(
                "no pair with a preferred response was scored\nhint: rows need `chosen` and `rejected`, or a strength or label"
            );
        }
        let (model, dtype) = match &source {
            Source::Model(scorer, model) => (model.to_string(), scorer.info().dtype.clone()),
            Source::File(_, path) => (path.display().to_string(), String::new()),
        };
        let all = agreement(&scored);
        let sets = by_set(&scored);
        if command.json {
            let sections: BTreeMap<&String, f64> =
                sets.iter().map(|(name, a)| (name, a.accuracy)).collect();
            printer::report(&json!({
                "benchmark": "pairs",
                "model": model,
                "dtype": dtype,
                "n": all.n,
                "overall": all.accuracy,
                "low": all.low,
                "high": all.high,
                "length_baseline": all.length_baseline,
                "calibration_error": all.calibration_error,
                "skipped": skipped,
                "sections": sections,
                "subsets": sets,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut table = vec![format!(
            "{:32} {:>6} {:>9} {:>15} {:>7} {:>7}",
            "set", "n", "accuracy", "95 %", "longer", "ece"
        )];
        for (name, a) in sets
            .iter()
            .map(|(n, a)| (n.as_str(), a))
            .chain([("all", &all)])
        {
            let ece = a
                .calibration_error
                .map(|e| format!("{:.1}", e * 100.0))
                .unwrap_or_default();
            table.push(format!(
                "{name:32} {:>6} {:>9.1} {:>15} {:>7.1} {ece:>7}",
                a.n,
                a.accuracy * 100.0,
                format!("{:.1}–{:.1}", a.low * 100.0, a.high * 100.0),
                a.length_baseline * 100.0
            ));
        }
        printer::lines(&table)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn write_pairs(path: &Path, scored: &[ScoredPair]) -> anyhow::Result<()> {
    let mut file = Replacing::create(path)?;
    let mut writer = BufWriter::new(&mut file);
    for pair in scored {
        let mut line = serde_json::to_value(pair)?;
        line["margin"] = pair.margin().into();
        line["agrees"] = (pair.chosen > pair.rejected).into();
        writeln!(writer, "{line}")?;
    }
    writer.flush()?;
    drop(writer);
    Ok(file.finish()?)
}
