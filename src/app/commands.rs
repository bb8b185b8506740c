//! The one table of commands: what a person can ask for, under which name and which key. Menus, palette, cheat sheet, key
//! handling and tests all read it.

use std::borrow::Cow;

use super::action::Action;
use super::form::Field;
use super::settings::Settings;
pub use super::shortcut::{Key, Shortcut};
use super::state::{AppState, Drawer, Overlay, Screen, SettingsTab};

/// Where a command's keys work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// On every screen.
    Everywhere,
    /// While reading and rating.
    Annotate,
    /// In the item list.
    Queue,
}

impl Scope {
    /// Whether keys of both could be meant at once.
    pub fn meets(self, other: Self) -> bool {
        self == other || self == Self::Everywhere || other == Self::Everywhere
    }
}

/// Groups of the cheat sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Saying what one thinks.
    Judge,
    /// Reading.
    Read,
    /// Going from item to item.
    Move,
    /// The program.
    Program,
}

impl Group {
    /// All groups in the order of the cheat sheet.
    pub const ALL: [Self; 4] = [Self::Judge, Self::Read, Self::Move, Self::Program];

    /// Heading of the group.
    pub fn title(self) -> &'static str {
        match self {
            Self::Judge => "Judge",
            Self::Read => "Read",
            Self::Move => "Move",
            Self::Program => "Program",
        }
    }
}

/// One command.
pub struct Command {
    /// Stable name.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// Group of the cheat sheet.
    pub group: Group,
    /// Where its keys work.
    pub scope: Scope,
    /// Its keys, the usual one first.
    pub keys: &'static [Shortcut],
    /// Whether its keys work while typing text.
    pub in_text: bool,
    /// Whether holding its key repeats it.
    pub repeats: bool,
    /// What it asks for now; `None` when it makes no sense now.
    pub action: fn(&AppState) -> Option<Action>,
}

impl Command {
    /// The keys in force: those that the person has chosen, else its own.
    pub fn keys_of(&self, settings: &Settings) -> Cow<'static, [Shortcut]> {
        match settings.keys.get(self.id) {
            Some(chosen) => chosen.iter().filter_map(|k| k.parse().ok()).collect(),
            None => Cow::Borrowed(self.keys),
        }
    }

    /// The first key in force as text, or nothing.
    pub fn key_text(&self, settings: &Settings) -> String {
        self.keys_of(settings)
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// The other command that this key means where both make sense.
    pub fn clash(&self, key: Shortcut, settings: &Settings) -> Option<&'static Self> {
        COMMANDS.iter().find(|other| {
            other.id != self.id
                && other.scope.meets(self.scope)
                && other.keys_of(settings).contains(&key)
        })
    }

    /// Whether the key could be given to this command: what works while typing must not be a letter, and Escape stays.
    pub fn may_have(&self, key: Shortcut) -> bool {
        let types =
            !key.ctrl && !key.alt && !matches!(key.key, Key::F(_) | Key::Enter | Key::Escape);
        !(self.in_text && types) && (key.key != Key::Escape || self.id == "close")
    }
}

const fn command(
    id: &'static str,
    title: &'static str,
    group: Group,
    scope: Scope,
    keys: &'static [Shortcut],
    action: fn(&AppState) -> Option<Action>,
) -> Command {
    Command {
        id,
        title,
        group,
        scope,
        keys,
        in_text: false,
        repeats: false,
        action,
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a step of building a constant"
)]
const fn in_text(command: Command) -> Command {
    Command {
        in_text: true,
        ..command
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a step of building a constant"
)]
const fn repeats(command: Command) -> Command {
    Command {
        repeats: true,
        ..command
    }
}

macro_rules! digit {
    ($id:literal, $n:literal, $title:literal) => {
        command(
            $id,
            $title,
            Group::Judge,
            Scope::Annotate,
            &[Shortcut::new(Key::Digit($n))],
            |s| s.labelling().then_some(Action::Digit($n)),
        )
    };
}

macro_rules! screen {
    ($id:literal, $n:literal, $screen:expr, $title:literal) => {
        in_text(command(
            $id,
            $title,
            Group::Program,
            Scope::Everywhere,
            &[Shortcut::ctrl(Key::Digit($n))],
            |_| Some(Action::Show($screen)),
        ))
    };
}

/// All commands.
pub static COMMANDS: &[Command] = &[
    digit!("digit-0", 0, "Level 0; comparing: neither valid"),
    digit!("digit-1", 1, "Level 1; comparing: left much better"),
    digit!("digit-2", 2, "Level 2; comparing: left better"),
    digit!("digit-3", 3, "Level 3; comparing: left slightly better"),
    digit!("digit-4", 4, "Level 4; comparing: the same"),
    digit!("digit-5", 5, "Level 5; comparing: right slightly better"),
    digit!("digit-6", 6, "Level 6; comparing: right better"),
    digit!("digit-7", 7, "Level 7; comparing: right much better"),
    digit!("digit-8", 8, "Level, card or tag 8"),
    digit!("digit-9", 9, "Level, card or tag 9"),
    command(
        "neither",
        "Neither valid",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('X'))],
        |s| s.labelling().then_some(Action::NeitherValid),
    ),
    command(
        "weaker-left",
        "Preference one step to the left",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Left)],
        |s| {
            (s.labelling() && s.focus() == Some(Field::Preference))
                .then_some(Action::MovePreference(-1))
        },
    ),
    command(
        "weaker-right",
        "Preference one step to the right",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Right)],
        |s| {
            (s.labelling() && s.focus() == Some(Field::Preference))
                .then_some(Action::MovePreference(1))
        },
    ),
    repeats(command(
        "next-field",
        "Next field; a card in hand moves down",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Down)],
        |s| {
            s.labelling().then_some(if s.ranking() {
                Action::MoveCard(1)
            } else {
                Action::NextField
            })
        },
    )),
    repeats(command(
        "previous-field",
        "Previous field; a card in hand moves up",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Up)],
        |s| {
            s.labelling().then_some(if s.ranking() {
                Action::MoveCard(-1)
            } else {
                Action::PreviousField
            })
        },
    )),
    in_text(repeats(command(
        "tab",
        "Next field, also from the reason",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Tab)],
        |s| (s.labelling() && !s.rewriting()).then_some(Action::NextField),
    ))),
    in_text(repeats(command(
        "shift-tab",
        "Previous field, also from the reason",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::shift(Key::Tab)],
        |s| (s.labelling() && !s.rewriting()).then_some(Action::PreviousField),
    ))),
    command(
        "tie-above",
        "Tie the card in hand with those above it",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Plus)],
        |s| (s.labelling() && s.focus() == Some(Field::Ranking)).then_some(Action::TieCard),
    ),
    command(
        "justify",
        "Write why",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('I'))],
        |s| s.labelling().then_some(Action::Focus(Field::Justification)),
    ),
    command(
        "clear-field",
        "Clear the focused field",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Backspace)],
        |s| s.labelling().then_some(Action::ClearField),
    ),
    command(
        "enter",
        "Commit, or go to the first missing field",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Enter)],
        |s| s.labelling().then_some(Action::CommitOrMissing),
    ),
    in_text(command(
        "commit",
        "Commit from anywhere",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::ctrl(Key::Enter)],
        |s| s.labelling().then_some(Action::CommitOrMissing),
    )),
    command(
        "undo",
        "Undo",
        Group::Judge,
        Scope::Everywhere,
        &[Shortcut::ctrl(Key::Letter('Z'))],
        |s| s.can_undo().then_some(Action::Undo),
    ),
    command(
        "redo",
        "Redo",
        Group::Judge,
        Scope::Everywhere,
        &[
            Shortcut::ctrl_shift(Key::Letter('Z')),
            Shortcut::ctrl(Key::Letter('Y')),
        ],
        |s| s.can_redo().then_some(Action::Redo),
    ),
    command(
        "flag",
        "Flag, or take the flag back",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('F'))],
        |s| s.labelling().then_some(Action::ToggleFlag),
    ),
    command(
        "flag-note",
        "Flag with a note…",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::shift(Key::Letter('F'))],
        |s| s.labelling().then_some(Action::Open(Overlay::FlagNote)),
    ),
    command(
        "later",
        "Later: back to the end of my queue",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('T'))],
        |s| s.labelling().then_some(Action::Later),
    ),
    command(
        "comment",
        "Comment…",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('C'))],
        |s| s.labelling().then_some(Action::Open(Overlay::Comment)),
    ),
    command(
        "rewrite",
        "Rewrite the focused response",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('E'))],
        |s| s.labelling().then_some(Action::EditResponse(Some(s.side))),
    ),
    command(
        "mark",
        "Mark what is selected, then 1–9 for a tag",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('M'))],
        |s| s.labelling().then_some(Action::Mark),
    ),
    command(
        "skip",
        "Skip with a reason…",
        Group::Judge,
        Scope::Annotate,
        &[Shortcut::shift(Key::Letter('S'))],
        |s| s.labelling().then_some(Action::Open(Overlay::Skip)),
    ),
    command(
        "side-a",
        "Go to response A",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('A'))],
        |s| s.reading().then_some(Action::FocusSide(0)),
    ),
    command(
        "side-b",
        "Go to response B",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('B'))],
        |s| s.reading().then_some(Action::FocusSide(1)),
    ),
    command(
        "flip",
        "Show the other response",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('Q'))],
        |s| s.reading().then_some(Action::FlipSide),
    ),
    repeats(command(
        "down",
        "Scroll down",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('J'))],
        |s| s.reading().then_some(Action::Scroll(0.15)),
    )),
    repeats(command(
        "up",
        "Scroll up",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('K'))],
        |s| s.reading().then_some(Action::Scroll(-0.15)),
    )),
    repeats(command(
        "page-down",
        "Page down",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Space)],
        |s| s.reading().then_some(Action::Scroll(0.85)),
    )),
    repeats(command(
        "page-up",
        "Page up",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::shift(Key::Space)],
        |s| s.reading().then_some(Action::Scroll(-0.85)),
    )),
    command(
        "context",
        "Earlier turns and the whole prompt",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('P'))],
        |s| s.reading().then_some(Action::ToggleContext),
    ),
    command(
        "raw",
        "Rendered or raw text",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('V'))],
        |s| s.reading().then_some(Action::ToggleRaw),
    ),
    command(
        "wrap",
        "Wrap code",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('W'))],
        |s| s.reading().then_some(Action::ToggleWrap),
    ),
    command(
        "diff",
        "Differences: off, marks, only differences",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('D'))],
        |s| {
            (s.reading() && s.open_item().is_some_and(|o| o.shown.len() == 2))
                .then_some(Action::CycleDiff)
        },
    ),
    command(
        "lock",
        "Scroll both together",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('L'))],
        |s| s.reading().then_some(Action::ToggleLock),
    ),
    command(
        "invisible",
        "Write out invisible characters",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::shift(Key::Letter('V'))],
        |s| s.reading().then_some(Action::ToggleInvisible),
    ),
    in_text(command(
        "find",
        "Find in the item",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::ctrl(Key::Letter('F'))],
        |s| s.reading().then_some(Action::Find(true)),
    )),
    in_text(command(
        "find-next",
        "Next found",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::F(3))],
        |s| (s.reading() && s.find.is_some()).then_some(Action::FindNext(1)),
    )),
    in_text(command(
        "find-previous",
        "Found before",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::shift(Key::F(3))],
        |s| (s.reading() && s.find.is_some()).then_some(Action::FindNext(-1)),
    )),
    command(
        "guidelines",
        "Guidelines",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('G'))],
        |s| {
            s.reading()
                .then_some(Action::ToggleDrawer(Drawer::Guidelines))
        },
    ),
    command(
        "history",
        "History of this item",
        Group::Read,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('H'))],
        |s| s.reading().then_some(Action::ToggleDrawer(Drawer::History)),
    ),
    command(
        "reveal",
        "Show the item labelled last, with its scores",
        Group::Move,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('R'))],
        |s| (s.at_desk() && s.last_labelled.is_some()).then_some(Action::Reveal),
    ),
    command(
        "previous",
        "Previous item",
        Group::Move,
        Scope::Annotate,
        &[Shortcut::alt(Key::Left), Shortcut::new(Key::BracketLeft)],
        |s| s.at_desk().then_some(Action::Step(-1)),
    ),
    command(
        "next",
        "Next item",
        Group::Move,
        Scope::Annotate,
        &[Shortcut::alt(Key::Right), Shortcut::new(Key::BracketRight)],
        |s| s.at_desk().then_some(Action::Step(1)),
    ),
    command(
        "next-unlabelled",
        "Next unlabelled item",
        Group::Move,
        Scope::Annotate,
        &[Shortcut::new(Key::Letter('N'))],
        |s| s.has_items().then_some(Action::NextUnlabelled),
    ),
    repeats(command(
        "queue-down",
        "Next row",
        Group::Move,
        Scope::Queue,
        &[Shortcut::new(Key::Down), Shortcut::new(Key::Letter('J'))],
        |s| s.has_items().then_some(Action::QueueMove(1)),
    )),
    repeats(command(
        "queue-up",
        "Previous row",
        Group::Move,
        Scope::Queue,
        &[Shortcut::new(Key::Up), Shortcut::new(Key::Letter('K'))],
        |s| s.has_items().then_some(Action::QueueMove(-1)),
    )),
    in_text(command(
        "queue-open",
        "Open the row",
        Group::Move,
        Scope::Queue,
        &[Shortcut::new(Key::Enter)],
        |s| {
            // While typing into a panel, Enter is the panel's.
            let here = s.queue_position().filter(|_| s.overlay.is_none());
            here.map(Action::OpenPosition)
        },
    )),
    command(
        "search",
        "Search the list",
        Group::Move,
        Scope::Queue,
        &[Shortcut::new(Key::Slash)],
        |s| s.has_items().then_some(Action::QueueFocusSearch),
    ),
    screen!("show-annotate", 1, Screen::Annotate, "Annotate"),
    screen!("show-queue", 2, Screen::Queue, "Queue"),
    screen!("show-inspect", 3, Screen::Inspect, "Inspect"),
    screen!("show-agreement", 4, Screen::Agreement, "Agreement"),
    screen!("show-export", 5, Screen::Export, "Export"),
    screen!("show-models", 6, Screen::Models, "Models"),
    in_text(command(
        "settings",
        "Settings",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl(Key::Comma), Shortcut::ctrl(Key::Digit(7))],
        |_| Some(Action::Show(Screen::Settings)),
    )),
    in_text(command(
        "new-project",
        "Make a project…",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl(Key::Letter('N'))],
        |_| Some(Action::PickNewProject),
    )),
    in_text(command(
        "open-project",
        "Open a project…",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl(Key::Letter('O'))],
        |_| Some(Action::PickProject),
    )),
    in_text(command(
        "import",
        "Import data…",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl_shift(Key::Letter('O'))],
        |s| s.can_write().then_some(Action::PickImport),
    )),
    in_text(command(
        "next-panel",
        "Next panel",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::new(Key::F(6))],
        |_| Some(Action::CyclePanel(1)),
    )),
    in_text(command(
        "previous-panel",
        "Previous panel",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::shift(Key::F(6))],
        |_| Some(Action::CyclePanel(-1)),
    )),
    in_text(command(
        "focus-mode",
        "Only the item",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::new(Key::F(11))],
        |_| Some(Action::ToggleFocusMode),
    )),
    command(
        "tally",
        "My labels in numbers",
        Group::Program,
        Scope::Everywhere,
        &[],
        |s| s.project.is_some().then_some(Action::Open(Overlay::Tally)),
    ),
    command(
        "schema",
        "What is asked: schema and mode…",
        Group::Program,
        Scope::Everywhere,
        &[],
        |s| {
            s.project
                .is_some()
                .then_some(Action::ShowSettings(SettingsTab::Project))
        },
    ),
    command(
        "write-guidelines",
        "Write the guidelines…",
        Group::Program,
        Scope::Everywhere,
        &[],
        |s| {
            s.project
                .is_some()
                .then_some(Action::ShowSettings(SettingsTab::Guidelines))
        },
    ),
    command(
        "keys",
        "Change keys…",
        Group::Program,
        Scope::Everywhere,
        &[],
        |_| Some(Action::ShowSettings(SettingsTab::Keys)),
    ),
    command(
        "policy",
        "Score policy…",
        Group::Program,
        Scope::Everywhere,
        &[],
        |s| s.can_write().then_some(Action::Open(Overlay::Policy)),
    ),
    command(
        "import-report",
        "Report of the last import",
        Group::Program,
        Scope::Everywhere,
        &[],
        |s| {
            s.imported
                .is_some()
                .then_some(Action::Open(Overlay::ImportReport))
        },
    ),
    in_text(command(
        "palette",
        "Command palette",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl(Key::Letter('K'))],
        |_| Some(Action::Open(Overlay::Palette)),
    )),
    command(
        "cheat-sheet",
        "All keys",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::new(Key::Question), Shortcut::new(Key::F(1))],
        |_| Some(Action::Open(Overlay::CheatSheet)),
    ),
    in_text(command(
        "theme",
        "Light or dark",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl_shift(Key::Letter('L'))],
        |_| Some(Action::ToggleTheme),
    )),
    in_text(command(
        "zoom-in",
        "Larger",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl(Key::Plus)],
        |_| Some(Action::Zoom(1)),
    )),
    in_text(command(
        "zoom-out",
        "Smaller",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl(Key::Minus)],
        |_| Some(Action::Zoom(-1)),
    )),
    in_text(command(
        "zoom-reset",
        "Normal size",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::ctrl(Key::Digit(0))],
        |_| Some(Action::Zoom(0)),
    )),
    in_text(command(
        "close",
        "Leave the text, close the panel, or back one step",
        Group::Program,
        Scope::Everywhere,
        &[Shortcut::new(Key::Escape)],
        |_| Some(Action::Back),
    )),
];

/// The command of that id.
pub fn find(id: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|c| c.id == id)
}
