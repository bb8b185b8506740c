//! Reading problems: characters that a person does not see, or sees as something else, and script that runs right to left.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// At most this many places of one character are kept; its count goes on.
pub const MOST_PLACES: usize = 100;

/// Why a character is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Oddity {
    /// Takes no room: zero-width spaces and joiners outside a script or emoji that needs them, byte order marks, soft hyphens.
    Invisible,
    /// Changes the direction of the text around it.
    Direction,
    /// A control character other than a tab or a line end.
    Control,
    /// U+FFFD: text that was broken before it came here.
    Replacement,
    /// Means only what one font or program takes it for.
    PrivateUse,
    /// Invisible letters (U+E0020 to U+E007F) outside a flag: text that a model reads and a person does not see.
    HiddenLetter,
}

/// One character found odd, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The character.
    pub character: char,
    /// Why it is odd.
    pub oddity: Oddity,
    /// Its Unicode name in small letters, or its kind, with its number: `zero width space (U+200B)`.
    pub name: String,
    /// How often it stands in the text.
    pub count: usize,
    /// The first [`MOST_PLACES`] places, in bytes from the start.
    pub places: Vec<usize>,
}

/// What makes a text hard to read as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Odd characters, in code point order.
    pub problems: Vec<Problem>,
    /// Whether a letter of a right-to-left script (Hebrew, Arabic, Syriac, ...) stands in it.
    pub right_to_left: bool,
}

impl Reading {
    /// How many odd characters stand in the text.
    pub fn count(&self) -> usize {
        self.problems.iter().map(|problem| problem.count).sum()
    }
}

/// Looks through a text.
pub fn reading(text: &str) -> Reading {
    let mut found: BTreeMap<char, Problem> = BTreeMap::new();
    let right_to_left = each_odd(text, |place, character, oddity, name| {
        let problem = found.entry(character).or_insert_with(|| Problem {
            character,
            oddity,
            name: format!("{name} (U+{:04X})", u32::from(character)),
            count: 0,
            places: Vec::new(),
        });
        problem.count += 1;
        if problem.places.len() < MOST_PLACES {
            problem.places.push(place);
        }
    });
    Reading {
        problems: found.into_values().collect(),
        right_to_left,
    }
}

/// The text with every odd character written out as its number, `\u{27E8}U+200B\u{27E9}`, and with tabs and the spaces that are no
/// plain ones made visible.
pub fn written_out(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 32);
    let mut odd = Vec::new();
    each_odd(text, |place, _, _, _| odd.push(place));
    let mut odd = odd.into_iter().peekable();
    for (place, character) in text.char_indices() {
        let is_odd = odd.next_if_eq(&place).is_some();
        match character {
            '\t' => written.push_str("\u{2192}\t"),
            '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' => {
                written_as_number(&mut written, character);
            }
            _ if is_odd => written_as_number(&mut written, character),
            plain => written.push(plain),
        }
    }
    written
}

fn written_as_number(text: &mut String, character: char) {
    // Writing to a string cannot fail.
    write!(text, "\u{27E8}U+{:04X}\u{27E9}", u32::from(character)).ok();
}

/// Tells of every odd character of a text: where it is, which, why, and its name. Gives whether a letter of a right-to-left
/// script stands in it.
fn each_odd(text: &str, mut tell: impl FnMut(usize, char, Oddity, &'static str)) -> bool {
    let mut right_to_left = false;
    let mut previous = None;
    let mut in_flag = false;
    let mut characters = text.char_indices().peekable();
    while let Some((place, character)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        right_to_left |= is_right_to_left(character);
        in_flag = character == '\u{1F3F4}' || (in_flag && is_tag(character));
        let needed = match character {
            '\r' => next == Some('\n'),
            // Joiners are part of emoji and of several scripts, never of ASCII text.
            '\u{200C}' | '\u{200D}' => joins(previous) && (joins(next) || character == '\u{200C}'),
            '\u{FEFF}' => place == 0,
            _ => in_flag,
        };
        if !needed && let Some((oddity, name)) = oddity(character) {
            tell(place, character, oddity, name);
        }
        previous = Some(character);
    }
    right_to_left
}

/// Whether a character is one that a font has to draw: not ASCII, no space, no part of another's shape.
pub fn drawn(character: char) -> bool {
    !character.is_ascii()
        && !character.is_whitespace()
        && !character.is_control()
        && oddity(character).is_none()
        && !matches!(character, '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}' | '\u{1F3FB}'..='\u{1F3FF}')
}

fn joins(character: Option<char>) -> bool {
    character.is_some_and(|c| !c.is_ascii() && oddity(c).is_none())
}

fn is_tag(character: char) -> bool {
    ('\u{E0020}'..='\u{E007F}').contains(&character)
}

fn oddity(character: char) -> Option<(Oddity, &'static str)> {
    let invisible = |name| Some((Oddity::Invisible, name));
    let direction = |name| Some((Oddity::Direction, name));
    match character {
        '\n' | '\t' => None,
        '\u{AD}' => invisible("soft hyphen"),
        '\u{34F}' => invisible("combining grapheme joiner"),
        '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' => invisible("hangul filler"),
        '\u{180E}' => invisible("mongolian vowel separator"),
        '\u{200B}' => invisible("zero width space"),
        '\u{200C}' => invisible("zero width non-joiner"),
        '\u{200D}' => invisible("zero width joiner"),
        '\u{2060}' => invisible("word joiner"),
        '\u{2061}'..='\u{2064}' => invisible("invisible operator"),
        '\u{FEFF}' => invisible("zero width no-break space"),
        '\u{61C}' => direction("arabic letter mark"),
        '\u{200E}' => direction("left-to-right mark"),
        '\u{200F}' => direction("right-to-left mark"),
        '\u{202A}' => direction("left-to-right embedding"),
        '\u{202B}' => direction("right-to-left embedding"),
        '\u{202C}' => direction("pop directional formatting"),
        '\u{202D}' => direction("left-to-right override"),
        '\u{202E}' => direction("right-to-left override"),
        '\u{2066}' => direction("left-to-right isolate"),
        '\u{2067}' => direction("right-to-left isolate"),
        '\u{2068}' => direction("first strong isolate"),
        '\u{2069}' => direction("pop directional isolate"),
        '\u{FFFC}' => Some((Oddity::Replacement, "object replacement character")),
        '\u{FFFD}' => Some((Oddity::Replacement, "replacement character")),
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}' => {
            Some((Oddity::PrivateUse, "private use character"))
        }
        '\u{E0000}'..='\u{E007F}' => Some((Oddity::HiddenLetter, "tag character")),
        '\r' => Some((Oddity::Control, "carriage return without a line feed")),
        '\0' => Some((Oddity::Control, "null")),
        '\u{1B}' => Some((Oddity::Control, "escape")),
        c if c.is_control() => Some((Oddity::Control, "control character")),
        _ => None,
    }
}

fn is_right_to_left(character: char) -> bool {
    // Blocks of right-to-left scripts; digits and marks among them do not turn a text by themselves but never stand alone.
    matches!(character,
        '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
        && character != '\u{61C}'
}
