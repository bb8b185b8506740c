//! Selecting and marking in a document: what the pointer chooses, where that stands in the stored text, and where marks are shown.

use std::ops::Range;

use egui::{Galley, Pos2, Response, Ui};

use super::document::{Document, Line};
use super::layout;
use super::reading::{Part, Show};
use crate::app::state::Unmarkable;
use crate::domain::Span;
use crate::text::spans;

/// Characters of one part of one line.
pub(super) type Chosen = (usize, usize, Range<usize>);

/// Selected text: characters of one part of one line, in the order in which they were passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Selection {
    pub(super) line: usize,
    part: usize,
    from: usize,
    pub(super) to: usize,
}

/// What the pointer does to the selection.
pub(super) enum Selecting {
    /// It begins one.
    From(Selection),
    /// It goes on to this character.
    To(usize),
}

/// Where in `text` the character of that number begins, in bytes.
fn byte_of(text: &str, character: usize) -> usize {
    let mut starts = text.char_indices().map(|(at, _)| at);
    starts.nth(character).unwrap_or(text.len())
}

/// The word around a character, or that character alone.
fn word_at(text: &str, character: usize) -> Range<usize> {
    let chars: Vec<char> = text.chars().collect();
    let of_word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '\'' | '’');
    let at = character.min(chars.len().saturating_sub(1));
    if !chars.get(at).is_some_and(of_word) {
        return at..(at + 1).min(chars.len());
    }
    let before = chars[..at].iter().rev().take_while(|c| of_word(c)).count();
    let after = chars[at..].iter().take_while(|c| of_word(c)).count();
    at - before..at + after
}

/// What the pointer does to the selection in a text that stands at `pos`: pressing and dragging, a word on two clicks, all on three.
pub(super) fn selecting(
    ui: &Ui,
    response: &Response,
    galley: &Galley,
    pos: Pos2,
    (line, part): (usize, usize),
) -> Option<Selecting> {
    let pointer = response.interact_pointer_pos()?;
    let at = galley.cursor_from_pos(pointer - pos).index.0;
    let range = if response.triple_clicked() {
        0..galley.text().chars().count()
    } else if response.double_clicked() {
        word_at(galley.text(), at)
    } else if ui.input(|i| i.pointer.primary_pressed()) {
        at..at
    } else {
        return response.dragged().then_some(Selecting::To(at));
    };
    Some(Selecting::From(Selection {
        line,
        part,
        from: range.start,
        to: range.end,
    }))
}

impl Document {
    /// Takes what the pointer does in a line.
    pub(super) fn select(&mut self, selecting: Selecting, line: usize) {
        match (selecting, &mut self.selection) {
            (Selecting::From(chosen), selection) => *selection = Some(chosen),
            (Selecting::To(to), Some(selection)) if selection.line == line => selection.to = to,
            (Selecting::To(_), _) => {}
        }
    }

    /// Texts of the parts of one turn, with the line and the part.
    fn parts_of_turn(&self, turn: usize) -> impl Iterator<Item = (usize, usize, String)> {
        let end = self.turns.get(turn + 1).copied();
        let lines = self.turns.get(turn).copied().unwrap_or(self.lines.len())
            ..end.unwrap_or(self.lines.len());
        lines.flat_map(|line| {
            let parts = match &self.lines[line] {
                Line::Block(block) => layout::parts(block),
                Line::Speaker(_) => vec![],
            };
            let numbered = parts.into_iter().enumerate();
            numbered.map(move |(part, text)| (line, part, text))
        })
    }

    /// The place in the stored turns of what is selected here, or else of what was found and is looked at; nothing where neither is.
    pub(super) fn selected(&mut self, show: &Show<'_>) -> Option<Result<Span, Unmarkable>> {
        if !self.found.0.is_empty() {
            let place = show.here.and_then(|at| self.found.1.get(at));
            self.was_here = place.cloned();
        }
        let found = || {
            let place = self.was_here.as_ref()?;
            Some((place.line, place.part, place.characters.clone()))
        };
        let own = self.selection.filter(|s| s.from != s.to);
        let own = own.map(|s| (s.line, s.part, s.from.min(s.to)..s.from.max(s.to)));
        let chosen = own.or_else(found)?;
        if let Some((_, spot)) = self.spot.as_ref().filter(|(known, _)| *known == chosen) {
            return Some(spot.clone());
        }
        let spot = if show.key.2.invisible {
            Err(Unmarkable::WrittenOut)
        } else {
            self.spot_of(show, &chosen).ok_or(Unmarkable::NoPlace)
        };
        self.spot = Some((chosen, spot.clone()));
        Some(spot)
    }

    /// The place in the stored turns of characters that are shown.
    fn spot_of(&self, show: &Show<'_>, (line, part, characters): &Chosen) -> Option<Span> {
        let turn = self.turns.partition_point(|start| start <= line);
        let turn = turn.checked_sub(1)?;
        let content = &show.turns.get(turn)?.content;
        let text = self.text_of(*line, *part, characters)?;
        let mut number = 0;
        for (at_line, at_part, said) in self.parts_of_turn(turn) {
            let equal = spans::occurrences(&said, &text);
            if (at_line, at_part) != (*line, *part) {
                number += equal.count();
                continue;
            }
            let start = byte_of(&said, characters.start);
            number += equal.take_while(|at| *at < start).count();
            let bytes = if show.key.2.raw {
                let from = spans::occurrences(content, &text).nth(number)?;
                from..from + text.len()
            } else {
                spans::in_source(content, &text, number)?
            };
            return Span::of(turn, content, bytes);
        }
        None
    }

    fn text_of(&self, line: usize, part: usize, characters: &Range<usize>) -> Option<String> {
        let Line::Block(block) = self.lines.get(line)? else {
            return None;
        };
        let text = layout::parts(block).into_iter().nth(part)?;
        let taken = text.chars().skip(characters.start).take(characters.len());
        Some(taken.collect())
    }

    /// Takes what is marked, and finds where it is shown.
    pub(super) fn take_marks(&mut self, show: &Show<'_>) {
        if self.marked.0.as_slice() == show.marks {
            return;
        }
        if show.marks.len() > self.marked.0.len() {
            self.was_here = None;
        }
        let mut places = vec![];
        for mark in show.marks {
            if show.key.1 != Part::Response(mark.response) {
                continue;
            }
            let Some(turn) = show.turns.get(mark.span.turn) else {
                continue;
            };
            let [from, to] = mark.span.bytes;
            let shown = if show.key.2.raw {
                let mut equal = spans::occurrences(&turn.content, &mark.span.text);
                let number = equal.position(|at| at == from);
                number.map(|number| (mark.span.text.clone(), number))
            } else {
                spans::as_shown(&turn.content, &(from..to))
            };
            let Some((text, mut number)) = shown.filter(|_| !show.key.2.invisible) else {
                continue;
            };
            let parts = self.parts_of_turn(mark.span.turn);
            for (line, part, said) in parts {
                let starts: Vec<usize> = spans::occurrences(&said, &text).collect();
                if let Some(start) = starts.get(number) {
                    let first = said[..*start].chars().count();
                    places.push((line, part, first..first + text.chars().count()));
                    break;
                }
                number -= starts.len();
            }
        }
        places.sort_by_key(|(line, part, characters)| (*line, *part, characters.start));
        let places = self.places(places);
        self.marked = (show.marks.to_vec(), places);
    }
}
