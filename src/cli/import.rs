//! `tiebreak import`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::printer::{self, Bar};
use crate::app::import::import;
use crate::app::open_project::new_project;
use crate::dataset::{DatasetError, Format, Mapping, ReadAs, Rejected};
use crate::store::{Access, Project};

/// Brings data files into a project.
#[derive(Debug, Args)]
pub struct Import {
    /// The project
    project: PathBuf,
    /// Data files and folders of them: JSON lines or arrays, CSV or Parquet, plain, gzip or zstd; `-` is stdin. Several are
    /// read as one import
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Format: auto, helpsteer2, helpsteer2-preference, helpsteer3, hh-rlhf, trl, pairs, rewardbench, rewardbench2, rm-bench,
    /// judgebench, ultrafeedback, mt-bench, arena, sharegpt, messages or csv-map
    #[arg(long, default_value = "auto", value_parser = format)]
    format: Wanted,
    /// For rows of any other fields: what a field means, as `prompt=question`; a path into objects and lists has dots, as
    /// `chosen=answers.0.text`. Fields: prompt, system, messages, chosen, rejected, `response_a`, `response_b`, response, preferred
    /// (a, b, tie or neither), strength, justification, annotator, time, id, model, `model_a`, `model_b`, rating.NAME, `rating_a.NAME`,
    /// `rating_b.NAME`
    #[arg(long, value_name = "FIELD=PATH")]
    map: Vec<Mapping>,
    /// If any row is rejected, change nothing and exit with 1
    #[arg(long)]
    strict: bool,
    /// Report as JSON on stdout
    #[arg(long)]
    json: bool,
}

/// What can be imported.
const FILES: &str = "files hold rows as JSON lines or arrays, CSV or Parquet, plain, gzip or zstd";

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
    let mut read_as = ReadAs::format(command.format.0);
    for part in &command.map {
        read_as.mapping.extend(part.clone());
        read_as.format = Some(Format::CsvMap);
    }
    anyhow::ensure!(
        command.map.is_empty() || matches!(command.format.0, None | Some(Format::CsvMap)),
        "--map is for rows of one's own, not for --format {}\nhint: leave one of the two out",
        command.format.0.map_or("auto", Format::name)
    );
    if read_as.format == Some(Format::CsvMap) {
        read_as.mapping.check().map_err(DatasetError::from)?;
    }
    let owner = super::owner();
    let known = command.project.exists();
    let project = if known {
        Project::open(&command.project, Access::Write { owner: &owner })?
    } else {
        Project::create(&command.project, &new_project(&command.project), &owner)?
    };
    let bar = Bar::new("importing");
    let cancel = super::interrupt()?;
    let imported = import(
        &project,
        &command.files,
        &read_as,
        command.strict,
        &cancel,
        &mut |p| bar.set(p),
    );
    drop(bar);
    let nothing = imported
        .as_ref()
        .map_or(true, |r| r.format.is_none() && r.imported == 0);
    let none = nothing || imported.as_ref().is_ok_and(|r| r.imported == 0);
    let empty = none && project.reader()?.count()? == 0;
    project.close()?;
    if empty && !known {
        // A project that was to hold these files and holds nothing is not left behind.
        std::fs::remove_file(&command.project)?;
    }
    let report = imported?;
    if report.stopped {
        eprintln!("stopped: the project is as it was");
        return Ok(ExitCode::from(super::INTERRUPTED));
    }
    let refused = command.strict && report.rejected_in_all > 0;
    if command.json {
        printer::report(&report)?;
    } else {
        for Rejected { file, row, reason } in &report.rejected {
            match row {
                0 => eprintln!("{file}: {reason}"),
                row => eprintln!("{file} row {row}: {reason}"),
            }
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
            report.rejected_in_all,
            report.warnings.len(),
            report.items,
            report.responses,
            report.reference_labels
        );
        if report.repeated + report.near_duplicates_in_all > 0 {
            eprintln!(
                "{} rows repeat an earlier one, {} say almost the same as an earlier one",
                report.repeated, report.near_duplicates_in_all
            );
        }
    }
    if nothing && report.read > 0 {
        eprintln!("error: no row of these files is data of a known format; nothing was imported");
        eprintln!("hint: {FILES}");
        return Ok(ExitCode::from(2));
    }
    if refused && !command.json {
        eprintln!("nothing was imported: with --strict, one rejected row refuses all");
    }
    Ok(if refused {
        ExitCode::from(super::NO)
    } else {
        ExitCode::SUCCESS
    })
}
