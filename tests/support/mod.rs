//! What tests of the whole program need: a home of its own, a window without a screen, a keyboard, and the command line.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use egui::{Event, Key, Modifiers};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use tempfile::TempDir;
use tiebreak::app::settings::{Places, Settings, Theme};
use tiebreak::app::{AppState, import, open_project};
use tiebreak::domain::{Item, SourceRow, Turn};
use tiebreak::store::{Access, ImportedRow, Project, ProjectSettings, Reader};
use tiebreak::task::Cancel;
use tiebreak::ui::Window;

/// A window without a screen.
pub type Shown = Harness<'static, Window>;

/// Longest time that anything may take: the model in the development profile on a loaded machine.
const WAIT: Duration = Duration::from_secs(90);

/// A data file of another test.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/dataset")
        .join(name)
}

/// The folders of a person, empty at first and gone afterwards.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// Of somebody who never started the program.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Of Mina, who uses this model.
    pub fn of_mina(model: &str) -> Self {
        let home = Self::new();
        home.settle(&Settings {
            annotator: "mina".to_owned(),
            model: model.to_owned(),
            ..Settings::default()
        });
        home
    }

    /// Of Mina, without a model, with a project made of a data file.
    pub fn with_project(file: &str) -> (Self, PathBuf) {
        let home = Self::of_mina("off");
        let path = home.project("work", &[fixture(file)]);
        (home, path)
    }

    /// Keeps settings.
    pub fn settle(&self, settings: &Settings) {
        settings.write(&self.places().settings()).unwrap();
    }

    pub fn places(&self) -> Places {
        Places {
            config: self.file("config/tiebreak"),
            data: self.file("data/tiebreak"),
        }
    }

    /// A file in this home.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of this home.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Makes a project of data files; its sides are always the same.
    pub fn project(&self, name: &str, files: &[PathBuf]) -> PathBuf {
        let path = self.file(&format!("{name}.tiebreak"));
        let settings = ProjectSettings {
            seed: 7,
            ..open_project::new_project(&path)
        };
        let project = Project::create(&path, &settings, "mina").unwrap();
        if !files.is_empty() {
            import::import(
                &project,
                files,
                &tiebreak::dataset::ReadAs::default(),
                false,
                &Cancel::default(),
                &mut |_| {},
            )
            .unwrap();
        }
        project.close().unwrap();
        path
    }

    /// Opens a wide window.
    pub fn open(&self, project: Option<&Path>) -> Shown {
        self.open_sized(project, egui::vec2(1440.0, 900.0))
    }

    /// Opens a window of that size.
    pub fn open_sized(&self, project: Option<&Path>, size: egui::Vec2) -> Shown {
        let (places, project) = (self.places(), project.map(Path::to_owned));
        let mut shown = Harness::builder()
            .with_size(size)
            .allow_missing_glyphs()
            .build_eframe(move |cc| Window::new(&cc.egui_ctx, places, project).unwrap());
        shown.step();
        shown
    }

    /// Opens a project and waits for its first item.
    pub fn open_at_item(&self, project: &Path) -> Shown {
        let mut shown = self.open(Some(project));
        until(&mut shown, "an item is open", |s| {
            state(s).open_item().is_some()
        });
        shown
    }

    /// Runs the program with a command, without a screen.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The program with a command, before it runs.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiebreak"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.file("config"))
            .env("XDG_DATA_HOME", self.file("data"))
            .env("USER", "mina")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .env_remove("TIEBREAK_LOG");
        command
    }
}

/// Reads a project beside whoever writes it.
pub fn reader(project: &Path) -> Reader {
    Project::open(project, Access::Read)
        .unwrap()
        .reader()
        .unwrap()
}

/// Every event of a project, in order.
pub fn events(project: &Path) -> Vec<tiebreak::domain::Event> {
    let mut events = vec![];
    reader(project)
        .for_each_event(|event| {
            events.push(event);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    events
}

pub fn state(shown: &Shown) -> &AppState {
    &shown.state().app.state
}

/// Everything that the window tells people who do not see it.
pub fn told(shown: &Shown) -> Vec<String> {
    let mut told = vec![];
    for node in shown.root().children_recursive() {
        let node = node.accesskit_node();
        told.extend(node.label());
        told.extend(node.value());
        told.extend(node.description());
        told.extend(node.placeholder().map(str::to_owned));
    }
    told
}

/// Whether something is told in exactly these words.
pub fn tells(shown: &Shown, words: &str) -> bool {
    told(shown).iter().any(|t| t == words)
}

/// Whether something that is told begins with these words.
pub fn begins(shown: &Shown, words: &str) -> bool {
    told(shown).iter().any(|t| t.starts_with(words))
}

/// Lets the window run until something is so; fails with what the window told when it takes too long.
#[track_caller]
pub fn until(shown: &mut Shown, what: &str, mut so: impl FnMut(&Shown) -> bool) {
    let started = Instant::now();
    loop {
        shown.step();
        if so(shown) {
            return;
        }
        assert!(
            started.elapsed() < WAIT,
            "waited in vain for: {what}. The window tells:\n{}",
            told(shown).join("\n")
        );
        std::thread::sleep(Duration::from_millis(4));
    }
}

/// Waits until exactly these words are told.
#[track_caller]
pub fn until_told(shown: &mut Shown, words: &str) {
    until(shown, words, |s| tells(s, words));
}

/// Waits until everything asked of the project is on disk.
#[track_caller]
pub fn until_saved(shown: &mut Shown) {
    until(shown, "everything is saved", |s| {
        state(s).project.as_ref().is_some_and(|p| {
            !p.appending && !matches!(p.saved, tiebreak::app::state::Saved::Saving)
        })
    });
}

// -----------------------------------------------------------------------------------------
// The keyboard

/// A key going down in one frame, with the text that it types, and up in the next, as a real keyboard has it.
pub fn stroke(
    shown: &mut Shown,
    key: Key,
    physical: Option<Key>,
    modifiers: Modifiers,
    text: Option<&str>,
    repeat: bool,
) {
    for pressed in [true, false] {
        let input = shown.input_mut();
        input.events.push(Event::ModifiersChanged(modifiers));
        input.events.push(Event::Key {
            key,
            physical_key: physical,
            pressed,
            repeat,
            modifiers,
        });
        if let (true, Some(text)) = (pressed, text) {
            input.events.push(Event::Text(text.to_owned()));
        }
        if !pressed {
            input
                .events
                .push(Event::ModifiersChanged(Modifiers::default()));
        }
        shown.step();
    }
    shown.step();
}

/// Presses keys such as `3`, `Ctrl+Enter` or `Shift+S`, one after the other.
pub fn press(shown: &mut Shown, keys: &str) {
    for chord in keys.split(' ') {
        let mut modifiers = Modifiers::default();
        let mut key = None;
        for part in chord.split('+') {
            match part {
                "Ctrl" => modifiers |= Modifiers::CTRL | Modifiers::COMMAND,
                "Shift" => modifiers |= Modifiers::SHIFT,
                "Alt" => modifiers |= Modifiers::ALT,
                name => key = Key::from_name(name),
            }
        }
        let key = key.unwrap_or_else(|| panic!("there is no key {chord}"));
        let text = typed_by(key, modifiers);
        stroke(shown, key, Some(key), modifiers, text.as_deref(), false);
    }
}

/// What a key types.
fn typed_by(key: Key, modifiers: Modifiers) -> Option<String> {
    if modifiers.ctrl || modifiers.alt {
        return None;
    }
    if key == Key::Space {
        return Some(" ".to_owned());
    }
    let symbol = key.symbol_or_name();
    let one = symbol.chars().count() == 1 && symbol.is_ascii();
    one.then(|| {
        if modifiers.shift {
            symbol.to_owned()
        } else {
            symbol.to_lowercase()
        }
    })
}

/// Types text letter by letter; each letter is a key too, as on a real keyboard.
pub fn type_keys(shown: &mut Shown, text: &str) {
    for letter in text.chars() {
        let mut bytes = [0; 4];
        let text: &str = letter.encode_utf8(&mut bytes);
        let key = Key::from_name(text).unwrap_or(Key::Space);
        let modifiers = if letter.is_uppercase() {
            Modifiers::SHIFT
        } else {
            Modifiers::default()
        };
        stroke(shown, key, Some(key), modifiers, Some(text), false);
    }
}

/// Types text at once, as an input method does.
pub fn type_text(shown: &mut Shown, text: &str) {
    shown.input_mut().events.push(Event::Text(text.to_owned()));
    shown.step();
    shown.step();
}

/// Clicks what has this name.
#[track_caller]
pub fn click(shown: &mut Shown, name: &str) {
    shown.get_by_label(name).click();
    shown.step();
    shown.step();
}

/// Clicks on what may be further down in a scroll area.
pub fn click_below(shown: &mut Shown, name: &str) {
    shown.get_by_label(name).scroll_to_me();
    shown.run_steps(8);
    click(shown, name);
}

/// A justification of enough characters.
pub const WHY: &str = "B answers the question, A wanders off.";

/// Rates a pair, prefers and says why, leaving the keyboard in the text.
pub fn fill(shown: &mut Shown) {
    press(shown, "3 2 4 1 0 4 4 4 2 3 6");
    type_text(shown, WHY);
}

/// A project of one item with three replies.
pub fn three_replies(home: &Home) -> (Item, PathBuf) {
    let path = home.project("three", &[]);
    let replies = ["The first.", "The second.", "The third."];
    let replies = replies.map(|text| vec![Turn::assistant(text)]).to_vec();
    let (item, order) = Item::new(vec![Turn::user("Which one?")], replies).unwrap();
    let project = Project::open(&path, Access::Write { owner: "mina" }).unwrap();
    let row = ImportedRow {
        rows: 1,
        item: item.clone(),
        source: SourceRow {
            file: "three".to_owned(),
            format: "messages".to_owned(),
            row: 1,
            id: None,
            order,
            models: vec![],
            extra: serde_json::Map::new(),
        },
        references: vec![],
        signature: None,
    };
    project.writer().unwrap().put_rows(&[row]).unwrap();
    project.close().unwrap();
    (item, path)
}

/// Times from the usual to the worst.
pub fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |p: usize| times[(times.len() * p / 1000).min(times.len() - 1)].as_secs_f64() * 1e3;
    format!(
        "p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms of {}",
        at(500),
        at(990),
        at(1000),
        times.len()
    )
}

/// The item on the desk.
pub fn item(shown: &Shown) -> std::sync::Arc<Item> {
    state(shown).open_item().unwrap().item.clone()
}

/// Settings of Mina in a theme.
pub fn in_theme(theme: Theme) -> Settings {
    Settings {
        annotator: "mina".to_owned(),
        model: "off".to_owned(),
        theme,
        ..Settings::default()
    }
}
