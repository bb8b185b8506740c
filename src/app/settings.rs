//! What is kept between runs, per person: a small JSON file. Labels never go there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Ink on warm paper.
    #[default]
    Paper,
    /// Light on slate.
    Slate,
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
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            annotator: String::new(),
            theme: Theme::Paper,
            zoom: 100,
            model: "default".to_owned(),
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
