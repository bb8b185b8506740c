//! How the open item is read, and which part of the settings is shown: what belongs to the eyes, not to the label.

use serde::{Deserialize, Serialize};

use super::form::Field;
use crate::app::words::settings as words;
use crate::domain::ItemId;

/// What stands beside the responses on demand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Drawer {
    /// What annotators are to go by.
    Guidelines,
    /// What was done about the open item.
    History,
}

/// Why selected text cannot be marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmarkable {
    /// Invisible characters are written out: what is shown is not what is stored.
    WrittenOut,
    /// It is shown otherwise than it is stored, and its place is not known.
    NoPlace,
}

/// Where a reader is: kept with the project, to come back to after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// The item.
    pub item: ItemId,
    /// Where the keyboard is.
    pub focus: Option<Field>,
    /// The caret in the justification, in characters.
    pub caret: Option<usize>,
    /// Block at the top and how much of it is scrolled out, of the context and of each response from left to right.
    pub scroll: Vec<(usize, f32)>,
    /// Whether earlier turns are unfolded.
    pub context_open: bool,
}

/// How differences between two responses are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum DiffView {
    /// Not at all.
    #[default]
    Off,
    /// Marked in the text.
    Marks,
    /// Marked, and what is the same on both sides is folded.
    Only,
}

/// A search within the open item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindState {
    /// What is looked for.
    pub text: String,
    /// Which of those found is shown, from 0.
    pub at: usize,
    /// How many there are in the context and in each response, from left to right.
    pub found: Vec<usize>,
    /// Whether the keyboard is to go to the search.
    pub enter: bool,
    /// Whether it was asked to go to the one that is shown, not only typed: then folded turns are unfolded for it.
    pub asked: bool,
    /// Counts up whenever the view should go to the one that is shown.
    pub turn: u64,
}

impl FindState {
    /// How many there are.
    pub fn total(&self) -> usize {
        self.found.iter().sum()
    }
}

/// Parts of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SettingsTab {
    /// Type and theme.
    #[default]
    Reading,
    /// Which key does what.
    Keys,
    /// What annotators are asked.
    Project,
    /// What annotators are to go by.
    Guidelines,
}

impl SettingsTab {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Reading, Self::Keys, Self::Project, Self::Guidelines];

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Reading => words::READING,
            Self::Keys => words::KEYS,
            Self::Project => words::ASKED,
            Self::Guidelines => words::GUIDELINES,
        }
    }
}
