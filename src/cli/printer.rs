//! What is printed where: reports on stdout, progress and messages on stderr.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::task::Progress;

/// Writes a report as one line of JSON on stdout.
pub fn report(report: &impl Serialize) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, report)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// A progress bar on a terminal, nothing elsewhere.
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar that says what is being done.
    pub fn new(what: &str) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(0);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {human_pos}/{human_len} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    /// A bar that counts bytes.
    pub fn of_bytes(what: &str) -> Self {
        let bar = Self::new(what);
        if let Some(bar) = &bar.0 {
            let style = ProgressStyle::with_template(
                "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        }
        bar
    }

    /// A bar of how far the input is read, with the rate of something else.
    pub fn with_rate(what: &str, unit: &str) -> Self {
        let bar = Self::new(what);
        if let Some(bar) = &bar.0 {
            let style = ProgressStyle::with_template(&format!(
                "{{prefix}} {{wide_bar}} {{percent}} % {{msg}} {unit}/s, {{eta}} left"
            ));
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(what.to_owned());
            bar.set_message("");
        }
        bar
    }

    /// Shows how far it is, and the rate.
    pub fn set_with_rate(&self, progress: Progress, rate: f64) {
        self.set(progress);
        if let Some(bar) = &self.0 {
            bar.set_message(format!("{rate:.1}"));
        }
    }

    /// Shows how far it is.
    pub fn set(&self, progress: Progress) {
        if let Some(bar) = &self.0 {
            bar.set_length(progress.total.max(progress.done));
            bar.set_position(progress.done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Writes lines on stdout.
pub fn lines(lines: &[String]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        writeln!(out, "{line}")?;
    }
    Ok(())
}
