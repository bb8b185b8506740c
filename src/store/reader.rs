//! Reading a project: settings, events and what they amount to.

use std::ops::ControlFlow;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use serde::de::DeserializeOwned;

use super::{ProjectSettings, StoreError, log};
use crate::domain::{
    Draft, Event, EventBody, EventId, History, ItemId, Label, LabelSchema, Outcome, ResponseKey,
    ScorePolicy, View,
};

/// Columns of an event, as [`Reader::event_of`] wants them.
const EVENT: &str = "e.id, e.annotator, e.item, e.kind, e.payload, e.time, e.app_version";

/// Reads a project on a connection of its own: for one thread at a time, and as many of them as are needed. Every call sees the
/// project as it is at that moment.
pub struct Reader {
    pub(super) db: Connection,
    path: PathBuf,
}

impl Reader {
    pub(super) fn new(db: Connection, path: PathBuf) -> Self {
        Self { db, path }
    }

    /// The settings as they are now.
    pub fn settings(&self) -> Result<ProjectSettings, StoreError> {
        Ok(ProjectSettings {
            title: self.project_setting("project.title")?,
            schema: self.project_setting("project.schema")?,
            policy: self.project_setting("project.policy")?,
            seed: self.project_setting("project.seed")?,
            guidelines: self.project_setting("project.guidelines")?,
        })
    }

    fn project_setting<T: DeserializeOwned>(&self, key: &str) -> Result<T, StoreError> {
        let value = self
            .setting(key)?
            .ok_or_else(|| self.damaged(format!("the setting {key} is missing")))?;
        serde_json::from_value(value).map_err(|e| self.damaged(format!("the setting {key}: {e}")))
    }

    /// What [`super::Writer::set_setting`] kept under that key.
    pub fn setting(&self, key: &str) -> Result<Option<serde_json::Value>, StoreError> {
        self.one("SELECT value FROM meta WHERE key = ?1", [key], |r| {
            r.get::<_, String>(0)
        })?
        .map(|text| self.parse(&text, "meta"))
        .transpose()
    }

    /// The score policy in force: the one last set, else the one the project began with.
    pub fn policy(&self) -> Result<ScorePolicy, StoreError> {
        match self.policy_set()? {
            Some(policy) => Ok(policy),
            None => self.project_setting("project.policy"),
        }
    }

    fn policy_set(&self) -> Result<Option<ScorePolicy>, StoreError> {
        Ok(match self.last_set("policy")? {
            Some(EventBody::Policy { policy }) => Some(policy),
            _ => None,
        })
    }

    /// The label schema in force: the one last set, else the one the project began with.
    pub fn schema(&self) -> Result<LabelSchema, StoreError> {
        match self.last_set("schema")? {
            Some(EventBody::Schema { schema }) => Ok(*schema),
            _ => self.project_setting("project.schema"),
        }
    }

    /// The guidelines in force: those last set, else those the project began with; none where there are none.
    pub fn guidelines(&self) -> Result<Option<String>, StoreError> {
        let text = match self.last_set("guidelines")? {
            Some(EventBody::Guidelines { text }) => Some(text),
            _ => self.project_setting("project.guidelines")?,
        };
        Ok(text.filter(|text| !text.trim().is_empty()))
    }

    /// The last event of a kind that sets something for the whole project.
    fn last_set(&self, kind: &'static str) -> Result<Option<EventBody>, StoreError> {
        // Spelled out, so that SQLite finds the index that is there for it.
        let sql = format!(
            "SELECT e.payload FROM events e WHERE e.kind = '{kind}'
               AND NOT EXISTS (SELECT 1 FROM unread_events u WHERE u.event = e.id) ORDER BY e.id DESC LIMIT 1"
        );
        let payload = self.one(&sql, [], |r| r.get::<_, String>(0))?;
        Ok(payload.map(|text| log::body(kind, &text)))
    }

    /// The events about an item, oldest first; of all annotators or of one.
    pub fn events_of(
        &self,
        item: ItemId,
        annotator: Option<&str>,
    ) -> Result<Vec<Event>, StoreError> {
        let sql = format!(
            "SELECT {EVENT} FROM events e WHERE e.item = ?1 AND (?2 IS NULL OR e.annotator = ?2) ORDER BY e.id"
        );
        let events = self.rows(&sql, params![item.to_string(), annotator], |r| {
            Ok(self.event_of(r))
        })?;
        events.into_iter().collect()
    }

    /// The annotator's comments on an item that stand, oldest first.
    pub fn comments(&self, item: ItemId, annotator: &str) -> Result<Vec<String>, StoreError> {
        self.rows(
            "SELECT json_extract(payload, '$.text') FROM standing_events
             WHERE item = ?1 AND annotator = ?2 AND kind = 'comment' ORDER BY id",
            params![item.to_string(), annotator],
            |r| r.get(0),
        )
    }

    /// The current labels of one annotator, item by item.
    pub fn labels_by(&self, annotator: &str) -> Result<Vec<(ItemId, Label)>, StoreError> {
        let sql = format!(
            "SELECT {EVENT} FROM outcomes o JOIN events e ON e.id = o.event WHERE o.annotator = ?1 AND o.kind = 'label' ORDER BY e.id"
        );
        let events = self.rows(&sql, [annotator], |r| Ok(self.event_of(r)))?;
        let mut labels = vec![];
        for event in events {
            let event = event?;
            if let (Some(item), EventBody::Label(label)) = (event.item, event.body) {
                labels.push((item, *label));
            }
        }
        Ok(labels)
    }

    /// The event of that id.
    pub fn event(&self, id: EventId) -> Result<Option<Event>, StoreError> {
        self.one(
            &format!("SELECT {EVENT} FROM events e WHERE e.id = ?1"),
            [id.to_string()],
            |r| Ok(self.event_of(r)),
        )?
        .transpose()
    }

    /// Goes through the log in the order of ids, until told to stop.
    pub fn for_each_event(
        &self,
        mut each: impl FnMut(Event) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let mut statement = self
            .db
            .prepare_cached(&format!("SELECT {EVENT} FROM events e ORDER BY e.id"))
            .map_err(|e| self.sqlite(&e))?;
        let mut rows = statement.query([]).map_err(|e| self.sqlite(&e))?;
        while let Some(row) = rows.next().map_err(|e| self.sqlite(&e))? {
            if each(self.event_of(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What the annotator can undo and redo, also of what was done before a restart.
    pub fn history(&self, annotator: &str) -> Result<History, StoreError> {
        // For a history all deeds are alike, so their payloads (whole labels) are not read.
        let deeds = self.rows(
            "SELECT e.id, e.kind, e.target FROM events e WHERE e.annotator = ?1
               AND e.kind IN ('label', 'skip', 'later', 'comment', 'flag', 'unflag', 'undo', 'redo')
               AND NOT EXISTS (SELECT 1 FROM unread_events u WHERE u.event = e.id) ORDER BY e.id",
            [annotator],
            |r| {
                Ok((
                    r.get::<_, String>(0)?,
                    r.get::<_, String>(1)?,
                    r.get::<_, Option<String>>(2)?,
                ))
            },
        )?;
        let mut history = History::default();
        for (id, kind, target) in deeds {
            let target = || self.event_id(target.as_deref().unwrap_or_default());
            let body = match kind.as_str() {
                "undo" => EventBody::Undo { target: target()? },
                "redo" => EventBody::Redo { target: target()? },
                _ => EventBody::Unflag,
            };
            history.note(&Event {
                id: self.event_id(&id)?,
                annotator: String::new(),
                item: None,
                body,
                time: jiff::Timestamp::UNIX_EPOCH,
                app_version: String::new(),
            });
        }
        Ok(history)
    }

    /// What the annotator made of the item.
    pub fn outcome(&self, item: ItemId, annotator: &str) -> Result<Option<Outcome>, StoreError> {
        self.one(
            "SELECT e.kind, e.payload FROM outcomes o JOIN events e ON e.id = o.event WHERE o.annotator = ?2 AND o.item = ?1",
            params![item.to_string(), annotator],
            |r| Ok(outcome_of(&r.get::<_, String>(0)?, &r.get::<_, String>(1)?)),
        )
        .map(Option::flatten)
    }

    /// The note with which the annotator flagged the item.
    pub fn flag(&self, item: ItemId, annotator: &str) -> Result<Option<String>, StoreError> {
        self.one(
            "SELECT coalesce(json_extract(e.payload, '$.note'), '') FROM flags f JOIN events e ON e.id = f.event
             WHERE f.annotator = ?2 AND f.item = ?1",
            params![item.to_string(), annotator],
            |r| r.get(0),
        )
    }

    /// The current labels of an item: annotator, event, time, label; by annotator.
    pub fn labels(
        &self,
        item: ItemId,
    ) -> Result<Vec<(String, EventId, jiff::Timestamp, Label)>, StoreError> {
        let events = self.rows(
            &format!(
                "SELECT {EVENT} FROM outcomes o JOIN events e ON e.id = o.event
                 WHERE o.item = ?1 AND o.kind = 'label' ORDER BY o.annotator"
            ),
            [item.to_string()],
            |r| Ok(self.event_of(r)),
        )?;
        let mut labels = Vec::with_capacity(events.len());
        for event in events {
            let event = event?;
            if let EventBody::Label(label) = event.body {
                labels.push((event.annotator, event.id, event.time, *label));
            }
        }
        Ok(labels)
    }

    /// As [`Reader::labels`], but for an annotator who changed the label of a sealed project after its scores had been shown, the last
    /// one given before that: what a study may use.
    pub fn blind_labels(
        &self,
        item: ItemId,
    ) -> Result<Vec<(String, EventId, jiff::Timestamp, Label)>, StoreError> {
        let mut labels = self.labels(item)?;
        for (annotator, id, time, label) in &mut labels {
            if label.is_blind() {
                continue;
            }
            let standing = self.rows(
                &format!(
                    "SELECT {EVENT} FROM standing_events e WHERE e.item = ?1 AND e.annotator = ?2 AND e.kind = 'label' ORDER BY e.id DESC"
                ),
                params![item.to_string(), annotator.as_str()],
                |r| Ok(self.event_of(r)),
            )?;
            for event in standing {
                let event = event?;
                if let EventBody::Label(earlier) = event.body
                    && earlier.is_blind()
                {
                    (*id, *time, *label) = (event.id, event.time, *earlier);
                    break;
                }
            }
        }
        Ok(labels)
    }

    /// The annotators who have labelled or skipped something that still counts, by name.
    pub fn annotators(&self) -> Result<Vec<String>, StoreError> {
        // Hops from name to name in the index instead of reading every outcome.
        self.rows(
            "WITH RECURSIVE names(name) AS (
               SELECT min(annotator) FROM outcomes
               UNION ALL SELECT (SELECT min(annotator) FROM outcomes WHERE annotator > name) FROM names WHERE name IS NOT NULL
             ) SELECT name FROM names WHERE name IS NOT NULL",
            [],
            |r| r.get(0),
        )
    }

    /// What the whole log amounts to, from the SQL views.
    pub fn view(&self) -> Result<View, StoreError> {
        let snapshot = self
            .db
            .unchecked_transaction()
            .map_err(|e| self.sqlite(&e))?;
        let mut view = View {
            policy: self.policy_set()?,
            schema: match self.last_set("schema")? {
                Some(EventBody::Schema { schema }) => Some(*schema),
                _ => None,
            },
            guidelines: match self.last_set("guidelines")? {
                Some(EventBody::Guidelines { text }) => Some(text),
                _ => None,
            },
            ..View::default()
        };
        let text = |r: &Row<'_>, at| r.get::<_, String>(at);
        for (item, annotator, event, kind, payload) in self.rows(
            "SELECT item, annotator, event, kind, payload FROM current_labels",
            [],
            |r| {
                Ok((
                    text(r, 0)?,
                    text(r, 1)?,
                    text(r, 2)?,
                    text(r, 3)?,
                    text(r, 4)?,
                ))
            },
        )? {
            if let Some(outcome) = outcome_of(&kind, &payload) {
                view.outcomes.insert(
                    (self.item_id(&item)?, annotator),
                    (self.event_id(&event)?, outcome),
                );
            }
        }
        for (item, annotator, note) in
            self.rows("SELECT item, annotator, note FROM current_flags", [], |r| {
                Ok((text(r, 0)?, text(r, 1)?, text(r, 2)?))
            })?
        {
            view.flags.insert((self.item_id(&item)?, annotator), note);
        }
        snapshot.finish().map_err(|e| self.sqlite(&e))?;
        Ok(view)
    }

    /// When the annotator's draft of the item was kept last.
    pub fn draft_time(
        &self,
        item: ItemId,
        annotator: &str,
    ) -> Result<Option<jiff::Timestamp>, StoreError> {
        let text = self.one(
            "SELECT time FROM drafts WHERE annotator = ?2 AND item = ?1",
            params![item.to_string(), annotator],
            |r| r.get::<_, String>(0),
        )?;
        // A time that cannot be read is an old one.
        Ok(text.and_then(|time| time.parse().ok()))
    }

    /// The annotator's draft of the item.
    pub fn draft(&self, item: ItemId, annotator: &str) -> Result<Option<Draft>, StoreError> {
        self.one(
            "SELECT draft FROM drafts WHERE annotator = ?2 AND item = ?1",
            params![item.to_string(), annotator],
            |r| r.get::<_, String>(0),
        )?
        .map(|text| self.parse(&text, "drafts"))
        .transpose()
    }

    pub(super) fn integrity(&self) -> Result<Vec<String>, StoreError> {
        let mut wrong = self.rows("PRAGMA integrity_check(100)", [], |r| r.get::<_, String>(0))?;
        wrong.retain(|line| line != "ok");
        if !wrong.is_empty() {
            // What else is wrong cannot be told from what is damaged.
            return Ok(wrong);
        }
        let strays = self.rows(
            "SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1
             UNION ALL SELECT 'ids', count(*) FROM items i LEFT JOIN ids k ON k.id = unhex(i.id)
               WHERE k.position IS NOT i.position HAVING count(*) > 0
             UNION ALL SELECT 'ids', count(*) FROM ids k LEFT JOIN all_items i ON i.position = k.position
               WHERE unhex(i.id) IS NOT k.id HAVING count(*) > 0",
            [],
            |r| Ok((r.get::<_, String>(0)?, r.get::<_, i64>(1)?)),
        )?;
        for (table, count) in strays {
            wrong.push(format!(
                "table {table}: {count} rows do not belong to what they name"
            ));
        }
        let differing = self.rows(
            "SELECT count(*) FROM (
               SELECT * FROM (SELECT annotator, item, event, kind FROM outcomes EXCEPT SELECT annotator, item, event, kind FROM current_labels)
               UNION ALL SELECT * FROM (SELECT annotator, item, event, kind FROM current_labels EXCEPT SELECT annotator, item, event, kind FROM outcomes)
               UNION ALL SELECT * FROM (SELECT annotator, item, event, 'flag' FROM flags EXCEPT SELECT annotator, item, event, 'flag' FROM current_flags)
               UNION ALL SELECT * FROM (SELECT annotator, item, event, 'flag' FROM current_flags EXCEPT SELECT annotator, item, event, 'flag' FROM flags))",
            [],
            |r| r.get::<_, i64>(0),
        )?;
        if let Some(count) = differing.first().filter(|n| **n > 0) {
            wrong.push(format!(
                "{count} rows of the tables outcomes and flags do not follow from the events; rebuilding mends that"
            ));
        }
        Ok(wrong)
    }

    // What the other files of this room read with.

    pub(super) fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        (|| {
            let mut statement = self.db.prepare_cached(sql)?;
            let rows = statement.query_map(params, read)?;
            rows.collect::<rusqlite::Result<Vec<T>>>()
        })()
        .map_err(|e| self.sqlite(&e))
    }

    pub(super) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        (|| {
            self.db
                .prepare_cached(sql)?
                .query_row(params, read)
                .optional()
        })()
        .map_err(|e| self.sqlite(&e))
    }

    pub(super) fn sqlite(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::sqlite(&self.path, error)
    }

    pub(super) fn damaged(&self, reason: String) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            reason,
        }
    }

    pub(super) fn parse<T: DeserializeOwned>(
        &self,
        text: &str,
        table: &str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|e| self.damaged(format!("table {table}: {e}")))
    }

    pub(super) fn item_id(&self, text: &str) -> Result<ItemId, StoreError> {
        text.parse()
            .map_err(|e| self.damaged(format!("an item's id: {e}")))
    }

    pub(super) fn event_id(&self, text: &str) -> Result<EventId, StoreError> {
        text.parse()
            .map(EventId)
            .map_err(|e| self.damaged(format!("an event's id `{text}`: {e}")))
    }

    pub(super) fn key(&self, hash: &str, occurrence: u32) -> Result<ResponseKey, StoreError> {
        Ok(ResponseKey {
            hash: hash
                .parse()
                .map_err(|e| self.damaged(format!("a response's hash: {e}")))?,
            occurrence,
        })
    }

    /// Reads [`EVENT`]. A payload that cannot be read is [`EventBody::Unknown`]; an id or time that cannot be is damage.
    fn event_of(&self, row: &Row<'_>) -> Result<Event, StoreError> {
        let text = |at: usize| row.get::<_, String>(at).map_err(|e| self.sqlite(&e));
        let (id, item) = (
            text(0)?,
            row.get::<_, Option<String>>(2)
                .map_err(|e| self.sqlite(&e))?,
        );
        Ok(Event {
            id: self.event_id(&id)?,
            annotator: text(1)?,
            item: item.map(|i| self.item_id(&i)).transpose()?,
            body: log::body(&text(3)?, &text(4)?),
            time: text(5)?
                .parse()
                .map_err(|e| self.damaged(format!("the time of event {id}: {e}")))?,
            app_version: text(6)?,
        })
    }
}

fn outcome_of(kind: &str, payload: &str) -> Option<Outcome> {
    match log::body(kind, payload) {
        EventBody::Label(label) => Some(Outcome::Labelled(label)),
        EventBody::Skip { reason } => Some(Outcome::Skipped(reason)),
        EventBody::Later => Some(Outcome::Later),
        EventBody::Practice(label) => Some(Outcome::Practised(label)),
        _ => None,
    }
}
