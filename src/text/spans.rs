//! Where text as it is shown stands in its Markdown source, and the other way round: what is marked while reading is kept by its place in
//! the source, which no view changes.

use std::ops::Range;

use super::markdown;

/// All that Markdown shows of a text, in order, and where in the source it comes from. Blocks are parted by a character that no text has.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    text: String,
    pieces: Vec<Piece>,
}

/// One stretch of shown text.
#[derive(Debug)]
struct Piece {
    shown: Range<usize>,
    source: Range<usize>,
    /// Whether it is written in the source as it is shown; otherwise (an entity, a line break) it stands for all of `source`.
    exact: bool,
}

impl Spoken {
    /// Takes `text`, which comes from `range` of the source.
    pub(super) fn say(&mut self, source: &str, text: &str, range: &Range<usize>) {
        let start = self.text.len();
        self.text.push_str(text);
        let written = source.get(range.clone()).unwrap_or_default();
        // A line break within code is shown as a space.
        let at = written
            .find(text)
            .or_else(|| written.replace(['\n', '\r'], " ").find(text));
        let within = at.map(|at| range.start + at);
        self.pieces.push(Piece {
            shown: start..self.text.len(),
            source: within.map_or_else(|| range.clone(), |at| at..at + text.len()),
            exact: within.is_some(),
        });
    }

    /// What follows belongs to another block.
    pub(super) fn part(&mut self) {
        self.text.push('\0');
    }
}

/// Where `part` stands in `text`, also where two places overlap.
pub fn occurrences<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = usize> + 'a {
    let step = part.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    std::iter::from_fn(move || {
        let at = from + text.get(from..).filter(|_| !part.is_empty())?.find(part)?;
        from = at + step;
        Some(at)
    })
}

/// Where in the source, in bytes, that stands which is shown as `part`, the one of that number (from 0) among equal ones. `None` where no
/// text of the source is shown so.
pub fn in_source(source: &str, part: &str, number: usize) -> Option<Range<usize>> {
    let spoken = markdown::spoken(source);
    let start = occurrences(&spoken.text, part).nth(number)?;
    let end = start + part.len();
    let at = |byte: usize| {
        let after = spoken.pieces.partition_point(|p| p.shown.end <= byte);
        spoken.pieces.get(after).filter(|p| p.shown.start <= byte)
    };
    let first = at(start)?;
    let from = if first.exact {
        first.source.start + (start - first.shown.start)
    } else {
        first.source.start
    };
    let last = at(end - 1)?;
    let to = if last.exact {
        last.source.start + (end - last.shown.start)
    } else {
        last.source.end
    };
    (from < to && source.get(from..to).is_some()).then_some(from..to)
}

/// What is shown of a place in the source, and its number (from 0) among equal texts. `None` where nothing of it is shown.
pub fn as_shown(source: &str, place: &Range<usize>) -> Option<(String, usize)> {
    let spoken = markdown::spoken(source);
    let mut touched = spoken.pieces.iter().filter_map(|piece| {
        let from = piece.source.start.max(place.start);
        let to = piece.source.end.min(place.end);
        if from >= to {
            return None;
        }
        if !piece.exact {
            return Some(piece.shown.clone());
        }
        let shift = |byte: usize| piece.shown.start + (byte - piece.source.start);
        Some(shift(from)..shift(to))
    });
    let first = touched.next()?;
    let end = touched.next_back().map_or(first.end, |last| last.end);
    let part = spoken.text.get(first.start..end)?;
    let number = occurrences(&spoken.text, part).position(|at| at == first.start)?;
    Some((part.to_owned(), number))
}
