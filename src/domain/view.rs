//! What the event log amounts to: current labels, skips, flags and policy, and what can be undone. Pure functions of the
//! *set* of events: neither the order in which they arrive nor how often changes the result.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, EventBody, EventId, ItemId, Label, LabelSchema, ScorePolicy};

/// What an annotator made of an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Labelled.
    Labelled(Box<Label>),
    /// Skipped, with the reason.
    Skipped(String),
    /// Put off until the end.
    Later,
    /// Labelled for practice: nothing that counts, and nothing left to do.
    Practised(Box<Label>),
}

/// The state of a project as its events tell it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct View {
    /// Outcome per item and annotator, with the event that made it.
    pub outcomes: BTreeMap<(ItemId, String), (EventId, Outcome)>,
    /// Note of the flag per flagged item and annotator.
    pub flags: BTreeMap<(ItemId, String), String>,
    /// The policy last set, if any was.
    pub policy: Option<ScorePolicy>,
    /// The schema last set, if any was.
    pub schema: Option<LabelSchema>,
    /// The guidelines last set, if any were.
    pub guidelines: Option<String>,
}

impl View {
    /// Folds events in any order; an event given twice counts once.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let events: BTreeMap<EventId, &Event> = events.into_iter().map(|e| (e.id, e)).collect();
        // The last undo or redo of an event decides; only its own annotator's count.
        let mut undone: BTreeSet<EventId> = BTreeSet::new();
        for event in events.values() {
            match event.body {
                EventBody::Undo { target } if owns(&events, event, target) => {
                    undone.insert(target);
                }
                EventBody::Redo { target } if owns(&events, event, target) => {
                    undone.remove(&target);
                }
                _ => {}
            }
        }
        let mut view = Self::default();
        for event in events.values().filter(|e| !undone.contains(&e.id)) {
            match &event.body {
                EventBody::Policy { policy } => view.policy = Some(*policy),
                EventBody::Schema { schema } => view.schema = Some(schema.as_ref().clone()),
                EventBody::Guidelines { text } => view.guidelines = Some(text.clone()),
                _ => {}
            }
            let Some(item) = event.item else { continue };
            let key = (item, event.annotator.clone());
            match &event.body {
                EventBody::Label(label) => {
                    view.outcomes
                        .insert(key, (event.id, Outcome::Labelled(label.clone())));
                }
                EventBody::Skip { reason } => {
                    view.outcomes
                        .insert(key, (event.id, Outcome::Skipped(reason.clone())));
                }
                EventBody::Later => {
                    view.outcomes.insert(key, (event.id, Outcome::Later));
                }
                EventBody::Practice(label) => {
                    view.outcomes
                        .insert(key, (event.id, Outcome::Practised(label.clone())));
                }
                EventBody::Flag { note } => {
                    view.flags.insert(key, note.clone());
                }
                EventBody::Unflag => {
                    view.flags.remove(&key);
                }
                _ => {}
            }
        }
        view
    }
}

fn owns(events: &BTreeMap<EventId, &Event>, by: &Event, target: EventId) -> bool {
    events
        .get(&target)
        .is_some_and(|t| t.annotator == by.annotator && t.body.undoable())
}

/// What one annotator can undo and redo, newest last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Events that count and can be undone.
    pub undo: Vec<EventId>,
    /// Undone events that can be redone; a new deed empties it.
    pub redo: Vec<EventId>,
}

impl History {
    /// Reads it from a log, so that it survives restarts.
    pub fn of<'a>(annotator: &str, events: impl IntoIterator<Item = &'a Event>) -> Self {
        let events: BTreeMap<EventId, &Event> = events.into_iter().map(|e| (e.id, e)).collect();
        let mut history = Self::default();
        for event in events.values().filter(|e| e.annotator == annotator) {
            history.note(event);
        }
        history
    }

    /// Takes note of an event that the annotator appended.
    pub fn note(&mut self, event: &Event) {
        match event.body {
            EventBody::Undo { target } => {
                if let Some(at) = self.undo.iter().rposition(|id| *id == target) {
                    self.undo.remove(at);
                    self.redo.push(target);
                }
            }
            EventBody::Redo { target } => {
                if let Some(at) = self.redo.iter().rposition(|id| *id == target) {
                    self.redo.remove(at);
                    self.undo.push(target);
                }
            }
            _ if event.body.undoable() => {
                self.undo.push(event.id);
                self.redo.clear();
            }
            _ => {}
        }
    }
}
