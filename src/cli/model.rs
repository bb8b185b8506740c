//! `tiebreak model`

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::printer;
use crate::domain::Turn;
use crate::reward::local::hub;
use crate::reward::{self, DtypeChoice, HeadChoice, LoadOptions, ModelRef};
use crate::task::Cancel;

/// Looks at reward models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// List the models that need no path: the built-in one, and those in the Hugging Face hub's cache
    List,
    /// Load a model and say what it is
    Show {
        /// `default`, a folder, or a .gguf file
        model: String,
        /// Report as JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Show the exact tokens that are scored and the one that is pooled, and try a pair whose better answer is known
    Check {
        /// `default`, a folder, or a .gguf file
        model: String,
        /// auto, logit:ID (the logit of that token after the last one) or the name of a head
        #[arg(long, default_value = "auto")]
        head: String,
        /// Report as JSON on stdout
        #[arg(long)]
        json: bool,
    },
}

/// Answers of which everybody knows the better one.
const PROMPT: &str = "What is the capital of France?";
const GOOD: &str = "The capital of France is Paris.";
const BAD: &str = "I do not like questions. Bananas are yellow and the moon is far away.";

/// Shows what is scored. No when the same text does not get the same score, or one that is no number.
fn check(model: &ModelRef, head: HeadChoice, as_json: bool) -> anyhow::Result<ExitCode> {
    let options = LoadOptions {
        dtype: DtypeChoice::F32,
        head,
        ..LoadOptions::default()
    };
    let mut scorer = reward::load(model, &options)?;
    let talk = |answer: &str| vec![Turn::user(PROMPT), Turn::assistant(answer)];
    let trace = scorer.trace(&talk(GOOD))?;
    let conversations = [talk(GOOD), talk(BAD), talk(GOOD)];
    let mut given = vec![f64::NAN; conversations.len()];
    let stats = scorer.score(&conversations, &Cancel::default(), &mut |at, output| {
        given[at] = output.score;
    })?;
    if let Some((_, why)) = stats.failed.first() {
        anyhow::bail!("the model cannot be given a plain question and answer: {why}");
    }
    let [good, bad, again] = [given[0], given[1], given[2]];
    let sound = good.is_finite() && bad.is_finite() && (good - again).abs() <= 1e-5;
    let info = scorer.info();
    if as_json {
        let tokens: Vec<_> = trace
            .tokens
            .iter()
            .map(|(id, text)| json!({"id": id, "text": text}))
            .collect();
        let warnings: Vec<_> = trace
            .warnings
            .iter()
            .map(|(kind, text)| json!({"kind": kind, "text": text}))
            .collect();
        printer::report(&json!({
            "model": model.to_string(), "name": info.name, "dtype": info.dtype, "head": info.id.head, "tokens": tokens,
            "pooled": trace.pooled, "warnings": warnings, "scores": {"good": good, "bad": bad}, "repeatable": sound,
        }))?;
    } else {
        let mut lines = vec![
            format!(
                "model   {} ({}, head {})",
                info.name, info.dtype, info.id.head
            ),
            format!("tokens  {}, the pooled one marked", trace.tokens.len()),
        ];
        for (at, (id, text)) in trace.tokens.iter().enumerate() {
            let mark = if at == trace.pooled { "> " } else { "  " };
            lines.push(format!("{mark}{at:>4}  {id:>7}  {text}"));
        }
        lines.push(format!(
            "scores  good {good:.4}, bad {bad:.4}, margin {:+.4}",
            good - bad
        ));
        for (kind, text) in &trace.warnings {
            lines.push(format!("warning {kind}: {text}"));
        }
        if !sound {
            lines.push(format!("wrong   the same text got {good} and {again}"));
        }
        printer::lines(&lines)?;
    }
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the command.
pub fn run(command: &Model) -> anyhow::Result<ExitCode> {
    if let Model::Check { model, head, json } = command {
        return check(&model.parse()?, head.parse()?, *json);
    }
    let (model, as_json) = match command {
        Model::Check { .. } => return Ok(ExitCode::FAILURE),
        Model::List => (ModelRef::Default, false),
        Model::Show { model, json } => (model.parse()?, *json),
    };
    let scorer = reward::load(&model, &LoadOptions::default())?;
    let info = scorer.info();
    if matches!(command, Model::List) {
        let mut lines = vec![format!("default\t{}", info.name)];
        let cached = hub::cache().map(|cache| hub::cached(&cache));
        let cached = cached.into_iter().flatten();
        lines.extend(cached.map(|(id, kind)| format!("{id}\t{kind}")));
        printer::lines(&lines)?;
        return Ok(ExitCode::SUCCESS);
    }
    if as_json {
        printer::report(&json!({
            "model": model.to_string(), "name": info.name, "device": info.device, "dtype": info.dtype,
            "context": info.context, "parameters": info.parameters, "attributes": info.attributes,
            "head": info.id.head, "weights": info.id.weights, "template": info.id.template, "scorer": info.id.key(),
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    printer::lines(&[
        format!("name        {}", info.name),
        format!("parameters  {}", info.parameters),
        format!("context     {} tokens", info.context),
        format!("head        {}", info.id.head),
        format!("device      {}", info.device),
        format!("precision   {}", info.dtype),
        format!("weights     {}", info.id.weights),
    ])?;
    Ok(ExitCode::SUCCESS)
}
