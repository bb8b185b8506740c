//! `tiebreak export`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::printer::{self, Bar};
use crate::app::export::{ExportRecipe, Labels, WRITABLE, export};
use crate::dataset::Format;
use crate::store::{Access, Project};
use crate::task::Cancel;

/// Writes the labels of a project.
#[derive(Debug, Args)]
pub struct Export {
    /// The project
    project: PathBuf,
    /// Format: helpsteer2, helpsteer2-preference, trl, hh-rlhf or pairs
    #[arg(long, value_parser = format)]
    format: Format,
    /// A file ending in .jsonl or .json (also .gz), else a folder that gets data.jsonl
    #[arg(long)]
    output: PathBuf,
    /// Whose labels
    #[arg(long, value_enum, default_value = "collected")]
    labels: Whose,
    /// Also fields of the source that the format does not define
    #[arg(long)]
    extra: bool,
    /// Report as JSON on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Whose {
    /// Those committed in this project, aggregated by `HelpSteer2`'s rule
    Collected,
    /// Those that came with the data
    Reference,
}

fn format(text: &str) -> Result<Format, String> {
    let known = || format!("one of {}", WRITABLE.map(Format::name).join(", "));
    text.parse()
        .ok()
        .filter(|f| WRITABLE.contains(f))
        .ok_or_else(known)
}

/// Runs the command.
pub fn run(command: &Export) -> anyhow::Result<ExitCode> {
    let project = Project::open(&command.project, Access::Read)?;
    let recipe = ExportRecipe {
        format: command.format,
        labels: match command.labels {
            Whose::Collected => Labels::Collected,
            Whose::Reference => Labels::Reference,
        },
        extra: command.extra,
        output: command.output.clone(),
    };
    let bar = Bar::new("exporting");
    let report = export(&project, &recipe, &Cancel::default(), &mut |p| bar.set(p))?;
    drop(bar);
    if command.json {
        printer::report(&report)?;
    } else {
        for (reason, count) in &report.left_out {
            eprintln!("left out: {count} × {reason}");
        }
        for file in &report.files {
            eprintln!(
                "{}: {} rows, sha256 {}",
                file.path.display(),
                file.rows,
                file.sha256
            );
        }
    }
    if report.rows > 0 {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "nothing to export: no item has a label that {} can carry; nothing was written",
        report.format
    );
    eprintln!("hint: `--labels reference` exports the labels that came with the data");
    Ok(ExitCode::from(super::NO))
}
