//! Where two texts differ, word by word.

use std::collections::HashMap;
use std::ops::Range;
use std::time::{Duration, Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

/// A run of words that the other text does not have there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Which of the parts the text is made of.
    pub part: usize,
    /// Its characters within that part.
    pub characters: Range<usize>,
}

/// Words in common that are fewer than this, between differences that are more, are no landmark: a lone `the` or comma.
const LANDMARK: usize = 3;

/// Where each of two texts has words that the other has not. A text is given in parts, such as the paragraphs of a reply. After `most` the
/// answer is rougher, never late (Myers 1986, by way of the crate `similar`).
pub fn differences(one: &[String], two: &[String], most: Duration) -> [Vec<Span>; 2] {
    let mut ids = HashMap::new();
    let [one, two] = [one, two].map(|parts| words(parts, &mut ids));
    let [left, right] = [&one, &two].map(|words| words.iter().map(|w| w.id).collect::<Vec<u32>>());
    let until = Some(Instant::now() + most);
    let ops = capture_diff_slices_deadline(Algorithm::Myers, &left, &right, until);
    // Whether each word is in a difference.
    let mut marked = [vec![false; left.len()], vec![false; right.len()]];
    for (at, op) in ops.iter().enumerate() {
        let (old, new) = (op.old_range(), op.new_range());
        let same = matches!(op, DiffOp::Equal { .. });
        let around = |op: Option<&DiffOp>| {
            op.filter(|o| !matches!(o, DiffOp::Equal { .. }))
                .map_or(0, |o| o.old_range().len().max(o.new_range().len()))
        };
        let between =
            around(at.checked_sub(1).and_then(|i| ops.get(i))).min(around(ops.get(at + 1)));
        if !same || (old.len() < LANDMARK && between > old.len()) {
            marked[0][old].fill(true);
            marked[1][new].fill(true);
        }
    }
    [(&one, &marked[0]), (&two, &marked[1])].map(|(words, marked)| spans(words, marked))
}

struct Word {
    part: usize,
    characters: Range<usize>,
    id: u32,
}

/// Words and single signs, without the space between them.
fn words<'a>(parts: &'a [String], ids: &mut HashMap<&'a str, u32>) -> Vec<Word> {
    let mut words = vec![];
    for (part, text) in parts.iter().enumerate() {
        let mut characters = text.char_indices().enumerate().peekable();
        while let Some((place, (from, c))) = characters.next() {
            if c.is_whitespace() {
                continue;
            }
            let (mut to, mut end) = (from + c.len_utf8(), place + 1);
            // Scripts without spaces are compared sign by sign.
            if c.is_alphanumeric() && !without_spaces(c) {
                while let Some((_, (next, c))) = characters.peek().copied() {
                    if !(c.is_alphanumeric() || c == '\'' || c == '\u{2019}') || without_spaces(c) {
                        break;
                    }
                    (to, end) = (next + c.len_utf8(), end + 1);
                    characters.next();
                }
            }
            let count = ids.len() as u32;
            let id = *ids.entry(&text[from..to]).or_insert(count);
            words.push(Word {
                part,
                characters: place..end,
                id,
            });
        }
    }
    words
}

/// Whether words of the character's script follow each other without a space: Chinese, Japanese, Thai and their neighbours.
fn without_spaces(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}'
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Runs of marked words, with the space within them.
fn spans(words: &[Word], marked: &[bool]) -> Vec<Span> {
    let mut spans: Vec<Span> = vec![];
    let mut open = false;
    for (word, marked) in words.iter().zip(marked) {
        match spans.last_mut() {
            Some(last) if open && *marked && last.part == word.part => {
                last.characters.end = word.characters.end;
            }
            _ if *marked => spans.push(Span {
                part: word.part,
                characters: word.characters.clone(),
            }),
            _ => {}
        }
        open = *marked;
    }
    spans
}

/// How a piece of a changed text relates to what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// In both.
    Kept,
    /// Only in the old one.
    Taken,
    /// Only in the new one.
    Added,
}

/// A changed text in one piece: what was kept, what was taken away and what was added, in the order of reading.
pub fn changes<'a>(old: &'a str, new: &'a str, most: Duration) -> Vec<(Change, &'a str)> {
    let (old, new) = (tokens(old), tokens(new));
    let until = Some(Instant::now() + most);
    let mut pieces = vec![];
    for op in capture_diff_slices_deadline(Algorithm::Myers, &old, &new, until) {
        if matches!(op, DiffOp::Equal { .. }) {
            pieces.extend(new[op.new_range()].iter().map(|t| (Change::Kept, *t)));
        } else {
            pieces.extend(old[op.old_range()].iter().map(|t| (Change::Taken, *t)));
            pieces.extend(new[op.new_range()].iter().map(|t| (Change::Added, *t)));
        }
    }
    pieces
}

/// Words, single signs, and the white space between them.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = vec![];
    let mut from = 0;
    let mut before = None;
    let kind = |c: char| {
        if c.is_alphanumeric() && !without_spaces(c) {
            1
        } else if c.is_whitespace() {
            2
        } else {
            0
        }
    };
    for (at, c) in text.char_indices() {
        let now = kind(c);
        if at > 0 && (now == 0 || before != Some(now)) {
            tokens.push(&text[from..at]);
            from = at;
        }
        before = Some(now);
    }
    if from < text.len() {
        tokens.push(&text[from..]);
    }
    tokens
}
