//! Models from the Hugging Face hub: where its cache keeps them, whoever has downloaded them. `pull.rs` downloads.
//!
//! The layout is that of `huggingface_hub`: `models--OWNER--NAME/refs/main` names a commit, `snapshots/COMMIT` holds its files.

use std::path::{Path, PathBuf};

use super::source::file_name;
use crate::reward::{ModelRef, RewardError};

/// The cache: `HF_HUB_CACHE`, else `HF_HOME/hub`, else `huggingface/hub` in the user's cache folder.
pub fn cache() -> Option<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    folder("HF_HUB_CACHE")
        .or_else(|| Some(folder("HF_HOME")?.join("hub")))
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("huggingface/hub")))
        .or_else(|| Some(folder("HOME")?.join(".cache/huggingface/hub")))
}

/// The ids of the models in `cache`, of whatever kind.
pub fn cached(cache: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(cache).into_iter().flatten().flatten();
    let mut found: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let id = name.strip_prefix("models--")?.replacen("--", "/", 1);
            snapshot(cache, &id).map(|_| id)
        })
        .collect();
    found.sort();
    found
}

/// The model itself, where a path is no path but the id of a model in the cache, such as `OWNER/NAME`.
pub(super) fn resolved(model: &ModelRef) -> Result<ModelRef, RewardError> {
    let ModelRef::Path(path) = model else {
        return Ok(model.clone());
    };
    let id = path.to_str().filter(|id| is_id(id) && !path.exists());
    let (Some(id), Some(cache)) = (id, cache()) else {
        return Ok(model.clone());
    };
    let found = snapshot(&cache, id).map(ModelRef::Path);
    found.ok_or_else(|| {
        RewardError::Unsupported(format!(
            "`{id}` is neither a folder or file nor a model in the hub's cache (`{}`)",
            cache.display()
        ))
    })
}

/// Where a model lies in a cache, whose id is one.
pub(super) fn folder_of(cache: &Path, id: &str) -> PathBuf {
    cache.join(format!("models--{}", id.replacen('/', "--", 1)))
}

/// The files of a model: those of `main`, else of the only commit there is.
pub(super) fn snapshot(cache: &Path, id: &str) -> Option<PathBuf> {
    is_id(id).then_some(())?;
    let folder = folder_of(cache, id);
    let snapshots = folder.join("snapshots");
    let main = std::fs::read_to_string(folder.join("refs/main")).ok();
    let commit = main
        .as_deref()
        .map(str::trim)
        .filter(|c| c.bytes().all(|b| b.is_ascii_hexdigit()) && !c.is_empty());
    if let Some(there) = commit
        .map(|c| snapshots.join(c))
        .filter(|path| path.is_dir())
    {
        return Some(there);
    }
    let mut all = std::fs::read_dir(&snapshots)
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    let only = all.next().filter(|path| path.is_dir())?;
    all.next().is_none().then_some(only)
}

/// The name of a model for people: its id where it lies in the cache, else its folder's.
pub(super) fn name(folder: &Path) -> String {
    let mut above = folder.ancestors().skip(1);
    let within = above.next().filter(|path| file_name(path) == "snapshots");
    let model = within.and(above.next()).map(file_name);
    let id = model
        .as_deref()
        .and_then(|name| name.strip_prefix("models--"));
    id.map_or_else(|| file_name(folder), |id| id.replacen("--", "/", 1))
}

/// Whether a text has the form of an id: two names, neither of which can lead anywhere.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |part: &str| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(allowed)
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| plain(owner) && plain(name))
}
