//! The models that a person knows: the built-in one, those added, those in the hub's cache; what their files say, and which are loaded
//! beside the one that scores.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::state::{ModelCard, ModelState};
use crate::reward::local::facts::{ModelFacts, facts};
use crate::reward::local::hub;
use crate::reward::{LoadOptions, ModelRef, Probe};
use crate::task::Progress;

/// Models loaded beside the one that scores, at most: each takes its memory.
pub const BESIDE: usize = 3;

/// Why a model is in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It comes with the program.
    BuiltIn,
    /// Somebody has added it.
    Added,
    /// It lies in the hub's cache.
    Hub,
}

/// A model of the list.
#[derive(Debug, Clone)]
pub struct ModelEntry {
    /// How it is loaded.
    pub model: ModelRef,
    /// Why it is there.
    pub origin: Origin,
    /// What its files say, or why they cannot be read.
    pub facts: Result<Box<ModelFacts>, String>,
}

/// The models, and what is going on with them.
#[derive(Debug, Clone, Default)]
pub struct LibraryState {
    /// All models, once they were looked at.
    pub entries: Option<Vec<ModelEntry>>,
    /// Bytes of memory that were free then.
    pub free: Option<u64>,
    /// Those beside the one that scores, in the order in which they were asked for.
    pub beside: Vec<ModelState>,
    /// How the model that scores did on texts of which everybody knows the better one.
    pub probe: Option<(String, Result<Probe, String>)>,
    /// Items of the project without a score by the model, once they were counted.
    pub unscored: Option<u64>,
    /// Whether the project is being scored.
    pub scoring: bool,
    /// How far that was when it was told to wait.
    pub paused: Option<Progress>,
}

impl LibraryState {
    /// The cards of the models beside that are ready.
    pub fn ready_beside(&self) -> impl Iterator<Item = &ModelCard> {
        self.beside.iter().filter_map(|state| match state {
            ModelState::Ready(card) => Some(&**card),
            _ => None,
        })
    }
}

/// The model that a state is about.
pub fn model_of(state: &ModelState) -> Option<&ModelRef> {
    match state {
        ModelState::Off => None,
        ModelState::Loading(model) | ModelState::Failed(model, _) => Some(model),
        ModelState::Ready(card) => Some(&card.model),
    }
}

/// One change at a time: each reads what the one before has written.
static CHANGES: Mutex<()> = Mutex::new(());

/// The models that somebody has added, as the file at `path` has them; none where there is no file.
fn added(path: &Path) -> std::io::Result<Vec<String>> {
    match std::fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map_err(std::io::Error::from),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(error),
    }
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<String>)) -> std::io::Result<()> {
    let _one = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
    let mut models = added(path)?;
    let before = models.clone();
    change(&mut models);
    if models == before {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&file, &models)?;
    file.persist(path)?;
    Ok(())
}

/// Adds a model to the list at `path`: by its whole path where it is one, else by its id. Links are kept as they are: what they point to may
/// have a name that says nothing.
pub fn add(path: &Path, model: &ModelRef) -> std::io::Result<()> {
    let ModelRef::Path(file) = model else {
        return Ok(());
    };
    let whole = if file.exists() {
        std::path::absolute(file)?
    } else {
        file.clone()
    };
    let name = whole.to_str().ok_or_else(|| {
        std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            super::words::models::ODD_PATH,
        )
    })?;
    change(path, |models| {
        if !models.iter().any(|m| m == name) {
            models.push(name.to_owned());
        }
    })
}

/// Takes a model off the list at `path`; its files stay.
pub fn forget(path: &Path, model: &ModelRef) -> std::io::Result<()> {
    let name = model.to_string();
    change(path, |models| models.retain(|m| *m != name))
}

/// All models there are, with what their files say: those added are in the file at `path`. What lies in the hub's cache and is no reward
/// model is left out.
pub fn look(path: &Path) -> Vec<ModelEntry> {
    let cached = hub::cache().map(|cache| hub::cached(&cache));
    let cached = cached.into_iter().flatten();
    let named = |name: String, origin| (ModelRef::Path(name.into()), origin);
    let added = added(path).unwrap_or_default().into_iter();
    let mut all = vec![(ModelRef::Default, Origin::BuiltIn)];
    all.extend(added.map(|name| named(name, Origin::Added)));
    all.extend(cached.map(|name| named(name, Origin::Hub)));
    all.into_iter()
        .filter_map(|(model, origin)| {
            let look = || facts(&model, &LoadOptions::default());
            // A file that stops the reader costs its own entry only.
            let found = std::panic::catch_unwind(look);
            let facts = match found {
                Ok(Ok(facts)) => Ok(Box::new(facts)),
                // Most of what lies there is of another kind.
                Ok(Err(_)) if origin == Origin::Hub => return None,
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err(super::words::models::ENGINE_FAILED_ON_MODEL.to_owned()),
            };
            Some(ModelEntry {
                model,
                origin,
                facts,
            })
        })
        .collect()
}
