//! The event log: appending to it, and keeping the tables that follow from it (`outcomes`, `flags`, `unread_events`) in step.
//!
//! `meta.derived` is the last `seq` those tables know of. It moves in the transaction of the append, so it lags behind only when
//! something else wrote events; opening for writing then catches up.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::domain::{Event, EventBody};

/// Appends events that are not there yet and brings the derived tables up to date, within a transaction of the caller.
pub(super) fn append(db: &Connection, events: &[Event]) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT INTO events (id, annotator, item, kind, payload, time, app_version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
    )?;
    for event in events {
        insert.execute(params![
            event.id.to_string(),
            event.annotator,
            event.item.map(|i| i.to_string()),
            event.body.kind(),
            event.body.payload().to_string(),
            event.time.to_string(),
            event.app_version,
        ])?;
    }
    catch_up(db)
}

/// Whether the event reads back as it is. A payload that JSON cannot carry (a score that is not a number) would not.
pub(super) fn storable(event: &Event) -> bool {
    matches!(event.body, EventBody::Unknown { .. })
        || EventBody::parse(event.body.kind(), event.body.payload()) == event.body
}

fn familiar(kind: &str) -> bool {
    matches!(
        kind,
        "label"
            | "skip"
            | "later"
            | "comment"
            | "practice"
            | "reveal"
            | "flag"
            | "unflag"
            | "undo"
            | "redo"
            | "policy"
            | "schema"
            | "guidelines"
    )
}

/// The body of a stored event. A payload that is no JSON is kept as text in an `Unknown`.
pub(super) fn body(kind: &str, payload: &str) -> EventBody {
    match serde_json::from_str(payload) {
        Ok(value) => EventBody::parse(kind, value),
        Err(_) => EventBody::Unknown {
            kind: kind.to_owned(),
            payload: serde_json::Value::String(payload.to_owned()),
        },
    }
}

/// Brings the derived tables up to the last event.
pub(super) fn catch_up(db: &Connection) -> rusqlite::Result<()> {
    let known = derived(db)?;
    let last = last(db)?;
    if last == known {
        return Ok(());
    }
    // Whose view of which item may have changed. Undo and redo may arrive before their target does, when files are merged.
    let mut touched: BTreeSet<(String, String)> = BTreeSet::new();
    {
        let mut new = db.prepare_cached(
            "SELECT e.id, e.annotator, e.kind, e.payload, coalesce(t.item, e.item) FROM events e
             LEFT JOIN events t ON t.id = e.target WHERE e.seq > ?1",
        )?;
        let mut rows = new.query([known])?;
        let mut mark = db.prepare_cached(
            "INSERT INTO unread_events (event) VALUES (?1) ON CONFLICT DO NOTHING",
        )?;
        while let Some(row) = rows.next()? {
            let (id, kind): (String, String) = (row.get(0)?, row.get(2)?);
            if familiar(&kind)
                && matches!(
                    body(&kind, row.get_ref(3)?.as_str().unwrap_or_default()),
                    EventBody::Unknown { .. }
                )
            {
                mark.execute([id])?;
                continue;
            }
            if let Some(item) = row.get::<_, Option<String>>(4)? {
                touched.insert((item, row.get(1)?));
            }
        }
    }
    for (item, annotator) in &touched {
        derive(db, item, annotator)?;
    }
    db.prepare_cached(
        "INSERT INTO meta (key, value) VALUES ('derived', ?1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?
    .execute([last.to_string()])?;
    Ok(())
}

/// Forgets the derived tables and makes them again from the log.
pub(super) fn rebuild(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "DELETE FROM outcomes; DELETE FROM flags; DELETE FROM unread_events; DELETE FROM meta WHERE key = 'derived';",
    )?;
    catch_up(db)
}

/// The last event that the derived tables know of.
pub(super) fn derived(db: &Connection) -> rusqlite::Result<i64> {
    Ok(db
        .prepare_cached("SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'derived'")?
        .query_row([], |r| r.get(0))
        .optional()?
        .unwrap_or(0))
}

/// The last event.
pub(super) fn last(db: &Connection) -> rusqlite::Result<i64> {
    db.prepare_cached("SELECT coalesce(max(seq), 0) FROM events")?
        .query_row([], |r| r.get(0))
}

/// What one annotator makes of one item: the last label, skip or later, and the last flag or unflag, that stand.
fn derive(db: &Connection, item: &str, annotator: &str) -> rusqlite::Result<()> {
    let standing = |sql: &str| {
        db.prepare_cached(sql)?
            .query_row(params![item, annotator], |r| {
                Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?))
            })
            .optional()
    };
    match standing(
        "SELECT id, kind FROM standing_events
         WHERE item = ?1 AND annotator = ?2 AND kind IN ('label', 'skip', 'later', 'practice') ORDER BY id DESC LIMIT 1",
    )? {
        Some((event, kind)) => db.prepare_cached(
            "INSERT INTO outcomes (annotator, item, event, kind) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (annotator, item) DO UPDATE SET event = excluded.event, kind = excluded.kind",
        )?
        .execute(params![annotator, item, event, kind])?,
        None => db
            .prepare_cached("DELETE FROM outcomes WHERE annotator = ?1 AND item = ?2")?
            .execute(params![annotator, item])?,
    };
    match standing(
        "SELECT id, kind FROM standing_events
         WHERE item = ?1 AND annotator = ?2 AND kind IN ('flag', 'unflag') ORDER BY id DESC LIMIT 1",
    )? {
        Some((event, kind)) if kind == "flag" => db.prepare_cached(
            "INSERT INTO flags (annotator, item, event) VALUES (?1, ?2, ?3)
             ON CONFLICT (annotator, item) DO UPDATE SET event = excluded.event",
        )?
        .execute(params![annotator, item, event])?,
        _ => db
            .prepare_cached("DELETE FROM flags WHERE annotator = ?1 AND item = ?2")?
            .execute(params![annotator, item])?,
    };
    Ok(())
}
