//! Selecting and marking in a document: what the pointer chooses, where that stands in the stored text, and where marks are shown.

use std::ops::Range;

use egui::{Galley, Pos2, Response, Ui};

use super::document::{Document, Line};
use super::layout;
use super::reading::{Part, Show};
use crate::app::state::Unmarkable;
use crate::domain::Span;
use crate::text::markdown::Joint;
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

    /// The text of one turn as it is shown, and where in it each part of a line stands, in bytes. What was cut to be laid out is whole again;
    /// blocks are parted by a character that no text has.
    fn text_of_turn(&self, turn: usize) -> (String, Vec<(usize, usize, Range<usize>)>) {
        let from = self.turns.get(turn).copied().unwrap_or(self.lines.len());
        let end = self
            .turns
            .get(turn + 1)
            .copied()
            .unwrap_or(self.lines.len());
        let (mut text, mut places) = (String::new(), vec![]);
        for line in from..end {
            let Line::Block(block) = &self.lines[line] else {
                text.push('\0');
                continue;
            };
            for (part, said) in layout::parts(block).into_iter().enumerate() {
                text.push_str(match block.joint {
                    Joint::Inline if part == 0 => "",
                    Joint::Line if part == 0 => "\n",
                    _ => "\0",
                });
                let start = text.len();
                text.push_str(&said);
                places.push((line, part, start..text.len()));
            }
        }
        (text, places)
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
        let (text, places) = self.text_of_turn(turn);
        let place = places.iter().find(|(l, p, _)| (l, p) == (line, part))?;
        let said = &text[place.2.clone()];
        let start = place.2.start + byte_of(said, characters.start);
        let end = place.2.start + byte_of(said, characters.end);
        let chosen = text.get(start..end).filter(|chosen| !chosen.is_empty())?;
        let equal = spans::occurrences(&text, chosen);
        let number = equal.take_while(|at| *at < start).count();
        let bytes = if show.key.2.raw {
            let from = spans::occurrences(content, chosen).nth(number)?;
            from..from + chosen.len()
        } else {
            spans::in_source(content, chosen, number)?
        };
        Span::of(turn, content, bytes)
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
            let Some((marked, number)) = shown.filter(|_| !show.key.2.invisible) else {
                continue;
            };
            let (text, parts) = self.text_of_turn(mark.span.turn);
            let Some(start) = spans::occurrences(&text, &marked).nth(number) else {
                continue;
            };
            let range = start..start + marked.len();
            // Where it was cut to be laid out, it is shown in several parts.
            for (line, part, place) in parts {
                let (from, until) = (range.start.max(place.start), range.end.min(place.end));
                if from < until {
                    let first = text[place.start..from].chars().count();
                    let count = text[from..until].chars().count();
                    places.push((line, part, first..first + count));
                }
            }
        }
        places.sort_by_key(|(line, part, characters)| (*line, *part, characters.start));
        let places = self.places(places);
        self.marked = (show.marks.to_vec(), places);
    }
}
