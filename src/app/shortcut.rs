//! Keys with their modifiers, named without the window library, as text and back.

/// A key, named without the window library. Letters are meant as typed, digits and brackets by their place on the keyboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A letter, upper case.
    Letter(char),
    /// A digit of the number row.
    Digit(u8),
    /// A function key.
    F(u8),
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Space bar.
    Space,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// The key left of `]` on an American keyboard.
    BracketLeft,
    /// The key right of `[`.
    BracketRight,
    /// The question mark, wherever it is typed.
    Question,
    /// The slash, wherever it is typed.
    Slash,
    /// Comma.
    Comma,
    /// Plus or equals.
    Plus,
    /// Minus.
    Minus,
}

/// A key with its modifiers. `ctrl` is Cmd on macOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shortcut {
    /// Control, or Cmd on macOS.
    pub ctrl: bool,
    /// Shift.
    pub shift: bool,
    /// Alt.
    pub alt: bool,
    /// The key.
    pub key: Key,
}

impl Shortcut {
    pub(super) const fn new(key: Key) -> Self {
        Self {
            ctrl: false,
            shift: false,
            alt: false,
            key,
        }
    }
    pub(super) const fn ctrl(key: Key) -> Self {
        Self {
            ctrl: true,
            ..Self::new(key)
        }
    }
    pub(super) const fn shift(key: Key) -> Self {
        Self {
            shift: true,
            ..Self::new(key)
        }
    }
    pub(super) const fn alt(key: Key) -> Self {
        Self {
            alt: true,
            ..Self::new(key)
        }
    }
    pub(super) const fn ctrl_shift(key: Key) -> Self {
        Self {
            shift: true,
            ..Self::ctrl(key)
        }
    }
}

impl std::fmt::Display for Shortcut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let main = if cfg!(target_os = "macos") {
            "Cmd "
        } else {
            "Ctrl "
        };
        for (held, name) in [
            (self.ctrl, main),
            (self.alt, "Alt "),
            (self.shift, "Shift "),
        ] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.key {
            Key::Letter(letter) => write!(f, "{letter}"),
            Key::Digit(digit) => write!(f, "{digit}"),
            Key::F(number) => write!(f, "F{number}"),
            Key::Enter => f.write_str("Enter"),
            Key::Escape => f.write_str("Esc"),
            Key::Tab => f.write_str("Tab"),
            Key::Backspace => f.write_str("Backspace"),
            Key::Space => f.write_str("Space"),
            Key::Up => f.write_str("Up"),
            Key::Down => f.write_str("Down"),
            Key::Left => f.write_str("Left"),
            Key::Right => f.write_str("Right"),
            Key::BracketLeft => f.write_str("["),
            Key::BracketRight => f.write_str("]"),
            Key::Question => f.write_str("?"),
            Key::Slash => f.write_str("/"),
            Key::Comma => f.write_str(","),
            Key::Plus if self.ctrl => f.write_str("+"),
            Key::Plus => f.write_str("="),
            Key::Minus => f.write_str("-"),
        }
    }
}

impl std::str::FromStr for Shortcut {
    type Err = ();

    /// The inverse of its text.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts: Vec<&str> = text.split(' ').collect();
        let name = parts.pop().ok_or(())?;
        let mut letters = name.chars();
        let key = match (name, letters.next(), letters.next()) {
            ("Enter", ..) => Key::Enter,
            ("Esc", ..) => Key::Escape,
            ("Tab", ..) => Key::Tab,
            ("Backspace", ..) => Key::Backspace,
            ("Space", ..) => Key::Space,
            ("Up", ..) => Key::Up,
            ("Down", ..) => Key::Down,
            ("Left", ..) => Key::Left,
            ("Right", ..) => Key::Right,
            ("[", ..) => Key::BracketLeft,
            ("]", ..) => Key::BracketRight,
            ("?", ..) => Key::Question,
            ("/", ..) => Key::Slash,
            (",", ..) => Key::Comma,
            ("+" | "=", ..) => Key::Plus,
            ("-", ..) => Key::Minus,
            (_, Some(digit), None) if digit.is_ascii_digit() => Key::Digit(digit as u8 - b'0'),
            (_, Some(letter), None) if letter.is_ascii_uppercase() => Key::Letter(letter),
            (_, Some('F'), Some(_)) => Key::F(name[1..].parse().map_err(drop)?),
            _ => return Err(()),
        };
        let mut shortcut = Self::new(key);
        for part in parts {
            match part {
                "Ctrl" | "Cmd" => shortcut.ctrl = true,
                "Alt" => shortcut.alt = true,
                "Shift" => shortcut.shift = true,
                _ => return Err(()),
            }
        }
        Ok(shortcut)
    }
}
