//! `tiebreak import`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::printer::{self, Bar};
use crate::app::import::import;
use crate::app::open_project::new_project;
use crate::dataset::Format;
use crate::store::{Access, Project};
use crate::task::Cancel;

/// Brings data files into a project.
#[derive(Debug, Args)]
pub struct Import {
    /// The project
    project: PathBuf,
    /// Data files, `.jsonl` or `.json`, plain or gzip; `-` is stdin. Several are read as one import
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Format: auto, helpsteer2, helpsteer2-preference, helpsteer3, hh-rlhf, trl, pairs, rewardbench, rewardbench2, rm-bench,
    /// judgebench, ultrafeedback, mt-bench, arena, sharegpt or messages
    #[arg(long, default_value = "auto", value_parser = format)]
    format: Wanted,
    /// Exit with 1 if any row is rejected
    #[arg(long)]
    strict: bool,
    /// Report as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// What can be imported.
const FILES: &str = "files hold rows of JSON, as .jsonl or .json, plain or gzip";

/// A format, or that of the content.
#[derive(Debug, Clone, Copy)]
struct Wanted(Option<Format>);

fn format(text: &str) -> Result<Wanted, String> {
    if text == "auto" {
        return Ok(Wanted(None));
    }
    let known = || Format::ALL.map(Format::name).join(", ");
    text.parse()
        .map(|f| Wanted(Some(f)))
        .map_err(|_unknown| format!("one of auto, {}", known()))
}

/// Runs the command.
pub fn run(command: &Import) -> anyhow::Result<ExitCode> {
    let owner = super::owner();
    let known = command.project.exists();
    let project = if known {
        Project::open(&command.project, Access::Write { owner: &owner })?
    } else {
        Project::create(&command.project, &new_project(&command.project), &owner)?
    };
    let bar = Bar::new("importing");
    let imported = import(
        &project,
        &command.files,
        command.format.0,
        &Cancel::default(),
        &mut |p| bar.set(p),
    );
    drop(bar);
    let nothing = imported
        .as_ref()
        .map_or(true, |r| r.format.is_none() && r.imported == 0);
    let empty = nothing && project.reader()?.count()? == 0;
    project.close()?;
    if empty && !known {
        // A project that was to hold these files and holds nothing is not left behind.
        std::fs::remove_file(&command.project)?;
    }
    let report = imported?;
    if command.json {
        printer::report(&report)?;
    } else {
        for rejected in &report.rejected {
            eprintln!(
                "{} row {}: {}",
                rejected.file, rejected.row, rejected.reason
            );
        }
        for warning in &report.warnings {
            eprintln!(
                "{} row {}: warning: {}",
                warning.file, warning.row, warning.kind
            );
        }
        eprintln!(
            "read {} rows, imported {} ({} known already), rejected {}, warnings {}: {} new items, {} responses, {} reference labels",
            report.read,
            report.imported,
            report.duplicates,
            report.rejected.len(),
            report.warnings.len(),
            report.items,
            report.responses,
            report.reference_labels
        );
    }
    if nothing && report.read > 0 {
        eprintln!("error: no row of these files is data of a known format; nothing was imported");
        eprintln!("hint: {FILES}");
        return Ok(ExitCode::from(2));
    }
    let no = command.strict && !report.rejected.is_empty();
    Ok(if no {
        ExitCode::from(super::NO)
    } else {
        ExitCode::SUCCESS
    })
}
