//! `tiebreak model`

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::printer;
use crate::reward::{self, LoadOptions, ModelRef};

/// Looks at reward models.
#[derive(Debug, Subcommand)]
pub enum Model {
    /// List the models that need no path
    List,
    /// Load a model and say what it is
    Show {
        /// `default`, a folder, or a .gguf file
        model: String,
        /// Report as JSON on stdout
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
pub fn run(command: &Model) -> anyhow::Result<ExitCode> {
    let (model, as_json) = match command {
        Model::List => (ModelRef::Default, false),
        Model::Show { model, json } => (model.parse()?, *json),
    };
    let scorer = reward::load(&model, &LoadOptions::default())?;
    let info = scorer.info();
    if matches!(command, Model::List) {
        printer::lines(&[format!("default\t{}", info.name)])?;
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
