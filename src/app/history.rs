//! What was done about an item, in words: who, what, when, and what it changed.

use crate::app::form::letter;
use crate::app::words::{asked, everywhere, history as words};
use crate::domain::{Event, EventBody, Judgment, LabelSchema, Preference, ResponseKey, SpanMark};
use crate::text::preview;

/// One deed of the history of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// The event.
    pub event: Event,
    /// What it was, in a few words.
    pub title: String,
    /// What it changed or says, line by line.
    pub lines: Vec<String>,
    /// Whether it was undone since.
    pub undone: bool,
}

/// The deeds of a log about one item, newest first. A label is told by what it changes of the same annotator's label before it; sides
/// are those on which the reader sees the responses now.
pub fn deeds(events: &[Event], schema: &LabelSchema, shown: &[ResponseKey]) -> Vec<Deed> {
    let mut deeds: Vec<Deed> = vec![];
    for event in events {
        let (title, lines) = match &event.body {
            EventBody::Label(label) => {
                let before = deeds.iter().rev().find_map(|d| match &d.event.body {
                    EventBody::Label(earlier) if d.event.annotator == event.annotator => {
                        Some(&earlier.judgment)
                    }
                    _ => None,
                });
                let again = before.is_some();
                let nothing = Judgment::default();
                let lines = changes(before.unwrap_or(&nothing), &label.judgment, schema, shown);
                let title = if again {
                    words::LABELLED_AGAIN
                } else {
                    words::LABELLED
                };
                (title.to_owned(), lines)
            }
            EventBody::Skip { reason } => (words::SKIPPED.to_owned(), vec![reason.clone()]),
            EventBody::Later => (words::PUT_OFF.to_owned(), vec![]),
            EventBody::Comment { text } => (words::COMMENTED.to_owned(), vec![text.clone()]),
            EventBody::Practice(_) => (words::PRACTISED.to_owned(), vec![]),
            EventBody::Reveal => (words::SCORES_SHOWN.to_owned(), vec![]),
            EventBody::Flag { note } if note.is_empty() => (words::FLAGGED.to_owned(), vec![]),
            EventBody::Flag { note } => (words::FLAGGED.to_owned(), vec![note.clone()]),
            EventBody::Unflag => (words::FLAG_TAKEN_BACK.to_owned(), vec![]),
            EventBody::Undo { target } | EventBody::Redo { target } => {
                let undo = matches!(event.body, EventBody::Undo { .. });
                let mut what = String::new();
                for deed in deeds.iter_mut().filter(|d| d.event.id == *target) {
                    deed.undone = undo;
                    what = deed.title.to_lowercase();
                }
                let title = if undo {
                    words::undone(&what)
                } else {
                    words::redone(&what)
                };
                (title, vec![])
            }
            EventBody::Policy { .. }
            | EventBody::Schema { .. }
            | EventBody::Guidelines { .. }
            | EventBody::Unknown { .. } => continue,
        };
        deeds.push(Deed {
            event: event.clone(),
            title,
            lines,
            undone: false,
        });
    }
    deeds.reverse();
    deeds
}

/// What one judgment says otherwise than another.
fn changes(
    before: &Judgment,
    after: &Judgment,
    schema: &LabelSchema,
    shown: &[ResponseKey],
) -> Vec<String> {
    let mut lines = vec![];
    let mut change = |what: &str, old: Option<String>, new: Option<String>| {
        if old != new {
            let new = new.unwrap_or_else(|| words::NOTHING.to_owned());
            lines.push(match old {
                Some(old) => format!("{what}: {old} \u{2192} {new}"),
                None => format!("{what}: {new}"),
            });
        }
    };
    for (side, key) in shown.iter().enumerate() {
        let level = |judgment: &Judgment, name: &str| {
            let value = judgment.ratings.get(*key, name)?;
            Some(format!("{value}"))
        };
        for attribute in &schema.attributes {
            let what = everywhere::attribute_of(&attribute.title, &letter(side));
            let levels = [before, after].map(|j| level(j, &attribute.name));
            let [old, new] = levels;
            change(&what, old, new);
        }
        let rewritten = |judgment: &Judgment| {
            let text = judgment.edits.get(key)?;
            Some(words::characters(text.chars().count()))
        };
        change(
            &words::rewrite_of(&letter(side)),
            rewritten(before),
            rewritten(after),
        );
    }
    change(
        asked::PREFERENCE,
        preferred(before, shown),
        preferred(after, shown),
    );
    change(asked::RANKING, ranked(before, shown), ranked(after, shown));
    let text = |t: &String| (!t.is_empty()).then(|| everywhere::quoted(t));
    change(
        asked::WHY,
        text(&before.justification),
        text(&after.justification),
    );
    let tags = |j: &Judgment| (!j.tags.is_empty()).then(|| j.tags.join(", "));
    change(asked::REASONS, tags(before), tags(after));
    let marked = |j: &Judgment| {
        let mark = |m: &SpanMark| {
            let side = shown.iter().position(|k| *k == m.response);
            let side = side.map_or_else(|| words::ANOTHER_RESPONSE.to_owned(), letter);
            let text = everywhere::quoted(&preview::first_line(&m.span.text, 40));
            match &m.tag {
                Some(tag) => format!("{side} {text} ({tag})"),
                None => format!("{side} {text}"),
            }
        };
        (!j.marks.is_empty()).then(|| j.marks.iter().map(mark).collect::<Vec<_>>().join(", "))
    };
    change(asked::MARKED, marked(before), marked(after));
    let sure = |j: &Judgment| j.confidence.map(words::sureness);
    change(asked::HOW_SURE, sure(before), sure(after));
    lines
}

fn preferred(judgment: &Judgment, shown: &[ResponseKey]) -> Option<String> {
    Some(preference_words(judgment.preference?, shown))
}

/// A preference in words, by the sides on which the reader sees the responses.
pub fn preference_words(preference: Preference, shown: &[ResponseKey]) -> String {
    match preference {
        Preference::Tie => words::TIE.to_owned(),
        Preference::NeitherValid => words::NEITHER_VALID.to_owned(),
        Preference::Better { response, strength } => {
            let side = shown.iter().position(|k| *k == response);
            let side = side.map_or_else(|| words::ANOTHER_RESPONSE.to_owned(), letter);
            match strength {
                Some(1) => asked::slightly_better(&side),
                Some(3) => asked::much_better(&side),
                _ => asked::better(&side),
            }
        }
    }
}

fn ranked(judgment: &Judgment, shown: &[ResponseKey]) -> Option<String> {
    if judgment.ranking.is_empty() {
        return None;
    }
    let group = |tied: &Vec<ResponseKey>| {
        let letters = tied.iter().map(|key| {
            shown
                .iter()
                .position(|k| k == key)
                .map_or_else(|| "?".to_owned(), letter)
        });
        letters.collect::<Vec<_>>().join(" = ")
    };
    let groups: Vec<String> = judgment.ranking.iter().map(group).collect();
    Some(groups.join(" > "))
}
