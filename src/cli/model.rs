//! `tiebreak model`

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::json;

use super::printer;
use crate::app::library::{self, Origin};
use crate::app::settings::Places;
use crate::reward::local::facts::facts;
use crate::reward::local::pull::Hub;
use crate::reward::{
    self, DtypeChoice, HeadChoice, LoadOptions, ModelRef, Probe, RewardError, probe,
};
use crate::task::Cancel;

/// Looks at reward models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// List the models: the built-in one, those added, and those in the Hugging Face hub's cache
    List,
    /// Keep a model in the list, from where the window loads it
    Add {
        /// A folder, or a .gguf or .nemo file
        path: String,
        /// Report as JSON on stdout
        #[arg(long)]
        json: bool,
    },
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
    let mut trace = scorer.trace(&probe::sample())?;
    trace.warnings.extend(untold);
    let probe = probe::probe(scorer.as_mut(), &Cancel::default())?;
    let sound = probe.is_repeatable();
    let Probe { good, bad, again } = probe;
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

/// Every model by how it is loaded, with what it is: the architecture, or why it cannot be read.
fn list() -> anyhow::Result<ExitCode> {
    let entries = library::look(&Places::of_user().models());
    let lines: Vec<String> = entries
        .iter()
        .map(|entry| match &entry.facts {
            Ok(facts) if entry.origin == Origin::BuiltIn => {
                format!("{}\t{}", entry.model, facts.name)
            }
            Ok(facts) => format!("{}\t{}, {}", entry.model, facts.family, facts.head),
            Err(why) => format!("{}\t{why}", entry.model),
        })
        .collect();
    printer::lines(&lines)?;
    Ok(ExitCode::SUCCESS)
}

/// Keeps a model in the list, once its files can be read.
fn add(model: &ModelRef, as_json: bool) -> anyhow::Result<ExitCode> {
    let said = facts(model, &LoadOptions::default())?;
    let path = Places::of_user().models();
    library::add(&path, model).with_context(|| format!("cannot write `{}`", path.display()))?;
    if as_json {
        printer::report(&json!({
            "model": model.to_string(), "name": said.name, "family": said.family, "head": said.head, "outputs": said.outputs,
            "parameters": said.parameters, "stored": said.stored, "context": said.context, "licence": said.licence, "memory": said.memory,
        }))?;
    } else {
        printer::lines(&[format!("{}\t{}, {}", said.name, said.family, said.head)])?;
    }
    Ok(ExitCode::SUCCESS)
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
            "id": id, "commit": pulled.commit, "path": pulled.path, "bytes": pulled.bytes, "downloaded": pulled.downloaded,
        }))?;
    } else {
        let path = pulled.path.display().to_string();
        let name = if pulled.by_id { id } else { path.as_str() };
        eprintln!(
            "{id} is there: {} bytes, {} of them downloaded now. Load it as `--model {name}`",
            pulled.bytes, pulled.downloaded
        );
        printer::lines(&[path])?;
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
        Model::Add { path, json } => return add(&path.parse()?, *json),
        Model::List => return list(),
        Model::Show { model, json } => (model.parse()?, *json),
    };
    let scorer = reward::load(&model, &LoadOptions::default())?;
    let info = scorer.info();
    let said = facts(&model, &LoadOptions::default())?;
    if as_json {
        printer::report(&json!({
            "model": model.to_string(), "name": info.name, "device": info.device, "dtype": info.dtype,
            "context": info.context, "parameters": info.parameters, "attributes": info.attributes,
            "head": info.id.head, "weights": info.id.weights, "template": info.id.template, "scorer": info.id.key(),
            "family": said.family, "outputs": said.outputs, "stored": said.stored, "licence": said.licence, "memory": said.memory,
        }))?;
        return Ok(ExitCode::SUCCESS);
    }
    printer::lines(&[
        format!("name        {}", info.name),
        format!("parameters  {}", info.parameters),
        format!("context     {} tokens", info.context),
        format!("head        {}", info.id.head),
        format!("device      {}", info.device),
        format!("precision   {} (stored {})", info.dtype, said.stored),
        format!("family      {}", said.family),
        format!("outputs     {}", said.outputs),
        format!("memory      about {:.1} GB", said.memory as f64 / 1e9),
        format!(
            "licence     {}",
            said.licence.as_deref().unwrap_or("not said in its files")
        ),
        format!("weights     {}", info.id.weights),
    ])?;
    Ok(ExitCode::SUCCESS)
}
