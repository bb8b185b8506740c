//! How is it scripted? One file per command. Data goes to stdout or `--output`, everything else to stderr. Exit code 0: done;
//! 1: the answer is no; 2: it could not be done.

mod bench;
mod export;
mod files;
mod import;
mod model;
mod printer;
mod score;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::app::export::ExportError;
use crate::app::import::ImportError;
use crate::app::train::TrainFailed;
use crate::dataset::DatasetError;
use crate::reward::{RewardError, prompt};
use crate::store::StoreError;
use crate::task::Cancel;

/// What is said where there is no screen: two lines.
pub const NO_DISPLAY: &str = "there is no display to open a window on (neither DISPLAY nor WAYLAND_DISPLAY is set)
hint: `tiebreak import`, `export`, `score`, `bench`, `train`, `info`, `verify`, `backup` and `model` need none; see `tiebreak --help`";

/// A workbench for human preferences and reward models
///
/// Without a command it opens the window, with PROJECT or the sample project.
#[derive(Debug, Parser)]
#[command(
    version,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true
)]
pub struct Args {
    /// A command in place of the window.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Project file to open; made if it does not exist.
    pub project: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bring data files into a project, which is made if it does not exist
    Import(import::Import),
    /// Write the labels of a project as a data set
    Export(export::Export),
    /// Score the responses of a data file or a project with a reward model
    Score(score::Score),
    /// Measure a reward model on pairs whose better response is known
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Fit a reward head of one's own to labels
    Train(train::Train),
    /// Count what is in a project
    Info(files::Info),
    /// Check that a project file is whole
    Verify(files::Verify),
    /// Copy a project, also while it is open
    Backup(files::Backup),
    /// Look at reward models
    #[command(subcommand)]
    Model(model::Model),
}

/// The exit code of a command that Ctrl+C stopped, as of programs that a shell sees stopped.
const INTERRUPTED: u8 = 130;

/// A sign that Ctrl+C gives: once to stop in good order, twice to stop at once.
fn interrupt() -> anyhow::Result<Cancel> {
    let cancel = Cancel::default();
    let sign = cancel.clone();
    ctrlc::set_handler(move || {
        if sign.is_cancelled() {
            #[expect(clippy::exit, reason = "asked for twice")]
            std::process::exit(i32::from(INTERRUPTED));
        }
        sign.cancel();
    })
    .context("Ctrl+C cannot be listened to")?;
    Ok(cancel)
}

/// Runs a command.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Import(command) => import::run(&command),
        Command::Export(command) => export::run(&command),
        Command::Score(command) => score::run(&command),
        Command::Bench(command) => bench::run(&command),
        Command::Train(command) => train::run(&command),
        Command::Info(command) => files::info(&command),
        Command::Verify(command) => files::verify(&command),
        Command::Backup(command) => files::backup(&command),
        Command::Model(command) => model::run(&command),
    }
}

/// Says what went wrong, what is safe and what to do, in one or two lines; the exit code is 2.
pub fn explain(error: &anyhow::Error) -> ExitCode {
    // An error that already tells its cause is not followed by it once more.
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !told.contains(&cause) {
            told = if told.is_empty() {
                cause
            } else {
                format!("{told}: {cause}")
            };
        }
    }
    eprintln!("error: {told}");
    if let Some(hint) = error.chain().find_map(hint) {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(2)
}

/// What the error of a room says to do about it.
fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    match cause.downcast_ref() {
        Some(ImportError::Dataset(error)) => return error.hint(),
        Some(ImportError::Store(error)) => return error.hint(),
        None => {}
    }
    match cause.downcast_ref() {
        Some(ExportError::Dataset(error)) => return error.hint(),
        Some(ExportError::Store(error)) => return error.hint(),
        None => {}
    }
    if let Some(error) = cause.downcast_ref::<TrainFailed>() {
        return error.hint();
    }
    let store = || cause.downcast_ref().and_then(StoreError::hint);
    let dataset = || cause.downcast_ref().and_then(DatasetError::hint);
    let reward = || cause.downcast_ref().and_then(RewardError::hint);
    store().or_else(dataset).or_else(reward)
}

/// The chat template that `--template` names: nothing for the model's own.
fn template(name: &str) -> anyhow::Result<Option<String>> {
    Ok(match name {
        "auto" => None,
        name if prompt::named(name).is_some() => prompt::named(name).map(str::to_owned),
        path => Some(std::fs::read_to_string(path).with_context(|| {
            format!(
                "--template {path}: neither a named template ({}) nor a file that can be read",
                prompt::names()
            )
        })?),
    })
}

/// The answer is no.
const NO: u8 = 1;

/// Who writes: the name in the settings, else that of the system's user.
fn owner() -> String {
    let settings =
        crate::app::settings::Settings::read(&crate::app::settings::Places::of_user().settings());
    let user = || {
        std::env::var("USER")
            .or_else(|_| std::env::var("USERNAME"))
            .ok()
    };
    Some(settings.annotator)
        .filter(|name| !name.is_empty())
        .or_else(user)
        .unwrap_or_else(|| "someone".to_owned())
}
