//! `tiebreak info`, `verify` and `backup`: what is in a project file, whether it is whole, a copy of it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::printer;
use crate::store::{Access, Project};

/// Counts what is in a project.
#[derive(Debug, Args)]
pub struct Info {
    /// The project
    project: PathBuf,
    /// Report as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// Runs `info`.
pub fn info(command: &Info) -> anyhow::Result<ExitCode> {
    let project = Project::open(&command.project, Access::Read)?;
    let info = project.reader()?.info()?;
    if command.json {
        printer::report(&info)?;
        return Ok(ExitCode::SUCCESS);
    }
    let counts = [
        ("items", info.items),
        ("responses", info.responses),
        ("labels", info.labels),
        ("annotators", info.annotators),
        ("events", info.events),
        ("skipped", info.skipped),
        ("flagged", info.flagged),
        ("reference labels", info.reference_labels),
    ];
    let mut lines = vec![project.settings().title.clone()];
    lines.extend(counts.map(|(name, count)| format!("{count:>9} {name}")));
    let scored = info.scored.iter();
    lines.extend(scored.map(|(model, count)| format!("{count:>9} scored by {model}")));
    printer::lines(&lines)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks a project file.
#[derive(Debug, Args)]
pub struct Verify {
    /// The project
    project: PathBuf,
}

/// Runs `verify`.
pub fn verify(command: &Verify) -> anyhow::Result<ExitCode> {
    let problems = Project::open(&command.project, Access::Read)?.integrity()?;
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() {
        eprintln!("{} is whole", command.project.display());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("hint: keep the file as it is, and go on with the newest backup");
    Ok(ExitCode::from(super::NO))
}

/// Copies a project.
#[derive(Debug, Args)]
pub struct Backup {
    /// The project
    project: PathBuf,
    /// Where the copy goes; must not exist
    to: PathBuf,
}

/// Runs `backup`.
pub fn backup(command: &Backup) -> anyhow::Result<ExitCode> {
    Project::open(&command.project, Access::Read)?.backup(&command.to)?;
    eprintln!("copied to {}", command.to.display());
    Ok(ExitCode::SUCCESS)
}
