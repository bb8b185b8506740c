//! `tiebreak train`: fits a reward head to labels.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;

use super::printer::{self, Bar};
use crate::app::settings::Places;
use crate::app::train::{TrainInput, TrainRecipe, TrainReport, train};
use crate::reward::LoadOptions;
use crate::reward::train::Loss;
use crate::store::{Access, Project};
use crate::task::Cancel;

/// Fits a head.
#[derive(Debug, Args)]
pub struct Train {
    /// A project with labels, or data files with a preferred response or ratings in each row
    #[arg(required = true)]
    inputs: Vec<PathBuf>,
    /// The model whose features are used: `default`, a folder with safetensors, or a .gguf file
    #[arg(long)]
    base: String,
    /// Folder for the new model; must not exist or be empty
    #[arg(long)]
    output: PathBuf,
    /// bt, margin-bt, scaled-bt or regression
    #[arg(long, default_value = "bt")]
    loss: String,
    /// Decides which prompts are held out
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// auto, f32, bf16, f16, `q8_0` or q4k
    #[arg(long, default_value = "f32")]
    dtype: String,
    /// Report as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(command: &Train) -> anyhow::Result<ExitCode> {
    let loss: Loss = command.loss.parse().map_err(anyhow::Error::msg)?;
    let recipe = TrainRecipe {
        base: command.base.parse()?,
        loss,
        seed: command.seed,
        output: command.output.clone(),
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let options = LoadOptions {
        dtype: command.dtype.parse()?,
        threads: Some(cores),
        ..LoadOptions::default()
    };
    let is_project = |path: &PathBuf| path.extension().is_some_and(|e| e == "tiebreak");
    let project = match command.inputs.as_slice() {
        [one] if is_project(one) => Some(Project::open(one, Access::Read)?),
        many if many.iter().any(is_project) => {
            bail!("a project is trained on alone\nhint: export the others first")
        }
        _ => None,
    };
    let input = match &project {
        Some(project) => TrainInput::Project(project),
        None => TrainInput::Files(&command.inputs),
    };
    let bar = Bar::new("computing features");
    let cache = Places::of_user().features();
    let report = train(
        &input,
        &recipe,
        &cache,
        &options,
        &Cancel::default(),
        &mut |p| {
            bar.set(p);
        },
    )?;
    drop(bar);
    if command.json {
        printer::report(&report)?;
    } else {
        printer::lines(&told(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn told(report: &TrainReport) -> Vec<String> {
    let scale = if report.metric == "rmse" { 1.0 } else { 100.0 };
    let digits = if report.metric == "rmse" { 3 } else { 1 };
    let mut lines = vec![format!(
        "{:14} {:>7} {:>8} {:>9} {:>15}",
        "", "labels", "prompts", report.metric, "95 %"
    )];
    for (name, part) in [
        ("learned from", &report.train),
        ("held out", &report.validation),
    ] {
        let [value, low, high] = [part.measure.value, part.measure.low, part.measure.high]
            .map(|x| format!("{:.digits$}", x * scale));
        lines.push(format!(
            "{name:14} {:>7} {:>8} {value:>9} {:>15}",
            part.n,
            part.prompts,
            format!("{low}–{high}")
        ));
    }
    if let Some(length) = report.length_baseline {
        lines.push(format!(
            "longer response on the held-out part: {:.1}",
            length * 100.0
        ));
    }
    lines.push(format!(
        "{} of {} features computed, {} labels left out, {:.1} s; L2 {}, epoch {} of {}",
        report.features_computed,
        report.texts,
        report.left_out,
        report.seconds,
        report.l2,
        report.best_epoch,
        report.curve.len()
    ));
    lines.push(format!("written to {}", report.output.display()));
    lines
}
