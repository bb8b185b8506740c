//! What belongs to an item when it is laid out: whether it is for practice, what was revealed of it, which of undo's steps is the later
//! one, where its reader was.

use super::{Desk, place_key};
use crate::app::state::Place;
use crate::domain::{Event, EventBody, ItemId, Outcome, ScorePolicy};
use crate::store::StoreError;

impl Desk {
    /// The items to practise on, where the schema asks for practice.
    pub(super) fn practice(&self) -> Result<Vec<(u64, bool)>, StoreError> {
        let Some(open) = &self.open else {
            return Ok(vec![]);
        };
        let most = open.reader.schema()?.practice;
        if most == 0 || open.writer.is_none() {
            return Ok(vec![]);
        }
        open.reader.practice_items(&self.annotator, most)
    }

    /// Records that what is sealed is shown now: from here on this annotator's answers about the item are not blind.
    pub(super) fn reveal(&self, item: ItemId) -> Result<bool, StoreError> {
        let Some(open) = &self.open else {
            return Ok(false);
        };
        let by = Some(self.annotator.as_str());
        let events = open.reader.events_of(item, by)?;
        if events.iter().any(|e| matches!(e.body, EventBody::Reveal)) {
            return Ok(true);
        }
        let committed = matches!(
            open.reader.outcome(item, &self.annotator)?,
            Some(Outcome::Labelled(_) | Outcome::Practised(_))
        );
        let sealed = open.reader.policy()? == ScorePolicy::Sealed;
        if let (true, true, Some(writer)) = (committed, sealed, &open.writer) {
            let event = Event::now(&self.annotator, Some(item), EventBody::Reveal);
            writer.append(std::slice::from_ref(&event))?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Whether the draft of an item was changed after the annotator's last deed.
    pub(super) fn draft_is_newer(&self, item: ItemId) -> Result<bool, StoreError> {
        let Some(open) = &self.open else {
            return Ok(false);
        };
        let last = match open.history.undo.last() {
            Some(last) => open.reader.event(*last)?.map(|e| e.time),
            None => None,
        };
        let changed = open.reader.draft_time(item, &self.annotator)?;
        Ok(match (changed, last) {
            (Some(changed), Some(last)) => changed > last,
            (Some(_), None) => true,
            (None, _) => false,
        })
    }

    /// Where the annotator was, unless that item was the last one done: then it goes on with the next.
    pub(super) fn place(&self) -> Result<Option<Place>, StoreError> {
        let Some(open) = &self.open else {
            return Ok(None);
        };
        let kept = open.reader.setting(&place_key(&self.annotator))?;
        // What another version has written is no reason to fail: one begins at the next item.
        let place: Option<Place> = kept.and_then(|value| serde_json::from_value(value).ok());
        let Some(place) = place else {
            return Ok(None);
        };
        let done = match open.reader.outcome(place.item, &self.annotator)? {
            Some(_) => {
                let last = self.last_position()?;
                let draft = open.reader.draft(place.item, &self.annotator)?;
                draft.is_none() && last == open.reader.position_of(place.item)?
            }
            None => false,
        };
        Ok(Some(place).filter(|_| !done))
    }
}
