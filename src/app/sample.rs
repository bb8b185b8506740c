//! The sample project: made once from the data sets that travel inside the program, and never overwritten.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::import::{ImportError, import};
use super::open_project::new_project;
use crate::app::words;
use crate::dataset::ReadAs;
use crate::store::{Project, ProjectSettings, StoreError};
use crate::task::Cancel;

/// Name and content of a file.
type Source = (&'static str, &'static [u8]);

/// The files of `datasets/sample`; those of one import are together.
static SOURCES: &[&[Source]] = &[
    &[
        (
            "conversations.jsonl",
            include_bytes!("../../datasets/sample/mt-bench/conversations.jsonl"),
        ),
        (
            "human_votes.jsonl",
            include_bytes!("../../datasets/sample/mt-bench/human_votes.jsonl"),
        ),
        (
            "gpt4_votes.jsonl",
            include_bytes!("../../datasets/sample/mt-bench/gpt4_votes.jsonl"),
        ),
    ],
    &[(
        "oasst.jsonl",
        include_bytes!("../../datasets/sample/oasst.jsonl"),
    )],
    &[(
        "tulu1.jsonl",
        include_bytes!("../../datasets/sample/tulu1.jsonl"),
    )],
    &[(
        "helpsteer2.jsonl",
        include_bytes!("../../datasets/sample/helpsteer2.jsonl"),
    )],
    &[(
        "hh-rlhf.jsonl",
        include_bytes!("../../datasets/sample/hh-rlhf.jsonl"),
    )],
];

/// Why the sample project could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SampleError {
    /// A file or folder could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The project could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A source could not be imported.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// Makes the sample project in a temporary folder, then gives it its name: it is there whole or not at all.
pub fn make(path: &Path, owner: &str) -> Result<(), SampleError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let workshop = tempfile::tempdir_in(folder)?;
    let made = workshop.path().join("sample.tiebreak");
    let settings = ProjectSettings {
        title: words::project::SAMPLE.to_owned(),
        ..new_project(path)
    };
    let project = Project::create(&made, &settings, owner)?;
    for (at, sources) in SOURCES.iter().enumerate() {
        let shelf = workshop.path().join(at.to_string());
        fs::create_dir(&shelf)?;
        let mut files: Vec<PathBuf> = vec![];
        for (name, bytes) in *sources {
            let file = shelf.join(name);
            fs::write(&file, bytes)?;
            files.push(file);
        }
        import(
            &project,
            &files,
            &ReadAs::default(),
            false,
            &Cancel::default(),
            &mut |_| {},
        )?;
    }
    project.close()?;
    fs::rename(&made, path)?;
    Ok(())
}
