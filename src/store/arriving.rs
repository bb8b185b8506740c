//! An import from its beginning to its end: what it brings is seen when it is finished, and goes again when it is given up, whether by a
//! person, an error or the power supply. `schema_v3.sql` explains the tables.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension as _, params};

/// Rows moved or removed between two looks at the clock.
const STEP: i64 = 100;

/// Where an import stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Rows come in.
    Filling,
    /// It is there, and its words about older items follow.
    Finishing,
    /// It is being removed.
    Leaving,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Filling => "filling",
            Self::Finishing => "finishing",
            Self::Leaving => "leaving",
        }
    }
}

/// The import that is under way, if there is one.
pub(super) fn state(db: &Connection) -> rusqlite::Result<Option<State>> {
    let name: Option<String> = db
        .query_row("SELECT state FROM arriving", [], |r| r.get(0))
        .optional()?;
    Ok(name.map(|name| match name.as_str() {
        "finishing" => State::Finishing,
        "leaving" => State::Leaving,
        _ => State::Filling,
    }))
}

/// Notes that what comes from here on is an import's.
pub(super) fn begin(db: &Connection) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO arriving (one, state, first_position, first_response, first_file)
         SELECT 1, 'filling', coalesce((SELECT max(position) FROM all_items), -1) + 1,
                coalesce((SELECT max(id) FROM responses), 0) + 1, coalesce((SELECT max(id) FROM files), 0) + 1",
        [],
    )?;
    Ok(())
}

/// Notes how it ends: from here on it is seen, or will be gone.
pub(super) fn set_state(db: &Connection, state: State) -> rusqlite::Result<()> {
    db.execute("UPDATE arriving SET state = ?1", [state.name()])?;
    Ok(())
}

/// Goes on with the end for a slice of time; whether it has come.
pub(super) fn go_on(db: &Connection, state: State, until: Instant) -> rusqlite::Result<bool> {
    loop {
        let left = match state {
            State::Finishing => move_some(db)?,
            State::Leaving | State::Filling => remove_some(db)?,
        };
        if !left {
            db.execute("DELETE FROM arriving", [])?;
            return Ok(true);
        }
        if Instant::now() > until {
            return Ok(false);
        }
    }
}

/// Moves some of what was said of older items to where it belongs.
fn move_some(db: &Connection) -> rusqlite::Result<bool> {
    let mut moved = 0;
    for (from, to, columns) in [
        (
            "arriving_sources",
            "sources",
            "item, file, row, content, id, \"order\", models, extra",
        ),
        (
            "arriving_labels",
            "reference_labels",
            "item, content, file, row, place, role, annotator, time, judgment, extra",
        ),
    ] {
        let first = format!("(SELECT rowid FROM {from} ORDER BY rowid LIMIT {STEP})");
        db.prepare_cached(&format!(
            "INSERT OR IGNORE INTO {to} ({columns}) SELECT {columns} FROM {from} WHERE rowid IN {first}"
        ))?
        .execute([])?;
        moved += db
            .prepare_cached(&format!("DELETE FROM {from} WHERE rowid IN {first}"))?
            .execute([])?;
    }
    Ok(moved > 0)
}

/// Removes some of what came, the last first, so that positions keep having no gaps.
fn remove_some(db: &Connection) -> rusqlite::Result<bool> {
    let (first, first_response, first_file): (i64, i64, i64) = db.query_row(
        "SELECT first_position, first_response, first_file FROM arriving",
        [],
        |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?)),
    )?;
    let last: Option<i64> =
        db.query_row("SELECT max(position) FROM all_items", [], |r| r.get(0))?;
    let Some(last) = last.filter(|last| *last >= first) else {
        for table in ["arriving_sources", "arriving_labels"] {
            db.execute(&format!("DELETE FROM {table}"), [])?;
        }
        db.execute("DELETE FROM files WHERE id >= ?1", [first_file])?;
        return Ok(false);
    };
    let from = first.max(last - STEP + 1);
    let response: i64 = db.query_row(
        "SELECT min(first_response) FROM all_items WHERE position >= ?1",
        [from],
        |r| r.get(0),
    )?;
    db.prepare_cached(
        "DELETE FROM ids WHERE position >= ?1 AND id IN (SELECT unhex(id) FROM all_items WHERE position >= ?1)",
    )?
    .execute([from])?;
    for table in ["reference_labels", "sources", "contexts", "signatures"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE item >= ?1"))?
            .execute([from])?;
    }
    db.prepare_cached("DELETE FROM responses WHERE id >= ?1")?
        .execute(params![response.max(first_response)])?;
    db.prepare_cached("DELETE FROM all_items WHERE position >= ?1")?
        .execute([from])?;
    Ok(true)
}
