//! Reads the command line and starts a face: the window, or a command.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use tiebreak::{cli, ui};

fn main() -> ExitCode {
    let args = cli::Args::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("TIEBREAK_LOG");
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| "error".into()))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    // At the level of traces the HTTP client writes down whole requests, and with them secrets.
    log::set_max_level(log::max_level().min(log::LevelFilter::Debug));
    let result = match args.command {
        Some(command) => cli::run(command),
        None => window(args.project),
    };
    result.unwrap_or_else(|error| cli::explain(&error))
}

fn window(project: Option<std::path::PathBuf>) -> anyhow::Result<ExitCode> {
    if !has_display() {
        anyhow::bail!(cli::NO_DISPLAY);
    }
    ui::run(project).map_err(|error| anyhow::anyhow!("the window could not be opened: {error}\nhint: TIEBREAK_RENDERER=wgpu or =glow chooses how it is drawn"))?;
    Ok(ExitCode::SUCCESS)
}

/// Whether there is a screen to open a window on.
fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(all(unix, not(target_os = "macos"))))
        || ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"]
            .into_iter()
            .any(set)
}
