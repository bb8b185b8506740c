//! Files come in whole, go out exactly, and hostile ones are only reported.

mod benchmarks;
mod containers;
mod formats;
mod hostile;
mod odd;
mod properties;
mod real;
mod round_trip;

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tiebreak::dataset::*;
use tiebreak::domain::*;
use tiebreak::task::{Cancel, Job};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/dataset")
        .join(name)
}

fn import_as(
    inputs: &[PathBuf],
    format: Option<Format>,
) -> Result<(ReadReport, Vec<Row>), DatasetError> {
    let mut rows = Vec::new();
    let mut job = Job {
        cancel: Cancel::default(),
        report: &mut |_| {},
    };
    let read_as = match format {
        Some(Format::CsvMap) => {
            let mut mapping = Mapping::default();
            for field in ["prompt", "preferred", "strength", "annotator"] {
                mapping.set(field, Some(field)).unwrap();
            }
            mapping.set("response_a", Some("a")).unwrap();
            mapping.set("response_b", Some("b")).unwrap();
            ReadAs::mapped(mapping)
        }
        format => ReadAs::format(format),
    };
    let report = read(inputs, &read_as, &mut job, &mut |row| {
        rows.push(row);
        Ok(())
    })?;
    Ok((report, rows))
}

fn import(inputs: &[PathBuf]) -> (ReadReport, Vec<Row>) {
    import_as(inputs, None).unwrap()
}

/// Reads bytes as a file.
fn import_bytes(bytes: &[u8]) -> Result<(ReadReport, Vec<Row>), DatasetError> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rows.jsonl");
    std::fs::write(&path, bytes).unwrap();
    import_as(&[path], None)
}

fn import_text(text: &str) -> (ReadReport, Vec<Row>) {
    import_bytes(text.as_bytes()).unwrap()
}

/// The labels that came with a row, as if they had been collected.
fn export_row(row: &Row) -> ExportRow {
    let (verdict, votes): (Vec<_>, Vec<_>) = row
        .references
        .iter()
        .cloned()
        .partition(|label| label.role == ReferenceRole::Verdict);
    let verdict = verdict.into_iter().next();
    ExportRow {
        item: row.item.clone(),
        source: Some(row.source.clone()),
        extra: verdict
            .as_ref()
            .map(|v| v.extra.clone())
            .unwrap_or_default(),
        judgment: verdict.map(|v| v.judgment).unwrap_or_default(),
        votes: votes.into_iter().map(Vote::from).collect(),
    }
}

fn export_to(
    path: &Path,
    format: Format,
    rows: &[ExportRow],
    extra: bool,
) -> Result<ExportReport, DatasetError> {
    let mut job = Job {
        cancel: Cancel::default(),
        report: &mut |_| {},
    };
    let options = WriteOptions { extra, split: None };
    write(
        format,
        &mut rows.iter().cloned().map(Ok),
        path,
        &options,
        &mut job,
    )
}

/// What an export writes, as text, and its report.
fn export(format: Format, rows: &[ExportRow], extra: bool) -> (ExportReport, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("out.jsonl");
    let report = export_to(&path, format, rows, extra).unwrap();
    (report, std::fs::read_to_string(path).unwrap_or_default())
}
