//! What is kept between runs, per person: a small JSON file. Labels never go there.

use crate::app::words::settings as words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::dataset::Mapping;

/// Light, dark, or with as much contrast as a screen gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Ink on warm paper.
    #[default]
    Paper,
    /// Light on slate.
    Slate,
    /// White on black.
    Contrast,
}

impl Theme {
    /// All themes.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Slate, Self::Contrast];

    /// Name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Paper => words::PAPER,
            Self::Slate => words::SLATE,
            Self::Contrast => words::CONTRAST,
        }
    }
}

/// The typeface of what is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Face {
    /// Source Serif 4.
    #[default]
    Serif,
    /// Inter.
    Sans,
}

/// How what is read is set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// The typeface.
    pub face: Face,
    /// Size in points, 13 to 24.
    pub size: f32,
    /// Height of a line as a multiple of the size, 1.3 to 2.
    pub line: f32,
    /// Most characters of a line, 45 to 80.
    pub measure: u16,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            face: Face::Serif,
            size: 16.5,
            line: 1.58,
            measure: 68,
        }
    }
}

impl Reading {
    /// The same within the limits: a file of settings may hold anything.
    #[must_use]
    pub fn within_limits(self) -> Self {
        let number = |value: f32, low: f32, high: f32, usual: f32| {
            if value.is_finite() {
                value.clamp(low, high)
            } else {
                usual
            }
        };
        Self {
            face: self.face,
            size: number(self.size, 13.0, 24.0, 16.5),
            line: number(self.line, 1.3, 2.0, 1.58),
            measure: self.measure.clamp(45, 80),
        }
    }

    /// Width in points of a line of the longest measure: a character of running English is a little under half as wide as high.
    pub fn width(self) -> f32 {
        let advance = match self.face {
            Face::Serif => 0.475,
            Face::Sans => 0.525,
        };
        (f32::from(self.measure) * self.size * advance).round()
    }
}

/// Settings of a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Name recorded with every label; empty before the first run.
    pub annotator: String,
    /// Light or dark.
    pub theme: Theme,
    /// Size of everything, in per cent.
    pub zoom: u16,
    /// Model to load at the start: `default`, a path, or `off`.
    pub model: String,
    /// How what is read is set.
    pub reading: Reading,
    /// Keys that this person has chosen, by command: `{"later": ["Shift T"]}`. Commands that are not here keep their own.
    pub keys: BTreeMap<String, Vec<String>>,
    /// What the fields of rows of one's own mean, by the names of all their fields.
    pub mappings: BTreeMap<String, Mapping>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            annotator: String::new(),
            theme: Theme::Paper,
            zoom: 100,
            model: "default".to_owned(),
            reading: Reading::default(),
            keys: BTreeMap::new(),
            mappings: BTreeMap::new(),
        }
    }
}

/// Where the program keeps its things.
#[derive(Debug, Clone)]
pub struct Places {
    /// Folder of the settings.
    pub config: PathBuf,
    /// Folder of the sample project.
    pub data: PathBuf,
}

impl Places {
    /// The usual folders of this system; the current folder where it has none.
    pub fn of_user() -> Self {
        match directories::ProjectDirs::from("", "", "tiebreak") {
            Some(dirs) => Self {
                config: dirs.config_dir().to_owned(),
                data: dirs.data_dir().to_owned(),
            },
            None => Self {
                config: PathBuf::from("."),
                data: PathBuf::from("."),
            },
        }
    }

    /// File of the settings.
    pub fn settings(&self) -> PathBuf {
        self.config.join("settings.json")
    }

    /// File of the models that were added.
    pub fn models(&self) -> PathBuf {
        self.config.join("models.json")
    }

    /// Folder of the features that training keeps.
    pub fn features(&self) -> PathBuf {
        self.data.join("features")
    }

    /// File of the sample project.
    pub fn sample(&self) -> PathBuf {
        self.data.join("sample.tiebreak")
    }
}

impl Settings {
    /// Reads settings; missing or damaged ones are the defaults, so that they never keep anyone from working.
    pub fn read(path: &Path) -> Self {
        std::fs::read(path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Writes settings through a temporary file.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer_pretty(&file, self)?;
        file.persist(path)?;
        Ok(())
    }
}
