//! From key presses to commands. Keys that mean a command now never reach the window library, so that Tab, arrows and Space
//! do what the table says and nothing else.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use egui::mutex::Mutex;
use egui::{Context, Event, RawInput};

use crate::app::commands::{COMMANDS, Command, Key, Scope, Shortcut};
use crate::app::{AppState, Overlay, Screen};

/// Keys that mean something now, and those that were pressed.
#[derive(Default)]
struct Board {
    live: Vec<(Shortcut, &'static Command)>,
    pressed: Vec<&'static Command>,
    /// The next key is not a command but is wanted itself.
    choosing: bool,
    chosen: Option<Shortcut>,
}

/// The part of the window that reads keys.
#[derive(Clone, Default)]
pub struct Keys(Arc<Mutex<Board>>);

impl Keys {
    /// Starts reading keys.
    pub fn install(&self, ctx: &Context) {
        ctx.add_plugin(Reader {
            board: self.0.clone(),
            ..Reader::default()
        });
    }

    /// Says which commands make sense now.
    pub fn offer(&self, state: &AppState) {
        let live = COMMANDS
            .iter()
            .filter(|c| makes_sense(c, state))
            .filter(|c| {
                state.overlay != Some(Overlay::Welcome)
                    || matches!(c.id, "theme" | "zoom-in" | "zoom-out")
            })
            .flat_map(|c| {
                let keys = c.keys_of(&state.settings).into_owned();
                keys.into_iter().map(move |k| (k, c))
            })
            .collect();
        let mut board = self.0.lock();
        board.live = live;
        board.choosing = state.choosing_key.is_some();
    }

    /// The key that was pressed for a command to have.
    pub fn take_chosen(&self) -> Option<Shortcut> {
        self.0.lock().chosen.take()
    }

    /// What was pressed since last asked, as actions.
    pub fn take(&self, mut each: impl FnMut(&'static Command)) {
        let pressed = std::mem::take(&mut self.0.lock().pressed);
        pressed.into_iter().for_each(&mut each);
    }
}

/// Whether a command's keys mean something now.
pub fn makes_sense(command: &Command, state: &AppState) -> bool {
    in_scope(command.scope, state) && (command.action)(state).is_some()
}

fn in_scope(scope: Scope, state: &AppState) -> bool {
    match scope {
        Scope::Everywhere => true,
        Scope::Annotate => state.screen == Screen::Annotate,
        Scope::Queue => state.screen == Screen::Queue,
    }
}

#[derive(Default)]
struct Reader {
    board: Arc<Mutex<Board>>,
    /// Keys that are down: the window system repeats them without saying so.
    down: BTreeSet<egui::Key>,
    /// What came after a command in the same frame. The command may change what the next key means, so it waits.
    later: VecDeque<Event>,
}

impl egui::Plugin for Reader {
    fn debug_name(&self) -> &'static str {
        "keys"
    }

    fn input_hook(&mut self, ctx: &Context, input: &mut RawInput) {
        let mut arrived = std::mem::take(&mut input.events);
        for event in &mut arrived {
            match event {
                // By its place: with Shift let go first, a `?` goes down and a `/` comes up.
                Event::Key {
                    key,
                    physical_key,
                    pressed: true,
                    repeat,
                    ..
                } => *repeat |= !self.down.insert(physical_key.unwrap_or(*key)),
                Event::Key {
                    key,
                    physical_key,
                    pressed: false,
                    ..
                } => {
                    self.down.remove(&physical_key.unwrap_or(*key));
                }
                Event::WindowFocused(false) => self.down.clear(),
                _ => {}
            }
        }
        let typing = ctx.text_edit_focused();
        let mut board = self.board.lock();
        let mut commanded = false;
        let mut after_command = false;
        let waiting = std::mem::take(&mut self.later);
        for event in waiting.into_iter().chain(arrived) {
            // A letter that was a command is not also typed into the field that the command goes to.
            let echo = std::mem::take(&mut after_command) && matches!(event, Event::Text(_));
            if echo {
                continue;
            }
            if board.choosing {
                if let Event::Key {
                    key,
                    physical_key,
                    pressed: true,
                    repeat: false,
                    modifiers,
                } = &event
                    && let Some(shortcut) = shortcut(*key, *physical_key, *modifiers)
                {
                    board.chosen = Some(shortcut);
                    board.choosing = false;
                    after_command = true;
                }
                continue;
            }
            if commanded && !matches!(event, Event::Key { .. } | Event::Text(_) | Event::Paste(_)) {
                input.events.push(event);
            } else if commanded {
                self.later.push_back(event);
            } else if let Some((command, repeat)) = board.command(&event, typing) {
                if !repeat || command.repeats {
                    board.pressed.push(command);
                    commanded = true;
                }
                after_command = true;
            } else {
                input.events.push(event);
            }
        }
        if !self.later.is_empty() {
            ctx.request_repaint();
        }
    }
}

impl Board {
    /// The command that a key press means now, and whether the key is only held.
    fn command(&self, event: &Event, typing: bool) -> Option<(&'static Command, bool)> {
        let Event::Key {
            key,
            physical_key,
            pressed: true,
            repeat,
            modifiers,
        } = event
        else {
            return None;
        };
        let shortcut = shortcut(*key, *physical_key, *modifiers)?;
        let (_, command) = self.live.iter().find(|(live, _)| *live == shortcut)?;
        (!typing || command.in_text).then_some((*command, *repeat))
    }
}

/// Letters as typed; digits and brackets by their place on the keyboard.
fn shortcut(
    key: egui::Key,
    physical: Option<egui::Key>,
    modifiers: egui::Modifiers,
) -> Option<Shortcut> {
    let mut shift = modifiers.shift;
    let key = match physical.and_then(digit_or_bracket).filter(|_| !shift) {
        Some(key) => key,
        None => match key {
            egui::Key::Questionmark => {
                shift = false;
                Key::Question
            }
            egui::Key::Slash if !shift => Key::Slash,
            egui::Key::Plus | egui::Key::Equals => {
                shift = false;
                Key::Plus
            }
            // On most keyboards the question mark is a slash with Shift.
            egui::Key::Slash if shift => {
                shift = false;
                Key::Question
            }
            other => named(other)?,
        },
    };
    Some(Shortcut {
        ctrl: modifiers.command,
        shift,
        alt: modifiers.alt,
        key,
    })
}

fn digit_or_bracket(key: egui::Key) -> Option<Key> {
    use egui::Key as E;
    Some(match key {
        E::Num0 => Key::Digit(0),
        E::Num1 => Key::Digit(1),
        E::Num2 => Key::Digit(2),
        E::Num3 => Key::Digit(3),
        E::Num4 => Key::Digit(4),
        E::Num5 => Key::Digit(5),
        E::Num6 => Key::Digit(6),
        E::Num7 => Key::Digit(7),
        E::Num8 => Key::Digit(8),
        E::Num9 => Key::Digit(9),
        E::OpenBracket => Key::BracketLeft,
        E::CloseBracket => Key::BracketRight,
        _ => return None,
    })
}

fn named(key: egui::Key) -> Option<Key> {
    use egui::Key as E;
    if let Some(key) = digit_or_bracket(key) {
        return Some(key);
    }
    Some(match key {
        E::Enter => Key::Enter,
        E::Escape => Key::Escape,
        E::Tab => Key::Tab,
        E::Backspace => Key::Backspace,
        E::Space => Key::Space,
        E::ArrowUp => Key::Up,
        E::ArrowDown => Key::Down,
        E::ArrowLeft => Key::Left,
        E::ArrowRight => Key::Right,
        E::Comma => Key::Comma,
        E::Minus => Key::Minus,
        E::F1 => Key::F(1),
        E::F3 => Key::F(3),
        E::F6 => Key::F(6),
        E::F11 => Key::F(11),
        other => {
            let name = other.name();
            let mut letters = name.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) if letter.is_ascii_uppercase() => Key::Letter(letter),
                _ => return None,
            }
        }
    })
}
