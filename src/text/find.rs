//! Finds text as people look for it: upper and lower case are the same.

use std::ops::Range;

/// A character in the case in which characters are compared: one for one, so that places stay the same.
fn folded(c: char) -> char {
    if c.is_ascii() {
        c.to_ascii_lowercase()
    } else {
        c.to_lowercase().next().unwrap_or(c)
    }
}

/// Places of a text within another, as ranges of characters; they do not overlap.
pub fn find(needle: &str, text: &str) -> Vec<Range<usize>> {
    let needle: String = needle.chars().map(folded).collect();
    if needle.is_empty() {
        return vec![];
    }
    let length = needle.chars().count();
    let text: String = text.chars().map(folded).collect();
    let mut found = vec![];
    let (mut characters, mut bytes) = (0, 0);
    for (at, _) in text.match_indices(&needle) {
        characters += text[bytes..at].chars().count();
        bytes = at;
        found.push(characters..characters + length);
    }
    found
}
