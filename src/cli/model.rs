//! `tiebreak model`

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::printer;
use crate::domain::Turn;
use crate::reward::local::hub;
use crate::reward::local::pull::Hub;
use crate::reward::{self, DtypeChoice, HeadChoice, LoadOptions, ModelRef, RewardError};
use crate::task::Cancel;

/// Looks at reward models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// List the models that need no path: the built-in one, and those in the Hugging Face hub's cache
    List,
    /// Load a model and say what it is
    Show {
        /// `default`, a folder, a .gguf or .nemo file, or the id of a model in the hub's cache
        model: String,
        /// Report as JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Show the exact tokens that are scored and the one that is pooled, and try a pair whose better answer is known
    Check {
        /// `default`, a folder, a .gguf or .nemo file, or the id of a model in the hub's cache
        model: String,
        /// auto, logit:ID (the logit of that token after the last one) or the name of a head
        #[arg(long, default_value = "auto")]
        head: String,
        /// The chat template: auto (the model's own), raw, hh, nemo-extra-id, llama2, tulu, user-assistant, or a Jinja file
        #[arg(long, default_value = "auto")]
        template: String,
        /// Report as JSON on stdout
        #[arg(long)]
        json: bool,
    },
    /// Download a model from the Hugging Face hub into its cache, from where it loads by its id
    ///
    /// Goes on where an earlier download ended. The hub's own variables (`HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME`, `HF_HUB_CACHE`, `HF_HUB_OFFLINE`) mean what they mean elsewhere.
    Pull {
        /// Id on the hub: OWNER/NAME
        id: String,
        /// A branch, a tag or a commit
        #[arg(long, default_value = "main")]
        revision: String,
        /// The one file to take of a model that has several single ones (.gguf, .nemo)
        #[arg(long, value_name = "NAME")]
        file: Option<String>,
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
fn check(
    model: &ModelRef,
    head: HeadChoice,
    template: &str,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let mut options = LoadOptions {
        dtype: DtypeChoice::F32,
        head,
        template: super::template(template)?,
        ..LoadOptions::default()
    };
    let mut untold = None;
    let mut scorer = match reward::load(model, &options) {
        Err(RewardError::NoTemplate { file }) if options.template.is_none() => {
            untold = Some((
                "no-template",
                format!(
                    "`{file}` has no chat template: the texts stand here as `raw` has them; name the right one with --template"
                ),
            ));
            options.template = super::template("raw")?;
            reward::load(model, &options)?
        }
        loaded => loaded?,
    };
    let talk = |answer: &str| vec![Turn::user(PROMPT), Turn::assistant(answer)];
    let mut trace = scorer.trace(&talk(GOOD))?;
    trace.warnings.extend(untold);
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

/// Downloads a model and says where it is.
fn pull(id: &str, revision: &str, file: Option<&str>, as_json: bool) -> anyhow::Result<ExitCode> {
    let hub = Hub::of_environment()?;
    let bar = printer::Bar::of_bytes(&format!("downloading {id}"));
    let pulled = hub.pull(
        id,
        Some(revision),
        file,
        &Cancel::default(),
        &mut |progress| bar.set(progress),
    )?;
    drop(bar);
    if as_json {
        printer::report(&json!({
            "id": id, "commit": pulled.commit, "path": pulled.folder, "bytes": pulled.bytes, "downloaded": pulled.downloaded,
        }))?;
    } else {
        eprintln!(
            "{id} is there: {} bytes, {} of them downloaded now. Load it as `--model {id}`",
            pulled.bytes, pulled.downloaded
        );
        printer::lines(&[pulled.folder.display().to_string()])?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs the command.
pub fn run(command: &Model) -> anyhow::Result<ExitCode> {
    let (model, as_json) = match command {
        Model::Check {
            model,
            head,
            template,
            json,
        } => return check(&model.parse()?, head.parse()?, template, *json),
        Model::Pull {
            id,
            revision,
            file,
            json,
        } => return pull(id, revision, file.as_deref(), *json),
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
