//! Folders of files: the shards of a data set, in the order of their names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::DatasetError;

/// Folders within folders that are looked into.
const DEEPEST: usize = 6;
/// Files of one folder that are read.
const MOST: usize = 100_000;

/// How files of rows are named, before [`PACKED`].
pub const ENDINGS: [&str; 7] = ["jsonl", "ndjson", "json", "csv", "tsv", "parquet", "pq"];
/// How compressed ones are.
pub const PACKED: [&str; 2] = ["gz", "zst"];
/// What libraries write beside the rows.
const BESIDE: [&str; 7] = [
    "dataset_info.json",
    "dataset_infos.json",
    "dataset_dict.json",
    "state.json",
    "config.json",
    "manifest.json",
    "package.json",
];

/// A file to read.
pub(super) struct Shard {
    pub path: PathBuf,
    /// Its name for people: within the folder that was named, if one was.
    pub name: String,
    /// Whether it was found in a folder, and not named itself.
    pub found: bool,
}

/// The files that the inputs stand for: a folder for the files of rows in it and below, hidden ones left out.
pub(super) fn shards(inputs: &[PathBuf]) -> Result<Vec<Shard>, DatasetError> {
    let mut shards = vec![];
    for input in inputs {
        if input.as_os_str() == "-" || !input.is_dir() {
            let name = input.file_name().unwrap_or(input.as_os_str());
            shards.push(Shard {
                path: input.clone(),
                name: name.to_string_lossy().into_owned(),
                found: false,
            });
            continue;
        }
        let mut found = vec![];
        let mut arrow = false;
        collect(input, "", 0, &mut found, &mut arrow).map_err(|source| DatasetError::Open {
            path: input.clone(),
            source,
        })?;
        if found.is_empty() {
            return Err(DatasetError::EmptyFolder {
                path: input.clone(),
                arrow,
            });
        }
        shards.append(&mut found);
    }
    Ok(shards)
}

fn collect(
    folder: &Path,
    above: &str,
    depth: usize,
    found: &mut Vec<Shard>,
    arrow: &mut bool,
) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        // Links are followed, as a hub's cache is made of them; what is neither file nor folder is nobody's data.
        let Ok(there) = fs::metadata(entry.path()) else {
            continue;
        };
        if name.starts_with('.') || found.len() >= MOST {
            continue;
        }
        let within = format!("{above}{name}");
        if there.is_dir() {
            if depth < DEEPEST {
                let above = format!("{within}/");
                collect(&entry.path(), &above, depth + 1, found, arrow)?;
            }
        } else if there.is_file() {
            *arrow |= ending(&name.to_lowercase()) == "arrow";
            if holds_rows(&name) {
                found.push(Shard {
                    path: entry.path(),
                    name: within,
                    found: true,
                });
            }
        }
    }
    Ok(())
}

fn holds_rows(name: &str) -> bool {
    let name = name.to_lowercase();
    let plain = match name.rsplit_once('.') {
        Some((plain, packed)) if PACKED.contains(&packed) => plain,
        _ => &name,
    };
    ENDINGS.contains(&ending(plain)) && !BESIDE.contains(&plain)
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}
